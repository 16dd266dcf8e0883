//! What the public input binds: from it alone, treating a hash as fixing what is hashed, every chosen wire that has one value, and why the
//! others may have several. The same from any other value that somebody pins, such as the head of the deposit queue ([`fixed`]).
//!
//! This is made at an assignment. Two witnesses of one public input are compared, the audited one and any other: a wire is *bound* if it has the same value in both.
//! Rows are read with the values that bound wires have, for they are those of both witnesses: a factor that is bound and not zero makes a product an
//! equation, one that is zero makes it vanish. Sums of bounded numbers at distinct places fall apart into the numbers. Claims of gadgets hold where everything that they
//! rest on is bound. Two hashes of the same inputs are the same.
//!
//! For the public input nothing is given, neither places nor that stored leaves are well-formed: lemmas on the slots of an account rest on that, and are not used. For other
//! values places are: which slots hold a transaction, which fee token one uses, and which reason a refund has, once it is known that there is one.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, One, Zero};
use ruint::aliases::U256;

use super::bounds::{Bounds, half, integer};
use super::eliminate::Eliminator;
use super::lemmas;
use super::rows::{Rows, Terms};
use crate::cs::poseidon;
use crate::cs::{Claim, Lemma, ONE, PUBLIC, Wire};

/// Groups of more booleans than this are not looked through.
const GROUP: usize = 14;
/// Rules that only refuse: what they compare with binds nothing of a division.
const REFUSING: [&str; 2] = [
    "at least the signed minimum comes out",
    "liquidity moves no more than the signed maxima, no less than the signed minima",
];

/// What the public input binds.
#[derive(Debug, Default)]
pub struct Bound {
    /// Chosen wires with one value.
    pub bound: Vec<Wire>,
    /// Chosen wires that may have several.
    pub free: Vec<Wire>,
    /// Hashes that are not what they are marked as, by their index.
    pub wrong: Vec<usize>,
}

/// What is taken as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// Places, and that stored leaves are well-formed.
    State,
    /// Neither: places have to be bound, and no lemma on the slots of an account is used, as it rests on what stored leaves are.
    Nothing,
}

impl Given {
    fn allows(self, lemma: Lemma) -> bool {
        self == Self::State || !matches!(lemma, Lemma::DebitSlot | Lemma::CreditSlot)
    }
}

/// Works out what is bound at an assignment.
pub fn bound(rows: &Rows<'_>, bounds: &Bounds, z: &[Fr]) -> Bound {
    let marks = rows.system().marks();
    let at = |terms: &Terms| -> Fr { terms.iter().map(|(wire, c)| *c * z[*wire as usize]).sum() };
    let wrong = marks.hashes().iter().enumerate().filter(|(_, hash)| {
        let output = z[hash.output as usize];
        let values = |side: &[Terms]| side.iter().map(at).collect::<Vec<_>>();
        poseidon::of_layer(&values(&hash.layer)) != output
            || (!hash.inputs.is_empty() && tapstone_verifier::poseidon::hash(&values(&hash.inputs)) != output)
    });
    let wrong = wrong.map(|(i, _)| i).collect();
    let mut run = Run::new(rows, bounds, z, Given::Nothing);
    (PUBLIC..rows.system().instance as Wire).for_each(|input| run.solver.learn(input));
    run.all();
    let (bound, free) = marks.chosen().iter().map(|(wire, _)| *wire).partition(|wire| run.solver.knows(*wire));
    Bound { bound, free, wrong }
}

/// Which of these wires values by themselves fix at an assignment, given as the expressions that have them; nothing else is known, the public input neither.
pub fn fixed(rows: &Rows<'_>, bounds: &Bounds, z: &[Fr], values: &[Terms], wires: &[Wire]) -> Vec<bool> {
    let mut run = Run::new(rows, bounds, z, Given::State);
    for value in values {
        match value[..] {
            [(wire, _)] => run.solver.learn(wire),
            _ => run.equation(value.clone()),
        }
    }
    run.all();
    wires.iter().map(|wire| run.solver.knows(*wire)).collect()
}

