//! What the audit is worth: constraints are taken out one at a time, and the audit has to notice.

use std::collections::BTreeSet;

use super::assertions::breach;
use super::bounds::Bounds;
use super::discrete::Search;
use super::ground;
use super::jacobian::kernel;
use super::packing::packing;
use super::propagate::propagate;
use super::reasons::Places;
use super::rows::Rows;
use super::small_gadgets;
use super::worlds::{Audited, FULL, forged};
use crate::circuit::before_the_challenge;
use crate::cs::{Mode, Wire};
use crate::shape::Shape;
use crate::testing::SplitMix;

/// What noticed that a row is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caught {
    /// Propagation no longer reaches a wire, a lemma lacks a row, or what was an assertion now only makes a wire.
    Propagation,
    /// A false witness that broke this row alone is accepted.
    Breach,
    /// The Jacobian has a wire more in its kernel.
    Jacobian,
    /// The public input no longer binds a chosen wire that has no reason to be free.
    Binding,
    /// Nothing here, but a row of the same form in another copy of the gadget was.
    Elsewhere,
    /// Nothing here, but all solutions of a copy of few bits are searched, and without such a row they are not the rule's.
    Small,
    /// An element that packs fields no longer has one reading.
    Packing,
    /// Nothing of these, but a lemma, or the protocol, rests on the row.
    Ground,
    /// Nothing.
    Survived,
}

/// Rows to take out: all if there are at most `most`, else a sample that has rows of every rule.
pub fn sample(rows: &Rows<'_>, most: usize) -> Vec<usize> {
    if rows.len() <= most {
        return (0..rows.len()).collect();
    }
    let mut rng = SplitMix::new(17);
    let rules = super::assertions::rules(rows);
    let mut picked = BTreeSet::new();
    let each = most / (2 * rules.len().max(1));
    for of_rule in rules.values() {
        for _ in 0..each {
            picked.insert(of_rule[rng.below(of_rule.len() as u64) as usize]);
        }
    }
    while picked.len() < most {
        picked.insert(rng.below(rows.len() as u64) as usize);
    }
    picked.into_iter().collect()
}

/// So many numbers below `count`, evenly spread; all if there are no more.
pub fn spread(count: usize, most: usize) -> impl Iterator<Item = usize> {
    let tried = count.min(most);
    (0..tried).map(move |i| i * count / tried)
}

/// Whether something is free in one of these batches where an absorbed element is left out. Where leaves hold what no state has, nodes and cells stand in another order.
pub fn misses(places: &Places, batches: &[&Audited], element: usize) -> bool {
    batches.iter().any(|batch| {
        std::iter::once(batch.witness.clone()).chain(forged(&batch.witness).into_iter().take(1)).any(|witness| {
            let (system, z) = before_the_challenge(Mode::Record, &witness, Some(element)).into_parts();
            let rows = Rows::new(&system);
            !places.binding(&rows, &Bounds::new(&rows), &witness, &z).unexplained.is_empty()
        })
    })
}

/// Takes rows out one at a time.
pub struct Removal<'r, 'a, 's, 'b> {
    /// A copy of the rows that the search is made on, to take them out of.
    rows: &'r mut Rows<'a>,
    search: &'r Search<'s, 'b>,
    harmless: BTreeSet<Wire>,
    assertions: Vec<usize>,
    /// Wires that nothing determines even before: the public input of a gadget on its own.
    unreached: usize,
    /// The circuit; none for a gadget on its own, which has no statement.
    whole: Option<Whole<'r>>,
}

/// The circuit whose rows before the challenge are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'r> {
    /// All rows.
    pub rows: &'r Rows<'r>,
    /// The shape.
    pub shape: &'r Shape,
    /// What the chosen wires are.
    pub places: &'r Places,
}

impl Whole<'_> {
    /// How many rows stand before the challenge: these are the same in both.
    fn shared(&self) -> usize {
        let regions = self.rows.system().regions();
        regions.iter().find(|region| region.path == "transcript").map_or(0, |region| region.first_row)
    }
}

