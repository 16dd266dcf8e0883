//! Open batches: segments and state parts with one challenge, against dishonest provers and what a verifier sees of them.

use std::collections::BTreeSet;

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::account::Account;
use tapstone_circuits::circuit::Circuit;
use tapstone_circuits::circuit::part::{
    ABSORBED, CAPACITY, OUTPUT, Part, REGISTER, SHARE, before_the_challenge, synthesise,
};
use tapstone_circuits::cs::{Mode, System};
use tapstone_circuits::ledger::BatchError;
use tapstone_circuits::ledger::open::{ExecutedOpen, PartIds};
use tapstone_circuits::plan::PlanError;
use tapstone_circuits::plan::segments::{PlannedSegment, split_open};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::{PartShapes, SegmentShape, Shape, SlotKind, StateShape};
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::witness::{SlotWitness, StatePartWitness};
use tapstone_verifier::error::OpenError;
use tapstone_verifier::layout::data_start;
use tapstone_verifier::open::{Challenge, KeySet, OpenBatch, Role};
use tapstone_verifier::{Element, VkId};

use crate::closed::{HARMLESS, all_kinds, batches, free};
use crate::small::rules;

const SEGMENT: VkId = VkId::from_bytes([1; 32]);
const CELLS: VkId = VkId::from_bytes([2; 32]);
const NODES: VkId = VkId::from_bytes([3; 32]);

fn keys() -> KeySet {
    KeySet::new(3, &[(Role::Segment, SEGMENT), (Role::State, CELLS), (Role::State, NODES)]).unwrap()
}

/// A segment has a single slot and a pair slot, state parts have room for little.
fn shapes() -> PartShapes {
    PartShapes {
        name: "short".into(),
        segments: vec![SegmentShape { name: "sp".into(), account_depth: 2, slots: vec![SlotKind::Single, SlotKind::Pair] }],
        cells: StateShape { name: "cells".into(), accounts: 2, pools: 1, nodes: 1 },
        nodes: StateShape { name: "nodes".into(), accounts: 0, pools: 0, nodes: 2 },
    }
}

/// Executes the open batch in short segments, or in longer ones if a bundle needs them.
fn execute(world: &mut World) -> ExecutedOpen {
    let transactions = std::mem::take(&mut world.open);
    let mut shapes = shapes();
    if let Err(BatchError::Plan(_)) = world.ledger.clone().execute_open(&shapes, world.operator, &transactions) {
        shapes.segments[0].slots = [SlotKind::Single, SlotKind::Pair].repeat(2);
    }
    world.ledger.execute_open(&shapes, world.operator, &transactions).unwrap()
}

/// A claim with the public inputs of its parts.
struct Prepared {
    claim: OpenBatch,
    parts: Vec<Vec<Fr>>,
}

fn prepared(executed: &ExecutedOpen) -> Prepared {
    let (claim, challenge) = executed.claim(&keys(), &PartIds { segments: vec![SEGMENT], cells: CELLS, nodes: NODES });
    Prepared { parts: inputs(&claim, &challenge), claim }
}

fn inputs(claim: &OpenBatch, challenge: &Challenge) -> Vec<Vec<Fr>> {
    let of = |part| claim.part_inputs(part, challenge).into_iter().map(Fr::from).collect();
    (0..claim.parts()).map(of).collect()
}

/// The rules that parts break, of each part with its number.
fn broken(executed: &ExecutedOpen, parts: &[Vec<Fr>]) -> BTreeSet<(usize, &'static str)> {
    fn of<P: Part>(number: usize, inputs: &[Fr], part: &P) -> Vec<(usize, &'static str)> {
        let (system, z) = synthesise(Mode::Record, inputs, part).into_parts();
        rules(&system, &z).into_iter().map(|rule| (number, rule)).collect()
    }
    let segments = executed.segments.len();
    let part = |(number, inputs): (usize, &Vec<Fr>)| match number.checked_sub(segments) {
        None => of(number, inputs, &executed.segments[number].witness),
        Some(state) => of(number, inputs, &executed.states[state]),
    };
    parts.iter().enumerate().flat_map(part).collect()
}

