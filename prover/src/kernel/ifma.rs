//! [`Lanes`] with AVX-512 IFMA: eight elements in five vectors of 52-bit limbs, Montgomery form with `R = 2^260`.
//!
//! `vpmadd52luq` and `vpmadd52huq` multiply the lowest 52 bits of two 64-bit lanes and add the lower or upper half of the product. A limb is kept below
//! 2^52 between operations; within a multiplication columns grow to at most 2^57, far below 2^64.
//!
//! A product has ten columns. The lowest three are multiplied by `2^-156`, `2^-104` and `2^-52` mod p, which needs no waiting for one another; the two after
//! them go by Montgomery's steps, each of which waits for the one before. That is as much arithmetic as five such steps, in two thirds of the time
//! where a product is waited for.
//!
//! Bounds: the modulus p is below 2^253.7 and R = 2^260, so that operands below 8 p give `a b / R + 3 p / 2^52 + p < 64 p^2 / R + p + ... < 2 p`; and
//! so do two products that are summed up before they are reduced, if they are below 64 p^2 together.

use std::arch::x86_64::{
    __m512i, _mm256_loadu_si256, _mm512_add_epi64, _mm512_and_si512, _mm512_castsi256_si512, _mm512_cmpeq_epi64_mask,
    _mm512_i64gather_epi64, _mm512_i64scatter_epi64, _mm512_loadu_si512, _mm512_madd52hi_epu64, _mm512_madd52lo_epu64,
    _mm512_mask_blend_epi64, _mm512_maskz_sub_epi64, _mm512_movepi32_mask, _mm512_movepi64_mask, _mm512_or_si512,
    _mm512_permutex_epi64, _mm512_set1_epi64, _mm512_setr_epi64, _mm512_setzero_si512, _mm512_shuffle_i64x2,
    _mm512_slli_epi64, _mm512_srai_epi64, _mm512_srli_epi64, _mm512_storeu_si512, _mm512_sub_epi64, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi64,
};
use std::marker::PhantomData;

use ark_ff::{BigInt, Fp, MontBackend, MontConfig};

use super::Lanes;
use super::arrays::{eight, five};
use super::inverse::inverses;

#[cfg(test)]
mod tests;

/// Proof that the processor has what this kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected(());

impl Detected {
    /// Asks the processor.
    pub fn now() -> Option<Self> {
        let there = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512ifma");
        there.then_some(Self(()))
    }
}

const BITS: u32 = 52;
const MASK: u64 = (1 << BITS) - 1;

/// Four limbs of 64 bits as five of 52.
const fn split(x: [u64; 4]) -> [u64; 5] {
    [
        x[0] & MASK,
        ((x[0] >> 52) | (x[1] << 12)) & MASK,
        ((x[1] >> 40) | (x[2] << 24)) & MASK,
        ((x[2] >> 28) | (x[3] << 36)) & MASK,
        x[3] >> 16,
    ]
}

/// `2 x mod p` for x below p, of four limbs with a free bit.
const fn double(x: [u64; 4], p: [u64; 4]) -> [u64; 4] {
    let mut twice = [0u64; 4];
    let mut i = 0;
    while i < 4 {
        twice[i] = (x[i] << 1) | if i > 0 { x[i - 1] >> 63 } else { 0 };
        i += 1;
    }
    let mut less = [0u64; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (d, b1) = twice[i].overflowing_sub(p[i]);
        let (d, b2) = d.overflowing_sub(borrow as u64);
        less[i] = d;
        borrow = b1 | b2;
        i += 1;
    }
    if borrow { twice } else { less }
}

/// `x / 2 mod p` for x below p.
const fn half(x: [u64; 4], p: [u64; 4]) -> [u64; 4] {
    let odd = x[0] & 1;
    let mut sum = [0u64; 4];
    let mut carry = 0;
    let mut i = 0;
    while i < 4 {
        let wide = x[i] as u128 + (p[i] * odd) as u128 + carry;
        sum[i] = wide as u64;
        carry = wide >> 64;
        i += 1;
    }
    // The sum is below 2^255.
    [sum[0] >> 1 | sum[1] << 63, sum[1] >> 1 | sum[2] << 63, sum[2] >> 1 | sum[3] << 63, sum[3] >> 1]
}

