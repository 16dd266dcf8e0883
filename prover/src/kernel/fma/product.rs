//! Products of the [`Fma`](super::Fma) kernel: five limbs of 51 bits by five, reduced by 2^255.
//!
//! # Two halves of a product, exactly
//!
//! Let `acc` be a multiple of 2^51 between 2^103 and 2^104. Then `hi = fma(a, b, acc)` is the multiple of 2^51 nearest to `acc + a b`, the difference
//! `acc - hi` has no rounding, and neither has `lo = fma(a, b, acc - hi)`, an integer of at most 2^50 in absolute value. So `hi` collects what goes to the
//! next column, and the sum of all `lo`, which is exact up to 2^53, is what stays. Should `hi` go beyond 2^104 all of this holds with the one change
//! that `lo` can reach 2^51. Chains of additions begin at [`START`], from where 2^102 + 2^59 are free below, and 2^102 - 2^60 above until `lo` can
//! double.
//!
//! A limb `l`, below 2^53, is normalised in the same way: added to the chain of its own column, it leaves there the multiple of 2^51 that is
//! nearest, and what remains is at most 2^50.
//!
//! # Bounds
//!
//! In units of 2^50 for limbs and of 2^100 for products, operands have four limbs of at most 1 (and a few integers more, which the room below the chains
//! takes), and a last one of 0.757 for each p that the value may be large. Let x and y be the bounds of the two values, with x + y <= 5 (so x y <= 6.25).
//! A chain gets at most four products of ordinary limbs, or both products with a last limb and an ordinary one: 0.757 (x + y) < 3.8 and with
//! the product of two last limbs 0.574 x y < 3.6; all below 4, which is 2^102. Columns with more have two chains. The sums of `lo` and of
//! what the column below hands on (half a unit for each unit of product) reach at most 7.4, in columns 4 and 5; columns 1 to 7 are
//! normalised, down to 1.
//!
//! The reduction adds to columns 3 to 8 at most five products each of a factor below 1 and a constant limb. The constants' sums in each column are at
//! most 3.5, which is checked when the tables are made: so their chains stay below 4 as well, and the sums of `lo` below 1 + 5 + 3.5 / 2 < 8, which
//! is 2^53.
//!
//! The result is `(a b + v0 c3 + v1 c2 + v2 c1) / R + (m1 / 2^102 + m2 / 2^51) p` with `R = 2^255 = 2.645 p`, limbs `v` and `m` of at most 2^50 and
//! constants c of at most p / 2 (times 2^102 below R): at most `0.379 x y + 0.501` moduli.

use std::arch::x86_64::{__m256d, _mm256_add_pd, _mm256_fmadd_pd, _mm256_fmsub_pd, _mm256_load_pd, _mm256_sub_pd};

/// Where a chain begins: 1.5 * 2^103, and 2^60 more.
pub(super) const START: f64 = (3u128 << 102) as f64 + (1u64 << 60) as f64;
/// 2^-51.
pub(super) const DOWN: f64 = 1.0 / (1u64 << 51) as f64;

/// Limbs of four elements.
pub(super) type Four = [__m256d; 5];

/// A number four times, as vectors are read from memory: a constant that the compiler sees would be broadcast anew for each use.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(super) struct Splat([f64; 4]);

impl Splat {
    const fn of(x: f64) -> Self {
        Self([x; 4])
    }

    #[inline(always)]
    pub(super) unsafe fn get(&self) -> __m256d {
        // SAFETY: AVX is enabled, as the caller's; the type's alignment is that of the vector.
        unsafe { _mm256_load_pd(self.0.as_ptr()) }
    }
}

/// Constants of a field.
#[derive(Debug)]
pub(super) struct Table {
    /// [`START`].
    pub(super) start: Splat,
    /// [`DOWN`].
    pub(super) down: Splat,
    /// `START * DOWN`.
    start_down: Splat,
    /// `-1 / p mod 2^51`.
    n0: Splat,
    /// p.
    pub(super) p: [Splat; 5],
    /// `2^(-51 k) mod p` for k = 1, 2, 3, between -p / 2 and p / 2.
    folds: [[Splat; 5]; 3],
    /// `2^204 / p`.
    pub(super) by_p: Splat,
}

