//! [`TransactionError`], [`MerkleError`] and [`BlockError`] (feature `bitcoin`).

use bitcoin::{BlockHash, CompactTarget, Network};
use core::fmt;

/// What is wrong with the bytes of a transaction without witnesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransactionError {
    /// It has 64 bytes, as many as an inner node of a Merkle tree.
    Ambiguous,
    /// It is longer than any in a block.
    TooLong {
        /// The most bytes.
        most: usize,
        /// The number given.
        actual: usize,
    },
    /// It ends early, or a length is not in its shortest form.
    Malformed {
        /// How many bytes were read before.
        offset: usize,
    },
    /// It has no inputs, or is in the form with witnesses.
    NoInputs,
    /// It has no outputs.
    NoOutputs,
    /// Bytes follow its end.
    TrailingBytes {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
}

/// Why a transaction does not stand in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MerkleError {
    /// A branch has more siblings than any block's.
    TooDeep {
        /// The most siblings.
        most: usize,
        /// The number given.
        actual: usize,
    },
    /// The index has bits above those that choose a side.
    IndexBits {
        /// The index.
        index: u32,
        /// The number of siblings.
        depth: usize,
    },
    /// The place lies beyond the last transaction, where the tree repeats itself, or contradicts such a repetition.
    Repeated {
        /// The index.
        index: u32,
        /// The level, from the bottom.
        level: usize,
    },
    /// What is given as the block's coinbase is none.
    NoCoinbase,
    /// The transaction is in the coinbase's place or form.
    IsCoinbase,
    /// The transaction's branch is not as long as the coinbase's.
    Depth {
        /// The number of siblings of the coinbase.
        expected: usize,
        /// The number of siblings of the transaction.
        actual: usize,
    },
    /// A branch leads to another root.
    Root {
        /// Whose branch.
        what: &'static str,
        /// The block's Merkle root.
        expected: [u8; 32],
        /// The root to which the branch leads.
        actual: [u8; 32],
    },
}

/// Why a block header does not enter a chain of headers, or a chain cannot start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockError {
    /// No rules are known for the network.
    Network {
        /// The network.
        network: Network,
    },
    /// The headers that should lead up to the checkpoint do not: they are not linked, do not end with it, or do not go back far
    /// enough.
    Context {
        /// The checkpoint's height.
        height: u32,
        /// How many headers were given.
        actual: usize,
    },
    /// A checkpoint has another hash at this height.
    Checkpoint {
        /// The height.
        height: u32,
        /// The checkpoint's hash.
        expected: BlockHash,
        /// The hash given.
        actual: BlockHash,
    },
    /// The header's parent is not known.
    Orphan {
        /// The parent that the header names.
        parent: BlockHash,
    },
    /// The header leaves the chain below the checkpoint.
    BelowCheckpoint {
        /// Its height.
        height: u32,
    },
    /// There is room for no more headers.
    Full {
        /// The most headers.
        most: usize,
    },
    /// The version is too low for this height.
    Version {
        /// The height.
        height: u32,
        /// The version given.
        actual: i32,
    },
    /// The difficulty is not the one that the rules give.
    Bits {
        /// The height.
        height: u32,
        /// What the rules give.
        expected: CompactTarget,
        /// What the header says.
        actual: CompactTarget,
    },
    /// The hash does not meet the target.
    Work {
        /// The height.
        height: u32,
        /// The hash.
        hash: BlockHash,
    },
    /// The time is not after the median of the last eleven, or (testnet4) too far before the parent's at a retarget.
    TooEarly {
        /// The height.
        height: u32,
        /// The least time allowed.
        least: u32,
        /// The time given.
        actual: u32,
    },
    /// The time is more than two hours ahead of the clock.
    TooLate {
        /// The height.
        height: u32,
        /// The latest time allowed.
        most: u32,
        /// The time given.
        actual: u32,
    },
    /// The headers end below the newest built-in checkpoint of their network, where a branch costs next to nothing.
    Reach {
        /// The network.
        network: Network,
        /// The checkpoint's height.
        needed: u32,
        /// The height at which the headers end.
        actual: u32,
    },
}

impl TransactionError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::Ambiguous => 621,
            Self::TooLong { .. } => 622,
            Self::Malformed { .. } => 623,
            Self::NoInputs => 624,
            Self::NoOutputs => 625,
            Self::TrailingBytes { .. } => 626,
        }
    }
}

