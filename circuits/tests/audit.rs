//! The audit, on the tiny shape for all parts.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;
use std::time::Duration;

use tapstone_circuits::audit::assertions::{breach, rules};
use tapstone_circuits::audit::bounds::Bounds;
use tapstone_circuits::audit::commitments::{self, Seen, commitments};
use tapstone_circuits::audit::discrete::{Freedom, Search};
use tapstone_circuits::audit::follow::Plan;
use tapstone_circuits::audit::ground::{lacks, rests_on};
use tapstone_circuits::audit::hand_made::BY_HAND;
use tapstone_circuits::audit::jacobian::kernel;
use tapstone_circuits::audit::layout::{Bits, Element, PAIR_SPACING, ROLES, absorbed};
use tapstone_circuits::audit::packing::packing;
use tapstone_circuits::audit::propagate::propagate;
use tapstone_circuits::audit::reasons::Places;
use tapstone_circuits::audit::rows::Rows;
use tapstone_circuits::audit::widened::{Noticed, apart, sample, widen};
use tapstone_circuits::audit::worlds::{BATCHES, audited, base, before};
use tapstone_circuits::audit::worth::{Caught, Removal};
use tapstone_circuits::audit::{Options, audit};
use tapstone_circuits::circuit::{BatchCircuit, dangerous_synthesise_widened};
use tapstone_circuits::cs::{Lemma, System};
use tapstone_circuits::shape::{Shape, SlotKind};

fn tiny() -> BatchCircuit {
    BatchCircuit::new(&Shape::registered("tiny").unwrap())
}

/// The rows before the challenge.
fn before_tiny() -> (Shape, System) {
    let shape = Shape::registered("tiny").unwrap();
    let system = before(&shape);
    (shape, system)
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
    let options = Options { time: None, random: 200, removals: 40, widened: 8, absorbed: 6, gadgets: false };
    let report = audit(&Shape::registered("tiny").unwrap(), options, &mut |_| ()).unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.left_out, [""; 0]);
    assert_eq!(report.circuit.tried, 40);
    assert_eq!((report.widened.tried, report.widened.survivors.len()), (8, 0));
    assert_eq!(report.absorbed.tried, 6);
    let pinned = ["deposit head", "published data", "signed message", "withdrawals root"];
    assert_eq!(report.fixed.keys().copied().collect::<Vec<_>>(), pinned);
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
    let (shape, system) = before_tiny();
    let system = &system;
    let mut rows = Rows::new(system);
    let base = base(&shape).unwrap();
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
    let (_, system) = before_tiny();
    let system = &system;
    let rows = Rows::new(system);
    let mut copy = Rows::new(system);
    let plan = Plan::new(system);
    let harmless = propagate(&rows).harmless;
    let search = Search::new(&rows, &plan, &harmless);
    let mut removal = Removal::new(&mut copy, &search, None);
    let root = "the public input is the hash of the statement";
    let asserts = (0..rows.len()).find(|row| system.rule(*row) == root).unwrap();
    let hash = (0..asserts).rev().find(|row| system.rule(*row) == "hash is computed correctly").unwrap();
    assert_eq!(removal.of(&mut [], hash), Caught::Propagation);
}

