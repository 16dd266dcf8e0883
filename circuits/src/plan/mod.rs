//! Cutting transactions into batches of a shape (PROTOCOL.md, section 11), and [`pack`]: an order that fills it better.
//!
//! A batch ends before the first transaction (bundle) that would not fit. What a transaction touches follows from itself and from the counters of accounts and
//! pools, which count what is made: no balance is looked at, so that a file is cut before it is executed.

pub mod pack;
pub mod segments;

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use thiserror::Error;

use crate::memory::node::{TreeKind, leaf_id};
use crate::shape::{Shape, SlotKind};
use crate::signature::PublicKey;
use crate::transaction::{Transaction, bundle};

/// Where a cut starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The account that takes the fees, which every batch touches.
    pub operator: u32,
    /// The next account's index.
    pub next_account: u32,
    /// The next pool's index.
    pub next_pool: u32,
}

/// The slots of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// For each slot the index of its transaction in the list that was split, `None` for padding.
    pub slots: Vec<Option<usize>>,
    /// Accounts touched, the operator's among them.
    pub accounts: usize,
    /// Pools touched.
    pub pools: usize,
    /// Nodes above them.
    pub nodes: usize,
    /// What the next transaction found no room in; `None` for the last batch.
    pub full: Option<Lack>,
}

impl Planned {
    /// The transactions of the batch, a range of the list that was split.
    pub fn transactions(&self) -> std::ops::Range<usize> {
        let mut used = self.slots.iter().flatten();
        let first = used.next().copied().unwrap_or(0);
        first..first + self.slots.iter().flatten().count()
    }
}

/// What a batch can run out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lack {
    /// Slots of a kind.
    Slots(SlotKind),
    /// Accounts that it can touch.
    Accounts,
    /// Pools that it can touch.
    Pools,
    /// Nodes above them.
    Nodes,
    /// Tokens of fees.
    FeeTokens,
    /// Segments or transactions of an open batch.
    Segments,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slots(kind) => write!(f, "slots of kind {}", kind.letter()),
            Self::Accounts => f.write_str("accounts"),
            Self::Pools => f.write_str("pools"),
            Self::Nodes => f.write_str("nodes"),
            Self::FeeTokens => f.write_str("fee tokens"),
            Self::Segments => f.write_str("segments"),
        }
    }
}

/// A transaction that no batch of the shape can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Not even an empty batch has room for it.
    #[error("no batch of the shape can hold transaction {index}: it has too few {lack}")]
    NoRoom {
        /// The transaction's index in the list.
        index: usize,
        /// What it finds no room in.
        lack: Lack,
    },
    /// A bundle of several that no batch of the shape holds as a whole.
    #[error(
        "the bundle of transactions {first} to {last} does not fit into one batch of the shape: there are too few {lack} for transaction {index}"
    )]
    Bundle {
        /// The first member's index in the list.
        first: usize,
        /// The last member's.
        last: usize,
        /// The member that there is no room for.
        index: usize,
        /// What it finds no room in.
        lack: Lack,
    },
}

impl PlanError {
    /// The same error, when the list that was split starts `by` transactions later.
    pub(crate) fn shifted(self, by: usize) -> Self {
        match self {
            Self::NoRoom { index, lack } => Self::NoRoom { index: index + by, lack },
            Self::Bundle { first, last, index, lack } => {
                Self::Bundle { first: first + by, last: last + by, index: index + by, lack }
            }
        }
    }

    /// The transaction's index in the list.
    pub const fn index(&self) -> usize {
        match self {
            Self::NoRoom { index, .. } | Self::Bundle { index, .. } => *index,
        }
    }
}

/// What a transaction needs of a batch, as far as it can be said without counters.
#[derive(Clone, Debug)]
struct Needs {
    slot: SlotKind,
    /// Accounts that it names. Those that do not exist when its turn comes are not accessed.
    accounts: [Option<u32>; 2],
    /// Whether it makes an account, if the tree has room.
    makes_account: bool,
    pool: Option<u32>,
    makes_pool: bool,
    fee_token: Option<u32>,
}

