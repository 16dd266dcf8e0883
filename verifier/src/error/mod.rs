//! Errors. Each has a numeric [`code`](VerifyError::code) that keeps its meaning for ever and is never reused.
//!
//! | code | error |
//! | --- | --- |
//! | 1 | [`ParseElementError::NotHex`](crate::field::ParseElementError::NotHex) |
//! | 2 | [`NotCanonical`](crate::field::NotCanonical): an integer is not below r |
//! | 3 | [`ParseHashError`]: not 64 lower-case hexadecimal digits |
//! | 11 | [`JsonError::TooLong`] |
//! | 12 | [`JsonError::Syntax`] |
//! | 13 | [`JsonError::Field`] |
//! | 101 | [`StatementError::Length`] |
//! | 102 | [`StatementError::NotCanonical`] |
//! | 103 | [`StatementError::ChainId`] |
//! | 104 | [`StatementError::BatchNumber`] |
//! | 201 | [`ProofError::Length`] |
//! | 202 | [`ProofError::Point`]: [`PointError::NotCanonical`] |
//! | 203 | [`ProofError::Point`]: [`PointError::NotOnCurve`] |
//! | 204 | [`ProofError::Point`]: [`PointError::NotInSubgroup`] |
//! | 205 | [`ProofError::Point`]: [`PointError::Infinity`] |
//! | 206 | [`ProofError::Commitments`] |
//! | 301 | [`KeyError::Truncated`] |
//! | 302 | [`KeyError::TrailingBytes`] |
//! | 303 | [`KeyError::Magic`] |
//! | 304 | [`KeyError::FileVersion`] |
//! | 305 | [`KeyError::ShapeName`] |
//! | 306 | [`KeyError::IcCount`] |
//! | 307 | [`KeyError::Forgeable`] |
//! | 312 | [`KeyError::Point`]: [`PointError::NotCanonical`] |
//! | 313 | [`KeyError::Point`]: [`PointError::NotOnCurve`] |
//! | 314 | [`KeyError::Point`]: [`PointError::NotInSubgroup`] |
//! | 315 | [`KeyError::Point`]: [`PointError::Infinity`] |
//! | 401 | [`VerifyError::KeyMismatch`] |
//! | 402 | [`VerifyError::InvalidProof`] |
//! | 403 | [`VerifyManyError::Refused`](crate::VerifyManyError::Refused): some claims were refused, each with its own error |
//! | 404 | [`VerifyManyError::NoClaims`](crate::VerifyManyError::NoClaims): there was nothing to verify |
//! | 405 | [`VerifyError::Inputs`] |
//! | 501 | [`HeaderError::Length`] |
//! | 502 | [`HeaderError::Version`] |
//! | 503 | [`HeaderError::Reserved`] |
//! | 504 | [`HeaderError::NoBatches`] |
//! | 505 | [`HeaderError::BatchRange`] |
//! | 506 | [`HeaderError::NotCanonical`] |
//! | 507 | [`HeaderError::FirstHasPrevious`] |
//! | 508 | [`HeaderError::ChainId`] |
//! | 509 | [`HeaderError::BatchNumber`] |
//! | 510 | [`HeaderError::StateRoot`] |
//! | 511 | [`HeaderError::Sequence`] |
//! | 512 | [`HeaderError::Previous`] |
//! | 513 | [`HeaderError::BatchCount`] |
//! | 514 | [`HeaderError::BatchesRoot`] |
//! | 515 | [`HeaderError::NotCovered`] |
//! | 516 | [`HeaderError::BranchLength`] |
//! | 601 | `AnchorOutputError::UnspendableKey` (feature `bitcoin`, like all from 601 to 690) |
//! | 602 | `AnchorOutputError::ScriptPubKey` |
//! | 603 | `AnchorOutputError::RecoveryKey` |
//! | 604 | `AnchorOutputError::RecoveryBlocks` |
//! | 611 | `RevealError::Annex` |
//! | 612 | `RevealError::Items` |
//! | 613 | `RevealError::ControlBlock` |
//! | 614 | `RevealError::LeafVersion` |
//! | 615 | `RevealError::InternalKey` |
//! | 616 | `RevealError::Script` |
//! | 617 | `RevealError::Sibling` |
//! | 618 | `RevealError::Parity` |
//! | 621 | `TransactionError::Ambiguous` |
//! | 622 | `TransactionError::TooLong` |
//! | 623 | `TransactionError::Malformed` |
//! | 624 | `TransactionError::NoInputs` |
//! | 625 | `TransactionError::NoOutputs` |
//! | 626 | `TransactionError::TrailingBytes` |
//! | 631 | `MerkleError::TooDeep` |
//! | 632 | `MerkleError::IndexBits` |
//! | 633 | `MerkleError::Repeated` |
//! | 634 | `MerkleError::NoCoinbase` |
//! | 635 | `MerkleError::IsCoinbase` |
//! | 636 | `MerkleError::Depth` |
//! | 637 | `MerkleError::Root` |
//! | 641 | `BlockError::Network` |
//! | 642 | `BlockError::Context` |
//! | 643 | `BlockError::Checkpoint` |
//! | 644 | `BlockError::Orphan` |
//! | 645 | `BlockError::BelowCheckpoint` |
//! | 646 | `BlockError::Full` |
//! | 647 | `BlockError::Version` |
//! | 648 | `BlockError::Bits` |
//! | 649 | `BlockError::Work` |
//! | 650 | `BlockError::TooEarly` |
//! | 651 | `BlockError::TooLate` |
//! | 652 | `BlockError::Reach` |
//! | 661 | `AnchorProofError::TooLong` |
//! | 662 | `AnchorProofError::Magic` |
//! | 663 | `AnchorProofError::Version` |
//! | 664 | `AnchorProofError::Truncated` |
//! | 665 | `AnchorProofError::TrailingBytes` |
//! | 666 | `AnchorProofError::Count` |
//! | 667 | `AnchorProofError::Block` |
//! | 668 | `AnchorProofError::Kind` |
//! | 669 | `AnchorProofError::Key` |
//! | 681 | `AnchorError::ChainId` |
//! | 682 | `AnchorError::Network` |
//! | 683 | `AnchorError::Height` |
//! | 684 | `AnchorError::NotOnBestChain` |
//! | 685 | `AnchorError::SecondAnchor` |
//! | 686 | `AnchorError::Thread` |
//! | 687 | `AnchorError::Start` |
//! | 688 | `AnchorError::OtherAnchor` |
//! | 689 | `AnchorError::NotProven` |
//! | 690 | `AnchorError::Depth` |
//! | 701 | [`RegistryError::Line`] |
//! | 702 | [`RegistryError::Count`] |
//! | 703 | [`RegistryError::Range`] |
//! | 704 | [`RegistryError::Overlap`] |
//! | 751 | [`CheckpointError::Length`] |
//! | 752 | [`CheckpointError::Magic`] |
//! | 753 | [`CheckpointError::Version`] |
//! | 754 | [`CheckpointError::BatchNumber`] |
//! | 755 | [`CheckpointError::StateRoot`] |
//! | 801 | [`ChainError::KeyNotPinned`] |
//! | 802 | [`ChainError::KeyNotGiven`] |
//! | 803 | [`ChainError::Previous`] |
//! | 804 | [`ChainError::DepositHead`] |
//! | 805 | [`ChainError::NoBatches`] |
//! | 901 | [`ExitProofError::Magic`] |
//! | 902 | [`ExitProofError::Version`] |
//! | 903 | [`ExitProofError::Truncated`] |
//! | 904 | [`ExitProofError::TrailingBytes`] |
//! | 905 | [`ExitProofError::NotCanonical`] |
//! | 906 | [`ExitProofError::Range`] |
//! | 907 | [`ExitProofError::Depth`] |
//! | 908 | [`ExitProofError::PathLength`] |
//! | 909 | [`ExitProofError::Absent`] |
//! | 910 | [`ExitProofError::Key`] |
//! | 911 | [`ExitProofError::Slot`] |
//! | 912 | [`ExitProofError::RepeatedToken`] |
//! | 913 | [`ExitProofError::Pools`] |
//! | 914 | [`ExitProofError::Shares`] |
//! | 915 | [`ExitProofError::Flag`] |
//! | 951 | [`ExitError::AccountRoot`] |
//! | 952 | [`ExitError::PoolRoot`] |
//! | 953 | [`ExitError::StateRoot`] |
//! | 954 | [`ExitError::ChainId`] |
//! | 955 | [`ExitError::BatchNumber`] |
//! | 956 | [`ExitError::WithdrawalsStart`] |
//! | 957 | [`ExitError::WithdrawalsRoot`] |
//! | 958 | [`ExitError::TooManyWithdrawals`] |
//! | 1001 | [`OpenError::NoKey`] |
//! | 1002 | [`OpenError::KeyCount`] |
//! | 1003 | [`OpenError::RepeatedKey`] |
//! | 1004 | [`OpenError::KeySetMismatch`] |
//! | 1005 | [`OpenError::Inputs`] |
//! | 1006 | [`OpenError::CircuitVersion`] |
//! | 1011 | [`OpenError::NoSegments`] |
//! | 1012 | [`OpenError::TooManyParts`] |
//! | 1013 | [`OpenError::UnknownKey`] |
//! | 1014 | [`OpenError::Role`] |
//! | 1015 | [`OpenError::Proofs`] |
//! | 1021 | [`OpenError::ChainId`] |
//! | 1022 | [`OpenError::BatchNumber`] |
//! | 1023 | [`OpenError::StateRoot`] |
//! | 1024 | [`OpenError::UntouchedPools`] |
//! | 1031 | [`OpenError::Operator`] |
//! | 1032 | [`OpenError::FeeToken`] |
//! | 1033 | [`OpenError::Register`] |
//! | 1041 | [`OpenError::EmptySegment`] |
//! | 1042 | [`OpenError::Output`] |
//! | 1051 | [`OpenError::Challenge`] |
//! | 1052 | [`OpenError::Balance`] |
//! | 1061 | [`OpenError::InvalidProofs`]: each part whose proof is not valid is named |
//! | 1101 | [`OpenFileError::Magic`] |
//! | 1102 | [`OpenFileError::Version`] |
//! | 1103 | [`OpenFileError::Truncated`] |
//! | 1104 | [`OpenFileError::TrailingBytes`] |
//! | 1105 | [`OpenFileError::NotCanonical`] |
//! | 1106 | [`OpenFileError::Flag`] |
//! | 1107 | [`OpenFileError::Role`] |
//! | 1108 | [`OpenFileError::KeyOrder`] |
//! | 1109 | [`OpenFileError::KeyNumber`] |
//! | 1110 | [`OpenFileError::TooManyParts`] |

