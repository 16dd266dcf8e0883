//! Number-theoretic transforms over the scalar field, and the quotient polynomial of a proof.
//!
//! Forward by decimation in frequency, from natural to bit-reversed order; back by decimation in time. So a transform and its way back need no
//! permutation, and what happens in between (scaling to a coset) happens in bit-reversed order. Blocks of eight elements are
//! the unit: strides of eight and more work on whole blocks, the last three levels within them.
//!
//! Large transforms halve until the halves fit into the cache, and the halves run side by side.

use ark_bn254::{Fr, FrConfig};
use ark_ff::{AdditiveGroup, FftField, Field, One};
use rayon::prelude::*;

use crate::kernel::portable::Portable;
use crate::kernel::{Kernel, Lanes};
#[cfg(target_arch = "x86_64")]
use crate::kernel::{fma::Fma, ifma::Ifma};
use crate::watch::Watch;

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

/// Levels within a block, of decimation in frequency.
///
/// # Safety
/// The features of V are enabled; values are below 2 moduli, and stay so.
#[inline(always)]
unsafe fn inner_frequency<V: Lanes>(x: V, [four, two]: &[V; 2]) -> V {
    // SAFETY: as the caller's.
    unsafe {
        let s = x.exchange::<4>();
        let x = x.add(s).select(0x0f, s.sub(x)).halved().mul(*four);
        let s = x.exchange::<2>();
        let x = x.add(s).select(0x33, s.sub(x)).halved().mul(*two);
        let s = x.exchange::<1>();
        x.add(s).select(0x55, s.sub(x)).halved()
    }
}

/// Levels within a block, of decimation in time.
///
/// # Safety
/// As for [`inner_frequency`].
#[inline(always)]
unsafe fn inner_time<V: Lanes>(x: V, [four, two]: &[V; 2]) -> V {
    // SAFETY: as the caller's.
    unsafe {
        let s = x.exchange::<1>();
        let x = x.add(s).select(0x55, s.sub(x)).halved().mul(*two);
        let s = x.exchange::<2>();
        let x = x.add(s).select(0x33, s.sub(x)).halved().mul(*four);
        let s = x.exchange::<4>();
        x.add(s).select(0x0f, s.sub(x)).halved()
    }
}

/// One level of decimation in frequency over two halves.
///
/// # Safety
/// As for [`inner_frequency`].
#[inline(always)]
unsafe fn frequency_level<V: Lanes>(low: &mut [V], high: &mut [V], twiddles: &[V]) {
    for ((x, y), w) in low.iter_mut().zip(high).zip(twiddles) {
        // SAFETY: as the caller's.
        unsafe {
            let difference = x.sub(*y);
            *x = x.sum_halved(*y);
            *y = difference.mul(*w);
        }
    }
}

/// One level of decimation in time over two halves.
///
/// # Safety
/// As for [`inner_frequency`].
#[inline(always)]
unsafe fn time_level<V: Lanes>(low: &mut [V], high: &mut [V], twiddles: &[V]) {
    for ((x, y), w) in low.iter_mut().zip(high).zip(twiddles) {
        // SAFETY: as the caller's.
        unsafe {
            let product = y.mul(*w);
            *y = x.difference_halved(product);
            *x = x.sum_halved(product);
        }
    }
}

/// # Safety
/// As for [`inner_frequency`].
#[inline(always)]
unsafe fn cached_frequency<V: Lanes>(values: &mut [V], levels: &[Vec<V>], inner: &[V; 2]) {
    // SAFETY: as the caller's.
    unsafe {
        let mut size = values.len();
        for twiddles in levels {
            for part in values.chunks_exact_mut(size) {
                let (low, high) = part.split_at_mut(size / 2);
                frequency_level(low, high, twiddles);
            }
            size /= 2;
        }
        for x in values {
            *x = inner_frequency(*x, inner);
        }
    }
}

/// # Safety
/// As for [`inner_frequency`].
#[inline(always)]
unsafe fn cached_time<V: Lanes>(values: &mut [V], levels: &[Vec<V>], inner: &[V; 2]) {
    // SAFETY: as the caller's.
    unsafe {
        for x in values.iter_mut() {
            *x = inner_time(*x, inner);
        }
        let mut size = 2;
        for twiddles in levels.iter().rev() {
            for part in values.chunks_exact_mut(size) {
                let (low, high) = part.split_at_mut(size / 2);
                time_level(low, high, twiddles);
            }
            size *= 2;
        }
    }
}

