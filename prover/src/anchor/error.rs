//! Errors of anchor keys, plans and PSBTs.

use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Txid, XOnlyPublicKey};
use tapstone_verifier::anchor::taproot::AnchorOutputError;
use tapstone_verifier::error::HeaderError;
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
    /// An output below what nodes relay.
    #[error("output of {value} is dust: {what} needs at least {least}")]
    Dust {
        /// Which output.
        what: &'static str,
        /// Its value.
        value: Amount,
        /// The least value.
        least: Amount,
    },
    /// The coins do not pay for outputs and fee.
    #[error("coins hold {had}, needed {needed}: {fee} of that as fee")]
    Funds {
        /// What the coins hold.
        had: Amount,
        /// What is needed.
        needed: Amount,
        /// The fee in it.
        fee: Amount,
    },
    /// Coins without change: what they hold would all be fee.
    #[error("coins for the fee need a change script")]
    NoChange,
    /// The fee is above the caller's limit.
    #[error("the fee is {fee}, the limit is {limit}")]
    FeeLimit {
        /// The fee.
        fee: Amount,
        /// The limit.
        limit: Amount,
    },
    /// The fee rate is below what nodes relay.
    #[error("fee rate of {rate} sat/vB, needed at least 1")]
    FeeRate {
        /// The rate.
        rate: FeeRateText,
    },
    /// A replacement must pay more.
    #[error("a replacement must pay at least {least}, this one pays {fee}")]
    Replacement {
        /// Its fee.
        fee: Amount,
        /// What it must pay: the old fee, and 1 sat/vB for itself.
        least: Amount,
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

/// A fee rate in sat/vB, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeRateText(pub FeeRate);

impl std::fmt::Display for FeeRateText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.to_sat_per_kwu() as f64 / 250.0)
    }
}

/// Why a PSBT is not signed, or no transaction comes out of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnchorPsbtError {
    /// It holds no anchor header, or one that is refused.
    #[error("output 0 of the PSBT holds no anchor header")]
    NoHeader,
    /// The header in it is refused.
    #[error("anchor header of the PSBT: {0}")]
    Header(#[from] HeaderError),
    /// Its output 0 is not that of header and keys.
    #[error("output 0 of the PSBT: {0}")]
    Output(#[from] AnchorOutputError),
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
