//! [`Lanes`] with AVX2 and FMA: eight elements as two times four lanes of doubles, five limbs of 51 bits each, Montgomery form with `R = 2^255`.
//!
//! Limbs are integers with a sign, and so are values: bounds hold for absolute values. Between operations the four lower limbs are at most 2^50 + 4, where
//! nothing else is said; `product.rs` has the multiplication and its bounds. What `load_pairs`, `less_two`, `negate` and `select` of such
//! give may have limbs between 0 and 2^51 instead, as they come from memory: they are not operands of a multiplication.
//!
//! All arithmetic is exact: it relies on the default rounding mode, to the nearest, and on every sum being below 2^53.

use std::arch::x86_64::{
    __m256d, __m256i, _CMP_EQ_OQ, _CMP_GT_OQ, _CMP_LT_OQ, _MM_FROUND_NO_EXC, _MM_FROUND_TO_NEAREST_INT,
    _MM_FROUND_TO_NEG_INF, _mm256_add_pd, _mm256_and_pd, _mm256_and_si256, _mm256_blendv_pd, _mm256_castpd_si256,
    _mm256_castsi256_pd, _mm256_cmp_pd, _mm256_cmpeq_epi64, _mm256_fmadd_pd, _mm256_fnmadd_pd, _mm256_loadu_si256,
    _mm256_movemask_pd, _mm256_mul_pd, _mm256_or_pd, _mm256_or_si256, _mm256_permute_pd, _mm256_permute2f128_pd,
    _mm256_round_pd, _mm256_set1_epi64x, _mm256_set1_pd, _mm256_setr_epi64x, _mm256_setzero_pd, _mm256_slli_epi64,
    _mm256_srli_epi64, _mm256_storeu_si256, _mm256_sub_pd, _mm256_unpackhi_pd, _mm256_unpacklo_pd, _mm256_xor_si256,
};
use std::marker::PhantomData;

use ark_ff::{BigInt, Fp, MontBackend, MontConfig};

use super::Lanes;
use super::arrays::five;
use super::inverse::inverses;

mod constants;
mod product;
#[cfg(test)]
mod tests;

use product::{DOWN, Four, START, Table};

/// Proof that the processor has what this kernel is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detected(());

impl Detected {
    /// Asks the processor.
    pub fn now() -> Option<Self> {
        let there = std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma");
        there.then_some(Self(()))
    }
}

const BITS: u32 = 51;
const MASK: u64 = (1 << BITS) - 1;

/// Eight elements of the prime field of `C`.
#[derive(Debug)]
pub struct Fma<C>([Four; 2], PhantomData<C>);

impl<C> Clone for Fma<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Fma<C> {}

/// Transposes four rows of four 64-bit numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transpose(r: [__m256d; 4]) -> [__m256d; 4] {
    let (a, b) = (_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpackhi_pd(r[0], r[1]));
    let (c, d) = (_mm256_unpacklo_pd(r[2], r[3]), _mm256_unpackhi_pd(r[2], r[3]));
    [
        _mm256_permute2f128_pd::<0x20>(a, c),
        _mm256_permute2f128_pd::<0x20>(b, d),
        _mm256_permute2f128_pd::<0x31>(a, c),
        _mm256_permute2f128_pd::<0x31>(b, d),
    ]
}

/// Limbs between 0 and 2^51 from words.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn from_words(w: [__m256d; 4]) -> Four {
    let w = [_mm256_castpd_si256(w[0]), _mm256_castpd_si256(w[1]), _mm256_castpd_si256(w[2]), _mm256_castpd_si256(w[3])];
    let mask = _mm256_set1_epi64x(MASK as i64);
    let limbs = [
        _mm256_and_si256(w[0], mask),
        _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64::<51>(w[0]), _mm256_slli_epi64::<13>(w[1])), mask),
        _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64::<38>(w[1]), _mm256_slli_epi64::<26>(w[2])), mask),
        _mm256_and_si256(_mm256_or_si256(_mm256_srli_epi64::<25>(w[2]), _mm256_slli_epi64::<39>(w[3])), mask),
        _mm256_srli_epi64::<12>(w[3]),
    ];
    // The bits of 2^52 + l, for l below 2^52, are those of 2^52 with l in the mantissa.
    let base = _mm256_set1_pd((1u64 << 52) as f64);
    five!(i => _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(limbs[i], _mm256_castpd_si256(base))), base))
}

