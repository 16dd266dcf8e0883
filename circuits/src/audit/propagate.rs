//! Uniqueness, wire by wire: what follows from the chosen wires, by which row, and why no other value would do.
//!
//! This is an argument about the matrices alone, for all assignments at once. A row determines a wire if all its other wires are known and
//! the coefficient of the wire is a constant that is not zero, or a wire of which a [`Lemma`] says so. Bits, zero tests
//! and inverses are recognised by their rows; where a gadget rests on more than rows, it makes a [`Claim`](crate::cs::Claim), and the rows that the lemma
//! needs must be there.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::eliminate::Eliminator;
use super::lemmas;
use super::rows::{Rows, Terms};
use crate::cs::{Lemma, ONE, Wire};

/// Why a wire has one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Linear equations with constant coefficients whose other wires are known.
    Linear,
    /// One of the bits of a known number: booleans with weights of distinct powers of two, too few to wrap around the field.
    Bits,
    /// Whether a known number is zero: `x i = 1 - z` and `x z = 0`.
    ZeroTest,
    /// An inverse, or anything where zero is inverted; only the row that makes it reads it.
    Inverse,
    /// A quotient whose divisor is not zero by a lemma.
    Quotient(Lemma),
    /// A claim of a gadget.
    Claim(Lemma),
}

impl Reason {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear equations with constant coefficients",
            Self::Bits => "bits of a known number",
            Self::ZeroTest => "zero test",
            Self::Inverse => "inverse that nothing else reads",
            Self::Quotient(lemma) | Self::Claim(lemma) => lemma.name(),
        }
    }
}

/// What propagation reached.
#[derive(Debug, Default)]
pub struct Propagation {
    /// How many wires each reason gave.
    pub reached: BTreeMap<Reason, usize>,
    /// Wires that are free where they are multiplied by zero: inverses, which only the row that makes them reads.
    pub harmless: Vec<Wire>,
    /// The rows that determine nothing: what they say is an assertion.
    pub assertions: Vec<usize>,
    /// Computed wires that nothing determines.
    pub unreached: Vec<Wire>,
    /// Claims whose rows are not those that their lemma rests on, by their index.
    pub broken_claims: Vec<usize>,
}

/// Propagates from the chosen wires.
pub fn propagate(rows: &Rows<'_>) -> Propagation {
    let mut run = Run {
        rows,
        solver: Eliminator::new(rows.system().wires),
        used: vec![false; rows.len()],
        done: Propagation::default(),
    };
    for wire in (0..rows.system().wires as Wire).filter(|wire| rows.is_chosen(*wire)) {
        run.solver.learn(wire);
    }
    run.solver.take_news();
    let claims = rows.system().marks().claims();
    let mut starts: Vec<usize> = (0..claims.len()).collect();
    starts.sort_by_key(|i| claims[*i].rows.start);
    let mut starts = starts.into_iter().peekable();
    let mut again: Vec<usize> = Vec::new();
    for row in 0..rows.len() {
        while let Some(i) = starts.next_if(|i| claims[*i].rows.start == row) {
            if lemmas::stands(rows, &claims[i]) {
                run.learn_all(&claims[i].gives, Reason::Claim(claims[i].lemma));
            } else {
                run.done.broken_claims.push(i);
            }
        }
        run.row(row);
        loop {
            again.extend(run.solver.take_news().into_iter().flat_map(|wire| rows.of(wire)).filter(|r| *r < row));
            let Some(earlier) = again.pop() else { break };
            run.row(earlier);
        }
    }
    let unreached = rows.computed().filter(|wire| !run.solver.knows(*wire)).collect();
    let assertions = (0..rows.len()).filter(|row| rows.has(*row) && !run.used[*row]).collect();
    run.done.harmless.sort_unstable();
    Propagation { unreached, assertions, ..run.done }
}

struct Run<'r, 'a> {
    rows: &'r Rows<'a>,
    solver: Eliminator,
    /// Rows that determined something, or wait to do so.
    used: Vec<bool>,
    done: Propagation,
}

impl Run<'_, '_> {
    fn learn_all(&mut self, wires: &[Wire], reason: Reason) {
        for wire in wires {
            if !self.solver.knows(*wire) {
                self.solver.learn(*wire);
                *self.done.reached.entry(reason).or_default() += 1;
                if reason == Reason::Inverse {
                    self.done.harmless.push(*wire);
                }
            }
        }
    }

    fn unknown(&self, side: usize, row: usize) -> Terms {
        self.rows.terms(side, row).filter(|(wire, _)| !self.solver.knows(*wire)).collect()
    }

