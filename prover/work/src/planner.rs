//! [`Planner`]: hands out tasks, and takes the proofs in order.
//!
//! Every proof is verified on arrival, under the planner's own key and against the statement that the planner executed; a [`Collector`](super::Collector)
//! takes them in whatever order they come. What is no proof of the task is rejected, its maker goes into quarantine, and the task is queued again, or another
//! proof of it looked at: a hostile worker delays, and corrupts nothing. Nor does its word end a run: a task is given up when a second worker confirms that
//! it fails, or there is none.

use std::thread;
use std::time::{Duration, Instant};

use tapstone_prover::{ProvenBatch, ProvenFile};
use tapstone_verifier::{Statement, VerifyingKey};

use super::artefacts::Artefacts;
use super::collector::Arrival;
use super::error::PlannerError;
use super::id::{ArtefactId, TaskKey};
use super::queue::{HEARD, NewTask, Rejection, TaskRecord, TaskState, WorkStore};
use super::task::Task;
use super::worker::Stop;

/// So often a waiting planner looks, unless it is told otherwise.
pub const DEFAULT_POLL: Duration = Duration::from_millis(500);
/// So often a pause looks at the stop token.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// What a planner wants of all its tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Memory that proving takes, in bytes.
    pub memory: u64,
    /// When the proofs are wanted, in seconds since 1970.
    pub deadline: u64,
    /// Failed attempts of one worker after which the task is left to others, at least 1.
    pub max_attempts: u32,
}

/// A task that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its key.
    pub key: TaskKey,
    /// What its proof must claim.
    pub statement: Statement,
}

/// Where a task stands.
pub(super) enum Seen {
    /// Nobody works on it, or what pretended to be its proof was rejected.
    Queued,
    /// A worker has it.
    Leased,
    /// Its proof is there, and verified.
    Arrived(Box<Arrival>),
    /// It failed for good; the error says so.
    Dead(PlannerError),
}

/// Hands out tasks for one key, and takes the proofs.
pub struct Planner<'a> {
    store: &'a dyn WorkStore,
    artefacts: &'a dyn Artefacts,
    key: &'a VerifyingKey,
    poll: Duration,
}

impl<'a> Planner<'a> {
    /// A planner of proofs that verify under this key.
    pub fn new(store: &'a dyn WorkStore, artefacts: &'a dyn Artefacts, key: &'a VerifyingKey) -> Self {
        Self { store, artefacts, key, poll: DEFAULT_POLL }
    }

    /// Looks as often as this while it waits.
    #[must_use]
    pub fn with_poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Stores the tasks and queues them; those that are there already are as they were, done ones included.
    ///
    /// # Errors
    /// [`PlannerError`] from the storage, the store, or a task that cannot be written.
    pub fn submit(&self, tasks: &[Task], terms: Terms) -> Result<Vec<Submitted>, PlannerError> {
        let mut new = Vec::with_capacity(tasks.len());
        let mut submitted = Vec::with_capacity(tasks.len());
        for task in tasks {
            let statement = *task.statement();
            let bundle = self.artefacts.put(&task.encode()?)?;
            let key = TaskKey::of(self.key.id(), bundle);
            new.push(NewTask {
                key,
                vk_id: self.key.id(),
                chain_id: statement.chain_id,
                batch_number: statement.batch_number,
                bundle,
                memory: terms.memory,
                deadline: terms.deadline,
                max_attempts: terms.max_attempts,
            });
            submitted.push(Submitted { key, statement });
        }
        self.store.add(&new)?;
        Ok(submitted)
    }

    /// Waits for the proof of a task. Called for task after task it hands the proofs out in the order of the tasks, whatever order they come in.
    ///
    /// # Errors
    /// [`PlannerError::Dead`] if the task is among the dead letters, [`PlannerError::Vanished`] if it was removed, [`PlannerError::Stopped`],
    /// and what storage and store say.
    pub fn wait(&self, task: &Submitted, stop: &Stop) -> Result<ProvenBatch, PlannerError> {
        loop {
            if let Some(proven) = self.look(task)? {
                return Ok(proven);
            }
            if stop.is_stopped() {
                return Err(PlannerError::Stopped);
            }
            self.pause(stop);
        }
    }

