//! `state`: the state of a chain.

use serde_json::Value;
use tapstone_circuits::data::BatchData;
use tapstone_circuits::ledger::{Ledger, Rebuilt};
use tapstone_circuits::withdrawal::Cause;
use tapstone_verifier::{Element, Statement};

use super::keys;
use super::prove::{snapshot, starting_state};
use crate::args::{Rebuild, State};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::report::Report;

/// `tapstone state`.
pub fn run(args: &State) -> Result<Report, Failure> {
    match args {
        State::Rebuild(args) => rebuild(args),
        State::ProveAccount(args) => super::exits::prove_account(args),
        State::ProveWithdrawal(args) => super::exits::prove_withdrawal(args),
    }
}

fn rebuild(args: &Rebuild) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    if !args.proven.is_empty() && args.proven.len() != args.data.len() {
        let text = format!("--proven names {} batches, needed one for each of {}", args.proven.len(), args.data.len());
        return Err(Failure::new(Reason::Usage, text));
    }
    let mut ledger: Option<Ledger> = None;
    let mut batches: Vec<Value> = Vec::with_capacity(args.data.len());
    for (i, path) in args.data.iter().enumerate() {
        let data = input::data(path)?;
        let ledger = match &mut ledger {
            Some(ledger) => ledger,
            none => none.insert(starting_state(args.state.as_deref(), data.chain_id, &shape)?),
        };
        let rebuilt = ledger.rebuild(&data).map_err(|e| Failure::at(Reason::Verdict, path, e))?;
        if let Some(proven) = args.proven.get(i) {
            let statement = *input::proven(proven)?.statement();
            check(&statement, ledger, &rebuilt)
                .map_err(|what| Failure::at(Reason::Verdict, path, format!("{what} in {}", proven.display())))?;
        }
        batches.push(describe(&data, &rebuilt));
    }
    let Some(ledger) = ledger else { return Err(Failure::new(Reason::Usage, "no data given")) };
    let root = Element::from(ledger.state_root());
    if let Some(expected) = args.expect_root
        && expected != root
    {
        return Err(Failure::new(Reason::Verdict, format!("the state root is {root}, expected {expected}")));
    }
    if let Some(out) = &args.out {
        files::replace(out, &snapshot(&ledger)?)?;
    }
    let mut report = Report::default();
    report
        .add("batches", batches)
        .add("batch_number", ledger.batch_number())
        .add("accounts", ledger.next_account())
        .add("pools", ledger.next_pool())
        .add("state_root", root.to_string());
    if args.proven.is_empty() && args.expect_root.is_none() {
        report.add("compared", "with nothing: give --proven or --expect-root");
    }
    if let Some(out) = &args.out {
        report.add("file", out.display().to_string());
    }
    Ok(report)
}

/// What the batch's statement says and the data gives.
fn check(statement: &Statement, ledger: &Ledger, rebuilt: &Rebuilt) -> Result<(), String> {
    let pairs = [
        ("pre-state root", rebuilt.pre_state_root, statement.pre_state_root),
        ("data hash", rebuilt.data_hash, statement.data_hash),
        ("deposit head", ledger.deposit_head(), statement.deposit_head),
        ("withdrawals root", rebuilt.withdrawals_root, statement.withdrawals_root),
        ("post-state root", rebuilt.post_state_root, statement.post_state_root),
    ];
    if (ledger.chain_id(), ledger.batch_number()) != (statement.chain_id, statement.batch_number) {
        return Err(format!(
            "the data is of batch {} of chain {}, the statement of batch {} of chain {}",
            ledger.batch_number(),
            ledger.chain_id(),
            statement.batch_number,
            statement.chain_id
        ));
    }
    for (name, had, needed) in pairs {
        let had = Element::from(had);
        if had != needed {
            return Err(format!("the data gives {name} {had}, the statement says {needed}"));
        }
    }
    Ok(())
}

fn describe(data: &BatchData, rebuilt: &Rebuilt) -> Value {
    let refunds = rebuilt.withdrawals.iter().filter(|w| w.cause == Cause::Refund).count();
    let mut report = Report::default();
    report
        .add("batch", data.batch_number)
        .add("transactions", data.transactions.len())
        .add("withdrawals", rebuilt.withdrawals.len() - refunds)
        .add("refunds", refunds)
        .add("post_state_root", Element::from(rebuilt.post_state_root).to_string())
        .add("withdrawals_root", Element::from(rebuilt.withdrawals_root).to_string());
    report.into_value()
}
