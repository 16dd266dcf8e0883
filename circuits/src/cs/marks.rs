//! What an auditor has to know of wires beyond the matrices: which ones the witness chooses, and the arguments that gadgets rest on.
//!
//! Marks change no row: keys, proofs and verifiers do not depend on them. `audit` reads them, and trusts none without looking at the rows.

use std::ops;

use super::{Cs, Num, Wire};
use ark_bn254::Fr;

/// An argument that a gadget rests on, where the rows alone do not determine a wire by a coefficient that is never zero. AUDIT.md has each in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lemma {
    /// `q * d = n` with d from the complete addition law: `1 +- d x1 x2 y1 y2` is not zero for points of the curve, as d is no square.
    CompleteAddition,
    /// A divisor of the ladder: the multiples of a point of order l that meet are known to differ.
    Ladder,
    /// A divisor of the fixed-base windows: all multiples are known integers.
    Windows,
    /// A divisor that a row of its own shows not to be zero.
    Checked,
    /// A change of coordinates of a point of odd order that is not the identity.
    Coordinates,
    /// With a zero divisor the dividend is not zero, so that the row has no solution.
    Unsolvable,
    /// The challenge has one decomposition: its bits lie in an interval shorter than r.
    Challenge,
    /// `8 B = A`: any of eight points B serves, and nothing else reads B. Which one changes nothing.
    Eighth,
    /// `8 B + j T = A`: the class j is determined, and any of eight points B serves.
    Classes,
    /// A debit's slot holds the token, and no two slots of an account hold one token.
    DebitSlot,
    /// A credit's slot holds the token, or the token is absent and the slot is the lowest empty one.
    CreditSlot,
    /// Two balances spaced by 126 bits, of which one changes by less than `2^120`, have one reading.
    SpacedPair,
    /// A fee's token meets one entry of a strictly increasing list.
    FeeEntry,
    /// The direction of a swap is the signed one, and 0 for all else.
    Direction,
    /// Integer divisions with a remainder below the divisor, and the greatest number of shares: one quotient is right, as nothing wraps.
    Division,
    /// What a record counts for: the challenge is a fingerprint with a chance that does not matter, as everything that makes one was fixed before it.
    Distance,
}

impl Lemma {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CompleteAddition => "complete addition",
            Self::Ladder => "ladder",
            Self::Windows => "windows",
            Self::Checked => "checked divisor",
            Self::Coordinates => "change of coordinates",
            Self::Unsolvable => "no solution with a zero divisor",
            Self::Challenge => "one challenge",
            Self::Eighth => "eighth of a point",
            Self::Classes => "class of a point",
            Self::DebitSlot => "slot of a debit",
            Self::CreditSlot => "slot of a credit",
            Self::SpacedPair => "spaced pair",
            Self::FeeEntry => "entry of a fee",
            Self::Direction => "direction",
            Self::Division => "integer division",
            Self::Distance => "distance from the challenge",
        }
    }
}

/// A gadget's claim: these rows determine these wires by a lemma, once all wires before them are.
#[derive(Clone, Debug)]
pub struct Claim {
    /// The lemma.
    pub lemma: Lemma,
    /// The wires.
    pub gives: Vec<Wire>,
    /// The rows that the lemma rests on.
    pub rows: ops::Range<usize>,
}

/// A linear expression over wires.
pub type Expression = Vec<(Wire, Fr)>;

/// A hash: whoever finds other inputs for its output breaks the hash function.
#[derive(Clone, Debug)]
pub struct Hash {
    /// What is hashed; empty where only the first layer is given.
    pub inputs: Vec<Expression>,
    /// The outputs of the first layer of S-boxes.
    pub layer: Vec<Expression>,
    /// The wire of the hash.
    pub output: Wire,
}

/// A bound that follows from a claim where a condition holds.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The wire.
    pub wire: Wire,
    /// It is below 2 to this power.
    pub bits: usize,
    /// Whether it may be negative: then it is above minus 2 to this power.
    pub signed: bool,
    /// A boolean.
    pub condition: Expression,
    /// Which claim it follows from.
    pub claim: usize,
}

/// A number that is made of bits, so that it is below two to their number.
#[derive(Clone, Debug)]
pub struct Range {
    /// The number; empty where the bits themselves are what the witness chooses.
    pub number: Expression,
    /// How many bits.
    pub bits: usize,
    /// Their wires, lowest first; without the lowest one where that is what the others leave over.
    pub wires: Vec<Wire>,
    /// The last of its rows.
    pub row: usize,
}

/// A boolean that only places something: the statement is the same for every place.
#[derive(Clone, Debug)]
pub struct Place {
    /// What it places.
    pub what: &'static str,
    /// The boolean.
    pub terms: Expression,
    /// What has to be known before the place may be taken as given; nothing if this is empty.
    pub once: Expression,
}

/// A leaf of the state that is read, and what is written in its place, as records have it.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// The elements that are read: eight of an account, four of a pool.
    pub read: Vec<Expression>,
    /// The elements that are written.
    pub written: Vec<Expression>,
}

impl Leaf {
    /// Whether it is an account's, not a pool's.
    pub fn is_account(&self) -> bool {
        self.read.len() == 8
    }
}

