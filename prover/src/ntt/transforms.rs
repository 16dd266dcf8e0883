//! [`Transforms`]: a [`Domain`] in the form of a kernel.

use std::ops::Range;

use ark_bn254::{Fr, FrConfig};
use ark_ff::FftField;

use super::Domain;
use crate::kernel::Kernel;
use crate::kernel::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::kernel::{fma::Fma, ifma::Ifma};
use crate::watch::Watch;

/// Transforms of one size, on one kernel.
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
    /// Numbers of elements, powers of two: at least a vector's eight, and roots of unity for twice as many.
    pub const SIZES: Range<usize> = 8..1 << Fr::TWO_ADICITY;

    /// Tables for `2^log` elements; `None` outside [`Transforms::SIZES`].
    pub fn new(kernel: Kernel, log: u32) -> Option<Self> {
        if !1usize.checked_shl(log).is_some_and(|size| Self::SIZES.contains(&size)) {
            return None;
        }
        match kernel {
            Kernel::Portable => Some(Self(Inner::Portable(Box::new(Domain::new(log))))),
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