/// `2^-times mod p`.
const fn halved(p: [u64; 4], times: u32) -> [u64; 4] {
    let mut x = [1, 0, 0, 0];
    let mut i = 0;
    while i < times {
        x = half(x, p);
        i += 1;
    }
    x
}

const fn doubled(mut x: [u64; 4], p: [u64; 4], times: u32) -> [u64; 4] {
    let mut i = 0;
    while i < times {
        x = double(x, p);
        i += 1;
    }
    x
}

/// Limb-wise multiple of 52-bit limbs, with carries.
const fn multiple(p: [u64; 5], k: u64) -> [u64; 5] {
    let mut out = [0u64; 5];
    let mut carry = 0;
    let mut i = 0;
    while i < 5 {
        let sum = p[i] * k + carry;
        out[i] = if i < 4 { sum & MASK } else { sum };
        carry = sum >> BITS;
        i += 1;
    }
    out
}

/// Eight elements of the prime field of `C`.
#[derive(Debug)]
pub struct Ifma<C>([__m512i; 5], PhantomData<C>);

impl<C> Clone for Ifma<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Ifma<C> {}

#[inline(always)]
unsafe fn splat1(x: u64) -> __m512i {
    // SAFETY: as the caller's.
    unsafe { _mm512_set1_epi64(x as i64) }
}

/// Transposes eight rows of eight 64-bit numbers.
#[inline(always)]
unsafe fn transpose(r: [__m512i; 8]) -> [__m512i; 8] {
    // SAFETY: as the caller's.
    unsafe {
        let t: [__m512i; 8] = [
            _mm512_unpacklo_epi64(r[0], r[1]),
            _mm512_unpackhi_epi64(r[0], r[1]),
            _mm512_unpacklo_epi64(r[2], r[3]),
            _mm512_unpackhi_epi64(r[2], r[3]),
            _mm512_unpacklo_epi64(r[4], r[5]),
            _mm512_unpackhi_epi64(r[4], r[5]),
            _mm512_unpacklo_epi64(r[6], r[7]),
            _mm512_unpackhi_epi64(r[6], r[7]),
        ];
        // t[0]: r0 and r1 at columns 0, 2, 4, 6; t[1] at 1, 3, 5, 7; and so on for the other pairs of rows.
        let [c0, c2, c4, c6] = columns(t[0], t[2], t[4], t[6]);
        let [c1, c3, c5, c7] = columns(t[1], t[3], t[5], t[7]);
        [c0, c1, c2, c3, c4, c5, c6, c7]
    }
}

/// Of four pairs of rows, interleaved, the 128-bit blocks that belong to one column each.
#[inline(always)]
unsafe fn columns(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
    // SAFETY: as the caller's.
    unsafe {
        let (low, high) = (_mm512_shuffle_i64x2::<0x88>(a, b), _mm512_shuffle_i64x2::<0x88>(c, d));
        let (low_odd, high_odd) = (_mm512_shuffle_i64x2::<0xdd>(a, b), _mm512_shuffle_i64x2::<0xdd>(c, d));
        [
            _mm512_shuffle_i64x2::<0x88>(low, high),
            _mm512_shuffle_i64x2::<0x88>(low_odd, high_odd),
            _mm512_shuffle_i64x2::<0xdd>(low, high),
            _mm512_shuffle_i64x2::<0xdd>(low_odd, high_odd),
        ]
    }
}

