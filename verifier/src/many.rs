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
    key::{VerifyingKey, VkId},
    pairing::{FreePair, equals, miller_loop},
    proof::Proof,
    scalars::{Coefficient, sum, to_affine},
    statement::Statement,
    verify::{Verified, check, invalid},
};
use alloc::vec::Vec;
use ark_bn254::{Fq12, Fr, G1Projective};
use ark_ec::pairing::PairingOutput;
use ark_ff::{AdditiveGroup, One};
use core::fmt;

/// Pairs whose Miller loops share their squarings.
const LANES: usize = 32;
/// Down to this number, a part in which something is wrong is halved; below, its claims are looked at one by one.
const SINGLY: usize = 4;

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
    order.sort_by_key(|i| claims.get(*i).map(|claim| claim.expected));
    let weighted = weights(claims, &order);
    if !holds(&weighted) {
        find(&weighted, &mut refused);
    }
    refused.sort_by_key(|(index, _)| *index);
    match refused.first() {
        None => Ok(claims.iter().map(|claim| Verified::new(*claim.statement, claim.expected)).collect()),
        Some(first) => Err(VerifyManyError::Refused { first: *first, refused, claims: claims.len() }),
    }
}

/// A claim that passed all checks but the equation.
#[derive(Clone, Copy)]
struct Weighted<'a> {
    index: usize,
    claim: &'a Claim<'a>,
    coefficient: Coefficient,
}

/// The claims in the given order, with their coefficients.
fn weights<'a>(claims: &'a [Claim<'a>], order: &[usize]) -> Vec<Weighted<'a>> {
    let mut hasher = tagged_stream("Tapstone/verify-many/v1");
    hasher.update(&(claims.len() as u64).to_be_bytes());
    for claim in claims {
        hasher.update(&claim.key.id().to_bytes());
        hasher.update(&claim.statement.to_bytes());
        hasher.update(&claim.proof.to_evm_bytes());
    }
    let seed = hasher.finish();
    let weighted = |index: &usize| {
        let hash = tagged("Tapstone/verify-many/coefficient/v1", &[&seed, &(*index as u64).to_be_bytes()]);
        let coefficient = Coefficient::from_bytes(core::array::from_fn(|i| hash[i]));
        claims.get(*index).map(|claim| Weighted { index: *index, claim, coefficient })
    };
    order.iter().filter_map(weighted).collect()
}

/// What a run of claims under one key adds to the equation.
struct Part {
    /// Product of the Miller loops of (r A, B).
    miller: Fq12,
    /// Sum of r C.
    c: G1Projective,
    /// Sum of r.
    weight: Fr,
    /// Sum of r times the public input.
    input: Fr,
}

impl Part {
    fn of(run: &[Weighted<'_>]) -> Self {
        let mut part = Self { c: sum(run.iter().map(|w| (w.coefficient, &w.claim.proof.c))), ..Self::none() };
        let mut pairs = Vec::with_capacity(LANES);
        for lanes in run.chunks(LANES) {
            let mut scaled = [G1Projective::ZERO; LANES];
            for (point, w) in scaled.iter_mut().zip(lanes) {
                *point = w.coefficient.multiply(&w.claim.proof.a);
                let r = w.coefficient.fr();
                part.weight += r;
                part.input += r * w.claim.statement.public_input().fr();
            }
            // A coefficient is not zero, and neither is A.
            let scaled = to_affine(&scaled);
            pairs.clear();
            pairs.extend(lanes.iter().zip(scaled).map(|(w, a)| FreePair::new(a, w.claim.proof.b)));
            part.miller *= miller_loop(&mut pairs, &[]);
        }
        part
    }

    fn none() -> Self {
        Self { miller: Fq12::one(), c: G1Projective::ZERO, weight: Fr::ZERO, input: Fr::ZERO }
    }

    #[cfg(feature = "parallel")]
    fn and(self, other: Self) -> Self {
        Self {
            miller: self.miller * other.miller,
            c: self.c + other.c,
            weight: self.weight + other.weight,
            input: self.input + other.input,
        }
    }
}

#[cfg(not(feature = "parallel"))]
fn part(run: &[Weighted<'_>]) -> Part {
    Part::of(run)
}

#[cfg(feature = "parallel")]
fn part(run: &[Weighted<'_>]) -> Part {
    use rayon::prelude::*;
    // Parts of whole lanes, four for each thread where there are enough.
    let size = run.len().div_ceil(4 * rayon::current_num_threads()).next_multiple_of(LANES);
    if run.len() <= size { Part::of(run) } else { run.par_chunks(size).map(Part::of).reduce(Part::none, Part::and) }
}

/// Whether the weighted product of the equations holds.
fn holds(weighted: &[Weighted<'_>]) -> bool {
    let mut miller = Fq12::one();
    let mut expected = PairingOutput::ZERO;
    for run in weighted.chunk_by(|a, b| a.claim.expected == b.claim.expected) {
        let Some(first) = run.first() else { continue };
        let (key, part) = (first.claim.key, part(run));
        miller *= part.miller * miller_loop(&mut [], &key.fixed_pairs(key.claimed(part.weight, part.input), part.c));
        expected += key.alpha_beta * part.weight;
    }
    equals(miller, &expected)
}

/// Finds the bad ones among claims whose product does not hold.
fn find(weighted: &[Weighted<'_>], refused: &mut Vec<(usize, VerifyError)>) {
    if weighted.len() <= SINGLY {
        for Weighted { index, claim, .. } in weighted {
            if !claim.key.accepts(claim.statement.public_input().fr(), claim.proof) {
                refused.push((*index, invalid(claim.expected, claim.statement)));
            }
        }
        return;
    }
    let (left, right) = weighted.split_at(weighted.len() / 2);
    let left_holds = holds(left);
    if !left_holds {
        find(left, refused);
    }
    // Where the left half holds, the right one cannot.
    if left_holds || !holds(right) {
        find(right, refused);
    }
}
