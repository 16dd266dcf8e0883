//! The matrices of a key's circuit, as they lie in its file: what a proof evaluates, without recording the circuit.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, One, PrimeField};
use tapstone_circuits::cs::Matrices;

use crate::error::KeyFileError;
use crate::memory::View;

/// Numbers of the coefficients 1 and -1, which most entries have.
const ONE: u32 = 0;
const MINUS_ONE: u32 = 1;

/// A, B and C in compressed rows.
///
/// Whatever the sections hold, evaluating a row panics nowhere: what lies outside counts as zero, and then the row does not hold, or the proof does
/// not verify.
#[derive(Debug)]
pub(crate) struct KeyMatrices {
    rows: usize,
    coefficients: Vec<Fr>,
    ends: View<u32>,
    entries: View<[u32; 2]>,
}

/// The three sections, to be written.
pub(crate) struct Encoded {
    pub(crate) coefficients: Vec<u8>,
    pub(crate) ends: Vec<u8>,
    pub(crate) entries: Vec<u8>,
}

impl Encoded {
    /// Lays out the matrices of a system; `None` if they have 2^32 entries or more.
    pub(crate) fn of(matrices: &Matrices) -> Option<Self> {
        // Two coefficients at the front, then all others in the order in which they occur.
        let mut list = vec![Fr::one(), -Fr::one()];
        let numbers: Vec<u32> = matrices
            .coefficients()
            .iter()
            .map(|c| match list[..2].iter().position(|known| known == c) {
                Some(known) => known as u32,
                None => {
                    list.push(*c);
                    (list.len() - 1) as u32
                }
            })
            .collect();
        let total: usize = matrices.non_zeros().iter().sum();
        u32::try_from(total).ok()?;
        let (mut ends, mut entries) = (Vec::with_capacity(12 * matrices.rows()), Vec::with_capacity(8 * total));
        let mut before = 0;
        for side in 0..3 {
            let (side_ends, side_entries) = matrices.entries(side);
            ends.extend(side_ends.iter().flat_map(|end| ((before + end) as u32).to_le_bytes()));
            for (wire, coefficient) in side_entries {
                entries.extend(wire.to_le_bytes());
                entries.extend(numbers[*coefficient as usize].to_le_bytes());
            }
            before += side_entries.len();
        }
        let coefficients = list.iter().flat_map(|c| c.into_bigint().to_bytes_le()).collect();
        Some(Self { coefficients, ends, entries })
    }
}

impl KeyMatrices {
    /// Takes the sections of a file.
    pub(crate) fn new(
        rows: usize,
        coefficients: &[u8],
        ends: View<u32>,
        entries: View<[u32; 2]>,
    ) -> Result<Self, KeyFileError> {
        let wrong = |section| move |(had, needed)| Err(KeyFileError::Length { section, had, needed });
        let needed = rows.saturating_mul(3);
        if ends.len() != needed {
            return wrong("ends of rows")((ends.len(), needed));
        }
        let last = ends.last().map_or(0, |end| *end as usize);
        if entries.len() != last {
            return wrong("entries of rows")((entries.len(), last));
        }
        let mut list = Vec::with_capacity(coefficients.len() / 32);
        for bytes in coefficients.chunks(32) {
            let c = Fr::from_le_bytes_mod_order(bytes);
            if c.into_bigint().to_bytes_le() != bytes {
                return Err(KeyFileError::Coefficient { index: list.len() });
            }
            list.push(c);
        }
        if list.get(..2) != Some(&[Fr::one(), -Fr::one()]) {
            return Err(KeyFileError::Coefficient { index: 0 });
        }
        Ok(Self { rows, coefficients: list, ends, entries })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Entries of a row of A (0), B (1) or C (2): wire, number of the coefficient.
    fn row(&self, side: usize, row: usize) -> &[[u32; 2]] {
        let at = side * self.rows + row;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.entries.get(start as usize..self.ends[at] as usize).unwrap_or(&[])
    }

    fn coefficient(&self, number: u32) -> Fr {
        self.coefficients.get(number as usize).copied().unwrap_or_default()
    }

    /// `<A, z>, <B, z>, <C, z>` of one row.
    pub(crate) fn evaluate(&self, row: usize, z: &[Fr]) -> [Fr; 3] {
        [0, 1, 2].map(|side| {
            let mut sum = Fr::ZERO;
            for [wire, number] in self.row(side, row) {
                let value = z.get(*wire as usize).copied().unwrap_or_default();
                match *number {
                    ONE => sum += value,
                    MINUS_ONE => sum -= value,
                    number => sum += value * self.coefficient(number),
                }
            }
            sum
        })
    }

    /// All rows in the form that `ark-groth16` takes.
    #[cfg(test)]
    pub(crate) fn to_arkworks(&self) -> Vec<Vec<Vec<(Fr, usize)>>> {
        let row = |side, row| self.row(side, row).iter().map(|[wire, n]| (self.coefficient(*n), *wire as usize)).collect();
        [0, 1, 2].map(|side| (0..self.rows).map(|r| row(side, r)).collect()).into()
    }
}
