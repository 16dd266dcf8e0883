//! State by memory: each leaf that a batch touches is opened once, each node above one is hashed once, and what lies between is checked by
//! records that balance (normative text: `MEMORY.md` beside this crate).
//!
//! ```text
//! record/      tuples with a tag, their fingerprints, and the balance of what is produced and consumed
//! transcript/  packing and absorption of what fixes the records, and the challenge
//! access/      one read and one write of a leaf at a time
//! cell/        a leaf before and after the batch
//! node/        a node before and after the batch, and the ids of nodes and leaves
//! touched.rs   the nodes above a set of leaves, each once
//! constraints.rs  cells, nodes and roots together: all that a batch changes in its state
//! ```
//!
//! The soundness argument, in its order; each step may use only the ones before:
//!
//! 1. *Fixed.* Every element and every multiplicity of every record is a function of what is absorbed, of the public input, and of constants, for any
//!    values whatever that were read. The challenge is a hash of both.
//! 2. *Equal.* So, but for a chance below 2^-190, no two different records have one fingerprint and no fingerprint meets the challenge, and a sum of
//!    0 says that the multisets of produced and of consumed records are equal.
//! 3. *Once.* A node's id lies in `[1, 2^29]` and is at most an eighth of its children's, so that the ids above a record fall strictly and end at a root,
//!    which is consumed once: every node and every cell stands at most once. An access consumes a record of its leaf with a smaller time, so that
//!    each sees the write before it.
//! 4. *Well-formed.* Only now may a gadget rest on what stored leaves are (no token twice, ranges, keys in the subgroup).
//!
//! Hazard: whoever assembles gadgets has to absorb what they name, before the challenge, and nothing that depends on the challenge. What an access
//! writes must be a function of absorbed wires by step 1, not by step 4.

pub mod access;
pub mod cell;
pub mod constraints;
pub mod node;
pub mod record;
pub mod touched;
pub mod transcript;

/// Bits of times where a circuit's number of times is not known: a part of an open batch.
pub const TIME_BITS: usize = 32;

/// Bits that times from 1 to `last` need in a closed batch, where `last` is the circuit's last time.
pub const fn time_bits(last: u32) -> usize {
    // At least one, so that a range is never empty; a u32 has at most 32.
    let bits = (u32::BITS - last.leading_zeros()) as usize;
    if bits == 0 { 1 } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_fit_their_bits() {
        for (last, bits) in [(0, 1), (1, 1), (2, 2), (3, 2), (4, 3), (511, 9), (512, 10), (u32::MAX, TIME_BITS)] {
            assert_eq!(time_bits(last), bits);
            assert!(u64::from(last) < 1 << bits);
        }
    }
}
