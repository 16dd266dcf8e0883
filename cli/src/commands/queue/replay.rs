//! `queue replay`: does here what a worker does with a task.

use std::path::Path;
use std::time::Instant;

use tapstone_work::{Artefacts, FailureKind, MAX_TASK, ReplayBundle, TaskRecord};

use super::task_key;
use crate::args::Replay;
use crate::commands::{keys, worker};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::{Following, Progress};
use crate::queue::{self, Missing, Outages};
use crate::report::Report;

/// The bundle of a task in a store.
pub fn bundle(task: &TaskRecord, artefacts: &dyn Artefacts) -> Result<ReplayBundle, Failure> {
    let bytes = artefacts.get(&task.task.bundle, MAX_TASK).map_err(queue::artefact_failure)?;
    Ok(ReplayBundle { vk_id: task.task.vk_id, error: task.error.clone().unwrap_or_default(), task: bytes })
}

/// `tapstone queue replay`.
pub fn run(args: &Replay, progress: &Progress) -> Result<Report, Failure> {
    let bundle = read(args)?;
    let provers = worker::provers(&args.key, progress)?;
    let Some(prover) = provers.iter().find(|prover| prover.key().verifying().id() == bundle.vk_id) else {
        let text = format!("the task is for key {}, which is not among the keys here: name it by --key", bundle.vk_id);
        return Err(Failure::new(Reason::Mismatch, text));
    };
    let start = Instant::now();
    let outcome = bundle.run(prover, &Following::new(progress, "the task"));
    let seconds = (start.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let mut report = Report::default();
    report.add("vk_id", bundle.vk_id.to_string());
    keys::add_source(&mut report, Some(prover.key().origin()));
    report.add("failed_before", Some(bundle.error.as_str()).filter(|error| !error.is_empty()));
    match outcome {
        Ok(Some(text)) => {
            if let Some(path) = &args.out {
                files::replace(path, text.as_bytes())?;
            }
            report.add("outcome", "proven and verified: it does not fail here").add("seconds", seconds);
            Ok(report)
        }
        Ok(None) => Err(Failure::new(Reason::Interrupted, "interrupted")),
        Err(failure) => {
            let kind = match failure.kind {
                FailureKind::Deterministic => "it fails whoever tries",
                FailureKind::Transient { .. } => "another time it may not fail",
                FailureKind::BadProof => "the proof does not verify",
            };
            report.add("outcome", kind).add("seconds", seconds);
            let failure = Failure::new(Reason::Verdict, format!("{}; {kind}", failure.message));
            Err(failure.with_details("replay", report.into_value()))
        }
    }
}

fn read(args: &Replay) -> Result<ReplayBundle, Failure> {
    let Some(store) = &args.store else {
        let path = Path::new(&args.bundle);
        let bytes = files::read(path, ReplayBundle::LIMIT)?;
        return ReplayBundle::decode(&bytes)
            .map_err(|e| Failure::at(Reason::Input, path, format!("not a replay bundle: {e}")));
    };
    let key = task_key(&args.bundle)?;
    let (store, place) = queue::open(store, args.password_file.as_deref(), Missing::Refuse, Outages::WaitedFor)?;
    let artefacts = queue::artefacts(args.artefacts.as_deref(), &place)?;
    let task = store.task(&key).map_err(queue::failure)?;
    let task = task.ok_or_else(|| Failure::new(Reason::Usage, format!("{place} has no task {key}")))?;
    bundle(&task, &*artefacts)
}
