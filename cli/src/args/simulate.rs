//! Arguments of `plan` about machines that are not this one: how many, at what price, and what comes in.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Parser;

/// Machines, and what they cost.
#[derive(Debug, Parser)]
pub struct Fleet {
    /// Workers that prove at once.
    #[arg(long, value_name = "N")]
    pub workers: Option<NonZeroU32>,
    /// The price of a core for an hour, in any currency.
    #[arg(long, value_name = "PRICE")]
    pub price_core_hour: Option<f64>,
}

/// A simulation in place of batch files.
#[derive(Debug, Parser)]
#[command(next_help_heading = "Simulation")]
pub struct Simulate {
    /// Play arrivals against workers: a file of them (CSV with `seconds,slot`, or JSON lines {"seconds":S,"slot":"pair"}), or
    /// `rate=R,seconds=S,singles=F,swing=F,period=S`: R transactions a second on average, drawn at random.
    #[arg(long, value_name = "ARRIVALS", conflicts_with = "batches")]
    pub simulate: Option<String>,
    /// Cores of a worker.
    #[arg(long, value_name = "N", default_value = "2", requires = "simulate")]
    pub cores: NonZeroU32,
    /// Core-seconds of a proof [default: by the rows of the shape, from the figures of SCALING.md].
    #[arg(long, value_name = "SECONDS", requires = "simulate")]
    pub core_seconds: Option<f64>,
    /// A batch waits so long for transactions, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, requires = "simulate")]
    pub batch_seconds: f64,
    /// Transactions a second that the planner executes.
    #[arg(long, value_name = "RATE", default_value_t = 500.0, requires = "simulate")]
    pub execution: f64,
    /// The share of attempts that fail and are made again.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, requires = "simulate")]
    pub failures: f64,
    /// The share of attempts whose worker dies; the task is free again when its lease of 60 s has run out.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, requires = "simulate")]
    pub deaths: f64,
    /// Draws other arrivals, failures and Bitcoin blocks.
    #[arg(long, value_name = "SEED", default_value_t = 1, requires = "simulate")]
    pub seed: u64,
    /// Folder for simulation.json and simulation.html.
    #[arg(long, value_name = "FOLDER", requires = "simulate")]
    pub out: Option<PathBuf>,
}
