//! [`WithdrawalProof`]: one withdrawal of a batch, by its place in the chain of hashes that ends in the withdrawals root.

use super::ranges::{ACCOUNT_END, AMOUNT_END, NUMBER_END, within};
use super::{FIRST_SHARE_TOKEN, format_name};
use crate::{
    error::{ExitError, ExitProofError},
    field::Element,
    layout::{self, WithdrawalElements},
    statement::Statement,
};
use alloc::vec::Vec;
use ark_bn254::Fr;
use core::fmt;

format_name!(WithdrawalFormat, "tapstone-withdrawal-proof/1");

/// Coins that leave the rollup for Bitcoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Withdrawal {
    /// Whose they were, or whom a refunded deposit was for; 0 for one to a new account.
    pub account: u32,
    /// The token, an ordinary one.
    pub token: u32,
    /// How much, at least 1 and below 2^96.
    #[cfg_attr(feature = "serde", serde(with = "super::text::amount"))]
    pub amount: u128,
    /// Whether a deposit could not be credited; otherwise the account's owner asked for it.
    pub refund: bool,
    /// The SHA-256 of the scriptPubKey where they go.
    #[cfg_attr(feature = "serde", serde(with = "super::text::hex32"))]
    pub destination: [u8; 32],
}

impl Withdrawal {
    /// Length of its bytes within a proof.
    pub const BYTES: usize = 4 + 4 + 12 + 1 + 32;

    fn check(&self) -> Result<(), ExitProofError> {
        within("account", self.account, 0u8, ACCOUNT_END)?;
        within("token", self.token, 1u8, FIRST_SHARE_TOKEN)?;
        within("amount", self.amount, 1u8, AMOUNT_END)
    }

    fn link(&self, before: Fr, position: u32) -> Fr {
        let Self { account, token, amount, refund, destination } = *self;
        WithdrawalElements { account, token, amount, refund, position, destination }.link(before)
    }
}

/// One withdrawal of a batch, and all after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct WithdrawalProof {
    /// What this is.
    pub format: WithdrawalFormat,
    /// The chain.
    pub chain_id: u32,
    /// The batch, from 1, below 2^48.
    pub batch_number: u64,
    /// The withdrawal's place among those of the batch, from 0.
    pub position: u32,
    /// The withdrawal.
    pub withdrawal: Withdrawal,
    /// The hash of the chain before it.
    pub before: Element,
    /// The withdrawals after it, in order.
    pub later: Vec<Withdrawal>,
}

impl WithdrawalProof {
    /// A batch has no more withdrawals: as many as it can have slots.
    pub const MAX_WITHDRAWALS: u32 = 1 << 20;

    /// Refuses what no proof is, whatever the root.
    pub(super) fn check(&self) -> Result<(), ExitProofError> {
        within("batch_number", self.batch_number, 1u8, NUMBER_END)?;
        within("position", self.position, 0u8, Self::MAX_WITHDRAWALS)?;
        within("number of later withdrawals", self.later.len() as u64, 0u8, Self::MAX_WITHDRAWALS - self.position)?;
        self.withdrawal.check()?;
        self.later.iter().try_for_each(Withdrawal::check)
    }
}

/// The withdrawals root of a batch, with the batch that it belongs to.
///
/// Chain and batch are the caller's, like the root: a proof of a later position does not bind them by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchWithdrawals {
    /// The chain.
    pub chain_id: u32,
    /// The batch.
    pub batch_number: u64,
    /// Its withdrawals root.
    pub root: Element,
}

impl From<&Statement> for BatchWithdrawals {
    fn from(statement: &Statement) -> Self {
        let Statement { chain_id, batch_number, withdrawals_root: root, .. } = *statement;
        Self { chain_id, batch_number, root }
    }
}

/// What a bridge pays once: a withdrawal by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct WithdrawalId {
    /// The chain.
    pub chain_id: u32,
    /// The batch.
    pub batch_number: u64,
    /// The place in the batch, from 0.
    pub position: u32,
}

impl fmt::Display for WithdrawalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.chain_id, self.batch_number, self.position)
    }
}

/// A withdrawal that is in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct WithdrawalVerdict {
    /// Chain, batch and place: what to pay only once.
    pub id: WithdrawalId,
    /// What is to be paid.
    pub withdrawal: Withdrawal,
    /// How many withdrawals the batch has.
    pub count: u32,
}

/// Verifies that a withdrawal is in a batch. A proof costs a hash for its withdrawal and for each one after it, up to 2^20 of them: the caller says for
/// how many it pays, and a longer proof is refused before the first.
///
/// # Errors
/// [`ExitError`]: the proof is longer than `most` withdrawals, malformed, of another batch, or does not lead to this root.
pub fn verify_withdrawal(
    proof: &WithdrawalProof,
    batch: BatchWithdrawals,
    most: u32,
) -> Result<WithdrawalVerdict, ExitError> {
    // What a file of more than 2^32 withdrawals has is more than any bound.
    let actual = u32::try_from(proof.later.len()).unwrap_or(u32::MAX).saturating_add(1);
    if actual > most {
        return Err(ExitError::TooManyWithdrawals { most, actual });
    }
    proof.check()?;
    let WithdrawalProof { chain_id, batch_number, position, withdrawal, before, later, .. } = proof;
    if *chain_id != batch.chain_id {
        return Err(ExitError::ChainId { expected: batch.chain_id, actual: *chain_id });
    }
    if *batch_number != batch.batch_number {
        return Err(ExitError::BatchNumber { expected: batch.batch_number, actual: *batch_number });
    }
    let start = Element::from_fr(layout::withdrawals_start(*chain_id, *batch_number));
    if *position == 0 && *before != start {
        return Err(ExitError::WithdrawalsStart { expected: start, actual: *before });
    }
    let links = core::iter::once(withdrawal).chain(later).zip(*position..);
    let root = Element::from_fr(links.fold(before.fr(), |w, (withdrawal, position)| withdrawal.link(w, position)));
    if root != batch.root {
        return Err(ExitError::WithdrawalsRoot { expected: batch.root, actual: root });
    }
    let id = WithdrawalId { chain_id: *chain_id, batch_number: *batch_number, position: *position };
    // Bounded by check().
    let count = position + 1 + later.len() as u32;
    Ok(WithdrawalVerdict { id, withdrawal: *withdrawal, count })
}
