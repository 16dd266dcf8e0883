//! Tagged SHA-256 (PROTOCOL.md, section 9) and the text form of 32-byte hashes.

use crate::error::ParseHashError;
use sha2::{Digest, Sha256};

/// `SHA-256(SHA-256(tag) || SHA-256(tag) || parts...)`.
pub(crate) fn tagged(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut stream = tagged_stream(tag);
    parts.iter().for_each(|part| stream.update(part));
    stream.finish()
}

/// The same, part by part.
pub(crate) fn tagged_stream(tag: &str) -> TaggedStream {
    let tag = Sha256::digest(tag.as_bytes());
    let mut hasher = Sha256::new();
    hasher.update(tag);
    hasher.update(tag);
    TaggedStream(hasher)
}

pub(crate) struct TaggedStream(Sha256);

impl TaggedStream {
    pub(crate) fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// Reads exactly 64 lower-case hexadecimal digits.
pub(crate) fn parse_hex(text: &str) -> Result<[u8; 32], ParseHashError> {
    let mut bytes = [0; 32];
    if text.bytes().any(|b| b.is_ascii_uppercase()) || hex::decode_to_slice(text, &mut bytes).is_err() {
        return Err(ParseHashError { length: text.len() });
    }
    Ok(bytes)
}

/// Display and Debug of a newtype over 32 bytes as 64 lower-case hexadecimal digits, and with `serde` the same as a string.
macro_rules! hex_text {
    ($name:ident) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    };
}
pub(crate) use hex_text;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tagged_hash_is_bip340s() {
        // BIP340 gives SHA256("BIP0340/challenge") as 7bb52d7a...; the tag is hashed twice before the message.
        let tag = Sha256::digest(b"BIP0340/challenge");
        assert_eq!(hex::encode(tag), "7bb52d7a9fef58323eb1bf7a407db382d2f3f2d81bb1224f49fe518f6d48d37c");
        let mut whole = alloc::vec::Vec::new();
        whole.extend_from_slice(&tag);
        whole.extend_from_slice(&tag);
        whole.extend_from_slice(b"ab");
        let expected: [u8; 32] = Sha256::digest(&whole).into();
        assert_eq!(tagged("BIP0340/challenge", &[b"a", b"b"]), expected);
    }

    #[test]
    fn hex_is_strict() {
        let text = "ab".repeat(32);
        assert_eq!(parse_hex(&text), Ok([0xab; 32]));
        for bad in [text.to_uppercase(), text[1..].into(), alloc::format!("{text}a"), alloc::format!("0x{text}")] {
            assert_eq!(parse_hex(&bad), Err(ParseHashError { length: bad.len() }));
        }
    }
}
