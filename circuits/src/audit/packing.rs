//! Packed elements: whether what every hash is of has one reading, for all assignments at once.
//!
//! An element that holds several fields is the sum of their values times powers of two. It has one reading if each field ends where the next one begins, and what keeps a field below its
//! end is a range: so each is held against the page ([`layout`](super::layout)), bit for bit. This
//! is what a commitment by itself fixes, whatever else is known: a deposit queue's head, a message, the root of withdrawals.
//!
//! Where an element depends on a boolean (one hash serves a digest and the queue), each case is read on its own, and the hash's tag has to tell which it is.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use ruint::aliases::U256;

use super::bounds::{Bounds, half, integer, take};
use super::layout::{ACCOUNT, Bits, Element, Field, POOL_READ, absorbed, role};
use super::lemmas;
use super::ranges;
use super::rows::{Rows, Terms};
use crate::circuit::pair::SLOT_PLACE;
use crate::cs::{Claim, Expression, Hash, Leaf, Lemma, MOST_BITS, ONE, Wire};
use crate::memory::transcript::RATE;
use crate::shape::Shape;

/// The name of what a batch absorbs.
const TRANSCRIPT: &str = "transcript";
/// The most booleans that are looked through for the greatest value of a sum.
const GROUP: usize = 14;

/// An element that does not have one reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub what: String,
    /// The wires.
    pub wires: Vec<Wire>,
}

/// What was found of the packed elements of a circuit.
#[derive(Debug, Default)]
pub struct Packing {
    /// How many elements hold more than one field, by the role of their hash.
    pub elements: BTreeMap<&'static str, usize>,
    /// The ranges, by their number, that keep fields of elements apart.
    pub ranges: BTreeSet<usize>,
    /// Elements that do not have one reading.
    pub faults: Vec<Fault>,
}

/// A number in an element: wires that stand together, its factor, and its greatest value; for one that may be negative, the width of its interval.
#[derive(Clone, Debug)]
struct Part {
    wires: Vec<Wire>,
    factor: U256,
    most: U256,
    is_flag: bool,
}

/// Reads all elements of all hashes.
pub fn packing(rows: &Rows<'_>, bounds: &Bounds, shape: &Shape) -> Packing {
    let marks = rows.system().marks();
    let in_use: Vec<&Expression> =
        marks.places().iter().filter(|place| place.what == SLOT_PLACE).map(|place| &place.terms).collect();
    let mut more: BTreeMap<Wire, (U256, bool)> = BTreeMap::new();
    for bound in marks.bounds() {
        // A slot that holds nothing publishes nothing, and nobody signs for it.
        let holds = bound.condition == [(ONE, Fr::one())] || in_use.contains(&&bound.condition);
        let stands = || marks.claims().get(bound.claim).is_some_and(|claim| lemmas::stands(rows, claim));
        if holds && stands() {
            let bits = bound.bits + usize::from(bound.signed);
            let mut most = (U256::from(1) << bits) - U256::from(1);
            // A token of a list is as wide as the list's own range says.
            let claim = &marks.claims()[bound.claim];
            if claim.lemma == Lemma::FeeEntry {
                match entries(rows, bounds, claim) {
                    Some(widest) => most = most.max(widest),
                    None => continue,
                }
            }
            more.insert(bound.wire, (most, bound.signed));
        }
    }
    let depth = shape.account_depth.into();
    let mut run = Run { rows, bounds, depth, more, booleans: BTreeMap::new(), done: Packing::default() };
    let mut of_role: BTreeMap<&'static str, usize> = BTreeMap::new();
    for hash in marks.hashes().iter().filter(|hash| !hash.inputs.is_empty()) {
        if hash.inputs.len() != RATE + 1 {
            run.hash(hash, &mut of_role);
        }
    }
    for leaf in marks.leaves() {
        run.leaf(leaf);
    }
    run.transcript(shape);
    run.done
}

