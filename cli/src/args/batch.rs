//! Arguments of the commands that work on batch files.

use std::path::PathBuf;

use clap::Parser;

/// Arguments of `batch check`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Of each line the first fault is told. If all lines have the right form, the file is executed, up to the first\n\
    transaction that breaks a rule. Exit code 3 for a wrong form, 1 for a broken rule. Nothing is written.\n\n\
    Examples:\n  tapstone batch check day.jsonl --state out/state.json\n  \
    tapstone batch check day.jsonl --form-only --format json"
)]
pub struct CheckBatch {
    /// The batch file.
    pub batch: PathBuf,
    /// The shape of the circuit that it is for.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The chain in this folder, which stays as it is.
    #[arg(long, conflicts_with = "state")]
    pub chain: Option<PathBuf>,
    /// The state before the file's first batch [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// Look at the form of the lines alone, and execute nothing.
    #[arg(long)]
    pub form_only: bool,
    /// Stop after this many wrong lines.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    pub most: u16,
}

/// Arguments of `batch new`.
#[derive(Debug, Parser)]
#[command(
    after_help = "A batch file has no comments, so what the lines mean is told on standard error (not with --quiet). Each line is a JSON object;\n\
    circuits/PROTOCOL.md, section 10, lists the kinds and their fields.\n\n\
    Example:\n  tapstone batch new first.jsonl && tapstone batch check first.jsonl"
)]
pub struct NewBatch {
    /// The file to create; one that exists stays as it is.
    pub file: PathBuf,
    /// The chain, of a file that starts from the empty state.
    #[arg(long, default_value_t = 3, conflicts_with = "state")]
    pub chain_id: u32,
    /// A shape with the chain's trees.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The state that the file follows, a chain's folder or a state file [default: the empty state].
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// The account that takes the fees.
    #[arg(long, default_value_t = 0)]
    pub operator: u32,
}
