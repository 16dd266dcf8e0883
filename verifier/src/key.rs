//! [`VerifyingKey`]: a checked, prepared Groth16 key for one circuit, and [`VkId`], its identity.
//!
//! A key that decodes is not a key to trust: who chooses the key can prove anything. Trust comes from comparing
//! [`VerifyingKey::id`] with an id that the caller pins, which [`crate::verify()`] does.

use crate::{
    error::{KeyError, KeyPoint, ParseHashError, PointError},
    hash::{hex_text, parse_hex, tagged},
    pairing::{self, FixedPair, FreePair, Lines, miller_loop, slopes},
    points::{self, G1_BYTES, G2_BYTES},
    proof::Proof,
    scalars::FixedBase,
};
use alloc::{string::String, vec::Vec};
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::pairing::PairingOutput;
use ark_ff::{AdditiveGroup, Field};
use core::fmt;

/// First bytes of a key file.
const MAGIC: [u8; 4] = *b"TSVK";
/// Version of the key file's layout.
const FILE_VERSION: u32 = 1;
/// The most public inputs of a circuit.
pub const MAX_INPUTS: usize = 64;

/// The identity of a verifying key: tagged SHA-256 over circuit version, shape name and all points.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VkId([u8; 32]);
hex_text!(VkId);

impl VkId {
    /// Takes the 32 bytes of an id.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl core::str::FromStr for VkId {
    type Err = ParseHashError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text).map(Self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for VkId {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A verifying key whose points were checked, prepared for many verifications.
///
/// Key file, all numbers big-endian:
///
/// | bytes | field |
/// | --- | --- |
/// | 4 | magic `TSVK` |
/// | 4 | file version, 1 |
/// | 4 | circuit version |
/// | 1 | length of the shape name, at least 1 |
/// | | shape name: `a-z`, `0-9`, `-`, `_`, `.` |
/// | 64 | alpha in G1: x, y |
/// | 3 x 128 | beta, gamma, delta in G2: x.c1, x.c0, y.c1, y.c0 |
/// | 4 | number n of IC points, 2 to 65: one more than public inputs |
/// | n x 64 | IC points in G1: x, y |
///
/// From the circuit version on, these are the bytes that the id is a hash of.
#[derive(Clone)]
pub struct VerifyingKey {
    circuit_version: u32,
    shape: String,
    pub(crate) alpha: G1Affine,
    pub(crate) beta: G2Affine,
    pub(crate) gamma: G2Affine,
    pub(crate) delta: G2Affine,
    pub(crate) ic: Vec<G1Affine>,
    id: VkId,
    pub(crate) alpha_beta: PairingOutput<Bn254>,
    neg_gamma: Lines,
    neg_delta: Lines,
    /// Multiples of the IC points but the first.
    multiples: Vec<FixedBase>,
}

impl VerifyingKey {
    /// Reads a key file.
    ///
    /// # Errors
    /// If the bytes are not exactly what [`VerifyingKey::to_bytes`] writes, or the key is one under which proofs can be forged: a
    /// point at infinity, or two of beta, gamma and delta equal up to sign.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = Reader { bytes, at: 0 };
        let magic = reader.take()?;
        if magic != MAGIC {
            return Err(KeyError::Magic { expected: MAGIC, actual: magic });
        }
        let version = u32::from_be_bytes(reader.take()?);
        if version != FILE_VERSION {
            return Err(KeyError::FileVersion { expected: FILE_VERSION, actual: version });
        }
        let circuit_version = u32::from_be_bytes(reader.take()?);
        let [name_length] = reader.take()?;
        let name = reader.slice(usize::from(name_length))?;
        let shape = core::str::from_utf8(name).map_err(|_| KeyError::ShapeName { length: name.len() })?;
        let alpha = reader.g1(KeyPoint::Alpha)?;
        let beta = reader.g2(KeyPoint::Beta)?;
        let gamma = reader.g2(KeyPoint::Gamma)?;
        let delta = reader.g2(KeyPoint::Delta)?;
        let count = usize::try_from(u32::from_be_bytes(reader.take()?)).unwrap_or(usize::MAX);
        check_count(count)?;
        let ic = (0..count).map(|i| reader.g1(KeyPoint::Ic(i))).collect::<Result<Vec<_>, _>>()?;
        if reader.at != bytes.len() {
            return Err(KeyError::TrailingBytes { expected: reader.at, actual: bytes.len() });
        }
        Self::from_checked(circuit_version, shape, alpha, [beta, gamma, delta], ic)
    }

    /// The key file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FILE_VERSION.to_be_bytes());
        out.extend_from_slice(&id_message(self.circuit_version, &self.shape, &self.alpha, &self.g2s(), &self.ic));
        out
    }

    /// Takes the parts of `ark_groth16::VerifyingKey` (`alpha_g1`, `beta_g2`, `gamma_g2`, `delta_g2`, `gamma_abc_g1`), with all checks.
    ///
    /// # Errors
    /// As [`VerifyingKey::from_bytes`].
    #[cfg(feature = "arkworks")]
    pub fn from_ark_parts(
        circuit_version: u32,
        shape: &str,
        alpha: G1Affine,
        beta: G2Affine,
        gamma: G2Affine,
        delta: G2Affine,
        ic: &[G1Affine],
    ) -> Result<Self, KeyError> {
        check_count(ic.len())?;
        let alpha = points::check(alpha).map_err(at(KeyPoint::Alpha))?;
        let g2s = [
            points::check(beta).map_err(at(KeyPoint::Beta))?,
            points::check(gamma).map_err(at(KeyPoint::Gamma))?,
            points::check(delta).map_err(at(KeyPoint::Delta))?,
        ];
        let check = |(i, point): (usize, &G1Affine)| points::check(*point).map_err(at(KeyPoint::Ic(i)));
        let ic = ic.iter().enumerate().map(check).collect::<Result<Vec<_>, _>>()?;
        Self::from_checked(circuit_version, shape, alpha, g2s, ic)
    }

    /// The points in the order of [`VerifyingKey::from_ark_parts`]: alpha, then beta, gamma and delta, then IC.
    #[cfg(feature = "arkworks")]
    pub fn to_ark_parts(&self) -> (G1Affine, [G2Affine; 3], &[G1Affine]) {
        (self.alpha, self.g2s(), &self.ic)
    }

    /// The rules that concern the key as a whole; each point was checked on its own, and so was the number of IC points.
    pub(crate) fn from_checked(
        circuit_version: u32,
        shape: &str,
        alpha: G1Affine,
        [beta, gamma, delta]: [G2Affine; 3],
        ic: Vec<G1Affine>,
    ) -> Result<Self, KeyError> {
        check_shape_name(shape)?;
        // If two of the three are equal up to sign, two terms of the verification equation merge and a forger can make them
        // cancel: C = -IC(x) for gamma = delta, A = alpha + IC(x) for beta = gamma, C = -alpha for beta = delta.
        for (first, p, second, q) in [
            (KeyPoint::Gamma, gamma, KeyPoint::Delta, delta),
            (KeyPoint::Beta, beta, KeyPoint::Gamma, gamma),
            (KeyPoint::Beta, beta, KeyPoint::Delta, delta),
        ] {
            if p == q || p == -q {
                return Err(KeyError::Forgeable { first, second });
            }
        }
        let message = id_message(circuit_version, shape, &alpha, &[beta, gamma, delta], &ic);
        Ok(Self {
            circuit_version,
            shape: String::from(shape),
            alpha,
            beta,
            gamma,
            delta,
            multiples: ic.iter().skip(1).map(|point| FixedBase::new(*point)).collect(),
            ic,
            id: VkId(tagged("Tapstone/vk/v1", &[&message])),
            alpha_beta: pairing::pairing(alpha, beta),
            neg_gamma: Lines::of(-gamma),
            neg_delta: Lines::of(-delta),
        })
    }

    /// The identity of the key.
    pub fn id(&self) -> VkId {
        self.id
    }

    /// The version of the circuit that the key is for.
    pub fn circuit_version(&self) -> u32 {
        self.circuit_version
    }

    /// The name of the shape that the key is for.
    pub fn shape(&self) -> &str {
        &self.shape
    }

    /// How many public inputs its circuit has: 1 for that of a batch, more for those of the parts of open batches.
    pub fn inputs(&self) -> usize {
        self.multiples.len()
    }

    fn g2s(&self) -> [G2Affine; 3] {
        [self.beta, self.gamma, self.delta]
    }

    /// Whether `e(A, B) = e(alpha, beta) e(IC_0 + sum of input_i IC_i, gamma) e(C, delta)`, for as many inputs as the key has.
    pub(crate) fn accepts(&self, inputs: &[Fr], proof: &Proof) -> bool {
        let claimed = self.claimed(Fr::ONE, inputs);
        let fixed = self.fixed_pairs(claimed, proof.c.into());
        pairing::equals(miller_loop(&mut [FreePair::new(proof.a, proof.b)], &fixed), &self.alpha_beta)
    }

    /// `constant IC_0 + sum of input_i IC_i`.
    pub(crate) fn claimed(&self, constant: Fr, inputs: &[Fr]) -> G1Projective {
        debug_assert_eq!(inputs.len(), self.inputs());
        let first = self.ic.first().copied().unwrap_or_default();
        let start = if constant == Fr::ONE { first.into() } else { first * constant };
        let inputs = self.multiples.iter().zip(inputs);
        // Multiples of 0 are left out: registers are often 0.
        inputs.filter(|(_, input)| **input != Fr::ZERO).fold(start, |sum, (point, input)| point.multiply_add(*input, sum))
    }

    /// The pairs (`claimed`, -gamma) and (`c`, -delta).
    pub(crate) fn fixed_pairs(&self, claimed: G1Projective, c: G1Projective) -> [FixedPair<'_>; 2] {
        let [claimed, c] = slopes([claimed, c]);
        [(claimed, &self.neg_gamma), (c, &self.neg_delta)]
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for VerifyingKey {}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("circuit_version", &self.circuit_version)
            .field("shape", &self.shape)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

pub(crate) fn at(point: KeyPoint) -> impl Fn(PointError) -> KeyError {
    move |reason| KeyError::Point { point, reason }
}

/// Refuses a number of IC points that no circuit has.
pub(crate) fn check_count(actual: usize) -> Result<(), KeyError> {
    let (least, most) = (2, MAX_INPUTS + 1);
    if (least..=most).contains(&actual) { Ok(()) } else { Err(KeyError::IcCount { least, most, actual }) }
}

fn check_shape_name(name: &str) -> Result<(), KeyError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    if (1..=255).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(())
    } else {
        Err(KeyError::ShapeName { length: name.len() })
    }
}

