//! What a dishonest prover does after it changed some wires: everything that follows from them is computed again, so that what is left of
//! violations is what really stands in its way.
//!
//! [`Plan`] says once for each row which wire it makes. [`Plan::follow`] runs over all rows; [`Plan::tamper`] only over what a change
//! reaches, with a statement of the prover's own, and puts everything back.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

use super::rows::{Rows, Terms};
use crate::circuit::bits::SPACING;
use crate::cs::{Lemma, ONE, PUBLIC, System, Wire, low_bits};

/// The rule of a hash.
pub const HASH: &str = "hash is computed correctly";
const STATEMENT: &str = "the public input is the hash of the statement";

/// What a row, or a run of rows of a hash, makes.
#[derive(Debug)]
enum Op {
    /// A wire by its coefficient on one side.
    Define { row: usize, wire: Wire, side: usize, scale: Fr },
    /// `x * inverse = 1 - zero`.
    ZeroTest { row: usize, inverse: Wire, zero: Wire },
    /// All S-boxes of a hash but the first layer: one wire for each, then squares and fourth powers.
    Hash { row: usize, made: Range<Wire> },
    /// The new balance and the one beside it, from the pair that is touched: the row reads them, the four rows before the claim's make the pair.
    Pair { row: usize, products: Range<usize>, within: Wire, beside: Wire },
    /// Nothing; where the row closes a range check these are the bits above the lowest one.
    Check { row: usize, bits: Vec<Wire> },
}

/// The order in which values follow from each other.
#[derive(Debug)]
pub struct Plan<'a> {
    system: &'a System,
    ops: Vec<Op>,
    op_of_row: Vec<u32>,
    /// By the row that ties balances to their pair, the operation that reads them from it.
    pairs: BTreeMap<usize, u32>,
    free: Vec<Wire>,
}

/// What became of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rows that do not hold, as many as were asked for.
    pub violated: Vec<usize>,
    /// Whether the public input is another one.
    pub other_statement: bool,
}

impl<'a> Plan<'a> {
    /// The plan of a system.
    pub fn new(system: &'a System) -> Self {
        let rows = system.matrices.rows();
        let mut plan = Self {
            system,
            ops: Vec::with_capacity(rows),
            op_of_row: vec![0; rows],
            pairs: BTreeMap::new(),
            free: Vec::new(),
        };
        let mut seen = system.instance as Wire - 1;
        let mut row = 0;
        let spaced = system.marks().claims().iter().filter(|claim| claim.lemma == Lemma::SpacedPair);
        let mut spaced: Vec<_> = spaced.collect();
        spaced.sort_unstable_by_key(|claim| claim.rows.start);
        let mut spaced = spaced.into_iter().peekable();
        while row < rows {
            if let Some(claim) = spaced.next_if(|claim| claim.rows.start == row)
                && let [within, beside] = claim.gives[..]
                && row >= 4
            {
                let last = claim.rows.end - 1;
                plan.pairs.insert(last, plan.ops.len() as u32);
                plan.ops.push(Op::Pair { row: last, products: row - 4..row, within, beside });
            }
            let sides: [Terms; 3] = [0, 1, 2].map(|side| system.matrices.terms(side, row).collect());
            let newest = sides.iter().flatten().map(|(wire, _)| *wire).max().unwrap_or(0);
            let is_hash = system.rule(row) == HASH
                && row + 2 < rows
                && newest > seen
                && system.matrices.terms(2, row + 2).all(|(wire, _)| wire < newest);
            let first = row;
            if is_hash {
                let s_boxes = newest - seen - 1;
                plan.ops.push(Op::Hash { row, made: seen + 1..newest });
                (row, seen) = (row + 3 * s_boxes as usize, seen + 3 * s_boxes);
            } else {
                let op = plan.op(row, &sides, seen, newest);
                let made = match &op {
                    Op::Define { wire, .. } => vec![*wire],
                    Op::ZeroTest { inverse, zero, .. } => vec![*inverse, *zero],
                    _ => Vec::new(),
                };
                plan.free.extend((seen + 1..=newest).filter(|wire| !made.contains(wire)));
                plan.ops.push(op);
                (row, seen) = (row + 1, seen.max(newest));
            }
            plan.op_of_row[first..row.min(rows)].fill(plan.ops.len() as u32 - 1);
        }
        plan
    }

