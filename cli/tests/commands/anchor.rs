//! Anchor proofs by the command line: the published ones with their verdicts, and one made from a block.

use std::fs;
use std::path::{Path, PathBuf};

use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::transaction::{self, Transaction, TxIn, TxOut};
use bitcoin::{Amount, Block, CompactTarget, Network, OutPoint, ScriptBuf, Target, TxMerkleNode, Txid, Witness};
use bitcoin::{absolute, consensus, constants::genesis_block};
use serde_json::Value;
use tapstone_verifier::anchor::proof::AnchorProof;

use crate::common::*;

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
        // Of a thread that nobody pins all is told, and that it is no verdict.
        let (word, needed) = if case["verdict"]["pinned"] == false { ("unpinned", 4) } else { ("anchored", 0) };
        assert_eq!((code, &report["verdict"]), (needed, &word.into()), "{}: {stderr}", case["name"]);
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
    // For people: a line for each note.
    let human = command().args(verify).output().unwrap();
    let human = String::from_utf8(human.stdout).unwrap();
    assert!(human.lines().any(|line| line.starts_with("notes") && line.contains("no batch proof was verified")), "{human}");
    assert!(human.lines().any(|line| line.starts_with("proven from") && line.ends_with("none")), "{human}");

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

/// Two anchors from header to transaction, the second by a replacement, then a proof of the thread.
#[test]
fn anchors_are_planned_signed_and_finalised() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let file = vectors("accepted.json");
    let thread = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == "thread").unwrap();
    let published = AnchorProof::from_bytes(&hex::decode(string(&thread["proof"])).unwrap()).unwrap();
    let headers: Vec<String> = published.parts().anchors.iter().map(|entry| hex::encode(entry.header.to_bytes())).collect();
    // Keys 1 and 2: the private keys are the numbers.
    let key = |n: u8| {
        let secret = bitcoin::secp256k1::SecretKey::from_slice(&[n; 32]).unwrap();
        write_secret(at(&format!("secret-{n}")), &hex::encode([n; 32]));
        secret.x_only_public_key(&bitcoin::secp256k1::Secp256k1::new()).0
    };
    let (own, paying) = (key(1).to_string(), key(2));
    let change = bitcoin::Address::p2tr(&bitcoin::secp256k1::Secp256k1::new(), paying, None, Network::Regtest).to_string();
    let coin = |n: u8, sats: u64| format!("{}:0:{sats}:{paying}", hex::encode([n; 32]));
    let run = |args: &[&str]| {
        let (code, report, stderr) = tapstone(args);
        assert_eq!(code, 0, "{args:?}: {stderr}");
        report
    };

    let (origin, first_psbt, signed) = (coin(9, 100_000), at("first.psbt"), at("signed.psbt"));
    let first = [
        "anchor",
        "psbt",
        "--header",
        &headers[0],
        "--key",
        &own,
        "--origin",
        &origin,
        "--value",
        "10000",
        "--change",
        &change,
        "--rate",
        "5",
        "--out",
        &first_psbt,
    ];
    let report = run(&first);
    assert_eq!((&report["weight"], &report["fee"]), (&Value::from(616), &Value::from(5 * 154)));
    refused(&["anchor", "finalise", &first_psbt], 1, "lacks its signature");
    refused(&["anchor", "sign", &first_psbt, "--secret", &at("secret-1"), "--out", &signed], 1, "that of no input");
    run(&["anchor", "sign", &first_psbt, "--secret", &at("secret-2"), "--out", &signed]);
    let done = run(&["anchor", "finalise", &signed, "--out", &at("first.tx")]);
    assert_eq!((&done["txid"], &done["weight"]), (&report["txid"], &report["weight"]));

    let spends = format!("{}:0", string(&done["txid"]));
    let (fee_coin, next_psbt) = (coin(8, 50_000), at("next.psbt"));
    let next = |rate: &'static str, more: &[&str]| {
        let common = [
            "anchor",
            "psbt",
            "--header",
            &headers[1],
            "--key",
            &own,
            "--spends",
            &spends,
            "--spends-value",
            "10000",
            "--spends-header",
            &headers[0],
            "--spends-key",
            &own,
            "--coin",
            &fee_coin,
            "--change",
            &change,
            "--rate",
            rate,
            "--out",
            &next_psbt,
        ];
        tapstone(&[&common[..], more].concat())
    };
    let (code, low, _) = next("2.5", &[]);
    assert_eq!((code, &low["weight"], &low["fee"]), (0, &Value::from(846), &Value::from(530)));
    let (code, ..) = next("3", &["--replaces-rate", "2.5"]);
    assert_eq!(code, 1);
    let (code, high, _) =
        next("4", &["--replaces-rate", "2.5", "--child-out", &at("child"), "--child-rate", "10", "--child-to", &change]);
    assert_eq!((code, &high["fee"], &high["outputs"][0]), (0, &Value::from(848), &Value::from(10_000)));
    assert_eq!(high["child"]["fee"], 10 * (212 + 111) - 848);
    let refusals: [(_, &[&str], _); 3] = [
        ("0.09", &[], "fee rate of 0.092 sat/vB, needed at least 0.1"),
        ("4", &["--fee-limit", "100"], "the limit is"),
        ("4", &["--value", "329"], "is dust"),
    ];
    for (rate, more, part) in refusals {
        let (code, _, stderr) = next(rate, more);
        assert!(code == 1 && stderr.contains(part), "{stderr}");
    }
    // From Bitcoin Core 30 on nodes relay a tenth, and ask no more of a replacement for its size.
    let (code, tenth, _) = next("0.1", &[]);
    assert_eq!((code, &tenth["fee"]), (0, &Value::from(22)));
    assert_eq!(next("2.6", &["--replaces-rate", "2.5"]).0, 1);
    assert_eq!(next("2.6", &["--replaces-rate", "2.5", "--replaces-step", "0.1"]).0, 0);
    assert_eq!(next("1e3", &[]).0, 2);
    assert_eq!(next("4", &[]).0, 0);
    run(&["anchor", "sign", &next_psbt, "--secret", &at("secret-1"), "--out", &signed]);
    run(&["anchor", "sign", &signed, "--secret", &at("secret-2"), "--out", &signed]);
    let done = run(&["anchor", "finalise", &signed, "--out", &at("next.tx")]);
    assert_eq!(done["txid"], high["txid"]);
    // The same, from what a wallet left of it: signatures alone, in lines of hexadecimal digits.
    let whole = tapstone_anchor::read_psbt(&fs::read(&signed).unwrap()).unwrap();
    let mut left = bitcoin::Psbt::from_unsigned_tx(whole.unsigned_tx.clone()).unwrap();
    left.inputs.iter_mut().zip(&whole.inputs).for_each(|(input, own)| input.tap_key_sig = own.tap_key_sig);
    let digits = hex::encode(left.serialize());
    let lines: Vec<&str> = digits.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    fs::write(at("left"), lines.join("\n")).unwrap();
    refused(&["anchor", "finalise", &at("left")], 1, "give the PSBT that it was handed as well");
    let again = run(&["anchor", "finalise", &at("left"), "--unsigned", &next_psbt]);
    assert_eq!((&again["tx"], &again["fee"]), (&done["tx"], &done["fee"]));
    refused(&["anchor", "finalise", &at("left"), "--unsigned", &first_psbt], 1, "is for transaction");
    fs::write(at("longer"), format!("{digits}00")).unwrap();
    refused(&["anchor", "finalise", &at("longer")], 3, "1 bytes follow the end");
    fs::write(at("two"), "70736274ff01020402000000010401010105010001fb040200000000").unwrap();
    refused(&["anchor", "finalise", &at("two")], 4, "version 2 (BIP370)");
    // More than there can be.
    let (code, _, stderr) = next("4", &["--coin", &coin(7, 2_100_000_000_000_001)]);
    assert!(code == 2 && stderr.contains("more than the 2100000000000000 sat"), "{stderr}");

    // Both in one block: a proof of the first, and from it one of the thread.
    let read =
        |name: &str| -> Transaction { consensus::encode::deserialize_hex(&fs::read_to_string(at(name)).unwrap()).unwrap() };
    let coinbase = tx(OutPoint::null(), ScriptBuf::from_bytes(vec![1, 1]), ScriptBuf::new());
    let block = block(vec![coinbase, read("first.tx"), read("next.tx")]);
    let lines =
        [genesis_block(Network::Regtest).header, block.header].map(|header| consensus::encode::serialize_hex(&header));
    fs::write(at("headers"), lines.join("\n")).unwrap();
    fs::write(at("block"), consensus::encode::serialize_hex(&block)).unwrap();
    let prove = |n: usize, tx: &str, more: &[&str], out: &str| {
        let common = [
            "anchor",
            "proof",
            "--header",
            &headers[n],
            "--internal-key",
            &own,
            "--tx",
            tx,
            "--block",
            &at("block"),
            "--headers",
            &at("headers"),
            "--first-height",
            "0",
            "--out",
            out,
        ]
        .map(str::to_owned);
        let more = more.iter().map(|text| (*text).to_owned());
        let all: Vec<String> = common.into_iter().chain(more).collect();
        tapstone(&all.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_eq!(prove(0, &at("first.tx"), &[], &at("1.anchor")).0, 0);
    assert_eq!(prove(1, &at("next.tx"), &["--before", &at("1.anchor")], &at("2.anchor")).0, 0);
    assert_eq!(prove(0, &at("first.tx"), &["--before", &at("1.anchor")], &at("x")).0, 1);
    let origin = format!("{}:0", hex::encode([9; 32]));
    let verdict = run(&["anchor", "verify", &at("2.anchor"), "--chain-id", "3", "--origin", &origin, "--depth", "1"]);
    assert_eq!((&verdict["sequence"], &verdict["first_sequence"]), (&Value::from(1), &Value::from(0)));
}

/// Change to the anchor's own address is refused at every step; and a proof of such an anchor is not made.
#[test]
fn an_anchor_that_stands_twice_is_refused_wherever_it_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let file = vectors("accepted.json");
    let first = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == "first").unwrap();
    let published = AnchorProof::from_bytes(&hex::decode(string(&first["proof"])).unwrap()).unwrap();
    let header = published.last().unwrap().header;
    let digits = hex::encode(header.to_bytes());
    let own = bitcoin::secp256k1::SecretKey::from_slice(&[1; 32]).unwrap();
    write_secret(at("secret"), &hex::encode([1; 32]));
    let key = own.x_only_public_key(&bitcoin::secp256k1::Secp256k1::new()).0.to_string();
    let origin = format!("{}:0:100000:{key}", hex::encode([9; 32]));
    let plan = |change: &str| {
        let what =
            ["anchor", "psbt", "--header", &digits, "--key", &key, "--origin", &origin, "--value", "10000", "--rate", "5"];
        tapstone(&[&what[..], &["--change", change, "--out", &at("psbt")]].concat())
    };
    let (code, report, stderr) = plan("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080");
    assert_eq!(code, 0, "{stderr}");
    let (code, _, stderr) = plan(report["address"].as_str().unwrap());
    assert!(code == 1 && stderr.contains("output 1 (the change)") && stderr.contains("needed another address"), "{stderr}");
    // A PSBT that was changed afterwards.
    let mut psbt = tapstone_anchor::read_psbt(&fs::read(at("psbt")).unwrap()).unwrap();
    psbt.unsigned_tx.output[1].script_pubkey = psbt.unsigned_tx.output[0].script_pubkey.clone();
    fs::write(at("psbt"), psbt.to_string()).unwrap();
    let rule = "anchor 0 stands in output 1 as well";
    refused(&["anchor", "sign", &at("psbt"), "--secret", &at("secret"), "--out", &at("signed")], 1, rule);
    refused(&["anchor", "finalise", &at("psbt")], 1, rule);
    // One that somebody else brought into a block.
    let coinbase = tx(OutPoint::null(), ScriptBuf::from_bytes(vec![1, 1]), ScriptBuf::new());
    let block = block(vec![coinbase, psbt.unsigned_tx.clone()]);
    let lines = [genesis_block(Network::Regtest).header, block.header];
    fs::write(at("headers"), lines.map(|header| consensus::encode::serialize_hex(&header)).join("\n")).unwrap();
    fs::write(at("block"), consensus::encode::serialize_hex(&block)).unwrap();
    fs::write(at("tx"), consensus::encode::serialize_hex(&psbt.unsigned_tx)).unwrap();
    let proof = ["--block", &at("block"), "--headers", &at("headers"), "--first-height", "0", "--out", &at("out")];
    let what = ["anchor", "proof", "--header", &digits, "--internal-key", &key, "--tx", &at("tx")];
    // A part that is cut off is named, and that it ends early.
    let whole = fs::read_to_string(at("block")).unwrap();
    fs::write(at("cut"), &whole[..whole.len() - 2]).unwrap();
    let cut = ["--block", &at("cut"), "--headers", &at("headers"), "--first-height", "0", "--out", &at("out")];
    refused(&[&what[..], &cut].concat(), 3, "cut: not a block: it ends too early");
    refused(&[&what[..], &proof].concat(), 1, &format!("no verifier would accept the proof, rule 685: {rule}"));
    assert!(!folder.path().join("out").exists());
}

