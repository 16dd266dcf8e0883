//! [`Child`]: a transaction that spends the change of an anchor's and pays for both, as the journal remembers it.

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, Transaction, Txid};

use super::journal::{Confirmed, Version};
use super::record::ChildEntry;
use crate::rules::{CHANGE_VOUT, Role, check_rules};
use crate::with_causes;

/// A child of an anchor's transaction: intended, and perhaps signed and sent.
#[derive(Clone, Debug)]
pub struct Child {
    /// The rate that parent and child pay together.
    pub rate: FeeRate,
    /// The PSBT to sign.
    pub psbt: Psbt,
    /// The tip's height when it was intended.
    pub height: u32,
    /// The signed transaction.
    pub signed: Option<Transaction>,
    /// Whether a node took it once.
    pub sent: bool,
    /// Where it is.
    pub confirmed: Option<Confirmed>,
    /// Whether nothing is left for it to do: it is broadcast no more, and the change that it would spend is free.
    pub moot: bool,
    /// Whether it is so deep that it is looked at no more.
    pub buried: bool,
}

impl Child {
    /// The transaction's id, which signatures do not change.
    pub fn txid(&self) -> Txid {
        self.psbt.unsigned_tx.compute_txid()
    }

    /// What it pays as fee.
    pub fn fee(&self) -> Amount {
        self.psbt.fee().unwrap_or(Amount::ZERO)
    }

    /// What is left of the change.
    pub fn output(&self) -> OutPoint {
        OutPoint { txid: self.txid(), vout: 0 }
    }
}

impl Version {
    /// Its change, where there is an output for it.
    pub fn change(&self) -> Option<OutPoint> {
        let has_change = self.psbt.unsigned_tx.output.len() > CHANGE_VOUT as usize;
        has_change.then(|| OutPoint { txid: self.txid(), vout: CHANGE_VOUT })
    }

    /// Takes an entry of the journal that is about a child of this transaction.
    pub(super) fn apply_child(&mut self, entry: &ChildEntry) -> Result<(), String> {
        match entry {
            ChildEntry::Intent { rate_sat_per_kwu, height, psbt } => {
                let psbt: Psbt = psbt.parse().map_err(|e: bitcoin::psbt::PsbtParseError| with_causes(&e))?;
                let anchor = &self.request.anchor;
                check_rules(anchor.header().sequence(), anchor.output(), &psbt.unsigned_tx, Role::ChildOf(self.txid()))
                    .map_err(|e| e.to_string())?;
                let rate = FeeRate::from_sat_per_kwu(*rate_sat_per_kwu);
                let (signed, sent, confirmed, moot, buried) = (None, false, None, false, false);
                let mut child = Child { rate, psbt, height: *height, signed, sent, confirmed, moot, buried };
                // One that was moot and is intended again stands as the newest, with its signature.
                if let Some(index) = self.children.iter().position(|other| other.txid() == child.txid()) {
                    let old = self.children.remove(index);
                    child = Child { signed: old.signed, sent: old.sent, confirmed: old.confirmed, ..child };
                }
                self.children.push(child);
            }
            ChildEntry::Signed { tx } => {
                let tx: Transaction = deserialize_hex(tx).map_err(|e| with_causes(&e))?;
                let txid = tx.compute_txid().to_string();
                self.child(&txid)?.signed = Some(tx);
            }
            ChildEntry::Broadcast { txid } => {
                let child = self.child(txid)?;
                (child.sent, child.moot) = (true, false);
            }
            ChildEntry::Confirmed { txid, block, height } => {
                let block = block.parse().map_err(|_| format!("{block} is no block hash"))?;
                let child = self.child(txid)?;
                (child.moot, child.confirmed) = (false, Some(Confirmed { txid: child.txid(), block, height: *height }));
            }
            ChildEntry::Dropped { txid, .. } => self.child(txid)?.confirmed = None,
            ChildEntry::Moot { txid } => self.child(txid)?.moot = true,
            ChildEntry::Buried { txid, .. } => self.child(txid)?.buried = true,
        }
        Ok(())
    }

    fn child(&mut self, txid: &str) -> Result<&mut Child, String> {
        let own = self.txid();
        let found = self.children.iter_mut().find(|child| child.txid().to_string() == txid);
        found.ok_or_else(|| format!("{txid} is no child of transaction {own}"))
    }
}
