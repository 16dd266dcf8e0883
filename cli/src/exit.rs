//! Exit codes and the errors that carry them.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | ok |
//! | 1 | the verdict is no: an invalid proof, or a batch that breaks a rule |
//! | 2 | usage |
//! | 3 | malformed input, a damaged chain |
//! | 4 | key or version mismatch: a damaged key, or key, shape, state and file formats that do not belong together; or a key that nothing pins |
//! | 5 | files, disk, memory |
//! | 70 | a fault of this program |
//! | 130 | interrupted |

use std::fmt::{Display, Write};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Mutex;

use tapstone_work::store::panic_is_damage;

use crate::args::Format;
use crate::report::Report;
use crate::streams;

/// Why a command ends without success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The verdict is no.
    Verdict,
    /// The command line asks for something that cannot be.
    Usage,
    /// The input is malformed.
    Input,
    /// A key is damaged, or things do not belong together: key, shape, state, versions of formats; or nothing says that a key is the right one.
    Mismatch,
    /// Reading or writing failed.
    Io,
    /// A fault of this program.
    Bug,
    /// The user, or the system, interrupted it.
    Interrupted,
}

/// A command's error: why, and what to tell.
#[derive(Debug)]
pub struct Failure {
    reason: Reason,
    message: String,
    more: Box<More>,
}

/// What is told besides the message.
#[derive(Debug, Default)]
struct More {
    /// What else the JSON object says.
    fields: serde_json::Map<String, serde_json::Value>,
    /// What people read on standard output, before the message.
    text: String,
}

impl Failure {
    /// An error.
    pub fn new(reason: Reason, message: impl Display) -> Self {
        Self { reason, message: one_line(&message.to_string()), more: Box::default() }
    }

    /// An error about a file.
    pub fn at(reason: Reason, path: &Path, message: impl Display) -> Self {
        if path.as_os_str() == crate::source::STDIN {
            return Self::new(reason, format!("standard input: {message}"));
        }
        Self::new(reason, format!("{}: {message}", path.display()))
    }

    /// The same with one more field in the JSON object.
    pub fn with_details(mut self, name: &'static str, value: serde_json::Value) -> Self {
        self.more.fields.insert(name.into(), value);
        self
    }

    /// The same after all that was found out until then: lines for people on standard output, fields of the JSON object.
    pub fn with_report(mut self, report: Report) -> Self {
        self.more.text = report.to_text();
        if let serde_json::Value::Object(fields) = report.into_value() {
            self.more.fields.extend(fields);
        }
        self
    }

    /// The same after lines for people on standard output.
    pub fn with_text(mut self, report: &Report) -> Self {
        self.more.text = report.to_text();
        self
    }

    /// The same with something before and after its message.
    pub fn about(self, before: &str, after: &str) -> Self {
        Self { message: one_line(&format!("{before}{}{after}", self.message)), ..self }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self.reason {
            Reason::Verdict => 1,
            Reason::Usage => 2,
            Reason::Input => 3,
            Reason::Mismatch => 4,
            Reason::Io => 5,
            Reason::Bug => 70,
            Reason::Interrupted => crate::interrupt::EXIT_CODE,
        }
    }

    /// Tells the user, on standard error; as JSON also on standard output, where the report would be.
    pub fn print(&self, format: Format) {
        if format == Format::Json {
            let mut object = serde_json::json!({
                "schema": crate::report::SCHEMA, "ok": false, "exit_code": self.code(), "error": self.message,
            });
            if let Some(fields) = object.as_object_mut() {
                fields.extend(self.more.fields.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            // If this cannot be written, the line on standard error remains.
            let _ = streams::out(&object.to_string());
        } else if !self.more.text.is_empty() {
            let _ = streams::out(&self.more.text);
        }
        streams::err(&format!("tapstone: {}", self.message));
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Messages repeat parts of files: control characters in them must neither break the line nor reach the terminal.
pub fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let _ = if c.is_control() { write!(out, "{}", c.escape_default()) } else { out.write_char(c) };
    }
    out
}

/// What the first panic said, and where.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs the program; a panic is a fault of it, told in one line. With `RUST_BACKTRACE` set, the usual report comes too.
pub fn guarded<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let usual = std::env::var_os("RUST_BACKTRACE").map(|_| take_hook());
    set_hook(Box::new(move |info| {
        // The store makes an error of it.
        if panic_is_damage() {
            return;
        }
        note(info);
        if let Some(usual) = &usual {
            usual(info);
        }
    }));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let what = PANIC.lock().ok().and_then(|mut panic| panic.take()).unwrap_or_default();
        Err(Failure::new(Reason::Bug, format!("fault of this program, please report it: {what}")))
    })
}

fn note(info: &PanicHookInfo<'_>) {
    if let Ok(mut panic) = PANIC.lock() {
        let place = info.location().map_or(String::new(), |place| format!(" at {place}"));
        let payload = info.payload();
        let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        panic.get_or_insert_with(|| format!("{}{place}", what.unwrap_or("panicked")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_fault_of_the_program_with_its_place() {
        let failure = guarded(|| -> Result<(), Failure> { panic!("seven\nis odd") }).unwrap_err();
        assert_eq!(failure.code(), 70);
        assert!(failure.message.contains("seven\\nis odd at cli/src/exit.rs:"), "{}", failure.message);
    }

    #[test]
    fn messages_are_one_line_without_control_characters() {
        assert_eq!(one_line("a\nb\u{1b}[31mc \u{e9}"), "a\\nb\\u{1b}[31mc \u{e9}");
    }
}
