//! Verifying keys: file format, identity, and refusal of keys under which proofs can be forged.

use crate::common::*;
use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::CurveGroup;
use ark_ff::PrimeField;
use ark_groth16::Groth16;
use tapstone_verifier::{
    Claim, VerifyingKey, VkId,
    error::{KeyError, KeyPoint, PointError, VerifyError},
    verify, verify_many,
};

/// Offset of alpha in the key file of the fixture.
const ALPHA: usize = 13 + SHAPE.len();
const BETA: usize = ALPHA + 64;
const IC_COUNT: usize = BETA + 3 * 128;

/// The fixture's key file with its points changed.
fn with(change: impl FnOnce(&mut ark_groth16::VerifyingKey<Bn254>)) -> Result<VerifyingKey, KeyError> {
    let mut vk = fixture().pk.vk.clone();
    change(&mut vk);
    let file = key_file(CIRCUIT_VERSION, SHAPE, &vk.alpha_g1, &vk.beta_g2, &vk.gamma_g2, &vk.delta_g2, &vk.gamma_abc_g1);
    VerifyingKey::from_bytes(&file)
}

#[test]
fn file_round_trips() {
    let f = fixture();
    assert_eq!(f.key.to_bytes(), f.key_file);
    assert_eq!(f.key.circuit_version(), CIRCUIT_VERSION);
    assert_eq!(f.key.shape(), SHAPE);
}

#[test]
fn every_flipped_bit_of_a_key_file_is_refused_or_changes_the_id() {
    let (f, s) = (fixture(), statement(1));
    let (expected, proof) = (f.key.id(), proof(&s));
    for (bit, bytes) in flips(&f.key_file) {
        if let Ok(key) = VerifyingKey::from_bytes(&bytes) {
            assert!((8..ALPHA).contains(&(bit / 8)), "bit {bit}: only version and name have other valid values nearby");
            assert_eq!(key.to_bytes(), bytes, "bit {bit}");
            let mismatch = VerifyError::KeyMismatch { expected, actual: key.id() };
            assert_ne!(key.id(), expected);
            assert_eq!(verify(&key, expected, &s, &proof), Err(mismatch), "bit {bit}");
        }
    }
}

#[test]
fn every_shorter_file_is_refused_and_so_is_a_longer_one() {
    let file = &fixture().key_file;
    for length in 0..file.len() {
        let error = VerifyingKey::from_bytes(&file[..length]).unwrap_err();
        assert!(matches!(error, KeyError::Truncated { actual, needed } if actual == length && needed > length), "{error}");
    }
    let longer = [&file[..], &[0]].concat();
    let error = KeyError::TrailingBytes { expected: file.len(), actual: file.len() + 1 };
    assert_eq!(VerifyingKey::from_bytes(&longer), Err(error));
}

#[test]
fn magic_and_version_are_checked() {
    let mut file = fixture().key_file.clone();
    file[7] = 2;
    assert_eq!(VerifyingKey::from_bytes(&file), Err(KeyError::FileVersion { expected: 1, actual: 2 }));
    file[0] = b'X';
    assert_eq!(VerifyingKey::from_bytes(&file), Err(KeyError::Magic { expected: *b"TSVK", actual: *b"XSVK" }));
}

#[test]
fn shape_names_are_checked() {
    let vk = &fixture().pk.vk;
    let decode = |name: &str| {
        let file = key_file(1, name, &vk.alpha_g1, &vk.beta_g2, &vk.gamma_g2, &vk.delta_g2, &vk.gamma_abc_g1);
        VerifyingKey::from_bytes(&file)
    };
    let longest = "x".repeat(255);
    for good in ["a", "swap-1k_v2.0", &longest] {
        assert_eq!(decode(good).unwrap().shape(), good);
    }
    for bad in ["", "Tiny", "a b", "a\n", "\u{e9}", "a/b", "a\"b"] {
        assert_eq!(decode(bad), Err(KeyError::ShapeName { length: bad.len() }), "{bad:?}");
    }
}

#[test]
fn keys_for_other_numbers_of_inputs_are_refused() {
    for actual in [0, 1, 66, 67] {
        let result = with(|vk| vk.gamma_abc_g1 = vec![vk.alpha_g1; actual]);
        assert_eq!(result, Err(KeyError::IcCount { least: 2, most: 65, actual }));
    }
    let mut file = fixture().key_file.clone();
    file[IC_COUNT..IC_COUNT + 4].fill(0xff);
    let error = KeyError::IcCount { least: 2, most: 65, actual: u32::MAX as usize };
    assert_eq!(VerifyingKey::from_bytes(&file), Err(error));
}

