//! Constants of a field in balanced limbs, worked out at compile time.

use ark_ff::MontConfig;

use super::product::Table;
use super::{BITS, Fma, MASK};

/// Four words of 64 bits, below 2^254, as limbs of 51 bits between -2^50 and 2^50.
const fn balanced(x: [u64; 4]) -> [f64; 5] {
    let limbs = [
        x[0] & MASK,
        ((x[0] >> 51) | (x[1] << 13)) & MASK,
        ((x[1] >> 38) | (x[2] << 26)) & MASK,
        ((x[2] >> 25) | (x[3] << 39)) & MASK,
        x[3] >> 12,
    ];
    let (mut out, mut carry, mut i) = ([0.0; 5], 0, 0);
    while i < 5 {
        let limb = (limbs[i] + carry) as i64;
        carry = if i < 4 && limb >= 1 << (BITS - 1) { 1 } else { 0 };
        out[i] = (limb - ((carry as i64) << BITS)) as f64;
        i += 1;
    }
    out
}

/// The balanced limbs of the nearest to 0 among x and x - p.
const fn nearest(x: [u64; 4], p: [u64; 4]) -> [f64; 5] {
    let rest = less(p, x);
    if below(rest, x) {
        let mut out = balanced(rest);
        let mut i = 0;
        while i < 5 {
            out[i] = -out[i];
            i += 1;
        }
        return out;
    }
    balanced(x)
}

/// Whether a is below b.
const fn below(a: [u64; 4], b: [u64; 4]) -> bool {
    let mut i = 4;
    while i > 0 {
        i -= 1;
        if a[i] != b[i] {
            return a[i] < b[i];
        }
    }
    false
}

/// `a - b`.
const fn less(a: [u64; 4], b: [u64; 4]) -> [u64; 4] {
    let (mut out, mut borrow, mut i) = ([0; 4], false, 0);
    while i < 4 {
        let (d, first) = a[i].overflowing_sub(b[i]);
        let (d, second) = d.overflowing_sub(borrow as u64);
        out[i] = d;
        borrow = first | second;
        i += 1;
    }
    out
}

/// `x / 2^times mod p`.
const fn halved(mut x: [u64; 4], p: [u64; 4], times: u32) -> [u64; 4] {
    let mut n = 0;
    while n < times {
        let odd = x[0] & 1 == 1;
        let (mut carry, mut i) = (0, 0);
        while i < 4 {
            let sum = x[i] as u128 + if odd { p[i] as u128 } else { 0 } + carry;
            x[i] = sum as u64;
            carry = sum >> 64;
            i += 1;
        }
        // Twice the modulus has four words: nothing is carried out.
        i = 0;
        while i < 4 {
            x[i] = (x[i] >> 1) | if i < 3 { x[i + 1] << 63 } else { 0 };
            i += 1;
        }
        n += 1;
    }
    x
}

impl<C: MontConfig<4>> Fma<C> {
    const P: [u64; 4] = C::MODULUS.0;
    /// 2^255 mod p, nearest to 0.
    pub(super) const ONE: [f64; 5] = nearest(halved(C::R.0, Self::P, 1), Self::P);
    /// 2^254 mod p: takes arkworks' form to this one.
    pub(super) const TO: [f64; 5] = nearest(halved(C::R.0, Self::P, 2), Self::P);
    /// 2^256 mod p: takes this form to arkworks'.
    pub(super) const FROM: [f64; 5] = nearest(C::R.0, Self::P);
    /// 1 / 4 in arkworks' form.
    pub(super) const QUARTER: [u64; 4] = halved(C::R.0, Self::P, 2);

    const TABLE: Table = {
        let n0 = (C::INV & MASK) as i64;
        let n0 = if n0 >= 1 << (BITS - 1) { n0 - (1 << BITS) } else { n0 };
        // 2^(-51 k) from 2^256, in steps of 51 halvings.
        let first = halved(C::R.0, Self::P, 256 + BITS);
        let second = halved(first, Self::P, BITS);
        let third = halved(second, Self::P, BITS);
        // The leading 64 bits of p tell 2^204 / p to 50 bits and more.
        let by_p = (1u64 << 12) as f64 / Self::P[3] as f64;
        Table::new(
            n0 as f64,
            balanced(Self::P),
            [nearest(first, Self::P), nearest(second, Self::P), nearest(third, Self::P)],
            by_p,
        )
    };

    /// The constants, in memory: behind a reference that the compiler does not see through, so that instructions take them from there.
    #[inline(always)]
    pub(super) fn table() -> &'static Table {
        std::hint::black_box(&Self::TABLE)
    }
}
