//! [`WorkStore`]: the queue of proofs to be made, as a database keeps it.
//!
//! ```text
//!            add                 claim                  complete
//!   (none) -------> queued  ---------------> leased ----------------> done
//!                     ^  ^                    |  |                      |
//!                     |  |    ^------------- -+  |                      |
//!                     |  |     release, lapse,    | fail: the second     |
//!                     |  | bury   fail            | worker confirms it   |
//!                     |  v                        v                      |
//!                     +----------------------- dead                     |
//!                     |      requeue                                    |
//!                     +-------------------------------------------------+
//!                            reject: the proof does not verify
//! ```
//!
//! What every store must do, each a case of the conformance suite (`prover/work/tests/work`):
//!
//! - a task has one key, and is one task however often it is added;
//! - a claim takes the task with the earliest deadline that fits the worker's memory and whose verifying key the worker has;
//! - a claim raises the task's epoch; a lease of an earlier epoch is refused where it would heartbeat, fail or release;
//! - all times are the database's;
//! - a lease that runs out costs no attempt: the worker died, the task did nothing;
//! - a failure costs an attempt, and no worker's word alone makes a task dead. A worker is not given a task again on which it used up the attempts, of which it
//!   says that it fails whoever tries, or which it claimed [`MOST_CLAIMS`] times. The task is dead when a second worker says the same, or used up its
//!   attempts as well, or when the planner says so ([`WorkStore::bury`]);
//! - completion asks for no lease: the proof was verified, so who made it and when does not matter. The second one of a task is kept, for the first may be
//!   rejected, and who is at work on the task goes on;
//! - a worker in quarantine is given nothing, and nothing of it is taken.
//!
//! Hazards: the store believes that a proof was verified, as it cannot verify one itself; whoever uses the proofs verifies them again and calls
//! [`WorkStore::reject`]. A worker's name is what the worker says it is, but where the database knows logins of workers, names begin with the login, and
//! all workers of one login count as one.

use std::time::Duration;

use tapstone_verifier::VkId;

use super::error::WorkError;
use super::id::{ArtefactId, TaskKey};

/// The longest name of a worker, in bytes.
pub const MAX_WORKER_NAME: usize = 128;
/// The longest message that is kept, in bytes; what is longer is cut.
pub const MAX_MESSAGE: usize = 4096;
/// Attempts that a task has unless its planner says otherwise.
pub const DEFAULT_ATTEMPTS: u32 = 5;
/// Claims of one task by one worker: whoever takes it and lets it go so often will not prove it.
pub const MOST_CLAIMS: u32 = 32;
/// A worker that was not heard of for so long is not waited for.
pub const HEARD: Duration = Duration::from_secs(120);

/// A task to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// Its key.
    pub key: TaskKey,
    /// The verifying key that its proof is for.
    pub vk_id: VkId,
    /// The chain.
    pub chain_id: u32,
    /// The batch.
    pub batch_number: u64,
    /// The name of its bundle, which is stored already.
    pub bundle: ArtefactId,
    /// Memory that proving it takes, in bytes.
    pub memory: u64,
    /// When its proof is wanted, in seconds since 1970; the earliest goes first.
    pub deadline: u64,
    /// Failed attempts of one worker after which the task is left to others, at least 1.
    pub max_attempts: u32,
}

/// What became of a task that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is queued.
    New,
    /// It was there already, in this state, and is as it was.
    Existed(TaskState),
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// Nobody works on it.
    Queued,
    /// A worker has a lease of it.
    Leased,
    /// It has a proof.
    Done,
    /// It failed for good, and waits for an operator.
    Dead,
}

impl TaskState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Leased, Self::Done, Self::Dead];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What a worker asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    /// The worker's name, 1 to [`MAX_WORKER_NAME`] bytes.
    pub worker: &'a str,
    /// The keys that it has.
    pub vk_ids: &'a [VkId],
    /// The memory that it has for a proof, in bytes.
    pub memory: u64,
    /// How long it may be silent.
    pub lease: Duration,
}

/// The right to work on a task until it runs out, or somebody else gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The task.
    pub key: TaskKey,
    /// The number of the claim; a later claim has a higher one.
    pub epoch: u64,
    /// Who holds it.
    pub worker: String,
}

/// A task that was claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The lease.
    pub lease: Lease,
    /// The name of its bundle.
    pub bundle: ArtefactId,
    /// The verifying key that its proof is for.
    pub vk_id: VkId,
    /// The chain.
    pub chain_id: u32,
    /// The batch.
    pub batch_number: u64,
    /// When its proof is wanted, in seconds since 1970.
    pub deadline: u64,
    /// Attempts that failed so far.
    pub attempts: u32,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// It may go better another time, not before so long: storage, network, randomness, memory.
    Transient {
        /// How long to wait.
        after: Duration,
    },
    /// It fails whoever tries, the worker says: it is not given the task again.
    Deterministic,
    /// The proof that the worker made does not verify: an attempt is used up, and the worker goes into quarantine.
    BadProof,
}

