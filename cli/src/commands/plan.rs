//! `plan`: what proving batch files takes, before anything starts.

use serde_json::Value;
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::witness::{RefundReason, SlotWitness};

use super::prove::{Ground, Input, Purpose, Work, key, needs};
use super::{fill, keys};
use crate::args::{Fleet, Plan};
use crate::exit::{Failure, Reason};
use crate::progress::Progress;
use crate::report::Report;

/// Rows of what a circuit of 2^20 rows is made of, with what each absorbs: by these the cost of a batch is shared.
const PAIR: u64 = 6_014;
const SINGLE: u64 = 7_809;
const CELL: u64 = 960;
const NODE: u64 = 976;

/// `tapstone plan`.
pub fn run(args: &Plan, progress: &mut Progress) -> Result<Report, Failure> {
    if let Some(arrivals) = &args.simulation.simulate {
        return super::simulate::run(&args.simulation, &args.fleet, &args.shape, arrivals, progress);
    }
    if let Some(price) = args.fleet.price_core_hour {
        super::simulate::positive("--price-core-hour", price)?;
    }
    super::prove::set_threads(args.jobs)?;
    let shape = keys::shape(&args.shape)?;
    let folder = keys::folder(args.keys.as_deref())?;
    let inputs: Vec<Input> = Input::read_all(&args.batches)?;
    let Some(first) = inputs.first() else { return Err(Failure::new(Reason::Usage, "no batch file given")) };
    let chain_id = first.file.header.chain_id;
    let mut ground = Ground::open(args.chain.as_deref(), args.state.as_deref(), chain_id, &shape, Purpose::Look, progress)?;
    progress.step("executing");
    let plan = ground.execute(&shape, &inputs, progress)?;
    progress.step("measuring");
    let estimate = needs::seconds(&folder, &shape);

    let (mut batches, mut bytes, mut new, mut new_transactions, mut kept) = (Vec::new(), 0, 0usize, 0usize, 0usize);
    for (input, work) in inputs.iter().zip(&plan) {
        for work in work {
            match work {
                Work::Kept { .. } => kept += 1,
                Work::New { first, executed, .. } => {
                    new += 1;
                    new_transactions += executed.fill.used;
                    bytes += executed.data.len();
                    batches.push(describe(&shape, input, *first, executed, args.transactions));
                }
            }
        }
    }
    let transactions: usize = inputs.iter().map(|input| input.file.transactions.len()).sum();
    let rows = shape.registered_rows();
    let key_exists = keys::exists(&shape, &folder);
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("rows_a_batch", rows.map_or(Value::Null, Value::from))
        .add("transactions", transactions)
        .add("batches_to_prove", new)
        .add("batches_made_earlier", kept)
        .add("slots", fill(transactions, shape.slots.len() * (new + kept)))
        .add("data_bytes", bytes)
        .add("memory", needs::describe_memory(&shape, key_exists))
        .add("threads", rayon::current_num_threads());
    if let Some((seconds, source)) = estimate {
        let round = |x: f64| (x * 100.0).round() / 100.0;
        report
            .add("seconds_a_batch", round(seconds))
            .add("seconds_from", source)
            .add("seconds", round(seconds * new as f64));
        fleet(&args.fleet, seconds, new, new_transactions, &mut report);
    }
    if !key_exists {
        // A chain may need one that is not to be made here.
        let refused = match &ground {
            Ground::Chain(chain) => {
                let next = chain.head.summary.batch_number + 1;
                key::check(&chain.folder, &chain.keys, next, None, &shape, &folder).err()
            }
            Ground::File { .. } => None,
        };
        let making = "there is none yet: making it takes longer than several proofs";
        report.add("key", refused.map_or(making.to_owned(), |e| e.to_string()));
    }
    report.add("batches", batches);
    Ok(report)
}

