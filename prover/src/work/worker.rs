//! [`Worker`]: claims tasks, one at a time, and proves them.
//!
//! ```text
//! claim -> fetch -> decode -> execute -> prove -> verify -> store -> complete
//! ```
//!
//! While it works, a thread with a connection of its own tells the store that it is alive, so that a busy prover is not taken for a dead one. If the lease
//! is lost the proof is stopped, for somebody else has the task. A proof is verified before it is stored, stored before the task is completed,
//! and completed whether the lease still holds or not.
//!
//! Hazard: a task is somebody else's bytes. A panic while working on one is caught, and is a deterministic failure of that task.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_verifier::{VerifyingKey, VkId};

use super::artefacts::Artefacts;
use super::error::{ArtefactError, WorkError};
use super::id::TaskKey;
use super::replay::ReplayBundle;
use super::store::{AfterFailure, Claim, Completion, Failure, FailureKind, Lease, Offer, WorkStore, check_worker};
use super::task::{MAX_TASK, Task};
use crate::error::ProveError;
use crate::proven::ProvenBatch;
use crate::prover::Prover;
use crate::watch::Watch;

/// How long a worker may be silent, unless it says otherwise.
pub const DEFAULT_LEASE: Duration = Duration::from_secs(60);
/// Heartbeats in the time of a lease: two may be lost.
const BEATS: u32 = 3;
/// The least time between two, whatever the lease.
const SHORTEST_BEAT: Duration = Duration::from_millis(10);
/// The pause after a transient failure of a task, doubled with each of its attempts.
const RETRY: Duration = Duration::from_secs(2);
/// The most that it is doubled.
const MOST_DOUBLINGS: u32 = 8;

/// Makes a proof of an executed batch, as JSON of a proven file. [`Prover`] does; tests put others in its place.
pub trait ProofMaker: Send + Sync {
    /// The key that the proofs are for.
    fn verifying_key(&self) -> &VerifyingKey;
    /// The shape that the key is for.
    fn shape(&self) -> &Shape;
    /// A proof of the batch, as [`ProvenBatch::to_json`] writes it.
    ///
    /// # Errors
    /// [`ProveError`].
    fn prove(&self, executed: &Executed, watch: &dyn Watch) -> Result<String, ProveError>;
}

impl ProofMaker for Prover {
    fn verifying_key(&self) -> &VerifyingKey {
        self.key().verifying()
    }

    fn shape(&self) -> &Shape {
        self.key().shape()
    }

    fn prove(&self, executed: &Executed, watch: &dyn Watch) -> Result<String, ProveError> {
        Prover::prove(self, executed, watch).map(|proven| proven.to_json())
    }
}

/// Asks a worker to stop: what it works on is given back.
#[derive(Debug, Default)]
pub struct Stop(AtomicBool);

impl Stop {
    /// Not yet.
    pub const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Now.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What became of one turn of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Turn {
    /// No task fits.
    Idle,
    /// A proof was made and stored.
    Proven {
        /// The task.
        key: TaskKey,
        /// The batch.
        batch_number: u64,
        /// Whether it was the first.
        completion: Completion,
    },
    /// The task failed.
    Failed {
        /// The task.
        key: TaskKey,
        /// The batch.
        batch_number: u64,
        /// Why.
        message: String,
        /// What becomes of it.
        after: AfterFailure,
    },
    /// Somebody else has the task, or it is done.
    Lost {
        /// The task.
        key: TaskKey,
    },
    /// Stopped, and the task given back.
    Released {
        /// The task.
        key: TaskKey,
    },
}

/// A worker with its keys.
pub struct Worker<'a> {
    name: String,
    store: &'a dyn WorkStore,
    artefacts: &'a dyn Artefacts,
    makers: BTreeMap<[u8; 32], &'a dyn ProofMaker>,
    memory: u64,
    lease: Duration,
    replays: Option<PathBuf>,
}

/// What went wrong with a task.
enum Trouble {
    /// The task, or the machine.
    Failure(Failure),
    /// The proof was stopped from outside.
    Stopped,
}