#[cfg(feature = "bitcoin")]
mod anchor;
mod chain;
mod exit;
mod header;
mod json;
mod open;
#[cfg(feature = "bitcoin")]
mod spv;
#[cfg(feature = "bitcoin")]
pub use anchor::{AnchorError, AnchorProofError, RevealError};
pub use chain::{ChainError, ChainErrorAt, CheckpointError, RegistryError};
pub use exit::{ExitError, ExitProofError};
pub use header::HeaderError;
pub use json::JsonError;
pub use open::{OpenError, OpenFileError};
#[cfg(feature = "bitcoin")]
pub use spv::{BlockError, MerkleError, TransactionError};

use crate::{field::Element, key::VkId};
use core::fmt;

/// A text is not 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ParseHashError {
    /// Length of the text in bytes.
    pub length: usize,
}

/// What is wrong with a curve point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PointError {
    /// A coordinate is not below p, or the flags of a compressed point are not those an encoder writes.
    NotCanonical,
    /// The point is not on its curve.
    NotOnCurve,
    /// The point is not in the subgroup of prime order.
    NotInSubgroup,
    /// The point is the point at infinity.
    Infinity,
}

/// A point of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofPoint {
    /// A, in G1.
    A,
    /// B, in G2.
    B,
    /// C, in G1.
    C,
}

