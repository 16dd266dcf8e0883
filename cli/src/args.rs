//! The command line.

mod anchor;
mod batch;
mod exit;
mod transaction;

use std::path::PathBuf;

use bitcoin::XOnlyPublicKey;
use clap::{Parser, Subcommand, ValueEnum};
use tapstone_verifier::{Element, VkId};

pub use anchor::{Anchor, AnchorCommand, AnchorProofArgs, AnchorVerify, Lock, Output};
pub use batch::{CheckBatch, NewBatch};
pub use exit::{ProveAccount, ProveWithdrawal, ProvenBatchArgs, VerifyAccount, VerifyWithdrawal};
pub use transaction::{AnchorEnvelope, AnchorFinalise, AnchorPsbt, AnchorSign, CoinText};

/// Prove, verify and anchor batches of the Tapstone rollup.
#[derive(Debug, Parser)]
#[command(name = "tapstone", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 the verdict is no, 2 usage, 3 malformed input, 4 key or version mismatch,\n\
                        5 files or resources, 70 fault of this program, 130 interrupted.")]
pub struct Args {
    /// How to print the result.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// No progress on standard error.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Form of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Human,
    /// One JSON object.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the keys of a shape (insecure: for tests and trials).
    Setup(Setup),
    /// Execute a batch file, prove its batches and write proofs, data and state.
    Prove(Prove),
    /// Verify proven batches, in order.
    Verify(Verify),
    /// Verify what an account holds, offline, against a state root.
    VerifyAccount(VerifyAccount),
    /// Verify a withdrawal of a batch, offline.
    VerifyWithdrawal(VerifyWithdrawal),
    /// Make the taproot output that anchors proven batches, its transaction, and proofs of it; verify anchors.
    Anchor(Box<Anchor>),
    /// Say what a file holds.
    Inspect(Inspect),
    /// Rebuild the state of a chain, and prove what it holds.
    #[command(subcommand)]
    State(State),
    /// Work on batch files.
    #[command(subcommand)]
    Batch(Batch),
    /// Look for missing constraints in the circuit of a shape.
    Audit(Audit),
    /// Measure real transactions a second, stage by stage, and write figures as JSON and as a page with plots.
    Bench(Bench),
    /// Work on circuits and their keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Make keys and sign transactions, for tests and scripts.
    #[command(subcommand)]
    Wallet(Wallet),
}

