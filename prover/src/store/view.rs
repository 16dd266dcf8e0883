//! [`View`]: a store's state at one moment.

use std::path::PathBuf;
use std::sync::Arc;

use redb::{Database, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use tapstone_circuits::account::Account;
use tapstone_circuits::ledger::{Before, Head, Source};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::tree::{ARITY, Family, Place, Tree};

use super::{
    ACCOUNT_NODES, ACCOUNTS, BATCHES, Batch, DATA, FORMAT, META, POOL_NODES, POOLS, StoreError, UNDO, codec, node_key,
};

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
    _database: Arc<Database>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("path", &self.path).field("head", &self.head).finish_non_exhaustive()
    }
}

impl View {
    pub(super) fn new(path: PathBuf, database: &Arc<Database>) -> Result<Self, StoreError> {
        let transaction = database.begin_read()?;
        let meta = transaction.open_table(META)?;
        let format = meta.get("format")?.map(|format| format.value().to_vec()).unwrap_or_default();
        if format != FORMAT {
            return Err(StoreError::Format { path, had: String::from_utf8_lossy(&format).chars().take(48).collect() });
        }
        let head = meta.get("head")?.and_then(|head| codec::read_head(head.value()));
        let head = head.ok_or_else(|| StoreError::Damaged { path: path.clone(), what: "no head".into() })?;
        Ok(Self {
            accounts: transaction.open_table(ACCOUNTS)?,
            pools: transaction.open_table(POOLS)?,
            account_nodes: transaction.open_table(ACCOUNT_NODES)?,
            pool_nodes: transaction.open_table(POOL_NODES)?,
            transaction,
            path,
            head,
            _database: Arc::clone(database),
        })
    }

    /// Roots and counters.
    pub const fn head_now(&self) -> Head {
        self.head
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    fn family(&self, nodes: &ReadOnlyTable<u64, &'static [u8]>, place: Place) -> Result<Option<Family>, StoreError> {
        let Some(bytes) = nodes.get(node_key(place))? else { return Ok(None) };
        codec::read_family(bytes.value()).map(Some).ok_or_else(|| self.damaged(format!("{place:?}")))
    }

    /// Whether the leaf in the tree is that of what was read.
    fn holds(&self, nodes: &ReadOnlyTable<u64, &'static [u8]>, index: u32, leaf: ark_bn254::Fr) -> Result<bool, StoreError> {
        let family = self.family(nodes, Place { level: 0, parent: index / ARITY as u32 })?;
        Ok(family.is_some_and(|family| family[index as usize % ARITY] == leaf))
    }

    /// All accounts, by index.
    ///
    /// # Errors
    /// What the database says, and [`StoreError::Damaged`] for an account that does not read.
    pub fn accounts(&self) -> Result<impl Iterator<Item = Result<Account, StoreError>> + '_, StoreError> {
        self.all(&self.accounts, "account", codec::read_account)
    }

    /// All pools, by index.
    ///
    /// # Errors
    /// As [`View::accounts`].
    pub fn pools(&self) -> Result<impl Iterator<Item = Result<Pool, StoreError>> + '_, StoreError> {
        self.all(&self.pools, "pool", codec::read_pool)
    }

    /// All entries of a table, whose indices must leave nothing out.
    fn all<'a, T: 'a>(
        &'a self,
        table: &'a ReadOnlyTable<u32, &'static [u8]>,
        name: &'static str,
        read: fn(&[u8]) -> Option<T>,
    ) -> Result<impl Iterator<Item = Result<T, StoreError>> + 'a, StoreError> {
        let range = table.range::<u32>(..)?;
        Ok((0u32..).zip(range).map(move |(needed, entry)| {
            let (index, bytes) = entry?;
            let value = read(bytes.value()).filter(|_| index.value() == needed);
            value.ok_or_else(|| self.damaged(format!("{name} {needed}")))
        }))
    }

    /// A batch that was applied to this store.
    ///
    /// # Errors
    /// What the database says; [`StoreError::Damaged`].
    pub fn batch(&self, number: u64) -> Result<Option<Batch>, StoreError> {
        let batch = match (self.get(BATCHES, number)?, self.get(DATA, number)?) {
            (None, None) => return Ok(None),
            (Some(record), Some(data)) => Batch::decode(&record, &data),
            _ => None,
        };
        batch.map(Some).ok_or_else(|| self.damaged(format!("batch {number}")))
    }

    /// What a batch replaced, if that is kept.
    pub(super) fn before(&self, number: u64) -> Result<Option<Before>, StoreError> {
        let Some(bytes) = self.get(UNDO, number)? else { return Ok(None) };
        codec::read_before(&bytes).map(Some).ok_or_else(|| self.damaged(format!("what batch {number} replaced")))
    }

    fn get(&self, table: TableDefinition<'_, u64, &[u8]>, number: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.transaction.open_table(table)?.get(number)?.map(|bytes| bytes.value().to_vec()))
    }

    /// Whether the nodes stored are those of a tree.
    pub(super) fn compare_nodes(
        &self,
        name: &str,
        table: TableDefinition<'_, u64, &[u8]>,
        tree: &Tree,
    ) -> Result<(), StoreError> {
        let nodes = self.transaction.open_table(table)?;
        let mut found = 0;
        for (place, family) in tree.families() {
            if self.family(&nodes, place)?.as_ref() != Some(family) {
                return Err(self.damaged(format!("nodes of {name}, {place:?}")));
            }
            found += 1;
        }
        // Nodes over empty leaves alone may be left of batches that were undone.
        let all = nodes.len()?;
        if all > found {
            for entry in nodes.range::<u64>(..)? {
                let (key, bytes) = entry?;
                // The level is above the index, by node_key.
                let place = Place { level: (key.value() >> 32) as u8, parent: key.value() as u32 };
                let family = codec::read_family(bytes.value());
                let known = place.level < tree.depth() && family == Some(tree.family(place));
                if !known {
                    return Err(self.damaged(format!("nodes of {name}, {place:?}")));
                }
            }
        }
        Ok(())
    }
}

impl Source for View {
    type Error = StoreError;

    fn head(&self) -> Result<Head, StoreError> {
        Ok(self.head)
    }

    fn account(&self, index: u32) -> Result<Account, StoreError> {
        let account = self.accounts.get(index)?.and_then(|bytes| codec::read_account(bytes.value()));
        match account {
            Some(account) if self.holds(&self.account_nodes, index, account.leaf_hash())? => Ok(account),
            _ => Err(self.damaged(format!("account {index}"))),
        }
    }

    fn pool(&self, index: u32) -> Result<Pool, StoreError> {
        let pool = self.pools.get(index)?.and_then(|bytes| codec::read_pool(bytes.value()));
        match pool {
            Some(pool) if self.holds(&self.pool_nodes, index, pool.leaf_hash())? => Ok(pool),
            _ => Err(self.damaged(format!("pool {index}"))),
        }
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, StoreError> {
        self.family(&self.account_nodes, place)
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, StoreError> {
        self.family(&self.pool_nodes, place)
    }
}