/// A point of a verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyPoint {
    /// alpha, in G1.
    Alpha,
    /// beta, in G2.
    Beta,
    /// gamma, in G2.
    Gamma,
    /// delta, in G2.
    Delta,
    /// The IC point with this index, in G1.
    Ic(usize),
}

/// What is wrong with a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementError {
    /// The canonical bytes have the wrong length.
    Length {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
    /// A field is not below r.
    NotCanonical {
        /// Name of the field.
        field: &'static str,
        /// Its bytes, big-endian.
        bytes: [u8; 32],
    },
    /// The chain id is not below 2^32.
    ChainId {
        /// The value given.
        actual: Element,
    },
    /// The batch number is 0 or not below 2^48.
    BatchNumber {
        /// The value given.
        actual: Element,
    },
}

/// What is wrong with the encoding of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProofError {
    /// The encoding has the wrong length.
    Length {
        /// The right length.
        expected: usize,
        /// The length given.
        actual: usize,
    },
    /// A point is refused.
    Point {
        /// Which point.
        point: ProofPoint,
        /// Why.
        reason: PointError,
    },
    /// The proof has Pedersen commitments, which gnark makes and this crate's keys do not know; or it says that it has none and
    /// holds something in their place.
    Commitments {
        /// How many.
        count: u32,
    },
    /// The JSON text is refused.
    Json(JsonError),
}

