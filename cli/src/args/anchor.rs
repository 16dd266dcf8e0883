//! The command line of `anchor`.

use std::path::PathBuf;
use std::str::FromStr;

use bitcoin::{BlockHash, OutPoint, Txid, XOnlyPublicKey};
use clap::{Parser, Subcommand};
use tapstone_verifier::{AnchorCommitment, Element, VkId};

use super::{
    AnchorEnvelope, AnchorFinalise, AnchorProve, AnchorPsbt, AnchorPublish, AnchorSign, AnchorStatus, AnchorWatch, Verify,
};

/// Arguments of `anchor`.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Anchor {
    /// What to verify before it is anchored.
    #[command(flatten)]
    pub verify: Verify,
    /// The key that can spend the output.
    #[command(flatten)]
    pub output: Output,
    /// Header of the previous anchor (hexadecimal, or a file that holds it) [default: this is the first].
    #[arg(long)]
    pub previous: Option<String>,
    /// Fail unless the result is this anchor commitment.
    #[arg(long)]
    pub expect: Option<AnchorCommitment>,
    /// Something else than making an output.
    #[command(subcommand)]
    pub command: Option<AnchorCommand>,
}

/// What an anchor's output is made of, besides its header.
#[derive(Clone, Copy, Debug, Parser)]
pub struct Output {
    /// The x-only key that can spend the output.
    #[arg(long, required = true)]
    pub internal_key: Option<XOnlyPublicKey>,
    /// Another x-only key that can spend it after some blocks: KEY:BLOCKS.
    #[arg(long)]
    pub recovery: Option<Lock>,
}

/// A recovery key and its number of blocks.
#[derive(Clone, Copy, Debug)]
pub struct Lock {
    /// The key.
    pub key: XOnlyPublicKey,
    /// After how many blocks it can spend.
    pub blocks: u16,
}

impl FromStr for Lock {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, blocks) = text.split_once(':').ok_or("needed KEY:BLOCKS")?;
        Ok(Self { key: parse(key)?, blocks: parse(blocks)? })
    }
}

/// Commands of `anchor`.
#[derive(Debug, Subcommand)]
pub enum AnchorCommand {
    /// Verify an anchor proof: its depth and state root, or the rule that it breaks.
    Verify(AnchorVerify),
    /// Make an anchor proof of a confirmed anchor from its parts, without a node.
    Proof(AnchorProofArgs),
    /// Make the anchor proof of a journal's thread, with the blocks that a Bitcoin node has.
    Prove(AnchorProve),
    /// Plan an anchor's transaction: a PSBT for a wallet to sign.
    Psbt(Box<AnchorPsbt>),
    /// Sign a PSBT with a secret key in a file, for tests and scripts.
    Sign(AnchorSign),
    /// Check a signed PSBT and take the transaction out of it.
    Finalise(AnchorFinalise),
    /// Publish an anchor by a Bitcoin node: find coins, sign or have signed, broadcast; safe to run again.
    Publish(Box<AnchorPublish>),
    /// Follow the anchors of a journal: broadcast again, bump fees, until they are deep enough.
    Watch(AnchorWatch),
    /// Say what a journal holds.
    Status(AnchorStatus),
    /// Put published data into a Bitcoin transaction: the address that commits to them, and the transaction that reveals them.
    Envelope(AnchorEnvelope),
}

/// A block by height and hash.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The height.
    pub height: u32,
    /// The hash.
    pub hash: BlockHash,
}

impl FromStr for Named {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (height, hash) = text.split_once(':').ok_or("needed HEIGHT:HASH")?;
        Ok(Self { height: parse(height)?, hash: parse(hash)? })
    }
}

/// A state of the rollup by batch number and root.
#[derive(Clone, Copy, Debug)]
pub struct KnownState {
    /// The number of the batch after which it stands; 0 for genesis.
    pub batch: u64,
    /// The root.
    pub root: Element,
}