    fn op(&self, row: usize, sides: &[Terms; 3], last: Wire, newest: Wire) -> Op {
        if newest <= last {
            let bits = if sides[2].is_empty() { self.range_bits(row, &sides[1]) } else { Vec::new() };
            return Op::Check { row, bits };
        }
        // A zero test: x * inverse = 1 - z, with both new.
        if newest == last + 2 && sides[1] == [(newest - 1, Fr::one())] && sides[2].iter().any(|(w, _)| *w == newest) {
            return Op::ZeroTest { row, inverse: newest - 1, zero: newest };
        }
        let at: Vec<(usize, Fr)> =
            (0..3).filter_map(|side| sides[side].iter().find(|(w, _)| *w == newest).map(|(_, c)| (side, *c))).collect();
        match at[..] {
            [(side, c)] => Op::Define { row, wire: newest, side, scale: c.inverse().unwrap_or_default() },
            _ => Op::Check { row, bits: Vec::new() },
        }
    }

    /// If `row` closes a range check, the wires of its bits from the second on.
    fn range_bits(&self, row: usize, lowest: &Terms) -> Vec<Wire> {
        let matrices = &self.system.matrices;
        // (1 - b) b = 0, and not merely some x b = 0.
        let is_bit = |row: usize| {
            let mut b = matrices.terms(1, row);
            let (Some((wire, c)), None) = (b.next(), b.next()) else { return None };
            let is_boolean = matrices.terms(0, row).eq([(ONE, Fr::one()), (wire, -Fr::one())]);
            (c.is_one() && is_boolean && matrices.terms(2, row).next().is_none()).then_some(wire)
        };
        let mut bits: Vec<Wire> = Vec::new();
        let mut at = row;
        while at > 0 && bits.len() < 128 {
            at -= 1;
            let Some(wire) = is_bit(at) else { break };
            let follows = bits.last().is_none_or(|last| wire + 1 == *last);
            if !follows || !lowest.iter().any(|(w, _)| *w == wire) {
                break;
            }
            bits.push(wire);
        }
        bits.reverse();
        bits
    }

