//! Ranges that are one bit wider than they should be: the circuit is written anew with one of them widened at a time, and the audit has to notice.
//!
//! What is widened is found in the circuit and not listed: whatever a gadget writes as a range, those first that keep the fields of packed elements apart.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use serde::Serialize;

use super::bounds::Bounds;
use super::ground;
use super::lemmas;
use super::packing::{Packing, packing};
use super::ranges;
use super::rows::Rows;
use crate::circuit::dangerous_synthesise_widened;
use crate::cs::{Lemma, Range};
use crate::shape::Shape;
use crate::testing::SplitMix;
use crate::witness::BatchWitness;

/// What noticed that a range is one bit wider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noticed {
    /// An element is no longer what the protocol says, or has no single reading.
    Packing,
    /// A lemma whose rows are others now.
    Lemma,
    /// Rows that lemmas rest on elsewhere.
    Ground,
    /// Nothing, and nothing changes: other rows keep the number below its end, and this one only refuses what is negative.
    Harmless,
    /// Nothing.
    Survived,
}

/// How widened ranges were noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Widened {
    /// How many ranges the circuit has.
    pub ranges: usize,
    /// How many of them keep fields of packed elements apart.
    pub apart: usize,
    /// How many were widened.
    pub tried: usize,
    /// As an element no longer is what the protocol says.
    pub packing: usize,
    /// As a lemma has other rows.
    pub lemma: usize,
    /// As lemmas rest on other rows.
    pub ground: usize,
    /// Not noticed, as nothing changes.
    pub harmless: usize,
    /// By nothing: where they stand.
    pub survivors: Vec<String>,
}

/// The ranges to widen, at most so many: of every kind one, first those that keep fields apart, then others by chance.
pub fn sample(rows: &Rows<'_>, apart: &BTreeSet<usize>, most: usize) -> Vec<usize> {
    let all = rows.system().marks().ranges();
    let kind = |range: &Range| {
        let region = rows.system().region(range.row);
        // Slots of a kind have the same ranges.
        let place = region.split_once('(').map_or(region, |(_, place)| place).to_owned();
        (rows.system().rule(range.row), range.bits, range.number.len().min(2), place)
    };
    let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
    for (i, range) in all.iter().enumerate() {
        kinds.entry((!apart.contains(&i), kind(range))).or_insert(i);
    }
    let mut picked: Vec<usize> = kinds.into_values().collect();
    let mut rest: Vec<usize> = (0..all.len()).filter(|i| !picked.contains(i)).collect();
    let mut rng = SplitMix::new(18);
    while picked.len() < most && !rest.is_empty() {
        let at = rng.below(rest.len() as u64) as usize;
        picked.push(rest.swap_remove(at));
    }
    picked.truncate(most);
    picked
}

/// The ranges that keep fields of packed elements apart: those of parts of elements, and those of pairs of balances.
pub fn apart(rows: &Rows<'_>, packing: &Packing) -> BTreeSet<usize> {
    let marks = rows.system().marks();
    let pairs = marks.claims().iter().filter(|claim| claim.lemma == Lemma::SpacedPair);
    let pairs: Vec<_> = pairs.map(|claim| claim.rows.clone()).collect();
    let of_pair = |range: &Range| pairs.iter().any(|rows| rows.contains(&range.row));
    let of_pairs = marks.ranges().iter().enumerate().filter(|(_, range)| of_pair(range)).map(|(i, _)| i);
    packing.ranges.iter().copied().chain(of_pairs).collect()
}

/// Writes the circuit anew with this range one bit wider, and looks for what notices.
pub fn widen(rows: &mut Rows<'_>, shape: &Shape, range: usize) -> Noticed {
    let (system, _) = dangerous_synthesise_widened(Fr::from(0u64), &BatchWitness::blank(shape), range).into_parts();
    let wider = Rows::new(&system);
    let bounds = Bounds::new(&wider);
    if !packing(&wider, &bounds, shape).faults.is_empty() {
        return Noticed::Packing;
    }
    if system.marks().claims().iter().any(|claim| !lemmas::stands(&wider, claim)) {
        return Noticed::Lemma;
    }
    if !ground::lacks(&wider, &bounds, shape).is_empty() {
        return Noticed::Ground;
    }
    match rows.system().marks().ranges().get(range) {
        Some(had) if ranges::only_refuses_negative(rows, &had.clone()) => Noticed::Harmless,
        _ => Noticed::Survived,
    }
}
