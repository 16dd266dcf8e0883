//! `prove --store`: the proofs are made by workers, over a work store.
//!
//! Every batch becomes a task; proofs are verified as they arrive, in whatever order, and written in the order of the batches. What was asked for
//! before is asked for once: the store knows tasks by what they are, so a command that is given again finds the proofs that were made meanwhile.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_prover::{Origin, ProvenBatch};
use tapstone_verifier::VerifyingKey;
use tapstone_work::store::Made;
use tapstone_work::{Collector, Effort, Planner, PlannerError, Tally, Task, Terms, WorkError};

use super::ground::Work;
use super::needs;
use super::results::Provers;
use super::run::{Proofs, Run};
use crate::args::Prove;
use crate::commands::keys;
use crate::exit::{Failure, Reason, one_line};
use crate::interrupt;
use crate::progress::Progress;
use crate::queue::{self, Missing, Outages, Place};

/// How often the store is asked. Proofs take longer.
const POLL: Duration = Duration::from_millis(200);
/// The pause before a database that cannot be reached is tried again, and the first time between two lines that tell so.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest time between two such lines.
const LONGEST: Duration = Duration::from_secs(300);

/// The verifying key that a command names, or that of the proving key in its folder, which tells where it is from.
pub fn verifying_key(
    args: &Prove,
    shape: &Shape,
    folder: &Path,
    progress: &Progress,
) -> Result<(VerifyingKey, Option<Origin>), Failure> {
    let Some(path) = &args.work.verifying_key else {
        if !keys::exists(shape, folder) {
            let text = format!(
                "no key of shape {} in {}: give --verifying-key, a file that `tapstone keys export-vk` writes where the proving key is",
                shape.name,
                folder.display()
            );
            return Err(Failure::new(Reason::Usage, text));
        }
        let key = keys::open(shape, &keys::proving_path(folder, shape), progress)?;
        return Ok((key.verifying().clone(), Some(key.origin().clone())));
    };
    Ok((keys::verifying(path, shape)?, None))
}

/// Hands the batches out, and takes their proofs.
pub fn prove<'a>(mut run: Run<'a>, progress: &Progress) -> Result<Run<'a>, Failure> {
    let args = &run.args.work;
    let store = args.store.as_deref().unwrap_or_default();
    let (store, place) = queue::open(store, args.password_file.as_deref(), Missing::Make, Outages::Told)?;
    let artefacts = queue::artefacts(args.artefacts.as_deref(), &place)?;
    let planner = Planner::new(&*store, &*artefacts, run.key).with_poll(POLL);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
    let terms = Terms {
        memory: needs::memory(run.shape, true).unwrap_or(0),
        deadline: now.saturating_add(args.deadline.into()),
        max_attempts: args.attempts.get(),
    };
    let tasks = tasks(&mut run);
    progress.step(format!("handing out {} tasks", tasks.len()));
    let submitted = patiently(progress, |_| planner.submit(&tasks, terms)).map_err(|e| queue::planner_failure(e, &place))?;
    drop(tasks);
    tracing::info!(tasks = submitted.len(), store = %place, key = %run.key.id(), "handed out");
    progress.step("waiting for workers");
    let mut workers = Workers {
        collector: Collector::new(&planner, &submitted),
        next: 0,
        place: &place,
        start: Instant::now(),
        first: None,
        names: BTreeSet::new(),
    };
    // A proof that is written when Ctrl-C comes is written whole.
    let _listening = interrupt::Listening::start();
    run.prove(&mut workers, progress)?;
    Ok(run)
}

/// The tasks of batches that have no proof yet.
fn tasks(run: &mut Run<'_>) -> Vec<Task> {
    let (shape, inputs) = (run.shape, run.inputs);
    let task = |step: &mut super::run::Step| {
        let Work::New { first, executed, part, .. } = &mut step.work else { return None };
        let part = part.take().filter(|_| step.earlier.is_none())?;
        let file = &inputs[step.input].file;
        let transactions = &file.transactions[*first..*first + executed.fill.used];
        Some(Task::new(shape, file.header.operator, transactions, *part, executed.statement()))
    };
    run.steps.iter_mut().filter_map(task).collect()
}

/// Proofs made by workers.
struct Workers<'a> {
    collector: Collector<'a>,
    /// The place of the next task.
    next: usize,
    place: &'a Place,
    start: Instant,
    /// Proofs that were there at the first look.
    first: Option<usize>,
    names: BTreeSet<String>,
}

