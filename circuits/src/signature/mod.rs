//! Keys and signatures: EdDSA on Baby Jubjub as circomlib has it (PROTOCOL.md, section 3).
//!
//! [`PublicKey`] is a point of the prime-order subgroup other than the identity, by construction. A [`Signature`] is only
//! text until [`PublicKey::verify`] accepts it: its `s` may be any 256-bit integer, and its `r8` any point.

pub mod constraints;

pub mod curve;

use std::fmt;

use ark_bn254::Fr;
use ark_ec::{AffineRepr, CurveConfig, CurveGroup, PrimeGroup, twisted_edwards::TECurveConfig};
use ark_ff::{BigInt, BigInteger, PrimeField};
use blake_hash::{Blake512, Digest};
use tapstone_verifier::poseidon;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use curve::{BabyJubjub, Point, PointError, ProjectivePoint, Scalar, integer, pack, unpack};

/// `S` is below this, which is itself below the order of the subgroup.
pub const S_MAX: BigInt<4> = ark_ff::BigInt!("2736030358979909402706279862145360026525717829762801776900516894066134220800");
/// The challenge is at least this.
pub const LOW: BigInt<4> = ark_ff::BigInt!("847625732332294122831823999186116086480501729230314492837");
/// The challenge is below this.
pub const HIGH: BigInt<4> = ark_ff::BigInt!("21888242871839275221713226912571839239558092959387571999671842451201383945125");

/// Why a point is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not a point.
    #[error(transparent)]
    Point(#[from] PointError),
    /// The coordinates do not satisfy the curve's equation.
    #[error("the key is not on the curve")]
    NotOnCurve,
    /// The point is on the curve but not in the prime-order subgroup.
    #[error("the key is not in the prime-order subgroup")]
    NotInSubgroup,
    /// The identity, for which anybody could sign.
    #[error("the key is the identity")]
    Identity,
}

/// Why a signature is refused, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// `R8` is not on the curve.
    #[error("R8 of the signature is not on the curve")]
    NotOnCurve,
    /// `S` is not below `S_MAX`.
    #[error("S of the signature is {had}, needed below {S_MAX}")]
    SRange {
        /// The number that was refused.
        had: BigInt<4>,
    },
    /// The challenge is not in `LOW .. HIGH`.
    #[error("the challenge is {had}, needed at least {LOW} and below {HIGH}")]
    ChallengeRange {
        /// The challenge.
        had: BigInt<4>,
    },
    /// The equation `S B8 = R8 + 8 h A` does not hold.
    #[error("the signature does not belong to this key and message")]
    Equation,
}

/// `h = P_5(R8.x, R8.y, A.x, A.y, message)`.
pub fn challenge(r8: &Point, a: &Point, message: Fr) -> Fr {
    poseidon::hash(&[r8.x, r8.y, a.x, a.y, message])
}

/// A key that may enter the state: a point of the prime-order subgroup, not the identity.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(Point);

impl PublicKey {
    /// The point.
    pub const fn point(&self) -> Point {
        self.0
    }

    /// The x coordinate; never 0.
    pub const fn x(&self) -> Fr {
        self.0.x
    }

    /// The y coordinate.
    pub const fn y(&self) -> Fr {
        self.0.y
    }

    /// The 32 bytes of the point.
    pub fn to_bytes(&self) -> [u8; 32] {
        pack(&self.0)
    }

    /// Reads 32 bytes.
    ///
    /// # Errors
    /// [`KeyError`] if they are not a valid key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        unpack(bytes)?.try_into()
    }

    /// Accepts a signature of `message` by this key.
    ///
    /// # Errors
    /// [`SignatureError`] names what is wrong.
    pub fn verify(&self, message: Fr, signature: &Signature) -> Result<(), SignatureError> {
        let Signature { r8, s } = signature;
        if !r8.is_on_curve() {
            return Err(SignatureError::NotOnCurve);
        }
        if *s >= S_MAX {
            return Err(SignatureError::SRange { had: *s });
        }
        let h = checked_challenge(r8, &self.0, message)?;
        // Doubling A three times first keeps the cofactor in the group, whatever the scalar field.
        let eight_a = self.0.mul_by_cofactor_to_group();
        let left = BabyJubjub::mul_projective(&ProjectivePoint::generator(), s.as_ref());
        let right = BabyJubjub::mul_projective(&eight_a, h.as_ref()) + r8;
        if left == right { Ok(()) } else { Err(SignatureError::Equation) }
    }
}