impl<'r, 'a> Run<'r, 'a> {
    /// With nothing known.
    fn new(rows: &'r Rows<'a>, bounds: &'r Bounds, z: &'r [Fr], given: Given) -> Self {
        let marks = rows.system().marks();
        let mut run = Self {
            rows,
            bounds,
            z,
            given,
            solver: Eliminator::new(rows.system().wires),
            pushed: vec![false; rows.len()],
            sums: Vec::new(),
            waiting: BTreeMap::new(),
            places: vec![false; marks.places().len()],
            hashes: vec![false; marks.hashes().len()],
            twins: vec![false; marks.hashes().len()],
            claims: vec![false; marks.claims().len()],
            more: marks.bounds().iter().fold(BTreeMap::new(), |mut all: BTreeMap<Wire, Vec<_>>, bound| {
                all.entry(bound.wire).or_default().push(bound);
                all
            }),
            hash_of: marks.hashes().iter().enumerate().map(|(i, hash)| (hash.output, i)).collect(),
        };
        run.solver.learn(ONE);
        run
    }
}

struct Run<'r, 'a> {
    rows: &'r Rows<'a>,
    bounds: &'r Bounds,
    z: &'r [Fr],
    given: Given,
    solver: Eliminator,
    /// Rows that gave what they can.
    pushed: Vec<bool>,
    /// Sums of bounded numbers that may fall apart once more is known.
    sums: Vec<Terms>,
    /// Sums by a number without a bound.
    waiting: BTreeMap<Wire, Vec<Terms>>,
    /// Which places were given.
    places: Vec<bool>,
    hashes: Vec<bool>,
    twins: Vec<bool>,
    claims: Vec<bool>,
    more: BTreeMap<Wire, Vec<&'r crate::cs::Bound>>,
    hash_of: BTreeMap<Wire, usize>,
}

impl Run<'_, '_> {
    /// Until nothing new follows.
    fn all(&mut self) {
        let mut queue: BTreeSet<usize> = (0..self.rows.len()).filter(|row| self.rows.has(*row)).collect();
        loop {
            while let Some(row) = queue.pop_first() {
                self.row(row);
                self.heed(&mut queue);
            }
            // What no single wire tells: claims, hashes alike, sums, and rows whose sides are known as a whole.
            let before = self.progress();
            self.places();
            self.claims();
            self.twins();
            for sum in std::mem::take(&mut self.sums) {
                self.sum(sum);
            }
            self.heed(&mut queue);
            if queue.is_empty() && self.progress() == before {
                for row in 0..self.rows.len() {
                    if self.rows.has(row) && !self.pushed[row] {
                        self.row_as_a_whole(row);
                    }
                }
                self.heed(&mut queue);
                if queue.is_empty() && self.progress() == before {
                    return;
                }
            }
        }
    }

    /// Anything that changes when something is learnt.
    fn progress(&self) -> (usize, usize, usize) {
        let count = |done: &[bool]| done.iter().filter(|done| **done).count();
        (count(&self.pushed), count(&self.twins) + count(&self.claims) + count(&self.places), count(&self.hashes))
    }

    /// Looks at rows and hashes of what became known.
    fn heed(&mut self, queue: &mut BTreeSet<usize>) {
        loop {
            let news = self.solver.take_news();
            if news.is_empty() {
                return;
            }
            for wire in news {
                queue.extend(self.rows.of(wire).filter(|row| !self.pushed[*row]));
                for sum in self.waiting.remove(&wire).unwrap_or_default() {
                    self.sum(sum);
                }
                if let Some(i) = self.hash_of.get(&wire).copied()
                    && !std::mem::replace(&mut self.hashes[i], true)
                {
                    for input in &self.rows.system().marks().hashes()[i].inputs {
                        self.equation(input.clone());
                    }
                }
            }
        }
    }

    fn value(&self, terms: &Terms) -> Fr {
        terms.iter().map(|(wire, c)| *c * self.z[*wire as usize]).sum()
    }

