//! [`Lanes`] over arkworks' arithmetic: the safe twin of the vector kernels, and what runs where there is none.

use ark_ff::{AdditiveGroup, BigInt, Field, Fp, MontBackend, MontConfig};

use super::Lanes;
use super::inverse::inverses;

/// Eight elements of a prime field with four limbs.
#[derive(Debug)]
pub struct Portable<C: MontConfig<4>>([Fp<MontBackend<C, 4>, 4>; 8]);

impl<C: MontConfig<4>> Clone for Portable<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: MontConfig<4>> Copy for Portable<C> {}

fn read<C: MontConfig<4>>(limbs: [u64; 4]) -> Fp<MontBackend<C, 4>, 4> {
    Fp::new_unchecked(BigInt(limbs))
}

impl<C: MontConfig<4>> Portable<C> {
    fn map(self, f: impl Fn(Fp<MontBackend<C, 4>, 4>) -> Fp<MontBackend<C, 4>, 4>) -> Self {
        Self(self.0.map(f))
    }

    fn zip(
        self,
        other: Self,
        f: impl Fn(Fp<MontBackend<C, 4>, 4>, Fp<MontBackend<C, 4>, 4>) -> Fp<MontBackend<C, 4>, 4>,
    ) -> Self {
        Self(std::array::from_fn(|i| f(self.0[i], other.0[i])))
    }

    fn mask(self, f: impl Fn(usize) -> bool) -> u8 {
        (0..8).fold(0, |mask, i| mask | (u8::from(f(i)) << i))
    }
}

/// Everything here is safe code but for the pointers, whose extent the trait demands of the caller.
impl<C: MontConfig<4>> Lanes for Portable<C> {
    const LIMBS: usize = 4;

    unsafe fn splat(at: *const u64) -> Self {
        // SAFETY: the caller gives a pointer to four limbs.
        Self([read(unsafe { at.cast::<[u64; 4]>().read() }); 8])
    }

    unsafe fn load_pairs(at: [*const u64; 8]) -> [Self; 2] {
        // SAFETY: the caller gives pointers to eight limbs each.
        let pairs = at.map(|p| unsafe { p.cast::<[[u64; 4]; 2]>().read() });
        [0, 1].map(|k| Self(pairs.map(|pair| read(pair[k]))))
    }

    unsafe fn store_pairs([x, y]: [Self; 2], to: *mut u64) {
        for i in 0..8 {
            // SAFETY: the caller gives room for eight pairs of four limbs.
            unsafe { to.cast::<[[u64; 4]; 2]>().add(i).write([x.0[i].0.0, y.0[i].0.0]) };
        }
    }

    unsafe fn store(self, to: *mut u64) {
        // SAFETY: the caller gives room for eight times four limbs.
        unsafe { to.cast::<[[u64; 4]; 8]>().write(self.0.map(|x| x.0.0)) };
    }

    unsafe fn load(from: *const u64) -> Self {
        // SAFETY: the caller gives a pointer to eight times four limbs.
        Self(unsafe { from.cast::<[[u64; 4]; 8]>().read() }.map(read))
    }

    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    unsafe fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    unsafe fn square(self) -> Self {
        self.map(|a| a.square())
    }

    unsafe fn canonical(self) -> Self {
        self
    }

    unsafe fn equal(self, other: Self) -> u8 {
        self.mask(|i| self.0[i] == other.0[i])
    }

    unsafe fn zero_lanes(self) -> u8 {
        self.mask(|i| self.0[i] == Fp::ZERO)
    }

    unsafe fn select(self, mask: u8, other: Self) -> Self {
        Self(std::array::from_fn(|i| if mask & (1 << i) != 0 { self.0[i] } else { other.0[i] }))
    }

    unsafe fn less_two(self, b: Self, c: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - b.0[i] - c.0[i]))
    }

    unsafe fn negate(self) -> Self {
        self.map(|a| -a)
    }

    unsafe fn halved(self) -> Self {
        self
    }

    unsafe fn exchange<const DISTANCE: usize>(self) -> Self {
        Self(std::array::from_fn(|i| self.0[i ^ DISTANCE]))
    }

    unsafe fn to_kernel(self) -> Self {
        self
    }

    unsafe fn to_arkworks(self) -> Self {
        self
    }

    unsafe fn inverse(self) -> Self {
        let mut values = self.0;
        inverses(&mut values);
        Self(values)
    }

    unsafe fn one() -> Self {
        Self([Fp::ONE; 8])
    }

    unsafe fn zero() -> Self {
        Self([Fp::ZERO; 8])
    }
}
