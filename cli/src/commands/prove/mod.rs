//! `prove`: batch files to proofs, published data, state, and the anchor output.
//!
//! Everything is executed before anything is proven, so that a refusal in the last batch is told at once.
//! Then, batch by batch: prove; with a chain's folder, apply the batch there with its proof and data, in one
//! transaction; write the files. So whatever moment the process dies at, the same command goes on where it
//! was: the chain says which batches of the file it has, the folder of results which proofs were made, and
//! files that are missing are written again. The proofs are made here, or by workers over a work store.

mod ground;
mod input;
pub mod key;
mod manifest;
mod metrics;
pub mod needs;
mod results;
mod run;
mod workers;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use ark_bn254::Fr;
use tapstone_circuits::ledger::{Executed, Ledger};
use tapstone_circuits::shape::Shape;
use tapstone_prover::{ProveError, ProvenBatch, ProvenFile, Prover};
use tapstone_verifier::Statement;
use tapstone_work::store::Made;

use super::{anchor, fill, keys};
use crate::args::Prove;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::machine;
use crate::progress::{Following, Progress};
use crate::queue::Place;
use crate::report::Report;
use ground::For;
use key::RunKey;
use results::{Provers, Results};
use run::{Nobody, Proofs, Run};

pub use ground::{Ground, Purpose, Work, check_depths, execute, of_other_trees, starting_state};
pub use input::Input;
pub use manifest::Manifest;

/// `tapstone prove`.
pub fn run(args: &Prove, progress: &mut Progress) -> Result<Report, Failure> {
    set_threads(args.jobs)?;
    let shape = shape(args.shape.as_deref(), args.chain.as_deref(), progress)?;
    let folder = keys::folder(args.keys.as_deref())?;
    let store = args.work.store.as_deref().map(Place::parse).transpose()?;
    let profile = args.internal_key.map(anchor::Profile::plain).transpose()?;
    let inputs: Vec<Input> = Input::read_all(&args.batches)?;
    let Some(first) = inputs.first() else { return Err(Failure::new(Reason::Usage, "no batch file given")) };
    let chain_id = first.file.header.chain_id;
    let purpose = if args.dry_run { Purpose::Look } else { Purpose::CarryOn };
    let mut ground = Ground::open(args.chain.as_deref(), args.state.as_deref(), chain_id, &shape, purpose, progress)?;
    let whom = if store.is_some() { For::Workers } else { For::Here };
    let key = RunKey::find(args, &shape, &folder, whom, progress)?;
    key.check_early(&ground, &inputs, &shape, &folder)?;
    progress.step("executing");
    let plan = ground.execute_for(&shape, &inputs, whom, progress)?;
    key.check_batches(&ground, &plan, &shape, &folder)?;
    let key_exists = keys::exists(&shape, &folder);
    if whom == For::Here {
        needs::check_memory(&shape, key_exists, args.max_memory)?;
    }
    let total = plan.iter().map(Vec::len).sum::<usize>();
    tracing::info!(files = inputs.len(), batches = total, shape = %shape.name, "executed");
    let out = args.out.clone().unwrap_or_else(|| default_folder(&inputs, total));
    let planned = statements(&plan)?;
    if args.dry_run {
        results::admitted(&out, &shape.name, &planned)?;
        let mut report = dry_run(&shape, &inputs, &plan, key_exists);
        key.describe(&mut report);
        return Ok(report);
    }
    let kept = key.of_kept(&ground, &plan, progress)?;
    let of_shape = kept.as_ref().map_or(shape.name.as_str(), |(key, _)| key.shape());
    let results = Results::open(out, of_shape, planned, progress)?;
    if let Some((kept, origin)) = kept {
        let mut run = Run::new(args, &shape, &inputs, ground, plan, results, (&kept, origin.as_ref()))?;
        run.prove(&mut Nobody, progress)?;
        return run.finish(profile);
    }
    let key = match key {
        RunKey::Verifying(key, origin) => {
            let run = Run::new(args, &shape, &inputs, ground, plan, results, (&key, origin.as_ref()))?;
            return workers::prove(run, progress)?.finish(profile);
        }
        RunKey::Proving(key) => Some(*key),
        RunKey::Missing => None,
    };
    results.check_key_exists(&folder, key.is_some())?;
    let prover = match key {
        Some(key) => keys::ready(key, &keys::proving_path(&folder, &shape), progress),
        None => keys::prover(&shape, &folder, progress)?,
    };
    let key = (prover.key().verifying(), Some(prover.key().origin()));
    let mut run = Run::new(args, &shape, &inputs, ground, plan, results, key)?;
    let mut here = Here { prover: &prover, seed: args.insecure_seed, times: Vec::new() };
    run.prove(&mut here, progress)?;
    needs::note(&folder, &shape, &here.times);
    run.finish(profile)
}

/// The shape of that name; without a name that of the chain, or the usual one.
pub fn shape(name: Option<&str>, chain: Option<&Path>, progress: &Progress) -> Result<Shape, Failure> {
    if let (None, Some(folder)) = (name, chain) {
        let chain::Keys { head, keys, .. } = chain::keys(folder, progress)?;
        if let Some(pin) = keys.at(head.summary.batch_number + 1) {
            return keys::shape(&pin.shape);
        }
    }
    keys::shape(name.unwrap_or(keys::USUAL_SHAPE))
}

/// Proofs made by this process.
struct Here<'a> {
    prover: &'a Prover,
    seed: Option<u64>,
    /// Seconds of each.
    times: Vec<f64>,
}

impl Proofs for Here<'_> {
    fn next(&mut self, executed: &Executed, progress: &Progress) -> Result<(ProvenBatch, Made), Failure> {
        let name = progress.part_name(&format!("batch {}", executed.batch_number));
        machine::forget_peak();
        let start = Instant::now();
        let watch = Following::new(progress, &name);
        let done = match self.seed {
            None => self.prover.prove(executed, &watch),
            Some(seed) => self.prover.prove_with(executed, seeded(seed, executed.batch_number), &watch),
        };
        let made = made_since(start);
        let (seconds, peak_bytes) = (made.seconds, made.peak_bytes);
        tracing::info!(batch = executed.batch_number, seconds, peak_bytes, "proven");
        let done = done.map_err(failure)?;
        self.times.push(seconds);
        Ok((done, made))
    }

    fn provers(&self) -> Provers {
        Provers::Here { kernel: self.prover.kernel().name(), threads: rayon::current_num_threads() }
    }
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

/// What is proven of each batch, in order.
fn statements(plan: &[Vec<Work>]) -> Result<Vec<Statement>, Failure> {
    let of = |work: &Work| match work {
        Work::New { executed, .. } => Ok(executed.statement()),
        Work::Kept { number, batch, .. } => {
            let refuse =
                |what: String| Failure::new(Reason::Mismatch, format!("batch {number}, which the chain has: {what}"));
            let text = batch.proven.as_deref().ok_or_else(|| refuse("it was not proven".into()))?;
            ProvenFile::parse(text).map(|file| *file.statement()).map_err(|e| refuse(e.to_string()))
        }
    };
    plan.iter().flatten().map(of).collect()
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

/// The randomness of a batch's proof, from a seed.
fn seeded(seed: u64, batch: u64) -> (Fr, Fr) {
    let of = |which: u64| Fr::from(tapstone_verifier::poseidon::hash(&[Fr::from(seed), Fr::from(batch), Fr::from(which)]));
    (of(0), of(1))
}

/// The state as it is written.
pub fn snapshot(ledger: &Ledger) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec_pretty(&ledger.snapshot()).map_err(|e| Failure::new(Reason::Bug, e))
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
