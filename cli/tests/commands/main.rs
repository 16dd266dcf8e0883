//! The commands of the tool, run as processes. One program, so that it is linked once and a batch is proven once for all.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod anchor;
mod audit;
mod batch_check;
mod batch_refusals;
mod batch_tools;
mod bench;
#[path = "../../../prover/anchor/tests/node/bitcoind.rs"]
mod bitcoind;
mod ceremony;
mod chain;
mod chain_files;
#[path = "../common/mod.rs"]
mod common;
mod config;
mod crash;
mod exits;
#[path = "../../../prover/anchor/tests/node/fake.rs"]
#[allow(dead_code, reason = "the tests of the library use more of it")]
mod fake;
mod files;
mod folders;
mod forged;
mod guide;
mod keys;
mod main_job;
mod outputs;
mod packing;
mod pins;
mod plan;
mod publish;
mod refusals;
mod report;
mod served;
mod state;
mod wallet;
