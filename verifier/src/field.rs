//! [`Element`]: a canonical element of the scalar field of BN254, as bytes.
//!
//! Public signatures of this crate speak of elements in this form, so that a caller needs no arithmetic library.

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use core::fmt;

/// An integer below the order r of BN254's scalar field, held as 32 big-endian bytes.
///
/// Every value of this type is canonical: [`Element::from_be_bytes`] refuses integers that are r or more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element([u8; 32]);

/// The integer in these bytes is not below the order of the scalar field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotCanonical {
    /// The bytes that were refused, big-endian.
    pub bytes: [u8; 32],
}

impl fmt::Display for NotCanonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{} is not below the order of the BN254 scalar field", hex::encode(self.bytes))
    }
}

impl core::error::Error for NotCanonical {}

impl NotCanonical {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        2
    }
}

impl Element {
    /// The element 0.
    pub const ZERO: Self = Self([0; 32]);

    /// Takes 32 big-endian bytes.
    ///
    /// # Errors
    /// [`NotCanonical`] if the integer is not below r.
    pub fn from_be_bytes(bytes: [u8; 32]) -> Result<Self, NotCanonical> {
        if to_fr(&bytes).is_some() { Ok(Self(bytes)) } else { Err(NotCanonical { bytes }) }
    }

    /// The 32 big-endian bytes.
    pub fn to_be_bytes(self) -> [u8; 32] {
        self.0
    }

    /// An integer of 128 bits.
    pub(crate) fn from_u128(x: u128) -> Self {
        let mut out = [0; 32];
        out[16..].copy_from_slice(&x.to_be_bytes());
        Self(out)
    }

    pub(crate) fn fr(self) -> Fr {
        to_fr(&self.0).expect("an Element is below r by construction")
    }

    pub(crate) fn from_fr(x: Fr) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(&x.into_bigint().to_bytes_be());
        Self(out)
    }
}

fn to_fr(bytes: &[u8; 32]) -> Option<Fr> {
    let mut limbs = [0u64; 4];
    for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_be_bytes(chunk.try_into().ok()?);
    }
    Fr::from_bigint(ark_ff::BigInt(limbs))
}

impl From<u64> for Element {
    fn from(x: u64) -> Self {
        Self::from_u128(x.into())
    }
}

#[cfg(feature = "arkworks")]
impl From<Fr> for Element {
    fn from(x: Fr) -> Self {
        Self::from_fr(x)
    }
}

#[cfg(feature = "arkworks")]
impl From<Element> for Fr {
    fn from(x: Element) -> Self {
        x.fr()
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(self.0))
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is wrong with the text of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseElementError {
    /// The text is not `0x` and 64 lower-case hexadecimal digits.
    NotHex,
    /// The integer is not below r.
    NotCanonical(NotCanonical),
}

impl fmt::Display for ParseElementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHex => f.write_str("expected 0x and 64 lower-case hexadecimal digits"),
            Self::NotCanonical(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for ParseElementError {}

impl ParseElementError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::NotHex => 1,
            Self::NotCanonical(e) => e.code(),
        }
    }
}

impl core::str::FromStr for Element {
    type Err = ParseElementError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let digits = s.strip_prefix("0x").ok_or(ParseElementError::NotHex)?;
        if digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ParseElementError::NotHex);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseElementError::NotHex)?;
        Self::from_be_bytes(bytes).map_err(ParseElementError::NotCanonical)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Element {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Element {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = alloc::string::String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
