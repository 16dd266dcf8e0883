//! Proof encodings: canonical, strict, and those of arkworks, the EVM and snarkjs.

use crate::common::*;
use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ff::{BigInteger, PrimeField};
use tapstone_verifier::{
    Proof,
    error::{PointError, ProofError, ProofPoint},
    verify,
};

#[test]
fn the_two_binary_forms_agree_with_arkworks_points() {
    let s = statement(1);
    let theirs = ark_proof(&s);
    let proof = Proof::from_compressed(&compressed(&theirs)).unwrap();
    assert_eq!(proof.to_compressed()[..], compressed(&theirs));
    let evm = [g1_be(&theirs.a), g2_be(&theirs.b), g1_be(&theirs.c)].concat();
    assert_eq!(proof.to_evm_bytes()[..], evm);
    assert_eq!(Proof::from_evm_bytes(&evm), Ok(proof));
}

#[test]
fn other_lengths_are_refused() {
    let proof = proof(&statement(1));
    for actual in [0, 127, 129, 256] {
        let mut bytes = proof.to_compressed().to_vec();
        bytes.resize(actual, 0);
        assert_eq!(Proof::from_compressed(&bytes), Err(ProofError::Length { expected: 128, actual }));
    }
    for actual in [0, 128, 255, 257] {
        let mut bytes = proof.to_evm_bytes().to_vec();
        bytes.resize(actual, 0);
        assert_eq!(Proof::from_evm_bytes(&bytes), Err(ProofError::Length { expected: 256, actual }));
    }
}

#[test]
fn every_flipped_bit_of_a_compressed_proof_is_refused_or_does_not_verify() {
    let (f, s) = (fixture(), statement(1));
    let mut decoded = 0;
    for (bit, bytes) in flips(&proof_bytes(&s)) {
        if let Ok(proof) = Proof::from_compressed(&bytes) {
            decoded += 1;
            assert_eq!(proof.to_compressed()[..], bytes, "bit {bit}: one encoding for each proof");
            assert!(verify(&f.key, f.key.id(), &s, &proof).is_err(), "bit {bit}");
        }
    }
    // Half of all x in A and C belong to a point, and the flags that negate one always do.
    assert!((100..500).contains(&decoded), "{decoded}");
}

#[test]
fn every_flipped_bit_of_an_evm_proof_is_refused() {
    for (bit, bytes) in flips(&proof(&statement(1)).to_evm_bytes()) {
        let reason = Proof::from_evm_bytes(&bytes).unwrap_err();
        assert!(matches!(reason, ProofError::Point { .. }), "bit {bit}: {reason}");
    }
}

#[test]
fn points_at_infinity_are_refused() {
    let proof = proof(&statement(1));
    for (point, range) in [(ProofPoint::A, 0..64), (ProofPoint::B, 64..192), (ProofPoint::C, 192..256)] {
        let mut bytes = proof.to_evm_bytes();
        bytes[range].fill(0);
        assert_eq!(Proof::from_evm_bytes(&bytes), Err(ProofError::Point { point, reason: PointError::Infinity }));
    }
    for (point, range) in [(ProofPoint::A, 0..32), (ProofPoint::B, 32..96), (ProofPoint::C, 96..128)] {
        let last = range.end - 1;
        let mut bytes = proof.to_compressed();
        bytes[last] |= 0x40;
        let reason = PointError::NotCanonical;
        assert_eq!(Proof::from_compressed(&bytes), Err(ProofError::Point { point, reason }));
        bytes[range].fill(0);
        bytes[last] = 0x40;
        let reason = PointError::Infinity;
        assert_eq!(Proof::from_compressed(&bytes), Err(ProofError::Point { point, reason }));
    }
}

#[test]
fn coordinates_of_p_or_more_are_refused() {
    // x + p fits 256 bits for every x, so each coordinate has a second form.
    let evm = proof(&statement(1)).to_evm_bytes();
    for i in 0..8 {
        let mut x = ark_ff::BigInt::<4>::from_bits_be(
            &evm[32 * i..32 * (i + 1)].iter().flat_map(|b| (0..8).rev().map(move |k| b >> k & 1 == 1)).collect::<Vec<_>>(),
        );
        assert!(!x.add_with_carry(&Fq::MODULUS));
        let mut bytes = evm;
        bytes[32 * i..32 * (i + 1)].copy_from_slice(&x.to_bytes_be());
        let error = Proof::from_evm_bytes(&bytes).unwrap_err();
        assert!(matches!(error, ProofError::Point { reason: PointError::NotCanonical, .. }), "{i}: {error}");
    }
}

#[test]
fn b_outside_the_subgroup_is_refused() {
    let stray = (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::from(1u64)), true))
        .find(|p| !p.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let expected = Err(ProofError::Point { point: ProofPoint::B, reason: PointError::NotInSubgroup });
    let mut evm = proof(&statement(1)).to_evm_bytes();
    evm[64..192].copy_from_slice(&g2_be(&stray));
    assert_eq!(Proof::from_evm_bytes(&evm), expected);
    let mut theirs = ark_proof(&statement(1));
    theirs.b = stray;
    assert_eq!(Proof::from_compressed(&compressed(&theirs)), expected);
}

#[test]
fn points_off_the_curve_are_refused() {
    let mut evm = proof(&statement(1)).to_evm_bytes();
    let (a, c) = evm.split_at_mut(192);
    a[32..64].swap_with_slice(&mut c[32..64]);
    let reason = PointError::NotOnCurve;
    assert_eq!(Proof::from_evm_bytes(&evm), Err(ProofError::Point { point: ProofPoint::A, reason }));
}

#[test]
fn snarkjs_json_has_snarkjs_coordinates() {
    let theirs = ark_proof(&statement(1));
    let json: serde_json::Value =
        serde_json::from_str(&Proof::from_compressed(&compressed(&theirs)).unwrap().to_snarkjs_json()).unwrap();
    let s = |x: Fq| x.into_bigint().to_string();
    let g1 = |p: &G1Affine| serde_json::json!([s(p.x), s(p.y), "1"]);
    let expected = serde_json::json!({
        "pi_a": g1(&theirs.a),
        "pi_b": [[s(theirs.b.x.c0), s(theirs.b.x.c1)], [s(theirs.b.y.c0), s(theirs.b.y.c1)], ["1", "0"]],
        "pi_c": g1(&theirs.c),
        "protocol": "groth16",
        "curve": "bn128",
    });
    assert_eq!(json, expected);
}

#[cfg(feature = "arkworks")]
#[test]
fn arkworks_points_round_trip_and_are_checked() {
    let theirs = ark_proof(&statement(1));
    let proof = Proof::from_ark_parts(theirs.a, theirs.b, theirs.c).unwrap();
    assert_eq!(proof.to_compressed()[..], compressed(&theirs));
    assert_eq!(proof.to_ark_parts(), (theirs.a, theirs.b, theirs.c));
    let error = Proof::from_ark_parts(theirs.a, theirs.b, G1Affine::identity());
    assert_eq!(error, Err(ProofError::Point { point: ProofPoint::C, reason: PointError::Infinity }));
    let off = G1Affine::new_unchecked(theirs.a.y, theirs.a.x);
    let error = Proof::from_ark_parts(off, theirs.b, theirs.c);
    assert_eq!(error, Err(ProofError::Point { point: ProofPoint::A, reason: PointError::NotOnCurve }));
}
