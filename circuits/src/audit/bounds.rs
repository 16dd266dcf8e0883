//! Upper bounds of wires, from the rows alone, and of nonces by induction over the state.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{One, PrimeField, Zero};
use ruint::aliases::U256;

use super::lemmas;
use super::ranges;
use super::rows::{Rows, Terms};
use crate::account::constraints::NONCE_BITS;
use crate::cs::{Expression, MOST_BITS, ONE, Wire};
use crate::field::two_to_the;

/// What can be known of wires from the rows alone: their upper bounds.
#[derive(Debug)]
pub struct Bounds {
    /// The greatest value of each wire that has one; others may be anything.
    most: Vec<Option<U256>>,
    /// Sums of booleans that are boolean.
    exclusive: Vec<Vec<Wire>>,
    /// Sums of several numbers, none negative, with a range of their own: what is counted up. Each with its leading wire and its greatest value.
    sums: Vec<(Wire, Expression, U256)>,
}

/// A number within a sum: what it is made of, its factor, and its greatest value.
pub(super) type Counted = (Expression, Fr, U256);

impl Bounds {
    /// Reads the bounds of booleans, zero tests, ranges, sums of bits, products of these, and nonces.
    pub fn new(rows: &Rows<'_>) -> Self {
        let mut bounds = Self { most: vec![None; rows.system().wires], exclusive: Vec::new(), sums: Vec::new() };
        bounds.most[ONE as usize] = Some(U256::from(1));
        for row in (0..rows.len()).filter(|row| rows.has(*row)) {
            if let Some(wire) = rows.boolean_wire(row) {
                bounds.lower(wire, U256::from(1));
            } else if let Some(wire) = zero_test(rows, row) {
                bounds.lower(wire, U256::from(1));
            } else if let Some(terms) = rows.boolean_terms(row)
                && terms.iter().all(|(wire, c)| c.is_one() && rows.is_boolean(*wire))
            {
                bounds.exclusive.push(terms.into_iter().map(|(wire, _)| wire).collect());
            }
        }
        nonces(rows).into_iter().flatten().for_each(|wire| {
            bounds.lower(wire, (U256::from(1) << NONCE_BITS) - U256::from(1));
        });
        for row in (0..rows.len()).filter(|row| rows.has(*row)) {
            bounds.row(rows, row);
        }
        for range in rows.system().marks().ranges() {
            let numbers: Expression = range.number.iter().filter(|(wire, _)| *wire != ONE).copied().collect();
            let is_sum = numbers.len() > 1
                && numbers.len() == range.number.len()
                && numbers.iter().all(|(wire, c)| c.is_one() && bounds.most(*wire).is_some());
            let lead = numbers.iter().map(|(wire, _)| *wire).find(|wire| !rows.is_boolean(*wire));
            if let Some(lead) = lead.filter(|_| is_sum && ranges::stands(rows, range)) {
                bounds.sums.push((lead, numbers, (U256::from(1) << range.bits) - U256::from(1)));
            }
        }
        bounds
    }

    /// Takes out of an expression what is part of a sum with a range of its own: the whole of it, or what was counted so far. A part of a sum without negative numbers is at
    /// most the sum.
    pub(super) fn counted(&self, terms: &mut BTreeMap<Wire, Fr>) -> Vec<Counted> {
        let found = self
            .sums
            .iter()
            .filter_map(|(lead, sum, most)| take(terms, *lead, sum).map(|(taken, factor)| (taken, factor, *most)));
        found.collect()
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
    pub(super) fn factor(&self, rows: &Rows<'_>, side: usize, row: usize) -> Option<U256> {
        let terms = rows.side(side, row);
        // 1 - b
        if let [(ONE, one), (wire, c)] = terms[..]
            && one.is_one()
            && c == -Fr::one()
            && rows.is_boolean(wire)
        {
            return Some(U256::from(1));
        }
        // At most one of several booleans.
        let is_one_of = |all: &Vec<Wire>| terms.iter().all(|(wire, c)| c.is_one() && all.contains(wire));
        if terms.len() > 1 && self.exclusive.iter().any(is_one_of) {
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

/// Takes a multiple of a sum out of an expression, as far as it stands there; the leading wire tells how many times.
pub(super) fn take(terms: &mut BTreeMap<Wire, Fr>, lead: Wire, sum: &[(Wire, Fr)]) -> Option<(Expression, Fr)> {
    let factor = terms.get(&lead).copied()?;
    let mut taken = Vec::new();
    for (wire, c) in sum.iter().filter(|(wire, _)| *wire != ONE) {
        let Some(had) = terms.get(wire).copied() else { continue };
        // What is left is less where this sum is part of what stands there.
        let rest = had - *c * factor;
        if set_bits(rest) < set_bits(had) {
            taken.push((*wire, *c));
            if rest.is_zero() {
                terms.remove(wire);
            } else {
                terms.insert(*wire, rest);
            }
        }
    }
    Some((taken, factor))
}

/// How many bits of an element are set, of it or of its negative.
fn set_bits(x: Fr) -> usize {
    integer(x).count_ones().min(integer(-x).count_ones())
}

/// The wire z of a row `x * inverse = 1 - z` beside which `x * z = 0` stands: 0 or 1.
fn zero_test(rows: &Rows<'_>, row: usize) -> Option<Wire> {
    let zero = match rows.side(2, row)[..] {
        [(ONE, one), (zero, c)] if one.is_one() && c == -Fr::one() => zero,
        _ => return None,
    };
    let x = rows.side(0, row);
    let stands = rows.of(zero).any(|other| {
        rows.terms(2, other).next().is_none() && rows.side(1, other) == [(zero, Fr::one())] && rows.side(0, other) == x
    });
    stands.then_some(zero)
}

/// The nonces of all leaves that are read; `None` if one of them may leave the range.
///
/// By induction over the state: nonces are below `2^64` before, and where one goes up a row says that it is not the last one.
pub(super) fn nonces(rows: &Rows<'_>) -> Option<Vec<Wire>> {
    let accounts = rows.system().marks().leaves().iter().filter(|leaf| leaf.is_account());
    accounts.map(|leaf| nonce(rows, &leaf.read[2], &leaf.written[2])).collect()
}

fn nonce(rows: &Rows<'_>, before: &Terms, after: &Terms) -> Option<Wire> {
    let [(ONE, _), (nonce, one)] = before[..] else { return None };
    let step: Terms = after.iter().filter(|term| !before.contains(term)).copied().collect();
    let last = two_to_the(NONCE_BITS) - Fr::one();
    let is_checked = step.is_empty()
        || rows.of(nonce).any(|row| rows.side(0, row) == [(ONE, -last), (nonce, Fr::one())] && rows.side(2, row) == step);
    let is_step = step.iter().all(|(wire, c)| c.is_one() && rows.is_boolean(*wire));
    let goes_up = after.len() == before.len() + step.len();
    (one.is_one() && is_checked && is_step && goes_up).then_some(nonce)
}

/// An element as an integer.
pub(super) fn integer(x: Fr) -> U256 {
    U256::from_limbs(x.into_bigint().0)
}

/// Sums below this do not wrap.
pub(super) fn half() -> U256 {
    U256::from(1) << MOST_BITS
}
