//! What every work store must do, one rule a function; a store passes all of them, each on a store that is empty.
//!
//! Leases are short and waits real, for the clock is the database's.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tapstone_verifier::VkId;
use tapstone_work::{
    Added, AfterFailure, ArtefactId, Claim, Completion, Effort, Failure, FailureKind, Lease, MOST_CLAIMS, NewTask, Offer,
    Rejection, TaskKey, TaskState, WorkError, WorkStore,
};

/// Makes a store that is empty.
pub type Make<'a> = &'a dyn Fn() -> Box<dyn WorkStore>;

/// A check of one rule; it panics where the store breaks it.
pub type Rule = fn(Make<'_>);

/// A lease that does not run out while a test runs.
const LONG: Duration = Duration::from_secs(3600);
/// One that does.
const SHORT: Duration = Duration::from_millis(30);
/// Longer than that, whatever the resolution of the database's clock.
const PAST_SHORT: Duration = Duration::from_millis(120);

/// Every rule, by name.
pub const RULES: [(&str, Rule); 29] = [
    ("adding twice is one task", adding_twice_is_one_task),
    ("the earliest deadline goes first", the_earliest_deadline_goes_first),
    ("only what fits the memory is claimed", only_what_fits_the_memory_is_claimed),
    ("only tasks of keys at hand are claimed", only_tasks_of_keys_at_hand_are_claimed),
    ("a leased task is not claimed", a_leased_task_is_not_claimed),
    ("claims at once take different tasks", claims_at_once_take_different_tasks),
    ("an old epoch is refused", an_old_epoch_is_refused),
    ("a worker may not use another one's lease", a_worker_may_not_use_anothers_lease),
    ("a heartbeat prolongs the lease", a_heartbeat_prolongs_the_lease),
    ("a heartbeat of a lapsed lease that nobody took is taken", a_late_heartbeat_that_nobody_took_is_taken),
    ("a dead worker costs no attempt", a_dead_worker_costs_no_attempt),
    ("a released task costs no attempt", a_released_task_costs_no_attempt),
    ("transient failures are bounded", transient_failures_are_bounded),
    ("a transient failure waits", a_transient_failure_waits),
    ("one worker's word makes no task dead", one_workers_word_makes_no_task_dead),
    ("a worker that used up its attempts leaves the task to others", attempts_of_one_worker_are_not_anothers),
    ("claims in vain are bounded", claims_in_vain_are_bounded),
    ("a planner buries what nobody else can try", a_planner_buries_what_nobody_else_can_try),
    ("completion is not fenced", completion_is_not_fenced),
    ("a duplicate counts once", a_duplicate_counts_once),
    ("what a proof took is kept with it", what_a_proof_took_is_kept_with_it),
    ("a bad proof confines its maker", a_bad_proof_confines_its_maker),
    ("quarantine takes and gives nothing", quarantine_takes_and_gives_nothing),
    ("a rejected proof is made again", a_rejected_proof_is_made_again),
    ("a proof that came after garbage is kept", a_proof_that_came_after_garbage_is_kept),
    ("garbage stops nobody", garbage_stops_nobody),
    ("dead letters are queued again", dead_letters_are_queued_again),
    ("tasks are found by their keys", tasks_are_found_by_their_keys),
    ("what is no task or worker is refused", what_is_no_task_or_worker_is_refused),
];

fn vk(byte: u8) -> VkId {
    VkId::from_bytes([byte; 32])
}

fn task(number: u64) -> NewTask {
    let bundle = ArtefactId::of(&number.to_le_bytes());
    NewTask {
        key: TaskKey::of(vk(1), bundle),
        vk_id: vk(1),
        chain_id: 7,
        batch_number: number,
        bundle,
        memory: 1000,
        deadline: 1_000_000 + number,
        max_attempts: 3,
    }
}

fn result(number: u64) -> ArtefactId {
    ArtefactId::of(&[&b"proof"[..], &number.to_le_bytes()].concat())
}

fn claim_for(store: &dyn WorkStore, worker: &str, lease: Duration) -> Option<Claim> {
    store.claim(&Offer { worker, vk_ids: &[vk(1)], memory: 1000, lease }).unwrap()
}

fn claim(store: &dyn WorkStore, worker: &str) -> Option<Claim> {
    claim_for(store, worker, LONG)
}

fn state(store: &dyn WorkStore, number: u64) -> TaskState {
    store.task(&task(number).key).unwrap().unwrap().state
}

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, message: "what happened".into() }
}

