//! What the circuit is given: the contract between execution and constraints.
//!
//! A [`BatchWitness`] comes from [`Ledger::execute`](crate::ledger::Ledger::execute) only, which produces it while it
//! executes. Its fields are open so that tests can alter them and see the circuit refuse.

mod part;

use std::fmt;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::layout::StateElements;

use crate::account::Account;
use crate::memory::access::{Access, PoolRead};
use crate::memory::constraints::{Roots, StateWitness};
use crate::shape::{Shape, SlotKind};
use crate::transaction::Transaction;

pub use part::{SegmentWitness, StatePartWitness};

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
    /// How many times lie between this access and the write that it reads; 0 where none is made. As wide as the field: what forgers write is tried in tests.
    pub gap: Fr,
    /// What it holds before.
    pub before: Account,
}

impl LeafAccess {
    /// No access, of a slot that names an account all the same, or of padding.
    pub fn none(index: u32) -> Self {
        Self { index, gap: Fr::zero(), before: Account::EMPTY }
    }
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

impl RefundReason {
    /// Whether there is no account to access: that there is none, the counter says.
    pub const fn without_account(self) -> bool {
        matches!(self, Self::AccountMissing | Self::Key | Self::AccountsFull)
    }
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
    /// The account's leaf. A deposit that is refunded for want of an account accesses none; its index is the one that it names, modulo the leaves of the tree.
    pub account: LeafAccess,
    /// The pool.
    pub pool: Access<PoolRead>,
    /// Why the deposit is refunded, if it is one.
    pub refund: Option<RefundReason>,
}

impl SingleWitness {
    /// Whether the account is accessed: padding accesses none, nor does a deposit that is refunded for want of one.
    pub fn accesses_account(&self) -> bool {
        self.tx.is_some() && !self.refund.is_some_and(RefundReason::without_account)
    }
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
    /// A slot without a transaction.
    pub fn padding(kind: SlotKind) -> Self {
        let (account, position) = (LeafAccess::none(0), 0);
        match kind {
            SlotKind::Pair => Self::Pair(PairWitness { tx: None, position, sender: account.clone(), recipient: account }),
            SlotKind::Single => {
                let pool = Access::padding(PoolRead::default());
                Self::Single(SingleWitness { tx: None, position, account, pool, refund: None })
            }
        }
    }
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
    /// As many as the shape has, strictly increasing, at least 1: the tokens of fees, filled up with the lowest other ids.
    pub fee_tokens: Vec<u32>,
    /// The operator's leaf after all transactions, before the fees are credited.
    pub operator_access: LeafAccess,
    /// What was touched, before and after, and the nodes above; as many as the shape has room for.
    pub state: StateWitness,
}

impl BatchWitness {
    /// A witness of the right shape and no meaning: any witness writes the same rows.
    pub fn blank(shape: &Shape) -> Self {
        let zero = Fr::zero();
        let summary = StateSummary {
            account_root: zero,
            pool_root: zero,
            deposit_head: zero,
            next_account: 0,
            next_pool: 0,
            deposit_count: 0,
            batch_number: 0,
        };
        let roots = Roots { account: zero, pool: zero };
        Self {
            shape: shape.clone(),
            chain_id: 0,
            batch_number: 1,
            operator: 0,
            pre: summary,
            post: summary,
            slots: shape.slots.iter().map(|kind| SlotWitness::padding(*kind)).collect(),
            fee_tokens: vec![0; shape.fee_tokens],
            operator_access: LeafAccess::none(0),
            state: StateWitness::padding(&shape.room(), roots),
        }
    }
}
