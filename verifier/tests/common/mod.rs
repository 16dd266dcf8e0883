//! A small real Groth16 key, with proofs of statements under it.
//!
//! The circuit is `a b = public input` for secret a and b: it claims nothing, so anyone who knows a statement can prove it. Keys
//! come from a fixed seed, so that the files under `tests/data` can be made again.
#![allow(dead_code, reason = "each test file uses a part of this module")]

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ff::{BigInteger, Field, PrimeField};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::{
    gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError},
    lc,
};
use ark_serialize::CanonicalSerialize;
use ark_snark::SNARK;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use std::sync::OnceLock;
use tapstone_verifier::{Element, Proof, Statement, Verified, VerifyingKey, verify};

pub const CIRCUIT_VERSION: u32 = 7;
pub const SHAPE: &str = "product-test";

struct Product {
    input: Option<Fr>,
}

impl ConstraintSynthesizer<Fr> for Product {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let input = self.input.ok_or(SynthesisError::AssignmentMissing);
        let a = Fr::from(3u64);
        let y = cs.new_input_variable(|| input)?;
        let a_var = cs.new_witness_variable(|| Ok(a))?;
        let b_var = cs.new_witness_variable(|| Ok(input? * a.inverse().ok_or(SynthesisError::AssignmentMissing)?))?;
        for _ in 0..3 {
            cs.enforce_r1cs_constraint(|| lc!() + a_var, || lc!() + b_var, || lc!() + y)?;
        }
        Ok(())
    }
}

pub struct Fixture {
    pub pk: ProvingKey<Bn254>,
    pub key_file: Vec<u8>,
    pub key: VerifyingKey,
}

pub fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let mut rng = StdRng::seed_from_u64(1);
        let (pk, _) = Groth16::<Bn254>::circuit_specific_setup(Product { input: None }, &mut rng).unwrap();
        let vk = &pk.vk;
        let key_file =
            key_file(CIRCUIT_VERSION, SHAPE, &vk.alpha_g1, &vk.beta_g2, &vk.gamma_g2, &vk.delta_g2, &vk.gamma_abc_g1);
        let key = VerifyingKey::from_bytes(&key_file).unwrap();
        Fixture { pk, key_file, key }
    })
}

fn be(out: &mut Vec<u8>, x: Fq) {
    out.extend(x.into_bigint().to_bytes_be());
}

pub fn g1_be(p: &G1Affine) -> Vec<u8> {
    let mut out = Vec::new();
    be(&mut out, p.x);
    be(&mut out, p.y);
    out
}

pub fn g2_be(p: &G2Affine) -> Vec<u8> {
    let mut out = Vec::new();
    for x in [p.x.c1, p.x.c0, p.y.c1, p.y.c0] {
        be(&mut out, x);
    }
    out
}

/// The key file, written out from the protocol's text and the crate's table, not with the crate's encoder.
pub fn key_file(
    version: u32,
    shape: &str,
    alpha: &G1Affine,
    beta: &G2Affine,
    gamma: &G2Affine,
    delta: &G2Affine,
    ic: &[G1Affine],
) -> Vec<u8> {
    let mut out = b"TSVK\0\0\0\x01".to_vec();
    out.extend(version.to_be_bytes());
    out.push(shape.len() as u8);
    out.extend(shape.as_bytes());
    out.extend(g1_be(alpha));
    for p in [beta, gamma, delta] {
        out.extend(g2_be(p));
    }
    out.extend((ic.len() as u32).to_be_bytes());
    for p in ic {
        out.extend(g1_be(p));
    }
    out
}

pub fn ark_proof(statement: &Statement) -> ark_groth16::Proof<Bn254> {
    let input = Fr::from_be_bytes_mod_order(&statement.public_input().to_be_bytes());
    let mut rng = StdRng::seed_from_u64(statement.batch_number);
    Groth16::<Bn254>::prove(&fixture().pk, Product { input: Some(input) }, &mut rng).unwrap()
}

pub fn compressed(proof: &ark_groth16::Proof<Bn254>) -> Vec<u8> {
    let mut out = Vec::new();
    proof.serialize_compressed(&mut out).unwrap();
    out
}

pub fn proof_bytes(statement: &Statement) -> Vec<u8> {
    compressed(&ark_proof(statement))
}

pub fn proof(statement: &Statement) -> Proof {
    Proof::from_compressed(&proof_bytes(statement)).unwrap()
}

pub fn verified(statement: &Statement) -> Verified {
    verify(&fixture().key, fixture().key.id(), statement, &proof(statement)).unwrap()
}

/// Batch `n` of a chain whose state root after batch n is 1000 + n.
pub fn statement(n: u64) -> Statement {
    Statement {
        chain_id: 3,
        batch_number: n,
        pre_state_root: Element::from(999 + n),
        post_state_root: Element::from(1000 + n),
        data_hash: Element::from(77 * n),
        deposit_head: Element::from(5),
        withdrawals_root: Element::ZERO,
    }
}

/// Each copy of `bytes` with one bit flipped.
pub fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut copy = bytes.to_vec();
        copy[bit / 8] ^= 1 << (bit % 8);
        (bit, copy)
    })
}

/// r, big-endian.
pub fn r_be() -> [u8; 32] {
    Fr::MODULUS.to_bytes_be().try_into().unwrap()
}
