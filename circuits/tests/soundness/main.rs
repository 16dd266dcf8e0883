//! The circuit against dishonest provers: for each rule of PROTOCOL.md, section 6, a batch that breaks this rule and no other,
//! carried through to roots and public input as a prover who wants it accepted would.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod agreement;
mod batches;
mod bundles;
mod deposits;
mod faults;
mod forge;
mod hints;
mod leaving;
mod pools;
mod transfers;
mod wires;
