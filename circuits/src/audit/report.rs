//! What an audit found, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::small_gadgets::Searched;
use super::widened::Widened;

/// Something that nothing explains: a wire that can have another value, or a lie that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The part of the audit.
    pub part: &'static str,
    /// What was found.
    pub what: String,
    /// The wires.
    pub wires: Vec<u32>,
    /// The gadget: names from the slot in.
    pub gadget: String,
    /// The rule of the first row that reads the wire.
    pub rule: String,
    /// The batch whose assignment was audited, empty for what holds for all.
    pub transaction: String,
}

/// What is left to tests that were written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandMade {
    /// The rule.
    pub rule: &'static str,
    /// The test of `tests/soundness` that breaks it.
    pub test: &'static str,
}

/// How constraints that were taken out were noticed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// How many were taken out.
    pub tried: usize,
    /// By propagation.
    pub propagation: usize,
    /// By a false witness.
    pub breach: usize,
    /// By the Jacobian.
    pub jacobian: usize,
    /// As the public input no longer binds a chosen wire.
    pub binding: usize,
    /// Not there, but a row of the same rule and form was noticed by a false witness in another copy of the gadget.
    pub elsewhere: usize,
    /// By the search of a copy of few bits, in which such a row is needed.
    pub small: usize,
    /// As an element that packs fields no longer has one reading.
    pub packing: usize,
    /// By none of these, but as a lemma, or the protocol, rests on the row.
    pub ground: usize,
    /// Not by these, but by a test that was written by hand for the rule, or an argument: how many of each rule.
    pub by_hand: BTreeMap<&'static str, usize>,
    /// By nothing: where they stand, with what is known of them.
    pub survivors: Vec<String>,
}

impl Removed {
    /// The part that the audit itself noticed, in percent.
    pub fn percent(&self) -> f64 {
        let caught = self.propagation + self.breach + self.jacobian + self.binding + self.elsewhere + self.small;
        let caught = caught + self.packing + self.ground;
        if self.tried == 0 { 0.0 } else { 100.0 * caught as f64 / self.tried as f64 }
    }
}

/// Absorbed elements that were left out, one at a time; each that nothing notices is a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// How many elements a batch absorbs.
    pub elements: usize,
    /// How many of them were left out.
    pub tried: usize,
}

/// The report of an audit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The shape.
    pub shape: String,
    /// Rows of the circuit.
    pub rows: usize,
    /// Wires of the circuit.
    pub wires: usize,
    /// Wires that the witness chooses.
    pub chosen: usize,
    /// Computed wires by the reason that they have one value.
    pub reached: BTreeMap<&'static str, usize>,
    /// Assignments whose Jacobian was eliminated.
    pub jacobians: usize,
    /// The greatest number of inverses of zero that were free in one of them.
    pub free_inverses: usize,
    /// Other solutions that were tried.
    pub alternatives: usize,
    /// Those that were accepted with the same statement, and why that is harmless.
    pub harmless: BTreeMap<&'static str, usize>,
    /// Chosen wires that what is absorbed and the public input bind, by what they are, over all batches.
    pub bound: BTreeMap<&'static str, usize>,
    /// Chosen wires that they do not bind, by the reason that they need not.
    pub free: BTreeMap<&'static str, usize>,
    /// Elements that pack several fields and have one reading, by the role of their hash.
    pub packed: BTreeMap<&'static str, usize>,
    /// What pinned values fix by themselves: how many wires of those that somebody reads from them.
    pub fixed: BTreeMap<&'static str, usize>,
    /// Ranges that were one bit wider.
    pub widened: Widened,
    /// Absorbed elements that were left out.
    pub absorbed: LeftOut,
    /// Mutations with a name, against circuit and ledger.
    pub mutations: usize,
    /// Rules with a witness that breaks this rule alone.
    pub breached: usize,
    /// Rules whose rows assert nothing: each makes a wire, and propagation notices.
    pub computing: Vec<&'static str>,
    /// Rules whose breach is a test that was written by hand.
    pub by_hand: Vec<HandMade>,
    /// Constraints taken out of gadgets on their own: all of them.
    pub gadgets: BTreeMap<&'static str, Removed>,
    /// Gadgets of few bits, all of whose solutions over a small field were searched.
    pub small: BTreeMap<&'static str, Searched>,
    /// Constraints taken out of the circuit: a sample.
    pub circuit: Removed,
    /// What was left out for want of time.
    pub left_out: Vec<String>,
    /// Seconds.
    pub seconds: f64,
    /// What nothing explains.
    pub findings: Vec<Finding>,
}
