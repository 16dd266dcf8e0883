//! `prove`: batch file to proofs, published data, state, and the anchor output.

use std::fmt::Display;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use tapstone_circuits::file::BatchFile;
use tapstone_circuits::ledger::{BatchError, ChainError, Executed, Ledger, TokenFlow};
use tapstone_circuits::shape::Shape;
use tapstone_prover::{ProveError, ProvenBatch};
use tapstone_verifier::{ChainEnd, Element};

use super::{anchor, fill, keys};
use crate::args::Prove;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::progress::{Following, Progress};
use crate::report::Report;

/// `tapstone prove`.
pub fn run(args: &Prove, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let folder = keys::folder(args.keys.as_deref())?;
    let profile = args.internal_key.map(anchor::Profile::plain).transpose()?;
    let file = input::batch(&args.batch)?;
    let mut ledger = starting_state(args.state.as_deref(), file.header.chain_id, &shape)?;
    check_follows(&args.batch, args.state.as_deref(), &file, &ledger)?;

    // Everything is executed before anything is proven: a refusal in the last batch is told at once.
    progress.step("executing");
    let executed = execute(&args.batch, &shape, &file, &mut ledger)?;

    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new("tapstone-out").join(args.batch.file_stem().unwrap_or_else(|| "batch".as_ref())));
    files::writable_folder(&out)?;
    let prover = keys::prover(&shape, &folder, progress)?;
    let key = prover.key().verifying();
    files::replace(&out.join("verifying.key"), &key.to_bytes())?;
    files::replace(&out.join("verification_key.json"), key.to_snarkjs_json().as_bytes())?;

    let mut proven = Vec::with_capacity(executed.len());
    let mut batches = Vec::with_capacity(executed.len());
    for (i, batch) in executed.iter().enumerate() {
        let name = format!("batch {} ({} of {})", batch.batch_number, i + 1, executed.len());
        let start = Instant::now();
        let done = prover.prove(batch, &Following::new(progress, &name)).map_err(failure)?;
        batches.push(write_batch(&out, batch, &done, start.elapsed().as_secs_f64())?);
        proven.push(done);
    }
    files::replace(&out.join("state.json"), &snapshot(&ledger)?)?;

    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("transactions", file.transactions.len())
        .add("slots", fill(file.transactions.len(), shape.slots.len() * executed.len()))
        .add("vk_id", key.id().to_string())
        .add("batches", batches)
        .add("state_root", Element::from(ledger.state_root()).to_string())
        .add("output_folder", out.display().to_string());
    if let Some(profile) = profile {
        let verified: Vec<_> = proven.into_iter().map(ProvenBatch::into_verified).collect();
        let made = anchor::first(&verified, profile)?.into_value();
        let text = serde_json::to_vec_pretty(&made).map_err(|e| Failure::new(Reason::Bug, e))?;
        files::replace(&out.join("anchor.json"), &text)?;
        report.add("anchor", made);
    }
    Ok(report)
}

/// The state as it is written.
pub fn snapshot(ledger: &Ledger) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec_pretty(&ledger.snapshot()).map_err(|e| Failure::new(Reason::Bug, e))
}

/// The state of a file, whose trees must be those of the shape, or the empty one.
pub fn starting_state(path: Option<&Path>, chain_id: u32, shape: &Shape) -> Result<Ledger, Failure> {
    let Some(path) = path else {
        let genesis = Ledger::genesis(chain_id, shape.account_depth, shape.pool_depth);
        return genesis.map_err(|e| Failure::new(Reason::Bug, e));
    };
    let ledger = input::state(path)?;
    let (had, needed) = ((ledger.account_depth(), ledger.pool_depth()), (shape.account_depth, shape.pool_depth));
    if had != needed {
        let text = format!("account and pool trees have depths {had:?}, needed {needed:?} for shape {}", shape.name);
        return Err(Failure::at(Reason::Mismatch, path, text));
    }
    Ok(ledger)
}

