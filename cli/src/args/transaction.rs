//! The command line of the anchor's transactions.

use std::path::PathBuf;
use std::str::FromStr;

use bitcoin::{Amount, FeeRate, OutPoint, XOnlyPublicKey};
use clap::Parser;

use super::address::AddressText;
use super::anchor::{Lock, parse};

/// Arguments of `anchor psbt`.
#[derive(Debug, Parser)]
#[command(
    after_help = "KEY is 64 hexadecimal digits, or an extended key with its path ([fingerprint/86h/0h/0h]xpub.../0/7). COIN is \
                        TXID:VOUT:SATS:KEY, a taproot output of that key alone (BIP86).\n\n\
    Examples:\n  tapstone anchor psbt --header HEX --key KEY --origin COIN --value 10000 --change ADDRESS --rate 5 --out first.psbt\n  \
    tapstone anchor psbt --header HEX --key KEY --spends TXID:0 --spends-value 10000 --spends-header HEX --spends-key KEY \\\n    \
    --coin COIN --change ADDRESS --rate 5 --out next.psbt"
)]
pub struct AnchorPsbt {
    /// The header to anchor (hexadecimal, or a file that holds it).
    #[arg(long)]
    pub header: String,
    /// The key of the new anchor.
    #[arg(long)]
    pub key: String,
    /// Another x-only key that can spend it after some blocks: KEY:BLOCKS.
    #[arg(long)]
    pub recovery: Option<Lock>,
    /// The coin that the first anchor of the thread spends.
    #[arg(long, conflicts_with = "spends", required_unless_present = "spends")]
    pub origin: Option<CoinText>,
    /// Output 0 of the anchor before.
    #[arg(long, requires_all = ["spends_value", "spends_header", "spends_key"])]
    pub spends: Option<OutPoint>,
    /// Its value in satoshi.
    #[arg(long, value_parser = sats)]
    pub spends_value: Option<Amount>,
    /// Its header (hexadecimal, or a file that holds it).
    #[arg(long)]
    pub spends_header: Option<String>,
    /// Its key.
    #[arg(long)]
    pub spends_key: Option<String>,
    /// Its recovery key.
    #[arg(long)]
    pub spends_recovery: Option<Lock>,
    /// A coin that pays the fee (repeat the option) [default: the anchor's value does].
    #[arg(long)]
    pub coin: Vec<CoinText>,
    /// The new anchor's value in satoshi [default: what input 0 has, less the fee where no coin pays it].
    #[arg(long, value_parser = sats)]
    pub value: Option<Amount>,
    /// Where what is left goes.
    #[arg(long)]
    pub change: Option<AddressText>,
    /// The fee rate in sat/vB.
    #[arg(long, value_parser = rate)]
    pub rate: FeeRate,
    /// The most to pay as fee, in satoshi.
    #[arg(long, default_value = "50000", value_parser = sats)]
    pub fee_limit: Amount,
    /// This replaces the same transaction at this rate: fail unless nodes would take it in its place.
    #[arg(long, value_parser = rate)]
    pub replaces_rate: Option<FeeRate>,
    /// What nodes ask of a replacement for its own size, in sat/vB: incrementalrelayfee of `bitcoin-cli getmempoolinfo`, 0.1 from Bitcoin Core 30 on.
    #[arg(long, value_parser = rate, default_value = "1", requires = "replaces_rate")]
    pub replaces_step: FeeRate,
    /// Write the PSBT here, as base64 text.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Write a PSBT here that spends the change and pays for both (child pays for parent).
    #[arg(long, requires_all = ["child_rate", "child_to"])]
    pub child_out: Option<PathBuf>,
    /// The fee rate of both together, in sat/vB.
    #[arg(long, value_parser = rate)]
    pub child_rate: Option<FeeRate>,
    /// Where the child pays to.
    #[arg(long)]
    pub child_to: Option<AddressText>,
}

/// A coin: outpoint, value and key expression.
#[derive(Clone, Debug)]
pub struct CoinText {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its value.
    pub value: Amount,
    /// Its key.
    pub key: String,
}

