//! [`Part`]: the part of a state that a list of transactions can touch, so that a state of millions of accounts stays where it is kept.
//!
//! Which accounts and pools a transaction can touch is written in it, but for those that it makes, and these are the next ones. So they are
//! all loaded from a [`Source`] before execution, with their paths, and execution itself reads nothing and cannot fail for
//! want of a disk. Whatever is not loaded is an error to touch, never taken as empty.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use ark_bn254::Fr;
use tapstone_verifier::Element;
use thiserror::Error;

use super::{BatchError, ChainError, Changes, Executed, Ledger, NUMBER_LIMIT, RebuildError, Rebuilt};
use crate::account::Account;
use crate::data::{BatchData, Published};
use crate::pool::Pool;
use crate::shape::Shape;
use crate::transaction::Transaction;
use crate::tree::{ARITY, Family, Place, Tree, places};
use crate::witness::StateSummary;

/// Parameters of a chain, roots and counters: what the state root covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The chain.
    pub chain_id: u32,
    /// Depth of the account tree, at most [`MAX_DEPTH`](crate::tree::MAX_DEPTH).
    pub account_depth: u8,
    /// Depth of the pool tree, at most [`MAX_DEPTH`](crate::tree::MAX_DEPTH).
    pub pool_depth: u8,
    /// Roots and counters.
    pub summary: StateSummary,
}

impl Head {
    /// The state root.
    pub fn state_root(&self) -> Fr {
        self.summary.root(self.chain_id, self.account_depth, self.pool_depth)
    }
}

/// A state that is kept elsewhere. What it gives belongs to one moment.
pub trait Source {
    /// Why something cannot be read.
    type Error;

    /// Roots and counters.
    fn head(&self) -> Result<Head, Self::Error>;
    /// An account that exists.
    fn account(&self, index: u32) -> Result<Account, Self::Error>;
    /// A pool that exists.
    fn pool(&self, index: u32) -> Result<Pool, Self::Error>;
    /// Nodes of the account tree; `None` if they are as in an empty tree.
    fn account_family(&self, place: Place) -> Result<Option<Family>, Self::Error>;
    /// Nodes of the pool tree; `None` if they are as in an empty tree.
    fn pool_family(&self, place: Place) -> Result<Option<Family>, Self::Error>;
}

/// A whole ledger is a source as well.
impl Source for Ledger {
    type Error = Infallible;

    fn head(&self) -> Result<Head, Infallible> {
        Ok(Self::head(self))
    }

    fn account(&self, index: u32) -> Result<Account, Infallible> {
        Ok(Self::account(self, index).unwrap_or(&Account::EMPTY).clone())
    }

    fn pool(&self, index: u32) -> Result<Pool, Infallible> {
        Ok(Self::pool(self, index).copied().unwrap_or(Pool::EMPTY))
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        Ok(Some(self.account_tree.family(place)))
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        Ok(Some(self.pool_tree.family(place)))
    }
}

/// A part is a source of what it holds.
///
/// # Panics
/// If it is asked for what was not loaded.
impl Source for Part {
    type Error = Infallible;

    fn head(&self) -> Result<Head, Infallible> {
        Ok(Self::head(self))
    }

    fn account(&self, index: u32) -> Result<Account, Infallible> {
        Source::account(&self.0, index)
    }

    fn pool(&self, index: u32) -> Result<Pool, Infallible> {
        Source::pool(&self.0, index)
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        Source::account_family(&self.0, place)
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, Infallible> {
        Source::pool_family(&self.0, place)
    }
}

/// The accounts and pools that some transactions can touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    accounts: BTreeSet<u32>,
    pools: BTreeSet<u32>,
    new_accounts: u32,
    new_pools: u32,
}

impl Touched {
    /// What a list of transactions can touch, with this account for the fees.
    pub fn by(operator: u32, transactions: &[Transaction]) -> Self {
        let mut touched = Self::default();
        touched.accounts.insert(operator);
        for tx in transactions {
            touched.add(&tx.published());
        }
        touched
    }

    /// What either can touch, one after the other.
    pub fn and(mut self, other: Self) -> Self {
        self.accounts.extend(other.accounts);
        self.pools.extend(other.pools);
        self.new_accounts = self.new_accounts.saturating_add(other.new_accounts);
        self.new_pools = self.new_pools.saturating_add(other.new_pools);
        self
    }

