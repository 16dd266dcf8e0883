//! Errors of anchor keys, plans and PSBTs.

use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Txid, XOnlyPublicKey};
use tapstone_verifier::anchor::taproot::AnchorOutputError;
use tapstone_verifier::error::{AnchorError, HeaderError};
use thiserror::Error;

/// Why a key cannot be an anchor's, or a descriptor not be made of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnchorKeyError {
    /// The text is no key expression of BIP380.
    #[error("key {text:?}: {reason}")]
    Text {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A key with a wildcard needs an index, and one without has none.
    #[error("key {text:?} {needed}")]
    Index {
        /// The text.
        text: String,
        /// What it needs.
        needed: &'static str,
    },
    /// An extended key of another network.
    #[error("key {text} is of another network than chain {chain_id}")]
    Network {
        /// The key.
        text: String,
        /// The chain.
        chain_id: u32,
    },
    /// The keys make no anchor output.
    #[error(transparent)]
    Output(#[from] AnchorOutputError),
    /// Miniscript refuses the descriptor.
    #[error("descriptor {descriptor}: {reason}")]
    Descriptor {
        /// The descriptor.
        descriptor: String,
        /// Why.
        reason: String,
    },
}

/// Why a transaction cannot be planned.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorPlanError {
    /// The header does not follow the anchor that is spent.
    #[error("the header does not follow the anchor that is spent: {0}")]
    Link(#[from] HeaderError),
    /// The first header needs an origin, and every later one the anchor before.
    #[error("anchor {sequence} {needed}")]
    First {
        /// The sequence number.
        sequence: u64,
        /// What it needs.
        needed: &'static str,
    },
    /// A coin that is not spent by a key path has no weight that is known before it is signed.
    #[error("coin {outpoint} has script {script_pubkey}, needed a taproot output")]
    Coin {
        /// The coin.
        outpoint: OutPoint,
        /// Its script.
        script_pubkey: ScriptBuf,
    },
    /// The keys of a coin do not give its script.
    #[error("coin {outpoint} is not an output of key {internal_key}")]
    CoinKey {
        /// The coin.
        outpoint: OutPoint,
        /// The key.
        internal_key: XOnlyPublicKey,
    },
    /// A coin stands twice.
    #[error("coin {outpoint} is given twice")]
    Twice {
        /// The coin.
        outpoint: OutPoint,
    },
    /// An output besides output 0 would have the anchor's script: no verifier ever accepts such an anchor.
    #[error(
        "output {output} ({what}) would have the anchor's own script: no verifier would ever accept the anchor, and its thread would end; \
         needed another address for {what}"
    )]
    SecondAnchor {
        /// The output.
        output: usize,
        /// Which output that is.
        what: &'static str,
    },
    /// The child would pay to the anchor's script.
    #[error(
        "the child would pay to the anchor's own script, where it looks like an anchor and is none: needed another address"
    )]
    ChildIsAnchor,
    /// The verifier refuses the transaction.
    #[error("the verifier would refuse the transaction: {0}")]
    Rules(#[from] AnchorError),
    /// More than all bitcoin that there can be.
    #[error("{what} is {}, more than the {} that there can be", Sats(*value), Sats(Amount::MAX_MONEY))]
    TooMuch {
        /// What.
        what: String,
        /// Its value.
        value: Amount,
    },
    /// An output below what nodes relay.
    #[error("output of {} is dust: {what} needs at least {}", Sats(*value), Sats(*least))]
    Dust {
        /// Which output.
        what: &'static str,
        /// Its value.
        value: Amount,
        /// The least value.
        least: Amount,
    },
    /// The coins do not pay for outputs and fee.
    #[error("coins hold {}, needed {}: {} of that as fee for {vbytes} vB{}", Sats(*had), Sats(*needed), Sats(*fee), self.would_do())]
    Funds {
        /// What the coins hold.
        had: Amount,
        /// What is needed.
        needed: Amount,
        /// The fee in it.
        fee: Amount,
        /// The size that the fee is for.
        vbytes: u64,
    },
    /// Coins without change: what they hold would all be fee.
    #[error("coins for the fee need a change script")]
    NoChange,
    /// The fee is above the caller's limit.
    #[error("the fee is {} for {vbytes} vB, the limit is {}{}", Sats(*fee), Sats(*limit), self.would_do())]
    FeeLimit {
        /// The fee.
        fee: Amount,
        /// The limit.
        limit: Amount,
        /// The size that the fee is for.
        vbytes: u64,
    },
    /// The fee rate is below what any node relays.
    #[error("fee rate of {rate} sat/vB, needed at least {least}")]
    FeeRate {
        /// The rate.
        rate: FeeRateText,
        /// The least rate.
        least: FeeRateText,
    },
    /// A replacement must pay more.
    #[error("a replacement must pay at least {}, this one of {vbytes} vB pays {}{}", Sats(*least), Sats(*fee), self.would_do())]
    Replacement {
        /// Its fee.
        fee: Amount,
        /// What it must pay: the old fee, and what nodes ask for its own size.
        least: Amount,
        /// Its size.
        vbytes: u64,
    },
    /// The parent's change cannot be spent by a child.
    #[error("transaction {txid} {what}")]
    Parent {
        /// The parent.
        txid: Txid,
        /// What is wrong.
        what: &'static str,
    },
    /// A sum of values is above what there can be.
    #[error("the sum of the values is out of range")]
    Overflow,
}