impl<'a> Worker<'a> {
    /// A worker of this name, with these keys, and so much memory in bytes for a proof.
    ///
    /// # Errors
    /// [`WorkError::WorkerName`].
    pub fn new(
        name: &str,
        store: &'a dyn WorkStore,
        artefacts: &'a dyn Artefacts,
        makers: impl IntoIterator<Item = &'a dyn ProofMaker>,
        memory: u64,
    ) -> Result<Self, WorkError> {
        check_worker(name)?;
        let makers = makers.into_iter().map(|maker| (maker.verifying_key().id().to_bytes(), maker)).collect();
        Ok(Self { name: name.to_owned(), store, artefacts, makers, memory, lease: DEFAULT_LEASE, replays: None })
    }

    /// With leases of another length than [`DEFAULT_LEASE`].
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Writes a [`ReplayBundle`] of every task that fails for good into this folder.
    #[must_use]
    pub fn with_replays(mut self, folder: PathBuf) -> Self {
        self.replays = Some(folder);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Works until it is stopped; where there is nothing to do it asks again after a pause. `told` hears of every turn but idle ones.
    ///
    /// # Errors
    /// As [`Worker::turn`].
    pub fn run(&self, stop: &Stop, pause: Duration, mut told: impl FnMut(&Turn)) -> Result<(), WorkError> {
        /// So often a pause looks at the stop token.
        const TICK: Duration = Duration::from_millis(50);
        while !stop.is_stopped() {
            let turn = self.turn(stop)?;
            if turn != Turn::Idle {
                told(&turn);
                continue;
            }
            let mut left = pause;
            while !left.is_zero() && !stop.is_stopped() {
                let step = left.min(TICK);
                thread::sleep(step);
                left = left.saturating_sub(step);
            }
        }
        Ok(())
    }

    /// Claims a task and works on it.
    ///
    /// # Errors
    /// [`WorkError::Quarantined`] if this worker is in quarantine, and what the store says. What goes wrong with the task is no error.
    pub fn turn(&self, stop: &Stop) -> Result<Turn, WorkError> {
        let vk_ids: Vec<VkId> = self.makers.keys().map(|id| VkId::from_bytes(*id)).collect();
        let offer = Offer { worker: &self.name, vk_ids: &vk_ids, memory: self.memory, lease: self.lease };
        // Before the claim: a task must not wait for its lease to end because there was no connection for the heart.
        let heart = self.store.reopen()?;
        let Some(claim) = self.store.claim(&offer)? else { return Ok(Turn::Idle) };
        let lost = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            let (end, ended) = mpsc::channel::<()>();
            let lease = &claim.lease;
            let lost = &lost;
            scope.spawn(move || beat(&*heart, lease, self.lease, &ended, lost));
            let watch = Stopping { stop, lost };
            let outcome = catch_unwind(AssertUnwindSafe(|| self.prove(&claim, &watch)));
            drop(end);
            outcome
        });
        let outcome = outcome.unwrap_or_else(|panic| Err(Trouble::Failure(panicked(&*panic))));
        self.conclude(&claim, outcome)
    }

    fn conclude(&self, claim: &Claim, outcome: Result<String, Trouble>) -> Result<Turn, WorkError> {
        let (key, batch_number) = (claim.lease.key, claim.batch_number);
        let failure = match outcome {
            Ok(text) => match self.artefacts.put(text.as_bytes()) {
                Ok(result) => {
                    let completion = self.store.complete(&key, &self.name, &result)?;
                    return Ok(Turn::Proven { key, batch_number, completion });
                }
                Err(error) => transient(claim, error),
            },
            Err(Trouble::Stopped) => {
                return match self.store.release(&claim.lease) {
                    Ok(()) => Ok(Turn::Released { key }),
                    Err(WorkError::LeaseLost { .. }) => Ok(Turn::Lost { key }),
                    Err(error) => Err(error),
                };
            }
            Err(Trouble::Failure(failure)) => failure,
        };
        match self.store.fail(&claim.lease, &failure) {
            Ok(after) => {
                let mut message = failure.message;
                if let (AfterFailure::Dead, Some(folder)) = (after, &self.replays) {
                    // A replay that cannot be written must not hide why it was to be.
                    if let Err(error) = self.replay(folder, claim, &message) {
                        message = format!("{message} (no replay bundle: {error})");
                    }
                }
                Ok(Turn::Failed { key, batch_number, message, after })
            }
            Err(WorkError::LeaseLost { .. }) => Ok(Turn::Lost { key }),
            Err(error) => Err(error),
        }
    }

    fn replay(&self, folder: &std::path::Path, claim: &Claim, message: &str) -> Result<(), WorkError> {
        let task = self.artefacts.get(&claim.bundle, MAX_TASK).map_err(|error| WorkError::Place(error.to_string()))?;
        let bundle = ReplayBundle { vk_id: claim.vk_id, error: message.to_owned(), task };
        let path = folder.join(format!("{}.replay", claim.lease.key));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, bundle.encode()))
            .map_err(|source| WorkError::Io { path: path.clone(), source })
    }

    /// The proven file of a task, verified.
    fn prove(&self, claim: &Claim, watch: &dyn Watch) -> Result<String, Trouble> {
        let fatal = |message: String| Trouble::Failure(Failure { kind: FailureKind::Deterministic, message });
        // The store was asked for tasks of these keys; it is not believed.
        let maker = self.makers.get(&claim.vk_id.to_bytes()).ok_or_else(|| fatal(format!("no key {} here", claim.vk_id)))?;
        if TaskKey::of(claim.vk_id, claim.bundle) != claim.lease.key {
            return Err(fatal("the task's key is not that of its verifying key and bundle".into()));
        }
        let bytes =
            self.artefacts.get(&claim.bundle, MAX_TASK).map_err(|error| Trouble::Failure(transient(claim, error)))?;
        let task = Task::decode(&bytes, maker.shape()).map_err(|error| fatal(error.to_string()))?;
        let executed = task.execute().map_err(|error| fatal(error.to_string()))?;
        let text = maker.prove(&executed, watch).map_err(|error| match error {
            ProveError::Stopped => Trouble::Stopped,
            ProveError::Randomness(_) => Trouble::Failure(Failure {
                kind: FailureKind::Transient { after: pause(claim) },
                message: error.to_string(),
            }),
            // A key that is damaged here may be whole elsewhere; this worker must not go on with it.
            ProveError::Key(_) | ProveError::SelfCheck(_) | ProveError::Proof(_) | ProveError::Matrices { .. } => {
                Trouble::Failure(Failure { kind: FailureKind::BadProof, message: error.to_string() })
            }
            error => fatal(error.to_string()),
        })?;
        let bad = |message: String| Trouble::Failure(Failure { kind: FailureKind::BadProof, message });
        let key = maker.verifying_key();
        let proven = ProvenBatch::verify_json(&text, key, key.id()).map_err(|error| bad(error.to_string()))?;
        if proven.verified().statement() != task.statement() {
            return Err(bad("the proof is of another statement".into()));
        }
        Ok(text)
    }
}

