//! [`Task`]: one batch to be proven, as the planner hands it to a worker.
//!
//! It carries the transactions and the part of the state that they touch, not the witness: the worker executes the batch again, in
//! milliseconds, and so has the [`Executed`] from the ledger itself. Of a task nothing is believed. The nodes are checked against the roots, the
//! signatures by execution, and what comes out must be the statement that the task names.
//!
//! ```text
//! tapstone-task/1\n | circuit version 4 | length 1, name of the shape | statement 224
//! length 4, batch file (header and transactions)
//! head | count 4, accounts (index 4, account) | count 4, pools (index 4, pool)
//! count 4, nodes of the account tree (level 1, parent 4, family) | count 4, nodes of the pool tree
//! ```
//!
//! Numbers are little-endian; head, account, pool and family are written as the store of a chain writes them; indices and places ascend. A task has
//! one encoding: bytes that decode to a task that is written otherwise are refused.

use std::collections::BTreeMap;

use tapstone_circuits::account::Account;
use tapstone_circuits::file::{self, Header};
use tapstone_circuits::ledger::{Executed, Head, Part, Source, Touched};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::tree::{Family, Place};
use tapstone_verifier::{Element, Statement};

use super::error::TaskError;
use crate::store::codec;

/// Name and version of the format.
const FORMAT: &[u8; 16] = b"tapstone-task/1\n";
/// The longest task that is read, in bytes: a batch of the largest registered shape has less than a tenth of it.
pub const MAX_TASK: usize = 16 << 20;

/// A batch to be proven: transactions, the part of the state that they touch, and what the proof is to claim.
#[derive(Clone, Debug)]
pub struct Task {
    shape: Shape,
    operator: u32,
    transactions: Vec<Transaction>,
    part: Part,
    statement: Statement,
}

impl Task {
    /// The task of a batch that was executed on this part of the state, as [`Part::execute_parts`] gives them.
    pub fn new(shape: &Shape, operator: u32, transactions: &[Transaction], part: Part, statement: Statement) -> Self {
        Self { shape: shape.clone(), operator, transactions: transactions.to_vec(), part, statement }
    }

    /// What the proof is to claim.
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The shape.
    pub const fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The transactions.
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// Executes the batch, and compares what comes out with the statement.
    ///
    /// # Errors
    /// [`TaskError::Execute`] if the batch is refused, [`TaskError::Outcome`] if it gives another statement.
    pub fn execute(&self) -> Result<Executed, TaskError> {
        let executed = self.part.clone().execute(&self.shape, self.operator, &self.transactions)?;
        let (had, needed) = (executed.statement(), &self.statement);
        for (field, differs) in [
            ("chain_id", had.chain_id != needed.chain_id),
            ("batch_number", had.batch_number != needed.batch_number),
            ("pre_state_root", had.pre_state_root != needed.pre_state_root),
            ("post_state_root", had.post_state_root != needed.post_state_root),
            ("data_hash", had.data_hash != needed.data_hash),
            ("deposit_head", had.deposit_head != needed.deposit_head),
            ("withdrawals_root", had.withdrawals_root != needed.withdrawals_root),
        ] {
            if differs {
                return Err(TaskError::Outcome { field });
            }
        }
        Ok(executed)
    }

