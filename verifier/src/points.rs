//! Points of BN254 as bytes: strict decoding of the two encodings in use.
//!
//! Both decoders check the curve equation and the subgroup, and refuse the point at infinity: no honest key or proof holds
//! it, and a pairing with it drops a factor of the verification equation.

use crate::error::PointError;
use alloc::vec::Vec;
use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInteger, PrimeField};

/// Bytes of a G1 point as `BE(x) || BE(y)`.
pub(crate) const G1_BYTES: usize = 64;
/// Bytes of a G2 point as `BE(x.c1) || BE(x.c0) || BE(y.c1) || BE(y.c0)`.
pub(crate) const G2_BYTES: usize = 128;
/// Bytes of a G1 point in arkworks' compressed form.
pub(crate) const G1_COMPRESSED: usize = 32;
/// Bytes of a G2 point in arkworks' compressed form.
pub(crate) const G2_COMPRESSED: usize = 64;

/// arkworks' flags, in the last byte of a compressed point: y is the larger of the two roots.
const FLAG_LARGER_Y: u8 = 1 << 7;
/// The point at infinity.
const FLAG_INFINITY: u8 = 1 << 6;

/// Refuses a point that is infinity, off its curve or outside the subgroup of prime order.
pub(crate) fn check<P: SWCurveConfig>(point: Affine<P>) -> Result<Affine<P>, PointError> {
    if point == Affine::identity() {
        Err(PointError::Infinity)
    } else if !point.is_on_curve() {
        Err(PointError::NotOnCurve)
    } else if !point.is_in_correct_subgroup_assuming_on_curve() {
        Err(PointError::NotInSubgroup)
    } else {
        Ok(point)
    }
}

pub(crate) fn fq_be(bytes: &[u8]) -> Result<Fq, PointError> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().fold(0, |acc, byte| acc << 8 | u64::from(*byte));
    }
    Fq::from_bigint(ark_ff::BigInt(limbs)).ok_or(PointError::NotCanonical)
}

/// BE(c1) || BE(c0).
pub(crate) fn fq2_be(bytes: &[u8; 64]) -> Result<Fq2, PointError> {
    let c1 = fq_be(&bytes[..32])?;
    Ok(Fq2::new(fq_be(&bytes[32..])?, c1))
}

/// A decimal number without leading zeros.
pub(crate) fn fq_decimal(text: &str) -> Result<Fq, PointError> {
    if text.is_empty() || (text.len() > 1 && text.starts_with('0')) {
        return Err(PointError::NotCanonical);
    }
    let mut limbs = [0u64; 4];
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            return Err(PointError::NotCanonical);
        }
        let mut carry = u128::from(byte - b'0');
        for limb in &mut limbs {
            let wide = u128::from(*limb) * 10 + carry;
            *limb = wide as u64;
            carry = wide >> 64;
        }
        if carry != 0 {
            return Err(PointError::NotCanonical);
        }
    }
    Fq::from_bigint(ark_ff::BigInt(limbs)).ok_or(PointError::NotCanonical)
}

fn fq_le(bytes: &[u8]) -> Result<Fq, PointError> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = chunk.iter().rev().fold(0, |acc, byte| acc << 8 | u64::from(*byte));
    }
    Fq::from_bigint(ark_ff::BigInt(limbs)).ok_or(PointError::NotCanonical)
}

pub(crate) fn g1_from_be(bytes: &[u8; G1_BYTES]) -> Result<G1Affine, PointError> {
    check(G1Affine::new_unchecked(fq_be(&bytes[..32])?, fq_be(&bytes[32..])?))
}

pub(crate) fn g2_from_be(bytes: &[u8; G2_BYTES]) -> Result<G2Affine, PointError> {
    let x = Fq2::new(fq_be(&bytes[32..64])?, fq_be(&bytes[..32])?);
    let y = Fq2::new(fq_be(&bytes[96..])?, fq_be(&bytes[64..96])?);
    check(G2Affine::new_unchecked(x, y))
}