/// The work of one thread, compiled for the features of a kernel.
///
/// # Safety
/// Implementations call vector code: a type's values exist only where its features were detected.
pub(crate) unsafe trait Steps: Lanes + Send + Sync {
    /// From arkworks' form, eight by eight.
    fn import(from: &[Fr], to: &mut [Self]);
    /// To arkworks' form.
    fn export(from: &[Self], to: &mut [Fr]);
    /// One level of decimation in frequency.
    fn frequency_level(low: &mut [Self], high: &mut [Self], twiddles: &[Self]);
    /// One level of decimation in time.
    fn time_level(low: &mut [Self], high: &mut [Self], twiddles: &[Self]);
    /// All levels of decimation in frequency.
    fn cached_frequency(values: &mut [Self], levels: &[Vec<Self>], inner: &[Self; 2]);
    /// All levels of decimation in time.
    fn cached_time(values: &mut [Self], levels: &[Vec<Self>], inner: &[Self; 2]);
    /// `values[i] *= factors[i]`.
    fn scale(values: &mut [Self], factors: &[Self]);
    /// `values[i] *= first * step^i`.
    fn scale_by_powers(values: &mut [Self], first: Self, step: Self);
    /// `(c[i] / n - p[i] * factors[i]) / 2`, in place of p: what is left of the quotient polynomial.
    fn quotient(p: &mut [Self], factors: &[Self], c: &[Self], size_inverse: &Self);
    /// `a[i] * b[i] - c[i]`, in place of a.
    fn numerator(a: &mut [Self], b: &[Self], c: &[Self]);
}

#[inline(always)]
unsafe fn import<V: Lanes>(from: &[Fr], to: &mut [V]) {
    for (eight, to) in from.chunks_exact(8).zip(to) {
        // SAFETY: as the caller's: eight elements of four limbs.
        *to = unsafe { V::load(eight.as_ptr().cast()).to_kernel() };
    }
}

#[inline(always)]
unsafe fn export<V: Lanes>(from: &[V], to: &mut [Fr]) {
    for (from, eight) in from.iter().zip(to.chunks_exact_mut(8)) {
        // SAFETY: as the caller's: room for eight elements of four limbs.
        unsafe { from.to_arkworks().store(eight.as_mut_ptr().cast()) };
    }
}

#[inline(always)]
unsafe fn scale<V: Lanes>(values: &mut [V], factors: &[V]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        // SAFETY: as the caller's.
        *value = unsafe { value.mul(*factor) };
    }
}

#[inline(always)]
unsafe fn scale_by_powers<V: Lanes>(values: &mut [V], first: V, step: V) {
    let mut power = first;
    for value in values {
        // SAFETY: as the caller's.
        unsafe {
            *value = value.mul(power);
            power = power.mul(step);
        }
    }
}

#[inline(always)]
unsafe fn quotient<V: Lanes>(p: &mut [V], factors: &[V], c: &[V], size_inverse: &V) {
    let half = Fr::from(2u64).inverse().unwrap_or_default();
    // SAFETY: as the caller's.
    unsafe {
        let half = V::splat(half.0.0.as_ptr()).to_kernel();
        for ((p, factor), c) in p.iter_mut().zip(factors).zip(c) {
            *p = c.mul(*size_inverse).sub(p.mul(*factor)).mul(half);
        }
    }
}

#[inline(always)]
unsafe fn numerator<V: Lanes>(a: &mut [V], b: &[V], c: &[V]) {
    for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
        // SAFETY: as the caller's.
        *a = unsafe { a.mul(*b).sub(*c).canonical() };
    }
}

