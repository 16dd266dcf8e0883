//! Cutting transactions into batches of a shape (PROTOCOL.md, section 11).

use std::collections::BTreeSet;

use thiserror::Error;

use crate::shape::{Shape, SlotKind};
use crate::transaction::Transaction;

/// The slots of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// For each slot the index of its transaction in the list that was split, `None` for padding.
    pub slots: Vec<Option<usize>>,
}

impl Planned {
    /// The transactions of the batch, a range of the list that was split.
    pub fn transactions(&self) -> std::ops::Range<usize> {
        let mut used = self.slots.iter().flatten();
        let first = used.next().copied().unwrap_or(0);
        first..first + self.slots.iter().flatten().count()
    }
}

/// A transaction that no batch of the shape can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The shape has no slot of the kind.
    #[error("transaction {index} needs a slot of kind {}, the shape has none", kind.letter())]
    NoSlot {
        /// The transaction's index in the list.
        index: usize,
        /// The slot that it needs.
        kind: SlotKind,
    },
    /// The shape has no pools.
    #[error("transaction {index} touches a pool, batches of the shape touch none")]
    NoPools {
        /// The transaction's index in the list.
        index: usize,
    },
    /// The shape has no fee tokens.
    #[error("transaction {index} charges a fee, batches of the shape charge none")]
    NoFees {
        /// The transaction's index in the list.
        index: usize,
    },
}

impl PlanError {
    /// The transaction's index in the list.
    pub const fn index(&self) -> usize {
        match self {
            Self::NoSlot { index, .. } | Self::NoPools { index } | Self::NoFees { index } => *index,
        }
    }
}

/// A batch that is being filled.
struct Open {
    slots: Vec<Option<usize>>,
    /// The first slot that is not passed yet.
    next: usize,
    pools: BTreeSet<u32>,
    fee_tokens: BTreeSet<u32>,
}

impl Open {
    fn new(shape: &Shape) -> Self {
        Self { slots: vec![None; shape.slots.len()], next: 0, pools: BTreeSet::new(), fee_tokens: BTreeSet::new() }
    }

    /// The slot that a transaction would take.
    fn slot(&self, shape: &Shape, tx: &Transaction) -> Option<usize> {
        let kind = tx.slot_kind();
        shape.slots.iter().skip(self.next).position(|slot| *slot == kind).map(|offset| self.next + offset)
    }
}

fn has_room(set: &BTreeSet<u32>, entry: Option<u32>, most: usize) -> bool {
    entry.is_none_or(|entry| set.contains(&entry) || set.len() < most)
}

/// Cuts transactions into batches: each takes the next slot of its kind, and a new batch starts where there is none, or where
/// the batch would touch more pools or charge fees in more tokens than the shape has.
///
/// `next_pool` is the state's counter before the first of them: it names the pools that `create_pool` makes.
///
/// # Errors
/// [`PlanError`] for a transaction that not even an empty batch can hold.
pub fn split(shape: &Shape, mut next_pool: u32, transactions: &[Transaction]) -> Result<Vec<Planned>, PlanError> {
    let mut batches = Vec::new();
    let mut open = Open::new(shape);
    for (index, tx) in transactions.iter().enumerate() {
        let pool = match tx {
            Transaction::CreatePool { .. } => {
                let made = next_pool;
                next_pool = next_pool.saturating_add(1);
                Some(made)
            }
            _ => tx.pool(),
        };
        let fee_token = tx.signed().map(|signed| signed.fee_token.get()).filter(|token| *token != 0);
        let fits = |open: &Open| {
            let slot = open.slot(shape, tx).ok_or(PlanError::NoSlot { index, kind: tx.slot_kind() })?;
            if !has_room(&open.pools, pool, shape.pools) {
                return Err(PlanError::NoPools { index });
            }
            if !has_room(&open.fee_tokens, fee_token, shape.fee_tokens) {
                return Err(PlanError::NoFees { index });
            }
            Ok(slot)
        };
        let slot = match fits(&open) {
            Ok(slot) => slot,
            Err(_) => {
                let fresh = Open::new(shape);
                let slot = fits(&fresh)?;
                batches.push(Planned { slots: std::mem::replace(&mut open, fresh).slots });
                slot
            }
        };
        open.slots[slot] = Some(index);
        open.next = slot + 1;
        open.pools.extend(pool);
        open.fee_tokens.extend(fee_token);
    }
    if open.next > 0 {
        batches.push(Planned { slots: open.slots });
    }
    Ok(batches)
}

#[cfg(test)]
mod tests;
