//! [`ChildRequest`]: a transaction that spends an anchor's change and pays for both (child pays for parent).

use bitcoin::absolute::LockTime;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Transaction, TxOut, Weight, transaction};

use super::error::{AnchorPlanError, AnchorPsbtError, FeeRateText, least_rate};
use super::plan::{AnchorPlan, DUST, LEAST_RATE, fee, input, weight};

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

impl ChildRequest {
    /// Makes the child of a plan: its transaction without signature, fee and weight.
    ///
    /// # Errors
    /// If the parent has no change in a taproot output, the child would pay to the anchor's script, what is left would be dust, or the fee is above
    /// the limit or less than any node relays.
    pub fn child_of(&self, parent: &AnchorPlan) -> Result<(Transaction, Amount, Weight), AnchorPlanError> {
        let txid = parent.unsigned().compute_txid();
        let refuse = |what| AnchorPlanError::Parent { txid, what };
        let change = parent.unsigned().output.get(1).ok_or(refuse("has no change to spend"))?;
        if !change.script_pubkey.is_p2tr() {
            return Err(refuse("has its change in an output that is not taproot"));
        }
        if self.destination == parent.request().anchor.script_pubkey() {
            return Err(AnchorPlanError::ChildIsAnchor);
        }
        let own = weight(1, std::slice::from_ref(&self.destination));
        let vbytes = own.to_vbytes_ceil() + parent.weight().to_vbytes_ceil();
        let both = self.rate.fee_vb(vbytes).ok_or(AnchorPlanError::Overflow)?;
        let paid = both.checked_sub(parent.fee()).unwrap_or(Amount::ZERO);
        let needed = fee(LEAST_RATE, own);
        if paid < needed {
            let together = parent.fee().checked_add(needed).ok_or(AnchorPlanError::Overflow)?;
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
            input: vec![input(OutPoint { txid, vout: 1 })],
            output: vec![TxOut { value, script_pubkey: self.destination.clone() }],
        };
        Ok((tx, paid, own))
    }

    /// The child as a PSBT.
    ///
    /// # Errors
    /// As [`ChildRequest::child_of`], as text.
    pub fn psbt_of(&self, parent: &AnchorPlan) -> Result<Psbt, AnchorPsbtError> {
        let refuse = |e: &dyn std::fmt::Display| AnchorPsbtError::Psbt(e.to_string());
        let (tx, ..) = self.child_of(parent).map_err(|e| refuse(&e))?;
        let mut psbt = Psbt::from_unsigned_tx(tx).map_err(|e| refuse(&e))?;
        if let Some(input) = psbt.inputs.first_mut() {
            input.witness_utxo = parent.unsigned().output.get(1).cloned();
        }
        Ok(psbt)
    }
}
