//! `worker`: makes proofs that others planned.

mod metrics;
mod server;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::{KeyFileError, Origin, Prover, ProvingKey, Stage};
use tapstone_work::{
    AfterFailure, Claim, Completion, Effort, Observer, ProofMaker, TaskState, Turn, WorkError, WorkStore, Worker,
};

use super::keys;
use super::prove::{needs, set_threads};
use crate::args;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::hint;
use crate::input;
use crate::interrupt;
use crate::machine;
use crate::progress::Progress;
use crate::queue;
use crate::report::Report;
use metrics::Metrics;
use server::Reach;

/// The pause after there was nothing to do.
const PAUSE: Duration = Duration::from_millis(250);
/// The first pause after the store could not be reached, doubled each time.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest of them.
const LONGEST: Duration = Duration::from_secs(30);
/// So many waiting tasks are looked at, to tell of keys that they need.
const LOOKED_AT: u32 = 1000;
/// As much of a host's name, in characters, as a worker's name has room for.
const HOST: usize = 24;

/// `tapstone worker`.
pub fn run(args: &args::Worker, progress: &Progress) -> Result<Report, Failure> {
    set_threads(args.threads)?;
    let mut provers = provers(&args.keys, progress)?;
    let mut memory = args.max_memory.or_else(|| machine::memory().map(|(_, free)| free)).unwrap_or(u64::MAX);
    if let Some(levels) = args.tables.map(usize::from) {
        // What the tables take is not there for proofs.
        let bytes = provers.iter().map(|prover| prover.table_bytes(levels)).sum::<u64>();
        tracing::info!(levels, mib = bytes >> 20, "making tables");
        memory = memory.saturating_sub(bytes);
        check_memory(&provers, memory)?;
        provers = provers.into_iter().map(|prover| prover.with_tables(levels)).collect();
    }
    check_memory(&provers, memory)?;
    let (store, place) = queue::open_existing(&args.store)?;
    let artefacts = queue::artefacts(args.artefacts.as_deref(), &place)?;
    let name = args.name.clone().unwrap_or_else(usual_name);
    let metrics = Arc::new(Metrics::new(&name));
    if let Some(address) = args.metrics {
        let reach = if args.metrics_public { Reach::Anywhere } else { Reach::ThisMachine };
        let to = server::serve(address, reach, Arc::clone(&metrics), store.reopen().map_err(queue::failure)?)?;
        tracing::info!("metrics at http://{to}/metrics");
    }
    let makers = provers.iter().map(|prover| prover as &dyn ProofMaker);
    let mut worker = Worker::new(&name, &*store, &*artefacts, makers, memory)
        .map_err(queue::failure)?
        .with_lease(Duration::from_secs(args.lease.into()))
        .with_observer(&*metrics);
    if let Some(folder) = &args.replays {
        files::writable_folder(folder)?;
        worker = worker.with_replays(folder.clone());
    }
    tell_of_other_keys(&*store, &provers)?;
    let keys: Vec<String> = provers.iter().map(|prover| prover.key().verifying().id().to_string()).collect();
    tracing::info!(worker = %name, store = %place, keys = keys.join(" "), memory_mib = memory >> 20, "ready");
    let _listening = interrupt::Listening::start();
    work(&worker, args.drain, &metrics)?;
    let mut report = Report::default();
    let insecure = provers.iter().filter(|prover| *prover.key().origin() == Origin::OneParty);
    let insecure: Vec<String> = insecure.map(|prover| prover.key().verifying().id().to_string()).collect();
    report.add("worker", name).add("store", place.to_string()).add("keys", keys);
    if !insecure.is_empty() {
        report.add("warning", keys::INSECURE);
    }
    metrics.report(report.add("insecure_keys", insecure));
    Ok(report)
}

/// Refuses keys whose proofs need more memory than there is.
fn check_memory(provers: &[Prover], memory: u64) -> Result<(), Failure> {
    provers.iter().try_for_each(|prover| needs::check_memory(prover.key().shape(), true, Some(memory)))
}

/// Works until it is interrupted, or nothing is left. Once the store has answered, a worker waits for it to come back.
fn work(worker: &Worker<'_>, drain: bool, metrics: &Metrics) -> Result<(), Failure> {
    let stop = interrupt::stop();
    let (mut answered, mut wait) = (false, AGAIN);
    while !stop.is_stopped() {
        let left = |turn: &Turn| Ok(*turn != Turn::Idle || !drain || !worker.is_drained()?);
        match worker.turn(stop).and_then(|turn| left(&turn).map(|left| (turn, left))) {
            Ok((_, false)) => {
                tracing::info!("nothing is left to do");
                return Ok(());
            }
            Ok((turn, true)) => {
                (answered, wait) = (true, AGAIN);
                tell(&turn);
                metrics.turned(&turn);
                if turn == Turn::Idle {
                    interrupt::pause(PAUSE);
                }
            }
            Err(error @ (WorkError::Unavailable(_) | WorkError::Database(_) | WorkError::Io { .. })) if answered => {
                tracing::warn!(seconds = wait.as_secs(), "{error}; trying again");
                metrics.unreachable();
                interrupt::pause(wait);
                wait = (wait * 2).min(LONGEST);
            }
            Err(error) => return Err(queue::failure(error)),
        }
    }
    tracing::info!("stopped");
    Ok(())
}

