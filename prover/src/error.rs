//! What can go wrong in the prover.

use tapstone_circuits::cs::Violation;
use tapstone_verifier::VkId;
use thiserror::Error;

/// A key could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// The circuit could not be synthesised.
    #[error("the circuit of shape {shape} could not be synthesised: {source}")]
    Synthesis {
        /// Name of the shape.
        shape: String,
        /// What arkworks said.
        source: ark_relations::utils::error::SynthesisError,
    },
    /// The verifying key that came out is not acceptable.
    #[error("the key that was made is not acceptable: {0}")]
    Key(tapstone_verifier::error::KeyError),
}

/// A file is not a proving key for this circuit.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Reading failed.
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    /// The first bytes are not those of a proving key.
    #[error("not a tapstone proving key: the file starts with {had:02x?}")]
    Magic {
        /// The first bytes.
        had: [u8; 4],
    },
    /// The layout's version is unknown.
    #[error("key file version {had}, needed {needed}")]
    FileVersion {
        /// The file's.
        had: u32,
        /// What this program reads.
        needed: u32,
    },
    /// The key belongs to another circuit.
    #[error("the key is for {had}, needed {needed}")]
    OtherCircuit {
        /// Circuit version, shape and matrices of the key.
        had: String,
        /// The same of the circuit at hand.
        needed: String,
    },
    /// The file ends within its head.
    #[error("the key file is damaged: it ends before its points begin")]
    Head,
    /// The file ends within its points.
    #[error("the key file is damaged: {had} bytes of points, needed {needed}")]
    Truncated {
        /// Bytes after the head.
        had: u64,
        /// Bytes that this circuit's key has there.
        needed: u64,
    },
    /// The file goes on after its points.
    #[error("the key file is damaged: more than the needed {needed} bytes of points")]
    TrailingBytes {
        /// Bytes that this circuit's key has after the head.
        needed: u64,
    },
    /// The lists of points have other lengths than this circuit's key.
    #[error("the key file is damaged: its lists of points do not have the lengths of this circuit's")]
    Lists,
    /// The contents do not hash to the checksum in the file.
    #[error("the key file is damaged: its contents do not match their checksum")]
    Checksum,
    /// The points do not decode.
    #[error("the key file is damaged: {0}")]
    Points(ark_serialize::SerializationError),
    /// The verifying key inside is not acceptable.
    #[error("the verifying key inside is not acceptable: {0}")]
    Key(tapstone_verifier::error::KeyError),
}

/// A key is for another circuit than the one that it is brought together with.
#[derive(Debug, Error)]
#[error("the key is for {had}, the circuit's shape is {needed}")]
pub struct OtherCircuit {
    /// Circuit version, shape and matrices of the key.
    pub had: String,
    /// The circuit's shape.
    pub needed: String,
}

/// A batch could not be proven.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The batch was executed for another shape.
    #[error("the batch was executed for shape {had}, the key is for shape {needed}")]
    OtherShape {
        /// The batch's.
        had: String,
        /// The key's.
        needed: String,
    },
    /// The witness has another form than the shape: slots, pools or fee tokens are missing, or are of another kind.
    #[error("the witness of the batch fills {had} wires, needed {needed} for its shape")]
    Wires {
        /// Wires that it fills.
        had: usize,
        /// Wires of the circuit.
        needed: usize,
    },
    /// The witness does not satisfy the circuit. A batch that the ledger executed satisfies it, so this is a fault of Tapstone.
    #[error("the batch does not satisfy its circuit: {first}")]
    Unsatisfied {
        /// The first row that fails: slot and transaction, rule, row.
        first: Violation,
    },
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// arkworks refused.
    #[error("groth16: {0}")]
    Groth16(ark_relations::utils::error::SynthesisError),
    /// The proof has a point at infinity.
    #[error("the proof that was made is not acceptable: {0}")]
    Proof(tapstone_verifier::error::ProofError),
    /// The finished proof does not verify: the key is damaged.
    #[error("the proof that was made does not verify, so the key is damaged: {0}")]
    SelfCheck(tapstone_verifier::error::VerifyError),
}

/// A file is not a proven batch.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProvenFileError {
    /// Not JSON, or not of the right form.
    #[error("not a proven batch: {0}")]
    Json(#[from] serde_json::Error),
    /// The `format` field names something else.
    #[error("format {had:?}, needed {needed:?}")]
    Format {
        /// What it says.
        had: String,
        /// What this program reads.
        needed: &'static str,
    },
    /// A field does not decode.
    #[error("field {field}: {reason}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The commitment in the file is not that of its statement and key.
    #[error("the commitment is {had}, needed {needed} for this statement and key")]
    Commitment {
        /// The file's.
        had: String,
        /// What statement and key give.
        needed: String,
    },
    /// The file names another key than the one at hand.
    #[error("the file names key {had}, the key at hand is {needed}")]
    OtherKey {
        /// The file's.
        had: VkId,
        /// The key's.
        needed: VkId,
    },
    /// The proof does not verify.
    #[error("{0}")]
    Verify(#[from] tapstone_verifier::error::VerifyError),
}
