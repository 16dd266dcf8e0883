//! Discrete freedom: the other solutions of everything that has more than one when looked at alone (the other bit, the other root, one more
//! or less in a quotient, another slot, a number plus r), each carried through to the statement.
//!
//! The statement is the prover's own, so that what is accepted with another statement would be a second outcome of the same witness.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{BigInteger, One, PrimeField, Zero};

use super::follow::{Outcome, Plan, halves};
use super::rows::Rows;
use crate::circuit::bits;
use crate::cs::{Claim, Lemma, Wire};
use crate::field::two_to_the;

/// Other values for some wires.
pub type Lies = Vec<(Wire, Fr)>;

/// What a search found.
#[derive(Debug, Default)]
pub struct Freedom {
    /// Solutions that were tried.
    pub tried: usize,
    /// Accepted with the same statement, and why that is harmless.
    pub explained: BTreeMap<&'static str, usize>,
    /// Accepted without an explanation: the wires.
    pub findings: Vec<Vec<Wire>>,
}

/// The search over one assignment.
pub struct Search<'s, 'a> {
    rows: &'s Rows<'a>,
    plan: &'s Plan<'a>,
    harmless: BTreeMap<Wire, &'static str>,
}

impl<'s, 'a> Search<'s, 'a> {
    /// Sets out; `inverses` are the wires that propagation calls harmless.
    pub fn new(rows: &'s Rows<'a>, plan: &'s Plan<'a>, inverses: &[Wire]) -> Self {
        let mut harmless: BTreeMap<Wire, &'static str> =
            inverses.iter().map(|wire| (*wire, "inverse of zero, which nothing else reads")).collect();
        for claim in rows.system().marks().claims() {
            let (wires, why): (&[Wire], _) = match (claim.lemma, &claim.gives[..]) {
                (Lemma::Eighth, all) => (all, "any of eight points serves, and nothing else reads it"),
                (Lemma::Classes, [_, _, _, base @ ..]) => (base, "any of eight points serves, and nothing else reads it"),
                (Lemma::Division, [.., side]) => {
                    (std::slice::from_ref(side), "either side shows that one share more is too much, or none is added")
                }
                _ => (&[], ""),
            };
            harmless.extend(wires.iter().map(|wire| (*wire, why)));
        }
        Self { rows, plan, harmless }
    }

    /// The rows.
    pub fn rows(&self) -> &'s Rows<'a> {
        self.rows
    }

    /// The plan.
    pub fn plan(&self) -> &'s Plan<'a> {
        self.plan
    }

    /// Tries lies; counts what becomes of them.
    pub fn attempt(&self, z: &mut [Fr], lies: &Lies, found: &mut Freedom) {
        if lies.iter().all(|(wire, value)| z[*wire as usize] == *value) {
            return;
        }
        found.tried += 1;
        let Outcome { violated, other_statement } = self.plan.tamper(self.rows, z, lies, 1, |_| true);
        if !violated.is_empty() {
            return;
        }
        let moved = || lies.iter().filter(|(wire, value)| z[*wire as usize] != *value);
        let why: BTreeSet<Option<&&str>> = moved().map(|(wire, _)| self.harmless.get(wire)).collect();
        match why.first() {
            Some(Some(why)) if !other_statement && why.len() > 1 => *found.explained.entry(why).or_default() += 1,
            _ => found.findings.push(moved().map(|(wire, _)| *wire).collect()),
        }
    }

    /// Every computed wire on its own: booleans and zero tests the other way round, all others one more; hints also one less and negated.
    pub fn single_wires(&self, z: &mut [Fr], found: &mut Freedom, mut go_on: impl FnMut() -> bool) {
        let zeros: BTreeSet<Wire> = self.plan.zero_tests().map(|(_, zero)| zero).collect();
        let hints: BTreeSet<Wire> = self.plan.free().iter().copied().collect();
        for (i, wire) in self.rows.computed().enumerate().skip(1) {
            if i % 256 == 0 && !go_on() {
                return;
            }
            let value = z[wire as usize];
            if self.rows.is_boolean(wire) || zeros.contains(&wire) {
                self.attempt(z, &vec![(wire, Fr::one() - value)], found);
                continue;
            }
            self.attempt(z, &vec![(wire, value + Fr::one())], found);
            if hints.contains(&wire) {
                self.attempt(z, &vec![(wire, value - Fr::one())], found);
                self.attempt(z, &vec![(wire, -value)], found);
            }
        }
    }

    /// What the claims of gadgets say is determined, in other ways that are consistent in themselves.
    pub fn claims(&self, z: &mut [Fr], found: &mut Freedom, mut go_on: impl FnMut() -> bool) {
        let claims = self.rows.system().marks().claims();
        for (i, claim) in claims.iter().enumerate() {
            if !go_on() {
                return;
            }
            for lies in self.others(z, claim, claims.get(i + 1)) {
                self.attempt(z, &lies, found);
            }
        }
    }

    /// The other ways for the claims that rest on a row.
    pub fn others_at(&self, z: &[Fr], row: usize) -> Vec<Lies> {
        let claims = self.rows.system().marks().claims();
        let at = claims.iter().enumerate().filter(|(_, claim)| claim.rows.contains(&row));
        at.flat_map(|(i, claim)| self.others(z, claim, claims.get(i + 1))).collect()
    }

