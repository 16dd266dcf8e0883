//! Baby Jubjub in circomlib's form, `168700 x^2 + y^2 = 1 + 168696 x^2 y^2`, and its 32-byte points.
//!
//! `168700` is a square and `168696` is not, so the addition law is complete. `ark-ed-on-bn254` holds the same curve with
//! another scale of x, hence a configuration of our own.

use ark_bn254::Fr;
use ark_ec::{
    CurveConfig,
    twisted_edwards::{Affine, MontCurveConfig, Projective, TECurveConfig},
};
use ark_ff::{BigInteger, Field, MontFp, PrimeField, Zero};
use thiserror::Error;

/// The scalar field of the prime-order subgroup.
pub use ark_ed_on_bn254::Fr as Scalar;

/// Baby Jubjub with a = 168700, d = 168696.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BabyJubjub;

/// A point in affine coordinates. Points from outside come through [`unpack`].
pub type Point = Affine<BabyJubjub>;
/// A point in extended coordinates.
pub type ProjectivePoint = Projective<BabyJubjub>;

/// `B8`, the generator of the prime-order subgroup.
pub const B8: Point = <BabyJubjub as TECurveConfig>::GENERATOR;

impl CurveConfig for BabyJubjub {
    type BaseField = Fr;
    type ScalarField = Scalar;
    const COFACTOR: &'static [u64] = &[8];
    const COFACTOR_INV: Scalar = MontFp!("2394026564107420727433200628387514462817212225638746351800188703329891451411");
}

impl TECurveConfig for BabyJubjub {
    const COEFF_A: Fr = MontFp!("168700");
    const COEFF_D: Fr = MontFp!("168696");
    const GENERATOR: Point = Point::new_unchecked(
        MontFp!("5299619240641551281634865583518297030282874472190772894086521144482721001553"),
        MontFp!("16950150798460657717958625567821834550301663161624707787222815936182638968203"),
    );
    type MontCurveConfig = Self;
}

impl MontCurveConfig for BabyJubjub {
    const COEFF_A: Fr = MontFp!("168698");
    const COEFF_B: Fr = MontFp!("1");
    type TECurveConfig = Self;
}

/// Why 32 bytes are not a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PointError {
    /// The y coordinate is not below the field's order.
    #[error("the y coordinate is not below the order of the field")]
    NotCanonical,
    /// No x belongs to this y.
    #[error("no point of the curve has this y coordinate")]
    NotOnCurve,
    /// The sign bit is set although x is 0.
    #[error("the sign bit is set on x = 0")]
    SignOfZero,
}

/// Whether `x > (r - 1) / 2`.
fn is_negative(x: Fr) -> bool {
    x.into_bigint() > Fr::MODULUS_MINUS_ONE_DIV_TWO
}

/// A point as 32 bytes: y little-endian, bit 7 of the last byte set if `x > (r - 1) / 2`.
pub fn pack(point: &Point) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&point.y.into_bigint().to_bytes_le());
    if is_negative(point.x) {
        bytes[31] |= 0x80;
    }
    bytes
}

/// The point that 32 bytes stand for. It lies on the curve, not necessarily in the prime-order subgroup.
///
/// # Errors
/// [`PointError`] if the bytes are not what [`pack`] writes for some point.
pub fn unpack(bytes: &[u8; 32]) -> Result<Point, PointError> {
    let sign = bytes[31] & 0x80 != 0;
    let mut y_bytes = *bytes;
    y_bytes[31] &= 0x7f;
    let y = Fr::from_bigint(integer(&y_bytes)).ok_or(PointError::NotCanonical)?;
    let y2 = y.square();
    // The denominator is never 0: a / d is not a square.
    let denominator = <BabyJubjub as TECurveConfig>::COEFF_A - BabyJubjub::COEFF_D * y2;
    let inverse = denominator.inverse().ok_or(PointError::NotOnCurve)?;
    let x = ((Fr::ONE - y2) * inverse).sqrt().ok_or(PointError::NotOnCurve)?;
    if x.is_zero() && sign {
        return Err(PointError::SignOfZero);
    }
    Ok(Point::new_unchecked(if is_negative(x) == sign { x } else { -x }, y))
}

/// 32 little-endian bytes as an integer.
pub(crate) fn integer(bytes: &[u8; 32]) -> ark_ff::BigInt<4> {
    let mut limbs = [0u64; 4];
    for (i, byte) in bytes.iter().enumerate() {
        limbs[i / 8] |= u64::from(*byte) << (8 * (i % 8));
    }
    ark_ff::BigInt(limbs)
}
