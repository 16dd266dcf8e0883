//! The audit, on the tiny shape for all parts.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::time::Duration;

use tapstone_circuits::audit::assertions::breach;
use tapstone_circuits::audit::bounds::Bounds;
use tapstone_circuits::audit::discrete::{Freedom, Search};
use tapstone_circuits::audit::follow::Plan;
use tapstone_circuits::audit::hand_made::BY_HAND;
use tapstone_circuits::audit::jacobian::kernel;
use tapstone_circuits::audit::propagate::propagate;
use tapstone_circuits::audit::reasons::Places;
use tapstone_circuits::audit::rows::Rows;
use tapstone_circuits::audit::worlds::{audited, base};
use tapstone_circuits::audit::worth::{Caught, Removal};
use tapstone_circuits::audit::{Options, audit};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::cs::Lemma;
use tapstone_circuits::shape::Shape;

fn tiny() -> BatchCircuit {
    BatchCircuit::new(&Shape::registered("tiny").unwrap())
}

#[test]
fn every_computed_wire_of_a_real_shape_has_one_value_and_a_reason() {
    let circuit = BatchCircuit::new(&Shape::registered("small").unwrap());
    let rows = Rows::new(circuit.system());
    let found = propagate(&rows);
    assert_eq!((found.unreached, found.broken_claims), (vec![], vec![]));
    assert_eq!(found.reached.values().sum::<usize>(), rows.computed().count());
}

#[test]
fn the_tiny_shape_has_nothing_unexplained() {
    let options = Options { time: None, random: 200, removals: 40, gadgets: false };
    let report = audit(&Shape::registered("tiny").unwrap(), options, &mut |_| ()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.left_out, [""; 0]);
    assert_eq!(report.circuit.tried, 40);
    assert!(report.alternatives > 1_000_000 && report.mutations > 50 && report.breached > 60);
}

#[test]
fn what_is_left_out_for_want_of_time_is_told() {
    let options = Options { time: Some(Duration::ZERO), ..Options::default() };
    let report = audit(&Shape::registered("tiny").unwrap(), options, &mut |_| ()).unwrap();
    assert_eq!((report.findings, report.jacobians), (vec![], 1));
    assert!(report.left_out.len() > 30, "{:?}", report.left_out);
}

/// Faults of the kind that the audit is for, each by taking out the row that prevents it.
#[test]
fn planted_faults_are_found() {
    let circuit = tiny();
    let system = circuit.system();
    let mut rows = Rows::new(system);
    let base = base(circuit.shape()).unwrap();
    let mut batch = audited(&base, "liquidity added where side 0 binds").unwrap();
    let whole = propagate(&rows);
    // A bit of a range that may be anything; a check that a slope's divisor is not zero.
    for rule in ["the new balance is between 0 and 2^96 - 1", "no point addition is degenerate"] {
        let row = (0..rows.len()).find(|row| system.rule(*row) == rule).unwrap();
        rows.remove(row);
        let found = propagate(&rows);
        assert!(!found.unreached.is_empty() || !found.broken_claims.is_empty(), "{rule}");
        rows.restore();
    }
    // Shares minted at will: all rows that bound them.
    let claim = system.marks().claims().iter().find(|claim| claim.lemma == Lemma::Division).unwrap();
    for row in claim.rows.clone() {
        let rule = system.rule(row);
        if rule.contains("as many shares") || rule.contains("liquidity moves") || rule.contains("division is exact") {
            rows.remove(row);
        }
    }
    assert_eq!(propagate(&rows).broken_claims.len(), 1);
    // The ranges that are left hold the shares fast at this assignment: the Jacobian sees nothing of other solutions.
    assert!(!kernel(&rows, &batch.z).free.contains(&claim.gives[0]));
    let plan = Plan::new(system);
    let mut freedom = Freedom::default();
    Search::new(&rows, &plan, &whole.harmless).claims(&mut batch.z, &mut freedom, || true);
    assert!(freedom.findings.iter().any(|wires| wires.contains(&claim.gives[0])), "one share more is accepted");
}

