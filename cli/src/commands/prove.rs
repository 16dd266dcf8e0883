//! `prove`: batch file to proofs, published data, state, and the anchor output.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::Value;
use tapstone_circuits::file::{BatchFile, Problem};
use tapstone_circuits::ledger::{BatchError, Executed, Ledger};
use tapstone_circuits::plan::split;
use tapstone_circuits::shape::Shape;
use tapstone_prover::{ProveError, ProvenBatch};
use tapstone_verifier::Element;

use super::{anchor, keys};
use crate::args::Prove;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::{Progress, Report};

/// `tapstone prove`.
pub fn run(args: &Prove, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let file = read_batch(&args.batch)?;
    let mut ledger = match &args.state {
        Some(path) => read_state(path)?,
        None => Ledger::genesis(file.header.chain_id, shape.account_depth, shape.pool_depth)
            .map_err(|e| Failure::new(Reason::Bug, e))?,
    };
    check_follows(args, &file, &ledger)?;

    // Everything is executed before anything is proven: a refusal in the last batch is told at once.
    progress.step("executing");
    let executed = execute(args, &shape, &file, &mut ledger)?;

    let prover = keys::prover(&shape, &files::key_folder(args.keys.as_deref())?, progress)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("tapstone-out").join(args.batch.file_stem().unwrap_or_else(|| "batch".as_ref())));
    let key = prover.key().verifying();
    files::write(&out.join("verifying.key"), &key.to_bytes())?;
    files::write(&out.join("verification_key.json"), key.to_snarkjs_json().as_bytes())?;

    let mut proven = Vec::with_capacity(executed.len());
    let mut batches = Vec::with_capacity(executed.len());
    for (i, batch) in executed.iter().enumerate() {
        let name = format!("batch {} ({} of {})", batch.batch_number, i + 1, executed.len());
        let start = Instant::now();
        let done = prover.prove(batch, |stage| progress.step(format!("{name}: {stage}"))).map_err(refuse)?;
        batches.push(write_batch(&out, batch, &done, start.elapsed().as_secs_f64())?);
        proven.push(done);
    }
    let state = serde_json::to_vec_pretty(&ledger.snapshot()).map_err(|e| Failure::new(Reason::Bug, e))?;
    files::write(&out.join("state.json"), &state)?;

    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("transactions", file.transactions.len())
        .add("vk_id", key.id().to_string())
        .add("batches", batches)
        .add("state_root", Element::from(ledger.state_root()).to_string())
        .add("output_folder", out.display().to_string());
    if let Some(internal_key) = args.internal_key {
        let verified: Vec<_> = proven.into_iter().map(ProvenBatch::into_verified).collect();
        let made = anchor::first(&verified, internal_key)?.into_value();
        let text = serde_json::to_vec_pretty(&made).map_err(|e| Failure::new(Reason::Bug, e))?;
        files::write(&out.join("anchor.json"), &text)?;
        report.add("anchor", made);
    }
    Ok(report)
}

fn read_batch(path: &Path) -> Result<BatchFile, Failure> {
    let input = File::open(path).map_err(|e| Failure::at(Reason::Io, path, e))?;
    BatchFile::read(BufReader::new(input)).map_err(|e| {
        let reason = if matches!(e.problem, Problem::Io(_)) { Reason::Io } else { Reason::Input };
        Failure::at(reason, path, e)
    })
}

/// Reads a state file.
pub fn read_state(path: &Path) -> Result<Ledger, Failure> {
    let text = files::read(path)?;
    let snapshot = serde_json::from_slice(&text).map_err(|e| Failure::at(Reason::Input, path, e))?;
    Ledger::restore(&snapshot).map_err(|e| Failure::at(Reason::Input, path, e))
}

fn check_follows(args: &Prove, file: &BatchFile, ledger: &Ledger) -> Result<(), Failure> {
    let refuse = |field: &str, had: String, needed: String| {
        let state = args.state.as_ref().map_or("the empty state".into(), |p: &PathBuf| p.display().to_string());
        let text = format!("line 1, field {field:?}: had {had}, needed {needed} to follow {state}");
        Failure::at(Reason::Verdict, &args.batch, text)
    };
    let header = &file.header;
    let state = ledger.summary();
    if header.chain_id != ledger.chain_id() {
        return Err(refuse("chain_id", header.chain_id.to_string(), ledger.chain_id().to_string()));
    }
    if header.batch != state.batch_number + 1 {
        return Err(refuse("batch", header.batch.to_string(), (state.batch_number + 1).to_string()));
    }
    let (had, needed) = (Element::from(header.pre_state_root), Element::from(ledger.state_root()));
    if had != needed {
        return Err(refuse("pre_state_root", had.to_string(), needed.to_string()));
    }
    Ok(())
}

fn execute(args: &Prove, shape: &Shape, file: &BatchFile, ledger: &mut Ledger) -> Result<Vec<Executed>, Failure> {
    if file.transactions.is_empty() {
        return Err(Failure::at(Reason::Input, &args.batch, "line 2: needed at least one transaction"));
    }
    let plan =
        split(shape, ledger.next_pool(), &file.transactions).map_err(|e| Failure::at(Reason::Verdict, &args.batch, e))?;
    plan.iter()
        .map(|batch| {
            let range = batch.transactions();
            let first = range.start;
            ledger.execute(shape, file.header.operator, &file.transactions[range]).map_err(|e| match &e {
                // Transaction i of the file stands on line i + 2.
                BatchError::Refused { index, kind, account, rule } => {
                    let account = account.map_or(String::new(), |a| format!(" of account {a}"));
                    let line = first + index + 2;
                    Failure::at(Reason::Verdict, &args.batch, format!("line {line}: {kind}{account} refused: {rule}"))
                }
                BatchError::Conservation { .. } => Failure::new(Reason::Bug, e),
                _ => Failure::at(Reason::Verdict, &args.batch, e),
            })
        })
        .collect()
}

fn refuse(error: ProveError) -> Failure {
    let reason = match error {
        ProveError::Randomness(_) => Reason::Io,
        ProveError::SelfCheck(_) | ProveError::OtherShape { .. } => Reason::Key,
        _ => Reason::Bug,
    };
    Failure::new(reason, error)
}

fn write_batch(out: &Path, batch: &Executed, proven: &ProvenBatch, seconds: f64) -> Result<Value, Failure> {
    let name = format!("batch-{}", batch.batch_number);
    let path = out.join(format!("{name}.proven.json"));
    files::write(&path, proven.to_json().as_bytes())?;
    files::write(&out.join(format!("{name}.data")), &batch.data)?;
    files::write(&out.join(format!("{name}.proof.json")), proven.proof().to_snarkjs_json().as_bytes())?;
    let statement = proven.verified().statement();
    files::write(&out.join(format!("{name}.public.json")), statement.to_snarkjs_public_json().as_bytes())?;
    let mut report = Report::default();
    report
        .add("batch", batch.batch_number)
        .add("slots", format!("{} of {} used", batch.fill.used, batch.fill.slots))
        .add("data_bytes", batch.data.len())
        .add("post_state_root", statement.post_state_root.to_string())
        .add("public_input", statement.public_input().to_string())
        .add("commitment", proven.verified().commitment().to_string())
        .add("seconds", (seconds * 10.0).round() / 10.0)
        .add("file", path.display().to_string());
    Ok(report.into_value())
}
