//! Arguments of the commands that prove on many workers.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::prove::bytes;

/// The queue of proofs to be made.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// The work store: sqlite:FILE for the processes of this machine, postgres://USER@HOST/DATABASE for many machines. A password does not belong here:
    /// PGPASSWORD, a password file (PGPASSFILE, ~/.pgpass) or --password-file hold it.
    #[arg(long, value_name = "STORE")]
    pub store: String,
    /// A file of passwords for PostgreSQL, of libpq's form (HOST:PORT:DATABASE:USER:PASSWORD); readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Arguments of `worker`.
#[derive(Debug, Parser)]
#[command(after_help = "Ctrl-C gives the task under way back within a second; a second one quits at once. A worker that\n\
    dies loses its task to another when its lease ends. Exit code 4 if a key does not fit this program,\n\
    1 if its proofs do not verify and the work store confines it.\n\n\
    Examples:\n  tapstone worker --store sqlite:queue.sqlite\n  \
    tapstone worker /keys/small-v3.tapstone-key --store postgres://worker_1@127.0.0.1/queue \\\n    \
    --artefacts /mnt/artefacts --max-memory 8G --metrics 127.0.0.1:9477")]
pub struct Worker {
    /// Proving keys, or folders of them [default: the folder tapstone in the user's cache]. Only tasks for these keys are taken.
    #[arg(value_name = "KEY")]
    pub keys: Vec<PathBuf>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Where tasks and proofs are: a folder that planner and workers see, or s3://BUCKET/PREFIX in a build with the feature s3 [default: a folder beside the file
    /// of a SQLite store].
    #[arg(long, value_name = "PLACE")]
    pub artefacts: Option<String>,
    /// This worker's name, which no other may have [default: HOST-PROCESS]. With a worker's login of PostgreSQL the store knows it as LOGIN/NAME.
    #[arg(long)]
    pub name: Option<String>,
    /// Memory for a proof, as 512M or 4G; tasks that need more are left to others [default: what the machine has available].
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,
    /// Threads that prove [default: all cores].
    #[arg(long, short = 'j')]
    pub threads: Option<NonZeroUsize>,
    /// Make tables of multiples of each key's points, which take this many times the memory of the points. They save up to a tenth of the time of a proof on few
    /// threads, or nothing where the caches are small: try it.
    #[arg(long, value_name = "LEVELS", value_parser = clap::value_parser!(u8).range(2..=64))]
    pub tables: Option<u8>,
    /// Seconds after which a worker that is not heard of loses its task.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub lease: u32,
    /// End when nothing is left that this worker could do.
    #[arg(long)]
    pub drain: bool,
    /// Write a replay bundle into this folder of every task that is dead, or that fails whoever tries as far as this worker can tell.
    #[arg(long, value_name = "FOLDER")]
    pub replays: Option<PathBuf>,
    /// Serve metrics for Prometheus at this address, http://HOST:PORT/metrics.
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics: Option<SocketAddr>,
    /// Let --metrics be an address that other machines reach. Who reads them learns how much is proven, and nothing may keep anybody from asking.
    #[arg(long, requires = "metrics")]
    pub metrics_public: bool,
}

/// Options of `prove` with workers.
#[derive(Debug, Args)]
pub struct PlanWork {
    /// Have the proofs made by workers (`tapstone worker`) over this work store: sqlite:FILE or postgres://USER@HOST/DATABASE. No proving key is needed
    /// here, only the verifying key.
    #[arg(long, value_name = "STORE", conflicts_with_all = ["insecure_seed", "jobs", "max_memory"])]
    pub store: Option<String>,
    /// With --store: a file of passwords for PostgreSQL, of libpq's form (HOST:PORT:DATABASE:USER:PASSWORD).
    #[arg(long, value_name = "FILE", requires = "store")]
    pub password_file: Option<PathBuf>,
    /// With --store: where tasks and proofs are, a folder that the workers see as well or s3://BUCKET/PREFIX [default: a folder beside the file of a SQLite
    /// store].
    #[arg(long, value_name = "PLACE", requires = "store")]
    pub artefacts: Option<String>,
    /// With --store: the verifying key, as `prove` writes it (verifying.key) or `keys export-vk` [default: that of the proving key in --keys].
    #[arg(long, value_name = "FILE", requires = "store")]
    pub verifying_key: Option<PathBuf>,
    /// With --store: seconds from now in which the proofs are wanted; of several planners' tasks the earliest go first.
    #[arg(long, value_name = "SECONDS", requires = "store", default_value_t = 3600)]
    pub deadline: u32,
    /// With --store: attempts of one worker at a proof that may fail before the task is left to others; it is given up when two workers used them up, or the only one.
    #[arg(long, value_name = "COUNT", requires = "store", default_value = "5")]
    pub attempts: NonZeroU32,
}