impl Table {
    /// From balanced limbs.
    ///
    /// # Panics
    /// If the constants are too large for the sums of the reduction.
    pub(super) const fn new(n0: f64, p: [f64; 5], folds: [[f64; 5]; 3], by_p: f64) -> Self {
        let mut column = 0;
        while column < 6 {
            // Limb `column - at` of the row that begins at column `at`: three folds, then two multiples of p.
            let (mut sum, mut row) = (0.0, 0);
            while row < 5 {
                let at = if row == 4 { 1 } else { 0 };
                if column >= at && column - at < 5 {
                    let limb = if row < 3 { folds[row][column - at] } else { p[column - at] };
                    sum += limb.abs();
                }
                row += 1;
            }
            assert!(sum <= 3.5 * (1u64 << 50) as f64, "the bounds of the reduction do not hold for this field");
            column += 1;
        }
        let mut i = 0;
        while i < 4 {
            assert!(
                p[i].abs() < 0.6 * (1u64 << 50) as f64,
                "the bounds of subtracted multiples of p do not hold for this field"
            );
            i += 1;
        }
        const fn all(x: [f64; 5]) -> [Splat; 5] {
            [Splat::of(x[0]), Splat::of(x[1]), Splat::of(x[2]), Splat::of(x[3]), Splat::of(x[4])]
        }
        Self {
            start: Splat::of(START),
            down: Splat::of(DOWN),
            start_down: Splat::of(START * DOWN),
            n0: Splat::of(n0),
            p: all(p),
            folds: [all(folds[0]), all(folds[1]), all(folds[2])],
            by_p: Splat::of(by_p),
        }
    }
}

/// The product of two limbs begins a chain: what it hands on, and what stays.
macro_rules! first {
    ($k:ident, $a:expr, $b:expr) => {{
        let (a, b) = ($a, $b);
        let hi = _mm256_fmadd_pd(a, b, $k.start.get());
        (hi, _mm256_fmadd_pd(a, b, _mm256_sub_pd($k.start.get(), hi)))
    }};
}

/// The product of two limbs joins a chain.
macro_rules! next {
    ($hi:ident, $lo:ident, $a:expr, $b:expr) => {
        let (a, b) = ($a, $b);
        let hi = _mm256_fmadd_pd(a, b, $hi);
        $lo = _mm256_add_pd($lo, _mm256_fmadd_pd(a, b, _mm256_sub_pd($hi, hi)));
        $hi = hi;
    };
}

/// The limb comes down to 2^50, and its chain takes the rest.
macro_rules! normalise {
    ($hi:ident, $lo:ident) => {
        let hi = _mm256_add_pd($hi, $lo);
        $lo = _mm256_add_pd($lo, _mm256_sub_pd($hi, hi));
        $hi = hi;
    };
}

/// A limb gets what the chain of the column below hands on.
macro_rules! carry {
    ($k:ident, $hi:ident => $lo:ident) => {
        $lo = _mm256_add_pd($lo, _mm256_fmsub_pd($hi, $k.down.get(), $k.start_down.get()));
    };
}

/// Ten columns, of which 0, 1 and 2 are normalised.
type Columns = [__m256d; 10];

