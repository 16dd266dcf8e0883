//! The batch circuit inside a circuit made of arkworks' own gadgets.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use ark_bn254::Fr;
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::eq::EqGadget;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSystem, SynthesisError};
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;

/// Two batches in a row under one public input, the sum of theirs: stands for any statement about several batches.
#[test]
fn two_batches_in_one_circuit() {
    let shape = Shape::registered("tiny").unwrap();
    let circuit = BatchCircuit::new(&shape);
    let mut world = World::populated(shape, 2);
    let first = world.transfer(0, 1, 1, 5).apply().unwrap();
    let second = world.withdraw(1, 1, 5).apply().unwrap();
    let inputs: Vec<Fr> = [&first, &second].map(|e| e.statement().public_input().into()).into();
    for (claim, valid) in [(inputs[0] + inputs[1], true), (inputs[0], false)] {
        let cs = ConstraintSystem::<Fr>::new_ref();
        let claimed = FpVar::new_input(cs.clone(), || Ok(claim)).unwrap();
        let mut sum = FpVar::Constant(Fr::from(0u64));
        for (executed, input) in [&first, &second].into_iter().zip(&inputs) {
            let public = FpVar::new_witness(cs.clone(), || Ok(*input)).unwrap();
            let values = assignment(*input, &executed.witness);
            circuit.enforce(&public, Some(&values)).unwrap();
            sum += public;
        }
        sum.enforce_equal(&claimed).unwrap();
        assert_eq!(cs.is_satisfied().unwrap(), valid);
        assert_eq!(cs.num_constraints(), 2 * circuit.system().matrices.rows() + 1);
    }
}

#[test]
fn a_batch_of_another_statement_does_not_fit() {
    let shape = Shape::registered("tiny").unwrap();
    let circuit = BatchCircuit::new(&shape);
    let mut world = World::populated(shape, 2);
    let executed = world.transfer(0, 1, 1, 5).apply().unwrap();
    let input: Fr = executed.statement().public_input().into();
    let values = assignment(input, &executed.witness);
    let cs = ConstraintSystem::<Fr>::new_ref();
    let other = FpVar::new_witness(cs.clone(), || Ok(input + Fr::from(1u64))).unwrap();
    circuit.enforce(&other, Some(&values)).unwrap();
    assert!(!cs.is_satisfied().unwrap());
    assert_eq!(circuit.enforce(&other, Some(&values[1..])), Err(SynthesisError::Unsatisfiable));
}
