//! Randomness from the operating system.

use ark_bn254::Fr;
use ark_std::rand::{RngCore, SeedableRng, rngs::StdRng};

/// A generator seeded by the operating system.
///
/// # Errors
/// If the system has no randomness to give.
pub(crate) fn system_rng() -> Result<StdRng, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(StdRng::from_seed(seed))
}

/// Numbers of 128 bits from the system's randomness, for random combinations.
pub(crate) fn coefficients(count: usize) -> Result<Vec<Fr>, getrandom::Error> {
    let mut rng = system_rng()?;
    let mut draw = || u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64());
    Ok((0..count).map(|_| Fr::from(draw())).collect())
}
