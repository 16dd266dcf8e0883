//! Figures of the last batch as a text file that Prometheus' node exporter collects.

use std::fmt::Write;
use std::path::Path;

use tapstone_prover::ProvenBatch;
use tapstone_work::store::Made;

use crate::exit::Failure;
use crate::files;

/// Writes the file, whole or not at all, after a batch.
pub fn write(
    path: &Path,
    proven: &ProvenBatch,
    made: Option<&Made>,
    transactions: usize,
    left: usize,
) -> Result<(), Failure> {
    let statement = proven.verified().statement();
    let chain = statement.chain_id;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: f64| {
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "# HELP tapstone_{name} {help}\n# TYPE tapstone_{name} gauge\ntapstone_{name}{{chain=\"{chain}\"}} {value}\n"
        );
    };
    gauge("batch_number", "Number of the last batch proven.", statement.batch_number as f64);
    gauge("batch_transactions", "Transactions of the last batch.", transactions as f64);
    gauge("batches_left", "Batches of the run that are still to be proven.", left as f64);
    if let Some(made) = made {
        gauge("proof_timestamp_seconds", "When the last proof was made, since 1970.", made.unix as f64);
        gauge("proof_seconds", "How long the last proof took.", made.seconds);
        if made.threads > 0 {
            gauge("proof_threads", "Threads that made it.", made.threads.into());
        }
        if let Some(bytes) = made.peak_bytes {
            gauge("peak_memory_bytes", "Peak resident memory, the mapped key included.", bytes as f64);
        }
    }
    files::replace(path, text.as_bytes())
}
