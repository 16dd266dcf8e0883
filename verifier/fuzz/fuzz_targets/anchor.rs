//! Anchor proofs, and the transactions in them.
#![no_main]

use bitcoin::{Network, Transaction, consensus};
use libfuzzer_sys::fuzz_target;
use tapstone_verifier::anchor::{
    blocks::BlockCheckpoint,
    proof::{AnchorPolicy, AnchorProof, Proofs, ThreadStart, verify_anchor},
    transaction::StrippedTransaction,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = AnchorProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        let policy = AnchorPolicy { chain_id: 3, start: ThreadStart::Unpinned, proofs: Proofs::Ignored, least_depth: 1 };
        let _ = verify_anchor(bytes, BlockCheckpoint::genesis(Network::Regtest), None, &policy);
    }
    if let Ok(ours) = StrippedTransaction::parse(bytes) {
        let theirs: Transaction = consensus::deserialize(bytes).expect("rust-bitcoin reads what is read here");
        assert_eq!(ours.txid(), theirs.compute_txid());
        assert_eq!(ours.outputs().count(), theirs.output.len());
    }
});
