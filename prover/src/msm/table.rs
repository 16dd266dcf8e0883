//! [`Table`]: multiples of bases, for a key that makes many proofs.
//!
//! With `2^(bits apart k) base` at hand for each k, the digits of the windows w, w + apart, w + 2 apart, ... belong to points of one and the same weight: they go into the same
//! buckets, which are summed up and weighed once. What is saved is that weighing, and that windows may be wider then; what it costs is memory, and time to make the table.

use rayon::prelude::*;

use super::digits::windows;
use super::Curve;
use super::adder::Adder;
use crate::kernel::Kernel;

/// Points that are doubled together: they stay in the cache.
const PIECE: usize = 4096;
/// The narrowest window, and the widest: digits have 16 bits.
const NARROWEST: u32 = 3;
const WIDEST: u32 = 16;

/// Multiples of bases, level by level.
pub(super) struct Table<C: Curve> {
    bits: u32,
    apart: usize,
    /// The bases, then `2^(bits apart)` times each, then as much again.
    points: Vec<C::Packed>,
}

/// Bits of a window, and windows between two of the same buckets.
fn layout(count: usize, levels: usize) -> (u32, usize) {
    let apart = |bits: u32| (windows(bits) as usize).div_ceil(levels);
    // Additions of all entries, and of the weighing: two for each bucket.
    let cost = |bits: &u32| windows(*bits) as usize * count + (apart(*bits) << *bits);
    let bits = (NARROWEST..=WIDEST).min_by_key(cost).unwrap_or(WIDEST);
    (bits, apart(bits))
}

/// Levels that are made where so many are asked for.
fn made(bits: u32, apart: usize) -> usize {
    (windows(bits) as usize).div_ceil(apart)
}

/// Bytes of the table of so many bases.
pub(super) fn bytes<C: Curve>(count: usize, levels: usize) -> u64 {
    if count == 0 || levels < 2 {
        return 0;
    }
    let (bits, apart) = layout(count, levels);
    (made(bits, apart) * count * size_of::<C::Packed>()) as u64
}

impl<C: Curve> Table<C> {
    /// Makes a table; `None` where it would be no more than the bases.
    pub(super) fn new(kernel: Kernel, bases: &[C::Packed], levels: usize) -> Option<Self> {
        if bases.is_empty() || levels < 2 {
            return None;
        }
        let (bits, apart) = layout(bases.len(), levels);
        let levels = made(bits, apart);
        let mut points = vec![C::INFINITY; levels * bases.len()];
        // Each piece of bases fills its part of every level.
        let mut pieces: Vec<Vec<&mut [C::Packed]>> =
            (0..bases.len().div_ceil(PIECE)).map(|_| Vec::with_capacity(levels)).collect();
        for level in points.chunks_mut(bases.len()) {
            for (part, piece) in level.chunks_mut(PIECE).zip(&mut pieces) {
                piece.push(part);
            }
        }
        pieces.into_par_iter().zip(bases.par_chunks(PIECE)).for_each(|(piece, bases)| {
            let mut adder = Adder::<C>::new(kernel);
            let mut list = bases.to_vec();
            list.resize(bases.len().next_multiple_of(8), C::INFINITY);
            let all: Vec<u32> = (0..bases.len() as u32).collect();
            for (level, part) in piece.into_iter().enumerate() {
                for _ in 0..if level == 0 { 0 } else { bits as usize * apart } {
                    adder.add(None, &mut list, (&all, &all), 0);
                }
                part.copy_from_slice(&list[..bases.len()]);
            }
        });
        Some(Self { bits, apart, points })
    }

    /// Bits of a window.
    pub(super) fn bits(&self) -> u32 {
        self.bits
    }

    /// Windows between two of the same buckets.
    pub(super) fn apart(&self) -> usize {
        self.apart
    }

    pub(super) fn points(&self) -> &[C::Packed] {
        &self.points
    }
}