fn transient() -> Failure {
    failure(FailureKind::Transient { after: Duration::ZERO })
}

fn lost(outcome: Result<impl Sized, WorkError>) -> bool {
    matches!(outcome, Err(WorkError::LeaseLost { .. }))
}

fn adding_twice_is_one_task(make: Make<'_>) {
    let store = make();
    assert_eq!(
        store.add(&[task(1), task(2), task(1)]).unwrap(),
        [Added::New, Added::New, Added::Existed(TaskState::Queued)]
    );
    claim(&*store, "a").unwrap();
    assert_eq!(store.add(&[task(1)]).unwrap(), [Added::Existed(TaskState::Leased)]);
    assert_eq!(store.task(&task(1).key).unwrap().unwrap().task, task(1));
    let status = store.status().unwrap();
    assert_eq!((status.queued, status.leased), (1, 1));
    // All or none.
    let impossible = NewTask { memory: u64::MAX, ..task(4) };
    assert!(matches!(store.add(&[task(3), impossible]), Err(WorkError::Number { field: "memory", .. })));
    assert_eq!(store.task(&task(3).key).unwrap(), None);
}

fn the_earliest_deadline_goes_first(make: Make<'_>) {
    let store = make();
    let twin = NewTask { deadline: task(1).deadline, ..task(9) };
    store.add(&[task(3), task(1), twin, task(2)]).unwrap();
    let status = store.status().unwrap();
    assert_eq!(status.next_deadline, Some(task(1).deadline));
    assert!(status.slack.unwrap() < 0);
    // Of two with one deadline the one that was added first.
    let order: Vec<u64> = std::iter::from_fn(|| claim(&*store, "a")).map(|claim| claim.batch_number).collect();
    assert_eq!(order, [1, 9, 2, 3]);
}

fn only_what_fits_the_memory_is_claimed(make: Make<'_>) {
    let store = make();
    store.add(&[NewTask { memory: 1001, ..task(1) }, task(2)]).unwrap();
    assert_eq!(claim(&*store, "small").unwrap().batch_number, 2);
    assert_eq!(claim(&*store, "small"), None);
    let large = Offer { worker: "large", vk_ids: &[vk(1)], memory: u64::MAX, lease: LONG };
    assert_eq!(store.claim(&large).unwrap().unwrap().batch_number, 1);
}

fn only_tasks_of_keys_at_hand_are_claimed(make: Make<'_>) {
    let store = make();
    store.add(&[NewTask { vk_id: vk(2), ..task(1) }]).unwrap();
    assert_eq!(claim(&*store, "a"), None);
    let offer = |vk_ids| Offer { worker: "a", vk_ids, memory: 1000, lease: LONG };
    assert_eq!(store.claim(&offer(&[])).unwrap(), None);
    assert_eq!(store.claim(&offer(&[vk(3), vk(2)])).unwrap().unwrap().vk_id, vk(2));
}

fn a_leased_task_is_not_claimed(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let first = claim(&*store, "a").unwrap();
    assert_eq!((first.lease.key, first.bundle, first.lease.epoch), (task(1).key, task(1).bundle, 1));
    assert_eq!(claim(&*store, "b"), None);
    assert_eq!(store.status().unwrap().lapsed, 0);
}

fn claims_at_once_take_different_tasks(make: Make<'_>) {
    const WORKERS: u64 = 4;
    const EACH: u64 = 10;
    let store: Arc<dyn WorkStore> = make().into();
    store.add(&(0..WORKERS * EACH).map(task).collect::<Vec<_>>()).unwrap();
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let own = store.reopen().unwrap();
            thread::spawn(move || {
                let name = format!("worker {worker}");
                std::iter::from_fn(|| claim(&*own, &name)).map(|claim| claim.batch_number).collect::<Vec<_>>()
            })
        })
        .collect();
    let mut taken: Vec<u64> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
    taken.sort_unstable();
    assert_eq!(taken, (0..WORKERS * EACH).collect::<Vec<_>>());
}