fn tell(turn: &Turn) {
    match turn {
        Turn::Proven { key, batch_number, completion } => {
            let completion = if *completion == Completion::First { "first" } else { "duplicate" };
            tracing::info!(batch = batch_number, task = %key, completion, "proven");
        }
        Turn::Failed { key, batch_number, message, after } => {
            let after = if *after == AfterFailure::Dead { "dead" } else { "queued" };
            tracing::warn!(batch = batch_number, task = %key, after, "failed: {message}");
        }
        Turn::Lost { key } => tracing::info!(task = %key, "lost: somebody else has the task, or it is done"),
        Turn::Released { key } => tracing::info!(task = %key, "given back"),
        _ => {}
    }
}

impl Observer for Metrics {
    fn claimed(&self, claim: &Claim) {
        tracing::info!(batch = claim.batch_number, task = %claim.lease.key, epoch = claim.lease.epoch, "claimed");
        machine::forget_peak();
        self.began();
    }

    fn effort(&self) -> Effort {
        // Far below 2^32.
        Effort { threads: rayon::current_num_threads() as u32, peak_bytes: machine::peak_memory() }
    }

    fn stage(&self, stage: Stage) {
        tracing::debug!("{stage}");
    }
}

/// Tasks that wait for a key that is not here are no error, but may be one of the operator's.
fn tell_of_other_keys(store: &dyn WorkStore, provers: &[Prover]) -> Result<(), Failure> {
    let waiting = store.tasks(TaskState::Queued, LOOKED_AT).map_err(queue::failure)?;
    let here =
        |task: &tapstone_work::TaskRecord| provers.iter().any(|prover| prover.key().verifying().id() == task.task.vk_id);
    if let Some(other) = waiting.iter().find(|task| !here(task)) {
        tracing::warn!(key = %other.task.vk_id, "tasks wait for a key that is not here");
    }
    Ok(())
}

/// The host and the process: no two workers that live at once have the same.
fn usual_name() -> String {
    #[cfg(unix)]
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let host = std::env::var("COMPUTERNAME").unwrap_or_default();
    let host: String = host.chars().filter(|c| !c.is_control()).take(HOST).collect();
    format!("{}-{}", if host.is_empty() { "worker" } else { &host }, std::process::id())
}

/// Opens keys: files, and all of the registered shapes in folders.
pub fn provers(given: &[PathBuf], progress: &Progress) -> Result<Vec<Prover>, Failure> {
    let usual = if given.is_empty() { vec![keys::folder(None)?] } else { Vec::new() };
    let mut provers: Vec<Prover> = Vec::new();
    for path in given.iter().chain(&usual) {
        let found = if path.is_dir() { in_folder(path, progress)? } else { vec![key(path)?] };
        for key in found {
            if *key.origin() == Origin::OneParty {
                tracing::warn!(key = %key.verifying().id(), "{}", keys::INSECURE);
                progress.note(keys::INSECURE);
            }
            if provers.iter().all(|prover| prover.key().verifying().id() != key.verifying().id()) {
                provers.push(Prover::new(key));
            }
        }
    }
    Ok(provers)
}

fn in_folder(folder: &Path, progress: &Progress) -> Result<Vec<ProvingKey>, Failure> {
    let here = |shape: &Shape| keys::exists(shape, folder);
    let open = |shape: Shape| keys::open(&shape, &keys::proving_path(folder, &shape), progress);
    let list: Vec<ProvingKey> = Shape::all().into_iter().filter(here).map(open).collect::<Result<_, _>>()?;
    if list.is_empty() {
        let keys = hint::quoted(&folder.to_string_lossy());
        let text = format!(
            "no key of circuit version {CIRCUIT_VERSION} is here; `tapstone keys import --keys {keys}` brings a ceremony's; for trials `tapstone \
             setup --keys {keys}` makes one, insecurely"
        );
        return Err(Failure::at(Reason::Mismatch, folder, text));
    }
    Ok(list)
}

/// A key file of whatever registered shape.
fn key(path: &Path) -> Result<ProvingKey, Failure> {
    let file = input::file(path)?;
    let mut other = String::new();
    for shape in Shape::all() {
        match ProvingKey::open(&file, &shape) {
            Ok(key) => return Ok(key),
            Err(KeyFileError::OtherCircuit { had, .. }) => other = had,
            Err(KeyFileError::Io(e)) => return Err(files::io(path)(e)),
            Err(e) => return Err(Failure::at(Reason::Mismatch, path, e)),
        }
    }
    let shapes: Vec<String> = Shape::all().into_iter().map(|shape| shape.name).collect();
    let needed = format!("circuit version {CIRCUIT_VERSION} and one of the shapes {}", shapes.join(", "));
    Err(Failure::at(Reason::Mismatch, path, format!("the key is for {other}, needed {needed}, as this program has them")))
}