fn checked_challenge(r8: &Point, a: &Point, message: Fr) -> Result<BigInt<4>, SignatureError> {
    let h = challenge(r8, a, message).into_bigint();
    if LOW <= h && h < HIGH { Ok(h) } else { Err(SignatureError::ChallengeRange { had: h }) }
}

impl TryFrom<Point> for PublicKey {
    type Error = KeyError;
    fn try_from(point: Point) -> Result<Self, KeyError> {
        if !point.is_on_curve() {
            return Err(KeyError::NotOnCurve);
        }
        if point.is_zero() {
            return Err(KeyError::Identity);
        }
        if !point.is_in_correct_subgroup_assuming_on_curve() {
            return Err(KeyError::NotInSubgroup);
        }
        Ok(Self(point))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.to_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// The 32 secret bytes; they are overwritten when dropped and never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Takes 32 bytes; any will do.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// `s`, little-endian and pruned, and the second half of the hash.
    fn expand(&self) -> Zeroizing<[u8; 64]> {
        let mut digest = Blake512::digest(&self.0);
        let mut k = Zeroizing::new([0u8; 64]);
        k.copy_from_slice(&digest);
        digest.as_mut_slice().zeroize();
        k[0] &= 0xf8;
        k[31] &= 0x7f;
        k[31] |= 0x40;
        k
    }

    /// `A = (s >> 3) B8`.
    pub fn public_key(&self) -> PublicKey {
        let k = self.expand();
        let mut s = Scalar::from_le_bytes_mod_order(&k[..32]);
        // 8 is invertible modulo l and s is a multiple of 8, so this is s >> 3 modulo l.
        s *= BabyJubjub::COFACTOR_INV;
        let a = ProjectivePoint::generator() * s;
        s.zeroize();
        PublicKey(a.into_affine())
    }

    /// Signs an element.
    ///
    /// # Errors
    /// [`SignatureError::SRange`] or [`SignatureError::ChallengeRange`] with a chance below `2^-60`: sign another message,
    /// with another fee or expiry.
    pub fn sign(&self, message: Fr) -> Result<Signature, SignatureError> {
        self.sign_as(message, |r8| r8)
    }

    /// As [`SecretKey::sign`], with another point in the challenge and the signature: what the owner of a key may try.
    pub(crate) fn sign_as(&self, message: Fr, shown: impl FnOnce(Point) -> Point) -> Result<Signature, SignatureError> {
        let k = self.expand();
        let mut hasher = Blake512::new();
        hasher.update(&k[32..]);
        hasher.update(message.into_bigint().to_bytes_le());
        let mut rho = Scalar::from_le_bytes_mod_order(&hasher.finalize());
        let mut s = Scalar::from_le_bytes_mod_order(&k[..32]);
        let r8 = shown((ProjectivePoint::generator() * rho).into_affine());
        let h = checked_challenge(&r8, &self.public_key().point(), message)?;
        let h = Scalar::from_le_bytes_mod_order(&h.to_bytes_le());
        let response = (rho + h * s).into_bigint();
        rho.zeroize();
        s.zeroize();
        if response >= S_MAX {
            return Err(SignatureError::SRange { had: response });
        }
        Ok(Signature { r8, s: response })
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// A signature: `R8` and `S`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The point `R8`.
    pub r8: Point,
    /// The integer `S`.
    pub s: BigInt<4>,
}

impl Signature {
    /// A stand-in that no key accepts, for a transaction that is yet to be signed.
    pub fn unsigned() -> Self {
        Self { r8: Point::zero(), s: BigInt::zero() }
    }

    /// `R8` as a point, then `S` as 32 bytes little-endian.
    pub fn to_bytes(&self) -> [u8; 64] {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&pack(&self.r8));
        bytes[32..].copy_from_slice(&self.s.to_bytes_le());
        bytes
    }

    /// Reads 64 bytes. The range of `S` is left to [`PublicKey::verify`].
    ///
    /// # Errors
    /// [`PointError`] if the first half is not a point.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, PointError> {
        let (mut r8, mut s) = ([0; 32], [0; 32]);
        r8.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..]);
        Ok(Self { r8: unpack(&r8)?, s: integer(&s) })
    }
}

#[cfg(test)]
mod gadget_tests;
#[cfg(test)]
mod tests;
