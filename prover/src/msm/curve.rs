//! [`Curve`]: the two groups, and their points in the form of a kernel.

use std::sync::LazyLock;

use ark_bn254::{Fq, Fq2, FqConfig, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, BigInt, Field};

use crate::kernel::portable::Portable;
use crate::kernel::{Kernel, Lanes, Quadratic};
#[cfg(target_arch = "x86_64")]
use crate::kernel::{fma::Fma, ifma::Ifma};
use crate::memory::Plain;

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
pub(super) fn factor(from_bits: u32, to_bits: u32) -> Fq {
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
pub(super) const ARKWORKS_BITS: u32 = 256;

/// A point in the form of a kernel.
pub(crate) fn pack<C: Curve>(kernel: Kernel, point: &C::Affine) -> C::Packed {
    packed::<C>(factor(ARKWORKS_BITS, kernel.radix_bits()), point)
}

/// A point whose coordinates are multiplied by a factor.
pub(super) fn packed<C: Curve>(factor: Fq, point: &C::Affine) -> C::Packed {
    let mut packed = C::INFINITY;
    if let Some(coordinates) = C::coordinates(point) {
        for (limbs, c) in packed.as_mut().chunks_exact_mut(4).zip(coordinates.as_ref()) {
            limbs.copy_from_slice(&(*c * factor).0.0);
        }
    }
    packed
}

/// From the kernel's form.
pub(super) fn unpack<C: Curve>(kernel: Kernel, packed: &C::Packed) -> C::Affine {
    unpacked::<C>(factor(kernel.radix_bits(), ARKWORKS_BITS), packed)
}

/// The point whose coordinates are these, multiplied by a factor.
pub(super) fn unpacked<C: Curve>(factor: Fq, packed: &C::Packed) -> C::Affine {
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

