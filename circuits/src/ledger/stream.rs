//! State files as streams: written and read one account after the other, so that a state of millions of accounts needs not be in memory.
//!
//! What is read passes the same checks as [`Ledger::restore`](super::Ledger::restore) makes; of each account its leaf stays in memory, and
//! the nodes of the trees.

use std::cell::RefCell;
use std::fmt::{self, Display};
use std::io;

use ark_bn254::Fr;
use rayon::prelude::*;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tapstone_verifier::Element;
use thiserror::Error;

use super::snapshot::{AccountRecord, FORMAT, PoolRecord, Shares, SnapshotError, below, check_shares};
use super::{Head, NUMBER_LIMIT};
use crate::account::Account;
use crate::pool::Pool;
use crate::shape::check_depths;
use crate::tree::Tree;
use crate::witness::StateSummary;

/// Accounts that are read and hashed together.
const CHUNK: usize = 4096;

/// Writes a state as [`Ledger::snapshot`](super::Ledger::snapshot) would be, one account after the other.
///
/// # Errors
/// What the writer or the source of accounts and pools says.
pub fn write<E: Display>(
    head: &Head,
    accounts: impl Iterator<Item = Result<Account, E>>,
    pools: impl Iterator<Item = Result<Pool, E>>,
    to: impl io::Write,
) -> io::Result<()> {
    let StateSummary { batch_number, deposit_count, deposit_head, .. } = head.summary;
    let streamed = Streamed {
        format: FORMAT,
        chain_id: head.chain_id,
        account_depth: head.account_depth,
        pool_depth: head.pool_depth,
        batch_number,
        deposit_count,
        deposit_head: deposit_head.into(),
        state_root: head.state_root().into(),
        accounts: Sequence::new(accounts, |account| AccountRecord::of(&account)),
        pools: Sequence::new(pools, |pool| PoolRecord::of(&pool)),
    };
    Ok(serde_json::to_writer_pretty(to, &streamed)?)
}

/// The fields of a [`Snapshot`], in their order.
#[derive(Serialize)]
struct Streamed<A: Serialize, P: Serialize> {
    format: &'static str,
    chain_id: u32,
    account_depth: u8,
    pool_depth: u8,
    batch_number: u64,
    deposit_count: u64,
    deposit_head: Element,
    state_root: Element,
    accounts: A,
    pools: P,
}

/// A list that is serialised while it is produced; once.
struct Sequence<I, F>(RefCell<I>, F);

impl<I, F> Sequence<I, F> {
    fn new(items: I, record: F) -> Self {
        Self(RefCell::new(items), record)
    }
}

impl<T, E: Display, R: Serialize, I: Iterator<Item = Result<T, E>>, F: Fn(T) -> R> Serialize for Sequence<I, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for item in &mut *self.0.borrow_mut() {
            list.serialize_element(&(self.1)(item.map_err(S::Error::custom)?))?;
        }
        list.end()
    }
}

/// Takes what a stream holds, in order.
pub trait Sink {
    /// Why it does not.
    type Error;

    /// Takes accounts, the first of which has this index.
    fn accounts(&mut self, first: u32, accounts: &[Account]) -> Result<(), Self::Error>;
    /// Takes pools, the first of which has this index.
    fn pools(&mut self, first: u32, pools: &[Pool]) -> Result<(), Self::Error>;
}

/// Takes nothing: to check a file, and see its head.
impl Sink for () {
    type Error = std::convert::Infallible;

    fn accounts(&mut self, _: u32, _: &[Account]) -> Result<(), Self::Error> {
        Ok(())
    }

