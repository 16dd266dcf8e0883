//! [`Prover`]: from an executed batch to a proof that verifies.

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::cs::Violation;
use tapstone_circuits::ledger::Executed;
use tapstone_verifier::{Proof, verify};

use crate::error::{OtherCircuit, ProveError};
use crate::groth16::{Engine, RowValues};
use crate::kernel::Kernel;
use crate::key::ProvingKey;
use crate::proven::ProvenBatch;
use crate::random::system_rng;

/// What the prover is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Computing the values of all wires.
    Witness,
    /// Checking every row.
    Check,
    /// Making the proof.
    Prove,
    /// Verifying it.
    Verify,
}

impl Stage {
    /// All stages in order.
    pub const ALL: [Self; 4] = [Self::Witness, Self::Check, Self::Prove, Self::Verify];
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Witness => "computing the witness",
            Self::Check => "checking constraints",
            Self::Prove => "proving",
            Self::Verify => "verifying the proof",
        })
    }
}

/// Circuit and key of one shape, ready to prove batch after batch: what depends on them alone was done once.
#[derive(Debug)]
pub struct Prover {
    circuit: BatchCircuit,
    key: ProvingKey,
    engine: Engine,
}

impl Prover {
    /// Brings circuit and key together.
    ///
    /// # Errors
    /// [`OtherCircuit`] if the key was made or read for another circuit.
    pub fn new(circuit: BatchCircuit, key: ProvingKey) -> Result<Self, OtherCircuit> {
        if !key.belongs_to(&circuit) {
            return Err(OtherCircuit { had: key.circuit(), needed: circuit.shape().name.clone() });
        }
        let engine = Engine::new(Kernel::detect(), &key.ark, circuit.system());
        Ok(Self { circuit, key, engine })
    }

    /// The key.
    pub fn key(&self) -> &ProvingKey {
        &self.key
    }

    /// The circuit.
    pub fn circuit(&self) -> &BatchCircuit {
        &self.circuit
    }

    /// Proves a batch; `progress` hears of each stage as it begins.
    ///
    /// # Errors
    /// [`ProveError`]. Nothing that did not verify is returned.
    pub fn prove(&self, executed: &Executed, mut progress: impl FnMut(Stage)) -> Result<ProvenBatch, ProveError> {
        if executed.witness.shape != *self.circuit.shape() {
            return Err(ProveError::OtherShape {
                had: executed.witness.shape.name.clone(),
                needed: self.circuit.shape().name.clone(),
            });
        }
        let statement = executed.statement();
        progress(Stage::Witness);
        let values = assignment(statement.public_input().into(), &executed.witness);
        progress(Stage::Check);
        let rows = self.check(&values)?;
        progress(Stage::Prove);
        let mut rng = system_rng().map_err(ProveError::Randomness)?;
        let (r, s) = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let constraints = self.circuit.system().matrices.rows();
        let proof = self.engine.prove(&self.key.ark, &rows, constraints, &values, (r, s)).map_err(ProveError::Groth16)?;
        let proof = Proof::from_ark_parts(proof.a, proof.b, proof.c).map_err(ProveError::Proof)?;
        progress(Stage::Verify);
        let key = self.key.verifying();
        let verified = verify(key, key.id(), &statement, &proof).map_err(ProveError::SelfCheck)?;
        Ok(ProvenBatch::new(verified, proof))
    }

    /// The proof of an assignment with chosen randomness, as arkworks has it: for benchmarks, and for tests that compare provers.
    ///
    /// Hazard: with randomness that somebody knows a proof gives its witness away. [`Prover::prove`] draws it.
    ///
    /// # Errors
    /// [`ProveError`], if a row does not hold or arkworks fails. The proof is not verified.
    pub fn prove_assignment(&self, values: &[Fr], randomness: (Fr, Fr)) -> Result<ark_groth16::Proof<Bn254>, ProveError> {
        let rows = self.check(values)?;
        let constraints = self.circuit.system().matrices.rows();
        self.engine.prove(&self.key.ark, &rows, constraints, values, randomness).map_err(ProveError::Groth16)
    }

    /// Evaluates all rows, or names the first that does not hold.
    fn check(&self, values: &[Fr]) -> Result<RowValues, ProveError> {
        let system = self.circuit.system();
        if values.len() != system.wires {
            return Err(ProveError::Wires { had: values.len(), needed: system.wires });
        }
        RowValues::of(system, values).map_err(|row| ProveError::Unsatisfied {
            first: Violation { row, region: system.region(row).to_owned(), rule: system.rule(row) },
        })
    }
}
