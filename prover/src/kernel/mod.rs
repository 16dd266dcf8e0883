//! Field arithmetic on eight elements at a time: what MSM and NTT are written in.
//!
//! [`Lanes`] is the contract, with three implementations that give the same results: [`portable`], eight elements of arkworks side by side, on any
//! processor; `fma`, AVX2 with fused multiply-add of doubles; and `ifma`, AVX-512 with 52-bit multiply-add. [`Kernel::detect`] picks by what
//! the processor has, and the environment variable `TAPSTONE_KERNEL` can force a kernel.
//!
//! Elements lie in memory as four 64-bit limbs, canonical, in the Montgomery form of the kernel: `a R`, where R is two to the power of
//! [`Kernel::radix_bits`]: 256 for the portable one (which is arkworks' own), 255 for `fma`, where a multiplication reduces five limbs of 51 bits, and 260
//! for `ifma`, which has limbs of 52. They never mix: whoever lays out data for a kernel converts it.
//!
//! Hazard: the vector code is compiled for features that the processor may lack. It runs only inside functions that enable them,
//! which [`Kernel::Fma`] and [`Kernel::Ifma`] alone may call, and those values exist only after detection.

#[cfg(target_arch = "x86_64")]
mod arrays;
#[cfg(target_arch = "x86_64")]
pub mod fma;
#[cfg(target_arch = "x86_64")]
pub mod ifma;
pub(crate) mod inverse;
pub mod portable;
mod quadratic;

pub use quadratic::Quadratic;

/// Which arithmetic runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Arkworks' scalar arithmetic.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Fma(fma::Detected),
    /// AVX-512 IFMA.
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Detected),
}

impl Kernel {
    /// The fastest that this processor has, or the one that the environment variable `TAPSTONE_KERNEL` names: `portable`, `fma` or `ifma`.
    ///
    /// A name that is unknown, or of a kernel that the processor lacks, is passed over, as if the variable were not set:
    /// all kernels give the same results.
    pub fn detect() -> Self {
        let named = std::env::var_os("TAPSTONE_KERNEL");
        let mut kernels = Self::all();
        let place = kernels.iter().position(|kernel| named.as_ref().is_some_and(|name| name == kernel.setting()));
        kernels.swap_remove(place.unwrap_or(kernels.len() - 1))
    }

    /// What `TAPSTONE_KERNEL` says, where that is the name of no kernel here and [`Self::detect`] passes it over.
    pub fn passed_over() -> Option<String> {
        let named = std::env::var_os("TAPSTONE_KERNEL")?;
        let known = Self::all().into_iter().any(|kernel| named == kernel.setting());
        (!known).then(|| named.to_string_lossy().into_owned())
    }

    /// All kernels that this processor has, the fastest last.
    pub fn all() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), allow(unused_mut, reason = "there are others for x86-64 alone"))]
        let mut kernels = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(fma::Detected::now().map(Self::Fma));
            kernels.extend(ifma::Detected::now().map(Self::Ifma));
        }
        kernels
    }

    /// What `TAPSTONE_KERNEL` calls it.
    const fn setting(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Fma(_) => "fma",
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => "ifma",
        }
    }

    /// Its name, as benchmarks tell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Fma(_) => "avx2fma",
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => "avx512ifma",
        }
    }

    /// Its Montgomery form is `a R` with R two to this power.
    pub const fn radix_bits(self) -> u32 {
        match self {
            Self::Portable => 256,
            #[cfg(target_arch = "x86_64")]
            Self::Fma(_) => 255,
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => 260,
        }
    }
}

/// Eight field elements. Between operations values may be several times the modulus; `canonical` brings them below it.
///
/// Bounds, in multiples of the modulus (of absolute values, where a kernel has signs): operands of `mul` and `square` are below 4, their product is
/// at most 4 (so both may be below 2), and they give below 2, which stands for 2.02 in a kernel with signs; `sub` takes an operand below 4, subtracts one
/// below 2, and gives below 6; `add` gives the sum of its operands, which must be below 6.
///
/// What `load_pairs`, `less_two` and `negate` give, and `select` of those, may be in a form that only sums, differences, comparisons and `store_pairs` take:
/// `canonical` makes operands of `mul` and `square` of it.
///
/// # Safety
/// All methods may only be called where the features of the implementation are enabled.
pub trait Lanes: Copy {
    /// Limbs of one element in memory.
    const LIMBS: usize;

    /// Eight times the same element.
    ///
    /// # Safety
    /// As for the trait; `at` points to `LIMBS` limbs.
    unsafe fn splat(at: *const u64) -> Self;

