//! The bytes of an [`AnchorProof`] (PROTOCOL.md, section 9.3).

use super::{AnchorEntry, AnchorParts, AnchorProof, BatchEntry};
use crate::{
    anchor::{branch::BatchBranch, header::AnchorHeader, reader::Reader, recovery::RecoveryLeaf},
    error::AnchorProofError,
    key::VkId,
    proof::Proof,
    statement::Statement,
};
use alloc::vec::Vec;
use bitcoin::{XOnlyPublicKey, block::Header, consensus};

const MAGIC: [u8; 4] = *b"TSAP";
const VERSION: u32 = 1;
/// Kind of an output with the leaf of the commitment alone.
const PLAIN: u8 = 0;
/// Kind of an output with a recovery leaf beside it.
const RECOVERY: u8 = 1;
/// Bytes of a compressed proof.
const PROOF_BYTES: usize = 128;

impl AnchorProof {
    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let parts = self.parts();
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(VERSION.to_be_bytes());
        out.extend(parts.first_height.to_be_bytes());
        out.extend(short(parts.headers.len()));
        for header in &parts.headers {
            out.extend(consensus::serialize(header));
        }
        out.extend(parts.block.to_be_bytes());
        bytes(&mut out, &parts.coinbase);
        siblings(&mut out, &parts.coinbase_siblings);
        out.extend(parts.index.to_be_bytes());
        siblings(&mut out, &parts.siblings);
        out.extend(short(parts.anchors.len()));
        for anchor in &parts.anchors {
            out.extend(anchor.header.to_bytes());
            out.push(if anchor.recovery.is_some() { RECOVERY } else { PLAIN });
            out.extend(anchor.internal_key.serialize());
            if let Some(recovery) = anchor.recovery {
                out.extend(recovery.key().serialize());
                out.extend(recovery.blocks().to_be_bytes());
            }
            bytes(&mut out, &anchor.transaction);
            out.extend(short(anchor.batches.len()));
            for batch in &anchor.batches {
                out.extend(batch.statement.to_bytes());
                out.extend(batch.vk_id.to_bytes());
                out.extend(batch.proof.to_compressed());
                siblings(&mut out, batch.branch.siblings());
            }
        }
        out
    }

    /// Reads what [`AnchorProof::to_bytes`] writes, and nothing else.
    ///
    /// # Errors
    /// If the bytes are too many, start otherwise, end early or late, a number is out of range, or a part is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AnchorProofError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(AnchorProofError::TooLong { most: Self::MAX_BYTES, actual: bytes.len() });
        }
        let mut input = Input { reader: Reader::new(bytes), length: bytes.len() };
        let actual = input.array("the magic")?;
        if actual != MAGIC {
            return Err(AnchorProofError::Magic { expected: MAGIC, actual });
        }
        let actual = u32::from_be_bytes(input.array("the version")?);
        if actual != VERSION {
            return Err(AnchorProofError::Version { expected: VERSION, actual });
        }
        let first_height = input.long("the first height")?;
        let count = input.count("block headers", Self::MAX_HEADERS, Header::SIZE)?;
        let headers = (0..count).map(|_| input.header()).collect::<Result<_, _>>()?;
        let block = u16::from_be_bytes(input.array("the number of the block")?);
        let coinbase = input.bytes("the coinbase")?;
        let coinbase_siblings = input.siblings("the coinbase's siblings")?;
        let index = input.long("the index of the transaction")?;
        let siblings = input.siblings("the transaction's siblings")?;
        let least = AnchorHeader::BYTES + 1 + 32 + 4 + 2;
        let count = input.count("anchors", Self::MAX_ANCHORS, least)?;
        let anchors = (0..count).map(|_| input.anchor()).collect::<Result<_, _>>()?;
        if input.reader.left() != 0 {
            return Err(AnchorProofError::TrailingBytes { expected: input.reader.offset(), actual: bytes.len() });
        }
        Self::new(AnchorParts { first_height, headers, block, coinbase, coinbase_siblings, index, siblings, anchors })
    }
}

/// A number below 2^16, which [`AnchorProof::new`] has seen to.
fn short(count: usize) -> [u8; 2] {
    (count as u16).to_be_bytes()
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend(bytes);
}

