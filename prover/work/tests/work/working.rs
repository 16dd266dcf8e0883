//! Workers and planners: real proofs of the smallest circuit, and workers that fail, hang and lie.

use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, SystemTime};

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{World, smallest_shape};
use tapstone_prover::{ProveError, Prover, ProvingKey, Watch};
use tapstone_verifier::VerifyingKey;
use tapstone_work::{
    AfterFailure, ArtefactId, Artefacts, Collector, Completion, Failure, FailureKind, Folder, NewTask, Offer, Planner,
    PlannerError, ProofMaker, ReplayBundle, SqliteStore, Stop, Submitted, Tally, Task, TaskKey, TaskState, Terms, Turn,
    WorkError, WorkStore, Worker,
};
use tempfile::TempDir;

#[cfg(unix)]
use crate::disk::{SmallDisk, apart};

const LONG: Duration = Duration::from_secs(3600);
pub const TERMS: Terms = Terms { memory: 1 << 30, deadline: 2_000_000_000, max_attempts: 3 };

/// Making the key takes the most time, so it is made once.
pub fn prover() -> &'static Prover {
    static PROVER: OnceLock<Prover> = OnceLock::new();
    PROVER.get_or_init(|| Prover::new(ProvingKey::setup_insecure(&BatchCircuit::new(&smallest_shape())).unwrap()))
}

/// A chain of batches of one deposit each.
pub fn tasks(count: usize) -> Vec<Task> {
    let mut world = World::new(smallest_shape());
    (0..count).for_each(|_| _ = world.deposit_new(1, 1000));
    let done = world.ledger.execute_parts(&smallest_shape(), 0, &world.open).unwrap();
    let of = |(batch, (part, executed)): (usize, _)| {
        let executed: Executed = executed;
        Task::new(&smallest_shape(), 0, &world.open[batch..=batch], part, executed.statement())
    };
    done.into_iter().enumerate().map(of).collect()
}

/// A store, artefacts and a chain of tasks that were handed out.
struct Scene {
    temp: TempDir,
    store: SqliteStore,
    artefacts: Folder,
    submitted: Vec<Submitted>,
}

impl Scene {
    fn new(count: usize) -> Self {
        let temp = TempDir::new().unwrap();
        let store = SqliteStore::open(&temp.path().join("queue.sqlite")).unwrap();
        let artefacts = Folder::new(&temp.path().join("artefacts"));
        let mut scene = Self { temp, store, artefacts, submitted: Vec::new() };
        scene.submitted = scene.planner().submit(&tasks(count), TERMS).unwrap();
        scene
    }

    fn planner(&self) -> Planner<'_> {
        Planner::new(&self.store, &self.artefacts, prover().key().verifying()).with_poll(Duration::from_millis(10))
    }

    fn worker<'a>(&'a self, name: &str, maker: &'a dyn ProofMaker) -> Worker<'a> {
        Worker::new(name, &self.store, &self.artefacts, [maker], 1 << 30).unwrap()
    }

    fn state(&self, task: usize) -> TaskState {
        self.store.task(&self.submitted[task].key).unwrap().unwrap().state
    }

    /// Claims as somebody who does not run this program.
    fn take(&self, name: &str, lease: Duration) -> TaskKey {
        let vk_ids = [prover().key().verifying().id()];
        self.store.claim(&Offer { worker: name, vk_ids: &vk_ids, memory: 1 << 30, lease }).unwrap().unwrap().lease.key
    }
}

/// A worker's prover that does something else than proving.
struct Odd<F>(F);

impl<F: Fn(&dyn Watch) -> Result<String, ProveError> + Send + Sync> ProofMaker for Odd<F> {
    fn verifying_key(&self) -> &VerifyingKey {
        prover().key().verifying()
    }

    fn shape(&self) -> &Shape {
        prover().key().shape()
    }

    fn prove(&self, _: &Executed, watch: &dyn Watch) -> Result<String, ProveError> {
        (self.0)(watch)
    }
}

fn wait_to_be_stopped(watch: &dyn Watch) -> Result<String, ProveError> {
    while !watch.stopped() {
        thread::sleep(Duration::from_millis(5));
    }
    Err(ProveError::Stopped)
}

