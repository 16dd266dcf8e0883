//! The gadget of `constraints` against the native rules, and the arguments that its comments rest on.

use ark_bn254::Fr;
use ark_ec::{CurveGroup, twisted_edwards::TECurveConfig};
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, One, PrimeField, Zero};
use ruint::aliases::U512;

use super::constraints::{PointVar, classify_key, enforce_signed, enforce_valid_key};
use super::curve::{B8, BabyJubjub, Point, ProjectivePoint, Scalar};
use super::{HIGH, LOW, S_MAX, SecretKey, Signature};
use crate::cs::{Cs, Mode, Num, System};
use crate::testing::{SplitMix, low_order_key, public, secret};

const CHALLENGE: &str = "the challenge is decomposed canonically";
const SIGNATURE: &str = "the signature verifies";

fn signed(key: &Point, message: Fr, r8: (Fr, Fr), s: BigInt<4>) -> (System, Vec<Fr>) {
    let mut cs = Cs::new(Mode::Record, Fr::zero());
    let key = PointVar::witness(&mut cs, key.x, key.y);
    let message = cs.witness(message);
    enforce_signed(&mut cs, &Num::one(), &key, &message, r8, s);
    cs.into_parts()
}

fn rules((system, z): &(System, Vec<Fr>)) -> Vec<&'static str> {
    let mut rules: Vec<_> = system.violations(z, usize::MAX).into_iter().map(|v| v.rule).collect();
    rules.dedup();
    rules
}

fn case(key: &SecretKey, message: Fr) -> (Point, Signature) {
    (key.public_key().point(), key.sign(message).unwrap())
}

#[test]
fn signatures_are_accepted_and_others_are_not() {
    for seed in 1..6u64 {
        let message = Fr::from(seed * 1000 + 7);
        let (key, signature) = case(&secret(seed), message);
        let (r8, s) = ((signature.r8.x, signature.r8.y), signature.s);
        assert_eq!(rules(&signed(&key, message, r8, s)), [""; 0]);
        assert_eq!(rules(&signed(&key, message + Fr::one(), r8, s)), [SIGNATURE]);
        assert_eq!(rules(&signed(&public(seed + 1).point(), message, r8, s)), [SIGNATURE]);
        let mut other = s;
        other.add_with_carry(&BigInt::from(1u64));
        assert_eq!(rules(&signed(&key, message, r8, other)), [SIGNATURE]);
        // Points of small order added to R8 change the challenge and both sides of the equation.
        let order2 = Point::new_unchecked(Fr::zero(), -Fr::one());
        let moved = (signature.r8 + order2).into_affine();
        assert_eq!(rules(&signed(&key, message, (moved.x, moved.y), s)), [SIGNATURE]);
        // Off the curve.
        assert_eq!(rules(&signed(&key, message, (r8.0 + Fr::one(), r8.1), s)), [SIGNATURE]);
    }
}

/// S + l has 253 bits at most; the windows hold 252, and what is above `S_MAX` is refused in any case.
#[test]
fn s_has_one_form() {
    let message = Fr::from(9u64);
    let (key, signature) = case(&secret(3), message);
    for turns in 1..3 {
        let mut s = signature.s;
        for _ in 0..turns {
            s.add_with_carry(&Scalar::MODULUS);
        }
        let had = rules(&signed(&key, message, (signature.r8.x, signature.r8.y), s));
        assert!(had.contains(&"S is canonical"), "{turns}: {had:?}");
    }
    let had = rules(&signed(&key, message, (signature.r8.x, signature.r8.y), S_MAX));
    assert!(had.contains(&"S is canonical"), "{had:?}");
}

