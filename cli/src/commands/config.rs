//! `config`: the configuration file.

use std::path::Path;

use crate::args;
use crate::config::{self, Config};
use crate::exit::{Failure, Reason};
use crate::report::Report;
use crate::streams;

/// `tapstone config`.
pub fn run(command: &args::Config, given: Option<&Path>) -> Result<Report, Failure> {
    let mut report = Report::default();
    match command {
        args::Config::Show => match config::in_force(given) {
            None => _ = report.add("file", "none"),
            Some(path) => describe(&Config::read(&path)?, &mut report),
        },
        args::Config::Check { file } => {
            describe(&Config::read(file)?, &mut report);
            report.add("verdict", "every option is known");
        }
        args::Config::Schema => {
            let text = serde_json::to_string_pretty(&config::schema()).map_err(|e| Failure::new(Reason::Bug, e))?;
            streams::out(&text)?;
        }
    }
    Ok(report)
}

fn describe(config: &Config, report: &mut Report) {
    report.add("file", config.path.display().to_string()).add("options", config.options());
}
