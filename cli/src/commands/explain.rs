//! `explain`: what one transaction of a batch file does, leaf by leaf.

use serde_json::Value;
use tapstone_circuits::account::Account;
use tapstone_circuits::amount::TokenId;
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::pool::Pool;
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::withdrawal::Cause;
use tapstone_circuits::witness::{LeafAccess, SlotWitness};

use super::keys;
use super::prove::{Ground, Input, Purpose, Work};
use crate::args::Explain;
use crate::exit::{Failure, Reason};
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone explain`.
pub fn run(args: &Explain, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let input = Input::read(&args.batch)?;
    let count = input.file.transactions.len();
    // Transaction i stands on line i + 2.
    let index = args.line.checked_sub(2).filter(|index| *index < count).ok_or_else(|| {
        let text = format!("--line is {}, transactions stand on lines 2 to {}", args.line, count + 1);
        Failure::new(Reason::Usage, text)
    })?;
    let chain_id = input.file.header.chain_id;
    let mut ground = Ground::open(args.chain.as_deref(), args.state.as_deref(), chain_id, &shape, Purpose::Look, progress)?;
    progress.step("executing");
    let plan = ground.execute(&shape, std::slice::from_ref(&input), progress)?;
    for work in plan.iter().flatten() {
        if let Work::New { first, executed, .. } = work
            && (*first..first + executed.fill.used).contains(&index)
        {
            return describe(&input.file.transactions[index], index, index - first, executed);
        }
    }
    let text = format!("line {}: the chain has this transaction already; a state before it is needed", args.line);
    Err(Failure::at(Reason::Usage, &args.batch, text))
}

fn describe(tx: &Transaction, index: usize, position: usize, executed: &Executed) -> Result<Report, Failure> {
    let slots = &executed.witness.slots;
    let slot = slots.iter().position(|slot| match slot {
        SlotWitness::Pair(pair) => pair.tx.is_some() && pair.position == position,
        SlotWitness::Single(single) => single.tx.is_some() && single.position == position,
    });
    let Some(slot) = slot else { return Err(Failure::new(Reason::Bug, "a transaction without a slot")) };
    let mut report = Report::default();
    report
        .add("line", index + 2)
        .add("kind", tx.kind_name())
        .add("batch", executed.batch_number)
        .add("slot", format!("{slot} ({})", executed.witness.shape.slots[slot].letter()));
    if let Some(signed) = tx.signed() {
        report.add("nonce", signed.nonce.to_string());
        if signed.expiry != 0 {
            report.add("expires_after_batch", signed.expiry);
        }
        if !signed.fee.is_zero() {
            let to = executed.witness.operator;
            report.add(
                "fee",
                format!("{} of token {}, to account {to} at the end of the batch", signed.fee, signed.fee_token),
            );
        }
    }
    let refund = match &slots[slot] {
        SlotWitness::Single(single) => single.refund,
        SlotWitness::Pair(_) => None,
    };
    report.add("data_bytes", (if refund.is_some() { tx.published_refund() } else { tx.published() }).encoded_len());
    if let Some(reason) = refund {
        report.add("refunded", reason.to_string());
    }
    let places: Vec<(usize, &str, &LeafAccess)> = accesses(slots).filter(|(at, ..)| *at == slot).collect();
    let accounts: Vec<Value> = places
        .iter()
        .enumerate()
        .map(|(nth, (_, role, access))| leaf(role, access, &after(executed, slot, nth, access.index)))
        .collect();
    report.add("accounts", accounts);
    let pools: Vec<Value> = executed
        .pool_changes
        .iter()
        .filter(|c| c.position == position)
        .map(|c| pool(c.index, &c.before, &c.after))
        .collect();
    if !pools.is_empty() {
        report.add("pools", pools);
    }
    let (leaves, cause) = match (tx, refund) {
        (Transaction::Withdraw { .. }, _) => (true, Cause::Request),
        (_, Some(_)) => (true, Cause::Refund),
        _ => (false, Cause::Request),
    };
    if let (true, Some(destination)) = (leaves, tx.destination()) {
        let what = if cause == Cause::Refund { "refund" } else { "withdrawal" };
        report.add("to_bitcoin", format!("a {what} to the script whose SHA-256 is {}", hex::encode(destination.0)));
    }
    Ok(report)
}

/// All leaves that a batch's transactions read and write, in order: slot, role, leaf.
fn accesses(slots: &[SlotWitness]) -> impl Iterator<Item = (usize, &'static str, &LeafAccess)> {
    slots.iter().enumerate().flat_map(|(at, slot)| {
        let (first, second) = match slot {
            SlotWitness::Pair(pair) if pair.tx.is_some() => {
                (Some((at, "sender", &pair.sender)), Some((at, "recipient", &pair.recipient)))
            }
            SlotWitness::Single(single) if single.accesses_account() => (Some((at, "account", &single.account)), None),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    })
}

/// What the `nth` leaf of a slot holds afterwards: what the next access finds there, or else the final state; of a leaf that the batch leaves as it was, what the
/// first access found.
fn after(executed: &Executed, slot: usize, nth: usize, index: u32) -> Account {
    let witness = &executed.witness;
    let all = || accesses(&witness.slots).map(|(at, _, access)| (at, access));
    let mut later =
        all().skip_while(|(at, _)| *at < slot).skip(nth + 1).map(|(_, access)| access).chain([&witness.operator_access]);
    if let Some(access) = later.find(|access| access.index == index) {
        return access.before.clone();
    }
    let first = || all().find(|(_, access)| access.index == index).map(|(_, access)| access.before.clone());
    executed.changes.accounts.get(&index).cloned().or_else(first).unwrap_or(Account::EMPTY)
}

fn leaf(role: &str, access: &LeafAccess, after: &Account) -> Value {
    let before = &access.before;
    let mut report = Report::default();
    report.add("account", access.index).add("role", role);
    match (before.key, after.key) {
        (None, Some(key)) => _ = report.add("made_with_key", key.to_string()),
        (Some(old), Some(new)) if old != new => _ = report.add("key", format!("{old} -> {new}")),
        _ => {}
    }
    if before.nonce != after.nonce {
        report.add("nonce", format!("{} -> {}", before.nonce, after.nonce));
    }
    let mut ids: Vec<u32> = [TokenId::NATIVE.get()].into_iter().chain(before.tokens).chain(after.tokens).collect();
    ids.sort_unstable();
    ids.dedup();
    let balance = |account: &Account, id| TokenId::new(id).map_or(0, |token| account.balance(token));
    let changes: Vec<Value> = ids
        .into_iter()
        .filter(|id| *id != 0 && balance(before, *id) != balance(after, *id))
        .map(|id| {
            let (old, new) = (balance(before, id), balance(after, id));
            let (sign, difference) = if new >= old { ("+", new - old) } else { ("-", old - new) };
            let mut entry = Report::default();
            entry.add("token", id).add("balance", format!("{old} -> {new} ({sign}{difference})"));
            entry.into_value()
        })
        .collect();
    if changes.is_empty() && before == after {
        report.add("unchanged", true);
    } else {
        report.add("balances", changes);
    }
    report.into_value()
}

fn pool(index: u32, before: &Pool, after: &Pool) -> Value {
    let mut report = Report::default();
    report.add("pool", index);
    if *before == Pool::EMPTY {
        report.add("made", format!("tokens {} and {}, fee {} basis points", after.token0, after.token1, after.fee_bp));
    }
    for (name, old, new) in [
        ("reserve0", before.reserve0, after.reserve0),
        ("reserve1", before.reserve1, after.reserve1),
        ("shares", before.supply, after.supply),
    ] {
        if old != new {
            report.add(name, format!("{old} -> {new}"));
        }
    }
    report.into_value()
}
