//! [`ExitProofError`] and [`ExitError`].

use crate::field::Element;
use core::fmt;

/// What is wrong with an exit proof by itself, whatever root it is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitProofError {
    /// The bytes do not start as such a proof does.
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
    /// The bytes end too early.
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes needed so far.
        needed: usize,
        /// Bytes given.
        actual: usize,
    },
    /// Bytes follow the end of the proof.
    TrailingBytes {
        /// Bytes of the proof.
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
    /// A number is out of its range.
    Range {
        /// Name of the field.
        field: &'static str,
        /// The least that it can be.
        least: u128,
        /// What it must be below.
        end: u128,
        /// The number given.
        actual: u128,
    },
    /// No tree has this depth.
    Depth {
        /// `account` or `pool`.
        tree: &'static str,
        /// The greatest depth.
        most: u8,
        /// The depth given.
        actual: u8,
    },
    /// A path is not as long as its tree is deep.
    PathLength {
        /// `account` or `pool`.
        tree: &'static str,
        /// The tree's depth.
        expected: usize,
        /// Levels given.
        actual: usize,
    },
    /// No account or pool has this index yet.
    Absent {
        /// `account` or `pool`.
        tree: &'static str,
        /// The index.
        index: u32,
        /// How many there are.
        count: u32,
    },
    /// The bytes are no key: no point of the curve, or one with x = 0.
    Key {
        /// The bytes.
        bytes: [u8; 32],
    },
    /// A slot holds the native token, an id that is not below 2^30, or a token or a balance without the other.
    Slot {
        /// The slot, 1 to 7.
        slot: usize,
        /// Its token.
        token: u32,
        /// Its balance.
        balance: u128,
    },
    /// Two slots hold one token.
    RepeatedToken {
        /// The first slot.
        first: usize,
        /// The second slot.
        second: usize,
        /// The token.
        token: u32,
    },
    /// The pools are not those whose shares the account holds, in slot order.
    Pools {
        /// The next pool that the account has shares of.
        expected: Option<u32>,
        /// The next pool given.
        actual: Option<u32>,
    },
    /// An account holds more shares than circulate.
    Shares {
        /// The pool.
        pool: u32,
        /// Shares that circulate.
        most: u128,
        /// Shares held.
        actual: u128,
    },
    /// A flag is neither 0 nor 1.
    Flag {
        /// The byte given.
        actual: u8,
    },
}

/// Why an exit proof shows nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitError {
    /// The proof is malformed.
    Proof(ExitProofError),
    /// The account and its path lead to another account root than the state's.
    AccountRoot {
        /// The account.
        account: u32,
        /// The state's account root.
        expected: Element,
        /// The root that the path leads to.
        actual: Element,
    },
    /// A pool and its path lead to another pool root than the state's.
    PoolRoot {
        /// The pool.
        pool: u32,
        /// The state's pool root.
        expected: Element,
        /// The root that the path leads to.
        actual: Element,
    },
    /// The state has another root than the caller's.
    StateRoot {
        /// The root that the caller holds the proof against.
        expected: Element,
        /// The root of the proof's state.
        actual: Element,
    },
    /// The withdrawal is of another chain.
    ChainId {
        /// The caller's chain.
        expected: u32,
        /// The proof's chain.
        actual: u32,
    },
    /// The withdrawal is of another batch.
    BatchNumber {
        /// The caller's batch.
        expected: u64,
        /// The proof's batch.
        actual: u64,
    },
    /// The first withdrawal does not follow the start of its batch.
    WithdrawalsStart {
        /// The start of the batch.
        expected: Element,
        /// The hash that the proof starts from.
        actual: Element,
    },
    /// The withdrawals lead to another root than the batch's.
    WithdrawalsRoot {
        /// The batch's withdrawals root.
        expected: Element,
        /// The root that they lead to.
        actual: Element,
    },
    /// The proof holds more withdrawals than the caller hashes for one claim.
    TooManyWithdrawals {
        /// The most that the caller allows.
        most: u32,
        /// The withdrawal of the proof, and those after it.
        actual: u32,
    },
}

impl ExitProofError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Magic { .. } => 901,
            Self::Version { .. } => 902,
            Self::Truncated { .. } => 903,
            Self::TrailingBytes { .. } => 904,
            Self::NotCanonical { .. } => 905,
            Self::Range { .. } => 906,
            Self::Depth { .. } => 907,
            Self::PathLength { .. } => 908,
            Self::Absent { .. } => 909,
            Self::Key { .. } => 910,
            Self::Slot { .. } => 911,
            Self::RepeatedToken { .. } => 912,
            Self::Pools { .. } => 913,
            Self::Shares { .. } => 914,
            Self::Flag { .. } => 915,
        }
    }
}

