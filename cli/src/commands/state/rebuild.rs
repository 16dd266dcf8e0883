//! `state rebuild`: the state again, from published data alone.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tapstone_circuits::data::BatchData;
use tapstone_circuits::ledger::{Head, Ledger, RebuildError, Rebuilt, Source, Touched};
use tapstone_circuits::withdrawal::Cause;
use tapstone_verifier::{Element, Statement};
use tapstone_work::store::{Batch, Lock, Origin};

use crate::args::Rebuild;
use crate::chain;
use crate::commands::keys;
use crate::commands::prove::{of_other_trees, snapshot, starting_state};
use crate::commands::verify::verified;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::order;
use crate::pins::Pins;
use crate::progress::Progress;
use crate::report::Report;

/// What is rebuilt.
enum Target<'a> {
    /// A state in memory.
    State(Box<Ledger>),
    /// A chain in its folder, which nobody else carries on meanwhile.
    Chain { folder: &'a Path, _lock: Lock },
}

/// What a batch of published data did.
enum Step {
    /// It was applied.
    Applied(Box<Rebuilt>),
    /// The chain had it already.
    Had,
}

/// `tapstone state rebuild`.
pub fn run(args: &Rebuild, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let matched = |proven: usize, files: usize| match proven {
        0 => Ok(()),
        count if count == files => Ok(()),
        count => {
            let text = format!("--proven names {count} batches, needed one for each of {files}");
            Err(Failure::new(Reason::Usage, text))
        }
    };
    if !args.data.iter().chain(&args.proven).any(|path| path.is_dir()) {
        matched(args.proven.len(), args.data.len())?;
    }
    let (files, proven) = (order::data(&args.data)?, order::proven(&args.proven)?);
    matched(proven.len(), files.len())?;
    let mut target = match &args.chain {
        // Opened first, so that a folder that is no chain's gets no lock file.
        Some(folder) => chain::look(folder, progress)
            .and_then(|_| chain::lock(folder, progress))
            .map(|lock| Some(Target::Chain { folder, _lock: lock }))?,
        None => None,
    };
    // Before anything is applied.
    let statements = statements(args, &proven, progress)?;
    let mut batches: Vec<Value> = Vec::with_capacity(files.len());
    for (i, path) in files.iter().enumerate() {
        let data = input::data(path)?;
        let statement = proven.get(i).zip(statements.get(i));
        let target = match &mut target {
            Some(target) => target,
            none => {
                let ledger = starting_state(args.state.as_deref(), data.chain_id, &shape)?;
                if let Some((proven, statement)) = &statement
                    && let Some(text) =
                        of_other_trees(data.chain_id, data.batch_number, statement.pre_state_root.into(), &ledger.head())
                {
                    return Err(Failure::at(Reason::Mismatch, proven, text));
                }
                none.insert(Target::State(Box::new(ledger)))
            }
        };
        let compare = |head: &Head, rebuilt: &Rebuilt| match &statement {
            None => Ok(()),
            Some((proven, statement)) => check(statement, head, rebuilt)
                .map_err(|what| Failure::at(Reason::Verdict, path, format!("{what} in {}", proven.display()))),
        };
        let step = target.apply(path, &data, compare, progress)?;
        batches.push(describe(&data, &step));
    }
    let Some(target) = target else { return Err(Failure::new(Reason::Usage, "no data given")) };
    let head = target.head(progress)?;
    let root = Element::from(head.state_root());
    if let Some(expected) = args.expect_root
        && expected != root
    {
        return Err(Failure::new(Reason::Verdict, format!("the state root is {root}, expected {expected}")));
    }
    if let (Some(out), Target::State(ledger)) = (&args.out, &target) {
        files::replace(out, &snapshot(ledger)?)?;
    }
    let mut report = Report::default();
    report
        .add("batches", batches)
        .add("batch_number", head.summary.batch_number)
        .add("accounts", head.summary.next_account)
        .add("pools", head.summary.next_pool)
        .add("state_root", root.to_string());
    if args.proven.is_empty() && args.expect_root.is_none() {
        report.add("compared", "with nothing: give --proven or --expect-root");
    }
    if let Some(out) = &args.out {
        report.add("file", out.display().to_string());
    }
    if let Some(folder) = &args.chain {
        report.add("chain", folder.display().to_string());
    }
    Ok(report)
}

