//! `inspect`: what a file holds, told from its first bytes and then read as strictly as by the commands that use it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value};
use tapstone_circuits::amount::TokenId;
use tapstone_circuits::data::{Published, data_hash};
use tapstone_circuits::file::Reader;
use tapstone_circuits::ledger::Ledger;
use tapstone_prover::ProvenFile;
use tapstone_verifier::{Element, VerifyingKey};

use super::anchor::verify;
use super::exits;
use crate::args::Inspect;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::report::Report;

/// Where the name of a JSON file's format stands at the latest.
const HEAD: u64 = 4096;

/// `tapstone inspect`.
pub fn run(args: &Inspect) -> Result<Report, Failure> {
    let path = &args.file;
    let mut head = Vec::new();
    input::open(path)?.take(HEAD).read_to_end(&mut head).map_err(files::io(path))?;
    files::refuse_mark(path, &head)?;
    let names = |text: &str| head.windows(text.len()).any(|part| part == text.as_bytes());
    let refuse = |what: &str| Err(Failure::at(Reason::Input, path, what));
    match head.first() {
        None => refuse("the file is empty"),
        Some(b'T') if head.starts_with(b"TSVK") => Ok(describe_key(&input::verifying_key(path)?)),
        Some(b'T') if head.starts_with(b"TSPK") => refuse(
            "a proving key; `tapstone keys show` tells its id and where it is from, and the verifying key lies beside each proven batch",
        ),
        Some(b'T') if verify::is_proof(&head) => verify::inspect(path),
        Some(b'T') if head.starts_with(b"TSXA") => exits::inspect_account(path),
        Some(b'T') if head.starts_with(b"TSXW") => exits::inspect_withdrawal(path),
        Some(b'{') if names("\"tapstone-account-proof/") => exits::inspect_account(path),
        Some(b'{') if names("\"tapstone-withdrawal-proof/") => exits::inspect_withdrawal(path),
        Some(b'{') if names("\"tapstone-batch/") => describe_batch(path),
        Some(b'{') if names("\"tapstone-proven/") => Ok(describe_proven(&input::proven(path)?)),
        Some(b'{') if names("\"tapstone-state/") => Ok(describe_state(&input::state(path)?)),
        Some(1) => describe_data(path),
        Some(_) => {
            refuse("not a batch file, proven batch, state, verifying key, published data, anchor proof or exit proof")
        }
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
    let data = input::data(path)?;
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    let mut deposited = Sums::default();
    let mut withdrawn = Sums::default();
    let mut refunded = Sums::default();
    let mut fees = Sums::default();
    for tx in &data.transactions {
        *kinds.entry(tx.kind_name()).or_default() += 1;
        fees.add(tx.fee().token.get(), tx.fee().amount.get());
        match tx {
            Published::Deposit { token, amount, .. } | Published::DepositNew { token, amount, .. } => {
                deposited.add(token.get(), amount.get());
            }
            Published::Withdraw { token, amount, .. } => withdrawn.add(token.get(), amount.get()),
            Published::Refund { token, amount, .. } => refunded.add(token.get(), amount.get()),
            _ => {}
        }
    }
    let mut report = Report::default();
    report
        .add("file", "published data")
        .add("chain_id", data.chain_id)
        .add("batch_number", data.batch_number)
        .add("operator", data.operator)
        .add("transactions", data.transactions.len())
        .add("kinds", counts(kinds))
        .add("fees_by_token", fees.into_map())
        .add("deposited_by_token", deposited.into_map())
        .add("withdrawn_by_token", withdrawn.into_map())
        .add("refunded_by_token", refunded.into_map())
        .add("data_hash", Element::from(data_hash(data.operator, &data.transactions)).to_string());
    if let Some(head) = data.deposit_head {
        report.add("deposit_head", Element::from(head).to_string());
    }
    Ok(report)
}

/// Sums by token. A file would need 2^32 lines to overflow one.
#[derive(Default)]
struct Sums(BTreeMap<u32, u128>);

impl Sums {
    fn add(&mut self, token: u32, amount: u128) {
        if amount > 0 {
            *self.0.entry(token).or_default() += amount;
        }
    }

    fn into_map(self) -> Map<String, Value> {
        self.0.into_iter().map(|(token, sum)| (token.to_string(), sum.to_string().into())).collect()
    }
}

fn counts(kinds: BTreeMap<&str, u64>) -> Map<String, Value> {
    kinds.into_iter().map(|(kind, count)| (kind.to_owned(), count.into())).collect()
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
    let mut fees = Sums::default();
    for tx in reader {
        let tx = tx.map_err(input::batch_error(path))?;
        transactions += 1;
        *kinds.entry(tx.kind_name()).or_default() += 1;
        if let Some(signed) = tx.signed() {
            fees.add(signed.fee_token.get(), signed.fee.get());
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
        .add("kinds", counts(kinds))
        .add("fees_by_token", fees.into_map());
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
        .add("tokens", tokens(ledger))
        .add("state_root", Element::from(ledger.state_root()).to_string());
    report
}

/// What there is of each token, in balances and in reserves. For shares the sum of balances is what circulates of the pool's supply, which a state
/// is checked for as it is read.
fn tokens(ledger: &Ledger) -> Vec<Value> {
    let (mut balances, mut reserves) = (Sums::default(), Sums::default());
    for account in ledger.accounts().values() {
        for (token, balance) in std::iter::once(TokenId::NATIVE.get()).chain(account.tokens).zip(account.balances) {
            balances.add(token, balance);
        }
    }
    for pool in ledger.pools().values() {
        reserves.add(pool.token0.get(), pool.reserve0.get());
        reserves.add(pool.token1.get(), pool.reserve1.get());
    }
    let ids: BTreeSet<u32> = balances.0.keys().chain(reserves.0.keys()).copied().collect();
    let describe = |token: u32| {
        let held = |sums: &Sums| sums.0.get(&token).copied().unwrap_or(0).to_string();
        let mut report = Report::default();
        report.add("token", token).add("balances", held(&balances)).add("reserves", held(&reserves));
        report.into_value()
    };
    ids.into_iter().map(describe).collect()
}
