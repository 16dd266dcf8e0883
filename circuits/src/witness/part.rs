//! What the circuits of an open batch's parts are given, beside their public inputs.

use ark_bn254::Fr;

use super::{LeafAccess, SlotWitness};
use crate::memory::cell::{Cell, PoolContents};
use crate::memory::node::Node;
use crate::shape::{SegmentShape, StateShape};

/// A segment. Fields are open: what forgers write is tried in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentWitness {
    /// Its shape.
    pub shape: SegmentShape,
    /// One entry for each slot of the shape.
    pub slots: Vec<SlotWitness>,
    /// The operator's leaf before the fees are credited, in the last segment; no access in all others.
    pub operator_access: LeafAccess,
}

impl SegmentWitness {
    /// A witness of the right shape and no meaning: any witness writes the same rows.
    pub fn blank(shape: &SegmentShape) -> Self {
        let slots = shape.slots.iter().map(|kind| SlotWitness::padding(*kind)).collect();
        Self { shape: shape.clone(), slots, operator_access: LeafAccess::none(0) }
    }
}

/// A state part; as many cells and nodes as its shape has. Fields are open: what forgers write is tried in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatePartWitness {
    /// Cells of accounts.
    pub accounts: Vec<Cell<[Fr; 8]>>,
    /// Cells of pools.
    pub pools: Vec<Cell<PoolContents>>,
    /// Nodes of both trees.
    pub nodes: Vec<Node>,
}

impl StatePartWitness {
    /// Padding alone.
    pub fn blank(shape: &StateShape) -> Self {
        let mut part = Self { accounts: Vec::new(), pools: Vec::new(), nodes: Vec::new() };
        part.fill(shape);
        part
    }

    /// Fills up with padding to what the shape has.
    pub fn fill(&mut self, shape: &StateShape) {
        self.accounts.resize(shape.accounts, Cell::padding([Fr::from(0u64); 8]));
        self.pools.resize(shape.pools, Cell::padding(PoolContents::default()));
        self.nodes.resize(shape.nodes, Node::padding());
    }
}
