//! `doctor`: what this machine has for proving, and what would stop it.

use std::path::Path;

use serde_json::Value;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::Kernel;
use tapstone_verifier::Element;
use tapstone_work::store::Lock;

use super::keys;
use super::prove::needs;
use super::state::describe_keys;
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

    // What cannot be told of one thing keeps nothing from the rest.
    let folder = told(keys::folder(args.keys.as_deref()), &mut faults);
    let chain =
        args.chain.as_deref().and_then(|path| told(chain::keys(path, progress), &mut faults).map(|keys| (path, keys)));
    let known = chain.as_ref().map(|(path, _)| *path);
    let shape = told(super::prove::shape(args.shape.as_deref(), known, progress), &mut faults);
    if let Some(shape) = &shape {
        report.add("shape", shape.name.as_str());
    }
    if let Some(folder) = &folder {
        report.add("keys", folder.display().to_string());
    }
    if let (Some(shape), Some(folder)) = (&shape, &folder) {
        key(shape, folder, chain.as_ref(), progress, &mut report, &mut faults);
        let exists = keys::exists(shape, folder);
        report.add("needs", needs::describe_memory(shape, exists));
        if let (Some(needed), Some((_, free))) = (needs::memory(shape, exists), memory)
            && needed > free
        {
            faults.push(format!("{} MiB of memory are available, shape {} needs {}", free >> 20, shape.name, needed >> 20));
        }
    }
    for (name, path) in [("keys", folder.as_deref()), ("results", Some(Path::new("."))), ("chain", args.chain.as_deref())] {
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
    if let Some((path, chain)) = &chain {
        report.add("chain", of_chain(path, chain, shape.as_ref(), &mut faults));
    }
    if faults.is_empty() {
        report.add("verdict", "nothing stops proving");
        return Ok(report);
    }
    // What was found comes with the failure, and each fault by itself.
    let failure = Failure::new(Reason::Io, faults.join("; ")).with_text(&report);
    Err(failure.with_details("faults", faults.into()).with_details("found", report.into_value()))
}

/// What there is; why there is nothing is a fault.
fn told<T>(found: Result<T, Failure>, faults: &mut Vec<String>) -> Option<T> {
    found.map_err(|e| faults.push(e.to_string())).ok()
}

/// The key at hand, and whether the chain takes it.
fn key(
    shape: &Shape,
    folder: &Path,
    chain: Option<&(&Path, chain::Keys)>,
    progress: &Progress,
    report: &mut Report,
    faults: &mut Vec<String>,
) {
    let found = if keys::exists(shape, folder) {
        let Some(key) = told(keys::open(shape, &keys::proving_path(folder, shape), progress), faults) else {
            report.add("key", "of no use");
            return;
        };
        report.add("key", key.verifying().id().to_string());
        keys::add_source(report, Some(key.origin()));
        Some(key)
    } else {
        if folder.exists() {
            writable(folder, faults);
        }
        report.add("key", "none yet");
        None
    };
    if let Some((path, chain::Keys { head, keys, .. })) = chain {
        let next = head.summary.batch_number + 1;
        let verifying = found.as_ref().map(|key| key.verifying());
        told(super::prove::key::check(path, keys, next, verifying, shape, folder), faults);
    } else if found.is_none() {
        report.add("key_to_come", "the first proof makes one, insecurely; `tapstone keys import` brings a ceremony's");
    }
}

/// Finds a folder that cannot be written to, without writing to it.
fn writable(folder: &Path, faults: &mut Vec<String>) {
    if let Err(e) = machine::may_write(folder) {
        faults.push(format!("{}: {e}", folder.display()));
    }
}

fn of_chain(path: &Path, chain: &chain::Keys, shape: Option<&Shape>, faults: &mut Vec<String>) -> Value {
    let head = &chain.head;
    writable(path, faults);
    if let Some(shape) = shape {
        told(super::prove::check_depths(path, head, shape), faults);
    }
    let mut report = Report::default();
    report
        .add("folder", path.display().to_string())
        .add("batch_number", head.summary.batch_number)
        .add("accounts", head.summary.next_account)
        .add("state_root", Element::from(head.state_root()).to_string());
    describe_keys(&mut report, &chain.keys);
    report.add("carried_on_by_another", Lock::is_held(path));
    report.into_value()
}
