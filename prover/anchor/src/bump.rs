//! [`ChildRequest`]: a transaction that spends an anchor's change and pays for both (child pays for parent).

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Transaction, TxOut, Weight, transaction};

use super::descriptor::AnchorDescriptor;
use super::error::{AnchorPlanError, AnchorPsbtError, FeeRateText, least_rate};
use super::plan::{AnchorPlan, DUST, LEAST_RATE, fee, input, weight};
use super::rules::{CHANGE_VOUT, Role, check_rules};

/// A child of an anchor's transaction.
///
/// It spends output 1, the change: output 0 belongs to the next anchor.
#[derive(Clone, Debug)]
pub struct ChildRequest {
    /// Where the rest of the change goes, a taproot output.
    pub destination: ScriptBuf,
    /// The fee rate of parent and child together.
    pub rate: FeeRate,
    /// The most that the child may pay.
    pub fee_limit: Amount,
}

/// An anchor's transaction as the parent of a child: what it makes, what it pays, and what it weighs once it is signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent<'a> {
    pub anchor: &'a AnchorDescriptor,
    pub tx: &'a Transaction,
    pub fee: Amount,
    pub weight: Weight,
}

impl ChildRequest {
    /// Makes the child of a plan: its transaction without signature, fee and weight.
    ///
    /// # Errors
    /// If the parent has no change in a taproot output, the child would pay to the anchor's script, what is left would be dust, or the fee is above
    /// the limit or less than any node relays.
    pub fn child_of(&self, parent: &AnchorPlan) -> Result<(Transaction, Amount, Weight), AnchorPlanError> {
        let (anchor, tx) = (&parent.request().anchor, parent.unsigned());
        self.child(Parent { anchor, tx, fee: parent.fee(), weight: parent.weight() })
    }

    pub(crate) fn child(&self, parent: Parent<'_>) -> Result<(Transaction, Amount, Weight), AnchorPlanError> {
        let txid = parent.tx.compute_txid();
        let refuse = |what| AnchorPlanError::Parent { txid, what };
        let change = parent.tx.output.get(CHANGE_VOUT as usize).ok_or(refuse("has no change to spend"))?;
        if !change.script_pubkey.is_p2tr() {
            return Err(refuse("has its change in an output that is not taproot"));
        }
        if self.destination == parent.anchor.script_pubkey() {
            return Err(AnchorPlanError::ChildIsAnchor);
        }
        let own = weight(1, std::slice::from_ref(&self.destination));
        let vbytes = own.to_vbytes_ceil() + parent.weight.to_vbytes_ceil();
        let both = self.rate.fee_vb(vbytes).ok_or(AnchorPlanError::Overflow)?;
        let paid = both.checked_sub(parent.fee).unwrap_or(Amount::ZERO);
        let needed = fee(LEAST_RATE, own);
        if paid < needed {
            let together = parent.fee.checked_add(needed).ok_or(AnchorPlanError::Overflow)?;
            let least = least_rate(together, vbytes).ok_or(AnchorPlanError::Overflow)?;
            return Err(AnchorPlanError::FeeRate { rate: FeeRateText(self.rate), least: FeeRateText(least) });
        }
        if paid > self.fee_limit {
            let vbytes = own.to_vbytes_ceil();
            return Err(AnchorPlanError::FeeLimit { fee: paid, limit: self.fee_limit, vbytes });
        }
        let least = self.destination.minimal_non_dust().max(DUST);
        let needed = paid.checked_add(least).ok_or(AnchorPlanError::Overflow)?;
        let value = change.value.checked_sub(paid).filter(|value| *value >= least);
        let value =
            value.ok_or(AnchorPlanError::Funds { had: change.value, needed, fee: paid, vbytes: own.to_vbytes_ceil() })?;
        let tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input(OutPoint { txid, vout: CHANGE_VOUT })],
            output: vec![TxOut { value, script_pubkey: self.destination.clone() }],
        };
        check_rules(parent.anchor.header().sequence(), parent.anchor.output(), &tx, Role::ChildOf(txid))?;
        Ok((tx, paid, own))
    }

    /// The child as a PSBT.
    ///
    /// # Errors
    /// As [`ChildRequest::child_of`], as text.
    pub fn psbt_of(&self, parent: &AnchorPlan) -> Result<Psbt, AnchorPsbtError> {
        let (tx, ..) = self.child_of(parent).map_err(|e| AnchorPsbtError::Psbt(e.to_string()))?;
        child_psbt(tx, &parent.request().anchor, parent.unsigned())
    }
}

/// The PSBT of a child. Where the change is an output of the anchor's key alone, it says so, and whose key that is.
pub(crate) fn child_psbt(
    child: Transaction,
    anchor: &AnchorDescriptor,
    parent: &Transaction,
) -> Result<Psbt, AnchorPsbtError> {
    let mut psbt = Psbt::from_unsigned_tx(child).map_err(|e| AnchorPsbtError::Psbt(e.to_string()))?;
    let change = parent.output.get(CHANGE_VOUT as usize);
    if let (Some(input), Some(change)) = (psbt.inputs.first_mut(), change) {
        let key = anchor.key();
        if change.script_pubkey == key.script_alone() {
            input.tap_internal_key = Some(key.x_only());
            input.tap_key_origins = super::psbt::origin(key.x_only(), key.source());
        }
        input.witness_utxo = Some(change.clone());
    }
    Ok(psbt)
}