/// What is wrong with a verifying key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The file ends too early.
    Truncated {
        /// Bytes needed so far.
        needed: usize,
        /// Bytes given.
        actual: usize,
    },
    /// Bytes follow the end of the key.
    TrailingBytes {
        /// Bytes of the key.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// The file does not start as a key file does.
    Magic {
        /// The right first bytes.
        expected: [u8; 4],
        /// The first bytes given.
        actual: [u8; 4],
    },
    /// The layout of the file is of another version.
    FileVersion {
        /// The version known.
        expected: u32,
        /// The version given.
        actual: u32,
    },
    /// The shape name is empty, longer than 255 bytes, or has bytes other than `a-z`, `0-9`, `-`, `_`, `.`.
    ShapeName {
        /// Its length in bytes.
        length: usize,
    },
    /// No circuit has so many public inputs.
    IcCount {
        /// IC points of a circuit with one public input.
        least: usize,
        /// IC points of a circuit with the most.
        most: usize,
        /// IC points given.
        actual: usize,
    },
    /// Two points are equal up to sign, so that anyone can forge proofs (a setup without its second phase, for example).
    Forgeable {
        /// One point.
        first: KeyPoint,
        /// The other.
        second: KeyPoint,
    },
    /// A point is refused.
    Point {
        /// Which point.
        point: KeyPoint,
        /// Why.
        reason: PointError,
    },
    /// The JSON text is refused.
    Json(JsonError),
}

/// Why a statement was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyError {
    /// The key is not the one that the caller pins.
    KeyMismatch {
        /// The id that the caller pins.
        expected: VkId,
        /// The id of the key given.
        actual: VkId,
    },
    /// The key is for another number of public inputs: that of a part of an open batch, which proves no statement by itself.
    Inputs {
        /// The number of a batch's circuit, 1.
        expected: usize,
        /// The key's.
        actual: usize,
    },
    /// The statement is out of range.
    Statement(StatementError),
    /// The proof does not prove the statement under this key.
    InvalidProof {
        /// The key.
        vk_id: VkId,
        /// The batch number that the statement claims.
        batch_number: u64,
    },
}

impl PointError {
    const fn offset(self) -> u16 {
        match self {
            Self::NotCanonical => 2,
            Self::NotOnCurve => 3,
            Self::NotInSubgroup => 4,
            Self::Infinity => 5,
        }
    }
}

impl ParseHashError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        3
    }
}

impl StatementError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Length { .. } => 101,
            Self::NotCanonical { .. } => 102,
            Self::ChainId { .. } => 103,
            Self::BatchNumber { .. } => 104,
        }
    }
}

impl ProofError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Length { .. } => 201,
            Self::Point { reason, .. } => 200 + reason.offset(),
            Self::Commitments { .. } => 206,
            Self::Json(e) => e.code(),
        }
    }
}

impl KeyError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Truncated { .. } => 301,
            Self::TrailingBytes { .. } => 302,
            Self::Magic { .. } => 303,
            Self::FileVersion { .. } => 304,
            Self::ShapeName { .. } => 305,
            Self::IcCount { .. } => 306,
            Self::Forgeable { .. } => 307,
            Self::Point { reason, .. } => 310 + reason.offset(),
            Self::Json(e) => e.code(),
        }
    }
}

