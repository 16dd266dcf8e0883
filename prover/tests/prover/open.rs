//! Open batches: every part proven under its own key, and all of them verified together.

use std::sync::OnceLock;

use ark_bn254::Fr;
use tapstone_circuits::circuit::{Circuit, CircuitShape};
use tapstone_circuits::ledger::open::{ExecutedOpen, PartIds, PartShape};
use tapstone_circuits::shape::{PartShapes, SegmentShape, SlotKind, StateShape};
use tapstone_circuits::testing::{World, smallest_shape};
use tapstone_prover::{KeyFileError, ProveError, Prover, ProvingKey};
use tapstone_verifier::error::{OpenError, OpenFileError};
use tapstone_verifier::open::{Challenge, OpenBatch, PartKeys, ProvenOpen, verify_open};
use tapstone_verifier::{Element, Proof};

/// Segments of one slot, and state parts of one account and one node.
fn shapes() -> PartShapes {
    PartShapes {
        name: "ones".into(),
        segments: vec![SegmentShape { name: "one-segment".into(), account_depth: 1, slots: vec![SlotKind::Single] }],
        cells: StateShape { name: "one-cell".into(), accounts: 1, pools: 0, nodes: 0 },
        nodes: StateShape { name: "one-node".into(), accounts: 0, pools: 0, nodes: 1 },
    }
}

struct Provers {
    segment: Prover<SegmentShape>,
    cells: Prover<StateShape>,
    nodes: Prover<StateShape>,
    keys: PartKeys,
}

fn file<S: CircuitShape>(shape: &S) -> Vec<u8> {
    let mut file = Vec::new();
    ProvingKey::setup_insecure(&Circuit::new(shape)).unwrap().write(&mut file).unwrap();
    file
}

/// From keys that were written to files and read again.
fn provers() -> &'static Provers {
    static ONCE: OnceLock<Provers> = OnceLock::new();
    ONCE.get_or_init(|| {
        let PartShapes { segments, cells, nodes, .. } = shapes();
        let segment = Prover::new(ProvingKey::from_bytes(&file(&segments[0]), &segments[0]).unwrap());
        let [cells, nodes] = [cells, nodes].map(|shape| Prover::new(ProvingKey::from_bytes(&file(&shape), &shape).unwrap()));
        let states = [&cells, &nodes].map(|prover| prover.key().verifying().clone());
        let keys = PartKeys::new(vec![segment.key().verifying().clone()], states.to_vec()).unwrap();
        Provers { segment, cells, nodes, keys }
    })
}

/// A batch of three segments, its claim, and the challenge.
fn claimed(world: &World) -> (ExecutedOpen, OpenBatch, Challenge) {
    let provers = provers();
    let executed = world.ledger.clone().execute_open(&shapes(), world.operator, &world.open).unwrap();
    let Provers { segment, cells, nodes, keys } = provers;
    let [cells, nodes] = [cells, nodes].map(|prover| prover.key().verifying().id());
    let ids = PartIds { segments: vec![segment.key().verifying().id()], cells, nodes };
    let (claim, challenge) = executed.claim(keys.set(), &ids);
    (executed, claim, challenge)
}

fn prove(executed: &ExecutedOpen, claim: &OpenBatch, challenge: &Challenge) -> Vec<Proof> {
    let provers = provers();
    let one = |part: usize| {
        let inputs = claim.part_inputs(part, challenge);
        let values = executed.assignment(part, &inputs);
        match executed.part_shape(part) {
            PartShape::Segment(_) => provers.segment.prove_part(&inputs, &values, &()),
            PartShape::Cells => provers.cells.prove_part(&inputs, &values, &()),
            PartShape::Nodes => provers.nodes.prove_part(&inputs, &values, &()),
        }
    };
    (0..claim.parts()).map(|part| one(part).unwrap()).collect()
}

fn world() -> World {
    let mut world = World::new(smallest_shape());
    world.deposit_new(1, 1000).deposit_new(1, 70).withdraw(0, 1, 30);
    world
}