    fn is_known(&self, side: usize, row: usize) -> bool {
        self.rows.terms(side, row).all(|(wire, _)| self.solver.knows(wire))
    }

    fn row(&mut self, row: usize) {
        if self.pushed[row] {
            return;
        }
        for (known, other) in [(0, 1), (1, 0)] {
            if self.is_known(known, row) {
                return self.product(row, known, other);
            }
        }
    }

    /// As [`Run::row`], where the solver knows a side without knowing its wires.
    fn row_as_a_whole(&mut self, row: usize) {
        for (known, other) in [(0, 1), (1, 0)] {
            let terms = self.rows.side(known, row);
            if terms.len() <= 64 && self.solver.is_known(&terms) {
                return self.product(row, known, other);
            }
        }
    }

    /// A row of which one factor is known: `k * other = c`.
    fn product(&mut self, row: usize, known: usize, other: usize) {
        self.pushed[row] = true;
        let k = self.value(&self.rows.side(known, row));
        let mut terms: Terms = self.rows.terms(2, row).map(|(wire, c)| (wire, -c)).collect();
        if !k.is_zero() {
            terms.extend(self.rows.terms(other, row).map(|(wire, c)| (wire, c * k)));
        }
        self.equation(terms);
    }

    /// An expression whose value is known.
    fn equation(&mut self, terms: Terms) {
        // What the equations before it leave of it may be bounded where it is not.
        let rest: Terms = self.solver.rest(&terms).into_iter().collect();
        self.solver.push(rest.clone());
        self.sum(rest);
        self.sum(terms);
    }

    /// A sum of bounded numbers that is known: it falls apart at places that no carry crosses.
    fn sum(&mut self, terms: Terms) {
        let mut open: BTreeMap<Wire, Fr> = BTreeMap::new();
        for (wire, c) in terms.iter().filter(|(wire, _)| !self.solver.knows(*wire)) {
            *open.entry(*wire).or_default() += c;
        }
        open.retain(|_, c| !c.is_zero());
        if open.len() < 2 {
            return;
        }
        match self.split(open) {
            None => {}
            Some(unbounded) if self.more.contains_key(&unbounded) => self.sums.push(terms),
            Some(unbounded) => self.waiting.entry(unbounded).or_default().push(terms),
        }
    }

    /// Numbers whose sum is known fall apart; or, one of them that has no bound.
    fn split(&mut self, mut merged: BTreeMap<Wire, Fr>) -> Option<Wire> {
        let mut open: Vec<(U256, Terms, U256)> = Vec::new();
        // A number times a negative factor is as good as what it lacks to its bound times the positive one.
        let positive = |c: Fr| integer(c).min(integer(-c));
        for (sum, factor, most) in self.bounds.counted(&mut merged) {
            let terms = sum.into_iter().map(|(wire, c)| (wire, c * factor)).collect();
            open.push((positive(factor), terms, most));
        }
        for (wire, c) in &merged {
            let Some(most) = self.most(*wire) else { return Some(*wire) };
            open.push((positive(*c), vec![(*wire, *c)], most));
        }
        open.sort_unstable_by(|a, b| (a.0, a.1[0].0).cmp(&(b.0, b.1[0].0)));
        // How fine the numbers from each on are.
        let mut fine: Vec<usize> = open.iter().map(|(factor, ..)| factor.trailing_zeros()).collect();
        for i in (1..fine.len()).rev() {
            fine[i - 1] = fine[i - 1].min(fine[i]);
        }
        let mut most = U256::ZERO;
        let mut groups: Vec<Terms> = Vec::new();
        for ((factor, terms, most_of_one), fine) in open.into_iter().zip(fine) {
            let own = most_of_one.checked_mul(factor)?;
            // What lies below cannot reach the lowest bit of this one and of all that follow.
            let apart = most.bit_len() <= fine;
            match groups.last_mut() {
                Some(group) if !apart => group.extend(terms),
                _ => groups.push(terms),
            }
            most = most.checked_add(own).filter(|sum| *sum < half())?;
        }
        for group in groups {
            if let [(wire, _)] = group[..] {
                self.solver.learn(wire);
                continue;
            }
            self.solver.push(group.clone());
            self.look_through(&group);
            let open: Vec<Wire> = group.iter().map(|(wire, _)| *wire).filter(|wire| !self.solver.knows(*wire)).collect();
            for wire in open {
                self.waiting.entry(wire).or_default().push(group.clone());
            }
        }
        None
    }