/// Words from limbs between 0 and 2^51.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn to_words(l: &Four) -> [__m256i; 4] {
    let base = _mm256_set1_pd((1u64 << 52) as f64);
    let l: [__m256i; 5] =
        five!(i => _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(l[i], base)), _mm256_castpd_si256(base)));
    [
        _mm256_or_si256(l[0], _mm256_slli_epi64::<51>(l[1])),
        _mm256_or_si256(_mm256_srli_epi64::<13>(l[1]), _mm256_slli_epi64::<38>(l[2])),
        _mm256_or_si256(_mm256_srli_epi64::<26>(l[2]), _mm256_slli_epi64::<25>(l[3])),
        _mm256_or_si256(_mm256_srli_epi64::<39>(l[3]), _mm256_slli_epi64::<12>(l[4])),
    ]
}

/// Limbs below 3 * 2^50 in absolute value as limbs between 0 and 2^51, the last one with the sign of all.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn carried(mut l: Four) -> Four {
    let (start, down) = (_mm256_set1_pd(START), _mm256_set1_pd(DOWN));
    // Half a limb less a half: the nearest multiple of 2^51 is then the one that is not above the limb. Halves need sums below 2^52.
    let half = _mm256_set1_pd((1u64 << 50) as f64 - 0.5);
    macro_rules! step {
        ($i:literal) => {
            let over = _mm256_sub_pd(_mm256_add_pd(_mm256_sub_pd(l[$i], half), start), start);
            l[$i] = _mm256_sub_pd(l[$i], over);
            l[$i + 1] = _mm256_fmadd_pd(over, down, l[$i + 1]);
        };
    }
    step!(0);
    step!(1);
    step!(2);
    step!(3);
    l
}

/// The value less `times` p; the product of a small integer and a limb has no rounding.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn less(l: &Four, times: __m256d, k: &Table) -> Four {
    // SAFETY: the features are those of this function.
    unsafe { five!(i => _mm256_fnmadd_pd(times, k.p[i].get(), l[i])) }
}

/// Canonical limbs between 0 and 2^51, from a value below 4 p in absolute value with limbs below 5 * 2^50, or below 6 p with limbs below 2^51.
///
/// The limbs of p but the last are below 0.6 * 2^50, so that limbs less the multiple of p are below 2^53.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
fn canonical(l: &Four, k: &Table) -> Four {
    const MARGIN: f64 = 1.0 / (1u64 << 30) as f64;
    // SAFETY: the features are those of this function.
    unsafe {
        // The last limb tells value / p up to 2^-40. The margin lets the floor err to one side only.
        let share = _mm256_sub_pd(_mm256_mul_pd(l[4], k.by_p.get()), _mm256_set1_pd(MARGIN));
        let floor = _mm256_round_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(share);
        let rest = carried(product::normalised(&less(l, floor, k), k));
        let close = _mm256_cmp_pd::<_CMP_GT_OQ>(_mm256_sub_pd(share, floor), _mm256_set1_pd(1.0 - 2.0 * MARGIN));
        if _mm256_movemask_pd(close) == 0 {
            return rest;
        }
        let lower = carried(less(&rest, _mm256_set1_pd(1.0), k));
        let negative = _mm256_cmp_pd::<_CMP_LT_OQ>(lower[4], _mm256_setzero_pd());
        five!(i => _mm256_blendv_pd(lower[i], rest[i], negative))
    }
}

/// Little more than half the modulus at most: the value less the nearest multiple of p.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn nearest(l: &Four, k: &Table) -> Four {
    // SAFETY: the features are those of this function.
    let share = unsafe { _mm256_mul_pd(l[4], k.by_p.get()) };
    less(l, _mm256_round_pd::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(share), k)
}

/// In which of four lanes all limbs are 0.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn zero(l: &Four) -> u8 {
    // The bits of all limbs: those of 0 where all are 0, of either sign.
    let all = _mm256_or_pd(_mm256_or_pd(_mm256_or_pd(l[0], l[1]), _mm256_or_pd(l[2], l[3])), l[4]);
    _mm256_movemask_pd(_mm256_cmp_pd::<_CMP_EQ_OQ>(all, _mm256_setzero_pd())) as u8
}

