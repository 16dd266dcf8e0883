//! Anchors: verified batches committed to in a Bitcoin output (PROTOCOL.md, section 9).

#[cfg(feature = "bitcoin")]
pub mod blocks;
pub mod branch;
#[cfg(feature = "bitcoin")]
mod descriptor;
pub mod header;
#[cfg(feature = "bitcoin")]
pub mod merkle;
#[cfg(feature = "bitcoin")]
pub mod proof;
#[cfg(feature = "bitcoin")]
mod reader;
#[cfg(feature = "bitcoin")]
pub mod recovery;
#[cfg(feature = "bitcoin")]
pub mod rules;
#[cfg(feature = "bitcoin")]
pub mod taproot;
#[cfg(feature = "bitcoin")]
pub mod transaction;