impl<C: MontConfig<4>> Ifma<C> {
    const P64: [u64; 4] = C::MODULUS.0;
    const P: [u64; 5] = split(Self::P64);
    const N0: u64 = C::INV & MASK;
    /// 2^260 mod p.
    const ONE: [u64; 5] = split(doubled(C::R.0, Self::P64, 4));
    /// 2^264 mod p: takes arkworks' form to this one.
    const TO: [u64; 5] = split(doubled(C::R.0, Self::P64, 8));
    /// 2^256 mod p: takes this form to arkworks'.
    const FROM: [u64; 5] = split(C::R.0);
    /// `2^-156`, `2^-104` and `2^-52` mod p: what the lowest three columns are multiplied by.
    const FOLDS: [[u64; 5]; 3] =
        [split(halved(Self::P64, 156)), split(halved(Self::P64, 104)), split(halved(Self::P64, 52))];

    #[inline(always)]
    unsafe fn constant(limbs: [u64; 5]) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self(five!(i => splat1(limbs[i])), PhantomData) }
    }

    #[inline(always)]
    unsafe fn from_limbs(x: [__m512i; 4]) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let mask = splat1(MASK);
            let l0 = _mm512_and_si512(x[0], mask);
            let l1 = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<52>(x[0]), _mm512_slli_epi64::<12>(x[1])), mask);
            let l2 = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<40>(x[1]), _mm512_slli_epi64::<24>(x[2])), mask);
            let l3 = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64::<28>(x[2]), _mm512_slli_epi64::<36>(x[3])), mask);
            Self([l0, l1, l2, l3, _mm512_srli_epi64::<16>(x[3])], PhantomData)
        }
    }

    #[inline(always)]
    unsafe fn to_limbs(self) -> [__m512i; 4] {
        let l = self.0;
        // SAFETY: as the caller's.
        unsafe {
            [
                _mm512_or_si512(l[0], _mm512_slli_epi64::<52>(l[1])),
                _mm512_or_si512(_mm512_srli_epi64::<12>(l[1]), _mm512_slli_epi64::<40>(l[2])),
                _mm512_or_si512(_mm512_srli_epi64::<24>(l[2]), _mm512_slli_epi64::<28>(l[3])),
                _mm512_or_si512(_mm512_srli_epi64::<36>(l[3]), _mm512_slli_epi64::<16>(l[4])),
            ]
        }
    }

    /// Brings limbs, which may be negative or too large, into their range; the last one takes what is over, with its sign.
    #[inline(always)]
    unsafe fn carried(mut l: [__m512i; 5]) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let mask = splat1(MASK);
            for i in 0..4 {
                let carry = _mm512_srai_epi64::<52>(l[i]);
                l[i] = _mm512_and_si512(l[i], mask);
                l[i + 1] = _mm512_add_epi64(l[i + 1], carry);
            }
        }
        Self(l, PhantomData)
    }

    /// Adds the columns of a product.
    #[inline(always)]
    unsafe fn multiplied(mut t: [__m512i; 10], a: Self, b: Self) -> [__m512i; 10] {
        let (a, b) = (a.0, b.0);
        // SAFETY: as the caller's.
        unsafe {
            macro_rules! row {
                ($($j:literal)*) => {
                    $(
                        t[$j] = _mm512_madd52lo_epu64(t[$j], a[0], b[$j]);
                        t[$j + 1] = _mm512_madd52lo_epu64(t[$j + 1], a[1], b[$j]);
                        t[$j + 2] = _mm512_madd52lo_epu64(t[$j + 2], a[2], b[$j]);
                        t[$j + 3] = _mm512_madd52lo_epu64(t[$j + 3], a[3], b[$j]);
                        t[$j + 4] = _mm512_madd52lo_epu64(t[$j + 4], a[4], b[$j]);
                        t[$j + 1] = _mm512_madd52hi_epu64(t[$j + 1], a[0], b[$j]);
                        t[$j + 2] = _mm512_madd52hi_epu64(t[$j + 2], a[1], b[$j]);
                        t[$j + 3] = _mm512_madd52hi_epu64(t[$j + 3], a[2], b[$j]);
                        t[$j + 4] = _mm512_madd52hi_epu64(t[$j + 4], a[3], b[$j]);
                        t[$j + 5] = _mm512_madd52hi_epu64(t[$j + 5], a[4], b[$j]);
                    )*
                };
            }
            row!(0 1 2 3 4);
        }
        t
    }

    /// The columns of a square: products of different limbs are worked out once and doubled.
    #[inline(always)]
    unsafe fn squared(self) -> [__m512i; 10] {
        let a = self.0;
        // SAFETY: as the caller's.
        unsafe {
            let mut t = [_mm512_setzero_si512(); 10];
            macro_rules! pairs {
                ($($i:literal $j:literal),*) => {
                    $(
                        t[$i + $j] = _mm512_madd52lo_epu64(t[$i + $j], a[$i], a[$j]);
                        t[$i + $j + 1] = _mm512_madd52hi_epu64(t[$i + $j + 1], a[$i], a[$j]);
                    )*
                };
            }
            pairs!(0 1, 0 2, 0 3, 0 4, 1 2, 1 3, 1 4, 2 3, 2 4, 3 4);
            let twice = eight!(i => _mm512_add_epi64(t[i + 1], t[i + 1]));
            t[1..9].copy_from_slice(&twice);
            pairs!(0 0, 1 1, 2 2, 3 3, 4 4);
            t
        }
    }

    /// The number with these columns, divided by R; below 2 p if it is below 64 p^2.
    #[inline(always)]
    unsafe fn reduced(mut t: [__m512i; 10]) -> Self {
        // SAFETY: as the caller's. Multiplications read the lowest 52 bits of their operands, so that what is carried on need not be masked.
        unsafe {
            let zero = _mm512_setzero_si512();
            let p = Self::constant(Self::P).0;
            macro_rules! add_multiple {
                ($to:literal, $by:expr, $of:expr) => {
                    let (by, of) = ($by, $of);
                    t[$to] = _mm512_madd52lo_epu64(t[$to], by, of[0]);
                    t[$to + 1] = _mm512_madd52lo_epu64(t[$to + 1], by, of[1]);
                    t[$to + 2] = _mm512_madd52lo_epu64(t[$to + 2], by, of[2]);
                    t[$to + 3] = _mm512_madd52lo_epu64(t[$to + 3], by, of[3]);
                    t[$to + 4] = _mm512_madd52lo_epu64(t[$to + 4], by, of[4]);
                    t[$to + 1] = _mm512_madd52hi_epu64(t[$to + 1], by, of[0]);
                    t[$to + 2] = _mm512_madd52hi_epu64(t[$to + 2], by, of[1]);
                    t[$to + 3] = _mm512_madd52hi_epu64(t[$to + 3], by, of[2]);
                    t[$to + 4] = _mm512_madd52hi_epu64(t[$to + 4], by, of[3]);
                    t[$to + 5] = _mm512_madd52hi_epu64(t[$to + 5], by, of[4]);
                };
            }
            macro_rules! carry {
                ($from:literal) => {
                    t[$from + 1] = _mm512_add_epi64(t[$from + 1], _mm512_srli_epi64::<52>(t[$from]));
                };
            }
            carry!(0);
            carry!(1);
            carry!(2);
            add_multiple!(3, t[0], Self::constant(Self::FOLDS[0]).0);
            add_multiple!(3, t[1], Self::constant(Self::FOLDS[1]).0);
            add_multiple!(3, t[2], Self::constant(Self::FOLDS[2]).0);
            let n0 = splat1(Self::N0);
            let m = _mm512_madd52lo_epu64(zero, t[3], n0);
            add_multiple!(3, m, p);
            carry!(3);
            let m = _mm512_madd52lo_epu64(zero, t[4], n0);
            add_multiple!(4, m, p);
            carry!(4);
            Self::carried([t[5], t[6], t[7], t[8], t[9]])
        }
    }

    /// `self - k p` where that is not negative, else `self`.
    #[inline(always)]
    unsafe fn less(self, k: u64) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let multiple = Self::constant(multiple(Self::P, k));
            let difference = Self::carried(five!(i => _mm512_sub_epi64(self.0[i], multiple.0[i])));
            let negative = _mm512_movepi64_mask(difference.0[4]);
            self.select(negative, difference)
        }
    }
}

