//! `prove`: batch files to proofs, published data, state, and the anchor output.
//!
//! Everything is executed before anything is proven, so that a refusal in the last batch is told at once. Then, batch by batch: prove; with a chain's folder,
//! apply the batch there with its proof and data, in one transaction; write the files. So whatever moment the process dies
//! at, the same command goes on where it was: the chain says which batches of the file it has, and their files are written again from
//! what it keeps.

mod ground;
mod input;
mod metrics;
pub mod needs;
mod results;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use ark_bn254::Fr;
use tapstone_circuits::ledger::{Executed, Ledger};
use tapstone_circuits::shape::Shape;
use tapstone_prover::store::{Batch, Made, Origin};
use tapstone_prover::{ProveError, ProvenBatch, ProvenFile, Prover};
use tapstone_verifier::VerifyingKey;

use super::{anchor, fill, keys};
use crate::args::Prove;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::machine;
use crate::progress::{Following, Progress};
use crate::report::Report;
use results::Results;

pub use ground::{Ground, Purpose, Work, starting_state};
pub use input::Input;
pub use results::FORMAT as RUN_FORMAT;

/// `tapstone prove`.
pub fn run(args: &Prove, progress: &mut Progress) -> Result<Report, Failure> {
    set_threads(args.jobs)?;
    let shape = keys::shape(&args.shape)?;
    let folder = keys::folder(args.keys.as_deref())?;
    let profile = args.internal_key.map(anchor::Profile::plain).transpose()?;
    let inputs: Vec<Input> = args.batches.iter().map(|path| Input::read(path)).collect::<Result<_, _>>()?;
    let Some(first) = inputs.first() else { return Err(Failure::new(Reason::Usage, "no batch file given")) };
    let chain_id = first.file.header.chain_id;
    let purpose = if args.dry_run { Purpose::Look } else { Purpose::CarryOn };
    let mut ground = Ground::open(args.chain.as_deref(), args.state.as_deref(), chain_id, &shape, purpose, progress)?;
    progress.step("executing");
    let plan = ground.execute(&shape, &inputs, progress)?;
    let key_exists = keys::exists(&shape, &folder);
    needs::check_memory(&shape, key_exists, args.max_memory)?;
    let total = plan.iter().map(Vec::len).sum::<usize>();
    tracing::info!(files = inputs.len(), batches = total, shape = %shape.name, "executed");
    if args.dry_run {
        return Ok(dry_run(&shape, &inputs, &plan, key_exists));
    }

    let mut results = Results::new(args.out.clone().unwrap_or_else(|| default_folder(&inputs, total)))?;
    let prover = keys::prover(&shape, &folder, progress)?;
    let key = prover.key().verifying();
    files::replace(&results.folder().join("verifying.key"), &key.to_bytes())?;
    files::replace(&results.folder().join("verification_key.json"), key.to_snarkjs_json().as_bytes())?;

    let mut proven = Vec::with_capacity(total);
    let mut batches: Vec<serde_json::Value> = Vec::with_capacity(total);
    let mut times = Vec::new();
    progress.parts("batches", total);
    for (input, work) in inputs.iter().zip(&plan) {
        for work in work {
            let (done, report, made, used) = match work {
                Work::Kept { number, count, batch } => {
                    let (done, report) = restore(&mut results, &prover, &shape, *number, *count, batch)?;
                    (done, report, batch.made, *count)
                }
                Work::New { first, before, executed } => {
                    let name = progress.part_name(&format!("batch {}", executed.batch_number));
                    let earlier = args.resume.then(|| taken_up(&results, key, executed)).flatten();
                    let (done, made) = match earlier {
                        Some(done) => (done, None),
                        None => {
                            machine::forget_peak();
                            let start = Instant::now();
                            let watch = Following::new(progress, &name);
                            let done = match args.insecure_seed {
                                None => prover.prove(executed, &watch),
                                Some(seed) => prover.prove_with(executed, seeded(seed, executed.batch_number), &watch),
                            };
                            let made = made_since(start);
                            let seconds = made.seconds;
                            tracing::info!(batch = executed.batch_number, seconds, peak_bytes = made.peak_bytes, "proven");
                            (done.map_err(failure)?, Some(made))
                        }
                    };
                    times.extend(made.map(|made| made.seconds));
                    if let Ground::Chain(chain) = &ground {
                        let origin = Origin::File {
                            sha256: input.sha256.clone(),
                            first: *first as u64,
                            count: executed.fill.used as u64,
                        };
                        let batch = Batch { origin, proven: Some(done.to_json()), made, data: executed.data.clone() };
                        let store = chain::open(&chain.folder, progress)?;
                        store.apply(before, &executed.changes, &batch).map_err(chain::failure)?;
                        tracing::info!(batch = executed.batch_number, chain = %chain.folder.display(), "applied");
                    }
                    let slots = (executed.fill.used, executed.fill.slots);
                    let report = results.write(&done, &executed.data, slots, Some(&executed.flows), made)?;
                    (done, report, made, executed.fill.used)
                }
            };
            if let Some(path) = &args.metrics {
                metrics::write(path, &done, made.as_ref(), used, total - proven.len() - 1)?;
            }
            progress.part_done(&format!("batch {}", done.verified().statement().batch_number));
            proven.push(done);
            batches.push(report);
        }
    }

    let mut report = Report::default();
    let transactions: usize = inputs.iter().map(|input| input.file.transactions.len()).sum();
    report
        .add("shape", shape.name.as_str())
        .add("transactions", transactions)
        .add("slots", fill(transactions, shape.slots.len() * total))
        .add("vk_id", key.id().to_string())
        .add("batches", batches);
    if let Some(last) = proven.last() {
        report.add("state_root", last.verified().statement().post_state_root.to_string());
    }
    report.add("output_folder", results.folder().display().to_string());
    match &ground {
        Ground::File { ledger, .. } => files::replace(&results.folder().join("state.json"), &snapshot(ledger)?)?,
        Ground::Chain(chain) => _ = report.add("chain", chain.folder.display().to_string()),
    }
    if let Some(profile) = profile {
        let verified: Vec<_> = proven.into_iter().map(ProvenBatch::into_verified).collect();
        let made = anchor::first(&verified, profile)?.into_value();
        let text = serde_json::to_vec_pretty(&made).map_err(|e| Failure::new(Reason::Bug, e))?;
        files::replace(&results.folder().join("anchor.json"), &text)?;
        report.add("anchor", made);
    }
    needs::note(&folder, &shape, &times);
    results.finish(&inputs, &prover)?;
    Ok(report)
}