/// Writes an element as 32 big-endian bytes.
pub(crate) fn put_fq_be(out: &mut [u8], x: Fq) {
    for (chunk, limb) in out.chunks_exact_mut(8).zip(x.into_bigint().0.iter().rev()) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
}

pub(crate) fn put_g1_be(out: &mut Vec<u8>, p: &G1Affine) {
    for c in [p.x, p.y] {
        out.extend_from_slice(&c.into_bigint().to_bytes_be());
    }
}

pub(crate) fn put_g2_be(out: &mut Vec<u8>, p: &G2Affine) {
    for c in [p.x.c1, p.x.c0, p.y.c1, p.y.c0] {
        out.extend_from_slice(&c.into_bigint().to_bytes_be());
    }
}

/// Takes the flags out of a compressed point: whether y is the larger root.
fn take_flags<const N: usize>(bytes: &mut [u8; N]) -> Result<bool, PointError> {
    let last = &mut bytes[N - 1];
    let flags = *last & (FLAG_LARGER_Y | FLAG_INFINITY);
    *last ^= flags;
    match flags {
        0 => Ok(false),
        FLAG_LARGER_Y => Ok(true),
        FLAG_INFINITY if *bytes == [0; N] => Err(PointError::Infinity),
        _ => Err(PointError::NotCanonical),
    }
}

pub(crate) fn from_x<P: SWCurveConfig>(x: P::BaseField, larger: bool) -> Result<Affine<P>, PointError> {
    let (small_y, large_y) = Affine::<P>::get_ys_from_x_unchecked(x).ok_or(PointError::NotOnCurve)?;
    // Only y = 0 has one root under two flags, and no point of odd order has it.
    check(Affine::new_unchecked(x, if larger { large_y } else { small_y }))
}

pub(crate) fn g1_from_compressed(mut bytes: [u8; G1_COMPRESSED]) -> Result<G1Affine, PointError> {
    let larger = take_flags(&mut bytes)?;
    from_x(fq_le(&bytes)?, larger)
}

pub(crate) fn g2_from_compressed(mut bytes: [u8; G2_COMPRESSED]) -> Result<G2Affine, PointError> {
    let larger = take_flags(&mut bytes)?;
    from_x(Fq2::new(fq_le(&bytes[..32])?, fq_le(&bytes[32..])?), larger)
}

pub(crate) fn g1_compressed(p: &G1Affine) -> [u8; G1_COMPRESSED] {
    let mut out = [0; G1_COMPRESSED];
    out.copy_from_slice(&p.x.into_bigint().to_bytes_le());
    out[G1_COMPRESSED - 1] |= if p.y > -p.y { FLAG_LARGER_Y } else { 0 };
    out
}

