//! One window, or several that share their buckets: entries sorted by bucket, the sum of each bucket, and the weighted sum of all.

use ark_ec::AdditiveGroup;

use super::adder::{Adder, NEGATIVE};
use super::curve::{negate, unpack};
use super::{Bases, Curve};
use crate::kernel::Kernel;
use crate::watch::Watch;

/// Entries whose buckets are summed up together: their points stay in the second-level cache.
const GROUP: usize = 8192;
/// Buckets in a segment of the weighted sum.
const SEGMENT: usize = 64;

/// `sum of digit_i * base_i` over rows of digits, of which the first belongs to the bases and each other one to the next multiples in their table; of no
/// meaning once `watch` has stopped it.
pub(super) fn window_sum<C: Curve>(
    kernel: Kernel,
    bases: &Bases<C>,
    rows: &[&[i16]],
    buckets: usize,
    watch: &dyn Watch,
) -> C::Projective {
    if watch.stopped() {
        return C::Projective::ZERO;
    }
    let sorted = Sorted::new(rows, buckets, bases.len());
    if sorted.entries.is_empty() {
        return C::Projective::ZERO;
    }
    let mut work = Work::new(kernel);
    let mut sums = vec![C::INFINITY; buckets];
    let mut first = 0;
    while first < sums.len() && !watch.stopped() {
        let start = sorted.starts[first] as usize;
        let mut end = first + 1;
        while end < sums.len() && sorted.starts[end + 1] as usize - start <= GROUP {
            end += 1;
        }
        work.sum_buckets(bases, &sorted, first..end, &mut sums);
        first = end;
    }
    weighted_sum::<C>(kernel, &mut work.adder, sums)
}

/// Entries in the order of their buckets.
struct Sorted {
    /// Index of the base, or of its multiple in the table, with [`NEGATIVE`] for a negative digit.
    entries: Vec<u32>,
    /// Where each bucket starts, and the end.
    starts: Vec<u32>,
}

impl Sorted {
    fn new(rows: &[&[i16]], buckets: usize, bases: usize) -> Self {
        let mut starts = vec![0u32; buckets + 1];
        for row in rows {
            for digit in row.iter().filter(|digit| **digit != 0) {
                starts[usize::from(digit.unsigned_abs())] += 1;
            }
        }
        let mut next = Vec::with_capacity(starts.len());
        let mut total = 0;
        for count in &mut starts {
            total += *count;
            next.push(total - *count);
            *count = total;
        }
        // `starts[b]` is now the end of the bucket for the digit b, which is the start of the next: bucket b - 1 of the list.
        let mut entries = vec![0u32; total as usize];
        for (row, first) in rows.iter().zip((0u32..).step_by(bases)) {
            for (i, digit) in (first..).zip(*row).filter(|(_, digit)| **digit != 0) {
                let place = &mut next[usize::from(digit.unsigned_abs())];
                entries[*place as usize] = if *digit < 0 { i | NEGATIVE } else { i };
                *place += 1;
            }
        }
        Self { entries, starts }
    }
}

/// Memory that is used again for each group of buckets.
struct Work<C: Curve> {
    adder: Adder<C>,
    /// Sums of earlier rounds, and bases that had no partner in the first: as many as `used`; what lies beyond has no meaning.
    pool: Vec<C::Packed>,
    used: usize,
    left: Vec<u32>,
    right: Vec<u32>,
    /// What is left of each bucket: indices into the pool.
    rest: Vec<u32>,
    rest_starts: Vec<u32>,
    next: Vec<u32>,
    next_starts: Vec<u32>,
}

impl<C: Curve> Work<C> {
    fn new(kernel: Kernel) -> Self {
        Self {
            adder: Adder::new(kernel),
            pool: Vec::new(),
            used: 0,
            left: Vec::new(),
            right: Vec::new(),
            rest: Vec::new(),
            rest_starts: Vec::new(),
            next: Vec::new(),
            next_starts: Vec::new(),
        }
    }

    /// Makes room for results of additions behind what is used.
    fn make_room(&mut self, results: usize) {
        let needed = self.used + results.next_multiple_of(8);
        if self.pool.len() < needed {
            self.pool.resize(needed, C::INFINITY);
        }
    }

    /// Sums up the buckets of a range.
    fn sum_buckets(&mut self, bases: &Bases<C>, sorted: &Sorted, range: std::ops::Range<usize>, sums: &mut [C::Packed]) {
        self.first_round(bases, sorted, range.clone());
        while self.rest.len() > self.rest_starts.windows(2).filter(|pair| pair[0] < pair[1]).count() {
            self.round();
        }
        for (bucket, bounds) in range.zip(self.rest_starts.windows(2)) {
            if bounds[0] < bounds[1] {
                sums[bucket] = self.pool[self.rest[bounds[0] as usize] as usize];
            }
        }
    }