macro_rules! steps {
    ($type:ty, $($feature:meta)?) => {
        // SAFETY: the functions within are compiled for the features, which were detected before a value of the type was made.
        unsafe impl Steps for $type {
            steps!(@ import, (from: &[Fr], to: &mut [$type]), $($feature)?);
            steps!(@ export, (from: &[$type], to: &mut [Fr]), $($feature)?);
            steps!(@ frequency_level, (low: &mut [$type], high: &mut [$type], twiddles: &[$type]), $($feature)?);
            steps!(@ time_level, (low: &mut [$type], high: &mut [$type], twiddles: &[$type]), $($feature)?);
            steps!(@ cached_frequency, (values: &mut [$type], levels: &[Vec<$type>], inner: &[$type; 2]), $($feature)?);
            steps!(@ cached_time, (values: &mut [$type], levels: &[Vec<$type>], inner: &[$type; 2]), $($feature)?);
            steps!(@ scale, (values: &mut [$type], factors: &[$type]), $($feature)?);
            steps!(@ scale_by_powers, (values: &mut [$type], first: $type, step: $type), $($feature)?);
            steps!(@ quotient, (p: &mut [$type], factors: &[$type], c: &[$type], size_inverse: &$type), $($feature)?);
            steps!(@ numerator, (a: &mut [$type], b: &[$type], c: &[$type]), $($feature)?);
        }
    };
    (@ $name:ident, ($($arg:ident : $argtype:ty),*), $($feature:meta)?) => {
        fn $name($($arg: $argtype),*) {
            $(#[$feature])?
            unsafe fn run($($arg: $argtype),*) {
                // SAFETY: as the caller's.
                unsafe { self::$name($($arg),*) }
            }
            // SAFETY: see the implementation.
            unsafe { run($($arg),*) }
        }
    };
}

steps!(Portable<FrConfig>,);
#[cfg(target_arch = "x86_64")]
steps!(Fma<FrConfig>, target_feature(enable = "avx2,fma"));
#[cfg(target_arch = "x86_64")]
steps!(Ifma<FrConfig>, target_feature(enable = "avx512f,avx512dq,avx512ifma"));

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

/// Transforms of one size, on the vector kernel.
pub struct Transforms(Inner);

impl std::fmt::Debug for Transforms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transforms({} elements)", self.size())
    }
}

enum Inner {
    #[cfg(target_arch = "x86_64")]
    Fma(Box<Domain<Fma<FrConfig>>>),
    #[cfg(target_arch = "x86_64")]
    Ifma(Box<Domain<Ifma<FrConfig>>>),
    /// The safe twin.
    #[allow(dead_code, reason = "made in tests only, as arkworks does the work where there is no vector kernel")]
    Portable(Box<Domain<Portable<FrConfig>>>),
}

macro_rules! each {
    ($self:ident, $domain:ident => $value:expr) => {
        match &$self.0 {
            #[cfg(target_arch = "x86_64")]
            Inner::Fma($domain) => $value,
            #[cfg(target_arch = "x86_64")]
            Inner::Ifma($domain) => $value,
            Inner::Portable($domain) => $value,
        }
    };
}

impl Transforms {
    /// Tables for `2^log` elements; `None` where the kernel is not a vector one or there are too few or too many elements.
    pub fn new(kernel: Kernel, log: u32) -> Option<Self> {
        if !(3..Fr::TWO_ADICITY).contains(&log) {
            return None;
        }
        match kernel {
            Kernel::Portable => None,
            #[cfg(target_arch = "x86_64")]
            Kernel::Fma(_) => Some(Self(Inner::Fma(Box::new(Domain::new(log))))),
            #[cfg(target_arch = "x86_64")]
            Kernel::Ifma(_) => Some(Self(Inner::Ifma(Box::new(Domain::new(log))))),
        }
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        each!(self, domain => domain.size())
    }

    /// Values at the roots of unity from coefficients, in natural order both.
    ///
    /// # Panics
    /// If the number of elements is another than the size.
    pub fn evaluate(&self, coefficients: &mut [Fr]) {
        assert_eq!(coefficients.len(), self.size());
        each!(self, domain => domain.evaluate(coefficients));
    }

    /// Coefficients from values at the roots of unity, in natural order both.
    ///
    /// # Panics
    /// If the number of elements is another than the size.
    pub fn interpolate(&self, values: &mut [Fr]) {
        assert_eq!(values.len(), self.size());
        each!(self, domain => domain.interpolate(values));
    }

    /// Values at `g w^i` from coefficients, in natural order both, where w is the root of unity of this size and `g^n = -1`.
    ///
    /// # Panics
    /// If the number of elements is another than the size.
    pub fn evaluate_on_coset(&self, coefficients: &mut [Fr]) {
        assert_eq!(coefficients.len(), self.size());
        each!(self, domain => domain.evaluate_on_coset(coefficients));
    }

    /// Transforms of a quotient, and of a numerator on the coset.
    pub(crate) const QUOTIENT: u64 = 6;

    /// The coefficients of `(a b - c) / (X^n - 1)` from the values of a and b at the roots of unity, where c is their product; `None` once
    /// `watch` has stopped it.
    pub(crate) fn quotient(&self, a: &[Fr], b: &[Fr], watch: &dyn Watch) -> Option<Vec<Fr>> {
        each!(self, domain => domain.quotient(a, b, watch))
    }

