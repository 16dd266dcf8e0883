//! [`BatchBranch`]: the place of one batch under the batches root of an anchor header (PROTOCOL.md, section 9).
//!
//! The tree is that of [`batches_root`](crate::commitment::batches_root). Where the batch stands is no part of a branch: it follows
//! from the batch's number and the header, and so does the number of siblings. A batch in an anchor therefore has one branch only.

use crate::{
    commitment::{Commitment, leaf_hash, level_above, node_hash, root_hash},
    error::HeaderError,
};
use alloc::vec::Vec;

/// The siblings on the way from a batch to the root, from the bottom; 32 ceil(log2 n) bytes at most for an anchor over n batches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BatchBranch(Vec<[u8; 32]>);

impl BatchBranch {
    /// The most siblings that a branch has: batch numbers are below 2^48.
    pub const MAX_SIBLINGS: usize = 48;

    /// The branch of the commitment with this index in an anchor over these batches; `None` if there is none with this index.
    pub fn new(commitments: &[Commitment], index: usize) -> Option<Self> {
        commitments.get(index)?;
        let mut level: Vec<[u8; 32]> = commitments.iter().map(|c| leaf_hash(&c.to_bytes())).collect();
        let (mut at, mut siblings) = (index, Vec::new());
        while level.len() > 1 {
            siblings.extend(level.get(at ^ 1));
            level = level_above(&level);
            at /= 2;
        }
        Some(Self(siblings))
    }

    /// Takes the siblings, from the bottom, for example out of a file.
    ///
    /// # Errors
    /// [`HeaderError::BranchLength`] if there are more than any branch has.
    pub fn from_siblings(siblings: Vec<[u8; 32]>) -> Result<Self, HeaderError> {
        if siblings.len() > Self::MAX_SIBLINGS {
            return Err(HeaderError::BranchLength { expected: Self::MAX_SIBLINGS, actual: siblings.len() });
        }
        Ok(Self(siblings))
    }

    /// The siblings, from the bottom.
    pub fn siblings(&self) -> &[[u8; 32]] {
        &self.0
    }

    /// The root to which the branch leads from a commitment in a place, of which the caller knows that it exists.
    pub(crate) fn root(&self, index: u64, count: u64, commitment: &[u8; 32]) -> Result<[u8; 32], HeaderError> {
        let expected = places(index, count).filter(Option::is_some).count();
        if expected != self.0.len() {
            return Err(HeaderError::BranchLength { expected, actual: self.0.len() });
        }
        let mut siblings = self.0.iter();
        let mut node = leaf_hash(commitment);
        for place in places(index, count) {
            node = match place.and_then(|side| Some((side, siblings.next()?))) {
                Some((Side::Left, sibling)) => node_hash(sibling, &node),
                Some((Side::Right, sibling)) => node_hash(&node, sibling),
                None => node,
            };
        }
        Ok(root_hash(count, &node))
    }
}

/// Where a sibling stands.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

/// For each level below the top, from the bottom, where the sibling stands; `None` where the node is an odd last one.
fn places(index: u64, count: u64) -> impl Iterator<Item = Option<Side>> {
    let mut at = (index, count);
    core::iter::from_fn(move || {
        let (index, width) = at;
        if width <= 1 {
            return None;
        }
        at = (index / 2, width.div_ceil(2));
        Some(match index % 2 {
            1 => Some(Side::Left),
            _ if index + 1 < width => Some(Side::Right),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_siblings_follows_from_the_place() {
        let siblings = |index, count| places(index, count).filter(Option::is_some).count();
        assert_eq!([siblings(0, 1), siblings(0, 2), siblings(1, 2)], [0, 1, 1]);
        assert_eq!([siblings(0, 5), siblings(3, 5), siblings(4, 5)], [3, 3, 1]);
        assert_eq!([siblings(4, 7), siblings(6, 7)], [3, 2]);
        for log in 0..48 {
            assert_eq!(siblings((1 << log) - 1, 1 << log), log);
        }
        assert_eq!(siblings(0, (1 << 48) - 1), BatchBranch::MAX_SIBLINGS);
    }
}