fn an_old_epoch_is_refused(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let old = claim_for(&*store, "a", SHORT).unwrap().lease;
    thread::sleep(PAST_SHORT);
    // The same worker again: only the epoch tells the leases apart.
    let new = claim(&*store, "a").unwrap().lease;
    assert_eq!(new.epoch, old.epoch + 1);
    assert!(lost(store.heartbeat(&old, LONG)));
    assert!(lost(store.fail(&old, &transient())));
    assert!(lost(store.release(&old)));
    assert_eq!((state(&*store, 1), store.task(&task(1).key).unwrap().unwrap().attempts), (TaskState::Leased, 0));
    store.heartbeat(&new, LONG).unwrap();
    store.complete(&new.key, "a", &result(1)).unwrap();
    assert!(lost(store.heartbeat(&new, LONG)));
    assert!(lost(store.fail(&new, &failure(FailureKind::Deterministic))));
    assert_eq!(state(&*store, 1), TaskState::Done);
}

fn a_worker_may_not_use_anothers_lease(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let mut lease = claim(&*store, "a").unwrap().lease;
    lease.worker = "b".into();
    assert!(lost(store.heartbeat(&lease, LONG)));
    assert!(lost(store.fail(&lease, &failure(FailureKind::Deterministic))));
    assert!(lost(store.release(&lease)));
}

fn a_heartbeat_prolongs_the_lease(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim_for(&*store, "a", SHORT).unwrap().lease;
    store.reopen().unwrap().heartbeat(&lease, LONG).unwrap();
    thread::sleep(PAST_SHORT);
    assert_eq!(claim(&*store, "b"), None);
}

fn a_late_heartbeat_that_nobody_took_is_taken(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim_for(&*store, "a", SHORT).unwrap().lease;
    thread::sleep(PAST_SHORT);
    assert_eq!(store.status().unwrap().lapsed, 1);
    store.heartbeat(&lease, LONG).unwrap();
    assert_eq!(store.status().unwrap().lapsed, 0);
    assert_eq!(claim(&*store, "b"), None);
}

fn a_dead_worker_costs_no_attempt(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    for _ in 0..4 {
        claim_for(&*store, "a", SHORT).unwrap();
        thread::sleep(PAST_SHORT);
    }
    let last = claim(&*store, "b").unwrap();
    let record = store.task(&task(1).key).unwrap().unwrap();
    assert_eq!((last.attempts, record.attempts, record.lapses, record.epoch), (0, 0, 4, 5));
    assert_eq!(record.worker.as_deref(), Some("b"));
}

fn a_released_task_costs_no_attempt(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim(&*store, "a").unwrap().lease;
    store.release(&lease).unwrap();
    assert!(lost(store.release(&lease)));
    let again = claim(&*store, "b").unwrap();
    assert_eq!((again.attempts, again.lease.epoch), (0, 2));
    assert_eq!(store.task(&task(1).key).unwrap().unwrap().lapses, 0);
}

fn transient_failures_are_bounded(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    // Two workers use up their attempts: the second one ends it.
    for (worker, total) in [("a", 0), ("b", 3)] {
        for attempts in 1..=3 {
            let claim = claim(&*store, worker).unwrap();
            assert_eq!(claim.attempts, total + attempts - 1);
            let last = worker == "b" && attempts == 3;
            let after = if last { AfterFailure::Dead } else { AfterFailure::Queued { attempts: total + attempts } };
            assert_eq!(store.fail(&claim.lease, &transient()).unwrap(), after);
        }
        assert_eq!(claim(&*store, worker), None);
    }
    assert_eq!(claim(&*store, "c"), None);
    let record = store.tasks(TaskState::Dead, 10).unwrap().pop().unwrap();
    assert_eq!((record.attempts, record.error.as_deref()), (6, Some("what happened")));
}

