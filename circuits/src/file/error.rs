//! Why a batch file is refused, and where.

use std::fmt;
use std::io;

use thiserror::Error;

/// A refused batch file: the place and the problem.
#[derive(Debug, Error)]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, where it is known.
    pub column: Option<usize>,
    /// The field, where the problem is one of a field.
    pub field: Option<String>,
    /// The problem.
    #[source]
    pub problem: Problem,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field {field:?}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What is wrong with a line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file could not be read.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// The file has no header.
    #[error("the file is empty, needed a header")]
    Empty,
    /// A line longer than a batch file has.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// A line without content.
    #[error("the line is blank")]
    Blank,
    /// Bytes that are not text.
    #[error("the line is not UTF-8")]
    NotUtf8,
    /// A mark that editors put before a text, and that is not to be seen in it.
    #[error("the file begins with a byte-order mark ({encoding}): save it as UTF-8 without one")]
    ByteOrderMark {
        /// What the mark stands for.
        encoding: &'static str,
    },
    /// Text that is not a JSON object of strings and numbers.
    #[error("{message}")]
    Json {
        /// The parser's words.
        message: String,
    },
    /// A field that stands twice.
    #[error("the field is repeated")]
    Repeated,
    /// A field that the kind does not have.
    #[error("unknown field")]
    Unknown,
    /// A field that the kind needs.
    #[error("the field is missing")]
    Missing,
    /// A field with another value than it can have.
    #[error("had {had}, needed {needed}")]
    Value {
        /// The value, cut to a length that fits a message.
        had: String,
        /// What would do.
        needed: String,
    },
}

/// The encoding whose byte-order mark these bytes begin with, if they do.
pub fn byte_order_mark(bytes: &[u8]) -> Option<&'static str> {
    let marks: [(&[u8], _); 3] = [(b"\xef\xbb\xbf", "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")];
    marks.into_iter().find(|(mark, _)| bytes.starts_with(mark)).map(|(_, encoding)| encoding)
}
