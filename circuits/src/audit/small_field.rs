//! Rows over a small prime field, and all their solutions.
//!
//! The rows are those that a gadget records for numbers of few bits, with each coefficient read as what it is: a small integer, positive or
//! negative, perhaps divided by one that the caller names. Of given values for the chosen wires every solution is found: a wire that a row
//! leaves one value gets it, and where none is left the search tries all values of some wire, few of them where a boolean or a range says so.

use std::collections::BTreeSet;

use ark_bn254::Fr;
use ark_ff::{BigInteger, One, PrimeField};

use super::rows::Rows;
use crate::cs::{Expression, Num, ONE, Wire};

/// Not known yet.
const OPEN: u32 = u32::MAX;

type Terms = Vec<(u32, u32)>;

/// What must hold.
#[derive(Debug)]
enum Rule {
    /// A row.
    Row([Terms; 3]),
    /// The expression is one of the numbers below this one. Stands for the rows of a range whose bits nothing else reads.
    Below(Terms, u32),
}

/// Rows over a small prime field.
#[derive(Debug)]
pub struct SmallSystem {
    p: u32,
    wires: usize,
    rules: Vec<Rule>,
    of_wire: Vec<Vec<u32>>,
    /// A square root of each square.
    roots: Vec<u32>,
    /// Widths of the ranges that stand for their rows.
    ranges: BTreeSet<u32>,
}

/// What the known wires make of a rule.
enum Effect {
    Holds,
    Fails,
    /// The wire has this value.
    Is(u32, u32),
    /// The wire has one of two values.
    Either(u32, u32, u32),
    /// The wire times the second number, plus the third, is below the fourth.
    Within(u32, u32, u32, u32),
    /// More than one wire is open.
    Open(u32),
}

/// A coefficient in the small field: `None` if it is no small integer, and none divided by `divisor`.
fn small(c: Fr, divisor: u64, p: u32) -> Option<u32> {
    let integer = |c: Fr| {
        let read = |c: Fr| {
            let big = c.into_bigint();
            (big.num_bits() <= 40).then(|| (big.0[0] % u64::from(p)) as u32)
        };
        read(c).or_else(|| read(-c).map(|n| (p - n) % p))
    };
    integer(c).or_else(|| {
        let inverse = power((divisor % u64::from(p)) as u32, p - 2, p);
        integer(c * Fr::from(divisor)).map(|n| times(n, inverse, p))
    })
}

fn times(a: u32, b: u32, p: u32) -> u32 {
    (u64::from(a) * u64::from(b) % u64::from(p)) as u32
}

fn plus(a: u32, b: u32, p: u32) -> u32 {
    (a + b) % p
}

fn minus(a: u32, b: u32, p: u32) -> u32 {
    (a + p - b) % p
}

fn power(mut base: u32, mut exponent: u32, p: u32) -> u32 {
    let mut product = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            product = times(product, base, p);
        }
        base = times(base, base, p);
        exponent >>= 1;
    }
    product
}

impl SmallSystem {
    /// The rows modulo a prime below `2^16`; `None` if a coefficient means nothing there. With `whole_ranges` the bits of a range that nothing else reads
    /// are not searched: that they exist for the numbers of the range, and for no others, is searched for on its own.
    pub fn new(rows: &Rows<'_>, p: u32, divisor: u64, whole_ranges: bool) -> Option<Self> {
        let wires = rows.system().wires;
        let mut rules = Vec::new();
        let mut ranges = BTreeSet::new();
        let mut inside: BTreeSet<usize> = BTreeSet::new();
        let map = |terms: Vec<(Wire, Fr)>| -> Option<Terms> {
            terms.into_iter().map(|(wire, c)| small(c, divisor, p).map(|c| (wire, c))).collect()
        };
        if whole_ranges {
            for row in (0..rows.len()).filter(|row| rows.has(*row)) {
                if let Some((bits, number)) = range(rows, row) {
                    let width = bits.len() as u32 + 1;
                    inside.insert(row);
                    inside.extend(bits.iter().flat_map(|bit| rows.of(*bit)));
                    ranges.insert(width);
                    rules.push(Rule::Below(map(number)?, 1u32.checked_shl(width).filter(|limit| *limit <= p)?));
                }
            }
        }
        for row in (0..rows.len()).filter(|row| rows.has(*row) && !inside.contains(row)) {
            rules.push(Rule::Row([map(rows.side(0, row))?, map(rows.side(1, row))?, map(rows.side(2, row))?]));
        }
        let mut of_wire = vec![Vec::new(); wires];
        for (i, rule) in rules.iter().enumerate() {
            let terms: Vec<u32> = match rule {
                Rule::Row(sides) => sides.iter().flatten().map(|(wire, _)| *wire).collect(),
                Rule::Below(terms, _) => terms.iter().map(|(wire, _)| *wire).collect(),
            };
            for wire in terms.into_iter().collect::<BTreeSet<u32>>() {
                of_wire[wire as usize].push(i as u32);
            }
        }
        let mut roots = vec![OPEN; p as usize];
        for x in (0..p).rev() {
            roots[times(x, x, p) as usize] = x;
        }
        Some(Self { p, wires, rules, of_wire, roots, ranges })
    }