/// Keys of parts of open batches decode, and prove no statement.
#[test]
fn a_key_for_several_inputs_proves_no_statement() {
    let statement = statement(1);
    let proof = proof(&statement);
    for inputs in [2, 47, 64] {
        let key = with(|vk| vk.gamma_abc_g1 = vec![vk.alpha_g1; inputs + 1]).unwrap();
        assert_eq!((key.inputs(), key.to_bytes().len()), (inputs, fixture().key_file.len() + 64 * (inputs - 1)));
        assert_eq!(VerifyingKey::from_bytes(&key.to_bytes()), Ok(key.clone()));
        let json = key.to_snarkjs_json();
        assert_eq!(VerifyingKey::from_snarkjs_json(CIRCUIT_VERSION, SHAPE, &json), Ok(key.clone()));
        assert_eq!(verify(&key, key.id(), &statement, &proof), Err(VerifyError::Inputs { expected: 1, actual: inputs }));
        let claim = Claim { key: &key, expected: key.id(), statement: &statement, proof: &proof };
        assert_eq!(verify_many(&[claim]).unwrap_err().refused()[0].1.code(), 405);
    }
}

#[test]
fn beta_gamma_and_delta_equal_up_to_sign_are_refused() {
    use KeyPoint::{Beta, Delta, Gamma};
    assert_eq!(with(|vk| vk.delta_g2 = vk.gamma_g2), Err(KeyError::Forgeable { first: Gamma, second: Delta }));
    assert_eq!(with(|vk| vk.delta_g2 = -vk.gamma_g2), Err(KeyError::Forgeable { first: Gamma, second: Delta }));
    assert_eq!(with(|vk| vk.beta_g2 = vk.gamma_g2), Err(KeyError::Forgeable { first: Beta, second: Gamma }));
    assert_eq!(with(|vk| vk.beta_g2 = -vk.gamma_g2), Err(KeyError::Forgeable { first: Beta, second: Gamma }));
    assert_eq!(with(|vk| vk.beta_g2 = vk.delta_g2), Err(KeyError::Forgeable { first: Beta, second: Delta }));
    assert_eq!(with(|vk| vk.beta_g2 = -vk.delta_g2), Err(KeyError::Forgeable { first: Beta, second: Delta }));
}

/// Why such keys are refused: the bare pairing equation accepts a proof of any input, made without a witness.
#[test]
fn beta_gamma_and_delta_equal_up_to_sign_would_let_anyone_forge() {
    let vk = fixture().pk.vk.clone();
    let x = Fr::from(12345u64);
    let claimed = (vk.gamma_abc_g1[1] * x + vk.gamma_abc_g1[0]).into_affine();
    let forged = |change: &dyn Fn(&mut ark_groth16::VerifyingKey<Bn254>), a, b, c| {
        let mut vk = vk.clone();
        change(&mut vk);
        let pvk = ark_groth16::prepare_verifying_key(&vk);
        Groth16::<Bn254>::verify_proof(&pvk, &ark_groth16::Proof { a, b, c }, &[x]).unwrap()
    };
    let (alpha, beta, gamma) = (vk.alpha_g1, vk.beta_g2, vk.gamma_g2);
    let sum = (alpha + claimed).into_affine();
    let difference = (alpha - claimed).into_affine();
    let infinity = G1Affine::identity();
    assert!(!forged(&|_| (), alpha, beta, -claimed));
    assert!(forged(&|vk| vk.delta_g2 = gamma, alpha, beta, -claimed));
    assert!(forged(&|vk| vk.delta_g2 = -gamma, alpha, beta, claimed));
    assert!(forged(&|vk| vk.gamma_g2 = beta, sum, beta, infinity));
    assert!(forged(&|vk| vk.gamma_g2 = -beta, difference, beta, infinity));
    assert!(forged(&|vk| vk.delta_g2 = beta, claimed, gamma, -alpha));
    assert!(forged(&|vk| vk.delta_g2 = -beta, claimed, gamma, alpha));
}