    /// The values of `a b - c` at `g w^i`, as [`Transforms::evaluate_on_coset`] has them, from the values of a and b at the roots of unity,
    /// where c is their product; `None` once `watch` has stopped it.
    pub(crate) fn numerator_on_coset(&self, a: &[Fr], b: &[Fr], watch: &dyn Watch) -> Option<Vec<Fr>> {
        each!(self, domain => domain.numerator_on_coset(a, b, watch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use crate::kernel::{fma, ifma};
    use ark_ff::UniformRand;

    fn naive(coefficients: &[Fr], w: Fr) -> Vec<Fr> {
        let horner = |x: Fr| coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c);
        powers(w, Fr::one(), coefficients.len()).into_iter().map(horner).collect()
    }

    fn random(n: usize) -> Vec<Fr> {
        let mut rng = ark_std::test_rng();
        (0..n).map(|i| if i % 5 == 0 { -Fr::from(i as u64) } else { Fr::rand(&mut rng) }).collect()
    }

    fn transforms<V: Steps>() {
        for log in [3, 4, 5, 6, 9] {
            let domain = Domain::<V>::new(log);
            let coefficients = random(1 << log);
            let mut values = coefficients.clone();
            domain.evaluate(&mut values);
            assert_eq!(values, naive(&coefficients, root(log)), "2^{log}");
            domain.interpolate(&mut values);
            assert_eq!(values, coefficients, "2^{log} and back");
        }
        // Large enough for halves that threads share.
        let domain = Domain::<V>::new(15);
        let coefficients = random(1 << 15);
        let mut values = coefficients.clone();
        domain.evaluate(&mut values);
        let at = root(15).pow([4321]);
        assert_eq!(values[4321], coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * at + c));
        domain.interpolate(&mut values);
        assert_eq!(values, coefficients);
    }

    /// `a b - c = h (X^n - 1)`, as polynomials at a random point.
    fn quotients<V: Steps>() {
        for log in [3, 7, 14] {
            let domain = Domain::<V>::new(log);
            let n = 1usize << log;
            let (a, b) = (random(n), random(n).into_iter().rev().collect::<Vec<_>>());
            let h = domain.quotient(&a, &b, &()).unwrap();
            assert_eq!(h[n - 1], Fr::ZERO, "2^{log}");
            let numerator = domain.numerator_on_coset(&a, &b, &()).unwrap();
            let interpolated = |values: Vec<Fr>| {
                let mut values = values;
                domain.interpolate(&mut values);
                values
            };
            let c = interpolated(a.iter().zip(&b).map(|(a, b)| *a * b).collect());
            let (a, b) = (interpolated(a), interpolated(b));
            let x = Fr::from(987_654_321u64);
            let at = |p: &[Fr], x: Fr| p.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c);
            assert_eq!(at(&a, x) * at(&b, x) - at(&c, x), at(&h, x) * (x.pow([n as u64]) - Fr::one()), "2^{log}");
            // On the coset the vanishing polynomial is -2.
            for i in [0, 1, 7, n - 1] {
                let x = root(log + 1) * root(log).pow([i as u64]);
                assert_eq!(numerator[i], -at(&h, x).double(), "2^{log}");
            }
        }
    }

    #[test]
    fn portable_transforms() {
        transforms::<Portable<FrConfig>>();
        quotients::<Portable<FrConfig>>();
    }

    #[test]
    fn cosets_are_where_the_vanishing_polynomial_is_minus_two() {
        for transforms in Kernel::all().into_iter().filter_map(|kernel| Transforms::new(kernel, 5)) {
            let coefficients = random(32);
            let mut values = coefficients.clone();
            transforms.evaluate_on_coset(&mut values);
            for (i, value) in (0u64..).zip(values) {
                let x = root(6) * root(5).pow([i]);
                assert_eq!(x.pow([32]), -Fr::one());
                assert_eq!(value, coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * x + c));
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn fma_transforms() {
        if fma::Detected::now().is_none() {
            eprintln!("not run: this processor has no AVX2 and FMA");
            return;
        }
        transforms::<Fma<FrConfig>>();
        quotients::<Fma<FrConfig>>();
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn ifma_transforms() {
        if ifma::Detected::now().is_none() {
            eprintln!("not run: this processor has no AVX-512 IFMA");
            return;
        }
        transforms::<Ifma<FrConfig>>();
        quotients::<Ifma<FrConfig>>();
    }
}
