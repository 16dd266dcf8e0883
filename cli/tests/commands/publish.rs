//! `anchor publish`, `watch` and `status`: refusals, and a thread on Bitcoin Core on regtest where TAPSTONE_BITCOIND names a `bitcoind`.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Address, Network};
use serde_json::{Value, json};
use tapstone_anchor::node::{Journal, Node};
use tapstone_verifier::AnchorHeader;
use tapstone_verifier::anchor::proof::AnchorProof;

use crate::bitcoind::{Core, spend};
use crate::common::*;
use crate::served::{Served, State};

/// The headers of a published thread.
fn headers() -> Vec<AnchorHeader> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/anchor/accepted.json");
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let thread = file["cases"].as_array().unwrap().iter().find(|case| case["name"] == "thread").unwrap();
    let proof = AnchorProof::from_bytes(&hex::decode(thread["proof"].as_str().unwrap()).unwrap()).unwrap();
    proof.parts().anchors.iter().map(|entry| entry.header).collect()
}

fn digits(header: &AnchorHeader) -> String {
    hex::encode(header.to_bytes())
}

#[test]
fn what_cannot_be_is_refused_before_a_node_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let header = digits(&headers()[0]);
    let publish = |node: &str, cookie: &str| {
        let args = ["anchor", "publish", "--journal", text(&journal), "--node", node, "--cookie", cookie];
        let more = ["--header", &header, "--key", INTERNAL_KEY, "--value", "10000", "--rate", "2"];
        tapstone(&[&args[..], &more[..]].concat())
    };
    let (code, _, stderr) = publish("http://me:hush@127.0.0.1:1", "cookie");
    assert!(code == 2 && !stderr.contains("hush"), "{stderr}");
    assert_eq!(publish("https://127.0.0.1:1", "cookie").0, 2);
    let cookie = folder.path().join("none");
    write_secret(&cookie, "no colon");
    let (code, _, stderr) = publish("http://127.0.0.1:1", text(&cookie));
    assert!(code == 5 && stderr.contains("credentials for node http://127.0.0.1:1 from"), "{stderr}");
    fs::remove_file(&cookie).unwrap();
    // A journal that is not there, and one that is damaged.
    refused(&["anchor", "status", "--journal", text(&cookie)], 5, "journal");
    write_secret(&cookie, "x y\n");
    refused(&["anchor", "status", "--journal", text(&cookie)], 3, "line 1: the checksum");
}

/// The secret key of the tests, in a file, and its public key.
fn own_key(folder: &Path) -> (String, bitcoin::XOnlyPublicKey) {
    let path = folder.join("secret");
    write_secret(&path, &hex::encode([1; 32]));
    let secret = bitcoin::secp256k1::SecretKey::from_slice(&[1; 32]).unwrap();
    (text(&path).to_owned(), secret.x_only_public_key(&Secp256k1::new()).0)
}

/// A node that listens to the test, with a coin of the tests' key.
fn served(folder: &Path) -> Served {
    let own = own_key(folder).1;
    Served::start(folder, Address::p2tr(&Secp256k1::new(), own, None, Network::Regtest).script_pubkey(), 100_000)
}

/// Publishes the first anchor, at 2 sat/vB.
fn publish_first(node: &Served, folder: &Path) -> (i32, Value, String) {
    let (secret, own) = own_key(folder);
    let (header, own, journal) = (digits(&headers()[0]), own.to_string(), folder.join("journal"));
    let at = ["--journal", text(&journal), "--node", &node.url, "--cookie", text(&node.cookie)];
    let what = ["--header", &header, "--key", &own, "--value", "10000", "--rate", "2", "--secret", &secret];
    tapstone(&[&["anchor", "publish"][..], &at, &what].concat())
}

/// A thread whose first anchor waits for a block.
fn waiting(folder: &Path) -> (Served, String) {
    let node = served(folder);
    let (code, report, stderr) = publish_first(&node, folder);
    assert_eq!((code, &report["anchors"][0]["state"]), (0, &json!("sent")), "{stderr}");
    (node, text(&folder.join("journal")).to_owned())
}

