//! Hash, keys and signatures against circomlibjs, by the vectors that `test-vectors/client/vectors.mjs` writes.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use ark_bn254::Fr;
use serde_json::Value;
use tapstone_circuits::signature::{PublicKey, SecretKey, Signature};
use tapstone_verifier::{Element, poseidon};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../test-vectors/primitives.json")).unwrap()
}

fn element(value: &Value) -> Fr {
    value.as_str().unwrap().parse::<Element>().unwrap().into()
}

fn bytes<const N: usize>(value: &Value) -> [u8; N] {
    hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
}

#[test]
fn poseidon_is_that_of_circomlibjs_at_every_arity() {
    let vectors = vectors();
    let list = vectors["poseidon"].as_array().unwrap();
    assert!(list.len() >= 16);
    for v in list {
        let inputs: Vec<Fr> = v["inputs"].as_array().unwrap().iter().map(element).collect();
        assert_eq!(poseidon::hash(&inputs), element(&v["output"]), "arity {}", v["arity"]);
    }
}

#[test]
fn keys_and_signatures_are_those_of_circomlibjs() {
    let vectors = vectors();
    for v in vectors["keys"].as_array().unwrap() {
        let key = SecretKey::from_bytes(bytes(&v["secret"])).public_key();
        assert_eq!((key.x(), key.y(), key.to_bytes()), (element(&v["x"]), element(&v["y"]), bytes(&v["packed"])));
    }
    for v in vectors["signatures"].as_array().unwrap() {
        let secret = SecretKey::from_bytes(bytes(&v["secret"]));
        let message = element(&v["message"]);
        let signature = secret.sign(message).unwrap();
        assert_eq!(signature.to_bytes(), bytes(&v["packed"]));
        secret.public_key().verify(message, &signature).unwrap();
    }
}

#[test]
fn what_the_client_refuses_is_refused() {
    for v in vectors()["signatures_refused"].as_array().unwrap() {
        let accepted = PublicKey::from_bytes(&bytes(&v["key"])).is_ok_and(|key| {
            Signature::from_bytes(&bytes(&v["packed"])).is_ok_and(|s| key.verify(element(&v["message"]), &s).is_ok())
        });
        assert!(!accepted, "{}", v["why"]);
    }
}
