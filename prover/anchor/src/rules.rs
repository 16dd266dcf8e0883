//! The verifier's own check of an anchor's transaction, with which everything ends that makes one.

use bitcoin::consensus::serialize;
use bitcoin::{OutPoint, Transaction, Txid, Witness};
use tapstone_verifier::anchor::rules::{check_outputs, check_spends};
use tapstone_verifier::anchor::taproot::AnchorOutput;
use tapstone_verifier::anchor::transaction::StrippedTransaction;
use tapstone_verifier::error::AnchorError;

/// The output of an anchor's transaction that holds its change.
pub(crate) const CHANGE_VOUT: u32 = 1;

/// A transaction's bytes without its witnesses: what its id hashes, and what an anchor proof holds.
pub fn stripped(tx: &Transaction) -> Vec<u8> {
    let mut tx = tx.clone();
    tx.input.iter_mut().for_each(|input| input.witness = Witness::new());
    serialize(&tx)
}

/// What a transaction is to an anchor.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Role {
    /// It makes the anchor. Where the output is given that it must spend, input 0 is held to the thread.
    Anchor(Option<OutPoint>),
    /// It spends the change of the anchor's transaction, which is this one, and pays for both.
    ChildOf(Txid),
}

/// Holds a transaction to the rules of an anchor's, or of the child of one.
///
/// A child spends the change and nothing else: output 0 belongs to the next anchor. No output of it has the anchor's script, where it would look
/// like an anchor and be none.
pub(crate) fn check_rules(sequence: u64, output: &AnchorOutput, tx: &Transaction, role: Role) -> Result<(), AnchorError> {
    let bytes = stripped(tx);
    let what = match role {
        Role::Anchor(_) => "the anchor's transaction",
        Role::ChildOf(_) => "the child of the anchor's transaction",
    };
    let parsed = StrippedTransaction::parse(&bytes).map_err(|error| AnchorError::Transaction { what, error })?;
    match role {
        Role::Anchor(spends) => {
            check_outputs(sequence, output, &parsed)?;
            spends.map_or(Ok(()), |expected| check_spends(sequence, &parsed, expected))
        }
        Role::ChildOf(parent) => {
            let script = output.script_pubkey();
            if let Some(output) = parsed.outputs().position(|(_, other)| *other == *script) {
                return Err(AnchorError::SecondAnchor { sequence, output });
            }
            let expected = OutPoint { txid: parent, vout: CHANGE_VOUT };
            match parsed.inputs().find(|actual| *actual != expected) {
                Some(actual) => Err(AnchorError::Thread { sequence, expected, actual }),
                None => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use bitcoin::absolute::LockTime;
    use bitcoin::hashes::Hash;
    use bitcoin::{Amount, ScriptBuf, TxOut, transaction};
    use tapstone_verifier::AnchorCommitment;

    use super::*;
    use crate::plan::input;

    #[test]
    fn a_child_spends_the_change_alone_and_looks_like_no_anchor() {
        let key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798".parse().unwrap();
        let output = AnchorOutput::with_profile(key, AnchorCommitment::NONE, None).unwrap();
        let parent = Txid::from_byte_array([7; 32]);
        let child = |spends: &[u32], scripts: &[ScriptBuf]| {
            let tx = Transaction {
                version: transaction::Version::TWO,
                lock_time: LockTime::ZERO,
                input: spends.iter().map(|vout| input(OutPoint { txid: parent, vout: *vout })).collect(),
                output: scripts
                    .iter()
                    .map(|script| TxOut { value: Amount::from_sat(1_000), script_pubkey: script.clone() })
                    .collect(),
            };
            check_rules(3, &output, &tx, Role::ChildOf(parent))
        };
        let plain = ScriptBuf::from(vec![0x51]);
        let own = output.script_pubkey();
        assert_eq!(child(&[1], slice::from_ref(&plain)), Ok(()));
        let expected = OutPoint { txid: parent, vout: 1 };
        let thread = |vout| AnchorError::Thread { sequence: 3, expected, actual: OutPoint { txid: parent, vout } };
        assert_eq!(child(&[0], slice::from_ref(&plain)), Err(thread(0)));
        assert_eq!(child(&[1, 0], slice::from_ref(&plain)), Err(thread(0)));
        assert_eq!(child(&[2], slice::from_ref(&plain)), Err(thread(2)));
        assert_eq!(child(&[1], slice::from_ref(&own)), Err(AnchorError::SecondAnchor { sequence: 3, output: 0 }));
        assert_eq!(child(&[1], &[plain, own]), Err(AnchorError::SecondAnchor { sequence: 3, output: 1 }));
    }
}
