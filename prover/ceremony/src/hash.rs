//! The hash of ceremonies, BLAKE2b-512: whose values are [`CeremonyHash`]es.

use blake2::{Blake2b512, Digest};
use tapstone_prover::key::CeremonyHash;

/// The hash of bytes: of a file of powers, for example.
pub fn hash_of(bytes: &[u8]) -> CeremonyHash {
    finished(Blake2b512::new_with_prefix(bytes))
}

pub(super) fn finished(hasher: Blake2b512) -> CeremonyHash {
    CeremonyHash::from_bytes(hasher.finalize().into())
}
