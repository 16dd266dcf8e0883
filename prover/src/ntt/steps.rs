//! [`Steps`]: the loops of a transform that one thread runs, compiled for the features of each kernel.
//!
//! Hazard: they are vector code, for which features must have been detected; see [`Lanes`].

use ark_bn254::{Fr, FrConfig};
use ark_ff::Field;

use crate::kernel::Lanes;
use crate::kernel::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::kernel::{fma::Fma, ifma::Ifma};

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
