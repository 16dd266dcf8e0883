//! Poseidon over BN254's scalar field with circomlib's parameters (PROTOCOL.md, section 2).
//!
//! Constants are derived, not stored: the Grain LFSR of the Poseidon paper (Grassi et al., USENIX Security 2021,
//! appendix E; `generate_parameters_grain.sage`) yields round constants and the Cauchy matrix for each width on first use, in
//! a few milliseconds. The tests compare with `light-poseidon`.

use alloc::{boxed::Box, vec::Vec};
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, Field, PrimeField};
use once_cell::race::OnceBox;

/// Full rounds, half of them before and half after the partial rounds.
pub const FULL_ROUNDS: usize = 8;
/// Partial rounds for widths 2 to 17.
const PARTIAL_ROUNDS: [usize; 16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
/// The most inputs that one hash takes.
pub const MAX_ARITY: usize = 16;

/// Round constants and matrix of one width.
#[derive(Debug)]
pub struct Params {
    /// State width t: inputs plus one.
    pub width: usize,
    /// Number of partial rounds.
    pub partial_rounds: usize,
    /// Round constants, t for each round.
    pub round_constants: Vec<Fr>,
    /// The matrix, row by row: `next[i] = sum_j matrix[i * t + j] * state[j]`.
    pub matrix: Vec<Fr>,
    sparse: Sparse,
}

impl Params {
    /// The parameters for `arity` inputs, `1 <= arity <= 16`; `None` outside that range.
    pub fn get(arity: usize) -> Option<&'static Self> {
        static CACHE: [OnceBox<Params>; MAX_ARITY] = [const { OnceBox::new() }; MAX_ARITY];
        let cell = CACHE.get(arity.checked_sub(1)?)?;
        Some(cell.get_or_init(|| Box::new(Self::derive(arity + 1))))
    }

    fn derive(width: usize) -> Self {
        let partial_rounds = PARTIAL_ROUNDS[width - 2];
        let rounds = FULL_ROUNDS + partial_rounds;
        let mut grain = Grain::new(width, partial_rounds);
        let round_constants: Vec<Fr> = (0..rounds * width).map(|_| grain.element_by_rejection()).collect();
        let xs: Vec<Fr> = (0..width).map(|_| grain.element_reduced()).collect();
        let ys: Vec<Fr> = (0..width).map(|_| grain.element_reduced()).collect();
        let matrix: Vec<Fr> = xs
            .iter()
            .flat_map(|x| ys.iter().map(move |y| *x + y))
            .map(|sum| sum.inverse().expect("the generator yields x_i + y_j != 0 for every width in use"))
            .collect();
        let sparse = Sparse::derive(width, partial_rounds, &round_constants, &matrix)
            .expect("every square part of a Cauchy matrix is invertible");
        Self { width, partial_rounds, round_constants, matrix, sparse }
    }
}

/// `P_n(inputs)` for n = 1 to 16 inputs.
///
/// # Panics
/// If there are no inputs or more than 16: the arity is fixed by the caller's code, never by data.
pub fn hash(inputs: &[Fr]) -> Fr {
    let params = Params::get(inputs.len()).expect("arity is 1 to 16");
    let t = params.width;
    let mut buffer = [Fr::ZERO; MAX_ARITY + 1];
    buffer[1..t].copy_from_slice(inputs);
    let state = &mut buffer[..t];
    let (first, rest) = params.round_constants.split_at(FULL_ROUNDS / 2 * t);
    params.full_rounds(state, first);
    params.sparse.partial_rounds(state);
    params.full_rounds(state, &rest[params.partial_rounds * t..]);
    state[0]
}

impl Params {
    fn full_rounds(&self, state: &mut [Fr], constants: &[Fr]) {
        for constants in constants.chunks_exact(self.width) {
            let mut old = [Fr::ZERO; MAX_ARITY + 1];
            for ((o, s), c) in old.iter_mut().zip(state.iter()).zip(constants) {
                *o = power5(*s + c);
            }
            for (s, row) in state.iter_mut().zip(self.matrix.chunks_exact(self.width)) {
                *s = dot(row, &old);
            }
        }
    }
}

fn power5(x: Fr) -> Fr {
    let x2 = x.square();
    x2.square() * x
}

fn dot(a: &[Fr], b: &[Fr]) -> Fr {
    a.iter().zip(b).map(|(a, b)| *a * b).sum()
}

