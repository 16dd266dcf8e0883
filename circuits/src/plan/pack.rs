//! An order of transactions that fills a shape better (never the default: circuit order is file order).
//!
//! What may not be exchanged keeps its order: transactions that touch one account or one pool, deposits among themselves, transactions that
//! make accounts or pools among themselves, and the members of a bundle, which also stay neighbours. Then every signature stays valid and every
//! counter names what it named before. What remains open is chosen greedily: of all bundles whose turn may come, the one that passes over the fewest
//! slots, and of those the first in the file.
//!
//! Limits that depend on when a transaction comes (an expiry, the slots that are free for a credit) are not looked at: whoever proposes the order
//! executes it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Open, PlanError, split};
use crate::shape::Shape;
use crate::transaction::{Transaction, bundle};

/// How many bundles are looked at for each choice: enough to find every kind of slot in real traffic, and a bound on the time for long files.
const CHOICE: usize = 256;

/// What transactions contend for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Resource {
    Account(u32),
    Pool(u32),
    /// The counter of accounts: written by what makes one, read by what names one that was not there at the start.
    Accounts,
    /// The counter of pools, likewise.
    Pools,
    /// The deposit queue.
    Queue,
}

/// Where the counters stand before the first transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// The next account's index.
    pub next_account: u32,
    /// The next pool's index.
    pub next_pool: u32,
}

/// Reads and writes of one transaction: `true` for a write.
fn uses(tx: &Transaction, start: Counters) -> Vec<(Resource, bool)> {
    let mut list = Vec::new();
    let recipient = match tx {
        Transaction::Transfer { to, .. } => Some(*to),
        _ => None,
    };
    for account in tx.account().into_iter().chain(recipient) {
        list.push((Resource::Account(account), true));
        if account >= start.next_account {
            list.push((Resource::Accounts, false));
        }
    }
    if let Some(pool) = tx.pool() {
        list.push((Resource::Pool(pool), true));
        if pool >= start.next_pool {
            list.push((Resource::Pools, false));
        }
    }
    match tx {
        Transaction::TransferNew { .. } => list.push((Resource::Accounts, true)),
        Transaction::DepositNew { .. } => list.extend([(Resource::Accounts, true), (Resource::Queue, true)]),
        Transaction::Deposit { .. } => list.push((Resource::Queue, true)),
        Transaction::CreatePool { .. } => list.push((Resource::Pools, true)),
        _ => {}
    }
    list
}

/// For each bundle the bundles that must come before it, directly.
fn dependencies(transactions: &[Transaction], groups: &[Range<usize>], start: Counters) -> Vec<BTreeSet<usize>> {
    #[derive(Default)]
    struct Last {
        writer: Option<usize>,
        readers: Vec<usize>,
    }
    let mut last: BTreeMap<Resource, Last> = BTreeMap::new();
    let mut before = vec![BTreeSet::new(); groups.len()];
    for (group, range) in groups.iter().enumerate() {
        for (resource, writes) in transactions[range.clone()].iter().flat_map(|tx| uses(tx, start)) {
            let entry = last.entry(resource).or_default();
            before[group].extend(entry.writer.filter(|writer| *writer != group));
            if writes {
                before[group].extend(entry.readers.drain(..).filter(|reader| *reader != group));
                entry.writer = Some(group);
            } else {
                entry.readers.push(group);
            }
        }
    }
    before
}

/// The transactions' indices in an order that needs no more batches than the file's own, and fewer where the greedy choice finds a way.
///
/// # Errors
/// [`PlanError`] for a transaction, or a bundle, that not even an empty batch can hold.
pub fn pack(shape: &Shape, start: Counters, transactions: &[Transaction]) -> Result<Vec<usize>, PlanError> {
    let strict = split(shape, start.next_pool, transactions)?.len();
    let groups: Vec<Range<usize>> = bundle::groups(transactions).collect();
    let before = dependencies(transactions, &groups, start);
    let mut missing: Vec<usize> = before.iter().map(BTreeSet::len).collect();
    let mut after = vec![Vec::new(); groups.len()];
    for (group, list) in before.iter().enumerate() {
        for earlier in list {
            after[*earlier].push(group);
        }
    }
    let mut ready: BTreeSet<usize> = (0..groups.len()).filter(|group| missing[*group] == 0).collect();
    let mut order = Vec::with_capacity(transactions.len());
    let mut open = Open::new(shape);
    let mut next_pool = start.next_pool;
    let mut batches = 1;
    while !ready.is_empty() {
        let mut best: Option<(usize, usize, Open, u32)> = None;
        for group in ready.iter().take(CHOICE) {
            let members: Vec<_> = groups[*group].clone().zip(&transactions[groups[*group].clone()]).collect();
            let Ok((taken, pools)) = open.with(shape, &members, next_pool) else { continue };
            let passed_over = taken.next - open.next - members.len();
            if best.as_ref().is_none_or(|(least, ..)| passed_over < *least) {
                let perfect = passed_over == 0;
                best = Some((passed_over, *group, taken, pools));
                if perfect {
                    break;
                }
            }
        }
        let Some((_, group, taken, pools)) = best else {
            if open.next == 0 {
                // Each bundle fits into an empty batch, as `split` above has found.
                return Ok((0..transactions.len()).collect());
            }
            (open, batches) = (Open::new(shape), batches + 1);
            continue;
        };
        (open, next_pool) = (taken, pools);
        order.extend(groups[group].clone());
        ready.remove(&group);
        for later in &after[group] {
            missing[*later] -= 1;
            if missing[*later] == 0 {
                ready.insert(*later);
            }
        }
    }
    if batches < strict { Ok(order) } else { Ok((0..transactions.len()).collect()) }
}
