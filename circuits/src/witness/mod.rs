//! What the circuit is given: the contract between execution and constraints.
//!
//! A [`BatchWitness`] comes from [`Ledger::execute`](crate::ledger::Ledger::execute) only, which produces it while it
//! executes. Its fields are open so that tests can alter them and see the circuit refuse.

use std::fmt;

use ark_bn254::Fr;
use tapstone_verifier::layout::StateElements;

use crate::account::Account;
use crate::pool::Pool;
use crate::shape::Shape;
use crate::transaction::Transaction;

/// What the state root covers, but for the parameters of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSummary {
    /// Root of the account tree.
    pub account_root: Fr,
    /// Root of the pool tree.
    pub pool_root: Fr,
    /// Head of the deposit queue as far as it is consumed.
    pub deposit_head: Fr,
    /// The next account's index.
    pub next_account: u32,
    /// The next pool's index.
    pub next_pool: u32,
    /// Deposits consumed.
    pub deposit_count: u64,
    /// The last batch applied.
    pub batch_number: u64,
}

impl StateSummary {
    /// The state root.
    pub fn root(&self, chain_id: u32, account_depth: u8, pool_depth: u8) -> Fr {
        let Self { account_root, pool_root, deposit_head, next_account, next_pool, deposit_count, batch_number } = *self;
        StateElements {
            account_root,
            pool_root,
            deposit_head,
            next_account,
            next_pool,
            deposit_count,
            chain_id,
            batch_number,
            account_depth,
            pool_depth,
        }
        .root()
    }
}

/// An account leaf that is read and perhaps replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafAccess {
    /// Which leaf.
    pub index: u32,
    /// What it holds before.
    pub before: Account,
    /// The children along its path before, per level from the bottom up.
    pub children: Vec<[Fr; 8]>,
}

/// A slot for two accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairWitness {
    /// The transaction, `None` for padding.
    pub tx: Option<Transaction>,
    /// Its index in the batch, 0 for padding.
    pub position: usize,
    /// The sender's leaf.
    pub sender: LeafAccess,
    /// The recipient's leaf, after the sender's was updated.
    pub recipient: LeafAccess,
}

/// Why a deposit is refunded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundReason {
    /// The account does not exist.
    AccountMissing,
    /// The balance would not be below `2^96`.
    Overflow,
    /// The token is new to the account, and fewer than 4 of its slots 1 to 7 are empty.
    NoSlot,
    /// The new account's key is not valid.
    Key,
    /// No account can be made any more.
    AccountsFull,
}

impl fmt::Display for RefundReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccountMissing => "the account does not exist",
            Self::Overflow => "the balance would not be below 2^96",
            Self::NoSlot => "the token is new to the account, and fewer than 4 of its slots are empty",
            Self::Key => "the new account's key is not valid",
            Self::AccountsFull => "no account can be made any more",
        })
    }
}

/// A slot for one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleWitness {
    /// The transaction, `None` for padding.
    pub tx: Option<Transaction>,
    /// Its index in the batch, 0 for padding.
    pub position: usize,
    /// The account's leaf. For a refunded deposit some leaf that stays as it is: the one that its index, modulo the leaves of the tree,
    /// names.
    pub account: LeafAccess,
    /// Why the deposit is refunded, if it is one.
    pub refund: Option<RefundReason>,
}

/// One slot of a batch.
#[allow(clippy::large_enum_variant, reason = "a batch has few slots, and about half of them are of the larger kind")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotWitness {
    /// A slot for two accounts.
    Pair(PairWitness),
    /// A slot for one account.
    Single(SingleWitness),
}

impl SlotWitness {
    /// The leaves, in the order in which the circuit replaces them.
    pub(crate) fn accesses_mut(&mut self) -> impl Iterator<Item = &mut LeafAccess> {
        let (first, second) = match self {
            Self::Pair(pair) => (&mut pair.sender, Some(&mut pair.recipient)),
            Self::Single(single) => (&mut single.account, None),
        };
        [Some(first), second].into_iter().flatten()
    }
}

/// A pool that a batch may touch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolAccess {
    /// Which leaf.
    pub index: u32,
    /// The pool at the start of the batch; empty if it is made in the batch, or is not used.
    pub before: Pool,
    /// The children along its path, taken after the entries before it in the list have their final values.
    pub children: Vec<[Fr; 8]>,
}

/// Everything that the circuit needs to know of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchWitness {
    /// The shape that the batch was planned for.
    pub shape: Shape,
    /// The chain.
    pub chain_id: u32,
    /// The batch's number.
    pub batch_number: u64,
    /// The account that takes the fees.
    pub operator: u32,
    /// The state before.
    pub pre: StateSummary,
    /// The state after.
    pub post: StateSummary,
    /// One entry for each slot of the shape.
    pub slots: Vec<SlotWitness>,
    /// As many as the shape has, indices strictly increasing: the pools touched, filled up with the lowest other leaves.
    pub pools: Vec<PoolAccess>,
    /// As many as the shape has, strictly increasing, at least 1: the tokens of fees, filled up with the lowest other ids.
    pub fee_tokens: Vec<u32>,
    /// The operator's leaf after all transactions, before the fees are credited.
    pub operator_access: LeafAccess,
}
