//! Anchors on Bitcoin, with the feature `bitcoin`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(feature = "bitcoin")]

mod attacks;
mod blocks;
mod cases;
mod codes;
#[path = "../common/mod.rs"]
mod common;
mod parsing;
mod recovery;
mod story;
mod taproot;
mod threads;
mod vectors;
mod verdicts;
