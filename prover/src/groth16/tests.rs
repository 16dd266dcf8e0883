use super::*;
use crate::error::{KeyFileError, SetupError};
use ark_ff::{One, UniformRand, Zero};
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_groth16::{Groth16, ProvingKey as ArkProvingKey};
use ark_std::rand::Rng;
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::cs::System;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;

/// An engine on each kernel that the processor has, for keys that were laid out for each of them: most have to be converted.
fn engines(ark: &ArkProvingKey<Bn254>, system: &System) -> Vec<(Engine, ProvingKey)> {
    let kernels = Kernel::all();
    if kernels.len() == 1 {
        eprintln!("only the portable kernel is run: this processor has no vector kernel");
    }
    let shape = Shape::registered("tiny").unwrap();
    let mut list = Vec::new();
    for laid_out in &kernels {
        for kernel in &kernels {
            let key = ProvingKey::from_arkworks(*laid_out, ark, system, &shape).unwrap();
            let engine = Engine::new(*kernel, &key);
            // With tables where the key was laid out for another kernel; without where it is read in place.
            let engine = if laid_out == kernel { engine } else { engine.with_tables(3) };
            list.push((engine, key));
        }
    }
    list
}

fn assert_same_proofs(ark: &ArkProvingKey<Bn254>, system: &System, values: &[Fr], (r, s): (Fr, Fr)) {
    let matrices = system.matrices.to_arkworks();
    let rows = system.matrices.rows();
    let stock = Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
        ark,
        r,
        s,
        &matrices,
        system.instance,
        rows,
        values,
    )
    .unwrap();
    for (engine, key) in engines(ark, system) {
        let row_values = RowValues::of(key.matrices(), values, key.instance()).unwrap();
        assert_eq!(engine.prove(&row_values, values, (r, s), &()).unwrap(), stock, "{rows} rows");
    }
}

/// Key, circuit and two satisfied assignments of the tiny circuit.
fn tiny() -> (ArkProvingKey<Bn254>, BatchCircuit, Vec<Vec<Fr>>) {
    let shape = Shape::registered("tiny").unwrap();
    let circuit = BatchCircuit::new(&shape);
    let mut rng = ark_std::test_rng();
    let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(circuit.system(), &mut rng).unwrap();
    let mut world = World::populated(shape, 3);
    let busy = world.with_fee(1, 3).transfer(0, 1, 1, 5).withdraw(0, 2, 9).apply().unwrap();
    let idle = world.apply().unwrap();
    let assignments = [busy, idle].iter().map(|e| assignment(e.statement().public_input().into(), &e.witness)).collect();
    (key, circuit, assignments)
}

#[test]
fn proofs_are_those_of_arkworks_bit_for_bit() {
    let (key, circuit, assignments) = tiny();
    let mut rng = ark_std::test_rng();
    let randomness: [Fr; 2] = std::array::from_fn(|_| Fr::rand(&mut rng));
    for (values, (r, s)) in assignments.iter().zip([(randomness[0], randomness[1]), (Fr::one(), -Fr::one())]) {
        assert_same_proofs(&key, circuit.system(), values, (r, s));
    }
}

#[test]
fn a_key_that_is_taken_back_is_the_key() {
    let (key, circuit, _) = tiny();
    for kernel in Kernel::all() {
        let ours = ProvingKey::from_arkworks(kernel, &key, circuit.system(), circuit.shape()).unwrap();
        assert_eq!(ours.to_arkworks(), key);
        assert_eq!(ours.matrices().to_arkworks(), circuit.system().matrices.to_arkworks());
    }
}

/// Whoever stops a proof gets none, at whichever stage; and hears of all of its work until then.
#[test]
fn a_proof_is_stopped_at_any_stage() {
    use std::sync::Mutex;

    #[derive(Default)]
    struct StopAt(Option<Stage>, Mutex<Vec<(Stage, u64, u64)>>);
    impl Watch for StopAt {
        fn stage(&self, stage: Stage, units: u64) {
            self.1.lock().unwrap().push((stage, units, 0));
        }
        fn done(&self, units: u64) {
            self.1.lock().unwrap().last_mut().unwrap().2 += units;
        }
        fn stopped(&self) -> bool {
            let stages = self.1.lock().unwrap();
            self.0.is_some() && stages.last().map(|stage| stage.0) == self.0
        }
    }

    let kernel = Kernel::detect();
    let (ark, circuit, assignments) = tiny();
    let key = ProvingKey::from_arkworks(kernel, &ark, circuit.system(), circuit.shape()).unwrap();
    let (engine, rows) =
        (Engine::new(kernel, &key), RowValues::of(key.matrices(), &assignments[0], key.instance()).unwrap());
    let prove = |watch: &StopAt| engine.prove(&rows, &assignments[0], (Fr::one(), Fr::one()), watch);
    for stage in [Stage::Quotient, Stage::Multiply] {
        let watch = StopAt(Some(stage), Mutex::default());
        assert!(matches!(prove(&watch), Err(ProveError::Stopped)), "{stage}");
    }
    let watch = StopAt::default();
    prove(&watch).unwrap();
    for (stage, units, done) in watch.1.into_inner().unwrap() {
        assert_eq!(units, done, "{stage}");
    }
}

/// A chain of products, with zeros, ones and booleans among the wires; an assignment that satisfies it.
fn chain(rows: usize, rng: &mut impl Rng) -> (System, Vec<Fr>) {
    use tapstone_circuits::cs::{Cs, Mode, Num};

    let mut cs = Cs::new(Mode::Record, Fr::from(3u64));
    let mut last = cs.public();
    for row in 0..rows {
        let factor = match row % 4 {
            0 => Fr::zero(),
            1 => Fr::one(),
            2 => Fr::from(rng.gen_range(0..2u64)),
            _ => Fr::rand(rng),
        };
        let factor = cs.witness(factor);
        let product = cs.mul("product", &last, &factor);
        last = &product + &Num::one();
    }
    let (system, values) = cs.into_parts();
    assert_eq!(system.matrices.rows(), rows);
    (system, values)
}

#[test]
fn odd_sizes_give_the_proofs_of_arkworks() {
    let mut rng = ark_std::test_rng();
    for rows in [3usize, 5, 6, 7, 13, 14, 15, 61, 62, 63, 200] {
        let (system, values) = chain(rows, &mut rng);
        let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(&system, &mut rng).unwrap();
        let randomness = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        assert_same_proofs(&key, &system, &values, randomness);
        let mut wrong = values.clone();
        wrong[2] += Fr::one();
        let ours = ProvingKey::from_arkworks(Kernel::Portable, &key, &system, &Shape::registered("tiny").unwrap()).unwrap();
        assert!(RowValues::of(ours.matrices(), &wrong, ours.instance()).is_err());
    }
}

#[test]
fn circuits_below_the_smallest_transform_have_no_key() {
    let mut rng = ark_std::test_rng();
    for rows in [1usize, 2] {
        let (system, _) = chain(rows, &mut rng);
        let error = ProvingKey::setup_insecure_for(&system, "small").unwrap_err();
        assert!(
            matches!(error, SetupError::File(KeyFileError::Rows { had, least: 3, most: 134_217_726 }) if had == rows),
            "{error}"
        );
    }
}