#[inline]
#[target_feature(enable = "avx2,fma")]
fn multiply(a: &Four, b: &Four, k: &Table) -> Columns {
    // SAFETY: the features are those of this function.
    unsafe {
        let (h0, l0) = first!(k, a[0], b[0]);

        let (mut h1, mut l1) = first!(k, a[0], b[1]);
        next!(h1, l1, a[1], b[0]);
        carry!(k, h0 => l1);
        normalise!(h1, l1);

        let (mut h2, mut l2) = first!(k, a[0], b[2]);
        next!(h2, l2, a[1], b[1]);
        next!(h2, l2, a[2], b[0]);
        carry!(k, h1 => l2);
        normalise!(h2, l2);

        let (mut h3, mut l3) = first!(k, a[0], b[3]);
        next!(h3, l3, a[1], b[2]);
        next!(h3, l3, a[2], b[1]);
        next!(h3, l3, a[3], b[0]);
        carry!(k, h2 => l3);
        normalise!(h3, l3);

        let (mut h4, mut l4) = first!(k, a[0], b[4]);
        next!(h4, l4, a[4], b[0]);
        let (mut g4, mut lower) = first!(k, a[1], b[3]);
        next!(g4, lower, a[2], b[2]);
        next!(g4, lower, a[3], b[1]);
        l4 = _mm256_add_pd(l4, lower);
        carry!(k, h3 => l4);
        normalise!(h4, l4);

        let (mut h5, mut l5) = first!(k, a[1], b[4]);
        next!(h5, l5, a[4], b[1]);
        let (mut g5, mut lower) = first!(k, a[2], b[3]);
        next!(g5, lower, a[3], b[2]);
        l5 = _mm256_add_pd(l5, lower);
        carry!(k, h4 => l5);
        carry!(k, g4 => l5);
        normalise!(h5, l5);

        let (mut h6, mut l6) = first!(k, a[2], b[4]);
        next!(h6, l6, a[4], b[2]);
        let (g6, lower) = first!(k, a[3], b[3]);
        l6 = _mm256_add_pd(l6, lower);
        carry!(k, h5 => l6);
        carry!(k, g5 => l6);
        normalise!(h6, l6);

        let (mut h7, mut l7) = first!(k, a[3], b[4]);
        next!(h7, l7, a[4], b[3]);
        carry!(k, h6 => l7);
        carry!(k, g6 => l7);
        normalise!(h7, l7);

        let (h8, mut l8) = first!(k, a[4], b[4]);
        carry!(k, h7 => l8);
        let l9 = _mm256_fmsub_pd(h8, k.down.get(), k.start_down.get());
        [l0, l1, l2, l3, l4, l5, l6, l7, l8, l9]
    }
}

/// As [`multiply`], where the products of different limbs are the same in pairs: doubled limbs, of at most 2 units, take the place of both.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn multiply_by_itself(a: &Four, k: &Table) -> Columns {
    // SAFETY: the features are those of this function.
    unsafe {
        let twice =
            [_mm256_add_pd(a[0], a[0]), _mm256_add_pd(a[1], a[1]), _mm256_add_pd(a[2], a[2]), _mm256_add_pd(a[3], a[3])];
        let (h0, l0) = first!(k, a[0], a[0]);

        let (mut h1, mut l1) = first!(k, twice[0], a[1]);
        carry!(k, h0 => l1);
        normalise!(h1, l1);

        let (mut h2, mut l2) = first!(k, twice[0], a[2]);
        next!(h2, l2, a[1], a[1]);
        carry!(k, h1 => l2);
        normalise!(h2, l2);

        let (mut h3, mut l3) = first!(k, twice[0], a[3]);
        next!(h3, l3, twice[1], a[2]);
        carry!(k, h2 => l3);
        normalise!(h3, l3);

        let (mut h4, mut l4) = first!(k, twice[0], a[4]);
        let (mut g4, mut lower) = first!(k, twice[1], a[3]);
        next!(g4, lower, a[2], a[2]);
        l4 = _mm256_add_pd(l4, lower);
        carry!(k, h3 => l4);
        normalise!(h4, l4);

        let (mut h5, mut l5) = first!(k, twice[1], a[4]);
        let (g5, lower) = first!(k, twice[2], a[3]);
        l5 = _mm256_add_pd(l5, lower);
        carry!(k, h4 => l5);
        carry!(k, g4 => l5);
        normalise!(h5, l5);

        let (mut h6, mut l6) = first!(k, twice[2], a[4]);
        let (g6, lower) = first!(k, a[3], a[3]);
        l6 = _mm256_add_pd(l6, lower);
        carry!(k, h5 => l6);
        carry!(k, g5 => l6);
        normalise!(h6, l6);

        let (mut h7, mut l7) = first!(k, twice[3], a[4]);
        carry!(k, h6 => l7);
        carry!(k, g6 => l7);
        normalise!(h7, l7);

        let (h8, mut l8) = first!(k, a[4], a[4]);
        carry!(k, h7 => l8);
        let l9 = _mm256_fmsub_pd(h8, k.down.get(), k.start_down.get());
        [l0, l1, l2, l3, l4, l5, l6, l7, l8, l9]
    }
}

