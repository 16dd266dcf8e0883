//! Anchors: verified batches committed to in a Bitcoin output (PROTOCOL.md, section 9).

#[cfg(feature = "bitcoin")]
mod descriptor;
pub mod header;
#[cfg(feature = "bitcoin")]
pub mod taproot;
