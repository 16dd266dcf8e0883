//! Arguments of `init` and `state`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tapstone_verifier::{Element, VkId};

use super::{ProveAccount, ProveWithdrawal};

/// Arguments of `init`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The folder remembers the chain's shape and the key of its proofs, and takes no proof by another. Without --vk-id or --verifying-key\n\
    the first proof decides.\n\n\
    Examples:\n  tapstone init mychain --chain-id 0 --shape small --vk-id VKID\n  \
    tapstone init trial --chain-id 3 --shape tiny --trial\n  \
    tapstone init mychain --genesis state.json\n  tapstone prove day-1.jsonl --chain mychain"
)]
pub struct Init {
    /// The folder of the chain, which must not hold one.
    pub chain: PathBuf,
    /// The chain's id; modulo 4 it names the Bitcoin network: 0 mainnet, 1 testnet4, 2 signet, 3 regtest.
    #[arg(long, required_unless_present = "genesis", conflicts_with = "genesis")]
    pub chain_id: Option<u32>,
    /// The shape of the chain's batches [default: small; with --genesis that of the first batch].
    #[arg(long)]
    pub shape: Option<String>,
    /// Start from this state file instead of the empty state.
    #[arg(long)]
    pub genesis: Option<PathBuf>,
    /// The chain is for trials: a key that is missing is made when it is needed, insecurely.
    #[arg(long)]
    pub trial: bool,
    /// The key of the chain's proofs.
    #[command(flatten)]
    pub key: ChainKeyArgs,
}

/// The key of a chain's proofs.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ChainKeyArgs {
    /// The id of the key that proves the chain's batches, as its ceremony or its maker published it.
    #[arg(long)]
    pub vk_id: Option<VkId>,
    /// The verifying key itself, as `prove` or `keys export-vk` writes it, to be kept in the folder.
    #[arg(long, value_name = "FILE")]
    pub verifying_key: Option<PathBuf>,
}

/// Arguments of `state pin`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The rule takes the place of all rules from its batch on; batches before stay good under the keys of before. A key that has\n\
    proofs in the folder from that batch on cannot be replaced: go back first (`tapstone state rollback`).\n\n\
    Example:\n  tapstone state pin mychain --vk-id VKID --from-batch 1000"
)]
#[command(group(clap::ArgGroup::new("pinned").required(true).multiple(true).args(["vk_id", "verifying_key"])))]
pub struct PinKey {
    /// The folder of the chain.
    pub chain: PathBuf,
    /// The key.
    #[command(flatten)]
    pub key: ChainKeyArgs,
    /// The first batch that it proves [default: the next].
    #[arg(long, value_name = "NUMBER")]
    pub from_batch: Option<u64>,
    /// The shape of its batches [default: that of the chain].
    #[arg(long)]
    pub shape: Option<String>,
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
    /// Read everything that a chain's folder holds, and compare it with checksums and the state root; verify
    /// every proof that is kept.
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
    /// Pin the key that proves a chain's batches, from a batch on.
    Pin(PinKey),
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
#[command(
    after_help = "Data alone proves nothing: compare with proven batches, which are verified, or with a root that you trust.\n\n\
    Example:\n  tapstone state rebuild out/batch-1.data out/batch-2.data \\\n    \
    --proven out/batch-1.proven.json --proven out/batch-2.proven.json --vk-id VKID --out state.json"
)]
pub struct Rebuild {
    /// Published data of consecutive batches, in any order, or the folders of runs that hold them; or Bitcoin transactions (hexadecimal digits) that reveal them in an envelope.
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
    /// Proven batches to verify and compare with, one for each data file, or the folder of a run (repeat the option). Their keys must be pinned: by the
    /// chain in --chain, or by an option.
    #[arg(long)]
    pub proven: Vec<PathBuf>,
    /// Their verifying keys (repeat the option) [default: what the chain keeps, or verifying.key beside a batch].
    #[arg(long, value_name = "FILE", requires = "proven")]
    pub key: Vec<PathBuf>,
    /// The id of the right key, from a source that you trust.
    #[arg(long, requires = "proven")]
    pub vk_id: Option<VkId>,
    /// The right keys are those of this registry.
    #[arg(long, value_name = "FILE", requires = "proven", conflicts_with = "vk_id")]
    pub registry: Option<PathBuf>,
    /// Fail unless the result has this state root.
    #[arg(long)]
    pub expect_root: Option<Element>,
    /// Write the state here.
    #[arg(long)]
    pub out: Option<PathBuf>,
}