/// Every kind in several segments: fees in three tokens, withdrawals and deposits in more than one segment, a bundle, an account that is made and used at once, and
/// the operator in all roles.
fn long() -> World {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    world.with_fee(3, 7).transfer(0, 1, 1, 100).withdraw(0, 1, 5).transfer(1, 2, 2, 5);
    world.with_fee(1, 2).swap(0, 0, Direction::ZeroForOne, 1000).transfer_new(1, 2, 50).deposit(3, 1, 9);
    world.with_fee(2, 4).withdraw(2, 3, 8).transfer(3, 0, 1, 1).deposit(50, 1, 5).transfer(2, 1, 1, 5);
    world
}

#[test]
fn open_batches_do_what_closed_ones_do() {
    let mut sizes = BTreeSet::new();
    for (i, world) in batches().into_iter().chain(all_kinds()).chain([long()]).enumerate() {
        let (mut closed, mut open) = (world.clone(), world);
        closed.shape = Shape {
            slots: [SlotKind::Single, SlotKind::Pair].repeat(8),
            accounts: 20,
            pools: 3,
            nodes: 20,
            fee_tokens: 3,
            ..closed.shape
        };
        let (executed, theirs) = (execute(&mut open), closed.apply().unwrap());
        assert_eq!(open.ledger.summary(), closed.ledger.summary(), "batch {i}");
        assert_eq!(executed.withdrawals, theirs.withdrawals);
        assert_eq!(executed.flows, theirs.flows);
        let segments = executed.segments.len();
        sizes.insert(segments);
        let (ours, theirs) = (executed.statement(), theirs.statement());
        // A batch of one segment claims what a closed one does.
        assert_eq!(ours == theirs, segments == 1, "batch {i}");
        assert_eq!((ours.post_state_root, ours.deposit_head), (theirs.post_state_root, theirs.deposit_head));

        let Prepared { claim, parts } = prepared(&executed);
        let challenge = claim.check(&keys()).unwrap();
        assert_eq!(parts, inputs(&claim, &challenge), "batch {i}");
        assert_eq!(broken(&executed, &parts), BTreeSet::new(), "batch {i}");
        let number = i % parts.len();
        let assigned = executed.assignment(number, &claim.part_inputs(number, &challenge));
        let recorded = match number.checked_sub(segments) {
            None => synthesise(Mode::Witness, &parts[number], &executed.segments[number].witness),
            Some(state) => synthesise(Mode::Witness, &parts[number], &executed.states[state]),
        };
        assert_eq!(assigned, recorded.into_values());
    }
    assert!(sizes.contains(&1) && sizes.iter().any(|segments| *segments > 4), "{sizes:?}");
}

#[test]
fn random_open_batches_have_witnesses() {
    let mut rng = SplitMix::new(29);
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    let roomy =
        Shape { slots: [SlotKind::Single, SlotKind::Pair].repeat(9), accounts: 30, pools: 4, nodes: 30, ..world.shape };
    world.shape = Shape { fee_tokens: 3, ..roomy };
    for _ in 0..4 {
        world.operator = rng.below(3) as u32;
        world.fill_at_random(&mut rng, 12);
        let executed = execute(&mut world);
        let Prepared { claim, parts } = prepared(&executed);
        let challenge = claim.check(&keys()).unwrap();
        assert_eq!(parts, inputs(&claim, &challenge));
        assert_eq!(broken(&executed, &parts), BTreeSet::new());
    }
}

#[test]
fn rows_depend_on_the_shape_alone() {
    let bytes = |system: &System| {
        let mut bytes = Vec::new();
        system.matrices.feed(|chunk| bytes.extend_from_slice(chunk));
        bytes
    };
    let shapes = shapes();
    let (segment, state) = (Circuit::new(&shapes.segments[0]), Circuit::new(&shapes.cells));
    assert_eq!((segment.system().instance, state.system().instance), (48, 5));
    let executed = execute(&mut long());
    let Prepared { parts, .. } = prepared(&executed);
    let (recorded, _) = synthesise(Mode::Record, &parts[1], &executed.segments[1].witness).into_parts();
    assert_eq!(bytes(&recorded), bytes(segment.system()));
    let first = executed.segments.len();
    let (recorded, _) = synthesise(Mode::Record, &parts[first], &executed.states[0]).into_parts();
    assert_eq!(bytes(&recorded), bytes(state.system()));
}