    fn row(&mut self, row: usize) {
        if !self.rows.has(row) {
            return;
        }
        let [a, b, c] = [0, 1, 2].map(|side| self.unknown(side, row));
        if a.is_empty() && b.is_empty() && c.is_empty() {
            return;
        }
        if a.is_empty() && b.is_empty() {
            self.used[row] = true;
            self.equation(c);
        } else if let Some(k) = self.constant(1, row) {
            self.used[row] = true;
            self.equation(minus(a, &c, k));
        } else if let Some(k) = self.constant(0, row) {
            self.used[row] = true;
            self.equation(minus(b, &c, k));
        } else if self.rows.boolean_terms(row).is_some() {
            // x - sum of 2^i b_i is 0 or 1.
            if self.are_bits(&b, 1) {
                self.used[row] = true;
                self.learn_all(&wires(&b), Reason::Bits);
            }
        } else if let ([], [(wire, _)], [], Some(Lemma::Distance)) =
            (&a[..], &b[..], &c[..], self.rows.system().marks().divisor(row))
        {
            self.used[row] = true;
            self.learn_all(&[*wire], Reason::Quotient(Lemma::Distance));
        } else if let ([], [(wire, _)]) = (&a[..], &b[..]) {
            self.inverse(row, *wire, &c);
        } else if let ([(wire, _)], [], []) = (&a[..], &b[..], &c[..])
            && let Some(lemma) = self.rows.system().marks().divisor(row)
            && (lemma != Lemma::Checked || lemmas::is_checked(self.rows, &self.rows.side(1, row)))
        {
            self.used[row] = true;
            self.learn_all(&[*wire], Reason::Quotient(lemma));
        }
    }

    /// The value of a side without wires.
    fn constant(&self, side: usize, row: usize) -> Option<Fr> {
        let mut sum = Fr::zero();
        for (wire, c) in self.rows.terms(side, row) {
            if wire != ONE {
                return None;
            }
            sum += c;
        }
        Some(sum)
    }

    fn equation(&mut self, terms: Terms) {
        if terms.len() > 1 && self.are_bits(&terms, 0) {
            self.learn_all(&wires(&terms), Reason::Bits);
            return;
        }
        let before = self.solver.take_news();
        self.solver.push(terms);
        let news = self.solver.take_news();
        *self.done.reached.entry(Reason::Linear).or_default() += news.len();
        // Both are looked at by the caller.
        self.solver.put_news(before.into_iter().chain(news));
    }

    /// Whether all are booleans whose weights are distinct powers of two from `2^lowest` to `2^252`, up to one sign.
    fn are_bits(&self, terms: &Terms, lowest: usize) -> bool {
        let Some((_, first)) = terms.first() else { return false };
        let sign = if lemmas::log2(*first).is_some() { Fr::one() } else { -Fr::one() };
        let mut powers: Vec<usize> = Vec::with_capacity(terms.len());
        for (wire, c) in terms {
            match lemmas::log2(*c * sign) {
                Some(power) if power >= lowest && self.rows.is_boolean(*wire) => powers.push(power),
                _ => return false,
            }
        }
        powers.sort_unstable();
        powers.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// `x * wire = c` with x known: an inverse, or a zero test.
    fn inverse(&mut self, row: usize, wire: Wire, c: &Terms) {
        if self.rows.of(wire).count() != 1 {
            return;
        }
        match c[..] {
            // An assertion that something is not zero: what it makes is of no use to anybody.
            [] => self.learn_all(&[wire], Reason::Inverse),
            [(zero, k)] if k == -Fr::one() => {
                let x = self.rows.side(0, row);
                let is_test = |r: usize| {
                    r != row
                        && self.rows.terms(2, r).next().is_none()
                        && self.rows.side(1, r) == [(zero, Fr::one())]
                        && self.rows.side(0, r) == x
                };
                if self.rows.side(2, row) == [(ONE, Fr::one()), (zero, k)] && self.rows.of(zero).any(is_test) {
                    self.used[row] = true;
                    self.learn_all(&[zero], Reason::ZeroTest);
                    self.learn_all(&[wire], Reason::Inverse);
                }
            }
            _ => {}
        }
    }
}

fn wires(terms: &Terms) -> Vec<Wire> {
    terms.iter().map(|(wire, _)| *wire).collect()
}

/// `k a - c`.
fn minus(mut a: Terms, c: &Terms, k: Fr) -> Terms {
    a.iter_mut().for_each(|(_, coefficient)| *coefficient *= k);
    a.extend(c.iter().map(|(wire, coefficient)| (*wire, -*coefficient)));
    a.retain(|(_, coefficient)| !coefficient.is_zero());
    a
}
