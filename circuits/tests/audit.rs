//! The audit of the tiny shape.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeSet;

use tapstone_circuits::audit::jacobian::kernel;
use tapstone_circuits::audit::propagate::propagate;
use tapstone_circuits::audit::rows::Rows;
use tapstone_circuits::audit::worlds::{BATCHES, audited, base};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::cs::Wire;
use tapstone_circuits::shape::Shape;

fn tiny() -> BatchCircuit {
    BatchCircuit::new(&Shape::registered("tiny").unwrap())
}

#[test]
fn every_computed_wire_has_one_value_and_a_reason() {
    for name in ["tiny", "small"] {
        let circuit = BatchCircuit::new(&Shape::registered(name).unwrap());
        let rows = Rows::new(circuit.system());
        let found = propagate(&rows);
        assert_eq!((found.unreached, found.broken_claims), (vec![], vec![]), "{name}");
        assert_eq!(found.reached.values().sum::<usize>(), rows.computed().count());
    }
}

#[test]
fn the_jacobian_has_full_rank_but_for_inverses_of_zero() {
    let circuit = tiny();
    let rows = Rows::new(circuit.system());
    let harmless: BTreeSet<Wire> = propagate(&rows).harmless.into_iter().collect();
    let base = base(circuit.shape()).unwrap();
    for (name, ..) in BATCHES {
        let batch = audited(&base, name).unwrap();
        assert_eq!(circuit.system().violations(&batch.z, 1), [], "{name}");
        for wire in kernel(&rows, &batch.z).free {
            assert!(harmless.contains(&wire), "{name}: wire {wire}");
        }
    }
}
