//! The constraint recorder that all gadgets write to, and [`Num`], the linear expression that they speak in.
//!
//! A gadget is one piece of code that serves twice. In [`Mode::Record`] it writes rank-1 rows `<A, z> * <B, z> = <C, z>` and the
//! values of the wires; in [`Mode::Witness`] only values, which is what each proof needs once the matrices are kept with
//! the key. Linear expressions are inlined as they are built, so no later pass has to do it, and no row is ever spent on an addition.
//!
//! Rows carry the name of the rule that they enforce and the region (slot, gadget) that they stand in, so that an unsatisfied
//! witness is answered with "slot 3, sender: balance after debit is below 2^96" and not with a row number.
//!
//! Hazard: the *shape* of what is recorded must never depend on a witness value. Control flow in gadgets branches on constants only
//! ([`Num::is_constant`] is a property of the code, not of the assignment). A test compares the rows recorded for different witnesses.

mod apart;
mod embed;
mod gadgets;
mod marks;
mod matrices;
mod num;
pub mod poseidon;
mod r1cs;

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::One;

use apart::Apart;
pub use gadgets::{MOST_BITS, fr_from_u128, low_bits};
pub use marks::{Bound, Claim, Expression, Hash, Leaf, Lemma, Marks, Place, Range};
pub use matrices::{Matrices, Row};
pub use num::Num;

/// Index of a wire in the assignment: 0 is the constant one, then come the public inputs, then the witness.
pub type Wire = u32;

/// The wire of the constant one.
pub const ONE: Wire = 0;
/// The wire of the first public input, the only one of a closed batch.
pub const PUBLIC: Wire = 1;
/// Wires of a closed batch that are not witness: the constant one and the public input.
pub const INSTANCE_WIRES: usize = 2;

/// What a run of the gadgets records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Rows and values.
    Record,
    /// Values only.
    Witness,
}

/// A stretch of rows with a name, such as `slot 3 (pair) / sender`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// The names from the outermost in, joined by ` / `.
    pub path: String,
    /// The first row that belongs to it.
    pub first_row: usize,
}

/// Records rows and wire values.
#[derive(Debug)]
pub struct Cs {
    mode: Mode,
    instance: usize,
    values: Vec<Fr>,
    matrices: Matrices,
    rules: Vec<&'static str>,
    rule_ids: HashMap<&'static str, u16>,
    row_rules: Vec<u16>,
    stack: Vec<String>,
    regions: Vec<Region>,
    marks: Marks,
    apart: Option<Apart>,
    /// Ranges so far, and which of them is one bit wider than its gadget asks for.
    ranges: usize,
    widened: Option<usize>,
}

impl Cs {
    /// An empty recorder; `public` is the value of the only public input.
    pub fn new(mode: Mode, public: Fr) -> Self {
        Self::with_inputs(mode, &[public])
    }

    /// An empty recorder with these public inputs, on the wires from [`PUBLIC`] on.
    pub fn with_inputs(mode: Mode, inputs: &[Fr]) -> Self {
        let values: Vec<Fr> = [Fr::one()].iter().chain(inputs).copied().collect();
        Self {
            mode,
            instance: values.len(),
            values,
            matrices: Matrices::default(),
            rules: Vec::new(),
            rule_ids: HashMap::new(),
            row_rules: Vec::new(),
            stack: Vec::new(),
            regions: Vec::new(),
            marks: Marks::default(),
            apart: None,
            ranges: 0,
            widened: None,
        }
    }

    /// A recorder of a circuit with a fault: the range with this number (see [`Marks::ranges`]) has one bit more than its gadget asks for. The audit
    /// has to notice.
    pub fn dangerous_widened(public: Fr, range: usize) -> Self {
        Self { widened: Some(range), ..Self::new(Mode::Record, public) }
    }

    /// Whether rows are recorded.
    pub fn recording(&self) -> bool {
        self.mode == Mode::Record
    }

    /// The only public input, or the first one.
    pub fn public(&self) -> Num {
        Num::wire(PUBLIC, self.values[PUBLIC as usize], self.recording())
    }

    /// All public inputs, in order.
    pub fn inputs(&self) -> Vec<Num> {
        (PUBLIC..)
            .zip(&self.values[1..self.instance])
            .map(|(wire, value)| Num::wire(wire, *value, self.recording()))
            .collect()
    }