impl AnchorPlanError {
    /// Which rate would do, where one would.
    fn would_do(&self) -> String {
        let at_most = |fee: Amount, vbytes: u64| {
            let rate = most_rate(fee, vbytes).filter(|rate| *rate > FeeRate::ZERO);
            rate.map_or(String::new(), |rate| format!("; a rate of at most {} sat/vB would do", FeeRateText(rate)))
        };
        match *self {
            Self::Funds { had, needed, fee, vbytes } => {
                // What is left of the coins once the outputs have theirs.
                let left = needed.checked_sub(fee).and_then(|outputs| had.checked_sub(outputs));
                left.map_or(String::new(), |left| at_most(left, vbytes))
            }
            Self::FeeLimit { limit, vbytes, .. } => at_most(limit, vbytes),
            Self::Replacement { least, vbytes, .. } => {
                let rate = least_rate(least, vbytes);
                rate.map_or(String::new(), |rate| format!("; a rate of {} sat/vB would do", FeeRateText(rate)))
            }
            _ => String::new(),
        }
    }
}

/// The highest rate at which so many virtual bytes cost no more than a fee.
fn most_rate(fee: Amount, vbytes: u64) -> Option<FeeRate> {
    let weight = vbytes.checked_mul(4)?;
    fee.to_sat().checked_mul(1_000)?.checked_div(weight).map(FeeRate::from_sat_per_kwu)
}

/// The lowest rate at which so many virtual bytes cost at least a fee.
pub(crate) fn least_rate(fee: Amount, vbytes: u64) -> Option<FeeRate> {
    let below = fee.to_sat().checked_sub(1)?;
    most_rate(Amount::from_sat(below), vbytes)?.to_sat_per_kwu().checked_add(1).map(FeeRate::from_sat_per_kwu)
}

/// An error with what it comes from, since those of the bitcoin crates tell that only to whoever asks.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<bitcoin::io::Error>().map(bitcoin::io::Error::kind);
        if io == Some(bitcoin::io::ErrorKind::UnexpectedEof) {
            return "it ends too early".to_owned();
        }
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// An amount, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sats(pub Amount);

impl std::fmt::Display for Sats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sat", self.0.to_sat())
    }
}

/// A fee rate in sat/vB, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeRateText(pub FeeRate);

impl std::fmt::Display for FeeRateText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let thousandths = u128::from(self.0.to_sat_per_kwu()) * 4;
        let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Why a PSBT is not signed, or no transaction comes out of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnchorPsbtError {
    /// The bytes are no PSBT in any form that wallets write.
    #[error("not a PSBT in binary, base64 or hexadecimal form: {0}")]
    Form(String),
    /// A PSBT of another version.
    #[error("a PSBT of version {had}{}, needed version 0 (BIP174): have the wallet export that", if *had == 2 { " (BIP370)" } else { "" })]
    Version {
        /// Its version.
        had: u32,
    },
    /// Bytes follow the end.
    #[error("{count} bytes follow the end of the PSBT")]
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// It holds no anchor header. Wallets may leave out what they do not know.
    #[error(
        "output 0 of the PSBT holds no anchor header and no key: where a wallet left them out, give the PSBT that it was handed as well"
    )]
    NoHeader,
    /// The header in it is refused.
    #[error("anchor header of the PSBT: {0}")]
    Header(#[from] HeaderError),
    /// The key or recovery leaf of its output 0 is refused.
    #[error("output 0 of the PSBT: {0}")]
    Output(#[from] AnchorOutputError),
    /// The verifier refuses its transaction.
    #[error("the verifier would refuse the PSBT's transaction: {0}; plan it anew")]
    Rules(#[from] AnchorError),
    /// What was signed is another transaction.
    #[error("the signed PSBT is for transaction {had}, needed {needed}: {difference}")]
    OtherTransaction {
        /// What was signed.
        had: Txid,
        /// What was to be signed.
        needed: Txid,
        /// What tells one from the other.
        difference: &'static str,
    },
    /// An input spends more than there can be.
    #[error("input {input} of the PSBT spends {}, more than the {} that there can be", Sats(*value), Sats(Amount::MAX_MONEY))]
    TooMuch {
        /// The input.
        input: usize,
        /// What it spends.
        value: Amount,
    },
    /// A part that every anchor's PSBT has is missing.
    #[error("input {input} of the PSBT lacks {what}")]
    Missing {
        /// The input.
        input: usize,
        /// What.
        what: &'static str,
    },
    /// A signature is not valid.
    #[error("signature of input {input} is not valid: {reason}")]
    Signature {
        /// The input.
        input: usize,
        /// Why.
        reason: String,
    },
    /// The secret key signs no input.
    #[error("the secret key is that of no input")]
    NotOurs,
    /// The PSBT itself is refused.
    #[error("PSBT: {0}")]
    Psbt(String),
}
