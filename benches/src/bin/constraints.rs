//! Prints the table of constraint costs, or writes it with `--write`.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let table = tapstone_benches::table();
    if std::env::args().nth(1).as_deref() == Some("--write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/constraints.csv");
        if let Err(error) = std::fs::write(path, table) {
            eprintln!("{path}: {error}");
            return ExitCode::FAILURE;
        }
    } else {
        let _ = std::io::stdout().write_all(table.as_bytes());
    }
    ExitCode::SUCCESS
}
