//! [`Tree`]: a sparse Merkle tree of arity 8 with Poseidon as its node hash (PROTOCOL.md, section 4).
//!
//! Only nodes that differ from those of the tree of empty leaves are stored, so that the depth costs nothing.

pub mod constraints;

use std::collections::HashMap;

use ark_bn254::Fr;
use tapstone_verifier::poseidon;

/// Children of a node.
pub const ARITY: usize = 8;
/// The deepest tree: `8^10` leaves, as many as the 30 bits of an index.
pub const MAX_DEPTH: u8 = 10;

/// A tree of `8^depth` leaves.
#[derive(Clone, Debug)]
pub struct Tree {
    /// `nodes[l]`: stored nodes of level l, by index; level 0 holds the leaves.
    nodes: Vec<HashMap<u32, Fr>>,
    /// `empty[l]`: the node of level l over empty leaves only.
    empty: Vec<Fr>,
}

impl Tree {
    /// The tree whose leaves all are `empty_leaf`.
    ///
    /// # Panics
    /// If the depth is above [`MAX_DEPTH`].
    pub fn new(depth: u8, empty_leaf: Fr) -> Self {
        assert!(depth <= MAX_DEPTH, "a tree of depth {depth} has more leaves than an index can name");
        let mut empty = vec![empty_leaf];
        for level in 0..usize::from(depth) {
            empty.push(poseidon::hash(&[empty[level]; ARITY]));
        }
        Self { nodes: vec![HashMap::new(); empty.len()], empty }
    }

    /// The tree with these leaves from index 0 on, the others empty; each node is hashed once.
    ///
    /// # Panics
    /// If there are more leaves than the tree has, or the depth is above [`MAX_DEPTH`].
    pub fn from_leaves(depth: u8, empty_leaf: Fr, leaves: impl IntoIterator<Item = Fr>) -> Self {
        let mut tree = Self::new(depth, empty_leaf);
        let mut count: u32 = 0;
        for leaf in leaves {
            assert!(u64::from(count) < tree.capacity(), "more leaves than the tree has");
            tree.store(0, count, leaf);
            count += 1;
        }
        for level in 1..tree.nodes.len() {
            count = count.div_ceil(ARITY as u32);
            for index in 0..count {
                let hash = poseidon::hash(&tree.children(level, index));
                tree.store(level, index, hash);
            }
        }
        tree
    }

    /// Levels above the leaves.
    pub fn depth(&self) -> u8 {
        // At most MAX_DEPTH by construction.
        (self.nodes.len() - 1) as u8
    }

    /// Number of leaves.
    pub fn capacity(&self) -> u64 {
        1 << (3 * self.depth())
    }

    /// The root.
    pub fn root(&self) -> Fr {
        self.node(self.nodes.len() - 1, 0)
    }

    /// The hash of a leaf.
    ///
    /// # Panics
    /// If the index is not below the capacity.
    pub fn leaf(&self, index: u32) -> Fr {
        self.check(index);
        self.node(0, index)
    }

    /// For each level from the bottom up, the hashes of the eight children of the node above the leaf, the one on the path
    /// included.
    ///
    /// # Panics
    /// If the index is not below the capacity.
    pub fn path(&self, index: u32) -> Vec<[Fr; ARITY]> {
        self.check(index);
        (1..self.nodes.len()).map(|level| self.children(level, index >> (3 * level))).collect()
    }

    /// Replaces a leaf and hashes its ancestors anew.
    ///
    /// # Panics
    /// If the index is not below the capacity.
    pub fn set(&mut self, index: u32, leaf: Fr) {
        self.check(index);
        self.store(0, index, leaf);
        for level in 1..self.nodes.len() {
            let above = index >> (3 * level);
            let hash = poseidon::hash(&self.children(level, above));
            self.store(level, above, hash);
        }
    }

    fn check(&self, index: u32) {
        assert!(u64::from(index) < self.capacity(), "leaf {index} of a tree of {} leaves", self.capacity());
    }

    fn node(&self, level: usize, index: u32) -> Fr {
        self.nodes[level].get(&index).copied().unwrap_or(self.empty[level])
    }

    fn children(&self, level: usize, index: u32) -> [Fr; ARITY] {
        std::array::from_fn(|i| self.node(level - 1, (index << 3) | i as u32))
    }

    fn store(&mut self, level: usize, index: u32, hash: Fr) {
        if hash == self.empty[level] {
            self.nodes[level].remove(&index);
        } else {
            self.nodes[level].insert(index, hash);
        }
    }
}

/// The index of a leaf's ancestor among its siblings, for each level from the bottom up.
pub fn positions(index: u32, depth: u8) -> impl Iterator<Item = usize> {
    (0..u32::from(depth)).map(move |level| (index >> (3 * level)) as usize % ARITY)
}

/// The root that a leaf and the children along its path lead to.
pub fn root_from_path(index: u32, leaf: Fr, children: &[[Fr; ARITY]]) -> Fr {
    children.iter().enumerate().fold(leaf, |hash, (level, siblings)| {
        let mut inputs = *siblings;
        inputs[(index >> (3 * level)) as usize % ARITY] = hash;
        poseidon::hash(&inputs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive_root(mut level: Vec<Fr>) -> Fr {
        while level.len() > 1 {
            level = level.chunks(ARITY).map(poseidon::hash).collect();
        }
        level[0]
    }

    #[test]
    fn agrees_with_a_full_tree() {
        for depth in 0..=3 {
            let empty = Fr::from(99u64);
            let mut tree = Tree::new(depth, empty);
            let mut leaves = vec![empty; 8usize.pow(depth.into())];
            assert_eq!(tree.root(), naive_root(leaves.clone()));
            for step in 0..20u64 {
                let index = (step * step * 37 + 5) as usize % leaves.len();
                let leaf = if step % 5 == 4 { empty } else { Fr::from(step) };
                let path = tree.path(index as u32);
                assert_eq!(root_from_path(index as u32, leaves[index], &path), tree.root());
                leaves[index] = leaf;
                tree.set(index as u32, leaf);
                assert_eq!(tree.root(), naive_root(leaves.clone()));
                assert_eq!(root_from_path(index as u32, leaf, &path), tree.root());
            }
        }
    }

    #[test]
    fn bulk_building_agrees_with_single_steps() {
        let empty = Fr::from(1u64);
        for count in [0u64, 1, 7, 8, 9, 63, 64] {
            let bulk = Tree::from_leaves(2, empty, (0..count).map(|i| Fr::from(i + 2)));
            let mut single = Tree::new(2, empty);
            for i in 0..count {
                single.set(i as u32, Fr::from(i + 2));
            }
            assert_eq!(bulk.root(), single.root());
            assert_eq!(bulk.path(0), single.path(0));
        }
    }

    #[test]
    fn emptied_leaves_are_not_stored() {
        let mut tree = Tree::new(4, Fr::from(0u64));
        let root = tree.root();
        tree.set(1000, Fr::from(5u64));
        assert_ne!(tree.root(), root);
        tree.set(1000, Fr::from(0u64));
        assert_eq!(tree.root(), root);
        assert!(tree.nodes.iter().all(HashMap::is_empty));
    }
}
