//! `queue`: looks after a work store.

mod replay;
mod watch;

use std::time::Duration;

use serde_json::{Value, json};
use tapstone_work::{Status, TaskKey, TaskRecord, TaskState, WorkError, WorkStore};

use crate::args::{Confine, Dead, Format, Migrate, Pardon, Queue, QueueStatus, Requeue};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::queue::{self, Roles};
use crate::report::Report;

/// Tasks under way that are listed.
const LISTED: u32 = 100;

/// `tapstone queue`.
pub fn run(args: &Queue, format: Format, progress: Progress) -> Result<Report, Failure> {
    match args {
        Queue::Status(args) => status(args),
        Queue::Watch(args) => {
            // It has the terminal for itself.
            drop(progress);
            watch::run(args, format)
        }
        Queue::Requeue(args) => requeue(args),
        Queue::Confine(args) => confine(args),
        Queue::Pardon(args) => pardon(args),
        Queue::Dead(args) => dead(args),
        Queue::Replay(args) => replay::run(args, &progress),
        Queue::Migrate(args) => migrate(args),
    }
}

fn status(args: &QueueStatus) -> Result<Report, Failure> {
    let (store, place) = queue::open_existing(&args.store)?;
    let mut report = Report::default();
    report.add("store", place.to_string());
    describe(&*store, &mut report)?;
    Ok(report)
}

/// All that a store says of itself.
fn describe(store: &dyn WorkStore, report: &mut Report) -> Result<(), Failure> {
    let status = store.status().map_err(queue::failure)?;
    let leased = store.tasks(TaskState::Leased, LISTED).map_err(queue::failure)?;
    let oldest = store.tasks(TaskState::Queued, 1).map_err(queue::failure)?;
    report
        .add("queued", status.queued)
        .add("leased", status.leased)
        .add("lapsed", status.lapsed)
        .add("done", status.done)
        .add("dead", status.dead)
        .add("first_queued", oldest.first().map(named))
        .add("deadline", status.next_deadline)
        .add("seconds_to_deadline", status.slack.map(|ms| ms / 1000))
        .add("under_way", leased.iter().map(under_way).collect::<Vec<Value>>())
        .add("workers", workers(&status));
    Ok(())
}

fn named(task: &TaskRecord) -> String {
    format!("chain {} batch {}", task.task.chain_id, task.task.batch_number)
}

fn under_way(task: &TaskRecord) -> Value {
    json!({
        "task": task.task.key.to_string(),
        "chain_id": task.task.chain_id,
        "batch": task.task.batch_number,
        "worker": task.worker,
        "attempts": task.attempts,
        "lapses": task.lapses,
    })
}

fn workers(status: &Status) -> Vec<Value> {
    let worker = |worker: &tapstone_work::WorkerRecord| {
        json!({
            "worker": worker.name,
            "seconds_since_heard": Duration::from_millis(worker.silent).as_secs(),
            "proven": worker.completed,
            "quarantine": worker.quarantine,
        })
    };
    status.workers.iter().map(worker).collect()
}

fn requeue(args: &Requeue) -> Result<Report, Failure> {
    let keys: Vec<TaskKey> = args.keys.iter().map(|text| task_key(text)).collect::<Result<_, _>>()?;
    let (store, place) = queue::open_existing(&args.store)?;
    let mut done = Vec::new();
    for key in keys {
        store.requeue(&key).map_err(queue::failure)?;
        done.push(key.to_string());
    }
    if args.all_dead {
        for letter in store.tasks(TaskState::Dead, u32::MAX).map_err(queue::failure)? {
            match store.requeue(&letter.task.key) {
                Ok(()) => done.push(letter.task.key.to_string()),
                // Somebody else was faster.
                Err(WorkError::NotDead { .. }) => {}
                Err(error) => return Err(queue::failure(error)),
            }
        }
    }
    let mut report = Report::default();
    report.add("store", place.to_string()).add("queued_again", done.len()).add("task", done);
    Ok(report)
}

fn task_key(text: &str) -> Result<TaskKey, Failure> {
    text.parse().map_err(|e| Failure::new(Reason::Usage, format!("not the key of a task: {e}")))
}

fn confine(args: &Confine) -> Result<Report, Failure> {
    let (store, place) = queue::open_existing(&args.store)?;
    store.quarantine(&args.worker, &args.reason).map_err(queue::failure)?;
    let mut report = Report::default();
    report.add("store", place.to_string()).add("confined", args.worker.as_str()).add("reason", args.reason.as_str());
    Ok(report)
}

fn pardon(args: &Pardon) -> Result<Report, Failure> {
    let (store, place) = queue::open_existing(&args.store)?;
    let status = store.status().map_err(queue::failure)?;
    let Some(worker) = status.workers.iter().find(|worker| worker.name == args.worker) else {
        return Err(Failure::new(Reason::Usage, format!("{place} knows no worker {:?}", args.worker)));
    };
    let Some(reason) = &worker.quarantine else {
        return Err(Failure::new(Reason::Usage, format!("worker {:?} is not in quarantine", args.worker)));
    };
    store.pardon(&args.worker).map_err(queue::failure)?;
    let mut report = Report::default();
    report.add("store", place.to_string()).add("pardoned", args.worker.as_str()).add("reason", reason.as_str());
    Ok(report)
}

fn dead(args: &Dead) -> Result<Report, Failure> {
    let (store, place) = queue::open_existing(&args.store)?;
    let letters = store.tasks(TaskState::Dead, args.most).map_err(queue::failure)?;
    let mut list: Vec<Value> = letters
        .iter()
        .map(|letter| {
            json!({
                "task": letter.task.key.to_string(),
                "vk_id": letter.task.vk_id.to_string(),
                "chain_id": letter.task.chain_id,
                "batch": letter.task.batch_number,
                "attempts": letter.attempts,
                "lapses": letter.lapses,
                "worker": letter.worker,
                "cause": letter.error,
            })
        })
        .collect();
    if let Some(folder) = &args.replays {
        let artefacts = queue::artefacts(args.artefacts.as_deref(), &place)?;
        files::writable_folder(folder)?;
        for (letter, shown) in letters.iter().zip(&mut list) {
            let path = folder.join(format!("{}.replay", letter.task.key));
            files::replace(&path, &replay::bundle(letter, &*artefacts)?.encode())?;
            shown["replay"] = path.display().to_string().into();
        }
    }
    let mut report = Report::default();
    report.add("store", place.to_string()).add("dead", list.len()).add("letters", list);
    Ok(report)
}

fn migrate(args: &Migrate) -> Result<Report, Failure> {
    let (had, needed) = queue::versions(&args.store)?;
    let roles = if args.roles { Roles::Make } else { Roles::Leave };
    let place = if args.dry_run { queue::Place::parse(&args.store.store)? } else { queue::migrate(&args.store, roles)? };
    let what = match (had, args.dry_run) {
        (had, _) if had == needed => "nothing to do".to_owned(),
        (had, true) if had > needed => "made by a later version of Tapstone, which alone can use it".to_owned(),
        (0, true) => format!("tables of version {needed} would be made"),
        (0, false) => format!("tables of version {needed} were made"),
        (had, true) => format!("migrations {} to {needed} would be applied", had + 1),
        (had, false) => format!("migrations {} to {needed} were applied", had + 1),
    };
    let mut report = Report::default();
    report.add("store", place.to_string()).add("version", had).add("needed", needed).add("migration", what);
    report.add("roles", args.roles.then_some(["tapstone_planner", "tapstone_worker", "tapstone_observer"]));
    Ok(report)
}