/// Refuses a file that does not follow the state.
pub fn check_follows(batch: &Path, state: Option<&Path>, file: &BatchFile, ledger: &Ledger) -> Result<(), Failure> {
    let end = ChainEnd {
        chain_id: ledger.chain_id(),
        batch_number: ledger.batch_number(),
        state_root: ledger.state_root().into(),
    };
    let header = &file.header;
    end.check_next(header.chain_id, header.batch, header.pre_state_root.into()).map_err(|e| {
        let state = state.map_or("the empty state".into(), |p| p.display().to_string());
        Failure::at(Reason::Verdict, batch, format!("line 1: {e}, to follow {state}"))
    })
}

/// Executes a file, batch by batch.
pub fn execute(path: &Path, shape: &Shape, file: &BatchFile, ledger: &mut Ledger) -> Result<Vec<Executed>, Failure> {
    if file.transactions.is_empty() {
        return Err(Failure::at(Reason::Input, path, "line 2: needed at least one transaction"));
    }
    let refuse = |line: usize, what: &dyn Display| Failure::at(Reason::Verdict, path, format!("line {line}: {what}"));
    // Transaction i of the file stands on line i + 2.
    ledger.execute_all(shape, file.header.operator, &file.transactions).map_err(|e| match e {
        ChainError::Plan(e) => refuse(e.index() + 2, &e),
        ChainError::Batch { first, error } => match &error {
            BatchError::Refused { index, kind, account, rule } => {
                let account = account.map_or(String::new(), |a| format!(" of account {a}"));
                refuse(first + index + 2, &format!("{kind}{account} refused: {rule}"))
            }
            BatchError::OpenBundle { first: member, .. } => refuse(first + member + 2, &error),
            BatchError::Operator { .. } => refuse(1, &error),
            BatchError::Conservation { .. } => Failure::new(Reason::Bug, error),
            _ => refuse(first + 2, &error),
        },
        _ => Failure::at(Reason::Verdict, path, e),
    })
}

/// Why a batch was not proven.
pub fn failure(error: ProveError) -> Failure {
    let reason = match error {
        ProveError::Randomness(_) => Reason::Io,
        ProveError::Key(_) | ProveError::SelfCheck(_) | ProveError::Matrices { .. } => Reason::Mismatch,
        ProveError::Stopped => {
            return Failure::new(Reason::Interrupted, "interrupted; of the batch under way nothing was written");
        }
        _ => Reason::Bug,
    };
    Failure::new(reason, error)
}

fn write_batch(out: &Path, batch: &Executed, proven: &ProvenBatch, seconds: f64) -> Result<Value, Failure> {
    let name = format!("batch-{}", batch.batch_number);
    let path = out.join(format!("{name}.proven.json"));
    files::replace(&path, proven.to_json().as_bytes())?;
    files::replace(&out.join(format!("{name}.data")), &batch.data)?;
    files::replace(&out.join(format!("{name}.proof.json")), proven.proof().to_snarkjs_json().as_bytes())?;
    let statement = proven.verified().statement();
    files::replace(&out.join(format!("{name}.public.json")), statement.to_snarkjs_public_json().as_bytes())?;
    let mut report = Report::default();
    report
        .add("batch", batch.batch_number)
        .add("slots", fill(batch.fill.used, batch.fill.slots))
        .add("data_bytes", batch.data.len())
        .add("post_state_root", statement.post_state_root.to_string())
        .add("public_input", statement.public_input().to_string())
        .add("commitment", proven.verified().commitment().to_string())
        .add("tokens", tokens(&batch.flows))
        .add("seconds", (seconds * 10.0).round() / 10.0)
        .add("file", path.display().to_string());
    Ok(report.into_value())
}

/// What the batch did to each token: changes of balances and reserves, and what accounts for them.
fn tokens(flows: &[TokenFlow]) -> Vec<Value> {
    let describe = |flow: &TokenFlow| {
        let mut report = Report::default();
        report.add("token", flow.token);
        for (name, sum) in [
            ("deposited", flow.deposited),
            ("withdrawn", flow.withdrawn),
            ("minted", flow.minted),
            ("balances", flow.balances),
            ("reserves", flow.reserves),
        ] {
            if sum != 0 {
                report.add(name, sum.to_string());
            }
        }
        report.into_value()
    };
    flows.iter().map(describe).collect()
}
