//! Random combinations: one sum, and one comparison of pairings, in the place of many checks of points.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::pairing::Pairing;
use ark_ff::Zero;
use ark_std::rand::RngCore;

use crate::random::system_rng;

/// Numbers of 128 bits from the system's randomness.
///
/// # Errors
/// If the system has no randomness to give.
pub fn coefficients(count: usize) -> Result<Vec<Fr>, getrandom::Error> {
    let mut rng = system_rng()?;
    let mut draw = || u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
    Ok((0..count).map(|_| Fr::from(draw())).collect())
}

/// Whether `a` is to `b` as `c` is to `d`. None is infinity, or everything would be.
pub fn same_ratio(a: G1Affine, b: G1Affine, c: G2Affine, d: G2Affine) -> bool {
    let infinite = a.is_zero() || b.is_zero() || c.is_zero() || d.is_zero();
    !infinite && Bn254::multi_pairing([a, -b], [d, c]).is_zero()
}
