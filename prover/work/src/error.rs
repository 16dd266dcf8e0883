//! What can go wrong with work that is shared.

use std::path::PathBuf;

use tapstone_circuits::ledger::{BatchError, PartError};
use tapstone_circuits::shape::CIRCUIT_VERSION;
use tapstone_verifier::error::StatementError;
use thiserror::Error;

use super::id::{ArtefactId, TaskKey};
use super::queue::MAX_WORKER_NAME;

/// What a database driver said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A work store could not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WorkError {
    /// The lease was of an earlier epoch, or the task is done: whatever its holder was doing, the task goes on without it.
    #[error("the lease of task {key} with epoch {epoch} is lost: another worker has the task, or it is done")]
    LeaseLost {
        /// The task.
        key: TaskKey,
        /// The lease's epoch.
        epoch: u64,
    },
    /// No task has this key.
    #[error("no task {key}")]
    NoTask {
        /// The key.
        key: TaskKey,
    },
    /// Only dead letters are queued again.
    #[error("task {key} is {had}, needed a dead one")]
    NotDead {
        /// The task.
        key: TaskKey,
        /// Its state.
        had: &'static str,
    },
    /// The worker made proofs that do not verify.
    #[error("worker {worker} is in quarantine: {reason}")]
    Quarantined {
        /// The worker.
        worker: String,
        /// Why.
        reason: String,
    },
    /// No name for a worker.
    #[error("{had:?} is no name of a worker, needed 1 to {MAX_WORKER_NAME} bytes and no control characters")]
    WorkerName {
        /// Its first characters.
        had: String,
    },
    /// A number that databases have no room for.
    #[error("{field} is {had}, needed below 2^63")]
    Number {
        /// Which.
        field: &'static str,
        /// The number.
        had: u64,
    },
    /// Something in the database is not what this program writes.
    #[error("the work store is damaged: {what}")]
    Damaged {
        /// What.
        what: String,
    },
    /// The tables are of another version.
    #[error("the work store has schema version {had}, needed {needed}: {advice}")]
    Schema {
        /// The version found, 0 for none.
        had: i64,
        /// What this program works with.
        needed: i64,
        /// What to do.
        advice: &'static str,
    },
    /// The place of a store is not one.
    #[error("{0}")]
    Place(String),
    /// A file could not be read or made.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refused, or could not be reached when the store was opened.
    #[error("the work store's database: {}", with_causes(.0))]
    Database(Cause),
    /// The database could be reached before, and cannot be reached now; the same call may go well later.
    #[error("the work store's database cannot be reached: {}", with_causes(.0))]
    Unavailable(Cause),
}

/// What an error says, and what those below it add: drivers of databases tell the reason there.
fn with_causes(error: &Cause) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(found) = cause {
        let more = found.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = found.source();
    }
    text
}

/// Bytes are not a task, or not one that can be executed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TaskError {
    /// More bytes than any task has.
    #[error("the task has {had} bytes, needed at most {largest}")]
    TooLong {
        /// Its bytes.
        had: usize,
        /// The most.
        largest: usize,
    },
    /// Not a task at all, or one of another format.
    #[error("not a task of format tapstone-task/1")]
    Format,
    /// It ends too early, or goes on after its end.
    #[error("the task is cut short or goes on after its end, at {what}")]
    Length {
        /// What was being read.
        what: &'static str,
    },
    /// The name of the shape is too long to be written.
    #[error("the name of shape {had:?} has more than 255 bytes")]
    Shape {
        /// The name.
        had: String,
    },
    /// It is for another shape than the one at hand.
    #[error("the task is for shape {had:?}, needed {needed}")]
    OtherShape {
        /// The task's.
        had: String,
        /// The one at hand.
        needed: String,
    },
    /// The circuit is of another version.
    #[error("the task is for circuit version {had}, needed {CIRCUIT_VERSION}")]
    CircuitVersion {
        /// The task's.
        had: u32,
    },
    /// The statement does not read.
    #[error("the task's statement: {0}")]
    Statement(#[from] StatementError),
    /// The transactions do not read, or are not written as they would be.
    #[error("the task's transactions: {0}")]
    Transactions(String),
    /// Accounts, pools or nodes that do not read.
    #[error("the task's part of the state: {what} does not read")]
    Value {
        /// What.
        what: &'static str,
    },
    /// Something that the transactions touch is not there.
    #[error("the task's part of the state lacks {what} that its transactions touch")]
    Lacks {
        /// What.
        what: &'static str,
    },
    /// It is written otherwise than a task is: something is there that is not needed, or in another order.
    #[error("the task is not written as tasks are")]
    NotCanonical,
    /// The part of the state is not one.
    #[error("the task's part of the state: {0}")]
    Part(#[from] PartError),
    /// Statement, transactions, state and shape do not belong together.
    #[error("the task's {what} is {had}, needed {needed}")]
    Mismatch {
        /// What.
        what: &'static str,
        /// What it is.
        had: String,
        /// What the rest of the task needs.
        needed: String,
    },
    /// The batch is refused.
    #[error("the task's batch: {0}")]
    Execute(#[from] BatchError),
    /// The batch came out otherwise than the task says.
    #[error("the task's batch gives another {field} than the task's statement")]
    Outcome {
        /// The first field that differs.
        field: &'static str,
    },
}

/// An artefact could not be stored or fetched.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// There is none.
    #[error("artefact {id} is not in the storage")]
    Missing {
        /// Its name.
        id: ArtefactId,
    },
    /// More bytes than expected.
    #[error("artefact {id} has {had} bytes, needed at most {largest}")]
    TooLong {
        /// Its name.
        id: ArtefactId,
        /// Its bytes.
        had: u64,
        /// The most.
        largest: u64,
    },
    /// Other bytes than its name says.
    #[error("artefact {id} holds other bytes, whose SHA-256 is {had}")]
    Hash {
        /// Its name.
        id: ArtefactId,
        /// The hash of what it holds.
        had: ArtefactId,
    },
    /// The place of a storage is not one.
    #[error("{0}")]
    Place(String),
    /// The storage refused, or could not be reached.
    #[error("the storage of artefacts: {0}")]
    Storage(Cause),
}

impl ArtefactError {
    /// Whether the storage answered, and what it holds is not the artefact; not whether it could not be asked.
    pub const fn is_verdict(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::TooLong { .. } | Self::Hash { .. })
    }
}

/// Planning or collecting failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PlannerError {
    /// The work store.
    #[error(transparent)]
    Work(#[from] WorkError),
    /// The artefacts.
    #[error(transparent)]
    Artefact(#[from] ArtefactError),
    /// A task that the planner would hand out does not hold together.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A task is among the dead letters.
    #[error("batch {batch_number} was not proven: {error} (task {key}, {attempts} attempts)")]
    Dead {
        /// The batch.
        batch_number: u64,
        /// The task.
        key: TaskKey,
        /// Attempts that failed.
        attempts: u32,
        /// What the last one said.
        error: String,
    },
    /// A task was removed from the store.
    #[error("task {key} of batch {batch_number} is no longer in the work store")]
    Vanished {
        /// The batch.
        batch_number: u64,
        /// The task.
        key: TaskKey,
    },
    /// Stopped by the caller.
    #[error("stopped")]
    Stopped,
}