/// The greatest value of an entry of the list that a fee's token is compared with: (entry - token) * hit = 0.
fn entries(rows: &Rows<'_>, bounds: &Bounds, claim: &Claim) -> Option<U256> {
    let is_compared = |row: &usize| {
        let hit = matches!(rows.side(1, *row)[..], [(hit, _)] if claim.gives.contains(&hit));
        hit && rows.terms(2, *row).next().is_none() && rows.terms(0, *row).all(|(wire, _)| wire != ONE)
    };
    let compared = claim.rows.clone().filter(|row| rows.has(*row)).filter(is_compared);
    let mut wires = compared.flat_map(|row| rows.side(0, row)).filter(|(_, c)| c.is_one());
    wires.try_fold(U256::ZERO, |most, (entry, _)| Some(most.max(bounds.most(entry)?)))
}

struct Run<'r, 'a> {
    rows: &'r Rows<'a>,
    bounds: &'r Bounds,
    depth: usize,
    /// Bounds that follow from claims.
    more: BTreeMap<Wire, (U256, bool)>,
    booleans: BTreeMap<Vec<(Wire, u64)>, Option<u64>>,
    done: Packing,
}

impl Run<'_, '_> {
    /// A leaf as an access reads it.
    fn leaf(&mut self, leaf: &Leaf) {
        let role = if leaf.is_account() { &ACCOUNT } else { &POOL_READ };
        for (element, terms) in role.elements.iter().zip(&leaf.read) {
            if let Element::Packed(fields) = element {
                *self.done.elements.entry(role.name).or_default() += usize::from(fields.len() > 1);
                self.element(role.name, fields, terms);
            }
        }
    }

    /// All that is absorbed, block by block, is what the page says.
    fn transcript(&mut self, shape: &Shape) {
        let rows = self.rows;
        let blocks = rows.system().marks().hashes().iter().filter(|hash| hash.inputs.len() == RATE + 1);
        let elements: Vec<&Terms> = blocks.flat_map(|hash| &hash.inputs[1..]).collect();
        let wanted = absorbed(shape);
        let is_filled_up = elements.iter().skip(wanted.len()).all(|terms| terms.is_empty());
        if elements.len() != wanted.len().next_multiple_of(RATE) || !is_filled_up {
            let what = format!("{} elements are absorbed, and the protocol has {}", elements.len(), wanted.len());
            return self.fault(TRANSCRIPT, &what, []);
        }
        for (terms, fields) in elements.into_iter().zip(&wanted) {
            if !fields.is_empty() {
                *self.done.elements.entry(TRANSCRIPT).or_default() += 1;
                self.element(TRANSCRIPT, fields, terms);
            }
        }
    }

    fn fault(&mut self, name: &str, what: &str, wires: impl IntoIterator<Item = Wire>) {
        self.done.faults.push(Fault { what: format!("{name}: {what}"), wires: wires.into_iter().collect() });
    }

    fn hash(&mut self, hash: &Hash, of_role: &mut BTreeMap<&'static str, usize>) {
        let is_pair = self.rows.of(hash.output).next().is_some_and(|row| self.rows.system().region(row).contains("(pair"));
        // The products that decide between readings, by the boolean that decides.
        let mut choices: Vec<(Terms, Vec<(Wire, Terms)>)> = Vec::new();
        for (wire, _) in hash.inputs.iter().flatten() {
            if let Some((read, flag)) = self.choice(*wire) {
                match choices.iter_mut().find(|(had, _)| *had == flag) {
                    Some((_, wires)) if wires.iter().all(|(had, _)| had != wire) => wires.push((*wire, read)),
                    Some(_) => {}
                    None => choices.push((flag, vec![(*wire, read)])),
                }
            }
        }
        // Whole elements may be chosen from several by what the other elements tell; those are no packed ones.
        let Some((flag, wires)) = choices.into_iter().find(|(flag, _)| reads(&hash.inputs[0], flag)) else {
            return self.reading(hash, &hash.inputs.clone(), is_pair, of_role);
        };
        for value in [Fr::zero(), Fr::one()] {
            let inputs: Vec<Terms> = hash.inputs.iter().map(|input| decided(input, &flag, &wires, value)).collect();
            self.reading(hash, &inputs, is_pair, of_role);
        }
    }

