//! The nodes above a set of leaves, each once: what a batch opens of a tree (MEMORY.md, section 6).

use std::collections::BTreeMap;

use ark_bn254::Fr;
use rayon::prelude::*;
use tapstone_verifier::poseidon::hash;

use super::node::{Node, TreeKind, leaf_id};
use crate::tree::{ARITY, Family, Place, Tree};

/// Hashes that one core makes before work is split further.
const HASHES_A_TASK: usize = 4;

/// The nodes that a batch touches, and where they lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// From the lowest level up, in each level in the order of ids.
    pub nodes: Vec<Node>,
    /// The root afterwards.
    pub root: Fr,
}

/// Opens the nodes above the leaves that a batch touches; `leaves` has the hashes that they have afterwards, changed or not. The tree stays as it is.
///
/// Each touched node is hashed once, on all cores; what it was before is known from the node above it.
///
/// # Panics
/// If a leaf is outside the tree, or its path is not in this part of it.
pub fn touched(tree: &Tree, kind: TreeKind, leaves: &BTreeMap<u32, Fr>) -> Touched {
    for index in leaves.keys() {
        assert!(u64::from(*index) < tree.capacity(), "leaf {index} of a tree of {} leaves", tree.capacity());
    }
    let mut nodes = Vec::new();
    let mut below: BTreeMap<u32, Fr> = leaves.clone();
    for level in 0..tree.depth() {
        let first = leaf_id(kind, 0) >> (3 * (u32::from(level) + 1));
        let mut families: BTreeMap<u32, Node> = BTreeMap::new();
        for (index, after) in &below {
            let (parent, child) = (index / ARITY as u32, *index as usize % ARITY);
            let node = families.entry(parent).or_insert_with(|| {
                let family: Family = tree.family(Place { level, parent });
                let id = Fr::from(first + u64::from(parent));
                Node { id, used: true, touched: [false; ARITY], before: family, after: family }
            });
            node.touched[child] = true;
            node.after[child] = *after;
        }
        let level: Vec<(u32, Node)> = families.into_iter().collect();
        below = level.par_iter().with_min_len(HASHES_A_TASK).map(|(at, node)| (*at, hash(&node.after))).collect();
        nodes.extend(level.into_iter().map(|(_, node)| node));
    }
    Touched { nodes, root: below.get(&0).copied().unwrap_or(tree.root()) }
}

/// How many nodes lie above these leaves, each counted once.
pub fn count(depth: u8, leaves: impl IntoIterator<Item = u32>) -> usize {
    let mut level: Vec<u32> = leaves.into_iter().collect();
    let mut nodes = 0;
    for _ in 0..depth {
        level.iter_mut().for_each(|index| *index /= ARITY as u32);
        level.sort_unstable();
        level.dedup();
        nodes += level.len();
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::node::root_id;
    use crate::memory::record::{Record, balance};

    /// Nodes, leaves and the root balance, and the root is that of the tree with the leaves set, for sets of all sizes.
    #[test]
    fn touched_nodes_lead_from_root_to_root() {
        for depth in [0u8, 1, 2, 3] {
            let empty = Fr::from(99u64);
            let mut tree = Tree::new(depth, empty);
            let capacity = tree.capacity() as u32;
            for i in (0..capacity).step_by(5) {
                tree.set(i, Fr::from(1000 + i));
            }
            for step in [1u32, 3, 64, 511, 1000] {
                let leaves: BTreeMap<u32, Fr> =
                    (step % 7..capacity).step_by(step as usize).map(|i| (i, Fr::from(7 * i + step))).collect();
                let opened = touched(&tree, TreeKind::Pool, &leaves);
                assert_eq!(opened.nodes.len(), count(depth, leaves.keys().copied()));
                let mut after = tree.clone();
                leaves.iter().for_each(|(index, leaf)| after.set(*index, *leaf));
                let root = if leaves.is_empty() || depth == 0 { opened.root } else { after.root() };
                assert_eq!(opened.root, root);
                if leaves.is_empty() || depth == 0 {
                    continue;
                }
                let before = |i: &u32| tree.path(*i)[0][*i as usize % ARITY];
                let cell = |(i, leaf): (&u32, &Fr)| Record::node(Fr::from(leaf_id(TreeKind::Pool, *i)), before(i), *leaf);
                let mut produced: Vec<Record> = leaves.iter().map(cell).collect();
                let mut consumed = vec![Record::node(Fr::from(root_id(TreeKind::Pool, depth)), tree.root(), after.root())];
                for node in &opened.nodes {
                    let (own, children) = node.records();
                    produced.push(own);
                    consumed.extend(children);
                }
                assert_eq!(balance(&produced, &consumed), Ok(()));
            }
        }
    }

    #[test]
    fn nothing_touched_opens_nothing() {
        let tree = Tree::new(4, Fr::from(1u64));
        assert_eq!(touched(&tree, TreeKind::Account, &BTreeMap::new()), Touched { nodes: vec![], root: tree.root() });
    }
}
