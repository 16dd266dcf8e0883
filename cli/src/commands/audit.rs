//! `audit`: look for missing constraints.

use std::time::Duration;

use tapstone_circuits::audit::{self, Options};

use super::keys;
use crate::args::Audit;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone audit`.
pub fn run(args: &Audit, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let options = Options {
        time: args.seconds.map(Duration::from_secs),
        removals: args.removals,
        widened: args.widened,
        absorbed: args.absorbed,
        ..Options::default()
    };
    let found = audit::audit(&shape, options, &mut |part| progress.step(part.to_owned()))
        .map_err(|e| Failure::new(Reason::Bug, e))?;
    let json = serde_json::to_value(&found).map_err(|e| Failure::new(Reason::Bug, e))?;
    if let Some(path) = &args.out {
        files::replace(path, format!("{json:#}\n").as_bytes())?;
    }
    if let Some(first) = found.findings.first() {
        let place = [&first.transaction, &first.gadget, &first.rule].map(String::as_str);
        let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        let more = found.findings.len() - 1;
        let whole = args.out.as_ref().map_or("--out FILE writes them".to_owned(), |path| path.display().to_string());
        let message = format!(
            "{}: {} (wires {:?}; {}); {more} more findings: {whole}",
            first.part,
            first.what,
            first.wires,
            place.join(" / ")
        );
        return Err(Failure::new(Reason::Verdict, message));
    }
    let mut report = Report::default();
    if let serde_json::Value::Object(fields) = json {
        for (name, value) in fields {
            report.add(&name, value);
        }
    }
    Ok(report)
}