#[test]
fn tests_that_are_named_exist() {
    for (rule, test) in BY_HAND {
        if let Some((module, name)) = test.split_once("::") {
            let module = if module.contains('/') { module.to_owned() } else { format!("soundness/{module}") };
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{module}.rs"));
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
    let (shape, system) = before_tiny();
    let system = &system;
    let mut rows = Rows::new(system);
    let places = Places::new(&rows);
    let base = base(&shape).unwrap();
    let batch = audited(&base, "all slots: swap, transfer, creation, transfer").unwrap();
    let whole = places.binding(&rows, &Bounds::new(&rows), &batch.witness, &batch.z);
    assert_eq!((whole.unexplained, whole.wrong), (vec![], 0));
    assert!(whole.bound["child"] > 50 && whole.bound["account"] > 50, "{:?}", whole.bound);
    for rule in [
        "the public input is the hash of the statement",
        "an access reads what an earlier one wrote",
        "a cell's index is one of a leaf",
        "a node's id is one of a node",
        "a pool's tokens and fee unpack in one way",
        "what is written is looked at",
        "stored token ids are below 2^30",
        "the counters unpack in one way",
        "the recipient's key is the signed one",
        "an account's index is made of bits",
    ] {
        // The first one that the batch needs: others belong to what it does not use.
        let of_rule: Vec<usize> = (0..rows.len()).filter(|row| system.rule(*row) == rule).collect();
        let missed = of_rule.iter().take(70).any(|row| {
            rows.remove(*row);
            let found = places.binding(&rows, &Bounds::new(&rows), &batch.witness, &batch.z);
            rows.restore();
            !found.unexplained.is_empty()
        });
        assert!(missed, "{rule}");
    }
}

/// Each of these rows is broken alone by lies that take a signature, a fee or a leaf that is not there.
#[test]
fn forged_lies_break_single_rows() {
    let (shape, system) = before_tiny();
    let system = &system;
    let rows = Rows::new(system);
    let plan = Plan::new(system);
    let harmless = propagate(&rows).harmless;
    let search = Search::new(&rows, &plan, &harmless);
    let base = base(&shape).unwrap();
    for (rule, batch, rows_of_rule) in [
        ("the signature verifies", "all slots: swap, transfer, creation, transfer", 4),
        ("only signed transactions pay fees", "all slots: deposits and transfers", 1),
        ("a new account's leaf was empty", "all slots: deposits and transfers", 5),
    ] {
        let mut batch = audited(&base, batch).unwrap();
        let of_rule = (0..rows.len()).filter(|row| system.rule(*row) == rule);
        let broken = of_rule.filter(|row| breach(&search, &mut batch, *row, |other| other == *row).is_some()).count();
        assert!(broken >= rows_of_rule, "{rule}: {broken}");
    }
}

/// What every packed element holds is what the protocol says, at every depth of the trees, and nothing is missing that lemmas rest on.
#[test]
fn elements_of_real_shapes_have_one_reading() {
    for (name, roles) in [("tiny", 12), ("small", 12)] {
        let shape = Shape::registered(name).unwrap();
        let circuit = BatchCircuit::new(&shape);
        let rows = Rows::new(circuit.system());
        let bounds = Bounds::new(&rows);
        let found = packing(&rows, &bounds, &shape);
        assert_eq!(found.faults, []);
        assert_eq!(found.elements.len(), roles, "{:?}", found.elements);
        assert_eq!(lacks(&rows, &bounds, &shape), []);
    }
}

/// One bit more in any range that keeps the fields of an element apart: an element or a lemma is not what it should be, or other rows say the same.
#[test]
fn every_kind_of_range_that_is_a_bit_too_wide_is_noticed() {
    let circuit = tiny();
    let shape = circuit.shape();
    let mut rows = Rows::new(circuit.system());
    let bounds = Bounds::new(&rows);
    let apart = apart(&rows, &packing(&rows, &bounds, shape));
    assert!(apart.len() > 100, "{}", apart.len());
    let picked = sample(&rows, &apart, 70);
    let ranges = circuit.system().marks().ranges();
    let mut by_count = Vec::new();
    for range in picked.into_iter().filter(|range| apart.contains(range)) {
        match widen(&mut rows, shape, range) {
            Noticed::Packing | Noticed::Lemma => {}
            // The batch number stands in the element less one, and the deposits before the batch are bounded by those after it.
            Noticed::Ground => by_count.push(circuit.system().rule(ranges[range].row)),
            other => panic!("{other:?}: {}", rows.place(ranges[range].row)),
        }
    }
    // The token of a fee is as wide as the list that it stands in.
    let is_list = |range: &tapstone_circuits::cs::Range| {
        circuit.system().rule(range.row) == "the batch's fee tokens are strictly increasing and below 2^30"
            && range.number.len() == 1
    };
    let list = ranges.iter().rposition(is_list).unwrap();
    assert_eq!(widen(&mut rows, shape, list), Noticed::Packing);
    // And how far apart the fee tokens are is what says that they increase.
    let expected = [
        "the batch number is between 1 and 2^48 - 1",
        "the batch's fee tokens are strictly increasing and below 2^30",
        "the counters unpack in one way",
    ];
    assert_eq!(by_count, expected);
}

/// With an output's number that is too wide the head of the queue no longer says which account a deposit is for.
#[test]
fn a_pinned_head_that_fixes_too_little_is_found() {
    let circuit = tiny();
    let base = base(circuit.shape()).unwrap();
    let batch = audited(&base, "key changed").unwrap();
    let ranges = circuit.system().marks().ranges();
    let of_rule = |(i, range): (usize, &tapstone_circuits::cs::Range)| {
        let system = circuit.system();
        let is_last =
            system.rule(range.row) == "the output's number is below 2^32" && system.region(range.row).contains("slot 2");
        is_last.then_some(i)
    };
    let range = ranges.iter().enumerate().find_map(of_rule).unwrap();
    let (system, z) = dangerous_synthesise_widened(batch.whole[1], &batch.witness, range).into_parts();
    assert_eq!(system.violations(&z, 1), []);
    let rows = Rows::new(&system);
    let found =
        commitments(&rows, &Bounds::new(&rows), &tapstone_circuits::audit::worlds::Audited { z, ..batch }, &mut Seen::new());
    let open: Vec<&str> = found.open.iter().filter(|open| open.by == commitments::HEAD).map(|open| open.what).collect();
    assert!(open.contains(&"outpoint") && open.contains(&"account index"), "{open:?}");
    assert!(found.open.iter().all(|open| open.by == commitments::HEAD));
}

/// What pinned values fix, in all batches: nothing is open, and each kind was seen.
#[test]
fn pinned_values_fix_what_is_read_from_them() {
    let (shape, system) = before_tiny();
    let rows = Rows::new(&system);
    let bounds = Bounds::new(&rows);
    let base = base(&shape).unwrap();
    let mut seen = Seen::new();
    for (name, ..) in BATCHES {
        assert_eq!(commitments(&rows, &bounds, &audited(&base, name).unwrap(), &mut seen).open, [], "{name}");
    }
    let of = |by: &str| seen.iter().filter(|(had, ..)| *had == by).count();
    assert_eq!([commitments::MESSAGE, commitments::HEAD, commitments::WITHDRAWALS].map(of), [8, 4, 3]);
}

/// A gadget that forgot a whole rule leaves no row to take out; the lemmas that rest on it say so.
#[test]
fn a_rule_that_is_gone_is_missed() {
    let circuit = tiny();
    let system = circuit.system();
    let mut rows = Rows::new(system);
    let bounds = Bounds::new(&rows);
    for (rule, lemma) in [
        ("the batch's fee tokens are strictly increasing and below 2^30", "entry of a fee"),
        ("a new key lies in the prime-order subgroup and is not the identity", "ladder"),
        ("a pool's fee is below 10000 basis points", "integer division"),
        ("a new account's leaf was empty", "slot of a debit"),
        ("the amount is at least 1", "slot of a debit"),
        ("the fee is below 2^96", "spaced pair"),
        ("S is made of bits", "windows"),
        ("sender and recipient differ", ""),
    ] {
        (0..rows.len()).filter(|row| system.rule(*row) == rule).for_each(|row| rows.remove(row));
        let found = lacks(&rows, &bounds, circuit.shape());
        rows.restore();
        assert!(
            !found.is_empty() && found.iter().all(|lack| lack.rule == rule && lack.what.contains(lemma)),
            "{rule}: {found:?}"
        );
    }
    // A list whose ranges are there, and say something else.
    let ranges = system.marks().ranges();
    let is_gap = |range: &&tapstone_circuits::cs::Range| {
        system.rule(range.row) == "the batch's fee tokens are strictly increasing and below 2^30" && range.number.len() > 1
    };
    let gap = ranges.iter().find(is_gap).unwrap();
    rows.remove(gap.row);
    let found = lacks(&rows, &bounds, circuit.shape());
    assert!(found.iter().any(|lack| lack.what.contains("strictly increasing")), "{found:?}");
}

/// Whatever rule is gone, or lacks one row: a lemma or the protocol rests on it, or a wire has no value.
#[test]
fn no_rule_can_go_unnoticed() {
    let circuit = tiny();
    let system = circuit.system();
    let mut rows = Rows::new(system);
    let bounds = Bounds::new(&rows);
    let assertions = propagate(&rows).assertions;
    let mut unnoticed = Vec::new();
    for (rule, of_rule) in rules(&Rows::new(system)) {
        let last = vec![*of_rule.last().unwrap()];
        for gone in [of_rule, last] {
            gone.iter().for_each(|row| rows.remove(*row));
            let noticed = !lacks(&rows, &bounds, circuit.shape()).is_empty() || {
                let found = propagate(&rows);
                // An assertion that now only makes a wire asserts nothing.
                let gone = gone.iter().filter(|row| assertions.binary_search(row).is_ok()).count();
                let lost = found.assertions.len() + gone < assertions.len();
                lost || !found.unreached.is_empty() || !found.broken_claims.is_empty()
            };
            rows.restore();
            if !noticed {
                unnoticed.push((rule, gone.len()));
            }
        }
    }
    assert_eq!(unnoticed, []);
}

/// Every rule that a lemma names is one of the circuit.
#[test]
fn lemmas_rest_on_rules_of_the_circuit() {
    let circuit = tiny();
    let system = circuit.system();
    let all: std::collections::BTreeSet<&str> = (0..system.matrices.rows()).map(|row| system.rule(row)).collect();
    for claim in system.marks().claims() {
        assert!(!rests_on(claim.lemma).is_empty(), "{:?}", claim.lemma);
        assert!(rests_on(claim.lemma).iter().all(|rule| all.contains(rule)), "{:?}", claim.lemma);
    }
}

/// The layout that the circuit is held against is that of the page: `name 2^shift`, one element a line.
#[test]
fn the_layout_is_that_of_the_protocol() {
    let page = include_str!("../PROTOCOL.md");
    let read = |line: &str| -> Vec<(String, usize)> {
        let place = |part: &str| match part.trim().split_once(' ') {
            Some((power, name)) if power.starts_with("2^") => Some((name.to_owned(), power[2..].parse().unwrap())),
            _ => Some((part.trim().to_owned(), 0)),
        };
        line.split(" + ").filter_map(place).collect()
    };
    for (role, element, formula) in [
        ("deposit queue", 2, "p  = index d + 2^48 vout + 2^80 account + 2^110 token + 2^140 amount + 2^236 new"),
        ("withdrawal", 0, "p   = 9 + 2^8 account + 2^38 token + 2^68 amount + 2^164 refund + 2^165 position"),
        ("published data of a pair transaction", 2, "e1 = kind + 2^8 from + 2^38 to + 2^68 token + 2^98 amount"),
        ("published data of a pair transaction", 3, "e2 = fee_token + 2^30 fee"),
        ("published data of a single transaction", 2, "e1 = kind + 2^8 account + 2^38 ta + 2^68 tb + 2^98 amt0 + 2^194 aux"),
        ("published data of a single transaction", 3, "e2 = fee_token + 2^30 fee + 2^126 m"),
        ("digest of a pair transaction", 3, "c2 = fee_token + 2^30 fee + 2^126 nonce + 2^190 expiry"),
        ("digest of a single transaction", 4, "c3 = amt1 + 2^96 amt2"),
        ("state root", 4, "counters = next_account + 2^32 next_pool + 2^64 deposit_count"),
        ("account leaf", 3, "t_1 + 2^30 t_2 + 2^60 t_3 + 2^90 t_4 + 2^120 t_5 + 2^150 t_6 + 2^180 t_7"),
        ("pool that is read", 0, "token0 + 2^30 token1 + 2^60 fee"),
        ("pool leaf", 2, "reserve0 + 2^126 reserve1"),
        ("start of the withdrawals", 1, "chain_id + 2^32 batch_number"),
    ] {
        assert!(page.contains(formula), "{formula}");
        let role = ROLES.iter().find(|had| had.name == role).unwrap();
        let Element::Packed(fields) = role.elements[element] else { panic!("{role:?}") };
        let right = formula.split_once("= ").map_or(formula, |(_, right)| right);
        let shifts: Vec<usize> = read(right).into_iter().map(|(_, shift)| shift).collect();
        assert_eq!(fields.iter().map(|(_, shift, _)| *shift).collect::<Vec<_>>(), shifts, "{formula}");
        let spaced = page.contains("b_0 + 2^126 b_1,  b_2 + 2^126 b_3,  b_4 + 2^126 b_5,  b_6 + 2^126 b_7");
        assert!(spaced && PAIR_SPACING == 126);
        // No field reaches the next one.
        for pair in fields.windows(2) {
            let bits = match pair[0].2 {
                Bits::Exactly(bits) | Bits::AtMost(bits) | Bits::Signed(bits) => bits,
                Bits::Path => 30,
            };
            assert!(pair[0].1 + bits <= pair[1].1, "{formula}: {pair:?}");
        }
    }
}

/// What is absorbed is what MEMORY.md says: as many elements, of as many bits.
#[test]
fn what_is_absorbed_is_that_of_the_page() {
    let page = include_str!("../MEMORY.md");
    assert!(page.contains("That is 242 bits at w = 32 and D = 10."));
    for shape in Shape::all() {
        let room = shape.room();
        let w = room.time_bits;
        let elements = absorbed(&shape);
        let bits = |fields: &[tapstone_circuits::audit::layout::Field]| match fields.last() {
            Some((_, shift, Bits::Exactly(bits))) => shift + bits,
            other => panic!("{other:?}"),
        };
        assert!(elements.iter().filter(|fields| !fields.is_empty()).all(|fields| bits(fields) <= 253));
        let first_single =
            elements.iter().find(|fields| fields.first().is_some_and(|field| field.0 == "pool index")).unwrap();
        let index = 3 * usize::from(shape.account_depth);
        assert_eq!(bits(first_single), 242 - 2 * (32 - w) - (30 - index));
        let slots: usize = shape.slots.iter().map(|slot| if *slot == SlotKind::Pair { 17 } else { 12 }).sum();
        let cells = |count: usize, of: usize, own: usize| count.div_ceil(253 / of) + own * count;
        let state = cells(room.accounts, 31 + w, 2) + cells(room.pools, 30 + w, 3) + cells(room.nodes, 38, 2);
        assert_eq!(elements.len(), 1 + slots + 9 + state + 1);
    }
}
