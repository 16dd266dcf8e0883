//! [`Manifest`]: what a folder of results holds, which is one series of batches of one chain, proven under
//! one key.
//!
//! The batches of a series follow each other: each has the next number and starts from the state that the one
//! before it left. A run may repeat batches of the series or carry it on; whatever else would be put beside
//! its results or in their place is refused.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tapstone_verifier::{Statement, VkId};
use tapstone_work::store::Made;

use crate::exit::{Failure, Reason};
use crate::files;

/// Name and version of the format.
const FORMAT: &str = "tapstone-run/2";
/// The file's name.
const NAME: &str = "manifest.json";
/// The longest file that is read, in bytes: a batch takes about a thousand.
const LIMIT: usize = 1 << 28;

/// A folder's manifest. It is written before the first result, after each batch, and at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct Manifest {
    format: String,
    /// The version of the program that wrote it last.
    pub tapstone: String,
    /// The circuit's version.
    pub circuit_version: u32,
    /// The shape of all batches.
    pub shape: String,
    /// The key that all proofs verify with.
    pub vk_id: VkId,
    /// Whether the key is insecure: `true`, `false`, or `"unknown"` where the verifying key alone was at hand.
    #[serde(default)]
    pub insecure_key: serde_json::Value,
    /// The chain.
    pub chain_id: u32,
    /// Whether the last command that wrote here got to its end.
    pub complete: bool,
    /// When the first began.
    pub started_unix: u64,
    /// How long all of them took that wrote something.
    pub seconds: f64,
    /// The kernel of the process that made proofs last, unless workers made all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// The threads of that process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<usize>,
    /// The workers that made proofs, if workers did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<Vec<String>>,
    /// The batch files that the batches are from.
    pub inputs: Vec<InputRecord>,
    /// The batches, in order.
    pub batches: Vec<BatchRecord>,
}

/// A batch file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct InputRecord {
    /// Its path, as the command had it.
    pub file: String,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The number of its transactions.
    pub transactions: usize,
}

/// A batch whose files are complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "an object")]
pub struct BatchRecord {
    /// Its number.
    pub batch: u64,
    /// The number of its transactions.
    pub transactions: usize,
    /// What is proven of it.
    pub statement: Statement,
    /// Its commitment, in hexadecimal digits.
    pub commitment: String,
    /// When and how its proof was made, if that is known.
    pub made: Option<Made>,
    /// The SHA-256 of each of its files, in hexadecimal digits.
    pub sha256: BTreeMap<String, String>,
}

/// The one field that every version has.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Format {
    format: String,
}

impl Manifest {
    /// The manifest of a series that has no batch yet.
    pub fn new(circuit_version: u32, shape: &str, vk_id: VkId, chain_id: u32, started_unix: u64) -> Self {
        Self {
            format: FORMAT.into(),
            tapstone: env!("CARGO_PKG_VERSION").into(),
            circuit_version,
            shape: shape.into(),
            vk_id,
            insecure_key: serde_json::Value::Null,
            chain_id,
            complete: false,
            started_unix,
            seconds: 0.0,
            kernel: None,
            threads: None,
            workers: None,
            inputs: Vec::new(),
            batches: Vec::new(),
        }
    }

    /// Whether a folder has one.
    pub fn exists(folder: &Path) -> bool {
        folder.join(NAME).is_file()
    }