    /// The zero tests, as `(inverse, zero)`.
    pub fn zero_tests(&self) -> impl Iterator<Item = (Wire, Wire)> + '_ {
        self.ops.iter().filter_map(|op| match op {
            Op::ZeroTest { inverse, zero, .. } => Some((*inverse, *zero)),
            _ => None,
        })
    }

    /// Wires that no row makes: what the witness chooses, and hints.
    pub fn free(&self) -> &[Wire] {
        &self.free
    }

    /// Computes everything again that follows, over all rows; `pinned` wires stay as they are. The public input
    /// and the balances of accounts, which no row makes, stay as well.
    pub fn follow(&self, z: &mut [Fr], pinned: &[usize]) {
        let pinned: Vec<Wire> = pinned.iter().map(|wire| *wire as Wire).collect();
        for op in self.ops.iter().filter(|op| !matches!(op, Op::Pair { .. })) {
            for (wire, value) in self.compute(op, z, &pinned) {
                z[wire as usize] = value;
            }
        }
    }

    /// What an operation makes of the wires that it reads. A range whose number is in range already makes nothing.
    fn compute(&self, op: &Op, z: &[Fr], pinned: &[Wire]) -> Vec<(Wire, Fr)> {
        let matrices = &self.system.matrices;
        match op {
            Op::Define { wire, .. } if pinned.contains(wire) => Vec::new(),
            Op::Define { row, wire, side, scale } => {
                let [a, b, c] = matrices.evaluate(*row, z);
                let wanted = match side {
                    0 => b.inverse().map(|i| c * i),
                    1 => a.inverse().map(|i| c * i),
                    _ => Some(a * b),
                };
                let had = [a, b, c][*side];
                wanted.map(|wanted| (*wire, z[*wire as usize] + (wanted - had) * scale)).into_iter().collect()
            }
            Op::ZeroTest { row, inverse, zero } => {
                let x = matrices.evaluate(*row, z)[0];
                let made = [(*inverse, x.inverse().unwrap_or_default()), (*zero, Fr::from(x.is_zero()))];
                made.into_iter().filter(|(wire, _)| !pinned.contains(wire)).collect()
            }
            Op::Hash { row, made } => self.hash(*row, made, z),
            Op::Pair { within, beside, .. } if pinned.contains(within) || pinned.contains(beside) => Vec::new(),
            Op::Pair { row, products, within, beside } => {
                let product = |row| {
                    let [a, b, _] = matrices.evaluate(row, z);
                    a * b
                };
                let pair: Fr = products.clone().map(product).sum();
                // (old - beside) * upper = ...
                let [difference, upper, _] = matrices.evaluate(*row, z);
                let (had_old, had_beside) = (difference + z[*beside as usize], z[*beside as usize]);
                let (low, high) = halves(pair);
                let (old, other) = if upper.is_one() { (high, low) } else { (low, high) };
                let mut made = vec![(*within, z[*within as usize] + old - had_old)];
                if other != had_beside {
                    made.push((*beside, other));
                }
                made
            }
            Op::Check { row, bits } => {
                if bits.is_empty() || self.holds(*row, z) {
                    return Vec::new();
                }
                let rest: Fr =
                    matrices.terms(1, *row).filter(|(w, _)| !bits.contains(w)).map(|(w, c)| c * z[w as usize]).sum();
                let values = low_bits(rest, bits.len() + 1).into_iter().skip(1).map(Fr::from);
                bits.iter().copied().zip(values).collect()
            }
        }
    }

    /// The operations that a row is read by.
    fn ops_of(&self, row: usize) -> impl Iterator<Item = u32> {
        [Some(self.op_of_row[row]), self.pairs.get(&row).copied()].into_iter().flatten()
    }

    fn holds(&self, row: usize, z: &[Fr]) -> bool {
        let [a, b, c] = self.system.matrices.evaluate(row, z);
        a * b == c
    }

    /// The wires of a hash whose first S-box after the first layer stands in `row`.
    fn hash(&self, row: usize, made: &Range<Wire>, z: &[Fr]) -> Vec<(Wire, Fr)> {
        let matrices = &self.system.matrices;
        let count = made.len();
        let mut values: Vec<Option<Fr>> = vec![None; count];
        let mut squares = Vec::with_capacity(2 * count);
        // Of a side, what is known, and the terms in wires of this hash that are not known yet.
        let split = |side: usize, row: usize, values: &[Option<Fr>]| {
            let (mut rest, mut open) = (Fr::zero(), Vec::new());
            for (wire, c) in matrices.terms(side, row) {
                if !made.contains(&wire) {
                    rest += c * z[wire as usize];
                } else if let Some(value) = values[(wire - made.start) as usize] {
                    rest += c * value;
                } else {
                    open.push(((wire - made.start) as usize, c));
                }
            }
            (rest, open)
        };
        // A full round has as many equations as it has new wires, a partial one a single one.
        let mut equations: Vec<(Vec<(usize, Fr)>, Fr)> = Vec::new();
        for (i, row) in (row..).step_by(3).take(count).enumerate() {
            let (x, _) = split(0, row, &values);
            let x2 = x.square();
            let x4 = x2.square();
            let square = made.end + 2 * i as Wire;
            squares.extend([(square, x2), (square + 1, x4)]);
            let (rest, open) = split(2, row + 2, &values);
            equations.push((open, x4 * x - rest));
            let wanted: BTreeSet<usize> = equations.iter().flat_map(|(open, _)| open.iter().map(|(i, _)| *i)).collect();
            if wanted.len() == equations.len() {
                solve(&wanted.into_iter().collect::<Vec<_>>(), &std::mem::take(&mut equations), &mut values);
            }
        }
        let made = made.clone().zip(values).map(|(wire, value)| (wire, value.unwrap_or(z[wire as usize])));
        made.chain(squares).collect()
    }

    /// Sets wires, lets all else follow, and says which rows stand in the way, at most `limit`, none of them where `stop` says that it has
    /// seen enough. `z` is as before afterwards.
    pub fn tamper(
        &self,
        rows: &Rows<'_>,
        z: &mut [Fr],
        lies: &[(Wire, Fr)],
        limit: usize,
        mut stop: impl FnMut(usize) -> bool,
    ) -> Outcome {
        let statement = z[PUBLIC as usize];
        let mut log: Vec<(Wire, Fr)> = Vec::new();
        let mut dirty: BTreeSet<u32> = BTreeSet::new();
        let pinned: Vec<Wire> = lies.iter().map(|(wire, _)| *wire).collect();
        for (wire, value) in lies {
            log.push((*wire, std::mem::replace(&mut z[*wire as usize], *value)));
            dirty.extend(rows.of(*wire).flat_map(|row| self.ops_of(row)));
        }
        let mut outcome = Outcome::default();
        while let Some(at) = dirty.pop_first() {
            let op = &self.ops[at as usize];
            let is_pinned = match op {
                Op::Hash { made, .. } => {
                    let all = made.start..made.end + 2 * made.len() as Wire;
                    pinned.iter().any(|wire| all.contains(wire))
                }
                Op::Check { bits, .. } => pinned.iter().any(|wire| bits.contains(wire)),
                _ => false,
            };
            if !is_pinned {
                for (wire, value) in self.compute(op, z, &pinned) {
                    let had = std::mem::replace(&mut z[wire as usize], value);
                    if had != value {
                        log.push((wire, had));
                        dirty.extend(rows.of(wire).flat_map(|row| self.ops_of(row)).filter(|op| *op > at));
                    }
                }
            }
            let checked = match op {
                Op::Hash { row, made } if is_pinned => *row..*row + 3 * made.len(),
                Op::Hash { .. } | Op::Pair { .. } => 0..0,
                Op::Define { row, .. } | Op::ZeroTest { row, .. } | Op::Check { row, .. } => *row..*row + 1,
            };
            // What reads the lie is looked at first: most lies end there.
            let near = pinned.iter().filter(|_| checked.len() > 1).flat_map(|wire| rows.of(*wire));
            let mut near: Vec<usize> = near.filter(|row| checked.contains(row)).collect();
            near.sort_unstable();
            near.dedup();
            let others: Vec<usize> = checked.filter(|row| rows.has(*row) && near.binary_search(row).is_err()).collect();
            for row in near.into_iter().chain(others) {
                if self.holds(row, z) {
                    continue;
                }
                if self.system.rule(row) == STATEMENT {
                    log.push((PUBLIC, z[PUBLIC as usize]));
                    z[PUBLIC as usize] = claimed(self.system, z);
                } else {
                    outcome.violated.push(row);
                    if outcome.violated.len() >= limit || stop(row) {
                        dirty.clear();
                        break;
                    }
                }
            }
        }
        outcome.other_statement |= z[PUBLIC as usize] != statement;
        for (wire, had) in log.into_iter().rev() {
            z[wire as usize] = had;
        }
        outcome
    }
}