impl VerifyError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::KeyMismatch { .. } => 401,
            Self::InvalidProof { .. } => 402,
            Self::Inputs { .. } => 405,
            Self::Statement(e) => e.code(),
        }
    }
}

impl fmt::Display for ParseHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected 64 lower-case hexadecimal digits, got {} bytes of text", self.length)
    }
}

impl fmt::Display for PointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotCanonical => "is not in canonical form",
            Self::NotOnCurve => "is not on its curve",
            Self::NotInSubgroup => "is not in the subgroup of prime order",
            Self::Infinity => "is the point at infinity",
        })
    }
}

impl fmt::Display for ProofPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
        })
    }
}

impl fmt::Display for KeyPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alpha => f.write_str("alpha"),
            Self::Beta => f.write_str("beta"),
            Self::Gamma => f.write_str("gamma"),
            Self::Delta => f.write_str("delta"),
            Self::Ic(i) => write!(f, "IC {i}"),
        }
    }
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, actual } => write!(f, "statement has {actual} bytes, expected {expected}"),
            Self::NotCanonical { field, bytes } => {
                write!(f, "{field} of the statement is 0x{}, not below r", hex::encode(bytes))
            }
            Self::ChainId { actual } => write!(f, "chain id {actual} is not below 2^32"),
            Self::BatchNumber { actual } => write!(f, "batch number {actual} is not in 1 .. 2^48"),
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, actual } => write!(f, "proof has {actual} bytes, expected {expected}"),
            Self::Point { point, reason } => write!(f, "point {point} of the proof {reason}"),
            Self::Commitments { count } => {
                write!(f, "proof has {count} commitments, or something in their place; expected none")
            }
            Self::Json(e) => e.fmt(f),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { needed, actual } => {
                write!(f, "verifying key ends after {actual} bytes, expected at least {needed}")
            }
            Self::TrailingBytes { expected, actual } => write!(f, "verifying key has {actual} bytes, expected {expected}"),
            Self::Magic { expected, actual } => write!(
                f,
                "not a verifying key file: first bytes are {}, expected {}",
                hex::encode(actual),
                hex::encode(expected)
            ),
            Self::FileVersion { expected, actual } => {
                write!(f, "verifying key file has version {actual}, expected {expected}")
            }
            Self::ShapeName { length } => {
                write!(f, "shape name of {length} bytes is not 1 to 255 characters, each one of a-z 0-9 - _ . only")
            }
            Self::IcCount { least, most, actual } => {
                write!(f, "verifying key has {actual} IC points, expected {least} to {most}")
            }
            Self::Forgeable { first, second } => {
                write!(f, "proofs under this key can be forged: {first} and {second} are equal up to sign")
            }
            Self::Point { point, reason } => write!(f, "point {point} of the verifying key {reason}"),
            Self::Json(e) => e.fmt(f),
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyMismatch { expected, actual } => write!(f, "verifying key has id {actual}, expected {expected}"),
            Self::Inputs { expected, actual } => {
                write!(
                    f,
                    "verifying key is for {actual} public inputs, expected {expected}: it is that of a part of a batch"
                )
            }
            Self::Statement(e) => e.fmt(f),
            Self::InvalidProof { vk_id, batch_number } => {
                write!(f, "proof of batch {batch_number} is not valid under key {vk_id}")
            }
        }
    }
}

impl From<JsonError> for ProofError {
    fn from(e: JsonError) -> Self {
        Self::Json(e)
    }
}

impl From<JsonError> for KeyError {
    fn from(e: JsonError) -> Self {
        Self::Json(e)
    }
}

impl From<StatementError> for VerifyError {
    fn from(e: StatementError) -> Self {
        Self::Statement(e)
    }
}

impl core::error::Error for ParseHashError {}
impl core::error::Error for PointError {}
impl core::error::Error for StatementError {}
impl core::error::Error for ProofError {}
impl core::error::Error for KeyError {}
impl core::error::Error for VerifyError {}
