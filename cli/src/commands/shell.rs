//! `completions` and `man`: from the one table of arguments.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Failure;
use crate::files;
use crate::report::Report;
use crate::streams;

/// `tapstone completions`.
pub fn completions(shell: Shell) -> Result<Report, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "tapstone", &mut text);
    streams::out(String::from_utf8_lossy(&text).trim_end())?;
    Ok(Report::default())
}

/// `tapstone man`.
pub fn man(folder: &Path) -> Result<Report, Failure> {
    files::writable_folder(folder)?;
    clap_mangen::generate_to(Args::command(), folder).map_err(files::io(folder))?;
    let count = std::fs::read_dir(folder).map_err(files::io(folder))?.count();
    let mut report = Report::default();
    report.add("folder", folder.display().to_string()).add("pages", count);
    Ok(report)
}
