//! [`AnchorRequest`] and [`AnchorPlan`]: inputs, outputs and fee of an anchor's transaction, before anything is signed.

use std::collections::BTreeSet;

use bitcoin::absolute::LockTime;
use bitcoin::bip32::KeySource;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{
    Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Weight, Witness, XOnlyPublicKey, transaction,
};

use super::descriptor::AnchorDescriptor;
use super::error::{AnchorPlanError, FeeRateText};
use super::rules::{Role, check_rules};

/// What nodes relay of a taproot output at the least.
pub const DUST: Amount = Amount::from_sat(330);
/// Weight of an input that is spent by its key path with the default signature hash: outpoint, empty script, sequence, 66 bytes of witness.
pub const P2TR_INPUT_WEIGHT: u64 = 4 * 41 + 66;
/// Bytes of a taproot output.
pub const P2TR_OUTPUT_BYTES: u64 = 43;
/// Version, counts of one byte, lock time; marker and flag.
const BASE_WEIGHT: u64 = 4 * (4 + 1 + 1 + 4) + 2;
/// The least rate that a node relays: Bitcoin Core's since version 30, 0.1 sat/vB. Older ones, and full ones, ask for more.
pub const LEAST_RATE: FeeRate = FeeRate::from_sat_per_kwu(25);

/// A taproot output that its key path spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Value and script.
    pub output: TxOut,
    /// Its internal key without a script tree (BIP86), where the PSBT should say it, and where that comes from.
    pub key: Option<(XOnlyPublicKey, KeySource)>,
}

/// What input 0 spends.
#[derive(Clone, Debug)]
pub enum First {
    /// The anchor before, with the value of its output 0.
    Anchor {
        /// The anchor.
        descriptor: Box<AnchorDescriptor>,
        /// Its output 0.
        outpoint: OutPoint,
        /// The value of it.
        value: Amount,
    },
    /// The origin of the thread, for the first anchor.
    Origin(Coin),
}

impl First {
    /// Where it is, its value and its script.
    pub fn spent(&self) -> (OutPoint, TxOut) {
        match self {
            Self::Anchor { descriptor, outpoint, value } => {
                (*outpoint, TxOut { value: *value, script_pubkey: descriptor.script_pubkey() })
            }
            Self::Origin(coin) => (coin.outpoint, coin.output.clone()),
        }
    }
}

/// What a transaction should be.
#[derive(Clone, Debug)]
pub struct AnchorRequest {
    /// The anchor to make.
    pub anchor: AnchorDescriptor,
    /// What input 0 spends.
    pub first: First,
    /// Coins that pay the fee.
    pub coins: Vec<Coin>,
    /// The anchor's value; `None`: what the first input has, less the fee where nothing else pays it.
    pub value: Option<Amount>,
    /// Where what is left goes; `None` only without coins.
    pub change: Option<ScriptBuf>,
    /// The fee rate.
    pub rate: FeeRate,
    /// The most that may be paid as fee.
    pub fee_limit: Amount,
}

/// A transaction that can be signed.
#[derive(Clone, Debug)]
pub struct AnchorPlan {
    pub(super) request: AnchorRequest,
    pub(super) tx: Transaction,
    pub(super) spent: Vec<TxOut>,
    fee: Amount,
    weight: Weight,
}

