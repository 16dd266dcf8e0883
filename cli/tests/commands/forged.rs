//! An anchor proof that anyone makes: a few blocks at the difficulty of a network's first ones, on top of its first block.

use std::fs;

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, Block, CompactTarget, Network, OutPoint, ScriptBuf, Target, Transaction, TxIn, TxMerkleNode, TxOut, Txid,
    absolute, consensus, constants::genesis_block, transaction,
};
use tapstone_verifier::AnchorHeader;
use tapstone_verifier::anchor::proof::{AnchorEntry, AnchorParts, AnchorProof};

use crate::common::*;

/// What was found in a few seconds: a nonce for each of the blocks, all others following from the anchor.
const NONCES: [u32; 6] = [9_392_746, 6_373_751, 440_844, 2_487_154, 8_413_764, 1_463_838];

fn tx(spends: OutPoint, script_sig: &[u8], script_pubkey: ScriptBuf) -> Transaction {
    let script_sig = ScriptBuf::from_bytes(script_sig.to_vec());
    let input = TxIn { previous_output: spends, script_sig, ..TxIn::default() };
    let output = TxOut { value: Amount::from_sat(1_000), script_pubkey };
    let version = transaction::Version::TWO;
    Transaction { version, lock_time: absolute::LockTime::ZERO, input: vec![input], output: vec![output] }
}

/// A proof for chain 2, whose anchors are on signet.
fn forged() -> Vec<u8> {
    let mut header = [0; 164];
    // Version 1, chain 2, first batch 1, one batch.
    for (at, value) in [(3, 1), (7, 2), (23, 1), (31, 1)] {
        header[at] = value;
    }
    let header = AnchorHeader::from_bytes(&header).unwrap();
    let mut entry = AnchorEntry {
        header,
        internal_key: INTERNAL_KEY.parse().unwrap(),
        recovery: None,
        transaction: Vec::new(),
        batches: Vec::new(),
    };
    let origin = OutPoint { txid: Txid::from_byte_array([3; 32]), vout: 1 };
    let anchor = tx(origin, &[], entry.output().unwrap().script_pubkey());
    let coinbase = tx(OutPoint::null(), &[1, 1], ScriptBuf::new());
    entry.transaction = consensus::serialize(&anchor);
    let mut headers = vec![genesis_block(Network::Signet).header];
    for (height, nonce) in (1..).zip(NONCES) {
        let parent = headers.last().unwrap();
        let mut header = Header {
            version: Version::from_consensus(4),
            prev_blockhash: parent.block_hash(),
            merkle_root: TxMerkleNode::all_zeros(),
            time: parent.time + 600,
            bits: CompactTarget::from_consensus(0x1e03_77ae),
            nonce,
        };
        if height == 1 {
            let block = Block { header, txdata: vec![coinbase.clone(), anchor.clone()] };
            header.merkle_root = block.compute_merkle_root().unwrap();
        }
        while !Target::from_compact(header.bits).is_met_by(header.block_hash()) {
            header.nonce += 1;
        }
        assert_eq!(header.nonce, nonce, "block {height} has another nonce");
        headers.push(header);
    }
    let parts = AnchorParts {
        first_height: 0,
        headers,
        block: 1,
        coinbase: consensus::serialize(&coinbase),
        coinbase_siblings: vec![anchor.compute_txid().to_byte_array()],
        index: 1,
        siblings: vec![coinbase.compute_txid().to_byte_array()],
        anchors: vec![entry],
    };
    AnchorProof::new(parts).unwrap().to_bytes()
}

#[test]
fn no_verdict_rests_on_blocks_below_what_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("forged");
    fs::write(&path, forged()).unwrap();
    let verify = ["anchor", "verify", text(&path), "--chain-id", "2"];
    let part = "of heights 0 to 6, do not lead to the newest built-in checkpoint of signet, block 290000";
    refused(&verify, 2, part);
    // Whoever names the first block is told why that does not do.
    let genesis = format!("0:{}", genesis_block(Network::Signet).block_hash());
    let named = [&verify[..], &["--checkpoint", &genesis]].concat();
    refused(&named, 1, "rule 652: the block headers end at height 6, expected block 290000 of signet among them");
    // A file that begins later needs a block that its reader trusts.
    let mut parts = AnchorProof::from_bytes(&forged()).unwrap().parts().clone();
    parts.first_height = 300_000;
    fs::write(&path, AnchorProof::new(parts).unwrap().to_bytes()).unwrap();
    refused(&verify, 2, "needed --checkpoint HEIGHT:HASH");
}
