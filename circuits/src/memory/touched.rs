//! The nodes above a set of leaves, each once: what a batch opens of a tree (MEMORY.md, section 6).

use ark_bn254::Fr;

use super::node::{Node, TreeKind, leaf_id};
use crate::tree::{ARITY, Opened};

/// The nodes of a tree that a batch opens, in the order of node slots.
pub fn nodes(kind: TreeKind, opened: &Opened) -> impl Iterator<Item = Node> {
    opened.families.iter().map(move |family| {
        let first = leaf_id(kind, 0) >> (3 * (u32::from(family.place.level) + 1));
        let id = Fr::from(first + u64::from(family.place.parent));
        Node { id, used: true, touched: family.touched, before: family.before, after: family.after }
    })
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::memory::node::root_id;
    use crate::memory::record::{Record, balance};
    use crate::tree::Tree;

    /// Nodes, leaves and the root balance, for sets of all sizes.
    #[test]
    fn nodes_lead_from_root_to_root() {
        for depth in [1u8, 2, 3] {
            let empty = Fr::from(99u64);
            let mut tree = Tree::new(depth, empty);
            let capacity = tree.capacity() as u32;
            for i in (0..capacity).step_by(5) {
                tree.set(i, Fr::from(1000 + i));
            }
            for step in [1u32, 3, 64, 511, 1000] {
                let leaves: BTreeMap<u32, Fr> =
                    (step % 7..capacity).step_by(step as usize).map(|i| (i, Fr::from(7 * i + step))).collect();
                let opened = tree.open(&leaves);
                let nodes: Vec<Node> = nodes(TreeKind::Pool, &opened).collect();
                assert_eq!(nodes.len(), count(depth, leaves.keys().copied()));
                let before = |i: &u32| tree.path(*i)[0][*i as usize % ARITY];
                let cell = |(i, leaf): (&u32, &Fr)| Record::node(Fr::from(leaf_id(TreeKind::Pool, *i)), before(i), *leaf);
                let mut produced: Vec<Record> = leaves.iter().map(cell).collect();
                let root = Fr::from(root_id(TreeKind::Pool, depth));
                let mut consumed = vec![Record::node(root, tree.root(), opened.root)];
                if leaves.is_empty() {
                    continue;
                }
                for node in &nodes {
                    let (own, children) = node.records();
                    produced.push(own);
                    consumed.extend(children);
                }
                assert_eq!(balance(&produced, &consumed), Ok(()));
            }
        }
    }
}
