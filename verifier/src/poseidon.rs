//! Poseidon over BN254's scalar field with circomlib's parameters (PROTOCOL.md, section 2).
//!
//! Constants are derived, not stored: the Grain LFSR of the Poseidon paper (Grassi et al., USENIX Security 2021,
//! appendix E; `generate_parameters_grain.sage`) yields round constants and the Cauchy matrix for each width on first use, in
//! a few milliseconds. The tests compare with `light-poseidon`.

use alloc::{boxed::Box, vec::Vec};
use ark_bn254::Fr;
use ark_ff::{BigInt, Field, PrimeField, Zero};
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
        let round_constants = (0..rounds * width).map(|_| grain.element_by_rejection()).collect();
        let xs: Vec<Fr> = (0..width).map(|_| grain.element_reduced()).collect();
        let ys: Vec<Fr> = (0..width).map(|_| grain.element_reduced()).collect();
        let matrix = xs
            .iter()
            .flat_map(|x| ys.iter().map(move |y| *x + y))
            .map(|sum| sum.inverse().expect("the generator yields x_i + y_j != 0 for every width in use"))
            .collect();
        Self { width, partial_rounds, round_constants, matrix }
    }
}

/// `P_n(inputs)` for n = 1 to 16 inputs.
///
/// # Panics
/// If there are no inputs or more than 16: the arity is fixed by the caller's code, never by data.
pub fn hash(inputs: &[Fr]) -> Fr {
    let params = Params::get(inputs.len()).expect("arity is 1 to 16");
    let t = params.width;
    let mut state = [Fr::zero(); MAX_ARITY + 1];
    state[1..t].copy_from_slice(inputs);
    let half = FULL_ROUNDS / 2;
    for round in 0..FULL_ROUNDS + params.partial_rounds {
        for (s, c) in state.iter_mut().zip(&params.round_constants[round * t..(round + 1) * t]) {
            *s += c;
        }
        let full = round < half || round >= half + params.partial_rounds;
        for s in &mut state[..if full { t } else { 1 }] {
            let s2 = s.square();
            *s *= s2.square();
        }
        let mut next = [Fr::zero(); MAX_ARITY + 1];
        for (n, row) in next.iter_mut().zip(params.matrix.chunks_exact(t)) {
            *n = row.iter().zip(&state).map(|(m, s)| *m * s).sum();
        }
        state = next;
    }
    state[0]
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

    #[test]
    fn arity_outside_the_range_has_no_parameters() {
        assert!(Params::get(0).is_none());
        assert!(Params::get(17).is_none());
        assert!(Params::get(16).is_some());
    }
}
