//! The JSON forms of section 1: amounts and nonces are canonical decimal strings, 32-byte strings are hexadecimal digits.

use alloc::string::String;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Digits only, without superfluous zeros, at most `most`.
fn decimal<E: Error>(text: &str, most: u128) -> Result<u128, E> {
    let digits = !text.is_empty() && text.len() <= 39 && text.bytes().all(|b| b.is_ascii_digit());
    let canonical = digits && (text.len() == 1 || !text.starts_with('0'));
    let value = if canonical { text.parse().ok().filter(|value| *value <= most) } else { None };
    value.ok_or_else(|| E::custom(format_args!("expected a canonical decimal string of at most {most}")))
}

const AMOUNT_MAX: u128 = super::ranges::AMOUNT_END - 1;

pub(super) mod amount {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(amount: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(amount)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
        decimal(&String::deserialize(d)?, AMOUNT_MAX)
    }
}

pub(super) mod amounts {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(amounts: &[u128; 8], s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(amounts.iter().map(alloc::string::ToString::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u128; 8], D::Error> {
        let texts = <[String; 8]>::deserialize(d)?;
        let mut out = [0; 8];
        for (amount, text) in out.iter_mut().zip(&texts) {
            *amount = decimal(text, AMOUNT_MAX)?;
        }
        Ok(out)
    }
}

pub(super) mod nonce {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(nonce: &u64, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(nonce)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
        // Bounded by what is asked for.
        decimal(&String::deserialize(d)?, u64::MAX.into()).map(|nonce| nonce as u64)
    }
}

pub(super) mod hex32 {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8; 32], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<[u8; 32], D::Error> {
        crate::hash::parse_hex(&String::deserialize(d)?).map_err(D::Error::custom)
    }
}
