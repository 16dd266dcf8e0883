//! [`verify_open()`]: the proofs of an open batch, all together.
//!
//! ```text
//! seed = tagged("Tapstone/verify-open/v1", alpha || gamma || BE(parts, 8) || each: sum || proof (256, EVM form))
//! coefficient of part i: as in `verify_many`, from tagged("Tapstone/verify-open/coefficient/v1", seed || BE(i, 8))
//! ```
//!
//! The challenge is a hash of everything that parts claim but their sums: so is the seed, of everything.

use super::{Challenge, KeySet, KeySetId, OpenBatch, Role, SEGMENT_INPUTS, STATE_INPUTS};
use crate::{
    commitment::Commitment,
    error::OpenError,
    field::Element,
    hash::{tagged, tagged_stream},
    joint::{self, Equations},
    key::{VerifyingKey, VkId},
    proof::Proof,
    statement::Statement,
};
use alloc::vec::Vec;
use ark_bn254::Fr;

/// The verifying keys of a [`KeySet`].
#[derive(Clone, Debug)]
pub struct PartKeys {
    set: KeySet,
    /// In increasing order of their ids.
    keys: Vec<VerifyingKey>,
}

impl PartKeys {
    /// The keys of segments and of state parts.
    ///
    /// # Errors
    /// If a key is for another number of public inputs than its role has, keys are for several circuit versions, and as [`KeySet::new`].
    pub fn new(segments: Vec<VerifyingKey>, states: Vec<VerifyingKey>) -> Result<Self, OpenError> {
        let mut ids = Vec::with_capacity(segments.len() + states.len());
        let mut version = None;
        for (role, keys) in [(Role::Segment, &segments), (Role::State, &states)] {
            for key in keys {
                let (expected, actual) = (role.inputs(), key.inputs());
                if actual != expected {
                    return Err(OpenError::Inputs { role: role.name(), expected, actual });
                }
                let (expected, actual) = (*version.get_or_insert(key.circuit_version()), key.circuit_version());
                if actual != expected {
                    return Err(OpenError::CircuitVersion { expected, actual });
                }
                ids.push((role, key.id()));
            }
        }
        let set = KeySet::new(version.unwrap_or_default(), &ids)?;
        let mut keys = segments;
        keys.extend(states);
        keys.sort_by_key(VerifyingKey::id);
        Ok(Self { set, keys })
    }

    /// Their set: what is pinned is its id.
    pub fn set(&self) -> &KeySet {
        &self.set
    }

    /// A key of the set.
    pub fn key(&self, id: VkId) -> Option<&VerifyingKey> {
        self.keys.binary_search_by_key(&id, VerifyingKey::id).ok().and_then(|at| self.keys.get(at))
    }
}

impl Role {
    /// How many public inputs a part of this role has.
    pub const fn inputs(self) -> usize {
        match self {
            Self::Segment => SEGMENT_INPUTS,
            Self::State => STATE_INPUTS,
        }
    }
}

/// The statement of an open batch, all of whose parts were proven under a pinned set of keys. Only [`verify_open()`] makes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct VerifiedOpen {
    statement: Statement,
    key_set: KeySetId,
}

impl VerifiedOpen {
    /// The statement that was proven.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The id of the key set under which it was proven.
    pub fn key_set(&self) -> KeySetId {
        self.key_set
    }

    /// The batch commitment: the key set's id stands in it where a closed batch has its key's.
    pub fn commitment(&self) -> Commitment {
        Commitment::of_open(self)
    }
}

/// Verifies an open batch: everything that [`OpenBatch::check`] does, then the proofs of all parts, segments first, in one random combination.
///
/// `expected` must come from the caller's own configuration, never from where the keys or the batch came from: whoever chooses a key can prove anything. What
/// links one batch to the next is not checked here.
///
/// # Errors
/// [`OpenError`]; [`OpenError::InvalidProofs`] names every part whose proof is not valid.
pub fn verify_open(
    keys: &PartKeys,
    expected: KeySetId,
    batch: &OpenBatch,
    proofs: &[Proof],
) -> Result<VerifiedOpen, OpenError> {
    let actual = keys.set.id();
    if actual != expected {
        return Err(OpenError::KeySetMismatch { expected, actual });
    }
    let parts = batch.segments.len() + batch.states.len();
    if proofs.len() != parts {
        return Err(OpenError::Proofs { expected: parts, actual: proofs.len() });
    }
    let challenge = batch.check(&keys.set)?;
    // Each part's key is one of the set, by the check.
    let of = |part| batch.part_key(part).and_then(|id| keys.key(id));
    let part_keys: Vec<&VerifyingKey> = (0..parts).filter_map(of).collect();
    if part_keys.len() != parts {
        return Err(OpenError::Proofs { expected: parts, actual: part_keys.len() });
    }
    let seed = seed(batch, &challenge, proofs);
    let equations = Parts { batch, challenge, keys: part_keys, proofs };
    let mut refused = joint::refused(&equations, (0..parts).collect(), |part| {
        tagged("Tapstone/verify-open/coefficient/v1", &[&seed, &(part as u64).to_be_bytes()])
    });
    refused.sort_unstable();
    match refused.first() {
        None => Ok(VerifiedOpen { statement: batch.statement, key_set: actual }),
        Some(first) => Err(OpenError::InvalidProofs { first: *first, parts: refused }),
    }
}

/// Whether a part's proof is valid over these public inputs: for whoever makes or collects proofs. That it is a part of a batch [`verify_open()`] alone says.
pub fn verify_part(key: &VerifyingKey, inputs: &[Element], proof: &Proof) -> bool {
    let inputs: Vec<Fr> = inputs.iter().map(|input| input.fr()).collect();
    inputs.len() == key.inputs() && key.accepts(&inputs, proof)
}

/// What all coefficients are hashed from.
fn seed(batch: &OpenBatch, challenge: &Challenge, proofs: &[Proof]) -> [u8; 32] {
    let mut hasher = tagged_stream("Tapstone/verify-open/v1");
    hasher.update(&challenge.alpha.to_be_bytes());
    hasher.update(&challenge.gamma.to_be_bytes());
    hasher.update(&(proofs.len() as u64).to_be_bytes());
    let sums = batch.segments.iter().map(|part| part.sum).chain(batch.states.iter().map(|part| part.sum));
    for (sum, proof) in sums.zip(proofs) {
        hasher.update(&sum.to_be_bytes());
        hasher.update(&proof.to_evm_bytes());
    }
    hasher.finish()
}

struct Parts<'a> {
    batch: &'a OpenBatch,
    challenge: Challenge,
    keys: Vec<&'a VerifyingKey>,
    proofs: &'a [Proof],
}

impl Equations for Parts<'_> {
    fn key(&self, part: usize) -> &VerifyingKey {
        self.keys[part]
    }

    fn proof(&self, part: usize) -> &Proof {
        &self.proofs[part]
    }

    fn inputs(&self, part: usize) -> impl Iterator<Item = Fr> {
        self.batch.part_inputs(part, &self.challenge).into_iter().map(Element::fr)
    }
}