    /// What the published data of a batch can touch.
    pub fn by_data(data: &BatchData) -> Self {
        let mut touched = Self::default();
        touched.accounts.insert(data.operator);
        for tx in &data.transactions {
            touched.add(tx);
        }
        touched
    }

    fn add(&mut self, tx: &Published) {
        match *tx {
            Published::Transfer { from, to, .. } => self.accounts.extend([from, to]),
            Published::TransferNew { from, .. } => {
                self.accounts.insert(from);
                self.new_accounts = self.new_accounts.saturating_add(1);
            }
            Published::DepositNew { .. } => self.new_accounts = self.new_accounts.saturating_add(1),
            Published::Deposit { account, .. }
            | Published::Refund { account, .. }
            | Published::ChangeKey { account, .. }
            | Published::Withdraw { account, .. } => {
                self.accounts.insert(account);
            }
            Published::Swap { account, pool, .. }
            | Published::AddLiquidity { account, pool, .. }
            | Published::RemoveLiquidity { account, pool, .. } => {
                self.accounts.insert(account);
                self.pools.insert(pool);
            }
            Published::CreatePool { account, .. } => {
                self.accounts.insert(account);
                self.new_pools = self.new_pools.saturating_add(1);
            }
        }
    }
}

/// The leaves to load: those named that the tree has, and those that may be made.
fn leaves(named: &BTreeSet<u32>, next: u32, made: u32, depth: u8) -> BTreeSet<u32> {
    let capacity = 1u32 << (3 * u32::from(depth));
    let made = next..next.saturating_add(made).min(capacity);
    named.iter().copied().filter(|index| *index < capacity).chain(made).collect()
}

/// The part of a state that some transactions touch.
#[derive(Clone, Debug)]
pub struct Part(pub(super) Ledger);

impl Part {
    /// Loads what these transactions can touch.
    ///
    /// # Errors
    /// What the source says.
    pub fn load<S: Source>(source: &S, touched: &Touched) -> Result<Self, S::Error> {
        let head = source.head()?;
        let Head { chain_id, account_depth, pool_depth, summary } = head;
        let accounts = leaves(&touched.accounts, summary.next_account, touched.new_accounts, account_depth);
        let pools = leaves(&touched.pools, summary.next_pool, touched.new_pools, pool_depth);
        let (account_empty, pool_empty) = (Account::EMPTY.leaf_hash(), Pool::EMPTY.leaf_hash());
        let account_tree = Trunk { depth: account_depth, empty: account_empty, root: summary.account_root };
        let pool_tree = Trunk { depth: pool_depth, empty: pool_empty, root: summary.pool_root };
        Ok(Self(Ledger {
            chain_id,
            account_tree: account_tree.load(&accounts, |place| source.account_family(place))?,
            pool_tree: pool_tree.load(&pools, |place| source.pool_family(place))?,
            accounts: accounts
                .range(..summary.next_account)
                .map(|index| Ok((*index, source.account(*index)?)))
                .collect::<Result<_, _>>()?,
            next_account: summary.next_account,
            pools: pools
                .range(..summary.next_pool)
                .map(|index| Ok((*index, source.pool(*index)?)))
                .collect::<Result<_, _>>()?,
            next_pool: summary.next_pool,
            deposit_head: summary.deposit_head,
            deposit_count: summary.deposit_count,
            batch_number: summary.batch_number,
        }))
    }

    /// Roots and counters.
    pub fn head(&self) -> Head {
        self.0.head()
    }

    /// The accounts that it holds, by index.
    pub const fn accounts(&self) -> &BTreeMap<u32, Account> {
        self.0.accounts()
    }

    /// The pools that it holds, by index.
    pub const fn pools(&self) -> &BTreeMap<u32, Pool> {
        self.0.pools()
    }

    /// The nodes of the account tree that it holds, in no order.
    pub fn account_families(&self) -> impl Iterator<Item = (Place, &Family)> {
        self.0.account_families()
    }

    /// The nodes of the pool tree that it holds, in no order.
    pub fn pool_families(&self) -> impl Iterator<Item = (Place, &Family)> {
        self.0.pool_families()
    }

    /// As [`Ledger::execute`], of the transactions that this part was loaded for, or some of them.
    ///
    /// # Errors
    /// [`BatchError`].
    ///
    /// # Panics
    /// If other transactions touch what was not loaded.
    pub fn execute(&mut self, shape: &Shape, operator: u32, transactions: &[Transaction]) -> Result<Executed, BatchError> {
        self.0.execute(shape, operator, transactions)
    }