    /// If a wire is a product of something wide with a boolean expression: both.
    fn choice(&self, wire: Wire) -> Option<(Terms, Terms)> {
        if self.bounds.most(wire).is_some() || self.rows.is_chosen(wire) {
            return None;
        }
        self.rows.of(wire).find_map(|row| {
            let (a, b) = (self.rows.side(0, row), self.rows.side(1, row));
            let is_flag = !b.is_empty() && b.iter().all(|(read, _)| *read == ONE || self.rows.is_boolean(*read));
            let is_made = a.iter().chain(&b).all(|(read, _)| *read < wire);
            (self.rows.side(2, row) == [(wire, Fr::one())] && is_flag && is_made).then_some((a, b))
        })
    }

    fn reading(&mut self, hash: &Hash, inputs: &[Terms], is_pair: bool, of_role: &mut BTreeMap<&'static str, usize>) {
        let Some(role) = role(hash, &inputs[0], is_pair) else {
            let what = format!("no role of the protocol has {} elements and this tag", inputs.len());
            return self.fault("a hash", &what, [hash.output]);
        };
        let nth = of_role.entry(role.name).or_default();
        *nth += 1;
        // What is written follows from what was read by lemmas, and is read again by whoever reads it next.
        if role.written && nth.is_multiple_of(2) {
            return;
        }
        for (element, terms) in role.elements.iter().zip(inputs) {
            if let Element::Packed(fields) = element {
                if fields.len() > 1 {
                    *self.done.elements.entry(role.name).or_default() += 1;
                }
                self.element(role.name, fields, terms);
            }
        }
    }

    /// Reads an element and compares it with its fields.
    fn element(&mut self, name: &'static str, fields: &[Field], terms: &Terms) {
        let terms: BTreeMap<Wire, Fr> = terms.iter().filter(|(wire, _)| *wire != ONE).copied().collect();
        self.note_ranges(terms.keys().copied());
        let mut parts = match self.parts(terms) {
            Ok(parts) => parts,
            Err(wire) => return self.fault(name, "a part of an element has no range", [wire]),
        };
        self.join_flags(&mut parts);
        parts.sort_by_key(|part| part.factor);
        // How fine the parts from each on are.
        let mut fine: Vec<usize> = parts.iter().map(|part| part.factor.trailing_zeros()).collect();
        for i in (1..fine.len()).rev() {
            fine[i - 1] = fine[i - 1].min(fine[i]);
        }
        let mut groups: Vec<Vec<Part>> = Vec::new();
        let mut most = U256::ZERO;
        for (part, fine) in parts.into_iter().zip(fine) {
            let own = part.most.saturating_mul(part.factor);
            let apart = most.bit_len() <= fine;
            most = most.saturating_add(own);
            match groups.last_mut() {
                Some(group) if !apart => group.push(part),
                _ => groups.push(vec![part]),
            }
        }
        if most >= half() {
            return self.fault(
                name,
                "an element can wrap around the field",
                groups.iter().flatten().flat_map(|p| p.wires.clone()),
            );
        }
        let mut tops: Vec<usize> = vec![0; fields.len()];
        for group in groups {
            let wires: Vec<Wire> = group.iter().flat_map(|part| part.wires.iter().copied()).collect();
            let low = group.iter().map(|part| part.factor.trailing_zeros()).min().unwrap_or(0);
            let top = match &group[..] {
                [one] => (one.most * one.factor).bit_len(),
                several if several.iter().all(|part| part.is_flag) => match self.flags(several, low) {
                    Some(most) => (U256::from(most) << low).bit_len(),
                    None => several.iter().fold(U256::ZERO, |sum, part| sum + part.factor * part.most).bit_len(),
                },
                _ => return self.fault(name, "two fields of an element meet", wires),
            };
            let Some(at) = fields.iter().rposition(|(_, shift, _)| *shift <= low) else {
                return self.fault(name, "something stands below the first field", wires);
            };
            tops[at] = tops[at].max(top);
        }
        for (i, (field, shift, bits)) in fields.iter().enumerate() {
            let had = tops[i].saturating_sub(*shift);
            let (right, wanted) = match bits {
                Bits::Exactly(bits) => (had == *bits, *bits),
                Bits::AtMost(bits) => (had <= *bits, *bits),
                Bits::Path => (had == 3 * self.depth, 3 * self.depth),
                Bits::Signed(bits) => (had == bits + 1, bits + 1),
            };
            let end = fields.get(i + 1).map_or(MOST_BITS, |(_, next, _)| *next);
            if !right {
                self.fault(name, &format!("the field {field} has {had} bits, and the protocol gives it {wanted}"), []);
            } else if tops[i] > end {
                self.fault(name, &format!("the field {field} reaches into the next one"), []);
            }
        }
    }

