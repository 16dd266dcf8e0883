//! Proving on many workers, by the command line: real processes, real proofs of the smallest shape.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
#![cfg(unix)]

mod chaos;
mod clock;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod database;
#[path = "../../../prover/work/tests/work/disk.rs"]
mod disk;
mod scene;
#[path = "../../../prover/work/tests/work/server.rs"]
mod server;
