//! `tapstone`: prove, verify and anchor batch files.

mod args;
mod commands;
mod exit;
mod files;
mod report;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match commands::run(&args) {
        Ok(report) => {
            report.print(args.format);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            failure.print(args.format);
            ExitCode::from(failure.code())
        }
    }
}
