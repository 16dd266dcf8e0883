//! Files of every version of every format. They were written by the version that brought the format, and must decode for ever: add
//! files here, and never change one.

use crate::common::*;
use std::{fs, path::PathBuf};
use tapstone_verifier::{
    AnchorHeader, ChainEnd, ChainVerifier, Checkpoint, DepositHead, Element, NextBatch, Pin, Proof, Registry, Statement,
    VerifyingKey,
};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", "formats", name].iter().collect()
}

/// Name and content of each file, as this version of the code makes them.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let (s, f) = (statement(1), fixture());
    let proof = proof(&s);
    let id = f.key.id();
    let pins =
        [Pin { first_batch: 1, vk_id: id, last_batch: Some(9) }, Pin { first_batch: 10, vk_id: id, last_batch: None }];
    let registry = Registry::new(pins).unwrap();
    let mut chain = ChainVerifier::new(registry.clone(), Checkpoint::start(ChainEnd { batch_number: 0, ..genesis() }));
    chain.add_key(f.key.clone()).unwrap();
    let next = NextBatch { statement: &s, proof: &proof, vk_id: id, previous: None, deposits: DepositHead::Unknown };
    let _ = chain.follow(&next).unwrap();
    vec![
        ("statement-1", s.to_bytes().to_vec()),
        ("key-1", f.key_file.clone()),
        ("proof-compressed", proof.to_compressed().to_vec()),
        ("proof-evm", proof.to_evm_bytes().to_vec()),
        ("proof-gnark", proof.to_gnark_bytes().to_vec()),
        ("proof-gnark-raw", proof.to_gnark_raw_bytes().to_vec()),
        ("proof-snarkjs.json", proof.to_snarkjs_json().into()),
        ("key-snarkjs.json", f.key.to_snarkjs_json().into()),
        ("header-1", AnchorHeader::first(&[verified(&s)]).unwrap().to_bytes().to_vec()),
        ("registry-1", registry.to_text().into()),
        ("checkpoint-1", chain.checkpoint().to_bytes().to_vec()),
    ]
}

fn genesis() -> ChainEnd {
    ChainEnd { chain_id: 3, batch_number: 0, state_root: Element::from(1000) }
}

#[test]
#[ignore = "writes files that are missing"]
fn write_missing_files() {
    for (name, bytes) in files() {
        if !path(name).exists() {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), bytes).unwrap();
        }
    }
}

#[test]
fn files_of_the_first_versions_decode() {
    let read = |name: &str| fs::read(path(name)).unwrap();
    let text = |name: &str| fs::read_to_string(path(name)).unwrap();
    let (s, f, p) = (statement(1), fixture(), proof(&statement(1)));
    assert_eq!(Statement::from_bytes(&read("statement-1")), Ok(s));
    assert_eq!(VerifyingKey::from_bytes(&read("key-1")).unwrap().id(), f.key.id());
    assert_eq!(Proof::from_compressed(&read("proof-compressed")), Ok(p));
    assert_eq!(Proof::from_evm_bytes(&read("proof-evm")), Ok(p));
    assert_eq!(Proof::from_gnark_bytes(&read("proof-gnark")), Ok(p));
    assert_eq!(Proof::from_gnark_bytes(&read("proof-gnark-raw")), Ok(p));
    assert_eq!(Proof::from_snarkjs_json(&text("proof-snarkjs.json")), Ok(p));
    let key = VerifyingKey::from_snarkjs_json(CIRCUIT_VERSION, SHAPE, &text("key-snarkjs.json")).unwrap();
    assert_eq!(key.id(), f.key.id());
    let header = AnchorHeader::from_bytes(&read("header-1")).unwrap();
    assert_eq!(header.check_batches(&[verified(&s)]), Ok(()));
    let registry = Registry::from_text(&text("registry-1")).unwrap();
    assert!(registry.allows(f.key.id(), 9) && registry.allows(f.key.id(), 10));
    let checkpoint = Checkpoint::from_bytes(&read("checkpoint-1")).unwrap();
    assert_eq!(checkpoint.end(), ChainEnd::after(&s));
    assert_eq!(checkpoint.commitment(), Some(verified(&s).commitment().to_bytes()));
    assert_eq!(checkpoint.deposits_checked(), 0);
}

#[test]
fn files_are_still_what_the_code_writes() {
    for (name, bytes) in files() {
        assert_eq!(fs::read(path(name)).unwrap(), bytes, "{name}");
    }
}
