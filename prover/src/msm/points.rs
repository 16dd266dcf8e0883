//! Points in the kernel's form, and affine additions in batches.

use std::marker::PhantomData;
use std::sync::LazyLock;

use ark_bn254::{Fq, Fq2, FqConfig, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, Field};
use rayon::prelude::*;

use super::table::{self, Table};
use crate::kernel::portable::Portable;
use crate::kernel::{Kernel, Lanes, Quadratic};
#[cfg(target_arch = "x86_64")]
use crate::kernel::{fma::Fma, ifma::Ifma};
use crate::memory::{List, Plain, View};

/// A point as the kernel reads it: x, then y, canonical in the kernel's Montgomery form; all zeros for infinity, which is on neither curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Packed<const LIMBS: usize>(pub(super) [u64; LIMBS]);

// SAFETY: limbs of any value, without padding, for their size is a multiple of the alignment.
unsafe impl Plain for Packed<8> {}
// SAFETY: as above.
unsafe impl Plain for Packed<16> {}

/// One of the two groups.
#[allow(private_bounds, reason = "there are two, and no others")]
pub trait Curve: Copy + Send + Sync + 'static {
    /// Points.
    type Affine: AffineRepr<Group = Self::Projective>;
    /// Sums.
    type Projective: CurveGroup<Affine = Self::Affine>;
    /// A point in memory.
    type Packed: Plain + AsRef<[u64]> + AsMut<[u64]> + PartialEq + std::fmt::Debug;
    /// Coordinates in arkworks' arithmetic.
    type Portable: Lanes;
    /// Coordinates in vectors of doubles.
    #[cfg(target_arch = "x86_64")]
    type Fma: Lanes;
    /// Coordinates in vectors of integers.
    #[cfg(target_arch = "x86_64")]
    type Ifma: Lanes;

    /// Infinity.
    const INFINITY: Self::Packed;

    /// Base field elements of a point's coordinates.
    type Coordinates: AsRef<[Fq]> + AsMut<[Fq]>;

    /// The coordinates, x first; `None` for infinity.
    fn coordinates(point: &Self::Affine) -> Option<Self::Coordinates>;

    /// The point with these coordinates.
    fn point(coordinates: Self::Coordinates) -> Self::Affine;

    /// Coordinates of no point, to be filled.
    fn no_coordinates() -> Self::Coordinates;
}

impl<const LIMBS: usize> AsRef<[u64]> for Packed<LIMBS> {
    fn as_ref(&self) -> &[u64] {
        &self.0
    }
}

impl<const LIMBS: usize> AsMut<[u64]> for Packed<LIMBS> {
    fn as_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

/// G1.
#[derive(Clone, Copy, Debug)]
pub struct G1;

/// G2.
#[derive(Clone, Copy, Debug)]
pub struct G2;

impl Curve for G1 {
    type Affine = G1Affine;
    type Projective = G1Projective;
    type Packed = Packed<8>;
    type Portable = Portable<FqConfig>;
    #[cfg(target_arch = "x86_64")]
    type Fma = Fma<FqConfig>;
    #[cfg(target_arch = "x86_64")]
    type Ifma = Ifma<FqConfig>;
    const INFINITY: Packed<8> = Packed([0; 8]);

    type Coordinates = [Fq; 2];

    fn coordinates(point: &G1Affine) -> Option<[Fq; 2]> {
        point.xy().map(|(x, y)| [x, y])
    }

    fn point([x, y]: [Fq; 2]) -> G1Affine {
        G1Affine::new_unchecked(x, y)
    }

    fn no_coordinates() -> [Fq; 2] {
        [Fq::ZERO; 2]
    }
}

impl Curve for G2 {
    type Affine = G2Affine;
    type Projective = G2Projective;
    type Packed = Packed<16>;
    type Portable = Quadratic<Portable<FqConfig>>;
    #[cfg(target_arch = "x86_64")]
    type Fma = Quadratic<Fma<FqConfig>>;
    #[cfg(target_arch = "x86_64")]
    type Ifma = Quadratic<Ifma<FqConfig>>;
    const INFINITY: Packed<16> = Packed([0; 16]);

    type Coordinates = [Fq; 4];

    fn coordinates(point: &G2Affine) -> Option<[Fq; 4]> {
        point.xy().map(|(x, y)| [x.c0, x.c1, y.c0, y.c1])
    }

    fn point([x0, x1, y0, y1]: [Fq; 4]) -> G2Affine {
        G2Affine::new_unchecked(Fq2::new(x0, x1), Fq2::new(y0, y1))
    }