#[test]
fn addresses_say_what_is_wrong_with_them() {
    let file = vectors("accepted.json");
    let first = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == "first").unwrap();
    let published = AnchorProof::from_bytes(&hex::decode(string(&first["proof"])).unwrap()).unwrap();
    let header = hex::encode(published.last().unwrap().header.to_bytes());
    let origin = format!("{}:0:100000:{INTERNAL_KEY}", hex::encode([9; 32]));
    let cases = [
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "is an address of mainnet, and chain 3 is anchored on regtest"),
        ("tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "is an address of testnet4 or signet, and chain 3"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "is an address of mainnet, and chain 3"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt08q", "its checksum is wrong"),
        ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T5", "its checksum is wrong"),
        ("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3", "its checksum is wrong"),
        ("nowhere", "no address of Bitcoin"),
        ("", "no address of Bitcoin: base58 error: "),
        ("bcrt1", "no address of Bitcoin: "),
    ];
    for (address, part) in cases {
        let what = ["anchor", "psbt", "--header", &header, "--key", INTERNAL_KEY, "--origin", &origin, "--value", "10000"];
        let (code, _, stderr) = tapstone(&[&what[..], &["--rate", "5", "--change", address]].concat());
        assert!(code == 2 && stderr.contains(part) && stderr.contains("--change"), "{address}: {stderr}");
    }
}

