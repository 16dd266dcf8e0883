//! Number-theoretic transforms over the scalar field, and the quotient polynomial of a proof.
//!
//! Forward by decimation in frequency, from natural to bit-reversed order; back by decimation in time. So a transform and its way back need no
//! permutation, and what happens in between (scaling to a coset) happens in bit-reversed order. Blocks of eight elements are
//! the unit: strides of eight and more work on whole blocks, the last three levels within them.
//!
//! Large transforms halve until the halves fit into the cache, and the halves run side by side.

mod steps;
#[cfg(test)]
mod tests;
mod transforms;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, FftField, Field, One};
use rayon::prelude::*;

use crate::watch::Watch;
use steps::Steps;
pub use transforms::Transforms;

/// Blocks of eight elements that one thread transforms level by level: they stay in the second-level cache.
const CACHED: usize = 1024;

/// Pieces of long loops that threads take, in blocks.
const PIECE: usize = 512;

/// Tables of a transform of `2^log` elements, at least 8.
pub(crate) struct Domain<V> {
    log: u32,
    /// Powers of the root for each stride, from half of all down to 8 elements: `w_(2h)^j` for j below h.
    forward: Vec<Vec<V>>,
    backward: Vec<Vec<V>>,
    /// The same for strides 4 and 2 within a block: ones in the lanes that are not multiplied.
    forward_inner: [V; 2],
    backward_inner: [V; 2],
    /// `g^i / n` in bit-reversed order, with `g^n = -1`.
    to_coset: Vec<V>,
    /// `g^-i / n` in bit-reversed order.
    from_coset: Vec<V>,
    /// `1 / n`, 1, and `g^8`.
    size_inverse: V,
    one: V,
    coset_step: V,
}

/// `first * base^i` for i below count.
fn powers(base: Fr, first: Fr, count: usize) -> Vec<Fr> {
    let mut list = vec![first; count];
    list.par_chunks_mut(8 * PIECE).enumerate().for_each(|(piece, chunk)| {
        let mut power = first * base.pow([(piece * 8 * PIECE) as u64]);
        for x in chunk {
            *x = power;
            power *= base;
        }
    });
    list
}

fn bit_reversed(values: &[Fr], log: u32) -> Vec<Fr> {
    (0..values.len()).into_par_iter().map(|i| values[i.reverse_bits() >> (usize::BITS - log)]).collect()
}

/// A root of unity of order `2^log`.
fn root(log: u32) -> Fr {
    let mut root = Fr::TWO_ADIC_ROOT_OF_UNITY;
    for _ in log..Fr::TWO_ADICITY {
        root.square_in_place();
    }
    root
}

fn frequency<V: Steps>(values: &mut [V], levels: &[Vec<V>], inner: &[V; 2]) {
    let Some((twiddles, rest)) = levels.split_first().filter(|_| values.len() > CACHED) else {
        return V::cached_frequency(values, levels, inner);
    };
    let (low, high) = values.split_at_mut(values.len() / 2);
    let pieces = low.par_chunks_mut(PIECE).zip(high.par_chunks_mut(PIECE)).zip(twiddles.par_chunks(PIECE));
    pieces.for_each(|((x, y), w)| V::frequency_level(x, y, w));
    rayon::join(|| frequency(low, rest, inner), || frequency(high, rest, inner));
}

fn time<V: Steps>(values: &mut [V], levels: &[Vec<V>], inner: &[V; 2]) {
    let Some((twiddles, rest)) = levels.split_first().filter(|_| values.len() > CACHED) else {
        return V::cached_time(values, levels, inner);
    };
    let (low, high) = values.split_at_mut(values.len() / 2);
    rayon::join(|| time(low, rest, inner), || time(high, rest, inner));
    let pieces = low.par_chunks_mut(PIECE).zip(high.par_chunks_mut(PIECE)).zip(twiddles.par_chunks(PIECE));
    pieces.for_each(|((x, y), w)| V::time_level(x, y, w));
}

/// Blocks of eight in the kernel's form.
fn imported<V: Steps>(values: &[Fr]) -> Vec<V> {
    // SAFETY: Steps are implemented for types whose features were detected before there is any use of them.
    let mut list = vec![unsafe { V::zero() }; values.len() / 8];
    list.par_chunks_mut(PIECE).zip(values.par_chunks(8 * PIECE)).for_each(|(to, from)| V::import(from, to));
    list
}

impl<V: Steps> Domain<V> {
    /// Tables for transforms of `2^log` elements.
    ///
    /// # Panics
    /// If log is below 3 or the field has no root of order `2^(log + 1)`.
    pub(crate) fn new(log: u32) -> Self {
        assert!((3..Fr::TWO_ADICITY).contains(&log), "2^{log} elements");
        let n = 1usize << log;
        let inverse = |x: Fr| x.inverse().expect("roots of unity and powers of two are not zero");
        let (g, w) = (root(log + 1), root(log));
        let size_inverse = inverse(Fr::from(n as u64));
        let levels = |w: Fr| {
            let (mut list, mut w, mut half) = (Vec::new(), w, n / 2);
            while half >= 8 {
                list.push(imported(&powers(w, Fr::one(), half)));
                w.square_in_place();
                half /= 2;
            }
            list
        };
        let inner = |w8: Fr, w4: Fr| {
            let one = Fr::one();
            let four = [one, one, one, one, one, w8, w8 * w8, w8 * w8 * w8];
            let two = [one, one, one, w4, one, one, one, w4];
            [imported::<V>(&four)[0], imported::<V>(&two)[0]]
        };
        Self {
            log,
            forward: levels(w),
            backward: levels(inverse(w)),
            forward_inner: inner(root(3), root(2)),
            backward_inner: inner(inverse(root(3)), inverse(root(2))),
            to_coset: imported(&bit_reversed(&powers(g, size_inverse, n), log)),
            from_coset: imported(&bit_reversed(&powers(inverse(g), size_inverse, n), log)),
            size_inverse: imported::<V>(&[size_inverse; 8])[0],
            one: imported::<V>(&[Fr::one(); 8])[0],
            coset_step: imported::<V>(&[g.pow([8u64]); 8])[0],
        }
    }

