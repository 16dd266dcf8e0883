//! JSON as snarkjs writes it, for `snarkjs groth16 verify verification_key.json public.json proof.json`, and back.
//!
//! Everything written is digits in a fixed frame, so no JSON library is needed. What is read may have its fields in another order and
//! white space between them; numbers are canonical, and no field is unknown, missing or repeated.

use crate::{
    error::{JsonError, KeyError, KeyPoint, PointError, ProofError, ProofPoint},
    json::{Value, parse},
    key::{self, VerifyingKey},
    points::{check, fq_decimal},
    proof::{self, Proof},
    statement::Statement,
};
use alloc::{format, string::String, vec::Vec};
use ark_bn254::{Fq2, G1Affine, G2Affine};

/// The longest proof text that is read: snarkjs writes about 800 bytes.
const PROOF_LIMIT: usize = 4096;
/// The longest key text that is read: snarkjs writes about 3 kB for one input.
const KEY_LIMIT: usize = 16384;

/// A field's value, or the error that it is missing or not what it must be.
fn needed<T>(name: &'static str, value: Option<T>) -> Result<T, JsonError> {
    value.ok_or(JsonError::Field { name })
}

fn word(name: &'static str, value: Option<Value<'_>>, expected: &str) -> Result<(), JsonError> {
    needed(name, value.filter(|v| v.text() == Some(expected))).map(|_| ())
}

/// The texts of `[x, y, "1"]`.
fn g1_texts<'a>(value: Value<'a>) -> Option<[&'a str; 2]> {
    let [x, y, z] = value.list()?;
    if z.text()? == "1" { Some([x.text()?, y.text()?]) } else { None }
}

/// The texts of `[[x.c0, x.c1], [y.c0, y.c1], ["1", "0"]]`.
fn g2_texts<'a>(value: Value<'a>) -> Option<[&'a str; 4]> {
    let [x, y, z] = value.list()?;
    let pair = |v: Value<'a>| v.list().and_then(|[c0, c1]| Some([c0.text()?, c1.text()?]));
    let ([x0, x1], [y0, y1]) = (pair(x)?, pair(y)?);
    if pair(z)? == ["1", "0"] { Some([x0, x1, y0, y1]) } else { None }
}

fn g1_point([x, y]: [&str; 2]) -> Result<G1Affine, PointError> {
    check(G1Affine::new_unchecked(fq_decimal(x)?, fq_decimal(y)?))
}

fn g2_point([x0, x1, y0, y1]: [&str; 4]) -> Result<G2Affine, PointError> {
    let x = Fq2::new(fq_decimal(x0)?, fq_decimal(x1)?);
    check(G2Affine::new_unchecked(x, Fq2::new(fq_decimal(y0)?, fq_decimal(y1)?)))
}

fn g1(p: &G1Affine) -> String {
    format!(r#"["{}","{}","1"]"#, p.x, p.y)
}

fn g2(p: &G2Affine) -> String {
    format!(r#"[["{}","{}"],["{}","{}"],["1","0"]]"#, p.x.c0, p.x.c1, p.y.c0, p.y.c1)
}

impl Proof {
    /// Reads snarkjs' `proof.json`, of at most 4,096 bytes.
    ///
    /// # Errors
    /// If the text is not such JSON, a coordinate is not a canonical number below p, or a point is off its curve, outside the subgroup
    /// or at infinity.
    pub fn from_snarkjs_json(text: &str) -> Result<Self, ProofError> {
        let names = ["pi_a", "pi_b", "pi_c", "protocol", "curve"];
        let [a, b, c, protocol, curve] = parse(text, PROOF_LIMIT)?.fields(names)?;
        word("protocol", protocol, "groth16")?;
        word("curve", curve, "bn128")?;
        let a = needed("pi_a", a.and_then(g1_texts))?;
        let b = needed("pi_b", b.and_then(g2_texts))?;
        let c = needed("pi_c", c.and_then(g1_texts))?;
        Ok(Self {
            a: g1_point(a).map_err(proof::at(ProofPoint::A))?,
            b: g2_point(b).map_err(proof::at(ProofPoint::B))?,
            c: g1_point(c).map_err(proof::at(ProofPoint::C))?,
        })
    }

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
    /// Reads snarkjs' `verification_key.json`, of at most 16,384 bytes, as the key of this circuit version and shape, of which the file
    /// says nothing. `vk_alphabeta_12`, which follows from the rest, is not looked at.
    ///
    /// # Errors
    /// If the text is not such JSON, and as [`VerifyingKey::from_bytes`].
    pub fn from_snarkjs_json(circuit_version: u32, shape: &str, text: &str) -> Result<Self, KeyError> {
        let names =
            ["protocol", "curve", "nPublic", "vk_alpha_1", "vk_beta_2", "vk_gamma_2", "vk_delta_2", "IC", "vk_alphabeta_12"];
        let [protocol, curve, count, alpha, beta, gamma, delta, ic, _] = parse(text, KEY_LIMIT)?.fields(names)?;
        word("protocol", protocol, "groth16")?;
        word("curve", curve, "bn128")?;
        let count = match needed("nPublic", count)? {
            Value::Number(digits) => digits.parse::<usize>().ok().filter(|_| !digits.starts_with('0')),
            _ => None,
        };
        let count = needed("nPublic", count.and_then(|n| n.checked_add(1)))?;
        key::check_count(count)?;
        let alpha = needed("vk_alpha_1", alpha.and_then(g1_texts))?;
        let [beta, gamma, delta] = [("vk_beta_2", beta), ("vk_gamma_2", gamma), ("vk_delta_2", delta)]
            .map(|(name, value)| needed(name, value.and_then(g2_texts)));
        let ic = needed("IC", ic.and_then(Value::elements).filter(|ic| ic.len() == count))?;
        let g1 = |point, texts| g1_point(texts).map_err(key::at(point));
        let g2 = |point, texts| g2_point(texts).map_err(key::at(point));
        let alpha = g1(KeyPoint::Alpha, alpha)?;
        let g2s = [g2(KeyPoint::Beta, beta?)?, g2(KeyPoint::Gamma, gamma?)?, g2(KeyPoint::Delta, delta?)?];
        let ic = ic.into_iter().enumerate().map(|(i, v)| g1(KeyPoint::Ic(i), needed("IC", g1_texts(v))?));
        let ic = ic.collect::<Result<Vec<_>, _>>()?;
        Self::from_checked(circuit_version, shape, alpha, g2s, ic)
    }

    /// The key as snarkjs' `verification_key.json`.
    ///
    /// `vk_alphabeta_12` is left out: `snarkjs groth16 verify` does not read it, and final exponentiations of different libraries
    /// differ by a constant power.
    pub fn to_snarkjs_json(&self) -> String {
        let ic: Vec<String> = self.ic.iter().map(g1).collect();
        format!(
            concat!(
                r#"{{"protocol":"groth16","curve":"bn128","nPublic":{},"vk_alpha_1":{},"vk_beta_2":{},"#,
                r#""vk_gamma_2":{},"vk_delta_2":{},"IC":[{}]}}"#
            ),
            self.inputs(),
            g1(&self.alpha),
            g2(&self.beta),
            g2(&self.gamma),
            g2(&self.delta),
            ic.join(",")
        )
    }
}

impl Statement {
    /// The public input as snarkjs' `public.json`.
    pub fn to_snarkjs_public_json(&self) -> String {
        format!(r#"["{}"]"#, self.public_input().fr())
    }
}
