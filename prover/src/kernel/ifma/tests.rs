use super::*;
use ark_bn254::{Fq, Fr};
use ark_ff::{AdditiveGroup, Field, UniformRand};

type FqConfig = ark_bn254::FqConfig;
type FrConfig = ark_bn254::FrConfig;

/// All operations on eight pairs, as arkworks elements.
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn operations<C: MontConfig<4>>(
    a: [Fp<MontBackend<C, 4>, 4>; 8],
    b: [Fp<MontBackend<C, 4>, 4>; 8],
) -> Vec<[Fp<MontBackend<C, 4>, 4>; 8]> {
    // SAFETY: the features are those of this function.
    unsafe {
        let load = |x: [Fp<MontBackend<C, 4>, 4>; 8]| Ifma::<C>::load(x.map(|v| v.0.0).as_ptr().cast()).to_kernel();
        let (x, y) = (load(a), load(b));
        let wide = x.add(y).add(x); // below 3
        let results = [
            x,
            x.add(y),
            x.sub(y),
            x.mul(y),
            x.square(),
            // The widest operands: below 6.
            wide.sub(y).mul(wide.sub(x)),
            x.inverse(),
            wide.canonical(),
            Ifma::<C>::one(),
            x.select(0b1010_0110, y),
            x.mul(y).less_two(x, y),
            x.negate(),
            x.add(y).add(x).halved(),
            x.exchange::<4>().exchange::<2>().exchange::<1>(),
            x.exchange::<1>(),
        ];
        results
            .map(|r| {
                let mut out = [[0u64; 4]; 8];
                r.mul(Ifma::<C>::one()).canonical().to_arkworks().store(out.as_mut_ptr().cast());
                out.map(|l| Fp::new_unchecked(BigInt(l)))
            })
            .into()
    }
}

fn expected<F: Field>(a: [F; 8], b: [F; 8]) -> Vec<[F; 8]> {
    let zip = |f: &dyn Fn(F, F) -> F| std::array::from_fn(|i| f(a[i], b[i]));
    vec![
        a,
        zip(&|a, b| a + b),
        zip(&|a, b| a - b),
        zip(&|a, b| a * b),
        zip(&|a, _| a.square()),
        zip(&|a, b| (a + a + b - b) * (a + a + b - a)),
        zip(&|a, _| a.inverse().unwrap_or_default()),
        zip(&|a, b| a + a + b),
        [F::ONE; 8],
        std::array::from_fn(|i| if 0b1010_0110 & (1 << i) != 0 { a[i] } else { b[i] }),
        zip(&|a, b| a * b - a - b),
        zip(&|a, _| -a),
        zip(&|a, b| a + a + b),
        std::array::from_fn(|i| a[i ^ 7]),
        std::array::from_fn(|i| a[i ^ 1]),
    ]
}

fn check<C: MontConfig<4>>(edges: &[Fp<MontBackend<C, 4>, 4>]) {
    if Detected::now().is_none() {
        eprintln!("not run: this processor has no AVX-512 IFMA");
        return;
    }
    let mut rng = ark_std::test_rng();
    for round in 0..200 {
        let mut pick = |i: usize| {
            if round < 60 { edges[(round + i * 7) % edges.len()] } else { Fp::rand(&mut rng) }
        };
        let a = std::array::from_fn(&mut pick);
        let b = std::array::from_fn(|i| pick(i + 3));
        // SAFETY: the features were detected above.
        let had = unsafe { operations::<C>(a, b) };
        assert_eq!(had, expected(a, b), "round {round}");
    }
}

#[test]
fn agrees_with_arkworks_on_random_and_edge_elements() {
    let edges = |one: Fq| {
        let two = one.double();
        vec![Fq::ZERO, one, -one, two, -two, two.pow([52]), two.pow([104]), -two.pow([253]), two.pow([255]), two.pow([260])]
    };
    check::<FqConfig>(&edges(Fq::ONE));
    let one = Fr::ONE;
    let two = one.double();
    check::<FrConfig>(&[Fr::ZERO, one, -one, two, -two, two.pow([52]), -two.pow([253]), two.pow([260])]);
}

#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
fn round_trip(points: &[[u64; 8]; 8]) -> ([[u64; 8]; 8], u8, u8) {
    let mut out = [[0u64; 8]; 8];
    // SAFETY: the features are those of this function; the buffers hold eight pairs.
    unsafe {
        let [x, y] = Ifma::<FqConfig>::load_pairs(std::array::from_fn(|i| points[7 - i].as_ptr()));
        Ifma::store_pairs([x, y], out.as_mut_ptr().cast());
        (out, x.equal(y), x.zero_lanes())
    }
}

#[test]
fn pairs_are_read_from_anywhere_and_written_in_a_row() {
    if Detected::now().is_none() {
        eprintln!("not run: this processor has no AVX-512 IFMA");
        return;
    }
    let mut rng = ark_std::test_rng();
    let mut points: [[u64; 8]; 8] = std::array::from_fn(|_| {
        let (x, y) = (Fq::rand(&mut rng), Fq::rand(&mut rng));
        std::array::from_fn(|k| if k < 4 { x.0.0[k] } else { y.0.0[k - 4] })
    });
    points[2] = std::array::from_fn(|k| points[2][k % 4]);
    points[5] = [0; 8];
    // SAFETY: the features were detected above.
    let (out, equal, zero) = unsafe { round_trip(&points) };
    points.reverse();
    assert_eq!(out, points);
    assert_eq!((equal, zero), (0b0010_0100, 0b0000_0100));
}
