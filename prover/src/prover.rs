//! [`Prover`]: from an executed batch to a proof that verifies.

use std::sync::OnceLock;

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use tapstone_circuits::circuit::{Circuit, CircuitShape, assignment};
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_verifier::open::verify_part;
use tapstone_verifier::{Element, Proof, verify};
use zeroize::Zeroizing;

use crate::error::ProveError;
use crate::groth16::{Engine, RowValues};
use crate::kernel::Kernel;
use crate::key::ProvingKey;
use crate::proven::ProvenBatch;
use crate::random::system_rng;
use crate::watch::{Stage, Watch};

/// A key ready to prove batch after batch: what depends on it alone is done once.
#[derive(Debug)]
pub struct Prover<S = Shape> {
    key: ProvingKey<S>,
    engine: Engine,
    kernel: Kernel,
    /// Recorded if a row has to be named.
    circuit: OnceLock<Circuit<S>>,
}

impl Prover {
    /// Proves a batch; `watch` hears of each stage and its work, and can stop it. `&()` neither hears nor stops.
    ///
    /// # Errors
    /// [`ProveError`]. Nothing that did not verify is returned.
    pub fn prove(&self, executed: &Executed, watch: &dyn Watch) -> Result<ProvenBatch, ProveError> {
        let randomness = self.randomness()?;
        self.prove_with(executed, (randomness[0], randomness[1]), watch)
    }

    /// As [`Prover::prove`], with chosen randomness: the same proof every time, for tests.
    ///
    /// Hazard: with randomness that somebody knows a proof gives its witness away.
    ///
    /// # Errors
    /// As [`Prover::prove`].
    pub fn prove_with(
        &self,
        executed: &Executed,
        randomness: (Fr, Fr),
        watch: &dyn Watch,
    ) -> Result<ProvenBatch, ProveError> {
        if executed.witness.shape != *self.key.shape() {
            return Err(ProveError::OtherShape {
                had: executed.witness.shape.name.clone(),
                needed: self.key.shape().name.clone(),
            });
        }
        let statement = executed.statement();
        watch.stage(Stage::Witness, self.key.wires() as u64);
        let values = Zeroizing::new(assignment(statement.public_input().into(), &executed.witness));
        watch.done(values.len() as u64);
        let proof = self.checked(self.prove_assignment(&values, randomness, watch)?)?;
        watch.stage(Stage::Verify, 1);
        let key = self.key.verifying();
        let verified = verify(key, key.id(), &statement, &proof).map_err(|e| self.blame(ProveError::SelfCheck(e)))?;
        watch.done(1);
        Ok(ProvenBatch::new(verified, proof))
    }
}

impl<S: CircuitShape> Prover<S> {
    /// Prepares a key for the fastest kernel that there is.
    pub fn new(key: ProvingKey<S>) -> Self {
        Self::with_kernel(Kernel::detect(), key)
    }

    /// Prepares a key for a kernel.
    pub fn with_kernel(kernel: Kernel, key: ProvingKey<S>) -> Self {
        let engine = Engine::new(kernel, &key);
        Self { key, engine, kernel, circuit: OnceLock::new() }
    }

    /// Makes tables of multiples of the key's points: `levels` points in memory for each, in [`Self::table_bytes`], and the time of some dozens of proofs to make them.
    /// Proofs on few threads then take up to a tenth less time; on a machine with small caches, or on many threads, none less or more. Fewer than 2 levels are
    /// none.
    #[must_use]
    pub fn with_tables(self, levels: usize) -> Self {
        Self { engine: self.engine.with_tables(levels), ..self }
    }

    /// Bytes of memory that tables of so many levels take, beside the key.
    pub fn table_bytes(&self, levels: usize) -> u64 {
        self.engine.table_bytes(levels)
    }

    /// The kernel.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The key.
    pub fn key(&self) -> &ProvingKey<S> {
        &self.key
    }

    /// Proves a part of an open batch: its public inputs, and the values of all wires, which begin with them. `watch` as in [`Prover::prove`].
    ///
    /// # Errors
    /// [`ProveError`]. Nothing that did not verify is returned.
    pub fn prove_part(&self, inputs: &[Element], values: &[Fr], watch: &dyn Watch) -> Result<Proof, ProveError> {
        let randomness = self.randomness()?;
        let proof = self.checked(self.prove_assignment(values, (randomness[0], randomness[1]), watch)?)?;
        watch.stage(Stage::Verify, 1);
        if !verify_part(self.key.verifying(), inputs, &proof) {
            return Err(self.blame(ProveError::Part { shape: self.key.shape().name().into() }));
        }
        watch.done(1);
        Ok(proof)
    }

    fn randomness(&self) -> Result<Zeroizing<[Fr; 2]>, ProveError> {
        let mut rng = system_rng().map_err(ProveError::Randomness)?;
        Ok(Zeroizing::new([Fr::rand(&mut rng), Fr::rand(&mut rng)]))
    }

    /// A damaged key gives points off the curve.
    fn checked(&self, proof: ark_groth16::Proof<Bn254>) -> Result<Proof, ProveError> {
        Proof::from_ark_parts(proof.a, proof.b, proof.c).map_err(|e| self.blame(ProveError::Proof(e)))
    }

    /// The proof of an assignment with chosen randomness, as arkworks has it: for benchmarks, and for tests that compare provers.
    ///
    /// Hazard: with randomness that somebody knows a proof gives its witness away. [`Prover::prove`] draws it.
    ///
    /// # Errors
    /// [`ProveError`], if a row does not hold. The proof is not verified.
    pub fn prove_assignment(
        &self,
        values: &[Fr],
        randomness: (Fr, Fr),
        watch: &dyn Watch,
    ) -> Result<ark_groth16::Proof<Bn254>, ProveError> {
        let (had, needed) = (values.len(), self.key.wires());
        if had != needed {
            return Err(ProveError::Wires { had, needed });
        }
        let constraints = self.key.rows();
        if watch.stopped() {
            return Err(ProveError::Stopped);
        }
        watch.stage(Stage::Check, constraints as u64);
        let rows =
            RowValues::of(self.key.matrices(), values, self.key.instance()).map_err(|row| self.unsatisfied(values, row))?;
        watch.done(constraints as u64);
        self.engine.prove(&rows, values, randomness, watch)
    }

    /// Names the first row that does not hold, or says what is wrong with the key where all rows of the circuit do.
    fn unsatisfied(&self, values: &[Fr], row: usize) -> ProveError {
        let circuit = self.circuit.get_or_init(|| Circuit::new(self.key.shape()));
        match circuit.system().violations(values, 1).pop() {
            Some(first) => ProveError::Unsatisfied { first },
            None => self.blame(ProveError::Matrices { row }),
        }
    }

    /// The section of the key that is damaged, if one is; else what else is wrong.
    fn blame(&self, otherwise: ProveError) -> ProveError {
        self.key.check_sections().map_or_else(ProveError::Key, |()| otherwise)
    }
}
