//! `plan`: what proving batch files takes, before anything starts.

use serde_json::Value;
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::witness::SlotWitness;

use super::prove::{Ground, Input, Purpose, Work, key, needs};
use super::{fill, keys};
use crate::args::{Fleet, Plan};
use crate::exit::{Failure, Reason};
use crate::progress::Progress;
use crate::report::Report;

/// Rows of the slots at 10 tree levels, and of one level of a path: what a slot's share of a batch is reckoned by.
const PAIR: u64 = 23_570;
const SINGLE: u64 = 16_654;
const LEVEL: u64 = 807;

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

/// The share of a batch's rows that a slot accounts for.
fn weight(shape: &Shape, kind: SlotKind) -> u64 {
    let saved = |paths: u64| (10 - u64::from(shape.account_depth)) * LEVEL * paths;
    match kind {
        SlotKind::Pair => PAIR - saved(2),
        SlotKind::Single => SINGLE - saved(1),
    }
}

fn describe(shape: &Shape, input: &Input, first: usize, executed: &Executed, each: bool) -> Value {
    let mut report = Report::default();
    report
        .add("batch", executed.batch_number)
        .add("lines", format!("{} to {}", first + 2, first + 1 + executed.fill.used))
        .add("slots", fill(executed.fill.used, executed.fill.slots))
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
        // Padding is paid by those who are in the batch.
        let used: Vec<(usize, usize, SlotKind, bool)> = executed
            .witness
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, witness)| match witness {
                SlotWitness::Pair(pair) => pair.tx.as_ref().map(|_| (slot, pair.position, SlotKind::Pair, false)),
                SlotWitness::Single(single) => {
                    single.tx.as_ref().map(|_| (slot, single.position, SlotKind::Single, single.refund.is_some()))
                }
            })
            .collect();
        let total: u64 = used.iter().map(|(_, _, kind, _)| weight(shape, *kind)).sum();
        let list = used.into_iter().filter_map(|(slot, position, kind, refunded)| {
            let index = first + position;
            let tx = input.file.transactions.get(index)?;
            let mut entry = Report::default();
            entry
                .add("line", index + 2)
                .add("kind", tx.kind_name())
                .add("slot", format!("{slot} ({})", kind.letter()))
                .add("rows", weight(shape, kind))
                .add("data_bytes", (if refunded { tx.published_refund() } else { tx.published() }).encoded_len())
                .add("share_of_cost", format!("{:.2} %", 100.0 * weight(shape, kind) as f64 / total as f64));
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