#[test]
fn two_workers_prove_a_chain_and_the_planner_has_it_in_order() {
    const BATCHES: usize = 4;
    let scene = Scene::new(BATCHES);
    let stop = Stop::new();
    thread::scope(|scope| {
        for name in ["a", "b"] {
            let (scene, stop) = (&scene, &stop);
            scope.spawn(move || {
                let store = scene.store.reopen().unwrap();
                let worker = Worker::new(name, &*store, &scene.artefacts, [prover() as &dyn ProofMaker], 1 << 30).unwrap();
                worker
                    .run(stop, Duration::from_millis(10), |turn| assert!(matches!(turn, Turn::Proven { .. }), "{turn:?}"))
                    .unwrap();
            });
        }
        let planner = scene.planner();
        for (task, number) in scene.submitted.iter().zip(1..) {
            let proven = planner.wait(task, &stop).unwrap();
            assert_eq!(
                (proven.verified().statement().batch_number, proven.verified().statement()),
                (number, &task.statement)
            );
        }
        stop.stop();
    });
    let status = scene.store.status().unwrap();
    assert_eq!((status.done, status.workers.iter().map(|worker| worker.completed).sum::<u64>()), (4, 4));
    // Submitted again, all of it is done already.
    assert_eq!(scene.planner().submit(&tasks(BATCHES), TERMS).unwrap(), scene.submitted);
    scene.planner().look(&scene.submitted[0]).unwrap().unwrap();
}

#[test]
fn hostile_workers_delay_but_never_corrupt() {
    let scene = Scene::new(3);
    let (planner, stop) = (scene.planner(), Stop::new());
    // One takes a task and is never heard of again.
    let first = scene.take("silent", Duration::from_millis(30));
    assert_eq!(first, scene.submitted[0].key);
    let honest = scene.worker("honest", prover());
    let Turn::Proven { key, .. } = honest.turn(&stop).unwrap() else { panic!("not proven") };
    assert_eq!(key, scene.submitted[1].key);
    let valid = scene.store.task(&key).unwrap().unwrap().result.unwrap();
    // Others hand in garbage, the proof of another task, an empty file, one that is too long, and nothing.
    let garbage = scene.artefacts.put(b"garbage").unwrap();
    let long = scene.artefacts.put(&vec![b' '; 1 << 17]).unwrap();
    let empty = scene.artefacts.put(b"").unwrap();
    let nothing = ArtefactId::of(b"never stored");
    for (name, result) in
        [("garbage", garbage), ("another's", valid), ("empty", empty), ("long", long), ("nothing", nothing)]
    {
        assert_eq!(scene.store.complete(&first, name, &result).unwrap(), Completion::First);
        assert!(planner.look(&scene.submitted[0]).unwrap().is_none(), "{name}");
        assert_eq!(scene.state(0), TaskState::Queued);
        assert!(matches!(scene.store.complete(&first, name, &result), Err(WorkError::Quarantined { .. })), "{name}");
    }
    for _ in 0..2 {
        assert!(matches!(honest.turn(&stop).unwrap(), Turn::Proven { completion: Completion::First, .. }));
    }
    for task in &scene.submitted {
        assert_eq!(planner.wait(task, &stop).unwrap().verified().statement(), &task.statement);
    }
    let confined = scene.store.status().unwrap().workers.into_iter().filter(|worker| worker.quarantine.is_some());
    assert_eq!(confined.map(|worker| worker.name).collect::<Vec<_>>(), ["another's", "empty", "garbage", "long", "nothing"]);
}

