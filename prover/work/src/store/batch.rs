//! [`Batch`]: what a store keeps of a batch, apart from its effects.

use serde::{Deserialize, Serialize};

/// Where the transactions of a batch came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From a batch file.
    File {
        /// SHA-256 of the file, in lower-case hexadecimal digits.
        sha256: String,
        /// The index in the file of the batch's first transaction.
        first: u64,
        /// The number of the batch's transactions.
        count: u64,
    },
    /// From published data alone.
    Data,
}

/// When and how a proof was made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// Seconds since 1970.
    pub unix: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Threads that worked, 0 if that is not known: a worker elsewhere need not tell.
    pub threads: u32,
    /// Peak resident memory in bytes, the mapped key included, where the system tells it.
    pub peak_bytes: Option<u64>,
}

/// A batch that was applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Where it came from.
    pub origin: Origin,
    /// Its proven file ([`ProvenBatch::to_json`](tapstone_prover::ProvenBatch::to_json)), if it was proven here; see [`Store::apply_proven`](super::Store::apply_proven).
    pub proven: Option<String>,
    /// When and how that was made.
    pub made: Option<Made>,
    /// Its published data.
    pub data: Vec<u8>,
}

/// What is written beside the data.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    origin: Origin,
    proven: Option<String>,
    made: Option<Made>,
}

impl Batch {
    pub(super) fn encode(&self) -> Vec<u8> {
        let record = Record { origin: self.origin.clone(), proven: self.proven.clone(), made: self.made };
        serde_json::to_vec(&record).expect("strings and numbers always serialise")
    }

    pub(super) fn decode(record: &[u8], data: &[u8]) -> Option<Self> {
        let Record { origin, proven, made } = serde_json::from_slice(record).ok()?;
        Some(Self { origin, proven, made, data: data.to_vec() })
    }
}
