//! JSON as snarkjs writes it, for `snarkjs groth16 verify verification_key.json public.json proof.json`.
//!
//! Everything written is digits in a fixed frame, so no JSON library is needed.

use crate::{key::VerifyingKey, proof::Proof, statement::Statement};
use alloc::{format, string::String};
use ark_bn254::{G1Affine, G2Affine};

fn g1(p: &G1Affine) -> String {
    format!(r#"["{}","{}","1"]"#, p.x, p.y)
}

fn g2(p: &G2Affine) -> String {
    format!(r#"[["{}","{}"],["{}","{}"],["1","0"]]"#, p.x.c0, p.x.c1, p.y.c0, p.y.c1)
}

impl Proof {
    /// The proof as snarkjs' `proof.json`.
    pub fn to_snarkjs_json(&self) -> String {
        format!(
            r#"{{"pi_a":{},"pi_b":{},"pi_c":{},"protocol":"groth16","curve":"bn128"}}"#,
            g1(&self.a),
            g2(&self.b),
            g1(&self.c)
        )
    }
}

impl VerifyingKey {
    /// The key as snarkjs' `verification_key.json`.
    ///
    /// `vk_alphabeta_12` is left out: `snarkjs groth16 verify` does not read it, and final exponentiations of different libraries
    /// differ by a constant power.
    pub fn to_snarkjs_json(&self) -> String {
        let [ic0, ic1] = &self.ic;
        format!(
            concat!(
                r#"{{"protocol":"groth16","curve":"bn128","nPublic":1,"vk_alpha_1":{},"vk_beta_2":{},"#,
                r#""vk_gamma_2":{},"vk_delta_2":{},"IC":[{},{}]}}"#
            ),
            g1(&self.alpha),
            g2(&self.beta),
            g2(&self.gamma),
            g2(&self.delta),
            g1(ic0),
            g1(ic1)
        )
    }
}

impl Statement {
    /// The public input as snarkjs' `public.json`.
    pub fn to_snarkjs_public_json(&self) -> String {
        format!(r#"["{}"]"#, self.public_input().fr())
    }
}