impl AnchorRequest {
    /// Chooses values and fee.
    ///
    /// # Errors
    /// If the header does not follow, a coin is no taproot output or stands twice, change has the anchor's script, an output would be dust, the
    /// coins do not pay, or the fee is above the limit or below what nodes relay. The verifier's own check comes last.
    pub fn plan(self) -> Result<AnchorPlan, AnchorPlanError> {
        self.check()?;
        let sequence = self.anchor.header().sequence();
        check_rate(self.rate)?;
        let (first, first_output) = self.first.spent();
        let spent: Vec<TxOut> =
            [first_output.clone()].into_iter().chain(self.coins.iter().map(|c| c.output.clone())).collect();
        let had = sum(spent.iter().map(|output| output.value))?;
        let anchor_script = self.anchor.script_pubkey();
        let scripts =
            |change: Option<&ScriptBuf>| [anchor_script.clone()].into_iter().chain(change.cloned()).collect::<Vec<_>>();

        // With change if that is worth making, else without.
        let with_change = self.change.as_ref().map(|script| {
            let weight = weight(spent.len(), &scripts(Some(script)));
            (script, weight, fee(self.rate, weight))
        });
        let value = match (self.value, self.coins.is_empty()) {
            (Some(value), _) => Some(value),
            (None, false) => Some(first_output.value),
            (None, true) => None,
        };
        let change = match (value, with_change) {
            (Some(value), Some((script, weight, fee))) => {
                let left = value.checked_add(fee).and_then(|out| had.checked_sub(out));
                left.filter(|left| *left >= script.minimal_non_dust()).map(|left| (script, weight, fee, left))
            }
            _ => None,
        };
        let (outputs, weight, fee) = match (change, value) {
            (Some((script, weight, fee, left)), Some(value)) => {
                let change = TxOut { value: left, script_pubkey: script.clone() };
                (vec![TxOut { value, script_pubkey: anchor_script }, change], weight, fee)
            }
            (_, value) => {
                let weight = weight_of(spent.len(), &anchor_script);
                let least = fee(self.rate, weight);
                let value = match value {
                    Some(value) => value,
                    None => {
                        let vbytes = weight.to_vbytes_ceil();
                        had.checked_sub(least).ok_or(AnchorPlanError::Funds { had, needed: least, fee: least, vbytes })?
                    }
                };
                let needed = value.checked_add(least).ok_or(AnchorPlanError::Overflow)?;
                if had < needed {
                    return Err(AnchorPlanError::Funds { had, needed, fee: least, vbytes: weight.to_vbytes_ceil() });
                }
                (vec![TxOut { value, script_pubkey: anchor_script }], weight, had - value)
            }
        };
        if let Some(output) = outputs.first().filter(|output| output.value < DUST) {
            return Err(AnchorPlanError::Dust { what: "an anchor", value: output.value, least: DUST });
        }
        if fee > self.fee_limit {
            return Err(AnchorPlanError::FeeLimit { fee, limit: self.fee_limit, vbytes: weight.to_vbytes_ceil() });
        }
        let inputs = [first].into_iter().chain(self.coins.iter().map(|coin| coin.outpoint)).map(input).collect();
        let tx =
            Transaction { version: transaction::Version::TWO, lock_time: LockTime::ZERO, input: inputs, output: outputs };
        check_rules(sequence, self.anchor.output(), &tx, Role::Anchor(Some(first)))?;
        Ok(AnchorPlan { request: self, tx, spent, fee, weight })
    }

    fn check(&self) -> Result<(), AnchorPlanError> {
        let header = self.anchor.header();
        let sequence = header.sequence();
        match &self.first {
            First::Anchor { descriptor, .. } => header.check_follows(descriptor.header())?,
            First::Origin(_) if sequence != 0 => {
                return Err(AnchorPlanError::First { sequence, needed: "spends the anchor before, not an origin" });
            }
            First::Origin(_) => {}
        }
        if !self.coins.is_empty() && self.change.is_none() {
            return Err(AnchorPlanError::NoChange);
        }
        // Also where nothing would be left for it this time: a replacement may leave something.
        if self.change.as_ref() == Some(&self.anchor.script_pubkey()) {
            return Err(AnchorPlanError::SecondAnchor { output: 1, what: "the change" });
        }
        if let Some(value) = self.value {
            check_amount("the anchor's value", value)?;
        }
        if let First::Anchor { outpoint, value, .. } = &self.first {
            check_amount(outpoint, *value)?;
        }
        let mut seen = BTreeSet::from([self.first.spent().0]);
        if let Some(coin) = self.coins.iter().find(|coin| !seen.insert(coin.outpoint)) {
            return Err(AnchorPlanError::Twice { outpoint: coin.outpoint });
        }
        let origin = match &self.first {
            First::Origin(coin) => Some(coin),
            First::Anchor { .. } => None,
        };
        for Coin { outpoint, output, key } in self.coins.iter().chain(origin) {
            let (outpoint, script_pubkey) = (*outpoint, &output.script_pubkey);
            check_amount(format_args!("coin {outpoint}"), output.value)?;
            if !script_pubkey.is_p2tr() {
                return Err(AnchorPlanError::Coin { outpoint, script_pubkey: script_pubkey.clone() });
            }
            if let Some((internal_key, _)) = key
                && ScriptBuf::new_p2tr(&Secp256k1::verification_only(), *internal_key, None) != *script_pubkey
            {
                return Err(AnchorPlanError::CoinKey { outpoint, internal_key: *internal_key });
            }
        }
        Ok(())
    }
}

