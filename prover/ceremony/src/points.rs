//! Points as snarkjs writes them: in files little-endian in Montgomery form, in hashes big-endian; zeros are infinity in both.

use ark_bn254::{Fq, Fq2, Fr, g1, g2};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::Affine;
use ark_ff::{BigInt, BigInteger, PrimeField};
use rayon::prelude::*;
use tapstone_verifier::error::PointError;

use super::binfile::Infinity;

/// A point that such files hold.
pub(super) trait Point: AffineRepr<ScalarField = Fr> + Send + Sync {
    /// Bytes in a file, and in a hash.
    const BYTES: usize;

    /// One point, on its curve and in the subgroup, or at infinity.
    fn decode(bytes: &[u8]) -> Result<Self, PointError>;

    /// As in files.
    fn put(&self, to: &mut Vec<u8>);

    /// As in hashes.
    fn put_hashed(&self, to: &mut Vec<u8>);

    /// Points that lie one after the other; the first that is refused, by its place.
    fn decode_all(bytes: &[u8], infinity: Infinity) -> Result<Vec<Self>, (usize, PointError)> {
        bytes
            .par_chunks(Self::BYTES)
            .enumerate()
            .map(|(index, bytes)| {
                let point = Self::decode(bytes).map_err(|e| (index, e))?;
                if point.is_zero() && infinity == Infinity::Refused {
                    return Err((index, PointError::Infinity));
                }
                Ok(point)
            })
            .collect()
    }
}

/// An element from Montgomery form, which is what arkworks keeps; `None` if it is not below the modulus.
fn fq(bytes: &[u8]) -> Option<Fq> {
    limbs(bytes).filter(|limbs| *limbs < Fq::MODULUS).map(Fq::new_unchecked)
}

/// Four limbs, if there are 32 bytes.
pub(super) fn limbs(bytes: &[u8]) -> Option<BigInt<4>> {
    let (words, rest) = bytes.as_chunks::<8>();
    let words: &[[u8; 8]; 4] = words.try_into().ok()?;
    rest.is_empty().then(|| BigInt(words.map(u64::from_le_bytes)))
}

fn put_fq(x: &Fq, to: &mut Vec<u8>) {
    to.extend(x.0.to_bytes_le());
}

fn put_fq_hashed(x: &Fq, to: &mut Vec<u8>) {
    to.extend(x.into_bigint().to_bytes_be());
}

fn fq2(bytes: &[u8]) -> Option<Fq2> {
    Some(Fq2::new(fq(bytes.get(..32)?)?, fq(bytes.get(32..)?)?))
}

impl Point for Affine<g1::Config> {
    const BYTES: usize = 64;

    fn decode(bytes: &[u8]) -> Result<Self, PointError> {
        if bytes == [0; Self::BYTES] {
            return Ok(Self::identity());
        }
        let part = |range| bytes.get(range).and_then(fq).ok_or(PointError::NotCanonical);
        let point = Self::new_unchecked(part(0..32)?, part(32..64)?);
        // The cofactor is one.
        if point.is_on_curve() { Ok(point) } else { Err(PointError::NotOnCurve) }
    }

    fn put(&self, to: &mut Vec<u8>) {
        match self.xy() {
            Some((x, y)) => [x, y].iter().for_each(|c| put_fq(c, to)),
            None => to.extend([0; Self::BYTES]),
        }
    }

    fn put_hashed(&self, to: &mut Vec<u8>) {
        match self.xy() {
            Some((x, y)) => [x, y].iter().for_each(|c| put_fq_hashed(c, to)),
            None => to.extend([0; Self::BYTES]),
        }
    }
}

impl Point for Affine<g2::Config> {
    const BYTES: usize = 128;

    fn decode(bytes: &[u8]) -> Result<Self, PointError> {
        if bytes == [0; Self::BYTES] {
            return Ok(Self::identity());
        }
        let part = |range| bytes.get(range).and_then(fq2).ok_or(PointError::NotCanonical);
        let point = Self::new_unchecked(part(0..64)?, part(64..128)?);
        if !point.is_on_curve() {
            Err(PointError::NotOnCurve)
        } else if !point.is_in_correct_subgroup_assuming_on_curve() {
            // One by one: in a random combination a component of order 10069 would be missed once in 10069 times.
            Err(PointError::NotInSubgroup)
        } else {
            Ok(point)
        }
    }

    fn put(&self, to: &mut Vec<u8>) {
        match self.xy() {
            Some((x, y)) => [x.c0, x.c1, y.c0, y.c1].iter().for_each(|c| put_fq(c, to)),
            None => to.extend([0; Self::BYTES]),
        }
    }

    fn put_hashed(&self, to: &mut Vec<u8>) {
        match self.xy() {
            Some((x, y)) => [x.c1, x.c0, y.c1, y.c0].iter().for_each(|c| put_fq_hashed(c, to)),
            None => to.extend([0; Self::BYTES]),
        }
    }
}
