//! Commands that are killed at random moments, and run again: the chain ends up where an undisturbed run leaves it, and at every moment in between it is
//! whole.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};

use crate::common::*;

fn start(args: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("tapstone"))
        .args(["--quiet", "--format", "json"])
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs a command again and again, killed (SIGKILL) after a random time of at most `longest`, until it gets through; how often it was killed.
fn disturbed(rng: &mut SplitMix, longest: Duration, args: &[&str], mut between: impl FnMut()) -> usize {
    let mut kills = 0;
    let mut longest = longest;
    loop {
        let mut child = start(args);
        std::thread::sleep(Duration::from_micros(rng.below(longest.as_micros() as u64)));
        let done = child.try_wait().unwrap();
        if done.is_none() {
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        let status = output.status;
        between();
        if status.success() {
            return kills;
        }
        assert_eq!(status.code(), None, "{args:?} failed by itself: {}", String::from_utf8_lossy(&output.stderr));
        kills += 1;
        // A command that makes no lasting progress in this time would never end.
        longest += longest / 8;
    }
}

fn check(chain: &Path) {
    let (code, _, stderr) = tapstone(&["state", "check", text(chain)]);
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn a_chain_rebuilt_from_data_survives_hundreds_of_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut w = World::new(Shape::registered("tiny").unwrap());
    let mut rng = SplitMix::new(17);
    w.deposit_new(1, 900_000).deposit_new(1, 900_000);
    let mut data = Vec::new();
    for i in 0..14 {
        if i > 0 {
            w.fill_at_random(&mut rng, 12);
        }
        let path = folder.path().join(format!("{i}.data"));
        fs::write(&path, w.apply().unwrap().data).unwrap();
        data.push(path);
    }
    let state = serde_json::to_vec_pretty(&w.ledger.snapshot()).unwrap();
    let id = w.ledger.chain_id().to_string();
    let files: Vec<&str> = data.iter().map(|path| text(path)).collect();
    let (mut kills, mut round) = (0, 0);
    let moment = Duration::from_millis(25);
    while kills < 200 {
        let chain = folder.path().join(format!("chain-{round}"));
        kills += disturbed(&mut rng, moment, &["init", text(&chain), "--chain-id", &id, "--shape", "tiny"], || {
            // Not there, or complete.
            assert!(!chain.join("state.redb").exists() || tapstone(&["state", "root", text(&chain)]).0 == 0);
        });
        let rebuild = [&["state", "rebuild", "--chain", text(&chain)], &files[..]].concat();
        kills += disturbed(&mut rng, moment, &rebuild, || check(&chain));
        kills += disturbed(&mut rng, moment, &["state", "rollback", text(&chain), "--to", "4"], || check(&chain));
        kills += disturbed(&mut rng, moment, &rebuild, || check(&chain));
        let out = folder.path().join("state.json");
        kills += disturbed(&mut rng, moment, &["state", "export", text(&chain), text(&out)], || {
            assert!(!out.exists() || fs::read(&out).unwrap() == state, "a file is complete or not there");
        });
        assert_eq!(fs::read(&out).unwrap(), state);
        fs::remove_file(out).unwrap();
        round += 1;
    }
    assert!(kills >= 200);
}

#[test]
fn proofs_survive_kills_and_each_batch_is_applied_once() {
    let keys = Proven::once().keys();
    let folder = tempfile::tempdir().unwrap();
    let file = batches().join("tiny-chain.jsonl");
    let (calm, wild) = (folder.path().join("calm"), folder.path().join("wild"));
    let prove = |chain: &Path, out: &Path| -> Vec<String> {
        let chain = text(chain).to_owned();
        [
            "prove",
            text(&file),
            "--shape",
            "tiny",
            "--keys",
            text(&keys),
            "--insecure-seed",
            "5",
            "--chain",
            &chain,
            "--out",
            text(out),
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let results = |out: &Path| -> Vec<(String, Vec<u8>)> {
        let kept = |name: &String| name.starts_with("batch-") || name.starts_with("verif");
        names(out).into_iter().filter(kept).map(|name| (name.clone(), fs::read(out.join(name)).unwrap())).collect()
    };
    let run = |args: &[String]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        tapstone(&args)
    };
    for chain in [&calm, &wild] {
        assert_eq!(tapstone(&["init", text(chain), "--chain-id", "1003", "--shape", "tiny"]).0, 0);
    }
    let (calm_out, wild_out) = (folder.path().join("calm-out"), folder.path().join("wild-out"));
    let begin = Instant::now();
    let (code, _, stderr) = run(&prove(&calm, &calm_out));
    assert_eq!(code, 0, "{stderr}");
    // Long enough for a proof now and then.
    let moment = begin.elapsed() / 3;
    let mut rng = SplitMix::new(23);
    let mut kills = 0;
    for _ in 0..3 {
        let args = prove(&wild, &wild_out);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        kills += disturbed(&mut rng, moment, &args, || {
            // What is there is what an undisturbed run writes.
            if wild_out.exists() {
                let calm = results(&calm_out);
                assert!(results(&wild_out).iter().all(|one| calm.contains(one)));
            }
        });
        check(&wild);
        assert_eq!(results(&wild_out), results(&calm_out));
        let state = |chain: &PathBuf| {
            let out = folder.path().join("state.json");
            let (code, _, stderr) = tapstone(&["state", "export", text(chain), text(&out)]);
            assert_eq!(code, 0, "{stderr}");
            fs::read(out).unwrap()
        };
        assert_eq!(state(&wild), state(&calm));
        assert_eq!(tapstone(&["state", "rollback", text(&wild), "--to", "0"]).0, 0);
        fs::remove_dir_all(&wild_out).unwrap();
    }
    assert!(kills >= 3, "{kills} kills are too few to tell");
}
