//! Proving: what cannot be proven is refused with its reason, and nothing that does not verify gets out.

use ark_bn254::Fr;
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::testing::World;
use tapstone_prover::{ProveError, Prover, ProvingKey, Stage};

use crate::key_file::changed;
use crate::{executed, prover, shape};

#[test]
fn stages_are_told_in_order_and_the_proof_is_of_the_statement() {
    let mut stages = Vec::new();
    let executed = executed();
    let proven = prover().prove(&executed, |stage| stages.push(stage)).unwrap();
    assert_eq!(stages, Stage::ALL);
    assert_eq!(*proven.verified().statement(), executed.statement());
}

#[test]
fn a_batch_of_another_shape_is_refused() {
    let other = World::registered("tiny").deposit_new(1, 5).apply().unwrap();
    let error = prover().prove(&other, |_| ()).unwrap_err();
    assert!(matches!(&error, ProveError::OtherShape { had, needed } if had == "tiny" && needed == "one"), "{error}");
}

#[test]
fn a_wrong_witness_is_answered_with_the_rule() {
    let mut wrong = executed();
    wrong.witness.pre.deposit_head += Fr::from(1u64);
    let error = prover().prove(&wrong, |_| ()).unwrap_err();
    assert!(matches!(&error, ProveError::Unsatisfied { first } if !first.rule.is_empty()), "{error}");
    let mut wrong = executed();
    wrong.post_state_root += Fr::from(1u64);
    assert!(matches!(prover().prove(&wrong, |_| ()), Err(ProveError::Unsatisfied { .. })));
}

#[test]
fn a_witness_of_another_form_is_refused() {
    let mut wrong = executed();
    wrong.witness.slots.pop();
    let error = prover().prove(&wrong, |_| ()).unwrap_err();
    assert!(matches!(error, ProveError::Wires { had, needed } if had < needed), "{error}");
}

#[test]
fn a_proof_by_a_damaged_key_does_not_get_out() {
    let file = changed(|ark| ark.h_query[0] = ark.h_query[1]);
    let circuit = BatchCircuit::new(&shape());
    let key = ProvingKey::read(&file[..], &circuit).unwrap();
    let error = Prover::new(circuit, key).unwrap().prove(&executed(), |_| ()).unwrap_err();
    assert!(matches!(error, ProveError::SelfCheck(_)), "{error}");
}
