//! `state prove-account`, `state prove-withdrawal`, `verify-account`, `verify-withdrawal`: without the operator, from published data alone.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::*;

fn expected(name: &str) -> Value {
    serde_json::from_slice(&fs::read(batches().join(format!("{name}.expected.json"))).unwrap()).unwrap()
}

/// The published data of a shipped chain, each in a file of the folder.
fn published(name: &str, folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let list = expected(name)["batches"].as_array().unwrap().clone();
    let write = |batch: &Value| {
        let path = folder.path().join(format!("batch-{}.data", batch["batch_number"]));
        fs::write(&path, hex::decode(batch["data_hex"].as_str().unwrap()).unwrap()).unwrap();
        path
    };
    list.iter().map(write).collect()
}

#[test]
fn accounts_are_proven_from_published_data_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = published("tiny-kinds", &folder);
    let paths: Vec<&str> = data.iter().map(|path| text(path)).collect();
    let (state, proof) = (folder.path().join("state.json"), folder.path().join("account.json"));
    let (code, report, stderr) =
        tapstone(&[&["state", "rebuild", "--shape", "tiny", "--out", text(&state)], &paths[..]].concat());
    assert_eq!(code, 0, "{stderr}");
    let root = report["state_root"].as_str().unwrap();
    let other = format!("0x{}", "0".repeat(64));
    let mut shares = 0;
    for index in 0..report["accounts"].as_u64().unwrap() {
        let index = index.to_string();
        let prove = ["state", "prove-account", text(&state), &index, "--out", text(&proof)];
        let (code, proven, stderr) = tapstone(&prove);
        assert_eq!(code, 0, "{stderr}");
        let (code, held, stderr) = tapstone(&["verify-account", text(&proof), "--state-root", root]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!((&held["holdings"], &held["verdict"]), (&proven["holdings"], &Value::from("held")));
        let nullifier = format!("{}:{}:{index}", held["chain_id"], held["batch_number"]);
        assert_eq!(held["nullifier"], nullifier);
        shares += held["holdings"].as_array().unwrap().iter().filter(|item| item.get("worth").is_some()).count();
        let (_, inspected, _) = tapstone(&["inspect", text(&proof)]);
        assert_eq!(inspected["holdings"], held["holdings"]);
        // The same as compact bytes.
        let (code, _, stderr) = tapstone(&[&prove[..], &["--compact"]].concat());
        assert_eq!(code, 0, "{stderr}");
        assert!(fs::read(&proof).unwrap().starts_with(b"TSXA"));
        let (code, again, _) = tapstone(&["verify-account", text(&proof), "--state-root", root]);
        assert_eq!((code, &again), (0, &held));
        refused(&["verify-account", text(&proof), "--state-root", &other], 1, "code 953");
    }
    assert!(shares > 0);
    refused(&["state", "prove-account", text(&state), "64"], 1, "no account 64");
    // The proof alone, to be piped, and changed.
    let (code, printed, _) = tapstone(&["state", "prove-account", text(&state), "0"]);
    assert_eq!((code, &printed["format"]), (0, &Value::from("tapstone-account-proof/1")));
    let change = |field: &str, value: Value| {
        let mut copy = printed.clone();
        *copy.pointer_mut(field).unwrap() = value;
        fs::write(&proof, copy.to_string()).unwrap();
    };
    let verify = ["verify-account", text(&proof), "--state-root", root];
    change("/account/nonce", "77".into());
    refused(&verify, 1, "code 951");
    change("/index", 64.into());
    refused(&verify, 3, "code 909");
    change("/account/nonce", "077".into());
    refused(&verify, 3, "canonical decimal");
    change("/format", "tapstone-pool-proof/1".into());
    refused(&verify, 3, "tapstone-account-proof/1");
    fs::write(&proof, "TSXA").unwrap();
    refused(&verify, 3, "code 903");
    assert_eq!(tapstone(&["verify-account", text(&proof)]).0, 2);
}

