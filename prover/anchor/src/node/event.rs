//! What a step of the [`Publisher`](super::Publisher) did, and what it waits for.

use bitcoin::{Amount, FeeRate, Txid};

use super::journal::{Confirmed, Spent};

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A node took the transaction.
    Broadcast {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
    },
    /// It is in a block.
    Confirmed {
        /// The position.
        sequence: u64,
        /// Where.
        at: Confirmed,
    },
    /// Its block left the best chain.
    Dropped {
        /// The position.
        sequence: u64,
        /// Where it was.
        at: Confirmed,
    },
    /// A coin that pays for the transaction was spent by another one in a block: it can never confirm.
    Dead {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
        /// The coin, and who spent it.
        spent: Spent,
    },
    /// The anchor before confirmed in another transaction, so that this one needs a new one, which was noted.
    Relinked {
        /// The position.
        sequence: u64,
        /// The new transaction.
        txid: Txid,
    },
    /// It is as deep as was asked.
    Buried {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
        /// The blocks from its own to the tip.
        depth: u32,
    },
    /// Something happened to a child of its transaction.
    Child {
        /// The position.
        sequence: u64,
        /// The child.
        txid: Txid,
        /// What.
        what: ChildEvent,
    },
}

/// What happened to a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildEvent {
    /// A node took it.
    Broadcast,
    /// It is in a block.
    Confirmed(Confirmed),
    /// Its block left the best chain.
    Dropped(Confirmed),
    /// Its parent confirmed without it, or will not: nothing is left for it to do, and its coin is free.
    Moot,
    /// It is as deep as was asked, this many blocks.
    Buried(u32),
}

/// What a position waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// The signatures of a transaction.
    Signature {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
    },
    /// The anchor before.
    Parent {
        /// The position.
        sequence: u64,
    },
    /// A block.
    Block {
        /// The position.
        sequence: u64,
        /// The transaction that should be in it.
        txid: Txid,
    },
    /// A higher fee: the node does not take the transaction at its own.
    Fee {
        /// The position.
        sequence: u64,
        /// The transaction.
        txid: Txid,
        /// What it pays.
        fee: Amount,
        /// Its size.
        vbytes: u64,
        /// The rate that the node asks for.
        needed: FeeRate,
        /// Whether its mempool is full, so that it may ask for less later.
        is_passing: bool,
    },
    /// A block with the transaction before: the node refuses the one that should take its place.
    Replacement {
        /// The position.
        sequence: u64,
        /// The transaction that the node refuses.
        txid: Txid,
        /// The one that the node's mempool holds.
        held: Txid,
        /// The node's words.
        reason: String,
    },
    /// The signature of a child.
    ChildSignature {
        /// The position.
        sequence: u64,
        /// The child.
        txid: Txid,
    },
    /// A block with a child.
    Child {
        /// The position.
        sequence: u64,
        /// The child.
        txid: Txid,
    },
    /// Other coins, as those of all its transactions are spent: [`Publisher::intend`](super::Publisher::intend) or
    /// [`Publisher::renew`](super::Publisher::renew).
    Coins {
        /// The position.
        sequence: u64,
    },
    /// More blocks.
    Depth {
        /// The position.
        sequence: u64,
        /// The blocks from its own to the tip.
        depth: u32,
    },
}

/// What was done, and what is waited for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub events: Vec<Event>,
    /// What is waited for; empty once all anchors are buried.
    pub waiting: Vec<Waiting>,
}
