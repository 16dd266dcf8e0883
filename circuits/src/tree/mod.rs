//! [`Tree`]: a sparse Merkle tree of arity 8 with Poseidon as its node hash (PROTOCOL.md, section 4).
//!
//! What is stored is [`Family`]: the eight children of one node, which is what a path is made of. Of a whole tree, families of empty
//! leaves only are left out, so that the depth costs nothing. Of a part of a tree ([`Tree::part`]), those are there that its
//! paths need, and no other is ever read.
//!
//! [`Tree::open`] takes all leaves that are to be replaced at once and hashes each node above them once, level by level: the nodes of one level are independent
//! of each other, so they are spread over the cores.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use ark_bn254::Fr;
use rayon::prelude::*;
use tapstone_verifier::poseidon;

pub use tapstone_verifier::layout::ARITY;

/// The deepest tree: `8^10` leaves, as many as the 30 bits of an index.
pub const MAX_DEPTH: u8 = 10;
/// Hashes that one core makes before work is split further; one takes some 50 microseconds.
const HASHES_A_TASK: usize = 4;

/// The eight children of one node.
pub type Family = [Fr; ARITY];

/// Where a family is: the level of the children, 0 for leaves, and the index of their parent among the nodes of its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The level of the children, 0 for leaves.
    pub level: u8,
    /// The index of their parent.
    pub parent: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level {}, parent {}", self.level, self.parent)
    }
}

/// The places of the families on a leaf's path, from the bottom up.
pub fn places(index: u32, depth: u8) -> impl Iterator<Item = Place> {
    (0..depth).map(move |level| Place { level, parent: index >> (3 * (u32::from(level) + 1)) })
}

/// A node above leaves that are replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedFamily {
    /// Where it is.
    pub place: Place,
    /// Which of its children are above, or are, such leaves.
    pub touched: [bool; ARITY],
    /// Its children before.
    pub before: Family,
    /// Its children after.
    pub after: Family,
}

/// The nodes above leaves that are replaced, each once, and where they lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// From the lowest level up, in each level from left to right.
    pub families: Vec<OpenedFamily>,
    /// The root afterwards.
    pub root: Fr,
}

