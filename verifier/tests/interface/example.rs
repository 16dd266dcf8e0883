//! The files under `tests/data` are what the code makes, and their ids are those of an independent program.

use crate::common::*;
use std::{fs, path::PathBuf};
use tapstone_verifier::{AnchorHeader, Proof, Statement, VerifyingKey, verify};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

fn files() -> [(&'static str, Vec<u8>); 3] {
    let s = statement(1);
    [
        ("example.vk", fixture().key_file.clone()),
        ("example.statement", s.to_bytes().to_vec()),
        ("example.proof", proof_bytes(&s)),
    ]
}

#[test]
#[ignore = "writes the files"]
fn write_example() {
    for (name, bytes) in files() {
        fs::write(path(name), bytes).unwrap();
    }
}

#[test]
fn files_are_what_the_code_makes() {
    for (name, bytes) in files() {
        assert_eq!(fs::read(path(name)).unwrap(), bytes, "{name}");
    }
}

/// The expected values are the output of `tests/data/example_ids.py`.
#[test]
fn ids_are_those_of_an_independent_program() {
    let read = |name| fs::read(path(name)).unwrap();
    let key = VerifyingKey::from_bytes(&read("example.vk")).unwrap();
    let statement = Statement::from_bytes(&read("example.statement")).unwrap();
    let proof = Proof::from_compressed(&read("example.proof")).unwrap();
    assert_eq!(key.id().to_string(), "fec6f3141c74ec8d94b6aa5c7f223f5de7025e6b88ae742b8c2293c4534e367e");
    let verified = verify(&key, key.id(), &statement, &proof).unwrap();
    assert_eq!(verified.commitment().to_string(), "3710ed34dfca723c65a1988828d634ac708fa87453d43c77c4555a91ee264fbe");
    let header = AnchorHeader::first(&[verified]).unwrap();
    assert_eq!(header.commitment().to_string(), "9b418aea86377cad4c017b5e9771d1650fee60f2855c4e76f9e7b8c4b0054998");
}
