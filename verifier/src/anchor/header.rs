//! [`AnchorHeader`]: the 164 bytes that name a range of verified batches and the anchor before them.
//!
//! A header made by [`AnchorHeader::first`] or [`AnchorHeader::next`] covers verified batches. A header that was decoded covers
//! nothing yet: [`AnchorHeader::check_follows`] links it to the anchor before, [`AnchorHeader::check_batches`] to its batches, and
//! [`AnchorHeader::check_batch`] to one of them.

use super::branch::BatchBranch;
use crate::{
    chain::ChainEnd,
    commitment::{Commitment, batches_root},
    error::HeaderError,
    field::Element,
    hash::{hex_text, parse_hex, tagged},
    statement::BATCH_NUMBER_END,
    verify::Verified,
};
use alloc::vec::Vec;

/// Version of the header.
const VERSION: u32 = 1;

/// The 32 bytes that an anchor's output commits to: the tagged hash of its header.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnchorCommitment([u8; 32]);
hex_text!(AnchorCommitment);

impl AnchorCommitment {
    /// What stands in place of a previous anchor in the header with sequence number 0.
    pub const NONE: Self = Self([0; 32]);

    /// Takes the 32 bytes of a commitment, for example one read from a file, to look for it on the chain.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl core::str::FromStr for AnchorCommitment {
    type Err = crate::error::ParseHashError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for AnchorCommitment {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <alloc::string::String as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The header of an anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AnchorHeader {
    chain_id: u32,
    sequence: u64,
    first_batch: u64,
    batch_count: u64,
    previous: AnchorCommitment,
    pre_state_root: Element,
    post_state_root: Element,
    batches_root: [u8; 32],
}

impl AnchorHeader {
    /// Length of the encoded header.
    pub const BYTES: usize = 164;

    /// The first anchor of a chain, over these batches.
    ///
    /// # Errors
    /// If there are no batches, or they are not of one chain, consecutive and linked by their state roots.
    pub fn first(batches: &[Verified]) -> Result<Self, HeaderError> {
        Self::over(0, AnchorCommitment::NONE, batches)
    }

    /// The anchor after `previous`, over these batches.
    ///
    /// # Errors
    /// As [`AnchorHeader::first`], and if the batches do not continue the chain where `previous` ends.
    pub fn next(previous: &Self, batches: &[Verified]) -> Result<Self, HeaderError> {
        let sequence =
            previous.sequence.checked_add(1).ok_or(HeaderError::Sequence { expected: None, actual: previous.sequence })?;
        let header = Self::over(sequence, previous.commitment(), batches)?;
        header.check_follows(previous)?;
        Ok(header)
    }

    fn over(sequence: u64, previous: AnchorCommitment, batches: &[Verified]) -> Result<Self, HeaderError> {
        let [first, ..] = batches else { return Err(HeaderError::NoBatches) };
        let (first, mut last) = (first.statement(), first.statement());
        for next in batches.iter().skip(1).map(Verified::statement) {
            ChainEnd::after(last).check_next_statement(next)?;
            last = next;
        }
        let commitments: Vec<Commitment> = batches.iter().map(Verified::commitment).collect();
        Ok(Self {
            chain_id: first.chain_id,
            sequence,
            first_batch: first.batch_number,
            batch_count: last.batch_number - first.batch_number + 1,
            previous,
            pre_state_root: first.pre_state_root,
            post_state_root: last.post_state_root,
            batches_root: batches_root(&commitments).ok_or(HeaderError::NoBatches)?,
        })
    }

    /// Checks that this header continues the chain where `previous` ends: chain id, sequence number, previous commitment, batch
    /// numbers and state roots.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn check_follows(&self, previous: &Self) -> Result<(), HeaderError> {
        if self.chain_id != previous.chain_id {
            return Err(HeaderError::ChainId { expected: previous.chain_id, actual: self.chain_id });
        }
        let sequence = previous.sequence.checked_add(1);
        if sequence != Some(self.sequence) {
            return Err(HeaderError::Sequence { expected: sequence, actual: self.sequence });
        }
        if self.previous != previous.commitment() {
            return Err(HeaderError::Previous { expected: previous.commitment().0, actual: self.previous.0 });
        }
        // The range of every header ends below 2^48.
        let first_batch = previous.first_batch + previous.batch_count;
        if self.first_batch != first_batch {
            return Err(HeaderError::BatchNumber { expected: first_batch, actual: self.first_batch });
        }
        if self.pre_state_root != previous.post_state_root {
            return Err(HeaderError::StateRoot {
                batch_number: self.first_batch,
                expected: previous.post_state_root,
                actual: self.pre_state_root,
            });
        }
        Ok(())
    }

    /// Checks that this header covers exactly these verified batches.
    ///
    /// # Errors
    /// As [`AnchorHeader::first`], and for the first field of the header that is not that of the batches.
    pub fn check_batches(&self, batches: &[Verified]) -> Result<(), HeaderError> {
        let other = Self::over(self.sequence, self.previous, batches)?;
        if other.chain_id != self.chain_id {
            return Err(HeaderError::ChainId { expected: self.chain_id, actual: other.chain_id });
        }
        if other.first_batch != self.first_batch {
            return Err(HeaderError::BatchNumber { expected: self.first_batch, actual: other.first_batch });
        }
        if other.batch_count != self.batch_count {
            return Err(HeaderError::BatchCount { expected: self.batch_count, actual: other.batch_count });
        }
        if other.pre_state_root != self.pre_state_root {
            return Err(HeaderError::StateRoot {
                batch_number: self.first_batch,
                expected: self.pre_state_root,
                actual: other.pre_state_root,
            });
        }
        if other.post_state_root != self.post_state_root {
            return Err(HeaderError::StateRoot {
                batch_number: self.last_batch(),
                expected: self.post_state_root,
                actual: other.post_state_root,
            });
        }
        if other.batches_root != self.batches_root {
            return Err(HeaderError::BatchesRoot { expected: self.batches_root, actual: other.batches_root });
        }
        Ok(())
    }

    /// Checks that this header covers a verified batch in the place of its number: chain id, range and branch, and the header's
    /// state roots where the batch is the first or the last.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn check_batch(&self, batch: &Verified, branch: &BatchBranch) -> Result<(), HeaderError> {
        let statement = batch.statement();
        if statement.chain_id != self.chain_id {
            return Err(HeaderError::ChainId { expected: self.chain_id, actual: statement.chain_id });
        }
        let (batch_number, first, last) = (statement.batch_number, self.first_batch, self.last_batch());
        let index = batch_number.checked_sub(first).filter(|index| *index < self.batch_count);
        let index = index.ok_or(HeaderError::NotCovered { batch_number, first, last })?;
        let actual = branch.root(index, self.batch_count, &batch.commitment().to_bytes())?;
        if actual != self.batches_root {
            return Err(HeaderError::BatchesRoot { expected: self.batches_root, actual });
        }
        let ends = [
            (first, self.pre_state_root, statement.pre_state_root),
            (last, self.post_state_root, statement.post_state_root),
        ];
        for (end, expected, actual) in ends {
            if batch_number == end && expected != actual {
                return Err(HeaderError::StateRoot { batch_number, expected, actual });
            }
        }
        Ok(())
    }

