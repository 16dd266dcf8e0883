use super::*;
use crate::kernel::Kernel;
use ark_bn254::{G1Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, PrimeGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_std::rand::Rng;

fn check<C: Curve>(bases: &[C::Affine], scalars: &[Fr], what: &str)
where
    C::Projective: VariableBaseMSM<MulBase = C::Affine> + PrimeGroup<ScalarField = Fr>,
{
    let expected = C::Projective::msm_unchecked(bases, scalars);
    for kernel in Kernel::all() {
        let had = msm(&Bases::<C>::new(kernel, bases), scalars).unwrap();
        assert_eq!(had, expected, "{what}, {} bases, {}", bases.len(), kernel.name());
        // Many levels take long to make, and are no other for many bases.
        let levels: &[usize] = if bases.len() < 100 { &[2, 5, 1000] } else { &[2] };
        for &levels in levels {
            let had = msm(&Bases::<C>::new(kernel, bases).with_table(levels), scalars).unwrap();
            assert_eq!(had, expected, "{what}, {} bases, {}, table of {levels} levels", bases.len(), kernel.name());
        }
    }
}

fn points<C: Curve>(count: usize, rng: &mut impl Rng) -> Vec<C::Affine>
where
    C::Projective: PrimeGroup<ScalarField = Fr>,
{
    // An arithmetic progression: neighbours differ by one point, and sums meet other points.
    let (mut p, step) = (C::Projective::rand(rng), C::Projective::rand(rng));
    let list: Vec<_> = (0..count)
        .map(|_| {
            p += step;
            p
        })
        .collect();
    C::Projective::normalize_batch(&list)
}

fn all_kinds<C: Curve>(sizes: &[usize])
where
    C::Projective: VariableBaseMSM<MulBase = C::Affine> + PrimeGroup<ScalarField = Fr>,
{
    let mut rng = ark_std::test_rng();
    for &count in sizes {
        let bases = points::<C>(count, &mut rng);
        let random: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
        check::<C>(&bases, &random, "random scalars");
        let boolean: Vec<Fr> = (0..count).map(|_| Fr::from(rng.gen_range(0..2u64))).collect();
        check::<C>(&bases, &boolean, "boolean scalars");
        let edges = [Fr::ZERO, Fr::ONE, -Fr::ONE, Fr::from(1u64 << 15), -Fr::from(1u64 << 15), Fr::from(2u64).pow([253])];
        let edge: Vec<Fr> = (0..count).map(|i| edges[i % edges.len()]).collect();
        check::<C>(&bases, &edge, "edge scalars");
        check::<C>(&vec![bases.first().copied().unwrap_or_else(C::Affine::zero); count], &random, "one base");
        check::<C>(
            &vec![bases.first().copied().unwrap_or_else(C::Affine::zero); count],
            &vec![Fr::ONE; count],
            "one base, ones",
        );
        let mut opposite = bases.clone();
        for i in (1..count).step_by(2) {
            opposite[i] = -opposite[i - 1];
        }
        check::<C>(&opposite, &vec![-Fr::from(3u64); count], "opposite bases, one scalar");
        let mut holes = bases.clone();
        for hole in holes.iter_mut().step_by(3) {
            *hole = C::Affine::zero();
        }
        check::<C>(&holes, &random, "bases at infinity");
        check::<C>(&vec![C::Affine::zero(); count], &random, "only infinity");
        check::<C>(&bases, &vec![Fr::ZERO; count], "zeros");
    }
}

#[test]
fn g1_agrees_with_arkworks() {
    all_kinds::<G1>(&[0, 1, 2, 3, 7, 8, 9, 31, 33, 100, 300, 1000, 2049]);
}

#[test]
fn g2_agrees_with_arkworks() {
    all_kinds::<G2>(&[0, 1, 2, 5, 8, 9, 65, 300]);
}

#[test]
fn large_sums_agree_with_arkworks() {
    let mut rng = ark_std::test_rng();
    for count in [1 << 14, 40_000] {
        let bases = points::<G1>(count, &mut rng);
        let scalars: Vec<Fr> = (0..count)
            .map(|i| match i % 3 {
                0 => Fr::from(u64::from(i % 2 == 0)),
                _ => Fr::rand(&mut rng),
            })
            .collect();
        check::<G1>(&bases, &scalars, "half boolean");
    }
}

#[test]
fn lists_of_unequal_length_have_no_sum() {
    let mut rng = ark_std::test_rng();
    let bases: Vec<G1Affine> = points::<G1>(10, &mut rng);
    let scalars: Vec<Fr> = (0..11).map(|_| Fr::rand(&mut rng)).collect();
    for kernel in Kernel::all() {
        let bases = Bases::<G1>::new(kernel, &bases);
        for had in [0, 9, 11] {
            assert_eq!(msm(&bases, &scalars[..had]), Err(LengthError { had, needed: 10 }));
        }
        assert!(msm(&bases, &scalars[..10]).is_ok());
        assert_eq!(msm(&Bases::<G2>::new(kernel, &[]), &[]), Ok(G2Projective::ZERO));
        assert!(msm(&Bases::<G2>::new(kernel, &[]), &scalars[..1]).is_err());
    }
}
