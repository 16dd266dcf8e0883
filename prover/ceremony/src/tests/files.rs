//! Malformed files: points that are none, sections that are missing or of other lengths, and bytes changed at random.

use super::*;
use ark_bn254::{Fq, Fq2};
use ark_ff::PrimeField;
use tapstone_verifier::error::PointError;

/// Points that are none, or of another group: named with their section and place.
#[test]
fn points_that_are_none_are_refused() {
    let twist = {
        // On the curve, and of an order that is not prime.
        let mut x = Fq2::one();
        loop {
            x += Fq2::one();
            if let Some((y, _)) = G2Affine::get_ys_from_x_unchecked(x) {
                let point = G2Affine::new_unchecked(x, y);
                if !point.is_in_correct_subgroup_assuming_on_curve() {
                    break point;
                }
            }
        }
    };
    // The honest point shifted by one of order 10069, which a combination at random would let through now and then.
    let small = {
        let cofactor: Vec<u64> = <ark_bn254::g2::Config as ark_ec::CurveConfig>::COFACTOR.to_vec();
        let order = num_division(&cofactor, 10069);
        let times_order = twist.mul_bigint(Fr::MODULUS).into_affine();
        let point = times_order.mul_bigint(order).into_affine();
        assert!(!point.is_zero() && point.mul_bigint([10069u64]).into_affine().is_zero());
        point
    };
    let put = |point: G2Affine| {
        let mut bytes = Vec::new();
        point.put(&mut bytes);
        bytes
    };
    let mut modulus = Vec::new();
    Fq::MODULUS.0.iter().for_each(|limb| modulus.extend(limb.to_le_bytes()));
    let place = |file: &mut Vec<u8>, id, at: usize, bytes: &[u8]| {
        let start = section(file, id).start + at;
        file[start..start + bytes.len()].copy_from_slice(bytes);
    };
    let check = |scene: &mut Scene, section: &str, index: usize, reason: PointError| {
        scene.pin();
        let error = scene.check().unwrap_err();
        let CeremonyError::File(CeremonyFileError::Point { section: had, index: at, reason: why, .. }) = error else {
            panic!("{error}")
        };
        assert_eq!((had, at, why), (section, index, reason));
    };
    for (index, bad, reason) in [
        (3, modulus.clone(), PointError::NotCanonical),
        (3, vec![255; 64], PointError::NotCanonical),
        (3, vec![1; 32], PointError::NotOnCurve),
    ] {
        for (id, name) in [(5u32, "A"), (6, "B1"), (8, "C"), (9, "H")] {
            let mut scene = Scene::good();
            place(&mut scene.zkey, id, 64 * index, &bad);
            place(&mut scene.initial, id, 64 * index, &bad);
            check(&mut scene, name, index, reason);
        }
        for (id, name) in [(2u32, "tau in G1"), (4, "alpha tau"), (5, "beta tau")] {
            let mut scene = Scene::good();
            place(&mut scene.ptau, id, 64 * index, &bad);
            check(&mut scene, name, index, reason);
        }
    }
    for point in [twist, small] {
        let mut scene = Scene::good();
        place(&mut scene.zkey, 7, 0, &put(point));
        place(&mut scene.initial, 7, 0, &put(point));
        check(&mut scene, "B2", 0, PointError::NotInSubgroup);
        let mut scene = Scene::good();
        let shifted = {
            let range = section(&scene.ptau, 3);
            let honest = G2Affine::decode(&scene.ptau[range.start + 128..][..128]).unwrap();
            (honest + point).into_affine()
        };
        place(&mut scene.ptau, 3, 128, &put(shifted));
        check(&mut scene, "tau in G2", 1, PointError::NotInSubgroup);
        let mut scene = Scene::good();
        place(&mut scene.ptau, 6, 0, &put(point));
        check(&mut scene, "beta in G2", 0, PointError::NotInSubgroup);
        for at in [BETA_2, GAMMA, DELTA_2] {
            let mut zkey = Scene::good().zkey;
            place(&mut zkey, 2, at, &put(point));
            assert!(Zkey::parse(CeremonyFile::Zkey, &zkey).unwrap_err().to_string().contains("subgroup"));
        }
        // Where a contribution has its point of G2.
        let mut zkey = Scene::good().zkey;
        place(&mut zkey, 10, 64 + 4 + 3 * 64, &put(point));
        assert!(Zkey::parse(CeremonyFile::Zkey, &zkey).unwrap_err().to_string().contains("subgroup"));
    }
    // Infinity, where no honest file has it.
    for (id, size, name) in [(3u32, 64, "IC"), (9, 64, "H")] {
        let mut scene = Scene::good();
        place(&mut scene.zkey, id, size, &vec![0; size]);
        place(&mut scene.initial, id, size, &vec![0; size]);
        check(&mut scene, name, 1, PointError::Infinity);
    }
    for (id, size, name) in [(2u32, 64, "tau in G1"), (3, 128, "tau in G2"), (4, 64, "alpha tau"), (5, 64, "beta tau")] {
        let mut scene = Scene::good();
        place(&mut scene.ptau, id, size, &vec![0; size]);
        check(&mut scene, name, 1, PointError::Infinity);
    }
    for (id, at, size) in [
        (2u32, ALPHA, 64),
        (2, BETA_1, 64),
        (2, BETA_2, 128),
        (2, GAMMA, 128),
        (2, DELTA_1, 64),
        (2, DELTA_2, 128),
        (10, 68, 64),
        (10, 68 + 64, 64),
        (10, 68 + 128, 64),
        (10, 68 + 192, 128),
    ] {
        let mut zkey = Scene::good().zkey;
        place(&mut zkey, id, at, &vec![0; size]);
        assert!(matches!(
            Zkey::parse(CeremonyFile::Zkey, &zkey),
            Err(CeremonyFileError::Point { reason: PointError::Infinity, .. })
        ));
    }
}

