//! The files of a chain's folder: damaged, looked at, copied.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::common::*;

/// A chain with one batch, and files beside it that commands take.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        let (chain, out, keys) = (scene.chain(), scene.path("out"), Proven::once().keys());
        assert_eq!(tapstone(&["init", text(&chain), "--chain-id", "3", "--shape", "tiny"]).0, 0);
        let file = batches().join("tiny.jsonl");
        let options = ["--shape", "tiny", "--keys", text(&keys), "--out", text(&out), "--chain", text(&chain)];
        let (code, _, stderr) = tapstone(&[&["prove", text(&file)], &options[..]].concat());
        assert_eq!(code, 0, "{stderr}");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn chain(&self) -> PathBuf {
        self.path("chain")
    }

    /// Commands that look at the chain in a folder; what they write goes elsewhere.
    fn looks(&self, chain: &Path) -> Vec<Vec<String>> {
        let (chain, batch, keys) = (text(chain), text(&batches().join("tiny.jsonl")).to_owned(), Proven::once().keys());
        let to = |name: &str| text(&self.path(name)).to_owned();
        let lines = [
            format!("state show {chain}"),
            format!("state root {chain}"),
            format!("state account {chain} 1"),
            format!("state check {chain}"),
            format!("state export {chain} {}", to("exported.json")),
            format!("state backup {chain} {}", to("copy")),
            format!("state prove-account {chain} 1 --out {}", to("account.proof")),
            format!("report {chain} --shape tiny --out {}", to("chain.html")),
            format!("plan {batch} --chain {chain} --shape tiny --keys {}", text(&keys)),
            format!("prove {batch} --chain {chain} --shape tiny --keys {} --dry-run --out {}", text(&keys), to("none")),
        ];
        lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }

    /// Commands that carry it on, or would.
    fn writes(&self) -> Vec<Vec<String>> {
        let (chain, batch, keys) = (self.chain(), batches().join("tiny.jsonl"), Proven::once().keys());
        let (chain, batch, keys) = (text(&chain), text(&batch), text(&keys));
        let (data, out) = (Proven::once().file("batch-1.data"), self.path("none"));
        let lines = [
            format!("prove {batch} --chain {chain} --shape tiny --keys {keys} --out {}", text(&out)),
            format!("state rollback {chain} --to 0"),
            format!("state rebuild {} --chain {chain}", text(&data)),
            format!("init {chain} --chain-id 3 --shape tiny"),
        ];
        lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
    }
}