/// How long a task waits after its next failure.
fn pause(claim: &Claim) -> Duration {
    RETRY * 2u32.pow(claim.attempts.min(MOST_DOUBLINGS))
}

/// Storage fails another time than the next: what is missing may still be on its way from another machine.
fn transient(claim: &Claim, error: ArtefactError) -> Failure {
    Failure { kind: FailureKind::Transient { after: pause(claim) }, message: error.to_string() }
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Failure {
        kind: FailureKind::Deterministic,
        message: format!("the worker panicked: {}", text.unwrap_or("it did not say why")),
    }
}

/// Stops a proof when the worker is stopped, or its lease lost.
struct Stopping<'a> {
    stop: &'a Stop,
    lost: &'a AtomicBool,
}

impl Watch for Stopping<'_> {
    fn stopped(&self) -> bool {
        self.stop.is_stopped() || self.lost.load(Ordering::Relaxed)
    }
}

/// Prolongs a lease until the other end of the channel is dropped.
fn beat(store: &dyn WorkStore, lease: &Lease, length: Duration, ended: &mpsc::Receiver<()>, lost: &AtomicBool) {
    while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout((length / BEATS).max(SHORTEST_BEAT)) {
        // A database that cannot be reached may be back for the next one: only its word ends the work.
        if let Err(WorkError::LeaseLost { .. }) = store.heartbeat(lease, length) {
            lost.store(true, Ordering::Relaxed);
            return;
        }
    }
}