/// One hands in garbage for every task while they are being proven, and says of each that it fails whoever tries: the proofs of the other are taken, once.
#[test]
fn an_honest_proof_that_arrives_after_garbage_is_kept() {
    let scene = Scene::new(2);
    let (planner, stop) = (scene.planner(), Stop::new());
    let lie = || {
        let vk_ids = [prover().key().verifying().id()];
        let offer = Offer { worker: "liar", vk_ids: &vk_ids, memory: 1 << 30, lease: LONG };
        let failure = Failure { kind: FailureKind::Deterministic, message: "a lie".into() };
        while let Some(claim) = scene.store.claim(&offer).unwrap() {
            assert_eq!(scene.store.fail(&claim.lease, &failure).unwrap(), AfterFailure::Queued { attempts: 1 });
        }
    };
    lie();
    let garbage = scene.artefacts.put(b"garbage").unwrap();
    for task in &scene.submitted {
        scene.store.complete(&task.key, "liar", &garbage).unwrap();
    }
    assert!(scene.worker("honest", prover()).is_drained().unwrap());
    let proofs: Vec<Task> = tasks(2);
    for (task, made) in scene.submitted.iter().zip(&proofs) {
        let text = ProofMaker::prove(prover(), &made.execute().unwrap(), &()).unwrap();
        let proof = scene.artefacts.put(text.as_bytes()).unwrap();
        assert_eq!(scene.store.complete(&task.key, "honest", &proof).unwrap(), Completion::Duplicate);
        assert_eq!(planner.wait(task, &stop).unwrap().verified().statement(), &task.statement);
    }
    let status = scene.store.status().unwrap();
    assert_eq!((status.done, status.dead), (2, 0));
    let confined: Vec<_> = status.workers.iter().filter(|worker| worker.quarantine.is_some()).map(|w| &w.name).collect();
    assert_eq!(confined, ["liar"]);
}

#[test]
fn a_proof_that_does_not_verify_does_not_leave_its_worker() {
    let scene = Scene::new(1);
    let broken = Odd(|_: &dyn Watch| Ok("{}".to_owned()));
    let worker = scene.worker("broken", &broken);
    let turn = worker.turn(&Stop::new()).unwrap();
    assert!(matches!(turn, Turn::Failed { after: AfterFailure::Queued { attempts: 1 }, .. }), "{turn:?}");
    assert!(matches!(worker.turn(&Stop::new()), Err(WorkError::Quarantined { .. })));
}

#[test]
fn what_is_no_task_is_dead_when_nobody_else_tries_and_can_be_replayed() {
    let scene = Scene::new(0);
    let bundle = scene.artefacts.put(b"no task").unwrap();
    let vk_id = prover().key().verifying().id();
    let key = TaskKey::of(vk_id, bundle);
    let task = NewTask { key, vk_id, chain_id: 1, batch_number: 1, bundle, memory: 1, deadline: 1, max_attempts: 3 };
    scene.store.add(&[task]).unwrap();
    let replays = scene.temp.path().join("replays");
    let worker = scene.worker("a", prover()).with_replays(replays.clone());
    let turn = worker.turn(&Stop::new()).unwrap();
    assert!(matches!(turn, Turn::Failed { after: AfterFailure::Queued { attempts: 1 }, .. }), "{turn:?}");
    assert!(worker.is_drained().unwrap() && worker.turn(&Stop::new()).unwrap() == Turn::Idle);
    let replay = ReplayBundle::decode(&fs::read(replays.join(format!("{key}.replay"))).unwrap()).unwrap();
    assert_eq!((replay.vk_id, replay.task.as_slice()), (vk_id, &b"no task"[..]));
    assert!(replay.error.contains("tapstone-task/1"), "{}", replay.error);
    let submitted = Submitted { key, statement: *tasks(1)[0].statement() };
    let error = scene.planner().look(&submitted).unwrap_err();
    assert!(matches!(error, PlannerError::Dead { attempts: 1, .. }), "{error}");
    let letters = scene.store.tasks(TaskState::Dead, 10).unwrap();
    let said = letters[0].error.as_deref().unwrap();
    assert!(said.starts_with(&replay.error) && said.contains("worker a, and no other was heard of"), "{said}");
}

/// What failed is told all the same; a bundle that was cut short would be another task.
#[cfg(unix)]
#[test]
fn a_replay_that_the_disk_has_no_room_for_is_not_left_half_written() {
    apart("working::a_replay_that_the_disk_has_no_room_for_is_not_left_half_written", || {
        let scene = Scene::new(0);
        let bundle = scene.artefacts.put(&[0; 100_000]).unwrap();
        let vk_id = prover().key().verifying().id();
        let key = TaskKey::of(vk_id, bundle);
        let task = NewTask { key, vk_id, chain_id: 1, batch_number: 1, bundle, memory: 1, deadline: 1, max_attempts: 3 };
        scene.store.add(&[task]).unwrap();
        let replays = scene.temp.path().join("replays");
        let disk = SmallDisk::mount(&replays, 64);
        let turn = scene.worker("a", prover()).with_replays(replays).turn(&Stop::new()).unwrap();
        let Turn::Failed { message, .. } = turn else { panic!("{turn:?}") };
        assert!(message.contains("tapstone-task/1") && message.contains("No space left on device"), "{message}");
        assert_eq!(disk.files(), Vec::<std::path::PathBuf>::new());
    });
}