/// `limbs / by`, which must be exact.
fn num_division(limbs: &[u64], by: u64) -> Vec<u64> {
    let mut rest = 0u128;
    let mut out: Vec<u64> = limbs
        .iter()
        .rev()
        .map(|limb| {
            let wide = rest << 64 | u128::from(*limb);
            rest = wide % u128::from(by);
            (wide / u128::from(by)) as u64
        })
        .collect();
    assert_eq!(rest, 0);
    out.reverse();
    out
}

#[test]
fn malformed_files_are_refused() {
    let good = Scene::good();
    let zkey = |bytes: &[u8]| Zkey::parse(CeremonyFile::Zkey, bytes).map(drop).unwrap_err();
    let ptau = |bytes: &[u8]| Ptau::parse(bytes).map(drop).unwrap_err();
    for (file, refuse) in [(&good.zkey, &zkey as &dyn Fn(&[u8]) -> CeremonyFileError), (&good.ptau, &ptau)] {
        for length in (0..file.len()).step_by(7).chain([file.len() - 1]) {
            assert!(matches!(refuse(&file[..length]), CeremonyFileError::Truncated { .. }), "{length}");
        }
        assert!(matches!(refuse(&[&file[..], &[0]].concat()), CeremonyFileError::TrailingBytes { .. }));
        let with = |at: usize, bytes: &[u8]| {
            let mut file = file.clone();
            file[at..at + bytes.len()].copy_from_slice(bytes);
            refuse(&file)
        };
        assert!(matches!(with(0, b"r1cs"), CeremonyFileError::Magic { .. }));
        assert!(matches!(with(4, &[2]), CeremonyFileError::Version { had: 2, .. }));
        assert!(matches!(with(8, &[65]), CeremonyFileError::Sections { had: 65, .. }));
        assert!(matches!(with(8, &[1]), CeremonyFileError::TrailingBytes { .. }));
        assert!(matches!(with(12, &[99]), CeremonyFileError::Unknown { id: 99, .. }));
        assert!(matches!(with(12, &[3]), CeremonyFileError::Repeated { id: 3, .. }));
        assert!(matches!(with(16, &[255; 8]), CeremonyFileError::Truncated { needed: u64::MAX, .. }));
        let second = section(file, 2).start;
        let longer = (file.len() as u64).to_le_bytes();
        assert!(matches!(with(second - 8, &longer), CeremonyFileError::Truncated { .. }));
    }
    let in_section = |file: &[u8], id, at: usize, byte: u8| {
        let mut file = file.to_vec();
        let start = section(&file, id).start;
        file[start + at] ^= byte;
        file
    };
    let (key, powers) = (&good.zkey, &good.ptau);
    assert!(zkey(&in_section(key, 1, 0, 3)).to_string().contains("not Groth16"));
    for at in [0, 4, 35] {
        assert!(zkey(&in_section(key, 2, at, 1)).to_string().contains("base field"));
        assert!(zkey(&in_section(key, 2, at + 36, 1)).to_string().contains("scalar field"));
        assert!(ptau(&in_section(powers, 1, at, 1)).to_string().contains("base field"));
    }
    for at in [72, 75, 80, 83] {
        assert!(matches!(zkey(&in_section(key, 2, at, 1)), CeremonyFileError::Length { .. }), "wires, domain");
    }
    assert!(zkey(&in_section(key, 2, 76, 255)).to_string().contains("more public inputs than wires"));
    assert!(matches!(zkey(&in_section(key, 4, 0, 1)), CeremonyFileError::Length { section: "coefficients", .. }));
    assert!(zkey(&in_section(key, 10, 67, 255)).to_string().contains("fewer contributions"));
    assert!(matches!(zkey(&in_section(key, 10, 64, 2)), CeremonyFileError::Length { section: "contributions", .. }));
    assert!(ptau(&in_section(powers, 1, 36, 64)).to_string().contains("power"));
    assert!(matches!(
        ptau(&in_section(powers, 1, 36, 1)),
        CeremonyFileError::Header { .. } | CeremonyFileError::Length { .. }
    ));
    // Parameters of the first contribution: kind, length, tag, length of the name.
    let kind = 64 + 4 + 3 * 64 + 128 + 64;
    let contribution = |at: usize, byte| zkey(&in_section(key, 10, kind + at, byte)).to_string();
    assert!(contribution(0, 1).contains("neither a party's nor a beacon's"));
    assert!(contribution(4, 1).contains("contribution 1: its parameters have another length"));
    assert!(contribution(8, 1).contains("not in rising order"));
    assert!(contribution(8, 8).contains("unknown parameter"));
    // The name takes the first byte of the next contribution; or it ends early, and its last letter is a tag.
    assert!(contribution(9, 7).contains("contribution 1: its parameters have another length"));
    assert!(contribution(9, 1).contains("contribution 1: it has an unknown parameter"));
}

/// Whatever byte is changed, the ceremony is refused and nothing panics, but for names.
#[test]
fn every_byte_counts() {
    let good = Scene::good();
    for file in 0..2 {
        let length = [good.zkey.len(), good.initial.len()][file];
        for at in (0..length).step_by(97) {
            let mut scene = good.clone();
            [&mut scene.zkey, &mut scene.initial][file][at] ^= 1;
            let names = [b"one".as_slice(), b"two", b"a block"].iter().any(|name| {
                good.zkey.windows(name.len()).position(|w| w == *name).is_some_and(|p| (p..p + name.len()).contains(&at))
            });
            assert!(scene.check().is_err() || (file == 0 && names), "{file}: {at}");
        }
    }
}