/// The other reading of the challenge's bits, `h + r` or `h - r`, where it has as many bits: the sum is the same element, the rule of canonicity is not.
#[test]
fn a_challenge_has_one_decomposition() {
    let message = Fr::from(9u64);
    let (key, signature) = case(&secret(3), message);
    let (system, z) = signed(&key, message, (signature.r8.x, signature.r8.y), signature.s);
    // The 254 bits are the wires of the first rows of the rule.
    let first = (0..system.matrices.rows()).find(|row| system.rule(*row) == CHALLENGE).unwrap();
    let bit = system.matrices.row(1, first)[0].1;
    let value = |z: &[Fr]| {
        (0..254).rev().fold(BigInt::<4>::zero(), |mut v, i| {
            v <<= 1;
            v.add_with_carry(&BigInt::from(u64::from(z[bit + i].is_one())));
            v
        })
    };
    let had = value(&z);
    let mut readings = Vec::new();
    let mut up = had;
    if !up.add_with_carry(&Fr::MODULUS) && up.num_bits() <= 254 {
        readings.push(up);
    }
    let mut down = had;
    if !down.sub_with_borrow(&Fr::MODULUS) {
        readings.push(down);
    }
    assert!(!readings.is_empty(), "the interval of V is longer than 2^254 - r on one side");
    for reading in readings {
        let mut z = z.clone();
        for i in 0..254 {
            z[bit + i] = Fr::from(reading.get_bit(i));
        }
        let violated = system.violations(&z, 400);
        // The bits still add up to the challenge: only the comparison objects, before the ladder does.
        assert!(violated.iter().any(|v| v.rule == CHALLENGE));
        let sum_row = (first..).find(|row| system.matrices.row(0, *row).len() > 200).unwrap();
        let [a, b, c] = system.matrices.evaluate(sum_row, &z);
        assert_eq!(a * b, c, "the bits are another reading of the same element");
    }
}

fn wide(x: BigInt<4>) -> U512 {
    U512::from_limbs_slice(&x.0)
}

/// `m A` meets `+-A` or `+-(m + d) A` in no step of the ladder that has no check of its own: the multiples are known integers.
#[test]
fn ladder_steps_without_a_check_are_not_degenerate() {
    let order = wide(Scalar::MODULUS);
    // After j steps 2^(j + 1) < m < 2^(j + 2) with m odd, from m = 3; the two additions of a step are m + d and 2m + d.
    let mut least = U512::from(3);
    let mut most = U512::from(3);
    for step in 0..254 - 6 {
        assert!(most * U512::from(2) + U512::from(1) < order, "step {step}");
        assert!(least > U512::from(1), "step {step}");
        (least, most) = (least * U512::from(2) - U512::from(1), most * U512::from(2) + U512::from(1));
    }
    assert!(most * U512::from(2) + U512::from(1) >= order, "no more steps than needed carry a check");
}

/// The accumulator of the fixed-base multiplication meets the next window's point, or its negative, in the last window at most.
#[test]
fn windows_without_a_check_are_not_degenerate() {
    let order = wide(Scalar::MODULUS);
    let eight = |i: usize| U512::from(1) << (3 * i);
    for i in 1..84 {
        // 8^84 - 1 + sum of d_k 8^k for k < i, where the sum is at most 8^i - 1 in size.
        let (low, high) = (eight(84) - eight(i), eight(84) + eight(i) - U512::from(2));
        let meets = [1u64, 3, 5, 7].into_iter().any(|k| {
            let digit = U512::from(k) * eight(i);
            [digit % order, (order * U512::from(64) - digit) % order].into_iter().any(|residue| {
                // The least number from low on with this residue.
                let at = (residue + order - low % order) % order;
                low + at <= high
            })
        });
        assert_eq!(meets, i == 83, "window {i}");
    }
}

/// V = h + c has one reading: the interval that is enforced is shorter than r, and it holds every h that the protocol allows.
#[test]
fn challenges_lie_in_an_interval_shorter_than_r() {
    let shift = wide((-Scalar::from(2u64).pow([254])).into_bigint());
    let (low, high) = (wide(LOW) + shift, wide(HIGH) + shift);
    assert!(high - low < wide(Fr::MODULUS));
    assert!(high <= U512::from(1) << 254);
    // Both bounds end in equal bits: the comparisons look at the top 64 only.
    let tail = (U512::from(1) << 190) - U512::from(1);
    assert_eq!((high - U512::from(1)) & tail, tail);
    assert_eq!(low & tail, U512::ZERO);
}

