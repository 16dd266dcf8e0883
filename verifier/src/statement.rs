//! [`Statement`]: what a batch proof claims (PROTOCOL.md, section 8).
//!
//! The order of the fields is written once, in [`Statement::fields`]; public input, canonical bytes and batch commitment use it.

use crate::{error::StatementError, field::Element, poseidon};

/// Batch numbers are below this bound.
pub const BATCH_NUMBER_END: u64 = 1 << 48;

/// The public claim of one batch.
///
/// The fields are plain data: nothing about a statement is known to be true until [`crate::verify()`] returns it in a
/// [`crate::Verified`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Statement {
    /// The rollup's chain id; modulo 4 it names the Bitcoin network.
    pub chain_id: u32,
    /// Number of the batch, from 1, below 2^48.
    #[cfg_attr(feature = "serde", serde(deserialize_with = "batch_number"))]
    pub batch_number: u64,
    /// State root before the batch.
    pub pre_state_root: Element,
    /// State root after the batch.
    pub post_state_root: Element,
    /// Hash of the published data.
    pub data_hash: Element,
    /// Head of the deposit queue after the batch.
    pub deposit_head: Element,
    /// Root of the withdrawals: the last link of a chain of hashes that starts with chain and batch.
    pub withdrawals_root: Element,
}

impl Statement {
    /// Length of the canonical bytes.
    pub const BYTES: usize = 7 * 32;

    /// The names of the fields, in their order.
    const NAMES: [&'static str; 7] =
        ["chain_id", "batch_number", "pre_state_root", "post_state_root", "data_hash", "deposit_head", "withdrawals_root"];

    /// The seven fields as elements, in the order of the protocol.
    pub fn fields(&self) -> [Element; 7] {
        [
            Element::from(u64::from(self.chain_id)),
            Element::from(self.batch_number),
            self.pre_state_root,
            self.post_state_root,
            self.data_hash,
            self.deposit_head,
            self.withdrawals_root,
        ]
    }

    /// The circuit's only public input: `P_7` over the fields.
    pub fn public_input(&self) -> Element {
        Element::from_fr(poseidon::hash(&self.fields().map(Element::fr)))
    }

    /// The seven fields, each as 32 big-endian bytes.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut out = [0; Self::BYTES];
        for (chunk, field) in out.chunks_exact_mut(32).zip(self.fields()) {
            chunk.copy_from_slice(&field.to_be_bytes());
        }
        out
    }

    /// Reads what [`Statement::to_bytes`] writes, and nothing else.
    ///
    /// # Errors
    /// If the length is not 224, an element is not below r, or chain id or batch number is out of range.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StatementError> {
        let wrong_length = StatementError::Length { expected: Self::BYTES, actual: bytes.len() };
        let bytes: &[u8; Self::BYTES] = bytes.try_into().map_err(|_| wrong_length)?;
        let mut fields = [Element::ZERO; 7];
        for ((field, chunk), name) in fields.iter_mut().zip(bytes.chunks_exact(32)).zip(Self::NAMES) {
            let mut raw = [0; 32];
            raw.copy_from_slice(chunk);
            *field =
                Element::from_be_bytes(raw).map_err(|e| StatementError::NotCanonical { field: name, bytes: e.bytes })?;
        }
        let [chain_id, batch_number, pre_state_root, post_state_root, data_hash, deposit_head, withdrawals_root] = fields;
        let statement = Self {
            chain_id: small(chain_id).and_then(|c| c.try_into().ok()).ok_or(StatementError::ChainId { actual: chain_id })?,
            batch_number: small(batch_number).ok_or(StatementError::BatchNumber { actual: batch_number })?,
            pre_state_root,
            post_state_root,
            data_hash,
            deposit_head,
            withdrawals_root,
        };
        statement.check()?;
        Ok(statement)
    }

    /// Refuses a statement whose batch number is out of range; every other range is a matter of the types.
    pub(crate) fn check(&self) -> Result<(), StatementError> {
        if (1..BATCH_NUMBER_END).contains(&self.batch_number) {
            Ok(())
        } else {
            Err(StatementError::BatchNumber { actual: Element::from(self.batch_number) })
        }
    }
}

/// The value of an element below 2^64.
fn small(x: Element) -> Option<u64> {
    let bytes = x.to_be_bytes();
    let (high, low) = bytes.split_at(24);
    let mut raw = [0; 8];
    raw.copy_from_slice(low);
    high.iter().all(|b| *b == 0).then(|| u64::from_be_bytes(raw))
}

#[cfg(feature = "serde")]
fn batch_number<'de, D: serde::Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
    let number = <u64 as serde::Deserialize>::deserialize(d)?;
    if (1..BATCH_NUMBER_END).contains(&number) {
        Ok(number)
    } else {
        Err(serde::de::Error::custom(StatementError::BatchNumber { actual: Element::from(number) }))
    }
}
