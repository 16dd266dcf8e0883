//! [`RevealError`], [`AnchorProofError`] and [`AnchorError`] (feature `bitcoin`).

use super::{BlockError, ChainError, HeaderError, MerkleError, ProofError, StatementError, TransactionError};
use crate::{anchor::taproot::AnchorOutputError, field::Element};
use bitcoin::{BlockHash, Network, OutPoint, Txid};
use core::fmt;

/// Why a witness does not reveal an anchor with recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevealError {
    /// The witness has an annex.
    Annex,
    /// The witness is not signature, script and control block.
    Items {
        /// The right number of items.
        expected: usize,
        /// The number given.
        actual: usize,
    },
    /// The control block has another length.
    ControlBlock {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
    /// The leaf has another version.
    LeafVersion {
        /// The version given.
        actual: u8,
    },
    /// The control block's internal key is no point of the curve.
    InternalKey,
    /// The script is not the template of a recovery leaf.
    Script,
    /// The leaf's sibling is not the leaf of the commitment.
    Sibling,
    /// The control block names the other parity of the output key.
    Parity {
        /// The parity of the output key.
        expected: u8,
        /// The parity given.
        actual: u8,
    },
    /// Keys, lock or script of the output.
    Output(AnchorOutputError),
}

/// What is wrong with the bytes or parts of an anchor proof.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorProofError {
    /// The bytes are more than any anchor proof has.
    TooLong {
        /// The most bytes.
        most: usize,
        /// The number given.
        actual: usize,
    },
    /// The bytes do not start as an anchor proof does.
    Magic {
        /// The right first bytes.
        expected: [u8; 4],
        /// The first bytes given.
        actual: [u8; 4],
    },
    /// The proof is of another version.
    Version {
        /// The version known.
        expected: u32,
        /// The version given.
        actual: u32,
    },
    /// The bytes end within a part.
    Truncated {
        /// The part.
        part: &'static str,
        /// The length given.
        actual: usize,
    },
    /// Bytes follow the end.
    TrailingBytes {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
    /// There are too few or too many of something.
    Count {
        /// Of what.
        part: &'static str,
        /// The least number.
        least: usize,
        /// The most.
        most: usize,
        /// The number given.
        actual: usize,
    },
    /// The number of the anchor's block is not that of a header in the proof.
    Block {
        /// How many headers there are.
        headers: usize,
        /// The number given.
        actual: usize,
    },
    /// The kind of an output is not known.
    Kind {
        /// The kind given.
        actual: u8,
    },
    /// A key is not the x coordinate of a point of secp256k1, below the field's order.
    Key {
        /// Its bytes.
        bytes: [u8; 32],
    },
    /// A recovery leaf that cannot be.
    Output(AnchorOutputError),
    /// An anchor header is refused.
    Header(HeaderError),
    /// A statement is refused.
    Statement(StatementError),
    /// A batch proof is refused.
    Proof(ProofError),
}