    fn header(&self, head: &Head) -> Header {
        Header {
            chain_id: head.chain_id,
            batch: head.summary.batch_number.saturating_add(1),
            pre_state_root: head.state_root(),
            operator: self.operator,
        }
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`TaskError::TooLong`] for a task that nobody would read; [`TaskError::Value`] for an account without a key, which no state holds.
    pub fn encode(&self) -> Result<Vec<u8>, TaskError> {
        let head = self.part.head();
        let mut bytes = FORMAT.to_vec();
        bytes.extend(CIRCUIT_VERSION.to_le_bytes());
        let name = self.shape.name.as_bytes();
        bytes.push(u8::try_from(name.len()).map_err(|_| TaskError::Shape { had: self.shape.name.clone() })?);
        bytes.extend(name);
        bytes.extend(self.statement.to_bytes());
        let file = file::to_jsonl(&self.header(&head), &self.transactions);
        put_count(&mut bytes, file.len())?;
        bytes.extend(file.as_bytes());
        bytes.extend(codec::head(&head));
        put_count(&mut bytes, self.part.accounts().len())?;
        for (index, account) in self.part.accounts() {
            bytes.extend(index.to_le_bytes());
            bytes.extend(codec::account(account).ok_or(TaskError::Value { what: "an account without a key" })?);
        }
        put_count(&mut bytes, self.part.pools().len())?;
        for (index, pool) in self.part.pools() {
            bytes.extend(index.to_le_bytes());
            bytes.extend(codec::pool(pool));
        }
        put_families(&mut bytes, self.part.account_families().collect())?;
        put_families(&mut bytes, self.part.pool_families().collect())?;
        if bytes.len() > MAX_TASK {
            return Err(TaskError::TooLong { had: bytes.len(), largest: MAX_TASK });
        }
        Ok(bytes)
    }

    /// Reads a task for a shape, from somebody who is not trusted: what is returned can be executed without a panic.
    ///
    /// # Errors
    /// [`TaskError`] says what is wrong with it.
    pub fn decode(bytes: &[u8], shape: &Shape) -> Result<Self, TaskError> {
        if bytes.len() > MAX_TASK {
            return Err(TaskError::TooLong { had: bytes.len(), largest: MAX_TASK });
        }
        let mut from = Reader { rest: bytes };
        if from.slice(FORMAT.len(), "its format").ok() != Some(&FORMAT[..]) {
            return Err(TaskError::Format);
        }
        let version = from.number("the circuit version")?;
        if version != CIRCUIT_VERSION {
            return Err(TaskError::CircuitVersion { had: version });
        }
        let [length] = from.take("the name of the shape")?;
        let name = from.slice(length.into(), "the name of the shape")?;
        if name != shape.name.as_bytes() {
            let had = String::from_utf8_lossy(name).into_owned();
            return Err(TaskError::OtherShape { had, needed: shape.name.clone() });
        }
        let statement = Statement::from_bytes(from.slice(Statement::BYTES, "the statement")?)?;
        let length = from.number("the transactions")?;
        let (header, transactions) = read_transactions(from.slice(length as usize, "the transactions")?, shape)?;
        let head = from.slice(codec::HEAD, "the head")?;
        let head = codec::read_head(head).ok_or(TaskError::Value { what: "the head" })?;
        let (had, needed) = ((head.account_depth, head.pool_depth), (shape.account_depth, shape.pool_depth));
        if had != needed {
            let text = |(accounts, pools): (u8, u8)| format!("{accounts} for accounts and {pools} for pools");
            return Err(mismatch("depth of trees", text(had), text(needed)));
        }
        head.check_counters()?;
        let held = Held {
            head,
            accounts: from.records("an account", codec::ACCOUNT, codec::read_account)?,
            pools: from.records("a pool", codec::POOL, codec::read_pool)?,
            account_families: from.families("nodes of the account tree")?,
            pool_families: from.families("nodes of the pool tree")?,
        };
        if !from.rest.is_empty() {
            return Err(TaskError::Length { what: "its end" });
        }
        // Just what these transactions touch is loaded; whatever else there is shows when the task is written again.
        let part = Part::load(&held, &Touched::by(header.operator, &transactions))?;
        part.check()?;
        let task = Self { shape: shape.clone(), operator: header.operator, transactions, part, statement };
        if task.header(&head) != header {
            let root = |header: &Header| Element::from(header.pre_state_root);
            let text = |header: &Header| format!("chain {} batch {} on {}", header.chain_id, header.batch, root(header));
            return Err(mismatch("batch", text(&header), text(&task.header(&head))));
        }
        if task.encode()? != bytes {
            return Err(TaskError::NotCanonical);
        }
        Ok(task)
    }
}

