//! [`Adder`]: affine additions of many pairs of points, eight at a time, which share an inversion.

use std::marker::PhantomData;

use super::curve::Curve;
use crate::kernel::{Kernel, Lanes};

/// In an index, that the point is to be negated.
pub(super) const NEGATIVE: u32 = 1 << 31;

/// Additions that share an inversion.
const BLOCK: usize = 2048;
/// Products that run side by side, so that one multiplication need not wait for the one before.
const CHAINS: usize = 4;

/// Adds pairs of points: room for what is kept between the two passes.
pub(super) struct Adder<C: Curve> {
    kernel: Kernel,
    portable: Scratch<C::Portable>,
    #[cfg(target_arch = "x86_64")]
    fma: Scratch<C::Fma>,
    #[cfg(target_arch = "x86_64")]
    ifma: Scratch<C::Ifma>,
    curve: PhantomData<C>,
}

/// What the first pass over a block leaves to the second.
struct Scratch<V>(Vec<Chunk<V>>);

/// Eight pairs.
struct Chunk<V> {
    first: [V; 2],
    second: [V; 2],
    denominator: V,
    /// The product of the chain's denominators before this one.
    product: V,
    /// Whether a pair may be other than two different points.
    special: bool,
}

impl<V> Scratch<V> {
    const fn new() -> Self {
        Self(Vec::new())
    }
}

impl<C: Curve> Adder<C> {
    pub(super) fn new(kernel: Kernel) -> Self {
        Self {
            kernel,
            portable: Scratch::new(),
            #[cfg(target_arch = "x86_64")]
            fma: Scratch::new(),
            #[cfg(target_arch = "x86_64")]
            ifma: Scratch::new(),
            curve: PhantomData,
        }
    }

