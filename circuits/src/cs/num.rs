//! [`Num`]: a linear expression over wires, with its value.

use std::ops::{Add, Mul, Neg, Sub};

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::{ONE, Wire};
use crate::field::two_to_the;

/// A linear expression over wires and its value under the present assignment.
///
/// The terms are kept only while rows are recorded; value and constness always. Adding, subtracting and scaling cost nothing in
/// the circuit.
#[derive(Clone, Debug)]
pub struct Num {
    value: Fr,
    constant: bool,
    recorded: bool,
    terms: Vec<(Wire, Fr)>,
}

impl Num {
    pub(super) fn wire(wire: Wire, value: Fr, recorded: bool) -> Self {
        let terms = if recorded { vec![(wire, Fr::one())] } else { Vec::new() };
        Self { value, constant: false, recorded, terms }
    }

    /// A constant.
    pub fn constant(value: Fr) -> Self {
        let terms = if value.is_zero() { Vec::new() } else { vec![(ONE, value)] };
        Self { value, constant: true, recorded: true, terms }
    }

    /// The constant 0.
    pub fn zero() -> Self {
        Self::constant(Fr::zero())
    }

    /// The constant 1.
    pub fn one() -> Self {
        Self::constant(Fr::one())
    }

    /// The value under the present assignment.
    pub fn value(&self) -> Fr {
        self.value
    }

    /// Whether this is a constant of the code.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    /// The terms, sorted by wire, without zero coefficients. Empty when rows are not recorded.
    pub fn terms(&self) -> &[(Wire, Fr)] {
        &self.terms
    }

    /// `self * factor`.
    pub fn scale(&self, factor: Fr) -> Self {
        if factor.is_zero() {
            return Self::zero();
        }
        let terms = self.terms.iter().map(|(w, c)| (*w, *c * factor)).collect();
        Self { value: self.value * factor, constant: self.constant, recorded: self.recorded, terms }
    }

    /// `self * 2^bits`.
    pub fn shift(&self, bits: usize) -> Self {
        self.scale(two_to_the(bits))
    }

    /// `1 - self`.
    pub fn not(&self) -> Self {
        &Self::one() - self
    }

    /// `self + other * factor`.
    pub fn add_scaled(&self, other: &Self, factor: Fr) -> Self {
        let recorded = self.recorded && other.recorded;
        let terms = if recorded { merge(&self.terms, &other.terms, factor) } else { Vec::new() };
        Self { value: self.value + other.value * factor, constant: self.constant && other.constant, recorded, terms }
    }

    /// The sum of `items`.
    pub fn sum<'a>(items: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::weighted(items.into_iter().map(|n| (n, Fr::one())))
    }

    /// The sum of `item * weight`.
    pub fn weighted<'a>(items: impl IntoIterator<Item = (&'a Self, Fr)>) -> Self {
        let mut value = Fr::zero();
        let (mut constant, mut recorded) = (true, true);
        let mut terms: Vec<(Wire, Fr)> = Vec::new();
        for (item, weight) in items {
            value += item.value * weight;
            constant &= item.constant;
            recorded &= item.recorded;
            terms.extend(item.terms.iter().map(|(w, c)| (*w, *c * weight)));
        }
        if !recorded {
            terms = Vec::new();
        }
        Self { value, constant, recorded, terms: normalise(terms) }
    }

    /// `values[index]` for the index whose bits' [`monomials`](super::Cs::monomials) are given; no rows.
    ///
    /// By the Moebius transform of the table: the coefficient of a monomial is the signed sum over its subsets.
    pub fn interpolate(monomials: &[Self; 8], values: &[Fr; 8]) -> Self {
        Self::weighted(monomials.iter().enumerate().map(|(mask, monomial)| {
            let coefficient: Fr = (0..8usize)
                .filter(|subset| subset & !mask == 0)
                .map(|subset| if (mask ^ subset).count_ones() % 2 == 0 { values[subset] } else { -values[subset] })
                .sum();
            (monomial, coefficient)
        }))
    }

    pub(crate) fn from_terms(value: Fr, recorded: bool, terms: Vec<(Wire, Fr)>) -> Self {
        Self { value, constant: false, recorded, terms: normalise(terms) }
    }
}

fn normalise(mut terms: Vec<(Wire, Fr)>) -> Vec<(Wire, Fr)> {
    terms.sort_unstable_by_key(|(w, _)| *w);
    terms.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    terms.retain(|(_, c)| !c.is_zero());
    terms
}

fn merge(a: &[(Wire, Fr)], b: &[(Wire, Fr)], factor: Fr) -> Vec<(Wire, Fr)> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let take_a = j == b.len() || (i < a.len() && a[i].0 <= b[j].0);
        let (wire, mut coefficient) = if take_a { a[i] } else { (b[j].0, b[j].1 * factor) };
        if take_a {
            if j < b.len() && b[j].0 == wire {
                coefficient += b[j].1 * factor;
                j += 1;
            }
            i += 1;
        } else {
            j += 1;
        }
        if !coefficient.is_zero() {
            out.push((wire, coefficient));
        }
    }
    out
}

impl Add for &Num {
    type Output = Num;
    fn add(self, other: &Num) -> Num {
        self.add_scaled(other, Fr::one())
    }
}

impl Sub for &Num {
    type Output = Num;
    fn sub(self, other: &Num) -> Num {
        self.add_scaled(other, -Fr::one())
    }
}

impl Neg for &Num {
    type Output = Num;
    fn neg(self) -> Num {
        self.scale(-Fr::one())
    }
}

impl Mul<Fr> for &Num {
    type Output = Num;
    fn mul(self, factor: Fr) -> Num {
        self.scale(factor)
    }
}

impl From<u64> for Num {
    fn from(value: u64) -> Self {
        Self::constant(Fr::from(value))
    }
}
