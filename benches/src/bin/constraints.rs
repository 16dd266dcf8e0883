//! Prints the tables of constraint costs and of matrices, or writes them with `--write`.

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
    let tables = tapstone_benches::tables();
    for (path, table) in [
        (concat!(env!("CARGO_MANIFEST_DIR"), "/constraints.csv"), tables.constraints),
        (concat!(env!("CARGO_MANIFEST_DIR"), "/matrices.csv"), tables.matrices),
    ] {
        let (place, done) = if write {
            (path, std::fs::write(path, table))
        } else {
            ("standard output", std::io::stdout().write_all(table.as_bytes()))
        };
        match done {
            Ok(()) => {}
            // Whoever closed the pipe has read enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{place}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