#[test]
fn an_open_batch_is_proven_part_by_part_and_verified_as_a_whole() {
    let provers = provers();
    let pin = provers.keys.set().id();
    let (executed, claim, challenge) = claimed(&world());
    assert_eq!((claim.segments.len(), claim.states.len()), (3, 3));
    let proofs = prove(&executed, &claim, &challenge);
    let verified = verify_open(&provers.keys, pin, &claim, &proofs).unwrap();
    assert_eq!((verified.statement(), verified.key_set()), (&claim.statement, pin));
    // The key set's id stands in the commitment where a closed batch has its key's.
    let bytes = tapstone_verifier::commitment::open_commitment_bytes(&claim.statement, &pin);
    assert_eq!(verified.commitment().to_bytes(), bytes);

    // As bytes, and back; every byte counts.
    let file = ProvenOpen::new(provers.keys.set().clone(), claim.clone(), proofs.clone()).unwrap();
    let bytes = file.to_bytes();
    assert_eq!(ProvenOpen::from_bytes(&bytes, 6), Ok(file.clone()));
    assert!(matches!(ProvenOpen::from_bytes(&bytes, 5), Err(OpenFileError::TooManyParts { most: 5, actual: 6 })));
    for cut in 0..bytes.len() {
        assert!(ProvenOpen::from_bytes(&bytes[..cut], 6).is_err(), "{cut}");
    }
    assert_eq!(ProvenOpen::from_bytes(&[&bytes[..], &[0]].concat(), 6).unwrap_err().code(), 1104);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        if let Ok(other) = ProvenOpen::from_bytes(&damaged, 6) {
            assert_eq!(other.to_bytes(), damaged, "byte {at}");
            let verdict = verify_open(&provers.keys, pin, other.batch(), other.proofs());
            // The keys that the file names are not those that the verifier has; the circuit version stands there alone.
            assert!(verdict.is_err() || other.keys().id() != pin, "byte {at}");
        }
    }

    // Another proof of the same part is as good; a proof of another part, another batch, or under the other key is not.
    let inputs = claim.part_inputs(1, &challenge);
    let again = provers.segment.prove_part(&inputs, &executed.assignment(1, &inputs), &()).unwrap();
    let with = |part: usize, proof: &Proof| {
        let mut proofs = proofs.clone();
        proofs[part] = *proof;
        verify_open(&provers.keys, pin, &claim, &proofs).map(|verified| *verified.statement())
    };
    assert_ne!(again, proofs[1]);
    assert_eq!(with(1, &again), Ok(claim.statement));
    let invalid = |parts: &[usize]| Err(OpenError::InvalidProofs { first: parts[0], parts: parts.to_vec() });
    for part in 0..6 {
        assert_eq!(with(part, &proofs[(part + 1) % 6]), invalid(&[part]));
    }
    let mut swapped = proofs.clone();
    swapped.swap(1, 3);
    assert_eq!(verify_open(&provers.keys, pin, &claim, &swapped).map(|v| *v.statement()), invalid(&[1, 3]));
    let fewer = verify_open(&provers.keys, pin, &claim, &proofs[..5]);
    assert_eq!(fewer.map(|v| *v.statement()), Err(OpenError::Proofs { expected: 6, actual: 5 }));

    // Sums that were moved from part to part balance, and both proofs fail.
    let mut moved = claim.clone();
    let one = Fr::from(1u64);
    moved.segments[0].sum = (Fr::from(moved.segments[0].sum) + one).into();
    moved.states[1].sum = (Fr::from(moved.states[1].sum) - one).into();
    assert_eq!(verify_open(&provers.keys, pin, &moved, &proofs).map(|v| *v.statement()), invalid(&[0, 4]));

    // Another pin, another set.
    let other =
        PartKeys::new(vec![provers.segment.key().verifying().clone(); 2], vec![provers.cells.key().verifying().clone()]);
    assert!(matches!(other, Err(OpenError::RepeatedKey { .. })));
    let exchanged =
        PartKeys::new(vec![provers.cells.key().verifying().clone()], vec![provers.segment.key().verifying().clone()]);
    assert!(matches!(exchanged, Err(OpenError::Inputs { expected: 47, actual: 4, .. })), "{exchanged:?}");
    let pin = tapstone_verifier::open::KeySetId::from_bytes([7; 32]);
    let refused = verify_open(&provers.keys, pin, &claim, &proofs).map(|v| *v.statement());
    assert!(matches!(refused, Err(OpenError::KeySetMismatch { .. })));
}

/// Parts of two batches under one set of keys: none stands in for one of the other.
#[test]
fn parts_of_another_batch_are_of_no_use() {
    let provers = provers();
    let pin = provers.keys.set().id();
    let (first, second) = (world(), {
        let mut world = world();
        world.open.truncate(2);
        world.deposit(1, 1, 5);
        world
    });
    let (executed, claim, challenge) = claimed(&first);
    let proofs = prove(&executed, &claim, &challenge);
    let (other_executed, other, other_challenge) = claimed(&second);
    let others = prove(&other_executed, &other, &other_challenge);
    assert_eq!(claim.segments[0].after, other.segments[0].after);
    for part in 0..6 {
        let mut mixed = proofs.clone();
        mixed[part] = others[part];
        let refused = verify_open(&provers.keys, pin, &claim, &mixed).map(|v| *v.statement());
        assert_eq!(refused, Err(OpenError::InvalidProofs { first: part, parts: vec![part] }));
    }
}

#[test]
fn parts_that_cannot_be_proven_are_refused() {
    let provers = provers();
    let (executed, claim, challenge) = claimed(&world());
    let inputs = claim.part_inputs(0, &challenge);
    let mut values = executed.assignment(0, &inputs);
    // Public inputs that are not those of the assignment.
    let mut other = inputs.clone();
    other[8] = Element::ZERO;
    let refused = provers.segment.prove_part(&other, &values, &()).unwrap_err();
    assert!(matches!(refused, ProveError::Part { .. }), "{refused}");
    // A share of the balance that is another.
    values[9] += Fr::from(1u64);
    match provers.segment.prove_part(&inputs, &values, &()).unwrap_err() {
        ProveError::Unsatisfied { first } => assert!(first.rule.contains("share of the balance"), "{first}"),
        other => panic!("{other}"),
    }
    // A key of another shape.
    let state = shapes().cells;
    let wider = StateShape { accounts: 2, ..state.clone() };
    assert!(matches!(ProvingKey::from_bytes(&file(&state), &wider), Err(KeyFileError::OtherCircuit { .. })));
}

#[test]
#[ignore = "writes a seed for verifier/fuzz"]
fn write_seed() {
    let provers = provers();
    let (executed, claim, challenge) = claimed(&world());
    let proofs = prove(&executed, &claim, &challenge);
    let file = ProvenOpen::new(provers.keys.set().clone(), claim, proofs).unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../verifier/fuzz/seeds/open");
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(format!("{folder}/batch"), file.to_bytes()).unwrap();
}
