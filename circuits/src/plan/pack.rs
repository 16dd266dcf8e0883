//! An order of transactions that fills a shape better (never the default: circuit order is file order).
//!
//! What may not be exchanged keeps its order: transactions that touch one account or one pool, deposits among themselves, transactions that
//! make accounts or pools among themselves, and the members of a bundle, which also stay neighbours. Then every signature stays valid and every
//! counter names what it named before. What remains open is chosen greedily: of all bundles whose turn may come, the one that passes over the fewest
//! slots, of those the one that adds the fewest accounts, pools, nodes and fee tokens to what the batch touches, and of those the first in the file.
//!
//! Limits that depend on when a transaction comes (an expiry, the slots that are free for a credit) are not looked at: whoever proposes the order
//! executes it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Needs, Open, PlanError, Start, split};
use crate::shape::Shape;
use crate::transaction::{Transaction, bundle};

/// How many bundles are looked at for each choice: enough to find every kind of slot in real traffic, and a bound on the time for long files.
const CHOICE: usize = 256;

/// Slots that a bundle passes over, then what it adds to what the batch touches.
type Cost = (usize, usize);

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

/// Reads and writes of one transaction: `true` for a write.
fn uses(tx: &Transaction, start: Start) -> Vec<(Resource, bool)> {
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
fn dependencies(transactions: &[Transaction], groups: &[Range<usize>], start: Start) -> Vec<BTreeSet<usize>> {
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
pub fn pack(shape: &Shape, start: Start, transactions: &[Transaction]) -> Result<Vec<usize>, PlanError> {
    let strict = split(shape, start, transactions)?.len();
    let needs: Vec<Needs> = transactions.iter().map(Needs::of).collect();
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
    let mut open = Open::new(shape, start);
    let mut batches = 1;
    while !ready.is_empty() {
        let mut best: Option<(Cost, usize)> = None;
        let at = open.at;
        for group in ready.iter().take(CHOICE) {
            let range = groups[*group].clone();
            let members = range.len();
            if open.take_all(range.start, &needs[range]).is_err() {
                continue;
            }
            let touched = open.at.added - at.added - members;
            let cost = (open.at.slot - at.slot - members, touched);
            open.back(at);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, *group));
                if cost == (0, 0) {
                    break;
                }
            }
        }
        let Some((_, group)) = best else {
            if at.slot == 0 {
                // Each bundle fits into an empty batch, as `split` above has found.
                return Ok((0..transactions.len()).collect());
            }
            open.next(start.operator, None);
            batches += 1;
            continue;
        };
        let range = groups[group].clone();
        if open.take_all(range.start, &needs[range]).is_err() {
            return Ok((0..transactions.len()).collect());
        }
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
