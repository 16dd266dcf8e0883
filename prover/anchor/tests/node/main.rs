//! Publishing anchors by a node: crashes at every call, replacements, reorganisations, conflicts; on a node in memory, and on Bitcoin Core on
//! regtest where TAPSTONE_BITCOIND names a `bitcoind`.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bitcoind;
mod children;
mod coins;
mod fake;
mod journals;
mod patience;
mod regtest;
mod rpcs;
mod scenarios;
#[path = "../anchor/scene.rs"]
#[allow(dead_code, reason = "the scene is that of the other anchor tests, too")]
mod scene;
