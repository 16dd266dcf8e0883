//! gnark's proof encodings. The points in compressed form were written by gnark: they are those of SP1's Groth16 verifying key, the
//! file `vk-artifacts/groth16_vk.bin` of the crate `sp1-verifier` 6.10.0, where alpha starts at byte 0, beta at 64, gamma at 128,
//! delta at 192 (G1) and 224 (G2). A whole proof that gnark made is in `tests/data/gnark`.

use crate::common::*;
use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_groth16::Groth16;
use tapstone_verifier::{
    Proof,
    error::{PointError, ProofError, ProofPoint},
};

const ALPHA: &str = "e1c7d728a5fd961fc179ec5eab938f564deba5b271e1c90c2c29a79648418fc1";
const DELTA_G1: &str = "d7e00b2ca4f62668135017ed8a68894e104ac26dfd9bf376634b42af9e5ae50e";
const BETA: &str = "dc3c9339849225980c7d3f824f80d19e2a9c2554b6ab2160fa9635528f693fc00d964538da2653f2e62499571e6c78afb8909d3ea8107f306bd6928253680a3a";
const GAMMA: &str = "998e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed";
const DELTA: &str = "91b7e9276171bb0efd647fc63e38bbfba3076f20daca8cd52bcc7284d9b1c6eb1723616533dd6ae53502c9c506a81f23f543d68750b5133ebfbe1f4746b3b011";

fn bytes(parts: [&str; 3]) -> Vec<u8> {
    hex::decode(parts.concat()).unwrap()
}

#[test]
fn points_that_gnark_wrote_round_trip() {
    for (a, b, c) in [(ALPHA, BETA, DELTA_G1), (DELTA_G1, GAMMA, ALPHA), (ALPHA, DELTA, ALPHA)] {
        let written = bytes([a, b, c]);
        let proof = Proof::from_gnark_bytes(&written).unwrap();
        assert_eq!(proof.to_gnark_bytes()[..128], written);
    }
    // gamma is the generator of G2, whose coordinates EIP-197 gives.
    let proof = Proof::from_gnark_bytes(&bytes([ALPHA, GAMMA, ALPHA])).unwrap();
    let generator = concat!(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2",
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed",
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b",
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa",
    );
    assert_eq!(hex::encode(&proof.to_evm_bytes()[64..192]), generator);
}

/// The points of a gnark verifying key, by way of a proof that is made of them: in one of G1, one of G2 and one of G1.
fn key_points(key: &[u8], at: [usize; 3]) -> (G1Affine, G2Affine, G1Affine) {
    let [a, b, c] = at;
    Proof::from_gnark_bytes(&[&key[a..a + 32], &key[b..b + 64], &key[c..c + 32]].concat()).unwrap().to_ark_parts()
}

#[test]
fn a_proof_that_gnark_made_is_read_and_verifies() {
    let path: std::path::PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "data", "gnark", "proof.json"].iter().collect();
    let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let bytes = |name: &str| hex::decode(file[name].as_str().unwrap()).unwrap();
    let written = bytes("proof");
    let proof = Proof::from_gnark_bytes(&written).unwrap();
    assert_eq!(proof.to_gnark_raw_bytes()[..], written);
    assert_eq!(Proof::from_gnark_bytes(&proof.to_gnark_bytes()), Ok(proof));

    // Two public inputs, which no key of this crate has: arkworks verifies it.
    let key = bytes("verifying_key");
    assert_eq!(key[288..292], 3u32.to_be_bytes());
    let (alpha_g1, beta_g2, k0) = key_points(&key, [0, 64, 292]);
    let (k1, gamma_g2, k2) = key_points(&key, [324, 128, 356]);
    let (_, delta_g2, _) = key_points(&key, [0, 224, 0]);
    let key = ark_groth16::VerifyingKey::<Bn254> { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1: vec![k0, k1, k2] };
    let prepared = ark_groth16::prepare_verifying_key(&key);
    let inputs: Vec<Fr> =
        file["public_inputs"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().parse().unwrap()).collect();
    let (a, b, c) = proof.to_ark_parts();
    let proof = ark_groth16::Proof { a, b, c };
    assert!(Groth16::<Bn254>::verify_proof(&prepared, &proof, &inputs).unwrap());
    assert!(!Groth16::<Bn254>::verify_proof(&prepared, &proof, &[inputs[1], inputs[0]]).unwrap());
}

#[test]
fn all_four_lengths_are_read() {
    for n in 1..6 {
        let proof = proof(&statement(n));
        let (short, raw) = (proof.to_gnark_bytes(), proof.to_gnark_raw_bytes());
        assert_eq!(raw[..256], proof.to_evm_bytes());
        for form in [&short[..], &short[..128], &raw[..], &raw[..256]] {
            assert_eq!(Proof::from_gnark_bytes(form), Ok(proof), "{}", form.len());
        }
    }
    for actual in [0, 127, 129, 163, 165, 255, 257, 323, 325] {
        assert_eq!(Proof::from_gnark_bytes(&vec![0; actual]), Err(ProofError::Length { expected: 164, actual }));
    }
}

#[test]
fn commitments_are_refused() {
    let proof = proof(&statement(1));
    let mut counted = proof.to_gnark_bytes();
    counted[131] = 1;
    assert_eq!(Proof::from_gnark_bytes(&counted), Err(ProofError::Commitments { count: 1 }));
    for form in [&proof.to_gnark_bytes()[..], &proof.to_gnark_raw_bytes()] {
        let start = if form.len() == 164 { 128 } else { 256 };
        for at in start..form.len() {
            let mut bad = form.to_vec();
            bad[at] ^= 1;
            assert!(matches!(Proof::from_gnark_bytes(&bad), Err(ProofError::Commitments { .. })), "{at}");
        }
    }
}

#[test]
fn flags_are_strict() {
    let good = proof(&statement(1)).to_gnark_bytes();
    for (point, at) in [(ProofPoint::A, 0), (ProofPoint::B, 32), (ProofPoint::C, 96)] {
        for flags in [0, 0b01 << 6] {
            let mut bad = good;
            bad[at] = bad[at] & 0x3f | flags;
            let error = Err(ProofError::Point { point, reason: PointError::NotCanonical });
            assert_eq!(Proof::from_gnark_bytes(&bad), error, "{flags}");
        }
        let mut bad = good;
        let length = if point == ProofPoint::B { 64 } else { 32 };
        bad[at..at + length].fill(0);
        bad[at] = 0b01 << 6;
        assert_eq!(Proof::from_gnark_bytes(&bad), Err(ProofError::Point { point, reason: PointError::Infinity }));
    }
}

#[test]
fn every_flipped_bit_is_refused_or_another_proof() {
    let good = proof(&statement(1));
    for (bit, bytes) in flips(&good.to_gnark_bytes()) {
        if let Ok(other) = Proof::from_gnark_bytes(&bytes) {
            assert_ne!(other, good, "bit {bit}");
            assert_eq!(other.to_gnark_bytes()[..], bytes, "bit {bit}: one encoding for each proof");
        }
    }
}
