//! `batch convert`: transfers between batch files and tables of comma-separated values.

use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tapstone_circuits::file::{Reader, to_jsonl};
use tapstone_circuits::transaction::Transaction;
use tapstone_verifier::Element;

use crate::args::ConvertBatch;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

/// A transfer as a row: texts as in a batch file. Without `to` it goes to a new account; without a signature it is yet to be signed.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Row {
    from: u32,
    to: Option<u32>,
    to_key: String,
    token: u32,
    amount: String,
    fee_token: u32,
    fee: String,
    nonce: String,
    expiry: u64,
    message: Option<String>,
    signature: Option<String>,
}

/// `tapstone batch convert`.
pub fn run(args: &ConvertBatch, progress: &Progress) -> Result<Report, Failure> {
    let csv = |path: &Path| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    let rows = match (csv(&args.from), csv(&args.to)) {
        (false, true) => to_csv(&args.from, &args.to)?,
        (true, false) => from_csv(args, progress)?,
        _ => return Err(Failure::new(Reason::Usage, "one of both files must end in .csv, the other in something else")),
    };
    let mut report = Report::default();
    report.add("file", args.to.display().to_string()).add("transfers", rows.0);
    if rows.1 > 0 {
        report.add("unsigned", rows.1).add("next", "tapstone wallet sign");
    }
    Ok(report)
}

fn to_csv(from: &Path, to: &Path) -> Result<(usize, usize), Failure> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut count = 0;
    let reader = Reader::new(input::open(from)?).map_err(input::batch_error(from))?;
    let header = *reader.header();
    for (index, tx) in reader.enumerate() {
        let tx = tx.map_err(input::batch_error(from))?;
        if !matches!(tx, Transaction::Transfer { .. } | Transaction::TransferNew { .. }) {
            // Transaction i of the file stands on line i + 2.
            let text = format!("line {}: {} is no transfer, and tables hold transfers alone", index + 2, tx.kind_name());
            return Err(Failure::at(Reason::Input, from, text));
        }
        let text = to_jsonl(&header, std::slice::from_ref(&tx));
        let line = text.lines().last().unwrap_or_default();
        let mut object: Map<String, Value> = serde_json::from_str(line).map_err(|e| Failure::new(Reason::Bug, e))?;
        object.remove("kind");
        let row: Row = serde_json::from_value(Value::Object(object)).map_err(|e| Failure::new(Reason::Bug, e))?;
        table.serialize(row).map_err(|e| Failure::at(Reason::Io, to, e))?;
        count += 1;
    }
    let bytes = table.into_inner().map_err(|e| Failure::at(Reason::Io, to, e))?;
    files::replace(to, &bytes)?;
    Ok((count, 0))
}

fn from_csv(args: &ConvertBatch, progress: &Progress) -> Result<(usize, usize), Failure> {
    let path = &args.from;
    let mut lines = Vec::new();
    let mut unsigned = 0;
    let mut table = csv::Reader::from_reader(input::open(path)?);
    for row in table.deserialize::<Row>() {
        let row = row.map_err(|e| {
            let reason = if e.is_io_error() { Reason::Io } else { Reason::Input };
            Failure::at(reason, path, e)
        })?;
        unsigned += usize::from(row.signature.is_none());
        let kind = if row.to.is_some() { "transfer" } else { "transfer_new" };
        let mut object = Map::new();
        object.insert("kind".into(), kind.into());
        let fields = serde_json::to_value(&row).map_err(|e| Failure::new(Reason::Bug, e))?;
        let fields = fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        object.extend(fields.map(|(name, value)| (name.clone(), value.clone())));
        lines.push(Value::Object(object).to_string());
    }
    let mut out = Vec::new();
    // Lines without signatures are for `wallet sign`, which wants no header.
    if let Some(state) = &args.state {
        let head = chain::state(state, progress)?.head();
        let header = serde_json::json!({
            "format": tapstone_circuits::file::FORMAT,
            "chain_id": head.chain_id,
            "batch": head.summary.batch_number + 1,
            "pre_state_root": Element::from(head.state_root()).to_string(),
            "operator": args.operator,
        });
        lines.insert(0, header.to_string());
    }
    for line in &lines {
        writeln!(out, "{line}").map_err(|e| Failure::new(Reason::Bug, e))?;
    }
    let count = lines.len() - usize::from(args.state.is_some());
    // What is complete must be a batch file that reads.
    if args.state.is_some() && unsigned == 0 {
        tapstone_circuits::file::BatchFile::read(&out[..])
            .map_err(|e| Failure::at(Reason::Input, path, format!("row {}: {}", e.line.saturating_sub(1), e.problem)))?;
    }
    files::replace(&args.to, &out)?;
    Ok((count, unsigned))
}