    fn pools(&mut self, _: u32, _: &[Pool]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// What was read, apart from what the sink took.
#[derive(Debug)]
pub struct Read {
    /// Parameters, roots and counters.
    pub head: Head,
    /// The tree of the accounts.
    pub account_tree: Tree,
    /// The tree of the pools.
    pub pool_tree: Tree,
}

/// Why a stream is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// It is not JSON of this form, or cannot be read.
    #[error("not a state: {0}")]
    Json(serde_json::Error),
    /// It breaks an invariant.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// What it holds was not taken.
    #[error("{0}")]
    Sink(E),
}

/// Reads a state file; of `sink` nothing counts if this fails.
///
/// # Errors
/// [`ReadError`], for what [`Ledger::restore`](super::Ledger::restore) refuses as well, and for a file whose accounts come before its format.
pub fn read<S: Sink>(from: impl io::Read, sink: &mut S) -> Result<Read, ReadError<S::Error>> {
    let mut reader = Reader {
        sink,
        failure: None,
        fields: Fields::default(),
        leaves: Vec::new(),
        pools: Vec::new(),
        shares: Shares::default(),
    };
    let mut json = serde_json::Deserializer::from_reader(from);
    let done = (&mut reader).deserialize(&mut json).and_then(|()| json.end());
    match (done, reader.failure.take()) {
        (_, Some(failure)) => Err(failure),
        (Err(e), None) => Err(ReadError::Json(e)),
        (Ok(()), None) => reader.finish().map_err(ReadError::Snapshot),
    }
}

/// The fields that stand for themselves.
#[derive(Default)]
struct Fields {
    format: Option<String>,
    chain_id: Option<u32>,
    account_depth: Option<u8>,
    pool_depth: Option<u8>,
    batch_number: Option<u64>,
    deposit_count: Option<u64>,
    deposit_head: Option<Element>,
    state_root: Option<Element>,
    accounts: Option<()>,
    pools: Option<()>,
}

struct Reader<'a, S: Sink> {
    sink: &'a mut S,
    /// What ended the reading, where it was not the JSON.
    failure: Option<ReadError<S::Error>>,
    fields: Fields,
    leaves: Vec<Fr>,
    pools: Vec<Pool>,
    shares: Shares,
}

impl<S: Sink> Reader<'_, S> {
    /// Remembers why, and gives an error that ends the reading.
    fn fail<T, E: serde::de::Error>(&mut self, failure: ReadError<S::Error>) -> Result<T, E> {
        self.failure = Some(failure);
        Err(E::custom("refused"))
    }

    fn take_accounts(&mut self, records: &mut Vec<AccountRecord>) -> Result<(), ReadError<S::Error>> {
        let first = self.leaves.len();
        let accounts: Vec<Account> = records
            .par_drain(..)
            .enumerate()
            .map(|(i, record)| record.read(first + i))
            .collect::<Result<_, _>>()
            .map_err(ReadError::Snapshot)?;
        accounts.iter().for_each(|account| self.shares.add(account));
        self.leaves.par_extend(accounts.par_iter().map(Account::leaf_hash));
        // No tree has 2^32 leaves: the depth was checked, and the number is.
        below("number of accounts", self.leaves.len() as u64, self.capacity() + 1).map_err(ReadError::Snapshot)?;
        self.sink.accounts(first as u32, &accounts).map_err(ReadError::Sink)
    }

    fn capacity(&self) -> u64 {
        1 << (3 * self.fields.account_depth.unwrap_or_default())
    }

    fn finish(self) -> Result<Read, SnapshotError> {
        let missing = |field| SnapshotError::Missing { field };
        let f = self.fields;
        let (account_depth, pool_depth) =
            (f.account_depth.ok_or(missing("account_depth"))?, f.pool_depth.ok_or(missing("pool_depth"))?);
        let (batch_number, deposit_count) =
            (f.batch_number.ok_or(missing("batch_number"))?, f.deposit_count.ok_or(missing("deposit_count"))?);
        let needed = f.state_root.ok_or(missing("state_root"))?;
        let deposit_head = f.deposit_head.ok_or(missing("deposit_head"))?.into();
        let chain_id = f.chain_id.ok_or(missing("chain_id"))?;
        f.accounts.ok_or(missing("accounts"))?;
        f.pools.ok_or(missing("pools"))?;
        below("batch_number", batch_number, NUMBER_LIMIT)?;
        below("deposit_count", deposit_count, NUMBER_LIMIT)?;
        check_shares(self.shares, &self.pools)?;
        // Below the capacities, which are at most 2^30.
        let (next_account, next_pool) = (self.leaves.len() as u32, self.pools.len() as u32);
        let account_tree = Tree::from_leaves(account_depth, Account::EMPTY.leaf_hash(), self.leaves);
        let pool_tree = Tree::from_leaves(pool_depth, Pool::EMPTY.leaf_hash(), self.pools.iter().map(Pool::leaf_hash));
        let (account_root, pool_root) = (account_tree.root(), pool_tree.root());
        let summary =
            StateSummary { account_root, pool_root, deposit_head, next_account, next_pool, deposit_count, batch_number };
        let head = Head { chain_id, account_depth, pool_depth, summary };
        let had = Element::from(head.state_root());
        if had != needed {
            return Err(SnapshotError::Root { had, needed });
        }
        Ok(Read { head, account_tree, pool_tree })
    }
}