/// A tree of `8^depth` leaves, or a part of one.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Fr,
    /// `families[l]`: those of level l, by the index of their parent.
    families: Vec<HashMap<u32, Family>>,
    /// `empty[l]`: the node of level l over empty leaves only.
    empty: Vec<Fr>,
    /// Whether a family that is not stored is unknown, and not one of empty leaves.
    part: bool,
    /// Families that are other than they were when this was last emptied.
    changed: BTreeSet<Place>,
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
        let families = vec![HashMap::new(); usize::from(depth)];
        Self { root: empty[usize::from(depth)], families, empty, part: false, changed: BTreeSet::new() }
    }

    /// The tree with these leaves from index 0 on, the others empty; each node is hashed once, on all cores.
    ///
    /// # Panics
    /// If there are more leaves than the tree has, or the depth is above [`MAX_DEPTH`].
    pub fn from_leaves(depth: u8, empty_leaf: Fr, leaves: impl IntoIterator<Item = Fr>) -> Self {
        let mut tree = Self::new(depth, empty_leaf);
        let mut nodes: Vec<Fr> = leaves.into_iter().collect();
        assert!(nodes.len() as u64 <= tree.capacity(), "more leaves than the tree has");
        for level in 0..tree.families.len() {
            let families: Vec<Family> = nodes
                .chunks(ARITY)
                .map(|chunk| std::array::from_fn(|i| chunk.get(i).copied().unwrap_or(tree.empty[level])))
                .collect();
            nodes = hashes(&families);
            tree.families[level] = (0..).zip(families).collect();
        }
        if let Some(root) = nodes.first() {
            tree.root = *root;
        }
        tree
    }

    /// The part of a tree that has this root and these families. That they belong together is not checked.
    ///
    /// # Panics
    /// If the depth is above [`MAX_DEPTH`]; a family whose level is not below the depth.
    pub fn part(depth: u8, empty_leaf: Fr, root: Fr, families: impl IntoIterator<Item = (Place, Family)>) -> Self {
        let mut tree = Self { root, part: true, ..Self::new(depth, empty_leaf) };
        for (place, family) in families {
            tree.families[usize::from(place.level)].insert(place.parent, family);
        }
        tree
    }

    /// Levels above the leaves.
    pub fn depth(&self) -> u8 {
        // At most MAX_DEPTH by construction.
        self.families.len() as u8
    }

    /// Number of leaves.
    pub fn capacity(&self) -> u64 {
        1 << (3 * self.depth())
    }

    /// The root.
    pub const fn root(&self) -> Fr {
        self.root
    }

    /// The family of empty leaves and of nodes over them, at a level below the root.
    ///
    /// # Panics
    /// If the level is not below the depth.
    pub fn empty_family(&self, level: u8) -> Family {
        assert!(level < self.depth(), "level {level} of a tree of depth {}", self.depth());
        [self.empty[usize::from(level)]; ARITY]
    }

    /// The leaf that stands where there is none.
    pub fn empty_leaf(&self) -> Fr {
        self.empty[0]
    }

    /// Whether all nodes that are stored hash to what stands above them, up to the root; each is hashed once, on all cores.
    ///
    /// # Errors
    /// The place of a family that does not.
    pub fn check_nodes(&self) -> Result<(), Place> {
        let stored: Vec<(Place, Family)> = self.families().map(|(place, family)| (place, *family)).collect();
        let above = |place: Place| {
            let level = place.level + 1;
            if level == self.depth() {
                return (place.parent == 0).then_some(self.root);
            }
            let families = &self.families[usize::from(level)];
            let family = families.get(&(place.parent / ARITY as u32)).copied();
            let family = family.or_else(|| (!self.part).then(|| self.empty_family(level)))?;
            Some(family[place.parent as usize % ARITY])
        };
        let wrong = stored
            .par_iter()
            .with_min_len(HASHES_A_TASK)
            .filter(|(place, family)| above(*place) != Some(poseidon::hash(family)))
            .map(|(place, _)| *place)
            // The topmost, then the first: the same one whatever the order of the maps.
            .max_by_key(|place| (place.level, std::cmp::Reverse(place.parent)));
        wrong.map_or(Ok(()), Err)
    }

    /// For each level from the bottom up, the hashes of the eight children of the node above the leaf, the one on the path
    /// included.
    ///
    /// # Panics
    /// If the index is not below the capacity, or the path is not in this part of the tree.
    pub fn path(&self, index: u32) -> Vec<Family> {
        self.check(index);
        places(index, self.depth()).map(|place| self.family(place)).collect()
    }

    /// Replaces a leaf and hashes its ancestors anew.
    ///
    /// # Panics
    /// As [`Tree::path`].
    pub fn set(&mut self, index: u32, leaf: Fr) {
        self.set_all(&BTreeMap::from([(index, leaf)]));
    }

    /// Replaces leaves, by their indices, and hashes each node above them anew; gives these nodes.
    ///
    /// # Panics
    /// As [`Tree::path`], for any leaf.
    pub fn set_all(&mut self, leaves: &BTreeMap<u32, Fr>) -> Opened {
        let opened = self.open(leaves);
        for family in opened.families.iter().filter(|family| family.before != family.after) {
            self.families[usize::from(family.place.level)].insert(family.place.parent, family.after);
            self.changed.insert(family.place);
        }
        self.root = opened.root;
        opened
    }

    /// The nodes above leaves, as they are and as they would be with these in their places. The hashing is spread over all cores.
    ///
    /// # Panics
    /// As [`Tree::path`], for any leaf.
    pub fn open(&self, leaves: &BTreeMap<u32, Fr>) -> Opened {
        leaves.keys().for_each(|index| self.check(*index));
        let mut families = Vec::new();
        let mut below = leaves.clone();
        for level in 0..self.depth() {
            let mut opened: Vec<OpenedFamily> = Vec::new();
            for (index, after) in &below {
                let (place, child) = (Place { level, parent: index / ARITY as u32 }, *index as usize % ARITY);
                if opened.last().is_none_or(|last| last.place != place) {
                    let family = self.family(place);
                    opened.push(OpenedFamily { place, touched: [false; ARITY], before: family, after: family });
                }
                if let Some(family) = opened.last_mut() {
                    family.touched[child] = true;
                    family.after[child] = *after;
                }
            }
            let hash = |family: &OpenedFamily| (family.place.parent, poseidon::hash(&family.after));
            below = opened.par_iter().with_min_len(HASHES_A_TASK).map(hash).collect();
            families.extend(opened);
        }
        Opened { families, root: below.get(&0).copied().unwrap_or(self.root) }
    }

    /// All families that are stored: of a whole tree those that are not of empty leaves only.
    pub fn families(&self) -> impl Iterator<Item = (Place, &Family)> {
        (0..).zip(&self.families).flat_map(|(level, families)| {
            families.iter().map(move |(parent, family)| (Place { level, parent: *parent }, family))
        })
    }

    /// The families that changed since this was last asked.
    pub fn take_changes(&mut self) -> BTreeMap<Place, Family> {
        std::mem::take(&mut self.changed).into_iter().map(|place| (place, self.family(place))).collect()
    }

    fn check(&self, index: u32) {
        assert!(u64::from(index) < self.capacity(), "leaf {index} of a tree of {} leaves", self.capacity());
    }

    /// The family at a place.
    ///
    /// # Panics
    /// If the level is not below the depth, or the family is not in this part of the tree.
    pub fn family(&self, place: Place) -> Family {
        match self.families[usize::from(place.level)].get(&place.parent) {
            Some(family) => *family,
            None => {
                // Taken as empty it would give a wrong root.
                assert!(!self.part, "{place:?} is not in this part of the tree");
                [self.empty[usize::from(place.level)]; ARITY]
            }
        }
    }
}

