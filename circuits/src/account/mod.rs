//! [`Account`]: a leaf of the account tree, and the two operations on its balances (PROTOCOL.md, sections 4 and 6).
//!
//! Slot 0 holds the native token only and its id is not stored; slots 1 to 7 hold any other token. A balance is 0 exactly
//! when its slot is empty. The fields are open because witnesses are altered in tests; the ledger keeps the invariants, and
//! [`Account::check`] tells whether they hold.

pub mod constraints;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::{layout, poseidon};
use thiserror::Error;

use crate::amount::{Amount, TokenId};
use crate::signature::PublicKey;

pub use tapstone_verifier::layout::TOKEN_SLOTS;

/// Slots of 1 to 7 that a credit from somebody else must leave empty when it takes one.
pub const RESERVED_SLOTS: usize = 3;

/// Why a debit or credit is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// A debit or credit of nothing, or of no token.
    #[error("a debit or credit needs a token and an amount of at least 1, had amount {amount} of token {token}")]
    Nothing {
        /// The token.
        token: TokenId,
        /// The amount.
        amount: Amount,
    },
    /// The account holds less than the debit.
    #[error("balance of token {token} is {had}, needed at least {needed}")]
    Insufficient {
        /// The token.
        token: TokenId,
        /// The balance.
        had: u128,
        /// The debit.
        needed: u128,
    },
    /// The new balance would not be below `2^96`.
    #[error("balance of token {token} is {had}: a credit of {credit} would reach 2^96")]
    Overflow {
        /// The token.
        token: TokenId,
        /// The balance.
        had: u128,
        /// The credit.
        credit: u128,
    },
    /// All slots are taken.
    #[error("no slot is free for token {token}")]
    Full {
        /// The token.
        token: TokenId,
    },
    /// A credit from somebody else would leave fewer than 3 slots to the owner.
    #[error("a credit of token {token} by a stranger needs {needed} free slots, the account has {had}")]
    Reserved {
        /// The token.
        token: TokenId,
        /// Free slots now.
        had: usize,
        /// Free slots that such a credit needs.
        needed: usize,
    },
}

/// Which invariant of section 4 an account breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidAccount {
    /// A balance that is not below `2^96`.
    #[error("slot {slot} holds {had}, needed below 2^96")]
    Balance {
        /// The slot, 0 to 7.
        slot: usize,
        /// The balance.
        had: u128,
    },
    /// A slot whose balance is 0 while its token is not, or the other way round.
    #[error("slot {slot} holds {had} of token {token}: balance and token are 0 together or not at all")]
    HalfEmpty {
        /// The slot, 1 to 7.
        slot: usize,
        /// The balance.
        had: u128,
        /// The token.
        token: u32,
    },
    /// The native token outside slot 0, or an id that is not below `2^30`.
    #[error("slot {slot} holds token {token}, needed one of 2 to 2^30 - 1")]
    Token {
        /// The slot, 1 to 7.
        slot: usize,
        /// The token.
        token: u32,
    },
    /// Two slots with the same token.
    #[error("token {token} stands in slots {first} and {second}")]
    Repeated {
        /// The first slot.
        first: usize,
        /// The second slot.
        second: usize,
        /// The token.
        token: u32,
    },
}

/// Who causes a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credit {
    /// The account's owner signed the transaction.
    Own,
    /// Anybody else did, or nobody: a deposit, a transfer received, the fees.
    Foreign,
}

/// An account: key, nonce and up to 8 balances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The owner's key; `None` only in a leaf that holds no account.
    pub key: Option<PublicKey>,
    /// Transactions signed so far.
    pub nonce: u64,
    /// Token ids of slots 1 to 7, 0 for empty.
    pub tokens: [u32; TOKEN_SLOTS],
    /// Balances of slots 0 to 7.
    pub balances: [u128; TOKEN_SLOTS + 1],
}

impl Account {
    /// The leaf of no account.
    pub const EMPTY: Self = Self { key: None, nonce: 0, tokens: [0; TOKEN_SLOTS], balances: [0; TOKEN_SLOTS + 1] };

    /// A fresh account.
    pub const fn new(key: PublicKey) -> Self {
        Self { key: Some(key), ..Self::EMPTY }
    }

