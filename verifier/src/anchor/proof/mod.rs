//! [`AnchorProof`]: all that shows an anchor to someone who has a checkpoint of the Bitcoin chain and no node.
//!
//! A proof holds block headers, the place of the last anchor's transaction in one of the blocks, and the anchors of the thread with their
//! transactions, without witnesses, oldest first. One place in a block proves the whole thread, since every transaction names the one
//! before by its id. Proofs of batches may come with the anchors that cover them.
//!
//! [`verify_anchor`] gives the verdict from a file; [`AnchorProof::verify`] does, for a caller that follows the headers itself.

mod encoding;
mod verify;

pub use verify::{AnchorPolicy, AnchorVerdict, KnownAnchor, Pinned, PinnedKeys, Proofs, ThreadStart, verify_anchor};

use super::{
    blocks::{BlockCheckpoint, HeaderChain},
    header::AnchorHeader,
    merkle::MerkleBranch,
    recovery::RecoveryLeaf,
    taproot::{AnchorOutput, AnchorOutputError},
    transaction::StrippedTransaction,
};
use crate::{
    anchor::branch::BatchBranch,
    error::{AnchorError, AnchorProofError},
    key::VkId,
    proof::Proof,
    statement::Statement,
};
use alloc::vec::Vec;
use bitcoin::{Network, XOnlyPublicKey, block::Header};

/// The parts of an [`AnchorProof`]: plain data, of which nothing is known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorParts {
    /// The height of the first block header.
    pub first_height: u32,
    /// Consecutive block headers.
    pub headers: Vec<Header>,
    /// Which of them is that of the block with the last anchor, from 0.
    pub block: u16,
    /// The first transaction of that block, without witnesses.
    pub coinbase: Vec<u8>,
    /// Its siblings in the block's Merkle tree.
    pub coinbase_siblings: Vec<[u8; 32]>,
    /// The index of the last anchor's transaction in the block.
    pub index: u32,
    /// Its siblings in the block's Merkle tree.
    pub siblings: Vec<[u8; 32]>,
    /// Consecutive anchors of the thread, oldest first.
    pub anchors: Vec<AnchorEntry>,
}

/// An anchor: its header, what its output is made of, its transaction, and proofs of batches that it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorEntry {
    /// The header.
    pub header: AnchorHeader,
    /// The internal key K.
    pub internal_key: XOnlyPublicKey,
    /// The recovery leaf, in the profile that has one.
    pub recovery: Option<RecoveryLeaf>,
    /// The transaction, without witnesses.
    pub transaction: Vec<u8>,
    /// Batches with their proofs; all of the header's, some or none.
    pub batches: Vec<BatchEntry>,
}

/// A batch with its proof, and its place in the anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEntry {
    /// What the batch claims.
    pub statement: Statement,
    /// The id of the key under which it is proven.
    pub vk_id: VkId,
    /// The proof.
    pub proof: Proof,
    /// Its place under the header's batches root.
    pub branch: BatchBranch,
}

impl AnchorEntry {
    /// The output that this anchor must have.
    ///
    /// # Errors
    /// If its keys cannot be those of an anchor.
    pub fn output(&self) -> Result<AnchorOutput, AnchorOutputError> {
        AnchorOutput::with_profile(self.internal_key, self.header.commitment(), self.recovery)
    }
}

/// An anchor proof whose parts are in range. What it claims is not verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorProof(AnchorParts);

impl AnchorProof {
    /// The most bytes of an anchor proof; one with few headers and anchors has a few thousand.
    pub const MAX_BYTES: usize = 1 << 20;
    /// The most block headers in it.
    pub const MAX_HEADERS: usize = 4032;
    /// The most anchors in it.
    pub const MAX_ANCHORS: usize = 1024;
    /// The most batches with each anchor.
    pub const MAX_BATCHES: usize = 1024;