    /// Pairs of bases; whoever has no partner goes into the pool as it is.
    fn first_round(&mut self, bases: &Bases<C>, sorted: &Sorted, range: std::ops::Range<usize>) {
        let starts = &sorted.starts[range.start..=range.end];
        let points = bases.multiples();
        let pairs: usize = starts.windows(2).map(|bounds| (bounds[1] - bounds[0]) as usize / 2).sum();
        self.used = 0;
        // Behind the sums, a place for what each bucket may have left.
        self.make_room(pairs.next_multiple_of(8) + starts.len());
        self.left.clear();
        self.left.reserve(pairs);
        self.right.clear();
        self.right.reserve(pairs);
        self.rest.clear();
        self.rest.reserve(pairs + starts.len());
        self.rest_starts.clear();
        self.rest_starts.push(0);
        let mut single = pairs.next_multiple_of(8);
        let mut pair = 0;
        for bounds in starts.windows(2) {
            let (twos, one) = sorted.entries[bounds[0] as usize..bounds[1] as usize].as_chunks::<2>();
            self.left.extend(twos.iter().map(|two| two[0]));
            self.right.extend(twos.iter().map(|two| two[1]));
            self.rest.extend(pair..pair + twos.len() as u32);
            pair += twos.len() as u32;
            if let [entry] = one {
                let point = &mut self.pool[single];
                *point = points[(entry & !NEGATIVE) as usize];
                if entry & NEGATIVE != 0 {
                    negate::<C>(point);
                }
                self.rest.push(single as u32);
                single += 1;
            }
            self.rest_starts.push(self.rest.len() as u32);
        }
        self.adder.add(Some(points), &mut self.pool, (&self.left, &self.right), 0);
        self.used = single;
    }

    /// Pairs of sums.
    fn round(&mut self) {
        self.left.clear();
        self.right.clear();
        self.next.clear();
        self.next_starts.clear();
        self.next_starts.push(0);
        let to = self.used;
        let mut sum = to as u32;
        for bounds in self.rest_starts.windows(2) {
            let (twos, one) = self.rest[bounds[0] as usize..bounds[1] as usize].as_chunks::<2>();
            self.left.extend(twos.iter().map(|two| two[0]));
            self.right.extend(twos.iter().map(|two| two[1]));
            self.next.extend(sum..sum + twos.len() as u32);
            sum += twos.len() as u32;
            self.next.extend(one);
            self.next_starts.push(self.next.len() as u32);
        }
        self.make_room(self.left.len());
        self.adder.add(None, &mut self.pool, (&self.left, &self.right), to);
        self.used = sum as usize;
        std::mem::swap(&mut self.rest, &mut self.next);
        std::mem::swap(&mut self.rest_starts, &mut self.next_starts);
    }
}

/// `sum of (i + 1) * sums[i]`.
///
/// The buckets are cut into segments. In each, `s` runs over the buckets from the last to the first and `t` adds up all its values, so that t ends as the
/// segment's own weighted sum; all segments go side by side. What remains is the segments' place: `sum of SEGMENT * j * s_j`.
fn weighted_sum<C: Curve>(kernel: Kernel, adder: &mut Adder<C>, mut sums: Vec<C::Packed>) -> C::Projective {
    if sums.len() < 8 * SEGMENT {
        return running_sum::<C>(kernel, &sums).1;
    }
    let segments = sums.len() / SEGMENT;
    debug_assert_eq!(segments * SEGMENT, sums.len(), "buckets are a power of two");
    let (s, t) = (sums.len(), sums.len() + segments);
    for j in 0..2 * segments {
        sums.push(sums[(j % segments) * SEGMENT + SEGMENT - 1]);
    }
    let numbers = |start: usize, step: usize| -> Vec<u32> { (0..segments).map(|j| (start + j * step) as u32).collect() };
    let (s_indices, t_indices) = (numbers(s, 1), numbers(t, 1));
    for i in (0..SEGMENT - 1).rev() {
        adder.add(None, &mut sums, (&s_indices, &numbers(i, SEGMENT)), s);
        adder.add(None, &mut sums, (&t_indices, &s_indices), t);
    }
    let mut total = C::Projective::ZERO;
    for point in &sums[t..] {
        total += unpack::<C>(kernel, point);
    }
    // s_0 has weight 0: the others count from 1.
    let mut places = running_sum::<C>(kernel, &sums[s + 1..t]).1;
    for _ in 0..SEGMENT.trailing_zeros() {
        places.double_in_place();
    }
    total + places
}

/// The sum of all points, and `sum of (i + 1) * points[i]`.
fn running_sum<C: Curve>(kernel: Kernel, points: &[C::Packed]) -> (C::Projective, C::Projective) {
    let (mut s, mut t) = (C::Projective::ZERO, C::Projective::ZERO);
    for point in points.iter().rev() {
        s += unpack::<C>(kernel, point);
        t += s;
    }
    (s, t)
}
