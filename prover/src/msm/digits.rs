//! Signed digits: each scalar as `sum of digit_w 2^(bits w)` with `-2^(bits - 1) <= digit_w < 2^(bits - 1)`.
//!
//! Adding `2^(bits - 1)` in every window makes all digits unsigned; so each window's digit is read off on its own, without a carry from the one
//! below.

use ark_bn254::Fr;
use rayon::prelude::*;

use super::{Bases, Curve};

/// Bits of a scalar, and one for the sign.
const SCALAR_BITS: u32 = 255;

/// Number of windows of so many bits.
pub(super) const fn windows(bits: u32) -> u32 {
    SCALAR_BITS.div_ceil(bits)
}

/// Digits of all scalars, window by window.
pub(super) struct Digits {
    bits: u32,
    count: usize,
    windows: usize,
    /// `windows` rows of `count` digits.
    digits: Vec<i16>,
}

impl Digits {
    /// Works out the digits of all bases' scalars. Bases at infinity, or without a scalar, have none, so that they are met nowhere.
    pub(super) fn new<C: Curve>(bases: &Bases<C>, scalars: &[Fr], bits: u32) -> Self {
        let count = bases.len();
        let windows = windows(bits) as usize;
        let mut offset = [0u64; 5];
        for w in 0..windows as u32 {
            let at = w * bits + bits - 1;
            offset[(at / 64) as usize] |= 1 << (at % 64);
        }
        const CHUNK: usize = 1024;
        let mut digits = vec![0i16; windows * count];
        // Chunk by chunk of scalars, each of which fills its part of every row.
        let rows: Vec<Rows> = {
            let mut rows: Vec<Rows> = (0..count.div_ceil(CHUNK)).map(|_| Rows(Vec::with_capacity(windows))).collect();
            for row in digits.chunks_mut(count) {
                for (part, rows) in row.chunks_mut(CHUNK).zip(&mut rows) {
                    rows.0.push(part);
                }
            }
            rows
        };
        let half = 1i32 << (bits - 1);
        rows.into_par_iter().enumerate().for_each(|(chunk, mut rows)| {
            for (i, base) in (chunk * CHUNK..count.min((chunk + 1) * CHUNK)).enumerate() {
                let Some(scalar) = scalars.get(bases.scalar_of(base)).filter(|_| !bases.is_infinity(base)) else { continue };
                let s = super::limbs(scalar);
                if s == [0; 4] {
                    continue;
                }
                let mut sum = [0u64; 5];
                let mut carry = 0u64;
                for (k, slot) in sum.iter_mut().enumerate() {
                    let wide = u128::from(s.get(k).copied().unwrap_or(0)) + u128::from(offset[k]) + u128::from(carry);
                    *slot = wide as u64;
                    carry = (wide >> 64) as u64;
                }
                for (w, row) in rows.0.iter_mut().enumerate() {
                    let at = w as u32 * bits;
                    let (word, shift) = ((at / 64) as usize, at % 64);
                    let mut value = sum[word] >> shift;
                    if shift + bits > 64 && word + 1 < 5 {
                        value |= sum[word + 1] << (64 - shift);
                    }
                    let digit = (value & ((1 << bits) - 1)) as i32 - half;
                    row[i] = digit as i16;
                }
            }
        });
        Self { bits, count, windows, digits }
    }

    pub(super) fn windows(&self) -> usize {
        self.windows
    }

    /// Buckets of a window: one for each size of a digit but 0.
    pub(super) fn buckets(&self) -> usize {
        1 << (self.bits - 1)
    }

    /// The digits of a window, scalar by scalar.
    pub(super) fn window(&self, window: usize) -> &[i16] {
        &self.digits[window * self.count..(window + 1) * self.count]
    }
}

/// Parts of all windows' rows for one chunk of scalars.
struct Rows<'a>(Vec<&'a mut [i16]>);
