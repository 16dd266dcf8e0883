//! The verifier's own check of an anchor's transaction, with which everything ends that makes one.

use bitcoin::consensus::serialize;
use bitcoin::{OutPoint, Transaction, Witness};
use tapstone_verifier::anchor::rules::{check_outputs, check_spends};
use tapstone_verifier::anchor::taproot::AnchorOutput;
use tapstone_verifier::anchor::transaction::StrippedTransaction;
use tapstone_verifier::error::AnchorError;

/// A transaction's bytes without its witnesses: what its id hashes, and what an anchor proof holds.
pub fn stripped(tx: &Transaction) -> Vec<u8> {
    let mut tx = tx.clone();
    tx.input.iter_mut().for_each(|input| input.witness = Witness::new());
    serialize(&tx)
}

/// Holds a transaction to the rules of an anchor's; where `spends` is given, input 0 to the thread.
pub(crate) fn check_rules(
    sequence: u64,
    output: &AnchorOutput,
    tx: &Transaction,
    spends: Option<OutPoint>,
) -> Result<(), AnchorError> {
    let bytes = stripped(tx);
    let refuse = |error| AnchorError::Transaction { what: "the anchor's transaction", error };
    let parsed = StrippedTransaction::parse(&bytes).map_err(refuse)?;
    check_outputs(sequence, output, &parsed)?;
    spends.map_or(Ok(()), |expected| check_spends(sequence, &parsed, expected))
}
