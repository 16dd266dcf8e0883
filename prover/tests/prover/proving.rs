//! Proving: what cannot be proven is refused with its reason, and nothing that does not verify gets out.

use std::sync::Mutex;

use ark_bn254::Fr;
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::testing::{World, smallest_shape};
use tapstone_prover::{KeyFileError, ProveError, Prover, ProvingKey, Stage, Watch};

use crate::key_file::sections;
use crate::{executed, key_file, prover};

struct Heard<'a>(&'a Mutex<Vec<Stage>>);

impl Watch for Heard<'_> {
    fn stage(&self, stage: Stage, _: u64) {
        self.0.lock().unwrap().push(stage);
    }
}

#[test]
fn stages_are_told_in_order_and_the_proof_is_of_the_statement() {
    let stages = Mutex::new(Vec::new());
    let executed = executed();
    let proven = prover().prove(&executed, &Heard(&stages)).unwrap();
    assert_eq!(stages.into_inner().unwrap(), Stage::ALL);
    assert_eq!(*proven.verified().statement(), executed.statement());
}

#[test]
fn a_batch_of_another_shape_is_refused() {
    let other = World::registered("tiny").deposit_new(1, 5).apply().unwrap();
    let error = prover().prove(&other, &()).unwrap_err();
    assert!(matches!(&error, ProveError::OtherShape { had, needed } if had == "tiny" && needed == "one"), "{error}");
}

#[test]
fn a_wrong_witness_is_answered_with_the_rule() {
    let mut wrong = executed();
    wrong.witness.pre.deposit_head += Fr::from(1u64);
    let error = prover().prove(&wrong, &()).unwrap_err();
    assert!(matches!(&error, ProveError::Unsatisfied { first } if !first.rule.is_empty()), "{error}");
    let mut wrong = executed();
    wrong.post_state_root += Fr::from(1u64);
    assert!(matches!(prover().prove(&wrong, &()), Err(ProveError::Unsatisfied { .. })));
}

#[test]
fn a_witness_of_another_form_is_refused() {
    let mut wrong = executed();
    wrong.witness.slots.pop();
    let error = prover().prove(&wrong, &()).unwrap_err();
    assert!(matches!(error, ProveError::Wires { had, needed } if had < needed), "{error}");
}

/// One bit of each section: the proof does not get out, and the section is named. The circuit of this shape is recorded to see that the
/// witness is not at fault.
#[test]
fn a_proof_by_a_damaged_key_does_not_get_out() {
    for (section, place) in sections() {
        let mut file = key_file().to_vec();
        // The last byte of a wire's number would only make it one that is not there; so do its first ones.
        file[place.start + place.len() / 64 * 32 + 1] ^= 4;
        let key = ProvingKey::from_bytes(&file, &smallest_shape());
        let error = match key {
            Err(error) => error,
            Ok(key) => {
                let damaged = key.check_sections().unwrap_err();
                let proven = Prover::new(key).prove(&executed(), &());
                let Err(ProveError::Key(error)) = proven else {
                    // What is damaged was multiplied by zero.
                    assert!(matches!(damaged, KeyFileError::Checksum { section: had } if had == section), "{damaged}");
                    continue;
                };
                error
            }
        };
        let named = match &error {
            KeyFileError::Checksum { section } | KeyFileError::Length { section, .. } => section,
            KeyFileError::Coefficient { .. } => "coefficients",
            other => panic!("{section}: {other}"),
        };
        assert_eq!(named, section, "{error}");
    }
}

#[test]
fn a_key_that_was_swapped_does_not_get_a_proof_out() {
    // The same circuit's sections under another set-up's head.
    let other = ProvingKey::setup_insecure(&BatchCircuit::new(&smallest_shape())).unwrap();
    let mut file = Vec::new();
    other.write(&mut file).unwrap();
    let first = sections()[0].1.start;
    let mixed = [&key_file()[..first], &file[first..]].concat();
    let key = ProvingKey::from_bytes(&mixed, &smallest_shape()).unwrap();
    let error = Prover::new(key).prove(&executed(), &()).unwrap_err();
    assert!(matches!(error, ProveError::Key(KeyFileError::Checksum { .. })), "{error}");
}

#[test]
fn a_proof_that_is_stopped_is_none() {
    struct Stopped;
    impl Watch for Stopped {
        fn stopped(&self) -> bool {
            true
        }
    }
    assert!(matches!(prover().prove(&executed(), &Stopped), Err(ProveError::Stopped)));
}
