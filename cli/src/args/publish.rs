//! The command line of `anchor publish`, `watch` and `status`.

use std::path::PathBuf;

use bitcoin::{Amount, FeeRate};
use clap::{Args, Parser};

use super::address::AddressText;
use super::anchor::Lock;
use super::transaction::{CoinText, rate, sats};

/// A Bitcoin node, and how it knows us.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// The node's address, http://HOST:PORT; without a port that of the chain's network (8332, testnet4 48332, signet 38332, regtest 18443). HTTP is not
    /// encrypted: a node elsewhere belongs behind a tunnel [default: this machine].
    #[arg(long)]
    pub node: Option<String>,
    /// The node's .cookie, or another file that holds user:password [default: the environment variable TAPSTONE_RPC_AUTH, which holds the same; else, for a node
    /// on this machine, the cookie in Bitcoin Core's folder of the chain's network].
    #[arg(long)]
    pub cookie: Option<PathBuf>,
}

/// How long a node is waited for.
#[derive(Clone, Copy, Debug, Args)]
pub struct WaitArgs {
    /// Wait at most so many seconds for a node that does not serve: one that is restarted, starts, or catches up [default: without end; not at all with --once].
    #[arg(long, value_name = "SECONDS")]
    pub wait_node: Option<u64>,
}

/// Arguments of `anchor publish`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The journal is what keeps a thread from two headers for one position: one thread, one journal, never without it. After a crash, to \
                        hand in what a wallet signed, or where a coin was spent elsewhere (then with other coins), give the same command again.\n\n\
    Examples:\n  tapstone anchor publish --journal thread.journal --header header.hex --key KEY --value 10000 --rate 5 --secret own.secret\n  \
    tapstone anchor publish ... --out next.psbt; wallet signs; tapstone anchor publish ... --signed signed.psbt"
)]
pub struct AnchorPublish {
    /// The thread's journal; made if there is none.
    #[arg(long)]
    pub journal: PathBuf,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// How long it is waited for.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// The header to anchor (hexadecimal, or a file that holds it).
    #[arg(long)]
    pub header: String,
    /// The key of the anchor: 64 hexadecimal digits, or an extended key with its path.
    #[arg(long)]
    pub key: String,
    /// Another x-only key that can spend the anchor after some blocks: KEY:BLOCKS.
    #[arg(long)]
    pub recovery: Option<Lock>,
    /// A coin that pays, TXID:VOUT:SATS:KEY, for the first anchor its origin first (repeat the option) [default: the node is asked for the key's own taproot
    /// outputs].
    #[arg(long)]
    pub coin: Vec<CoinText>,
    /// The anchor's value in satoshi [default: that of the anchor before].
    #[arg(long, value_parser = sats)]
    pub value: Option<Amount>,
    /// Where what is left goes [default: the key alone].
    #[arg(long)]
    pub change: Option<AddressText>,
    /// The fee rate in sat/vB.
    #[arg(long, value_parser = rate)]
    pub rate: FeeRate,
    /// The most to pay as fee, in satoshi.
    #[arg(long, default_value = "50000", value_parser = sats)]
    pub fee_limit: Amount,
    /// Who signs.
    #[command(flatten)]
    pub signer: Signer,
}

/// Who signs: a secret key in a file, or a wallet outside.
#[derive(Debug, Args)]
pub struct Signer {
    /// A file with the key's secret, 64 hexadecimal digits.
    #[arg(long, conflicts_with_all = ["out", "signed"])]
    pub secret: Option<PathBuf>,
    /// Write the PSBT that waits for signatures here, for a wallet.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// The PSBT that the wallet signed.
    #[arg(long)]
    pub signed: Option<PathBuf>,
}

impl Signer {
    /// Whether what is planned now gets to somebody who signs.
    pub fn can_sign(&self) -> bool {
        self.secret.is_some() || self.out.is_some()
    }
}

/// Arguments of `anchor watch`.
#[derive(Debug, Parser)]
#[command(
    after_help = "Broadcasts again what a reorganisation dropped, and waits for a node that is restarted. An anchor whose coins another transaction spent in a block is planned anew with other coins \
                  of its key, if --secret or --out says who signs. Any other conflict ends it with exit code 1 and names the transaction. A child never spends the anchor itself, and \
                  its change pays for later anchors as that of its parent would.\n\n\
    Examples:\n  tapstone anchor watch --journal thread.journal --bump-rate 20 --bump-after 6 --secret own.secret\n  \
    tapstone anchor watch --journal thread.journal --bump-rate 20 --child --secret own.secret"
)]
pub struct AnchorWatch {
    /// The thread's journal.
    #[arg(long)]
    pub journal: PathBuf,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// How long it is waited for.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// The depth at which an anchor is looked at no more.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: u32,
    /// Look once, instead of until every anchor is that deep.
    #[arg(long)]
    pub once: bool,
    /// Seconds between looks.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval: u64,
    /// Bring the first anchor that is in no block to this rate in sat/vB: by a replacement, or where that cannot be made or the node refuses it, by a child that
    /// spends the anchor's change and pays for both.
    #[arg(long, value_parser = rate)]
    pub bump_rate: Option<FeeRate>,
    /// Do so only after so many blocks.
    #[arg(long, requires = "bump_rate", default_value_t = 0)]
    pub bump_after: u32,
    /// Do so by a child, in place of a replacement.
    #[arg(long, requires = "bump_rate")]
    pub child: bool,
    /// The most that what is made here may pay as fee, in satoshi.
    #[arg(long, default_value = "50000", value_parser = sats)]
    pub fee_limit: Amount,
    /// Who signs what is made here.
    #[command(flatten)]
    pub signer: Signer,
}

/// Arguments of `anchor prove`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The proof holds the whole thread up to that anchor, and the block headers that whoever trusts the checkpoint needs.\n\n\
    Example:\n  tapstone anchor prove --journal thread.journal --proven out/batch-7.proven.json --out today.anchor"
)]
pub struct AnchorProve {
    /// The thread's journal, as `anchor watch` left it.
    #[arg(long)]
    pub journal: PathBuf,
    /// The node.
    #[command(flatten)]
    pub node: NodeArgs,
    /// Which anchor, from 0 [default: the newest that is in a block].
    #[arg(long)]
    pub anchor: Option<u64>,
    /// The height of the block that those who verify trust [default: the block before the anchor's].
    #[arg(long, value_name = "HEIGHT")]
    pub checkpoint: Option<u32>,
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

/// Arguments of `anchor status`.
#[derive(Debug, Parser)]
pub struct AnchorStatus {
    /// The thread's journal.
    #[arg(long)]
    pub journal: PathBuf,
}
