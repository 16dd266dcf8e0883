//! [`View`]: a store's state at one moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{Key, ReadOnlyTable, ReadTransaction, TableDefinition, Value};
use tapstone_circuits::account::Account;
use tapstone_circuits::ledger::{Before, Head, Part, Source, Touched};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::tree::{ARITY, Family, Place};

use super::handle::{Handle, guarded};
use super::{
    ACCOUNT_NODES, ACCOUNTS, BATCHES, Batch, DATA, FORMAT, META, POOL_NODES, POOLS, Store, StoreError, UNDO, codec, node_key,
};

mod check;

/// The state at one moment, whatever is written later.
pub struct View {
    path: PathBuf,
    transaction: ReadTransaction,
    accounts: ReadOnlyTable<u32, &'static [u8]>,
    pools: ReadOnlyTable<u32, &'static [u8]>,
    account_nodes: ReadOnlyTable<u64, &'static [u8]>,
    pool_nodes: ReadOnlyTable<u64, &'static [u8]>,
    head: Head,
    /// Closed when the last view and the store are gone: a view whose database is closed cannot read. The last field, for what reads it is
    /// dropped first.
    _handle: Arc<Handle>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("path", &self.path).field("head", &self.head).finish_non_exhaustive()
    }
}

impl View {
    /// The state in a folder, to look at: no byte of the folder is changed, so it may be one that cannot be
    /// written to. As long as the view lives, nobody can write to the state, and others can look at it.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none, [`StoreError::Busy`] while somebody writes to it,
    /// [`StoreError::Format`] if it is of another version, [`StoreError::Damaged`], and what the disk says.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = Store::file(folder);
        let handle = Handle::look(&path)?;
        Self::new(path, &Arc::new(handle))
    }

    /// As [`View::open`], after every page of the file was compared with its checksum, whatever its length.
    ///
    /// # Errors
    /// As [`View::open`].
    pub fn open_checked(folder: &Path) -> Result<Self, StoreError> {
        Self::checked(Store::file(folder))
    }

    pub(super) fn checked(path: PathBuf) -> Result<Self, StoreError> {
        let handle = Handle::check(&path)?;
        Self::new(path, &Arc::new(handle))
    }

    pub(super) fn new(path: PathBuf, handle: &Arc<Handle>) -> Result<Self, StoreError> {
        let transaction = handle.read()?;
        let row = |name| meta(&path, &transaction, name).map(Option::unwrap_or_default);
        let format = row("format")?;
        if format != FORMAT {
            return Err(StoreError::Format { path, had: String::from_utf8_lossy(&format).chars().take(48).collect() });
        }
        let head = codec::read_sealed_head(&row("head")?).filter(|head| head.check_counters().is_ok());
        let head = head.ok_or_else(|| StoreError::Damaged { path: path.clone(), what: "roots and counters".into() })?;
        Ok(Self {
            accounts: open_table(&path, &transaction, ACCOUNTS)?,
            pools: open_table(&path, &transaction, POOLS)?,
            account_nodes: open_table(&path, &transaction, ACCOUNT_NODES)?,
            pool_nodes: open_table(&path, &transaction, POOL_NODES)?,
            transaction,
            path,
            head,
            _handle: Arc::clone(handle),
        })
    }

    /// Roots and counters.
    pub const fn head_now(&self) -> Head {
        self.head
    }

    /// The part of the state that these transactions can touch, compared with the state root.
    ///
    /// # Errors
    /// What the database says, and [`StoreError::Damaged`].
    pub fn part(&self, touched: &Touched) -> Result<Part, StoreError> {
        let part = Part::load(self, touched)?;
        part.check().map_err(|e| self.damaged(e.to_string()))?;
        Ok(part)
    }

    /// What stands beside the head under a name.
    pub(super) fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        meta(&self.path, &self.transaction, name)
    }

    pub(super) fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    /// What a table has under a key.
    fn get<K: Key + 'static>(
        &self,
        table: &ReadOnlyTable<K, &'static [u8]>,
        key: K::SelfType<'_>,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(&self.path, || match table.get(key) {
            Ok(row) => Ok(row.map(|row| row.value().to_vec())),
            Err(e) => Err(StoreError::from(e).at(&self.path)),
        })
    }

    fn family(
        &self,
        name: &str,
        nodes: &ReadOnlyTable<u64, &'static [u8]>,
        place: Place,
    ) -> Result<Option<Family>, StoreError> {
        let Some(bytes) = self.get(nodes, node_key(place))? else { return Ok(None) };
        codec::read_family(&bytes).map(Some).ok_or_else(|| self.damaged(of_nodes(name, place)))
    }

    /// Nodes that may be missing only where they are as in an empty tree, which they are above no leaf below
    /// `next`.
    fn family_or_empty(
        &self,
        name: &str,
        nodes: &ReadOnlyTable<u64, &'static [u8]>,
        place: Place,
        next: u32,
    ) -> Result<Option<Family>, StoreError> {
        let family = self.family(name, nodes, place)?;
        let first_leaf = u64::from(place.parent) << (3 * (u32::from(place.level) + 1)).min(63);
        if family.is_none() && first_leaf < u64::from(next) {
            return Err(self.damaged(format!("{} are missing", of_nodes(name, place))));
        }
        Ok(family)
    }

    /// Whether the leaf in the tree is that of what was read.
    fn holds(
        &self,
        name: &str,
        nodes: &ReadOnlyTable<u64, &'static [u8]>,
        index: u32,
        leaf: ark_bn254::Fr,
    ) -> Result<bool, StoreError> {
        let family = self.family(name, nodes, Place { level: 0, parent: index / ARITY as u32 })?;
        Ok(family.is_some_and(|family| family[index as usize % ARITY] == leaf))
    }

    /// All accounts, by index.
    ///
    /// # Errors
    /// What the database says, and [`StoreError::Damaged`] for an account that does not read.
    pub fn accounts(&self) -> Result<impl Iterator<Item = Result<Account, StoreError>> + '_, StoreError> {
        self.all(&self.accounts, "account", self.head.summary.next_account, codec::read_account)
    }

    /// All pools, by index.
    ///
    /// # Errors
    /// As [`View::accounts`].
    pub fn pools(&self) -> Result<impl Iterator<Item = Result<Pool, StoreError>> + '_, StoreError> {
        self.all(&self.pools, "pool", self.head.summary.next_pool, codec::read_pool)
    }

    /// All entries of a table, whose indices must be those below `next`.
    fn all<'a, T: 'a>(
        &'a self,
        table: &ReadOnlyTable<u32, &'static [u8]>,
        name: &'static str,
        next: u32,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<impl Iterator<Item = Result<T, StoreError>> + use<'a, T>, StoreError> {
        let mut rows = self.rows(table)?;
        // Nothing follows an error.
        let mut place = Some(0u32);
        Ok(std::iter::from_fn(move || {
            let needed = place?;
            let value = match rows.next() {
                None if needed == next => return None,
                Some(Ok((index, bytes))) if index == needed && needed < next => read(&bytes),
                Some(Err(e)) => {
                    place = None;
                    return Some(Err(e));
                }
                _ => None,
            };
            place = value.as_ref().map(|_| needed + 1);
            Some(value.ok_or_else(|| self.damaged(format!("{name} {needed}"))))
        }))
    }

    /// The rows of a table, in order.
    fn rows<'a, K: Key + for<'k> Value<SelfType<'k> = K> + 'static>(
        &'a self,
        table: &ReadOnlyTable<K, &'static [u8]>,
    ) -> Result<impl Iterator<Item = Result<(K, Vec<u8>), StoreError>> + use<'a, K>, StoreError> {
        let at = |e: redb::StorageError| StoreError::from(e).at(&self.path);
        let mut range = guarded(&self.path, || table.range::<K>(..).map_err(at))?;
        Ok(std::iter::from_fn(move || {
            let next = guarded(&self.path, || {
                let Some(row) = range.next() else { return Ok(None) };
                let (key, bytes) = row.map_err(at)?;
                Ok(Some((key.value(), bytes.value().to_vec())))
            });
            next.transpose()
        }))
    }

    /// A batch that was applied to this store.
    ///
    /// # Errors
    /// What the database says; [`StoreError::Damaged`].
    pub fn batch(&self, number: u64) -> Result<Option<Batch>, StoreError> {
        let batch = match (self.at(BATCHES, number)?, self.at(DATA, number)?) {
            (None, None) => return Ok(None),
            (Some(record), Some(data)) => Batch::decode(&record, &data),
            _ => None,
        };
        batch.map(Some).ok_or_else(|| self.damaged(format!("batch {number}")))
    }

    /// What a batch replaced, if that is kept.
    pub(super) fn before(&self, number: u64) -> Result<Option<Before>, StoreError> {
        let Some(bytes) = self.at(UNDO, number)? else { return Ok(None) };
        codec::read_before(&bytes).map(Some).ok_or_else(|| self.damaged(format!("what batch {number} replaced")))
    }

    /// What one of the tables of batches has under a number.
    fn at(&self, table: TableDefinition<'_, u64, &'static [u8]>, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        self.get(&open_table(&self.path, &self.transaction, table)?, number)
    }
}