    /// The numbers that a sum is made of; the wire of one without a bound.
    fn parts(&self, mut terms: BTreeMap<Wire, Fr>) -> Result<Vec<Part>, Wire> {
        // Sums first: what is counted, with all that was added to it.
        let mut counted = self.bounds.counted(&mut terms);
        let leads: Vec<Wire> = terms.keys().copied().filter(|wire| !self.rows.is_boolean(*wire)).collect();
        for lead in leads {
            // One on its own, without anything that was added to it, has its own bound.
            let Some((sum, most)) = self.index(lead) else { continue };
            let mut rest = terms.clone();
            if let Some((taken, factor)) = take(&mut rest, lead, &sum)
                && taken.len() > 1
            {
                terms = rest;
                counted.push((taken, factor, most));
            }
        }
        let mut parts: Vec<Part> = Vec::new();
        for (sum, factor, most) in counted {
            let wires = sum.into_iter().map(|(wire, _)| wire).collect();
            parts.push(Part { wires, factor: integer(factor).min(integer(-factor)), most, is_flag: false });
        }
        for (wire, c) in terms {
            let most = self.most(wire).ok_or(wire)?;
            let factor = integer(c).min(integer(-c));
            parts.push(Part { wires: vec![wire], factor, most, is_flag: self.rows.is_boolean(wire) });
        }
        Ok(parts)
    }

    fn most(&self, wire: Wire) -> Option<U256> {
        self.bounds.most(wire).or(self.more.get(&wire).map(|(most, _)| *most))
    }

    /// A counter with all that is added to it, and its greatest value: it goes up only where it is an index that has a bound.
    fn index(&self, lead: Wire) -> Option<(Expression, U256)> {
        let mut sum: BTreeMap<Wire, Fr> = BTreeMap::from([(lead, Fr::one())]);
        let mut most = self.bounds.most(lead)?;
        let mut steps = 0;
        let mut after = 0;
        // (index - counter) * step = 0, or the negative of it, in the order of slots.
        loop {
            let next = self.rows.of(lead).filter(|row| *row >= after && self.rows.terms(2, *row).next().is_none()).find_map(
                |row| {
                    let step = self.rows.side(1, row);
                    let index = [Fr::one(), -Fr::one()].into_iter().find_map(|sign| {
                        let mut rest: BTreeMap<Wire, Fr> =
                            self.rows.terms(0, row).map(|(wire, c)| (wire, c * sign)).collect();
                        for (wire, c) in &sum {
                            *rest.entry(*wire).or_default() += c;
                        }
                        rest.retain(|_, c| !c.is_zero());
                        let rest: Terms = rest.into_iter().collect();
                        let is_index = !rest.is_empty() && rest.iter().all(|(wire, _)| ![ONE, lead].contains(wire));
                        is_index.then(|| ranges::interval(self.rows, self.bounds, &rest)).flatten()
                    });
                    let is_step = !step.is_empty() && step.iter().all(|(wire, _)| self.rows.is_boolean(*wire));
                    index.filter(|(below, _)| is_step && below.is_zero()).map(|(_, index)| (row, step, index))
                },
            );
            let Some((row, step, index)) = next else { break };
            for (wire, c) in step {
                *sum.entry(wire).or_default() += c;
            }
            most = most.max(index.checked_add(U256::from(1))?);
            (steps, after) = (steps + 1, row + 1);
        }
        (steps > 0).then(|| (sum.into_iter().collect(), most))
    }

