//! Standard output and standard error, without the panics of `println!` and `eprintln!` where nobody reads them any more.

use std::io::{ErrorKind, Write};

use crate::exit::{Failure, Reason};

/// Writes a line to standard output. Whoever closed the other end of a pipe has read enough; a full disk is an error.
///
/// # Errors
/// If the line could not be written for another reason than a closed pipe.
pub fn out(line: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{line}").and_then(|()| stdout.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::new(Reason::Io, format!("standard output: {e}"))),
        _ => Ok(()),
    }
}

/// Writes a line to standard error. There is nowhere to tell that it failed.
pub fn err(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