impl Proofs for Workers<'_> {
    fn next(&mut self, executed: &Executed, progress: &Progress) -> Result<(ProvenBatch, Made), Failure> {
        let (start, first) = (self.start, &mut self.first);
        let arrival = patiently(progress, |patience| {
            self.collector.wait(self.next, interrupt::stop(), |tally| {
                patience.answered();
                let before = *first.get_or_insert(tally.done);
                progress.tell(describe(&tally, tally.done - before, start.elapsed()));
            })
        });
        let arrival = arrival.map_err(|e| queue::planner_failure(e, self.place))?;
        self.next += 1;
        let seconds = arrival.milliseconds.map_or(0.0, |ms| ms as f64 / 1000.0);
        let worker = arrival.worker.unwrap_or_default();
        let Effort { threads, peak_bytes } = arrival.effort;
        tracing::info!(batch = executed.batch_number, seconds, threads, peak_bytes, %worker, "proven");
        self.names.insert(worker);
        let unix = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
        Ok((arrival.proven, Made { unix, seconds, threads, peak_bytes }))
    }

    fn provers(&self) -> Provers {
        Provers::Workers(self.names.iter().cloned().collect())
    }
}

/// Makes a call, again and again for as long as the store's database cannot be reached: what workers make meanwhile is not lost.
fn patiently<T>(
    progress: &Progress,
    mut call: impl FnMut(&mut Patience<'_>) -> Result<T, PlannerError>,
) -> Result<T, PlannerError> {
    let mut patience = Patience { progress, outage: None };
    loop {
        match call(&mut patience) {
            Err(PlannerError::Work(error @ WorkError::Unavailable(_))) => patience.wait(&error)?,
            outcome => {
                patience.answered();
                return outcome;
            }
        }
    }
}

/// Waits for a database: it is told at once, and then ever more seldom.
struct Patience<'a> {
    progress: &'a Progress,
    outage: Option<Outage>,
}

/// A database that cannot be reached.
struct Outage {
    since: Instant,
    /// When it is told of again, and how long after that.
    due: Duration,
    silence: Duration,
    /// While tasks are handed out nobody else listens.
    _listening: interrupt::Listening,
}

impl Patience<'_> {
    /// Waits a little; Ctrl-C ends it.
    fn wait(&mut self, error: &WorkError) -> Result<(), PlannerError> {
        let outage = self.outage.get_or_insert_with(|| Outage {
            since: Instant::now(),
            due: Duration::ZERO,
            silence: AGAIN,
            _listening: interrupt::Listening::start(),
        });
        let passed = outage.since.elapsed();
        if passed >= outage.due {
            outage.due = passed + outage.silence;
            outage.silence = (outage.silence * 2).min(LONGEST);
            tracing::warn!(seconds = passed.as_secs(), "{error}; trying again");
            self.progress.note(&one_line(&format!("{error}; trying again until it can be, or Ctrl-C")));
        }
        interrupt::pause(AGAIN);
        if interrupt::requested() { Err(PlannerError::Stopped) } else { Ok(()) }
    }

    /// The database is there.
    fn answered(&mut self) {
        if let Some(outage) = self.outage.take() {
            let seconds = outage.since.elapsed().as_secs();
            tracing::info!(seconds, "the work store answers again");
            self.progress.note(&format!("the work store answers again, after {seconds} s"));
        }
    }
}

/// What a waiting planner tells: where tasks are, and when all may be done if proofs go on coming as they did.
fn describe(tally: &Tally, fresh: usize, passed: Duration) -> String {
    let Tally { queued, leased, done, dead } = *tally;
    let mut text = format!("proofs: {queued} queued, {leased} under way, {done} done");
    if dead > 0 {
        text += &format!(", {dead} dead");
    }
    let left = queued + leased;
    if fresh > 0 && left > 0 {
        let each = passed.as_secs_f64() / fresh as f64;
        text += &format!("; {:.1} a minute, about {:.0} s left", 60.0 / each, each * left as f64);
    } else if leased == 0 && left > 0 {
        text += "; no worker has taken any yet";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_described_with_rate_and_rest() {
        let tally = |queued, leased, done, dead| Tally { queued, leased, done, dead };
        let minute = Duration::from_secs(60);
        assert_eq!(
            describe(&tally(3, 1, 2, 0), 2, minute),
            "proofs: 3 queued, 1 under way, 2 done; 2.0 a minute, about 120 s left"
        );
        assert_eq!(
            describe(&tally(3, 0, 0, 0), 0, minute),
            "proofs: 3 queued, 0 under way, 0 done; no worker has taken any yet"
        );
        assert_eq!(describe(&tally(0, 0, 4, 1), 4, minute), "proofs: 0 queued, 0 under way, 4 done, 1 dead");
    }
}
