//! Cutting transactions into the segments of open batches (MEMORY.md, section 12).

use std::collections::BTreeSet;

use super::{Lack, Needs, PlanError};
use crate::shape::{MAX_FEE_TOKENS, MAX_TRANSACTIONS, SegmentShape};
use crate::transaction::{Transaction, bundle};

/// The most segments of an open batch, so that its times have 32 bits.
pub const MAX_SEGMENTS: usize = 1 << 15;

/// The segments of one open batch: for each slot of each segment the index of its transaction in the list that was split, `None` for padding.
pub type Segments = Vec<Vec<Option<usize>>>;

/// A batch that is being filled.
struct Open<'a> {
    shape: &'a SegmentShape,
    segments: Segments,
    /// The first slot of the last segment that is not passed yet.
    slot: usize,
    transactions: usize,
    fee_tokens: BTreeSet<u32>,
}

impl<'a> Open<'a> {
    fn new(shape: &'a SegmentShape) -> Self {
        Self { shape, segments: Vec::new(), slot: shape.slots.len(), transactions: 0, fee_tokens: BTreeSet::new() }
    }

    /// The slots of members from a slot on, or the member that there is none for.
    fn places(&self, from: usize, members: &[Needs]) -> Result<Vec<usize>, (usize, Lack)> {
        let mut next = from;
        let mut places = Vec::with_capacity(members.len());
        for (member, needs) in members.iter().enumerate() {
            let offset = self.shape.slots.iter().skip(next).position(|slot| *slot == needs.slot);
            let slot = next + offset.ok_or((member, Lack::Slots(needs.slot)))?;
            places.push(slot);
            next = slot + 1;
        }
        Ok(places)
    }

    /// Takes a bundle's members, all or none; else the member that there is no room for, and what is lacking.
    fn take(&mut self, first: usize, members: &[Needs]) -> Result<(), (usize, Lack)> {
        let mut fee_tokens = self.fee_tokens.clone();
        for (member, needs) in members.iter().enumerate() {
            fee_tokens.extend(needs.fee_token);
            if fee_tokens.len() > MAX_FEE_TOKENS {
                return Err((member, Lack::FeeTokens));
            }
        }
        let (places, fresh) = match self.places(self.slot, members) {
            Ok(places) => (places, false),
            Err(_) => (self.places(0, members)?, true),
        };
        if self.transactions + members.len() > MAX_TRANSACTIONS || (fresh && self.segments.len() == MAX_SEGMENTS) {
            return Err((0, Lack::Segments));
        }
        if fresh {
            self.segments.push(vec![None; self.shape.slots.len()]);
        }
        if let Some(segment) = self.segments.last_mut() {
            for (index, slot) in (first..).zip(&places) {
                segment[*slot] = Some(index);
            }
        }
        self.slot = places.last().map_or(self.slot, |slot| slot + 1);
        self.transactions += members.len();
        self.fee_tokens = fee_tokens;
        Ok(())
    }
}

/// Cuts transactions into open batches of segments of a shape. Each transaction takes the next slot of its kind; the first that finds none in a segment starts the
/// next. A batch ends before the first transaction (bundle) that would make more than 8 fee tokens, 2^20 transactions or 2^15 segments. A bundle is cut
/// by no end of a segment.
///
/// # Errors
/// [`PlanError`] for a transaction, or a bundle, that not even an empty segment can hold.
pub fn split_open(shape: &SegmentShape, transactions: &[Transaction]) -> Result<Vec<Segments>, PlanError> {
    let needs: Vec<Needs> = transactions.iter().map(Needs::of).collect();
    let mut batches = Vec::new();
    let mut open = Open::new(shape);
    for range in bundle::groups(transactions) {
        let (first, members) = (range.start, &needs[range]);
        if open.take(first, members).is_ok() {
            continue;
        }
        if open.transactions > 0 {
            batches.push(std::mem::replace(&mut open, Open::new(shape)).segments);
        }
        open.take(first, members).map_err(|(member, lack)| match members.len() {
            1 => PlanError::NoRoom { index: first, lack },
            count => PlanError::Bundle { first, last: first + count - 1, index: first + member, lack },
        })?;
    }
    if open.transactions > 0 {
        batches.push(open.segments);
    }
    Ok(batches)
}
