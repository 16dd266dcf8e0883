//! A node before and after a batch, and the ids of nodes and leaves (MEMORY.md, sections 1 and 6).
//!
//! One space of ids has both trees: a leaf's is `d 8^10 + index`, a node's is that of any of its children less their last digit to base 8, with d = 1 for accounts and 2 for
//! pools. So a root is at `d 8^(10 - depth)`, the leading digit names the tree, and the number of digits the level: a record needs no other element for
//! either. No id of a node is one of a leaf.

pub mod constraints;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::poseidon::hash;

use super::record::Record;
use crate::tree::{ARITY, Family, MAX_DEPTH};

/// Bits of a node's id less 1: ids of nodes are below `3 * 8^9`.
pub const ID_BITS: usize = 29;

/// One of the two trees of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TreeKind {
    /// That of the accounts.
    Account,
    /// That of the pools.
    Pool,
}

impl TreeKind {
    const fn digit(self) -> u64 {
        match self {
            Self::Account => 1,
            Self::Pool => 2,
        }
    }
}

/// The id of a leaf.
pub const fn leaf_id(tree: TreeKind, index: u32) -> u64 {
    (tree.digit() << (3 * MAX_DEPTH)) + index as u64
}

/// The id of a tree's root.
///
/// # Panics
/// If the depth is above [`MAX_DEPTH`].
pub const fn root_id(tree: TreeKind, depth: u8) -> u64 {
    assert!(depth <= MAX_DEPTH, "a tree of more than 10 levels has leaves without an id");
    tree.digit() << (3 * (MAX_DEPTH - depth))
}

/// A node above what a batch touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id, 1 for padding.
    pub id: Fr,
    /// Whether there is a node, or only room for one.
    pub used: bool,
    /// Which children have a record.
    pub touched: [bool; ARITY],
    /// The children before.
    pub before: Family,
    /// The children after.
    pub after: Family,
}

impl Node {
    /// Room for a node.
    pub fn padding() -> Self {
        let zeros = [Fr::zero(); ARITY];
        Self { id: Fr::from(1u64), used: false, touched: [false; ARITY], before: zeros, after: zeros }
    }

    /// The id of a child.
    pub fn child_id(&self, child: usize) -> Fr {
        self.id * Fr::from(ARITY as u64) + Fr::from(child as u64)
    }

    /// The record that the node produces, and those that it consumes.
    pub fn records(&self) -> (Record, Vec<Record>) {
        let own = Record::node(self.id, hash(&self.before), hash(&self.after));
        let child = |j: usize| Record::node(self.child_id(j), self.before[j], self.after[j]);
        (own, (0..ARITY).filter(|j| self.touched[*j]).map(child).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_tree_level_and_index() {
        let mut seen = std::collections::BTreeSet::new();
        for (tree, depth) in [(TreeKind::Account, 3u8), (TreeKind::Pool, 2)] {
            for index in 0..8u32.pow(depth.into()) {
                let mut id = leaf_id(tree, index);
                seen.insert(id);
                for _ in 0..depth {
                    id /= 8;
                    seen.insert(id);
                    assert!((1..=1 << ID_BITS).contains(&id));
                }
                assert_eq!(id, root_id(tree, depth));
            }
        }
        // Each leaf and node has its own.
        assert_eq!(seen.len(), 512 + 64 + 8 + 1 + 64 + 8 + 1);
        // Roots have no node above that is another tree's, and no id of a node is a leaf's.
        assert_eq!((root_id(TreeKind::Account, 10), root_id(TreeKind::Pool, 10)), (1, 2));
        assert!(leaf_id(TreeKind::Account, 0) > 1 << ID_BITS);
        assert!(leaf_id(TreeKind::Pool, u32::MAX >> 2) / 8 < 1 << ID_BITS);
    }
}