/// Why an anchor proof does not prove its anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorError {
    /// The proof is malformed.
    Malformed(AnchorProofError),
    /// The anchor is of another chain.
    ChainId {
        /// The chain asked for.
        expected: u32,
        /// The chain of the anchor.
        actual: u32,
    },
    /// The anchor's chain is at home on another network than the block headers.
    Network {
        /// The network of the anchor's chain.
        expected: Network,
        /// The network of the block headers.
        actual: Network,
    },
    /// A block header is refused.
    Block(BlockError),
    /// A block header stands at another height than the proof says.
    Height {
        /// The height that the proof says.
        expected: u32,
        /// Where it stands.
        actual: u32,
    },
    /// The anchor's block is not on the branch with the most work.
    NotOnBestChain {
        /// The block.
        hash: BlockHash,
        /// Its height.
        height: u32,
    },
    /// A transaction is refused.
    Transaction {
        /// Whose.
        what: &'static str,
        /// Why.
        error: TransactionError,
    },
    /// The transaction does not stand in the block.
    Merkle(MerkleError),
    /// Output 0 of an anchor's transaction is not the anchor's.
    Output {
        /// The anchor's sequence number.
        sequence: u64,
        /// Where the anchor's script stands in place of output 0, if anywhere.
        found_at: Option<usize>,
        /// Why.
        error: AnchorOutputError,
    },
    /// A transaction holds an anchor's script twice.
    SecondAnchor {
        /// The anchor's sequence number.
        sequence: u64,
        /// The other output.
        output: usize,
    },
    /// A header does not follow the one before.
    Link(HeaderError),
    /// Input 0 of an anchor's transaction does not spend output 0 of the anchor before, or the origin of the thread.
    Thread {
        /// The anchor's sequence number.
        sequence: u64,
        /// What it should spend.
        expected: OutPoint,
        /// What it spends.
        actual: OutPoint,
    },
    /// The anchors of the proof do not hang on the thread's origin, or on the anchor that is known.
    Start {
        /// The sequence number that must be among them.
        expected: u64,
        /// The first one.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// The proof shows another anchor in the place of the one that is known.
    OtherAnchor {
        /// The sequence number of both.
        sequence: u64,
        /// The transaction that is known.
        expected: Txid,
        /// The one that the proof shows.
        actual: Txid,
    },
    /// A batch is not the anchor's.
    Batch(HeaderError),
    /// A batch's key or proof is refused.
    BatchProof(ChainError),
    /// The proofs do not reach back to the state that is known.
    NotProven {
        /// The first batch without a proof.
        batch_number: u64,
        /// The state root that is known before it.
        state_root: Element,
    },
    /// The anchor is not buried deep enough.
    Depth {
        /// The depth asked for.
        expected: u32,
        /// The depth of the anchor.
        actual: u32,
    },
}

impl RevealError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::Annex => 611,
            Self::Items { .. } => 612,
            Self::ControlBlock { .. } => 613,
            Self::LeafVersion { .. } => 614,
            Self::InternalKey => 615,
            Self::Script => 616,
            Self::Sibling => 617,
            Self::Parity { .. } => 618,
            Self::Output(e) => e.code(),
        }
    }
}

impl AnchorProofError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::TooLong { .. } => 661,
            Self::Magic { .. } => 662,
            Self::Version { .. } => 663,
            Self::Truncated { .. } => 664,
            Self::TrailingBytes { .. } => 665,
            Self::Count { .. } => 666,
            Self::Block { .. } => 667,
            Self::Kind { .. } => 668,
            Self::Key { .. } => 669,
            Self::Output(e) => e.code(),
            Self::Header(e) => e.code(),
            Self::Statement(e) => e.code(),
            Self::Proof(e) => e.code(),
        }
    }
}

impl AnchorError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::Malformed(e) => e.code(),
            Self::ChainId { .. } => 681,
            Self::Network { .. } => 682,
            Self::Block(e) => e.code(),
            Self::Height { .. } => 683,
            Self::NotOnBestChain { .. } => 684,
            Self::Transaction { error, .. } => error.code(),
            Self::Merkle(e) => e.code(),
            Self::Output { error, .. } => error.code(),
            Self::SecondAnchor { .. } => 685,
            Self::Link(e) | Self::Batch(e) => e.code(),
            Self::Thread { .. } => 686,
            Self::Start { .. } => 687,
            Self::OtherAnchor { .. } => 688,
            Self::BatchProof(e) => e.code(),
            Self::NotProven { .. } => 689,
            Self::Depth { .. } => 690,
        }
    }
}

impl fmt::Display for RevealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Annex => f.write_str("the witness has an annex"),
            Self::Items { expected, actual } => write!(f, "the witness has {actual} items, expected {expected}"),
            Self::ControlBlock { expected, actual } => write!(f, "control block has {actual} bytes, expected {expected}"),
            Self::LeafVersion { actual } => write!(f, "leaf version is {actual:#04x}, expected 0xc0"),
            Self::InternalKey => f.write_str("internal key in the control block is no point of the curve"),
            Self::Script => f.write_str("the revealed script is not that of a recovery leaf"),
            Self::Sibling => f.write_str("the sibling of the recovery leaf is not the leaf of the commitment"),
            Self::Parity { expected, actual } => {
                write!(f, "control block names parity {actual}, the output key has {expected}")
            }
            Self::Output(e) => e.fmt(f),
        }
    }
}

