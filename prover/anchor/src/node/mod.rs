//! Publishing anchors by a Bitcoin node, and following them: [`Node`] is what is asked of one, [`Rpc`] asks Bitcoin Core, [`Journal`] remembers what was
//! done, and [`Publisher`] does what is left to do.
//!
//! ```text
//! header --intend--> intent in the journal --sign--> transaction in the journal --step--> node --step--> confirmed --step--> buried
//! ```
//!
//! Hazards:
//! - The journal is what keeps a thread from two headers for one position. One journal belongs to one thread; without it, never publish for that thread again.
//! - All transactions of a position spend one output, so that at most one of them confirms, whichever the chain takes: one that was given up is looked for as well.
//! - A node is trusted for what it says of its chain. What others should believe is an anchor proof, which needs no node.
//! - A transaction that is buried is looked at no more: a reorganisation deeper than that is for people.

mod child;
mod children;
mod error;
mod event;
mod follow;
mod funds;
mod journal;
mod patient;
mod plans;
mod publisher;
mod record;
mod rpc;

use bitcoin::block::Header;
use bitcoin::{Block, BlockHash, FeeRate, Network, OutPoint, Script, Transaction, TxOut, Txid};

pub use child::Child;
pub use error::{ConflictPlace, JournalError, NodeError, PublishError};
pub use event::{ChildEvent, Event, Step, Waiting};
pub use funds::{Funds, Terms};
pub use journal::{Confirmed, Journal, Position, Spent, Version};
pub use patient::{Patience, Patient};
pub use publisher::Publisher;
pub use rpc::{Credentials, Rpc};

/// A block by height and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockPlace {
    /// The height.
    pub height: u32,
    /// The hash.
    pub hash: BlockHash,
}

/// An unspent output of the best chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Value and script.
    pub output: TxOut,
    /// The height of its block.
    pub height: u32,
    /// Whether a block's first transaction made it, so that it rests for 100 blocks.
    pub coinbase: bool,
}

/// What a node asks of the fees of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The least rate at which it takes one at the moment.
    pub least: FeeRate,
    /// The rate that a replacement pays for its own size, above the fee of what it replaces (`incrementalrelayfee`).
    pub step: FeeRate,
}

/// What is asked of a Bitcoin node. It needs neither a wallet nor an index of transactions; a pruned node does as long as it has the blocks since an anchor's intent.
pub trait Node {
    /// How messages name the node: its address.
    fn name(&self) -> String;
    /// The network.
    ///
    /// # Errors
    /// [`NodeError`], as all the others.
    fn network(&self) -> Result<Network, NodeError>;
    /// The last block of the best chain.
    ///
    /// # Errors
    /// [`NodeError`].
    fn tip(&self) -> Result<BlockPlace, NodeError>;
    /// The block of the best chain at a height; `None` above the tip.
    ///
    /// # Errors
    /// [`NodeError`].
    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, NodeError>;
    /// A block's header.
    ///
    /// # Errors
    /// [`NodeError`].
    fn header(&self, block: BlockHash) -> Result<Header, NodeError>;
    /// A whole block.
    ///
    /// # Errors
    /// [`NodeError`].
    fn block(&self, block: BlockHash) -> Result<Block, NodeError>;
    /// An output, if the best chain has it unspent; the mempool is not looked at.
    ///
    /// # Errors
    /// [`NodeError`].
    fn unspent(&self, outpoint: OutPoint) -> Result<Option<TxOut>, NodeError>;
    /// The unspent outputs of the best chain with a script.
    ///
    /// # Errors
    /// [`NodeError`].
    fn unspent_of(&self, script: &Script) -> Result<Vec<Unspent>, NodeError>;
    /// Whether the mempool holds a transaction.
    ///
    /// # Errors
    /// [`NodeError`].
    fn in_mempool(&self, txid: Txid) -> Result<bool, NodeError>;
    /// The transaction of the mempool that spends an output.
    ///
    /// # Errors
    /// [`NodeError`].
    fn mempool_spender(&self, outpoint: OutPoint) -> Result<Option<Txid>, NodeError>;
    /// What the node asks of fees.
    ///
    /// # Errors
    /// [`NodeError`].
    fn relay(&self) -> Result<Relay, NodeError>;
    /// Gives a transaction to the network. One that the mempool holds already is no error.
    ///
    /// # Errors
    /// [`NodeError::Rejected`] if the node refuses it.
    fn broadcast(&self, tx: &Transaction) -> Result<(), NodeError>;
}
