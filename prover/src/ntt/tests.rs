//! Each kernel against the definition, and cosets against what they are chosen for.

use ark_bn254::FrConfig;
use ark_ff::UniformRand;

use super::*;
use crate::kernel::Kernel;
use crate::kernel::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::kernel::{
    fma::{self, Fma},
    ifma::{self, Ifma},
};

fn naive(coefficients: &[Fr], w: Fr) -> Vec<Fr> {
    let horner = |x: Fr| coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c);
    powers(w, Fr::one(), coefficients.len()).into_iter().map(horner).collect()
}

fn random(n: usize) -> Vec<Fr> {
    let mut rng = ark_std::test_rng();
    (0..n).map(|i| if i % 5 == 0 { -Fr::from(i as u64) } else { Fr::rand(&mut rng) }).collect()
}

fn transforms<V: Steps>() {
    for log in [3, 4, 5, 6, 9] {
        let domain = Domain::<V>::new(log);
        let coefficients = random(1 << log);
        let mut values = coefficients.clone();
        domain.evaluate(&mut values);
        assert_eq!(values, naive(&coefficients, root(log)), "2^{log}");
        domain.interpolate(&mut values);
        assert_eq!(values, coefficients, "2^{log} and back");
    }
    // Large enough for halves that threads share.
    let domain = Domain::<V>::new(15);
    let coefficients = random(1 << 15);
    let mut values = coefficients.clone();
    domain.evaluate(&mut values);
    let at = root(15).pow([4321]);
    assert_eq!(values[4321], coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * at + c));
    domain.interpolate(&mut values);
    assert_eq!(values, coefficients);
}

/// `a b - c = h (X^n - 1)`, as polynomials at a random point.
fn quotients<V: Steps>() {
    for log in [3, 7, 14] {
        let domain = Domain::<V>::new(log);
        let n = 1usize << log;
        let (a, b) = (random(n), random(n).into_iter().rev().collect::<Vec<_>>());
        let h = domain.quotient(&a, &b, &()).unwrap();
        assert_eq!(h[n - 1], Fr::ZERO, "2^{log}");
        let numerator = domain.numerator_on_coset(&a, &b, &()).unwrap();
        let interpolated = |values: Vec<Fr>| {
            let mut values = values;
            domain.interpolate(&mut values);
            values
        };
        let c = interpolated(a.iter().zip(&b).map(|(a, b)| *a * b).collect());
        let (a, b) = (interpolated(a), interpolated(b));
        let x = Fr::from(987_654_321u64);
        let at = |p: &[Fr], x: Fr| p.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c);
        assert_eq!(at(&a, x) * at(&b, x) - at(&c, x), at(&h, x) * (x.pow([n as u64]) - Fr::one()), "2^{log}");
        // On the coset the vanishing polynomial is -2.
        for i in [0, 1, 7, n - 1] {
            let x = root(log + 1) * root(log).pow([i as u64]);
            assert_eq!(numerator[i], -at(&h, x).double(), "2^{log}");
        }
    }
}

#[test]
fn portable_transforms() {
    transforms::<Portable<FrConfig>>();
    quotients::<Portable<FrConfig>>();
}

#[test]
fn cosets_are_where_the_vanishing_polynomial_is_minus_two() {
    for transforms in Kernel::all().into_iter().filter_map(|kernel| Transforms::new(kernel, 5)) {
        let coefficients = random(32);
        let mut values = coefficients.clone();
        transforms.evaluate_on_coset(&mut values);
        for (i, value) in (0u64..).zip(values) {
            let x = root(6) * root(5).pow([i]);
            assert_eq!(x.pow([32]), -Fr::one());
            assert_eq!(value, coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c));
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn fma_transforms() {
    if fma::Detected::now().is_none() {
        eprintln!("not run: this processor has no AVX2 and FMA");
        return;
    }
    transforms::<Fma<FrConfig>>();
    quotients::<Fma<FrConfig>>();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn ifma_transforms() {
    if ifma::Detected::now().is_none() {
        eprintln!("not run: this processor has no AVX-512 IFMA");
        return;
    }
    transforms::<Ifma<FrConfig>>();
    quotients::<Ifma<FrConfig>>();
}
