//! snarkjs' JSON of proofs and keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::{Proof, VerifyingKey};

fuzz_target!(|text: &str| {
    if let Ok(proof) = Proof::from_snarkjs_json(text) {
        assert_eq!(Proof::from_snarkjs_json(&proof.to_snarkjs_json()), Ok(proof));
    }
    if let Ok(key) = VerifyingKey::from_snarkjs_json(1, "fuzz", text) {
        assert_eq!(VerifyingKey::from_snarkjs_json(1, "fuzz", &key.to_snarkjs_json()), Ok(key));
    }
});