    /// The prime.
    pub fn prime(&self) -> u32 {
        self.p
    }

    /// The widths of ranges whose bits are not searched.
    pub fn ranges(&self) -> impl Iterator<Item = u32> + '_ {
        self.ranges.iter().copied()
    }

    /// A linear expression in the small field.
    pub fn expression(&self, num: &Num, divisor: u64) -> Option<Vec<(u32, u32)>> {
        num.terms().iter().map(|(wire, c)| small(*c, divisor, self.p).map(|c| (*wire, c))).collect()
    }

    /// The value of an expression.
    pub fn value(&self, terms: &[(u32, u32)], values: &[u32]) -> u32 {
        terms.iter().fold(0, |sum, (wire, c)| plus(sum, times(*c, values[*wire as usize], self.p), self.p))
    }
}

/// The bits above the lowest one, and the number, of a range that ends in this row; `None` if something else reads the bits.
fn range(rows: &Rows<'_>, row: usize) -> Option<(Vec<Wire>, Expression)> {
    let lowest = rows.boolean_terms(row)?;
    // lowest = number - 2 b_1 - 4 b_2 - ..., the bits made by the rows just before.
    let (mut bits, mut weight) = (Vec::new(), Fr::from(2u64));
    let own = |wire: Wire| {
        rows.is_boolean(wire) && !rows.is_chosen(wire) && rows.of(wire).count() == 2 && rows.of(wire).any(|r| r == row)
    };
    let mut rest: Vec<(Wire, Fr)> = lowest.clone();
    while let Some(at) = rest.iter().position(|(wire, c)| *c == -weight && own(*wire)) {
        bits.push(rest.remove(at).0);
        weight += weight;
    }
    let is_alone = bits.is_empty() && matches!(rest[..], [(wire, c)] if c.is_one() && wire != ONE);
    (!is_alone && !rest.is_empty()).then_some((bits, rest))
}

/// What a search found for some values of the chosen wires.
#[derive(Debug, Default)]
pub struct Solutions {
    /// How many, wires without effect left open.
    pub count: usize,
    /// The first one.
    pub first: Vec<u32>,
    /// Wires that have another value in another one.
    pub vary: BTreeSet<u32>,
}

/// Looks for solutions.
#[derive(Debug)]
pub struct Solver<'a> {
    system: &'a SmallSystem,
    values: Vec<u32>,
    trail: Vec<u32>,
    /// Steps taken, for the report.
    pub steps: u64,
}

impl<'a> Solver<'a> {
    /// Sets out.
    pub fn new(system: &'a SmallSystem) -> Self {
        let mut values = vec![OPEN; system.wires];
        values[ONE as usize] = 1;
        Self { system, values, trail: Vec::new(), steps: 0 }
    }

    /// All solutions with these wires as they are.
    pub fn solve(&mut self, given: impl IntoIterator<Item = (u32, u32)>) -> Solutions {
        let mut found = Solutions::default();
        let mut queue: Vec<u32> = Vec::new();
        let mut stands = true;
        for (wire, value) in given {
            stands &= self.set(wire, value, &mut queue);
        }
        // Rules without a wire of their own are looked at as well.
        queue.extend(0..self.system.rules.len() as u32);
        if stands && self.spread(queue) {
            self.branch(&mut found);
        }
        self.undo(0);
        found
    }

    fn set(&mut self, wire: u32, value: u32, queue: &mut Vec<u32>) -> bool {
        let had = self.values[wire as usize];
        if had != OPEN {
            return had == value;
        }
        self.values[wire as usize] = value;
        self.trail.push(wire);
        queue.extend(&self.system.of_wire[wire as usize]);
        true
    }

    fn undo(&mut self, to: usize) {
        for wire in self.trail.drain(to..) {
            self.values[wire as usize] = OPEN;
        }
    }

    /// Gives values to what has one left; false if a rule fails.
    fn spread(&mut self, mut queue: Vec<u32>) -> bool {
        while let Some(rule) = queue.pop() {
            self.steps += 1;
            match self.effect(rule as usize) {
                Effect::Fails => return false,
                Effect::Is(wire, value) if !self.set(wire, value, &mut queue) => return false,
                _ => {}
            }
        }
        true
    }

    fn branch(&mut self, found: &mut Solutions) {
        let p = self.system.p;
        let mut best: Option<(u32, Effect)> = None;
        for rule in 0..self.system.rules.len() {
            let (choices, effect) = match self.effect(rule) {
                effect @ Effect::Either(..) => (2, effect),
                effect @ Effect::Within(_, _, _, limit) => (limit, effect),
                effect @ Effect::Open(_) => (p, effect),
                _ => continue,
            };
            if best.as_ref().is_none_or(|(least, _)| choices < *least) {
                best = Some((choices, effect));
                if choices == 2 {
                    break;
                }
            }
        }
        let (wire, options): (u32, Vec<u32>) = match best {
            None => return self.note(found),
            Some((_, Effect::Either(wire, a, b))) => (wire, vec![a, b]),
            Some((_, Effect::Within(wire, c, k, limit))) => {
                let inverse = power(c, p - 2, p);
                (wire, (0..limit).map(|n| times(minus(n, k, p), inverse, p)).collect())
            }
            Some((_, Effect::Open(wire))) => (wire, (0..p).collect()),
            Some(_) => return,
        };
        let mark = self.trail.len();
        for value in options {
            let mut queue = Vec::new();
            if self.set(wire, value, &mut queue) && self.spread(queue) {
                self.branch(found);
            }
            self.undo(mark);
        }
    }