/// The three lowest limbs are folded into those above by multiples of `2^(-51 k) mod p`, side by side; two Montgomery steps take away two more.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn reduce(columns: &Columns, k: &Table) -> Four {
    let [v0, v1, v2, mut l3, mut l4, mut l5, mut l6, mut l7, mut l8, mut l9] = *columns;
    // SAFETY: the features are those of this function.
    unsafe {
        let [c1, c2, c3] = &k.folds;
        let (mut h3, mut lo) = first!(k, v0, c3[0].get());
        next!(h3, lo, v1, c2[0].get());
        next!(h3, lo, v2, c1[0].get());
        l3 = _mm256_add_pd(l3, lo);
        // At most 4 units, and the constant at most 1: a chain of its own takes the product.
        let (_, m1) = first!(k, l3, k.n0.get());
        // A multiple of 2^51 of at most 2^102: no rounding.
        let z1 = _mm256_fmadd_pd(m1, k.p[0].get(), l3);

        let (mut h4, mut lo) = first!(k, v0, c3[1].get());
        next!(h4, lo, v1, c2[1].get());
        next!(h4, lo, v2, c1[1].get());
        carry!(k, h3 => lo);
        l4 = _mm256_add_pd(l4, lo);
        next!(h4, l4, m1, k.p[1].get());
        l4 = _mm256_fmadd_pd(z1, k.down.get(), l4);
        normalise!(h4, l4);
        let (_, m2) = first!(k, l4, k.n0.get());
        let z2 = _mm256_fmadd_pd(m2, k.p[0].get(), l4);

        let (mut h5, mut lo) = first!(k, v0, c3[2].get());
        next!(h5, lo, v1, c2[2].get());
        next!(h5, lo, v2, c1[2].get());
        next!(h5, lo, m1, k.p[2].get());
        carry!(k, h4 => lo);
        l5 = _mm256_add_pd(l5, lo);
        next!(h5, l5, m2, k.p[1].get());
        l5 = _mm256_fmadd_pd(z2, k.down.get(), l5);

        let (mut h6, mut lo) = first!(k, v0, c3[3].get());
        next!(h6, lo, v1, c2[3].get());
        next!(h6, lo, v2, c1[3].get());
        next!(h6, lo, m1, k.p[3].get());
        next!(h6, lo, m2, k.p[2].get());
        carry!(k, h5 => lo);
        l6 = _mm256_add_pd(l6, lo);

        let (mut h7, mut lo) = first!(k, v0, c3[4].get());
        next!(h7, lo, v1, c2[4].get());
        next!(h7, lo, v2, c1[4].get());
        next!(h7, lo, m1, k.p[4].get());
        next!(h7, lo, m2, k.p[3].get());
        carry!(k, h6 => lo);
        l7 = _mm256_add_pd(l7, lo);

        let (h8, mut lo) = first!(k, m2, k.p[4].get());
        carry!(k, h7 => lo);
        l8 = _mm256_add_pd(l8, lo);
        carry!(k, h8 => l9);
        normalised(&[l5, l6, l7, l8, l9], k)
    }
}

/// Limbs below 2^53 come down to at most 2^50 + 4, all at once; the last one takes what is over.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) fn normalised(l: &Four, k: &Table) -> Four {
    // SAFETY: the features are those of this function.
    unsafe {
        let (start, down) = (k.start.get(), k.down.get());
        let over = [
            _mm256_sub_pd(_mm256_add_pd(l[0], start), start),
            _mm256_sub_pd(_mm256_add_pd(l[1], start), start),
            _mm256_sub_pd(_mm256_add_pd(l[2], start), start),
            _mm256_sub_pd(_mm256_add_pd(l[3], start), start),
        ];
        [
            _mm256_sub_pd(l[0], over[0]),
            _mm256_fmadd_pd(over[0], down, _mm256_sub_pd(l[1], over[1])),
            _mm256_fmadd_pd(over[1], down, _mm256_sub_pd(l[2], over[2])),
            _mm256_fmadd_pd(over[2], down, _mm256_sub_pd(l[3], over[3])),
            _mm256_fmadd_pd(over[3], down, l[4]),
        ]
    }
}

/// Products of four elements.
///
/// Not inlined: this fills all vector registers, and callers have several products.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
pub(super) fn product(a: &Four, b: &Four, k: &Table) -> Four {
    reduce(&multiply(a, b, k), k)
}

/// Squares of four elements.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
pub(super) fn square(a: &Four, k: &Table) -> Four {
    reduce(&multiply_by_itself(a, k), k)
}