    /// Two elements that lie one after the other, from each of eight places: the coordinates of eight points.
    ///
    /// # Safety
    /// As for the trait; each pointer is to `2 * LIMBS` limbs.
    unsafe fn load_pairs(at: [*const u64; 8]) -> [Self; 2];

    /// Writes what `load_pairs` reads, eight pairs in a row.
    ///
    /// # Safety
    /// As for the trait; both are canonical, and `to` points to `16 * LIMBS` limbs.
    unsafe fn store_pairs(pairs: [Self; 2], to: *mut u64);

    /// Writes the eight elements one after the other.
    ///
    /// # Safety
    /// As for the trait; the value is canonical, and `to` points to `8 * LIMBS` limbs.
    unsafe fn store(self, to: *mut u64);

    /// Reads eight elements that lie one after the other.
    ///
    /// # Safety
    /// As for the trait; `from` points to `8 * LIMBS` limbs.
    unsafe fn load(from: *const u64) -> Self;

    /// Sum.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn add(self, other: Self) -> Self;

    /// Difference.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn sub(self, other: Self) -> Self;

    /// Product.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn mul(self, other: Self) -> Self;

    /// Square.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn square(self) -> Self;

    /// Product of elements `a0 + a1 u` of the extension by `u^2 = -1`; operands below 2 (IFMA: 4), results below 2.
    ///
    /// # Safety
    /// As for the trait.
    #[inline(always)]
    unsafe fn mul_quadratic([a0, a1]: [Self; 2], [b0, b1]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as the caller's. Karatsuba's way, with sums that are brought down at once.
        unsafe {
            let (v0, v1) = (a0.mul(b0), a1.mul(b1));
            let cross = a0.sum_halved(a1).mul(b0.sum_halved(b1));
            [v0.difference_halved(v1), cross.difference_halved(v0).difference_halved(v1)]
        }
    }

    /// Square of an element `a0 + a1 u` of the extension by `u^2 = -1`; operands below 2, results below 2.
    ///
    /// # Safety
    /// As for the trait.
    #[inline(always)]
    unsafe fn square_quadratic([a0, a1]: [Self; 2]) -> [Self; 2] {
        // SAFETY: as the caller's.
        unsafe { [a0.sum_halved(a1).mul(a0.difference_halved(a1)), a0.sum_halved(a0).mul(a1)] }
    }

    /// The highest bits of eight numbers, as a mask.
    ///
    /// # Safety
    /// As for the trait.
    #[inline(always)]
    unsafe fn signs(indices: &[u32; 8]) -> u8 {
        (0..8).fold(0u8, |mask, i| mask | ((indices[i] >> 31) as u8) << i)
    }

    /// The same elements below the modulus, from below 6 times it.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn canonical(self) -> Self;

    /// In which lanes canonical elements are equal, as a mask; both come from memory, or both from `canonical`.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn equal(self, other: Self) -> u8;

    /// In which lanes canonical elements are 0.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn zero_lanes(self) -> u8;

    /// `self` in the lanes of the mask, `other` in the rest.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn select(self, mask: u8, other: Self) -> Self;

    /// `self - b - c`, for canonical b and c, canonical; `self` is below 2 times the modulus.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn less_two(self, b: Self, c: Self) -> Self;

    /// The negatives of canonical elements, canonical.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn negate(self) -> Self;

    /// Below 2 times the modulus, from below 4 times it.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn halved(self) -> Self;

    /// `self.add(other).halved()`.
    ///
    /// # Safety
    /// As for the trait.
    #[inline(always)]
    unsafe fn sum_halved(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.add(other).halved() }
    }

    /// `self.sub(other).halved()`, of operands below 2.
    ///
    /// # Safety
    /// As for the trait.
    #[inline(always)]
    unsafe fn difference_halved(self, other: Self) -> Self {
        // SAFETY: as the caller's.
        unsafe { self.sub(other).halved() }
    }

    /// Lane i gets what lane `i ^ DISTANCE` has, for a distance of 1, 2 or 4.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn exchange<const DISTANCE: usize>(self) -> Self;

    /// From arkworks' Montgomery form, below the modulus.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn to_kernel(self) -> Self;

    /// To arkworks' Montgomery form, canonical.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn to_arkworks(self) -> Self;

    /// The inverses of eight elements that are not 0, below 8 times the modulus.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn inverse(self) -> Self;

    /// The element 1 in every lane.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn one() -> Self;

    /// The element 0 in every lane.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn zero() -> Self;
}