    /// The greatest value of a wire.
    fn most(&self, wire: Wire) -> Option<U256> {
        if let Some(most) = self.bounds.most(wire) {
            return Some(most);
        }
        let claims = self.rows.system().marks().claims();
        self.more.get(&wire)?.iter().find_map(|bound| {
            let holds = self.solver.is_known(&bound.condition) && self.value(&bound.condition).is_one();
            let claim = claims.get(bound.claim).filter(|claim| self.given.allows(claim.lemma));
            let stands = holds && claim.is_some_and(|claim| lemmas::stands(self.rows, claim));
            // For a number that may be negative, how far apart two values can be: nothing else matters to a carry.
            stands.then(|| (U256::from(1) << (bound.bits + usize::from(bound.signed))) - U256::from(1))
        })
    }

    /// A sum of few booleans: all that the rows allow are looked through, and what is the same in all of them is known.
    fn look_through(&mut self, group: &[(Wire, Fr)]) {
        let wires: Vec<Wire> = group.iter().map(|(wire, _)| *wire).collect();
        if wires.len() > GROUP || !wires.iter().all(|wire| self.rows.is_boolean(*wire)) {
            return;
        }
        let honest: Fr = self.value(&group.to_vec());
        let inside: HashSet<Wire> = wires.iter().copied().collect();
        // Rows that read nothing but the group and what is known.
        let near: BTreeSet<usize> = wires.iter().flat_map(|wire| self.rows.of(*wire)).collect();
        let near: Vec<[Terms; 3]> = near
            .into_iter()
            .filter(|row| {
                (0..3).all(|side| self.rows.terms(side, *row).all(|(w, _)| inside.contains(&w) || self.solver.knows(w)))
            })
            .map(|row| [0, 1, 2].map(|side| self.rows.side(side, row)))
            .collect();
        let holds = |bits: u32| {
            let at = |terms: &Terms| -> Fr {
                let value = |wire: Wire| match wires.iter().position(|w| *w == wire) {
                    Some(i) if (bits >> i) & 1 == 1 => Fr::one(),
                    Some(_) => Fr::zero(),
                    None => self.z[wire as usize],
                };
                terms.iter().map(|(wire, c)| *c * value(*wire)).sum()
            };
            near.iter().all(|[a, b, c]| at(a) * at(b) == at(c))
        };
        // In the order of Gray's code one boolean changes at a time.
        let (mut bits, mut sum) = (0u32, Fr::zero());
        let mut solutions: Vec<u32> = Vec::new();
        for step in 1..=1u32 << wires.len() {
            if sum == honest && holds(bits) {
                solutions.push(bits);
            }
            let at = step.trailing_zeros() as usize;
            if let Some((_, c)) = group.get(at) {
                bits ^= 1 << at;
                if (bits >> at) & 1 == 1 { sum += c } else { sum -= c }
            }
        }
        for equation in alike(&solutions, wires.len()) {
            let terms = wires.iter().zip(equation).filter(|(_, c)| !c.is_zero()).map(|(wire, c)| (*wire, c)).collect();
            self.solver.push(terms);
        }
    }

    /// Places that may be given by now.
    fn places(&mut self) {
        if self.given == Given::Nothing {
            return;
        }
        for (i, place) in self.rows.system().marks().places().iter().enumerate() {
            if !self.places[i] && self.solver.is_known(&place.once) {
                self.places[i] = true;
                self.equation(place.terms.clone());
            }
        }
    }

