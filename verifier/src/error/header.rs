//! [`HeaderError`].

use crate::field::Element;
use core::fmt;

/// What is wrong with an anchor header, with the batches that it should cover, or with how one batch follows another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The bytes have the wrong length.
    Length {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
    /// The header is of another version.
    Version {
        /// The version known.
        expected: u32,
        /// The version given.
        actual: u32,
    },
    /// The reserved field is not 0.
    Reserved {
        /// The value given.
        actual: u32,
    },
    /// An anchor covers at least one batch.
    NoBatches,
    /// The range of batch numbers starts at 0 or does not end below 2^48.
    BatchRange {
        /// First batch number.
        first: u64,
        /// Number of batches.
        count: u64,
    },
    /// A root is not below r.
    NotCanonical {
        /// Name of the field.
        field: &'static str,
        /// Its bytes, big-endian.
        bytes: [u8; 32],
    },
    /// The header with sequence number 0 names a previous anchor.
    FirstHasPrevious {
        /// The commitment named.
        actual: [u8; 32],
    },
    /// A batch or header is of another chain.
    ChainId {
        /// The chain so far.
        expected: u32,
        /// The chain given.
        actual: u32,
    },
    /// A batch number does not follow.
    BatchNumber {
        /// The number that follows.
        expected: u64,
        /// The number given.
        actual: u64,
    },
    /// A state root does not link.
    StateRoot {
        /// The batch at which the roots part.
        batch_number: u64,
        /// The root so far.
        expected: Element,
        /// The root given.
        actual: Element,
    },
    /// The sequence number does not follow, or there is none that could follow (`expected` is then `None`).
    Sequence {
        /// The number that follows.
        expected: Option<u64>,
        /// The number given.
        actual: u64,
    },
    /// The header names another previous anchor.
    Previous {
        /// Commitment of the previous anchor.
        expected: [u8; 32],
        /// The commitment named.
        actual: [u8; 32],
    },
    /// The header covers another number of batches.
    BatchCount {
        /// The number in the header.
        expected: u64,
        /// The number of batches given.
        actual: u64,
    },
    /// The batches have another root.
    BatchesRoot {
        /// The root in the header.
        expected: [u8; 32],
        /// The root of the batches given.
        actual: [u8; 32],
    },
    /// The header covers other batches.
    NotCovered {
        /// The batch number given.
        batch_number: u64,
        /// The first batch that the header covers.
        first: u64,
        /// The last one.
        last: u64,
    },
    /// A branch has another number of siblings than its batch's place demands.
    BranchLength {
        /// The number that the place demands.
        expected: usize,
        /// The number given.
        actual: usize,
    },
}

impl HeaderError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Length { .. } => 501,
            Self::Version { .. } => 502,
            Self::Reserved { .. } => 503,
            Self::NoBatches => 504,
            Self::BatchRange { .. } => 505,
            Self::NotCanonical { .. } => 506,
            Self::FirstHasPrevious { .. } => 507,
            Self::ChainId { .. } => 508,
            Self::BatchNumber { .. } => 509,
            Self::StateRoot { .. } => 510,
            Self::Sequence { .. } => 511,
            Self::Previous { .. } => 512,
            Self::BatchCount { .. } => 513,
            Self::BatchesRoot { .. } => 514,
            Self::NotCovered { .. } => 515,
            Self::BranchLength { .. } => 516,
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, actual } => write!(f, "anchor header has {actual} bytes, expected {expected}"),
            Self::Version { expected, actual } => write!(f, "anchor header has version {actual}, expected {expected}"),
            Self::Reserved { actual } => write!(f, "reserved field of the anchor header is {actual}, expected 0"),
            Self::NoBatches => f.write_str("an anchor covers at least one batch"),
            Self::BatchRange { first, count } => {
                write!(f, "{count} batches from number {first} on do not lie in 1 .. 2^48")
            }
            Self::NotCanonical { field, bytes } => {
                write!(f, "{field} of the anchor header is 0x{}, not below r", hex::encode(bytes))
            }
            Self::FirstHasPrevious { actual } => {
                write!(f, "anchor 0 names {} as previous anchor, expected zeros", hex::encode(actual))
            }
            Self::ChainId { expected, actual } => write!(f, "chain id is {actual}, expected {expected}"),
            Self::BatchNumber { expected, actual } => write!(f, "batch number is {actual}, expected {expected}"),
            Self::StateRoot { batch_number, expected, actual } => {
                write!(f, "state root at batch {batch_number} is {actual}, expected {expected}")
            }
            Self::Sequence { expected: Some(expected), actual } => {
                write!(f, "sequence number is {actual}, expected {expected}")
            }
            Self::Sequence { expected: None, actual } => write!(f, "no anchor can follow sequence number {actual}"),
            Self::Previous { expected, actual } => {
                write!(f, "previous anchor is {}, expected {}", hex::encode(actual), hex::encode(expected))
            }
            Self::BatchCount { expected, actual } => {
                write!(f, "{actual} batches given, the anchor header covers {expected}")
            }
            Self::BatchesRoot { expected, actual } => {
                write!(f, "batches root is {}, expected {}", hex::encode(actual), hex::encode(expected))
            }
            Self::NotCovered { batch_number, first, last } => {
                write!(f, "batch {batch_number} is not covered by an anchor over batches {first} to {last}")
            }
            Self::BranchLength { expected, actual } => {
                write!(f, "branch of the batch has {actual} siblings, its place demands {expected}")
            }
        }
    }
}

impl core::error::Error for HeaderError {}
