//! [`JsonError`].

use core::fmt;

/// What is wrong with a JSON text of a proof or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is longer than any that is written.
    TooLong {
        /// The longest that is read, in bytes.
        most: usize,
        /// The length given.
        actual: usize,
    },
    /// The text is not JSON, or has what these files never hold: escapes, fractions, deep nesting.
    Syntax {
        /// Where, in bytes.
        offset: usize,
    },
    /// A field is missing, unknown, repeated, or holds something else than it must.
    Field {
        /// Its name; `?` for an unknown one.
        name: &'static str,
    },
}

impl JsonError {
    /// The stable number of this error.
    pub const fn code(&self) -> u16 {
        match self {
            Self::TooLong { .. } => 11,
            Self::Syntax { .. } => 12,
            Self::Field { .. } => 13,
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { most, actual } => write!(f, "text has {actual} bytes, expected at most {most}"),
            Self::Syntax { offset } => write!(f, "not the JSON that it should be, at byte {offset}"),
            Self::Field { name } => write!(f, "field {name} is missing, unknown, repeated or not as it must be"),
        }
    }
}

impl core::error::Error for JsonError {}
