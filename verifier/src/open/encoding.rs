//! [`ProvenOpen`]: an open batch with its proofs, as bytes.

use super::{FEE_TOKENS, KeySet, MAX_PARTS, OpenBatch, Registers, Role, Segment, StatePart};
use crate::{
    error::{OpenError, OpenFileError},
    exit::StateFields,
    field::Element,
    key::VkId,
    proof::Proof,
    statement::Statement,
};
use alloc::vec::Vec;

/// First bytes of the file.
const MAGIC: [u8; 4] = *b"TSOB";
/// Version of the layout.
const VERSION: u32 = 1;
/// Bytes of a segment, and of a state part.
const SEGMENT_BYTES: usize = 1 + 4 * 32 + Registers::BYTES + Proof::COMPRESSED_BYTES;
const STATE_BYTES: usize = 1 + 2 * 32 + Proof::COMPRESSED_BYTES;

/// An open batch, the set of keys that its parts name, and the proof of each part: what [`verify_open()`](super::verify_open) is given, and what is passed on.
///
/// Nothing of it is known to be true. What was decoded is well-formed: each part names a key of the set that has its role, and has one proof.
///
/// All numbers are big-endian; elements have 32 bytes.
///
/// | bytes | field |
/// | --- | --- |
/// | 4 | magic `TSOB` |
/// | 4 | version, 1 |
/// | 4 | circuit version of the key set |
/// | 2 | number n of keys |
/// | n x 33 | keys in increasing order: role (1 segment, 2 state part), VkId |
/// | 224 | statement |
/// | 1, 1 | depths of the trees of accounts and pools |
/// | 4, 4, 8 | next_account, next_pool, deposit_count before the batch |
/// | 3 x 32 | account root, pool root, deposit head before the batch |
/// | 2 x 32 | account root, pool root after it |
/// | 4 | operator |
/// | 8 x 4 | fee tokens |
/// | 1 | whether a pool is touched, 0 or 1 |
/// | 4, 4 | numbers s of segments and t of state parts |
/// | s x 441 | segments: number of the key (1), h, data, withdrawals, registers after (184), sum, proof (128, compressed) |
/// | t x 193 | state parts: number of the key (1), h, sum, proof (128, compressed) |
///
/// The chain of the state before the batch is the statement's, its number one less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenOpen {
    keys: KeySet,
    batch: OpenBatch,
    proofs: Vec<Proof>,
}

impl ProvenOpen {
    /// Puts a batch and its proofs together, segments first.
    ///
    /// # Errors
    /// If there are not as many proofs as parts, a part names no key of its role, there are no segments or too many parts, or the state before the batch is
    /// another's. Nothing else is checked.
    pub fn new(keys: KeySet, batch: OpenBatch, proofs: Vec<Proof>) -> Result<Self, OpenError> {
        batch.check_parts(&keys)?;
        batch.statement.check().map_err(OpenError::Statement)?;
        batch.check_origin()?;
        if proofs.len() != batch.parts() {
            return Err(OpenError::Proofs { expected: batch.parts(), actual: proofs.len() });
        }
        Ok(Self { keys, batch, proofs })
    }

    /// The keys that the parts name. That they are those that the caller pins, [`verify_open()`](super::verify_open) looks at.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// The batch.
    pub fn batch(&self) -> &OpenBatch {
        &self.batch
    }

