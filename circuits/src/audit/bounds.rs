//! Upper bounds of wires, from the rows alone.

use ark_bn254::Fr;
use ark_ff::{One, PrimeField};
use ruint::aliases::U256;

use super::lemmas;
use super::rows::{Rows, Terms};
use crate::cs::{ONE, Wire};

/// What can be known of wires from the rows alone: their upper bounds.
#[derive(Debug)]
pub struct Bounds {
    /// The greatest value of each wire that has one; others may be anything.
    most: Vec<Option<U256>>,
}

impl Bounds {
    /// Reads the bounds of booleans, ranges, sums of bits, and products of these.
    pub fn new(rows: &Rows<'_>) -> Self {
        let mut bounds = Self { most: vec![None; rows.system().wires] };
        bounds.most[ONE as usize] = Some(U256::from(1));
        for row in (0..rows.len()).filter(|row| rows.has(*row)) {
            if let Some(wire) = rows.boolean_wire(row) {
                bounds.lower(wire, U256::from(1));
            }
        }
        for row in (0..rows.len()).filter(|row| rows.has(*row)) {
            bounds.row(rows, row);
        }
        bounds
    }

    /// The greatest value of a wire, if it has a bound.
    pub fn most(&self, wire: Wire) -> Option<U256> {
        self.most.get(wire as usize).copied().flatten()
    }

    fn lower(&mut self, wire: Wire, most: U256) {
        let had = &mut self.most[wire as usize];
        *had = Some(had.map_or(most, |had| had.min(most)));
    }

    fn row(&mut self, rows: &Rows<'_>, row: usize) {
        if let Some(terms) = rows.boolean_terms(row) {
            // number - 2 b_1 - 4 b_2 - ... is 0 or 1.
            self.number(rows, &terms, true);
        } else if rows.side(1, row) == [(ONE, Fr::one())] && rows.terms(2, row).next().is_none() {
            // number - b_0 - 2 b_1 - ... = 0, or its negative.
            self.number(rows, &rows.side(0, row), false);
        }
        // A product on a wire of its own.
        if let [(wire, c)] = rows.side(2, row)[..]
            && c.is_one()
            && self.most[wire as usize].is_none()
            && let (Some(a), Some(b)) = (self.factor(rows, 0, row), self.factor(rows, 1, row))
        {
            self.most[wire as usize] = a.checked_mul(b).filter(|most| *most < half());
        }
    }

    /// A wire that is a sum of booleans with powers of two; `more` says that it may be one more.
    fn number(&mut self, rows: &Rows<'_>, terms: &Terms, more: bool) {
        let numbers: Vec<_> = terms.iter().filter(|(wire, _)| !rows.is_boolean(*wire)).collect();
        let [(wire, k)] = numbers[..] else { return };
        if !(k.is_one() || (!more && *k == -Fr::one())) {
            return;
        }
        let mut most = U256::from(u64::from(more));
        for (_, c) in terms.iter().filter(|(other, _)| other != wire) {
            match lemmas::log2(-*c * k) {
                Some(power) => most = most.saturating_add(U256::from(1) << power),
                None => return,
            }
        }
        if most < half() {
            self.lower(*wire, most);
        }
    }

    /// The greatest value of a side.
    fn factor(&self, rows: &Rows<'_>, side: usize, row: usize) -> Option<U256> {
        let terms = rows.side(side, row);
        // 1 - b
        if let [(ONE, one), (wire, c)] = terms[..]
            && one.is_one()
            && c == -Fr::one()
            && rows.is_boolean(wire)
        {
            return Some(U256::from(1));
        }
        let sum = terms.iter().try_fold(U256::ZERO, |sum, (wire, c)| sum.checked_add(self.times(*wire, *c)?));
        sum.filter(|most| *most < half())
    }

    /// The greatest value of a wire times a positive factor.
    fn times(&self, wire: Wire, c: Fr) -> Option<U256> {
        self.most(wire)?.checked_mul(integer(c)).filter(|most| *most < half())
    }
}

/// An element as an integer.
pub(super) fn integer(x: Fr) -> U256 {
    U256::from_limbs(x.into_bigint().0)
}

/// Sums below this do not wrap.
pub(super) fn half() -> U256 {
    U256::from(1) << 253
}