impl<'r, 'a, 's, 'b> Removal<'r, 'a, 's, 'b> {
    /// Sets out, with nothing removed yet.
    pub fn new(rows: &'r mut Rows<'a>, search: &'r Search<'s, 'b>, whole: Option<Whole<'r>>) -> Self {
        rows.restore();
        let found = propagate(rows);
        Self {
            rows,
            search,
            harmless: found.harmless.iter().chain(&found.unreached).copied().collect(),
            assertions: found.assertions,
            unreached: found.unreached.len(),
            whole,
        }
    }

    /// Takes a row out and looks for what notices.
    pub fn of(&mut self, batches: &mut [Audited], row: usize) -> Caught {
        self.rows.remove(row);
        let found = propagate(self.rows);
        self.rows.restore();
        // What only the row itself asserted is looked for below; any other assertion that is gone now makes a wire, and asserts nothing.
        let itself = usize::from(self.assertions.binary_search(&row).is_ok());
        let lost = self.assertions.len().saturating_sub(found.assertions.len() + itself);
        if found.unreached.len() > self.unreached || !found.broken_claims.is_empty() || lost > 0 {
            return Caught::Propagation;
        }
        if batches.iter_mut().any(|batch| breach(self.search, batch, row, |other| other == row).is_some()) {
            return Caught::Breach;
        }
        // An assertion fixes no wire, so that its Jacobian says nothing that the others do not.
        let moves = itself == 0 && {
            self.rows.remove(row);
            let is_free = |wire: &Wire| !self.harmless.contains(wire);
            let moves = batches.iter().take(3).any(|batch| kernel(self.rows, &batch.z).free.iter().any(is_free));
            self.rows.restore();
            moves
        };
        if moves {
            Caught::Jacobian
        } else if self.elsewhere(batches, row) {
            Caught::Elsewhere
        } else if small_gadgets::notices(self.search.rows(), row) {
            Caught::Small
        } else if self.unbinds(batches, row) {
            Caught::Binding
        } else if let Some(caught) = self.stands_out(row) {
            caught
        } else {
            Caught::Survived
        }
    }

    /// Whether the public input binds less without the row.
    fn unbinds(&mut self, batches: &[Audited], row: usize) -> bool {
        let Some(Whole { places, .. }) = self.whole else { return false };
        self.rows.remove(row);
        let bounds = Bounds::new(self.rows);
        // Those that use every slot leave least to padding.
        let mut full = batches.iter().filter(|batch| batch.name.starts_with(FULL));
        let unbinds = full.any(|batch| !places.binding(self.rows, &bounds, &batch.witness, &batch.z).unexplained.is_empty());
        self.rows.restore();
        unbinds
    }

    /// Whether elements have other readings without the row, or something rests on it.
    fn stands_out(&self, row: usize) -> Option<Caught> {
        let whole = self.whole.filter(|whole| row < whole.shared())?;
        let mut rows = Rows::new(whole.rows.system());
        rows.remove(row);
        let bounds = Bounds::new(&rows);
        let packs = packing(&rows, &bounds, whole.shape);
        let lacks = ground::lacks(&rows, &bounds, whole.shape);
        match (packs.faults.is_empty(), lacks.is_empty()) {
            (false, _) => Some(Caught::Packing),
            (true, false) => Some(Caught::Ground),
            (true, true) => None,
        }
    }

    /// Whether a row of the same rule and form can be broken alone.
    fn elsewhere(&self, batches: &mut [Audited], row: usize) -> bool {
        let rows = self.search.rows();
        let form = |row: usize| [0, 1, 2].map(|side| rows.terms(side, row).count());
        let of_rule = (0..rows.len()).filter(|other| {
            *other != row && rows.system().rule(*other) == rows.system().rule(row) && form(*other) == form(row)
        });
        let mut others: Vec<usize> = of_rule.collect();
        // The first, which reads what the witness chooses, and the last ones, from which least follows.
        let first = usize::from(!others.is_empty());
        others.rotate_left(first);
        others.reverse();
        others.truncate(12);
        others.into_iter().any(|other| {
            batches.iter_mut().any(|batch| breach(self.search, batch, other, |violated| violated == other).is_some())
        })
    }
}
