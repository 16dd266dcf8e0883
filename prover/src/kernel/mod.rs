//! Field arithmetic on eight elements at a time: what MSM and NTT are written in.
//!
//! [`Lanes`] is the contract, with two implementations that give the same results: [`portable`], eight elements of arkworks side by side, on any
//! processor; and `ifma`, AVX-512 with 52-bit multiply-add. [`Kernel::detect`] picks by what the processor has; the environment variable
//! `TAPSTONE_KERNEL=portable` forces the vector kernel off.
//!
//! Elements lie in memory as four 64-bit limbs, canonical, in the Montgomery form of the kernel: `a R` with `R = 2^256` for the
//! portable one (which is arkworks' own) and `R = 2^260` for AVX-512, where a multiplication reduces five limbs of 52 bits. The two never mix: whoever
//! lays out data for a kernel converts it.
//!
//! Hazard: the vector code is compiled for features that the processor may lack. It runs only inside functions that enable them,
//! which [`Kernel::Ifma`] alone may call, and that value exists only after detection.

#[cfg(target_arch = "x86_64")]
pub mod ifma;
pub mod portable;
mod quadratic;

pub use quadratic::Quadratic;

/// Which arithmetic runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Arkworks' scalar arithmetic.
    Portable,
    /// AVX-512 IFMA.
    #[cfg(target_arch = "x86_64")]
    Ifma(ifma::Detected),
}

impl Kernel {
    /// The fastest that this processor has, unless the environment variable `TAPSTONE_KERNEL` is `portable`.
    pub fn detect() -> Self {
        if std::env::var_os("TAPSTONE_KERNEL").is_some_and(|value| value == "portable") {
            return Self::Portable;
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(detected) = ifma::Detected::now() {
            return Self::Ifma(detected);
        }
        Self::Portable
    }

    /// Its Montgomery radix is two to this power.
    pub const fn radix_bits(self) -> u32 {
        match self {
            Self::Portable => 256,
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => 260,
        }
    }

    /// Its name, as benchmarks tell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Ifma(_) => "avx512ifma",
        }
    }
}

/// Eight field elements. Between operations values may be several times the modulus; `canonical` brings them below it.
///
/// Bounds, in multiples of the modulus: operands of `mul` and `square` are below 8, and they give below 2; `sub` takes an operand below 4, subtracts
/// one below 2, and gives below 6; `add` gives the sum of its operands, which must be below 6.
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

    /// The same elements below the modulus, from below 6 times it.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn canonical(self) -> Self;

    /// In which lanes canonical elements are equal, as a mask.
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

    /// Lane i gets what lane `i ^ DISTANCE` has, for a distance of 1, 2 or 4.
    ///
    /// # Safety
    /// As for the trait.
    unsafe fn exchange<const DISTANCE: usize>(self) -> Self;

    /// From arkworks' Montgomery form, canonical.
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
