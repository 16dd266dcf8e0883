//! gnark's encodings of a Groth16 proof over BN254.
//!
//! `Proof.WriteTo` writes Ar, Bs, Krs compressed, `WriteRawTo` writes them in full; both then write the number of Pedersen
//! commitments (4 bytes) and the proof of knowledge for them (a point, infinity where there are none). A proof with commitments
//! answers another equation than the one that this crate checks, and is refused. Coordinates are big-endian, of an element of Fp2
//! the coefficient of u first; the two top bits of a compressed point are 10 for the smaller y, 11 for the larger, 01 for infinity.
//! Where only the three points are kept (as Solidity and SP1 do), the full form has 256 bytes, and is that of
//! [`Proof::to_evm_bytes`].

use crate::{
    error::{PointError, ProofError, ProofPoint},
    points::{fq_be, fq2_be, from_x},
    proof::{Proof, at, part},
};
use ark_bn254::{G1Affine, G2Affine};
use ark_ff::{BigInteger, PrimeField};

const MASK: u8 = 0b11 << 6;
const SMALLER: u8 = 0b10 << 6;
const LARGER: u8 = 0b11 << 6;
const INFINITY: u8 = 0b01 << 6;

impl Proof {
    /// Length of what gnark's `WriteTo` writes for a proof without commitments.
    pub const GNARK_BYTES: usize = 128 + 4 + 32;
    /// Length of what gnark's `WriteRawTo` writes for a proof without commitments.
    pub const GNARK_RAW_BYTES: usize = 256 + 4 + 64;

    /// Reads what gnark writes: 164 bytes (`WriteTo`) or 324 bytes (`WriteRawTo`), or the first 128 or 256 bytes of them, which are
    /// the three points.
    ///
    /// # Errors
    /// For another length, a proof with commitments, or a point that is not in its one canonical encoding, off its curve, outside the
    /// subgroup or at infinity.
    pub fn from_gnark_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        let (points, tail) = match bytes.len() {
            128 | Self::GNARK_BYTES => bytes.split_at(128),
            256 | Self::GNARK_RAW_BYTES => bytes.split_at(256),
            actual => return Err(ProofError::Length { expected: Self::GNARK_BYTES, actual }),
        };
        let proof = if let Ok(points) = <&[u8; 128]>::try_from(points) {
            Self {
                a: g1(part(points, 0)).map_err(at(ProofPoint::A))?,
                b: g2(part(points, 32)).map_err(at(ProofPoint::B))?,
                c: g1(part(points, 96)).map_err(at(ProofPoint::C))?,
            }
        } else {
            Self::from_evm_bytes(points)?
        };
        if let Some((count, knowledge)) = tail.split_first_chunk() {
            let infinity = if knowledge.len() == 32 { INFINITY } else { 0 };
            let none =
                knowledge.split_first().is_some_and(|(first, rest)| *first == infinity && rest.iter().all(|b| *b == 0));
            if u32::from_be_bytes(*count) != 0 || !none {
                return Err(ProofError::Commitments { count: u32::from_be_bytes(*count) });
            }
        }
        Ok(proof)
    }

    /// What gnark's `WriteTo` writes. The three points alone are the first 128 bytes.
    pub fn to_gnark_bytes(&self) -> [u8; Self::GNARK_BYTES] {
        let mut out = [0; Self::GNARK_BYTES];
        out[..32].copy_from_slice(&g1_compressed(&self.a));
        out[32..96].copy_from_slice(&g2_compressed(&self.b));
        out[96..128].copy_from_slice(&g1_compressed(&self.c));
        out[132] = INFINITY;
        out
    }

    /// What gnark's `WriteRawTo` writes. The three points alone are the first 256 bytes.
    pub fn to_gnark_raw_bytes(&self) -> [u8; Self::GNARK_RAW_BYTES] {
        let mut out = [0; Self::GNARK_RAW_BYTES];
        out[..256].copy_from_slice(&self.to_evm_bytes());
        out
    }
}

/// Takes the flags out of a compressed point: whether y is the larger root.
fn take_flags<const N: usize>(bytes: &mut [u8; N]) -> Result<bool, PointError> {
    let flags = bytes[0] & MASK;
    bytes[0] ^= flags;
    match flags {
        SMALLER => Ok(false),
        LARGER => Ok(true),
        INFINITY if *bytes == [0; N] => Err(PointError::Infinity),
        _ => Err(PointError::NotCanonical),
    }
}

fn g1(mut bytes: [u8; 32]) -> Result<G1Affine, PointError> {
    let larger = take_flags(&mut bytes)?;
    from_x(fq_be(&bytes)?, larger)
}

fn g2(mut bytes: [u8; 64]) -> Result<G2Affine, PointError> {
    let larger = take_flags(&mut bytes)?;
    from_x(fq2_be(&bytes)?, larger)
}

fn g1_compressed(p: &G1Affine) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(&p.x.into_bigint().to_bytes_be());
    out[0] |= if p.y > -p.y { LARGER } else { SMALLER };
    out
}

fn g2_compressed(p: &G2Affine) -> [u8; 64] {
    let mut out = [0; 64];
    out[..32].copy_from_slice(&p.x.c1.into_bigint().to_bytes_be());
    out[32..].copy_from_slice(&p.x.c0.into_bigint().to_bytes_be());
    out[0] |= if p.y > -p.y { LARGER } else { SMALLER };
    out
}
