//! The command line.

mod address;
mod anchor;
mod batch;
mod exit;
mod keys;
mod prove;
mod publish;
mod simulate;
mod state;
mod transaction;
mod work;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use tapstone_verifier::VkId;

pub use address::AddressText;
pub use anchor::{Anchor, AnchorCommand, AnchorProofArgs, AnchorVerify, Lock, Output};
pub use batch::{CheckBatch, ConvertBatch, GenerateBatch, Mix, NewBatch};
pub use exit::{ProveAccount, ProveWithdrawal, ProvenBatchArgs, VerifyAccount, VerifyWithdrawal};
pub use keys::{ContributeKey, ExportVk, ImportKey, ListKeys, ShowKey};
pub use prove::{Explain, Plan, Prove, Report};
pub use publish::{AnchorProve, AnchorPublish, AnchorStatus, AnchorWatch, NodeArgs, Signer, WaitArgs};
pub use simulate::{Fleet, Simulate};
pub use state::{ChainKeyArgs, Init, PinKey, Rebuild, Rollback, State};
pub use transaction::{AnchorEnvelope, AnchorFinalise, AnchorPsbt, AnchorSign, CoinText};
pub use work::{Confine, Dead, Migrate, Pardon, Queue, QueueStatus, QueueWatch, Replay, Requeue, StoreArgs, Worker};

/// Prove, verify and anchor batches of the Tapstone rollup.
#[derive(Debug, Parser)]
#[command(name = "tapstone", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 ok, 1 the verdict is no, 2 usage, 3 malformed input, 4 key or version mismatch\n\
                        or a key that nothing pins, 5 files or resources, 70 fault of this program, 130 interrupted.")]
pub struct Args {
    /// How to print the result.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// No progress on standard error.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log events of this level and above on standard error.
    #[arg(long, global = true, value_enum, value_name = "LEVEL")]
    pub log: Option<Level>,
    /// Log as JSON, an object a line.
    #[arg(long, global = true, requires = "log")]
    pub log_json: bool,
    /// Options from this file [default: $TAPSTONE_CONFIG, or tapstone/config.toml in the user's folder of configurations].
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
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

/// Levels of logged events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// What ends a command.
    Error,
    /// What batches become.
    Info,
    /// Each step.
    Debug,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the keys of a shape (insecure: for tests and trials).
    Setup(Setup),
    /// Make a chain's folder, which keeps its state and every batch.
    Init(Init),
    /// Execute batch files, prove their batches and write proofs, data and state.
    Prove(Prove),
    /// Make proofs that others planned, over a work store (`tapstone prove --store`).
    Worker(Worker),
    /// Look after a work store: tasks, workers, dead letters, tables.
    #[command(subcommand)]
    Queue(Queue),
    /// Say what proving batch files takes: batches, slots, rows, memory, time, bytes, and each transaction's share.
    Plan(Plan),
    /// Say what one transaction of a batch file does, account by account.
    Explain(Explain),
    /// Make one page about a run or a chain: batches, throughput, volumes, prices, anchors.
    Report(Report),
    /// Verify proven batches, in order.
    #[command(
        after_help = "Whoever forges a proof brings a key that it fits: the verdict is `valid` only under keys that you pin. Otherwise it is `unpinned`,\n\
    exit code 4.\n\n\
    Examples:\n  tapstone verify out/batch-1.proven.json out/batch-2.proven.json --vk-id VKID\n  \
    tapstone verify out/batch-1.proven.json --chain mychain"
    )]
    Verify(Verify),
    /// Verify what an account holds, offline, against a state root.
    VerifyAccount(VerifyAccount),
    /// Verify a withdrawal of a batch, offline.
    VerifyWithdrawal(VerifyWithdrawal),
    /// Make the taproot output that anchors proven batches, its transaction, and proofs of it; verify anchors.
    Anchor(Box<Anchor>),
    /// Say what a file holds.
    Inspect(Inspect),
    /// Look at the state of a chain, check it, go back, rebuild it from data, and prove what it holds.
    #[command(subcommand)]
    State(State),
    /// Work on batch files.
    #[command(subcommand)]
    Batch(Batch),
    /// Look for missing constraints in the circuit of a shape.
    Audit(Audit),
    /// Measure real transactions a second, stage by stage, and write figures as JSON and as a page with plots.
    Bench(Bench),
    /// Say what this machine has for proving, and what would stop it.
    Doctor(Doctor),
    /// Say what the configuration file holds, check one, and print its schema.
    #[command(subcommand)]
    Config(Config),
    /// Print completions for a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write man pages of all commands into a folder.
    Man {
        /// The folder.
        folder: PathBuf,
    },
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
    /// Accounts that a seeded workload draws from, as many as the shape's tree has room for at most.
    #[arg(long, default_value = "1000000")]
    pub accounts: std::num::NonZeroU32,
    /// How a seeded workload draws them.
    #[arg(long, value_enum, default_value = "uniform")]
    pub draw: Draw,
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

