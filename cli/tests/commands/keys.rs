//! Cached keys: matched by their matrices, never by luck; made once; and replaced only by complete ones.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::*;

/// Proves with a key that must be refused, at the latest by its proof.
fn prove_with(key: &[u8], shape: &str, part: &str) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{shape}-v3.tapstone-key")), key).unwrap();
    let out = folder.path().join("out");
    let batch = batches().join(format!("{shape}.jsonl"));
    let args = ["prove", text(&batch), "--shape", shape, "--keys", text(folder.path()), "--out", text(&out)];
    refused(&args, 4, part);
    assert!(!out.exists() || !names(&out).iter().any(|name| name.starts_with("batch")), "nothing is proven");
}

#[test]
fn damaged_keys_and_keys_of_other_circuits_are_refused() {
    let good = fs::read(Proven::once().key()).unwrap();
    prove_with(&good[..40], "tiny", "its head is not whole");
    prove_with(&good[..good.len() - 1], "tiny", "bytes, needed");
    prove_with(&[&good[..], b"0"].concat(), "tiny", "more than the needed");
    let flipped = |at: usize| {
        let mut bad = good.clone();
        bad[at] ^= 1;
        bad
    };
    prove_with(&flipped(0), "tiny", "not a tapstone proving key");
    // Whose key it was can no longer be told, so both ways out are named, for this folder.
    let folder = tempfile::Builder::new().prefix("my keys").tempdir().unwrap();
    fs::write(folder.path().join("tiny-v3.tapstone-key"), flipped(0)).unwrap();
    let options = format!("--shape tiny --keys '{}'`", text(folder.path()));
    for command in ["show", "check"] {
        let (code, _, stderr) = tapstone(&["keys", command, "--shape", "tiny", "--keys", text(folder.path())]);
        assert_eq!(code, 4, "{stderr}");
        for part in [
            format!("a ceremony's, `tapstone keys import --force {options}"),
            format!("trials, `tapstone setup --force {options}"),
        ] {
            assert!(stderr.contains(&part), "{stderr}");
        }
    }
    prove_with(&flipped(4), "tiny", "key file version 2, needed 3");
    prove_with(&flipped(70), "tiny", "its head does not match its checksum");
    prove_with(&good, "small", "the key is for circuit version 3, shape tiny");
}

/// What opening does not read is found when the proof does not verify, and by `keys check`.
#[test]
fn a_damaged_section_is_named() {
    let mut key = fs::read(Proven::once().key()).unwrap();
    // In many points, all of which a batch needs.
    let (start, end) = (key.len() / 4, key.len() / 2);
    key[start..end].iter_mut().step_by(64).for_each(|byte| *byte ^= 1);
    prove_with(&key, "tiny", "section does not match its checksum");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tiny-v3.tapstone-key"), key).unwrap();
    let check = |folder| tapstone(&["keys", "check", "--shape", "tiny", "--keys", text(folder)]);
    let (code, _, stderr) = check(folder.path());
    assert!(code == 4 && stderr.contains("section does not match its checksum"), "{stderr}");
    let hint = format!(
        "`tapstone setup --force --shape tiny --keys {}` makes another, with another id, insecurely",
        text(folder.path())
    );
    assert!(stderr.contains(&hint) && !stderr.contains("import"), "{stderr}");
    let (code, report, _) = check(&Proven::once().keys());
    assert_eq!((code, &report["sections"]), (0, &Value::from("as they were written")));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_unfinished() {
    let folder = tempfile::tempdir().unwrap();
    let (batch, out) = (batches().join("tiny.jsonl"), folder.path().join("out"));
    // While a key is made, and at some moments of proving.
    for (keys, milliseconds) in
        [(folder.path().join("keys"), 300), (Proven::once().keys(), 60), (Proven::once().keys(), 400)]
    {
        let child = Command::new(env!("CARGO_BIN_EXE_tapstone"))
            .args(["prove", text(&batch), "--shape", "tiny", "--keys", text(&keys), "--out", text(&out)])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        match output.status.code() {
            Some(130) => assert!(stderr.contains("interrupted"), "{stderr}"),
            // Done before the signal came, or not ready for it yet.
            Some(0) | None => {}
            other => panic!("{other:?}: {stderr}"),
        }
        for folder in [&keys, &out] {
            let left: Vec<String> = if folder.exists() { names(folder) } else { Vec::new() };
            assert!(left.iter().all(|name| !name.starts_with(".tapstone-")), "{left:?}");
        }
    }
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
    assert_eq!(names(folder.path()), ["tiny-v3.tapstone-key"]);
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
    assert!(named < stderr.find("multiplying points").unwrap(), "{stderr}");
}