/// What makes a wire that an assertion also fixes is not redundant: without it the assertion asserts nothing.
#[test]
fn an_assertion_that_only_makes_a_wire_is_missed() {
    let circuit = tiny();
    let system = circuit.system();
    let rows = Rows::new(system);
    let mut copy = Rows::new(system);
    let plan = Plan::new(system);
    let harmless = propagate(&rows).harmless;
    let search = Search::new(&rows, &plan, &harmless);
    let mut removal = Removal::new(&mut copy, &search, None);
    let root = "the account's leaf stands in the account tree";
    let asserts = (0..rows.len()).find(|row| system.rule(*row) == root).unwrap();
    let hash = (0..asserts).rev().find(|row| system.rule(*row) == "hash is computed correctly").unwrap();
    assert_eq!(removal.of(&mut [], hash), Caught::Propagation);
}

#[test]
fn tests_that_are_named_exist() {
    for (rule, test) in BY_HAND {
        if let Some((module, name)) = test.split_once("::") {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/soundness/{module}.rs"));
            let text = std::fs::read_to_string(path).unwrap();
            assert!(text.contains(&format!("#[test]\nfn {name}()")), "{rule}: no test {test}");
        } else {
            assert!(include_str!("../AUDIT.md").contains("## Index bits"), "{rule}: {test}");
        }
    }
}

/// Without any of these the public input leaves something open that it should not.
#[test]
fn what_binds_is_missed() {
    let circuit = tiny();
    let system = circuit.system();
    let mut rows = Rows::new(system);
    let places = Places::new(&rows, circuit.shape());
    let base = base(circuit.shape()).unwrap();
    let batch = audited(&base, "all slots: swap, transfer, creation, transfer").unwrap();
    let whole = places.binding(&rows, &Bounds::new(&rows), &batch);
    assert_eq!((whole.unexplained, whole.wrong), (vec![], 0));
    assert!(whole.bound["sibling"] > 100 && whole.bound["account"] > 50, "{:?}", whole.bound);
    for rule in [
        "the public input is the hash of the statement",
        "the account's leaf stands in the account tree",
        "a pool's leaf stands in the pool tree",
        "stored token ids are below 2^30",
        "the counters unpack in one way",
        "the recipient's key is the signed one",
        "the pool is the signed one",
        "an account's index has the bits of its path",
    ] {
        // The first one that the batch needs: others belong to what it does not use.
        let of_rule: Vec<usize> = (0..rows.len()).filter(|row| system.rule(*row) == rule).collect();
        let missed = of_rule.iter().take(70).any(|row| {
            rows.remove(*row);
            let found = places.binding(&rows, &Bounds::new(&rows), &batch);
            rows.restore();
            !found.unexplained.is_empty()
        });
        assert!(missed, "{rule}");
    }
}

/// Each of these rows is broken alone by lies that take a signature, a fee or a leaf that is not there.
#[test]
fn forged_lies_break_single_rows() {
    let circuit = tiny();
    let system = circuit.system();
    let rows = Rows::new(system);
    let plan = Plan::new(system);
    let harmless = propagate(&rows).harmless;
    let search = Search::new(&rows, &plan, &harmless);
    let base = base(circuit.shape()).unwrap();
    for (rule, batch, rows_of_rule) in [
        ("the signature verifies", "all slots: swap, transfer, creation, transfer", 4),
        ("only signed transactions pay fees", "swap with a fee, transfer, transfer to a new account", 1),
        ("a new account's leaf was empty", "all slots: deposits and transfers", 5),
    ] {
        let mut batch = audited(&base, batch).unwrap();
        let of_rule = (0..rows.len()).filter(|row| system.rule(*row) == rule);
        let broken = of_rule.filter(|row| breach(&search, &mut batch, *row, |other| other == *row).is_some()).count();
        assert!(broken >= rows_of_rule, "{rule}: {broken}");
    }
}
