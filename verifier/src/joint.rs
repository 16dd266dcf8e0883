//! Many verification equations as one: each is raised to a coefficient, and they are multiplied.
//!
//! If one of them is false, the product is true for one in 2^128 choices of its coefficient. Whoever calls hashes the coefficients from everything that the equations are
//! made of, so that nobody chooses a proof after them.

use crate::{
    key::{VerifyingKey, VkId},
    pairing::{FreePair, equals, miller_loop},
    proof::Proof,
    scalars::{Coefficient, sum, to_affine},
};
use alloc::vec::Vec;
use ark_bn254::{Fq12, Fr, G1Projective};
use ark_ec::pairing::PairingOutput;
use ark_ff::{AdditiveGroup, One};

/// Pairs whose Miller loops share their squarings.
const LANES: usize = 32;
/// Down to this number, a part in which something is wrong is halved; below, its equations are looked at one by one.
const SINGLY: usize = 4;

/// A list of equations. Indices that are asked for are those of the caller's order.
pub(crate) trait Equations: Sync {
    /// The key of one.
    fn key(&self, index: usize) -> &VerifyingKey;

    /// Its proof.
    fn proof(&self, index: usize) -> &Proof;

    /// Its public inputs, as many as the key has.
    fn inputs(&self, index: usize) -> impl Iterator<Item = Fr>;
}

/// An equation with its coefficient.
#[derive(Clone, Copy)]
struct Weighted {
    index: usize,
    coefficient: Coefficient,
}

/// The indices of the equations that do not hold, in no order; those in `order` alone are looked at. `coefficient` gives 16 bytes or more for an index.
pub(crate) fn refused<E: Equations + ?Sized>(
    equations: &E,
    mut order: Vec<usize>,
    coefficient: impl Fn(usize) -> [u8; 32],
) -> Vec<usize> {
    // Those under one key share its part of the work.
    order.sort_by_key(|index| equations.key(*index).id());
    let weigh = |index: usize| {
        let hash = coefficient(index);
        Weighted { index, coefficient: Coefficient::from_bytes(core::array::from_fn(|i| hash[i])) }
    };
    let weighted: Vec<Weighted> = order.into_iter().map(weigh).collect();
    let mut refused = Vec::new();
    if !holds(equations, &weighted) {
        find(equations, &weighted, &mut refused);
    }
    refused
}

/// What a run of equations under one key adds to the product.
struct Part {
    /// Product of the Miller loops of (r A, B).
    miller: Fq12,
    /// Sum of r C.
    c: G1Projective,
    /// Sum of r.
    weight: Fr,
    /// Sums of r times each public input.
    inputs: Vec<Fr>,
}

impl Part {
    fn of<E: Equations + ?Sized>(equations: &E, run: &[Weighted]) -> Self {
        let c = sum(run.iter().map(|w| (w.coefficient, &equations.proof(w.index).c)));
        let mut part = Self { c, ..Self::none() };
        let mut pairs = Vec::with_capacity(LANES);
        for lanes in run.chunks(LANES) {
            let mut scaled = [G1Projective::ZERO; LANES];
            for (point, w) in scaled.iter_mut().zip(lanes) {
                *point = w.coefficient.multiply(&equations.proof(w.index).a);
                let r = w.coefficient.fr();
                part.weight += r;
                for (at, input) in equations.inputs(w.index).enumerate() {
                    let term = r * input;
                    match part.inputs.get_mut(at) {
                        Some(sum) => *sum += term,
                        None => part.inputs.push(term),
                    }
                }
            }
            // A coefficient is not zero, and neither is A.
            let scaled = to_affine(&scaled);
            pairs.clear();
            pairs.extend(lanes.iter().zip(scaled).map(|(w, a)| FreePair::new(a, equations.proof(w.index).b)));
            part.miller *= miller_loop(&mut pairs, &[]);
        }
        part
    }

    fn none() -> Self {
        Self { miller: Fq12::one(), c: G1Projective::ZERO, weight: Fr::ZERO, inputs: Vec::new() }
    }

    #[cfg(feature = "parallel")]
    fn and(self, other: Self) -> Self {
        // One of them may be of no equation, and have no inputs.
        let (mut inputs, more) =
            if self.inputs.len() < other.inputs.len() { (other.inputs, self.inputs) } else { (self.inputs, other.inputs) };
        inputs.iter_mut().zip(more).for_each(|(sum, term)| *sum += term);
        Self { miller: self.miller * other.miller, c: self.c + other.c, weight: self.weight + other.weight, inputs }
    }
}

#[cfg(not(feature = "parallel"))]
fn part<E: Equations + ?Sized>(equations: &E, run: &[Weighted]) -> Part {
    Part::of(equations, run)
}

#[cfg(feature = "parallel")]
fn part<E: Equations + ?Sized>(equations: &E, run: &[Weighted]) -> Part {
    use rayon::prelude::*;
    // Parts of whole lanes, four for each thread where there are enough.
    let size = run.len().div_ceil(4 * rayon::current_num_threads()).next_multiple_of(LANES);
    if run.len() <= size {
        return Part::of(equations, run);
    }
    run.par_chunks(size).map(|run| Part::of(equations, run)).reduce(Part::none, Part::and)
}

/// Whether the weighted product of the equations holds.
fn holds<E: Equations + ?Sized>(equations: &E, weighted: &[Weighted]) -> bool {
    let mut miller = Fq12::one();
    let mut expected = PairingOutput::ZERO;
    let id = |w: &Weighted| -> VkId { equations.key(w.index).id() };
    for run in weighted.chunk_by(|a, b| id(a) == id(b)) {
        let Some(first) = run.first() else { continue };
        let (key, part) = (equations.key(first.index), part(equations, run));
        miller *= part.miller * miller_loop(&mut [], &key.fixed_pairs(key.claimed(part.weight, &part.inputs), part.c));
        expected += key.alpha_beta * part.weight;
    }
    equals(miller, &expected)
}

/// Finds the bad ones among equations whose product does not hold.
fn find<E: Equations + ?Sized>(equations: &E, weighted: &[Weighted], refused: &mut Vec<usize>) {
    if weighted.len() <= SINGLY {
        for Weighted { index, .. } in weighted {
            let inputs: Vec<Fr> = equations.inputs(*index).collect();
            if !equations.key(*index).accepts(&inputs, equations.proof(*index)) {
                refused.push(*index);
            }
        }
        return;
    }
    let (left, right) = weighted.split_at(weighted.len() / 2);
    let left_holds = holds(equations, left);
    if !left_holds {
        find(equations, left, refused);
    }
    // Where the left half holds, the right one cannot.
    if left_holds || !holds(equations, right) {
        find(equations, right, refused);
    }
}
