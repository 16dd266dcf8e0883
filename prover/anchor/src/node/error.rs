//! Errors of nodes, journals and the publisher.

use std::path::PathBuf;

use bitcoin::{BlockHash, Network, OutPoint, Txid};
use tapstone_verifier::AnchorCommitment;
use thiserror::Error;

use crate::{AnchorKeyError, AnchorPlanError, AnchorPsbtError};

/// Why a node does not answer as needed. No message holds a credential.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The address is none that is spoken to.
    #[error("node address {url:?}: {needed}")]
    Url {
        /// The address.
        url: String,
        /// What it needs.
        needed: &'static str,
    },
    /// The credentials cannot be read.
    #[error("credentials for node {node} from {source_name}: {reason}")]
    Credentials {
        /// The node's address.
        node: String,
        /// Where they should come from.
        source_name: String,
        /// Why not.
        reason: String,
    },
    /// The node does not serve at the moment: it is not there, starts, is busy, or has yet to catch up with its chain. Whoever waits is
    /// answered some day.
    #[error("node {node} does not serve now ({method}): {reason}")]
    Away {
        /// The node's address.
        node: String,
        /// The method called.
        method: &'static str,
        /// What happened.
        reason: String,
    },
    /// What came is no answer, and waiting changes nothing.
    #[error("node {node}, {method}: {reason}")]
    Transport {
        /// The node's address.
        node: String,
        /// The method called.
        method: &'static str,
        /// What happened.
        reason: String,
    },
    /// The node refuses the credentials.
    #[error("node {node}, {method}: the credentials are refused (status {status})")]
    Unauthorised {
        /// The node's address.
        node: String,
        /// The method called.
        method: &'static str,
        /// The status of HTTP.
        status: u16,
    },
    /// An answer that is none of this method, or to another question.
    #[error("node {node}, {method}: {reason}")]
    Answer {
        /// The node's address.
        node: String,
        /// The method called.
        method: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The node says no.
    #[error("node {node}, {method}: error {code}: {message}")]
    Rpc {
        /// The node's address.
        node: String,
        /// The method called.
        method: &'static str,
        /// The node's code.
        code: i64,
        /// The node's words.
        message: String,
    },
    /// The node does not take a transaction.
    #[error("node {node} refuses transaction {txid}: {reason}")]
    Rejected {
        /// The node's address.
        node: String,
        /// The transaction.
        txid: Txid,
        /// The node's words.
        reason: String,
    },
}

impl NodeError {
    /// Whether the node may answer later, so that waiting helps.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

/// Why a journal cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file system refuses.
    #[error("journal {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has it open.
    #[error("journal {path} is in use by another process")]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A line is damaged, or says what cannot be.
    #[error("journal {path}, line {line}: {reason}")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// It is of another version of this format.
    #[error("journal {path} has format version {had}, needed {needed}")]
    FormatVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        had: u32,
        /// The version that is read.
        needed: u32,
    },
    /// An earlier write failed: what the file holds is known only when it is opened again.
    #[error("journal {path}: an earlier write failed, open it again")]
    Poisoned {
        /// The file.
        path: PathBuf,
    },
}

/// Where a conflicting transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictPlace {
    /// In a block of the best chain.
    Block(BlockHash),
    /// In the node's mempool.
    Mempool,
}

impl std::fmt::Display for ConflictPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Block(hash) => write!(f, "in block {hash}"),
            Self::Mempool => f.write_str("in the mempool"),
        }
    }
}

/// Why an anchor is not published or followed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The transaction cannot be planned.
    #[error(transparent)]
    Plan(#[from] AnchorPlanError),
    /// The PSBT is refused.
    #[error(transparent)]
    Psbt(#[from] AnchorPsbtError),
    /// A key is refused.
    #[error(transparent)]
    Key(#[from] AnchorKeyError),
    /// The node follows another network than the thread's.
    #[error("node {node} is on {had}, chain {chain_id} is anchored on {needed}")]
    Network {
        /// The node's address.
        node: String,
        /// The node's network.
        had: Network,
        /// The rollup's chain.
        chain_id: u32,
        /// The network of that chain.
        needed: Network,
    },
    /// The thread is of another chain.
    #[error("the journal's thread is of chain {needed}, the header of chain {had}")]
    Chain {
        /// The header's chain.
        had: u32,
        /// The journal's.
        needed: u32,
    },
    /// The position has another header already: publishing this one would be an equivocation.
    #[error("anchor {sequence} is {had} in the journal, refused {given}: one position has one header")]
    Equivocation {
        /// The position.
        sequence: u64,
        /// The commitment in the journal.
        had: AnchorCommitment,
        /// The one given.
        given: AnchorCommitment,
    },
    /// Positions are taken in order.
    #[error("the header is number {had}, the journal's next is {needed}")]
    Order {
        /// The header's sequence number.
        had: u64,
        /// The next one.
        needed: u64,
    },
    /// The anchor before has yet to confirm.
    #[error("anchor {sequence} is not in a block yet: wait for it (tapstone anchor watch)")]
    Unconfirmed {
        /// The anchor before.
        sequence: u64,
    },
    /// Nothing is there that could be bumped.
    #[error("no anchor waits for a block with a signed transaction: nothing to bump")]
    NothingToBump,
    /// No child can pay for the anchor that waits.
    #[error("no child can pay for anchor {sequence}: {reason}")]
    NoChild {
        /// The position.
        sequence: u64,
        /// Why not.
        reason: String,
    },
    /// Neither a replacement nor a child can raise the fee.
    #[error("{replacement}; nor does a child do: {child}")]
    NoRaise {
        /// Why the transaction cannot be replaced.
        replacement: Box<PublishError>,
        /// Why no child can be made.
        child: Box<PublishError>,
    },
    /// No coin of the key pays, among those that are not spoken for.
    #[error(
        "{key} has {count} coins of {total} sat that may be spent (taproot outputs of the key alone), which do not pay: {reason}"
    )]
    NoFunds {
        /// The key's address.
        key: String,
        /// How many there are.
        count: usize,
        /// Their sum in satoshi.
        total: u64,
        /// Why that is not enough.
        reason: String,
    },
    /// A coin is not there, or is not what was said.
    #[error("coin {outpoint} {what}")]
    Coin {
        /// The coin.
        outpoint: OutPoint,
        /// What is wrong.
        what: &'static str,
    },
    /// The signed transaction is none of the journal's.
    #[error("transaction {txid} is not one that the journal intends")]
    NotIntended {
        /// The transaction.
        txid: Txid,
    },
    /// Somebody else's transaction spends what the anchor spends: this anchor cannot confirm any more while that one stands.
    #[error("CONFLICT at anchor {sequence}: {outpoint} is spent by {spender} {place}, which is not in the journal")]
    Conflict {
        /// The position.
        sequence: u64,
        /// The output.
        outpoint: OutPoint,
        /// Who spends it.
        spender: Txid,
        /// Where that is.
        place: ConflictPlace,
    },
    /// An output is gone, and the blocks that were looked through do not say by whom it was spent.
    #[error("anchor {sequence}: {outpoint} is not unspent, and no block from height {from} to {to} spends it")]
    Lost {
        /// The position.
        sequence: u64,
        /// The output.
        outpoint: OutPoint,
        /// The lowest block looked at.
        from: u32,
        /// The highest.
        to: u32,
    },
}