/// In which of four lanes all limbs are equal.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn same(a: &Four, b: &Four) -> u8 {
    let [a, b, c, d, e] = five!(i => _mm256_cmp_pd::<_CMP_EQ_OQ>(a[i], b[i]));
    _mm256_movemask_pd(_mm256_and_pd(_mm256_and_pd(_mm256_and_pd(a, b), _mm256_and_pd(c, d)), e)) as u8
}

/// The mask of four lanes, as vectors are blended by.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn lanes(mask: u8) -> __m256d {
    let bits = _mm256_setr_epi64x(1, 2, 4, 8);
    _mm256_castsi256_pd(_mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(i64::from(mask)), bits), bits))
}

impl<C: MontConfig<4>> Fma<C> {
    /// Canonical limbs between 0 and 2^51.
    #[inline(always)]
    unsafe fn canonical_limbs(self) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let k = Self::table();
            let [a, b] = self.0;
            let low = canonical(&a, k);
            let high = canonical(&b, k);
            Self([low, high], PhantomData)
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn normalised(self) -> Self {
        let k = Self::table();
        Self([product::normalised(&self.0[0], k), product::normalised(&self.0[1], k)], PhantomData)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn zip_add(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([five!(i => _mm256_add_pd(a[0][i], b[0][i])), five!(i => _mm256_add_pd(a[1][i], b[1][i]))], PhantomData)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn zip_sub(self, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        Self([five!(i => _mm256_sub_pd(a[0][i], b[0][i])), five!(i => _mm256_sub_pd(a[1][i], b[1][i]))], PhantomData)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn rows(at: [*const u64; 8]) -> Self {
        // SAFETY: the caller's pointers are to four words each.
        unsafe {
            let row = |p: *const u64| _mm256_castsi256_pd(_mm256_loadu_si256(p.cast()));
            Self(
                [
                    from_words(transpose([row(at[0]), row(at[1]), row(at[2]), row(at[3])])),
                    from_words(transpose([row(at[4]), row(at[5]), row(at[6]), row(at[7])])),
                ],
                PhantomData,
            )
        }
    }

    /// Writes the words of each element to its place.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn store_rows(self, to: *mut u64, stride: usize) {
        for half in 0..2 {
            let w = to_words(&self.0[half]);
            let w =
                [_mm256_castsi256_pd(w[0]), _mm256_castsi256_pd(w[1]), _mm256_castsi256_pd(w[2]), _mm256_castsi256_pd(w[3])];
            for (i, row) in transpose(w).into_iter().enumerate() {
                // SAFETY: the caller gives room for eight elements that are `stride` words apart.
                unsafe { _mm256_storeu_si256(to.add((4 * half + i) * stride).cast(), _mm256_castpd_si256(row)) };
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn constant(limbs: [f64; 5]) -> Self {
        let four = five!(i => _mm256_set1_pd(limbs[i]));
        Self([four; 2], PhantomData)
    }
}

/// All safety comments here are the same: the features are enabled, as the trait demands of the caller, and pointers have the extent that it names.
impl<C: MontConfig<4>> Lanes for Fma<C> {
    const LIMBS: usize = 4;

    #[inline(always)]
    unsafe fn splat(at: *const u64) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::rows([at; 8]).normalised() }
    }

    #[inline(always)]
    unsafe fn load_pairs(at: [*const u64; 8]) -> [Self; 2] {
        // SAFETY: as the caller's.
        unsafe { [Self::rows(at), Self::rows(at.map(|p| p.add(4)))] }
    }

    #[inline(always)]
    unsafe fn store_pairs([x, y]: [Self; 2], to: *mut u64) {
        // SAFETY: as the caller's.
        unsafe {
            x.store_rows(to, 8);
            y.store_rows(to.add(4), 8);
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u64) {
        // SAFETY: as the caller's.
        unsafe { self.store_rows(to, 4) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u64) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::rows(std::array::from_fn(|i| from.add(4 * i))).normalised() }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.zip_add(other).normalised() }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.zip_sub(other).normalised() }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let k = Self::table();
            // Copies of each half: references into the whole would keep it in memory, and have it copied around by calls.
            let ([a, c], [b, d]) = (self.0, other.0);
            let low = product::product(&a, &b, k);
            let high = product::product(&c, &d, k);
            Self([low, high], PhantomData)
        }
    }

