//! [`Matrices`]: the three sparse matrices of a rank-1 constraint system, with coefficients interned.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField, Zero};

use super::Wire;

/// One row of one matrix: `(coefficient, wire)`.
pub type Row = Vec<(Fr, usize)>;

/// A, B and C in compressed rows. Few coefficients differ (the hash's constants, powers of two), so each is kept once.
#[derive(Debug, Default)]
pub struct Matrices {
    coefficients: Vec<Fr>,
    ids: HashMap<Fr, u32>,
    sides: [Side; 3],
}

#[derive(Debug, Default)]
struct Side {
    ends: Vec<usize>,
    entries: Vec<(Wire, u32)>,
}

impl Matrices {
    pub(super) fn push(&mut self, a: &[(Wire, Fr)], b: &[(Wire, Fr)], c: &[(Wire, Fr)]) {
        for (side, terms) in self.sides.iter_mut().zip([a, b, c]) {
            for (wire, coefficient) in terms {
                let coefficients = &mut self.coefficients;
                let id = *self.ids.entry(*coefficient).or_insert_with(|| {
                    coefficients.push(*coefficient);
                    u32::try_from(coefficients.len() - 1).expect("a circuit has fewer than 2^32 distinct coefficients")
                });
                side.entries.push((*wire, id));
            }
            side.ends.push(side.entries.len());
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.sides[0].ends.len()
    }

    /// Non-zero entries of A, B and C.
    pub fn non_zeros(&self) -> [usize; 3] {
        [0, 1, 2].map(|side| self.sides[side].entries.len())
    }

    /// Non-zero entries of A, B and C in rows before `row`.
    pub fn non_zeros_before(&self, row: usize) -> [usize; 3] {
        [0, 1, 2].map(|side| row.checked_sub(1).map_or(0, |last| self.sides[side].ends[last]))
    }

    pub(crate) fn terms(&self, side: usize, row: usize) -> impl Iterator<Item = (Wire, Fr)> + '_ {
        let side = &self.sides[side];
        let start = row.checked_sub(1).map_or(0, |before| side.ends[before]);
        side.entries[start..side.ends[row]].iter().map(|(wire, id)| (*wire, self.coefficients[*id as usize]))
    }

    /// One row of matrix `side` (0 = A, 1 = B, 2 = C).
    pub fn row(&self, side: usize, row: usize) -> Row {
        self.terms(side, row).map(|(wire, c)| (c, wire as usize)).collect()
    }

    /// `<A, z>, <B, z>, <C, z>` of one row.
    pub fn evaluate(&self, row: usize, z: &[Fr]) -> [Fr; 3] {
        [0, 1, 2].map(|side| {
            let mut sum = Fr::zero();
            for (wire, c) in self.terms(side, row) {
                sum += z[wire as usize] * c;
            }
            sum
        })
    }

    /// Each coefficient that occurs, once.
    pub fn coefficients(&self) -> &[Fr] {
        &self.coefficients
    }

    /// Matrix `side` (0 = A, 1 = B, 2 = C) in compressed rows: where the entries of each row end, and `(wire, index of its coefficient)`.
    pub fn entries(&self, side: usize) -> (&[usize], &[(Wire, u32)]) {
        let side = &self.sides[side];
        (&side.ends, &side.entries)
    }

    /// All rows in the form that `ark-groth16` takes: A, B, C, each a list of rows of `(coefficient, wire)`.
    pub fn to_arkworks(&self) -> Vec<Vec<Row>> {
        [0, 1, 2].map(|side| (0..self.rows()).map(|row| self.row(side, row)).collect()).into()
    }

    /// Number of distinct wires on the B side: each costs a point in G2 in the key.
    pub fn distinct_b(&self) -> usize {
        let mut wires: Vec<Wire> = self.sides[1].entries.iter().map(|(wire, _)| *wire).collect();
        wires.sort_unstable();
        wires.dedup();
        wires.len()
    }

    /// A digest of all entries: `update` is fed the rows in order, each side's length and entries as little-endian bytes.
    pub fn feed(&self, mut update: impl FnMut(&[u8])) {
        // Millions of entries share few coefficients.
        let bytes: Vec<Vec<u8>> = self.coefficients.iter().map(|c| c.into_bigint().to_bytes_le()).collect();
        let mut buffer = Vec::new();
        for row in 0..self.rows() {
            for side in &self.sides {
                let start = row.checked_sub(1).map_or(0, |before| side.ends[before]);
                let entries = &side.entries[start..side.ends[row]];
                buffer.extend((entries.len() as u64).to_le_bytes());
                for (wire, id) in entries {
                    buffer.extend(wire.to_le_bytes());
                    buffer.extend(&bytes[*id as usize]);
                }
            }
            if buffer.len() >= 1 << 16 {
                update(&buffer);
                buffer.clear();
            }
        }
        update(&buffer);
    }
}