/// Arguments of `setup`.
#[derive(Debug, Parser)]
pub struct Setup {
    /// The shape.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// Folder of keys [default: tapstone in the user's cache].
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// Make new keys even if there are some; they replace the old ones once they are complete.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `bench`.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  tapstone bench mixed --shape small --threads 1,2 --stock --out bench-out")]
pub struct Bench {
    /// `transfers`, `swaps` or `mixed`, seeded and filling every slot; or a batch file that starts from the empty state.
    #[arg(default_value = "mixed")]
    pub workload: String,
    /// Shapes of circuits.
    #[arg(long, value_delimiter = ',', default_value = "small")]
    pub shape: Vec<String>,
    /// Numbers of threads [default: 1, 2, 4, ... and all cores].
    #[arg(long, value_delimiter = ',')]
    pub threads: Vec<usize>,
    /// Runs after a warm-up; medians count.
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
    /// Measure ark-groth16 on the same key and witness as well, in turn.
    #[arg(long)]
    pub stock: bool,
    /// Folder for bench.json and bench.html.
    #[arg(long, default_value = "tapstone-bench")]
    pub out: PathBuf,
    /// Folder of keys [default: tapstone in the user's cache]. Missing keys are made, insecurely.
    #[arg(long)]
    pub keys: Option<PathBuf>,
}

/// Arguments of `prove`.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  tapstone prove test-vectors/batches/small.jsonl \\\n    \
    --internal-key cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115")]
pub struct Prove {
    /// The batch file.
    pub batch: PathBuf,
    /// The shape of the circuit.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The state before the file's first batch [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Folder for results [default: tapstone-out/NAME-OF-BATCH-FILE].
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Folder of keys [default: tapstone in the user's cache]. Missing keys are made, insecurely.
    #[arg(long)]
    pub keys: Option<PathBuf>,
    /// Also make the anchor output, spendable by this x-only key, as the chain's first anchor. For later ones: `tapstone anchor --previous`.
    #[arg(long)]
    pub internal_key: Option<XOnlyPublicKey>,
}

/// Arguments of `verify`.
#[derive(Debug, Parser)]
pub struct Verify {
    /// Proven batches, in order.
    #[arg(required = true)]
    pub proven: Vec<PathBuf>,
    /// The verifying key [default: verifying.key beside the first batch].
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// The key's id, from a source you trust. Without it the verdict only means: this key accepts this proof.
    #[arg(long)]
    pub vk_id: Option<VkId>,
}

/// Arguments of `inspect`.
#[derive(Debug, Parser)]
pub struct Inspect {
    /// A batch file, proven batch, state, verifying key, published data, anchor proof, account proof or withdrawal proof.
    pub file: PathBuf,
}

/// Commands of `state`.
#[derive(Debug, Subcommand)]
pub enum State {
    /// Rebuild the state from published data alone, without signatures.
    Rebuild(Rebuild),
    /// Prove what an account holds, LP shares included, against the state root.
    ProveAccount(ProveAccount),
    /// Prove a withdrawal from the published data of its batch.
    ProveWithdrawal(ProveWithdrawal),
}

/// Arguments of `state rebuild`.
#[derive(Debug, Parser)]
#[command(after_help = "Data alone proves nothing: compare with statements that `tapstone verify` accepted.\n\n\
    Example:\n  tapstone state rebuild out/batch-1.data out/batch-2.data \\\n    \
    --proven out/batch-1.proven.json --proven out/batch-2.proven.json --out state.json")]
pub struct Rebuild {
    /// Published data of consecutive batches, in order; or Bitcoin transactions (hexadecimal digits) that reveal them in an envelope.
    #[arg(required = true)]
    pub data: Vec<PathBuf>,
    /// A shape with the chain's trees.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The state before the first of them [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Proven batches to compare with, one for each data file, in order (repeat the option).
    #[arg(long)]
    pub proven: Vec<PathBuf>,
    /// Fail unless the result has this state root.
    #[arg(long)]
    pub expect_root: Option<Element>,
    /// Write the state here.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Commands of `batch`.
#[derive(Debug, Subcommand)]
pub enum Batch {
    /// Propose an order that fills a shape better, and keeps the order within each account, pool and bundle.
    Pack(Pack),
    /// List every line of a batch file that is wrong, with column, field and rule; then what the first state has against it.
    Check(CheckBatch),
    /// Write a batch file to start from: a header for a state, and one deposit.
    New(NewBatch),
}

/// Arguments of `batch pack`.
#[derive(Debug, Parser)]
#[command(after_help = "Transactions stay in file order unless you prove the packed file instead.\n\n\
    Example:\n  tapstone batch pack day.jsonl --state out/state.json --out day-packed.jsonl")]
pub struct Pack {
    /// The batch file.
    pub batch: PathBuf,
    /// The shape to fill.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The state before the file's first batch [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Write the packed file here.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Arguments of `audit`.
#[derive(Debug, Parser)]
#[command(
    after_help = "What it shows, and what not: circuits/AUDIT.md. Exit code 1 if anything is found that nothing explains.\n\n\
    Example:\n  tapstone audit --shape tiny --seconds 60 --out audit.json"
)]
pub struct Audit {
    /// The shape.
    #[arg(long, default_value = "tiny")]
    pub shape: String,
    /// Begin no new part after this many seconds; the report says what is left out [default: no limit].
    #[arg(long)]
    pub seconds: Option<u64>,
    /// Constraints of the circuit to take out one at a time, to see that the audit notices.
    #[arg(long, default_value_t = 400)]
    pub removals: usize,
    /// Write the whole report here, as JSON.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Commands of `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Write the circuit of a shape as iden3 .r1cs, and the names of its wires beside it as .sym, for other auditing tools.
    ExportR1cs(ExportR1cs),
    /// Read the whole key of a shape and compare every section with its checksum.
    Check(CheckKey),
}

/// Arguments of `keys check`.
#[derive(Debug, Parser)]
pub struct CheckKey {
    /// The shape.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The folder that keys are in.
    #[arg(long, value_name = "FOLDER")]
    pub keys: Option<PathBuf>,
}

/// Arguments of `keys export-r1cs`.
#[derive(Debug, Parser)]
pub struct ExportR1cs {
    /// The file to write; the names go to the same path with .sym.
    pub file: PathBuf,
    /// The shape.
    #[arg(long, default_value = "small")]
    pub shape: String,
}

/// Commands of `wallet`.
#[derive(Debug, Subcommand)]
pub enum Wallet {
    /// Make a secret key in a new file that only you can read.
    New {
        /// The file to create.
        file: PathBuf,
    },
    /// Show the public key of a secret key file.
    Public {
        /// The secret key file.
        file: PathBuf,
    },
    /// Sign transactions: JSON lines without "signature" on standard input, signed lines on standard output.
    Sign {
        /// The secret key file.
        file: PathBuf,
        /// The chain.
        #[arg(long)]
        chain_id: u32,
    },
    /// Sign the members of one bundle that are yours: all its lines on standard input, in order, with or without signatures;
    /// the same lines with the bundle's message on standard output, for the next party.
    Bundle {
        /// The secret key file.
        file: PathBuf,
        /// The chain.
        #[arg(long)]
        chain_id: u32,
        /// Your account: the members that it signs get your signature.
        #[arg(long)]
        account: u32,
    },
}
