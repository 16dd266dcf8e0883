//! [`AccountProof`]: an account under a state root, with the pools of its LP shares.

use super::ranges::{self, AMOUNT_END, TOKEN_END, Tree, within};
use super::{
    FIRST_SHARE_TOKEN, NATIVE_TOKEN, PoolOpening, ShareValue, Siblings, StateFields, TOKEN_SLOTS, format_name, key,
};
use crate::{
    error::{ExitError, ExitProofError},
    field::Element,
    layout, poseidon,
};
use alloc::vec::Vec;
use ark_bn254::Fr;
use core::fmt;

format_name!(AccountFormat, "tapstone-account-proof/1");

/// A leaf of the account tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct AccountLeaf {
    /// The owner's key, packed (PROTOCOL.md, section 3).
    #[cfg_attr(feature = "serde", serde(with = "super::text::hex32"))]
    pub key: [u8; 32],
    /// Transactions signed so far.
    #[cfg_attr(feature = "serde", serde(with = "super::text::nonce"))]
    pub nonce: u64,
    /// Token ids of slots 1 to 7, 0 for empty.
    pub tokens: [u32; TOKEN_SLOTS],
    /// Balances of slots 0 (the native token) to 7, each below 2^96.
    #[cfg_attr(feature = "serde", serde(with = "super::text::amounts"))]
    pub balances: [u128; TOKEN_SLOTS + 1],
}

impl AccountLeaf {
    pub(super) fn hash(&self) -> Result<Fr, ExitProofError> {
        let xy = key::coordinates(&self.key)?;
        Ok(poseidon::hash(&layout::account_elements(xy, self.nonce, &self.tokens, &self.balances)))
    }

    /// Refuses what no account of a state is.
    pub(super) fn check(&self) -> Result<(), ExitProofError> {
        key::coordinates(&self.key)?;
        for balance in self.balances {
            within("balance", balance, 0u8, AMOUNT_END)?;
        }
        for (i, (token, balance)) in self.tokens.into_iter().zip(self.balances.into_iter().skip(1)).enumerate() {
            let slot = i + 1;
            if token == NATIVE_TOKEN || token >= TOKEN_END || (token == 0) != (balance == 0) {
                return Err(ExitProofError::Slot { slot, token, balance });
            }
            if token != 0 {
                if let Some(j) = self.tokens[..i].iter().position(|other| *other == token) {
                    return Err(ExitProofError::RepeatedToken { first: j + 1, second: slot, token });
                }
            }
        }
        Ok(())
    }

    /// What is held, in slot order: the native token first, then slots 1 to 7 without the empty ones.
    pub fn holdings(&self) -> impl Iterator<Item = Holding> + '_ {
        core::iter::once(NATIVE_TOKEN)
            .chain(self.tokens)
            .zip(self.balances)
            .filter(|(_, balance)| *balance != 0)
            .map(|(token, balance)| Holding { token, balance })
    }

    /// Pool and number of the LP shares held, in slot order.
    pub fn shares(&self) -> impl Iterator<Item = (u32, u128)> + '_ {
        self.holdings().filter_map(|h| Some((h.token.checked_sub(FIRST_SHARE_TOKEN)?, h.balance)))
    }
}

/// So much of one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holding {
    /// The token's id: 1 is native, from 2^29 on LP shares.
    pub token: u32,
    /// How much, in the token's smallest unit; at least 1.
    pub balance: u128,
}

/// An account under a state root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct AccountProof {
    /// What this is.
    pub format: AccountFormat,
    /// The state.
    pub state: StateFields,
    /// The account.
    pub index: u32,
    /// Its leaf.
    pub account: AccountLeaf,
    /// The siblings of each level, from the bottom up.
    pub path: Vec<Siblings>,
    /// The pools of the LP shares that the account holds, in the order of its slots; no others.
    pub pools: Vec<PoolOpening>,
}