    fn note(&mut self, found: &mut Solutions) {
        if found.count == 0 {
            found.first.clone_from(&self.values);
        } else {
            let differ = found.first.iter().zip(&self.values).enumerate().filter(|(_, (a, b))| a != b);
            found.vary.extend(differ.map(|(wire, _)| wire as u32));
        }
        found.count += 1;
    }

    /// The known part of a side, and what is open: how many terms, and two of them.
    fn side(&self, terms: &Terms) -> (u32, usize, [(u32, u32); 2]) {
        let (mut sum, mut open, mut kept) = (0u64, 0, [(0, 0); 2]);
        for (wire, c) in terms {
            let value = self.values[*wire as usize];
            if value == OPEN {
                if open < 2 {
                    kept[open] = (*wire, *c);
                }
                open += 1;
            } else {
                sum += u64::from(value) * u64::from(*c);
            }
        }
        ((sum % u64::from(self.system.p)) as u32, open, kept)
    }

    fn effect(&self, rule: usize) -> Effect {
        let p = self.system.p;
        match &self.system.rules[rule] {
            Rule::Below(terms, limit) => match self.side(terms) {
                (sum, 0, _) if sum < *limit => Effect::Holds,
                (_, 0, _) => Effect::Fails,
                (sum, 1, [(wire, c), _]) => Effect::Within(wire, c, sum, *limit),
                (_, _, [(wire, _), _]) => Effect::Open(wire),
            },
            Rule::Row([a, b, c]) => {
                let (a, b, c) = (self.side(a), self.side(b), self.side(c));
                if a.1 == 0 {
                    linear(a.0, b, c, p)
                } else if b.1 == 0 {
                    linear(b.0, a, c, p)
                } else {
                    self.product(a, b, c)
                }
            }
        }
    }

    /// A product of two expressions that are both open.
    fn product(
        &self,
        a: (u32, usize, [(u32, u32); 2]),
        b: (u32, usize, [(u32, u32); 2]),
        c: (u32, usize, [(u32, u32); 2]),
    ) -> Effect {
        let p = self.system.p;
        let wire = a.2[0].0;
        if a.1 != 1 || b.1 != 1 || b.2[0].0 != wire || c.1 > 1 || (c.1 == 1 && c.2[0].0 != wire) {
            return Effect::Open(wire);
        }
        let (a1, b1) = (a.2[0].1, b.2[0].1);
        let c1 = if c.1 == 1 { c.2[0].1 } else { 0 };
        // k2 x^2 + k1 x + k0 = 0, and k2 is not zero.
        let k2 = times(a1, b1, p);
        let k1 = minus(plus(times(a.0, b1, p), times(a1, b.0, p), p), c1, p);
        let k0 = minus(times(a.0, b.0, p), c.0, p);
        let discriminant = minus(times(k1, k1, p), times(4 % p, times(k2, k0, p), p), p);
        let root = self.system.roots[discriminant as usize];
        if root == OPEN {
            return Effect::Fails;
        }
        let half = power(times(2, k2, p), p - 2, p);
        let x = |root: u32| times(minus(root, k1, p), half, p);
        if root == 0 { Effect::Is(wire, x(0)) } else { Effect::Either(wire, x(root), x(p - root)) }
    }
}

/// `k * x = y`.
fn linear(k: u32, x: (u32, usize, [(u32, u32); 2]), y: (u32, usize, [(u32, u32); 2]), p: u32) -> Effect {
    let known = minus(y.0, times(k, x.0, p), p);
    let x_open = if k == 0 { 0 } else { x.1 };
    match (x_open, y.1) {
        (0, 0) if known == 0 => Effect::Holds,
        (0, 0) => Effect::Fails,
        // k c w = known, or -c w = known.
        (1, 0) => Effect::Is(x.2[0].0, times(known, power(times(k, x.2[0].1, p), p - 2, p), p)),
        (0, 1) => Effect::Is(y.2[0].0, times(minus(0, known, p), power(y.2[0].1, p - 2, p), p)),
        (1, 1) if x.2[0].0 == y.2[0].0 => {
            let c = minus(times(k, x.2[0].1, p), y.2[0].1, p);
            if c != 0 {
                Effect::Is(x.2[0].0, times(known, power(c, p - 2, p), p))
            } else if known == 0 {
                Effect::Holds
            } else {
                Effect::Fails
            }
        }
        (0, _) => Effect::Open(y.2[0].0),
        _ => Effect::Open(x.2[0].0),
    }
}