fn attempts_of_one_worker_are_not_anothers(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    for _ in 0..3 {
        let lease = claim(&*store, "a").unwrap().lease;
        store.fail(&lease, &failure(FailureKind::Transient { after: Duration::ZERO })).unwrap();
    }
    let vk_ids = [vk(1)];
    let offer = |worker| Offer { worker, vk_ids: &vk_ids, memory: 1000, lease: LONG };
    assert_eq!((claim(&*store, "a"), state(&*store, 1)), (None, TaskState::Queued));
    assert!(!store.is_left(&offer("a")).unwrap() && store.is_left(&offer("b")).unwrap());
    // Nor is its pause.
    let lease = claim(&*store, "b").unwrap().lease;
    store.fail(&lease, &failure(FailureKind::Transient { after: LONG })).unwrap();
    assert_eq!(claim(&*store, "b"), None);
    store.complete(&claim(&*store, "c").unwrap().lease.key, "c", &result(1)).unwrap();
    assert!(!store.is_left(&offer("b")).unwrap());
}

fn claims_in_vain_are_bounded(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    for _ in 0..MOST_CLAIMS {
        store.release(&claim(&*store, "a").unwrap().lease).unwrap();
    }
    assert_eq!(claim(&*store, "a"), None);
    assert_eq!(claim(&*store, "b").unwrap().attempts, 0);
}

fn a_planner_buries_what_nobody_else_can_try(make: Make<'_>) {
    let store = make();
    let key = task(1).key;
    store.add(&[task(1), task(2)]).unwrap();
    assert!(!store.is_stranded(&key).unwrap(), "nobody failed");
    let lease = claim(&*store, "a").unwrap().lease;
    store.fail(&lease, &failure(FailureKind::Deterministic)).unwrap();
    assert!(store.is_stranded(&key).unwrap(), "nobody else is there");
    assert!(!store.is_stranded(&task(2).key).unwrap());
    store.release(&claim(&*store, "b").unwrap().lease).unwrap();
    assert!(!store.is_stranded(&key).unwrap(), "another worker was heard of");
    store.quarantine("b", "a test").unwrap();
    assert!(store.is_stranded(&key).unwrap(), "it is in quarantine");
    assert!(store.bury(&key, "the planner says so").unwrap());
    assert!(!store.bury(&key, "again").unwrap());
    let record = store.task(&key).unwrap().unwrap();
    assert_eq!((record.state, record.error.as_deref()), (TaskState::Dead, Some("the planner says so")));
    assert_eq!(claim(&*store, "c").unwrap().batch_number, 2);
}

fn a_transient_failure_waits(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim(&*store, "a").unwrap().lease;
    store.fail(&lease, &failure(FailureKind::Transient { after: LONG })).unwrap();
    assert_eq!(claim(&*store, "a"), None);
    assert_eq!(state(&*store, 1), TaskState::Queued);
}

fn one_workers_word_makes_no_task_dead(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim(&*store, "a").unwrap().lease;
    let certain = failure(FailureKind::Deterministic);
    assert_eq!(store.fail(&lease, &certain).unwrap(), AfterFailure::Queued { attempts: 1 });
    // It said that it cannot: it is not asked again.
    assert_eq!(claim(&*store, "a"), None);
    // Another one's failure of another kind confirms nothing.
    let lease = claim(&*store, "b").unwrap().lease;
    assert_eq!(store.fail(&lease, &transient()).unwrap(), AfterFailure::Queued { attempts: 2 });
    let lease = claim(&*store, "b").unwrap().lease;
    assert_eq!(store.fail(&lease, &certain).unwrap(), AfterFailure::Dead);
    assert_eq!(state(&*store, 1), TaskState::Dead);
    // A message of any length and any characters is taken.
    store.add(&[task(2)]).unwrap();
    let lease = claim(&*store, "a").unwrap().lease;
    let message = format!("a\0{}", "\u{e9}".repeat(5000));
    store.fail(&lease, &Failure { kind: FailureKind::Deterministic, message }).unwrap();
    let error = store.task(&task(2).key).unwrap().unwrap().error.unwrap();
    assert!(error.starts_with("a \u{e9}") && error.len() <= 4096, "{}", error.len());
}

