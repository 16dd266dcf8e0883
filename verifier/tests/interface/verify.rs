//! The verdict: what is accepted, what is refused, and what follows from a verified batch.

use crate::common::*;
use ark_bn254::{Bn254, Fr};
use ark_groth16::Groth16;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use tapstone_verifier::{
    Element, Proof, Statement, VerifyingKey, VkId,
    commitment::{batches_root, commitment_bytes},
    error::{StatementError, VerifyError},
    verify,
};

#[test]
fn a_proof_of_the_statement_under_the_pinned_key_is_accepted() {
    let (f, s) = (fixture(), statement(9));
    let verified = verify(&f.key, f.key.id(), &s, &proof(&s)).unwrap();
    assert_eq!(verified.statement(), &s);
    assert_eq!(verified.vk_id(), f.key.id());
    assert_eq!(verified.commitment().to_bytes(), commitment_bytes(&s, &f.key.id()));
}

#[test]
fn a_key_that_is_not_pinned_is_refused_even_with_a_valid_proof() {
    let (f, s) = (fixture(), statement(1));
    let expected = VkId::from_bytes([9; 32]);
    let error = verify(&f.key, expected, &s, &proof(&s)).unwrap_err();
    assert_eq!(error, VerifyError::KeyMismatch { expected, actual: f.key.id() });
    let message = error.to_string();
    assert!(message.contains(&expected.to_string()) && message.contains(&f.key.id().to_string()), "{message}");
}

#[test]
fn another_statement_or_the_proof_of_another_statement_is_refused() {
    let (f, s) = (fixture(), statement(1));
    let invalid = |batch_number| Err(VerifyError::InvalidProof { vk_id: f.key.id(), batch_number });
    assert_eq!(verify(&f.key, f.key.id(), &s, &proof(&statement(2))), invalid(1));
    assert_eq!(verify(&f.key, f.key.id(), &statement(2), &proof(&s)), invalid(2));
}

#[test]
fn every_flipped_bit_of_a_statement_is_refused_or_does_not_verify() {
    let (f, s) = (fixture(), statement(1));
    let proof = proof(&s);
    let mut decoded = 0;
    for (bit, bytes) in flips(&s.to_bytes()) {
        if let Ok(other) = Statement::from_bytes(&bytes) {
            decoded += 1;
            assert!(verify(&f.key, f.key.id(), &other, &proof).is_err(), "bit {bit}");
            assert_ne!(commitment_bytes(&other, &f.key.id()), commitment_bytes(&s, &f.key.id()), "bit {bit}");
        }
    }
    // 32 bits of chain id, 48 of batch number less the one that makes it 0, and at least 253 of each root.
    assert!(decoded >= 32 + 47 + 5 * 253, "{decoded}");
}

#[test]
fn a_batch_number_out_of_range_is_refused_before_the_proof_is_looked_at() {
    let f = fixture();
    for batch_number in [0, 1 << 48, u64::MAX] {
        let s = Statement { batch_number, ..statement(1) };
        let error = VerifyError::Statement(StatementError::BatchNumber { actual: Element::from(batch_number) });
        assert_eq!(verify(&f.key, f.key.id(), &s, &proof(&s)), Err(error));
    }
}

#[test]
fn a_rerandomised_proof_has_the_same_commitment() {
    let (f, s) = (fixture(), statement(1));
    let mut rng = StdRng::seed_from_u64(42);
    let other = Groth16::<Bn254>::rerandomize_proof(&f.pk.vk, &ark_proof(&s), &mut rng);
    let other = Proof::from_compressed(&compressed(&other)).unwrap();
    assert_ne!(other, proof(&s));
    let verdict = verify(&f.key, f.key.id(), &s, &other).unwrap();
    assert_eq!(verdict.commitment(), verified(&s).commitment());
}

#[test]
fn an_ordinary_key_with_a_random_gamma_and_delta_verifies_under_its_own_id_only() {
    let (f, s) = (fixture(), statement(1));
    // The same points under another circuit version: another identity, although the pairing equation is the same.
    let vk = &f.pk.vk;
    let file = key_file(8, SHAPE, &vk.alpha_g1, &vk.beta_g2, &vk.gamma_g2, &vk.delta_g2, &vk.gamma_abc_g1);
    let other = VerifyingKey::from_bytes(&file).unwrap();
    assert!(verify(&other, other.id(), &s, &proof(&s)).is_ok());
    assert!(matches!(verify(&other, f.key.id(), &s, &proof(&s)), Err(VerifyError::KeyMismatch { .. })));
}

#[test]
fn agrees_with_ark_groth16() {
    let (f, s) = (fixture(), statement(3));
    let pvk = ark_groth16::prepare_verifying_key(&f.pk.vk);
    for other in [statement(3), statement(4)] {
        let input: Fr = ark_ff::PrimeField::from_be_bytes_mod_order(&other.public_input().to_be_bytes());
        let theirs = Groth16::<Bn254>::verify_proof(&pvk, &ark_proof(&s), &[input]).unwrap();
        assert_eq!(verify(&f.key, f.key.id(), &other, &proof(&s)).is_ok(), theirs);
    }
}

#[test]
fn batches_root_depends_on_order_and_number() {
    let c: Vec<_> = (1..=3).map(|n| verified(&statement(n)).commitment()).collect();
    let roots = [
        batches_root(&c),
        batches_root(&c[..2]),
        batches_root(&c[..1]),
        batches_root(&[c[1], c[0], c[2]]),
        batches_root(&[c[0], c[1], c[2], c[2]]),
    ];
    for (i, root) in roots.iter().enumerate() {
        assert!(root.is_some() && !roots[..i].contains(root), "{i}");
    }
    assert_eq!(batches_root(&[]), None);
}
