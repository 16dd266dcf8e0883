//! `state prove-account`, `state prove-withdrawal`, `verify-account`, `verify-withdrawal`: getting out without the operator.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tapstone_circuits::ledger::exit;
use tapstone_circuits::withdrawal::Withdrawal;
use tapstone_verifier::Statement;
use tapstone_verifier::error::{ExitError, ExitProofError};
use tapstone_verifier::exit::{
    AccountProof, AccountVerdict, BatchWithdrawals, FIRST_SHARE_TOKEN, WithdrawalProof, WithdrawalVerdict, verify_account,
    verify_withdrawal,
};

use super::verify::verified;
use crate::args::{ProveAccount, ProveWithdrawal, ProvenBatchArgs, VerifyAccount, VerifyWithdrawal};
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::pins::{self, Pins};
use crate::progress::Progress;
use crate::report::Report;
use crate::streams;

/// The longest account proof as JSON, with room.
const ACCOUNT_LIMIT: usize = 1 << 20;
/// The longest withdrawal proof as JSON.
const WITHDRAWAL_LIMIT: usize = 1 << 28;

/// `tapstone state prove-account`.
pub fn prove_account(args: &ProveAccount, progress: &Progress) -> Result<Report, Failure> {
    let state = chain::state(&args.state, progress)?;
    let head = state.head();
    let proof = exit::prove_account(&state, args.index)?.ok_or_else(|| {
        let text = format!("no account {}: the state has {}", args.index, head.summary.next_account);
        Failure::at(Reason::Verdict, &args.state, text)
    })?;
    let verdict = verify_account(&proof, head.state_root().into()).map_err(|e| state.inconsistent(&args.state, e))?;
    let Some(out) = &args.out else { return print(&proof) };
    let length = write(out, &proof, args.compact.then(|| proof.to_bytes()))?;
    let mut report = Report::default();
    describe_account(&mut report, &verdict);
    report.add("file", out.display().to_string()).add("bytes", length);
    Ok(report)
}

/// `tapstone state prove-withdrawal`.
pub fn prove_withdrawal(args: &ProveWithdrawal) -> Result<Report, Failure> {
    let data = input::data(&args.data)?;
    let withdrawals = data.withdrawals();
    let prove = |position| Withdrawal::prove(data.chain_id, data.batch_number, &withdrawals, position);
    let Some(position) = args.position else {
        let list: Vec<Value> = (0..).map_while(prove).map(|proof| describe_withdrawal(&proof)).collect();
        let mut report = Report::default();
        report.add("chain_id", data.chain_id).add("batch_number", data.batch_number).add("count", list.len());
        report.add("withdrawals", list);
        return Ok(report);
    };
    let proof = prove(position).ok_or_else(|| {
        let text = format!("no withdrawal {position}: batch {} has {}", data.batch_number, withdrawals.len());
        Failure::at(Reason::Verdict, &args.data, text)
    })?;
    let Some(out) = &args.out else { return print(&proof) };
    let length = write(out, &proof, args.compact.then(|| proof.to_bytes()))?;
    let mut report = Report::default();
    report
        .add("chain_id", proof.chain_id)
        .add("batch_number", proof.batch_number)
        .add("withdrawal", describe_withdrawal(&proof))
        .add("file", out.display().to_string())
        .add("bytes", length);
    Ok(report)
}

/// `tapstone verify-account`.
pub fn run_verify_account(args: &VerifyAccount, progress: &Progress) -> Result<Report, Failure> {
    let proof: AccountProof = read(&args.proof, ACCOUNT_LIMIT, AccountProof::from_bytes)?;
    let (root, trust) = match args.state_root {
        Some(root) => (root, Trust::Root),
        None => statement(&args.batch, progress).map(|(statement, trust)| (statement.post_state_root, trust))?,
    };
    let verdict = verify_account(&proof, root).map_err(refused(&args.proof))?;
    let mut report = Report::default();
    describe_account(&mut report, &verdict);
    trust.verdict("held", report)
}

/// `tapstone verify-withdrawal`.
pub fn run_verify_withdrawal(args: &VerifyWithdrawal, progress: &Progress) -> Result<Report, Failure> {
    let proof: WithdrawalProof = read(&args.proof, WITHDRAWAL_LIMIT, WithdrawalProof::from_bytes)?;
    let (batch, trust) = match (args.withdrawals_root, args.chain_id, args.batch) {
        (Some(root), Some(chain_id), Some(batch_number)) => (BatchWithdrawals { chain_id, batch_number, root }, Trust::Root),
        _ => statement(&args.proven, progress).map(|(statement, trust)| (BatchWithdrawals::from(&statement), trust))?,
    };
    let verdict = verify_withdrawal(&proof, batch, args.most_withdrawals).map_err(|e| match e {
        ExitError::TooManyWithdrawals { .. } => refused(&args.proof)(e).about("", "; --most-withdrawals allows more"),
        e => refused(&args.proof)(e),
    });
    let WithdrawalVerdict { id, count, .. } = verdict?;
    let mut report = Report::default();
    report
        .add("chain_id", id.chain_id)
        .add("batch_number", id.batch_number)
        .add("id", id.to_string())
        .add("withdrawals_of_batch", count)
        .add("withdrawal", describe_withdrawal(&proof));
    trust.verdict("withdrawn", report)
}

/// What a proof was verified against, and whose word that is.
enum Trust {
    /// A root that the caller gave.
    Root,
    /// A proven batch, under keys that the caller pins, if any.
    Batch(Option<Pins>),
}