    /// The 164 bytes.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..4].copy_from_slice(&VERSION.to_be_bytes());
        out[4..8].copy_from_slice(&self.chain_id.to_be_bytes());
        out[8..16].copy_from_slice(&self.sequence.to_be_bytes());
        out[16..24].copy_from_slice(&self.first_batch.to_be_bytes());
        out[24..32].copy_from_slice(&self.batch_count.to_be_bytes());
        // Bytes 32 to 35 are reserved and 0.
        out[36..68].copy_from_slice(&self.previous.0);
        out[68..100].copy_from_slice(&self.pre_state_root.to_be_bytes());
        out[100..132].copy_from_slice(&self.post_state_root.to_be_bytes());
        out[132..].copy_from_slice(&self.batches_root);
        out
    }

    /// Reads what [`AnchorHeader::to_bytes`] writes, and nothing else.
    ///
    /// # Errors
    /// If length, version or reserved field is wrong, the range of batches is empty or not within 1 .. 2^48, a state root is not
    /// below r, or sequence number 0 comes with a previous anchor.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeaderError> {
        let wrong_length = HeaderError::Length { expected: Self::BYTES, actual: bytes.len() };
        let bytes: &[u8; Self::BYTES] = bytes.try_into().map_err(|_| wrong_length)?;
        let version = u32::from_be_bytes(part(bytes, 0));
        if version != VERSION {
            return Err(HeaderError::Version { expected: VERSION, actual: version });
        }
        let reserved = u32::from_be_bytes(part(bytes, 32));
        if reserved != 0 {
            return Err(HeaderError::Reserved { actual: reserved });
        }
        let root = |field, offset| {
            Element::from_be_bytes(part(bytes, offset)).map_err(|e| HeaderError::NotCanonical { field, bytes: e.bytes })
        };
        let header = Self {
            chain_id: u32::from_be_bytes(part(bytes, 4)),
            sequence: u64::from_be_bytes(part(bytes, 8)),
            first_batch: u64::from_be_bytes(part(bytes, 16)),
            batch_count: u64::from_be_bytes(part(bytes, 24)),
            previous: AnchorCommitment(part(bytes, 36)),
            pre_state_root: root("pre_state_root", 68)?,
            post_state_root: root("post_state_root", 100)?,
            batches_root: part(bytes, 132),
        };
        if header.batch_count == 0 {
            return Err(HeaderError::NoBatches);
        }
        let end = header.first_batch.checked_add(header.batch_count);
        if header.first_batch == 0 || end.is_none_or(|end| end > BATCH_NUMBER_END) {
            return Err(HeaderError::BatchRange { first: header.first_batch, count: header.batch_count });
        }
        if header.sequence == 0 && header.previous != AnchorCommitment::NONE {
            return Err(HeaderError::FirstHasPrevious { actual: header.previous.0 });
        }
        Ok(header)
    }

    /// The anchor commitment: the tagged hash of the 164 bytes.
    pub fn commitment(&self) -> AnchorCommitment {
        AnchorCommitment(tagged("Tapstone/anchor/v1", &[&self.to_bytes()]))
    }

    /// The chain id.
    pub fn chain_id(&self) -> u32 {
        self.chain_id
    }

    /// The sequence number, from 0.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The number of the first batch.
    pub fn first_batch(&self) -> u64 {
        self.first_batch
    }

    /// The number of the last batch.
    pub fn last_batch(&self) -> u64 {
        self.first_batch + (self.batch_count - 1)
    }

    /// The number of batches, at least 1.
    pub fn batch_count(&self) -> u64 {
        self.batch_count
    }

    /// The commitment of the previous anchor, [`AnchorCommitment::NONE`] for sequence number 0.
    pub fn previous(&self) -> AnchorCommitment {
        self.previous
    }

    /// The state root before the first batch.
    pub fn pre_state_root(&self) -> Element {
        self.pre_state_root
    }

    /// The state root after the last batch.
    pub fn post_state_root(&self) -> Element {
        self.post_state_root
    }

    /// The root over the commitments of the batches.
    pub fn batches_root(&self) -> [u8; 32] {
        self.batches_root
    }
}

/// `N` bytes from `offset` on; the offsets in this file are constants that lie within the header.
fn part<const N: usize>(bytes: &[u8; AnchorHeader::BYTES], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}
