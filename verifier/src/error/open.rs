//! [`OpenError`].

use super::{ExitProofError, ProofError, StatementError};
use crate::{field::Element, key::VkId, open::KeySetId};
use alloc::vec::Vec;
use core::fmt;

/// Why an open batch is refused before its proofs are looked at, or why a key set is none. Parts are numbered from 0, segments first.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// A key set has no key for a role.
    NoKey {
        /// The role.
        role: &'static str,
    },
    /// A key set has too many keys.
    KeyCount {
        /// The most.
        most: usize,
        /// How many there are.
        actual: usize,
    },
    /// A key set has a key twice.
    RepeatedKey {
        /// The key.
        vk_id: VkId,
    },
    /// The key set is not the one that the caller pins.
    KeySetMismatch {
        /// The id that the caller pins.
        expected: KeySetId,
        /// The id of the set given.
        actual: KeySetId,
    },
    /// A key is for another number of public inputs than its role has.
    Inputs {
        /// The role.
        role: &'static str,
        /// The number of the role.
        expected: usize,
        /// The key's.
        actual: usize,
    },
    /// The keys of a set are for several versions of the circuits.
    CircuitVersion {
        /// The version of the first key.
        expected: u32,
        /// Another key's.
        actual: u32,
    },
    /// There is no segment.
    NoSegments,
    /// There are too many parts.
    TooManyParts {
        /// The most.
        most: usize,
        /// How many there are.
        actual: usize,
    },
    /// A part's key is not one of the set.
    UnknownKey {
        /// The part.
        part: usize,
        /// Its key.
        vk_id: VkId,
    },
    /// A part's key is for another role.
    Role {
        /// The part.
        part: usize,
        /// The role of the part.
        expected: &'static str,
        /// The role of its key.
        actual: &'static str,
    },
    /// There are not as many proofs as parts.
    Proofs {
        /// How many parts there are.
        expected: usize,
        /// How many proofs.
        actual: usize,
    },
    /// The statement is out of range.
    Statement(StatementError),
    /// What a state root covers is out of range.
    State {
        /// Whether it is that after the batch.
        after: bool,
        /// What is out of range.
        source: ExitProofError,
    },
    /// The state before the batch is that of another chain.
    ChainId {
        /// The statement's chain.
        expected: u32,
        /// The state's.
        actual: u32,
    },
    /// The state before the batch is not that after the batch before it.
    BatchNumber {
        /// The number of the batch before.
        expected: u64,
        /// The state's.
        actual: u64,
    },
    /// A state root does not cover what it is said to.
    StateRoot {
        /// `before` or `after`.
        which: &'static str,
        /// The statement's root.
        expected: Element,
        /// The root of what is given.
        actual: Element,
    },
    /// The tree of pools changes in a batch that touches none.
    UntouchedPools {
        /// The root before.
        expected: Element,
        /// The root after.
        actual: Element,
    },
    /// The operator's index is out of range.
    Operator {
        /// Indices are below this.
        end: u32,
        /// The index.
        actual: u32,
    },
    /// A fee token is out of range, or not above the one before it.
    FeeToken {
        /// Its place in the list.
        index: usize,
        /// The least that it may be.
        least: u32,
        /// Ids are below this.
        end: u32,
        /// The token.
        actual: u32,
    },
    /// A register is out of range after a segment.
    Register {
        /// The segment.
        segment: usize,
        /// The register.
        register: &'static str,
        /// It has to be below this.
        end: u128,
        /// Its value.
        actual: u128,
    },
    /// One of several segments is empty.
    EmptySegment {
        /// The segment.
        segment: usize,
    },
    /// What the segments put out is not what the statement says.
    Output {
        /// The field of the statement.
        output: &'static str,
        /// The statement's.
        expected: Element,
        /// That of the segments.
        actual: Element,
    },
    /// The challenge is the fingerprint of a root's record: nothing can be said of such a batch. Chance brings it about once in 2^250.
    Challenge,
    /// Records are not consumed as often as they are produced.
    Balance {
        /// The share of the roots.
        expected: Element,
        /// The sum of the parts' shares.
        actual: Element,
    },
    /// Some proofs are not valid.
    InvalidProofs {
        /// The first part whose proof is not valid.
        first: usize,
        /// All of them, in order.
        parts: Vec<usize>,
    },
}

