//! Canonical decimal strings: digits only, no sign, no leading zero except `"0"` itself.

use thiserror::Error;

/// What is wrong with the text of a decimal number.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecimalError {
    /// The text is empty, holds something other than digits, or starts with a superfluous zero.
    #[error("{text:?} is not a canonical decimal number: digits only, no sign, no leading zero")]
    NotCanonical {
        /// The text, cut to a length that fits a message.
        text: String,
    },
    /// The number is above the limit.
    #[error("{text} is above the largest value here, {largest}")]
    TooLarge {
        /// The text, cut to a length that fits a message.
        text: String,
        /// The largest number that would do.
        largest: u128,
    },
}

/// Reads a canonical decimal string that is at most `largest`.
///
/// # Errors
/// [`DecimalError`] if the text has another form or the number is larger.
pub fn parse_decimal(text: &str, largest: u128) -> Result<u128, DecimalError> {
    let short = || text.chars().take(48).collect::<String>();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return Err(DecimalError::NotCanonical { text: short() });
    }
    match text.parse::<u128>() {
        Ok(value) if value <= largest => Ok(value),
        // Only digits are left, so what does not parse is above u128.
        _ => Err(DecimalError::TooLarge { text: short(), largest }),
    }
}
