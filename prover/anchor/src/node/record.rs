//! The lines of a journal: what each entry says, and the checksum that chains them.

use bitcoin::hashes::{Hash, sha256};
use serde::{Deserialize, Serialize};

/// The version of the format that is written: it has children.
pub const FORMAT: u32 = 2;
/// The oldest version that is read: it has none. Where a child comes to such a journal, an entry says before that it is of the newer version.
pub const OLDEST_FORMAT: u32 = 1;
/// Hexadecimal digits of a line's checksum.
const CHECK_DIGITS: usize = 16;

/// An entry. Hashes and transactions are hexadecimal digits, amounts satoshi.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// The first line.
    Thread { format: u32, chain_id: u32 },
    /// From here on the journal is of this format.
    Format { format: u32 },
    /// A transaction to be signed: the first of its position, or one in place of another.
    Intent(IntentRecord),
    /// A transaction with its signatures.
    Signed { sequence: u64, tx: String },
    /// A node took it.
    Broadcast { sequence: u64, txid: String },
    /// It is in a block.
    Confirmed { sequence: u64, txid: String, block: String, height: u32 },
    /// Its block left the best chain.
    Dropped { sequence: u64, txid: String, block: String },
    /// It is as deep as was asked.
    Buried { sequence: u64, txid: String, depth: u32 },
    /// Another transaction, in this block, spent a coin of it.
    Dead { sequence: u64, txid: String, coin: String, spender: String, block: String, height: u32 },
    /// About a child of this transaction of a position.
    Child { sequence: u64, parent: String, child: ChildEntry },
}

/// What an entry says of a child.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ChildEntry {
    /// To be signed: the first of its parent, or one in place of another.
    Intent { rate_sat_per_kwu: u64, height: u32, psbt: String },
    /// With its signature.
    Signed { tx: String },
    /// A node took it.
    Broadcast { txid: String },
    /// It is in a block.
    Confirmed { txid: String, block: String, height: u32 },
    /// Its block left the best chain.
    Dropped { txid: String, block: String },
    /// Nothing is left for it to do.
    Moot { txid: String },
    /// It is as deep as was asked.
    Buried { txid: String, depth: u32 },
}

/// What [`AnchorRequest`](crate::AnchorRequest) asks, as far as the PSBT does not say it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct IntentRecord {
    pub sequence: u64,
    pub header: String,
    pub key: String,
    pub recovery: Option<(String, u16)>,
    pub value: Option<u64>,
    pub change: Option<String>,
    pub rate_sat_per_kwu: u64,
    pub fee_limit: u64,
    pub height: u32,
    pub psbt: String,
}

/// The line of an entry, and the digest that the next one is chained to.
pub fn line(previous: &sha256::Hash, entry: &Entry) -> Result<(String, sha256::Hash), serde_json::Error> {
    let text = serde_json::to_string(entry)?;
    let digest = digest(previous, &text);
    let check = check_of(&digest);
    Ok((format!("{check} {text}\n"), digest))
}

/// Reads a line without its end.
pub fn read(previous: &sha256::Hash, line: &str) -> Result<(Entry, sha256::Hash), String> {
    let (check, text) = line.split_once(' ').ok_or("no checksum")?;
    let digest = digest(previous, text);
    if check != check_of(&digest) {
        return Err("the checksum is not that of this line and those before".into());
    }
    let entry = serde_json::from_str(text).map_err(|e| e.to_string())?;
    Ok((entry, digest))
}

fn check_of(digest: &sha256::Hash) -> String {
    digest.to_string().chars().take(CHECK_DIGITS).collect()
}

fn digest(previous: &sha256::Hash, text: &str) -> sha256::Hash {
    sha256::Hash::hash(&[previous.as_byte_array(), text.as_bytes()].concat())
}