impl<'de, S: Sink> DeserializeSeed<'de> for &mut Reader<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

/// The names of the fields.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    Format,
    ChainId,
    AccountDepth,
    PoolDepth,
    BatchNumber,
    DepositCount,
    DepositHead,
    StateRoot,
    Accounts,
    Pools,
}

impl<'de, S: Sink> Visitor<'de> for &mut Reader<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a state")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Name>()? {
            let f = &mut self.fields;
            match name {
                Name::Format => {
                    let format: String = once(&mut f.format, "format", map.next_value()?)?;
                    if format != FORMAT {
                        let had = format.chars().take(48).collect();
                        return self.fail(ReadError::Snapshot(SnapshotError::Format { had }));
                    }
                }
                Name::ChainId => _ = once(&mut f.chain_id, "chain_id", map.next_value()?)?,
                Name::AccountDepth => _ = once(&mut f.account_depth, "account_depth", map.next_value()?)?,
                Name::PoolDepth => _ = once(&mut f.pool_depth, "pool_depth", map.next_value()?)?,
                Name::BatchNumber => _ = once(&mut f.batch_number, "batch_number", map.next_value()?)?,
                Name::DepositCount => _ = once(&mut f.deposit_count, "deposit_count", map.next_value()?)?,
                Name::DepositHead => _ = once(&mut f.deposit_head, "deposit_head", map.next_value()?)?,
                Name::StateRoot => _ = once(&mut f.state_root, "state_root", map.next_value()?)?,
                Name::Accounts => {
                    once(&mut f.accounts, "accounts", ())?;
                    if f.format.is_none() {
                        return Err(A::Error::custom("the format must come before the accounts"));
                    }
                    let depths = (f.account_depth.unwrap_or_default(), f.pool_depth.unwrap_or_default());
                    if let Err(e) = check_depths(depths.0, depths.1) {
                        return self.fail(ReadError::Snapshot(e.into()));
                    }
                    map.next_value_seed(Accounts(self))?;
                }
                Name::Pools => {
                    once(&mut f.pools, "pools", ())?;
                    let records: Vec<PoolRecord> = map.next_value()?;
                    let pools = records.iter().enumerate().map(|(i, record)| record.read(i)).collect::<Result<_, _>>();
                    self.pools = match pools {
                        Ok(pools) => pools,
                        Err(e) => return self.fail(ReadError::Snapshot(e)),
                    };
                    let capacity = 1u64 << (3 * self.fields.pool_depth.unwrap_or_default().min(20));
                    if let Err(e) = below("number of pools", self.pools.len() as u64, capacity + 1) {
                        return self.fail(ReadError::Snapshot(e));
                    }
                    if let Err(e) = self.sink.pools(0, &self.pools) {
                        return self.fail(ReadError::Sink(e));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Sets a field that must not be there twice; gives the value back.
fn once<T: Clone, E: serde::de::Error>(field: &mut Option<T>, name: &'static str, value: T) -> Result<T, E> {
    if field.replace(value.clone()).is_some() {
        return Err(E::duplicate_field(name));
    }
    Ok(value)
}

/// The list of accounts.
struct Accounts<'a, 'b, S: Sink>(&'a mut Reader<'b, S>);

impl<'de, S: Sink> DeserializeSeed<'de> for Accounts<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Accounts<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of accounts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut records = Vec::with_capacity(CHUNK);
        loop {
            let next = list.next_element::<AccountRecord>()?;
            let last = next.is_none();
            records.extend(next);
            let full = records.len() == CHUNK || (last && !records.is_empty());
            if full && let Err(e) = self.0.take_accounts(&mut records) {
                return self.0.fail(e);
            }
            if last {
                return Ok(());
            }
        }
    }
}