/// What is revealed on Bitcoin rebuilds the same state as the data files.
#[test]
fn published_data_go_through_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let expected: Value = serde_json::from_slice(&fs::read(batches().join("tiny.expected.json")).unwrap()).unwrap();
    let batch = &expected["batches"][0];
    let data = hex::decode(string(&batch["data_hex"])).unwrap();
    fs::write(at("data"), &data).unwrap();
    write_secret(at("secret"), &hex::encode([7; 32]));
    let secp = bitcoin::secp256k1::Secp256k1::new();
    let key = bitcoin::secp256k1::SecretKey::from_slice(&[7; 32]).unwrap().x_only_public_key(&secp).0;
    let network = tapstone_verifier::anchor::taproot::network(expected["chain_id"].as_u64().unwrap() as u32);
    let to = bitcoin::Address::p2tr(&secp, key, None, network).to_string();
    let (key, coin) = (key.to_string(), format!("{}:1:20000", hex::encode([4; 32])));
    let (data_file, tx_file, secret) = (at("data"), at("reveal.tx"), at("secret"));
    let common = ["anchor", "envelope", &data_file, "--key", &key];
    let (code, report, stderr) = tapstone(&common);
    assert_eq!((code, &report["bytes"]), (0, &Value::from(data.len())), "{stderr}");
    let more = ["--coin", &coin, "--to", &to, "--rate", "3", "--secret", &secret, "--out", &tx_file];
    let (code, report, stderr) = tapstone(&[&common[..], &more].concat());
    assert_eq!(code, 0, "{stderr}");
    let tx: Transaction = consensus::encode::deserialize_hex(&fs::read_to_string(&tx_file).unwrap()).unwrap();
    assert_eq!(tx.weight().to_wu(), report["weight"].as_u64().unwrap());
    let root = string(&batch["post_state_root"]);
    let rebuild = |file: &str| tapstone(&["state", "rebuild", file, "--shape", "tiny", "--expect-root", &root]);
    let (code, from_bitcoin, stderr) = rebuild(&tx_file);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(from_bitcoin, rebuild(&data_file).1);

    let without = consensus::encode::serialize_hex(&filler_without_envelope());
    fs::write(at("none"), without).unwrap();
    refused(&["state", "rebuild", &at("none"), "--shape", "tiny"], 3, "reveals no envelope");
    let mut twice = tx.clone();
    twice.input.push(tx.input[0].clone());
    fs::write(at("twice"), consensus::encode::serialize_hex(&twice)).unwrap();
    refused(&["state", "rebuild", &at("twice"), "--shape", "tiny"], 3, "several envelopes");
    write_secret(at("other"), &hex::encode([8; 32]));
    let other = at("other");
    let wrong = ["--coin", &coin, "--to", &to, "--rate", "3", "--secret", &other];
    refused(&[&common[..], &wrong].concat(), 4, "the secret key is that of");
    let costly = ["--coin", &coin, "--to", &to, "--rate", "3", "--secret", &secret, "--fee-limit", "10"];
    refused(&[&common[..], &costly].concat(), 1, "the limit is");
}

fn filler_without_envelope() -> Transaction {
    tx(OutPoint { txid: Txid::from_byte_array([1; 32]), vout: 0 }, ScriptBuf::new(), ScriptBuf::new())
}