    /// The proof of a task, if there is one by now. What pretends to be one is rejected.
    ///
    /// # Errors
    /// As [`Planner::wait`].
    pub fn look(&self, task: &Submitted) -> Result<Option<ProvenBatch>, PlannerError> {
        match self.see(task, self.store.task(&task.key)?)? {
            Seen::Arrived(arrival) => Ok(Some(arrival.proven)),
            Seen::Dead(error) => Err(error),
            Seen::Queued | Seen::Leased => Ok(None),
        }
    }

    /// How often it looks while it waits.
    pub(super) const fn poll(&self) -> Duration {
        self.poll
    }

    /// The work store.
    pub(super) const fn store(&self) -> &'a dyn WorkStore {
        self.store
    }

    /// Where a task stands, by its record, its proof verified.
    pub(super) fn see(&self, task: &Submitted, record: Option<TaskRecord>) -> Result<Seen, PlannerError> {
        let batch_number = task.statement.batch_number;
        let record = record.ok_or(PlannerError::Vanished { batch_number, key: task.key })?;
        Ok(match (record.state, record.result) {
            (TaskState::Done, Some(result)) => match self.receive(task, &result)? {
                Some(proven) => {
                    let (worker, milliseconds, effort) = (record.result_worker, record.milliseconds, record.effort);
                    Seen::Arrived(Box::new(Arrival { proven, worker, milliseconds, effort }))
                }
                None => Seen::Queued,
            },
            (TaskState::Dead, _) => Seen::Dead(PlannerError::Dead {
                batch_number,
                key: task.key,
                attempts: record.attempts,
                error: record.error.unwrap_or_default(),
            }),
            (TaskState::Leased, _) => Seen::Leased,
            (TaskState::Queued, _) if record.attempts > 0 && self.bury(task, &record)? => {
                return self.see(task, self.store.task(&task.key)?);
            }
            (TaskState::Queued | TaskState::Done, _) => Seen::Queued,
        })
    }

    /// Gives a task up that failed for good and that nobody else is there to try; whether it did. The batch was executed here and its task is known by its
    /// hash, so a worker's word that it fails whoever tries is not enough while there are others.
    fn bury(&self, task: &Submitted, record: &TaskRecord) -> Result<bool, PlannerError> {
        if !self.store.is_stranded(&task.key)? {
            return Ok(false);
        }
        let (worker, error) = (record.worker.as_deref().unwrap_or("nobody"), record.error.as_deref().unwrap_or_default());
        let seconds = HEARD.as_secs();
        let reason = format!("{error}; so says worker {worker}, and no other was heard of in the last {seconds} seconds");
        Ok(self.store.bury(&task.key, &reason)?)
    }

    fn receive(&self, task: &Submitted, result: &ArtefactId) -> Result<Option<ProvenBatch>, PlannerError> {
        let reason = match self.artefacts.get(result, ProvenFile::LIMIT) {
            Ok(bytes) => match self.verify(task, &bytes) {
                Ok(proven) => return Ok(Some(proven)),
                Err(reason) => reason,
            },
            // The storage answered: there is no such artefact, or it is another.
            Err(error) if error.is_verdict() => error.to_string(),
            Err(error) => return Err(error.into()),
        };
        // Either way the task is looked at again: it may have another result by now.
        let (Rejection::Queued | Rejection::Replaced | Rejection::Outdated) =
            self.store.reject(&task.key, result, &reason)?;
        Ok(None)
    }

    fn verify(&self, task: &Submitted, bytes: &[u8]) -> Result<ProvenBatch, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let proven = ProvenBatch::verify_json(text, self.key, self.key.id()).map_err(|error| error.to_string())?;
        if *proven.verified().statement() != task.statement {
            return Err("it is a proof of another statement".into());
        }
        Ok(proven)
    }

    fn pause(&self, stop: &Stop) {
        let start = Instant::now();
        while start.elapsed() < self.poll && !stop.is_stopped() {
            thread::sleep(TICK.min(self.poll));
        }
    }
}