/// All safety comments here are the same: the features are enabled, as the trait demands of the caller, and pointers have the extent that it names.
impl<C: MontConfig<4>> Lanes for Ifma<C> {
    const LIMBS: usize = 4;

    #[inline(always)]
    unsafe fn splat(at: *const u64) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::constant(split(at.cast::<[u64; 4]>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn load_pairs(at: [*const u64; 8]) -> [Self; 2] {
        // SAFETY: as the caller's.
        unsafe {
            let [x0, x1, x2, x3, y0, y1, y2, y3] = transpose(eight!(i => _mm512_loadu_si512(at[i].cast())));
            [Self::from_limbs([x0, x1, x2, x3]), Self::from_limbs([y0, y1, y2, y3])]
        }
    }

    #[inline(always)]
    unsafe fn store_pairs([x, y]: [Self; 2], to: *mut u64) {
        // SAFETY: as the caller's.
        unsafe {
            let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (x.to_limbs(), y.to_limbs());
            let rows = transpose([x0, x1, x2, x3, y0, y1, y2, y3]);
            eight!(i => _mm512_storeu_si512(to.add(8 * i).cast(), rows[i]));
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u64) {
        // SAFETY: as the caller's.
        unsafe {
            let offsets = _mm512_setr_epi64(0, 4, 8, 12, 16, 20, 24, 28);
            let limbs = self.to_limbs();
            _mm512_i64scatter_epi64::<8>(to.cast(), offsets, limbs[0]);
            _mm512_i64scatter_epi64::<8>(to.add(1).cast(), offsets, limbs[1]);
            _mm512_i64scatter_epi64::<8>(to.add(2).cast(), offsets, limbs[2]);
            _mm512_i64scatter_epi64::<8>(to.add(3).cast(), offsets, limbs[3]);
        }
    }

    #[inline(always)]
    unsafe fn load(from: *const u64) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let offsets = _mm512_setr_epi64(0, 4, 8, 12, 16, 20, 24, 28);
            Self::from_limbs([
                _mm512_i64gather_epi64::<8>(offsets, from.cast()),
                _mm512_i64gather_epi64::<8>(offsets, from.add(1).cast()),
                _mm512_i64gather_epi64::<8>(offsets, from.add(2).cast()),
                _mm512_i64gather_epi64::<8>(offsets, from.add(3).cast()),
            ])
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::carried(five!(i => _mm512_add_epi64(self.0[i], other.0[i]))) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller's. Twice the modulus keeps the difference from being negative.
        unsafe {
            let twice = Self::constant(multiple(Self::P, 2));
            Self::carried(five!(i => _mm512_sub_epi64(_mm512_add_epi64(self.0[i], twice.0[i]), other.0[i])))
        }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::reduced(Self::multiplied([_mm512_setzero_si512(); 10], self, other)) }
    }

    #[inline(always)]
    unsafe fn square(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::reduced(self.squared()) }
    }

