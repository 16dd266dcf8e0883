//! `inspect`: what a file holds, told from its contents.

use std::collections::BTreeMap;

use serde_json::Value;
use tapstone_circuits::file::BatchFile;
use tapstone_circuits::ledger::Ledger;
use tapstone_verifier::{Element, VerifyingKey};

use crate::args::Inspect;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// `tapstone inspect`.
pub fn run(args: &Inspect) -> Result<Report, Failure> {
    let bytes = files::read(&args.file)?;
    let refuse = |e: &dyn std::fmt::Display| Failure::at(Reason::Input, &args.file, e);
    if bytes.starts_with(b"TSVK") {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|e| refuse(&e))?;
        return Ok(describe_key(&key));
    }
    let first_line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    if serde_json::from_slice::<Value>(first_line).is_ok_and(|v| v.get("format").is_some() && v.get("operator").is_some()) {
        return BatchFile::read(&bytes[..]).map(|file| describe_batch(&file)).map_err(|e| refuse(&e));
    }
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|_| refuse(&"not a batch file, proven batch, state or verifying key"))?;
    match value.get("format").and_then(Value::as_str) {
        Some("tapstone-proven/1") => {
            let mut report = Report::default();
            report.add("file", "proven batch (not verified here: see `tapstone verify`)");
            for field in ["statement", "vk_id", "commitment"] {
                report.add(field, value.get(field).cloned().unwrap_or_default());
            }
            Ok(report)
        }
        _ => {
            let snapshot = serde_json::from_slice(&bytes).map_err(|e| refuse(&e))?;
            let ledger = Ledger::restore(&snapshot).map_err(|e| refuse(&e))?;
            Ok(describe_state(&ledger))
        }
    }
}

fn describe_key(key: &VerifyingKey) -> Report {
    let mut report = Report::default();
    report
        .add("file", "verifying key")
        .add("shape", key.shape())
        .add("circuit_version", key.circuit_version())
        .add("vk_id", key.id().to_string());
    report
}

fn describe_batch(file: &BatchFile) -> Report {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut fees: BTreeMap<u32, u128> = BTreeMap::new();
    for tx in &file.transactions {
        *kinds.entry(tx.kind_name()).or_default() += 1;
        if let Some(signed) = tx.signed().filter(|s| s.fee.get() > 0) {
            *fees.entry(signed.fee_token.get()).or_default() += signed.fee.get();
        }
    }
    let mut report = Report::default();
    report
        .add("file", "batch file")
        .add("chain_id", file.header.chain_id)
        .add("first_batch", file.header.batch)
        .add("operator", file.header.operator)
        .add("pre_state_root", Element::from(file.header.pre_state_root).to_string())
        .add("transactions", file.transactions.len())
        .add("kinds", kinds.into_iter().map(|(k, n)| (k.to_owned(), n.into())).collect::<serde_json::Map<_, _>>())
        .add(
            "fees_by_token",
            fees.into_iter().map(|(t, f)| (t.to_string(), f.to_string().into())).collect::<serde_json::Map<_, _>>(),
        );
    report
}

fn describe_state(ledger: &Ledger) -> Report {
    let summary = ledger.summary();
    let mut report = Report::default();
    report
        .add("file", "state")
        .add("chain_id", ledger.chain_id())
        .add("batch_number", summary.batch_number)
        .add("accounts", summary.next_account)
        .add("pools", summary.next_pool)
        .add("deposits", summary.deposit_count)
        .add("state_root", Element::from(ledger.state_root()).to_string());
    report
}