impl OpenError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::NoKey { .. } => 1001,
            Self::KeyCount { .. } => 1002,
            Self::RepeatedKey { .. } => 1003,
            Self::KeySetMismatch { .. } => 1004,
            Self::Inputs { .. } => 1005,
            Self::CircuitVersion { .. } => 1006,
            Self::NoSegments => 1011,
            Self::TooManyParts { .. } => 1012,
            Self::UnknownKey { .. } => 1013,
            Self::Role { .. } => 1014,
            Self::Proofs { .. } => 1015,
            Self::Statement(error) => error.code(),
            Self::State { source, .. } => source.code(),
            Self::ChainId { .. } => 1021,
            Self::BatchNumber { .. } => 1022,
            Self::StateRoot { .. } => 1023,
            Self::UntouchedPools { .. } => 1024,
            Self::Operator { .. } => 1031,
            Self::FeeToken { .. } => 1032,
            Self::Register { .. } => 1033,
            Self::EmptySegment { .. } => 1041,
            Self::Output { .. } => 1042,
            Self::Challenge => 1051,
            Self::Balance { .. } => 1052,
            Self::InvalidProofs { .. } => 1061,
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey { role } => write!(f, "the key set has no key for a {role}"),
            Self::KeyCount { most, actual } => write!(f, "the key set has {actual} keys, expected at most {most}"),
            Self::RepeatedKey { vk_id } => write!(f, "the key set has key {vk_id} twice"),
            Self::KeySetMismatch { expected, actual } => write!(f, "key set has id {actual}, expected {expected}"),
            Self::Inputs { role, expected, actual } => {
                write!(f, "the key of a {role} is for {actual} public inputs, expected {expected}")
            }
            Self::CircuitVersion { expected, actual } => {
                write!(f, "a key of the set is for circuit version {actual}, expected {expected}")
            }
            Self::NoSegments => f.write_str("the batch has no segment, expected at least one"),
            Self::TooManyParts { most, actual } => write!(f, "the batch has {actual} parts, expected at most {most}"),
            Self::UnknownKey { part, vk_id } => {
                write!(f, "part {part} names key {vk_id}, which the pinned set does not have")
            }
            Self::Role { part, expected, actual } => write!(f, "part {part} is a {expected}, its key is that of a {actual}"),
            Self::Proofs { expected, actual } => write!(f, "the batch has {expected} parts, and {actual} proofs"),
            Self::Statement(error) => error.fmt(f),
            Self::State { after, source } => {
                write!(f, "the state {} the batch: {source}", if *after { "after" } else { "before" })
            }
            Self::ChainId { expected, actual } => {
                write!(f, "the state before the batch is of chain {actual}, expected {expected}")
            }
            Self::BatchNumber { expected, actual } => {
                write!(f, "the state before the batch is that after batch {actual}, expected {expected}")
            }
            Self::StateRoot { which, expected, actual } => {
                write!(f, "the state {which} the batch has root {actual}, expected {expected}")
            }
            Self::UntouchedPools { expected, actual } => {
                write!(f, "the batch touches no pool, and the root of the pools is {actual} after it, expected {expected}")
            }
            Self::Operator { end, actual } => write!(f, "the operator is account {actual}, expected one below {end}"),
            Self::FeeToken { index, least, end, actual } => {
                write!(f, "fee token {index} is {actual}, expected {least} to {}", end - 1)
            }
            Self::Register { segment, register, end, actual } => {
                write!(f, "after segment {segment} register {register} is {actual}, expected less than {end}")
            }
            Self::EmptySegment { segment } => {
                write!(f, "segment {segment} has no transaction, expected one in each of several segments")
            }
            Self::Output { output, expected, actual } => {
                write!(f, "the segments give {output} {actual}, expected {expected}")
            }
            Self::Challenge => f.write_str("the challenge is the fingerprint of a root's record"),
            Self::Balance { expected, actual } => {
                write!(f, "the parts' shares of the balance add up to {actual}, expected {expected}")
            }
            Self::InvalidProofs { first, parts } => {
                write!(f, "the proofs of {} parts are not valid, the first is that of part {first}", parts.len())
            }
        }
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Statement(source) => Some(source),
            Self::State { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why bytes are no proven open batch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenFileError {
    /// The bytes do not start as such a file does.
    Magic {
        /// The right first bytes.
        expected: [u8; 4],
        /// The first bytes given.
        actual: [u8; 4],
    },
    /// The file is of another version.
    Version {
        /// The version known.
        expected: u32,
        /// The version given.
        actual: u32,
    },
    /// The bytes end too early.
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes needed so far.
        needed: usize,
        /// Bytes given.
        actual: usize,
    },
    /// Bytes follow the end of the file.
    TrailingBytes {
        /// Bytes of the file.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// An element is not below r.
    NotCanonical {
        /// Name of the field.
        field: &'static str,
        /// Its bytes, big-endian.
        bytes: [u8; 32],
    },
    /// A mark is neither 0 nor 1.
    Flag {
        /// The byte.
        actual: u8,
    },
    /// A key has no role.
    Role {
        /// The byte.
        actual: u8,
    },
    /// The keys are not in increasing order.
    KeyOrder,
    /// A part names a key that the file does not have.
    KeyNumber {
        /// The part.
        part: usize,
        /// How many keys there are.
        keys: usize,
        /// The number of the key, from 0.
        actual: u8,
    },
    /// There are more parts than the caller allows.
    TooManyParts {
        /// The most.
        most: usize,
        /// How many there are.
        actual: usize,
    },
    /// The statement is malformed.
    Statement(StatementError),
    /// A proof is malformed.
    Proof {
        /// The part.
        part: usize,
        /// What is wrong with it.
        source: ProofError,
    },
    /// The key set is none, or the parts do not fit it.
    Batch(OpenError),
}

impl OpenFileError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::Magic { .. } => 1101,
            Self::Version { .. } => 1102,
            Self::Truncated { .. } => 1103,
            Self::TrailingBytes { .. } => 1104,
            Self::NotCanonical { .. } => 1105,
            Self::Flag { .. } => 1106,
            Self::Role { .. } => 1107,
            Self::KeyOrder => 1108,
            Self::KeyNumber { .. } => 1109,
            Self::TooManyParts { .. } => 1110,
            Self::Statement(error) => error.code(),
            Self::Proof { source, .. } => source.code(),
            Self::Batch(error) => error.code(),
        }
    }
}