/// Two workers say of the next task that it fails whoever tries.
fn kill(store: &dyn WorkStore) {
    for worker in ["a", "b"] {
        let lease = claim(store, worker).unwrap().lease;
        store.fail(&lease, &failure(FailureKind::Deterministic)).unwrap();
    }
}

fn completion_is_not_fenced(make: Make<'_>) {
    let store = make();
    store.add(&[task(1), task(2), task(3)]).unwrap();
    // By a worker whose lease ran out and was taken.
    claim_for(&*store, "a", SHORT).unwrap();
    thread::sleep(PAST_SHORT);
    assert_eq!(claim(&*store, "b").unwrap().batch_number, 1);
    assert_eq!(store.complete(&task(1).key, "a", &result(1)).unwrap(), Completion::First);
    // Of a task among the dead letters.
    kill(&*store);
    assert_eq!(store.complete(&task(2).key, "a", &result(2)).unwrap(), Completion::First);
    // Of one that nobody claimed.
    assert_eq!(store.complete(&task(3).key, "c", &result(3)).unwrap(), Completion::First);
    let done = store.tasks(TaskState::Done, 10).unwrap();
    let results: Vec<_> = done.iter().map(|record| record.result.unwrap()).collect();
    assert_eq!(results, [result(1), result(2), result(3)]);
    assert_eq!(done[0].result_worker.as_deref(), Some("a"));
    assert!(done[0].milliseconds.is_some());
    assert_eq!(claim(&*store, "d"), None);
}

fn a_duplicate_counts_once(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    assert_eq!(store.complete(&task(1).key, "a", &result(1)).unwrap(), Completion::First);
    assert_eq!(store.complete(&task(1).key, "b", &result(2)).unwrap(), Completion::Duplicate);
    assert_eq!(store.complete(&task(1).key, "a", &result(1)).unwrap(), Completion::Duplicate);
    assert_eq!(store.task(&task(1).key).unwrap().unwrap().result, Some(result(1)));
    let completed: Vec<_> =
        store.status().unwrap().workers.into_iter().map(|worker| (worker.name, worker.completed)).collect();
    assert_eq!(completed, [("a".into(), 1), ("b".into(), 0)]);
}

fn what_a_proof_took_is_kept_with_it(make: Make<'_>) {
    let store = make();
    store.add(&[task(1), task(2)]).unwrap();
    let effort = |number| store.task(&task(number).key).unwrap().unwrap().effort;
    let told = Effort { threads: 2, peak_bytes: Some(3 << 30) };
    let refused = store.complete_with(&task(1).key, "a", &result(1), Effort { peak_bytes: Some(u64::MAX), ..told });
    assert!(matches!(refused, Err(WorkError::Number { field: "peak_bytes", .. })));
    store.complete_with(&task(1).key, "a", &result(1), told).unwrap();
    store.complete(&task(2).key, "a", &result(2)).unwrap();
    assert_eq!((effort(1), effort(2)), (told, Effort::default()));
    // Not of a duplicate, and not of a proof that was rejected.
    store.complete_with(&task(2).key, "b", &result(3), told).unwrap();
    store.reject(&task(1).key, &result(1), "a test").unwrap();
    assert_eq!((effort(1), effort(2)), (Effort::default(), Effort::default()));
}

fn a_bad_proof_confines_its_maker(make: Make<'_>) {
    let store = make();
    store.add(&[task(1), task(2)]).unwrap();
    let lease = claim(&*store, "a").unwrap().lease;
    assert_eq!(store.fail(&lease, &failure(FailureKind::BadProof)).unwrap(), AfterFailure::Queued { attempts: 1 });
    let refused = store.claim(&Offer { worker: "a", vk_ids: &[vk(1)], memory: 1000, lease: LONG });
    assert!(matches!(refused, Err(WorkError::Quarantined { worker, .. }) if worker == "a"));
    assert_eq!(claim(&*store, "b").unwrap().attempts, 1);
}