/// A node that asks for more than the anchor pays is told of with the rate that would do, and that rate does.
#[test]
fn a_fee_below_the_nodes_is_told_and_raised() {
    let folder = tempfile::tempdir().unwrap();
    let node = served(folder.path());
    node.least.store(2_500, Ordering::SeqCst);
    let part = "pays 308 sat for 154 vB and the node takes it from 9.996 sat/vB on (anchor watch with --bump-rate 9.996";
    let (code, _, stderr) = publish_first(&node, folder.path());
    assert!(code == 1 && stderr.contains(part), "{stderr}");
    let (secret, journal) = (own_key(folder.path()).0, folder.path().join("journal"));
    let at = ["--journal", text(&journal), "--node", &node.url, "--cookie", text(&node.cookie), "--secret", &secret];
    let watch = |more: &[&str]| tapstone(&[&["anchor", "watch", "--once"][..], &at, more].concat());
    for more in [&[][..], &["--bump-rate", "9"]] {
        let (code, _, stderr) = watch(more);
        assert!(code == 1 && stderr.contains(part), "{stderr}");
    }
    let (code, report, stderr) = watch(&["--bump-rate", "9.996"]);
    assert_eq!((code, &report["anchors"][0]["state"]), (0, &json!("sent")), "{stderr}");
}

/// A child spends the change, pays for both, is signed here or by a wallet, and is told of; the anchor before it stays as it is.
#[test]
fn a_child_pays_for_an_anchor_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (node, journal) = waiting(folder.path());
    let secret = own_key(folder.path()).0;
    let at = ["--journal", &journal, "--node", &node.url, "--cookie", text(&node.cookie)];
    let watch = |more: &[&str]| tapstone(&[&["anchor", "watch", "--once", "--depth", "1"][..], &at, more].concat());
    assert_eq!(watch(&["--child"]).0, 2);
    let (code, _, stderr) = watch(&["--bump-rate", "20", "--child", "--fee-limit", "4000"]);
    assert!(code == 1 && stderr.contains("the fee is 4992 sat for 111 vB, the limit is 4000 sat"), "{stderr}");

    // A wallet is handed the child, and gives its signature back.
    let (unsigned, signed) = (folder.path().join("child.psbt"), folder.path().join("signed.psbt"));
    let (code, report, stderr) = watch(&["--bump-rate", "20", "--child", "--out", text(&unsigned)]);
    let child = &report["anchors"][0]["child"];
    assert_eq!(
        (code, &child["state"], &child["fee"], &child["package_rate"]),
        (0, &json!("intended"), &json!(4_992), &json!("20")),
        "{stderr}"
    );
    let sign = ["anchor", "sign", text(&unsigned), "--secret", &secret, "--out", text(&signed)];
    assert_eq!(tapstone(&sign).0, 0);
    let (code, report, stderr) = watch(&["--signed", text(&signed)]);
    assert_eq!((code, &report["anchors"][0]["child"]["state"]), (0, &json!("sent")), "{stderr}");
    let first = report["anchors"][0]["child"]["txid"].clone();
    let told = |report: &Value, part: String| report.to_string().contains(&part);
    assert!(told(&report, format!("child {} was given to the network", first.as_str().unwrap())), "{report}");

    // A higher rate replaces it; what confirms is told.
    let (code, report, stderr) = watch(&["--bump-rate", "30", "--child", "--secret", &secret]);
    assert_eq!((code, &report["anchors"][0]["versions"]), (0, &json!(1)), "{stderr}");
    let second = report["anchors"][0]["child"]["txid"].clone();
    assert_ne!(second, first);
    node.mine(1);
    let (code, report, stderr) = watch(&[]);
    assert_eq!((code, &report["anchors"][0]["state"]), (0, &json!("buried")), "{stderr}");
    assert_eq!(report["anchors"][0]["child"]["txid"], second);
    assert!(told(&report, format!("child {} is of no use any more", first.as_str().unwrap())), "{report}");
    let (_, report, _) = tapstone(&["anchor", "status", "--journal", &journal]);
    assert_eq!(report["anchors"][0]["child"]["state"], "buried");
    let (code, _, stderr) = watch(&["--bump-rate", "40", "--child", "--secret", &secret]);
    assert_eq!(code, 0, "{stderr}");
}

