//! [`Ledger`]: the state of a chain, and the execution of batches on it (PROTOCOL.md, sections 4 and 6).
//!
//! - [`Refusal`], [`BatchError`]: why something is refused;
//! - `execute`: one batch, in order, with the witness of the circuit; `chain`: a whole file;
//! - [`open`]: one batch in segments, and the parts of the state that it touches;
//! - `rules`: what each kind of transaction does; `accesses`: what a batch touched, for its circuit;
//! - `rebuild`: batches again, from published data alone;
//! - `journal`: what a batch replaced, to undo it and to check conservation;
//! - [`Part`]: the part of a state that some transactions touch, loaded from a [`Source`]; [`Changes`]: what to write back;
//! - [`snapshot`]: the state as a file; [`stream`]: the same, one account after the other;
//! - [`exit`]: proofs of what an account holds, against the state root.

mod accesses;
mod chain;
mod changes;
mod execute;
pub mod exit;
mod journal;
pub mod open;
mod part;
mod rebuild;
mod refusal;
mod rules;
pub mod snapshot;
pub mod stream;

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::account::Account;
use crate::pool::Pool;
use crate::shape::{ShapeError, check_depths};
use crate::tree::{Family, Place, Tree};
use crate::witness::StateSummary;

pub use chain::ChainError;
pub use changes::Changes;
pub use execute::{Executed, Fill, PoolChange};
pub use journal::TokenFlow;
pub use part::{Before, Head, Part, PartError, RevertError, Source, Touched};
pub use rebuild::{RebuildError, Rebuilt};
pub use refusal::{BatchError, Refusal};
pub use snapshot::{Snapshot, SnapshotError};

/// Batch numbers, expiries and deposit indices are below this.
pub const NUMBER_LIMIT: u64 = 1 << 48;

/// The state of a chain.
///
/// Within a batch the trees lag behind `accounts` and `pools`: all hashing is done at its end, on all cores.
#[derive(Clone, Debug)]
pub struct Ledger {
    chain_id: u32,
    accounts: BTreeMap<u32, Account>,
    next_account: u32,
    account_tree: Tree,
    pools: BTreeMap<u32, Pool>,
    next_pool: u32,
    pool_tree: Tree,
    deposit_head: Fr,
    deposit_count: u64,
    batch_number: u64,
}

impl Ledger {
    /// The state before the first batch.
    ///
    /// # Errors
    /// [`ShapeError`] if trees of these depths cannot exist.
    pub fn genesis(chain_id: u32, account_depth: u8, pool_depth: u8) -> Result<Self, ShapeError> {
        check_depths(account_depth, pool_depth)?;
        Ok(Self {
            chain_id,
            accounts: BTreeMap::new(),
            next_account: 0,
            account_tree: Tree::new(account_depth, Account::EMPTY.leaf_hash()),
            pools: BTreeMap::new(),
            next_pool: 0,
            pool_tree: Tree::new(pool_depth, Pool::EMPTY.leaf_hash()),
            deposit_head: Fr::zero(),
            deposit_count: 0,
            batch_number: 0,
        })
    }

    /// Copies of an account up to so many, out of nothing: a state to measure on.
    pub(crate) fn crowd(&mut self, account: &Account, accounts: u32) {
        self.accounts.extend((self.next_account..accounts).map(|index| (index, account.clone())));
        self.next_account = self.next_account.max(accounts);
        let copy = account.leaf_hash();
        let leaves = self.accounts.values().map(|one| if one == account { copy } else { one.leaf_hash() });
        self.account_tree = Tree::from_leaves(self.account_depth(), Account::EMPTY.leaf_hash(), leaves);
    }

    /// The chain.
    pub const fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// Depth of the account tree.
    pub fn account_depth(&self) -> u8 {
        self.account_tree.depth()
    }

    /// Depth of the pool tree.
    pub fn pool_depth(&self) -> u8 {
        self.pool_tree.depth()
    }

    /// The last batch applied, 0 for genesis.
    pub const fn batch_number(&self) -> u64 {
        self.batch_number
    }

    /// Head of the deposit queue as far as it is consumed.
    pub const fn deposit_head(&self) -> Fr {
        self.deposit_head
    }

    /// Deposits consumed.
    pub const fn deposit_count(&self) -> u64 {
        self.deposit_count
    }

    /// The next account's index.
    pub const fn next_account(&self) -> u32 {
        self.next_account
    }

    /// The next pool's index.
    pub const fn next_pool(&self) -> u32 {
        self.next_pool
    }

    /// All accounts, by index.
    pub const fn accounts(&self) -> &BTreeMap<u32, Account> {
        &self.accounts
    }

    /// All pools, by index.
    pub const fn pools(&self) -> &BTreeMap<u32, Pool> {
        &self.pools
    }

    /// Nodes of the account tree, but for those over empty leaves alone.
    pub fn account_families(&self) -> impl Iterator<Item = (Place, &Family)> {
        self.account_tree.families()
    }

    /// Nodes of the pool tree, but for those over empty leaves alone.
    pub fn pool_families(&self) -> impl Iterator<Item = (Place, &Family)> {
        self.pool_tree.families()
    }

    /// An account, if it exists.
    pub fn account(&self, index: u32) -> Option<&Account> {
        let found = self.accounts.get(&index);
        // Only a part of a state could lack one, and what it lacks must not be taken as missing.
        assert!(found.is_some() || index >= self.next_account, "account {index} is not in this part of the state");
        found
    }

    /// A pool, if it exists.
    pub fn pool(&self, index: u32) -> Option<&Pool> {
        let found = self.pools.get(&index);
        assert!(found.is_some() || index >= self.next_pool, "pool {index} is not in this part of the state");
        found
    }

    /// Roots and counters.
    pub fn summary(&self) -> StateSummary {
        StateSummary {
            account_root: self.account_tree.root(),
            pool_root: self.pool_tree.root(),
            deposit_head: self.deposit_head,
            next_account: self.next_account(),
            next_pool: self.next_pool(),
            deposit_count: self.deposit_count,
            batch_number: self.batch_number,
        }
    }

    /// Parameters, roots and counters.
    pub fn head(&self) -> Head {
        let (account_depth, pool_depth) = (self.account_depth(), self.pool_depth());
        Head { chain_id: self.chain_id, account_depth, pool_depth, summary: self.summary() }
    }

    /// The state root.
    pub fn state_root(&self) -> Fr {
        self.head().state_root()
    }
}

#[cfg(test)]
mod tests;