fn quarantine_takes_and_gives_nothing(make: Make<'_>) {
    let store = make();
    store.add(&[task(1), task(2)]).unwrap();
    let lease = claim(&*store, "a").unwrap().lease;
    store.quarantine("a", "its proofs fail").unwrap();
    // What it had is others' at once, at no cost.
    assert!(lost(store.heartbeat(&lease, LONG)));
    let other = claim(&*store, "b").unwrap();
    assert_eq!((other.batch_number, other.attempts), (1, 0));
    assert!(matches!(store.complete(&task(1).key, "a", &result(1)), Err(WorkError::Quarantined { .. })));
    assert_eq!(state(&*store, 1), TaskState::Leased);
    let workers = store.status().unwrap().workers;
    assert_eq!(workers[0].quarantine.as_deref(), Some("its proofs fail"));
    assert_eq!(workers[1].quarantine, None);
    store.pardon("a").unwrap();
    assert_eq!(claim(&*store, "a").unwrap().batch_number, 2);
}

fn a_rejected_proof_is_made_again(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    claim(&*store, "a").unwrap();
    store.complete(&task(1).key, "a", &result(1)).unwrap();
    assert_eq!(store.reject(&task(1).key, &result(2), "another result").unwrap(), Rejection::Outdated);
    assert_eq!(state(&*store, 1), TaskState::Done);
    assert_eq!(store.reject(&task(1).key, &result(1), "it does not verify").unwrap(), Rejection::Queued);
    assert_eq!(store.reject(&task(1).key, &result(1), "again").unwrap(), Rejection::Outdated);
    assert!(matches!(store.complete(&task(1).key, "a", &result(1)), Err(WorkError::Quarantined { .. })));
    let again = claim(&*store, "b").unwrap();
    assert_eq!((again.attempts, again.lease.epoch), (0, 2));
    assert_eq!(store.complete(&task(1).key, "b", &result(3)).unwrap(), Completion::First);
    let completed: Vec<_> = store.status().unwrap().workers.into_iter().map(|worker| worker.completed).collect();
    assert_eq!(completed, [0, 1]);
}

/// The first result is garbage, and its maker is found out: the proof that came meanwhile is not made again.
fn a_proof_that_came_after_garbage_is_kept(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim(&*store, "honest").unwrap().lease;
    let (garbage, more, proof) = (result(1), result(2), result(3));
    let effort = Effort { threads: 2, peak_bytes: Some(1 << 30) };
    assert_eq!(store.complete(&task(1).key, "liar", &garbage).unwrap(), Completion::First);
    assert_eq!(store.complete(&task(1).key, "liar", &more).unwrap(), Completion::Duplicate);
    assert_eq!(store.complete(&task(1).key, "other liar", &more).unwrap(), Completion::Duplicate);
    assert_eq!(store.complete_with(&lease.key, "honest", &proof, effort).unwrap(), Completion::Duplicate);
    assert_eq!(store.reject(&task(1).key, &garbage, "garbage").unwrap(), Rejection::Replaced);
    assert_eq!(store.task(&task(1).key).unwrap().unwrap().result, Some(more));
    assert_eq!(store.reject(&task(1).key, &more, "garbage").unwrap(), Rejection::Replaced);
    let record = store.task(&task(1).key).unwrap().unwrap();
    assert_eq!((record.state, record.result, record.effort), (TaskState::Done, Some(proof), effort));
    assert_eq!(record.result_worker.as_deref(), Some("honest"));
    assert!(record.milliseconds.is_some());
    let workers = store.status().unwrap().workers.into_iter();
    let workers: Vec<_> = workers.map(|worker| (worker.name, worker.completed, worker.quarantine.is_some())).collect();
    assert_eq!(workers, [("honest".into(), 1, false), ("liar".into(), 0, true), ("other liar".into(), 0, true)]);
    // Of a worker in quarantine nothing is kept.
    store.add(&[task(2)]).unwrap();
    store.complete(&task(2).key, "third liar", &garbage).unwrap();
    store.complete(&task(2).key, "fourth liar", &more).unwrap();
    store.quarantine("fourth liar", "a test").unwrap();
    assert_eq!(store.reject(&task(2).key, &garbage, "garbage").unwrap(), Rejection::Queued);
    assert_eq!(state(&*store, 2), TaskState::Queued);
}