    /// Both products of a coordinate are summed up before they are reduced: that saves more than a third product would.
    #[inline(always)]
    unsafe fn mul_quadratic([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as the caller's. Operands below 4 p: sums of two products are below 32 p^2.
        unsafe {
            let zero = [_mm512_setzero_si512(); 10];
            let four = Self::constant(multiple(Self::P, 4)).0;
            let minus_a1 = Self::carried(five!(i => _mm512_sub_epi64(four[i], a1.0[i])));
            let c0 = Self::reduced(Self::multiplied(Self::multiplied(zero, a0, b0), minus_a1, b1));
            let c1 = Self::reduced(Self::multiplied(Self::multiplied(zero, a0, b1), a1, b0));
            [c0, c1]
        }
    }

    #[inline(always)]
    unsafe fn square_quadratic([a0, a1]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as the caller's. Operands below 2 p: factors below 4 p.
        unsafe { [a0.add(a1).mul(a0.sub(a1)), a0.add(a0).mul(a1)] }
    }

    #[inline(always)]
    unsafe fn signs(indices: &[u32; 8]) -> u8 {
        // SAFETY: as the caller's; the upper half of the vector has no meaning, and its bits are cut off.
        unsafe { _mm512_movepi32_mask(_mm512_castsi256_si512(_mm256_loadu_si256(indices.as_ptr().cast()))) as u8 }
    }

    #[inline(always)]
    unsafe fn canonical(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.less(4).less(2).less(1) }
    }

