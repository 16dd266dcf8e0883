//! What can go wrong in the prover.

use tapstone_circuits::cs::Violation;
use tapstone_verifier::VkId;
use thiserror::Error;

/// A sum over lists of unequal length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a sum over {needed} points has {had} scalars")]
pub struct LengthError {
    /// Scalars given.
    pub had: usize,
    /// Scalars that the points have.
    pub needed: usize,
}

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
    /// The circuit has 2^32 entries or more, or the ceremony thousands of parties.
    #[error(
        "a key file numbers the entries of matrices with 32 bits and has 1 MiB for its head: the circuit or the record of the ceremony is too large"
    )]
    TooLarge,
    /// The file that was laid out is not acceptable.
    #[error("the key that was made is not acceptable: {0}")]
    File(KeyFileError),
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
    /// The file ends within its head, or its head says what no head says.
    #[error("the key file is damaged: its head is not whole")]
    Head,
    /// The head does not hash to the checksum in the file.
    #[error("the key file is damaged: its head does not match its checksum")]
    HeadChecksum,
    /// The key comes from where this program knows no keys to come from.
    #[error("the key's origin has number {had}, needed 0 (one party) or 1 (ceremony)")]
    Origin {
        /// The number.
        had: u32,
    },
    /// The key's H query is for something that this program does not know.
    #[error("the key's reduction has number {had}, needed 0 (libsnark) or 1 (Circom)")]
    Reduction {
        /// The number.
        had: u32,
    },
    /// The transforms of a proof take domains of 2^3 to 2^27 elements.
    #[error("the key is for a circuit of {had} rows, needed {least} to {most}")]
    Rows {
        /// Rows of the circuit.
        had: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// The file ends within its sections.
    #[error("the key file is damaged: {had} bytes, needed {needed}")]
    Truncated {
        /// Bytes of the file.
        had: u64,
        /// Bytes that its head says.
        needed: u64,
    },
    /// The file goes on after its sections.
    #[error("the key file is damaged: {had} bytes, more than the needed {needed}")]
    TrailingBytes {
        /// Bytes of the file.
        had: u64,
        /// Bytes that its head says.
        needed: u64,
    },
    /// A section has another length than this circuit's key.
    #[error("the key file is damaged: its {section} section has length {had}, needed {needed}")]
    Length {
        /// The section.
        section: &'static str,
        /// Its bytes, or its elements.
        had: usize,
        /// What this circuit needs.
        needed: usize,
    },
    /// A section does not hash to the checksum in the head.
    #[error("the key file is damaged: its {section} section does not match its checksum")]
    Checksum {
        /// The section.
        section: &'static str,
    },
    /// A coefficient is not a canonical field element, or is not at its place.
    #[error("the key file is damaged: coefficient {index} is not canonical or not at its place")]
    Coefficient {
        /// Its number.
        index: usize,
    },
    /// A point of the head is not on the curve.
    #[error("the key file is damaged: {name} in G1 is not a point of the curve")]
    Point {
        /// The point.
        name: &'static str,
    },
    /// A point of a section is not on its curve, not in its subgroup, or at infinity where none may be.
    #[error("point {index} of section {section} is no valid point of the key")]
    Points {
        /// The section.
        section: &'static str,
        /// The point's place in it.
        index: usize,
    },
    /// What is to be the same in both groups is not.
    #[error("{what} is not the same in G1 and in G2")]
    OtherRatio {
        /// What.
        what: &'static str,
    },
    /// Numbers in key files are little-endian, and are read in place.
    #[error("key files are for little-endian processors, and this one is big-endian")]
    BigEndian,
    /// The verifying key inside is not acceptable.
    #[error("the verifying key inside is not acceptable: {0}")]
    Key(tapstone_verifier::error::KeyError),
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
    /// The caller's [`Watch`](crate::Watch) stopped it.
    #[error("stopped")]
    Stopped,
    /// The operating system gave no randomness.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// The proof has a point at infinity.
    #[error("the proof that was made is not acceptable: {0}")]
    Proof(tapstone_verifier::error::ProofError),
    /// The key is damaged, which shows when a proof by it does not verify, or the rows of its matrices do not hold.
    #[error("no proof came out that verifies: {0}")]
    Key(KeyFileError),
    /// The finished proof does not verify although all sections of the key match their checksums.
    #[error("the proof that was made does not verify, and the key is as it was written, so the key is no good: {0}")]
    SelfCheck(tapstone_verifier::error::VerifyError),
    /// The finished proof of a part does not verify although all sections of the key match their checksums, or its public inputs are not those of the assignment.
    #[error(
        "the proof of a part that was made does not verify under the key of shape {shape}: its public inputs are others, or the key is no good"
    )]
    Part {
        /// The part's shape.
        shape: String,
    },
    /// The matrices of the key are not those of its shape's circuit, although they match their checksums.
    #[error("row {row} of the key's matrices does not hold, though all rows of the circuit do: the key is no good")]
    Matrices {
        /// The row.
        row: usize,
    },
}

impl From<LengthError> for ProveError {
    fn from(LengthError { had, needed }: LengthError) -> Self {
        Self::Wires { had, needed }
    }
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
