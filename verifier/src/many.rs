//! [`verify_many()`]: many proofs for less than half of what they cost one by one.
//!
//! The equations of all proofs are raised to coefficients and multiplied. If one of them is false, the product is true for one in
//! 2^128 choices of its coefficient. Coefficients are hashed from the whole input, so that nobody chooses a proof after them, and
//! no source of randomness is needed:
//!
//! ```text
//! seed = tagged("Tapstone/verify-many/v1", BE(number of claims, 8) || claims),   claim = VkId || statement (224) || proof (256, EVM form)
//! tagged("Tapstone/verify-many/coefficient/v1", seed || BE(i, 8)) = BE(high, 8) || BE(low, 8) || ...
//! coefficient i = low + high lambda,   lambda the eigenvalue of the endomorphism (x, y) -> (beta x, y) in `ark-bn254`
//! ```

use crate::{
    error::VerifyError,
    hash::{tagged, tagged_stream},
    joint::{self, Equations},
    key::{VerifyingKey, VkId},
    proof::Proof,
    statement::Statement,
    verify::{Verified, check, invalid},
};
use alloc::vec::Vec;
use ark_bn254::Fr;
use core::fmt;

/// One statement with its proof, and the key under which the caller expects it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The key.
    pub key: &'a VerifyingKey,
    /// The id that the caller pins.
    pub expected: VkId,
    /// The statement.
    pub statement: &'a Statement,
    /// The proof.
    pub proof: &'a Proof,
}

/// Why claims are not all valid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyManyError {
    /// Some claims were refused. Nothing is said of the others.
    Refused {
        /// Index and error of the first claim that was refused.
        first: (usize, VerifyError),
        /// Index and error of each claim that was refused, the first included, in order.
        refused: Vec<(usize, VerifyError)>,
        /// How many claims there were.
        claims: usize,
    },
    /// There were no claims. A caller whose list is empty by mistake must not take that for a verdict.
    NoClaims,
}

impl VerifyManyError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::Refused { .. } => 403,
            Self::NoClaims => 404,
        }
    }

    /// Index and error of each claim that was refused, in order.
    pub fn refused(&self) -> &[(usize, VerifyError)] {
        match self {
            Self::Refused { refused, .. } => refused,
            Self::NoClaims => &[],
        }
    }
}

impl fmt::Display for VerifyManyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { first: (index, error), refused, claims } => {
                write!(f, "{} of {claims} claims refused, the first at index {index}: {error}", refused.len())
            }
            Self::NoClaims => f.write_str("there are no claims, so nothing was verified"),
        }
    }
}

impl core::error::Error for VerifyManyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Refused { first, .. } => Some(&first.1),
            Self::NoClaims => None,
        }
    }
}

/// Verifies each claim as [`verify()`](crate::verify()) does, all together; the verdicts come in the order of the claims.
///
/// Claims may be under several keys: those under one key share its part of the work. Besides the verdicts, at most 100 bytes are
/// allocated for each claim, and 100 kB for each thread. With the feature `parallel`, the work is shared out over rayon's threads.
///
/// # Errors
/// [`VerifyManyError::NoClaims`] for an empty list; [`VerifyManyError::Refused`] with the index and error of every claim that
/// [`verify()`](crate::verify()) refuses. To find them takes up to about three times as long as to verify each alone, where most are bad; where few
/// of many are, much less.
pub fn verify_many(claims: &[Claim<'_>]) -> Result<Vec<Verified>, VerifyManyError> {
    if claims.is_empty() {
        return Err(VerifyManyError::NoClaims);
    }
    let mut refused = Vec::new();
    let mut order = Vec::with_capacity(claims.len());
    for (index, claim) in claims.iter().enumerate() {
        match check(claim.key, claim.expected, claim.statement) {
            Ok(_) => order.push(index),
            Err(error) => refused.push((index, error)),
        }
    }
    let seed = seed(claims);
    let bad = joint::refused(claims, order, |index| {
        tagged("Tapstone/verify-many/coefficient/v1", &[&seed, &(index as u64).to_be_bytes()])
    });
    refused.extend(bad.into_iter().filter_map(|index| {
        let claim = claims.get(index)?;
        Some((index, invalid(claim.expected, claim.statement)))
    }));
    refused.sort_by_key(|(index, _)| *index);
    match refused.first() {
        None => Ok(claims.iter().map(|claim| Verified::new(*claim.statement, claim.expected)).collect()),
        Some(first) => Err(VerifyManyError::Refused { first: *first, refused, claims: claims.len() }),
    }
}

/// What all coefficients are hashed from.
fn seed(claims: &[Claim<'_>]) -> [u8; 32] {
    let mut hasher = tagged_stream("Tapstone/verify-many/v1");
    hasher.update(&(claims.len() as u64).to_be_bytes());
    for claim in claims {
        hasher.update(&claim.key.id().to_bytes());
        hasher.update(&claim.statement.to_bytes());
        hasher.update(&claim.proof.to_evm_bytes());
    }
    hasher.finish()
}

impl Equations for [Claim<'_>] {
    fn key(&self, index: usize) -> &VerifyingKey {
        self[index].key
    }

    fn proof(&self, index: usize) -> &Proof {
        self[index].proof
    }

    fn inputs(&self, index: usize) -> impl Iterator<Item = Fr> {
        core::iter::once(self[index].statement.public_input().fr())
    }
}
