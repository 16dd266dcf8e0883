//! The whole audit of a shape.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::assertions::breaches;
use super::bounds::Bounds;
use super::commitments::{Seen, commitments};
use super::discrete::{Freedom, Search};
use super::follow::Plan;
use super::hand_made;
use super::jacobian::kernel;
use super::packing::{Packing, packing};
use super::propagate::{Propagation, propagate};
use super::reasons::Places;
use super::report::{Finding, HandMade, Removed, Report};
use super::rows::Rows;
use super::widened::Noticed;
use super::worlds::{Audited, BATCHES, FULL, WorldError, audited, base, bound_wires, forged};
use super::worth::{Caught, Removal, Whole, sample};
use super::{gadgets, ground, layout, mutations, small_gadgets, widened, worlds, worth};
use crate::circuit::BatchCircuit;
use crate::cs::Wire;
use crate::shape::Shape;
use crate::testing::World;
use crate::witness::BatchWitness;

/// How much to do.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// No new part is begun after this time; propagation and one Jacobian are always made.
    pub time: Option<Duration>,
    /// Random mutations for each batch.
    pub random: usize,
    /// Constraints to take out of the circuit.
    pub removals: usize,
    /// Ranges to make one bit wider; of every kind one comes first.
    pub widened: usize,
    /// Absorbed elements to leave out.
    pub absorbed: usize,
    /// Whether gadgets are audited on their own: constraints taken out, and solutions over small fields searched.
    pub gadgets: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { time: None, random: 2000, removals: 400, widened: 100, absorbed: 1000, gadgets: true }
    }
}

struct Run<'p> {
    options: Options,
    started: Instant,
    progress: &'p mut dyn FnMut(&str),
    report: Report,
}

/// Audits a registered shape. `progress` is told what is done next.
///
/// # Errors
/// [`WorldError`] if the ledger refuses one of the audited batches.
pub fn audit(shape: &Shape, options: Options, progress: &mut dyn FnMut(&str)) -> Result<Report, WorldError> {
    progress("recording the circuit");
    let circuit = BatchCircuit::new(shape);
    let system = circuit.system();
    let started = Instant::now();
    let report = Report {
        shape: shape.name.clone(),
        rows: system.matrices.rows(),
        wires: system.wires,
        chosen: system.marks().chosen().len(),
        ..Report::default()
    };
    let mut run = Run { options, started, progress, report };
    let whole = Rows::new(system);
    (run.progress)("propagation");
    run.propagation(&whole);
    (run.progress)("elements that pack fields");
    let packed = run.packing(&whole, shape);
    // Everything else is looked for where nothing stands in the way of what is read: before records balance.
    let before = worlds::before(shape);
    let rows = Rows::new(&before);
    let found = propagate(&rows);
    let plan = Plan::new(&before);
    let search = Search::new(&rows, &plan, &found.harmless);
    let Some(base) = base(shape) else {
        run.report.left_out.push("all assignments: the shape has no slot that could make accounts".into());
        return Ok(run.done());
    };
    let places = Places::new(&rows);
    let mut batches = run.assignments([&whole, &rows], &search, &places, &base, &found)?;
    run.absorbed(&rows, &places, &batches);
    run.mutations(&whole, &base, &batches);
    run.assertions(&search, &mut batches, &found);
    if options.gadgets {
        run.gadgets();
        run.small();
    }
    run.widened(&whole, shape, &packed);
    let mut copy = Rows::new(&before);
    (run.progress)("taking constraints out of the circuit");
    let picked = sample(&rows, options.removals);
    let removed =
        run.removals(&mut copy, &search, Some(Whole { rows: &whole, shape, places: &places }), &mut batches, &picked);
    run.report.circuit = removed;
    Ok(run.done())
}