    fn others(&self, z: &[Fr], claim: &Claim, next: Option<&Claim>) -> Vec<Lies> {
        let value = |wire: Wire| z[wire as usize];
        let gives = &claim.gives;
        match claim.lemma {
            Lemma::Challenge => {
                // The same sum modulo r: r more or r less.
                let sum = gives.iter().rev().fold(ark_ff::BigInt::<4>::zero(), |mut sum, bit| {
                    sum <<= 1;
                    sum.add_with_carry(&value(*bit).into_bigint());
                    sum
                });
                let (mut more, mut less) = (sum, sum);
                let overflows = more.add_with_carry(&Fr::MODULUS);
                let underflows = less.sub_with_borrow(&Fr::MODULUS);
                let lies =
                    |n: ark_ff::BigInt<4>| gives.iter().enumerate().map(|(i, w)| (*w, Fr::from(n.get_bit(i)))).collect();
                let mut all = Vec::new();
                if !overflows && !more.get_bit(254) && !more.get_bit(255) {
                    all.push(lies(more));
                }
                if !underflows {
                    all.push(lies(less));
                }
                all
            }
            Lemma::Eighth | Lemma::Classes => {
                let (bits, base) = gives.split_at(gives.len() - 2);
                let signs = [(Fr::one(), -Fr::one()), (-Fr::one(), Fr::one()), (-Fr::one(), -Fr::one())];
                let turned = |(x, y): (Fr, Fr)| vec![(base[0], value(base[0]) * x), (base[1], value(base[1]) * y)];
                let mut all: Vec<Lies> = signs.map(turned).into();
                let classes = 1u64 << bits.len();
                all.extend((0..classes).map(|class| {
                    bits.iter().enumerate().map(|(i, bit)| (*bit, Fr::from((class >> i) & 1))).collect::<Lies>()
                }));
                all
            }
            Lemma::SpacedPair => {
                let [within, beside] = gives[..] else { return Vec::new() };
                let shift = ark_ff::Field::inverse(&two_to_the(bits::SPACING)).unwrap_or_default();
                let by = |d: Fr| [d, -d].map(|d| vec![(within, value(within) + d), (beside, value(beside) - d * shift)]);
                let mut all: Vec<Lies> =
                    [Fr::one(), two_to_the(bits::AMOUNT), two_to_the(bits::SPACING)].into_iter().flat_map(by).collect();
                all.push(vec![(within, value(beside)), (beside, value(within))]);
                all
            }
            Lemma::DebitSlot | Lemma::CreditSlot => self.other_slots(z, gives, next),
            Lemma::FeeEntry => one_hot(z, gives),
            Lemma::Direction => vec![gives.iter().map(|wire| (*wire, Fr::one() - value(*wire))).collect()],
            Lemma::Division => {
                let [minted, q0, q1, side] = gives[..] else { return Vec::new() };
                let steps = [Fr::zero(), Fr::one(), -Fr::one()];
                let mut all = Vec::new();
                for (a, b, c) in steps.iter().flat_map(|a| steps.iter().flat_map(move |b| steps.map(|c| (*a, *b, c)))) {
                    for side_value in [Fr::zero(), Fr::one()] {
                        all.push(vec![
                            (minted, value(minted) + a),
                            (q0, value(q0) + b),
                            (q1, value(q1) + c),
                            (side, side_value),
                        ]);
                    }
                }
                all.push(vec![(q0, -value(q0))]);
                all.push(vec![(q1, -value(q1))]);
                all
            }
            _ => Vec::new(),
        }
    }

    /// Every other slot of the account, opened or not, with the balances that stand there.
    fn other_slots(&self, z: &[Fr], gives: &[Wire], next: Option<&Claim>) -> Vec<Lies> {
        let (slots, open) = gives.split_at(8.min(gives.len()));
        let Some(had) = slots.iter().position(|slot| z[*slot as usize].is_one()) else { return Vec::new() };
        let Some(Claim { lemma: Lemma::SpacedPair, gives: balances, rows }) = next else { return Vec::new() };
        let [within, beside] = balances[..] else { return Vec::new() };
        // The four rows before the claim's are the pairs of the leaf, each times whether it is touched.
        let halves = |slot: usize| {
            let row = rows.start.saturating_sub(4) + slot / 2;
            let (low, high) = halves(self.rows.system().matrices.evaluate(row, z)[0]);
            if slot % 2 == 1 { (high, low) } else { (low, high) }
        };
        let change = z[within as usize] - halves(had).0;
        let mut all = Vec::new();
        for slot in (0..8).filter(|slot| *slot != had) {
            let (old, other) = halves(slot);
            let mut lies: Lies = slots.iter().enumerate().map(|(i, wire)| (*wire, Fr::from(i == slot))).collect();
            lies.extend([(within, old + change), (beside, other)]);
            all.push(lies.clone());
            for open in open {
                lies.push((*open, Fr::one() - z[*open as usize]));
                all.push(lies.clone());
            }
        }
        all
    }
}

/// The one at every other place.
fn one_hot(z: &[Fr], wires: &[Wire]) -> Vec<Lies> {
    let Some(had) = wires.iter().position(|wire| z[*wire as usize].is_one()) else { return Vec::new() };
    let at = |place: usize| wires.iter().enumerate().map(|(i, wire)| (*wire, Fr::from(i == place))).collect();
    (0..wires.len()).filter(|place| *place != had).map(at).collect()
}
