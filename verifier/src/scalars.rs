//! Multiples of G1 points: of a fixed point by any scalar, and of many points by the short coefficients of [`crate::many`].

use crate::pairing::invert_all;
use alloc::vec::Vec;
use ark_bn254::{Fr, G1Affine, G1Projective, g1};
use ark_ec::{CurveGroup, scalar_mul::glv::GLVConfig};
use ark_ff::{AdditiveGroup, Field, PrimeField};

/// Bits of a window of [`FixedBase`].
const WIDTH: usize = 5;
/// Windows that cover 254 bits and a carry: the uppermost holds 4 bits, so that it never passes one on.
const WINDOWS: usize = 51;
/// Multiples held for each window; digits are -15 to 16.
const DIGITS: usize = 1 << (WIDTH - 1);

/// Multiples of one point: `d 2^(5 i) P` for i = 0 to 50 and d = 1 to 16, about 52 kB.
#[derive(Clone)]
pub(crate) struct FixedBase(Vec<G1Affine>);

impl FixedBase {
    pub(crate) fn new(point: G1Affine) -> Self {
        let mut multiples = Vec::with_capacity(WINDOWS * DIGITS);
        let mut base = G1Projective::from(point);
        for _ in 0..WINDOWS {
            let mut multiple = base;
            for _ in 0..DIGITS {
                multiples.push(multiple);
                multiple += base;
            }
            (0..WIDTH).for_each(|_| {
                base.double_in_place();
            });
        }
        Self(G1Projective::normalize_batch(&multiples))
    }

    /// `start + scalar P`.
    pub(crate) fn multiply_add(&self, scalar: Fr, start: G1Projective) -> G1Projective {
        let limbs = scalar.into_bigint().0;
        let mut sum = start;
        let mut carry = 0;
        for (window, multiples) in self.0.chunks_exact(DIGITS).enumerate() {
            let digit = bits(&limbs, window * WIDTH, WIDTH) + carry;
            carry = usize::from(digit > DIGITS);
            let size = if carry == 1 { 2 * DIGITS - digit } else { digit };
            if let Some(multiple) = size.checked_sub(1).and_then(|i| multiples.get(i)) {
                sum += if carry == 1 { -*multiple } else { *multiple };
            }
        }
        sum
    }
}

/// `width` bits of a number from bit `at` on; bits above its limbs are 0.
fn bits(limbs: &[u64], at: usize, width: usize) -> usize {
    let limb = |i: usize| limbs.get(i).copied().unwrap_or(0);
    let (index, shift) = (at / 64, at % 64);
    let low = limb(index) >> shift;
    let high = if shift == 0 { 0 } else { limb(index + 1) << (64 - shift) };
    ((low | high) & ((1 << width) - 1)) as usize
}

/// A coefficient `low + high lambda`, where lambda is the eigenvalue of the curve's endomorphism.
///
/// Different pairs give different coefficients: a pair (a, b) other than (0, 0) with a + b lambda = 0 modulo r has a or b of at
/// least 127 bits, as the reduced basis in `ark-bn254`'s `SCALAR_DECOMP_COEFFS` shows. So 128 random bits make one of 2^128
/// coefficients, and multiplying by one takes 64 doublings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coefficient {
    low: u64,
    high: u64,
}

impl Coefficient {
    /// The coefficient of these bits; 1 where they are all zero.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let x = u128::from_be_bytes(bytes);
        if x == 0 { Self { low: 1, high: 0 } } else { Self { low: x as u64, high: (x >> 64) as u64 } }
    }

    pub(crate) fn fr(self) -> Fr {
        Fr::from(self.low) + g1::Config::LAMBDA * Fr::from(self.high)
    }

    /// The multiple of a point.
    pub(crate) fn multiply(self, p: &G1Affine) -> G1Projective {
        let image = endomorphism(p);
        // 1 + lambda + lambda^2 = 0.
        let both = -endomorphism(&image);
        let mut sum = G1Projective::ZERO;
        for i in (0..64).rev() {
            sum.double_in_place();
            match (self.low >> i & 1, self.high >> i & 1) {
                (0, 0) => {}
                (1, 0) => sum += p,
                (0, _) => sum += image,
                _ => sum += both,
            }
        }
        sum
    }
}

/// The affine forms of points that are not infinity, with one inversion; what infinity becomes means nothing.
pub(crate) fn to_affine<const N: usize>(points: &[G1Projective; N]) -> [G1Affine; N] {
    let mut inverses = points.map(|p| p.z);
    invert_all(&mut inverses);
    core::array::from_fn(|i| {
        let square = inverses[i].square();
        G1Affine::new_unchecked(points[i].x * square, points[i].y * square * inverses[i])
    })
}

fn endomorphism(p: &G1Affine) -> G1Affine {
    g1::Config::endomorphism_affine(p)
}

