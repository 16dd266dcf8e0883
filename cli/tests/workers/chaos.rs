//! Processes that are killed, stopped and raced in the middle of proofs: each batch ends up with one proof, in order.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tapstone_work::{ArtefactId, Completion, TaskRecord, TaskState, WorkStore};

use crate::common::*;
use crate::disk::{SmallDisk, apart};
use crate::scene::{Scene, batches};

/// An open task that failed.
fn failed(store: &dyn WorkStore) -> Option<TaskRecord> {
    let open = [TaskState::Queued, TaskState::Leased].into_iter().flat_map(|state| store.tasks(state, 10).unwrap());
    open.into_iter().find(|task| task.attempts > 0)
}

/// Longer than the workers' lease.
const PAST_LEASE: Duration = Duration::from_millis(1300);

#[test]
fn a_worker_that_is_killed_in_a_proof_is_replaced() {
    let scene = Scene::new(batches());
    let planner = scene.planner(&[]);
    scene.until_queued();
    let mut first = scene.worker("first", &[]);
    scene.until_proving("first");
    first.kill().unwrap();
    let second = scene.worker("second", &["--drain"]);
    scene.check(planner);
    assert_eq!(second.end().0, 0);
    let lapses: u32 = scene.store().tasks(TaskState::Done, 1000).unwrap().iter().map(|task| task.lapses).sum();
    assert_eq!(lapses, 1, "the lease of the dead one ran out, once");
}

#[test]
fn a_worker_that_sleeps_past_its_lease_does_no_harm() {
    let scene = Scene::new(batches());
    let planner = scene.planner(&[]);
    scene.until_queued();
    let sleeper = scene.worker("sleeper", &["--drain"]);
    scene.until_proving("sleeper");
    sleeper.signal("STOP");
    sleep(PAST_LEASE);
    let other = scene.worker("other", &["--drain"]);
    scene.check(planner);
    assert_eq!(other.end().0, 0);
    sleeper.signal("CONT");
    // Its proof is of no use any more, whether it was finished or not.
    let (code, report, stderr) = sleeper.end();
    assert_eq!(code, 0, "{stderr}");
    let late = |field: &str| report[field].as_u64().unwrap();
    assert_eq!(late("lost") + late("duplicates"), 1, "{report}");
    let status = scene.store().status().unwrap();
    assert_eq!((status.done, status.leased), (scene.count() as u64, 0));
}

#[test]
fn two_workers_race_and_a_second_completion_counts_for_nothing() {
    let scene = Scene::new(batches());
    let planner = scene.planner(&[]);
    scene.until_queued();
    let workers = ["a", "b"].map(|name| scene.worker(name, &["--drain", "--threads", "1"]));
    scene.until("a proof", |store| store.status().unwrap().done > 0);
    let store = scene.store();
    let done = store.tasks(TaskState::Done, 1).unwrap().remove(0);
    let completion = store.complete(&done.task.key, "late", &done.result.unwrap()).unwrap();
    assert_eq!(completion, Completion::Duplicate);
    scene.check(planner);
    for worker in workers {
        assert_eq!(worker.end().0, 0);
    }
    let workers = scene.store().status().unwrap().workers;
    assert_eq!(workers.iter().find(|worker| worker.name == "late").unwrap().completed, 0);
    assert!(workers.iter().all(|worker| worker.quarantine.is_none()));
}

#[test]
fn a_planner_that_is_killed_or_interrupted_goes_on() {
    let scene = Scene::new(batches());
    let mut planner = scene.planner(&[]);
    scene.until_queued();
    planner.kill().unwrap();
    // Interrupted, it says how to go on, and the queue stays.
    let planner = scene.planner(&["--resume"]);
    let worker = scene.worker("a", &["--drain"]);
    scene.until("a proof", |store| store.status().unwrap().done > 0);
    // The first one's tasks are proven while this one executes; interrupted at that it has nothing to say.
    planner.until_says("waiting for workers");
    planner.signal("INT");
    let (code, _, stderr) = planner.end();
    // It may have had all proofs by then.
    assert!(code == 0 || code == 130 && stderr.contains("the same command takes up"), "{code}: {stderr}");
    assert_eq!(worker.end().0, 0);
    scene.check(scene.planner(&["--resume"]));
    assert!(names(&scene.path("out")).iter().all(|name| !name.starts_with(".tapstone-")));
}