/// The two balances of a pair.
pub fn halves(pair: Fr) -> (Fr, Fr) {
    let bits = low_bits(pair, 2 * SPACING);
    let number = |bits: &[bool]| bits.iter().rev().fold(Fr::zero(), |sum, bit| sum + sum + Fr::from(*bit));
    (number(&bits[..SPACING]), number(&bits[SPACING..]))
}

/// The hash that a row compares with the public input.
pub fn claimed(system: &System, z: &[Fr]) -> Fr {
    let row = (0..system.matrices.rows()).rev().find(|row| system.rule(*row) == STATEMENT).unwrap_or_default();
    // The row is (hash - public) * 1 = 0.
    system.matrices.evaluate(row, z)[0] + z[PUBLIC as usize]
}

/// Gauss and Jordan on a few equations; `wanted` are the unknowns.
fn solve(wanted: &[usize], equations: &[(Vec<(usize, Fr)>, Fr)], values: &mut [Option<Fr>]) {
    let n = wanted.len();
    let mut rows: Vec<Vec<Fr>> = equations
        .iter()
        .map(|(terms, rest)| {
            let mut row = vec![Fr::zero(); n + 1];
            for (unknown, c) in terms {
                if let Ok(column) = wanted.binary_search(unknown) {
                    row[column] += c;
                }
            }
            row[n] = *rest;
            row
        })
        .collect();
    for column in 0..n {
        let Some(found) = (column..n).find(|i| !rows[*i][column].is_zero()) else { return };
        rows.swap(column, found);
        let scale = rows[column][column].inverse().unwrap_or_default();
        rows[column].iter_mut().for_each(|x| *x *= scale);
        let pivot = rows[column].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != column) {
            let factor = row[column];
            if !factor.is_zero() {
                row.iter_mut().zip(&pivot).skip(column).for_each(|(x, p)| *x -= factor * p);
            }
        }
    }
    for (unknown, row) in wanted.iter().zip(&rows) {
        values[*unknown] = Some(row[n]);
    }
}