impl fmt::Display for AnchorProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { most, actual } => write!(f, "anchor proof has {actual} bytes, expected at most {most}"),
            Self::Magic { expected, actual } => {
                let (expected, actual) = (hex::encode(expected), hex::encode(actual));
                write!(f, "not an anchor proof: first bytes are {actual}, expected {expected}")
            }
            Self::Version { expected, actual } => write!(f, "anchor proof has version {actual}, expected {expected}"),
            Self::Truncated { part, actual } => write!(f, "anchor proof of {actual} bytes ends within {part}"),
            Self::TrailingBytes { expected, actual } => write!(f, "anchor proof has {actual} bytes, expected {expected}"),
            Self::Count { part, least, most, actual } => {
                write!(f, "anchor proof has {actual} {part}, expected {least} to {most}")
            }
            Self::Block { headers, actual } => {
                write!(f, "the anchor's block has number {actual} among {headers} block headers")
            }
            Self::Kind { actual } => write!(f, "kind {actual} of an anchor output is not known"),
            Self::Key { bytes } => write!(f, "key {} is no x coordinate of a point of secp256k1", hex::encode(bytes)),
            Self::Output(e) => e.fmt(f),
            Self::Header(e) => e.fmt(f),
            Self::Statement(e) => e.fmt(f),
            Self::Proof(e) => e.fmt(f),
        }
    }
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(e) => e.fmt(f),
            Self::ChainId { expected, actual } => write!(f, "the anchor is of chain {actual}, expected {expected}"),
            Self::Network { expected, actual } => {
                write!(f, "the anchor's chain is at home on {expected}, the block headers are of {actual}")
            }
            Self::Block(e) => e.fmt(f),
            Self::Height { expected, actual } => {
                write!(f, "a block header stands at height {actual}, the proof says {expected}")
            }
            Self::NotOnBestChain { hash, height } => {
                write!(f, "block {hash} of height {height} is not on the chain with the most work")
            }
            Self::Transaction { what, error } => write!(f, "{what}: {error}"),
            Self::Merkle(e) => e.fmt(f),
            Self::Output { sequence, found_at: None, error } => write!(f, "anchor {sequence}: output 0: {error}"),
            Self::Output { sequence, found_at: Some(found), .. } => {
                write!(f, "anchor {sequence} stands in output {found}, expected in output 0")
            }
            Self::SecondAnchor { sequence, output } => {
                write!(f, "anchor {sequence} stands in output {output} as well: no other output may have output 0's script")
            }
            Self::Link(e) => e.fmt(f),
            Self::Thread { sequence, expected, actual } => {
                write!(f, "input 0 of anchor {sequence} spends {actual}, expected {expected}")
            }
            Self::Start { expected, first, last } => {
                write!(f, "the proof shows anchors {first} to {last}, expected {expected} among them")
            }
            Self::OtherAnchor { sequence, expected, actual } => {
                write!(f, "anchor {sequence} stands in transaction {actual}, expected {expected}")
            }
            Self::Batch(e) => e.fmt(f),
            Self::BatchProof(e) => e.fmt(f),
            Self::NotProven { batch_number, state_root } => {
                write!(f, "no proof leads from state root {state_root} through batch {batch_number}")
            }
            Self::Depth { expected, actual } => write!(f, "the anchor is {actual} blocks deep, expected {expected}"),
        }
    }
}

macro_rules! from {
    ($($of:ident => $to:ident::$variant:ident;)*) => { $(
        impl From<$of> for $to {
            fn from(e: $of) -> Self {
                Self::$variant(e)
            }
        }
    )* };
}
from! {
    AnchorOutputError => RevealError::Output;
    AnchorOutputError => AnchorProofError::Output;
    HeaderError => AnchorProofError::Header;
    StatementError => AnchorProofError::Statement;
    ProofError => AnchorProofError::Proof;
    AnchorProofError => AnchorError::Malformed;
    BlockError => AnchorError::Block;
    MerkleError => AnchorError::Merkle;
}

impl core::error::Error for RevealError {}
impl core::error::Error for AnchorProofError {}
impl core::error::Error for AnchorError {}