    /// As [`Ledger::execute_parts`], of the transactions that this part was loaded for, or some of them.
    ///
    /// # Errors
    /// [`ChainError`].
    ///
    /// # Panics
    /// If other transactions touch what was not loaded.
    pub fn execute_parts(
        &mut self,
        shape: &Shape,
        operator: u32,
        transactions: &[Transaction],
    ) -> Result<Vec<(Self, Executed)>, ChainError> {
        self.0.execute_parts(shape, operator, transactions)
    }

    /// As [`Ledger::execute_all`], of the transactions that this part was loaded for, or some of them.
    ///
    /// # Errors
    /// [`ChainError`].
    ///
    /// # Panics
    /// If other transactions touch what was not loaded.
    pub fn execute_all(
        &mut self,
        shape: &Shape,
        operator: u32,
        transactions: &[Transaction],
    ) -> Result<Vec<Executed>, ChainError> {
        self.0.execute_all(shape, operator, transactions)
    }

    /// As [`Ledger::rebuild`], of the data that this part was loaded for.
    ///
    /// # Errors
    /// [`RebuildError`].
    ///
    /// # Panics
    /// If other data touch what was not loaded.
    pub fn rebuild(&mut self, data: &BatchData) -> Result<Rebuilt, RebuildError> {
        self.0.rebuild(data)
    }
}

/// Why a part cannot be one of the state that its head names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PartError {
    /// A counter is out of range.
    #[error("{field} is {had}, needed at most {largest}")]
    Counter {
        /// Which.
        field: &'static str,
        /// The number.
        had: u64,
        /// The largest that it can be.
        largest: u64,
    },
    /// Nodes that do not hash to what stands above them.
    #[error("the nodes of the {tree} tree at level {}, below parent {}, are not those that the node above them names", .place.level, .place.parent)]
    Nodes {
        /// `account` or `pool`.
        tree: &'static str,
        /// Where the nodes are.
        place: Place,
    },
    /// An account or a pool that is not the one in its tree, or a leaf that should be empty.
    #[error("leaf {index} of the {tree} tree is not the one that belongs there")]
    Leaf {
        /// `account` or `pool`.
        tree: &'static str,
        /// The leaf.
        index: u32,
    },
}

impl Head {
    /// Whether the counters are within what the trees and the protocol have room for.
    ///
    /// # Errors
    /// [`PartError::Counter`].
    pub fn check_counters(&self) -> Result<(), PartError> {
        let leaves = |depth: u8| 1u64 << (3 * u32::from(depth));
        let StateSummary { next_account, next_pool, deposit_count, batch_number, .. } = self.summary;
        for (field, had, largest) in [
            ("next_account", next_account.into(), leaves(self.account_depth)),
            ("next_pool", next_pool.into(), leaves(self.pool_depth)),
            ("deposit_count", deposit_count, NUMBER_LIMIT),
            ("batch_number", batch_number, NUMBER_LIMIT - 1),
        ] {
            if had > largest {
                return Err(PartError::Counter { field, had, largest });
            }
        }
        Ok(())
    }
}

impl Part {
    /// Whether everything in it belongs to the state that its head names: nodes hash to the roots, and accounts and pools are the leaves of
    /// their trees. For a part from somebody who is not trusted.
    ///
    /// # Errors
    /// [`PartError`] for the first thing that does not.
    pub fn check(&self) -> Result<(), PartError> {
        self.head().check_counters()?;
        let ledger = &self.0;
        let accounts = ledger.accounts.iter().map(|(index, account)| (*index, account.leaf_hash())).collect();
        let pools = ledger.pools.iter().map(|(index, pool)| (*index, pool.leaf_hash())).collect();
        check_tree("account", &ledger.account_tree, &accounts, ledger.next_account)?;
        check_tree("pool", &ledger.pool_tree, &pools, ledger.next_pool)
    }
}