    fn size(&self) -> usize {
        1 << self.log
    }

    /// Coefficients from values at the roots of unity, in natural order both.
    fn interpolate(&self, values: &mut [Fr]) {
        let mut list = imported::<V>(values);
        frequency(&mut list, &self.backward, &self.backward_inner);
        list.par_chunks_mut(PIECE).for_each(|piece| V::scale_by_powers(piece, self.size_inverse, self.one));
        self.export_reversed(&list, values);
    }

    /// Values at the roots of unity from coefficients, in natural order both.
    fn evaluate(&self, coefficients: &mut [Fr]) {
        let mut list = imported::<V>(coefficients);
        frequency(&mut list, &self.forward, &self.forward_inner);
        self.export_reversed(&list, coefficients);
    }

    /// Values at `g w^i` from coefficients, in natural order both.
    fn evaluate_on_coset(&self, coefficients: &mut [Fr]) {
        let g = root(self.log + 1);
        let mut list = imported::<V>(coefficients);
        list.par_chunks_mut(PIECE).enumerate().for_each(|(piece, values)| {
            let first = g.pow([(piece * 8 * PIECE) as u64]);
            let start = imported::<V>(&powers(g, first, 8))[0];
            V::scale_by_powers(values, start, self.coset_step);
        });
        frequency(&mut list, &self.forward, &self.forward_inner);
        self.export_reversed(&list, coefficients);
    }

    fn export_reversed(&self, list: &[V], to: &mut [Fr]) {
        let mut reversed = vec![Fr::ZERO; self.size()];
        reversed.par_chunks_mut(8 * PIECE).zip(list.par_chunks(PIECE)).for_each(|(to, from)| V::export(from, to));
        let shift = usize::BITS - self.log;
        to.par_iter_mut().enumerate().for_each(|(i, x)| *x = reversed[i.reverse_bits() >> shift]);
    }

    /// Values on the coset from values at the roots of unity, in natural order both: two transforms. Of no meaning once `watch` has stopped it.
    fn to_coset(&self, values: &[Fr], watch: &dyn Watch) -> Vec<V> {
        let mut list = imported::<V>(values);
        if watch.stopped() {
            return list;
        }
        frequency(&mut list, &self.backward, &self.backward_inner);
        watch.done(1);
        list.par_chunks_mut(PIECE).zip(self.to_coset.par_chunks(PIECE)).for_each(|(v, f)| V::scale(v, f));
        time(&mut list, &self.forward, &self.forward_inner);
        watch.done(1);
        list
    }

    /// The values of `a b - c` on the coset, where c is a b at the roots of unity, from the values of a and b there.
    ///
    /// Six transforms, and no order is reversed. `None` once `watch` has stopped it, which hears of each transform.
    fn numerator_on_coset(&self, a: &[Fr], b: &[Fr], watch: &dyn Watch) -> Option<Vec<Fr>> {
        let product: Vec<Fr> = a.par_iter().zip(b).map(|(a, b)| *a * b).collect();
        let ((mut a, b), c) = rayon::join(
            || rayon::join(|| self.to_coset(a, watch), || self.to_coset(b, watch)),
            || self.to_coset(&product, watch),
        );
        if watch.stopped() {
            return None;
        }
        let mut out = vec![Fr::ZERO; self.size()];
        let pieces = a.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).zip(c.par_chunks(PIECE));
        pieces.zip(out.par_chunks_mut(8 * PIECE)).for_each(|(((a, b), c), out)| {
            V::numerator(a, b, c);
            V::export(a, out);
        });
        Some(out)
    }

    /// The coefficients of `(a b - c) / (X^n - 1)`, where c is a b at the roots of unity, from the values of a and b there; the last one is 0.
    ///
    /// Six transforms. On a coset where `X^n = -1`, a b has the values of `P = c - 2 h`, for `a b = c + h (X^n - 1)` and the degrees of c
    /// and h are below n. So `h = (c - P) / 2`, and c need not be brought to the coset.
    ///
    /// `None` once `watch` has stopped it, which hears of each transform.
    fn quotient(&self, a: &[Fr], b: &[Fr], watch: &dyn Watch) -> Option<Vec<Fr>> {
        let product: Vec<Fr> = a.par_iter().zip(b).map(|(a, b)| *a * b).collect();
        let ((mut p, b), c) = rayon::join(
            || rayon::join(|| self.to_coset(a, watch), || self.to_coset(b, watch)),
            || {
                let mut list = imported::<V>(&product);
                frequency(&mut list, &self.backward, &self.backward_inner);
                watch.done(1);
                list
            },
        );
        if watch.stopped() {
            return None;
        }
        p.par_chunks_mut(PIECE).zip(b.par_chunks(PIECE)).for_each(|(p, b)| V::scale(p, b));
        frequency(&mut p, &self.backward, &self.backward_inner);
        watch.done(1);
        let pieces = p.par_chunks_mut(PIECE).zip(self.from_coset.par_chunks(PIECE)).zip(c.par_chunks(PIECE));
        pieces.for_each(|((p, f), c)| V::quotient(p, f, c, &self.size_inverse));
        let mut h = vec![Fr::ZERO; self.size()];
        self.export_reversed(&p, &mut h);
        Some(h)
    }
}
