//! The shapes of an open batch's parts (MEMORY.md, section 12).

use super::{ShapeError, SlotKind};
use crate::tree::MAX_DEPTH;

/// The most slots of a segment, so that the times of a batch have 32 bits.
const MAX_SLOTS: usize = 1 << 15;
/// The most cells or nodes of a state part: far more than a circuit has room for.
const MAX_ROOM: usize = 1 << 20;

/// The parameters of a segment's circuit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SegmentShape {
    /// Its name.
    pub name: String,
    /// Depth of the account tree.
    pub account_depth: u8,
    /// The slots, in order.
    pub slots: Vec<SlotKind>,
}

/// The parameters of a state part's circuit. It serves trees of any depth.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StateShape {
    /// Its name.
    pub name: String,
    /// Cells of accounts.
    pub accounts: usize,
    /// Cells of pools.
    pub pools: usize,
    /// Node slots.
    pub nodes: usize,
}

impl SegmentShape {
    /// Whether a circuit of this shape can exist.
    ///
    /// # Errors
    /// [`ShapeError`] names the parameter that is out of range.
    pub fn check(&self) -> Result<(), ShapeError> {
        if !(1..=MAX_DEPTH).contains(&self.account_depth) {
            return Err(ShapeError::Depth { tree: "account", had: self.account_depth, largest: MAX_DEPTH });
        }
        match self.slots.len() {
            0 => Err(ShapeError::NoSlots),
            had if had > MAX_SLOTS => Err(ShapeError::TooMany { what: "slots", had, largest: MAX_SLOTS }),
            _ => Ok(()),
        }
    }

    /// How many times it has: two for each slot and one for the operator's access.
    pub fn span(&self) -> u32 {
        // A segment has at most 2^15 slots.
        2 * self.slots.len() as u32 + 1
    }
}

impl StateShape {
    /// Whether a circuit of this shape can exist.
    ///
    /// # Errors
    /// [`ShapeError`] names the parameter that is out of range.
    pub fn check(&self) -> Result<(), ShapeError> {
        let rooms = [("accounts", self.accounts), ("pools", self.pools), ("nodes", self.nodes)];
        let too_large = rooms.into_iter().find(|(_, had)| *had > MAX_ROOM);
        too_large.map_or(Ok(()), |(what, had)| Err(ShapeError::Room { what, had, least: 0, largest: MAX_ROOM as u64 }))
    }
}
