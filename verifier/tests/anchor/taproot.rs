//! The anchor's output, against BIP341's vectors and against miniscript.

use bitcoin::{
    Network, ScriptBuf, XOnlyPublicKey,
    hex::FromHex,
    secp256k1::Secp256k1,
    taproot::{LeafVersion, TapNodeHash},
};
use miniscript::{Descriptor, DescriptorPublicKey};
use serde_json::Value;
use std::str::FromStr;
use tapstone_verifier::{
    AnchorCommitment,
    anchor::taproot::{AnchorOutput, AnchorOutputError, network},
};

fn vectors() -> Value {
    let json: Value = serde_json::from_str(include_str!("../data/bip341_wallet_vectors.json")).unwrap();
    assert_eq!(json["version"], 1);
    json["scriptPubKey"].clone()
}

fn text(v: &Value) -> &str {
    v.as_str().unwrap()
}

fn keys() -> Vec<XOnlyPublicKey> {
    let vectors = vectors();
    let keys = vectors.as_array().unwrap().iter().map(|v| text(&v["given"]["internalPubkey"]).parse().unwrap());
    keys.collect()
}

fn commitment(i: usize) -> AnchorCommitment {
    AnchorCommitment::from_bytes([i as u8 + 1; 32])
}

/// Leaf hashes in the vectors' order, and the root of the tree.
fn root(tree: &Value, leaves: &mut Vec<String>) -> TapNodeHash {
    match tree {
        Value::Array(pair) => {
            let left = root(&pair[0], leaves);
            TapNodeHash::from_node_hashes(left, root(&pair[1], leaves))
        }
        leaf => {
            let script = ScriptBuf::from_bytes(Vec::from_hex(text(&leaf["script"])).unwrap());
            let version = LeafVersion::from_consensus(leaf["leafVersion"].as_u64().unwrap() as u8).unwrap();
            let hash = TapNodeHash::from_script(&script, version);
            leaves.push(hash.to_string());
            hash
        }
    }
}

/// The primitives that the output is made of give BIP341's numbers: leaf hash, tree, tweak, script, address.
#[test]
fn bip341_vectors() {
    let secp = Secp256k1::verification_only();
    let vectors = vectors();
    assert_eq!(vectors.as_array().unwrap().len(), 7);
    for v in vectors.as_array().unwrap() {
        let key: XOnlyPublicKey = text(&v["given"]["internalPubkey"]).parse().unwrap();
        let mut leaves = Vec::new();
        let root = match &v["given"]["scriptTree"] {
            Value::Null => None,
            tree => Some(root(tree, &mut leaves)),
        };
        if let Value::Array(expected) = &v["intermediary"]["leafHashes"] {
            assert_eq!(leaves, expected.iter().map(|h| text(h).to_owned()).collect::<Vec<_>>());
        }
        assert_eq!(root.map(|r| r.to_string()).as_deref(), v["intermediary"]["merkleRoot"].as_str());
        let script = ScriptBuf::new_p2tr(&secp, key, root);
        assert_eq!(script.to_hex_string(), text(&v["expected"]["scriptPubKey"]));
        let address = bitcoin::Address::from_script(&script, Network::Bitcoin).unwrap();
        assert_eq!(address.to_string(), text(&v["expected"]["bip350Address"]));
    }
}

#[test]
fn leaf_script_is_the_protocols_73_bytes() {
    let key = keys()[0];
    let output = AnchorOutput::new(key, commitment(0)).unwrap();
    let expected = format!("20{key}ad82012088a820{}87", commitment(0));
    assert_eq!(output.leaf_script().to_hex_string(), expected);
    assert_eq!(output.leaf_script().len(), AnchorOutput::LEAF_SCRIPT_BYTES);
}

#[test]
fn output_is_one_leaf_at_depth_0_under_the_internal_key() {
    let secp = Secp256k1::verification_only();
    for (i, key) in keys().into_iter().enumerate() {
        let output = AnchorOutput::new(key, commitment(i)).unwrap();
        let root = TapNodeHash::from_script(output.leaf_script(), LeafVersion::TapScript);
        assert_eq!(output.merkle_root(), root);
        assert_eq!(output.spend_info().merkle_root(), Some(root));
        assert_eq!(output.script_pubkey(), ScriptBuf::new_p2tr(&secp, key, Some(root)));
        let leaf = (output.leaf_script().to_owned(), LeafVersion::TapScript);
        let block = output.spend_info().control_block(&leaf).unwrap();
        assert_eq!(block.size(), 33);
        assert!(block.verify_taproot_commitment(&secp, output.output_key().to_x_only_public_key(), output.leaf_script()));
    }
}