/// What proven batches say, verified under keys that the chain or an option pins: a statement that anybody could have written is nothing to compare with.
fn statements(args: &Rebuild, proven: &[PathBuf], progress: &Progress) -> Result<Vec<Statement>, Failure> {
    if proven.is_empty() {
        return Ok(Vec::new());
    }
    let given = Pins::given(args.vk_id, args.registry.as_deref())?;
    let chain = match &args.chain {
        Some(folder) => {
            let chain::Keys { head, keys, verifying } = chain::keys(folder, progress)?;
            Pins::of_keys(folder, head.chain_id, &keys, verifying)
        }
        None => None,
    };
    let pins = given.as_ref().or(chain.as_ref()).ok_or_else(|| {
        let text = "nothing says that the key of --proven is the right one: give the id that the chain's operator or the key's ceremony \
            published with --vk-id, or your own registry of keys with --registry";
        Failure::new(Reason::Mismatch, text)
    })?;
    let verified = verified(proven, &args.key, Some(pins))?;
    // What an option says is not to lead a chain astray.
    if let Some(chain) = &chain {
        for path in proven {
            chain.check(path, &input::proven(path)?)?;
        }
    }
    Ok(verified.iter().map(|batch| *batch.statement()).collect())
}

impl Target<'_> {
    fn head(&self, progress: &Progress) -> Result<Head, Failure> {
        match self {
            Self::State(ledger) => Ok(ledger.head()),
            Self::Chain { folder, .. } => Ok(chain::look(folder, progress)?.head_now()),
        }
    }

    /// Applies a batch, if what it gives is what was proven.
    fn apply(
        &mut self,
        path: &Path,
        data: &BatchData,
        compare: impl Fn(&Head, &Rebuilt) -> Result<(), Failure>,
        progress: &Progress,
    ) -> Result<Step, Failure> {
        let refused = |e: RebuildError| Failure::at(Reason::Verdict, path, e);
        match self {
            Self::State(ledger) => {
                let rebuilt = ledger.rebuild(data).map_err(refused)?;
                compare(&ledger.head(), &rebuilt)?;
                Ok(Step::Applied(Box::new(rebuilt)))
            }
            Self::Chain { folder, .. } => {
                let store = chain::open(folder, progress)?;
                let view = store.view().map_err(chain::failure)?;
                let head = view.head().map_err(chain::failure)?;
                if data.chain_id == head.chain_id && data.batch_number <= head.summary.batch_number {
                    let had = view.batch(data.batch_number).map_err(chain::failure)?;
                    return match had {
                        Some(had) if had.data == data.encode() => Ok(Step::Had),
                        Some(_) => {
                            let text = format!("the chain has a batch {} with other data", data.batch_number);
                            Err(Failure::at(Reason::Verdict, path, text))
                        }
                        None => Err(refused(RebuildError::Number {
                            had: data.batch_number,
                            needed: head.summary.batch_number + 1,
                        })),
                    };
                }
                let mut part = view.part(&Touched::by_data(data)).map_err(chain::failure)?;
                let rebuilt = part.rebuild(data).map_err(refused)?;
                compare(&part.head(), &rebuilt)?;
                let batch = Batch { origin: Origin::Data, proven: None, made: None, data: data.encode() };
                store.apply(&head, &rebuilt.changes, &batch).map_err(chain::failure)?;
                Ok(Step::Applied(Box::new(rebuilt)))
            }
        }
    }
}

/// What the batch's statement says and the data gives.
fn check(statement: &Statement, head: &Head, rebuilt: &Rebuilt) -> Result<(), String> {
    let pairs = [
        ("pre-state root", rebuilt.pre_state_root, statement.pre_state_root),
        ("data hash", rebuilt.data_hash, statement.data_hash),
        ("deposit head", head.summary.deposit_head, statement.deposit_head),
        ("withdrawals root", rebuilt.withdrawals_root, statement.withdrawals_root),
        ("post-state root", rebuilt.post_state_root, statement.post_state_root),
    ];
    if (head.chain_id, head.summary.batch_number) != (statement.chain_id, statement.batch_number) {
        return Err(format!(
            "the data is of batch {} of chain {}, the statement of batch {} of chain {}",
            head.summary.batch_number, head.chain_id, statement.batch_number, statement.chain_id
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

fn describe(data: &BatchData, step: &Step) -> Value {
    let mut report = Report::default();
    report.add("batch", data.batch_number).add("transactions", data.transactions.len());
    match step {
        Step::Had => _ = report.add("applied", "earlier, with the same data"),
        Step::Applied(rebuilt) => {
            let refunds = rebuilt.withdrawals.iter().filter(|w| w.cause == Cause::Refund).count();
            report
                .add("withdrawals", rebuilt.withdrawals.len() - refunds)
                .add("refunds", refunds)
                .add("post_state_root", Element::from(rebuilt.post_state_root).to_string())
                .add("withdrawals_root", Element::from(rebuilt.withdrawals_root).to_string());
        }
    }
    report.into_value()
}