/// What was marked while rows were recorded.
#[derive(Debug, Default)]
pub struct Marks {
    chosen: Vec<(Wire, &'static str)>,
    divisors: Vec<(usize, Lemma)>,
    claims: Vec<Claim>,
    hashes: Vec<Hash>,
    bounds: Vec<Bound>,
    places: Vec<Place>,
    ranges: Vec<Range>,
    leaves: Vec<Leaf>,
}

impl Marks {
    /// The wires that the witness chooses, in order, with what they are. All others are computed.
    pub fn chosen(&self) -> &[(Wire, &'static str)] {
        &self.chosen
    }

    /// The claims, in order of their last rows.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// The hashes, in order.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// The bounds that follow from claims.
    pub fn bounds(&self) -> &[Bound] {
        &self.bounds
    }

    /// Places that say nothing of the batch: which slots hold something, which entry of a list a slot uses, which reason a refund has.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// The leaves that are read and written, in order.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// The numbers that are made of bits, in the order in which they were written.
    pub fn ranges(&self) -> &[Range] {
        &self.ranges
    }

    /// Why the divisor of the quotient in this row is not zero.
    pub fn divisor(&self, row: usize) -> Option<Lemma> {
        let at = self.divisors.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        self.divisors.get(at).map(|(_, lemma)| *lemma)
    }
}

impl Cs {
    /// A new wire that the witness chooses: an amount, a key, a sibling. `what` names it.
    pub fn chosen(&mut self, what: &'static str, value: Fr) -> Num {
        let wire = self.witness(value);
        self.mark_chosen(what, &wire);
        wire
    }

    /// A new boolean wire that the witness chooses.
    pub fn chosen_bit(&mut self, rule: &'static str, what: &'static str, value: bool) -> Num {
        let bit = self.bit(rule, value);
        self.mark_chosen(what, &bit);
        bit
    }

    fn mark_chosen(&mut self, what: &'static str, num: &Num) {
        if let [(wire, _)] = num.terms() {
            self.marks.chosen.push((*wire, what));
        }
    }

    /// Says why the divisor of the quotient in the last row is not zero.
    pub fn divisor_is_not_zero(&mut self, lemma: Lemma) {
        if self.recording() {
            self.marks.divisors.push((self.rows() - 1, lemma));
        }
    }

    /// Says that the rows from `first` on determine these wires by a lemma.
    pub fn claim<'a>(&mut self, lemma: Lemma, gives: impl IntoIterator<Item = &'a Num>, first: usize) {
        if self.recording() {
            let gives = gives.into_iter().filter_map(|num| num.terms().first().map(|(wire, _)| *wire)).collect();
            self.marks.claims.push(Claim { lemma, gives, rows: first..self.rows() });
        }
    }
    /// Says that the wire is the hash of the first layer of S-boxes.
    pub(super) fn mark_hash(&mut self, layer: &[Num], output: &Num) {
        if let (true, [(wire, _)]) = (self.recording(), output.terms()) {
            let layer = layer.iter().map(|num| num.terms().to_vec()).collect();
            self.marks.hashes.push(Hash { inputs: Vec::new(), layer, output: *wire });
        }
    }

    /// Says what the last hash is of, if this is its output.
    pub fn mark_inputs(&mut self, inputs: &[Num], output: &Num) {
        if let (Some(hash), [(wire, _)]) = (self.marks.hashes.last_mut(), output.terms())
            && hash.output == *wire
        {
            hash.inputs = inputs.iter().map(|num| num.terms().to_vec()).collect();
        }
    }

    /// Says that a wire is below `2^bits` where the condition (boolean) holds, by the last claim.
    pub fn bounded_if(&mut self, condition: &Num, num: &Num, bits: usize) {
        self.bound(condition, num, bits, false);
    }

    /// Says that a wire lies between `-2^bits` and `2^bits`, by the last claim.
    pub fn bounded_on_both_sides(&mut self, num: &Num, bits: usize) {
        self.bound(&Num::one(), num, bits, true);
    }

    fn bound(&mut self, condition: &Num, num: &Num, bits: usize, signed: bool) {
        if let (true, [(wire, _)], Some(claim)) = (self.recording(), num.terms(), self.marks.claims.len().checked_sub(1)) {
            self.marks.bounds.push(Bound { wire: *wire, bits, signed, condition: condition.terms().to_vec(), claim });
        }
    }

    /// Says that a number is made of these bits, with the last row.
    pub(super) fn mark_range(&mut self, number: Option<&Num>, bits: usize, wires: &[Num]) {
        if self.recording() {
            let number = number.map_or(Vec::new(), |number| number.terms().to_vec());
            let wires = wires.iter().filter_map(|bit| bit.terms().first().map(|(wire, _)| *wire)).collect();
            self.marks.ranges.push(Range { number, bits, wires, row: self.rows() - 1 });
        }
    }

    /// Says that a leaf is read, and what is written in its place.
    pub(crate) fn mark_leaf(&mut self, read: &[Num], written: &[Option<Num>]) {
        if self.recording() {
            let terms = |num: &Num| num.terms().to_vec();
            let written = read.iter().zip(written).map(|(read, written)| terms(written.as_ref().unwrap_or(read)));
            self.marks.leaves.push(Leaf { read: read.iter().map(terms).collect(), written: written.collect() });
        }
    }

    /// Says that a boolean only places something: the statement is the same for every place.
    pub fn place(&mut self, what: &'static str, num: &Num) {
        self.place_once(what, num, &Num::zero());
    }

    /// As [`Cs::place`], where that holds only once a number is known.
    pub fn place_once(&mut self, what: &'static str, num: &Num, once: &Num) {
        if self.recording() {
            self.marks.places.push(Place { what, terms: num.terms().to_vec(), once: once.terms().to_vec() });
        }
    }
}