fn siblings(out: &mut Vec<u8>, siblings: &[[u8; 32]]) {
    out.push(siblings.len() as u8);
    out.extend(siblings.as_flattened());
}

struct Input<'a> {
    reader: Reader<'a>,
    length: usize,
}

impl<'a> Input<'a> {
    fn truncated(&self, part: &'static str) -> AnchorProofError {
        AnchorProofError::Truncated { part, actual: self.length }
    }

    fn take(&mut self, part: &'static str, count: usize) -> Result<&'a [u8], AnchorProofError> {
        self.reader.take(count).ok_or(self.truncated(part))
    }

    fn array<const N: usize>(&mut self, part: &'static str) -> Result<[u8; N], AnchorProofError> {
        self.reader.array().ok_or(self.truncated(part))
    }

    fn long(&mut self, part: &'static str) -> Result<u32, AnchorProofError> {
        self.array(part).map(u32::from_be_bytes)
    }

    /// How many of something follow, each of at least so many bytes: no more than there are bytes for, so that what is made room for is
    /// bounded by the input.
    fn count(&mut self, part: &'static str, most: usize, least_bytes: usize) -> Result<usize, AnchorProofError> {
        let actual = usize::from(u16::from_be_bytes(self.array(part)?));
        if actual > most {
            return Err(AnchorProofError::Count { part, least: 0, most, actual });
        }
        if actual * least_bytes > self.reader.left() {
            return Err(self.truncated(part));
        }
        Ok(actual)
    }

    fn bytes(&mut self, part: &'static str) -> Result<Vec<u8>, AnchorProofError> {
        // A length that does not fit into usize is more than there is.
        let count = usize::try_from(self.long(part)?).unwrap_or(usize::MAX);
        self.take(part, count).map(<[u8]>::to_vec)
    }

    fn siblings(&mut self, part: &'static str) -> Result<Vec<[u8; 32]>, AnchorProofError> {
        let [count] = self.array(part)?;
        let bytes = self.take(part, 32 * usize::from(count))?;
        Ok(bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok()).collect())
    }

    fn header(&mut self) -> Result<Header, AnchorProofError> {
        let part = "block headers";
        let bytes = self.take(part, Header::SIZE)?;
        consensus::deserialize(bytes).map_err(|_| self.truncated(part))
    }

    fn key(&mut self) -> Result<XOnlyPublicKey, AnchorProofError> {
        let bytes = self.array::<32>("a key")?;
        XOnlyPublicKey::from_slice(&bytes).map_err(|_| AnchorProofError::Key { bytes })
    }

    fn anchor(&mut self) -> Result<AnchorEntry, AnchorProofError> {
        let header = AnchorHeader::from_bytes(self.take("an anchor header", AnchorHeader::BYTES)?)?;
        let [kind] = self.array("the kind of an output")?;
        if kind != PLAIN && kind != RECOVERY {
            return Err(AnchorProofError::Kind { actual: kind });
        }
        let internal_key = self.key()?;
        let recovery = if kind == RECOVERY {
            let key = self.key()?;
            Some(RecoveryLeaf::new(key, u16::from_be_bytes(self.array("the blocks of a recovery leaf")?))?)
        } else {
            None
        };
        let transaction = self.bytes("an anchor's transaction")?;
        let least = Statement::BYTES + 32 + PROOF_BYTES + 1;
        let count = self.count("batches of an anchor", AnchorProof::MAX_BATCHES, least)?;
        let batches = (0..count).map(|_| self.batch()).collect::<Result<_, _>>()?;
        Ok(AnchorEntry { header, internal_key, recovery, transaction, batches })
    }

    fn batch(&mut self) -> Result<BatchEntry, AnchorProofError> {
        let statement = Statement::from_bytes(self.take("a statement", Statement::BYTES)?)?;
        let vk_id = VkId::from_bytes(self.array("a key id")?);
        let proof = Proof::from_compressed(self.take("a batch proof", PROOF_BYTES)?)?;
        let branch = BatchBranch::from_siblings(self.siblings("a batch's siblings")?)?;
        Ok(BatchEntry { statement, vk_id, proof, branch })
    }
}