#[test]
fn miniscript_reads_the_descriptor_and_makes_the_same_output() {
    for (i, key) in keys().into_iter().enumerate() {
        let output = AnchorOutput::new(key, commitment(i)).unwrap();
        let text = output.descriptor();
        let descriptor = Descriptor::<DescriptorPublicKey>::from_str(&text).unwrap();
        descriptor.sanity_check().unwrap();
        // Parsing checks the checksum; printing computes it again.
        assert_eq!(descriptor.to_string(), text);
        let definite = descriptor.at_derivation_index(0).unwrap();
        assert_eq!(definite.script_pubkey(), output.script_pubkey());
        for chain_id in 0..4 {
            assert_eq!(definite.address(network(chain_id)).unwrap(), output.address(chain_id));
        }
        let mut other = text.into_bytes();
        let last = other.last_mut().unwrap();
        *last = if *last == b'q' { b'p' } else { b'q' };
        assert!(Descriptor::<DescriptorPublicKey>::from_str(&String::from_utf8(other).unwrap()).is_err());
    }
}

#[test]
fn the_network_follows_from_the_chain_id() {
    let expected = [Network::Bitcoin, Network::Testnet4, Network::Signet, Network::Regtest];
    for (chain_id, expected) in (0..4).zip(expected) {
        for k in [0, 1, 1_000_000_007, (1 << 30) - 1] {
            assert_eq!(network(chain_id + 4 * k), expected);
        }
    }
    let output = AnchorOutput::new(keys()[0], commitment(0)).unwrap();
    for (chain_id, prefix) in [(0, "bc1p"), (1, "tb1p"), (2, "tb1p"), (3, "bcrt1p")] {
        assert!(output.address(chain_id).to_string().starts_with(prefix));
    }
}

#[test]
fn check_accepts_its_own_script_only() {
    let (a, b) = (keys()[0], keys()[1]);
    let output = AnchorOutput::new(a, commitment(0)).unwrap();
    let expected = output.script_pubkey();
    assert_eq!(output.check(&expected), Ok(()));
    let secp = Secp256k1::verification_only();
    let others = [
        AnchorOutput::new(a, commitment(1)).unwrap().script_pubkey(),
        AnchorOutput::new(b, commitment(0)).unwrap().script_pubkey(),
        // Key path only.
        ScriptBuf::new_p2tr(&secp, a, None),
        // The same leaf under another leaf version.
        ScriptBuf::new_p2tr(
            &secp,
            a,
            Some(TapNodeHash::from_script(output.leaf_script(), LeafVersion::from_consensus(0xc2).unwrap())),
        ),
        // A sibling that could hide a second commitment.
        ScriptBuf::new_p2tr(
            &secp,
            a,
            Some(TapNodeHash::from_node_hashes(output.merkle_root(), TapNodeHash::assume_hidden([5; 32]))),
        ),
        // Without the tweak.
        ScriptBuf::new_p2tr_tweaked(bitcoin::key::TweakedPublicKey::dangerous_assume_tweaked(a)),
        ScriptBuf::new(),
    ];
    for actual in others {
        let error = AnchorOutputError::ScriptPubKey { expected: expected.clone(), actual: actual.clone() };
        assert_eq!(output.check(&actual), Err(error));
    }
    let mut bytes = expected.to_bytes();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(output.check(&ScriptBuf::from_bytes(bytes.clone())).is_err(), "bit {bit}");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn the_unspendable_point_is_refused_as_internal_key() {
    let nums: XOnlyPublicKey = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0".parse().unwrap();
    let error = AnchorOutput::new(nums, commitment(0)).unwrap_err();
    assert_eq!(error, AnchorOutputError::UnspendableKey { internal_key: nums });
    assert_eq!(error.code(), 601);
}