/// Restarted, starting, busy, behind a proxy, behind its chain: said once, waited for, and followed on.
#[test]
fn watch_outlives_its_node() {
    let folder = tempfile::tempdir().unwrap();
    let (node, journal) = waiting(folder.path());
    let mut watch = std::process::Command::new(command().get_program());
    watch.env("TAPSTONE_CONFIG", "").args(["anchor", "watch", "--interval", "1", "--depth", "1", "--journal", &journal]);
    watch.args(["--node", &node.url, "--cookie", text(&node.cookie)]);
    let watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for state in [State::Serves, State::Down, State::Starts, State::Busy, State::Proxied, State::Downloads] {
        node.set(state);
        std::thread::sleep(Duration::from_millis(1_500));
    }
    node.mine(1);
    node.set(State::Serves);
    let output = watch.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(lines.len(), 2, "{stderr}");
    assert!(lines[0].contains(&node.url) && lines[0].ends_with("waiting for it"), "{stderr}");
    assert!(lines[1].contains(&format!("node {} serves again", node.url)), "{stderr}");
    let (_, report, _) = tapstone(&["anchor", "status", "--journal", &journal]);
    assert_eq!(report["anchors"][0]["state"], "buried");
}

/// What no waiting mends ends it; so does the time that was given, and a single look waits for nobody.
#[test]
fn a_node_is_waited_for_as_long_as_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let (node, journal) = waiting(folder.path());
    let at = ["anchor", "watch", "--journal", &journal, "--node", &node.url, "--cookie", text(&node.cookie)];
    let watch = |more: &[&str]| tapstone(&[&at[..], more].concat());
    node.set(State::Refuses);
    let (code, _, stderr) = watch(&[]);
    let expected = format!("node {}, getblockchaininfo: the credentials are refused", node.url);
    assert!(code == 5 && stderr.contains(&expected) && stderr.lines().count() == 1, "{stderr}");
    for state in [State::Down, State::Starts, State::Busy, State::Proxied, State::Downloads] {
        node.set(state);
        std::thread::sleep(Duration::from_millis(50));
        let (code, _, stderr) = watch(&["--once"]);
        assert!(code == 5 && stderr.contains(&node.url) && stderr.lines().count() == 1, "{state:?}: {stderr}");
    }
    let (code, _, stderr) = watch(&["--wait-node", "1"]);
    assert!(code == 5 && stderr.contains("waiting for it") && stderr.lines().count() == 2, "{stderr}");
}

/// Without --cookie and TAPSTONE_RPC_AUTH the cookie is that of Bitcoin Core's folder, for a node on this machine alone.
#[test]
fn a_nodes_cookie_is_found_where_bitcoin_cli_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let (node, journal) = waiting(folder.path());
    let core =
        folder.path().join(if cfg!(target_os = "macos") { "Library/Application Support/Bitcoin" } else { ".bitcoin" });
    fs::create_dir_all(core.join("regtest")).unwrap();
    let watch = |url: &str| {
        let args = ["--quiet", "anchor", "watch", "--once", "--journal", &journal, "--node", url];
        let output = command().env("HOME", folder.path()).env_remove("TAPSTONE_RPC_AUTH").args(args).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    fs::copy(&node.cookie, core.join("regtest/.cookie")).unwrap();
    assert_eq!(watch(&node.url), (0, String::new()));
    let (code, stderr) = watch("http://node.example:18443");
    assert!(code == 2 && stderr.contains("http://node.example:18443 is not on this machine: needed --cookie"), "{stderr}");
}