/// Commands of `queue`.
#[derive(Debug, Subcommand)]
pub enum Queue {
    /// Counts of tasks, deadlines, what is being proven, and the workers.
    Status(QueueStatus),
    /// Follow the queue: a live view on a terminal, a line for each change elsewhere.
    Watch(QueueWatch),
    /// Queue dead letters again, with all their attempts.
    Requeue(Requeue),
    /// Put a worker into quarantine: it is given nothing more, and what it has goes to others.
    Confine(Confine),
    /// Let a worker out of quarantine.
    Pardon(Pardon),
    /// List the dead letters: tasks that failed for good, and why.
    Dead(Dead),
    /// Do here what a worker does with a task, and say what happens.
    Replay(Replay),
    /// Make a store's tables, or bring them to this program's version.
    Migrate(Migrate),
}

/// Arguments of `queue status`.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  tapstone queue status --store sqlite:queue.sqlite --format json")]
pub struct QueueStatus {
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Arguments of `queue watch`.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  tapstone queue watch --store sqlite:queue.sqlite --until-empty")]
pub struct QueueWatch {
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Milliseconds between looks.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..))]
    pub interval: u64,
    /// End when nothing is queued or being proven.
    #[arg(long)]
    pub until_empty: bool,
}

/// Arguments of `queue requeue`.
#[derive(Debug, Parser)]
#[command(after_help = "Example:\n  tapstone queue requeue --all-dead --store sqlite:queue.sqlite")]
pub struct Requeue {
    /// Keys of dead tasks, or of queued ones that failed and wait for other workers.
    #[arg(value_name = "KEY", required_unless_present = "all_dead", conflicts_with = "all_dead")]
    pub keys: Vec<String>,
    /// All dead letters.
    #[arg(long)]
    pub all_dead: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Arguments of `queue confine`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Proofs that do not verify confine their worker by themselves; this is for one that does other harm.\n\n\
    Example:\n  tapstone queue confine worker_1 --reason \"keeps tasks\" --store postgres://planner_1@127.0.0.1/queue"
)]
pub struct Confine {
    /// The worker's name; with PostgreSQL also a worker's login, which confines all workers of it.
    #[arg(value_name = "WORKER")]
    pub worker: String,
    /// Why, as the worker and `queue status` will tell it.
    #[arg(long, default_value = "an operator confined it")]
    pub reason: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Arguments of `queue pardon`.
#[derive(Debug, Parser)]
#[command(after_help = "A worker is confined when a proof of its does not verify: find out why first.\n\n\
    Example:\n  tapstone queue pardon host-4711 --store sqlite:queue.sqlite")]
pub struct Pardon {
    /// The worker's name; of workers with logins of PostgreSQL, all of the same login are let out.
    #[arg(value_name = "WORKER")]
    pub worker: String,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// Arguments of `queue dead`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Example:\n  tapstone queue dead --store sqlite:queue.sqlite --replays letters\n  tapstone queue replay letters/*.replay"
)]
pub struct Dead {
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// List at most so many.
    #[arg(long, default_value_t = 1000)]
    pub most: u32,
    /// Write a replay bundle of each into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub replays: Option<PathBuf>,
    /// Folder of tasks and proofs, for the bundles [default: beside the file of a SQLite store].
    #[arg(long, value_name = "FOLDER", requires = "replays")]
    pub artefacts: Option<String>,
}

/// Arguments of `queue replay`.
#[derive(Debug, Parser)]
#[command(after_help = "Nothing is told to the store. Exit code 1 if the task fails.\n\n\
    Examples:\n  tapstone queue replay letters/KEY.replay\n  tapstone queue replay KEY --store sqlite:queue.sqlite")]
pub struct Replay {
    /// A replay bundle; or, with --store, the key of a task.
    #[arg(value_name = "BUNDLE")]
    pub bundle: String,
    /// The work store that has the task.
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,
    /// A file of passwords for PostgreSQL, of libpq's form (HOST:PORT:DATABASE:USER:PASSWORD).
    #[arg(long, value_name = "FILE", requires = "store")]
    pub password_file: Option<PathBuf>,
    /// Folder of tasks and proofs [default: beside the file of a SQLite store].
    #[arg(long, value_name = "FOLDER", requires = "store")]
    pub artefacts: Option<String>,
    /// Proving keys, or folders of them [default: the folder tapstone in the user's cache].
    #[arg(long, value_name = "KEY")]
    pub key: Vec<PathBuf>,
    /// Write the proven file here, if there is a proof.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Arguments of `queue migrate`.
#[derive(Debug, Parser)]
#[command(after_help = "For the owner of the tables; workers and planners need no more than to use them.\n\n\
    Examples:\n  tapstone queue migrate --store sqlite:queue.sqlite\n  tapstone queue migrate --store postgres://owner@127.0.0.1/queue --roles\n  \
    tapstone queue migrate --store postgres://owner@127.0.0.1/queue --dry-run")]
pub struct Migrate {
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
    /// With PostgreSQL: make the roles tapstone_planner, tapstone_worker and tapstone_observer as well, if there are none, and let them do what they need with these
    /// tables and no more. For a login that may create roles. Each planner's, worker's or observer's login is then granted its role.
    #[arg(long, conflicts_with = "dry_run")]
    pub roles: bool,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}