/// The partial rounds in a form that takes 2 t products a round and not t^2 (Poseidon paper, appendix B).
///
/// Write the matrix as `M = [[m, v], [w, N]]`. It is `diag(1, N)` times a sparse matrix, and `diag(1, N)` passes through the next
/// round's S-box, which sees only the first element. Round k = 1, 2, ... then has `[[m, v N^(k-1)], [N^-k w, 1]]`, and
/// `diag(1, N^rounds)` remains for the end. Constants of the other elements pass through S-boxes to the front in the same way.
#[derive(Debug)]
struct Sparse {
    /// What is added to the state before the first round.
    first: Vec<Fr>,
    /// m.
    corner: Fr,
    rounds: Vec<SparseRound>,
    /// N to the number of rounds, row by row.
    last: Vec<Fr>,
}

#[derive(Debug)]
struct SparseRound {
    /// Added to the first element before the S-box; 0 in the first round.
    before: Fr,
    /// Added to the first element after the S-box; 0 in the last round.
    after: Fr,
    row: Vec<Fr>,
    column: Vec<Fr>,
}

impl Sparse {
    fn derive(t: usize, rounds: usize, round_constants: &[Fr], matrix: &[Fr]) -> Option<Self> {
        let n = t - 1;
        let inner: Vec<Fr> = matrix.chunks_exact(t).skip(1).flat_map(|row| &row[1..]).copied().collect();
        let (inverse, inner_inverse) = (inverted(matrix.to_vec(), t)?, inverted(inner.clone(), n)?);
        let start = FULL_ROUNDS / 2 * t;
        let mut constants: Vec<Vec<Fr>> =
            round_constants[start..start + rounds * t].chunks_exact(t).map(<[Fr]>::to_vec).collect();
        let mut after = alloc::vec![Fr::ZERO; rounds];
        for k in (1..rounds).rev() {
            let moved = multiply(&inverse, &constants[k], t, true);
            after[k - 1] = moved[0];
            for (c, m) in constants[k - 1].iter_mut().zip(&moved).skip(1) {
                *c += m;
            }
        }
        let mut row = matrix[1..t].to_vec();
        let mut column: Vec<Fr> = matrix.chunks_exact(t).skip(1).map(|row| row[0]).collect();
        let mut last = inner.clone();
        let mut out = Vec::with_capacity(rounds);
        for k in 0..rounds {
            column = multiply(&inner_inverse, &column, n, false);
            let before = if k == 0 { Fr::ZERO } else { constants[k][0] };
            out.push(SparseRound { before, after: after[k], row: row.clone(), column: column.clone() });
            row = (0..n).map(|j| row.iter().enumerate().map(|(i, x)| *x * inner[i * n + j]).sum()).collect();
            if k > 0 {
                last = last
                    .chunks_exact(n)
                    .flat_map(|r| (0..n).map(|j| (0..n).map(|i| r[i] * inner[i * n + j]).sum()))
                    .collect();
            }
        }
        Some(Self { first: constants.swap_remove(0), corner: matrix[0], rounds: out, last })
    }

    fn partial_rounds(&self, state: &mut [Fr]) {
        for (s, c) in state.iter_mut().zip(&self.first) {
            *s += c;
        }
        let Some((head, rest)) = state.split_first_mut() else { return };
        for round in &self.rounds {
            let x = power5(*head + round.before) + round.after;
            *head = self.corner * x + dot(&round.row, rest);
            for (s, c) in rest.iter_mut().zip(&round.column) {
                *s += x * c;
            }
        }
        let mut old = [Fr::ZERO; MAX_ARITY];
        old[..rest.len()].copy_from_slice(rest);
        for (s, row) in rest.iter_mut().zip(self.last.chunks_exact(self.first.len() - 1)) {
            *s = dot(row, &old);
        }
    }
}

/// The matrix times a vector, whose first entry counts as 0 where `without_first`.
fn multiply(matrix: &[Fr], vector: &[Fr], n: usize, without_first: bool) -> Vec<Fr> {
    let skip = usize::from(without_first);
    matrix.chunks_exact(n).map(|row| dot(&row[skip..], &vector[skip..])).collect()
}

