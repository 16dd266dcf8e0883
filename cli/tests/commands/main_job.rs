//! The main job by the command line: prove, verify, anchor, and refusals with their exit codes.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::*;

#[test]
fn a_chain_is_proven_verified_anchored_and_no_changed_bit_passes() {
    let folder = tempfile::tempdir().unwrap();
    let (keys, out) = (folder.path().join("keys"), folder.path().join("out"));
    let file = batches().join("tiny-chain.jsonl");
    let common = ["--shape", "tiny", "--keys", text(&keys), "--out", text(&out)];
    let (code, report, stderr) =
        tapstone(&[&["prove", text(&file), "--internal-key", INTERNAL_KEY][..], &common[..]].concat());
    assert_eq!(code, 0, "{stderr}");
    let expected: Value = serde_json::from_slice(&fs::read(batches().join("tiny-chain.expected.json")).unwrap()).unwrap();
    let list = expected["batches"].as_array().unwrap();
    assert_eq!(report["batches"].as_array().unwrap().len(), list.len());
    for (had, want) in report["batches"].as_array().unwrap().iter().zip(list) {
        assert_eq!(had["public_input"], want["public_input"]);
    }
    assert_eq!(report["state_root"], list.last().unwrap()["post_state_root"]);

    let vk_id = report["vk_id"].as_str().unwrap().to_owned();
    let proven: Vec<PathBuf> = (1..=list.len()).map(|n| out.join(format!("batch-{n}.proven.json"))).collect();
    let paths: Vec<&str> = proven.iter().map(|p| text(p)).collect();
    let (code, verdict, _) = tapstone(&[&["verify", "--vk-id", &vk_id][..], &paths[..]].concat());
    assert_eq!((code, &verdict["verdict"]), (0, &Value::from("valid")));

    // Out of order, and a gap.
    let (code, _, stderr) = tapstone(&["verify", paths[1], paths[0]]);
    assert_eq!(code, 1, "{stderr}");
    let (code, _, _) = tapstone(&["verify", paths[0], paths[2]]);
    assert_eq!(code, 1);
    let (code, _, _) = tapstone(&["verify", "--vk-id", &"00".repeat(32), paths[0]]);
    assert_eq!(code, 4);

    let (code, anchor, _) =
        tapstone(&[&["anchor", "--internal-key", INTERNAL_KEY, "--vk-id", &vk_id][..], &paths[..]].concat());
    assert_eq!(code, 0);
    assert_eq!(anchor["address"], report["anchor"]["address"]);
    let expect = ["anchor", "--internal-key", INTERNAL_KEY, "--vk-id", &vk_id, "--expect", &"11".repeat(32)];
    let (code, _, _) = tapstone(&[&expect[..], &paths[..]].concat());
    assert_eq!(code, 1);

    // Any changed bit of proven batch or verifying key; a sample here, all of them in the verifier's own tests.
    let key = out.join("verifying.key");
    for path in [&proven[0], &key] {
        let good = fs::read(path).unwrap();
        for bit in (0..good.len() * 8).step_by(97) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            if same_meaning(&good, &bad) {
                continue;
            }
            fs::write(path, &bad).unwrap();
            let (code, _, stderr) = tapstone(&["verify", "--vk-id", &vk_id, paths[0]]);
            assert!([1, 3, 4].contains(&code), "bit {bit} of {}: exit {code}: {stderr}", path.display());
        }
        fs::write(path, &good).unwrap();
    }

    // The state that was written carries the next file only.
    let state = out.join("state.json");
    let (code, _, stderr) = tapstone(&[&["prove", text(&file), "--state", text(&state)][..], &common[..]].concat());
    assert_eq!(code, 1, "{stderr}");
    let (code, report, _) = tapstone(&["inspect", text(&state)]);
    assert_eq!((code, &report["file"]), (0, &Value::from("state")));
}

/// White space between JSON tokens may change into other white space.
fn same_meaning(good: &[u8], bad: &[u8]) -> bool {
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    parse(good).is_some() && parse(good) == parse(bad)
}

#[test]
fn refusals_name_the_place_and_have_their_exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let good = fs::read_to_string(batches().join("tiny.jsonl")).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let keys = folder.path().join("keys");
    let try_file = |contents: &str| {
        let path = folder.path().join("bad.jsonl");
        fs::write(&path, contents).unwrap();
        let (code, _, stderr) = tapstone(&["prove", text(&path), "--shape", "tiny", "--keys", text(&keys)]);
        (code, stderr)
    };
    let cases = [
        (String::new(), 3, "line 1"),
        ("not json\n".into(), 3, "line 1"),
        (format!("{}\n\n", lines[0]), 3, "line 2"),
        (good.replacen("\"amount\":\"", "\"amount\":\"+", 1), 3, "amount"),
        (good.replacen("\"kind\":", "\"extra\":1,\"kind\":", 1), 3, "extra"),
        (good[..good.len() - 20].to_owned(), 3, "line"),
        (good.replacen("\"batch\":1", "\"batch\":2", 1), 1, "batch"),
        (format!("{}\n{}\n", lines[0], lines[2]), 1, "line 2"),
    ];
    for (contents, code, place) in cases {
        let (had, stderr) = try_file(&contents);
        assert_eq!(had, code, "{stderr}");
        assert!(stderr.contains(place), "{stderr}");
    }
    assert!(!keys.exists(), "nothing is set up for a file that is refused");
    let (code, _, _) = tapstone(&["prove", "/nonexistent.jsonl", "--shape", "tiny"]);
    assert_eq!(code, 5);
    let (code, _, stderr) = tapstone(&["prove", "x", "--shape", "none"]);
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn wallet_makes_a_private_file_and_signs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    let (code, report, _) = tapstone(&["wallet", "new", text(&path)]);
    assert_eq!(code, 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let (code, _, _) = tapstone(&["wallet", "new", text(&path)]);
    assert_eq!(code, 5, "a key is never replaced");
    let (_, again, _) = tapstone(&["wallet", "public", text(&path)]);
    assert_eq!(report["key"], again["key"]);
    let key = report["key"].as_str().unwrap();
    let tx = format!(
        r#"{{"kind":"transfer_new","from":0,"to_key":"{key}","token":1,"amount":"5","fee_token":0,"fee":"0","nonce":"0","expiry":0}}"#
    );
    let output =
        command().args(["wallet", "sign", text(&path), "--chain-id", "3"]).write_stdin(format!("{tx}\n")).output().unwrap();
    assert!(output.status.success());
    let line = String::from_utf8(output.stdout).unwrap();
    let signed: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    assert_eq!(signed["signature"].as_str().unwrap().len(), 128);
}