#[test]
fn withdrawals_are_proven_from_their_batch_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = published("tiny-kinds", &folder);
    let proof = folder.path().join("withdrawal.json");
    let (mut proven, mut bounds) = (0, 0);
    let shipped = expected("tiny-kinds");
    let chain_id = shipped["chain_id"].to_string();
    for (path, batch) in data.iter().zip(shipped["batches"].as_array().unwrap()) {
        let (code, listed, stderr) = tapstone(&["state", "prove-withdrawal", text(path)]);
        assert_eq!(code, 0, "{stderr}");
        let list = batch["withdrawals"].as_array().unwrap();
        assert_eq!(listed["count"], list.len());
        let number = batch["batch_number"].to_string();
        let root = batch["withdrawals_root"].as_str().unwrap();
        for (position, withdrawal) in list.iter().enumerate() {
            let position = position.to_string();
            let prove = ["state", "prove-withdrawal", text(path), &position, "--out", text(&proof)];
            let (code, _, stderr) = tapstone(&prove);
            assert_eq!(code, 0, "{stderr}");
            let verify = ["verify-withdrawal", text(&proof), "--chain-id", &chain_id, "--withdrawals-root", root, "--batch"];
            let (code, verdict, stderr) = tapstone(&[&verify[..], &[&number]].concat());
            assert_eq!(code, 0, "{stderr}");
            for field in ["account", "token", "amount", "destination"] {
                assert_eq!(verdict["withdrawal"][field], withdrawal[field]);
            }
            refused(&[&verify[..], &["77"]].concat(), 1, "code 955");
            // The cost is this withdrawal's and that of those after it.
            let cost = list.len() - position.parse::<usize>().unwrap();
            let bounded = |most: usize| {
                let most = most.to_string();
                tapstone(&[&verify[..], &[&number, "--most-withdrawals", &most]].concat())
            };
            assert_eq!(bounded(cost).0, 0);
            if cost > 1 {
                let (code, _, stderr) = bounded(cost - 1);
                let text = format!("{cost} withdrawals to hash, at most {} are allowed (code 958)", cost - 1);
                assert!(code == 1 && stderr.contains(&text) && stderr.contains("--most-withdrawals"), "{stderr}");
                bounds += 1;
            }
            proven += 1;
        }
        let end = list.len().to_string();
        refused(&["state", "prove-withdrawal", text(path), &end], 1, "no withdrawal");
    }
    assert!(proven > 2 && bounds > 0);
    let root = format!("0x{}", "0".repeat(64));
    assert_eq!(tapstone(&["verify-withdrawal", text(&proof), "--withdrawals-root", &root]).0, 2);
}

#[test]
fn a_proven_batch_is_verified_before_it_is_trusted() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let proof = folder.path().join("account.json");
    let state = proven.file("state.json");
    let (code, _, stderr) = tapstone(&["state", "prove-account", text(&state), "0", "--out", text(&proof)]);
    assert_eq!(code, 0, "{stderr}");
    let batch = proven.file("batch-1.proven.json");
    let verify = ["verify-account", text(&proof), "--proven", text(&batch)];
    let vk_id = proven.vk_id();
    let (code, held, stderr) = tapstone(&[&verify[..], &["--vk-id", &vk_id]].concat());
    assert_eq!((code, &held["verdict"], &held["pinned_by"]), (0, &"held".into(), &"--vk-id".into()), "{stderr}");
    // Without a pin what the account holds is told, and that nothing stands behind it.
    refused(&verify, 4, "unpinned");
    let (_, unpinned, _) = tapstone(&verify);
    assert_eq!((&unpinned["verdict"], &unpinned["holdings"]), (&"unpinned".into(), &held["holdings"]));
    let other = "0".repeat(64);
    refused(&[&verify[..], &["--vk-id", &other]].concat(), 4, &format!("names key {vk_id}, needed {other}"));
    let key = proven.file("verifying.key");
    let damaged = folder.path().join("damaged.json");
    let content = fs::read_to_string(&batch).unwrap();
    let root = held["state_root"].as_str().unwrap();
    fs::write(&damaged, content.replace(root, &format!("0x{other}"))).unwrap();
    let (code, _, stderr) = tapstone(&["verify-account", text(&proof), "--proven", text(&damaged), "--key", text(&key)]);
    assert_eq!(code, 1, "{stderr}");
}