impl Needs {
    fn of(tx: &Transaction) -> Self {
        let recipient = match tx {
            Transaction::Transfer { to, .. } => Some(*to),
            _ => None,
        };
        let makes_account = match tx {
            Transaction::TransferNew { .. } => true,
            // One with a key that is not valid is refunded.
            Transaction::DepositNew { key, .. } => PublicKey::try_from(*key).is_ok(),
            _ => false,
        };
        Self {
            slot: tx.slot_kind(),
            accounts: [tx.account(), recipient],
            makes_account,
            pool: tx.pool(),
            makes_pool: matches!(tx, Transaction::CreatePool { .. }),
            fee_token: tx.signed().map(|signed| signed.fee_token.get()).filter(|token| *token != 0),
        }
    }
}

/// A batch that is being filled.
struct Open<'a> {
    shape: &'a Shape,
    slots: Vec<Option<usize>>,
    accounts: BTreeSet<u32>,
    pools: BTreeSet<u32>,
    nodes: HashSet<u64>,
    fee_tokens: BTreeSet<u32>,
    at: At,
    /// What was added, to take it back.
    added: Vec<Added>,
}

/// How far a batch is.
#[derive(Clone, Copy)]
struct At {
    /// The first slot that is not passed yet.
    slot: usize,
    next_account: u32,
    next_pool: u32,
    added: usize,
}

#[derive(Clone, Copy)]
enum Added {
    Slot(usize),
    Account(u32),
    Pool(u32),
    Node(u64),
    FeeToken(u32),
}

impl<'a> Open<'a> {
    fn new(shape: &'a Shape, start: Start) -> Self {
        let at = At { slot: 0, next_account: start.next_account, next_pool: start.next_pool, added: 0 };
        let mut open = Self {
            shape,
            slots: vec![None; shape.slots.len()],
            accounts: BTreeSet::new(),
            pools: BTreeSet::new(),
            nodes: HashSet::new(),
            fee_tokens: BTreeSet::new(),
            at,
            added: Vec::new(),
        };
        // A shape has room for the operator's account and one transaction.
        if u64::from(start.operator) < leaves(shape.account_depth) {
            for node in open.missing(&[(TreeKind::Account, start.operator)]) {
                open.nodes.insert(node);
            }
            open.accounts.insert(start.operator);
        }
        open
    }

    /// The nodes above leaves that are not there yet.
    fn missing(&self, leaves: &[(TreeKind, u32)]) -> Vec<u64> {
        let mut missing = Vec::new();
        for (tree, index) in leaves {
            let depth = match tree {
                TreeKind::Account => self.shape.account_depth,
                TreeKind::Pool => self.shape.pool_depth,
            };
            let mut id = leaf_id(*tree, *index);
            for _ in 0..depth {
                id >>= 3;
                // All above it are there as well.
                if self.nodes.contains(&id) || missing.contains(&id) {
                    break;
                }
                missing.push(id);
            }
        }
        missing
    }

    /// Takes a transaction, or says what there is no room in and stays as it is.
    fn take(&mut self, index: usize, needs: &Needs) -> Result<(), Lack> {
        let Self { shape, at, .. } = *self;
        let offset = shape.slots.iter().skip(at.slot).position(|slot| *slot == needs.slot);
        let slot = at.slot + offset.ok_or(Lack::Slots(needs.slot))?;
        let made = |makes: bool, next: u32, depth: u8| Some(next).filter(|_| makes && u64::from(next) < leaves(depth));
        let new_account = made(needs.makes_account, at.next_account, shape.account_depth);
        let new_pool = made(needs.makes_pool, at.next_pool, shape.pool_depth);
        let named = needs.accounts.into_iter().flatten().filter(|account| *account < at.next_account);
        let mut accounts: Vec<u32> = named.chain(new_account).filter(|i| !self.accounts.contains(i)).collect();
        accounts.dedup();
        let named = needs.pool.filter(|pool| *pool < at.next_pool);
        let pool = named.or(new_pool).filter(|i| !self.pools.contains(i));
        let fee_token = needs.fee_token.filter(|token| !self.fee_tokens.contains(token));
        let touched: Vec<(TreeKind, u32)> = accounts
            .iter()
            .map(|index| (TreeKind::Account, *index))
            .chain(pool.map(|index| (TreeKind::Pool, index)))
            .collect();
        let nodes = self.missing(&touched);
        for (had, more, most, lack) in [
            (self.accounts.len(), accounts.len(), shape.accounts, Lack::Accounts),
            (self.pools.len(), usize::from(pool.is_some()), shape.pools, Lack::Pools),
            (self.nodes.len(), nodes.len(), shape.nodes, Lack::Nodes),
            (self.fee_tokens.len(), usize::from(fee_token.is_some()), shape.fee_tokens, Lack::FeeTokens),
        ] {
            if more > 0 && had + more > most {
                return Err(lack);
            }
        }
        self.add(Added::Slot(slot));
        self.slots[slot] = Some(index);
        for account in accounts {
            self.accounts.insert(account);
            self.add(Added::Account(account));
        }
        if let Some(pool) = pool {
            self.pools.insert(pool);
            self.add(Added::Pool(pool));
        }
        for node in nodes {
            self.nodes.insert(node);
            self.add(Added::Node(node));
        }
        if let Some(token) = fee_token {
            self.fee_tokens.insert(token);
            self.add(Added::FeeToken(token));
        }
        self.at.slot = slot + 1;
        self.at.next_account += u32::from(new_account.is_some());
        self.at.next_pool += u32::from(new_pool.is_some());
        Ok(())
    }

