//! The Miller loop of BN254's optimal ate pairing, arranged for verification.
//!
//! Three things differ from `ark-ec`'s loop: lines of the key's points are computed once and divided by their leading coefficient, so
//! that multiplying by one costs ten products in Fp2 and not thirteen; lines of a proof's point are used as they are made, so that
//! nothing is allocated; and all pairs of one call share the squarings. The constant factors that the division drops lie in Fp2, and
//! the final exponentiation sends those to 1. The tests compare with `ark-ec` after the final exponentiation.

use alloc::vec::Vec;
use ark_bn254::{Bn254, Config, Fq, Fq2, Fq6Config, Fq12, G1Affine, G1Projective, G2Affine, g2};
use ark_ec::{
    AffineRepr,
    bn::{BnConfig, G2Prepared},
    pairing::{MillerLoopOutput, Pairing, PairingOutput},
    short_weierstrass::SWCurveConfig,
};
use ark_ff::{AdditiveGroup, Field, Fp6Config, One, batch_inversion};

/// Lines of a fixed point of G2, each divided by its leading coefficient: `1 + l.0 x w + l.1 w^3`, up to factors of the G1 point.
#[derive(Clone)]
pub(crate) struct Lines(Vec<(Fq2, Fq2)>);

impl Lines {
    /// The lines of a point of the subgroup other than infinity.
    pub(crate) fn of(q: G2Affine) -> Self {
        let lines = G2Prepared::<Config>::from(q).ell_coeffs;
        // A leading coefficient is zero only where a step doubles a point of order 2 or adds equal points: never in the subgroup.
        let mut leading: Vec<Fq2> = lines.iter().map(|l| l.0).collect();
        batch_inversion(&mut leading);
        Self(lines.iter().zip(leading).map(|(l, inverse)| (l.1 * inverse, l.2 * inverse)).collect())
    }
}

/// A G1 point for fixed lines: x/y and 1/y.
#[derive(Clone, Copy)]
pub(crate) struct Slope {
    x_over_y: Fq,
    y_inverse: Fq,
}

/// A pair whose G1 point varies and whose G2 point is fixed.
pub(crate) type FixedPair<'a> = (Slope, &'a Lines);

/// The slopes of some points, with one inversion. That of infinity is 0, 0: every line is then 1, and so is the pairing.
pub(crate) fn slopes<const N: usize>(points: [G1Projective; N]) -> [Slope; N] {
    // No point of the curve has y = 0, since its order is odd.
    let mut inverses = points.map(|p| if p.z == Fq::ZERO { Fq::ZERO } else { p.y });
    invert_all(&mut inverses);
    core::array::from_fn(|i| {
        let (p, inverse) = (&points[i], inverses[i]);
        // x = X / Z^2 and y = Y / Z^3.
        let z_over = p.z * inverse;
        Slope { x_over_y: p.x * z_over, y_inverse: p.z.square() * z_over }
    })
}

/// Inverts what is not zero, at most `N` elements, on the stack and on this thread.
pub(crate) fn invert_all<const N: usize>(elements: &mut [Fq; N]) {
    let mut products = [Fq::ONE; N];
    let mut product = Fq::ONE;
    for (before, x) in products.iter_mut().zip(elements.iter()) {
        *before = product;
        if *x != Fq::ZERO {
            product *= x;
        }
    }
    // A product of elements that are not zero.
    let mut inverse = product.inverse().unwrap_or(Fq::ZERO);
    for (before, x) in products.iter().zip(elements.iter_mut()).rev() {
        if *x != Fq::ZERO {
            let next = inverse * *x;
            *x = inverse * before;
            inverse = next;
        }
    }
}

/// A pair of which neither point was seen before, and where its multiple of the G2 point stands.
#[derive(Clone, Copy)]
pub(crate) struct FreePair {
    p: G1Affine,
    q: G2Affine,
    x: Fq2,
    y: Fq2,
    z: Fq2,
}

impl FreePair {
    /// Both points lie in their subgroups and are not infinity.
    pub(crate) fn new(p: G1Affine, q: G2Affine) -> Self {
        Self { p, q, x: q.x, y: q.y, z: Fq2::ONE }
    }

    /// Doubles the multiple; the tangent line (Aranha et al., "The realm of the pairings", section 4).
    fn double(&mut self, half: Fq) -> [Fq2; 3] {
        let mut a = self.x * self.y;
        a.mul_assign_by_fp(&half);
        let b = self.y.square();
        let c = self.z.square();
        let e = g2::Config::COEFF_B * (c.double() + c);
        let f = e.double() + e;
        let mut g = b + f;
        g.mul_assign_by_fp(&half);
        let h = (self.y + self.z).square() - (b + c);
        let j = self.x.square();
        let e2 = e.square();
        self.x = a * (b - f);
        self.y = g.square() - (e2.double() + e2);
        self.z = b * h;
        [-h, j.double() + j, e - b]
    }

    /// Adds `q` to the multiple; the line through both.
    fn add(&mut self, q: &G2Affine) -> [Fq2; 3] {
        let theta = self.y - q.y * self.z;
        let lambda = self.x - q.x * self.z;
        let c = theta.square();
        let d = lambda.square();
        let e = lambda * d;
        let f = self.z * c;
        let g = self.x * d;
        let h = e + f - g.double();
        self.x = lambda * h;
        self.y = theta * (g - h) - e * self.y;
        self.z *= e;
        [lambda, -theta, theta * q.x - lambda * q.y]
    }