#[test]
fn core_takes_a_thread_from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let Some(core) = Core::start(folder.path()) else { return };
    let own_secret = bitcoin::secp256k1::SecretKey::from_slice(&[1; 32]).unwrap();
    let secp = bitcoin::secp256k1::Secp256k1::new();
    let own = own_secret.x_only_public_key(&secp).0;
    write_secret(at("secret"), &hex::encode([1; 32]));
    let address = Address::p2tr(&secp, own, None, Network::Regtest).to_string();
    core.ask("generatetoaddress", json!([2, address]));
    core.mine(100);

    let (journal, cookie, key) = (at("journal"), text(&core.cookie).to_owned(), own.to_string());
    let node = ["--journal", &journal, "--node", &core.url, "--cookie", &cookie];
    let publish = |header: &str, more: &[&str]| {
        let args = ["--header", header, "--key", &key, "--value", "10000", "--rate", "2"];
        tapstone(&[&["anchor", "publish"][..], &node[..], &args[..], more].concat())
    };
    let watch = |more: &[&str]| tapstone(&[&["anchor", "watch"][..], &node[..], more].concat());
    let headers = headers();

    // The first is signed outside, the second with a key.
    let (psbt, signed, secret) = (at("psbt"), at("signed"), at("secret"));
    let (code, report, stderr) = publish(&digits(&headers[0]), &["--out", &psbt]);
    assert_eq!((code, &report["anchors"][0]["state"]), (0, &json!("intended")), "{stderr}");
    assert_eq!(tapstone(&["anchor", "sign", &psbt, "--secret", &secret, "--out", &signed]).0, 0);
    let (code, report, stderr) = publish(&digits(&headers[0]), &["--signed", &signed]);
    assert_eq!((code, &report["anchors"][0]["state"]), (0, &json!("sent")), "{stderr}");
    let (code, _, stderr) = publish(&digits(&headers[1]), &["--secret", &secret]);
    assert!(code == 1 && stderr.contains("anchor 0 is not in a block yet"), "{stderr}");
    core.mine(1);
    let (code, report, stderr) = publish(&digits(&headers[1]), &["--secret", &secret]);
    assert_eq!((code, &report["anchors"][1]["state"]), (0, &json!("sent")), "{stderr}");
    // Its coin is spent elsewhere: another transaction of the same header, with another coin.
    let coin = Journal::open_existing(Path::new(&journal)).unwrap().positions()[1].versions[0].request.coins[0].clone();
    core.mine_these(&[&spend(&coin, own_secret)]);
    let (code, report, stderr) = watch(&["--once"]);
    assert_eq!((code, &report["anchors"][1]["state"]), (0, &json!("dead")), "{stderr}");
    assert!(report["waiting"].to_string().contains("anchor 1: other coins"), "{report}");
    let (code, report, stderr) = watch(&["--once", "--secret", &secret]);
    assert_eq!((code, &report["anchors"][1]["state"]), (0, &json!("sent")), "{stderr}");
    assert_eq!((&report["anchors"][1]["versions"], &report["anchors"][1]["dead_versions"]), (&json!(2), &json!(1)));
    let (code, report, stderr) = watch(&["--once", "--bump-rate", "9", "--secret", &secret]);
    assert_eq!((code, &report["anchors"][1]["versions"]), (0, &json!(3)), "{stderr}");
    core.mine(6);
    let (code, report, stderr) = watch(&[]);
    assert_eq!((code, &report["waiting"]), (0, &json!([])), "{stderr}");
    let (code, report, _) = tapstone(&["anchor", "status", "--journal", &journal]);
    assert_eq!((code, &report["anchors"][1]["state"]), (0, &json!("buried")));
    assert_eq!(report["anchors"][1]["spends"], format!("{}:0", report["anchors"][0]["txid"].as_str().unwrap()));

    // The proof of the thread needs the journal and the node's blocks alone.
    let out = at("thread.anchor");
    let prove = |more: &[&str]| tapstone(&[&["anchor", "prove", "--out", &out][..], &node[..], more].concat());
    let (code, proof, stderr) = prove(&[]);
    assert_eq!((code, &proof["txid"], &proof["height"]), (0, &report["anchors"][1]["txid"], &json!(105)), "{stderr}");
    let origin = report["anchors"][0]["spends"].as_str().unwrap();
    let checkpoint = format!("104:{}", core.rpc.block_hash(104).unwrap().unwrap());
    assert_eq!(proof["checkpoint"], checkpoint.as_str());
    let (code, verdict, stderr) = tapstone(&["anchor", "verify", &out, "--origin", origin, "--checkpoint", &checkpoint]);
    assert_eq!((code, &verdict["depth"]), (0, &json!(6)), "{stderr}");
    // From the network's first block on, and of the first anchor.
    let (code, _, stderr) = prove(&["--checkpoint", "0", "--anchor", "0"]);
    assert_eq!(code, 0, "{stderr}");
    let (code, verdict, stderr) = tapstone(&["anchor", "verify", &out, "--origin", origin]);
    assert_eq!((code, &verdict["depth"]), (0, &json!(8)), "{stderr}");
    let (code, _, stderr) = prove(&["--anchor", "2"]);
    assert!(code == 1 && stderr.contains("there are 2 anchors"), "{stderr}");
    let (code, _, stderr) = prove(&["--checkpoint", "105"]);
    assert!(code == 2 && stderr.contains("below the anchor's block at height 105"), "{stderr}");

    // Another header for a position that is taken.
    let mut bytes = headers[1].to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let (code, _, stderr) = publish(&hex::encode(bytes), &["--secret", &secret]);
    assert!(code == 1 && stderr.contains("one position has one header"), "{stderr}");
}