/// What the id is a hash of; also the body of the key file. The name was checked to have at most 255 bytes.
fn id_message(version: u32, shape: &str, alpha: &G1Affine, g2s: &[G2Affine; 3], ic: &[G1Affine]) -> Vec<u8> {
    let mut out = Vec::with_capacity(5 + shape.len() + (1 + ic.len()) * G1_BYTES + 3 * G2_BYTES + 4);
    out.extend_from_slice(&version.to_be_bytes());
    out.push(shape.len() as u8);
    out.extend_from_slice(shape.as_bytes());
    points::put_g1_be(&mut out, alpha);
    for p in g2s {
        points::put_g2_be(&mut out, p);
    }
    // At most 65.
    out.extend_from_slice(&(ic.len() as u32).to_be_bytes());
    for p in ic {
        points::put_g1_be(&mut out, p);
    }
    out
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn slice(&mut self, count: usize) -> Result<&'a [u8], KeyError> {
        let truncated = KeyError::Truncated { needed: self.at.saturating_add(count), actual: self.bytes.len() };
        let rest = self.bytes.get(self.at..).and_then(|rest| rest.get(..count)).ok_or(truncated)?;
        self.at += count;
        Ok(rest)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], KeyError> {
        let mut out = [0; N];
        out.copy_from_slice(self.slice(N)?);
        Ok(out)
    }

    fn g1(&mut self, point: KeyPoint) -> Result<G1Affine, KeyError> {
        points::g1_from_be(&self.take::<G1_BYTES>()?).map_err(at(point))
    }

    fn g2(&mut self, point: KeyPoint) -> Result<G2Affine, KeyError> {
        points::g2_from_be(&self.take::<G2_BYTES>()?).map_err(at(point))
    }
}
