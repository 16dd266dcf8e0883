//! What verification costs: valid claims without a circuit, and the median time of a closure.
//!
//! Who knows the secrets of a set-up makes a proof of any input with three multiplications. So the claims measured here need no prover, and
//! they are as good as any: a verifier's time does not depend on what its points stand for.

use crate::inputs::{median, seconds};
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::pairing::Pairing;
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::Field;
use ark_groth16::{Groth16, PreparedVerifyingKey};
use tapstone_verifier::{Claim, Element, Proof, Statement, VerifyingKey, verify, verify_many};

/// A key and claims under it.
#[derive(Debug)]
pub struct Fixture {
    /// The key.
    pub key: VerifyingKey,
    /// The same key for `ark-groth16`.
    pub prepared: PreparedVerifyingKey<Bn254>,
    /// Statements and proofs.
    pub claims: Vec<(Statement, Proof)>,
}

fn g1(k: Fr) -> G1Affine {
    (G1Projective::generator() * k).into_affine()
}

fn g2(k: Fr) -> G2Affine {
    (G2Projective::generator() * k).into_affine()
}

impl Fixture {
    /// A key of fixed secrets, and `count` claims.
    pub fn new(count: u64) -> Self {
        let secret = |k: u64| Fr::from(k).inverse().expect("not zero");
        let (alpha, beta, gamma, delta, ic) = (secret(2), secret(3), secret(5), secret(7), [secret(11), secret(13)]);
        let vk = ark_groth16::VerifyingKey::<Bn254> {
            alpha_g1: g1(alpha),
            beta_g2: g2(beta),
            gamma_g2: g2(gamma),
            delta_g2: g2(delta),
            gamma_abc_g1: ic.map(g1).to_vec(),
        };
        let key =
            VerifyingKey::from_ark_parts(1, "bench", vk.alpha_g1, vk.beta_g2, vk.gamma_g2, vk.delta_g2, &vk.gamma_abc_g1)
                .expect("a sound key");
        let claim = |n: u64| {
            let statement = Statement {
                chain_id: 3,
                batch_number: n,
                pre_state_root: Element::from(n),
                post_state_root: Element::from(n + 1),
                data_hash: Element::from(n * n),
                deposit_head: Element::ZERO,
                withdrawals_root: Element::from(n),
            };
            let input: Fr = statement.public_input().into();
            let (a, b) = (secret(17 + n), secret(23 + 2 * n));
            let c = (a * b - alpha * beta - (ic[0] + ic[1] * input) * gamma) * delta.inverse().expect("not zero");
            (statement, Proof::from_ark_parts(g1(a), g2(b), g1(c)).expect("sound points"))
        };
        Self { key, prepared: ark_groth16::prepare_verifying_key(&vk), claims: (1..=count).map(claim).collect() }
    }

    /// Verifies the first claim.
    pub fn one(&self) {
        let (statement, proof) = &self.claims[0];
        verify(&self.key, self.key.id(), statement, proof).map(|_| ()).expect("a valid claim");
    }

    /// Verifies all claims together.
    pub fn many(&self) {
        let expected = self.key.id();
        let claims: Vec<Claim<'_>> =
            self.claims.iter().map(|(statement, proof)| Claim { key: &self.key, expected, statement, proof }).collect();
        verify_many(&claims).map(|_| ()).expect("valid claims");
    }

    /// The first claim, by `ark-groth16`'s prepared verification. It takes the public input as given.
    pub fn ark(&self) {
        let (statement, proof) = &self.claims[0];
        let (a, b, c) = proof.to_ark_parts();
        let input: Fr = statement.public_input().into();
        let valid = Groth16::<Bn254>::verify_proof(&self.prepared, &ark_groth16::Proof { a, b, c }, &[input]);
        assert!(valid.expect("one input"));
    }

    /// The bare multi-pairing of `ark-ec` that a verifier cannot do without: three pairs, two of them prepared.
    pub fn multi_pairing(&self) {
        let (a, b, c) = self.claims[0].1.to_ark_parts();
        let fixed = [&self.prepared.gamma_g2_neg_pc, &self.prepared.delta_g2_neg_pc].map(Clone::clone);
        let [gamma, delta] = fixed;
        let _ = std::hint::black_box(Bn254::multi_pairing([a, a, c], [b.into(), gamma, delta]));
    }
}

/// Median times, for the JSON that the binary `compare` prints.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// [`verify()`], in seconds.
    pub verify_one: f64,
    /// [`verify_many`] of 1,024 claims, in seconds for each.
    pub verify_many_1024: f64,
    /// `ark-groth16`'s prepared verification, in seconds.
    pub ark_groth16_prepared: f64,
    /// `ark-ec`'s multi-pairing of three pairs, in seconds.
    pub ark_multi_pairing: f64,
}

/// Measures all four in turns, so that a machine that slows down slows all of them: medians of `rounds` rounds.
pub fn times(rounds: usize) -> Times {
    let fixture = Fixture::new(1024);
    let mut samples: [Vec<f64>; 4] = Default::default();
    for _ in 0..rounds.max(1) {
        let runs: [(&dyn Fn(), u32); 4] =
            [(&|| fixture.one(), 32), (&|| fixture.many(), 1), (&|| fixture.ark(), 32), (&|| fixture.multi_pairing(), 32)];
        for (samples, (run, repeats)) in samples.iter_mut().zip(runs) {
            samples.push(seconds(|| (0..repeats).for_each(|_| run())) / f64::from(repeats));
        }
    }
    let [verify_one, many, ark_groth16_prepared, ark_multi_pairing] = samples.map(median);
    Times { verify_one, verify_many_1024: many / 1024.0, ark_groth16_prepared, ark_multi_pairing }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_fixture_is_valid_by_every_way_that_is_measured() {
        let fixture = super::Fixture::new(3);
        fixture.one();
        fixture.many();
        fixture.ark();
        fixture.multi_pairing();
    }
}
