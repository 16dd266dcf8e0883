#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod anchor;
pub mod chain;
pub mod checkpoint;
pub mod commitment;
pub mod error;
pub mod exit;
pub mod field;
pub mod follow;
pub mod key;
#[cfg(feature = "arkworks")]
pub mod layout;
#[cfg(not(feature = "arkworks"))]
mod layout;
pub mod many;
pub mod open;
#[cfg(feature = "arkworks")]
pub mod poseidon;
#[cfg(not(feature = "arkworks"))]
mod poseidon;
pub mod proof;
pub mod registry;
pub mod statement;
pub mod verify;

mod gnark;
mod hash;
mod joint;
mod json;
mod pairing;
mod points;
mod scalars;
mod snarkjs;

pub use anchor::branch::BatchBranch;
pub use anchor::header::{AnchorCommitment, AnchorHeader};
pub use chain::ChainEnd;
pub use checkpoint::Checkpoint;
pub use commitment::Commitment;
pub use field::Element;
pub use follow::{ChainVerifier, DepositHead, Deposits, Followed, NextBatch};
pub use key::{VerifyingKey, VkId};
pub use many::{Claim, VerifyManyError, verify_many};
pub use proof::Proof;
pub use registry::{Pin, Registry};
pub use statement::Statement;
pub use verify::{Verified, verify};
