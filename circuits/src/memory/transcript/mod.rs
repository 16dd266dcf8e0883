//! What fixes the records of a batch is absorbed by a hash, and the hash gives the challenge (MEMORY.md, section 3).

pub mod constraints;

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_verifier::poseidon::hash;

/// Elements that one hash absorbs, beside the hash before it.
pub const RATE: usize = 15;
/// Bits that a packed element can have, so that it is below the field's order and has one reading.
pub const PACKED_BITS: usize = 253;

/// Tags of the hashes of this module, told apart from all others of the protocol.
pub mod tag {
    /// The challenge, of the absorbed elements and the public input: arity 3.
    pub const RHO: u64 = 11;
    /// The base of fingerprints, of the challenge: arity 2.
    pub const ALPHA: u64 = 12;
    /// Start of an absorption: arity 2.
    pub const ABSORB: u64 = 13;
}

/// Whose transcript it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A batch in one proof.
    Closed,
    /// A part of slots.
    Segment,
    /// A part of cells and nodes.
    State,
}

impl Role {
    /// The number of the protocol.
    pub const fn code(self) -> u64 {
        match self {
            Self::Closed => 0,
            Self::Segment => 1,
            Self::State => 2,
        }
    }
}

/// What an absorption starts from: its role and how many elements follow.
pub fn start(role: Role, elements: usize) -> Fr {
    let form = Fr::from(role.code()) + Fr::from(elements as u64) * Fr::from(1u64 << 8);
    hash(&[Fr::from(tag::ABSORB), form])
}

/// The hash of all elements, 15 at a time, the last ones filled up with zeros.
pub fn absorb(role: Role, elements: &[Fr]) -> Fr {
    elements.chunks(RATE).fold(start(role, elements.len()), |h, block| {
        let mut inputs = [Fr::zero(); RATE + 1];
        inputs[0] = h;
        inputs[1..=block.len()].copy_from_slice(block);
        hash(&inputs)
    })
}

/// Numbers and their bits as one element, the first one lowest. What is wider than its bits runs into the next, as in the circuit.
///
/// # Panics
/// If the bits are more than [`PACKED_BITS`] in all: which numbers stand together is fixed by the code.
pub fn pack(parts: &[(Fr, usize)]) -> Fr {
    assert!(parts.iter().map(|(_, bits)| bits).sum::<usize>() <= PACKED_BITS, "an element has room for 253 bits");
    let mut weight = Fr::one();
    let mut sum = Fr::zero();
    for (value, bits) in parts {
        sum += *value * weight;
        for _ in 0..*bits {
            weight += weight;
        }
    }
    sum
}

/// The challenge of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The base of fingerprints.
    pub alpha: Fr,
    /// What fingerprints are subtracted from.
    pub gamma: Fr,
}

impl Challenge {
    /// That of a closed batch: of what was absorbed, and the public input.
    pub fn closed(absorbed: Fr, public_input: Fr) -> Self {
        let rho = hash(&[Fr::from(tag::RHO), absorbed, public_input]);
        Self { alpha: hash(&[Fr::from(tag::ALPHA), rho]), gamma: rho }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absorption_is_the_text() {
        let one = Fr::one();
        assert_eq!(absorb(Role::Closed, &[]), hash(&[Fr::from(13u64), Fr::zero()]));
        let elements: Vec<Fr> = (1..=16u64).map(Fr::from).collect();
        let mut first = vec![hash(&[Fr::from(13u64), Fr::from(2 + 256 * 16u64)])];
        first.extend(&elements[..15]);
        let mut second = vec![hash(&first), Fr::from(16u64)];
        second.resize(16, Fr::zero());
        assert_eq!(absorb(Role::State, &elements), hash(&second));
        // The number of elements tells zeros from what fills up.
        assert_ne!(absorb(Role::Segment, &[one]), absorb(Role::Segment, &[one, Fr::zero()]));
        assert_ne!(absorb(Role::Segment, &[one]), absorb(Role::Closed, &[one]));
    }

    #[test]
    fn packing_is_place_value() {
        assert_eq!(pack(&[(Fr::from(5u64), 3), (Fr::one(), 1), (Fr::from(2u64), 9)]), Fr::from(5 + 8 + 32u64));
    }

    #[test]
    fn the_challenge_is_the_text() {
        let (h, public) = (Fr::from(3u64), Fr::from(4u64));
        let rho = hash(&[Fr::from(11u64), h, public]);
        assert_eq!(Challenge::closed(h, public), Challenge { gamma: rho, alpha: hash(&[Fr::from(12u64), rho]) });
    }
}