/// How a proof was made that was begun then.
fn made_since(start: Instant) -> Made {
    Made {
        unix: SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs()),
        seconds: start.elapsed().as_secs_f64(),
        // Far below 2^32.
        threads: rayon::current_num_threads() as u32,
        peak_bytes: machine::peak_memory(),
    }
}

/// Uses so many threads, if a number is given.
pub fn set_threads(jobs: Option<NonZeroUsize>) -> Result<(), Failure> {
    let Some(jobs) = jobs else { return Ok(()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.get()).build_global();
    pool.map_err(|e| Failure::new(Reason::Io, format!("{jobs} threads: {e}")))
}

/// Where results go unless the user says otherwise.
fn default_folder(inputs: &[Input], batches: usize) -> PathBuf {
    let name = match inputs {
        [one] => one.name().to_owned(),
        list => {
            let first = list.first().map_or(0, |input| input.file.header.batch);
            format!("batches-{first}-{}", first + batches as u64 - 1)
        }
    };
    Path::new("tapstone-out").join(name)
}

fn dry_run(shape: &Shape, inputs: &[Input], plan: &[Vec<Work>], key_exists: bool) -> Report {
    let mut report = Report::default();
    let transactions: usize = inputs.iter().map(|input| input.file.transactions.len()).sum();
    let total = plan.iter().map(Vec::len).sum::<usize>();
    let kept = plan.iter().flatten().filter(|work| matches!(work, Work::Kept { .. })).count();
    let batches = plan.iter().flatten().filter_map(|work| match work {
        Work::New { executed, .. } => Some(results::planned(executed)),
        Work::Kept { .. } => None,
    });
    report
        .add("shape", shape.name.as_str())
        .add("transactions", transactions)
        .add("slots", fill(transactions, shape.slots.len() * total))
        .add("batches_made_earlier", kept)
        .add("batches", batches.collect::<Vec<_>>())
        .add("memory", needs::describe_memory(shape, key_exists))
        .add("dry_run", "nothing was proven, nothing was written");
    report
}

/// Writes the files of a batch that the chain has.
fn restore(
    results: &mut Results,
    prover: &Prover,
    shape: &Shape,
    number: u64,
    count: usize,
    batch: &Batch,
) -> Result<(ProvenBatch, serde_json::Value), Failure> {
    let key = prover.key().verifying();
    let refuse = |what: String| Failure::new(Reason::Mismatch, format!("batch {number}, which the chain has: {what}"));
    let text = batch.proven.as_deref().ok_or_else(|| refuse("it was not proven".into()))?;
    let proven = ProvenBatch::verify_json(text, key, key.id()).map_err(|e| refuse(e.to_string()))?;
    let report = results.write(&proven, &batch.data, (count, shape.slots.len()), None, None)?;
    Ok((proven, report))
}

/// A proof of this batch that lies in the output folder and verifies.
fn taken_up(results: &Results, key: &VerifyingKey, executed: &Executed) -> Option<ProvenBatch> {
    let text = files::read_text(&results.proven_file(executed.batch_number), ProvenFile::LIMIT).ok()?;
    let proven = ProvenBatch::verify_json(&text, key, key.id()).ok()?;
    (*proven.verified().statement() == executed.statement()).then_some(proven)
}

/// The randomness of a batch's proof, from a seed.
fn seeded(seed: u64, batch: u64) -> (Fr, Fr) {
    let of = |which: u64| Fr::from(tapstone_verifier::poseidon::hash(&[Fr::from(seed), Fr::from(batch), Fr::from(which)]));
    (of(0), of(1))
}

/// The state as it is written.
pub fn snapshot(ledger: &Ledger) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec_pretty(&ledger.snapshot()).map_err(|e| Failure::new(Reason::Bug, e))
}

/// Executes a file on a state, batch by batch; refuses one that does not follow it.
pub fn execute(shape: &Shape, input: &Input, place: Option<&Path>, ledger: &mut Ledger) -> Result<Vec<Executed>, Failure> {
    let head = ledger.head();
    let place = place.map_or("the empty state".into(), |p| p.display().to_string());
    ground::check_follows(&input.path, &place, &input.file.header, &head)?;
    let outcome = ledger.execute_all(shape, input.file.header.operator, &input.file.transactions);
    let list = ground::batches(&input.path, 0, head, outcome)?;
    Ok(list
        .into_iter()
        .filter_map(|work| match work {
            Work::New { executed, .. } => Some(*executed),
            Work::Kept { .. } => None,
        })
        .collect())
}

/// Why a batch was not proven.
pub fn failure(error: ProveError) -> Failure {
    let reason = match error {
        ProveError::Randomness(_) => Reason::Io,
        ProveError::Key(_) | ProveError::SelfCheck(_) | ProveError::Matrices { .. } => Reason::Mismatch,
        ProveError::Stopped => {
            return Failure::new(Reason::Interrupted, "interrupted; of the batch under way nothing was written");
        }
        _ => Reason::Bug,
    };
    Failure::new(reason, error)
}
