//! [`ProofMaker`]: makes proofs of executed batches; and how a task's bytes become a proof, or a failure of one kind or another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_prover::{ProveError, ProvenBatch, Prover, Watch};
use tapstone_verifier::VerifyingKey;

use super::queue::{Failure, FailureKind};
use super::task::Task;

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

/// What went wrong with a task.
pub(super) enum Trouble {
    /// The task, or the machine.
    Failure(Failure),
    /// The proof was stopped from outside.
    Stopped,
}

/// The proven file of a task, verified. A panic is a deterministic failure of the task; a transient failure waits for `pause`.
pub(super) fn prove(bytes: &[u8], maker: &dyn ProofMaker, watch: &dyn Watch, pause: Duration) -> Result<String, Trouble> {
    catch_unwind(AssertUnwindSafe(|| attempt(bytes, maker, watch, pause)))
        .unwrap_or_else(|panic| Err(Trouble::Failure(panicked(&*panic))))
}

fn attempt(bytes: &[u8], maker: &dyn ProofMaker, watch: &dyn Watch, pause: Duration) -> Result<String, Trouble> {
    let failure = |kind, message| Trouble::Failure(Failure { kind, message });
    let fatal = |message| failure(FailureKind::Deterministic, message);
    let transient = |message| failure(FailureKind::Transient { after: pause }, message);
    let bad = |message| failure(FailureKind::BadProof, message);
    let task = Task::decode(bytes, maker.shape()).map_err(|error| fatal(error.to_string()))?;
    let executed = task.execute().map_err(|error| fatal(error.to_string()))?;
    let text = maker.prove(&executed, watch).map_err(|error| match error {
        ProveError::Stopped if watch.stopped() => Trouble::Stopped,
        // Given back at no cost, the task would be claimed and stopped for ever.
        ProveError::Stopped => transient("the proof stopped, and nobody had asked for that".into()),
        ProveError::Randomness(_) => transient(error.to_string()),
        // A key that is damaged here may be whole elsewhere; this worker must not go on with it.
        ProveError::Key(_) | ProveError::SelfCheck(_) | ProveError::Proof(_) | ProveError::Matrices { .. } => {
            bad(error.to_string())
        }
        error => fatal(error.to_string()),
    })?;
    let key = maker.verifying_key();
    let proven = ProvenBatch::verify_json(&text, key, key.id()).map_err(|error| bad(error.to_string()))?;
    if proven.verified().statement() != task.statement() {
        return Err(bad("the proof is of another statement".into()));
    }
    Ok(text)
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Failure {
        kind: FailureKind::Deterministic,
        message: format!("the worker panicked: {}", text.unwrap_or("it did not say why")),
    }
}