#[test]
fn a_bundle_that_is_missing_is_waited_for() {
    let scene = Scene::new(1);
    let bundle = scene.store.task(&scene.submitted[0].key).unwrap().unwrap().task.bundle;
    fs::remove_file(scene.artefacts.file(&bundle)).unwrap();
    let turn = scene.worker("a", prover()).turn(&Stop::new()).unwrap();
    assert!(matches!(turn, Turn::Failed { after: AfterFailure::Queued { attempts: 1 }, .. }), "{turn:?}");
}

#[test]
fn a_panic_is_a_failure_of_its_task() {
    let scene = Scene::new(1);
    let broken = Odd(|_: &dyn Watch| panic!("out of order"));
    let turn = scene.worker("a", &broken).turn(&Stop::new()).unwrap();
    assert!(
        matches!(&turn, Turn::Failed { message, after: AfterFailure::Queued { .. }, .. } if message.ends_with("out of order")),
        "{turn:?}"
    );
    // The next one's word ends it.
    let turn = scene.worker("b", &broken).turn(&Stop::new()).unwrap();
    assert!(matches!(&turn, Turn::Failed { after: AfterFailure::Dead, .. }), "{turn:?}");
}

#[test]
fn a_worker_that_is_stopped_gives_its_task_back() {
    let scene = Scene::new(1);
    let stop = Stop::new();
    stop.stop();
    let waiting = Odd(wait_to_be_stopped);
    assert_eq!(scene.worker("a", &waiting).turn(&stop).unwrap(), Turn::Released { key: scene.submitted[0].key });
    let record = scene.store.task(&scene.submitted[0].key).unwrap().unwrap();
    assert_eq!((record.state, record.attempts, record.lapses), (TaskState::Queued, 0, 0));
    assert!(matches!(scene.planner().wait(&scene.submitted[0], &stop), Err(PlannerError::Stopped)));
}

#[test]
fn a_busy_worker_is_not_taken_for_a_dead_one() {
    let scene = Scene::new(1);
    // Several times the lease, in one go.
    let slow = Odd(|_: &dyn Watch| {
        thread::sleep(Duration::from_millis(1500));
        Ok(String::new())
    });
    let other = scene.store.reopen().unwrap();
    thread::scope(|scope| {
        let worker =
            scope.spawn(|| scene.worker("slow", &slow).with_lease(Duration::from_millis(600)).turn(&Stop::new()).unwrap());
        let start = SystemTime::now();
        while scene.state(0) == TaskState::Queued {
            thread::sleep(Duration::from_millis(5));
        }
        while start.elapsed().unwrap() < Duration::from_millis(1200) {
            let vk_ids = [prover().key().verifying().id()];
            assert_eq!(other.claim(&Offer { worker: "b", vk_ids: &vk_ids, memory: u64::MAX, lease: LONG }).unwrap(), None);
            thread::sleep(Duration::from_millis(20));
        }
        worker.join().unwrap();
    });
    assert_eq!(scene.store.task(&scene.submitted[0].key).unwrap().unwrap().lapses, 0);
}

#[test]
fn a_worker_whose_lease_is_lost_lets_go() {
    let scene = Scene::new(1);
    let waiting = Odd(wait_to_be_stopped);
    thread::scope(|scope| {
        let worker =
            scope.spawn(|| scene.worker("a", &waiting).with_lease(Duration::from_millis(90)).turn(&Stop::new()).unwrap());
        while scene.state(0) == TaskState::Queued {
            thread::sleep(Duration::from_millis(5));
        }
        scene.store.quarantine("a", "a test").unwrap();
        assert_eq!(worker.join().unwrap(), Turn::Lost { key: scene.submitted[0].key });
    });
}

