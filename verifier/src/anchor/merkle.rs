//! [`MerkleBranch`]: the place of a transaction in a block, and [`check_inclusion`], which holds it to the block's coinbase.
//!
//! Bitcoin's tree has two holes. A leaf and an inner node have the same form, so that a node of 64 bytes can pass for a transaction or a
//! transaction of 64 bytes for a node (CVE-2017-12842); and an odd last node is hashed with itself, so that lists with a repeated
//! end have the same root (CVE-2012-2459). Here every branch of a block is as long as that of its coinbase, which is given in full, no
//! transaction has 64 bytes, and a node is its own sibling only where it is the last of its level.

use super::transaction::StrippedTransaction;
use crate::error::MerkleError;
use bitcoin::{
    TxMerkleNode,
    hashes::{Hash, HashEngine, sha256d},
};

/// A place in a block, and the siblings on the way from there to the Merkle root, from the bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MerkleBranch<'a> {
    /// The index of the transaction in its block.
    pub index: u32,
    /// The siblings, in the byte order of hashes.
    pub siblings: &'a [[u8; 32]],
}

impl MerkleBranch<'_> {
    /// The most siblings: a block holds at most 16,666 transactions, for each has at least 60 bytes without witnesses.
    pub const MAX_SIBLINGS: usize = 15;

    /// The Merkle root to which the branch leads from a transaction.
    ///
    /// # Errors
    /// If there are too many siblings, the index has bits that choose no side, or the place is one that repeats another.
    pub fn root(&self, transaction: &StrippedTransaction<'_>) -> Result<TxMerkleNode, MerkleError> {
        let (index, depth) = (self.index, self.siblings.len());
        if depth > Self::MAX_SIBLINGS {
            return Err(MerkleError::TooDeep { most: Self::MAX_SIBLINGS, actual: depth });
        }
        if index >> depth != 0 {
            return Err(MerkleError::IndexBits { index, depth });
        }
        let mut node = sha256d::Hash::hash(transaction.as_bytes());
        let mut last_of_level = false;
        for (level, sibling) in self.siblings.iter().enumerate() {
            let on_the_right = index >> level & 1 == 1;
            let twin = *sibling == node.to_byte_array();
            // A twin on the left means a place beyond the end of the level. A twin on the right makes the node the last one, and then
            // so are all above it.
            if (twin && on_the_right) || (last_of_level && !twin && !on_the_right) {
                return Err(MerkleError::Repeated { index, level });
            }
            last_of_level |= twin;
            node = match on_the_right {
                true => hash(sibling, node.as_byte_array()),
                false => hash(node.as_byte_array(), sibling),
            };
        }
        Ok(TxMerkleNode::from_raw_hash(node))
    }
}

fn hash(left: &[u8; 32], right: &[u8; 32]) -> sha256d::Hash {
    let mut engine = sha256d::Hash::engine();
    engine.input(left);
    engine.input(right);
    sha256d::Hash::from_engine(engine)
}

/// Checks that a transaction stands in the block with this Merkle root, and as deep as the block's coinbase.
///
/// # Errors
/// If the coinbase is none or the transaction is one, the branches differ in length, or one does not lead to the root.
pub fn check_inclusion(
    root: TxMerkleNode,
    coinbase: &StrippedTransaction<'_>,
    coinbase_siblings: &[[u8; 32]],
    transaction: &StrippedTransaction<'_>,
    branch: &MerkleBranch<'_>,
) -> Result<(), MerkleError> {
    if !coinbase.is_coinbase() {
        return Err(MerkleError::NoCoinbase);
    }
    if branch.index == 0 || transaction.is_coinbase() {
        return Err(MerkleError::IsCoinbase);
    }
    let (expected, actual) = (coinbase_siblings.len(), branch.siblings.len());
    if expected != actual {
        return Err(MerkleError::Depth { expected, actual });
    }
    let of_coinbase = MerkleBranch { index: 0, siblings: coinbase_siblings };
    for (what, actual) in [("the coinbase", of_coinbase.root(coinbase)?), ("the transaction", branch.root(transaction)?)] {
        if actual != root {
            return Err(MerkleError::Root { what, expected: root.to_byte_array(), actual: actual.to_byte_array() });
        }
    }
    Ok(())
}
