//! `tapstone`: prove, verify and anchor batch files.

mod args;
mod chain;
mod commands;
mod config;
mod exit;
mod files;
mod hint;
mod html;
mod input;
mod interrupt;
mod logs;
mod machine;
mod order;
mod pins;
mod progress;
mod queue;
mod report;
mod source;
mod streams;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match config::arguments() {
        Ok(args) => args,
        Err((failure, format)) => {
            failure.print(format);
            return ExitCode::from(failure.code());
        }
    };
    interrupt::install();
    logs::install(&args);
    let done = exit::guarded(|| commands::run(&args)).and_then(|report| report.print(args.format));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tracing::error!(code = failure.code(), "{failure}");
            failure.print(args.format);
            ExitCode::from(failure.code())
        }
    }
}
