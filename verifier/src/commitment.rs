//! [`Commitment`]: the 32 bytes that stand for a verified batch, and the root over many (PROTOCOL.md, section 9).

use crate::{
    hash::{hex_text, tagged},
    key::VkId,
    open::{KeySetId, VerifiedOpen},
    statement::Statement,
    verify::Verified,
};
use alloc::vec::Vec;

/// The commitment of a batch whose proof was verified.
///
/// It comes only out of [`Verified::commitment`] and [`VerifiedOpen::commitment`], so nothing unverified can be committed to by mistake. To compare with a
/// commitment that stands in a file, use [`commitment_bytes`] or [`Commitment::to_bytes`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Commitment([u8; 32]);
hex_text!(Commitment);

impl Commitment {
    pub(crate) fn of(verified: &Verified) -> Self {
        Self(commitment_bytes(verified.statement(), &verified.vk_id()))
    }

    pub(crate) fn of_open(verified: &VerifiedOpen) -> Self {
        Self(open_commitment_bytes(verified.statement(), &verified.key_set()))
    }

    /// The 32 bytes.
    pub fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

/// The bytes of the batch commitment of a statement under a key: a pure function, which says nothing about a proof.
pub fn commitment_bytes(statement: &Statement, vk_id: &VkId) -> [u8; 32] {
    bytes(statement, &vk_id.to_bytes())
}

/// As [`commitment_bytes`], for an open batch proven under a set of keys.
pub fn open_commitment_bytes(statement: &Statement, key_set: &KeySetId) -> [u8; 32] {
    bytes(statement, &key_set.to_bytes())
}

fn bytes(statement: &Statement, id: &[u8; 32]) -> [u8; 32] {
    tagged("Tapstone/batch/v1", &[&statement.to_bytes(), id])
}

/// The root over the commitments of consecutive batches, in order; `None` for no batches.
///
/// That the batches are consecutive is checked by [`crate::AnchorHeader`]'s constructors, not here.
pub fn batches_root(commitments: &[Commitment]) -> Option<[u8; 32]> {
    let mut level: Vec<[u8; 32]> = commitments.iter().map(|c| leaf_hash(&c.0)).collect();
    while level.len() > 1 {
        level = level_above(&level);
    }
    let top = level.first()?;
    let count = u64::try_from(commitments.len()).ok()?;
    Some(root_hash(count, top))
}

/// The leaf of a batch commitment in the tree.
pub(crate) fn leaf_hash(commitment: &[u8; 32]) -> [u8; 32] {
    tagged("Tapstone/batches/leaf/v1", &[commitment])
}

/// The node over two neighbours.
pub(crate) fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    tagged("Tapstone/batches/node/v1", &[left, right])
}

/// The root: the top of the tree, with the number of its leaves bound in.
pub(crate) fn root_hash(count: u64, top: &[u8; 32]) -> [u8; 32] {
    tagged("Tapstone/batches/root/v1", &[&count.to_be_bytes(), top])
}

/// The level above a level of the tree.
pub(crate) fn level_above(level: &[[u8; 32]]) -> Vec<[u8; 32]> {
    let pairs = level.chunks_exact(2);
    // An odd last node moves up unchanged: hashed with itself it would give two lists one top.
    let odd = pairs.remainder().to_vec();
    pairs.map(|pair| tagged("Tapstone/batches/node/v1", &[pair.as_flattened()])).chain(odd).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn leaf(c: &Commitment) -> [u8; 32] {
        tagged("Tapstone/batches/leaf/v1", &[&c.0])
    }
    fn node(l: [u8; 32], r: [u8; 32]) -> [u8; 32] {
        tagged("Tapstone/batches/node/v1", &[&l, &r])
    }
    fn root(n: u64, top: [u8; 32]) -> Option<[u8; 32]> {
        Some(tagged("Tapstone/batches/root/v1", &[&n.to_be_bytes(), &top]))
    }

    #[test]
    fn roots_of_small_lists_written_out() {
        let c: Vec<Commitment> = (0..7).map(|i| Commitment([i; 32])).collect();
        let l: Vec<[u8; 32]> = c.iter().map(leaf).collect();
        assert_eq!(batches_root(&[]), None);
        assert_eq!(batches_root(&c[..1]), root(1, l[0]));
        assert_eq!(batches_root(&c[..2]), root(2, node(l[0], l[1])));
        assert_eq!(batches_root(&c[..3]), root(3, node(node(l[0], l[1]), l[2])));
        let four = node(node(l[0], l[1]), node(l[2], l[3]));
        assert_eq!(batches_root(&c[..5]), root(5, node(four, l[4])));
        assert_eq!(batches_root(&c), root(7, node(four, node(node(l[4], l[5]), l[6]))));
    }

    #[test]
    fn a_repeated_last_batch_changes_the_root() {
        let c = vec![Commitment([1; 32]), Commitment([2; 32]), Commitment([3; 32])];
        let doubled = vec![c[0], c[1], c[2], c[2]];
        assert_ne!(batches_root(&c), batches_root(&doubled));
    }
}
