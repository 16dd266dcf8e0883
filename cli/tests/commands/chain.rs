//! Chains in their folders: made, carried on, looked at, undone, rebuilt; each batch once.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::*;

/// A chain of the tiny shape with room for its results.
struct Chain {
    folder: TempDir,
}

impl Chain {
    fn new() -> Self {
        Self::with_id("3")
    }

    fn with_id(id: &str) -> Self {
        let chain = Self { folder: tempfile::tempdir().unwrap() };
        let (code, report, stderr) = tapstone(&["init", text(&chain.path()), "--chain-id", id, "--shape", "tiny"]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!((&report["batch_number"], &report["accounts"]), (&Value::from(0), &Value::from(0)));
        chain
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("chain")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn root(&self) -> Value {
        let (code, report, stderr) = tapstone(&["state", "root", text(&self.path())]);
        assert_eq!(code, 0, "{stderr}");
        report["state_root"].clone()
    }

    fn prove(&self, files: &[&Path], more: &[&str]) -> (i32, Value, String) {
        let (chain, out, keys) = (self.path(), self.out(), Proven::once().keys());
        let files: Vec<&str> = files.iter().map(|file| text(file)).collect();
        let options = ["--chain", text(&chain), "--shape", "tiny", "--keys", text(&keys), "--out", text(&out)];
        tapstone(&[&["prove"], &files[..], &options[..], more].concat())
    }
}

fn expected(name: &str) -> Vec<Value> {
    let text = fs::read(batches().join(format!("{name}.expected.json"))).unwrap();
    let expected: Value = serde_json::from_slice(&text).unwrap();
    expected["batches"].as_array().unwrap().clone()
}

#[test]
fn a_chain_takes_each_batch_once() {
    let chain = Chain::with_id("1003");
    let file = batches().join("tiny-chain.jsonl");
    let list = expected("tiny-chain");
    let (code, report, stderr) = chain.prove(&[&file], &["--insecure-seed", "7"]);
    assert_eq!(code, 0, "{stderr}");
    let last = &list.last().unwrap()["post_state_root"];
    assert_eq!((&report["state_root"], &chain.root()), (last, last));
    assert!(!chain.out().join("state.json").exists(), "the state is in the chain's folder");
    let manifest: Value = serde_json::from_slice(&fs::read(chain.out().join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["batches"].as_array().unwrap().len(), list.len());

    // Again: nothing is made or applied, all files are there.
    let proofs = |chain: &Chain| -> Vec<(String, Vec<u8>)> {
        let kept = |name: &String| name.starts_with("batch-");
        let read = |name: String| (name.clone(), fs::read(chain.out().join(name)).unwrap());
        names(&chain.out()).into_iter().filter(kept).map(read).collect()
    };
    let first = proofs(&chain);
    fs::remove_dir_all(chain.out()).unwrap();
    let (code, report, stderr) = chain.prove(&[&file], &[]);
    assert_eq!(code, 0, "{stderr}");
    assert!(report["batches"].as_array().unwrap().iter().all(|b| b["proof"] == "made earlier, verified again"));
    assert_eq!((proofs(&chain), &chain.root()), (first.clone(), last));

    // The same seed gives the same bytes, with more than one file as well.
    let again = Chain::with_id("1003");
    let (code, _, stderr) = again.prove(&[&file], &["--insecure-seed", "7"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(proofs(&again), first);

    // Another file for batches that the chain has.
    let other = chain.folder.path().join("other.jsonl");
    fs::write(&other, format!("{}\n", fs::read_to_string(&file).unwrap().trim_end().rsplit_once('\n').unwrap().0)).unwrap();
    let (code, _, stderr) = chain.prove(&[&other], &[]);
    assert!(code == 1 && stderr.contains("batch 1 of the chain was made already, from another file"), "{stderr}");

    // Back, and on again to the same state.
    let back = list[list.len() - 3]["post_state_root"].clone();
    let to = (list.len() - 2).to_string();
    let (code, report, stderr) = tapstone(&["state", "rollback", text(&chain.path()), "--to", &to]);
    assert_eq!((code, &report["batches_undone"]), (0, &Value::from(2)), "{stderr}");
    assert_eq!(chain.root(), back);
    let (code, report, stderr) = chain.prove(&[&file], &["--insecure-seed", "7"]);
    assert_eq!(code, 0, "{stderr}");
    let made = report["batches"].as_array().unwrap().iter().filter(|b| b["seconds"].is_number()).count();
    assert_eq!((made, proofs(&chain), &chain.root()), (0, first, last), "proofs in the folder are taken up");
    refused(&["state", "rollback", text(&chain.path()), "--to", "99"], 2, "--to is 99");
}

#[test]
fn a_chain_can_be_looked_at_checked_and_written() {
    let proven = Proven::once();
    let chain = Chain::new();
    let (code, _, stderr) = chain.prove(&[&batches().join("tiny.jsonl")], &[]);
    assert_eq!(code, 0, "{stderr}");
    let path = chain.path();
    let file = proven.file("state.json");
    for command in ["show", "root"] {
        let (code, stored, stderr) = tapstone(&["state", command, text(&path)]);
        assert_eq!(code, 0, "{stderr}");
        // What a file does not hold: the keys.
        let mut stored = stored;
        for field in ["kind", "keys"] {
            stored.as_object_mut().unwrap().shift_remove(field);
        }
        assert_eq!(stored, tapstone(&["state", command, text(&file)]).1, "{command}");
    }
    for (command, index) in [("account", "0"), ("account", "1"), ("pool", "0")] {
        let (code, stored, stderr) = tapstone(&["state", command, text(&path), index]);
        let (in_file, report, _) = tapstone(&["state", command, text(&file), index]);
        assert_eq!((code, &stored), (in_file, &report), "{command} {index}: {stderr}");
    }
    refused(&["state", "account", text(&path), "99"], 1, "no account 99");
    let (code, report, stderr) = tapstone(&["state", "check", text(&path)]);
    assert_eq!((code, report["state"].is_string()), (0, true), "{stderr}");
    assert_eq!(report["proofs"], "1 verified, by the keys that the chain pins");
    let out = chain.folder.path().join("exported.json");
    let (code, _, stderr) = tapstone(&["state", "export", text(&path), text(&out)]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(fs::read(&out).unwrap(), fs::read(&file).unwrap(), "the very state that a run without a chain writes");
    // And a chain that starts from it.
    let copy = chain.folder.path().join("copy");
    let (code, report, stderr) = tapstone(&["init", text(&copy), "--genesis", text(&out)]);
    assert_eq!((code, &report["state_root"]), (0, &chain.root()), "{stderr}");
    refused(&["init", text(&copy), "--chain-id", "3"], 2, "there is a state already");
    let (code, report, _) = tapstone(&["init", text(&copy), "--genesis", text(&out)]);
    assert_eq!((code, &report["origin"]), (0, &Value::from("found, the same")));
    let (bad, none) = (chain.folder.path().join("bad.json"), chain.folder.path().join("none"));
    fs::write(&bad, fs::read_to_string(&out).unwrap().replacen("\"nonce\": \"", "\"nonce\": \"1", 1)).unwrap();
    refused(&["init", text(&none), "--genesis", text(&bad)], 3, "root");
    assert!(!none.join("state.redb").exists());
    refused(&["state", "rollback", text(&copy), "--to", "0"], 1, "cannot be undone");
    assert_eq!(tapstone(&["init", text(&copy)]).0, 2);
}

#[test]
fn published_data_carry_a_chain_on_once() {
    let proven = Proven::once();
    let chain = Chain::new();
    let (data, statement) = (proven.file("batch-1.data"), proven.file("batch-1.proven.json"));
    let path = chain.path();
    let unpinned = ["state", "rebuild", text(&data), "--chain", text(&path), "--proven", text(&statement)];
    let (code, _, stderr) = tapstone(&unpinned);
    assert!(code == 4 && stderr.contains("nothing says that the key of --proven is the right one"), "{stderr}");
    let vk_id = proven.vk_id();
    let args = [&unpinned[..], &["--vk-id", &vk_id]].concat();
    let (code, first, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    let (code, again, stderr) = tapstone(&args);
    assert_eq!((code, &again["state_root"]), (0, &first["state_root"]), "{stderr}");
    assert_eq!(again["batches"][0]["applied"], "earlier, with the same data");
    let (code, _, stderr) = chain.prove(&[&batches().join("tiny.jsonl")], &[]);
    assert!(code == 1 && stderr.contains("from published data"), "{stderr}");
    // Other data under the same number.
    let mut other = fs::read(&data).unwrap();
    let at = other.len() - 3;
    other[at] ^= 1;
    let wrong = chain.folder.path().join("wrong.data");
    fs::write(&wrong, other).unwrap();
    let (code, _, stderr) = tapstone(&["state", "rebuild", text(&wrong), "--chain", text(&path)]);
    assert!([1, 3].contains(&code), "{stderr}");
    // What does not give what was proven is not applied.
    let fresh = Chain::new();
    let (code, _, _) = tapstone(&[
        "state",
        "rebuild",
        text(&wrong),
        "--chain",
        text(&fresh.path()),
        "--proven",
        text(&statement),
        "--vk-id",
        &vk_id,
    ]);
    assert!([1, 3].contains(&code));
    let (_, report, _) = tapstone(&["state", "show", text(&fresh.path())]);
    assert_eq!(report["batch_number"], 0);
}

#[test]
fn folders_that_are_no_chain_are_refused() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let file = batches().join("tiny.jsonl");
    let keys = proven.keys();
    let prove = |chain: &Path, shape: &str| {
        let args = ["prove", text(&file), "--chain", text(chain), "--shape", shape, "--keys", text(&keys), "--dry-run"];
        tapstone(&args)
    };
    let (code, _, stderr) = prove(folder.path(), "tiny");
    assert!(code == 5 && stderr.contains("no such state"), "{stderr}");
    assert_eq!(names(folder.path()), Vec::<String>::new());
    fs::write(folder.path().join("state.redb"), b"something else").unwrap();
    let (code, _, stderr) = prove(folder.path(), "tiny");
    assert!(code == 3 && stderr.contains("is damaged"), "{stderr}");
    // Trees of another depth, another chain.
    let chain = Chain::new();
    let (code, _, stderr) = prove(&chain.path(), "small");
    assert!(code == 4 && stderr.contains("depths"), "{stderr}");
    let other = folder.path().join("other");
    assert_eq!(tapstone(&["init", text(&other), "--chain-id", "4", "--shape", "tiny"]).0, 0);
    let (code, _, stderr) = prove(&other, "tiny");
    assert!(code == 1 && stderr.contains("line 1"), "{stderr}");
    let (code, report, stderr) = prove(&chain.path(), "tiny");
    assert_eq!((code, report["batches"][0]["seconds"].is_null()), (0, true), "{stderr}");
    assert_eq!(report["dry_run"], "nothing was proven, nothing was written");
    let (code, _, stderr) =
        tapstone(&["prove", text(&file), "--shape", "tiny", "--keys", text(&keys), "--max-memory", "1M", "--dry-run"]);
    assert!(code == 5 && stderr.contains("--max-memory allows 1"), "{stderr}");
}

#[test]
fn proofs_in_the_folder_are_taken_up() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let (out, keys, file) = (folder.path().join("out"), proven.keys(), batches().join("tiny.jsonl"));
    let args = ["prove", text(&file), "--shape", "tiny", "--keys", text(&keys), "--out", text(&out), "--resume"];
    fs::create_dir(&out).unwrap();
    fs::copy(proven.file("batch-1.proven.json"), out.join("batch-1.proven.json")).unwrap();
    let (code, report, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(report["batches"][0]["proof"], "made earlier, verified again");
    for name in ["batch-1.data", "state.json", "batch-1.proof.json"] {
        assert_eq!(fs::read(out.join(name)).unwrap(), fs::read(proven.file(name)).unwrap(), "{name}");
    }
    // One that does not verify is made anew.
    let text_of = fs::read_to_string(out.join("batch-1.proven.json")).unwrap();
    let at = text_of.find("\"proof\"").unwrap() + 20;
    let digit = if &text_of[at..=at] == "0" { "1" } else { "0" };
    fs::write(out.join("batch-1.proven.json"), format!("{}{digit}{}", &text_of[..at], &text_of[at + 1..])).unwrap();
    let (code, report, stderr) = tapstone(&args);
    assert_eq!((code, report["batches"][0]["seconds"].is_number()), (0, true), "{stderr}");
}

#[test]
fn who_else_carries_a_chain_on_is_waited_for() {
    let chain = Chain::new();
    let lock = fs::OpenOptions::new().create(true).append(true).open(chain.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("tapstone"))
        .args(["state", "rollback", text(&chain.path()), "--to", "0"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(700));
    assert!(child.try_wait().unwrap().is_none(), "it did not wait");
    // Looking is free meanwhile.
    chain.root();
    lock.unlock().unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("waiting for another process, which carries the chain"));
}

#[test]
fn a_run_tells_metrics_and_logs() {
    let chain = Chain::new();
    let metrics = chain.folder.path().join("tapstone.prom");
    let more = ["--metrics", text(&metrics), "--log", "info", "--log-json"];
    let (code, _, stderr) = chain.prove(&[&batches().join("tiny.jsonl")], &more);
    assert_eq!(code, 0, "{stderr}");
    let events: Vec<Value> = stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<&str> = events.iter().map(|event| event["fields"]["message"].as_str().unwrap()).collect();
    assert_eq!(said, ["executed", "proven", "applied"]);
    assert!(events[1]["fields"]["seconds"].as_f64().unwrap() > 0.0);
    let figures = fs::read_to_string(&metrics).unwrap();
    for line in [
        "tapstone_batch_number{chain=\"3\"} 1",
        "tapstone_batches_left{chain=\"3\"} 0",
        "tapstone_batch_transactions{chain=\"3\"} 4",
    ] {
        assert!(figures.lines().any(|had| had == line), "{figures}");
    }
    // What ends a command is an event as well.
    let (code, _, stderr) = chain.prove(&[Path::new("/nonexistent")], &["--log", "error", "--log-json"]);
    let event: Value = serde_json::from_str(stderr.lines().next().unwrap()).unwrap();
    assert_eq!((code, &event["level"], &event["fields"]["code"]), (5, &Value::from("ERROR"), &Value::from(5)));
}