impl FromStr for CoinText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.splitn(4, ':').collect();
        let [txid, vout, value, key] = parts[..] else { return Err("needed TXID:VOUT:SATS:KEY".into()) };
        Ok(Self { outpoint: parse(&format!("{txid}:{vout}"))?, value: sats(value)?, key: key.to_owned() })
    }
}

pub(super) fn sats(text: &str) -> Result<Amount, String> {
    let amount = parse::<u64>(text).map(Amount::from_sat)?;
    if amount > Amount::MAX_MONEY {
        return Err(format!("{text} sat is more than the {} sat that there can be", Amount::MAX_MONEY.to_sat()));
    }
    Ok(amount)
}

/// A rate in sat/vB with up to three decimals, rounded up to whole satoshi for 1,000 units of weight.
pub(super) fn rate(text: &str) -> Result<FeeRate, String> {
    let needed = || format!("{text:?}: needed sat/vB, a number with up to three decimals");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if [whole, decimals].iter().any(|part| part.is_empty() || part.bytes().any(|b| !b.is_ascii_digit()))
        || decimals.len() > 3
    {
        return Err(needed());
    }
    let thousandths: u64 = format!("{whole}{decimals:0<3}").parse().map_err(|_| needed())?;
    Ok(FeeRate::from_sat_per_kwu(thousandths.div_ceil(4)))
}

/// Arguments of `anchor sign`.
#[derive(Debug, Parser)]
pub struct AnchorSign {
    /// The PSBT, in binary, base64 or hexadecimal form.
    pub psbt: PathBuf,
    /// A file with a secret key of secp256k1, 64 hexadecimal digits.
    #[arg(long)]
    pub secret: PathBuf,
    /// Write the signed PSBT here.
    #[arg(long)]
    pub out: PathBuf,
}

/// Arguments of `anchor finalise`.
#[derive(Debug, Parser)]
pub struct AnchorFinalise {
    /// The signed PSBT, in binary, base64 or hexadecimal form.
    pub psbt: PathBuf,
    /// The PSBT that was handed to the wallet: signatures alone are taken from the signed one, which may have lost everything else.
    #[arg(long)]
    pub unsigned: Option<PathBuf>,
    /// Write the transaction here, as hexadecimal digits.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// Arguments of `anchor envelope`.
#[derive(Debug, Parser)]
#[command(
    after_help = "First pay to the address that this prints, then name the coin with --coin to reveal the data. `tapstone state rebuild` reads \
                        the transaction in place of the data file.\n\n\
    Example:\n  tapstone anchor envelope out/batch-1.data --key KEY --coin TXID:0:20000 --to ADDRESS --rate 5 --secret FILE --out reveal.tx"
)]
pub struct AnchorEnvelope {
    /// Published data of one batch.
    pub data: PathBuf,
    /// The x-only key that may reveal them.
    #[arg(long)]
    pub key: XOnlyPublicKey,
    /// The output that commits to the data, TXID:VOUT:SATS.
    #[arg(long, requires_all = ["to", "rate", "secret"])]
    pub coin: Option<PaidText>,
    /// Where what is left of it goes.
    #[arg(long)]
    pub to: Option<AddressText>,
    /// The fee rate in sat/vB.
    #[arg(long, value_parser = rate)]
    pub rate: Option<FeeRate>,
    /// The most to pay as fee, in satoshi.
    #[arg(long, default_value = "50000", value_parser = sats)]
    pub fee_limit: Amount,
    /// A file with the key's secret key, 64 hexadecimal digits.
    #[arg(long)]
    pub secret: Option<PathBuf>,
    /// Write the transaction that reveals the data here, as hexadecimal digits.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

/// An output and its value.
#[derive(Clone, Copy, Debug)]
pub struct PaidText {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its value.
    pub value: Amount,
}

impl FromStr for PaidText {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (outpoint, value) = text.rsplit_once(':').ok_or("needed TXID:VOUT:SATS")?;
        Ok(Self { outpoint: parse(outpoint)?, value: sats(value)? })
    }
}
