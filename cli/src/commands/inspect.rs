//! `inspect`: what a file holds, told from its first bytes and then read as strictly as by the commands that use it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use tapstone_circuits::data::{BatchData, data_hash};
use tapstone_circuits::file::Reader;
use tapstone_circuits::ledger::Ledger;
use tapstone_prover::ProvenFile;
use tapstone_verifier::{Element, VerifyingKey};

use crate::args::Inspect;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::report::Report;

/// Where the name of a JSON file's format stands at the latest.
const HEAD: u64 = 4096;
/// The longest published data: far above what any batch publishes.
const DATA_LIMIT: usize = 1 << 24;

/// `tapstone inspect`.
pub fn run(args: &Inspect) -> Result<Report, Failure> {
    let path = &args.file;
    let mut head = Vec::new();
    input::open(path)?.take(HEAD).read_to_end(&mut head).map_err(files::io(path))?;
    let names = |text: &str| head.windows(text.len()).any(|part| part == text.as_bytes());
    let refuse = |what: &str| Err(Failure::at(Reason::Input, path, what));
    match head.first() {
        None => refuse("the file is empty"),
        Some(b'T') if head.starts_with(b"TSVK") => Ok(describe_key(&input::verifying_key(path)?)),
        Some(b'T') if head.starts_with(b"TSPK") => {
            refuse("a proving key; `tapstone setup` tells its id, and the verifying key lies beside each proven batch")
        }
        Some(b'{') if names("\"tapstone-batch/") => describe_batch(path),
        Some(b'{') if names("\"tapstone-proven/") => Ok(describe_proven(&input::proven(path)?)),
        Some(b'{') if names("\"tapstone-state/") => Ok(describe_state(&input::state(path)?)),
        Some(1) => describe_data(path),
        Some(_) => refuse("not a batch file, proven batch, state, verifying key or published data"),
    }
}

fn describe_proven(file: &ProvenFile) -> Report {
    let s = file.statement();
    let mut statement = Report::default();
    statement
        .add("chain_id", s.chain_id)
        .add("batch_number", s.batch_number)
        .add("pre_state_root", s.pre_state_root.to_string())
        .add("post_state_root", s.post_state_root.to_string())
        .add("data_hash", s.data_hash.to_string())
        .add("deposit_head", s.deposit_head.to_string())
        .add("withdrawals_root", s.withdrawals_root.to_string());
    let mut report = Report::default();
    report
        .add("file", "proven batch (not verified here: see `tapstone verify`)")
        .add("statement", statement.into_value())
        .add("vk_id", file.vk_id().to_string())
        .add("commitment", hex::encode(file.unverified_commitment()));
    report
}

fn describe_data(path: &Path) -> Result<Report, Failure> {
    let bytes = files::read(path, DATA_LIMIT)?;
    let data =
        BatchData::decode(&bytes).map_err(|e| Failure::at(Reason::Input, path, format!("not published data: {e}")))?;
    let mut report = Report::default();
    report
        .add("file", "published data")
        .add("chain_id", data.chain_id)
        .add("batch_number", data.batch_number)
        .add("operator", data.operator)
        .add("transactions", data.transactions.len())
        .add("data_hash", Element::from(data_hash(data.operator, &data.transactions)).to_string());
    Ok(report)
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

fn describe_batch(path: &Path) -> Result<Report, Failure> {
    let reader = Reader::new(input::open(path)?).map_err(input::batch_error(path))?;
    let header = *reader.header();
    let mut transactions = 0u64;
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut fees: BTreeMap<u32, u128> = BTreeMap::new();
    for tx in reader {
        let tx = tx.map_err(input::batch_error(path))?;
        transactions += 1;
        *kinds.entry(tx.kind_name()).or_default() += 1;
        if let Some(signed) = tx.signed().filter(|s| s.fee.get() > 0) {
            // A file would need 2^32 lines to overflow.
            *fees.entry(signed.fee_token.get()).or_default() += signed.fee.get();
        }
    }
    let mut report = Report::default();
    report
        .add("file", "batch file")
        .add("chain_id", header.chain_id)
        .add("first_batch", header.batch)
        .add("operator", header.operator)
        .add("pre_state_root", Element::from(header.pre_state_root).to_string())
        .add("transactions", transactions)
        .add("kinds", kinds.into_iter().map(|(k, n)| (k.to_owned(), n.into())).collect::<serde_json::Map<_, _>>())
        .add(
            "fees_by_token",
            fees.into_iter().map(|(t, f)| (t.to_string(), f.to_string().into())).collect::<serde_json::Map<_, _>>(),
        );
    Ok(report)
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
