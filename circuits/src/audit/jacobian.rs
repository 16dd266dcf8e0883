//! The Jacobian of the rows over the computed wires at an assignment, and whether its columns are independent.
//!
//! Full rank means that no computed wire can move while all chosen ones stay: the solution is isolated at this assignment. It says nothing of other
//! solutions far away; propagation and the search for discrete freedom do.

use ark_bn254::Fr;
use ark_ff::Zero;

use super::eliminate::Eliminator;
use super::rows::Rows;
use crate::cs::{ONE, Wire};

/// What the elimination found.
#[derive(Debug)]
pub struct Kernel {
    /// Number of columns: computed wires, the public input included.
    pub columns: usize,
    /// Columns that a move along the kernel can change.
    pub free: Vec<Wire>,
}

/// The derivative of a row at an assignment: `dA b + a dB - dC`.
fn derivative(rows: &Rows<'_>, z: &[Fr], row: usize) -> Vec<(Wire, Fr)> {
    let [a, b, _] = rows.system().matrices.evaluate(row, z);
    let mut terms: Vec<(Wire, Fr)> = Vec::new();
    for (side, factor) in [(0, b), (1, a), (2, -Fr::from(1u64))] {
        if !factor.is_zero() {
            terms.extend(rows.terms(side, row).filter(|(wire, _)| *wire != ONE).map(|(wire, c)| (wire, c * factor)));
        }
    }
    terms
}

/// Eliminates the Jacobian at an assignment.
pub fn kernel(rows: &Rows<'_>, z: &[Fr]) -> Kernel {
    let mut solver = Eliminator::new(rows.system().wires);
    for wire in (0..rows.system().wires as Wire).filter(|wire| rows.is_chosen(*wire)) {
        solver.learn(wire);
    }
    for row in (0..rows.len()).filter(|row| rows.has(*row)) {
        solver.push(derivative(rows, z, row));
        solver.take_news();
    }
    let computed: Vec<Wire> = rows.computed().collect();
    let free = computed.iter().copied().filter(|wire| !solver.knows(*wire)).collect();
    Kernel { columns: computed.len(), free }
}
