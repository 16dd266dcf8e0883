//! The prover with a circuit of one slot: key files, proving, and the files of proven batches.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod key_file;
mod open;
mod proven_file;
mod proving;

use std::sync::OnceLock;

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::testing::{World, smallest_shape};
use tapstone_prover::{Prover, ProvingKey};

/// A batch of that shape.
fn executed() -> Executed {
    World::new(smallest_shape()).deposit_new(1, 1000).apply().unwrap()
}

/// Making the key takes the most time, so it is made once.
fn key_file() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let key = ProvingKey::setup_insecure(&BatchCircuit::new(&smallest_shape())).unwrap();
        let mut file = Vec::new();
        key.write(&mut file).unwrap();
        file
    })
}

fn key() -> ProvingKey {
    ProvingKey::from_bytes(key_file(), &smallest_shape()).unwrap()
}

fn prover() -> Prover {
    Prover::new(key())
}