    /// The proofs of the parts, segments first.
    pub fn proofs(&self) -> &[Proof] {
        &self.proofs
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { keys, batch, proofs } = self;
        let mut out = Vec::with_capacity(600 + batch.segments.len() * SEGMENT_BYTES + batch.states.len() * STATE_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&keys.message());
        out.extend_from_slice(&batch.statement.to_bytes());
        batch.put_before(&mut out);
        batch.after.iter().for_each(|root| out.extend_from_slice(&root.to_be_bytes()));
        out.extend_from_slice(&batch.operator.to_be_bytes());
        batch.fee_tokens.iter().for_each(|token| out.extend_from_slice(&token.to_be_bytes()));
        out.push(batch.pools_touched.into());
        // Parts and keys were counted: at most 2^16 and 256.
        let number = |key: &VkId| keys.keys().iter().position(|(_, had)| had == key).unwrap_or_default() as u8;
        out.extend_from_slice(&(batch.segments.len() as u32).to_be_bytes());
        out.extend_from_slice(&(batch.states.len() as u32).to_be_bytes());
        let (segments, states) = proofs.split_at(batch.segments.len());
        for (Segment { key, absorbed, data, withdrawals, after, sum }, proof) in batch.segments.iter().zip(segments) {
            out.push(number(key));
            [absorbed, data, withdrawals].iter().for_each(|element| out.extend_from_slice(&element.to_be_bytes()));
            out.extend_from_slice(&after.to_bytes());
            out.extend_from_slice(&sum.to_be_bytes());
            out.extend_from_slice(&proof.to_compressed());
        }
        for (StatePart { key, absorbed, sum }, proof) in batch.states.iter().zip(states) {
            out.push(number(key));
            [absorbed, sum].iter().for_each(|element| out.extend_from_slice(&element.to_be_bytes()));
            out.extend_from_slice(&proof.to_compressed());
        }
        out
    }

    /// Reads what [`ProvenOpen::to_bytes`] writes, and nothing else, of at most so many parts; what is allocated is proportional to the bytes.
    ///
    /// # Errors
    /// [`OpenFileError`].
    pub fn from_bytes(bytes: &[u8], most_parts: usize) -> Result<Self, OpenFileError> {
        let mut input = Input { bytes, at: 0 };
        let magic = input.array("magic")?;
        if magic != MAGIC {
            return Err(OpenFileError::Magic { expected: MAGIC, actual: magic });
        }
        let version = u32::from_be_bytes(input.array("version")?);
        if version != VERSION {
            return Err(OpenFileError::Version { expected: VERSION, actual: version });
        }
        let keys = input.keys()?;
        let statement =
            Statement::from_bytes(input.take("statement", Statement::BYTES)?).map_err(OpenFileError::Statement)?;
        let before = input.before(&statement)?;
        let after = [input.element("account_root")?, input.element("pool_root")?];
        let operator = u32::from_be_bytes(input.array("operator")?);
        let mut fee_tokens = [0; FEE_TOKENS];
        for token in &mut fee_tokens {
            *token = u32::from_be_bytes(input.array("fee tokens")?);
        }
        let pools_touched = match input.array("whether a pool is touched")? {
            [0] => false,
            [1] => true,
            [actual] => return Err(OpenFileError::Flag { actual }),
        };
        let mut count =
            || input.array("numbers of parts").map(|n| usize::try_from(u32::from_be_bytes(n)).unwrap_or(usize::MAX));
        let (segments, states) = (count()?, count()?);
        let (most, actual) = (most_parts.min(MAX_PARTS), segments.saturating_add(states));
        if actual > most {
            return Err(OpenFileError::TooManyParts { most, actual });
        }
        let mut parts = Parts { keys: &keys, proofs: Vec::new(), number: 0 };
        let segments = (0..segments).map(|_| parts.segment(&mut input)).collect::<Result<Vec<_>, _>>()?;
        let states = (0..states).map(|_| parts.state(&mut input)).collect::<Result<Vec<_>, _>>()?;
        let proofs = parts.proofs;
        if input.at != bytes.len() {
            return Err(OpenFileError::TrailingBytes { expected: input.at, actual: bytes.len() });
        }
        let batch = OpenBatch { statement, before, after, operator, fee_tokens, pools_touched, segments, states };
        Self::new(keys, batch, proofs).map_err(OpenFileError::Batch)
    }
}

/// The parts that were read so far.
struct Parts<'a> {
    keys: &'a KeySet,
    proofs: Vec<Proof>,
    number: usize,
}