/// What it takes on several machines like this one, and what it costs.
fn fleet(args: &Fleet, seconds: f64, batches: usize, transactions: usize, report: &mut Report) {
    let core_seconds = seconds * rayon::current_num_threads() as f64 * batches as f64;
    report.add("core_seconds", (core_seconds * 100.0).round() / 100.0);
    if let Some(workers) = args.workers {
        // The last ones end together at best: no batch is shared.
        let end = batches.div_ceil(workers.get() as usize) as f64 * seconds;
        report.add("workers", workers.get()).add("seconds_with_workers", (end * 100.0).round() / 100.0);
    }
    if let Some(price) = args.price_core_hour {
        let round = |cost: f64| (cost * 1e8).round() / 1e8;
        let cost = core_seconds / 3600.0 * price;
        report.add("cost", round(cost)).add("cost_a_transaction", round(cost / transactions.max(1) as f64));
    }
}

/// Rows of a slot, and leaves that its transaction touches: accounts, and a pool.
fn weight(kind: SlotKind, tx: &Transaction, refund: Option<RefundReason>) -> (u64, u64) {
    match kind {
        SlotKind::Pair => (PAIR, 2),
        SlotKind::Single => {
            let account = u64::from(!refund.is_some_and(RefundReason::without_account));
            (SINGLE, account + u64::from(tx.uses_pool()))
        }
    }
}

fn describe(shape: &Shape, input: &Input, first: usize, executed: &Executed, each: bool) -> Value {
    let mut report = Report::default();
    report
        .add("batch", executed.batch_number)
        .add("lines", format!("{} to {}", first + 2, first + 1 + executed.fill.used))
        .add("slots", fill(executed.fill.used, executed.fill.slots))
        .add("accounts", fill(executed.fill.accounts, shape.accounts))
        .add("pools", fill(executed.fill.pools, shape.pools))
        .add("nodes", fill(executed.fill.nodes, shape.nodes))
        .add("data_bytes", executed.data.len());
    let fees: Vec<Value> = executed
        .fees
        .iter()
        .map(|(token, total)| {
            let mut fee = Report::default();
            fee.add("token", *token).add("total", total.to_string());
            fee.into_value()
        })
        .collect();
    report.add("fees", fees);
    if each {
        // Padding is paid by those who are in the batch, and so is what they touch: by leaves, as it is not known who would have needed a node alone.
        let used: Vec<(usize, usize, SlotKind, Option<RefundReason>)> = executed
            .witness
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, witness)| match witness {
                SlotWitness::Pair(pair) => pair.tx.as_ref().map(|_| (slot, pair.position, SlotKind::Pair, None)),
                SlotWitness::Single(single) => {
                    single.tx.as_ref().map(|_| (slot, single.position, SlotKind::Single, single.refund))
                }
            })
            .collect();
        let weighed = |(_, position, kind, refund): &(usize, usize, SlotKind, Option<RefundReason>)| {
            let tx = input.file.transactions.get(first + position);
            tx.map_or((0, 0), |tx| weight(*kind, tx, *refund))
        };
        let leaves: u64 = used.iter().map(|entry| weighed(entry).1).sum();
        let fill = executed.fill;
        let touched = (fill.accounts + fill.pools) as u64 * CELL + fill.nodes as u64 * NODE;
        let rows = |(slot, own): (u64, u64)| slot + touched * own / leaves.max(1);
        let total: u64 = used.iter().map(|entry| rows(weighed(entry))).sum();
        let list = used.into_iter().filter_map(|(slot, position, kind, refund)| {
            let (rows, refunded) = (rows(weighed(&(slot, position, kind, refund))), refund.is_some());
            let index = first + position;
            let tx = input.file.transactions.get(index)?;
            let mut entry = Report::default();
            entry
                .add("line", index + 2)
                .add("kind", tx.kind_name())
                .add("slot", format!("{slot} ({})", kind.letter()))
                .add("rows", rows)
                .add("data_bytes", (if refunded { tx.published_refund() } else { tx.published() }).encoded_len())
                .add("share_of_cost", format!("{:.2} %", 100.0 * rows as f64 / total as f64));
            if refunded {
                entry.add("refunded", true);
            }
            if let Some(signed) = tx.signed().filter(|signed| !signed.fee.is_zero()) {
                entry.add("fee", format!("{} of token {}", signed.fee, signed.fee_token));
            }
            Some(entry.into_value())
        });
        report.add("transactions", list.collect::<Vec<_>>());
    }
    report.into_value()
}