impl FromStr for KnownState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (batch, root) = text.split_once(':').ok_or("needed BATCH:ROOT")?;
        Ok(Self { batch: parse(batch)?, root: parse(root)? })
    }
}

/// Reads a part of an argument; the error names it.
pub(super) fn parse<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|e: T::Err| format!("{text:?}: {}", e.to_string()))
}

/// Arguments of `anchor verify`.
#[derive(Debug, Parser)]
#[command(
    after_help = "What an anchor proves, and what not: verifier/ANCHORING.md. All options come from your own configuration, \
                        never from where the file does.\n\n\
    Example:\n  tapstone anchor verify day.anchor --chain-id 3 --origin TXID:0 --verifying-key verifying.key --vk-id ID --from 0:ROOT"
)]
pub struct AnchorVerify {
    /// The anchor proof.
    pub file: PathBuf,
    /// The rollup's chain [default: the file's, and the verdict says so].
    #[arg(long)]
    pub chain_id: Option<u32>,
    /// A block that you trust, HEIGHT:HASH [default: the newest that is built in for the network, where the file reaches it; on regtest the first].
    #[arg(long)]
    pub checkpoint: Option<Named>,
    /// The output that input 0 of the thread's first anchor spends.
    #[arg(long, conflicts_with = "known_header")]
    pub origin: Option<OutPoint>,
    /// Header of an anchor of the thread that you verified before (hexadecimal, or a file that holds it).
    #[arg(long, requires = "known_txid")]
    pub known_header: Option<String>,
    /// Its transaction.
    #[arg(long, requires = "known_header")]
    pub known_txid: Option<Txid>,
    /// The least depth.
    #[arg(long, default_value_t = 6)]
    pub depth: u32,
    /// Other block headers that you have seen, as hexadecimal lines: a branch with more work wins.
    #[arg(long)]
    pub seen: Option<PathBuf>,
    /// Verify the batch proofs in the file under this verifying key (repeat the option).
    #[arg(long, requires = "vk_id")]
    pub verifying_key: Vec<PathBuf>,
    /// The id of each key, from a source you trust (repeat the option).
    #[arg(long, requires = "verifying_key")]
    pub vk_id: Vec<VkId>,
    /// A state that you know, BATCH:ROOT (0 for genesis): fail unless proofs lead from it.
    #[arg(long, requires = "verifying_key")]
    pub from: Option<KnownState>,
}

/// Arguments of `anchor proof`.
#[derive(Debug, Parser)]
#[command(
    after_help = "BLOCK is what `bitcoin-cli getblock HASH 0` prints, each line of HEADERS what `getblockheader HASH false` prints.\n\n\
    Example:\n  tapstone anchor proof --header HEX --internal-key K --tx TX --block BLOCK --headers HEADERS --first-height 900000 \\\n    \
    --before yesterday.anchor --proven out/batch-7.proven.json --out today.anchor"
)]
pub struct AnchorProofArgs {
    /// The anchor's header (hexadecimal, or a file that holds it).
    #[arg(long)]
    pub header: String,
    /// What its output is made of.
    #[command(flatten)]
    pub output: Output,
    /// The anchor's transaction, with or without witnesses, as hexadecimal digits in a file.
    #[arg(long)]
    pub tx: PathBuf,
    /// The block that holds it, as hexadecimal digits in a file.
    #[arg(long)]
    pub block: PathBuf,
    /// Consecutive block headers, that block's among them, as hexadecimal lines.
    #[arg(long)]
    pub headers: PathBuf,
    /// The height of the first of them.
    #[arg(long)]
    pub first_height: u32,
    /// An anchor proof that ends with the anchor before: its anchors come first.
    #[arg(long)]
    pub before: Option<PathBuf>,
    /// The proven batches of the anchor, all of them (repeat the option), or the folder of their run, to put in with their proofs.
    #[arg(long)]
    pub proven: Vec<PathBuf>,
    /// The verifying key of the proven batches [default: verifying.key beside the first].
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// Write the proof here.
    #[arg(long)]
    pub out: PathBuf,
}