    #[inline(always)]
    unsafe fn equal(self, other: Self) -> u8 {
        // SAFETY: as the caller's.
        unsafe {
            let [a, b, c, d, e] = five!(i => _mm512_cmpeq_epi64_mask(self.0[i], other.0[i]));
            a & b & c & d & e
        }
    }

    #[inline(always)]
    unsafe fn zero_lanes(self) -> u8 {
        // SAFETY: as the caller's.
        unsafe {
            let [a, b, c, d, e] = self.0;
            let all = _mm512_or_si512(_mm512_or_si512(_mm512_or_si512(a, b), _mm512_or_si512(c, d)), e);
            _mm512_cmpeq_epi64_mask(all, _mm512_setzero_si512())
        }
    }

    #[inline(always)]
    unsafe fn select(self, mask: u8, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self(five!(i => _mm512_mask_blend_epi64(mask, other.0[i], self.0[i])), PhantomData) }
    }

    #[inline(always)]
    unsafe fn less_two(self, b: Self, c: Self) -> Self {
        // SAFETY: as the caller's. Twice the modulus keeps the sum from being negative; it is below 4 p.
        unsafe {
            let twice = Self::constant(multiple(Self::P, 2)).0;
            let sum = five!(i => {
                let up = _mm512_add_epi64(self.0[i], twice[i]);
                _mm512_sub_epi64(_mm512_sub_epi64(up, b.0[i]), c.0[i])
            });
            Self::carried(sum).less(2).less(1)
        }
    }

    #[inline(always)]
    unsafe fn negate(self) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let p = Self::constant(Self::P).0;
            let not_zero = !self.zero_lanes();
            Self::carried(five!(i => _mm512_maskz_sub_epi64(not_zero, p[i], self.0[i])))
        }
    }

    #[inline(always)]
    unsafe fn halved(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.less(2) }
    }

    #[inline(always)]
    unsafe fn exchange<const DISTANCE: usize>(self) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            Self(
                five!(i => match DISTANCE {
                    4 => _mm512_shuffle_i64x2::<0x4e>(self.0[i], self.0[i]),
                    2 => _mm512_permutex_epi64::<0x4e>(self.0[i]),
                    _ => _mm512_permutex_epi64::<0xb1>(self.0[i]),
                }),
                PhantomData,
            )
        }
    }

    #[inline(always)]
    unsafe fn to_kernel(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.mul(Self::constant(Self::TO)).less(1) }
    }

    #[inline(always)]
    unsafe fn to_arkworks(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.mul(Self::constant(Self::FROM)).less(1) }
    }

    #[inline(always)]
    unsafe fn inverse(self) -> Self {
        let mut limbs = [[0u64; 4]; 8];
        // SAFETY: as the caller's; the buffer holds eight elements.
        unsafe {
            // Operands may be up to 8 p; a multiplication by one brings them below 2 p.
            self.mul(Self::one()).canonical().store(limbs.as_mut_ptr().cast());
            // As an element of arkworks, `a 2^260` is 16 a. Its inverse times 256 is 16 / a, which is `a^-1 2^260`.
            let mut values = limbs.map(|l| Fp::<MontBackend<C, 4>, 4>::new_unchecked(BigInt(l)));
            inverses(&mut values);
            let scale = Fp::from(256u64);
            limbs = values.map(|v| (v * scale).0.0);
            Self::load(limbs.as_ptr().cast())
        }
    }

    #[inline(always)]
    unsafe fn one() -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::constant(Self::ONE) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::constant([0; 5]) }
    }
}
