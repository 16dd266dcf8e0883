use super::*;
use ark_ff::{One, UniformRand, Zero};
use ark_std::rand::Rng;
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;

/// Arkworks' prover, and ours on each vector kernel that the processor has.
fn engines(key: &ProvingKey<Bn254>, system: &System) -> Vec<Engine> {
    let kernels = Kernel::all();
    if kernels.len() == 1 {
        eprintln!("ours is not run: this processor has no vector kernel");
    }
    kernels.into_iter().map(|kernel| Engine::new(kernel, key, system)).collect()
}

/// Key, system and two satisfied assignments of the tiny circuit.
fn tiny() -> (ProvingKey<Bn254>, BatchCircuit, Vec<Vec<Fr>>) {
    let shape = Shape::registered("tiny").unwrap();
    let circuit = BatchCircuit::new(&shape);
    let mut rng = ark_std::test_rng();
    let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(&circuit, &mut rng).unwrap();
    let mut world = World::populated(shape, 3);
    let busy = world.with_fee(1, 3).transfer(0, 1, 1, 5).withdraw(0, 2, 9).apply().unwrap();
    let idle = world.apply().unwrap();
    let assignments = [busy, idle].iter().map(|e| assignment(e.statement().public_input().into(), &e.witness)).collect();
    (key, circuit, assignments)
}

#[test]
fn proofs_are_those_of_arkworks_bit_for_bit() {
    let (key, circuit, assignments) = tiny();
    let system = circuit.system();
    let mut rng = ark_std::test_rng();
    for values in assignments {
        let rows = RowValues::of(system, &values).unwrap();
        let randomness: [Fr; 2] = std::array::from_fn(|_| Fr::rand(&mut rng));
        for (r, s) in [(randomness[0], randomness[1]), (Fr::zero(), Fr::zero()), (Fr::one(), -Fr::one())] {
            let proofs: Vec<Proof<Bn254>> = engines(&key, system)
                .iter()
                .map(|e| e.prove(&key, &rows, system.matrices.rows(), &values, (r, s)).unwrap())
                .collect();
            assert!(proofs.iter().all(|proof| *proof == proofs[0]));
        }
    }
}

/// Systems of chosen numbers of rows: chains of products, with zeros, ones and booleans among the wires.
#[test]
fn odd_sizes_give_the_proofs_of_arkworks() {
    use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable};
    use tapstone_circuits::cs::{Cs, Mode, Num};

    struct Recorded<'a>(&'a System);
    impl ConstraintSynthesizer<Fr> for Recorded<'_> {
        fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
            let missing = || Err(SynthesisError::AssignmentMissing);
            let mut wires = vec![Variable::One, cs.new_input_variable(missing)?];
            for _ in INSTANCE_WIRES..self.0.wires {
                wires.push(cs.new_witness_variable(missing)?);
            }
            let side = |side, row| {
                let terms = self.0.matrices.row(side, row).into_iter().map(|(c, wire)| (c, wires[wire]));
                LinearCombination(terms.collect())
            };
            for row in 0..self.0.matrices.rows() {
                cs.enforce_r1cs_constraint(|| side(0, row), || side(1, row), || side(2, row))?;
            }
            Ok(())
        }
    }

    let mut rng = ark_std::test_rng();
    for rows in [1usize, 5, 6, 7, 13, 14, 15, 61, 62, 63, 200] {
        let mut cs = Cs::new(Mode::Record, Fr::from(3u64));
        let mut last = cs.public();
        for row in 0..rows {
            let factor = match row % 4 {
                0 => Fr::zero(),
                1 => Fr::one(),
                2 => Fr::from(rng.gen_range(0..2u64)),
                _ => Fr::rand(&mut rng),
            };
            let factor = cs.witness(factor);
            let product = cs.mul("product", &last, &factor);
            last = &product + &Num::one();
        }
        let (system, values) = cs.into_parts();
        assert_eq!(system.matrices.rows(), rows);
        let key = Groth16::<Bn254>::generate_random_parameters_with_reduction(Recorded(&system), &mut rng).unwrap();
        let row_values = RowValues::of(&system, &values).unwrap();
        let randomness = (Fr::rand(&mut rng), Fr::rand(&mut rng));
        let proofs: Vec<Proof<Bn254>> =
            engines(&key, &system).iter().map(|e| e.prove(&key, &row_values, rows, &values, randomness).unwrap()).collect();
        assert!(proofs.iter().all(|proof| *proof == proofs[0]), "{rows} rows");
        let mut wrong = values.clone();
        wrong[2] += Fr::one();
        assert!(RowValues::of(&system, &wrong).is_err());
    }
}