/// The sum of the multiples of all points, by buckets.
pub(crate) fn sum<'a>(terms: impl ExactSizeIterator<Item = (Coefficient, &'a G1Affine)> + Clone) -> G1Projective {
    let width: usize = match terms.len() {
        0..8 => 2,
        8..64 => 4,
        _ => 8,
    };
    let mut buckets = alloc::vec![G1Projective::ZERO; (1 << width) - 1];
    let mut total = G1Projective::ZERO;
    for at in (0..64).step_by(width).rev() {
        (0..width).for_each(|_| {
            total.double_in_place();
        });
        buckets.fill(G1Projective::ZERO);
        let mut put = |part: u64, p: &G1Affine| {
            let digit = bits(&[part], at, width);
            if let Some(bucket) = digit.checked_sub(1).and_then(|i| buckets.get_mut(i)) {
                *bucket += p;
            }
        };
        for (coefficient, point) in terms.clone() {
            put(coefficient.low, point);
            put(coefficient.high, &endomorphism(point));
        }
        let (mut running, mut window) = (G1Projective::ZERO, G1Projective::ZERO);
        for bucket in buckets.iter().rev() {
            running += bucket;
            window += running;
        }
        total += window;
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ec::PrimeGroup;
    use ark_ff::BigInteger;

    fn point(k: u64) -> G1Affine {
        (G1Projective::generator() * Fr::from(k + 3).inverse().unwrap()).into_affine()
    }

    fn coefficients() -> impl Iterator<Item = Coefficient> {
        let mixed = (1u128..40).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).rotate_left(i as u32));
        [1, 2, u128::MAX, 1 << 64, u128::from(u64::MAX), 1 << 127]
            .into_iter()
            .chain(mixed)
            .map(|x| Coefficient::from_bytes(x.to_be_bytes()))
    }

    #[test]
    fn fixed_base_agrees_with_ark_ec_at_the_edges_of_digits() {
        let (p, q) = (point(1), point(2).into());
        let table = FixedBase::new(p);
        let edges = [15u64, 16, 17, 31, 32, 33, 0x8421_0842_1084_2108].map(Fr::from);
        let all: Vec<Fr> =
            edges.into_iter().flat_map(|x| [x, -x, x.inverse().unwrap()]).chain([Fr::ZERO, Fr::ONE]).collect();
        for x in all {
            assert_eq!(table.multiply_add(x, q), p * x + q, "{x}");
        }
        let mut largest = Fr::MODULUS;
        largest.sub_with_borrow(&1u64.into());
        assert_eq!(table.multiply_add(Fr::from_bigint(largest).unwrap(), q), q - p);
    }

    #[test]
    fn coefficients_multiply_as_their_elements_do() {
        for (k, c) in coefficients().enumerate() {
            let p = point(k as u64);
            assert_eq!(c.multiply(&p), p * c.fr());
        }
        assert_eq!(Coefficient::from_bytes([0; 16]), Coefficient::from_bytes(1u128.to_be_bytes()), "never zero");
    }

    #[test]
    fn sums_agree_with_single_multiples_for_every_width() {
        let all: Vec<(Coefficient, G1Affine)> =
            (0..3).flat_map(|_| coefficients()).take(130).enumerate().map(|(k, c)| (c, point(k as u64 / 2))).collect();
        for n in [0, 1, 7, 8, 63, 64, 130] {
            let expected: G1Projective = all[..n].iter().map(|(c, p)| *p * c.fr()).sum();
            assert_eq!(sum(all[..n].iter().map(|(c, p)| (*c, p))), expected, "{n}");
        }
    }

    #[test]
    fn affine_forms_agree_with_ark_ec() {
        let points: [G1Projective; 5] = core::array::from_fn(|k| point(k as u64) * Fr::from(77u64));
        assert_eq!(to_affine(&points), points.map(|p| p.into_affine()));
        let [first, _, last] = to_affine(&[points[0], G1Projective::ZERO, points[1]]);
        assert_eq!([first, last], [points[0].into_affine(), points[1].into_affine()]);
    }

    /// The basis that the type's documentation leans on: in both vectors one entry has 127 bits, and the other at most 64.
    #[test]
    fn short_pairs_are_different_coefficients() {
        let basis =
            g1::Config::SCALAR_DECOMP_COEFFS.map(|(positive, x)| (positive, x.num_bits(), Fr::from_bigint(x).unwrap()));
        let signed = |i: usize| if basis[i].0 { basis[i].2 } else { -basis[i].2 };
        for (a, b) in [(0, 1), (2, 3)] {
            assert_eq!(signed(a) + signed(b) * g1::Config::LAMBDA, Fr::ZERO);
        }
        assert_eq!(basis.map(|b| b.1), [127, 64, 64, 127]);
    }
}
