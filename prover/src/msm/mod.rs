//! Multi-scalar multiplication: sums of `scalar * base` over G1 and G2 of BN254.
//!
//! Pippenger's method on signed digits. The entries of each window are sorted by bucket, and each bucket's points are added up in pairs, round
//! after round: all additions of a round are independent, so they are affine ones that share their inversions, eight at a time in the lanes of the
//! [`Kernel`]. The weighted sum of the buckets is worked out in the same way, over many segments side by side.
//!
//! ```text
//! curve.rs    the two groups, and points in the kernel's form
//! bases.rs    points that belong to scalars
//! adder.rs    affine additions in batches
//! digits.rs   signed digits of all scalars, for all windows
//! buckets.rs  sorting, the sums of buckets, their weighted sum
//! table.rs    multiples of bases, which windows share
//! ```
//!
//! Nothing is assumed of the bases: equal and opposite points, and points at infinity, come out right. Where there are none of them no time is lost on
//! them. Scalars of few bits cost few additions, as they have few digits that are not 0.

mod adder;
mod bases;
mod buckets;
mod curve;
mod digits;
mod table;

use ark_bn254::Fr;
use ark_ec::AdditiveGroup;
use ark_ff::PrimeField;
use rayon::prelude::*;

use crate::error::LengthError;
use crate::kernel::Kernel;
use crate::watch::Watch;
use digits::Digits;

pub use bases::Bases;
pub(crate) use curve::pack;
pub use curve::{Curve, G1, G2};

/// Bits of a window for this many scalars, by measurement.
fn window_bits(count: usize) -> u32 {
    match count {
        0..=31 => 3,
        32..=255 => 6,
        256..=2047 => 8,
        2048..=16_383 => 11,
        16_384..=65_535 => 13,
        65_536..=524_287 => 15,
        _ => 16,
    }
}

/// The sum of `scalars[i] * bases[i]`.
///
/// # Errors
/// [`LengthError`] unless there are as many scalars as [`Bases::scalars`] says.
pub fn msm<C: Curve>(bases: &Bases<C>, scalars: &[Fr]) -> Result<C::Projective, LengthError> {
    msm_watched(bases, scalars, &())
}

/// As [`msm`], for points that are used once.
///
/// # Errors
/// As [`msm`].
pub fn msm_once<C: Curve>(
    kernel: Kernel,
    points: &[C::Affine],
    scalars: &[Fr],
) -> Result<C::Projective, LengthError> {
    msm(&Bases::<C>::new(kernel, points), scalars)
}

/// As [`msm`], heard of by `watch` window by window; of no meaning if that has stopped it.
pub(crate) fn msm_watched<C: Curve>(
    bases: &Bases<C>,
    scalars: &[Fr],
    watch: &dyn Watch,
) -> Result<C::Projective, LengthError> {
    if scalars.len() != bases.scalars() {
        return Err(LengthError { had: scalars.len(), needed: bases.scalars() });
    }
    let count = bases.len();
    if count == 0 {
        return Ok(C::Projective::ZERO);
    }
    let kernel = bases.kernel();
    let bits = bases.window_bits();
    let digits = Digits::new(bases, scalars, bits);
    // Windows so far apart share their buckets; without a table none do.
    let apart = bases.table().map_or(digits.windows(), |table| table.apart());
    let windows: Vec<C::Projective> = (0..apart)
        .into_par_iter()
        .map(|first| {
            let rows: Vec<&[i16]> = (first..digits.windows()).step_by(apart).map(|w| digits.window(w)).collect();
            let sum = buckets::window_sum::<C>(kernel, bases, &rows, digits.buckets(), watch);
            watch.done((rows.len() * count) as u64);
            sum
        })
        .collect();
    // Horner's rule, from the highest sum down.
    Ok(windows.into_iter().rev().fold(C::Projective::ZERO, |mut sum, window| {
        for _ in 0..bits {
            sum.double_in_place();
        }
        sum + window
    }))
}

impl<C: Curve> Bases<C> {
    /// Units of work of a multiplication: points times windows.
    pub(crate) fn work(&self) -> u64 {
        self.len() as u64 * u64::from(digits::windows(self.window_bits()))
    }

    /// Bits of a window: those that the table was made for, if there is one.
    fn window_bits(&self) -> u32 {
        self.table().map_or_else(|| window_bits(self.len()), table::Table::bits)
    }
}

/// The canonical integer of a scalar, as limbs.
fn limbs(scalar: &Fr) -> [u64; 4] {
    scalar.into_bigint().0
}

#[cfg(test)]
mod tests;