/// Whoever has a task goes on with it, whatever others hand in.
fn garbage_stops_nobody(make: Make<'_>) {
    let store = make();
    store.add(&[task(1)]).unwrap();
    let lease = claim(&*store, "honest").unwrap().lease;
    store.complete(&task(1).key, "liar", &result(1)).unwrap();
    store.heartbeat(&lease, LONG).unwrap();
    assert!(lost(store.heartbeat(&Lease { worker: "liar".into(), ..lease.clone() }, LONG)));
    assert!(lost(store.heartbeat(&Lease { epoch: 0, ..lease.clone() }, LONG)));
    assert_eq!(store.reject(&task(1).key, &result(1), "garbage").unwrap(), Rejection::Queued);
    assert_eq!((state(&*store, 1), claim(&*store, "other")), (TaskState::Leased, None));
    store.heartbeat(&lease, LONG).unwrap();
    assert_eq!(store.complete(&lease.key, "honest", &result(2)).unwrap(), Completion::First);
    // One that is silent meanwhile loses it.
    store.add(&[task(2)]).unwrap();
    claim_for(&*store, "silent", SHORT).unwrap();
    store.complete(&task(2).key, "another liar", &result(1)).unwrap();
    thread::sleep(PAST_SHORT);
    store.reject(&task(2).key, &result(1), "garbage").unwrap();
    assert_eq!(claim(&*store, "other").unwrap().batch_number, 2);
}

fn dead_letters_are_queued_again(make: Make<'_>) {
    let store = make();
    store.add(&[task(1), task(2)]).unwrap();
    let lease = claim(&*store, "c").unwrap().lease;
    store.release(&lease).unwrap();
    kill(&*store);
    store.requeue(&task(1).key).unwrap();
    assert!(matches!(store.requeue(&task(1).key), Err(WorkError::NotDead { had: "queued", .. })));
    let again = claim(&*store, "a").unwrap();
    assert_eq!((again.batch_number, again.attempts), (1, 0));
    // The lease from before the dead letters is an old one.
    assert!(lost(store.heartbeat(&lease, LONG)));
    // One that failed and waits for others is everybody's again.
    store.fail(&again.lease, &failure(FailureKind::Deterministic)).unwrap();
    store.requeue(&task(1).key).unwrap();
    assert_eq!(claim(&*store, "a").unwrap().batch_number, 1);
}

fn what_is_no_task_or_worker_is_refused(make: Make<'_>) {
    let store = make();
    let nobody = task(1).key;
    assert!(matches!(store.complete(&nobody, "a", &result(1)), Err(WorkError::NoTask { .. })));
    assert!(matches!(store.reject(&nobody, &result(1), ""), Err(WorkError::NoTask { .. })));
    assert!(matches!(store.requeue(&nobody), Err(WorkError::NoTask { .. })));
    assert_eq!(store.task(&nobody).unwrap(), None);
    for name in ["", "a\nb", "a\0b", &"x".repeat(129)] {
        let offer = Offer { worker: name, vk_ids: &[vk(1)], memory: 1, lease: LONG };
        assert!(matches!(store.claim(&offer), Err(WorkError::WorkerName { .. })), "{name:?}");
        assert!(matches!(store.complete(&nobody, name, &result(1)), Err(WorkError::WorkerName { .. })), "{name:?}");
        assert!(matches!(store.quarantine(name, ""), Err(WorkError::WorkerName { .. })), "{name:?}");
    }
    assert_eq!(store.status().unwrap(), Default::default());
}

fn tasks_are_found_by_their_keys(make: Make<'_>) {
    let store = make();
    store.add(&[task(1), task(2)]).unwrap();
    let found = store.tasks_of(&[task(2).key, task(3).key, task(1).key, task(2).key]).unwrap();
    let numbers: Vec<_> = found.into_iter().map(|record| Some(record?.task.batch_number)).collect();
    assert_eq!(numbers, [Some(2), None, Some(1), Some(2)]);
    assert!(store.tasks_of(&[]).unwrap().is_empty());
}
