//! [`Checkpoint`]: all that a [`ChainVerifier`](crate::ChainVerifier) must remember, in 92 bytes.

use crate::{
    chain::ChainEnd,
    error::CheckpointError,
    field::Element,
    statement::{BATCH_NUMBER_END, Statement},
};

const MAGIC: [u8; 4] = *b"TSCP";
const VERSION: u32 = 1;

/// Where a followed chain stands.
///
/// A checkpoint is trusted like the caller's configuration: keep it where nobody else writes. All numbers big-endian:
///
/// | offset | bytes | field |
/// | --- | --- | --- |
/// | 0 | 4 | magic `TSCP` |
/// | 4 | 4 | version, 1 |
/// | 8 | 4 | chain id |
/// | 12 | 8 | number of the last batch, 0 before the first |
/// | 20 | 8 | number of the last batch up to which deposits were checked |
/// | 28 | 32 | state root after the last batch |
/// | 60 | 32 | commitment of the last batch, zeros where it is not known |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    end: ChainEnd,
    deposits_checked: u64,
    commitment: Option<[u8; 32]>,
}

impl Checkpoint {
    /// Length of the encoded checkpoint.
    pub const BYTES: usize = 92;

    /// A start that the caller knows: the chain's genesis (batch number 0 and its state root), or a later state that was verified
    /// elsewhere, deposits included.
    pub const fn start(end: ChainEnd) -> Self {
        Self { end, deposits_checked: end.batch_number, commitment: None }
    }

    /// After a verified batch with this commitment.
    pub(crate) fn after(&self, statement: &Statement, commitment: [u8; 32], deposits_checked: bool) -> Self {
        Self {
            end: ChainEnd::after(statement),
            deposits_checked: if deposits_checked { statement.batch_number } else { self.deposits_checked },
            commitment: Some(commitment),
        }
    }

    /// Chain, batch number and state root.
    pub const fn end(&self) -> ChainEnd {
        self.end
    }

    /// The number of the last batch up to which all deposits were checked against the caller's queue.
    pub const fn deposits_checked(&self) -> u64 {
        self.deposits_checked
    }

    /// The commitment of the last batch, where it is known.
    pub const fn commitment(&self) -> Option<[u8; 32]> {
        self.commitment
    }

    /// The 92 bytes.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        out[..4].copy_from_slice(&MAGIC);
        out[4..8].copy_from_slice(&VERSION.to_be_bytes());
        out[8..12].copy_from_slice(&self.end.chain_id.to_be_bytes());
        out[12..20].copy_from_slice(&self.end.batch_number.to_be_bytes());
        out[20..28].copy_from_slice(&self.deposits_checked.to_be_bytes());
        out[28..60].copy_from_slice(&self.end.state_root.to_be_bytes());
        out[60..].copy_from_slice(&self.commitment.unwrap_or_default());
        out
    }

    /// Reads what [`Checkpoint::to_bytes`] writes, and nothing else.
    ///
    /// # Errors
    /// If length, magic or version is wrong, the state root is not below r, or a batch number is out of range.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let wrong_length = CheckpointError::Length { expected: Self::BYTES, actual: bytes.len() };
        let bytes: &[u8; Self::BYTES] = bytes.try_into().map_err(|_| wrong_length)?;
        let magic = part(bytes, 0);
        if magic != MAGIC {
            return Err(CheckpointError::Magic { expected: MAGIC, actual: magic });
        }
        let version = u32::from_be_bytes(part(bytes, 4));
        if version != VERSION {
            return Err(CheckpointError::Version { expected: VERSION, actual: version });
        }
        let chain_id = u32::from_be_bytes(part(bytes, 8));
        let batch_number = u64::from_be_bytes(part(bytes, 12));
        let deposits_checked = u64::from_be_bytes(part(bytes, 20));
        if batch_number >= BATCH_NUMBER_END || deposits_checked > batch_number {
            return Err(CheckpointError::BatchNumber { batch_number, deposits_checked });
        }
        let state_root =
            Element::from_be_bytes(part(bytes, 28)).map_err(|e| CheckpointError::StateRoot { bytes: e.bytes })?;
        let commitment = Some(part(bytes, 60)).filter(|c| *c != [0; 32]);
        if batch_number == 0 && commitment.is_some() {
            return Err(CheckpointError::BatchNumber { batch_number, deposits_checked });
        }
        Ok(Self { end: ChainEnd { chain_id, batch_number, state_root }, deposits_checked, commitment })
    }
}

/// `N` bytes from `offset` on; the offsets in this file are constants that lie within the checkpoint.
fn part<const N: usize>(bytes: &[u8; Checkpoint::BYTES], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}
