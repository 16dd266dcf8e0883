//! `state rebuild`: the state from published data, against what was proven of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::*;

/// The published data of a shipped chain, as the independent client computed it, and the state root after its last batch.
fn shipped(name: &str, folder: &Path) -> (Vec<PathBuf>, String) {
    let text = fs::read(batches().join(format!("{name}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    let list = expected["batches"].as_array().unwrap();
    let write = |batch: &Value| {
        let path = folder.join(format!("batch-{}.data", batch["batch_number"]));
        fs::write(&path, hex::decode(batch["data_hex"].as_str().unwrap()).unwrap()).unwrap();
        path
    };
    let root = list.last().unwrap()["post_state_root"].as_str().unwrap().to_owned();
    (list.iter().map(write).collect(), root)
}

#[test]
fn shipped_chains_are_rebuilt_from_data_alone() {
    for (name, shape) in [("tiny-kinds", "tiny"), ("small-kinds", "small")] {
        let folder = tempfile::tempdir().unwrap();
        let (data, root) = shipped(name, folder.path());
        let paths: Vec<&str> = data.iter().map(|path| text(path)).collect();
        let out = folder.path().join("state.json");
        let common = ["state", "rebuild", "--shape", shape, "--expect-root", &root, "--out", text(&out)];
        let (code, report, stderr) = tapstone(&[&common[..], &paths[..]].concat());
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(report["state_root"], root);
        let (code, state, _) = tapstone(&["inspect", text(&out)]);
        assert_eq!((code, &state["state_root"]), (0, &Value::from(root.clone())));
        // In two steps, from the state in between.
        let (first, rest) = paths.split_at(2);
        let (code, _, stderr) = tapstone(&[&["state", "rebuild", "--shape", shape, "--out", text(&out)], first].concat());
        assert_eq!(code, 0, "{stderr}");
        let common = ["state", "rebuild", "--shape", shape, "--state", text(&out), "--expect-root", &root];
        let (code, _, stderr) = tapstone(&[&common[..], rest].concat());
        assert_eq!(code, 0, "{stderr}");
        // A batch left out, and the wrong root.
        refused(&[&["state", "rebuild", "--shape", shape][..], &paths[1..]].concat(), 1, "the state needs batch 1");
        let other = format!("0x{}", "0".repeat(64));
        let common = ["state", "rebuild", "--shape", shape, "--expect-root", &other];
        refused(&[&common[..], &paths[..]].concat(), 1, "expected");
    }
}

#[test]
fn data_is_compared_with_what_was_proven() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let (data, statement) = (proven.file("batch-1.data"), proven.file("batch-1.proven.json"));
    let vk_id = proven.vk_id();
    let rebuild = |data: &Path| {
        let out = folder.path().join("state.json");
        let proven = ["--proven", text(&statement), "--vk-id", &vk_id];
        [&["state", "rebuild", "--shape", "tiny", text(data), "--out", text(&out)][..], &proven]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    };
    let run = |args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        tapstone(&args)
    };
    let (code, _, stderr) = run(rebuild(&data));
    assert_eq!(code, 0, "{stderr}");
    let state = folder.path().join("state.json");
    assert_eq!(fs::read(&state).unwrap(), fs::read(proven.file("state.json")).unwrap(), "the very state that was proven");
    fs::remove_file(&state).unwrap();
    // Data with any bit changed is refused, or gives something else than was proven; nothing is written.
    let good = fs::read(&data).unwrap();
    let path = folder.path().join("bad.data");
    for bit in (8..good.len() * 8).step_by(5) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &bad).unwrap();
        let (code, _, stderr) = run(rebuild(&path));
        assert!([1, 3].contains(&code), "bit {bit}: {code} {stderr}");
        assert!(!state.exists());
    }
    // A statement that nobody's key stands behind is nothing to compare with, and neither is one whose proof does not verify.
    let compare = |proven: &Path, more: &[&str]| {
        let out = folder.path().join("state.json");
        let args = ["state", "rebuild", "--shape", "tiny", text(&data), "--proven", text(proven), "--out", text(&out)];
        tapstone(&[&args[..], more].concat())
    };
    let (code, _, stderr) = compare(&statement, &[]);
    assert!(code == 4 && stderr.contains("nothing says that the key of --proven is the right one"), "{stderr}");
    let forged = folder.path().join("forged.json");
    let good = fs::read_to_string(&statement).unwrap();
    let at = good.find("\"proof\"").unwrap() + 30;
    let digit = if &good[at..=at] == "0" { "1" } else { "0" };
    fs::write(&forged, format!("{}{digit}{}", &good[..at], &good[at + 1..])).unwrap();
    let key = proven.file("verifying.key");
    let (code, _, stderr) = compare(&forged, &["--vk-id", &vk_id, "--key", text(&key)]);
    assert!([1, 3].contains(&code), "{code}: {stderr}");
    assert!(!state.exists(), "nothing is written");
    let two = ["state", "rebuild", text(&data), "--proven", text(&statement), "--proven", text(&statement)];
    refused(&two, 2, "--proven names 2 batches");
    fs::write(&path, [2]).unwrap();
    refused(&["state", "rebuild", text(&path)], 4, "version 2");
    refused(&["state", "rebuild", "/nonexistent"], 5, "/nonexistent");
}