/// How often each account takes part in a seeded workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Draw {
    /// All alike.
    Uniform,
    /// By Zipf's law with exponent 1: account number n of the ranking 1/n as often as the first.
    Zipf,
}

impl Draw {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
        }
    }
}

/// Arguments of `verify`.
#[derive(Debug, Parser)]
pub struct Verify {
    /// Proven batches, in any order, or the folders of runs that hold them.
    #[arg(required = true)]
    pub proven: Vec<PathBuf>,
    /// The verifying key; repeat the option where batches are under several [default: what --chain keeps, or verifying.key beside a batch].
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// Which keys are right.
    #[command(flatten)]
    pub pins: PinArgs,
}

/// Which keys are right, by the caller's own word.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub struct PinArgs {
    /// The id of the right key, from a source that you trust: what the chain's operator or the key's ceremony published, never what lies beside the
    /// proof. Without this, --chain or --registry there is no verdict (exit code 4).
    #[arg(long)]
    pub vk_id: Option<VkId>,
    /// The right keys are those that your own chain in this folder pins.
    #[arg(long, value_name = "FOLDER")]
    pub chain: Option<PathBuf>,
    /// The right keys are those of this registry, a text file: `tapstone-keys/1`, then lines FIRST-BATCH ID LAST-BATCH, `-` for no end.
    #[arg(long, value_name = "FILE")]
    pub registry: Option<PathBuf>,
}

/// Arguments of `inspect`.
#[derive(Debug, Parser)]
pub struct Inspect {
    /// A batch file, proven batch, state, verifying key, published data, anchor proof, account proof or withdrawal proof.
    pub file: PathBuf,
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
    /// Write seeded traffic that executes from the empty state.
    Generate(GenerateBatch),
    /// Convert transfers between a batch file and a table of comma-separated values.
    Convert(ConvertBatch),
    /// Print the JSON Schema of a batch file's lines.
    Schema,
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

/// Arguments of `doctor`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Exit code 5 if something would stop proving: all that is found is told.\n\nExample:\n  tapstone doctor --shape small --chain mychain"
)]
pub struct Doctor {
    /// The shape that is to be proven [default: that of the chain, or small].
    #[arg(long)]
    pub shape: Option<String>,
    /// The chain that is to be carried on.
    #[arg(long)]
    pub chain: Option<PathBuf>,
    /// Folder of keys [default: tapstone in the user's cache].
    #[arg(long)]
    pub keys: Option<PathBuf>,
}

/// Commands of `config`.
#[derive(Debug, Subcommand)]
#[command(
    after_help = "The file is TOML. Names are those of the long options; relative paths start at the file's folder.\n\n\
    Example:\n  [all]\n  keys = \"/srv/tapstone/keys\"\n  shape = \"mixed-20\"\n\n  [prove]\n  chain = \"/srv/tapstone/chain\"\n  jobs = 8\n\n\
    [anchor.publish]\n  node = \"http://127.0.0.1:8332\""
)]
pub enum Config {
    /// Say which file is in force, and what it holds.
    Show,
    /// Check a file.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Print the JSON Schema of the file.
    Schema,
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
    /// Ranges of the circuit to make one bit wider, one at a time, to see that the audit notices; of every kind one comes first.
    #[arg(long, default_value_t = 100)]
    pub widened: usize,
    /// Absorbed elements to leave out one at a time, to see that the audit notices [default: all].
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    pub absorbed: usize,
    /// Write the whole report here, as JSON.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Commands of `keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Write the circuit of a shape as iden3 .r1cs, and the names of its wires beside it as .sym, for other auditing tools.
    ExportR1cs(ExportR1cs),
    /// Write the verifying key of a shape as snarkjs' verification_key.json.
    ExportVk(ExportVk),
    /// Verify a ceremony's files for a shape, and make its key of them.
    Import(ImportKey),
    /// Contribute to a ceremony.
    Contribute(ContributeKey),
    /// Registered shapes and their keys in a folder.
    List(ListKeys),
    /// Say what the key of a shape is, and where it is from.
    Show(ShowKey),
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
    /// Check every point as well, which takes longer.
    #[arg(long)]
    pub points: bool,
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
