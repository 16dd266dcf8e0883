//! [`RegistryError`], [`CheckpointError`], [`ChainError`] and [`ChainErrorAt`].

use super::{HeaderError, VerifyError};
use crate::{field::Element, key::VkId, registry::Pin};
use core::fmt;

/// What is wrong with a registry of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// A line of the text is not a pin, not after the one before, or not ended by a line feed.
    Line {
        /// Its number, from 1.
        number: usize,
    },
    /// There are no pins or too many.
    Count {
        /// The most that a registry holds.
        most: usize,
        /// How many there are, as far as they were counted.
        actual: usize,
    },
    /// A range is empty or does not lie in 1 .. 2^48.
    Range {
        /// The pin.
        pin: Pin,
    },
    /// A key is pinned twice for one batch.
    Overlap {
        /// One pin.
        first: Pin,
        /// The other.
        second: Pin,
    },
}

/// What is wrong with the bytes of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The bytes have the wrong length.
    Length {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
    /// The bytes do not start as a checkpoint does.
    Magic {
        /// The right first bytes.
        expected: [u8; 4],
        /// The first bytes given.
        actual: [u8; 4],
    },
    /// The checkpoint is of another version.
    Version {
        /// The version known.
        expected: u32,
        /// The version given.
        actual: u32,
    },
    /// The batch number is not below 2^48, deposits were checked beyond it, or batch 0 has a commitment.
    BatchNumber {
        /// Number of the last batch.
        batch_number: u64,
        /// The last batch up to which deposits were checked.
        deposits_checked: u64,
    },
    /// The state root is not below r.
    StateRoot {
        /// Its bytes, big-endian.
        bytes: [u8; 32],
    },
}

/// Why a batch does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainError {
    /// Chain id, batch number or state root does not link.
    Link(HeaderError),
    /// The batch or its proof is refused.
    Verify(VerifyError),
    /// The registry does not list the key, for this batch or (`None`) for any.
    KeyNotPinned {
        /// The key that the batch names.
        vk_id: VkId,
        /// The batch.
        batch_number: Option<u64>,
    },
    /// The registry lists the key, but it was not given.
    KeyNotGiven {
        /// The key that the batch names.
        vk_id: VkId,
    },
    /// The batch builds on another batch than the one verified.
    Previous {
        /// The batch.
        batch_number: u64,
        /// Commitment of the batch that was verified before.
        expected: [u8; 32],
        /// The commitment named.
        actual: [u8; 32],
    },
    /// The deposit queue's head after the batch is not the one that the caller expects.
    DepositHead {
        /// The batch.
        batch_number: u64,
        /// The head that the caller expects.
        expected: Element,
        /// The head in the statement.
        actual: Element,
    },
    /// No batch was given to follow.
    NoBatches,
}

/// Why one of several batches does not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainErrorAt {
    /// Index of the batch among those given.
    pub index: usize,
    /// What is wrong with it.
    pub error: ChainError,
}

impl RegistryError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Line { .. } => 701,
            Self::Count { .. } => 702,
            Self::Range { .. } => 703,
            Self::Overlap { .. } => 704,
        }
    }
}

impl CheckpointError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Length { .. } => 751,
            Self::Magic { .. } => 752,
            Self::Version { .. } => 753,
            Self::BatchNumber { .. } => 754,
            Self::StateRoot { .. } => 755,
        }
    }
}

impl ChainError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Link(e) => e.code(),
            Self::Verify(e) => e.code(),
            Self::KeyNotPinned { .. } => 801,
            Self::KeyNotGiven { .. } => 802,
            Self::Previous { .. } => 803,
            Self::DepositHead { .. } => 804,
            Self::NoBatches => 805,
        }
    }
}

impl ChainErrorAt {
    /// The stable number of the error.
    pub const fn code(&self) -> u16 {
        self.error.code()
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { number } => write!(f, "line {number} of the key registry is not as it must be"),
            Self::Count { most, actual } => write!(f, "key registry has {actual} pins, expected 1 to {most}"),
            Self::Range { pin } => write!(f, "range of batches of key {} is empty or not in 1 .. 2^48", pin.vk_id),
            Self::Overlap { first, second } => {
                let (a, b) = (first.first_batch, second.first_batch);
                write!(f, "key {} is pinned twice for one batch, from {a} and from {b} on", first.vk_id)
            }
        }
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, actual } => write!(f, "checkpoint has {actual} bytes, expected {expected}"),
            Self::Magic { expected, actual } => {
                write!(f, "not a checkpoint: first bytes are {}, expected {}", hex::encode(actual), hex::encode(expected))
            }
            Self::Version { expected, actual } => write!(f, "checkpoint has version {actual}, expected {expected}"),
            Self::BatchNumber { batch_number, deposits_checked } => write!(
                f,
                "checkpoint at batch {batch_number}, with deposits checked up to {deposits_checked}, is not one that could be"
            ),
            Self::StateRoot { bytes } => write!(f, "state root of the checkpoint is 0x{}, not below r", hex::encode(bytes)),
        }
    }
}

impl fmt::Display for ChainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(e) => e.fmt(f),
            Self::Verify(e) => e.fmt(f),
            Self::KeyNotPinned { vk_id, batch_number: Some(batch_number) } => {
                write!(f, "key {vk_id} is not pinned for batch {batch_number}")
            }
            Self::KeyNotPinned { vk_id, batch_number: None } => write!(f, "key {vk_id} is not pinned"),
            Self::KeyNotGiven { vk_id } => write!(f, "key {vk_id} is pinned but was not given"),
            Self::Previous { batch_number, expected, actual } => {
                write!(f, "batch {batch_number} builds on {}, expected {}", hex::encode(actual), hex::encode(expected))
            }
            Self::DepositHead { batch_number, expected, actual } => {
                write!(f, "deposit head after batch {batch_number} is {actual}, expected {expected}")
            }
            Self::NoBatches => f.write_str("there are no batches to follow, so nothing was verified"),
        }
    }
}

impl fmt::Display for ChainErrorAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (index {})", self.error, self.index)
    }
}

impl From<HeaderError> for ChainError {
    fn from(e: HeaderError) -> Self {
        Self::Link(e)
    }
}

impl From<VerifyError> for ChainError {
    fn from(e: VerifyError) -> Self {
        Self::Verify(e)
    }
}

impl core::error::Error for RegistryError {}
impl core::error::Error for CheckpointError {}
impl core::error::Error for ChainError {}
impl core::error::Error for ChainErrorAt {}
