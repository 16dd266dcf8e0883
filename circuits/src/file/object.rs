//! One line as a flat list of fields: JSON objects of strings and unsigned numbers, nothing else.
//!
//! Derived deserialisers of tagged enums buffer their content, and then neither repeated nor unknown fields are refused
//! reliably. A line here is read into a list that keeps every field; each is taken once, and what is left over is unknown.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};

use super::error::{FileError, Problem};
use crate::amount::parse_decimal;
use crate::deposit::parse_hex;

/// The most of a refused value that an error repeats.
const SHOWN: usize = 80;

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scalar {
    Number(u64),
    Text(String),
}

impl Scalar {
    fn show(&self) -> String {
        match self {
            Self::Number(n) => format!("the number {n}"),
            Self::Text(text) if text.chars().count() > SHOWN => {
                format!("the string {:?}...", text.chars().take(SHOWN).collect::<String>())
            }
            Self::Text(text) => format!("the string {text:?}"),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an unsigned integer")
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(value))
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(value.into()))
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Fields in the order of the line.
struct Fields(Vec<(String, Scalar)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    // More than any kind has: the rest need not be kept to refuse the line.
                    if fields.len() == MOST_FIELDS {
                        return Err(A::Error::custom("too many fields"));
                    }
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

const MOST_FIELDS: usize = 64;

/// The fields of a line, taken one by one.
pub(super) struct Object {
    line: usize,
    fields: Vec<(String, Scalar)>,
}

impl Object {
    pub(super) fn parse(line: usize, text: &str) -> Result<Self, FileError> {
        let Fields(fields) = serde_json::from_str(text).map_err(|error| {
            let full = error.to_string();
            let message = full.rsplit_once(" at line ").map_or(full.as_str(), |(message, _)| message).to_owned();
            // The parser sees one line; column 0 is its word for the end.
            let column = Some(error.column()).filter(|column| *column > 0);
            FileError { line, column, field: None, problem: Problem::Json { message } }
        })?;
        let object = Self { line, fields };
        for (i, (name, _)) in object.fields.iter().enumerate() {
            if object.fields[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(object.error(name, Problem::Repeated));
            }
        }
        Ok(object)
    }

    fn error(&self, field: &str, problem: Problem) -> FileError {
        let field = Some(field.chars().take(SHOWN).collect());
        FileError { line: self.line, column: None, field, problem }
    }

    fn take(&mut self, field: &str) -> Result<Scalar, FileError> {
        match self.fields.iter().position(|(name, _)| name == field) {
            Some(at) => Ok(self.fields.remove(at).1),
            None => Err(self.error(field, Problem::Missing)),
        }
    }

    /// Takes a field through a reader that tells values that will do.
    fn read<T>(
        &mut self,
        field: &str,
        needed: impl fmt::Display,
        reader: impl FnOnce(&Scalar) -> Option<T>,
    ) -> Result<T, FileError> {
        let value = self.take(field)?;
        reader(&value).ok_or_else(|| self.error(field, Problem::Value { had: value.show(), needed: needed.to_string() }))
    }

    /// A number with `least <= n < limit`.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, field: &str, least: u64, limit: u64) -> Result<T, FileError> {
        self.read(field, format_args!("a number from {least} to {}", limit - 1), |value| match value {
            Scalar::Number(n) if (least..limit).contains(n) => T::try_from(*n).ok(),
            _ => None,
        })
    }

    /// A canonical decimal string of at most `largest`.
    pub(super) fn decimal<T: TryFrom<u128>>(&mut self, field: &str, largest: u128) -> Result<T, FileError> {
        self.read(field, format_args!("a canonical decimal string of at most {largest}"), |value| match value {
            Scalar::Text(text) => parse_decimal(text, largest).ok().and_then(|n| T::try_from(n).ok()),
            Scalar::Number(_) => None,
        })
    }

    /// A string that a parser takes.
    pub(super) fn text<T>(
        &mut self,
        field: &str,
        needed: &str,
        parser: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, FileError> {
        self.read(field, needed, |value| match value {
            Scalar::Text(text) => parser(text),
            Scalar::Number(_) => None,
        })
    }

    /// `2 N` hexadecimal digits, decoded further.
    pub(super) fn hex<const N: usize, T, E: fmt::Display>(
        &mut self,
        field: &str,
        decoder: impl FnOnce(&[u8; N]) -> Result<T, E>,
    ) -> Result<T, FileError> {
        let needed = format!("{} lower-case hexadecimal digits", 2 * N);
        let bytes = self.text(field, &needed, parse_hex::<N>)?;
        decoder(&bytes).map_err(|error| {
            let had = Scalar::Text(hex::encode(bytes)).show();
            self.error(field, Problem::Value { had, needed: format!("a valid encoding: {error}") })
        })
    }

    /// Whether the field is there and not taken yet.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }

    /// Refuses fields that nobody took.
    pub(super) fn finish(self) -> Result<(), FileError> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => Err(self.error(name, Problem::Unknown)),
        }
    }

    /// An error about a field's value.
    pub(super) fn refuse(&self, field: &str, had: &str, needed: &str) -> FileError {
        let had = Scalar::Text(had.into()).show();
        self.error(field, Problem::Value { had, needed: needed.into() })
    }
}
