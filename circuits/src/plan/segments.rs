//! Cutting transactions into the segments of open batches (MEMORY.md, section 12).

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

use super::{Lack, Needs, PlanError};
use crate::shape::{MAX_FEE_TOKENS, MAX_TRANSACTIONS, SegmentShape};
use crate::transaction::{Transaction, bundle};

/// The most segments of an open batch, so that its times have 32 bits.
pub const MAX_SEGMENTS: usize = 1 << 15;

/// A segment of an open batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSegment {
    /// Which of the shapes it has.
    pub shape: usize,
    /// For each slot the index of its transaction in the list that was split, `None` for padding.
    pub slots: Vec<Option<usize>>,
}

/// A segment that is being filled.
struct Filling<'a> {
    shape: &'a SegmentShape,
    slots: Vec<Option<usize>>,
    /// The first slot that is not passed yet.
    next: usize,
}

impl<'a> Filling<'a> {
    fn new(shape: &'a SegmentShape) -> Self {
        Self { shape, slots: vec![None; shape.slots.len()], next: 0 }
    }

    /// Takes a bundle's members, all or none; else the member that there is no slot for.
    fn take(&mut self, first: usize, members: &[Needs]) -> Result<(), (usize, Lack)> {
        let mut next = self.next;
        let mut places = Vec::with_capacity(members.len());
        for (member, needs) in members.iter().enumerate() {
            let offset = self.shape.slots.iter().skip(next).position(|slot| *slot == needs.slot);
            let slot = next + offset.ok_or((member, Lack::Slots(needs.slot)))?;
            places.push(slot);
            next = slot + 1;
        }
        for (index, slot) in (first..).zip(places) {
            self.slots[slot] = Some(index);
        }
        self.next = next;
        Ok(())
    }
}

/// What a batch has so far of what it can have.
#[derive(Default)]
struct Limits {
    segments: usize,
    transactions: usize,
    fee_tokens: BTreeSet<u32>,
}

impl Limits {
    /// Counts a bundle's members, all or none.
    fn take(&mut self, members: &[Needs]) -> Result<(), Lack> {
        let mut fee_tokens = self.fee_tokens.clone();
        fee_tokens.extend(members.iter().filter_map(|needs| needs.fee_token));
        if fee_tokens.len() > MAX_FEE_TOKENS {
            return Err(Lack::FeeTokens);
        }
        if self.transactions + members.len() > MAX_TRANSACTIONS {
            return Err(Lack::Segments);
        }
        self.fee_tokens = fee_tokens;
        self.transactions += members.len();
        Ok(())
    }
}

/// Cuts transactions into open batches of segments of these shapes. Each transaction takes the next slot of its kind; the first that finds none in a segment starts
/// the next. Each segment has the shape that takes most transactions there, the first of several that do. A batch ends before the first transaction (bundle) that would
/// make more than 8 fee tokens, 2^20 transactions or 2^15 segments. A bundle is cut by no end of a segment.
///
/// # Errors
/// [`PlanError`] for a transaction, or a bundle, that not even an empty segment can hold.
pub fn split_open(shapes: &[SegmentShape], transactions: &[Transaction]) -> Result<Vec<Vec<PlannedSegment>>, PlanError> {
    let needs: Vec<Needs> = transactions.iter().map(Needs::of).collect();
    let groups: Vec<Range<usize>> = bundle::groups(transactions).collect();
    let mut batches: Vec<Vec<PlannedSegment>> = Vec::new();
    let mut limits = Limits::default();
    // No segment takes more bundles than this.
    let most = shapes.iter().map(|shape| shape.slots.len()).max().unwrap_or(0);
    let mut done = 0;
    while let Some(first) = groups.get(done) {
        // Which groups the batch may still take.
        let mut trial = Limits { fee_tokens: limits.fee_tokens.clone(), ..limits };
        let next = groups[done..].iter().take(most.max(1));
        let room = next.take_while(|group| trial.take(&needs[(*group).clone()]).is_ok()).count();
        if room == 0 || limits.segments == MAX_SEGMENTS {
            if limits.transactions == 0 {
                let lack = trial.take(&needs[first.clone()]).err().unwrap_or(Lack::Segments);
                return Err(refused(first, first.start, lack));
            }
            limits = Limits::default();
            continue;
        }
        let fill = |(shape, one): (usize, &'_ SegmentShape)| {
            let mut filling = Filling::new(one);
            let fits = |group: &&Range<usize>| filling.take(group.start, &needs[(*group).clone()]).is_ok();
            let taken = groups[done..done + room].iter().take_while(fits).count();
            (taken, shape, filling.slots)
        };
        let best = shapes.iter().enumerate().map(fill).max_by_key(|(taken, shape, _)| (*taken, Reverse(*shape)));
        let Some((taken @ 1.., shape, slots)) = best else {
            let lack = |one: &SegmentShape| Filling::new(one).take(first.start, &needs[first.clone()]).err();
            let lack = shapes.iter().filter_map(lack).max_by_key(|(member, _)| *member);
            let (member, lack) = lack.unwrap_or((0, Lack::Segments));
            return Err(refused(first, first.start + member, lack));
        };
        if limits.segments == 0 {
            batches.push(Vec::new());
        }
        if let Some(batch) = batches.last_mut() {
            batch.push(PlannedSegment { shape, slots });
        }
        for group in &groups[done..done + taken] {
            // They were counted above.
            limits.take(&needs[group.clone()]).unwrap_or_default();
        }
        limits.segments += 1;
        done += taken;
    }
    Ok(batches)
}

fn refused(group: &Range<usize>, index: usize, lack: Lack) -> PlanError {
    match group.len() {
        1 => PlanError::NoRoom { index, lack },
        _ => PlanError::Bundle { first: group.start, last: group.end - 1, index, lack },
    }
}
