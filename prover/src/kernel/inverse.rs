//! Inversion in a prime field by safegcd, in variable time: of field elements that depend on public data, or on blinded secrets' sums of bases.
//!
//! Bernstein and Yang, "Fast constant-time gcd computation and modular inversion" (CHES 2019), in the form of division steps on 62 bits at a
//! time: steps depend on the lowest bits of f and g alone, so 62 of them are worked out in machine words as a 2x2 matrix, which is then applied to
//! the whole numbers. Ten to twelve matrices do for 254 bits; Euclid's algorithm bit by bit takes several times as long.
//!
//! Numbers are five signed limbs of 62 bits, the lowest first; all but the last lie between 0 and 2^62.

use ark_ff::{AdditiveGroup, BigInt, Field, Fp, MontBackend, MontConfig};

const BITS: u32 = 62;
const MASK: u64 = (1 << BITS) - 1;

type Signed62 = [i64; 5];

/// What 62 division steps do to f and g, times 2^62: `f' = u f + v g`, `g' = q f + r g`. The absolute values of a row's entries add up to at most 2^62.
struct Matrix {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

const fn split(x: [u64; 4]) -> Signed62 {
    [
        (x[0] & MASK) as i64,
        ((x[0] >> 62 | x[1] << 2) & MASK) as i64,
        ((x[1] >> 60 | x[2] << 4) & MASK) as i64,
        ((x[2] >> 58 | x[3] << 6) & MASK) as i64,
        (x[3] >> 56) as i64,
    ]
}

/// The inverse of [`split`], for numbers that are not negative.
const fn joined(x: Signed62) -> [u64; 4] {
    let x = [x[0] as u64, x[1] as u64, x[2] as u64, x[3] as u64, x[4] as u64];
    [x[0] | x[1] << 62, x[1] >> 2 | x[2] << 60, x[2] >> 4 | x[3] << 58, x[3] >> 6 | x[4] << 56]
}

/// The inverse of an odd number modulo 2^62, by Newton's iteration.
const fn inverse_of_odd(x: u64) -> u64 {
    // Right in three bits to begin with; each round doubles them.
    let mut inverse = x;
    let mut round = 0;
    while round < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(x.wrapping_mul(inverse)));
        round += 1;
    }
    inverse & MASK
}

/// 62 division steps on the lowest bits of f (odd) and g; `eta` is the negative of the paper's delta.
#[inline]
fn steps(mut eta: i64, f: u64, g: u64) -> (i64, Matrix) {
    let (mut f, mut g) = (f, g);
    let (mut u, mut v, mut q, mut r) = (1u64, 0u64, 0u64, 1u64);
    let mut left = BITS;
    loop {
        // Steps for even g halve it; there are no more of them than steps left.
        let zeros = (g | u64::MAX << left).trailing_zeros();
        g >>= zeros;
        u <<= zeros;
        v <<= zeros;
        eta -= i64::from(zeros);
        left -= zeros;
        if left == 0 {
            break;
        }
        // Both are odd: add the multiple of f that clears as many bits of g as steps can be taken before the roles change.
        let w;
        if eta < 0 {
            eta = -eta;
            (f, g) = (g, f.wrapping_neg());
            (u, q) = (q, u.wrapping_neg());
            (v, r) = (r, v.wrapping_neg());
            // f (f^2 - 2) is -1 / f modulo 64.
            let mask = u64::MAX >> (64 - limit(eta, left)) & 63;
            w = f.wrapping_mul(g).wrapping_mul(f.wrapping_mul(f).wrapping_sub(2)) & mask;
        } else {
            // f + 2 (f + 1 & 4) is 1 / f modulo 16.
            let mask = u64::MAX >> (64 - limit(eta, left)) & 15;
            let inverse = f.wrapping_add((f.wrapping_add(1) & 4) << 1);
            w = inverse.wrapping_neg().wrapping_mul(g) & mask;
        }
        g = g.wrapping_add(f.wrapping_mul(w));
        q = q.wrapping_add(u.wrapping_mul(w));
        r = r.wrapping_add(v.wrapping_mul(w));
    }
    (eta, Matrix { u: u as i64, v: v as i64, q: q as i64, r: r as i64 })
}

/// Steps until the roles change, or none are left: from 1 to 62.
#[inline]
fn limit(eta: i64, left: u32) -> u32 {
    (eta + 1).min(i64::from(left)) as u32
}

#[inline]
fn wide(a: i64, b: i64) -> i128 {
    i128::from(a) * i128::from(b)
}

/// Applies a matrix to f and g; the division by 2^62 has no rest.
#[inline]
fn update_f_g(f: &mut Signed62, g: &mut Signed62, t: &Matrix) {
    let mut cf = wide(t.u, f[0]) + wide(t.v, g[0]);
    let mut cg = wide(t.q, f[0]) + wide(t.r, g[0]);
    for i in 1..5 {
        cf = (cf >> BITS) + wide(t.u, f[i]) + wide(t.v, g[i]);
        cg = (cg >> BITS) + wide(t.q, f[i]) + wide(t.r, g[i]);
        f[i - 1] = (cf as u64 & MASK) as i64;
        g[i - 1] = (cg as u64 & MASK) as i64;
    }
    f[4] = (cf >> BITS) as i64;
    g[4] = (cg >> BITS) as i64;
}