    fn apply(&self, f: &mut Fq12, [mut c0, mut c1, c2]: [Fq2; 3]) {
        c0.mul_assign_by_fp(&self.p.y);
        c1.mul_assign_by_fp(&self.p.x);
        f.mul_by_034(&c0, &c1, &c2);
    }
}

fn apply_fixed(f: &mut Fq12, (slope, lines): &FixedPair<'_>, step: usize) {
    // Every point's list has one line for each step.
    let Some((mut a, mut b)) = lines.0.get(step).copied() else { return };
    a.mul_assign_by_fp(&slope.x_over_y);
    b.mul_assign_by_fp(&slope.y_inverse);
    // f (1 + a w + b w^3) = f + f (a + b v) w, where w^2 = v.
    let (mut low, mut high) = (f.c0, f.c1);
    low.mul_by_01(&a, &b);
    high.mul_by_01(&a, &b);
    Fq6Config::mul_fp2_by_nonresidue_in_place(&mut high.c2);
    f.c0.c0 += high.c2;
    f.c0.c1 += high.c0;
    f.c0.c2 += high.c1;
    f.c1 += low;
}

/// q's image under Frobenius, on the twist.
fn frobenius(q: &G2Affine) -> G2Affine {
    let mut x = q.x.frobenius_map(1);
    let mut y = q.y.frobenius_map(1);
    x *= Config::TWIST_MUL_BY_Q_X;
    y *= Config::TWIST_MUL_BY_Q_Y;
    G2Affine::new_unchecked(x, y)
}

/// The product of the Miller loops of all pairs. The free pairs come back used up.
pub(crate) fn miller_loop(free: &mut [FreePair], fixed: &[FixedPair<'_>]) -> Fq12 {
    let half = Fq::from(2u64).inverse().unwrap_or(Fq::ZERO);
    let mut f = Fq12::one();
    let mut step = 0;
    let mut fixed_step = |f: &mut Fq12| {
        fixed.iter().for_each(|pair| apply_fixed(f, pair, step));
        step += 1;
    };
    for (i, digit) in Config::ATE_LOOP_COUNT.iter().rev().skip(1).enumerate() {
        if i > 0 {
            f.square_in_place();
        }
        for pair in free.iter_mut() {
            let line = pair.double(half);
            pair.apply(&mut f, line);
        }
        fixed_step(&mut f);
        if *digit != 0 {
            for pair in free.iter_mut() {
                let q = if *digit > 0 { pair.q } else { -pair.q };
                let line = pair.add(&q);
                pair.apply(&mut f, line);
            }
            fixed_step(&mut f);
        }
    }
    for second in [false, true] {
        for pair in free.iter_mut() {
            let q1 = frobenius(&pair.q);
            let q = if second { -frobenius(&q1) } else { q1 };
            let line = pair.add(&q);
            pair.apply(&mut f, line);
        }
        fixed_step(&mut f);
    }
    f
}

/// Whether the final exponentiation of `f` is `expected`.
pub(crate) fn equals(f: Fq12, expected: &PairingOutput<Bn254>) -> bool {
    Bn254::final_exponentiation(MillerLoopOutput(f)).as_ref() == Some(expected)
}

/// The pairing of two points.
pub(crate) fn pairing(p: G1Affine, q: G2Affine) -> PairingOutput<Bn254> {
    debug_assert!(!p.is_zero() && !q.is_zero());
    Bn254::final_exponentiation(MillerLoopOutput(miller_loop(&mut [FreePair::new(p, q)], &[])))
        .unwrap_or(PairingOutput::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::Fr;
    use ark_ec::{CurveGroup, PrimeGroup};

    fn g1(k: u64) -> G1Projective {
        G1Projective::generator() * Fr::from(k).inverse().unwrap()
    }

    fn g2(k: u64) -> G2Affine {
        (ark_bn254::G2Projective::generator() * Fr::from(k).inverse().unwrap()).into_affine()
    }

    #[test]
    fn fixed_and_free_pairs_agree_with_ark_ec() {
        for (free, fixed) in [(1, 0), (0, 1), (1, 2), (3, 2), (5, 0)] {
            let points: Vec<(G1Projective, G2Affine)> = (1..=free + fixed).map(|k| (g1(k), g2(100 * k))).collect();
            let (a, b) = points.split_at(free as usize);
            let mut pairs: Vec<FreePair> = a.iter().map(|(p, q)| FreePair::new(p.into_affine(), *q)).collect();
            let lines: Vec<Lines> = b.iter().map(|(_, q)| Lines::of(*q)).collect();
            let fixed: Vec<FixedPair<'_>> = b.iter().zip(&lines).map(|((p, _), l)| (slopes([*p])[0], l)).collect();
            let theirs = Bn254::multi_pairing(points.iter().map(|p| p.0.into_affine()), points.iter().map(|p| p.1));
            assert!(equals(miller_loop(&mut pairs, &fixed), &theirs));
            assert!(!equals(miller_loop(&mut [], &fixed[1.min(fixed.len())..]), &theirs));
        }
        assert_eq!(pairing(g1(3).into_affine(), g2(5)), Bn254::pairing(g1(3).into_affine(), g2(5)));
    }

    #[test]
    fn slopes_do_not_depend_on_the_coordinates_and_infinity_pairs_to_one() {
        let p = g1(9);
        let affine = p.into_affine();
        let [same, none, plain] = slopes([p, G1Projective::ZERO, affine.into()]);
        for slope in [same, plain] {
            assert_eq!(slope.x_over_y * affine.y, affine.x);
            assert_eq!(slope.y_inverse * affine.y, Fq::ONE);
        }
        assert!(miller_loop(&mut [], &[(none, &Lines::of(g2(7)))]).is_one());
    }
}