#[test]
fn a_worker_that_is_interrupted_gives_its_task_back_at_once() {
    let scene = Scene::new(batches());
    let planner = scene.planner(&[]);
    scene.until_queued();
    let worker = scene.worker("a", &[]);
    scene.until_proving("a");
    worker.signal("INT");
    let asked = Instant::now();
    let (code, report, stderr) = worker.end();
    assert_eq!(code, 0, "{stderr}");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    let store = scene.store();
    assert_eq!(store.status().unwrap().leased, 0);
    assert!(store.tasks(TaskState::Queued, 1000).unwrap().iter().all(|task| task.attempts + task.lapses == 0));
    assert_eq!(report["failed"], 0, "{report}");
    let worker = scene.worker("b", &["--drain"]);
    scene.check(planner);
    assert_eq!(worker.end().0, 0);
}

/// Planner and worker alike: what does not fit fails and is tried again, and no file is there that is not what its name says.
#[test]
fn a_full_disk_delays_and_leaves_nothing_half_written() {
    apart("chaos::a_full_disk_delays_and_leaves_nothing_half_written", || {
        let scene = Scene::new(batches().min(4));
        let disk = SmallDisk::mount(&scene.artefacts(), 256);
        let whole = |most: usize| {
            let files: Vec<_> = disk.files().into_iter().filter(|path| path.extension().is_none()).collect();
            for file in &files {
                assert_eq!(text(file).rsplit_once('/').unwrap().1, ArtefactId::of(&fs::read(file).unwrap()).to_string());
            }
            assert!(files.len() <= most, "{files:?}");
        };
        disk.fill();
        let (code, _, stderr) = scene.planner(&[]).end();
        assert!(code == 5 && stderr.contains("No space left on device"), "{code}: {stderr}");
        assert_eq!((scene.store().status().unwrap().queued, disk.files().len()), (0, 0), "all is handed out, or nothing");
        disk.make_space();
        let planner = scene.planner(&["--resume"]);
        scene.until_queued();
        disk.fill();
        let worker = scene.worker("a", &["--drain"]);
        scene.until("failed", |store| failed(store).is_some());
        let error = failed(&*scene.store()).unwrap().error.unwrap();
        assert!(error.contains("storage of artefacts") && error.contains("No space left on device"), "{error}");
        whole(scene.count());
        disk.make_space();
        scene.check(planner);
        assert_eq!(worker.end().0, 0);
        // A task and a proof of each batch, and nothing else.
        whole(2 * scene.count());
        assert_eq!(disk.files().len(), 2 * scene.count());
        let workers = scene.store().status().unwrap().workers;
        assert!(workers.iter().all(|worker| worker.quarantine.is_none()), "{workers:?}");
    });
}

/// Works for root too, who may write any folder: files stand where the storage would make its folders.
#[test]
fn artefacts_that_cannot_be_written_are_tried_again() {
    let scene = Scene::new(batches().min(4));
    let planner = scene.planner(&[]);
    scene.until_queued();
    let blocked: Vec<_> =
        (0..256).map(|first| scene.artefacts().join(format!("{first:02x}"))).filter(|path| !path.exists()).collect();
    blocked.iter().for_each(|path| fs::write(path, "").unwrap());
    let worker = scene.worker("a", &["--drain"]);
    scene.until("failed", |store| failed(store).is_some());
    let error = failed(&*scene.store()).unwrap().error.unwrap();
    assert!(error.contains("storage of artefacts"), "{error}");
    blocked.iter().for_each(|path| fs::remove_file(path).unwrap());
    scene.check(planner);
    assert_eq!(worker.end().0, 0);
}
