#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod anchor;
pub mod chain;
pub mod commitment;
pub mod error;
pub mod field;
pub mod key;
#[cfg(feature = "arkworks")]
pub mod poseidon;
#[cfg(not(feature = "arkworks"))]
mod poseidon;
pub mod proof;
pub mod statement;
pub mod verify;

mod hash;
mod points;
mod snarkjs;

pub use anchor::header::{AnchorCommitment, AnchorHeader};
pub use chain::ChainEnd;
pub use commitment::Commitment;
pub use field::Element;
pub use key::{VerifyingKey, VkId};
pub use proof::Proof;
pub use statement::Statement;
pub use verify::{Verified, verify};
