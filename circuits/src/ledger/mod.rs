//! [`Ledger`]: the state of a chain, and the execution of batches on it (PROTOCOL.md, sections 4 and 6).
//!
//! - [`Refusal`], [`BatchError`]: why something is refused;
//! - `execute`: one batch, in order, with the witness of the circuit; `chain`: a whole file;
//! - `rules`: what each kind of transaction does;
//! - `rebuild`: batches again, from published data alone;
//! - `journal`: what a batch replaced, to undo it and to check conservation;
//! - [`snapshot`]: the state as a file;
//! - `exit`: proofs of what an account holds, against the state root.

mod chain;
mod execute;
mod exit;
mod journal;
mod rebuild;
mod refusal;
mod rules;
pub mod snapshot;

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::account::Account;
use crate::pool::Pool;
use crate::shape::{ShapeError, check_depths};
use crate::tree::Tree;
use crate::witness::StateSummary;

pub use chain::ChainError;
pub use execute::{Executed, Fill};
pub use journal::TokenFlow;
pub use rebuild::{RebuildError, Rebuilt};
pub use refusal::{BatchError, Refusal};
pub use snapshot::{Snapshot, SnapshotError};

/// Batch numbers, expiries and deposit indices are below this.
pub const NUMBER_LIMIT: u64 = 1 << 48;

/// The state of a chain.
#[derive(Clone, Debug)]
pub struct Ledger {
    chain_id: u32,
    accounts: Vec<Account>,
    account_tree: Tree,
    pools: Vec<Pool>,
    /// Within a batch this lags behind `pools`: the leaves of touched pools are replaced at its end.
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
            accounts: Vec::new(),
            account_tree: Tree::new(account_depth, Account::EMPTY.leaf_hash()),
            pools: Vec::new(),
            pool_tree: Tree::new(pool_depth, Pool::EMPTY.leaf_hash()),
            deposit_head: Fr::zero(),
            deposit_count: 0,
            batch_number: 0,
        })
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
    pub fn next_account(&self) -> u32 {
        // Below 2^30: the tree's capacity bounds it.
        self.accounts.len() as u32
    }

    /// The next pool's index.
    pub fn next_pool(&self) -> u32 {
        self.pools.len() as u32
    }

    /// All accounts, by index.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// All pools, by index.
    pub fn pools(&self) -> &[Pool] {
        &self.pools
    }

    /// An account, if it exists.
    pub fn account(&self, index: u32) -> Option<&Account> {
        self.accounts.get(index as usize)
    }

    /// A pool, if it exists.
    pub fn pool(&self, index: u32) -> Option<&Pool> {
        self.pools.get(index as usize)
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

    /// The state root.
    pub fn state_root(&self) -> Fr {
        self.summary().root(self.chain_id, self.account_depth(), self.pool_depth())
    }
}

#[cfg(test)]
mod tests;
