//! `doctor`: what this machine has for proving, and what would stop it.

use std::path::Path;

use serde_json::{Value, json};
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::kernel::Kernel;
use tapstone_prover::store::Lock;
use tapstone_verifier::Element;

use super::keys;
use super::prove::needs;
use crate::args::Doctor;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::machine;
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone doctor`.
pub fn run(args: &Doctor, progress: &Progress) -> Result<Report, Failure> {
    let mut faults: Vec<String> = Vec::new();
    let mut report = Report::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernels: Vec<&str> = Kernel::all().into_iter().map(Kernel::name).collect();
    report
        .add("tapstone", env!("CARGO_PKG_VERSION"))
        .add("circuit_version", CIRCUIT_VERSION)
        .add("system", format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH))
        .add("cores", cores)
        .add("kernels", kernels)
        .add("kernel", Kernel::detect().name());
    if let Some(name) = Kernel::passed_over() {
        report.add(
            "kernel_asked_for",
            format!("TAPSTONE_KERNEL={name} is passed over: this processor has no kernel of that name"),
        );
    }
    let memory = machine::memory();
    if let Some((total, free)) = memory {
        report.add("memory", format!("{} MiB, {} MiB of it available", total >> 20, free >> 20));
    }

    let shape = keys::shape(&args.shape)?;
    report.add("shape", shape.name.as_str());
    let folder = keys::folder(args.keys.as_deref())?;
    report.add("keys", folder.display().to_string());
    let exists = keys::exists(&shape, &folder);
    report.add("key", key(&shape, &folder, progress, &mut faults));
    report.add("needs", needs::describe_memory(&shape, exists));
    if let (Some(needed), Some((_, free))) = (needs::memory(&shape, exists), memory)
        && needed > free
    {
        faults.push(format!("{} MiB of memory are available, shape {} needs {}", free >> 20, shape.name, needed >> 20));
    }
    for (name, path) in
        [("keys", Some(folder.as_path())), ("results", Some(Path::new("."))), ("chain", args.chain.as_deref())]
    {
        let Some(path) = path else { continue };
        // A folder that is yet to be made lies where its nearest parent does.
        let there = path.ancestors().find(|p| p.exists()).unwrap_or(Path::new("."));
        if let Some(free) = machine::disk_free(there) {
            report.add(&format!("disk_free_for_{name}"), format!("{} MiB", free >> 20));
            if free < 1 << 30 {
                faults.push(format!("less than 1 GiB is free at {}", there.display()));
            }
        }
    }
    if let Some(path) = &args.chain {
        report.add("chain", of_chain(path, &shape, progress, &mut faults));
    }
    if faults.is_empty() {
        report.add("verdict", "nothing stops proving");
        return Ok(report);
    }
    // What was found comes with the failure.
    let text = faults.join("; ");
    Err(Failure::new(Reason::Io, text).with_details("found", report.into_value()))
}

fn key(shape: &Shape, folder: &Path, progress: &Progress, faults: &mut Vec<String>) -> Value {
    if !keys::exists(shape, folder) {
        if folder.exists() {
            writable(folder, faults);
        }
        return "none yet; the first proof makes one, insecurely".into();
    }
    match keys::open(shape, &keys::proving_path(folder, shape), progress) {
        Ok(key) => key.verifying().id().to_string().into(),
        Err(e) => {
            faults.push(e.to_string());
            "of no use".into()
        }
    }
}

/// Finds a folder that cannot be written to, without writing to it.
fn writable(folder: &Path, faults: &mut Vec<String>) {
    if let Err(e) = machine::may_write(folder) {
        faults.push(format!("{}: {e}", folder.display()));
    }
}

fn of_chain(path: &Path, shape: &Shape, progress: &Progress, faults: &mut Vec<String>) -> Value {
    match chain::state(path, progress) {
        Ok(state) => {
            let head = state.head();
            writable(path, faults);
            if (head.account_depth, head.pool_depth) != (shape.account_depth, shape.pool_depth) {
                faults.push(format!("{}: its trees are not those of shape {}", path.display(), shape.name));
            }
            json!({
                "folder": path.display().to_string(),
                "batch_number": head.summary.batch_number,
                "accounts": head.summary.next_account,
                "state_root": Element::from(head.state_root()).to_string(),
                "carried_on_by_another": Lock::is_held(path),
            })
        }
        Err(e) => {
            faults.push(e.to_string());
            path.display().to_string().into()
        }
    }
}
