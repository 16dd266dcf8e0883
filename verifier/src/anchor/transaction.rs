//! [`StrippedTransaction`]: a transaction without its witnesses, read where it lies.
//!
//! The bytes without witnesses are what a transaction id hashes. A transaction of 64 bytes is refused: an inner node of a block's
//! Merkle tree has as many, and one could be passed off as the other (CVE-2017-12842).

use super::reader::Reader;
use crate::error::TransactionError;
use bitcoin::{
    Amount, OutPoint, Script, Txid,
    hashes::{Hash, sha256d},
};

/// A transaction without witnesses, well-formed by Bitcoin's rules of serialisation.
#[derive(Clone, Copy, Debug)]
pub struct StrippedTransaction<'a> {
    bytes: &'a [u8],
    inputs: (Reader<'a>, u64),
    outputs: (Reader<'a>, u64),
}

impl<'a> StrippedTransaction<'a> {
    /// The most bytes without witnesses that a block has room for.
    pub const MAX_BYTES: usize = 1_000_000;

    /// Reads a transaction; nothing is copied.
    ///
    /// # Errors
    /// If the bytes are too many, are 64, or are no transaction with inputs and outputs and without witnesses.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TransactionError> {
        if bytes.len() == 64 {
            return Err(TransactionError::Ambiguous);
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(TransactionError::TooLong { most: Self::MAX_BYTES, actual: bytes.len() });
        }
        let mut reader = Reader::new(bytes);
        let malformed = |reader: &Reader<'_>| TransactionError::Malformed { offset: reader.offset() };
        reader.take(4).ok_or(malformed(&reader))?;
        let count = reader.compact_size().ok_or(malformed(&reader))?;
        if count == 0 {
            // Also the mark of the form with witnesses.
            return Err(TransactionError::NoInputs);
        }
        let inputs = (reader, count);
        for _ in 0..count {
            input(&mut reader).ok_or(malformed(&reader))?;
        }
        let count = reader.compact_size().ok_or(malformed(&reader))?;
        if count == 0 {
            return Err(TransactionError::NoOutputs);
        }
        let outputs = (reader, count);
        for _ in 0..count {
            output(&mut reader).ok_or(malformed(&reader))?;
        }
        reader.take(4).ok_or(malformed(&reader))?;
        match reader.left() {
            0 => Ok(Self { bytes, inputs, outputs }),
            _ => Err(TransactionError::TrailingBytes { expected: reader.offset(), actual: bytes.len() }),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The transaction id.
    pub fn txid(&self) -> Txid {
        Txid::from_raw_hash(sha256d::Hash::hash(self.bytes))
    }

    /// What the inputs spend, in order.
    pub fn inputs(&self) -> impl Iterator<Item = OutPoint> + use<'a> {
        let (mut reader, count) = self.inputs;
        (0..count).map_while(move |_| input(&mut reader))
    }

    /// Values and scripts of the outputs, in order.
    pub fn outputs(&self) -> impl Iterator<Item = (Amount, &'a Script)> + use<'a> {
        let (mut reader, count) = self.outputs;
        (0..count).map_while(move |_| output(&mut reader))
    }

    /// Whether this has the form of a block's first transaction: one input, which spends nothing.
    pub fn is_coinbase(&self) -> bool {
        self.inputs.1 == 1 && self.inputs().all(|spent| spent.is_null())
    }
}

fn input(reader: &mut Reader<'_>) -> Option<OutPoint> {
    let txid = Txid::from_byte_array(reader.array()?);
    let vout = u32::from_le_bytes(reader.array()?);
    reader.prefixed()?;
    reader.take(4)?;
    Some(OutPoint { txid, vout })
}

fn output<'a>(reader: &mut Reader<'a>) -> Option<(Amount, &'a Script)> {
    let value = Amount::from_sat(u64::from_le_bytes(reader.array()?));
    Some((value, Script::from_bytes(reader.prefixed()?)))
}
