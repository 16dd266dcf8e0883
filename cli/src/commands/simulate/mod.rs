//! `plan --simulate`: arrivals of transactions against workers, a planner and Bitcoin's blocks, before any of them is paid for.
//!
//! The same seed and settings give the same figures. What is not simulated: fees, the network, and transactions that do not execute.

mod engine;
mod html;
mod outcome;
mod random;
mod trace;

use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_circuits::shape::{Shape, SlotKind};

use super::keys;
use crate::args::{Fleet, Simulate};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;
use engine::Settings;
use outcome::Outcome;

/// Name and version of the JSON form.
const SCHEMA: &str = "tapstone-simulation/1";
/// Core-seconds of a proof for each point of its domain: 0.71 s on 2 threads at 2^18 (README.md). Other domains are scaled; larger ones cost somewhat less a
/// point.
const CORE_SECONDS_A_POINT: f64 = 5.4e-6;
/// Shares of attempts in vain above which a simulation takes long and says little.
const MOST_IN_VAIN: f64 = 0.9;

/// `tapstone plan --simulate`.
pub fn run(args: &Simulate, fleet: &Fleet, shape: &str, text: &str, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(shape)?;
    let (core_seconds, source) = core_seconds(args, &shape)?;
    let settings = settings(args, fleet, &shape, core_seconds)?;
    progress.step("drawing arrivals");
    let arrivals = trace::arrivals(text, args.seed)?;
    for kind in [SlotKind::Pair, SlotKind::Single] {
        if shape.count(kind) == 0
            && let Some(index) = arrivals.iter().position(|arrival| arrival.slot == kind)
        {
            let what =
                format!("transaction {} needs a slot that shape {} has none of ({})", index + 1, shape.name, kind.letter());
            return Err(Failure::new(Reason::Mismatch, what));
        }
    }
    progress.step("playing");
    let played = engine::play(&settings, &arrivals);
    let outcome = Outcome::new(&settings, &arrivals, &played, args.cores.get(), fleet.price_core_hour);
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("arrivals", text)
        .add("seed", args.seed)
        .add("core_seconds_a_proof", core_seconds)
        .add("core_seconds_from", source)
        .add("cores_a_worker", args.cores.get());
    outcome.tell(&settings, &mut report);
    if let Some(folder) = &args.out {
        let mut result = serde_json::json!({ "schema": SCHEMA, "version": env!("CARGO_PKG_VERSION") });
        let (json, page) = (folder.join("simulation.json"), folder.join("simulation.html"));
        let told = report.into_value();
        let title = format!("Tapstone: {text} on {} workers", settings.workers);
        let text = html::page(&title, &told, &outcome).map_err(|e| Failure::new(Reason::Bug, e))?;
        result["result"] = told.clone();
        result["backlog"] = serde_json::json!(outcome.backlog_curve);
        let bytes = serde_json::to_vec_pretty(&result).map_err(|e| Failure::new(Reason::Bug, e))?;
        files::write_results(folder, &[("simulation.json", &bytes), ("simulation.html", text.as_bytes())])?;
        report = Report::default();
        for (name, value) in told.as_object().into_iter().flatten() {
            report.add(name, value.clone());
        }
        report.add("json", json.display().to_string()).add("page", page.display().to_string());
    }
    Ok(report)
}

/// Core-seconds of a proof, and where the number is from.
fn core_seconds(args: &Simulate, shape: &Shape) -> Result<(f64, &'static str), Failure> {
    if let Some(seconds) = args.core_seconds {
        return Ok((positive("--core-seconds", seconds)?, "the command line"));
    }
    let rows = shape.registered_rows().ok_or_else(|| {
        Failure::new(
            Reason::Usage,
            format!("what a proof of shape {} takes is not known: needed --core-seconds", shape.name),
        )
    })?;
    let points = (rows + INSTANCE_WIRES).next_power_of_two();
    let seconds = (points as f64 * CORE_SECONDS_A_POINT * 1000.0).round() / 1000.0;
    Ok((seconds, "the size of the shape's domain, and a measurement on another machine"))
}

/// A number above 0.
pub fn positive(name: &str, value: f64) -> Result<f64, Failure> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Failure::new(Reason::Usage, format!("{name} is {value}, needed more than 0")))
}

fn settings(args: &Simulate, fleet: &Fleet, shape: &Shape, core_seconds: f64) -> Result<Settings, Failure> {
    let workers = fleet.workers.ok_or_else(|| Failure::new(Reason::Usage, "--simulate needs --workers"))?;
    for (name, share) in [("--failures", args.failures), ("--deaths", args.deaths)] {
        if !(0.0..=1.0).contains(&share) {
            return Err(Failure::new(Reason::Usage, format!("{name} is {share}, needed 0 to 1")));
        }
    }
    if args.failures + args.deaths > MOST_IN_VAIN {
        let what =
            format!("--failures and --deaths are {} in all, needed at most {MOST_IN_VAIN}", args.failures + args.deaths);
        return Err(Failure::new(Reason::Usage, what));
    }
    if let Some(price) = fleet.price_core_hour {
        positive("--price-core-hour", price)?;
    }
    Ok(Settings {
        pairs: shape.count(SlotKind::Pair),
        singles: shape.count(SlotKind::Single),
        workers: workers.get(),
        proof: core_seconds / f64::from(args.cores.get()),
        wait: positive("--batch-seconds", args.batch_seconds)?,
        execution: positive("--execution", args.execution)?,
        failures: args.failures,
        deaths: args.deaths,
        seed: args.seed,
    })
}
