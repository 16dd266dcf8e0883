#![doc = include_str!("../README.md")]
//!
//! ## Map
//!
//! Keys from ceremonies of many parties, of whom one honest one suffices: reading, verifying and contributing to what snarkjs makes.
//!
//! ```text
//! circuit --.r1cs--> snarkjs groth16 setup (with a .ptau) --> initial .zkey --contribute ... beacon--> .zkey
//! (circuit, .zkey, initial .zkey, .ptau, pins) --verify--> VerifiedCeremony --VerifiedCeremony::proving_key--> key file
//! ```
//!
//! [`verify()`] takes nothing of the files on trust:
//!
//! - every point is canonical, on its curve and in its subgroup, those of G2 one by one; none is infinity where no honest one is;
//! - the file of powers has the hash of a known one or of one that the caller names, and its points are powers of one secret;
//! - A, B1, B2, IC, C and H of the *initial* key are what the circuit's matrices and the powers give, by random combinations with
//!   coefficients of 128 bits; so is the list of coefficients, byte by byte. Alpha and beta are the powers', gamma and delta the generators;
//! - the hash of the circuit that all contributions build on is that of the initial key's contents;
//! - each contribution's transcript, proof of knowledge and delta verify; the beacon's secret is drawn again; delta is the last contribution's, the same
//!   in both groups, and not gamma. Contributions and the beacon that the caller names are there;
//! - the final key is the initial one but for delta, C and H, and these two are the initial ones divided by delta.
//!
//! Hazard: points checks of the final key against delta alone would not do. A ceremony for a circuit with rows or columns besides ours yields our key, and
//! elements that forge. That is why the initial key is compared with the circuit, *and* the hash that contributors built on with the initial key.
//!
//! Hazard: files are read where they lie; they must not change meanwhile.
//!
//! ```text
//! binfile.rs       the container of sections
//! points.rs        points as snarkjs writes them
//! zkey.rs ptau.rs  the two formats
//! hash.rs          BLAKE2b-512
//! random.rs        ffjavascript's generator
//! contribution.rs  contributions and their chain
//! powers.rs initial.rs verify.rs   the checks
//! known.rs         public files of powers
//! source.rs        files, mapped
//! contribute.rs    a new contribution
//! testing.rs       ceremonies whose secrets are known
//! ```

mod binfile;
mod contribute;
mod contribution;
mod error;
mod hash;
mod initial;
mod known;
mod points;
mod powers;
mod ptau;
mod random;
mod source;
pub mod testing;
mod verify;
mod zkey;

pub use contribute::{Secret, contribute, contribute_beacon};
pub use contribution::Contribution;
pub use error::{CeremonyError, CeremonyFile, CeremonyFileError, ContributionFault};
pub use hash::hash_of;
pub use known::KnownPtau;
pub use ptau::Ptau;
pub use source::Source;
pub use tapstone_prover::key::{Beacon, BeaconError, CeremonyHash, ParseCeremonyHashError, Party, Provenance};
pub use verify::{Files, Pins, Step, VerifiedCeremony, verify};
pub use zkey::Zkey;

#[cfg(test)]
mod tests;
