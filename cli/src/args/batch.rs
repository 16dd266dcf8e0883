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

/// Arguments of `batch generate`.
#[derive(Debug, Parser)]
#[command(
    after_help = "The file starts from the empty state: deposits for all accounts and a pool come first, then the traffic. The same seed gives the\n\
    same bytes. Keys follow from the seed, so everybody knows them: for trials and measurements.\n\n\
    Example:\n  tapstone batch generate day.jsonl --seed 7 --transactions 500 --accounts 50 --mix transfers=60,swaps=40 --hot 3"
)]
pub struct GenerateBatch {
    /// The file to write.
    pub file: PathBuf,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Transactions after those that set the state up.
    #[arg(long, default_value_t = 100)]
    pub transactions: u32,
    /// Accounts.
    #[arg(long, default_value_t = 20)]
    pub accounts: u32,
    /// Shares of the kinds: transfers, swaps, liquidity, withdrawals.
    #[arg(long, default_value = "transfers=70,swaps=20,liquidity=5,withdrawals=5")]
    pub mix: Mix,
    /// So many of the accounts take part in half of the traffic.
    #[arg(long, default_value_t = 0)]
    pub hot: u32,
    /// A shape with the chain's trees.
    #[arg(long, default_value = "small")]
    pub shape: String,
    /// The chain.
    #[arg(long, default_value_t = 3)]
    pub chain_id: u32,
}

/// Shares of kinds of transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mix {
    /// Of transfers.
    pub transfers: u32,
    /// Of swaps.
    pub swaps: u32,
    /// Of liquidity added and removed.
    pub liquidity: u32,
    /// Of withdrawals.
    pub withdrawals: u32,
}

impl std::str::FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self::default();
        for part in text.split(',') {
            let (kind, share) = part.split_once('=').ok_or("needed KIND=SHARE,...")?;
            let share: u16 = share.parse().map_err(|_| format!("the share of {kind} is not a number below 65536"))?;
            let to = match kind {
                "transfers" => &mut mix.transfers,
                "swaps" => &mut mix.swaps,
                "liquidity" => &mut mix.liquidity,
                "withdrawals" => &mut mix.withdrawals,
                _ => return Err(format!("no kind {kind:?}: transfers, swaps, liquidity, withdrawals")),
            };
            *to = share.into();
        }
        if mix == Self::default() {
            return Err("all shares are 0".into());
        }
        Ok(mix)
    }
}

/// Arguments of `batch convert`.
#[derive(Debug, Parser)]
#[command(
    after_help = "A table has the columns from, to, to_key, token, amount, fee_token, fee, nonce, expiry, message, signature. An empty `to` is a\n\
    transfer to a new account; an empty signature is yet to be made. What is made of a table has a header if --state is given.\n\n\
    Examples:\n  tapstone batch convert day.jsonl day.csv\n  tapstone batch convert day.csv day.jsonl --state mychain"
)]
pub struct ConvertBatch {
    /// The file to read.
    pub from: PathBuf,
    /// The file to write. One of both ends in .csv.
    pub to: PathBuf,
    /// Make a header that follows this state, a chain's folder or a state file.
    #[arg(long)]
    pub state: Option<PathBuf>,
    /// The account that takes the fees.
    #[arg(long, default_value_t = 0, requires = "state")]
    pub operator: u32,
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