    fn no_coordinates() -> [Fq; 4] {
        [Fq::ZERO; 4]
    }
}

/// The factor from a Montgomery form to another one: a power of two, which can be below one.
fn factor(from_bits: u32, to_bits: u32) -> Fq {
    /// The radices of all kernels are closer to each other.
    const CLOSE: u32 = 16;
    static FACTORS: LazyLock<[[Fq; CLOSE as usize]; 2]> = LazyLock::new(|| {
        let half = Fq::from(2u64).inverse().expect("2 is not zero");
        [Fq::from(2u64), half].map(|base| std::array::from_fn(|i| base.pow([i as u64])))
    });
    let (difference, down) = (from_bits.abs_diff(to_bits), usize::from(to_bits < from_bits));
    match FACTORS[down].get(difference as usize) {
        Some(factor) => *factor,
        None => FACTORS[down][1].pow([u64::from(difference)]),
    }
}

/// Arkworks' Montgomery form: `R = 2^256`.
const ARKWORKS_BITS: u32 = 256;

/// A point in the form of a kernel.
pub(crate) fn pack<C: Curve>(kernel: Kernel, point: &C::Affine) -> C::Packed {
    packed::<C>(factor(ARKWORKS_BITS, kernel.radix_bits()), point)
}

fn packed<C: Curve>(factor: Fq, point: &C::Affine) -> C::Packed {
    let mut packed = C::INFINITY;
    if let Some(coordinates) = C::coordinates(point) {
        for (limbs, c) in packed.as_mut().chunks_exact_mut(4).zip(coordinates.as_ref()) {
            limbs.copy_from_slice(&(*c * factor).0.0);
        }
    }
    packed
}

/// Bases in the form of a kernel, each of which belongs to a scalar.
pub struct Bases<C: Curve> {
    kernel: Kernel,
    points: List<C::Packed>,
    /// The index of each base's scalar, where some have no base.
    scalars: Option<View<u32>>,
    table: Option<Table<C>>,
}

impl<C: Curve> std::fmt::Debug for Bases<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bases({} points, {})", self.points.len(), self.kernel.name())
    }
}

impl<C: Curve> Bases<C> {
    /// Lays out points for a kernel: one multiplication for each coordinate.
    pub fn new(kernel: Kernel, points: &[C::Affine]) -> Self {
        let factor = factor(ARKWORKS_BITS, kernel.radix_bits());
        let points = points.par_iter().map(|point| packed::<C>(factor, point)).collect();
        Self { kernel, points: List::Owned(points), scalars: None, table: None }
    }

    /// Points that are laid out for a radix of `2^bits` already: taken as they are if that is the kernel's, else converted.
    pub(crate) fn laid_out(kernel: Kernel, bits: u32, points: View<C::Packed>, scalars: Option<View<u32>>) -> Self {
        let points = if bits == kernel.radix_bits() {
            List::View(points)
        } else {
            let factor = factor(bits, kernel.radix_bits());
            let convert = |point: &C::Packed| packed::<C>(factor, &unpacked::<C>(Fq::ONE, point));
            List::Owned(points.par_iter().map(convert).collect())
        };
        Self { kernel, points, scalars, table: None }
    }

    /// Number of bases.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The kernel that they are laid out for.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The same bases with multiples of each, so that a multiplication has fewer buckets to weigh: `levels` points in memory for each base. Levels beyond
    /// the number of windows are not made; one is as good as none.
    #[must_use]
    pub fn with_table(self, levels: usize) -> Self {
        let table = Table::new(self.kernel, &self.points, levels);
        Self { table, ..self }
    }

    /// Bytes that a table of so many levels takes.
    pub fn table_bytes(&self, levels: usize) -> u64 {
        table::bytes::<C>(self.len(), levels)
    }

    pub(super) fn table(&self) -> Option<&Table<C>> {
        self.table.as_ref()
    }

    /// The points that entries name: of the table, which begins with the bases themselves, or else the bases.
    pub(super) fn multiples(&self) -> &[C::Packed] {
        self.table.as_ref().map_or(&self.points, Table::points)
    }

    /// The points in arkworks' form.
    pub(crate) fn to_affine(&self) -> Vec<C::Affine> {
        self.points.par_iter().map(|point| unpack::<C>(self.kernel, point)).collect()
    }

    pub(super) fn is_infinity(&self, index: usize) -> bool {
        self.points[index] == C::INFINITY
    }

    /// The index of a base's scalar.
    pub(crate) fn scalar_of(&self, index: usize) -> usize {
        self.scalars.as_ref().map_or(index, |list| list.get(index).map_or(usize::MAX, |i| *i as usize))
    }

    /// Bases that have one of so many scalars, where each has its own.
    pub(super) fn with_scalars(&self, count: usize) -> usize {
        if self.scalars.is_some() { self.len() } else { self.len().min(count) }
    }
}

/// From the kernel's form.
pub(super) fn unpack<C: Curve>(kernel: Kernel, packed: &C::Packed) -> C::Affine {
    unpacked::<C>(factor(kernel.radix_bits(), ARKWORKS_BITS), packed)
}

fn unpacked<C: Curve>(factor: Fq, packed: &C::Packed) -> C::Affine {
    if *packed == C::INFINITY {
        return C::Affine::zero();
    }
    let mut coordinates = C::no_coordinates();
    for (c, limbs) in coordinates.as_mut().iter_mut().zip(packed.as_ref().chunks_exact(4)) {
        *c = Fq::new_unchecked(BigInt([limbs[0], limbs[1], limbs[2], limbs[3]])) * factor;
    }
    C::point(coordinates)
}

/// The negative of a point that is not infinity.
pub(super) fn negate<C: Curve>(packed: &mut C::Packed) {
    let y = packed.as_mut().len() / 2;
    for limbs in packed.as_mut()[y..].chunks_exact_mut(4) {
        // The same subtraction in every Montgomery form.
        let value = -Fq::new_unchecked(BigInt([limbs[0], limbs[1], limbs[2], limbs[3]]));
        limbs.copy_from_slice(&value.0.0);
    }
}

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
