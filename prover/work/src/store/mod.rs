//! [`Store`]: the state of a chain in a folder, and every batch that led to it.
//!
//! ```text
//! <folder>/state.redb   accounts, pools, nodes of both trees, batches with their data and proofs, and what each replaced
//! <folder>/lock         held by whoever carries the chain on
//! ```
//!
//! A batch is applied by one transaction of the database, which holds the new state, its proof, its published data and the way back: after a crash at
//! any moment either all of that is there or nothing is. The folder remembers which keys prove the chain's batches, and takes no proof by another
//! ([`pin`]). [`Store::apply`] takes a batch only where the state is the one
//! that the batch was executed on, so none is applied twice. Memory does not grow with the accounts: [`View`] is a
//! [`Source`] of the parts of the state that a batch touches.
//!
//! Who only looks ([`View::open`]) changes no byte of the folder and shares it with other readers; while the
//! database is written to, which is never for long, they wait ([`StoreError::Busy`]). [`backup`] makes a copy
//! in such a pause.
//!
//! Hazards: a file may be damaged, by a disk or by a copy that was cut short, and that is an error
//! ([`StoreError::Damaged`]) and never a panic. Files of up to 64 MiB are compared with their checksums
//! whenever they are opened; of longer ones what is read is compared with the state root, and [`View::check`]
//! compares everything. All of this is against damage, not against somebody who may write to the folder.
//! [`Lock`] is for processes of one machine.

mod backup;
mod batch;
pub(crate) mod codec;
#[cfg(test)]
mod damage;
mod error;
mod handle;
mod lock;
pub mod pin;
#[cfg(test)]
mod power;
mod view;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handle::{Handle, guarded};
use redb::{Durability, TableDefinition, WriteTransaction};
use tapstone_circuits::account::Account;
use tapstone_circuits::ledger::{Before, Changes, Head, Ledger, Source, Touched, stream};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::tree::{Family, Place};

pub use backup::backup;
pub use batch::{Batch, Made, Origin};
pub use error::{ImportError, StoreError};
pub use handle::panic_is_damage;
pub use lock::Lock;
pub use pin::{ChainKeys, ChainKind, KeyPin, PinError};
pub use view::View;

/// Name and version of the format.
const FORMAT: &[u8] = b"tapstone-store/1";
/// Batches that can be undone.
pub const UNDO_BATCHES: u64 = 10_000;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const ACCOUNTS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("accounts");
const POOLS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("pools");
const ACCOUNT_NODES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("account nodes");
const POOL_NODES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("pool nodes");
const BATCHES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("batches");
const DATA: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("data");
const UNDO: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("undo");

/// The key of a family: its level above the index of its parent.
fn node_key(place: Place) -> u64 {
    u64::from(place.level) << 32 | u64::from(place.parent)
}

/// A new name is on the disk when its folder is.
fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(|source| StoreError::Io { path: folder.to_owned(), source })?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// A chain's state and batches in a folder.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    handle: Arc<Handle>,
}

impl Store {
    fn file(folder: &Path) -> PathBuf {
        folder.join("state.redb")
    }

    /// Makes a store whose state is this one; the folder is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if there is a state in the folder, and what the disk says.
    pub fn create(folder: &Path, state: &Ledger) -> Result<Self, StoreError> {
        Self::make(folder, |store, tx| store.fill(tx, state))
    }

