//! [`Proof`]: a Groth16 proof over BN254, and its canonical encodings.
//!
//! Proof bytes identify nothing: anyone can turn a proof into another proof of the same statement. Identities and commitments
//! are made from statements and key ids.

use crate::{
    error::{PointError, ProofError, ProofPoint},
    points,
};
use ark_bn254::{G1Affine, G2Affine};
use core::fmt;

/// A Groth16 proof: A in G1, B in G2, C in G1, each on its curve, in the subgroup of prime order, and not at infinity.
///
/// A and B at infinity never verify under a valid key; C at infinity comes out of an honest prover once in 2^254 proofs, and is
/// refused so that one rule holds for all points.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    pub(crate) a: G1Affine,
    pub(crate) b: G2Affine,
    pub(crate) c: G1Affine,
}

impl Proof {
    /// Length of the compressed form.
    pub const COMPRESSED_BYTES: usize = 128;
    /// Length of the EVM form.
    pub const EVM_BYTES: usize = 256;

    /// Reads arkworks' compressed form: A (32 bytes), B (64 bytes), C (32 bytes).
    ///
    /// # Errors
    /// If the length is not 128, or a point is not in its one canonical encoding, off its curve, outside the subgroup or at
    /// infinity.
    pub fn from_compressed(bytes: &[u8]) -> Result<Self, ProofError> {
        let wrong_length = ProofError::Length { expected: Self::COMPRESSED_BYTES, actual: bytes.len() };
        let bytes: &[u8; Self::COMPRESSED_BYTES] = bytes.try_into().map_err(|_| wrong_length)?;
        let (a, b, c) = (part(bytes, 0), part(bytes, 32), part(bytes, 96));
        Ok(Self {
            a: points::g1_from_compressed(a).map_err(at(ProofPoint::A))?,
            b: points::g2_from_compressed(b).map_err(at(ProofPoint::B))?,
            c: points::g1_from_compressed(c).map_err(at(ProofPoint::C))?,
        })
    }

    /// arkworks' compressed form.
    pub fn to_compressed(&self) -> [u8; Self::COMPRESSED_BYTES] {
        let mut out = [0; Self::COMPRESSED_BYTES];
        out[..32].copy_from_slice(&points::g1_compressed(&self.a));
        out[32..96].copy_from_slice(&points::g2_compressed(&self.b));
        out[96..].copy_from_slice(&points::g1_compressed(&self.c));
        out
    }

    /// Reads the form that Ethereum's precompiles take: A.x, A.y, B.x.c1, B.x.c0, B.y.c1, B.y.c0, C.x, C.y, each as 32
    /// big-endian bytes.
    ///
    /// # Errors
    /// If the length is not 256, or a coordinate is not below p, or a point is off its curve, outside the subgroup or at
    /// infinity.
    pub fn from_evm_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        let wrong_length = ProofError::Length { expected: Self::EVM_BYTES, actual: bytes.len() };
        let bytes: &[u8; Self::EVM_BYTES] = bytes.try_into().map_err(|_| wrong_length)?;
        Ok(Self {
            a: points::g1_from_be(&part(bytes, 0)).map_err(at(ProofPoint::A))?,
            b: points::g2_from_be(&part(bytes, 64)).map_err(at(ProofPoint::B))?,
            c: points::g1_from_be(&part(bytes, 192)).map_err(at(ProofPoint::C))?,
        })
    }

    /// The form that Ethereum's precompiles take.
    pub fn to_evm_bytes(&self) -> [u8; Self::EVM_BYTES] {
        let Self { a, b, c } = self;
        let mut out = [0; Self::EVM_BYTES];
        let coordinates = [a.x, a.y, b.x.c1, b.x.c0, b.y.c1, b.y.c0, c.x, c.y];
        for (bytes, x) in out.chunks_exact_mut(32).zip(coordinates) {
            points::put_fq_be(bytes, x);
        }
        out
    }

    /// Takes arkworks' points, with all checks.
    ///
    /// # Errors
    /// If a point is off its curve, outside the subgroup or at infinity.
    #[cfg(feature = "arkworks")]
    pub fn from_ark_parts(a: G1Affine, b: G2Affine, c: G1Affine) -> Result<Self, ProofError> {
        Ok(Self {
            a: points::check(a).map_err(at(ProofPoint::A))?,
            b: points::check(b).map_err(at(ProofPoint::B))?,
            c: points::check(c).map_err(at(ProofPoint::C))?,
        })
    }

    /// A, B and C as arkworks' points.
    #[cfg(feature = "arkworks")]
    pub fn to_ark_parts(&self) -> (G1Affine, G2Affine, G1Affine) {
        (self.a, self.b, self.c)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({})", hex::encode(self.to_compressed()))
    }
}

pub(crate) fn at(point: ProofPoint) -> impl Fn(PointError) -> ProofError {
    move |reason| ProofError::Point { point, reason }
}

/// `N` bytes from `offset` on; the offsets in this file are constants that lie within the array.
pub(crate) fn part<const M: usize, const N: usize>(bytes: &[u8; M], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}