pub(crate) fn g2_compressed(p: &G2Affine) -> [u8; G2_COMPRESSED] {
    let mut out = [0; G2_COMPRESSED];
    out[..32].copy_from_slice(&p.x.c0.into_bigint().to_bytes_le());
    out[32..].copy_from_slice(&p.x.c1.into_bigint().to_bytes_le());
    out[G2_COMPRESSED - 1] |= if p.y > -p.y { FLAG_LARGER_Y } else { 0 };
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use ark_bn254::{G1Projective, G2Projective};
    use ark_ec::{CurveGroup, PrimeGroup};
    use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};

    /// p, big-endian.
    fn modulus() -> Vec<u8> {
        Fq::MODULUS.to_bytes_be()
    }

    #[test]
    fn compressed_form_is_arkworks() {
        for k in 1..40u64 {
            let p = G1Projective::generator().mul_bigint([k * k]).into_affine();
            let mut theirs = Vec::new();
            p.serialize_compressed(&mut theirs).unwrap();
            assert_eq!(g1_compressed(&p)[..], theirs);
            assert_eq!(g1_from_compressed(g1_compressed(&p)), Ok(p));

            let q = G2Projective::generator().mul_bigint([k * k]).into_affine();
            let mut theirs = Vec::new();
            q.serialize_compressed(&mut theirs).unwrap();
            assert_eq!(g2_compressed(&q)[..], theirs);
            assert_eq!(g2_from_compressed(g2_compressed(&q)), Ok(q));
        }
    }

    #[test]
    fn infinity_flag_with_other_bits_is_refused_where_arkworks_accepts_it() {
        let mut bytes = [0; 32];
        bytes[31] = FLAG_INFINITY;
        assert_eq!(g1_from_compressed(bytes), Err(PointError::Infinity));
        bytes[0] = 1;
        assert!(G1Affine::deserialize_compressed(&bytes[..]).is_ok());
        assert_eq!(g1_from_compressed(bytes), Err(PointError::NotCanonical));
        bytes[31] = FLAG_INFINITY | FLAG_LARGER_Y;
        assert_eq!(g1_from_compressed(bytes), Err(PointError::NotCanonical));
    }

    #[test]
    fn coordinates_of_p_or_more_are_refused() {
        let mut be = [0; 64];
        be[..32].copy_from_slice(&modulus());
        assert_eq!(g1_from_be(&be), Err(PointError::NotCanonical));
        // The generator (1, 2) with x = 1 + p.
        be[31] += 1;
        be[63] = 2;
        assert_eq!(g1_from_be(&be), Err(PointError::NotCanonical));
        let mut le: [u8; 32] = be[..32].try_into().unwrap();
        le.reverse();
        assert_eq!(g1_from_compressed(le), Err(PointError::NotCanonical));

        let mut g2 = Vec::new();
        put_g2_be(&mut g2, &G2Projective::generator().into_affine());
        for at in [0, 32, 64, 96] {
            let mut bytes: [u8; 128] = g2.clone().try_into().unwrap();
            bytes[at..at + 32].copy_from_slice(&modulus());
            assert_eq!(g2_from_be(&bytes), Err(PointError::NotCanonical));
        }
    }

    #[test]
    fn decimals_are_canonical() {
        let p = Fq::MODULUS.to_string();
        let largest = (-Fq::from(1u64)).to_string();
        assert_eq!(fq_decimal(&largest), Ok(-Fq::from(1u64)));
        assert_eq!([fq_decimal("0"), fq_decimal("10")], [Ok(Fq::from(0u64)), Ok(Fq::from(10u64))]);
        let huge = "9".repeat(1000);
        for bad in ["", "00", "01", "+1", "-1", "1 ", "0x1", "1_0", "\u{664}", &p, &huge] {
            assert_eq!(fq_decimal(bad), Err(PointError::NotCanonical), "{bad}");
        }
    }

    #[test]
    fn points_off_the_curve_and_at_infinity_are_refused() {
        assert_eq!(g1_from_be(&[0; 64]), Err(PointError::Infinity));
        assert_eq!(g2_from_be(&[0; 128]), Err(PointError::Infinity));
        let mut bytes = [0; 64];
        (bytes[31], bytes[63]) = (1, 3);
        assert_eq!(g1_from_be(&bytes), Err(PointError::NotOnCurve));
        // x = 4: 4^3 + 3 = 67 is not a square modulo p.
        let mut compressed = [0; 32];
        compressed[0] = 4;
        assert_eq!(g1_from_compressed(compressed), Err(PointError::NotOnCurve));
    }

    #[test]
    fn a_point_of_the_twist_outside_the_subgroup_is_refused() {
        let stray = (1u64..)
            .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::from(0u64)), false))
            .find(|p| !p.is_in_correct_subgroup_assuming_on_curve())
            .unwrap();
        let mut bytes = Vec::new();
        put_g2_be(&mut bytes, &stray);
        assert_eq!(g2_from_be(&bytes.try_into().unwrap()), Err(PointError::NotInSubgroup));
        assert_eq!(g2_from_compressed(g2_compressed(&stray)), Err(PointError::NotInSubgroup));
    }
}