#[test]
fn proofs_are_verified_as_they_arrive_and_handed_out_in_any_order() {
    let scene = Scene::new(3);
    let (planner, stop) = (scene.planner(), Stop::new());
    let mut collector = Collector::new(&planner, &scene.submitted);
    assert_eq!(collector.look().unwrap(), Tally { queued: 3, ..Tally::default() });
    // The first task is with somebody who is never heard of again, the last one has garbage for a proof.
    scene.take("silent", LONG);
    let worker = scene.worker("honest", prover());
    assert!(matches!(worker.turn(&stop).unwrap(), Turn::Proven { .. }));
    let garbage = scene.artefacts.put(b"garbage").unwrap();
    scene.store.complete(&scene.submitted[2].key, "liar", &garbage).unwrap();
    assert_eq!(collector.look().unwrap(), Tally { queued: 1, leased: 1, done: 1, dead: 0 });
    assert!(scene.store.status().unwrap().workers.iter().any(|worker| worker.name == "liar" && worker.quarantine.is_some()));
    let arrival = collector.wait(1, &stop, |_| ()).unwrap();
    assert_eq!(arrival.proven.verified().statement(), &scene.submitted[1].statement);
    assert!(arrival.worker.as_deref() == Some("honest") && arrival.milliseconds.is_some());
    assert!(matches!(worker.turn(&stop).unwrap(), Turn::Proven { .. }));
    assert_eq!(collector.look().unwrap(), Tally { leased: 1, done: 2, ..Tally::default() });
    stop.stop();
    assert!(matches!(collector.wait(0, &stop, |_| ()), Err(PlannerError::Stopped)));
    // What is there is handed out all the same.
    assert_eq!(collector.wait(2, &stop, |_| ()).unwrap().proven.verified().statement(), &scene.submitted[2].statement);
}

#[test]
fn a_dead_task_is_told_of_before_its_turn() {
    let scene = Scene::new(2);
    let planner = scene.planner();
    let mut collector = Collector::new(&planner, &scene.submitted);
    scene.take("silent", LONG);
    let broken = Odd(|_: &dyn Watch| panic!("out of order"));
    for name in ["a", "b"] {
        scene.worker(name, &broken).turn(&Stop::new()).unwrap();
    }
    let error = collector.wait(0, &Stop::new(), |tally| assert_eq!((tally.leased, tally.dead), (1, 1))).unwrap_err();
    assert!(matches!(error, PlannerError::Dead { batch_number: 2, .. }), "{error}");
}

#[test]
fn a_proof_that_stops_though_nobody_asked_costs_an_attempt() {
    let scene = Scene::new(1);
    let odd = Odd(|_: &dyn Watch| Err(ProveError::Stopped));
    let turn = scene.worker("a", &odd).turn(&Stop::new()).unwrap();
    assert!(matches!(turn, Turn::Failed { after: AfterFailure::Queued { attempts: 1 }, .. }), "{turn:?}");
}

#[test]
fn a_worker_is_drained_when_no_task_is_left_that_it_could_do() {
    let scene = Scene::new(1);
    let worker = scene.worker("a", prover());
    assert!(!worker.is_drained().unwrap());
    let small = Worker::new("b", &scene.store, &scene.artefacts, [prover() as &dyn ProofMaker], 1 << 20).unwrap();
    assert!(small.is_drained().unwrap(), "the task needs more memory");
    scene.take("c", LONG);
    assert!(!worker.is_drained().unwrap(), "who has it may die");
    scene.store.complete(&scene.submitted[0].key, "c", &scene.artefacts.put(b"a proof").unwrap()).unwrap();
    assert!(worker.is_drained().unwrap());
}

#[test]
fn a_replay_does_what_a_worker_does() {
    let scene = Scene::new(1);
    let bundle = scene.store.task(&scene.submitted[0].key).unwrap().unwrap().task.bundle;
    let task = scene.artefacts.get(&bundle, 1 << 24).unwrap();
    let replay = ReplayBundle { vk_id: prover().key().verifying().id(), error: String::new(), task };
    assert!(replay.run(prover(), &()).unwrap().unwrap().contains("tapstone-proven/1"));
    let failure = ReplayBundle { task: b"no task".to_vec(), ..replay }.run(prover(), &()).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Deterministic);
}
