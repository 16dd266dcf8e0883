//! Proofs by the keys of ceremonies, against an independent computation, point by point and value by value.

use super::*;
use ark_bn254::{Bn254, G1Projective, G2Projective};
use ark_groth16::{Groth16, Proof};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use ark_std::UniformRand;
use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_prover::{Kernel, Origin, Prover};

/// The key of a ceremony for a chain of products, verified.
fn with_verified<T>(rows: usize, then: impl FnOnce(&VerifiedCeremony<'_>, &[Fr]) -> T) -> T {
    let (system, values) = chain(rows, 3);
    let secrets = secrets();
    let power = (rows + INSTANCE_WIRES).next_power_of_two().trailing_zeros() + 1;
    let mut scene = Scene::from(secrets.initial_key(&system), [Next::Party("one"), Next::Beacon]);
    scene.ptau = secrets.ptau(power);
    scene.pin();
    let files = Files { zkey: &scene.zkey, initial: &scene.initial, ptau: &scene.ptau };
    let verified = verify_system(&system, shape(), files, &scene.pins, &|_| ()).unwrap();
    then(&verified, &values)
}

/// Groth16 as the paper has it, with H in the Lagrange basis of the odd roots of unity.
fn by_hand(verified: &VerifiedCeremony<'_>, z: &[Fr], (r, s): (Fr, Fr)) -> Proof<Bn254> {
    let VerifiedCeremony { system, key, .. } = verified;
    let rows = system.matrices.rows();
    let n = (rows + INSTANCE_WIRES).next_power_of_two();
    let mut values = vec![[Fr::from(0u64); 3]; n];
    (0..rows).for_each(|row| values[row] = system.matrices.evaluate(row, z));
    (0..INSTANCE_WIRES).for_each(|wire| values[rows + wire][0] = z[wire]);
    let domain = Radix2EvaluationDomain::<Fr>::new(n).unwrap();
    let twice = Radix2EvaluationDomain::<Fr>::new(2 * n).unwrap();
    let h: G1Projective = (key.h_query.iter().enumerate())
        .map(|(i, point)| {
            let lagrange = domain.evaluate_all_lagrange_coefficients(twice.element(2 * i + 1));
            let at = |side: usize| lagrange.iter().zip(&values).map(|(l, v)| *l * v[side]).sum::<Fr>();
            *point * (at(0) * at(1) - at(2))
        })
        .sum();
    let sum = |points: &[G1Affine], z: &[Fr]| points.iter().zip(z).map(|(p, z)| *p * *z).sum::<G1Projective>();
    let a = sum(&key.a_query, z) + key.vk.alpha_g1 + key.delta_g1 * r;
    let b1 = sum(&key.b_g1_query, z) + key.beta_g1 + key.delta_g1 * s;
    let b2 = key.b_g2_query.iter().zip(z).map(|(p, z)| *p * *z).sum::<G2Projective>() + key.vk.beta_g2 + key.vk.delta_g2 * s;
    let c = sum(&key.l_query, &z[INSTANCE_WIRES..]) + h + a * s + b1 * r - key.delta_g1 * (r * s);
    Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() }
}

#[test]
fn proofs_by_imported_keys_are_those_by_hand_on_every_kernel() {
    let mut rng = ark_std::test_rng();
    for rows in [3usize, 5, 6, 7, 13, 14, 15, 62, 200] {
        with_verified(rows, |verified, z| {
            let randomness = (Fr::rand(&mut rng), Fr::rand(&mut rng));
            let expected = by_hand(verified, z, randomness);
            let prepared = ark_groth16::prepare_verifying_key(&verified.key.vk);
            assert!(Groth16::<Bn254>::verify_proof(&prepared, &expected, &z[1..INSTANCE_WIRES]).unwrap(), "{rows} rows");
            for laid_out in Kernel::all() {
                let key = verified.proving_key_for(laid_out).unwrap();
                let Origin::Ceremony(provenance) = key.origin() else { panic!("{:?}", key.origin()) };
                assert_eq!(**provenance, verified.provenance);
                assert_eq!(key.to_arkworks(), verified.key);
                for kernel in Kernel::all() {
                    let key = verified.proving_key_for(laid_out).unwrap();
                    let proof = Prover::with_kernel(kernel, key).prove_assignment(z, randomness, &()).unwrap();
                    assert_eq!(proof, expected, "{rows} rows, {} for {}", laid_out.name(), kernel.name());
                }
            }
        });
    }
}