fn mismatch(what: &'static str, had: String, needed: String) -> TaskError {
    TaskError::Mismatch { what, had, needed }
}

/// No more transactions than the shape has slots are read.
fn read_transactions(text: &[u8], shape: &Shape) -> Result<(Header, Vec<Transaction>), TaskError> {
    let refused = |error: file::FileError| TaskError::Transactions(error.to_string());
    let mut reader = file::Reader::new(text).map_err(refused)?;
    let header = *reader.header();
    let slots = shape.slots.len();
    let transactions: Vec<Transaction> = reader.by_ref().take(slots).collect::<Result<_, _>>().map_err(refused)?;
    if reader.next().is_some() {
        return Err(TaskError::Transactions(format!("there are more than the {slots} that the shape has slots for")));
    }
    Ok((header, transactions))
}

fn put_count(bytes: &mut Vec<u8>, count: usize) -> Result<(), TaskError> {
    let count = u32::try_from(count).map_err(|_| TaskError::TooLong { had: count, largest: MAX_TASK })?;
    bytes.extend(count.to_le_bytes());
    Ok(())
}

fn put_families(bytes: &mut Vec<u8>, families: BTreeMap<Place, &Family>) -> Result<(), TaskError> {
    put_count(bytes, families.len())?;
    for (place, family) in families {
        bytes.push(place.level);
        bytes.extend(place.parent.to_le_bytes());
        bytes.extend(codec::family(family));
    }
    Ok(())
}

/// What a task says of the state, not yet checked.
struct Held {
    head: Head,
    accounts: BTreeMap<u32, Account>,
    pools: BTreeMap<u32, Pool>,
    account_families: BTreeMap<Place, Family>,
    pool_families: BTreeMap<Place, Family>,
}

impl Source for Held {
    type Error = TaskError;

    fn head(&self) -> Result<Head, TaskError> {
        Ok(self.head)
    }

    fn account(&self, index: u32) -> Result<Account, TaskError> {
        self.accounts.get(&index).cloned().ok_or(TaskError::Lacks { what: "an account" })
    }

    fn pool(&self, index: u32) -> Result<Pool, TaskError> {
        self.pools.get(&index).copied().ok_or(TaskError::Lacks { what: "a pool" })
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, TaskError> {
        self.account_families.get(&place).copied().map(Some).ok_or(TaskError::Lacks { what: "nodes of the account tree" })
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, TaskError> {
        self.pool_families.get(&place).copied().map(Some).ok_or(TaskError::Lacks { what: "nodes of the pool tree" })
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], TaskError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(TaskError::Length { what })?;
        self.rest = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], TaskError> {
        self.slice(N, what)?.try_into().map_err(|_| TaskError::Length { what })
    }

    fn number(&mut self, what: &'static str) -> Result<u32, TaskError> {
        Ok(u32::from_le_bytes(self.take(what)?))
    }

    /// A count, and so many records behind their indices. A count that promises more than there is ends at the end of the bytes.
    fn records<T>(
        &mut self,
        what: &'static str,
        bytes: usize,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<BTreeMap<u32, T>, TaskError> {
        let mut records = BTreeMap::new();
        for _ in 0..self.number(what)? {
            let index = self.number(what)?;
            records.insert(index, read(self.slice(bytes, what)?).ok_or(TaskError::Value { what })?);
        }
        Ok(records)
    }

    fn families(&mut self, what: &'static str) -> Result<BTreeMap<Place, Family>, TaskError> {
        let mut families = BTreeMap::new();
        for _ in 0..self.number(what)? {
            let [level] = self.take(what)?;
            let place = Place { level, parent: self.number(what)? };
            let family = codec::read_family(self.slice(codec::FAMILY, what)?).ok_or(TaskError::Value { what })?;
            families.insert(place, family);
        }
        Ok(families)
    }
}
