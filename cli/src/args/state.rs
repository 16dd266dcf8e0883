//! Arguments of `init` and `state`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tapstone_verifier::Element;

use super::{ProveAccount, ProveWithdrawal};

/// Arguments of `init`.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  tapstone init mychain --chain-id 3 --shape small\n  \
    tapstone init mychain --genesis state.json\n  tapstone prove day-1.jsonl --chain mychain")]
pub struct Init {
    /// The folder of the chain, which must not hold one.
    pub chain: PathBuf,
    /// The chain's id; modulo 4 it names the Bitcoin network: 0 mainnet, 1 testnet4, 2 signet, 3 regtest.
    #[arg(long, required_unless_present = "genesis", conflicts_with = "genesis")]
    pub chain_id: Option<u32>,
    /// A shape with the chain's trees.
    #[arg(long, default_value = "small", conflicts_with = "genesis")]
    pub shape: String,
    /// Start from this state file instead of the empty state.
    #[arg(long)]
    pub genesis: Option<PathBuf>,
}

/// Commands of `state`.
#[derive(Debug, Subcommand)]
pub enum State {
    /// Say where a chain stands: roots, counters, the last batch.
    Show {
        /// The folder of a chain, or a state file.
        state: PathBuf,
    },
    /// Print the state root.
    Root {
        /// The folder of a chain, or a state file.
        state: PathBuf,
    },
    /// Show an account: key, nonce, balances.
    Account {
        /// The folder of a chain, or a state file.
        state: PathBuf,
        /// The account's index.
        index: u32,
    },
    /// Show a pool: tokens, fee, reserves, shares.
    Pool {
        /// The folder of a chain, or a state file.
        state: PathBuf,
        /// The pool's index.
        index: u32,
    },
    /// Write the state of a chain as a state file.
    Export {
        /// The folder of the chain.
        chain: PathBuf,
        /// The file to write.
        file: PathBuf,
    },
    /// Read everything that a chain's folder holds, and compare it with checksums, the state root and what
    /// was proven.
    Check {
        /// The folder of the chain.
        chain: PathBuf,
    },
    /// Copy a chain's folder while others use it, and compare the copy with its checksums. Whoever carries
    /// the chain on waits meanwhile to write.
    Backup {
        /// The folder of the chain.
        chain: PathBuf,
        /// The folder of the copy, which must be new or empty.
        folder: PathBuf,
    },
    /// Go back to an earlier batch: later ones are forgotten, with their proofs and data.
    Rollback(Rollback),
    /// Rebuild the state from published data alone, without signatures.
    Rebuild(Rebuild),
    /// Prove what an account holds, LP shares included, against the state root.
    ProveAccount(ProveAccount),
    /// Prove a withdrawal from the published data of its batch.
    ProveWithdrawal(ProveWithdrawal),
}

/// Arguments of `state rollback`.
#[derive(Debug, Parser)]
#[command(after_help = "What was published or anchored of the batches that are forgotten is not undone by this.\n\n\
    Example:\n  tapstone state rollback mychain --to 41")]
pub struct Rollback {
    /// The folder of the chain.
    pub chain: PathBuf,
    /// The batch that becomes the last one, 0 for the state before the first.
    #[arg(long)]
    pub to: u64,
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
    /// Carry on the chain in this folder instead. Batches that it has already are compared, not applied again.
    #[arg(long, conflicts_with_all = ["state", "out", "shape"])]
    pub chain: Option<PathBuf>,
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
