//! The coordinates of a key in 32 bytes (PROTOCOL.md, section 3).

use crate::error::ExitProofError;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};

/// Baby Jubjub: `A x^2 + y^2 = 1 + D x^2 y^2`.
const A: u64 = 168_700;
const D: u64 = 168_696;

/// The point `(x, y)` of the curve, `x != 0`, that the bytes stand for: y little-endian, the sign of x in the highest bit.
///
/// That the point lies in the prime-order subgroup is not looked at: no other key ever enters a state.
pub(super) fn coordinates(key: &[u8; 32]) -> Result<(Fr, Fr), ExitProofError> {
    let refused = ExitProofError::Key { bytes: *key };
    let sign = key[31] & 0x80 != 0;
    let mut limbs = [0u64; 4];
    for (i, byte) in key.iter().enumerate() {
        let byte = if i == 31 { byte & 0x7f } else { *byte };
        limbs[i / 8] |= u64::from(byte) << (8 * (i % 8));
    }
    let y = Fr::from_bigint(BigInt(limbs)).ok_or(refused)?;
    let y2 = y.square();
    let inverse = (Fr::from(A) - Fr::from(D) * y2).inverse().ok_or(refused)?;
    let x = ((Fr::ONE - y2) * inverse).sqrt().ok_or(refused)?;
    if x == Fr::ZERO {
        return Err(refused);
    }
    let negative = x.into_bigint() > Fr::MODULUS_MINUS_ONE_DIV_TWO;
    Ok((if negative == sign { x } else { -x }, y))
}