/// Applies a matrix to d and e modulo p, which are between -2 p and p before and after: multiples of p make the division have no rest.
#[inline]
fn update_d_e(d: &mut Signed62, e: &mut Signed62, t: &Matrix, p: &Signed62, p_inverse: u64) {
    let (sd, se) = (d[4] >> 63, e[4] >> 63);
    let mut md = (t.u & sd) + (t.v & se);
    let mut me = (t.q & sd) + (t.r & se);
    let mut cd = wide(t.u, d[0]) + wide(t.v, e[0]);
    let mut ce = wide(t.q, d[0]) + wide(t.r, e[0]);
    md -= (p_inverse.wrapping_mul(cd as u64).wrapping_add(md as u64) & MASK) as i64;
    me -= (p_inverse.wrapping_mul(ce as u64).wrapping_add(me as u64) & MASK) as i64;
    cd += wide(p[0], md);
    ce += wide(p[0], me);
    for i in 1..5 {
        cd = (cd >> BITS) + wide(t.u, d[i]) + wide(t.v, e[i]) + wide(p[i], md);
        ce = (ce >> BITS) + wide(t.q, d[i]) + wide(t.r, e[i]) + wide(p[i], me);
        d[i - 1] = (cd as u64 & MASK) as i64;
        e[i - 1] = (ce as u64 & MASK) as i64;
    }
    d[4] = (cd >> BITS) as i64;
    e[4] = (ce >> BITS) as i64;
}

/// Brings limbs into their range; the last one has the sign.
fn carried(mut x: Signed62) -> Signed62 {
    for i in 0..4 {
        x[i + 1] += x[i] >> BITS;
        x[i] &= MASK as i64;
    }
    x
}

fn plus(x: &Signed62, y: &Signed62) -> Signed62 {
    carried(std::array::from_fn(|i| x[i] + y[i]))
}

/// The inverse of `x` modulo an odd prime p below 2^256, both as plain integers; 0 for 0. `p_inverse` is that of p modulo 2^62.
fn inverse_mod(x: [u64; 4], p: &Signed62, p_inverse: u64) -> [u64; 4] {
    let (mut d, mut e) = ([0; 5], [1, 0, 0, 0, 0]);
    let (mut f, mut g) = (*p, split(x));
    let mut eta = -1;
    while g != [0; 5] {
        let matrix;
        (eta, matrix) = steps(eta, f[0] as u64, g[0] as u64);
        update_d_e(&mut d, &mut e, &matrix, p, p_inverse);
        update_f_g(&mut f, &mut g, &matrix);
    }
    // f is 1 or -1, or p where x was 0; d is the inverse times f, between -2 p and p.
    if d[4] < 0 {
        d = plus(&d, p);
    }
    if f[4] < 0 {
        d = carried(d.map(|limb| -limb));
    }
    if d[4] < 0 {
        d = plus(&d, p);
    }
    joined(d)
}

/// The inverse of an element; 0 for 0.
pub(crate) fn inverse<C: MontConfig<4>>(x: Fp<MontBackend<C, 4>, 4>) -> Fp<MontBackend<C, 4>, 4> {
    const {
        assert!(C::MODULUS.0[3] >> 62 == 0, "sums of limbs are kept below 2^63");
    }
    // `x 2^256` gives `x^-1 2^-256`, which stands for `x^-1 2^-512`; R2 is 2^512.
    let plain = inverse_mod(x.0.0, const { &split(C::MODULUS.0) }, const { inverse_of_odd(C::MODULUS.0[0]) });
    Fp::new_unchecked(BigInt(plain)) * Fp::new(C::R2)
}

/// The inverses of eight elements, by one inversion; those of 0 are 0.
pub(super) fn inverses<C: MontConfig<4>>(values: &mut [Fp<MontBackend<C, 4>, 4>; 8]) {
    let factors = values.map(|x| if x == Fp::ZERO { Fp::ONE } else { x });
    // Products of all factors before each.
    let mut before = [Fp::ONE; 8];
    for i in 1..8 {
        before[i] = before[i - 1] * factors[i - 1];
    }
    let mut rest = inverse(before[7] * factors[7]);
    for i in (0..8).rev() {
        if values[i] != Fp::ZERO {
            values[i] = rest * before[i];
        }
        rest *= factors[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Fq, FqConfig, Fr, FrConfig};
    use ark_ff::{UniformRand, Zero};

    fn check<C: MontConfig<4>>() {
        type F<C> = Fp<MontBackend<C, 4>, 4>;
        let mut rng = ark_std::test_rng();
        let one = F::<C>::ONE;
        let mut list = vec![F::<C>::ZERO, one, -one, one.double(), -one.double(), one.double().inverse().unwrap()];
        // All powers of two and their neighbours: runs of zeros and ones of all lengths, in both forms.
        for k in 0..256u64 {
            let power = F::<C>::from(2u64).pow([k]);
            list.extend([power, power - one, power + one, -power]);
            list.extend([power, power - one].map(|x| x * F::<C>::new(C::R2).inverse().unwrap()));
        }
        list.extend((0..20_000).map(|_| F::<C>::rand(&mut rng)));
        for x in list {
            assert_eq!(inverse(x), x.inverse().unwrap_or_default(), "{x}");
        }
        for zeros in [0u8, 0b1, 0b1000_0000, 0b0110_0000, 0xff] {
            let values = std::array::from_fn(|i| if zeros & (1 << i) != 0 { F::<C>::ZERO } else { F::<C>::rand(&mut rng) });
            let mut had = values;
            inverses(&mut had);
            assert_eq!(had, values.map(|x| x.inverse().unwrap_or_default()));
        }
    }

    #[test]
    fn inverses_are_those_of_arkworks() {
        check::<FqConfig>();
        check::<FrConfig>();
        assert!(inverse(Fq::ZERO).is_zero() && inverse(Fr::ZERO).is_zero());
    }
}