/// Why a task was not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// In words.
    pub message: String,
}

/// What became of a task that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterFailure {
    /// It is tried again.
    Queued {
        /// Attempts that failed so far.
        attempts: u32,
    },
    /// It is among the dead letters.
    Dead,
}

/// What a proof took, as its worker tells: nobody checks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Threads that worked, 0 if that is not known.
    pub threads: u32,
    /// Peak resident memory of the worker's process in bytes, if that is known.
    pub peak_bytes: Option<u64>,
}

/// What became of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The task is done by it.
    First,
    /// The task was done already.
    Duplicate,
}

/// What became of a proof that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The task is queued again, or goes on where it is worked on, and who made the proof is in quarantine.
    Queued,
    /// The same, but the task is done by another result, which came later and is yet to be verified.
    Replaced,
    /// The task has another result by now, or none; nothing was changed.
    Outdated,
}

/// A task as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRecord {
    /// What was added.
    pub task: NewTask,
    /// Where it is.
    pub state: TaskState,
    /// Attempts that failed.
    pub attempts: u32,
    /// Leases that ran out: workers that died of it, or while at it.
    pub lapses: u32,
    /// Claims so far.
    pub epoch: u64,
    /// Who has it, or had it last.
    pub worker: Option<String>,
    /// The proven file, if it is done.
    pub result: Option<ArtefactId>,
    /// Who made that.
    pub result_worker: Option<String>,
    /// What the last failure said.
    pub error: Option<String>,
    /// From its last claim to its completion, in milliseconds of the database's clock.
    pub milliseconds: Option<u64>,
    /// What the proof took, if its worker told.
    pub effort: Effort,
}

/// A worker as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRecord {
    /// Its name.
    pub name: String,
    /// Since it was last heard of, in milliseconds.
    pub silent: u64,
    /// Tasks that it completed first.
    pub completed: u64,
    /// Why it is in quarantine, if it is.
    pub quarantine: Option<String>,
}

/// The whole store at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Tasks that nobody works on.
    pub queued: u64,
    /// Tasks that are being worked on.
    pub leased: u64,
    /// Of those, leases that ran out and that nobody took yet.
    pub lapsed: u64,
    /// Tasks that have a proof.
    pub done: u64,
    /// Dead letters.
    pub dead: u64,
    /// The earliest deadline of a task that is queued or leased, in seconds since 1970.
    pub next_deadline: Option<u64>,
    /// From the database's clock to that deadline, in milliseconds; negative when it has passed.
    pub slack: Option<i64>,
    /// The workers, by name.
    pub workers: Vec<WorkerRecord>,
}

/// A queue of proofs to be made. Calls block; the store may be used from any thread, and calls through one store wait for each other.
pub trait WorkStore: Send + Sync {
    /// Adds tasks, all or none; for each, in order, whether it is new. Their bundles must be stored already.
    ///
    /// # Errors
    /// What the database says, and [`WorkError::Number`] for a number that it has no room for.
    fn add(&self, tasks: &[NewTask]) -> Result<Vec<Added>, WorkError>;