/// Each public input of a segment and of a state part, changed alone.
#[test]
fn every_public_input_is_bound() {
    let executed = execute(&mut long());
    let Prepared { parts, .. } = prepared(&executed);
    let last = executed.segments.len() - 1;
    for number in [0, last, parts.len() - 1] {
        for input in 0..parts[number].len() {
            let mut inputs = parts[number].clone();
            inputs[input] += Fr::one();
            let (system, z) = match number.checked_sub(executed.segments.len()) {
                None => synthesise(Mode::Record, &inputs, &executed.segments[number].witness).into_parts(),
                Some(state) => synthesise(Mode::Record, &inputs, &executed.states[state]).into_parts(),
            };
            let rules = rules(&system, &z);
            let expected = match (number > last, input) {
                (true, 0 | 1) | (false, 5 | 6) => SHARE,
                (true, 2) | (false, 7) => ABSORBED,
                (true, _) | (false, 8) => SHARE,
                (false, 2 | 9 | 10) => OUTPUT,
                (false, 3) => CAPACITY,
                (false, 19..47) => REGISTER,
                // The chain and the number are signed and stand in the withdrawals; a fee is paid in one of the tokens, or none is due in it.
                _ => {
                    let unused = (11..19).contains(&input);
                    assert!(unused || !rules.is_empty(), "part {number}, input {input}");
                    continue;
                }
            };
            assert!(rules.contains(expected), "part {number}, input {input}: {rules:?}");
        }
    }
}

/// What a verifier sees of a claim that was tampered with.
#[test]
fn tampered_claims_are_refused() {
    let executed = execute(&mut long());
    let Prepared { claim, .. } = prepared(&executed);
    let (keys, last) = (keys(), claim.segments.len() - 1);
    type Change = fn(&mut OpenBatch);
    fn up(element: &mut Element) {
        *element = (Fr::from(*element) + Fr::one()).into();
    }
    let changes: Vec<(u16, Change)> = vec![
        (1011, |c| c.segments.clear()),
        (1012, |c| c.states = vec![c.states[0]; 1 << 16]),
        (1013, |c| c.states[1].key = VkId::from_bytes([4; 32])),
        (1014, |c| c.segments[1].key = CELLS),
        (1014, |c| c.states[0].key = SEGMENT),
        (104, |c| c.statement.batch_number = 0),
        (907, |c| c.before.account_depth = 0),
        (1021, |c| c.before.chain_id += 4),
        (1022, |c| c.before.batch_number -= 1),
        (1023, |c| up(&mut c.before.account_root)),
        (1023, |c| up(&mut c.statement.pre_state_root)),
        (1023, |c| up(&mut c.after[0])),
        (1023, |c| up(&mut c.statement.post_state_root)),
        (1023, |c| c.before.account_depth = 3),
        (1023, |c| c.segments.last_mut().unwrap().after.next_account += 1),
        (1024, |c| c.pools_touched = false),
        (1031, |c| c.operator = 1 << 30),
        (1032, |c| c.fee_tokens[0] = 0),
        (1032, |c| c.fee_tokens[7] = c.fee_tokens[6]),
        (1032, |c| c.fee_tokens[7] = 1 << 30),
        (1033, |c| c.segments[0].after.withdrawals = (1 << 20) + 1),
        (1033, |c| c.segments[0].after.next_account = 65),
        (1033, |c| c.segments[0].after.next_pool = 9),
        (1033, |c| c.segments[0].after.deposit_count = 1 << 48),
        (1033, |c| c.segments[0].after.fees[7] = 1 << 120),
        (1041, |c| c.segments[1].data = data_start(0).into()),
        (1042, |c| up(&mut c.segments[0].data)),
        (1042, |c| up(&mut c.segments[0].withdrawals)),
        (1042, |c| up(&mut c.statement.data_hash)),
        (1042, |c| up(&mut c.statement.deposit_head)),
        (1042, |c| up(&mut c.statement.withdrawals_root)),
        (1042, |c| c.segments.swap(0, 1)),
        (1042, |c| _ = c.segments.remove(0)),
        // From here on nothing but the challenge, or the balance, tells.
        (1052, |c| c.operator = 1),
        (1052, |c| c.fee_tokens[7] += 1),
        (1052, |c| up(&mut c.segments[0].absorbed)),
        (1052, |c| c.segments[0].after.time += 1),
        (1052, |c| c.segments[0].after.withdrawals += 1),
        (1052, |c| c.segments[0].after.fees[0] += 1),
        (1052, |c| up(&mut c.segments[0].after.deposit_head)),
        (1052, |c| up(&mut c.states[0].absorbed)),
        (1052, |c| up(&mut c.segments[0].sum)),
        (1052, |c| up(&mut c.states[0].sum)),
        (1052, |c| _ = c.states.pop()),
        (1052, |c| c.states.push(c.states[0])),
        (1052, |c| c.states.reverse()),
    ];
    for (i, (code, change)) in changes.into_iter().enumerate() {
        let mut tampered = claim.clone();
        change(&mut tampered);
        let refused = tampered.check(&keys).expect_err("a claim that was tampered with");
        assert_eq!(refused.code(), code, "change {i}: {refused}");
    }
    // Under another set of keys it is another challenge.
    let other = KeySet::new(4, keys.keys()).unwrap();
    assert!(matches!(claim.check(&other), Err(OpenError::Balance { .. })));
    assert!(last > 3);
}

