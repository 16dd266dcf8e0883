//! The interface without its optional features: formats, keys, proofs, verdicts, chains.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bounds;
mod chain;
#[path = "../common/mod.rs"]
mod common;
mod errors;
mod example;
mod follow_chain;
mod formats;
mod gnark;
mod header;
mod key;
mod many;
mod proof;
mod snarkjs;
mod statement;
mod verify;