    #[inline(always)]
    unsafe fn square(self) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let k = Self::table();
            let [a, b] = self.0;
            let low = product::square(&a, k);
            let high = product::square(&b, k);
            Self([low, high], PhantomData)
        }
    }

    #[inline(always)]
    unsafe fn canonical(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.canonical_limbs().normalised() }
    }

    #[inline(always)]
    unsafe fn equal(self, other: Self) -> u8 {
        // SAFETY: as the caller's.
        unsafe { same(&self.0[0], &other.0[0]) | (same(&self.0[1], &other.0[1]) << 4) }
    }

    #[inline(always)]
    unsafe fn zero_lanes(self) -> u8 {
        // SAFETY: as the caller's.
        unsafe { zero(&self.0[0]) | (zero(&self.0[1]) << 4) }
    }

    #[inline(always)]
    unsafe fn select(self, mask: u8, other: Self) -> Self {
        let (a, b) = (self.0, other.0);
        // SAFETY: as the caller's.
        unsafe {
            let (low, high) = (lanes(mask), lanes(mask >> 4));
            let first = five!(i => _mm256_blendv_pd(b[0][i], a[0][i], low));
            Self([first, five!(i => _mm256_blendv_pd(b[1][i], a[1][i], high))], PhantomData)
        }
    }

    #[inline(always)]
    unsafe fn less_two(self, b: Self, c: Self) -> Self {
        // SAFETY: as the caller's. Limbs of at most 2^50, less two of at most 2^51.
        unsafe { self.zip_sub(b).zip_sub(c).canonical_limbs() }
    }

    #[inline(always)]
    unsafe fn negate(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self::zero().zip_sub(self).canonical_limbs() }
    }

    #[inline(always)]
    unsafe fn halved(self) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let k = Self::table();
            Self([nearest(&self.0[0], k), nearest(&self.0[1], k)], PhantomData).normalised()
        }
    }

    #[inline(always)]
    unsafe fn sum_halved(self, other: Self) -> Self {
        // SAFETY: as the caller's. Sums of limbs are normalised once.
        unsafe { self.zip_add(other).halved() }
    }

    #[inline(always)]
    unsafe fn difference_halved(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.zip_sub(other).halved() }
    }

    #[inline(always)]
    unsafe fn exchange<const DISTANCE: usize>(self) -> Self {
        let [low, high] = self.0;
        // SAFETY: as the caller's.
        unsafe {
            let halves = match DISTANCE {
                4 => [high, low],
                2 => [
                    five!(i => _mm256_permute2f128_pd::<1>(low[i], low[i])),
                    five!(i => _mm256_permute2f128_pd::<1>(high[i], high[i])),
                ],
                _ => [five!(i => _mm256_permute_pd::<5>(low[i])), five!(i => _mm256_permute_pd::<5>(high[i]))],
            };
            Self(halves, PhantomData)
        }
    }

    #[inline(always)]
    unsafe fn to_kernel(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.mul(Self::constant(Self::TO)) }
    }

    #[inline(always)]
    unsafe fn to_arkworks(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.mul(Self::constant(Self::FROM)).canonical_limbs() }
    }

    #[inline(always)]
    unsafe fn inverse(self) -> Self {
        let mut limbs = [[0u64; 4]; 8];
        // SAFETY: as the caller's; the buffer holds eight elements.
        unsafe {
            self.canonical_limbs().store(limbs.as_mut_ptr().cast());
            // As an element of arkworks, `a 2^255` is a / 2. A quarter of its inverse is 1 / (2 a), which is `a^-1 2^255`.
            let mut values = limbs.map(|l| Fp::<MontBackend<C, 4>, 4>::new_unchecked(BigInt(l)));
            inverses(&mut values);
            let quarter = Fp::new_unchecked(BigInt(Self::QUARTER));
            limbs = values.map(|v| (v * quarter).0.0);
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
        unsafe { Self::constant([0.0; 5]) }
    }
}
