//! Times and memory of proofs.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value, json};
use tapstone_prover::Kernel;
use tapstone_prover::{Prover, ProvingKey, Stage, Watch};
use tapstone_verifier::verify;

use super::super::{fill, prove};
use super::Open;
use super::workload::Batches;
use crate::exit::{Failure, Reason};
use crate::interrupt;
use crate::machine::{forget_peak, peak_memory};
use crate::progress::Progress;

/// Whose proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proofs {
    Ours,
    /// `ark-groth16`, given the assignment and its form of the matrices.
    Stock,
}

impl Proofs {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ours => "tapstone",
            Self::Stock => "ark-groth16",
        }
    }
}

/// Medians for one prover on one number of threads. Times are seconds for all batches of the workload.
#[derive(Debug)]
pub struct Measured {
    pub proofs: Proofs,
    pub shape: String,
    pub rows: usize,
    pub threads: usize,
    pub batches: usize,
    pub slots: usize,
    pub transactions: usize,
    pub key_open: f64,
    pub execute: f64,
    pub stages: [f64; Stage::ALL.len()],
    pub total: f64,
    pub verify_one: f64,
    /// The most memory in use during a stage, in bytes, where the system tells it.
    pub memory: [Option<u64>; Stage::ALL.len()],
    pub transactions_per_second: f64,
}

impl Measured {
    pub fn to_json(&self) -> Value {
        let stages: Map<String, Value> = Stage::ALL
            .iter()
            .enumerate()
            .map(|(i, stage)| (stage.name().to_owned(), json!({ "seconds": self.stages[i], "peak_bytes": self.memory[i] })))
            .collect();
        json!({
            "prover": self.proofs.name(),
            "shape": self.shape,
            "rows": self.rows,
            "threads": self.threads,
            "batches": self.batches,
            "slots": self.slots,
            "transactions": self.transactions,
            "key_open_s": self.key_open,
            "execute_s": self.execute,
            "stages": stages,
            "prove_s": self.total,
            "verify_one_s": self.verify_one,
            "peak_bytes": self.memory.iter().flatten().max(),
            "transactions_per_second": self.transactions_per_second,
        })
    }

    /// A few rounded numbers for the terminal.
    pub fn summary(&self) -> Value {
        let milliseconds = |seconds: f64| format!("{:.1} ms", 1000.0 * seconds);
        let mut fields = Map::new();
        fields.insert("prover".into(), self.proofs.name().into());
        fields.insert("shape".into(), self.shape.as_str().into());
        fields.insert("slots".into(), fill(self.transactions, self.slots).into());
        fields.insert("threads".into(), self.threads.into());
        fields.insert("transactions_a_second".into(), format!("{:.2}", self.transactions_per_second).into());
        fields.insert("proving".into(), format!("{:.2} s", self.total).into());
        for (i, stage) in Stage::ALL.iter().enumerate() {
            fields.insert(stage.name().into(), milliseconds(self.stages[i]).into());
        }
        fields.insert("opening_the_key".into(), milliseconds(self.key_open).into());
        fields.insert("execution".into(), milliseconds(self.execute).into());
        fields.insert("verifying_one".into(), milliseconds(self.verify_one).into());
        if let Some(bytes) = self.memory.iter().flatten().max() {
            fields.insert("peak_memory".into(), format!("{} MiB", bytes >> 20).into());
        }
        Value::Object(fields)
    }
}

/// `1 thread`, `2 threads`.
pub fn threads_text(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

/// One run over all batches.
struct Run {
    rows: usize,
    key_open: f64,
    stages: [f64; Stage::ALL.len()],
    memory: [Option<u64>; Stage::ALL.len()],
    total: f64,
    verify_one: f64,
}

/// Runs all provers in turn, a warm-up and `runs` times, in the current pool of threads.
pub fn interleaved(
    batches: &Batches,
    kernels: &[(Proofs, Kernel)],
    open: Open<'_>,
    runs: usize,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<Measured>, Failure> {
    let mut lists: Vec<Vec<Run>> = kernels.iter().map(|_| Vec::new()).collect();
    let mut executions = Vec::new();
    let mut rows = 0;
    let shape = &batches.shape.name;
    for run in 0..=runs {
        for ((proofs, kernel), list) in kernels.iter().zip(&mut lists) {
            let what = if run == 0 { "warm-up".into() } else { format!("run {run} of {runs}") };
            progress.step(format!("{shape}, {}, {}, {what}", threads_text(threads), proofs.name()));
            let done = one(batches, *kernel, open)?;
            rows = done.rows;
            if run > 0 {
                list.push(done);
            }
        }
        executions.push(batches.execution_seconds());
    }
    let execute = median(executions);
    Ok(kernels
        .iter()
        .zip(lists)
        .map(|((proofs, _), list)| {
            let of = |f: &dyn Fn(&Run) -> f64| median(list.iter().map(f).collect());
            let total = of(&|run| run.total);
            Measured {
                proofs: *proofs,
                shape: shape.clone(),
                rows,
                threads,
                batches: batches.executed.len(),
                slots: batches.slots,
                transactions: batches.transactions,
                key_open: of(&|run| run.key_open),
                execute,
                stages: std::array::from_fn(|i| of(&|run| run.stages[i])),
                total,
                verify_one: of(&|run| run.verify_one),
                memory: std::array::from_fn(|i| list.iter().filter_map(|run| run.memory[i]).max()),
                transactions_per_second: batches.transactions as f64 / total,
            }
        })
        .collect())
}

fn one(batches: &Batches, kernel: Kernel, open: Open<'_>) -> Result<Run, Failure> {
    let start = Instant::now();
    let (file, shape) = open()?;
    let key = ProvingKey::open(&file, &shape).map_err(|e| Failure::new(Reason::Mismatch, e))?;
    let prover = Prover::with_kernel(kernel, key);
    let key_open = start.elapsed().as_secs_f64();
    let clock = Clock::default();
    let _listening = interrupt::Listening::start();
    let start = Instant::now();
    let mut last = None;
    for batch in &batches.executed {
        last = Some((batch.statement(), prover.prove(batch, &clock).map_err(prove::failure)?));
    }
    let total = start.elapsed().as_secs_f64();
    let (stages, memory) = clock.end();
    let start = Instant::now();
    if let Some((statement, proven)) = last {
        let key = prover.key().verifying();
        let _ = std::hint::black_box(verify(key, key.id(), &statement, proven.proof()));
    }
    Ok(Run { rows: prover.key().rows(), key_open, stages, memory, total, verify_one: start.elapsed().as_secs_f64() })
}

pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Adds up the time of each stage.
#[derive(Default)]
struct Clock(Mutex<Times>);

#[derive(Default)]
struct Times {
    now: Option<(usize, Instant)>,
    seconds: [f64; Stage::ALL.len()],
    memory: [Option<u64>; Stage::ALL.len()],
}

impl Times {
    fn finish(&mut self) {
        if let Some((stage, start)) = self.now.take() {
            self.seconds[stage] += start.elapsed().as_secs_f64();
            self.memory[stage] = self.memory[stage].max(peak_memory());
        }
    }
}

impl Clock {
    fn end(self) -> ([f64; Stage::ALL.len()], [Option<u64>; Stage::ALL.len()]) {
        let mut times = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        times.finish();
        (times.seconds, times.memory)
    }
}

impl Watch for Clock {
    fn stage(&self, stage: Stage, _: u64) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.finish();
        forget_peak();
        times.now = Some((stage as usize, Instant::now()));
    }

    fn stopped(&self) -> bool {
        interrupt::requested()
    }
}