/// The inverse of an n x n matrix, by elimination without exchanges of rows; `None` where that meets a zero.
fn inverted(mut a: Vec<Fr>, n: usize) -> Option<Vec<Fr>> {
    let mut out: Vec<Fr> = (0..n * n).map(|i| if i / n == i % n { Fr::ONE } else { Fr::ZERO }).collect();
    for k in 0..n {
        let inverse = a[k * n + k].inverse()?;
        for j in 0..n {
            a[k * n + j] *= inverse;
            out[k * n + j] *= inverse;
        }
        for i in (0..n).filter(|i| *i != k) {
            let factor = a[i * n + k];
            for j in 0..n {
                let (x, y) = (a[k * n + j], out[k * n + j]);
                a[i * n + j] -= factor * x;
                out[i * n + j] -= factor * y;
            }
        }
    }
    Some(out)
}

/// The 80-bit Grain LFSR in self-shrinking mode.
struct Grain {
    state: [bool; 80],
    head: usize,
}

impl Grain {
    fn new(width: usize, partial_rounds: usize) -> Self {
        let mut state = [true; 80];
        let mut at = 0;
        // Prime field, x^alpha S-box, field bits, width, full rounds, partial rounds, then ones.
        for (value, bits) in [(1, 2), (0, 4), (254, 12), (width, 12), (FULL_ROUNDS, 10), (partial_rounds, 10)] {
            for i in (0..bits).rev() {
                state[at] = (value >> i) & 1 == 1;
                at += 1;
            }
        }
        let mut grain = Self { state, head: 0 };
        for _ in 0..160 {
            grain.step();
        }
        grain
    }

    fn step(&mut self) -> bool {
        let at = |i: usize| self.state[(self.head + i) % 80];
        let bit = at(62) ^ at(51) ^ at(38) ^ at(23) ^ at(13) ^ at(0);
        self.state[self.head] = bit;
        self.head = (self.head + 1) % 80;
        bit
    }

    fn bit(&mut self) -> bool {
        while !self.step() {
            self.step();
        }
        self.step()
    }

    fn integer(&mut self) -> [u64; 4] {
        let mut limbs = [0u64; 4];
        for i in (0..254).rev() {
            limbs[i / 64] |= u64::from(self.bit()) << (i % 64);
        }
        limbs
    }

    fn element_by_rejection(&mut self) -> Fr {
        loop {
            if let Some(x) = Fr::from_bigint(BigInt(self.integer())) {
                return x;
            }
        }
    }

    /// An element for the matrix: reduced, not rejected, as the reference script does.
    fn element_reduced(&mut self) -> Fr {
        let limbs = self.integer();
        let mut bytes = [0u8; 32];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(limbs) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        Fr::from_le_bytes_mod_order(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use light_poseidon::{Poseidon, PoseidonHasher};

    #[test]
    fn agrees_with_light_poseidon_at_every_width_it_has() {
        for arity in 1..=12 {
            let xs: Vec<Fr> = (0..arity as u64).map(|i| Fr::from(i * i + 7)).collect();
            let mut theirs = Poseidon::<Fr>::new_circom(arity).unwrap();
            assert_eq!(hash(&xs), theirs.hash(&xs).unwrap(), "arity {arity}");
        }
    }

    /// The rounds as the paper states them, with the full matrix.
    #[test]
    fn sparse_rounds_compute_the_rounds_of_the_definition_at_every_width() {
        for arity in 1..=MAX_ARITY {
            let params = Params::get(arity).unwrap();
            let inputs: Vec<Fr> = (0..arity as u64).map(|i| -Fr::from(i * i * i + 2)).collect();
            let mut state: Vec<Fr> = core::iter::once(Fr::ZERO).chain(inputs.iter().copied()).collect();
            let rounds = params.round_constants.chunks_exact(params.width);
            for (round, constants) in rounds.enumerate() {
                for (s, c) in state.iter_mut().zip(constants) {
                    *s += c;
                }
                let partial = (FULL_ROUNDS / 2..FULL_ROUNDS / 2 + params.partial_rounds).contains(&round);
                for s in state.iter_mut().take(if partial { 1 } else { params.width }) {
                    *s = power5(*s);
                }
                state = params.matrix.chunks_exact(params.width).map(|row| dot(row, &state)).collect();
            }
            assert_eq!(hash(&inputs), state[0], "arity {arity}");
        }
    }

    #[test]
    fn arity_outside_the_range_has_no_parameters() {
        assert!(Params::get(0).is_none());
        assert!(Params::get(17).is_none());
        assert!(Params::get(16).is_some());
    }
}