    /// Claims the task with the earliest deadline that fits the offer; of several the one added first.
    ///
    /// # Errors
    /// [`WorkError::Quarantined`] for a worker in quarantine, [`WorkError::WorkerName`], and what the database says.
    fn claim(&self, offer: &Offer<'_>) -> Result<Option<Claim>, WorkError>;

    /// Prolongs a lease to so long from now. Works also for one that ran out, as long as nobody took the task.
    ///
    /// # Errors
    /// [`WorkError::LeaseLost`] if the task was given to somebody else, or is done; what the database says.
    fn heartbeat(&self, lease: &Lease, length: Duration) -> Result<(), WorkError>;

    /// Gives a task back, as if it had not been claimed: when a worker is stopped.
    ///
    /// # Errors
    /// As [`WorkStore::heartbeat`].
    fn release(&self, lease: &Lease) -> Result<(), WorkError>;

    /// Tells that a task was not proven, and why.
    ///
    /// # Errors
    /// As [`WorkStore::heartbeat`].
    fn fail(&self, lease: &Lease, failure: &Failure) -> Result<AfterFailure, WorkError>;

    /// Tells that a proof of the task was verified and stored, and what it took; whatever state the task is in.
    ///
    /// # Errors
    /// [`WorkError::NoTask`], [`WorkError::Quarantined`], [`WorkError::WorkerName`], [`WorkError::Number`], and what the database says.
    fn complete_with(
        &self,
        key: &TaskKey,
        worker: &str,
        result: &ArtefactId,
        effort: Effort,
    ) -> Result<Completion, WorkError>;

    /// As [`WorkStore::complete_with`], of who does not know what it took.
    ///
    /// # Errors
    /// As [`WorkStore::complete_with`].
    fn complete(&self, key: &TaskKey, worker: &str, result: &ArtefactId) -> Result<Completion, WorkError> {
        self.complete_with(key, worker, result, Effort::default())
    }

    /// Tells that this result of a task is no proof of it. Another result takes its place, if there is one; else the task is queued again, at no cost. Who made
    /// the result goes into quarantine.
    ///
    /// # Errors
    /// [`WorkError::NoTask`], and what the database says.
    fn reject(&self, key: &TaskKey, result: &ArtefactId, reason: &str) -> Result<Rejection, WorkError>;

    /// Gives a worker nothing more, and gives what it has to others, at no cost to the tasks.
    ///
    /// # Errors
    /// [`WorkError::WorkerName`], and what the database says.
    fn quarantine(&self, worker: &str, reason: &str) -> Result<(), WorkError>;

    /// Lets a worker out of quarantine.
    ///
    /// # Errors
    /// What the database says.
    fn pardon(&self, worker: &str) -> Result<(), WorkError>;

    /// Whether a queued task failed for good by the word of those who may be given no more of it, and no other worker was heard of within [`HEARD`]: then nobody
    /// will confirm it.
    ///
    /// # Errors
    /// What the database says.
    fn is_stranded(&self, key: &TaskKey) -> Result<bool, WorkError>;

    /// Puts a queued task among the dead letters; whether it was queued. For planners, who know whether it is a task at all.
    ///
    /// # Errors
    /// What the database says.
    fn bury(&self, key: &TaskKey, reason: &str) -> Result<bool, WorkError>;

    /// Whether a task is queued or leased that whoever makes this offer may be given, now or later.
    ///
    /// # Errors
    /// What the database says.
    fn is_left(&self, offer: &Offer<'_>) -> Result<bool, WorkError>;

    /// Queues a dead letter again, or a task that failed and waits for others, with all its attempts for everybody.
    ///
    /// # Errors
    /// [`WorkError::NoTask`], [`WorkError::NotDead`], and what the database says.
    fn requeue(&self, key: &TaskKey) -> Result<(), WorkError>;

    /// A task, if there is one of that key.
    ///
    /// # Errors
    /// What the database says, and [`WorkError::Damaged`] for a row that does not read.
    fn task(&self, key: &TaskKey) -> Result<Option<TaskRecord>, WorkError>;

    /// The tasks of these keys, in their order; `None` for a key that no task has.
    ///
    /// # Errors
    /// As [`WorkStore::task`].
    fn tasks_of(&self, keys: &[TaskKey]) -> Result<Vec<Option<TaskRecord>>, WorkError> {
        keys.iter().map(|key| self.task(key)).collect()
    }

    /// Tasks in a state, the earliest deadline first, and at most so many.
    ///
    /// # Errors
    /// As [`WorkStore::task`].
    fn tasks(&self, state: TaskState, most: u32) -> Result<Vec<TaskRecord>, WorkError>;

    /// Counts.
    ///
    /// # Errors
    /// As [`WorkStore::task`].
    fn status(&self) -> Result<Status, WorkError>;

    /// The same store by a connection of its own, which waits for no call through this one: for heartbeats.
    ///
    /// # Errors
    /// What the database says.
    fn reopen(&self) -> Result<Box<dyn WorkStore>, WorkError>;
}

/// A worker's name, if it is one.
pub(super) fn check_worker(name: &str) -> Result<(), WorkError> {
    let fits = (1..=MAX_WORKER_NAME).contains(&name.len()) && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(WorkError::WorkerName { had: name.chars().take(48).collect() }) }
}

/// As much of a message as is kept, without what a database does not take.
pub(super) fn kept(message: &str) -> String {
    let mut end = message.len().min(MAX_MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].replace('\0', " ")
}

/// A number as databases have them.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn signed(field: &'static str, number: u64) -> Result<i64, WorkError> {
    i64::try_from(number).map_err(|_| WorkError::Number { field, had: number })
}

/// Milliseconds as databases have them; what is longer than they can say is as good as forever.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn milliseconds(length: Duration) -> i64 {
    // A third of the range leaves room to add the clock to it.
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX).min(i64::MAX / 3)
}

/// Whether a task may be queued again: it is dead, or failed and waits for others than those who failed.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(super) fn may_be_requeued(record: &TaskRecord) -> bool {
    record.state == TaskState::Dead || (record.state == TaskState::Queued && record.attempts > 0)
}
