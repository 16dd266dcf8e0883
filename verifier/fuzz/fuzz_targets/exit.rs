//! The three exit proofs: compact bytes, JSON and verification.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::Element;
use tapstone_verifier::exit::{
    AccountProof, BatchWithdrawals, PoolProof, WithdrawalProof, verify_account, verify_pool, verify_withdrawal,
};

fuzz_target!(|bytes: &[u8]| {
    let root = Element::ZERO;
    if let Ok(proof) = AccountProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        assert!(verify_account(&proof, root).is_err());
        let json = serde_json::to_string(&proof).expect("a proof is written");
        assert_eq!(serde_json::from_str::<AccountProof>(&json).expect("what was written is read"), proof);
    }
    if let Ok(proof) = PoolProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        assert!(verify_pool(&proof, root).is_err());
    }
    if let Ok(proof) = WithdrawalProof::from_bytes(bytes) {
        assert_eq!(proof.to_bytes(), bytes);
        let batch = BatchWithdrawals { chain_id: proof.chain_id, batch_number: proof.batch_number, root };
        assert!(verify_withdrawal(&proof, batch, 4096).is_err());
    }
    // What JSON lets through that is out of range, verification refuses without a panic.
    if let Ok(proof) = serde_json::from_slice::<AccountProof>(bytes) {
        assert!(verify_account(&proof, root).is_err());
    }
    if let Ok(proof) = serde_json::from_slice::<PoolProof>(bytes) {
        assert!(verify_pool(&proof, root).is_err());
    }
    if let Ok(proof) = serde_json::from_slice::<WithdrawalProof>(bytes) {
        let batch = BatchWithdrawals { chain_id: proof.chain_id, batch_number: proof.batch_number, root };
        assert!(verify_withdrawal(&proof, batch, 4096).is_err());
    }
});
