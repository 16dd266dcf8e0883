//! What a state holds, from a chain's folder or a state file.

use std::path::Path;

use serde_json::Value;
use tapstone_circuits::amount::TokenId;
use tapstone_circuits::ledger::{Head, Source};
use tapstone_verifier::Element;
use tapstone_work::store::{ChainKeys, ChainKind, KeyPin};

use crate::chain::{self, State};
use crate::exit::{Failure, Reason};
use crate::progress::Progress;
use crate::report::Report;

/// Roots and counters.
pub fn describe(head: &Head) -> Report {
    let summary = head.summary;
    let mut report = Report::default();
    report
        .add("chain_id", head.chain_id)
        .add("batch_number", summary.batch_number)
        .add("account_depth", head.account_depth)
        .add("pool_depth", head.pool_depth)
        .add("accounts", summary.next_account)
        .add("pools", summary.next_pool)
        .add("deposits", summary.deposit_count)
        .add("deposit_head", Element::from(summary.deposit_head).to_string())
        .add("account_root", Element::from(summary.account_root).to_string())
        .add("pool_root", Element::from(summary.pool_root).to_string())
        .add("state_root", Element::from(head.state_root()).to_string());
    report
}

/// Which keys a chain pins: what others compare with what the chain's operator published.
pub fn describe_keys(report: &mut Report, keys: &ChainKeys) {
    let pin = |pin: &KeyPin| {
        let mut entry = Report::default();
        let id = pin.vk_id.map_or("none yet: the first proof decides".into(), |id| id.to_string());
        entry.add("from_batch", pin.from_batch).add("shape", pin.shape.as_str()).add("vk_id", id);
        entry.into_value()
    };
    let kind = match keys.kind() {
        ChainKind::Live => "live",
        ChainKind::Trial => "trial: a key that is missing is made, insecurely",
    };
    report.add("kind", kind).add("keys", keys.pins().iter().map(pin).collect::<Vec<Value>>());
}

/// `tapstone state show`.
pub fn show(path: &Path, progress: &Progress) -> Result<Report, Failure> {
    let state = chain::state(path, progress)?;
    let mut report = describe(&state.head());
    if let State::Stored(view) = &state {
        describe_keys(&mut report, &view.keys().map_err(chain::failure)?);
    }
    Ok(report)
}

/// `tapstone state root`.
pub fn root(path: &Path, progress: &Progress) -> Result<Report, Failure> {
    let head = chain::state(path, progress)?.head();
    let mut report = Report::default();
    report.add("state_root", Element::from(head.state_root()).to_string());
    Ok(report)
}

fn exists(what: &str, index: u32, next: u32) -> Result<(), Failure> {
    if index < next {
        return Ok(());
    }
    Err(Failure::new(Reason::Verdict, format!("no {what} {index}: there are {next}, from 0 on")))
}

/// `tapstone state account`.
pub fn account(path: &Path, index: u32, progress: &Progress) -> Result<Report, Failure> {
    let state = chain::state(path, progress)?;
    let head = state.head();
    exists("account", index, head.summary.next_account)?;
    let account = state.account(index)?;
    let mut balances = Vec::new();
    let ids = std::iter::once(TokenId::NATIVE.get()).chain(account.tokens);
    for (token, balance) in ids.zip(account.balances).filter(|(_, balance)| *balance > 0) {
        let mut entry = Report::default();
        entry.add("token", token);
        if let Some(pool) = token.checked_sub(TokenId::FIRST_LP) {
            entry.add("shares_of_pool", pool);
        }
        entry.add("balance", balance.to_string());
        balances.push(entry.into_value());
    }
    let mut report = Report::default();
    report
        .add("account", index)
        .add("batch_number", head.summary.batch_number)
        .add("key", account.key.map(|key| key.to_string()).unwrap_or_default())
        .add("nonce", account.nonce.to_string())
        .add("free_slots", account.free_slots())
        .add("balances", balances);
    Ok(report)
}

/// `tapstone state pool`.
pub fn pool(path: &Path, index: u32, progress: &Progress) -> Result<Report, Failure> {
    let state = chain::state(path, progress)?;
    let head = state.head();
    exists("pool", index, head.summary.next_pool)?;
    let pool = state.pool(index)?;
    let mut report = Report::default();
    report
        .add("pool", index)
        .add("batch_number", head.summary.batch_number)
        .add("token0", pool.token0.get())
        .add("token1", pool.token1.get())
        .add("fee_basis_points", pool.fee_bp)
        .add("reserve0", pool.reserve0.to_string())
        .add("reserve1", pool.reserve1.to_string())
        .add("shares", pool.supply.to_string())
        .add("shares_held", pool.circulating().to_string())
        .add("share_token", TokenId::lp(index).map_or(Value::Null, |token| token.get().into()));
    Ok(report)
}
