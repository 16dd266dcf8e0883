//! Cutting transactions into batches of a shape (PROTOCOL.md, section 11), and [`pack`]: an order that fills it better.

pub mod pack;

use std::collections::BTreeSet;

use thiserror::Error;

use crate::shape::{Shape, SlotKind};
use crate::transaction::{Transaction, bundle};

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
    /// A bundle of several that no batch of the shape holds as a whole.
    #[error(
        "the bundle of transactions {first} to {last} does not fit into one batch of the shape: there is no room for transaction {index}"
    )]
    Bundle {
        /// The first member's index in the list.
        first: usize,
        /// The last member's.
        last: usize,
        /// The member that there is no room for.
        index: usize,
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
    /// The same error, when the list that was split starts `by` transactions later.
    pub(crate) fn shifted(self, by: usize) -> Self {
        match self {
            Self::NoSlot { index, kind } => Self::NoSlot { index: index + by, kind },
            Self::Bundle { first, last, index } => Self::Bundle { first: first + by, last: last + by, index: index + by },
            Self::NoPools { index } => Self::NoPools { index: index + by },
            Self::NoFees { index } => Self::NoFees { index: index + by },
        }
    }

    /// The transaction's index in the list.
    pub const fn index(&self) -> usize {
        match self {
            Self::NoSlot { index, .. } | Self::Bundle { index, .. } | Self::NoPools { index } | Self::NoFees { index } => {
                *index
            }
        }
    }
}

/// A batch that is being filled.
#[derive(Clone)]
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

    /// Takes a transaction, or says what there is no room for.
    fn take(&mut self, shape: &Shape, index: usize, tx: &Transaction, next_pool: &mut u32) -> Result<(), PlanError> {
        let kind = tx.slot_kind();
        let offset = shape.slots.iter().skip(self.next).position(|slot| *slot == kind);
        let slot = self.next + offset.ok_or(PlanError::NoSlot { index, kind })?;
        let pool = if matches!(tx, Transaction::CreatePool { .. }) { Some(*next_pool) } else { tx.pool() };
        if !has_room(&self.pools, pool, shape.pools) {
            return Err(PlanError::NoPools { index });
        }
        let fee_token = tx.signed().map(|signed| signed.fee_token.get()).filter(|token| *token != 0);
        if !has_room(&self.fee_tokens, fee_token, shape.fee_tokens) {
            return Err(PlanError::NoFees { index });
        }
        if matches!(tx, Transaction::CreatePool { .. }) {
            *next_pool = next_pool.saturating_add(1);
        }
        self.slots[slot] = Some(index);
        self.next = slot + 1;
        self.pools.extend(pool);
        self.fee_tokens.extend(fee_token);
        Ok(())
    }

    /// This batch with a bundle's members in it, all or none.
    fn with(&self, shape: &Shape, members: &[(usize, &Transaction)], next_pool: u32) -> Result<(Self, u32), PlanError> {
        let (mut open, mut next_pool) = (self.clone(), next_pool);
        for (index, tx) in members {
            open.take(shape, *index, tx, &mut next_pool)?;
        }
        Ok((open, next_pool))
    }
}

fn has_room(set: &BTreeSet<u32>, entry: Option<u32>, most: usize) -> bool {
    entry.is_none_or(|entry| set.contains(&entry) || set.len() < most)
}

/// Cuts transactions into batches: each takes the next slot of its kind, and a new batch starts where there is none, or where
/// the batch would touch more pools or charge fees in more tokens than the shape has. A bundle is never cut.
///
/// `next_pool` is the state's counter before the first of them: it names the pools that `create_pool` makes.
///
/// # Errors
/// [`PlanError`] for a transaction, or a bundle, that not even an empty batch can hold.
pub fn split(shape: &Shape, mut next_pool: u32, transactions: &[Transaction]) -> Result<Vec<Planned>, PlanError> {
    let mut batches = Vec::new();
    let mut open = Open::new(shape);
    for range in bundle::groups(transactions) {
        let members: Vec<_> = range.clone().zip(&transactions[range]).collect();
        let fitted = open.with(shape, &members, next_pool).or_else(|_| {
            let fresh = Open::new(shape).with(shape, &members, next_pool).map_err(|error| match members[..] {
                [(first, _), .., (last, _)] => PlanError::Bundle { first, last, index: error.index() },
                _ => error,
            })?;
            batches.push(Planned { slots: std::mem::take(&mut open.slots) });
            Ok(fresh)
        });
        (open, next_pool) = fitted?;
    }
    if open.next > 0 {
        batches.push(Planned { slots: open.slots });
    }
    Ok(batches)
}

#[cfg(test)]
mod tests;
