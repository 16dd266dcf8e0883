//! Arguments of the commands that make and verify exit proofs.

use std::path::PathBuf;

use clap::Parser;
use tapstone_verifier::Element;

use super::PinArgs;

/// Arguments of `state prove-account`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Without --out the proof alone goes to standard output. Anybody who has the published data can rebuild the state\n\
    (`tapstone state rebuild`) and make this proof; `tapstone verify-account` verifies it.\n\n\
    Example:\n  tapstone state prove-account out/state.json 3 --out account-3.json"
)]
pub struct ProveAccount {
    /// The folder of a chain, or a state file.
    pub state: PathBuf,
    /// The account's index.
    pub index: u32,
    /// Write the proof here.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Write the compact bytes, not JSON.
    #[arg(long, requires = "out")]
    pub compact: bool,
}

/// Arguments of `state prove-withdrawal`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Published data name all withdrawals of their batch, refunds included, so no state is needed. Without a position they are\n\
    listed. Without --out the proof alone goes to standard output; `tapstone verify-withdrawal` verifies it.\n\n\
    Examples:\n  tapstone state prove-withdrawal out/batch-2.data\n  \
    tapstone state prove-withdrawal out/batch-2.data 0 --out withdrawal.json"
)]
pub struct ProveWithdrawal {
    /// Published data of the batch; or a Bitcoin transaction (hexadecimal digits) that reveals them in an envelope.
    pub data: PathBuf,
    /// The withdrawal's place in the batch, from 0 [default: list the withdrawals].
    pub position: Option<u32>,
    /// Write the proof here.
    #[arg(long, requires = "position")]
    pub out: Option<PathBuf>,
    /// Write the compact bytes, not JSON.
    #[arg(long, requires = "out")]
    pub compact: bool,
}

/// Arguments of `verify-account`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The proof is offline and says what the account holds; to whom it is paid is for its owner to sign. A bridge freezes one\n\
    root and pays each nullifier once.\n\n\
    Examples:\n  tapstone verify-account account-3.json --proven out/batch-2.proven.json --vk-id VKID\n  \
    tapstone verify-account account-3.json --state-root 0x..."
)]
#[command(group(clap::ArgGroup::new("against").required(true).args(["state_root", "proven"])))]
pub struct VerifyAccount {
    /// The proof, as JSON or compact bytes.
    pub proof: PathBuf,
    /// The state root that you trust, from a verified anchor for example.
    #[arg(long, conflicts_with_all = ["key", "vk_id", "chain", "registry"])]
    pub state_root: Option<Element>,
    #[command(flatten)]
    pub batch: ProvenBatchArgs,
}

/// Arguments of `verify-withdrawal`.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  \
    tapstone verify-withdrawal withdrawal.json --proven out/batch-2.proven.json --vk-id VKID\n  \
    tapstone verify-withdrawal withdrawal.json --withdrawals-root 0x... --chain-id 3 --batch 2")]
#[command(group(clap::ArgGroup::new("against").required(true).args(["withdrawals_root", "proven"])))]
pub struct VerifyWithdrawal {
    /// The proof, as JSON or compact bytes.
    pub proof: PathBuf,
    /// The withdrawals root that you trust, of the batch that you name.
    #[arg(long, requires_all = ["chain_id", "batch"], conflicts_with_all = ["key", "vk_id", "chain", "registry"])]
    pub withdrawals_root: Option<Element>,
    /// The chain.
    #[arg(long, requires = "withdrawals_root")]
    pub chain_id: Option<u32>,
    /// The batch.
    #[arg(long, requires = "withdrawals_root", value_name = "NUMBER")]
    pub batch: Option<u64>,
    #[command(flatten)]
    pub proven: ProvenBatchArgs,
    /// Hash at most so many withdrawals: that of the proof, and those after it in its batch. A proof of more is refused before it costs anything.
    #[arg(long, value_name = "COUNT", default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(1..))]
    pub most_withdrawals: u32,
}

/// A proven batch, and the key that verifies it.
#[derive(Debug, Parser)]
pub struct ProvenBatchArgs {
    /// The proven batch that you trust once it is verified here.
    #[arg(long)]
    pub proven: Option<PathBuf>,
    /// Its verifying key [default: what --chain keeps, or verifying.key beside it].
    #[arg(long, requires = "proven", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Which keys are right.
    #[command(flatten)]
    pub pins: PinArgs,
}
