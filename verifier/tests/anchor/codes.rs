//! The codes from 600 to 699: distinct, and those of the table in the documentation.

use crate::story::{key, nowhere, outpoint};
use bitcoin::{CompactTarget, Network, ScriptBuf, Txid, hashes::Hash};
use tapstone_verifier::{
    Element,
    anchor::taproot::AnchorOutputError,
    error::{AnchorError, AnchorProofError, BlockError, HeaderError, MerkleError, RevealError, TransactionError},
};

fn all() -> Vec<(u16, String)> {
    let mut all = Vec::new();
    macro_rules! add {
        ($($error:expr),* $(,)?) => { $( all.push(($error.code(), $error.to_string())); )* };
    }
    let (script, hash, bytes) = (ScriptBuf::new(), nowhere(), [0; 32]);
    let (network, bits, txid) = (Network::Signet, CompactTarget::from_consensus(1), Txid::from_byte_array(bytes));
    add!(
        AnchorOutputError::UnspendableKey { internal_key: key(1) },
        AnchorOutputError::ScriptPubKey { expected: script.clone(), actual: script.clone() },
        AnchorOutputError::RecoveryKey { recovery_key: key(1) },
        AnchorOutputError::RecoveryBlocks,
        RevealError::Annex,
        RevealError::Items { expected: 3, actual: 1 },
        RevealError::ControlBlock { expected: 65, actual: 1 },
        RevealError::LeafVersion { actual: 1 },
        RevealError::InternalKey,
        RevealError::Script,
        RevealError::Sibling,
        RevealError::Parity { expected: 0, actual: 1 },
        TransactionError::Ambiguous,
        TransactionError::TooLong { most: 1, actual: 2 },
        TransactionError::Malformed { offset: 1 },
        TransactionError::NoInputs,
        TransactionError::NoOutputs,
        TransactionError::TrailingBytes { expected: 1, actual: 2 },
        MerkleError::TooDeep { most: 15, actual: 16 },
        MerkleError::IndexBits { index: 9, depth: 3 },
        MerkleError::Repeated { index: 1, level: 0 },
        MerkleError::NoCoinbase,
        MerkleError::IsCoinbase,
        MerkleError::Depth { expected: 1, actual: 2 },
        MerkleError::Root { what: "the coinbase", expected: bytes, actual: bytes },
        BlockError::Network { network },
        BlockError::Context { height: 1, actual: 1 },
        BlockError::Checkpoint { height: 1, expected: hash, actual: hash },
        BlockError::Orphan { parent: hash },
        BlockError::BelowCheckpoint { height: 1 },
        BlockError::Full { most: 1 },
        BlockError::Version { height: 1, actual: 1 },
        BlockError::Bits { height: 1, expected: bits, actual: bits },
        BlockError::Work { height: 1, hash },
        BlockError::TooEarly { height: 1, least: 2, actual: 1 },
        BlockError::TooLate { height: 1, most: 1, actual: 2 },
        BlockError::Reach { network, needed: 2, actual: 1 },
        AnchorProofError::TooLong { most: 1, actual: 2 },
        AnchorProofError::Magic { expected: [0; 4], actual: [1; 4] },
        AnchorProofError::Version { expected: 1, actual: 2 },
        AnchorProofError::Truncated { part: "a key", actual: 1 },
        AnchorProofError::TrailingBytes { expected: 1, actual: 2 },
        AnchorProofError::Count { part: "anchors", least: 1, most: 2, actual: 3 },
        AnchorProofError::Block { headers: 1, actual: 1 },
        AnchorProofError::Kind { actual: 2 },
        AnchorProofError::Key { bytes },
        AnchorError::ChainId { expected: 1, actual: 2 },
        AnchorError::Network { expected: network, actual: Network::Bitcoin },
        AnchorError::Height { expected: 1, actual: 2 },
        AnchorError::NotOnBestChain { hash, height: 1 },
        AnchorError::SecondAnchor { sequence: 1, output: 1 },
        AnchorError::Thread { sequence: 1, expected: outpoint(1), actual: outpoint(2) },
        AnchorError::Start { expected: 0, first: 1, last: 2 },
        AnchorError::OtherAnchor { sequence: 1, expected: txid, actual: txid },
        AnchorError::NotProven { batch_number: 1, state_root: Element::ZERO },
        AnchorError::Depth { expected: 6, actual: 1 },
    );
    all
}

#[test]
fn codes_are_those_of_the_table() {
    let table = include_str!("../../src/error/mod.rs");
    let documented: Vec<u16> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.split(' ').next()?.parse().ok())
        .filter(|code| (600..700).contains(code))
        .collect();
    assert_eq!(all().iter().map(|(code, _)| *code).collect::<Vec<_>>(), documented);
}

#[test]
fn messages_are_of_one_form() {
    for (code, message) in all() {
        assert!(!message.starts_with(|c: char| c.is_uppercase()) || message.starts_with("Merkle "), "{code}: {message}");
        assert!(!message.ends_with('.') && !message.contains('\n'), "{code}: {message}");
    }
}

#[test]
fn errors_of_parts_keep_their_codes() {
    let inner = HeaderError::NoBatches;
    for error in [AnchorError::Link(inner), AnchorError::Batch(inner), AnchorProofError::from(inner).into()] {
        assert_eq!((error.code(), error.to_string()), (inner.code(), inner.to_string()));
    }
    let inner = TransactionError::Ambiguous;
    assert_eq!(AnchorError::Transaction { what: "x", error: inner }.code(), inner.code());
    assert_eq!(AnchorError::from(MerkleError::NoCoinbase).code(), 634);
    assert_eq!(AnchorError::from(BlockError::Full { most: 1 }).code(), 646);
    assert_eq!(RevealError::from(AnchorOutputError::RecoveryBlocks).code(), 604);
}
