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
//! Hazard: a task is somebody else's bytes. A panic while working on one is caught, and is a deterministic failure of that task as far as this worker can tell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tapstone_prover::{Stage, Watch};
use tapstone_verifier::VkId;

use super::artefacts::{Artefacts, write_whole};
use super::error::{ArtefactError, WorkError};
use super::id::TaskKey;
use super::proving::{self, ProofMaker, Trouble};
use super::queue::{AfterFailure, Claim, Completion, Effort, Failure, FailureKind, Lease, Offer, WorkStore, check_worker};
use super::replay::ReplayBundle;
use super::task::MAX_TASK;

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

/// Hears what a worker does; from any of its threads.
pub trait Observer: Sync {
    /// A task was claimed.
    fn claimed(&self, claim: &Claim) {
        let _ = claim;
    }

    /// A stage of the proof begins.
    fn stage(&self, stage: Stage) {
        let _ = stage;
    }

    /// What the proof took that was just made, to be kept with it.
    fn effort(&self) -> Effort {
        Effort::default()
    }
}

/// Nobody listens.
impl Observer for () {}

/// A worker with its keys.
pub struct Worker<'a> {
    name: String,
    store: &'a dyn WorkStore,
    artefacts: &'a dyn Artefacts,
    makers: BTreeMap<[u8; 32], &'a dyn ProofMaker>,
    memory: u64,
    lease: Duration,
    replays: Option<PathBuf>,
    observer: &'a dyn Observer,
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
        Ok(Self {
            name: name.to_owned(),
            store,
            artefacts,
            makers,
            memory,
            lease: DEFAULT_LEASE,
            replays: None,
            observer: &(),
        })
    }

    /// With leases of another length than [`DEFAULT_LEASE`].
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Writes a [`ReplayBundle`] of every task into this folder that is dead, or fails whoever tries as far as this worker can tell.
    #[must_use]
    pub fn with_replays(mut self, folder: PathBuf) -> Self {
        self.replays = Some(folder);
        self
    }

    /// Lets somebody hear what it does.
    #[must_use]
    pub fn with_observer(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = observer;
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

    fn vk_ids(&self) -> Vec<VkId> {
        self.makers.keys().map(|id| VkId::from_bytes(*id)).collect()
    }

    /// Whether nothing is left that this worker could do, now or if another worker dies: no task of its keys that fits its memory is queued or leased, but for
    /// those on which it failed for good.
    ///
    /// # Errors
    /// What the store says.
    pub fn is_drained(&self) -> Result<bool, WorkError> {
        let vk_ids = self.vk_ids();
        Ok(!self.store.is_left(&Offer { worker: &self.name, vk_ids: &vk_ids, memory: self.memory, lease: self.lease })?)
    }

    /// Claims a task and works on it.
    ///
    /// # Errors
    /// [`WorkError::Quarantined`] if this worker is in quarantine, and what the store says. What goes wrong with the task is no error.
    pub fn turn(&self, stop: &Stop) -> Result<Turn, WorkError> {
        let vk_ids = self.vk_ids();
        let offer = Offer { worker: &self.name, vk_ids: &vk_ids, memory: self.memory, lease: self.lease };
        // Before the claim: a task must not wait for its lease to end because there was no connection for the heart.
        let heart = self.store.reopen()?;
        let Some(claim) = self.store.claim(&offer)? else { return Ok(Turn::Idle) };
        self.observer.claimed(&claim);
        let lost = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            let (end, ended) = mpsc::channel::<()>();
            let lease = &claim.lease;
            let lost = &lost;
            scope.spawn(move || beat(&*heart, lease, self.lease, &ended, lost));
            let outcome = self.prove(&claim, &Stopping { stop, lost, observer: self.observer });
            drop(end);
            outcome
        });
        self.conclude(&claim, outcome)
    }

    fn conclude(&self, claim: &Claim, outcome: Result<String, Trouble>) -> Result<Turn, WorkError> {
        let (key, batch_number) = (claim.lease.key, claim.batch_number);
        let failure = match outcome {
            Ok(text) => match self.artefacts.put(text.as_bytes()) {
                Ok(result) => {
                    let completion = self.store.complete_with(&key, &self.name, &result, self.observer.effort())?;
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
                let final_here = after == AfterFailure::Dead || failure.kind == FailureKind::Deterministic;
                if let Some(folder) = self.replays.as_ref().filter(|_| final_here) {
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

    fn replay(&self, folder: &Path, claim: &Claim, message: &str) -> Result<(), WorkError> {
        let task = self.artefacts.get(&claim.bundle, MAX_TASK).map_err(|error| WorkError::Place(error.to_string()))?;
        let bundle = ReplayBundle { vk_id: claim.vk_id, error: message.to_owned(), task };
        let path = folder.join(format!("{}.replay", claim.lease.key));
        // A bundle that is cut short would read as another task, which fails for another reason.
        write_whole(&path, &bundle.encode()).map_err(|source| WorkError::Io { path: path.clone(), source })
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
        proving::prove(&bytes, *maker, watch, pause(claim))
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

/// Stops a proof when the worker is stopped, or its lease lost.
struct Stopping<'a> {
    stop: &'a Stop,
    lost: &'a AtomicBool,
    observer: &'a dyn Observer,
}

impl Watch for Stopping<'_> {
    fn stage(&self, stage: Stage, _: u64) {
        self.observer.stage(stage);
    }

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