/// What the table of the head has under a name.
fn meta(path: &Path, transaction: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    guarded(path, || {
        let read = || Ok::<_, StoreError>(transaction.open_table(META)?.get(name)?.map(|row| row.value().to_vec()));
        read().map_err(|e| e.at(path))
    })
}

fn open_table<K: Key + 'static>(
    path: &Path,
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
) -> Result<ReadOnlyTable<K, &'static [u8]>, StoreError> {
    guarded(path, || transaction.open_table(table).map_err(|e| StoreError::from(e).at(path)))
}

fn of_nodes(name: &str, place: Place) -> String {
    format!("nodes of {name} at level {}, below parent {}", place.level, place.parent)
}

impl Source for View {
    type Error = StoreError;

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self.head)
    }

    fn account(&self, index: u32) -> Result<Account, StoreError> {
        let account = self.get(&self.accounts, index)?.and_then(|bytes| codec::read_account(&bytes));
        match account {
            Some(account) if self.holds("accounts", &self.account_nodes, index, account.leaf_hash())? => Ok(account),
            _ => Err(self.damaged(format!("account {index}"))),
        }
    }

    fn pool(&self, index: u32) -> Result<Pool, StoreError> {
        let pool = self.get(&self.pools, index)?.and_then(|bytes| codec::read_pool(&bytes));
        match pool {
            Some(pool) if self.holds("pools", &self.pool_nodes, index, pool.leaf_hash())? => Ok(pool),
            _ => Err(self.damaged(format!("pool {index}"))),
        }
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, StoreError> {
        self.family_or_empty("accounts", &self.account_nodes, place, self.head.summary.next_account)
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, StoreError> {
        self.family_or_empty("pools", &self.pool_nodes, place, self.head.summary.next_pool)
    }
}