impl Parts<'_> {
    fn key(&self, input: &mut Input<'_>) -> Result<VkId, OpenFileError> {
        let [actual] = input.array("number of a key")?;
        let key = self.keys.keys().get(usize::from(actual)).map(|(_, key)| *key);
        key.ok_or(OpenFileError::KeyNumber { part: self.number, keys: self.keys.keys().len(), actual })
    }

    fn proof(&mut self, input: &mut Input<'_>) -> Result<(), OpenFileError> {
        let bytes = input.take("proof", Proof::COMPRESSED_BYTES)?;
        let proof = Proof::from_compressed(bytes).map_err(|source| OpenFileError::Proof { part: self.number, source })?;
        self.proofs.push(proof);
        self.number += 1;
        Ok(())
    }

    fn segment(&mut self, input: &mut Input<'_>) -> Result<Segment, OpenFileError> {
        let key = self.key(input)?;
        let [absorbed, data, withdrawals] = [input.element("h")?, input.element("data")?, input.element("withdrawals")?];
        let after = input.registers()?;
        let sum = input.element("sum")?;
        self.proof(input)?;
        Ok(Segment { key, absorbed, data, withdrawals, after, sum })
    }

    fn state(&mut self, input: &mut Input<'_>) -> Result<StatePart, OpenFileError> {
        let key = self.key(input)?;
        let (absorbed, sum) = (input.element("h")?, input.element("sum")?);
        self.proof(input)?;
        Ok(StatePart { key, absorbed, sum })
    }
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    fn take(&mut self, what: &'static str, count: usize) -> Result<&'a [u8], OpenFileError> {
        let needed = self.at.saturating_add(count);
        let truncated = OpenFileError::Truncated { what, needed, actual: self.bytes.len() };
        let taken = self.bytes.get(self.at..needed).ok_or(truncated)?;
        self.at = needed;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], OpenFileError> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(what, N)?);
        Ok(out)
    }

    fn element(&mut self, field: &'static str) -> Result<Element, OpenFileError> {
        Element::from_be_bytes(self.array(field)?).map_err(|e| OpenFileError::NotCanonical { field, bytes: e.bytes })
    }

    fn keys(&mut self) -> Result<KeySet, OpenFileError> {
        let circuit_version = u32::from_be_bytes(self.array("circuit version")?);
        let count = u16::from_be_bytes(self.array("number of keys")?);
        let mut keys = Vec::new();
        for _ in 0..count {
            let role = match self.array("role of a key")? {
                [1] => Role::Segment,
                [2] => Role::State,
                [actual] => return Err(OpenFileError::Role { actual }),
            };
            keys.push((role, VkId::from_bytes(self.array("key")?)));
        }
        let set = KeySet::new(circuit_version, &keys).map_err(OpenFileError::Batch)?;
        if set.keys() == keys { Ok(set) } else { Err(OpenFileError::KeyOrder) }
    }

    fn before(&mut self, statement: &Statement) -> Result<StateFields, OpenFileError> {
        let [account_depth, pool_depth] = self.array("depths")?;
        Ok(StateFields {
            chain_id: statement.chain_id,
            // At least 1, by the statement's own check.
            batch_number: statement.batch_number.saturating_sub(1),
            account_depth,
            pool_depth,
            next_account: u32::from_be_bytes(self.array("next_account")?),
            next_pool: u32::from_be_bytes(self.array("next_pool")?),
            deposit_count: u64::from_be_bytes(self.array("deposit_count")?),
            account_root: self.element("account_root")?,
            pool_root: self.element("pool_root")?,
            deposit_head: self.element("deposit_head")?,
        })
    }

    fn registers(&mut self) -> Result<Registers, OpenFileError> {
        let what = "registers";
        let withdrawals = u32::from_be_bytes(self.array(what)?);
        let deposit_head = self.element("deposit_head")?;
        let (next_account, next_pool) = (u32::from_be_bytes(self.array(what)?), u32::from_be_bytes(self.array(what)?));
        let (deposit_count, time) = (u64::from_be_bytes(self.array(what)?), u32::from_be_bytes(self.array(what)?));
        let mut fees = [0; FEE_TOKENS];
        for total in &mut fees {
            *total = u128::from_be_bytes(self.array(what)?);
        }
        Ok(Registers { withdrawals, deposit_head, next_account, next_pool, deposit_count, time, fees })
    }
}