impl Trust {
    fn verdict(&self, word: &str, mut report: Report) -> Result<Report, Failure> {
        match self {
            Self::Batch(pins) => pins::verdict(word, pins.as_ref(), report),
            Self::Root => {
                let mut all = Report::default();
                all.add("verdict", word).append(&mut report);
                Ok(all)
            }
        }
    }
}

/// The statement of a batch that is verified here.
fn statement(args: &ProvenBatchArgs, progress: &Progress) -> Result<(Statement, Trust), Failure> {
    let missing = || Failure::new(Reason::Usage, "nothing to verify against: give a root or --proven");
    let proven = args.proven.as_slice();
    let pins = Pins::read(&args.pins, progress)?;
    let batch = *verified(proven, args.key.as_slice(), pins.as_ref())?.first().ok_or_else(missing)?.statement();
    Ok((batch, Trust::Batch(pins)))
}

/// Reads a proof of either encoding: JSON starts with a brace, bytes with `T`.
pub fn read<P: DeserializeOwned + Named>(
    path: &Path,
    limit: usize,
    decode: impl Fn(&[u8]) -> Result<P, ExitProofError>,
) -> Result<P, Failure> {
    let bytes = files::read(path, limit)?;
    // What is no JSON is bytes, however few: their own reader says what is wrong, with its code.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return decode(&bytes).map_err(|e| refused(path)(e.into()));
    }
    serde_json::from_slice(&bytes).map_err(|e| {
        let failure = Failure::at(Reason::Input, path, format!("not such a proof: {e}"));
        input::or_other_format(path, P::FORMAT, failure)
    })
}

/// A proof that is read from JSON, and its format.
pub trait Named {
    /// Name and version.
    const FORMAT: &str;
}

impl Named for AccountProof {
    const FORMAT: &str = "tapstone-account-proof/1";
}

impl Named for WithdrawalProof {
    const FORMAT: &str = "tapstone-withdrawal-proof/1";
}

/// What is malformed is no verdict.
fn refused(path: &Path) -> impl Fn(ExitError) -> Failure + '_ {
    move |e| {
        let reason = match e {
            ExitError::Proof(ExitProofError::Version { .. }) => Reason::Mismatch,
            ExitError::Proof(_) => Reason::Input,
            _ => Reason::Verdict,
        };
        Failure::at(reason, path, format!("{e} (code {})", e.code()))
    }
}

/// The proof alone on standard output, to be piped.
fn print(proof: &impl Serialize) -> Result<Report, Failure> {
    let text = serde_json::to_string(proof).map_err(|e| Failure::new(Reason::Bug, e))?;
    streams::out(&text)?;
    Ok(Report::default())
}

fn write(out: &Path, proof: &impl Serialize, compact: Option<Vec<u8>>) -> Result<usize, Failure> {
    let bytes = match compact {
        Some(bytes) => bytes,
        None => serde_json::to_vec(proof).map_err(|e| Failure::new(Reason::Bug, e))?,
    };
    files::replace(out, &bytes)?;
    Ok(bytes.len())
}

fn describe_account(report: &mut Report, verdict: &AccountVerdict) {
    report
        .add("chain_id", verdict.chain_id)
        .add("batch_number", verdict.batch_number)
        .add("state_root", verdict.state_root.to_string())
        .add("account", verdict.index)
        .add("key", hex::encode(verdict.key))
        .add("nonce", verdict.nonce.to_string())
        .add("nullifier", verdict.nullifier().to_string())
        .add("deposits_consumed", verdict.deposit_count);
    let holdings: Vec<Value> = verdict
        .holdings
        .iter()
        .map(|holding| {
            let mut item = Report::default();
            item.add("token", holding.token).add("balance", holding.balance.to_string());
            let worth = holding.token.checked_sub(FIRST_SHARE_TOKEN);
            if let Some(share) = verdict.shares.iter().find(|share| Some(share.pool) == worth) {
                item.add("pool", share.pool).add(
                    "worth",
                    format!("{} of token {}, {} of token {}", share.amount0, share.token0, share.amount1, share.token1),
                );
            }
            item.into_value()
        })
        .collect();
    report.add("holdings", holdings);
}

fn describe_withdrawal(proof: &WithdrawalProof) -> Value {
    let w = &proof.withdrawal;
    let mut item = Report::default();
    item.add("position", proof.position)
        .add("account", w.account)
        .add("token", w.token)
        .add("amount", w.amount.to_string())
        .add("cause", if w.refund { "refund" } else { "request" })
        .add("destination", hex::encode(w.destination));
    item.into_value()
}

/// What `inspect` says of an account proof.
pub fn inspect_account(path: &Path) -> Result<Report, Failure> {
    let proof: AccountProof = read(path, ACCOUNT_LIMIT, AccountProof::from_bytes)?;
    let root = proof.state.root();
    let verdict = verify_account(&proof, root).map_err(refused(path))?;
    let mut report = Report::default();
    report.add("file", "account proof (consistent; whether its root is the one you trust: see `tapstone verify-account`)");
    describe_account(&mut report, &verdict);
    Ok(report)
}

/// What `inspect` says of a withdrawal proof.
pub fn inspect_withdrawal(path: &Path) -> Result<Report, Failure> {
    let proof: WithdrawalProof = read(path, WITHDRAWAL_LIMIT, WithdrawalProof::from_bytes)?;
    let mut report = Report::default();
    report
        .add("file", "withdrawal proof (not verified here: see `tapstone verify-withdrawal`)")
        .add("chain_id", proof.chain_id)
        .add("batch_number", proof.batch_number)
        .add("withdrawal", describe_withdrawal(&proof));
    Ok(report)
}
