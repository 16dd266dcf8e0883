//! Randomness from the operating system.

use ark_std::rand::{SeedableRng, rngs::StdRng};

/// A generator seeded by the operating system.
///
/// # Errors
/// If the system has no randomness to give.
pub(crate) fn system_rng() -> Result<StdRng, getrandom::Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    Ok(StdRng::from_seed(seed))
}