/// `leaves` are in the tree, whose leaves from `next` on are empty.
fn check_tree(name: &'static str, tree: &Tree, leaves: &BTreeMap<u32, Fr>, next: u32) -> Result<(), PartError> {
    tree.check_nodes().map_err(|place| PartError::Nodes { tree: name, place })?;
    let empty = tree.empty_leaf();
    let lowest = tree.families().filter(|(place, _)| place.level == 0);
    let found: BTreeMap<u32, Fr> =
        lowest.flat_map(|(place, family)| (place.parent * ARITY as u32..).zip(family.iter().copied())).collect();
    let wrong = |index: &u32| PartError::Leaf { tree: name, index: *index };
    if let Some((index, _)) = leaves.iter().find(|(index, leaf)| found.get(index) != Some(leaf)) {
        return Err(wrong(index));
    }
    found.range(next..).find(|(_, leaf)| **leaf != empty).map_or(Ok(()), |(index, _)| Err(wrong(index)))
}

/// What a batch replaced: the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// Roots and counters before the batch.
    pub head: Head,
    /// The accounts that it changed and that existed before.
    pub accounts: BTreeMap<u32, Account>,
    /// The pools that it changed and that existed before.
    pub pools: BTreeMap<u32, Pool>,
}

impl Touched {
    /// What [`Part::revert`] needs to lead from the state of `now` back to `before`.
    pub fn by_reverting(before: &Before, now: &Head) -> Self {
        let made = before.head.summary.next_account..now.summary.next_account;
        let made_pools = before.head.summary.next_pool..now.summary.next_pool;
        Self {
            accounts: before.accounts.keys().copied().chain(made).collect(),
            pools: before.pools.keys().copied().chain(made_pools).collect(),
            ..Self::default()
        }
    }
}

/// A way back that leads elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("what the batch replaced leads back to state root {had}, needed {needed}")]
pub struct RevertError {
    /// The root that it leads to.
    pub had: Element,
    /// The root before the batch.
    pub needed: Element,
}

impl Part {
    /// Undoes a batch. Of the accounts and pools that it made, leaves of none remain; [`Changes`] holds those that existed.
    ///
    /// # Errors
    /// [`RevertError`], if this is not what the batch replaced. The part is of no use then.
    ///
    /// # Panics
    /// If what is touched was not loaded.
    pub fn revert(&mut self, before: &Before) -> Result<Changes, RevertError> {
        let ledger = &mut self.0;
        let StateSummary { next_account, next_pool, deposit_head, deposit_count, batch_number, .. } = before.head.summary;
        let gone = (next_account..ledger.next_account).map(|index| (index, Account::EMPTY.leaf_hash()));
        let back = before.accounts.iter().map(|(index, account)| (*index, account.leaf_hash()));
        ledger.account_tree.set_all(&back.chain(gone).collect());
        let gone = (next_pool..ledger.next_pool).map(|index| (index, Pool::EMPTY.leaf_hash()));
        let back = before.pools.iter().map(|(index, pool)| (*index, pool.leaf_hash()));
        ledger.pool_tree.set_all(&back.chain(gone).collect());
        ledger.accounts.split_off(&next_account);
        ledger.pools.split_off(&next_pool);
        ledger.accounts.extend(before.accounts.clone());
        ledger.pools.extend(before.pools.clone());
        (ledger.next_account, ledger.next_pool) = (next_account, next_pool);
        (ledger.deposit_head, ledger.deposit_count, ledger.batch_number) = (deposit_head, deposit_count, batch_number);
        let after = ledger.head();
        if after != before.head {
            return Err(RevertError { had: after.state_root().into(), needed: before.head.state_root().into() });
        }
        Ok(Changes {
            accounts: before.accounts.clone(),
            pools: before.pools.clone(),
            account_families: ledger.account_tree.take_changes(),
            pool_families: ledger.pool_tree.take_changes(),
            after,
        })
    }
}

/// A tree of which a part is to be loaded.
struct Trunk {
    depth: u8,
    empty: Fr,
    root: Fr,
}

impl Trunk {
    fn load<E>(&self, leaves: &BTreeSet<u32>, read: impl Fn(Place) -> Result<Option<Family>, E>) -> Result<Tree, E> {
        let whole = Tree::new(self.depth, self.empty);
        let wanted: BTreeSet<Place> = leaves.iter().flat_map(|index| places(*index, self.depth)).collect();
        let families = wanted
            .into_iter()
            .map(|place| Ok((place, read(place)?.unwrap_or_else(|| whole.empty_family(place.level)))))
            .collect::<Result<Vec<_>, E>>()?;
        Ok(Tree::part(self.depth, self.empty, self.root, families))
    }
}