    /// `to[i] = from[left[i]] + from[right[i]]` for all i, where `to` starts at `to_start` of the list and `from` is `other`, or without it the same list.
    ///
    /// The list must reach up to a multiple of 8 results beyond `to_start`. Where a result takes the place of an operand, it must be that of
    /// the same i. Indices with [`NEGATIVE`] stand for the opposite point.
    pub(super) fn add(
        &mut self,
        other: Option<&[C::Packed]>,
        list: &mut [C::Packed],
        (left, right): (&[u32], &[u32]),
        to_start: usize,
    ) {
        assert_eq!(left.len(), right.len());
        assert!(to_start + left.len().next_multiple_of(8) <= list.len(), "the results need room");
        let source = other.unwrap_or(list);
        let bound = source.len();
        let inside = |indices: &[u32]| indices.iter().all(|i| ((i & !NEGATIVE) as usize) < bound);
        assert!(inside(left) && inside(right), "operands lie in the list");
        let to = list.as_mut_ptr();
        let from = other.map_or(to.cast_const(), <[C::Packed]>::as_ptr);
        // SAFETY: indices and room were checked above.
        let to = unsafe { to.add(to_start) };
        for (left, (right, done)) in left.chunks(BLOCK).zip(right.chunks(BLOCK).zip((0..).step_by(BLOCK))) {
            // SAFETY: as above; a block's results lie within the room for all.
            unsafe {
                let to = to.add(done);
                match self.kernel {
                    Kernel::Portable => add_block::<C, C::Portable>(from, left, right, to, &mut self.portable),
                    // The features were detected when the kernel was made.
                    #[cfg(target_arch = "x86_64")]
                    Kernel::Fma(_) => add_block_fma::<C>(from, left, right, to, &mut self.fma),
                    #[cfg(target_arch = "x86_64")]
                    Kernel::Ifma(_) => add_block_ifma::<C>(from, left, right, to, &mut self.ifma),
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_block_fma<C: Curve>(
    from: *const C::Packed,
    left: &[u32],
    right: &[u32],
    to: *mut C::Packed,
    scratch: &mut Scratch<C::Fma>,
) {
    // SAFETY: as the caller's.
    unsafe { add_block::<C, C::Fma>(from, left, right, to, scratch) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
unsafe fn add_block_ifma<C: Curve>(
    from: *const C::Packed,
    left: &[u32],
    right: &[u32],
    to: *mut C::Packed,
    scratch: &mut Scratch<C::Ifma>,
) {
    // SAFETY: as the caller's.
    unsafe { add_block::<C, C::Ifma>(from, left, right, to, scratch) }
}

/// Eight points by their indices.
///
/// # Safety
/// The kernel's features are enabled, and the indices lie in the list.
#[inline(always)]
unsafe fn load<C: Curve, V: Lanes>(from: *const C::Packed, indices: &[u32; 8]) -> [V; 2] {
    // SAFETY: as the caller's; a packed point is two elements.
    unsafe {
        let [x, y] = V::load_pairs(indices.map(|i| from.add((i & !NEGATIVE) as usize).cast::<u64>()));
        let negative = V::signs(indices);
        if negative == 0 { [x, y] } else { [x, y.negate().select(negative, y)] }
    }
}

/// Chunks of eight pairs that points are asked for ahead of their turn.
const AHEAD: usize = 2;

/// Asks the memory for the points of a chunk that comes soon: they lie anywhere, and a chunk's arithmetic is too long for the processor to look beyond it.
#[inline(always)]
fn prefetch<C: Curve>(from: *const C::Packed, indices: &[u32], chunk: usize) {
    #[cfg(target_arch = "x86_64")]
    for i in indices.iter().skip(8 * chunk).take(8) {
        let point = from.wrapping_add((i & !NEGATIVE) as usize).cast::<i8>();
        for line in (0..size_of::<C::Packed>()).step_by(64) {
            // SAFETY: a hint, which reads nothing and may name any address.
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                _mm_prefetch::<_MM_HINT_T0>(point.wrapping_add(line));
            }
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (from, indices, chunk);
}

/// What the lanes of a pair are, where they are not two different points.
struct Special {
    /// The first point is infinity.
    first: u8,
    /// The second point is infinity.
    second: u8,
    /// Neither is, and they are equal.
    double: u8,
    /// Neither is, and they are opposite.
    cancel: u8,
}

impl Special {
    #[inline(always)]
    unsafe fn of<V: Lanes>([x1, y1]: [V; 2], [x2, y2]: [V; 2]) -> Self {
        // SAFETY: as the caller's.
        unsafe {
            let first = x1.zero_lanes() & y1.zero_lanes();
            let second = x2.zero_lanes() & y2.zero_lanes();
            let same = x1.equal(x2) & !first & !second;
            let double = same & y1.equal(y2);
            Self { first, second, double, cancel: same & !double }
        }
    }

    fn any(&self) -> bool {
        self.first | self.second | self.double | self.cancel != 0
    }
}

/// At most [`BLOCK`] additions.
///
/// # Safety
/// The kernel's features are enabled; the indices lie in the list; `to` has room for the results and up to a multiple of 8.
#[inline(always)]
unsafe fn add_block<C: Curve, V: Lanes>(
    from: *const C::Packed,
    left: &[u32],
    right: &[u32],
    to: *mut C::Packed,
    scratch: &mut Scratch<V>,
) {
    let count = left.len();
    if count == 0 {
        return;
    }
    let eight = |indices: &[u32], chunk: usize| -> [u32; 8] {
        match indices[8 * chunk..].first_chunk() {
            Some(full) => *full,
            // The last pair stands in for those that are missing; nobody looks at the results.
            None => std::array::from_fn(|i| indices[(8 * chunk + i).min(count - 1)]),
        }
    };
    let chunks = count.div_ceil(8);
    scratch.0.clear();
    scratch.0.reserve(chunks);
    let kept = scratch.0.as_mut_ptr();
    // SAFETY: as the caller's; the scratch has room for all chunks, and each is written before the length counts it.
    unsafe {
        let mut product = [V::one(); CHAINS];
        for chunk in 0..chunks {
            prefetch::<C>(from, left, chunk + AHEAD);
            prefetch::<C>(from, right, chunk + AHEAD);
            let p = load::<C, V>(from, &eight(left, chunk));
            let q = load::<C, V>(from, &eight(right, chunk));
            let mut denominator = q[0].sub(p[0]);
            // Infinity has x = 0; equal x is all else that can go wrong.
            let special = p[0].equal(q[0]) | p[0].zero_lanes() | q[0].zero_lanes() != 0;
            if special {
                let special = Special::of(p, q);
                denominator = p[1].sum_halved(p[1]).select(special.double, denominator);
                denominator = V::one().select(special.first | special.second | special.cancel, denominator);
            }
            let before = product[chunk % CHAINS];
            // Part by part: as a whole it would be put together elsewhere, and copied.
            let place = kept.add(chunk);
            (&raw mut (*place).first).write(p);
            (&raw mut (*place).second).write(q);
            (&raw mut (*place).denominator).write(denominator);
            (&raw mut (*place).product).write(before);
            (&raw mut (*place).special).write(special);
            product[chunk % CHAINS] = before.mul(denominator);
        }
        scratch.0.set_len(chunks);
        let (a, b) = (product[0].mul(product[1]), product[2].mul(product[3]));
        let all = a.mul(b).inverse();
        let (a, b) = (all.mul(b), all.mul(a));
        let mut inverse = [a.mul(product[1]), a.mul(product[0]), b.mul(product[3]), b.mul(product[2])];
        for (chunk, Chunk { first: p, second: q, denominator, product, special }) in scratch.0.iter().enumerate().rev() {
            let chain = &mut inverse[chunk % CHAINS];
            let reciprocal = chain.mul(*product);
            *chain = chain.mul(*denominator);
            let mut rise = q[1].sub(p[1]);
            let mut cases = None;
            if *special {
                let found = Special::of(*p, *q);
                let square = p[0].canonical().square();
                rise = square.add(square).add(square).canonical().select(found.double, rise);
                cases = Some(found).filter(Special::any);
            }
            let slope = rise.mul(reciprocal);
            let mut x = slope.square().less_two(p[0], q[0]);
            let mut y = slope.mul(p[0].sub(x)).less_two(p[1], V::zero());
            if let Some(cases) = cases {
                x = q[0].select(cases.first, p[0].select(cases.second, x));
                y = q[1].select(cases.first, p[1].select(cases.second, y));
                // Two points at infinity: the first rule gives the second point, which is infinity as well.
                x = V::zero().select(cases.cancel, x);
                y = V::zero().select(cases.cancel, y);
            }
            if 8 * chunk + 8 <= count {
                V::store_pairs([x, y], to.add(8 * chunk).cast());
            } else {
                let mut last = [C::INFINITY; 8];
                V::store_pairs([x, y], last.as_mut_ptr().cast());
                for (i, point) in last.into_iter().enumerate().take(count - 8 * chunk) {
                    to.add(8 * chunk + i).write(point);
                }
            }
        }
    }
}
