//! [`Amount`] and [`TokenId`]: how much of what.
//!
//! An amount is below `2^96`, a token id below `2^30`; hash inputs pack both at these widths, so a wider number would run
//! into its neighbour. Both types hold the bound by construction.

mod decimal;

use std::fmt;
use std::str::FromStr;

use ark_bn254::Fr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;

pub use decimal::{DecimalError, parse_decimal};

/// An amount is not below `2^96`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("amount {had} is not below 2^96")]
pub struct AmountError {
    /// The number that was refused.
    pub had: u128,
}

/// An amount, fee, reserve or supply: an integer below `2^96`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u128);

impl Amount {
    /// Bits of the widest amount.
    pub const BITS: u32 = 96;
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// `2^96 - 1`.
    pub const MAX: Self = Self((1 << Self::BITS) - 1);

    /// Takes an integer below `2^96`.
    ///
    /// # Errors
    /// [`AmountError`] if it is not.
    pub const fn new(value: u128) -> Result<Self, AmountError> {
        if value <= Self::MAX.0 { Ok(Self(value)) } else { Err(AmountError { had: value }) }
    }

    /// The integer.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// Whether this is 0.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, if it is an amount.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0).ok()
    }

    /// The difference, if it is an amount.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl TryFrom<u128> for Amount {
    type Error = AmountError;
    fn try_from(value: u128) -> Result<Self, AmountError> {
        Self::new(value)
    }
}

impl From<Amount> for Fr {
    fn from(amount: Amount) -> Self {
        Fr::from(amount.0)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Amount {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        parse_decimal(text, Self::MAX.0).map(Self)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A token id is not below `2^30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("token id {had} is not below 2^30")]
pub struct TokenIdError {
    /// The number that was refused.
    pub had: u32,
}

/// The id of a token: 0 for none, `1 .. 2^29 - 1` for ordinary tokens, `2^29 + p` for the shares of pool p.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
pub struct TokenId(u32);

impl TokenId {
    /// No token.
    pub const NONE: Self = Self(0);
    /// The chain's bitcoin.
    pub const NATIVE: Self = Self(1);
    /// The first id of a share token; ids below it are ordinary.
    pub const FIRST_LP: u32 = 1 << 29;
    /// Every id is below this.
    pub const LIMIT: u32 = 1 << 30;

    /// Takes a number below `2^30`.
    ///
    /// # Errors
    /// [`TokenIdError`] if it is not.
    pub const fn new(id: u32) -> Result<Self, TokenIdError> {
        if id < Self::LIMIT { Ok(Self(id)) } else { Err(TokenIdError { had: id }) }
    }

    /// The token of the shares of a pool, if the pool's index is below `2^29`.
    pub const fn lp(pool: u32) -> Option<Self> {
        if pool < Self::FIRST_LP { Some(Self(Self::FIRST_LP + pool)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether this is [`TokenId::NONE`].
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether this is a token that can stand in a pool and be deposited: neither none nor a share.
    pub const fn is_ordinary(self) -> bool {
        0 < self.0 && self.0 < Self::FIRST_LP
    }

    /// The pool whose shares these are.
    pub const fn pool(self) -> Option<u32> {
        self.0.checked_sub(Self::FIRST_LP)
    }
}

impl TryFrom<u32> for TokenId {
    type Error = TokenIdError;
    fn try_from(id: u32) -> Result<Self, TokenIdError> {
        Self::new(id)
    }
}

impl From<TokenId> for u32 {
    fn from(id: TokenId) -> u32 {
        id.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_below_2_to_the_96() {
        assert_eq!(Amount::new((1 << 96) - 1), Ok(Amount::MAX));
        assert_eq!(Amount::new(1 << 96), Err(AmountError { had: 1 << 96 }));
        assert_eq!(Amount::MAX.checked_add(Amount::from(1)), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount::from(1)), None);
        assert_eq!("79228162514264337593543950335".parse(), Ok(Amount::MAX));
        assert!("79228162514264337593543950336".parse::<Amount>().is_err());
    }

    #[test]
    fn decimal_text_has_one_form() {
        assert_eq!("0".parse(), Ok(Amount::ZERO));
        for bad in ["", "00", "01", "+1", "-1", " 1", "1 ", "1_0", "1.0", "0x1", "１", &"9".repeat(60)] {
            assert!(bad.parse::<Amount>().is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<Amount>("5").is_err());
        assert_eq!(serde_json::to_string(&Amount::from(5)).unwrap(), "\"5\"");
    }

    #[test]
    fn token_ids_are_ordinary_or_shares() {
        assert!(!TokenId::NONE.is_ordinary());
        assert!(TokenId::NATIVE.is_ordinary());
        assert!(TokenId::new((1 << 29) - 1).unwrap().is_ordinary());
        let lp = TokenId::lp(3).unwrap();
        assert!(!lp.is_ordinary());
        assert_eq!(lp.pool(), Some(3));
        assert_eq!(TokenId::lp(1 << 29), None);
        assert!(TokenId::new(1 << 30).is_err());
    }
}