/// All points of the curve: the prime-order subgroup, times the eight points of small order.
#[test]
fn keys_are_classified_as_the_native_rule_does() {
    let mut rng = SplitMix::new(5);
    let torsion: Vec<Point> = {
        let order8 = (2..=255u8)
            .filter_map(|y| {
                let mut bytes = [0; 32];
                bytes[0] = y;
                super::curve::unpack(&bytes).ok()
            })
            .map(|p| BabyJubjub::mul_affine(&p, Scalar::MODULUS.as_ref()))
            .find(|t| !t.double().double().is_zero())
            .unwrap();
        (0..8u64).map(|j| BabyJubjub::mul_projective(&order8, &[j]).into_affine()).collect()
    };
    let distinct: std::collections::HashSet<_> = torsion.iter().collect();
    assert_eq!(distinct.len(), 8, "the small-order points are a cyclic group of order 8");
    let mut points = torsion.clone();
    for _ in 0..4 {
        let base = ProjectivePoint::from(B8) * Scalar::from(rng.next_u64());
        points.extend(torsion.iter().map(|t| (base + t).into_affine()));
    }
    for point in points {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let key = PointVar::witness(&mut cs, point.x, point.y);
        let valid = classify_key(&mut cs, &key);
        let native = super::PublicKey::try_from(point).is_ok();
        assert_eq!(valid.value(), Fr::from(native), "{point}");
        let (system, z) = cs.into_parts();
        assert_eq!(system.violations(&z, 1), [], "{point}");
        // The other verdict: j moved to another point of small order.
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let key = PointVar::witness(&mut cs, point.x, point.y);
        enforce_valid_key(&mut cs, &key);
        let (system, z) = cs.into_parts();
        assert_eq!(system.is_satisfied(&z), native, "{point}");
    }
    let off = Point::new_unchecked(Fr::one(), Fr::one());
    let mut cs = Cs::new(Mode::Record, Fr::zero());
    let key = PointVar::witness(&mut cs, off.x, off.y);
    classify_key(&mut cs, &key);
    let (system, z) = cs.into_parts();
    assert!(!system.is_satisfied(&z));
}

/// A lie about j: whatever the bits say, no B makes up for it.
#[test]
fn a_key_belongs_to_one_class() {
    for (point, true_j) in [(public(1).point(), 0u32), (low_order_key(1), 4)] {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let key = PointVar::witness(&mut cs, point.x, point.y);
        classify_key(&mut cs, &key);
        let (system, z) = cs.into_parts();
        assert_eq!(system.violations(&z, 1), []);
        // The three bits are the wires of the boolean rows; a flipped one leaves other rows unsatisfied.
        let bits: Vec<usize> = (0..system.matrices.rows())
            .filter(|row| {
                let (b, c) = (system.matrices.row(1, *row), system.matrices.row(2, *row));
                b.len() == 1 && c.is_empty() && system.matrices.row(0, *row).len() == 2
            })
            .map(|row| system.matrices.row(1, row)[0].1)
            .take(3)
            .collect();
        let j: u32 = bits.iter().enumerate().map(|(i, wire)| u32::from(z[*wire].is_one()) << i).sum();
        assert_eq!(j, true_j);
        for wire in bits {
            let mut z = z.clone();
            z[wire] = Fr::one() - z[wire];
            assert!(!system.is_satisfied(&z));
        }
    }
}

/// The empty leaf's key signs nothing: (0, 0) and the identity have no Montgomery form.
#[test]
fn the_empty_leaf_and_the_identity_sign_nothing() {
    for key in [Point::new_unchecked(Fr::zero(), Fr::zero()), Point::zero()] {
        let had = rules(&signed(&key, Fr::from(5u64), (Fr::zero(), Fr::one()), BigInt::from(1u64)));
        assert!(had.contains(&"the signer's key is a point of the curve other than the identity"), "{had:?}");
    }
    assert!(<BabyJubjub as TECurveConfig>::GENERATOR.x != Fr::ZERO);
}
