//! [`CeremonyHash`]: BLAKE2b-512, by which a ceremony names circuits, contributions and files.

/// 64 bytes of BLAKE2b; as text 128 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CeremonyHash([u8; Self::BYTES]);

impl CeremonyHash {
    /// Its length.
    pub const BYTES: usize = 64;

    /// Takes the bytes of a hash.
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        self.0
    }
}

impl std::fmt::Display for CeremonyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::fmt::Debug for CeremonyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CeremonyHash({self})")
    }
}

/// A text is not a hash.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a hash of a ceremony has 128 hexadecimal digits; white space between them is passed over")]
pub struct ParseCeremonyHashError(());

impl std::str::FromStr for CeremonyHash {
    type Err = ParseCeremonyHashError;

    /// Reads digits, as they are, or in the groups that snarkjs prints.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: String = text.split_whitespace().collect();
        let mut bytes = [0; Self::BYTES];
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| ParseCeremonyHashError(()))?;
        Ok(Self(bytes))
    }
}
