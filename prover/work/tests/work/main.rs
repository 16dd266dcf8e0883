//! Proving on many workers: what a store must do, tasks from outside, and artefacts.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod artefacts;
mod conformance;
#[cfg(unix)]
mod disk;
#[cfg(feature = "postgres")]
mod hostile;
#[cfg(feature = "s3")]
mod objects;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod server;
mod sqlite;
mod tasks;
#[cfg(feature = "postgres")]
mod tls;
mod working;
