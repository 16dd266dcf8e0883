//! Exit codes and the errors that carry them.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | ok |
//! | 1 | the verdict is no: an invalid proof, or a batch that breaks a rule |
//! | 2 | usage |
//! | 3 | malformed input |
//! | 4 | key or version mismatch |
//! | 5 | files, disk, memory |
//! | 70 | a fault of this program |

use std::fmt::Display;
use std::path::Path;

use crate::args::Format;

/// Why a command ends without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The verdict is no.
    Verdict,
    /// The command line asks for something that cannot be.
    Usage,
    /// The input is malformed.
    Input,
    /// Key and input do not belong together.
    Key,
    /// Reading or writing failed.
    Io,
    /// A fault of this program.
    Bug,
}

/// A command's error: why, and what to tell.
#[derive(Debug)]
pub struct Failure {
    reason: Reason,
    message: String,
}

impl Failure {
    /// An error.
    pub fn new(reason: Reason, message: impl Display) -> Self {
        Self { reason, message: message.to_string() }
    }

    /// An error about a file.
    pub fn at(reason: Reason, path: &Path, message: impl Display) -> Self {
        Self::new(reason, format!("{}: {message}", path.display()))
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self.reason {
            Reason::Verdict => 1,
            Reason::Usage => 2,
            Reason::Input => 3,
            Reason::Key => 4,
            Reason::Io => 5,
            Reason::Bug => 70,
        }
    }

    /// Tells the user, on standard error; as JSON also on standard output, where the report would be.
    pub fn print(&self, format: Format) {
        if format == Format::Json {
            let object = serde_json::json!({
                "schema": crate::report::SCHEMA, "ok": false, "exit_code": self.code(), "error": self.message,
            });
            crate::report::print_line(&object.to_string());
        }
        eprintln!("tapstone: {}", self.message);
    }
}