impl MerkleError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::TooDeep { .. } => 631,
            Self::IndexBits { .. } => 632,
            Self::Repeated { .. } => 633,
            Self::NoCoinbase => 634,
            Self::IsCoinbase => 635,
            Self::Depth { .. } => 636,
            Self::Root { .. } => 637,
        }
    }
}

impl BlockError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::Network { .. } => 641,
            Self::Context { .. } => 642,
            Self::Checkpoint { .. } => 643,
            Self::Orphan { .. } => 644,
            Self::BelowCheckpoint { .. } => 645,
            Self::Full { .. } => 646,
            Self::Version { .. } => 647,
            Self::Bits { .. } => 648,
            Self::Work { .. } => 649,
            Self::TooEarly { .. } => 650,
            Self::TooLate { .. } => 651,
            Self::Reach { .. } => 652,
        }
    }
}

impl fmt::Display for TransactionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous => f.write_str("transaction has 64 bytes, as many as an inner node of a Merkle tree"),
            Self::TooLong { most, actual } => write!(f, "transaction has {actual} bytes, at most {most} fit into a block"),
            Self::Malformed { offset } => write!(f, "transaction is malformed after {offset} bytes"),
            Self::NoInputs => f.write_str("transaction has no inputs, or is in the form with witnesses"),
            Self::NoOutputs => f.write_str("transaction has no outputs"),
            Self::TrailingBytes { expected, actual } => write!(f, "transaction has {actual} bytes, expected {expected}"),
        }
    }
}

impl fmt::Display for MerkleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep { most, actual } => write!(f, "Merkle branch has {actual} siblings, at most {most} are possible"),
            Self::IndexBits { index, depth } => {
                write!(f, "index {index} does not lie in a Merkle tree of {depth} levels")
            }
            Self::Repeated { index, level } => {
                write!(f, "index {index} lies where the Merkle tree repeats itself at level {level}")
            }
            Self::NoCoinbase => f.write_str("what is given as the block's coinbase is none"),
            Self::IsCoinbase => f.write_str("the transaction is in the place or form of a coinbase"),
            Self::Depth { expected, actual } => {
                write!(f, "Merkle branch has {actual} siblings, that of the block's coinbase has {expected}")
            }
            Self::Root { what, expected, actual } => {
                let (expected, actual) = (hex::encode(expected), hex::encode(actual));
                write!(f, "Merkle branch of {what} leads to {actual}, the block's root is {expected}")
            }
        }
    }
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network { network } => write!(f, "no rules are known for the network {network}"),
            Self::Context { height, actual } => {
                write!(f, "{actual} block headers do not lead up to the checkpoint at height {height}")
            }
            Self::Checkpoint { height, expected, actual } => {
                write!(f, "block {height} is {actual}, the checkpoint is {expected}")
            }
            Self::Orphan { parent } => write!(f, "the block header's parent {parent} is not known"),
            Self::BelowCheckpoint { height } => {
                write!(f, "block header of height {height} leaves the chain below the checkpoint")
            }
            Self::Full { most } => write!(f, "the chain holds {most} block headers and no more"),
            Self::Version { height, actual } => write!(f, "block {height} has version {actual}, which is too low"),
            Self::Bits { height, expected, actual } => {
                let (expected, actual) = (expected.to_consensus(), actual.to_consensus());
                write!(f, "block {height} has difficulty bits {actual:08x}, expected {expected:08x}")
            }
            Self::Work { height, hash } => write!(f, "hash {hash} of block {height} does not meet its target"),
            Self::TooEarly { height, least, actual } => {
                write!(f, "time of block {height} is {actual}, expected at least {least}")
            }
            Self::TooLate { height, most, actual } => {
                write!(f, "time of block {height} is {actual}, expected at most {most}")
            }
            Self::Reach { network, needed, actual } => {
                write!(
                    f,
                    "the block headers end at height {actual}, expected block {needed} of {network} among them: below that built-in \
                     checkpoint blocks are cheap, and no depth is told"
                )
            }
        }
    }
}

impl core::error::Error for TransactionError {}
impl core::error::Error for MerkleError {}
impl core::error::Error for BlockError {}