    /// Claims whose ground is known.
    fn claims(&mut self) {
        let claims = self.rows.system().marks().claims();
        for (i, claim) in claims.iter().enumerate() {
            if !self.claims[i]
                && self.given.allows(claim.lemma)
                && self.is_ground_known(claim)
                && lemmas::stands(self.rows, claim)
            {
                self.claims[i] = true;
                claim.gives.iter().for_each(|wire| self.solver.learn(*wire));
            }
        }
    }

    /// Whether all that the rows of a claim read is known, but for what they make.
    fn is_ground_known(&self, claim: &Claim) -> bool {
        let first = claim.gives.iter().min().copied().unwrap_or(0);
        let is_open = |wire: Wire| wire < first && !self.solver.knows(wire);
        claim.rows.clone().filter(|row| self.rows.has(*row)).all(|row| {
            if claim.lemma == Lemma::Division && REFUSING.contains(&self.rows.system().rule(row)) {
                return true;
            }
            // A factor that is known to be zero makes the other one idle.
            let idle = |side: usize| self.is_known(side, row) && self.value(&self.rows.side(side, row)).is_zero();
            let reads = |side: usize| self.rows.terms(side, row).any(|(wire, _)| is_open(wire));
            !(reads(2) || (reads(0) && !idle(1)) || (reads(1) && !idle(0)))
        })
    }

    /// Neighbours that hash the same have the same hash.
    fn twins(&mut self) {
        let hashes = self.rows.system().marks().hashes();
        for (i, pair) in hashes.windows(2).enumerate() {
            let [one, two] = pair else { continue };
            if self.twins[i] || one.layer.len() != two.layer.len() {
                continue;
            }
            let are_same = |a: &[Terms], b: &[Terms]| {
                a.len() == b.len() && !a.is_empty() && a.iter().zip(b).all(|(a, b)| self.is_same(a, b))
            };
            if are_same(&one.inputs, &two.inputs) || are_same(&one.layer, &two.layer) {
                self.twins[i] = true;
                self.equation(vec![(one.output, Fr::one()), (two.output, -Fr::one())]);
            }
        }
    }

    /// Whether two expressions are known to have the same value.
    fn is_same(&self, a: &Terms, b: &Terms) -> bool {
        let mut terms = a.clone();
        terms.extend(b.iter().map(|(wire, c)| (*wire, -*c)));
        self.value(&terms).is_zero() && self.solver.is_known(&terms)
    }
}

/// The linear equations that all these choices of booleans satisfy.
fn alike(solutions: &[u32], n: usize) -> Vec<Vec<Fr>> {
    let Some(first) = solutions.first() else { return Vec::new() };
    // Rows: differences from the first. Their null space are the equations.
    let mut rows: Vec<Vec<Fr>> = Vec::new();
    let mut pivots: Vec<usize> = Vec::new();
    for other in &solutions[1..] {
        let bit = |x: u32, i: usize| Fr::from((x >> i) & 1);
        let mut row: Vec<Fr> = (0..n).map(|i| bit(*other, i) - bit(*first, i)).collect();
        for (had, pivot) in rows.iter().zip(&pivots) {
            let k = row[*pivot];
            row.iter_mut().zip(had).for_each(|(x, y)| *x -= k * y);
        }
        let Some(pivot) = row.iter().position(|x| !x.is_zero()) else { continue };
        let scale = ark_ff::Field::inverse(&row[pivot]).unwrap_or(Fr::ZERO);
        row.iter_mut().for_each(|x| *x *= scale);
        for had in &mut rows {
            let k = had[pivot];
            had.iter_mut().zip(&row).for_each(|(x, y)| *x -= k * y);
        }
        rows.push(row);
        pivots.push(pivot);
    }
    let free = (0..n).filter(|i| !pivots.contains(i));
    free.map(|i| {
        let mut equation = vec![Fr::zero(); n];
        equation[i] = Fr::one();
        for (row, pivot) in rows.iter().zip(&pivots) {
            equation[*pivot] = -row[i];
        }
        equation
    })
    .collect()
}