impl fmt::Display for OpenFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic { expected, actual } => write!(f, "the file starts with {actual:02x?}, expected {expected:02x?}"),
            Self::Version { expected, actual } => write!(f, "the file has version {actual}, expected {expected}"),
            Self::Truncated { what, needed, actual } => {
                write!(f, "the file ends in {what}: expected at least {needed} bytes, got {actual}")
            }
            Self::TrailingBytes { expected, actual } => write!(f, "the file has {actual} bytes, expected {expected}"),
            Self::NotCanonical { field, bytes } => {
                write!(f, "{field} 0x{} is not below the order of the scalar field", hex::encode(bytes))
            }
            Self::Flag { actual } => write!(f, "the mark of the pools is {actual}, expected 0 or 1"),
            Self::Role { actual } => write!(f, "the role of a key is {actual}, expected 1 or 2"),
            Self::KeyOrder => f.write_str("the keys are not in increasing order of role and id"),
            Self::KeyNumber { part, keys, actual } => {
                write!(f, "part {part} names key {actual}, expected one of {keys}, from 0")
            }
            Self::TooManyParts { most, actual } => write!(f, "the file has {actual} parts, expected at most {most}"),
            Self::Statement(error) => error.fmt(f),
            Self::Proof { part, source } => write!(f, "the proof of part {part}: {source}"),
            Self::Batch(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Statement(source) => Some(source),
            Self::Proof { source, .. } => Some(source),
            Self::Batch(source) => Some(source),
            _ => None,
        }
    }
}
