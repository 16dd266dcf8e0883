//! `bench`: how many real transactions a second, end to end, and where the time goes.
//!
//! For each shape and thread count in turn, after a warm-up: execution, each stage of the proof, and verification, as medians over all runs. Only
//! real transactions count, never padding. The key is opened anew each time, as `prove` opens it.

mod html;
mod measure;
mod workload;

use std::fs::File;

use serde_json::{Value, json};
use tapstone_circuits::shape::Shape;
use tapstone_prover::Kernel;

use super::keys;
use crate::args::Bench;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;
use measure::{Measured, Proofs};
use workload::{Batches, Crowd};

/// Name and version of the JSON form.
const SCHEMA: &str = "tapstone-bench/1";

/// `tapstone bench`.
pub fn run(args: &Bench, progress: &mut Progress) -> Result<Report, Failure> {
    let shapes: Vec<Shape> = args.shape.iter().map(|name| keys::shape(name)).collect::<Result<_, _>>()?;
    let runs = args.runs.max(1);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if args.threads.is_empty() { default_threads(cores) } else { args.threads.clone() };
    if let Some(bad) = threads.iter().find(|n| !(1..=1024).contains(*n)) {
        return Err(Failure::new(Reason::Usage, format!("{bad} threads, needed 1 to 1024")));
    }
    // Before anything is measured: figures of another run are not replaced.
    let (figures, page_file) = (args.out.join("bench.json"), args.out.join("bench.html"));
    if let Some(path) = [&figures, &page_file].into_iter().find(|path| path.exists()) {
        return Err(files::taken(path));
    }
    files::writable_folder(&args.out)?;
    let folder = keys::folder(args.keys.as_deref())?;
    let mut kernel = Kernel::Portable;
    let mut measured: Vec<Measured> = Vec::new();
    let mut used: Vec<Value> = Vec::new();
    for shape in &shapes {
        progress.step(format!("making the workload for shape {}", shape.name));
        let crowd = Crowd { accounts: args.accounts.get().max(2), draw: args.draw };
        let batches = Batches::new(&args.workload, shape, crowd)?;
        // Makes the key if there is none, and says which one it is.
        let prover = keys::prover(shape, &folder, progress)?;
        kernel = prover.kernel();
        let mut key = Report::default();
        key.add("shape", shape.name.as_str()).add("vk_id", prover.key().verifying().id().to_string());
        keys::add_source(&mut key, Some(prover.key().origin()));
        used.push(key.into_value());
        drop(prover);
        let open = || keys::proving_key(shape, &folder);
        let mut kernels = vec![(Proofs::Ours, kernel)];
        if args.stock {
            kernels.push((Proofs::Stock, Kernel::Portable));
        }
        for count in &threads {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(*count)
                .build()
                .map_err(|e| Failure::new(Reason::Io, format!("{count} threads cannot be started: {e}")))?;
            measured.extend(pool.install(|| measure::interleaved(&batches, &kernels, &open, runs, *count, progress))?);
        }
    }
    let result = json!({
        "schema": SCHEMA,
        "version": env!("CARGO_PKG_VERSION"),
        "machine": { "processor": processor(), "cores": cores, "kernel": kernel.name() },
        "workload": args.workload,
        "accounts": args.accounts,
        "draw": args.draw.name(),
        "runs": runs,
        "results": measured.iter().map(Measured::to_json).collect::<Vec<_>>(),
    });
    let text = serde_json::to_vec_pretty(&result).map_err(|e| Failure::new(Reason::Bug, e))?;
    files::replace(&figures, &text)?;
    let page = html::page(&result, &measured).map_err(|e| Failure::new(Reason::Bug, e))?;
    files::replace(&page_file, page.as_bytes())?;
    let mut report = Report::default();
    report
        .add("workload", args.workload.as_str())
        .add("kernel", kernel.name())
        .add("keys", used)
        .add("results", measured.iter().map(Measured::summary).collect::<Vec<Value>>())
        .add("json", figures.display().to_string())
        .add("page", page_file.display().to_string());
    Ok(report)
}

/// 1, 2, 4, ... and all.
fn default_threads(cores: usize) -> Vec<usize> {
    let mut list: Vec<usize> = std::iter::successors(Some(1), |n| Some(2 * n)).take_while(|n| *n < cores).collect();
    list.push(cores);
    list
}

/// The processor's name, where the system tells it.
fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(|(_, name)| name.trim()));
    name.unwrap_or(std::env::consts::ARCH).to_owned()
}

/// Opens a file for its key.
type Open<'a> = &'a (dyn Fn() -> Result<(File, Shape), Failure> + Sync);
