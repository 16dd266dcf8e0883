//! `batch check` and `batch new`: batch files before they are proven.

use std::io::Write;

use serde_json::Value;
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::deposit::{Destination, Outpoint};
use tapstone_circuits::file::{BatchFile, Check, Fault, Header};
use tapstone_circuits::ledger::Ledger;
use tapstone_circuits::signature::curve::B8;
use tapstone_circuits::transaction::Transaction;

use super::keys;
use super::prove::{Ground, Input, Purpose};
use crate::args::{CheckBatch, NewBatch};
use crate::chain;
use crate::exit::{Failure, Reason, one_line};
use crate::files::{self, Kept, Readers};
use crate::input;
use crate::progress::Progress;
use crate::report::Report;
use crate::streams;

/// Columns of a terminal that a shown line takes at most, its mark included.
const WIDTH: usize = 76;

/// `tapstone batch check`.
pub fn check(args: &CheckBatch, json: bool, progress: &Progress) -> Result<Report, Failure> {
    let path = &args.batch;
    let check = Check::of(input::open(path)?, args.most.into());
    if let Some(first) = check.faults.first() {
        if !json {
            for fault in &check.faults {
                streams::out(&shown(&path.display().to_string(), fault))?;
            }
        }
        let more = if check.ended_early { ", and reading ended there" } else { "" };
        let text = match check.lines {
            0 => first.error.to_string(),
            lines => format!("{} of {lines} lines are wrong{more}", check.faults.len()),
        };
        let reason = input::batch_reason(&first.error);
        let list: Vec<Value> = check.faults.iter().map(described).collect();
        return Err(Failure::at(reason, path, text).with_details("faults", list.into()));
    }
    let mut report = Report::default();
    report.add("file", path.display().to_string()).add("lines", check.lines).add("form", "right");
    if args.form_only {
        return Ok(report);
    }
    let shape = keys::shape(&args.shape)?;
    let input = Input::read(path)?;
    let (chain, state, chain_id) = (args.chain.as_deref(), args.state.as_deref(), input.file.header.chain_id);
    let mut ground = Ground::open(chain, state, chain_id, &shape, Purpose::Look, progress)?;
    let batches: Vec<_> = ground.execute(&shape, std::slice::from_ref(&input), progress)?.into_iter().flatten().collect();
    report
        .add("transactions", input.file.transactions.len())
        .add("rules", "kept")
        .add("shape", shape.name.as_str())
        .add("batches", batches.len());
    Ok(report)
}

fn described(fault: &Fault) -> Value {
    let error = &fault.error;
    let mut item = Report::default();
    item.add("line", error.line)
        .add("column", error.column)
        .add("field", error.field.clone())
        .add("rule", error.problem.to_string())
        .add("text", fault.text.as_str());
    item.into_value()
}

/// File, line, column and rule, and below it the part of the line around the column with a caret under it.
fn shown(path: &str, fault: &Fault) -> String {
    let error = &fault.error;
    let column = error.column.map_or(String::new(), |column| format!(":{column}"));
    let field = error.field.as_ref().map_or(String::new(), |field| format!("field {field:?}: "));
    let head = one_line(&format!("{path}:{}{column}: {field}{}", error.line, error.problem));
    let Some(column) = error.column.filter(|_| !fault.text.is_empty()) else { return head };
    // Columns are bytes; where one does not start a character, the character before it is meant.
    let before = fault.text.char_indices().take_while(|(at, _)| at + 1 < column).count();
    let letters: Vec<char> = fault.text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let from = before.saturating_sub(WIDTH / 2).min(letters.len().saturating_sub(WIDTH));
    let part: String = letters.iter().skip(from).take(WIDTH).collect();
    format!("{head}\n  {part}\n  {}^", " ".repeat(before - from))
}

/// `tapstone batch new`.
pub fn new(args: &NewBatch, quiet: bool, progress: &Progress) -> Result<Report, Failure> {
    let head = match &args.state {
        Some(path) => chain::state(path, progress)?.head(),
        None => {
            let shape = keys::shape(&args.shape)?;
            let genesis = Ledger::genesis(args.chain_id, shape.account_depth, shape.pool_depth);
            genesis.map_err(|e| Failure::new(Reason::Bug, e))?.head()
        }
    };
    let header = Header {
        chain_id: head.chain_id,
        batch: head.summary.batch_number + 1,
        pre_state_root: head.state_root(),
        operator: args.operator,
    };
    let deposit = Transaction::DepositNew {
        outpoint: Outpoint { txid: [0x11; 32], vout: 0 },
        key: B8,
        token: TokenId::NATIVE,
        amount: Amount::from(100_000),
        refund: Destination([0x22; 32]),
    };
    let text = BatchFile { header, transactions: vec![deposit] }.to_jsonl();
    match files::create_with(&args.file, Readers::Umask, |to| to.write_all(text.as_bytes()))? {
        Kept::New => {}
        Kept::Existed => return Err(Failure::at(Reason::Usage, &args.file, "exists already and stays as it is")),
    }
    if !quiet {
        streams::err(
            "line 1  the header: chain, number of the first batch, state root before it, account that takes the fees\n\
             line 2  a deposit to a new account; put the outpoint, the key and the refund destination of a real one.\n\
             \x20       Add a line for each transaction: `tapstone wallet sign` signs those that have a signer.",
        );
    }
    let mut report = Report::default();
    report
        .add("file", args.file.display().to_string())
        .add("chain_id", header.chain_id)
        .add("batch", header.batch)
        .add("next", format!("tapstone batch check {}", args.file.display()));
    Ok(report)
}