/// Shares that were moved from one part to another add up, and neither part has a proof.
#[test]
fn shares_are_each_parts_own() {
    let executed = execute(&mut long());
    let Prepared { mut claim, .. } = prepared(&executed);
    let (up, down) = (Fr::from(claim.segments[0].sum) + Fr::one(), Fr::from(claim.states[0].sum) - Fr::one());
    (claim.segments[0].sum, claim.states[0].sum) = (up.into(), down.into());
    let challenge = claim.check(&keys()).unwrap();
    assert_eq!(broken(&executed, &inputs(&claim, &challenge)), [(0, SHARE), (claim.segments.len(), SHARE)].into());
}

/// Prepares what a forger executed, with whatever is claimed of the batch as a whole.
fn forged(executed: &ExecutedOpen) -> (Result<Challenge, OpenError>, BTreeSet<(usize, &'static str)>) {
    let Prepared { claim, parts } = prepared(executed);
    (claim.check(&keys()), broken(executed, &parts))
}

#[test]
fn a_segment_reads_what_an_earlier_one_wrote() {
    let honest = execute(&mut long());
    // The first read of the second segment is taken from before the batch: the record of time 0 is consumed twice.
    let mut lie = honest.clone();
    let first = lie.segments[0].witness.clone();
    let leaf = |slots: &[SlotWitness]| {
        slots.iter().find_map(|slot| match slot {
            SlotWitness::Pair(pair) if pair.tx.is_some() => Some(pair.sender.clone()),
            _ => None,
        })
    };
    let before = leaf(&first.slots).unwrap();
    assert_eq!(before.index, 0);
    let read_late = |executed: &mut ExecutedOpen, gap: Fr| {
        let segment = executed.segments.last_mut().unwrap();
        assert!(segment.witness.operator_access.before != before.before);
        segment.witness.operator_access.before = before.before.clone();
        segment.witness.operator_access.gap = gap;
    };
    let last = lie.segments.last().unwrap().after.time;
    read_late(&mut lie, Fr::from(last - 1));
    let (claim, rules) = forged(&lie);
    assert!(matches!(claim, Err(OpenError::Balance { .. })), "{claim:?}");
    assert_eq!(rules, BTreeSet::new());
    // A gap of 33 bits, and one below 0: what would be read is still to come.
    for gap in [Fr::from(1u64 << 32), -Fr::one()] {
        let mut lie = honest.clone();
        let segment = lie.segments.last_mut().unwrap();
        segment.witness.operator_access.gap = gap;
        let (claim, rules) = forged(&lie);
        assert!(claim.is_err());
        let rules: Vec<_> = rules.into_iter().map(|(_, rule)| rule).collect();
        assert_eq!(rules, ["an access reads what an earlier one wrote"]);
    }
}

#[test]
fn a_leaf_is_opened_in_one_part_and_a_node_too() {
    let honest = execute(&mut long());
    assert!(honest.states[0].accounts[0].used && honest.states[0].nodes[0].used);
    let refused = |lie: &ExecutedOpen| {
        let (claim, rules) = forged(lie);
        assert!(matches!(claim, Err(OpenError::Balance { .. })), "{claim:?}");
        assert_eq!(rules, BTreeSet::new());
    };
    // A cell that stands in two parts, or in none.
    let blank = StatePartWitness::blank(&shapes().cells);
    let mut lie = honest.clone();
    lie.states.push(StatePartWitness { accounts: honest.states[0].accounts.clone(), ..blank.clone() });
    refused(&lie);
    let mut lie = honest.clone();
    lie.states[0].accounts[0].used = false;
    refused(&lie);
    // A node likewise.
    let mut lie = honest.clone();
    lie.states.push(StatePartWitness { nodes: honest.states[0].nodes.clone(), ..blank.clone() });
    refused(&lie);
    let mut lie = honest.clone();
    lie.states[0].nodes[0] = blank.nodes[0].clone();
    refused(&lie);
    // Cells may stand in any part.
    let mut other = honest;
    let (first, second) = other.states.split_at_mut(1);
    std::mem::swap(&mut first[0].accounts, &mut second[0].accounts);
    let (claim, rules) = forged(&other);
    assert!(claim.is_ok());
    assert_eq!(rules, BTreeSet::new());
}

/// The operator acts where its verifier says so: in the last segment, once.
#[test]
fn the_operator_takes_the_fees_once_and_at_the_end() {
    let honest = execute(&mut long());
    let Prepared { parts, claim } = prepared(&honest);
    let last = claim.segments.len() - 1;
    // In a segment that is not the last its access counts for nothing, whatever stands there.
    for (number, is_last) in [(0, Fr::one()), (last, Fr::zero())] {
        let mut inputs = parts[number].clone();
        inputs[4] = is_last;
        let (system, z) = synthesise(Mode::Record, &inputs, &honest.segments[number].witness).into_parts();
        assert!(!rules(&system, &z).is_empty(), "segment {number}");
    }
    // A witness that leaves the credit out.
    let mut lie = honest.clone();
    lie.segments[last].witness.operator_access.before = Account::EMPTY;
    let (claim, rules) = forged(&lie);
    assert!(claim.is_err());
    assert!(rules.iter().any(|(_, rule)| *rule == "the operator's account exists"), "{rules:?}");
}

/// Step 1 of the argument, for parts: with the balance left out, the public inputs fix every record, on batches of every kind.
#[test]
fn everything_in_a_part_is_fixed_before_the_challenge() {
    let mut needed = 0;
    for (i, mut world) in [long(), all_kinds().swap_remove(3), all_kinds().swap_remove(5)].into_iter().enumerate() {
        let executed = execute(&mut world);
        let Prepared { parts, .. } = prepared(&executed);
        for (number, inputs) in parts.iter().enumerate() {
            let open = |forgotten| match number.checked_sub(executed.segments.len()) {
                None => before_the_challenge(Mode::Record, inputs, &executed.segments[number].witness, forgotten),
                Some(state) => before_the_challenge(Mode::Record, inputs, &executed.states[state], forgotten),
            };
            let (system, z) = open(None).into_parts();
            assert_eq!(rules(&system, &z), BTreeSet::new(), "batch {i}, part {number}");
            let loose = free(&system, &z);
            assert!(loose.keys().all(|kind| HARMLESS.contains(kind)), "batch {i}, part {number}: {loose:?}");
            // The packed element of a slot, of the operator, of cells, of nodes.
            for forgotten in [0, 1] {
                if i == 0 && (number == 0 || number == executed.segments.len()) {
                    let (system, z) = open(Some(forgotten)).into_parts();
                    let loose = free(&system, &z);
                    needed += usize::from(loose.keys().any(|kind| !HARMLESS.contains(kind)));
                }
            }
        }
    }
    assert_eq!(needed, 4);
}

#[test]
fn bundles_are_not_cut_and_fees_have_eight_tokens() {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    world.transfer(0, 1, 1, 5).transfer(1, 0, 1, 5).bundle_from(0);
    let transactions = std::mem::take(&mut world.open);
    let refused = world.ledger.execute_open(&shapes(), 0, &transactions).unwrap_err();
    assert!(matches!(refused, BatchError::Plan(PlanError::Bundle { first: 0, last: 1, index: 1, .. })), "{refused}");
    let mut roomy = shapes();
    roomy.segments[0].slots = vec![SlotKind::Single, SlotKind::Pair, SlotKind::Pair];
    world.transfer(1, 2, 1, 1);
    let mut all = std::mem::take(&mut world.open);
    // One slot is left for the bundle of two: it starts the next segment.
    all.extend(transactions);
    let batches = split_open(&roomy.segments, &all).unwrap();
    let slots = [vec![None, Some(0), None], vec![None, Some(1), Some(2)]];
    assert_eq!(batches, [slots.map(|slots| PlannedSegment { shape: 0, slots })]);
    // The shape that takes most: a single slot is of no use to transfers, a pair slot to nothing else.
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    world
        .transfer(0, 1, 1, 5)
        .transfer(1, 2, 1, 5)
        .transfer(1, 0, 1, 5)
        .withdraw(0, 1, 5)
        .withdraw(0, 1, 6)
        .transfer(0, 1, 1, 1);
    let shape = |slots: &[SlotKind]| SegmentShape { slots: slots.to_vec(), ..shapes().segments.remove(0) };
    let shapes = [shape(&[SlotKind::Single; 2]), shape(&[SlotKind::Pair; 2]), shape(&[SlotKind::Pair, SlotKind::Single])];
    let batches = split_open(&shapes, &world.open).unwrap();
    let planned = batches[0].iter().map(|segment| (segment.shape, segment.slots.clone())).collect::<Vec<_>>();
    let pair = |a, b| vec![Some(a), Some(b)];
    assert_eq!(planned, [(1, pair(0, 1)), (2, pair(2, 3)), (0, vec![Some(4), None]), (1, vec![Some(5), None])]);
}

/// What parts have no room for is refused before anything changes.
#[test]
fn a_batch_that_parts_have_no_room_for_changes_nothing() {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    world.swap(0, 0, Direction::ZeroForOne, 1000);
    let transactions = std::mem::take(&mut world.open);
    let before = world.ledger.summary();
    type Change = fn(&mut PartShapes);
    let changes: [(&str, Change); 5] = [
        ("pools", |shapes| shapes.cells.pools = 0),
        ("accounts", |shapes| shapes.cells.accounts = 0),
        ("nodes", |shapes| shapes.nodes.nodes = 0),
        ("slot", |shapes| shapes.segments.clear()),
        ("depth", |shapes| shapes.segments[0].account_depth = 3),
    ];
    for (what, change) in changes {
        let mut lacking = shapes();
        change(&mut lacking);
        let refused = world.ledger.execute_open(&lacking, 0, &transactions).unwrap_err();
        assert!(refused.to_string().contains(what), "{what}: {refused}");
        assert_eq!(world.ledger.summary(), before);
    }
    // Transfers need no pools.
    world.transfer(0, 1, 1, 5);
    let transfers = std::mem::take(&mut world.open);
    let mut without = shapes();
    without.cells.pools = 0;
    world.ledger.execute_open(&without, 0, &transfers).unwrap();
    // A signature that is wrong in the last of several segments changes nothing either.
    let before = world.ledger.clone();
    let mut forged = long();
    forged.ledger = before.clone();
    let mut transactions = std::mem::take(&mut forged.open);
    transactions.truncate(1);
    if let Some(signed) = transactions[0].signed_mut() {
        signed.nonce += 1;
    }
    world.ledger.execute_open(&shapes(), 0, &transactions).unwrap_err();
    assert_eq!((world.ledger.summary(), world.ledger.accounts()), (before.summary(), before.accounts()));
}

const VECTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../test-vectors/open/parts-tiny.json");

/// A batch of every kind in the parts of set `parts-tiny`, under keys that are made up: what clients compute of it.
fn vector() -> serde_json::Value {
    use serde_json::json;
    let element = |x: &Element| format!("0x{}", hex::encode(x.to_be_bytes()));
    let mut world = long();
    let transactions = std::mem::take(&mut world.open);
    let shapes = PartShapes::registered("parts-tiny").unwrap();
    let executed = world.ledger.execute_open(&shapes, world.operator, &transactions).unwrap();
    let keys = keys();
    let (claim, challenge) = executed.claim(&keys, &PartIds { segments: vec![SEGMENT], cells: CELLS, nodes: NODES });
    assert_eq!(claim.check(&keys), Ok(challenge));
    let segment = |part: &tapstone_verifier::open::Segment| {
        let after = &part.after;
        json!({
            "key": part.key.to_string(), "h": element(&part.absorbed), "data": element(&part.data),
            "withdrawals": element(&part.withdrawals), "sum": element(&part.sum),
            "after": {
                "withdrawals": after.withdrawals, "deposit_head": element(&after.deposit_head),
                "next_account": after.next_account, "next_pool": after.next_pool, "deposit_count": after.deposit_count,
                "time": after.time, "fees": after.fees.map(|total| total.to_string()),
            },
        })
    };
    let state = |part: &tapstone_verifier::open::StatePart| json!({ "key": part.key.to_string(), "h": element(&part.absorbed), "sum": element(&part.sum) });
    let (statement, before) = (&claim.statement, &claim.before);
    let names = [(Role::Segment, "segment"), (Role::State, "state")];
    let name = |role| names.iter().find(|(had, _)| *had == role).map(|(_, name)| *name);
    let inputs = |part| claim.part_inputs(part, &challenge).iter().map(element).collect::<Vec<_>>();
    json!({
        "key_set": {
            "circuit_version": keys.circuit_version(),
            "keys": keys.keys().iter().map(|(role, key)| json!([name(*role), key.to_string()])).collect::<Vec<_>>(),
        },
        "key_set_id": keys.id().to_string(),
        "statement": {
            "chain_id": statement.chain_id, "batch_number": statement.batch_number,
            "pre_state_root": element(&statement.pre_state_root), "post_state_root": element(&statement.post_state_root),
            "data_hash": element(&statement.data_hash), "deposit_head": element(&statement.deposit_head),
            "withdrawals_root": element(&statement.withdrawals_root),
        },
        "before": {
            "account_depth": before.account_depth, "pool_depth": before.pool_depth, "next_account": before.next_account,
            "next_pool": before.next_pool, "deposit_count": before.deposit_count,
            "account_root": element(&before.account_root), "pool_root": element(&before.pool_root),
            "deposit_head": element(&before.deposit_head),
        },
        "after": { "account_root": element(&claim.after[0]), "pool_root": element(&claim.after[1]) },
        "operator": claim.operator, "fee_tokens": claim.fee_tokens, "pools_touched": claim.pools_touched,
        "segments": claim.segments.iter().map(segment).collect::<Vec<_>>(),
        "state_parts": claim.states.iter().map(state).collect::<Vec<_>>(),
        "alpha": element(&challenge.alpha), "gamma": element(&challenge.gamma),
        "inputs": (0..claim.parts()).map(inputs).collect::<Vec<_>>(),
    })
}

#[test]
fn the_vector_is_what_the_code_makes() {
    let committed: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(VECTOR).unwrap()).unwrap();
    assert_eq!(vector(), committed);
}

#[test]
#[ignore = "writes the file"]
fn write_vector() {
    std::fs::create_dir_all(std::path::Path::new(VECTOR).parent().unwrap()).unwrap();
    std::fs::write(VECTOR, format!("{:#}\n", vector())).unwrap();
}
