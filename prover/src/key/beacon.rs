//! [`Beacon`]: a value that nobody could choose, such as the hash of a later Bitcoin block, and how often it is hashed.

/// A public random value and two's exponent of the rounds of SHA-256 that make a contribution's secret of it.
///
/// As text `VALUE:EXPONENT`, the value in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    value: Vec<u8>,
    exponent: u8,
}

/// A value and an exponent are no beacon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a beacon is 1 to 255 bytes of hexadecimal digits, a colon, and an exponent from 10 to 63")]
pub struct BeaconError(());

impl Beacon {
    /// Takes 1 to 255 bytes and an exponent from 10 to 63, which are snarkjs' bounds.
    ///
    /// # Errors
    /// If one is out of bounds.
    pub fn new(value: Vec<u8>, exponent: u8) -> Result<Self, BeaconError> {
        let fits = (1..=255).contains(&value.len()) && (10..=63).contains(&exponent);
        if fits { Ok(Self { value, exponent }) } else { Err(BeaconError(())) }
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        &self.value
    }

    /// Two's exponent of the rounds.
    pub fn exponent(&self) -> u8 {
        self.exponent
    }
}

impl std::fmt::Display for Beacon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", hex::encode(&self.value), self.exponent)
    }
}

impl std::str::FromStr for Beacon {
    type Err = BeaconError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (value, exponent) = text.split_once(':').ok_or(BeaconError(()))?;
        let exponent = exponent.parse().map_err(|_| BeaconError(()))?;
        Self::new(hex::decode(value).map_err(|_| BeaconError(()))?, exponent)
    }
}
