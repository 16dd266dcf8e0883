//! Arguments of `prove`.

use std::path::PathBuf;

use bitcoin::XOnlyPublicKey;
use clap::Parser;

use super::simulate::{Fleet, Simulate};
use super::work::PlanWork;

/// Arguments of `prove`.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  tapstone prove test-vectors/batches/small.jsonl \\\n    \
    --internal-key cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115\n  \
    tapstone prove day-1.jsonl day-2.jsonl --chain mychain\n  \
    tapstone prove day-3.jsonl --chain mychain --store sqlite:queue.sqlite\n\n\
    After a crash or Ctrl-C run the same command again: proofs that lie in the output folder are taken up. With --chain each batch is\n\
    applied to the chain's state together with its proof, once. With --store the proofs are made by workers; the queue keeps what they\n\
    made, so the same command takes that up too. An output folder holds one series of batches, which a later run of the chain may carry\n\
    on; a run of other batches or another key is refused, and a folder that is complete stays as it is.\n\
    A chain takes proofs by the key that it pins alone, which `tapstone init` or its first proof decides, and `tapstone state pin` changes.")]
pub struct Prove {
    /// Batch files; they are proven in the order of their batches. `-` is standard input.
    #[arg(required = true, value_name = "BATCH")]
    pub batches: Vec<PathBuf>,
    /// The shape of the circuit [default: that of the chain, or small].
    #[arg(long)]
    pub shape: Option<String>,
    /// Carry on the chain in this folder (see `tapstone init`).
    #[arg(long, conflicts_with = "state")]
    pub chain: Option<PathBuf>,
    /// The state before the first batch, as a file [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Folder for results, of this run or one that it repeats or carries on [default:
    /// tapstone-out/NAME-OF-BATCH-FILE, or tapstone-out/batches-FIRST-LAST for several].
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder of keys [default: tapstone in the user's cache]. A missing key is made, insecurely, without --chain and for chains made for trials alone.
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// Also make the anchor output, spendable by this x-only key, as the chain's first anchor. For later ones: `tapstone anchor --previous`.
    #[arg(long)]
    pub internal_key: Option<XOnlyPublicKey>,
    /// Take up proofs of these batches that lie in the output folder and verify: this is what is done anyway.
    #[arg(long)]
    pub resume: bool,
    /// Threads that work [default: all cores].
    #[arg(long, short = 'j', value_name = "THREADS")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Refuse to start if proving would need more memory than this, as 512M or 4G.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,
    /// After each batch, write its figures here for Prometheus' node exporter (a name that ends in .prom).
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
    /// Execute and plan, but make and write nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Workers.
    #[command(flatten, next_help_heading = "With workers")]
    pub work: PlanWork,
    /// Make the proofs' randomness from this seed: the same command then writes the same bytes. For tests: whoever knows the seed learns
    /// from a proof what the published data leave out.
    #[arg(long, hide = true, value_name = "SEED")]
    pub insecure_seed: Option<u64>,
}

/// Arguments of `plan`.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  tapstone plan day-1.jsonl --chain mychain --transactions\n  \
    tapstone plan day-1.jsonl --workers 8 --price-core-hour 0.05\n  \
    tapstone plan --shape transfers-20 --simulate rate=20,seconds=3600 --workers 4 --cores 8 --out simulation")]
pub struct Plan {
    /// Batch files; they are taken in the order of their batches. `-` is standard input.
    #[arg(required_unless_present = "simulate", value_name = "BATCH")]
    pub batches: Vec<PathBuf>,
    /// The shape of the circuit.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The chain in this folder, which stays as it is.
    #[arg(long, conflicts_with = "state")]
    pub chain: Option<PathBuf>,
    /// The state before the first batch, as a file [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Folder of keys [default: tapstone in the user's cache].
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// Threads that would work [default: all cores].
    #[arg(long, short = 'j', value_name = "THREADS")]
    pub jobs: Option<std::num::NonZeroUsize>,
    /// Tell slot, rows, bytes, fee and share of the cost of each transaction.
    #[arg(long)]
    pub transactions: bool,
    /// Machines, and what they cost.
    #[command(flatten)]
    pub fleet: Fleet,
    /// A simulation in place of batch files.
    #[command(flatten)]
    pub simulation: Simulate,
}

/// Arguments of `explain`.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  tapstone explain test-vectors/batches/small.jsonl --line 9")]
pub struct Explain {
    /// The batch file.
    pub batch: PathBuf,
    /// The line of the transaction; the header is line 1.
    #[arg(long)]
    pub line: usize,
    /// The shape of the circuit.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The chain in this folder, which stays as it is.
    #[arg(long, conflicts_with = "state")]
    pub chain: Option<PathBuf>,
    /// The state before the first batch, as a file [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
}

/// Arguments of `report`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  tapstone report tapstone-out/small\n  tapstone report mychain --shape small --out chain.html"
)]
pub struct Report {
    /// A folder that `tapstone prove` wrote, or a chain's.
    pub folder: PathBuf,
    /// Of a chain, the shape whose rows are to be shown; a run's folder names it.
    #[arg(long)]
    pub shape: Option<String>,
    /// Of a chain, how many of the last batches.
    #[arg(long, default_value_t = 1000)]
    pub last: u64,
    /// The page to write [default: report.html in a run's folder; of a chain, where you are].
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// A number of bytes, with an optional K, M, G or T for powers of 1024.
pub fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.trim_end_matches(['B', 'i']).char_indices().next_back() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        Some((at, 'T' | 't')) => (&text[..at], 40),
        _ => (text, 0),
    };
    let number: u64 = digits.parse().map_err(|_| "needed a number with an optional K, M, G or T".to_owned())?;
    number.checked_mul(1 << shift).filter(|n| *n > 0).ok_or_else(|| "needed more than 0 and less than 2^64 bytes".to_owned())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("512M"), Ok(512 << 20));
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert_eq!(bytes("17"), Ok(17));
        for wrong in ["", "G", "1.5G", "-1", "0", "99999999999T", "4X", "4 G"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