fn run(args: &[String]) -> (i32, serde_json::Value, String) {
    tapstone(&args.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_damaged_chain_is_told_with_a_way_out() {
    let scene = Scene::new();
    let file = scene.chain().join("state.redb");
    let good = fs::read(&file).unwrap();
    let (_, account, _) = tapstone(&["state", "account", text(&scene.chain()), "1"]);
    let key = hex::decode(account["key"].as_str().unwrap()).unwrap();
    let mut flipped = good.clone();
    let places: Vec<usize> = (0..good.len() - key.len()).filter(|at| good[*at..].starts_with(&key)).collect();
    assert!(!places.is_empty(), "the key of an account is not in the file as it is told");
    places.iter().for_each(|at| flipped[at + 34] ^= 1);
    let mut zeroed = good.clone();
    zeroed[..4096].fill(0);
    let appended = [&good[..], &[0; 100]].concat();
    for (what, bad) in [
        ("cut off", &good[..4096]),
        ("empty", &[]),
        ("longer", &appended),
        ("a flipped bit", &flipped),
        ("a page of zeros", &zeroed),
        ("another file", b"something else"),
    ] {
        fs::write(&file, bad).unwrap();
        for args in scene.looks(&scene.chain()).into_iter().chain(scene.writes()) {
            let (code, report, stderr) = run(&args);
            let said = ["state.redb is damaged: ", "tapstone state backup", "tapstone state rebuild"];
            assert!(code == 3 && said.iter().all(|part| stderr.contains(part)), "{what}, {args:?}: {code}: {stderr}");
            assert!(stderr.lines().count() == 1 && report["exit_code"] == 3, "{what}, {args:?}: {stderr}");
            assert!(fs::read(&file).unwrap() == bad, "{what}, {args:?}: the file was changed");
        }
        let (keys, chain) = (Proven::once().keys(), scene.chain());
        let args = ["doctor", "--shape", "tiny", "--keys", text(&keys), "--chain", text(&chain)];
        refused(&args, 5, "state.redb is damaged: ");
        assert!(!scene.path("copy").exists() && !scene.path("exported.json").exists() && !scene.path("none").exists());
    }
    // The way out.
    fs::write(&file, &good).unwrap();
    let copy = scene.path("copy");
    assert_eq!(tapstone(&["state", "backup", text(&scene.chain()), text(&copy)]).0, 0);
    let (code, _, stderr) = tapstone(&["state", "check", text(&copy)]);
    assert_eq!(code, 0, "{stderr}");
    let again = scene.path("again");
    assert_eq!(tapstone(&["init", text(&again), "--chain-id", "3", "--shape", "tiny"]).0, 0);
    let data = scene.path("out").join("batch-1.data");
    let (code, rebuilt, stderr) = tapstone(&["state", "rebuild", text(&data), "--chain", text(&again)]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(rebuilt["state_root"], tapstone(&["state", "root", text(&copy)]).1["state_root"]);
}

#[test]
fn looking_changes_nothing() {
    let scene = Scene::new();
    let looks = |chain: &Path| {
        for args in scene.looks(chain) {
            let (code, _, stderr) = run(&args);
            assert_eq!(code, 0, "{args:?}: {stderr}");
        }
        fs::remove_dir_all(scene.path("copy")).unwrap();
    };
    let before = contents(&scene.chain());
    looks(&scene.chain());
    let keys = Proven::once().keys();
    let doctor = |chain: &Path| tapstone(&["doctor", "--shape", "tiny", "--keys", text(&keys), "--chain", text(chain)]);
    let (code, _, stderr) = doctor(&scene.chain());
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(contents(&scene.chain()), before);
    // What nobody can write to.
    let mount = scene.path("mount");
    fs::create_dir(&mount).unwrap();
    let mounted = |args: &[&str]| {
        let output = Command::new("mount").args(args).arg(&mount).output();
        let said = output.as_ref().map_or_else(ToString::to_string, |o| String::from_utf8_lossy(&o.stderr).into_owned());
        let done = output.is_ok_and(|output| output.status.success());
        if !done {
            eprintln!("skipped: nothing can be mounted: {}", said.trim());
        }
        done
    };
    if !mounted(&["-t", "tmpfs", "-o", "size=16m", "tmpfs"]) {
        return;
    }
    for name in names(&scene.chain()) {
        fs::copy(scene.chain().join(&name), mount.join(&name)).unwrap();
    }
    if mounted(&["-o", "remount,ro"]) {
        assert!(fs::write(mount.join("probe"), "").is_err());
        looks(&mount);
        let (code, _, stderr) = doctor(&mount);
        assert!(code == 5 && stderr.to_lowercase().contains("read-only"), "{code}: {stderr}");
        refused(&["state", "rollback", text(&mount), "--to", "0"], 5, "lock");
    }
    let _ = Command::new("umount").arg(&mount).status();
}

#[test]
fn a_chain_is_copied_beside_a_running_prover() {
    let scene = Scene::new();
    let (chain, copies, keys) = (scene.path("busy"), scene.path("copies"), Proven::once().keys());
    assert_eq!(tapstone(&["init", text(&chain), "--chain-id", "1003", "--shape", "tiny"]).0, 0);
    let mut prover = Command::new(assert_cmd::cargo::cargo_bin("tapstone"))
        .args(["--quiet", "prove", text(&batches().join("tiny-chain.jsonl")), "--shape", "tiny", "--keys", text(&keys)])
        .args(["--chain", text(&chain), "--out", text(&scene.path("busy-out"))])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut count = 0;
    while prover.try_wait().unwrap().is_none() || count == 0 {
        let copy = copies.join(count.to_string());
        let (code, report, stderr) = tapstone(&["state", "backup", text(&chain), text(&copy)]);
        assert_eq!(code, 0, "{stderr}");
        let (code, checked, stderr) = tapstone(&["state", "check", text(&copy)]);
        assert_eq!((code, &checked["state_root"]), (0, &report["state_root"]), "{stderr}");
        count += 1;
    }
    assert!(prover.wait().unwrap().success());
    let before = contents(&copies.join("0"));
    refused(&["state", "backup", text(&chain), text(&copies.join("0"))], 2, "is in the way");
    assert_eq!(contents(&copies.join("0")), before);
    refused(&["state", "backup", text(&scene.path("none")), text(&scene.path("to"))], 5, "no such state");
    assert!(!scene.path("to").exists());
}