    /// Reads that of a folder.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(NAME);
        let bytes = files::read(&path, LIMIT)?;
        let malformed = |e: serde_json::Error| Failure::at(Reason::Input, &path, format!("not a manifest: {e}"));
        let Format { format } = serde_json::from_slice(&bytes).map_err(malformed)?;
        if format != FORMAT {
            let had: String = format.chars().take(48).collect();
            return Err(Failure::at(Reason::Mismatch, &path, format!("format {had:?}, needed {FORMAT:?}")));
        }
        serde_json::from_slice(&bytes).map_err(malformed)
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|e| Failure::new(Reason::Bug, e))?;
        text.push(b'\n');
        files::replace(&folder.join(NAME), &text)
    }

    /// What is known of a batch.
    pub fn batch(&self, number: u64) -> Option<&BatchRecord> {
        self.batches.iter().find(|record| record.batch == number)
    }

    /// Puts a batch in its place.
    pub fn put(&mut self, record: BatchRecord) {
        self.batches.retain(|other| other.batch != record.batch);
        let at = self.batches.partition_point(|other| other.batch < record.batch);
        self.batches.insert(at, record);
    }

    /// Whether batches of a shape belong to this series, or carry it on; if not, why.
    pub fn admit(&self, shape: &str, planned: &[Statement]) -> Result<(), String> {
        if self.shape != shape {
            return Err(format!("of shape {}, not {shape}", self.shape));
        }
        if let Some(other) = planned.iter().find(|statement| statement.chain_id != self.chain_id) {
            return Err(format!("of chain {}, not {}", self.chain_id, other.chain_id));
        }
        let mut all: BTreeMap<u64, &Statement> =
            self.batches.iter().map(|record| (record.batch, &record.statement)).collect();
        for statement in planned {
            if let Some(had) = all.insert(statement.batch_number, statement)
                && had != statement
            {
                return Err(format!("its batch {} is another batch than this run's", statement.batch_number));
            }
        }
        for (before, next) in all.values().zip(all.values().skip(1)) {
            if next.batch_number != before.batch_number + 1 {
                return Err(format!("it would have batch {} after batch {}", next.batch_number, before.batch_number));
            }
            if next.pre_state_root != before.post_state_root {
                return Err(format!("batch {} does not follow batch {}", next.batch_number, before.batch_number));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

    use tapstone_verifier::Element;

    use super::*;

    fn statement(batch_number: u64, pre: u64, post: u64) -> Statement {
        Statement {
            chain_id: 3,
            batch_number,
            pre_state_root: Element::from(pre),
            post_state_root: Element::from(post),
            data_hash: Element::from(7),
            deposit_head: Element::from(8),
            withdrawals_root: Element::from(9),
        }
    }

    fn of(statements: &[Statement]) -> Manifest {
        let mut manifest = Manifest::new(2, "tiny", VkId::from_bytes([1; 32]), 3, 5);
        for statement in statements {
            manifest.put(BatchRecord {
                batch: statement.batch_number,
                transactions: 1,
                statement: *statement,
                commitment: "ab".into(),
                made: None,
                sha256: BTreeMap::new(),
            });
        }
        manifest
    }

    #[test]
    fn a_series_is_repeated_or_carried_on_and_nothing_else() {
        let chain = [statement(4, 10, 11), statement(5, 11, 12), statement(6, 12, 13), statement(7, 13, 14)];
        let manifest = of(&chain[1..3]);
        for fits in [&chain[..], &chain[1..3], &chain[3..], &chain[..1], &chain[2..]] {
            manifest.admit("tiny", fits).unwrap();
        }
        of(&[]).admit("tiny", &chain[2..]).unwrap();
        let other = Statement { data_hash: Element::from(1), ..chain[1] };
        for (shape, refused, why) in [
            ("small", &chain[1..2], "of shape tiny, not small"),
            ("tiny", &[Statement { chain_id: 4, ..chain[1] }][..], "of chain 3, not 4"),
            ("tiny", &[other], "its batch 5 is another"),
            ("tiny", &[statement(7, 99, 14)], "batch 7 does not follow batch 6"),
            ("tiny", &[statement(8, 14, 15)], "batch 8 after batch 6"),
            ("tiny", &[statement(4, 10, 99)], "batch 5 does not follow batch 4"),
        ] {
            let had = manifest.admit(shape, refused).unwrap_err();
            assert!(had.contains(why), "{had}");
        }
    }

    #[test]
    fn batches_stand_in_order_and_once() {
        let chain = [statement(4, 10, 11), statement(5, 11, 12), statement(6, 12, 13)];
        let manifest = of(&[chain[2], chain[0], chain[1], chain[0]]);
        assert_eq!(manifest.batches.iter().map(|record| record.batch).collect::<Vec<_>>(), [4, 5, 6]);
        let folder = tempfile::tempdir().unwrap();
        assert!(!Manifest::exists(folder.path()));
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
    }
}
