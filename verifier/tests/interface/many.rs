//! `verify_many`: the same verdicts as `verify`, one by one, whatever is wrong and wherever it stands.

use crate::common::*;
use tapstone_verifier::{
    Claim, Element, Proof, Statement, VerifyManyError, VerifyingKey, VkId,
    error::{StatementError, VerifyError},
    verify, verify_many,
};

struct Case {
    key: VerifyingKey,
    expected: VkId,
    statement: Statement,
    proof: Proof,
}

fn case(n: u64) -> Case {
    let (key, statement) = (fixture().key.clone(), statement(n));
    Case { expected: key.id(), key, statement, proof: proof(&statement) }
}

fn cases(count: u64) -> Vec<Case> {
    (1..=count).map(case).collect()
}

/// The same points as another circuit version: another key.
fn other_key() -> VerifyingKey {
    let vk = &fixture().pk.vk;
    let file = key_file(8, SHAPE, &vk.alpha_g1, &vk.beta_g2, &vk.gamma_g2, &vk.delta_g2, &vk.gamma_abc_g1);
    VerifyingKey::from_bytes(&file).unwrap()
}

/// Runs both ways, and holds one to the other.
fn run(cases: &[Case]) -> Result<(), VerifyManyError> {
    let claims: Vec<Claim<'_>> = cases
        .iter()
        .map(|c| Claim { key: &c.key, expected: c.expected, statement: &c.statement, proof: &c.proof })
        .collect();
    let singly: Vec<_> = cases.iter().map(|c| verify(&c.key, c.expected, &c.statement, &c.proof)).collect();
    let refused: Vec<(usize, VerifyError)> =
        singly.iter().enumerate().filter_map(|(i, r)| r.as_ref().err().map(|e| (i, *e))).collect();
    match verify_many(&claims) {
        Ok(verified) => {
            assert_eq!(singly.into_iter().collect::<Result<Vec<_>, _>>().unwrap(), verified);
            Ok(())
        }
        Err(error) => {
            assert_eq!(error.refused(), refused);
            assert!(matches!(&error, VerifyManyError::Refused { claims, .. } if *claims == cases.len()));
            assert!(!refused.is_empty());
            Err(error)
        }
    }
}

#[test]
fn valid_claims_are_accepted_at_every_small_number() {
    let mut all = cases(40);
    for count in [1, 2, 3, 31, 32, 33, 40] {
        all.truncate(40);
        assert_eq!(run(&all[..count]), Ok(()), "{count}");
    }
}

#[test]
fn no_claims_are_no_verdict() {
    let error = verify_many(&[]).unwrap_err();
    assert_eq!((&error, error.code(), error.refused()), (&VerifyManyError::NoClaims, 404, &[][..]));
    assert_eq!(error.to_string(), "there are no claims, so nothing was verified");
}

#[test]
fn one_bad_claim_is_named_wherever_it_stands() {
    let mut all = cases(11);
    for bad in 0..all.len() {
        let good = all[bad].proof;
        all[bad].proof = proof(&statement(99));
        assert_eq!(run(&all).unwrap_err().refused().len(), 1, "{bad}");
        all[bad].proof = good;
    }
}

#[test]
fn many_bad_claims_are_all_named() {
    for pattern in [0b1u32, 0b11, 0b1000_0000_0001, 0b1010_1010_1010, 0b1111_0000_1111, 0b1111_1111_1111] {
        let mut all = cases(12);
        for (i, case) in all.iter_mut().enumerate().filter(|(i, _)| pattern >> i & 1 == 1) {
            case.statement.data_hash = Element::from(i as u64);
        }
        assert_eq!(run(&all).unwrap_err().refused().len(), pattern.count_ones() as usize);
    }
}

/// With equal coefficients these two errors would cancel: (A, B, C + D) and (A, B, C - D).
#[test]
fn errors_that_cancel_in_a_plain_product_are_found() {
    let mut all = cases(6);
    let shift = ark_proof(&statement(1)).c;
    let moved = |n: u64, sign: bool| {
        let mut theirs = ark_proof(&statement(n));
        theirs.c = if sign { (theirs.c + shift).into() } else { (theirs.c - shift).into() };
        Proof::from_compressed(&compressed(&theirs)).unwrap()
    };
    (all[1].proof, all[4].proof) = (moved(2, true), moved(5, false));
    let named: Vec<usize> = run(&all).unwrap_err().refused().iter().map(|r| r.0).collect();
    assert_eq!(named, [1, 4]);
    // Two proofs exchanged: each is a proof, of the other's statement.
    let mut all = cases(6);
    (all[0].proof, all[5].proof) = (all[5].proof, all[0].proof);
    assert_eq!(run(&all).unwrap_err().refused().len(), 2);
}

#[test]
fn keys_may_be_mixed_and_each_error_keeps_its_kind() {
    let other = other_key();
    let mut all = cases(9);
    for i in [1, 4, 7] {
        (all[i].key, all[i].expected) = (other.clone(), other.id());
    }
    assert_eq!(run(&all), Ok(()));
    all[0].expected = other.id();
    all[3].statement.batch_number = 0;
    all[4].proof = all[5].proof;
    let error = run(&all).unwrap_err();
    let codes: Vec<(usize, u16)> = error.refused().iter().map(|(i, e)| (*i, e.code())).collect();
    assert_eq!(codes, [(0, 401), (3, StatementError::BatchNumber { actual: Element::ZERO }.code()), (4, 402)]);
    assert_eq!(error.code(), 403);
    assert!(error.to_string().starts_with("3 of 9 claims refused, the first at index 0: verifying key has id"), "{error}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), error.refused()[0].1.to_string());
}

#[test]
fn repeated_claims_are_accepted() {
    let all: Vec<Case> = (0..5).map(|_| case(3)).collect();
    assert_eq!(run(&all), Ok(()));
}