    fn make<E: From<StoreError>>(
        folder: &Path,
        fill: impl FnOnce(&Self, &WriteTransaction) -> Result<(), E>,
    ) -> Result<Self, E> {
        let path = Self::file(folder);
        if path.exists() {
            return Err(StoreError::Exists { path }.into());
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(io(folder))?;
        // It gets its name when it is complete; what is left of an earlier try gives way.
        let unfinished = folder.join("state.redb.new");
        if unfinished.exists() {
            fs::remove_file(&unfinished).map_err(io(&unfinished))?;
        }
        let handle = Handle::create(&unfinished)?;
        let store = Self { path: unfinished.clone(), handle: Arc::new(handle) };
        store.write(|tx| fill(&store, tx))?;
        drop(store);
        fs::rename(&unfinished, &path).map_err(io(&path))?;
        sync_folder(folder)?;
        Ok(Self::open(folder)?)
    }

    /// As [`Store::create`], of a state file that is read as a stream, whatever its length.
    ///
    /// # Errors
    /// As [`Store::create`], and [`ImportError::Read`] for a file that is refused.
    pub fn import(folder: &Path, file: impl io::Read) -> Result<Self, ImportError> {
        Self::make(folder, |store, tx| store.take(tx, file))
    }

    fn take(&self, tx: &WriteTransaction, file: impl io::Read) -> Result<(), ImportError> {
        self.begin(tx)?;
        let read = stream::read(file, &mut Taking { store: self, tx })?;
        self.finish(tx, &read.head, read.account_tree.families(), read.pool_tree.families())?;
        Ok(())
    }

    fn fill(&self, tx: &WriteTransaction, state: &Ledger) -> Result<(), StoreError> {
        self.begin(tx)?;
        self.put_accounts(tx, state.accounts().iter().map(|(index, account)| (*index, account)))?;
        self.put_pools(tx, state.pools().iter().map(|(index, pool)| (*index, pool)))?;
        self.finish(tx, &state.head(), state.account_families(), state.pool_families())
    }

    /// Makes all tables, empty.
    fn begin(&self, tx: &WriteTransaction) -> Result<(), StoreError> {
        tx.open_table(META)?.insert("format", FORMAT)?;
        for table in [ACCOUNTS, POOLS] {
            tx.open_table(table)?;
        }
        for table in [BATCHES, DATA, UNDO] {
            tx.open_table(table)?;
        }
        Ok(())
    }

    fn put_accounts<'a>(
        &self,
        tx: &WriteTransaction,
        accounts: impl Iterator<Item = (u32, &'a Account)>,
    ) -> Result<(), StoreError> {
        let mut table = tx.open_table(ACCOUNTS)?;
        for (index, account) in accounts {
            let bytes = codec::account(account).ok_or_else(|| self.damaged(format!("account {index} has no key")))?;
            table.insert(index, &bytes[..])?;
        }
        Ok(())
    }

    fn put_pools<'a>(&self, tx: &WriteTransaction, pools: impl Iterator<Item = (u32, &'a Pool)>) -> Result<(), StoreError> {
        let mut table = tx.open_table(POOLS)?;
        for (index, pool) in pools {
            table.insert(index, &codec::pool(pool)[..])?;
        }
        Ok(())
    }

    /// Nodes, and the head that they lead to.
    fn finish<'a>(
        &self,
        tx: &WriteTransaction,
        head: &Head,
        accounts: impl Iterator<Item = (Place, &'a Family)>,
        pools: impl Iterator<Item = (Place, &'a Family)>,
    ) -> Result<(), StoreError> {
        tx.open_table(META)?.insert("head", &codec::sealed_head(head)[..])?;
        let mut nodes = tx.open_table(ACCOUNT_NODES)?;
        for (place, family) in accounts {
            nodes.insert(node_key(place), &codec::family(family)[..])?;
        }
        let mut nodes = tx.open_table(POOL_NODES)?;
        for (place, family) in pools {
            nodes.insert(node_key(place), &codec::family(family)[..])?;
        }
        Ok(())
    }

    /// Opens the store of a folder, to write to it; [`View::open`] is for those who look.
    ///
    /// # Errors
    /// [`StoreError::Missing`] if there is none, [`StoreError::Busy`] while somebody else has it open,
    /// [`StoreError::Format`] if it is of another version, [`StoreError::Damaged`], and what the disk says.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = Self::file(folder);
        if !path.exists() {
            return Err(StoreError::Missing { path });
        }
        let handle = Handle::open(&path)?;
        let store = Self { path, handle: Arc::new(handle) };
        store.view()?;
        Ok(store)
    }

    /// The state as it is now, to be read while it moves on. The database stays open as long as the view lives.
    ///
    /// # Errors
    /// What the database says; [`StoreError::Format`].
    pub fn view(&self) -> Result<View, StoreError> {
        View::new(self.path.clone(), &self.handle)
    }

    /// Roots and counters.
    ///
    /// # Errors
    /// As [`Store::view`].
    pub fn head(&self) -> Result<Head, StoreError> {
        self.view()?.head()
    }

    fn damaged(&self, what: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), what }
    }

    /// One transaction of the database, on the disk when this returns.
    fn write<T, E: From<StoreError>>(&self, run: impl FnOnce(&WriteTransaction) -> Result<T, E>) -> Result<T, E> {
        let at = |e: StoreError| e.at(&self.path);
        guarded(&self.path, || {
            let mut tx = self.handle.write()?;
            tx.set_durability(Durability::Immediate).map_err(|e| at(e.into()))?;
            // After a crash nothing has to be walked through.
            tx.set_quick_repair(true);
            let result = run(&tx)?;
            tx.commit().map_err(|e| at(e.into()))?;
            Ok(result)
        })
    }

    /// Applies a batch without a proof that was executed on the state `before`; with one see [`Store::apply_proven`].
    ///
    /// # Errors
    /// [`StoreError::Moved`] if the state is another by now; [`PinError::NoKey`] for a proof. Then, and on any other error, nothing is changed.
    pub fn apply(&self, before: &Head, changes: &Changes, batch: &Batch) -> Result<(), StoreError> {
        if batch.proven.is_some() {
            return Err(PinError::NoKey { batch: changes.after.summary.batch_number }.into());
        }
        self.put_batch(before, changes, batch, |_| Ok(()))
    }

    /// Applies a batch, and `more` with it.
    fn put_batch(
        &self,
        before: &Head,
        changes: &Changes,
        batch: &Batch,
        more: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let view = self.view()?;
        let number = changes.after.summary.batch_number;
        let had = view.head()?;
        if had != *before || number != before.summary.batch_number + 1 {
            return Err(StoreError::Moved {
                had: had.summary.batch_number,
                had_root: had.state_root().into(),
                needed: before.summary.batch_number,
                needed_root: before.state_root().into(),
            });
        }
        let undo = Before {
            head: had,
            accounts: changes
                .accounts
                .range(..had.summary.next_account)
                .map(|(index, _)| Ok((*index, view.account(*index)?)))
                .collect::<Result<_, StoreError>>()?,
            pools: changes
                .pools
                .range(..had.summary.next_pool)
                .map(|(index, _)| Ok((*index, view.pool(*index)?)))
                .collect::<Result<_, StoreError>>()?,
        };
        let undo = codec::before(&undo).ok_or_else(|| self.damaged("an account without a key".into()))?;
        self.write(|tx| {
            self.put(tx, changes)?;
            more(tx)?;
            tx.open_table(BATCHES)?.insert(number, &batch.encode()[..])?;
            tx.open_table(DATA)?.insert(number, &batch.data[..])?;
            let mut list = tx.open_table(UNDO)?;
            list.insert(number, &undo[..])?;
            if let Some(old) = number.checked_sub(UNDO_BATCHES) {
                list.remove(old)?;
            }
            Ok(())
        })
        .map_err(|e: StoreError| e.at(&self.path))
    }

    fn put(&self, tx: &WriteTransaction, changes: &Changes) -> Result<(), StoreError> {
        self.put_accounts(tx, changes.accounts.iter().map(|(index, account)| (*index, account)))?;
        self.put_pools(tx, changes.pools.iter().map(|(index, pool)| (*index, pool)))?;
        let places = |families| std::collections::BTreeMap::iter(families).map(|(place, family)| (*place, family));
        self.finish(tx, &changes.after, places(&changes.account_families), places(&changes.pool_families))
    }

    /// Undoes the last batch and forgets it.
    ///
    /// # Errors
    /// [`StoreError::NoWayBack`] if there is none, or what it replaced is no longer kept; nothing is changed on any error.
    pub fn undo(&self) -> Result<Head, StoreError> {
        let view = self.view()?;
        let now = view.head()?;
        let number = now.summary.batch_number;
        let before = view.before(number)?.ok_or(StoreError::NoWayBack { batch: number })?;
        let mut part = view.part(&Touched::by_reverting(&before, &now))?;
        let changes = part.revert(&before).map_err(|e| self.damaged(e.to_string()))?;
        self.write(|tx| -> Result<(), StoreError> {
            self.put(tx, &changes)?;
            tx.open_table(ACCOUNTS)?.retain_in(changes.after.summary.next_account.., |_, _| false)?;
            tx.open_table(POOLS)?.retain_in(changes.after.summary.next_pool.., |_, _| false)?;
            for table in [BATCHES, DATA, UNDO] {
                tx.open_table(table)?.remove(number)?;
            }
            Ok(())
        })
        .map_err(|e| e.at(&self.path))?;
        Ok(changes.after)
    }

    /// As [`View::check`], of the state as it is now.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] says what is not as it should be.
    pub fn check(&self, done: impl Fn(u64)) -> Result<(), StoreError> {
        self.view()?.check(done)
    }
}

/// A transaction of the database that takes a stream.
struct Taking<'a> {
    store: &'a Store,
    tx: &'a WriteTransaction,
}

impl stream::Sink for Taking<'_> {
    type Error = StoreError;

    fn accounts(&mut self, first: u32, accounts: &[Account]) -> Result<(), StoreError> {
        self.store.put_accounts(self.tx, (first..).zip(accounts))
    }

    fn pools(&mut self, first: u32, pools: &[Pool]) -> Result<(), StoreError> {
        self.store.put_pools(self.tx, (first..).zip(pools))
    }
}
