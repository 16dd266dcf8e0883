//! Prints the table of constraint costs, or writes it with `--write`.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let write = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => false,
        ["--write"] => true,
        _ => {
            eprintln!("had {args:?}, needed nothing or --write");
            return ExitCode::from(2);
        }
    };
    let table = tapstone_benches::table();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/constraints.csv");
    let (place, done) = if write {
        (path, std::fs::write(path, table))
    } else {
        ("standard output", std::io::stdout().write_all(table.as_bytes()))
    };
    match done {
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("{place}: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