    /// The key's coordinates, `(0, 0)` for the empty leaf.
    pub fn key_xy(&self) -> (Fr, Fr) {
        self.key.map_or((Fr::zero(), Fr::zero()), |key| (key.x(), key.y()))
    }

    /// The eight elements whose hash is the leaf.
    pub fn leaf_elements(&self) -> [Fr; 8] {
        layout::account_elements(self.key_xy(), self.nonce, &self.tokens, &self.balances)
    }

    /// The leaf's hash.
    pub fn leaf_hash(&self) -> Fr {
        poseidon::hash(&self.leaf_elements())
    }

    /// The slot that holds a token: 0 for the native token, whether or not there is any.
    pub fn slot_of(&self, token: TokenId) -> Option<usize> {
        if token == TokenId::NATIVE {
            return Some(0);
        }
        if token.is_none() {
            return None;
        }
        self.tokens.iter().position(|t| *t == token.get()).map(|i| i + 1)
    }

    /// The balance of a token, 0 if the account holds none.
    pub fn balance(&self, token: TokenId) -> u128 {
        self.slot_of(token).map_or(0, |slot| self.balances[slot])
    }

    /// Empty slots among 1 to 7.
    pub fn free_slots(&self) -> usize {
        self.tokens.iter().filter(|t| **t == 0).count()
    }

    /// Takes an amount out and frees the slot if nothing is left.
    ///
    /// # Errors
    /// [`AccountError`], and the account is unchanged.
    pub fn debit(&mut self, token: TokenId, amount: Amount) -> Result<(), AccountError> {
        if token.is_none() || amount.is_zero() {
            return Err(AccountError::Nothing { token, amount });
        }
        let short = |had| AccountError::Insufficient { token, had, needed: amount.get() };
        let slot = self.slot_of(token).ok_or(short(0))?;
        let had = self.balances[slot];
        let left = had.checked_sub(amount.get()).ok_or(short(had))?;
        self.balances[slot] = left;
        if left == 0 && slot > 0 {
            self.tokens[slot - 1] = 0;
        }
        Ok(())
    }

    /// Puts an amount in: into slot 0 for the native token, else the token's slot, else the lowest empty one.
    ///
    /// # Errors
    /// [`AccountError`], and the account is unchanged.
    pub fn credit(&mut self, token: TokenId, amount: Amount, by: Credit) -> Result<(), AccountError> {
        if token.is_none() || amount.is_zero() {
            return Err(AccountError::Nothing { token, amount });
        }
        let slot = match self.slot_of(token) {
            Some(slot) => slot,
            None => self.empty_slot_for(token, by)?,
        };
        let had = self.balances[slot];
        let overflow = AccountError::Overflow { token, had, credit: amount.get() };
        self.balances[slot] = had.checked_add(amount.get()).filter(|b| *b <= Amount::MAX.get()).ok_or(overflow)?;
        if slot > 0 {
            self.tokens[slot - 1] = token.get();
        }
        Ok(())
    }

    fn empty_slot_for(&self, token: TokenId, by: Credit) -> Result<usize, AccountError> {
        let lowest = self.tokens.iter().position(|t| *t == 0).ok_or(AccountError::Full { token })?;
        let (had, needed) = (self.free_slots(), RESERVED_SLOTS + 1);
        if by == Credit::Foreign && had < needed {
            return Err(AccountError::Reserved { token, had, needed });
        }
        Ok(lowest + 1)
    }

    /// Whether the invariants of section 4 hold.
    ///
    /// # Errors
    /// The first [`InvalidAccount`].
    pub fn check(&self) -> Result<(), InvalidAccount> {
        for (slot, had) in self.balances.into_iter().enumerate() {
            if had > Amount::MAX.get() {
                return Err(InvalidAccount::Balance { slot, had });
            }
        }
        for (i, token) in self.tokens.into_iter().enumerate() {
            let (slot, had) = (i + 1, self.balances[i + 1]);
            if token == TokenId::NATIVE.get() || token >= TokenId::LIMIT {
                return Err(InvalidAccount::Token { slot, token });
            }
            if (token == 0) != (had == 0) {
                return Err(InvalidAccount::HalfEmpty { slot, had, token });
            }
            if let Some(j) = self.tokens[..i].iter().position(|t| *t == token).filter(|_| token != 0) {
                return Err(InvalidAccount::Repeated { first: j + 1, second: slot, token });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