fn hashes(families: &[Family]) -> Vec<Fr> {
    families.par_iter().with_min_len(HASHES_A_TASK).map(|family| poseidon::hash(family)).collect()
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
    fn leaves_at_once_agree_with_single_ones() {
        let empty = Fr::from(3u64);
        for depth in 0..=3u8 {
            let mut single = Tree::new(depth, empty);
            single.set(0, Fr::from(77u64));
            let mut whole = single.clone();
            whole.take_changes();
            let leaves: BTreeMap<u32, Fr> =
                (0..60u64).map(|i| ((i * i * 37 + i / 3) as u32 % 8u32.pow(depth.into()), Fr::from(i))).collect();
            // A part that has just the paths of the leaves.
            let wanted: BTreeSet<Place> = leaves.keys().flat_map(|index| places(*index, depth)).collect();
            let known = wanted.iter().map(|place| (*place, whole.family(*place)));
            let mut part = Tree::part(depth, empty, whole.root(), known);
            let before = single.clone();
            leaves.iter().for_each(|(index, leaf)| single.set(*index, *leaf));
            for tree in [&mut whole, &mut part] {
                let opened = tree.set_all(&leaves);
                assert_eq!(opened.families.iter().map(|f| f.place).collect::<BTreeSet<_>>(), wanted);
                assert_eq!(opened.families.len(), wanted.len());
                for family in &opened.families {
                    assert_eq!(family.before, before.family(family.place));
                    assert_eq!(family.after, single.family(family.place));
                }
                assert_eq!((tree.root(), opened.root), (single.root(), single.root()));
                let changes = tree.take_changes();
                assert!(changes.iter().all(|(place, family)| *family == single.family(*place)));
                assert_eq!(changes.is_empty(), depth == 0);
                assert!(tree.take_changes().is_empty());
                // What is there already changes nothing.
                assert_eq!(tree.set_all(&leaves).root, single.root());
                assert!(tree.take_changes().is_empty());
            }
        }
    }

    #[test]
    #[should_panic(expected = "is not in this part of the tree")]
    fn what_a_part_lacks_is_not_taken_as_empty() {
        let tree = Tree::part(2, Fr::from(0u64), Fr::from(1u64), []);
        tree.path(3);
    }
}