impl ExitError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Proof(e) => e.code(),
            Self::AccountRoot { .. } => 951,
            Self::PoolRoot { .. } => 952,
            Self::StateRoot { .. } => 953,
            Self::ChainId { .. } => 954,
            Self::BatchNumber { .. } => 955,
            Self::WithdrawalsStart { .. } => 956,
            Self::WithdrawalsRoot { .. } => 957,
            Self::TooManyWithdrawals { .. } => 958,
        }
    }
}

impl fmt::Display for ExitProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic { expected, actual } => {
                write!(f, "exit proof starts with {}, expected {}", hex::encode(actual), hex::encode(expected))
            }
            Self::Version { expected, actual } => write!(f, "exit proof has version {actual}, expected {expected}"),
            Self::Truncated { what, needed, actual } => {
                write!(f, "exit proof ends after {actual} bytes, expected at least {needed} up to the end of its {what}")
            }
            Self::TrailingBytes { expected, actual } => write!(f, "exit proof has {actual} bytes, expected {expected}"),
            Self::NotCanonical { field, bytes } => {
                write!(f, "{field} of the exit proof is 0x{}, not below r", hex::encode(bytes))
            }
            Self::Range { field, least, end, actual } => {
                write!(f, "{field} of the exit proof is {actual}, not in {least} .. {end}")
            }
            Self::Depth { tree, most, actual } => write!(f, "{tree} tree has depth {actual}, expected 1 to {most}"),
            Self::PathLength { tree, expected, actual } => {
                write!(f, "path in the {tree} tree has {actual} levels, expected {expected}")
            }
            Self::Absent { tree, index, count } => write!(f, "{tree} {index} does not exist: the state has {count}"),
            Self::Key { bytes } => write!(f, "account key {} is no point of the curve with x != 0", hex::encode(bytes)),
            Self::Slot { slot, token, balance } => {
                write!(f, "slot {slot} holds {balance} of token {token}, which no account does")
            }
            Self::RepeatedToken { first, second, token } => {
                write!(f, "token {token} stands in slots {first} and {second}")
            }
            Self::Pools { expected, actual } => {
                let name = |pool: &Option<u32>, f: &mut fmt::Formatter<'_>| match pool {
                    Some(pool) => write!(f, "pool {pool}"),
                    None => f.write_str("no further pool"),
                };
                f.write_str("exit proof opens ")?;
                name(actual, f)?;
                f.write_str(" where the account's shares need ")?;
                name(expected, f)
            }
            Self::Shares { pool, most, actual } => {
                write!(f, "account holds {actual} shares of pool {pool}, of which {most} circulate")
            }
            Self::Flag { actual } => write!(f, "flag of the exit proof is {actual}, expected 0 or 1"),
        }
    }
}

impl fmt::Display for ExitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proof(e) => e.fmt(f),
            Self::AccountRoot { account, expected, actual } => {
                write!(f, "account {account} leads to account root {actual}, expected {expected}")
            }
            Self::PoolRoot { pool, expected, actual } => {
                write!(f, "pool {pool} leads to pool root {actual}, expected {expected}")
            }
            Self::StateRoot { expected, actual } => write!(f, "state root of the proof is {actual}, expected {expected}"),
            Self::ChainId { expected, actual } => write!(f, "withdrawal is of chain {actual}, expected {expected}"),
            Self::BatchNumber { expected, actual } => write!(f, "withdrawal is of batch {actual}, expected {expected}"),
            Self::WithdrawalsStart { expected, actual } => {
                write!(f, "first withdrawal follows {actual}, expected the batch's start {expected}")
            }
            Self::WithdrawalsRoot { expected, actual } => {
                write!(f, "withdrawals lead to root {actual}, expected {expected}")
            }
            Self::TooManyWithdrawals { most, actual } => {
                write!(f, "proof has {actual} withdrawals to hash, at most {most} are allowed")
            }
        }
    }
}

impl From<ExitProofError> for ExitError {
    fn from(e: ExitProofError) -> Self {
        Self::Proof(e)
    }
}

impl core::error::Error for ExitProofError {}
impl core::error::Error for ExitError {}