impl AnchorPlan {
    /// The transaction, without signatures.
    pub fn unsigned(&self) -> &Transaction {
        &self.tx
    }

    /// The outputs that it spends, in order.
    pub fn spent(&self) -> &[TxOut] {
        &self.spent
    }

    /// The fee.
    pub fn fee(&self) -> Amount {
        self.fee
    }

    /// The weight that the transaction has once it is signed, exactly.
    pub fn weight(&self) -> Weight {
        self.weight
    }

    /// What was asked for.
    pub fn request(&self) -> &AnchorRequest {
        &self.request
    }

    /// The anchor's output as input of the next transaction.
    pub fn next(&self) -> First {
        let outpoint = OutPoint { txid: self.tx.compute_txid(), vout: 0 };
        let value = self.tx.output.first().map_or(Amount::ZERO, |output| output.value);
        First::Anchor { descriptor: Box::new(self.request.anchor.clone()), outpoint, value }
    }

    /// The same anchor with a higher fee, in place of this transaction (BIP125): it spends the same outputs. `step` is the node's
    /// `incrementalrelayfee`, which a replacement pays for its own size above the fee of what it replaces.
    ///
    /// # Errors
    /// As [`AnchorRequest::plan`], and [`AnchorPlanError::Replacement`] if it would not pay so much more than this one.
    pub fn replaced(&self, rate: FeeRate, fee_limit: Amount, step: FeeRate) -> Result<Self, AnchorPlanError> {
        let plan = AnchorRequest { rate, fee_limit, ..self.request.clone() }.plan()?;
        let least = self.fee.checked_add(fee(step, plan.weight)).ok_or(AnchorPlanError::Overflow)?;
        if plan.fee < least {
            return Err(AnchorPlanError::Replacement { fee: plan.fee, least, vbytes: plan.weight.to_vbytes_ceil() });
        }
        Ok(plan)
    }
}

/// The sum of values.
pub(super) fn sum(values: impl IntoIterator<Item = Amount>) -> Result<Amount, AnchorPlanError> {
    let sum = values.into_iter().try_fold(Amount::ZERO, Amount::checked_add);
    sum.filter(|sum| *sum <= Amount::MAX_MONEY).ok_or(AnchorPlanError::Overflow)
}

/// Refuses what is more than all bitcoin that there can be.
pub(super) fn check_amount(what: impl ToString, value: Amount) -> Result<(), AnchorPlanError> {
    if value > Amount::MAX_MONEY {
        return Err(AnchorPlanError::TooMuch { what: what.to_string(), value });
    }
    Ok(())
}

/// Refuses a rate that no node relays.
pub(super) fn check_rate(rate: FeeRate) -> Result<(), AnchorPlanError> {
    if rate < LEAST_RATE {
        return Err(AnchorPlanError::FeeRate { rate: FeeRateText(rate), least: FeeRateText(LEAST_RATE) });
    }
    Ok(())
}

/// An input without signature that allows replacement.
pub(super) fn input(previous_output: OutPoint) -> TxIn {
    let sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
    TxIn { previous_output, script_sig: ScriptBuf::new(), sequence, witness: Witness::new() }
}

/// The weight of a transaction with so many key path inputs and these outputs. Counts up to 252 take one byte.
pub(super) fn weight(inputs: usize, scripts: &[ScriptBuf]) -> Weight {
    let more = |count: usize| if count < 253 { 0 } else { 2 };
    let outputs: u64 = scripts.iter().map(|script| 8 + 1 + script.len() as u64).sum();
    let base = BASE_WEIGHT + 4 * (more(inputs) + more(scripts.len()));
    Weight::from_wu(base + inputs as u64 * P2TR_INPUT_WEIGHT + 4 * outputs)
}

fn weight_of(inputs: usize, script: &ScriptBuf) -> Weight {
    weight(inputs, std::slice::from_ref(script))
}

/// The fee of a weight, rounded up to whole virtual bytes as nodes count them.
pub(super) fn fee(rate: FeeRate, weight: Weight) -> Amount {
    rate.fee_vb(weight.to_vbytes_ceil()).unwrap_or(Amount::MAX_MONEY)
}
