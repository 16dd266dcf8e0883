use super::*;
use ark_ff::{AdditiveGroup, Field, MontFp};
use std::str::FromStr;

fn secret(seed: u8) -> SecretKey {
    SecretKey::from_bytes([seed; 32])
}

fn order() -> BigInt<4> {
    Scalar::MODULUS
}

/// The example of circomlibjs' own tests (`test/eddsa.js`).
#[test]
fn agrees_with_circomlibjs() {
    let bytes = hex::decode("0001020304050607080900010203040506070809000102030405060708090001").unwrap();
    let key = SecretKey::from_bytes(bytes.try_into().unwrap());
    let a = key.public_key();
    let fr = |text| Fr::from_str(text).unwrap();
    assert_eq!(a.x(), fr("13277427435165878497778222415993513565335242147425444199013288855685581939618"));
    assert_eq!(a.y(), fr("13622229784656158136036771217484571176836296686641868549125388198837476602820"));
    let message = Fr::from_le_bytes_mod_order(&hex::decode("00010203040506070809").unwrap());
    let signature = key.sign(message).unwrap();
    assert_eq!(signature.r8.x, fr("11384336176656855268977457483345535180380036354188103142384839473266348197733"));
    assert_eq!(signature.r8.y, fr("15383486972088797283337779941324724402501462225528836549661220478783371668959"));
    let s = fr("1672775540645840396591609181675628451599263765380031905495115170613215233181").into_bigint();
    assert_eq!(signature.s, s);
    a.verify(message, &signature).unwrap();
}

#[test]
fn blake_512_is_the_sha_3_candidate() {
    // From the BLAKE submission: one zero byte.
    let digest = hex::encode(Blake512::digest(&[0]));
    assert!(digest.starts_with("97961587f6d970faba6d2478045de6d1fabd09b61ae50932054d52bc29d31be4"), "{digest}");
}

#[test]
fn bounds_follow_from_the_orders() {
    assert!(S_MAX < order());
    assert!(LOW < HIGH && HIGH < Fr::MODULUS);
}

#[test]
fn constants_of_the_curve_hold() {
    assert!(curve::B8.is_on_curve() && curve::B8.is_in_correct_subgroup_assuming_on_curve());
    assert!(<BabyJubjub as TECurveConfig>::COEFF_A.legendre().is_qr() && BabyJubjub::COEFF_D.legendre().is_qnr());
    assert_eq!(BabyJubjub::COFACTOR_INV * Scalar::from(8u64), Scalar::ONE);
}

#[test]
fn signs_and_verifies() {
    let (key, message) = (secret(1), Fr::from(7u64));
    let (a, signature) = (key.public_key(), key.sign(message).unwrap());
    a.verify(message, &signature).unwrap();
    assert_eq!(Signature::from_bytes(&signature.to_bytes()), Ok(signature));
    assert_eq!(PublicKey::from_bytes(&a.to_bytes()), Ok(a));
    assert_eq!(a.verify(message + Fr::ONE, &signature), Err(SignatureError::Equation));
    assert_eq!(secret(2).public_key().verify(message, &signature), Err(SignatureError::Equation));
    let other = Signature { r8: secret(2).public_key().point(), ..signature };
    assert_eq!(a.verify(message, &other), Err(SignatureError::Equation));
    assert_eq!(a.verify(message, &Signature::unsigned()), Err(SignatureError::Equation));
}

#[test]
fn s_has_one_form() {
    let (key, message) = (secret(3), Fr::from(9u64));
    let signature = key.sign(message).unwrap();
    let mut s = signature.s;
    s.add_with_carry(&order());
    let malleated = Signature { s, ..signature };
    assert!(matches!(key.public_key().verify(message, &malleated), Err(SignatureError::SRange { .. })));
    let edge = Signature { s: S_MAX, ..signature };
    assert!(matches!(key.public_key().verify(message, &edge), Err(SignatureError::SRange { .. })));
    let off = Signature { r8: Point::new_unchecked(Fr::ONE, Fr::ONE), ..signature };
    assert_eq!(key.public_key().verify(message, &off), Err(SignatureError::NotOnCurve));
}

#[test]
fn r8_with_a_small_order_part_is_refused() {
    let (key, message) = (secret(4), Fr::from(11u64));
    let mut signature = key.sign(message).unwrap();
    // (0, -1) has order 2: the cofactorless equation sees it.
    signature.r8 = (signature.r8 + Point::new_unchecked(Fr::ZERO, -Fr::ONE)).into_affine();
    assert!(key.public_key().verify(message, &signature).is_err());
}

#[test]
fn keys_outside_the_subgroup_are_refused() {
    let identity = Point::zero();
    assert_eq!(PublicKey::try_from(identity), Err(KeyError::Identity));
    assert_eq!(PublicKey::from_bytes(&pack(&identity)), Err(KeyError::Identity));
    let order_2 = Point::new_unchecked(Fr::ZERO, -Fr::ONE);
    assert_eq!(PublicKey::try_from(order_2), Err(KeyError::NotInSubgroup));
    let order_4 = Point::new_unchecked(<BabyJubjub as TECurveConfig>::COEFF_A.inverse().unwrap().sqrt().unwrap(), Fr::ZERO);
    assert_eq!(PublicKey::try_from(order_4), Err(KeyError::NotInSubgroup));
    let mixed = (secret(1).public_key().point() + order_2).into_affine();
    assert_eq!(PublicKey::from_bytes(&pack(&mixed)), Err(KeyError::NotInSubgroup));
    let off = Point::new_unchecked(Fr::ONE, Fr::ONE);
    assert_eq!(PublicKey::try_from(off), Err(KeyError::NotOnCurve));
    let generator_of_all: Point = Point::new_unchecked(
        MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
        MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
    );
    assert_eq!(PublicKey::try_from(generator_of_all), Err(KeyError::NotInSubgroup));
}

#[test]
fn unpacking_is_strict_and_total() {
    let one = {
        let mut b = [0; 32];
        b[0] = 1;
        b
    };
    assert_eq!(unpack(&one), Ok(Point::zero()));
    let mut sign = one;
    sign[31] = 0x80;
    assert_eq!(unpack(&sign), Err(PointError::SignOfZero));
    let mut r = [0; 32];
    r.copy_from_slice(&Fr::MODULUS.to_bytes_le());
    assert_eq!(unpack(&r), Err(PointError::NotCanonical));
    assert_eq!(unpack(&[0xff; 32]), Err(PointError::NotCanonical));
    let (mut good, mut bad) = (0, 0);
    for i in 0..200u8 {
        let mut bytes = [i.wrapping_mul(37); 32];
        bytes[31] = i & 0x9f;
        match unpack(&bytes) {
            Ok(point) => {
                assert!(point.is_on_curve());
                assert_eq!(pack(&point), bytes);
                good += 1;
            }
            Err(_) => bad += 1,
        }
    }
    assert!(good > 50 && bad > 50);
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(format!("{:?}", secret(0x41)), "SecretKey(..)");
}