impl Run<'_> {
    fn go_on(&self) -> bool {
        self.options.time.is_none_or(|time| self.started.elapsed() < time)
    }

    fn done(mut self) -> Report {
        self.report.seconds = self.started.elapsed().as_secs_f64();
        self.report
    }

    fn finding(&mut self, part: &'static str, what: &str, rows: &Rows<'_>, wires: &[Wire], transaction: &str) {
        let row = wires.first().and_then(|wire| rows.of(*wire).next());
        self.report.findings.push(Finding {
            part,
            what: what.to_owned(),
            wires: wires.iter().copied().take(8).collect(),
            gadget: row.map_or(String::new(), |row| rows.system().region(row).to_owned()),
            rule: row.map_or("no row reads it", |row| rows.system().rule(row)).to_owned(),
            transaction: transaction.to_owned(),
        });
    }

    fn propagation(&mut self, rows: &Rows<'_>) -> Propagation {
        let found = propagate(rows);
        for (reason, count) in &found.reached {
            *self.report.reached.entry(reason.name()).or_default() += count;
        }
        for wire in &found.unreached {
            self.finding("uniqueness", "nothing determines the wire", rows, &[*wire], "");
        }
        for claim in &found.broken_claims {
            let claim = &rows.system().marks().claims()[*claim];
            let what = format!("the lemma {:?} lacks rows", claim.lemma.name());
            self.finding("uniqueness", &what, rows, &claim.gives, "");
        }
        found
    }

    /// Jacobian, discrete freedom and random mutations of every batch.
    fn assignments(
        &mut self,
        [whole, rows]: [&Rows<'_>; 2],
        search: &Search<'_, '_>,
        places: &Places,
        base: &World,
        found: &Propagation,
    ) -> Result<Vec<Audited>, WorldError> {
        let mut batches: Vec<Audited> = Vec::new();
        let bounds = Bounds::new(rows);
        let mut seen = Seen::default();
        for (i, (name, ..)) in BATCHES.into_iter().enumerate() {
            if i > 0 && !self.go_on() {
                self.report.left_out.push(format!("batch: {name}"));
                continue;
            }
            (self.progress)(&format!("batch {} of {}: {name}", i + 1, BATCHES.len()));
            let mut batch = audited(base, name)?;
            for violation in whole.system().violations(&batch.whole, 1) {
                self.finding("completeness", &format!("an honest batch breaks {violation}"), whole, &[], name);
            }
            let free = kernel(rows, &batch.z).free;
            self.report.jacobians += 1;
            self.report.free_inverses = self.report.free_inverses.max(free.len());
            for wire in free.iter().filter(|wire| found.harmless.binary_search(wire).is_err()) {
                self.finding("Jacobian", "the wire can move while all chosen ones stay", rows, &[*wire], name);
            }
            self.binding(rows, places, &bounds, &batch);
            self.commitments(rows, &bounds, &batch, &mut seen);
            let mut freedom = Freedom::default();
            search.claims(&mut batch.z, &mut freedom, || true);
            let (started, time) = (self.started, self.options.time);
            search.single_wires(&mut batch.z, &mut freedom, || time.is_none_or(|time| started.elapsed() < time));
            mutations::random(search, rows, &mut batch.z, i as u64, self.options.random, &mut freedom);
            self.report.alternatives += freedom.tried;
            for (why, count) in freedom.explained {
                *self.report.harmless.entry(why).or_default() += count;
            }
            for wires in freedom.findings {
                self.finding("discrete freedom", "another value is accepted", rows, &wires, name);
            }
            batches.push(batch);
        }
        Ok(batches)
    }

    /// Elements that pack fields, and what lemmas rest on.
    fn packing(&mut self, rows: &Rows<'_>, shape: &Shape) -> Packing {
        let bounds = Bounds::new(rows);
        let mut found = packing(rows, &bounds, shape);
        for fault in &found.faults {
            self.finding("packing", &fault.what, rows, &fault.wires, "");
        }
        for lack in ground::lacks(rows, &bounds, shape) {
            self.report.findings.push(Finding {
                part: "ground",
                what: lack.what,
                wires: Vec::new(),
                gadget: lack.region,
                rule: lack.rule.to_owned(),
                transaction: String::new(),
            });
        }
        self.report.packed = std::mem::take(&mut found.elements);
        found
    }

    /// Ranges that are one bit wider.
    fn widened(&mut self, rows: &Rows<'_>, shape: &Shape, packing: &Packing) {
        let apart = widened::apart(rows, packing);
        let picked = widened::sample(rows, &apart, self.options.widened);
        let mut copy = Rows::new(rows.system());
        self.report.widened.ranges = rows.system().marks().ranges().len();
        self.report.widened.apart = apart.len();
        (self.progress)("making ranges one bit wider");
        for range in &picked {
            if !self.go_on() {
                self.report.left_out.push(format!("{} wider ranges", picked.len() - self.report.widened.tried));
                return;
            }
            let done = &mut self.report.widened;
            done.tried += 1;
            match widened::widen(&mut copy, shape, *range) {
                Noticed::Packing => done.packing += 1,
                Noticed::Lemma => done.lemma += 1,
                Noticed::Ground => done.ground += 1,
                Noticed::Harmless => done.harmless += 1,
                Noticed::Survived => {
                    let row = rows.system().marks().ranges()[*range].row;
                    done.survivors.push(rows.place(row));
                    self.report.findings.push(Finding {
                        part: "widened",
                        what: "nothing notices that a range is one bit wider".to_owned(),
                        wires: Vec::new(),
                        gadget: rows.system().region(row).to_owned(),
                        rule: rows.system().rule(row).to_owned(),
                        transaction: String::new(),
                    });
                }
            }
        }
    }

    /// What pinned values fix by themselves.
    fn commitments(&mut self, rows: &Rows<'_>, bounds: &Bounds, batch: &Audited, seen: &mut Seen) {
        let found = commitments(rows, bounds, batch, seen);
        for (by, count) in found.fixed {
            *self.report.fixed.entry(by).or_default() += count;
        }
        for open in found.open {
            let what = format!("the {} by itself does not fix: {}", open.by, open.what);
            self.finding("commitments", &what, rows, &[open.wire], batch.name);
        }
    }

    /// What is bound before the challenge in a batch, and where leaves hold what no state has.
    fn binding(&mut self, rows: &Rows<'_>, places: &Places, bounds: &Bounds, batch: &Audited) {
        let mut worlds = vec![(batch.witness.clone(), batch.z.clone())];
        if batch.name.starts_with(FULL) {
            worlds.extend(forged(&batch.witness).into_iter().map(|witness| {
                let z = bound_wires(&witness, None);
                (witness, z)
            }));
        }
        for (witness, z) in worlds {
            let found = places.binding(rows, bounds, &witness, &z);
            for (counts, of) in [(&mut self.report.bound, found.bound), (&mut self.report.free, found.free)] {
                for (what, count) in of {
                    *counts.entry(what).or_default() += count;
                }
            }
            for wire in found.unexplained {
                let what = "what is absorbed and the public input do not bind the wire, and no reason says that it need not";
                self.finding("binding", what, rows, &[wire], batch.name);
            }
            if found.wrong > 0 {
                let what = format!("{} hashes are not those of what they are marked to hash", found.wrong);
                self.finding("binding", &what, rows, &[], batch.name);
            }
        }
    }

    /// Absorbed elements that are left out, one at a time.
    fn absorbed(&mut self, rows: &Rows<'_>, places: &Places, batches: &[Audited]) {
        let full: Vec<&Audited> = batches.iter().filter(|batch| batch.name.starts_with(FULL)).collect();
        let Some(shape) = full.first().map(|batch| &batch.witness.shape) else { return };
        (self.progress)("leaving absorbed elements out");
        let elements = layout::absorbed(shape).len();
        self.report.absorbed.elements = elements;
        for element in worth::spread(elements, self.options.absorbed) {
            if !self.go_on() {
                self.report.left_out.push("absorbed elements".into());
                return;
            }
            self.report.absorbed.tried += 1;
            if !worth::misses(places, &full, element) {
                let what = format!("nothing notices that absorbed element {element} of {elements} is left out");
                self.finding("absorbed", &what, rows, &[], "");
            }
        }
    }

    fn mutations(&mut self, rows: &Rows<'_>, base: &World, batches: &[Audited]) {
        if !self.go_on() {
            self.report.left_out.push("mutations with a name".into());
            return;
        }
        (self.progress)("mutations");
        let done = mutations::named(rows, base, batches);
        self.report.mutations = done.tried;
        for (names, by) in [(done.accepted, "circuit"), (done.executed, "ledger")] {
            for name in names {
                self.finding("mutations", &format!("the {by} accepts: {name}"), rows, &[], "");
            }
        }
    }

    fn assertions(&mut self, search: &Search<'_, '_>, batches: &mut [Audited], of: &Propagation) {
        if !self.go_on() {
            self.report.left_out.push("breaches of each rule".into());
            return;
        }
        (self.progress)("breaking each rule on its own");
        let (started, time) = (self.started, self.options.time);
        let found = breaches(search, batches, || time.is_none_or(|time| started.elapsed() < time));
        let whole = self.go_on();
        let system = search.rows().system();
        let asserting: BTreeSet<&str> = of.assertions.iter().map(|row| system.rule(*row)).collect();
        for (rule, breach) in found {
            if breach.is_none() && !asserting.contains(rule) {
                self.report.computing.push(rule);
                continue;
            }
            match (breach, hand_made::test_of(rule)) {
                (Some(_), _) => self.report.breached += 1,
                (None, Some(test)) => self.report.by_hand.push(HandMade { rule, test }),
                (None, None) if whole => {
                    let what = format!("no witness breaks this rule alone: {rule}");
                    self.finding("assertions", &what, search.rows(), &[], "");
                }
                (None, None) => self.report.left_out.push(format!("a breach of: {rule}")),
            }
        }
    }

    fn gadgets(&mut self) {
        for gadget in gadgets::all() {
            if !self.go_on() {
                self.report.left_out.push(format!("constraints of the gadget: {}", gadget.name));
                continue;
            }
            (self.progress)(&format!("taking constraints out of: {}", gadget.name));
            let rows = Rows::new(&gadget.system);
            let plan = Plan::new(&gadget.system);
            let found = self.propagation_of(&rows, gadget.name);
            let search = Search::new(&rows, &plan, &found.harmless);
            let none = self.empty_witness();
            let mut batches: Vec<Audited> = gadget
                .assignments
                .into_iter()
                .map(|z| Audited { name: gadget.name, witness: none.clone(), whole: Vec::new(), z })
                .collect();
            let mut copy = Rows::new(&gadget.system);
            let all: Vec<usize> = (0..rows.len()).collect();
            let removed = self.removals(&mut copy, &search, None, &mut batches, &all);
            self.report.gadgets.insert(gadget.name, removed);
        }
    }

    /// Gadgets of few bits, by exhaustion.
    fn small(&mut self) {
        if !self.go_on() {
            self.report.left_out.push("gadgets over a small field".into());
            return;
        }
        (self.progress)("searching gadgets of few bits over a small field");
        for (name, found) in small_gadgets::search_all() {
            for fault in &found.faults {
                self.report.findings.push(Finding {
                    part: "small field",
                    what: fault.clone(),
                    wires: Vec::new(),
                    gadget: name.to_owned(),
                    rule: String::new(),
                    transaction: String::new(),
                });
            }
            self.report.small.insert(name, found);
        }
    }

    fn propagation_of(&mut self, rows: &Rows<'_>, name: &str) -> Propagation {
        let found = propagate(rows);
        // Of the public input a gadget on its own says nothing.
        for wire in found.unreached.iter().filter(|wire| **wire as usize >= rows.system().instance) {
            self.finding("uniqueness", &format!("nothing determines the wire in: {name}"), rows, &[*wire], "");
        }
        found
    }

    fn empty_witness(&self) -> BatchWitness {
        BatchWitness::blank(&Shape { slots: Vec::new(), ..Shape::all().swap_remove(0) })
    }

    fn removals(
        &mut self,
        copy: &mut Rows<'_>,
        search: &Search<'_, '_>,
        whole: Option<Whole<'_>>,
        batches: &mut [Audited],
        picked: &[usize],
    ) -> Removed {
        let mut counts: BTreeMap<Caught, usize> = BTreeMap::new();
        let mut removed = Removed::default();
        let mut removal = Removal::new(copy, search, whole);
        for row in picked {
            if !self.go_on() {
                self.report.left_out.push(format!("{} removals of constraints", picked.len() - removed.tried));
                break;
            }
            removed.tried += 1;
            let caught = removal.of(batches, *row);
            *counts.entry(caught).or_default() += 1;
            if caught == Caught::Survived {
                let rule = search.rows().system().rule(*row);
                match hand_made::test_of(rule) {
                    Some(_) => *removed.by_hand.entry(rule).or_default() += 1,
                    None => removed.survivors.push(search.rows().place(*row)),
                }
            }
        }
        for place in &removed.survivors {
            self.report.findings.push(Finding {
                part: "worth",
                what: "nothing notices that a constraint is missing".to_owned(),
                wires: Vec::new(),
                gadget: place.clone(),
                rule: String::new(),
                transaction: batches.first().map_or("", |batch| batch.name).to_owned(),
            });
        }
        let count = |caught| counts.get(&caught).copied().unwrap_or_default();
        removed.propagation = count(Caught::Propagation);
        removed.breach = count(Caught::Breach);
        removed.jacobian = count(Caught::Jacobian);
        removed.binding = count(Caught::Binding);
        removed.elsewhere = count(Caught::Elsewhere);
        removed.small = count(Caught::Small);
        removed.packing = count(Caught::Packing);
        removed.ground = count(Caught::Ground);
        removed
    }
}
