//! The quadratic extension by a square root of -1, over any [`Lanes`]: BN254's Fq2.

use super::Lanes;

/// Eight elements `c0 + c1 u` with `u^2 = -1`. Coordinates obey the bounds of the base field's lanes.
#[derive(Clone, Copy, Debug)]
pub struct Quadratic<V>([V; 2]);

/// Memory: c0, then c1.
impl<V: Lanes> Lanes for Quadratic<V> {
    const LIMBS: usize = 2 * V::LIMBS;

    #[inline(always)]
    unsafe fn splat(at: *const u64) -> Self {
        // SAFETY: as the caller's, for each half.
        unsafe { Self([V::splat(at), V::splat(at.add(V::LIMBS))]) }
    }

    #[inline(always)]
    unsafe fn load_pairs(at: [*const u64; 8]) -> [Self; 2] {
        // SAFETY: as the caller's: each place holds x.c0, x.c1, y.c0, y.c1.
        unsafe {
            let x = V::load_pairs(at);
            let y = V::load_pairs(at.map(|p| p.add(2 * V::LIMBS)));
            [Self(x), Self(y)]
        }
    }

    #[inline(always)]
    unsafe fn store_pairs([x, y]: [Self; 2], to: *mut u64) {
        let (mut first, mut second) = ([0u64; 64], [0u64; 64]);
        let half = 2 * V::LIMBS;
        assert!(8 * half == 64, "the base field has four limbs");
        // SAFETY: as the caller's; the buffers hold eight pairs each.
        unsafe {
            V::store_pairs(x.0, first.as_mut_ptr());
            V::store_pairs(y.0, second.as_mut_ptr());
            for i in 0..8 {
                let place = to.add(i * 2 * half);
                place.copy_from_nonoverlapping(first.as_ptr().add(i * half), half);
                place.add(half).copy_from_nonoverlapping(second.as_ptr().add(i * half), half);
            }
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u64) {
        // SAFETY: as the caller's: eight elements of c0, c1 are eight pairs.
        unsafe { V::store_pairs(self.0, to) }
    }

    #[inline(always)]
    unsafe fn load(from: *const u64) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self(V::load_pairs(std::array::from_fn(|i| from.add(i * Self::LIMBS)))) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].add(other.0[0]), self.0[1].add(other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].sub(other.0[0]), self.0[1].sub(other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self(V::mul_quadratic(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn square(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self(V::square_quadratic(self.0)) }
    }

    #[inline(always)]
    unsafe fn signs(indices: &[u32; 8]) -> u8 {
        // SAFETY: as the caller's.
        unsafe { V::signs(indices) }
    }

    #[inline(always)]
    unsafe fn canonical(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].canonical(), self.0[1].canonical()]) }
    }

    #[inline(always)]
    unsafe fn equal(self, other: Self) -> u8 {
        // SAFETY: as the caller's.
        unsafe { self.0[0].equal(other.0[0]) & self.0[1].equal(other.0[1]) }
    }

    #[inline(always)]
    unsafe fn zero_lanes(self) -> u8 {
        // SAFETY: as the caller's.
        unsafe { self.0[0].zero_lanes() & self.0[1].zero_lanes() }
    }

    #[inline(always)]
    unsafe fn select(self, mask: u8, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].select(mask, other.0[0]), self.0[1].select(mask, other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn less_two(self, b: Self, c: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].less_two(b.0[0], c.0[0]), self.0[1].less_two(b.0[1], c.0[1])]) }
    }

    #[inline(always)]
    unsafe fn negate(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].negate(), self.0[1].negate()]) }
    }

    #[inline(always)]
    unsafe fn halved(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].halved(), self.0[1].halved()]) }
    }

    #[inline(always)]
    unsafe fn exchange<const DISTANCE: usize>(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].exchange::<DISTANCE>(), self.0[1].exchange::<DISTANCE>()]) }
    }

    #[inline(always)]
    unsafe fn to_kernel(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].to_kernel(), self.0[1].to_kernel()]) }
    }

    #[inline(always)]
    unsafe fn to_arkworks(self) -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([self.0[0].to_arkworks(), self.0[1].to_arkworks()]) }
    }

    #[inline(always)]
    unsafe fn inverse(self) -> Self {
        // SAFETY: as the caller's: 1 / (c0 + c1 u) = (c0 - c1 u) / (c0^2 + c1^2).
        unsafe {
            let norm = self.0[0].square().add(self.0[1].square());
            let inverse = norm.inverse();
            Self([self.0[0].mul(inverse), V::zero().difference_halved(self.0[1].mul(inverse))])
        }
    }

    #[inline(always)]
    unsafe fn one() -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([V::one(), V::zero()]) }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: as the caller's.
        unsafe { Self([V::zero(), V::zero()]) }
    }
}