#[test]
fn points_at_infinity_are_refused() {
    let infinity = |point| Err(KeyError::Point { point, reason: PointError::Infinity });
    assert_eq!(with(|vk| vk.alpha_g1 = G1Affine::identity()), infinity(KeyPoint::Alpha));
    assert_eq!(with(|vk| vk.beta_g2 = G2Affine::identity()), infinity(KeyPoint::Beta));
    assert_eq!(with(|vk| vk.gamma_g2 = G2Affine::identity()), infinity(KeyPoint::Gamma));
    assert_eq!(with(|vk| vk.delta_g2 = G2Affine::identity()), infinity(KeyPoint::Delta));
    assert_eq!(with(|vk| vk.gamma_abc_g1[0] = G1Affine::identity()), infinity(KeyPoint::Ic(0)));
    assert_eq!(with(|vk| vk.gamma_abc_g1[1] = G1Affine::identity()), infinity(KeyPoint::Ic(1)));
}

#[test]
fn points_outside_curve_and_subgroup_are_refused() {
    let stray = (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::from(2u64)), true))
        .find(|p| !p.is_in_correct_subgroup_assuming_on_curve())
        .unwrap();
    let error = |point, reason| Err(KeyError::Point { point, reason });
    assert_eq!(with(|vk| vk.delta_g2 = stray), error(KeyPoint::Delta, PointError::NotInSubgroup));
    let off = |p: G1Affine| G1Affine::new_unchecked(p.y, p.x);
    assert_eq!(with(|vk| vk.alpha_g1 = off(vk.alpha_g1)), error(KeyPoint::Alpha, PointError::NotOnCurve));
    assert_eq!(with(|vk| vk.gamma_abc_g1[1] = off(vk.alpha_g1)), error(KeyPoint::Ic(1), PointError::NotOnCurve));
    let mut file = fixture().key_file.clone();
    file[ALPHA..ALPHA + 32].fill(0xff);
    assert_eq!(VerifyingKey::from_bytes(&file), error(KeyPoint::Alpha, PointError::NotCanonical));
}

#[test]
fn id_text_is_strict() {
    let id = fixture().key.id();
    let text = id.to_string();
    assert_eq!(text.len(), 64);
    assert_eq!(text.parse(), Ok(id));
    assert_eq!(VkId::from_bytes(id.to_bytes()), id);
    for bad in [text.to_uppercase(), format!("0x{text}"), text[1..].to_owned(), String::new()] {
        assert!(bad.parse::<VkId>().is_err(), "{bad}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn id_json_is_its_text() {
    let id = fixture().key.id();
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, format!("\"{id}\""));
    assert_eq!(serde_json::from_str::<VkId>(&json).unwrap(), id);
    assert!(serde_json::from_str::<VkId>("\"00\"").is_err());
}

#[test]
fn snarkjs_json_has_snarkjs_coordinates() {
    let vk = &fixture().pk.vk;
    let s = |x: Fq| x.into_bigint().to_string();
    let g1 = |p: &G1Affine| serde_json::json!([s(p.x), s(p.y), "1"]);
    let g2 = |p: &G2Affine| serde_json::json!([[s(p.x.c0), s(p.x.c1)], [s(p.y.c0), s(p.y.c1)], ["1", "0"]]);
    let expected = serde_json::json!({
        "protocol": "groth16",
        "curve": "bn128",
        "nPublic": 1,
        "vk_alpha_1": g1(&vk.alpha_g1),
        "vk_beta_2": g2(&vk.beta_g2),
        "vk_gamma_2": g2(&vk.gamma_g2),
        "vk_delta_2": g2(&vk.delta_g2),
        "IC": [g1(&vk.gamma_abc_g1[0]), g1(&vk.gamma_abc_g1[1])],
    });
    let json: serde_json::Value = serde_json::from_str(&fixture().key.to_snarkjs_json()).unwrap();
    assert_eq!(json, expected);
}

#[cfg(feature = "arkworks")]
#[test]
fn arkworks_parts_make_the_same_key() {
    let vk = &fixture().pk.vk;
    let make = |ic: &[G1Affine], delta| {
        VerifyingKey::from_ark_parts(CIRCUIT_VERSION, SHAPE, vk.alpha_g1, vk.beta_g2, vk.gamma_g2, delta, ic)
    };
    assert_eq!(make(&vk.gamma_abc_g1, vk.delta_g2).unwrap().to_bytes(), fixture().key_file);
    assert_eq!(make(&vk.gamma_abc_g1[..1], vk.delta_g2), Err(KeyError::IcCount { least: 2, most: 65, actual: 1 }));
    assert!(matches!(make(&vk.gamma_abc_g1, vk.gamma_g2), Err(KeyError::Forgeable { .. })));
    let infinity = KeyError::Point { point: KeyPoint::Delta, reason: PointError::Infinity };
    assert_eq!(make(&vk.gamma_abc_g1, G2Affine::identity()), Err(infinity));
}