    /// Gives a public input another value; rows are recorded only. Values that were computed from it stay what they are.
    pub(crate) fn set_input(&mut self, input: &Num, value: Fr) {
        if let [(wire, _)] = input.terms()
            && (*wire as usize) < self.instance
        {
            self.values[*wire as usize] = value;
        }
    }

    /// A new witness wire with this value. Nothing is known of it until a row says so.
    pub fn witness(&mut self, value: Fr) -> Num {
        let wire = Wire::try_from(self.values.len()).expect("a circuit has fewer than 2^32 wires");
        self.values.push(value);
        Num::wire(wire, value, self.recording())
    }

    /// Enforces `a * b = c`; `rule` names what a violation means.
    pub fn enforce(&mut self, rule: &'static str, a: &Num, b: &Num, c: &Num) {
        if !self.recording() {
            return;
        }
        let rules = &mut self.rules;
        let id = *self.rule_ids.entry(rule).or_insert_with(|| {
            rules.push(rule);
            u16::try_from(rules.len() - 1).expect("fewer than 2^16 rules have a name")
        });
        self.row_rules.push(id);
        self.matrices.push(a.terms(), b.terms(), c.terms());
    }

    /// Opens a named region; rows until the matching [`Cs::leave`] belong to it.
    pub fn enter(&mut self, name: impl Into<String>) {
        if self.recording() {
            self.stack.push(name.into());
            self.mark();
        }
    }

    /// Closes the innermost region.
    pub fn leave(&mut self) {
        if self.recording() {
            self.stack.pop();
            self.mark();
        }
    }

    fn mark(&mut self) {
        self.regions.push(Region { path: self.stack.join(" / "), first_row: self.matrices.rows() });
    }

    /// Rows recorded so far.
    pub fn rows(&self) -> usize {
        self.matrices.rows()
    }

    /// Wires so far, the constant and the public input included.
    pub fn wires(&self) -> usize {
        self.values.len()
    }

    /// The assignment, in wire order.
    pub fn values(&self) -> &[Fr] {
        &self.values
    }

    /// The assignment, in wire order, without the recorder.
    pub fn into_values(self) -> Vec<Fr> {
        self.values
    }

    /// Splits into what depends on the circuit alone and the assignment.
    pub fn into_parts(self) -> (System, Vec<Fr>) {
        let system = System {
            instance: self.instance,
            wires: self.values.len(),
            matrices: self.matrices,
            rules: self.rules,
            row_rules: self.row_rules,
            regions: self.regions,
            marks: self.marks,
        };
        (system, self.values)
    }
}

/// What the gadgets recorded, without an assignment: matrices and the names of their rows.
#[derive(Debug)]
pub struct System {
    /// Number of wires that are not witness: the constant and the public inputs.
    pub instance: usize,
    /// Number of wires, the constant and the public inputs included.
    pub wires: usize,
    /// The three sparse matrices.
    pub matrices: Matrices,
    rules: Vec<&'static str>,
    row_rules: Vec<u16>,
    regions: Vec<Region>,
    marks: Marks,
}

/// A row that an assignment does not satisfy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Index of the row.
    pub row: usize,
    /// Where it stands, outermost region first.
    pub region: String,
    /// The rule that it enforces.
    pub rule: &'static str,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} (row {})", self.region, self.rule, self.row)
    }
}

impl System {
    /// The rule that a row enforces.
    pub fn rule(&self, row: usize) -> &'static str {
        self.row_rules.get(row).map_or("", |id| self.rules[usize::from(*id)])
    }

    /// The region that a row stands in.
    pub fn region(&self, row: usize) -> &str {
        let after = self.regions.partition_point(|region| region.first_row <= row);
        after.checked_sub(1).map_or("", |i| &self.regions[i].path)
    }

    /// Which wires the witness chooses, and what gadgets claim.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// All regions in order of their first rows.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The rows that `assignment` violates, in order, at most `limit`.
    pub fn violations(&self, assignment: &[Fr], limit: usize) -> Vec<Violation> {
        (0..self.matrices.rows())
            .filter(|row| {
                let [a, b, c] = self.matrices.evaluate(*row, assignment);
                a * b != c
            })
            .take(limit)
            .map(|row| Violation { row, region: self.region(row).to_owned(), rule: self.rule(row) })
            .collect()
    }

    /// Whether every row holds and the assignment has the right length and constant.
    pub fn is_satisfied(&self, assignment: &[Fr]) -> bool {
        assignment.len() == self.wires && assignment[0].is_one() && self.violations(assignment, 1).is_empty()
    }
}