    /// Booleans with the same factor are one number.
    fn join_flags(&mut self, parts: &mut Vec<Part>) {
        let (flags, rest): (Vec<Part>, Vec<Part>) = parts.drain(..).partition(|part| part.is_flag);
        *parts = rest;
        let mut joined: BTreeMap<U256, Part> = BTreeMap::new();
        for flag in flags {
            match joined.get_mut(&flag.factor) {
                Some(part) => {
                    part.wires.extend(flag.wires);
                    part.most += flag.most;
                }
                None => {
                    joined.insert(flag.factor, flag);
                }
            }
        }
        for mut part in joined.into_values() {
            if part.wires.len() > 1
                && let Some(most) = self.flags(std::slice::from_ref(&part), part.factor.trailing_zeros())
            {
                let low = U256::from(1) << part.factor.trailing_zeros();
                part.most = U256::from(most) * low / part.factor;
            }
            parts.push(part);
        }
    }

    /// The greatest value of booleans times small factors, by looking through all that the rows allow.
    fn flags(&mut self, parts: &[Part], low: usize) -> Option<u64> {
        let small = |factor: U256| u64::try_from(factor >> low).ok().filter(|factor| *factor < 1 << 16);
        let mut key: Vec<(Wire, u64)> = Vec::new();
        for part in parts {
            let factor = small(part.factor)?;
            key.extend(part.wires.iter().map(|wire| (*wire, factor)));
        }
        if let Some(had) = self.booleans.get(&key) {
            return *had;
        }
        let found = greatest(self.rows, &key);
        self.booleans.insert(key, found);
        found
    }

    /// The ranges of wires, and of what they are products of.
    fn note_ranges(&mut self, wires: impl Iterator<Item = Wire>) {
        let rows = self.rows;
        let mut all: BTreeSet<Wire> = wires.collect();
        for wire in all.clone().into_iter().filter(|wire| !rows.is_chosen(*wire)) {
            for row in rows.of(wire).filter(|row| rows.side(2, *row) == [(wire, Fr::one())]) {
                all.extend([0, 1].into_iter().flat_map(|side| rows.terms(side, row)).map(|(wire, _)| wire));
            }
        }
        for (i, range) in self.rows.system().marks().ranges().iter().enumerate() {
            let reads = range.number.iter().filter(|(wire, _)| *wire != ONE);
            let is_of = if range.number.is_empty() {
                range.wires.iter().all(|wire| all.contains(wire))
            } else {
                // One number, perhaps with what is counted up.
                reads.clone().next().is_some_and(|(wire, _)| all.contains(wire))
                    && reads.clone().all(|(wire, c)| c.is_one() && (all.contains(wire) || self.rows.is_boolean(*wire)))
            };
            if is_of {
                self.done.ranges.insert(i);
            }
        }
    }
}

/// Whether an expression reads all of a flag.
fn reads(terms: &Terms, flag: &Terms) -> bool {
    flag.iter().filter(|(wire, _)| *wire != ONE).all(|(wire, _)| terms.iter().any(|(read, _)| read == wire))
}

