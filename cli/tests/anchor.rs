//! Anchor proofs by the command line: the published ones with their verdicts, and one made from a block.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::transaction::{self, Transaction, TxIn, TxOut};
use bitcoin::{Amount, Block, CompactTarget, Network, OutPoint, ScriptBuf, Target, TxMerkleNode, Txid, Witness};
use bitcoin::{absolute, consensus, constants::genesis_block};
use common::*;
use serde_json::Value;
use tapstone_verifier::anchor::proof::AnchorProof;

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/anchor").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// The command line that tells what a case's verifier knows.
fn arguments(case: &Value, folder: &Path, key: &Value) -> Vec<String> {
    let write = |name: &str, bytes: &[u8]| -> String {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut args = vec!["anchor".into(), "verify".into(), write("proof", &hex::decode(string(&case["proof"])).unwrap())];
    let mut add = |name: &str, value: String| args.extend([format!("--{name}"), value]);
    add("chain-id", case["chain_id"].to_string());
    add("depth", case["least_depth"].to_string());
    add("checkpoint", format!("{}:{}", case["checkpoint"]["height"], string(&case["checkpoint"]["hash"])));
    if case["thread"]["origin"].is_string() {
        add("origin", string(&case["thread"]["origin"]));
    } else if case["thread"]["txid"].is_string() {
        add("known-header", string(&case["thread"]["header"]));
        add("known-txid", string(&case["thread"]["txid"]));
    }
    let seen: Vec<String> = case["seen"].as_array().unwrap().iter().map(string).collect();
    if !seen.is_empty() {
        add("seen", write("seen", seen.join("\n").as_bytes()));
    }
    if let Some(registry) = case["proofs"]["registry"].as_str() {
        add("verifying-key", write("key", &hex::decode(string(key)).unwrap()));
        add("vk-id", registry.split(' ').nth(1).unwrap().to_owned());
        let known = &case["proofs"]["known"];
        if !known.is_null() {
            add("from", format!("{}:{}", known["batch_number"], string(&known["state_root"])));
        }
    }
    args
}

#[test]
fn published_verdicts_are_reached() {
    let folder = tempfile::tempdir().unwrap();
    let file = vectors("accepted.json");
    for case in file["cases"].as_array().unwrap() {
        let args = arguments(case, folder.path(), &file["verifying_key"]);
        let (code, report, stderr) = tapstone(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(code, 0, "{}: {stderr}", case["name"]);
        for field in ["depth", "state_root", "height", "block", "txid", "commitment", "first_sequence", "sequence"] {
            assert_eq!(report[field], case["verdict"][field], "{}: {field}", case["name"]);
        }
        assert_eq!(report["proven_from"]["state_root"], case["verdict"]["proven_from"]["state_root"]);
        let unpinned = report["notes"].to_string().contains("--origin");
        assert_eq!(unpinned, case["verdict"]["pinned"] == false);
    }
    let file = vectors("refused.json");
    for case in file["cases"].as_array().unwrap() {
        let args = arguments(case, folder.path(), &file["verifying_key"]);
        let (code, _, stderr) = tapstone(&args.iter().map(String::as_str).collect::<Vec<_>>());
        // The command line takes the network from the chain id, so that the checkpoint is what does not fit.
        let rule = case["verdict"]["code"].as_u64().map(|rule| if rule == 682 { 643 } else { rule }).unwrap();
        assert!(stderr.contains(&format!("rule {rule}: ")), "{}: {stderr}", case["name"]);
        assert_eq!(stderr.lines().count(), 1);
        let malformed = AnchorProof::from_bytes(&hex::decode(string(&case["proof"])).unwrap()).is_err();
        assert_eq!(
            code,
            if rule == 663 {
                4
            } else if malformed {
                3
            } else {
                1
            },
            "{}: {stderr}",
            case["name"]
        );
    }
}

fn tx(spends: OutPoint, script_sig: ScriptBuf, script_pubkey: ScriptBuf) -> Transaction {
    let input = TxIn { previous_output: spends, script_sig, witness: Witness::from_slice(&[[7; 64]]), ..TxIn::default() };
    let output = TxOut { value: Amount::from_sat(1_000), script_pubkey };
    let version = transaction::Version::TWO;
    Transaction { version, lock_time: absolute::LockTime::ZERO, input: vec![input], output: vec![output] }
}

/// A block on the first of regtest with some transactions, mined.
fn block(txdata: Vec<Transaction>) -> Block {
    let genesis = genesis_block(Network::Regtest).header;
    let header = Header {
        version: Version::from_consensus(4),
        prev_blockhash: genesis.block_hash(),
        merkle_root: TxMerkleNode::all_zeros(),
        time: genesis.time + 600,
        bits: CompactTarget::from_consensus(0x207f_ffff),
        nonce: 0,
    };
    let mut block = Block { header, txdata };
    block.header.merkle_root = block.compute_merkle_root().unwrap();
    while !Target::from_compact(block.header.bits).is_met_by(block.block_hash()) {
        block.header.nonce += 1;
    }
    block
}

#[test]
fn a_proof_is_made_from_a_block_and_verified() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    // The header and output of a published anchor; what is proven is that this block holds it.
    let file = vectors("accepted.json");
    let first = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == "first").unwrap();
    let published = AnchorProof::from_bytes(&hex::decode(string(&first["proof"])).unwrap()).unwrap();
    let entry = published.last().unwrap();
    let header = hex::encode(entry.header.to_bytes());
    let origin = OutPoint { txid: Txid::from_byte_array([3; 32]), vout: 1 };
    let anchor = tx(origin, ScriptBuf::new(), entry.output().unwrap().script_pubkey());
    let filler = |n: u8| tx(OutPoint { txid: Txid::from_byte_array([n; 32]), vout: 0 }, ScriptBuf::new(), ScriptBuf::new());
    let coinbase = tx(OutPoint::null(), ScriptBuf::from_bytes(vec![1, 1]), ScriptBuf::new());
    let block = block(vec![coinbase, filler(1), filler(2), anchor.clone(), filler(4)]);
    let headers = [genesis_block(Network::Regtest).header, block.header];
    let lines: Vec<String> = headers.iter().map(consensus::encode::serialize_hex).collect();
    let (tx_file, block_file) =
        (write("tx", consensus::encode::serialize_hex(&anchor)), write("block", consensus::encode::serialize_hex(&block)));
    let headers_file = write("headers", lines.join("\n"));
    let out = folder.path().join("out.anchor");
    let key = entry.internal_key.to_string();
    let args = [
        "anchor",
        "proof",
        "--header",
        &header,
        "--internal-key",
        &key,
        "--tx",
        text(&tx_file),
        "--block",
        text(&block_file),
        "--headers",
        text(&headers_file),
        "--first-height",
        "0",
        "--out",
        text(&out),
    ];
    let (code, report, stderr) = tapstone(&args);
    assert_eq!((code, &report["height"]), (0, &Value::from(1)), "{stderr}");
    let origin = origin.to_string();
    let verify = ["anchor", "verify", text(&out), "--chain-id", "3", "--origin", &origin, "--depth", "1"];
    let (code, verdict, stderr) = tapstone(&verify);
    assert_eq!((code, &verdict["depth"], &verdict["height"]), (0, &Value::from(1), &Value::from(1)), "{stderr}");
    assert_eq!(verdict["txid"], anchor.compute_txid().to_string());
    refused(&verify[..7], 1, "rule 690: the anchor is 1 blocks deep, expected 6");
    let (code, report, _) = tapstone(&["inspect", text(&out)]);
    assert_eq!((code, &report["block_headers"]), (0, &Value::from(2)));

    // Parts that do not belong together.
    let swap = |name: &str, value: &str| {
        let mut args = args;
        let at = args.iter().position(|arg| *arg == name).unwrap();
        args[at + 1] = value;
        tapstone(&args.map(str::to_owned).each_ref().map(String::as_str))
    };
    let other_tx = write("other", consensus::encode::serialize_hex(&filler(9)));
    assert_eq!(swap("--tx", text(&other_tx)).0, 3);
    let few = write("few", lines[0].clone());
    assert_eq!(swap("--headers", text(&few)).0, 3);
    assert_eq!(swap("--internal-key", INTERNAL_KEY).0, 3);
    assert_eq!(swap("--header", &header[2..]).0, 3);
    assert_eq!(swap("--block", text(&tx_file)).0, 3);
}
