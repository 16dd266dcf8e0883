//! Cached keys: matched by their matrices, never by luck; made once; and replaced only by complete ones.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::*;
use serde_json::Value;

fn prove_with(key: &[u8], shape: &str, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{shape}-v2.tapstone-key")), key).unwrap();
    let out = folder.path().join("out");
    let batch = batches().join(format!("{shape}.jsonl"));
    let args = ["prove", text(&batch), "--shape", shape, "--keys", text(folder.path()), "--out", text(&out)];
    refused(&args, 4, part);
    assert!(names(&out).is_empty());
}

#[test]
fn damaged_keys_and_keys_of_other_circuits_are_refused() {
    let good = fs::read(Proven::once().key()).unwrap();
    prove_with(&[], "tiny", "it ends before its points begin");
    prove_with(&good[..40], "tiny", "it ends before its points begin");
    prove_with(&good[..good.len() - 1], "tiny", "bytes of points, needed");
    prove_with(&[&good[..], b"0"].concat(), "tiny", "more than the needed");
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    };
    prove_with(&flipped(0), "tiny", "not a tapstone proving key");
    prove_with(&flipped(7), "tiny", "key file version 0, needed 1");
    prove_with(&flipped(11), "tiny", "circuit version 3, shape tiny");
    prove_with(&flipped(17), "tiny", "the key is for circuit version 2, shape tiny, matrices");
    prove_with(&flipped(good.len() / 2), "tiny", "do not match their checksum");
    prove_with(&good, "small", "the key is for circuit version 2, shape tiny");
}

#[test]
fn two_processes_that_make_a_key_at_once_use_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_tapstone"))
            .args(["-q", "--format", "json", "setup", "--shape", "tiny", "--keys"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let ids = [start(), start()].map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["vk_id"].clone()
    });
    assert_eq!(ids[0], ids[1]);
    assert_eq!(names(folder.path()), ["tiny-v2.tapstone-key"]);
    let (_, report, _) = tapstone(&["setup", "--shape", "tiny", "--keys", text(folder.path())]);
    assert_eq!((&report["vk_id"], &report["origin"]), (&ids[0], &Value::from("found, nothing was made")));
    let (_, report, _) = tapstone(&["setup", "--force", "--shape", "tiny", "--keys", text(folder.path())]);
    assert_eq!(report["origin"], "made now");
    assert_ne!(report["vk_id"], ids[0]);
}

#[test]
fn the_key_is_named_before_anything_is_proven() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let batch = batches().join("tiny.jsonl");
    let output = command()
        .args(["prove", text(&batch), "--shape", "tiny", "--keys", text(&proven.keys()), "--out", text(folder.path())])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let (_, key, _) = tapstone(&["inspect", text(&proven.file("verifying.key"))]);
    let named = stderr.find(&format!("key {} in {}", key["vk_id"].as_str().unwrap(), text(&proven.key()))).unwrap();
    assert!(named < stderr.find("proving").unwrap(), "{stderr}");
}
