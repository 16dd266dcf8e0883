//! `batch`: work on batch files.

use serde_json::Value;
use tapstone_circuits::file::{BatchFile, schema};
use tapstone_circuits::plan::pack::pack;
use tapstone_circuits::plan::{Planned, Start, split};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::transaction::Transaction;

use super::prove::{Input, execute, starting_state};
use super::{batch_check, convert, fill, generate, keys};
use crate::args::{Batch, Format, Pack};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;
use crate::streams;

/// `tapstone batch`.
pub fn run(args: &Batch, format: Format, quiet: bool, progress: &Progress) -> Result<Report, Failure> {
    match args {
        Batch::Pack(args) => run_pack(args),
        Batch::Check(args) => batch_check::check(args, format == Format::Json, progress),
        Batch::Generate(args) => generate::run(args),
        Batch::Convert(args) => convert::run(args, progress),
        Batch::Schema => {
            let text = serde_json::to_string_pretty(&schema()).map_err(|e| Failure::new(Reason::Bug, e))?;
            streams::out(&text)?;
            Ok(Report::default())
        }
        Batch::New(args) => batch_check::new(args, quiet, progress),
    }
}

fn run_pack(args: &Pack) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let input = Input::read(&args.batch)?;
    let file = &input.file;
    let ledger = starting_state(args.state.as_deref(), file.header.chain_id, &shape)?;
    // A file that is not valid as it is has no better order.
    execute(&shape, &input, args.state.as_deref(), &mut ledger.clone())?;
    let start = ledger.start(file.header.operator);
    let order = pack(&shape, start, &file.transactions).map_err(|e| {
        // Transaction i of the file stands on line i + 2.
        Failure::at(Reason::Verdict, &args.batch, format!("line {}: {e}", e.index() + 2))
    })?;
    let strict = plan(&shape, start, &file.transactions)?;
    let moved = order.iter().enumerate().filter(|(place, index)| place != *index).count();
    let packed = BatchFile {
        header: file.header,
        transactions: order.into_iter().map(|index| file.transactions[index].clone()).collect(),
    };
    let better = plan(&shape, start, &packed.transactions)?;
    // An order that is not valid as well would be no proposal: limits of time and of free slots may depend on it.
    let packed = Input { file: packed, ..input.clone() };
    let valid = execute(&shape, &packed, args.state.as_deref(), &mut ledger.clone()).is_ok();
    let packed = packed.file;
    let taken = valid && moved > 0;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("transactions", file.transactions.len())
        .add("file_order", describe(&shape, &strict))
        .add("packed_order", describe(&shape, if taken { &better } else { &strict }))
        .add("moved", if taken { moved } else { 0 });
    if !valid {
        report.add("note", "an order with fewer batches exists, but not all of its transactions would be valid there");
    }
    if let Some(out) = &args.out {
        let text = if taken { packed.to_jsonl() } else { file.to_jsonl() };
        files::replace(out, text.as_bytes())?;
        report.add("file", out.display().to_string());
    }
    Ok(report)
}

fn plan(shape: &Shape, start: Start, transactions: &[Transaction]) -> Result<Vec<Planned>, Failure> {
    split(shape, start, transactions).map_err(|e| Failure::new(Reason::Bug, e))
}

fn describe(shape: &Shape, plan: &[Planned]) -> Value {
    let sum = |count: fn(&Planned) -> usize| plan.iter().map(count).sum();
    let batches = plan.len();
    let mut report = Report::default();
    report
        .add("batches", batches)
        .add("slots", fill(sum(|batch| batch.transactions().len()), shape.slots.len() * batches))
        .add("accounts", fill(sum(|batch| batch.accounts), shape.accounts * batches))
        .add("nodes", fill(sum(|batch| batch.nodes), shape.nodes * batches));
    report.into_value()
}
