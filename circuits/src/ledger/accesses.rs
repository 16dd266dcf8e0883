//! What a batch touched, as its circuit is given it: how old each read is, cells and nodes (MEMORY.md).
//!
//! Slot number s has the times 2 s + 1 and 2 s + 2: a pair slot for sender and recipient, a single slot for its pool and its account. The operator's access
//! is the last. In an open batch each segment goes on where the one before it ended, the time of the operator's access included.

use ark_bn254::Fr;

use super::{Ledger, PoolChange};
use crate::account::Account;
use crate::memory::access::{Access, Log, PoolRead};
use crate::memory::constraints::{Roots, StateWitness};
use crate::memory::node::TreeKind;
use crate::memory::touched;
use crate::tree::Opened;
use crate::witness::{LeafAccess, SingleWitness, SlotWitness, StateSummary};

/// Completes the accesses of a batch that was executed, and gives what it touched, without padding. `after` is the ledger afterwards, `opened` what its trees
/// opened.
pub(super) fn remember(
    (slots, operator): (&mut [SlotWitness], &mut LeafAccess),
    pool_changes: &[PoolChange],
    after: &Ledger,
    opened: &[Opened; 2],
    before: &StateSummary,
) -> StateWitness {
    let mut log = Accesses::new(after, pool_changes);
    log.slots(slots, operator, true);
    log.state(opened, before)
}

/// The accesses of a batch while its slots are read.
pub(super) struct Accesses<'a> {
    after: &'a Ledger,
    pool_changes: std::slice::Iter<'a, PoolChange>,
    time: u32,
    accounts: Log<[Fr; 8]>,
    pools: Log<PoolRead>,
}

impl<'a> Accesses<'a> {
    /// None yet. `after` is the ledger after the batch.
    pub(super) fn new(after: &'a Ledger, pool_changes: &'a [PoolChange]) -> Self {
        Self { after, pool_changes: pool_changes.iter(), time: 0, accounts: Log::default(), pools: Log::default() }
    }

    /// Completes the accesses of slots that follow, and of the operator after them, who may have none: `acts`.
    pub(super) fn slots(&mut self, slots: &mut [SlotWitness], operator: &mut LeafAccess, acts: bool) {
        for slot in slots {
            match slot {
                SlotWitness::Pair(pair) => {
                    let active = pair.tx.is_some();
                    self.account(&mut pair.sender, active);
                    self.account(&mut pair.recipient, active);
                }
                SlotWitness::Single(single) => {
                    self.pool(single);
                    let active = single.accesses_account();
                    self.account(&mut single.account, active);
                }
            }
        }
        self.account(operator, acts);
    }

    /// What was touched, with what the trees opened, without padding.
    pub(super) fn state(self, [accounts, pools]: &[Opened; 2], before: &StateSummary) -> StateWitness {
        let nodes = touched::nodes(TreeKind::Account, accounts).chain(touched::nodes(TreeKind::Pool, pools));
        StateWitness {
            accounts: self.accounts.cells(),
            pools: self.pools.cells(),
            nodes: nodes.collect(),
            pools_touched: !self.pools.leaves().is_empty(),
            before: Roots { account: before.account_root, pool: before.pool_root },
            after: Roots { account: accounts.root, pool: pools.root },
        }
    }

    /// An access to an account. What it leaves behind, the next access to it shows; what is there in the end, the ledger says.
    fn account(&mut self, access: &mut LeafAccess, active: bool) {
        self.time += 1;
        if active {
            let last = self.after.account(access.index).unwrap_or(&Account::EMPTY).leaf_elements();
            let seen = self.accounts.access(access.index, self.time, || access.before.leaf_elements(), |_| last);
            access.gap = Fr::from(seen.expect("times go up").gap);
        }
    }

    /// The access to a pool of a single slot: transactions that were applied changed one each, in order.
    fn pool(&mut self, slot: &mut SingleWitness) {
        self.time += 1;
        if slot.tx.as_ref().is_some_and(|tx| tx.uses_pool())
            && let Some(change) = self.pool_changes.next()
        {
            let (before, after) = (PoolRead::from(&change.before), PoolRead::from(&change.after));
            let seen = self.pools.access(change.index, self.time, || before, |_| after).expect("times go up");
            let (index, gap) = (Fr::from(change.index), Fr::from(seen.gap));
            slot.pool = Access { index, gap, active: true, read: seen.read };
        }
    }
}
