//! snarkjs' JSON, in and out; and proofs that snarkjs made.
//!
//! `tests/data/snarkjs` holds what `tests/snarkjs/make.mjs` wrote. With `TAPSTONE_SNARKJS` set to another folder that it wrote,
//! the same tests look at that one.

use crate::common::*;
use std::{fs, path::PathBuf};
use tapstone_verifier::{
    Claim, Proof, Statement, VerifyingKey,
    error::{JsonError, KeyError, KeyPoint, PointError, ProofError, ProofPoint},
    verify, verify_many,
};

fn file(name: &str) -> String {
    let shipped: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "data", "snarkjs"].iter().collect();
    let folder = std::env::var_os("TAPSTONE_SNARKJS").map_or(shipped, PathBuf::from);
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The statement whose public input the script proves, that of `tests/data/example.statement`.
fn proven_statement() -> Statement {
    statement(1)
}

#[test]
fn a_proof_that_snarkjs_made_verifies_here() {
    let key = VerifyingKey::from_snarkjs_json(1, "snarkjs", &file("verification_key.json")).unwrap();
    let statement = proven_statement();
    let public = file("public.json").split_whitespace().collect::<String>();
    assert_eq!(public, statement.to_snarkjs_public_json());
    let proof = Proof::from_snarkjs_json(&file("proof.json")).unwrap();
    assert!(verify(&key, key.id(), &statement, &proof).is_ok());
    let claim = Claim { key: &key, expected: key.id(), statement: &statement, proof: &proof };
    assert!(verify_many(&[claim; 3]).is_ok());
    let other = crate::common::statement(2);
    assert!(verify(&key, key.id(), &other, &proof).is_err());
    let decoded = Proof::from_compressed(&proof.to_compressed()).unwrap();
    assert_eq!(decoded, proof);
}

/// `snarkjs zkey export soliditycalldata`: three groups of numbers, and the public input.
#[test]
fn evm_bytes_are_the_solidity_calldata_that_snarkjs_exports() {
    let proof = Proof::from_snarkjs_json(&file("proof.json")).unwrap();
    let calldata: String = file("calldata.txt").chars().filter(|c| !"[]\", \n".contains(*c)).collect();
    let mine = hex::encode([&proof.to_evm_bytes()[..], &proven_statement().public_input().to_be_bytes()].concat());
    assert_eq!(calldata.replace("0x", ""), mine);
}

#[test]
fn what_is_written_is_read_back() {
    let proof = proof(&statement(1));
    assert_eq!(Proof::from_snarkjs_json(&proof.to_snarkjs_json()), Ok(proof));
    let key = &fixture().key;
    let back = VerifyingKey::from_snarkjs_json(CIRCUIT_VERSION, SHAPE, &key.to_snarkjs_json()).unwrap();
    assert_eq!(back.to_bytes(), key.to_bytes());
    let other = VerifyingKey::from_snarkjs_json(CIRCUIT_VERSION + 1, SHAPE, &key.to_snarkjs_json()).unwrap();
    assert_ne!(other.id(), key.id());
}

#[test]
fn proof_texts_are_strict() {
    let good = proof(&statement(1)).to_snarkjs_json();
    let x = good.split('"').nth(3).unwrap().to_owned();
    let field = |name| ProofError::Json(JsonError::Field { name });
    let point = |point, reason| ProofError::Point { point, reason };
    for (from, to, error) in [
        ("\"groth16\"", "\"plonk\"", field("protocol")),
        ("\"bn128\"", "\"bls12381\"", field("curve")),
        (",\"curve\":\"bn128\"", "", field("curve")),
        ("\"curve\":", "\"more\":", field("?")),
        ("\"pi_c\":", "\"pi_a\":", field("pi_a")),
        ("\"1\"],\"pi_b\"", "\"2\"],\"pi_b\"", field("pi_a")),
        (",\"1\"],\"pi_b\"", "],\"pi_b\"", field("pi_a")),
        ("[\"1\",\"0\"]", "[\"0\",\"1\"]", field("pi_b")),
        (&x, "0", point(ProofPoint::A, PointError::NotOnCurve)),
        (&x, &format!("0{x}"), point(ProofPoint::A, PointError::NotCanonical)),
        (&x, "", point(ProofPoint::A, PointError::NotCanonical)),
        (&x, &"9".repeat(78), point(ProofPoint::A, PointError::NotCanonical)),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert_eq!(Proof::from_snarkjs_json(&bad), Err(error), "{bad}");
    }
    let long = good.clone() + &" ".repeat(4096);
    let error = JsonError::TooLong { most: 4096, actual: long.len() };
    assert_eq!(Proof::from_snarkjs_json(&long), Err(ProofError::Json(error)));
    let error = JsonError::Syntax { offset: good.len() };
    assert_eq!(Proof::from_snarkjs_json(&format!("{good}x")), Err(ProofError::Json(error)));
}

#[test]
fn key_texts_are_strict() {
    let good = fixture().key.to_snarkjs_json();
    let read = |text: &str| VerifyingKey::from_snarkjs_json(1, "a", text);
    let field = |name| KeyError::Json(JsonError::Field { name });
    for (from, to, error) in [
        ("\"nPublic\":1", "\"nPublic\":2", field("IC")),
        ("\"nPublic\":1", "\"nPublic\":01", field("nPublic")),
        ("\"nPublic\":1", "\"nPublic\":\"1\"", field("nPublic")),
        ("\"IC\":[", "\"IC\":[[\"1\",\"2\",\"1\"],", field("IC")),
        ("\"vk_gamma_2\"", "\"vk_gamma_3\"", field("?")),
        ("\"vk_beta_2\"", "\"vk_delta_2\"", field("vk_delta_2")),
    ] {
        assert_eq!(read(&good.replacen(from, to, 1)), Err(error), "{from} {to}");
    }
    assert_eq!(VerifyingKey::from_snarkjs_json(1, "A", &good), Err(KeyError::ShapeName { length: 1 }));
    let gamma = good.split("\"vk_gamma_2\":").nth(1).unwrap().split(",\"vk_delta_2\"").next().unwrap();
    let delta = good.split("\"vk_delta_2\":").nth(1).unwrap().split(",\"IC\"").next().unwrap();
    let error = KeyError::Forgeable { first: KeyPoint::Gamma, second: KeyPoint::Delta };
    assert_eq!(read(&good.replace(delta, gamma)), Err(error), "a key without a second phase");
}