impl AccountProof {
    /// Refuses what no proof is, whatever the root.
    pub(super) fn check(&self) -> Result<(), ExitProofError> {
        self.state.check()?;
        self.state.check_index(Tree::Account, self.index)?;
        self.account.check()?;
        Tree::Account.check_path(self.state.account_depth, &self.path)?;
        let (mut had, mut needed) = (self.pools.iter(), self.account.shares());
        loop {
            let (opening, share) = (had.next(), needed.next());
            match (opening, share) {
                (None, None) => return Ok(()),
                (Some(opening), Some((pool, shares))) if opening.index == pool => {
                    opening.check(&self.state)?;
                    opening.value_of(shares)?;
                }
                _ => {
                    let (expected, actual) = (share.map(|(pool, _)| pool), opening.map(|opening| opening.index));
                    return Err(ExitProofError::Pools { expected, actual });
                }
            }
        }
    }
}

/// What a bridge pays once: an account under its frozen root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Nullifier {
    /// The chain.
    pub chain_id: u32,
    /// The batch whose post-state root is frozen.
    pub batch_number: u64,
    /// The account.
    pub account: u32,
}

impl Nullifier {
    /// Chain id, batch number and account index, big-endian.
    pub fn to_bytes(&self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..4].copy_from_slice(&self.chain_id.to_be_bytes());
        out[4..12].copy_from_slice(&self.batch_number.to_be_bytes());
        out[12..].copy_from_slice(&self.account.to_be_bytes());
        out
    }
}

impl fmt::Display for Nullifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.chain_id, self.batch_number, self.account)
    }
}

/// An account that is in a state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AccountVerdict {
    /// The chain.
    pub chain_id: u32,
    /// The batch after which it is so.
    pub batch_number: u64,
    /// The state root.
    pub state_root: Element,
    /// The account.
    pub index: u32,
    /// The owner's key, packed: who may say where to pay.
    pub key: [u8; 32],
    /// Transactions signed so far.
    pub nonce: u64,
    /// What is held, LP shares included.
    pub holdings: Vec<Holding>,
    /// What the LP shares among them are worth.
    pub shares: Vec<ShareValue>,
    /// Deposits of the queue that the state has consumed: those from this index on are not in it.
    pub deposit_count: u64,
    /// The queue's head after them.
    pub deposit_head: Element,
}

impl AccountVerdict {
    /// What to pay only once.
    pub const fn nullifier(&self) -> Nullifier {
        Nullifier { chain_id: self.chain_id, batch_number: self.batch_number, account: self.index }
    }
}

/// Verifies that an account, with all it holds, is in the state with this root.
///
/// # Errors
/// [`ExitError`]: the proof is malformed, or does not lead to this root.
pub fn verify_account(proof: &AccountProof, state_root: Element) -> Result<AccountVerdict, ExitError> {
    proof.check()?;
    let AccountProof { state, index, account, path, pools, .. } = proof;
    let actual = ranges::root(*index, account.hash()?, path);
    if actual != state.account_root {
        return Err(ExitError::AccountRoot { account: *index, expected: state.account_root, actual });
    }
    let mut shares = Vec::with_capacity(pools.len());
    for (opening, (_, held)) in pools.iter().zip(account.shares()) {
        opening.open(state)?;
        shares.push(opening.value_of(held)?);
    }
    check_root(state, state_root)?;
    Ok(AccountVerdict {
        chain_id: state.chain_id,
        batch_number: state.batch_number,
        state_root,
        index: *index,
        key: account.key,
        nonce: account.nonce,
        holdings: account.holdings().collect(),
        shares,
        deposit_count: state.deposit_count,
        deposit_head: state.deposit_head,
    })
}

/// Refuses a state with another root.
pub(super) fn check_root(state: &StateFields, expected: Element) -> Result<(), ExitError> {
    let actual = state.root();
    if actual == expected { Ok(()) } else { Err(ExitError::StateRoot { expected, actual }) }
}