/// An expression where a boolean is decided: products with it are what they are of, or nothing, and multiples of the boolean itself are constants.
fn decided(terms: &Terms, flag: &Terms, wires: &[(Wire, Terms)], value: Fr) -> Terms {
    let mut sum: BTreeMap<Wire, Fr> = BTreeMap::new();
    for (wire, c) in terms {
        match wires.iter().find(|(product, _)| product == wire) {
            Some((_, read)) => read.iter().for_each(|(w, k)| *sum.entry(*w).or_default() += *c * k * value),
            None => *sum.entry(*wire).or_default() += *c,
        }
    }
    // k * flag is k * value where all of its terms stand there with the same factor and nothing else is left of them.
    let of_flag: Vec<(Wire, Fr)> = flag.iter().filter(|(wire, _)| *wire != ONE).copied().collect();
    if let Some((first, c)) = of_flag.first()
        && let Some(k) = sum.get(first).map(|had| *had * ark_ff::Field::inverse(c).unwrap_or_default())
        && of_flag.iter().all(|(wire, c)| sum.get(wire) == Some(&(k * c)))
        && terms.len() == of_flag.len() + usize::from(sum.contains_key(&ONE))
    {
        for (wire, _) in &of_flag {
            sum.remove(wire);
        }
        let constant: Fr = flag.iter().filter(|(wire, _)| *wire == ONE).map(|(_, c)| *c).sum();
        *sum.entry(ONE).or_default() += k * (value - constant);
    }
    sum.retain(|_, c| !c.is_zero());
    sum.into_iter().collect()
}

/// The greatest value of a sum of booleans, looking through them and their neighbours.
fn greatest(rows: &Rows<'_>, sum: &[(Wire, u64)]) -> Option<u64> {
    let mut wires: Vec<Wire> = sum.iter().map(|(wire, _)| *wire).collect();
    if wires.len() > GROUP {
        return None;
    }
    let near = |wires: &[Wire]| -> Vec<(usize, BTreeSet<Wire>)> {
        let all: BTreeSet<usize> = wires.iter().flat_map(|wire| rows.of(*wire)).collect();
        let read = |row: usize| -> BTreeSet<Wire> {
            (0..3).flat_map(|side| rows.terms(side, row)).map(|(wire, _)| wire).filter(|wire| *wire != ONE).collect()
        };
        let all = all.into_iter().map(|row| (row, read(row)));
        all.filter(|(_, read)| read.len() <= 8 && read.iter().all(|wire| rows.is_boolean(*wire))).collect()
    };
    loop {
        let grown = near(&wires).into_iter().find_map(|(_, read)| {
            let new: Vec<Wire> = read.into_iter().filter(|wire| !wires.contains(wire)).collect();
            (!new.is_empty() && wires.len() + new.len() <= GROUP).then_some(new)
        });
        let Some(new) = grown else { break };
        wires.extend(new);
    }
    type Side = Vec<(usize, i64)>;
    let small = |c: Fr| i64::try_from(integer(c)).ok().or_else(|| i64::try_from(integer(-c)).ok().map(|c| -c));
    let side = |row: usize, side: usize| -> Option<(i64, Side)> {
        let mut constant = 0;
        let mut terms = Vec::new();
        for (wire, c) in rows.terms(side, row) {
            let c = small(c).filter(|c| c.abs() < 1 << 16)?;
            match wires.iter().position(|had| *had == wire) {
                Some(at) => terms.push((at, c)),
                None if wire == ONE => constant = c,
                None => return None,
            }
        }
        Some((constant, terms))
    };
    let near: Vec<[(i64, Side); 3]> =
        near(&wires).into_iter().filter_map(|(row, _)| Some([side(row, 0)?, side(row, 1)?, side(row, 2)?])).collect();
    let at = |(constant, terms): &(i64, Side), bits: u32| -> i64 {
        terms.iter().fold(*constant, |sum, (at, c)| sum + c * i64::from((bits >> at) & 1))
    };
    let allowed =
        (0..1u32 << wires.len()).filter(|bits| near.iter().all(|[a, b, c]| at(a, *bits) * at(b, *bits) == at(c, *bits)));
    allowed.map(|bits| sum.iter().enumerate().map(|(i, (_, c))| c * u64::from((bits >> i) & 1)).sum()).max()
}
