//! Anchors: verified batches committed to in a Bitcoin output (PROTOCOL.md, section 9).

pub mod header;
#[cfg(feature = "bitcoin")]
mod descriptor;
#[cfg(feature = "bitcoin")]
pub mod taproot;