    /// Takes parts.
    ///
    /// # Errors
    /// If there are none or too many of something, or the block's number is not one of a header.
    pub fn new(parts: AnchorParts) -> Result<Self, AnchorProofError> {
        let count = |part, least, most, actual| {
            if (least..=most).contains(&actual) {
                Ok(())
            } else {
                Err(AnchorProofError::Count { part, least, most, actual })
            }
        };
        count("block headers", 1, Self::MAX_HEADERS, parts.headers.len())?;
        if usize::from(parts.block) >= parts.headers.len() {
            return Err(AnchorProofError::Block { headers: parts.headers.len(), actual: parts.block.into() });
        }
        // Longer branches can be told, up to what a byte counts, so that the rule about their length gives the verdict.
        count("siblings of the coinbase", 0, u8::MAX.into(), parts.coinbase_siblings.len())?;
        count("siblings of the transaction", 0, u8::MAX.into(), parts.siblings.len())?;
        count("bytes of the coinbase", 0, StrippedTransaction::MAX_BYTES, parts.coinbase.len())?;
        count("anchors", 1, Self::MAX_ANCHORS, parts.anchors.len())?;
        for anchor in &parts.anchors {
            count("bytes of a transaction", 0, StrippedTransaction::MAX_BYTES, anchor.transaction.len())?;
            count("batches of an anchor", 0, Self::MAX_BATCHES, anchor.batches.len())?;
        }
        let proof = Self(parts);
        let actual = proof.to_bytes().len();
        if actual > Self::MAX_BYTES {
            return Err(AnchorProofError::TooLong { most: Self::MAX_BYTES, actual });
        }
        Ok(proof)
    }

    /// The parts.
    pub fn parts(&self) -> &AnchorParts {
        &self.0
    }

    /// The last anchor, the one that is proven to stand in a block.
    pub fn last(&self) -> Option<&AnchorEntry> {
        self.0.anchors.last()
    }

    /// The place of the last anchor's transaction.
    fn branch(&self) -> MerkleBranch<'_> {
        MerkleBranch { index: self.0.index, siblings: &self.0.siblings }
    }

    /// Each header with its height as the proof says.
    fn heights(&self) -> impl Iterator<Item = (u32, &Header)> {
        (0u32..).zip(&self.0.headers).map(|(index, header)| (self.0.first_height.saturating_add(index), header))
    }

    /// The lowest block of this proof at which a chain of headers can start, since those before it go back far enough. Whether it is one to
    /// trust, no proof can say.
    pub fn lowest_checkpoint(&self, network: Network) -> Option<BlockCheckpoint> {
        let checkpoint = |(height, header): (u32, &Header)| BlockCheckpoint { network, height, hash: header.block_hash() };
        self.heights().map(checkpoint).find(|checkpoint| checkpoint.context_height() >= self.0.first_height)
    }

    /// A chain of headers that starts at a checkpoint and consists of this proof's headers. `now` is the clock, where there is one.
    ///
    /// # Errors
    /// [`AnchorError::Block`] if the headers do not lead up to the checkpoint, or one after it breaks a rule.
    pub fn header_chain(&self, checkpoint: BlockCheckpoint, now: Option<u32>) -> Result<HeaderChain, AnchorError> {
        let up_to = self.heights().take_while(|(height, _)| *height <= checkpoint.height).count();
        let context = self.0.headers.get(..up_to).unwrap_or(&[]);
        let mut chain = HeaderChain::new(checkpoint, context, Self::MAX_HEADERS)?;
        self.add_headers(&mut chain, now)?;
        Ok(chain)
    }

    /// Adds this proof's headers to a chain that the caller follows. Those up to its checkpoint are passed over.
    ///
    /// # Errors
    /// [`AnchorError::Block`] if a header breaks a rule, [`AnchorError::Height`] if it stands at another height than the proof says.
    pub fn add_headers(&self, chain: &mut HeaderChain, now: Option<u32>) -> Result<(), AnchorError> {
        let checkpoint = chain.checkpoint_height();
        for (expected, header) in self.heights().filter(|(height, _)| *height > checkpoint) {
            chain.add(*header, now)?;
            let actual = chain.position(&header.block_hash()).map_or(0, |position| position.height);
            if actual != expected {
                return Err(AnchorError::Height { expected, actual });
            }
        }
        Ok(())
    }
}