    fn add(&mut self, added: Added) {
        self.added.push(added);
        self.at.added += 1;
    }

    /// Takes back what was added since.
    fn back(&mut self, at: At) {
        for added in self.added.drain(at.added..) {
            match added {
                Added::Slot(slot) => self.slots[slot] = None,
                Added::Account(account) => _ = self.accounts.remove(&account),
                Added::Pool(pool) => _ = self.pools.remove(&pool),
                Added::Node(node) => _ = self.nodes.remove(&node),
                Added::FeeToken(token) => _ = self.fee_tokens.remove(&token),
            }
        }
        self.at = at;
    }

    /// Takes a bundle's members, all or none; else the member that there is no room for, and what is lacking.
    fn take_all(&mut self, first: usize, members: &[Needs]) -> Result<(), (usize, Lack)> {
        let at = self.at;
        for (index, needs) in (first..).zip(members) {
            if let Err(lack) = self.take(index, needs) {
                self.back(at);
                return Err((index, lack));
            }
        }
        Ok(())
    }

    /// The batch as it is, and an empty one that goes on.
    fn next(&mut self, operator: u32, full: Option<Lack>) -> Planned {
        let At { next_account, next_pool, .. } = self.at;
        let fresh = Self::new(self.shape, Start { operator, next_account, next_pool });
        let Self { slots, accounts, pools, nodes, .. } = std::mem::replace(self, fresh);
        Planned { slots, accounts: accounts.len(), pools: pools.len(), nodes: nodes.len(), full }
    }
}

fn leaves(depth: u8) -> u64 {
    1 << (3 * u32::from(depth))
}

/// Cuts transactions into batches: each takes the next slot of its kind, and a new batch starts where there is none, or where the batch would touch more accounts,
/// pools or nodes, or charge fees in more tokens, than the shape has room for. A bundle is never cut.
///
/// # Errors
/// [`PlanError`] for a transaction, or a bundle, that not even an empty batch can hold.
pub fn split(shape: &Shape, start: Start, transactions: &[Transaction]) -> Result<Vec<Planned>, PlanError> {
    let needs: Vec<Needs> = transactions.iter().map(Needs::of).collect();
    let mut batches = Vec::new();
    let mut open = Open::new(shape, start);
    for range in bundle::groups(transactions) {
        let (first, members) = (range.start, &needs[range]);
        let Err((_, lack)) = open.take_all(first, members) else { continue };
        if open.at.slot > 0 {
            batches.push(open.next(start.operator, Some(lack)));
        }
        open.take_all(first, members).map_err(|(index, lack)| match members.len() {
            1 => PlanError::NoRoom { index, lack },
            count => PlanError::Bundle { first, last: first + count - 1, index, lack },
        })?;
    }
    if open.at.slot > 0 {
        batches.push(open.next(start.operator, None));
    }
    Ok(batches)
}

#[cfg(test)]
mod tests;
