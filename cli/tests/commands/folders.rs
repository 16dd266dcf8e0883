//! Folders of results: one holds one series of batches of one chain under one key. What is there is carried
//! on or left as it is, never replaced by what another run made.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tapstone_circuits::file::{self, Header};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;
use tempfile::TempDir;

use crate::common::*;

/// What a command leaves as it is.
#[track_caller]
fn left(folder: &Path, command: impl FnOnce()) {
    let before = contents(folder);
    command();
    let after = contents(folder);
    let changed: Vec<&String> = before.keys().chain(after.keys()).filter(|n| before.get(*n) != after.get(*n)).collect();
    assert!(changed.is_empty(), "changed: {changed:?}");
}

/// Batch files of one deposit each, which follow each other; and others in the place of the second and of
/// all.
struct Scene {
    temp: TempDir,
    chain_id: String,
    files: Vec<PathBuf>,
    other_second: PathBuf,
    other: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let temp = tempfile::tempdir().unwrap();
        let mut world = World::new(Shape::registered("tiny").unwrap());
        let chain_id = world.ledger.chain_id().to_string();
        let write = |name: &str, world: &World, batch: u64| {
            let (chain_id, pre_state_root) = (world.ledger.chain_id(), world.ledger.state_root());
            let header = Header { chain_id, batch, pre_state_root, operator: world.operator };
            let path = temp.path().join(name);
            fs::write(&path, file::to_jsonl(&header, &world.open)).unwrap();
            path
        };
        world.deposit_new(1, 77);
        let other = write("other.jsonl", &world, 1);
        world.open.clear();
        let (mut files, mut other_second) = (Vec::new(), PathBuf::new());
        for batch in 1..=3 {
            if batch == 2 {
                world.deposit_new(1, 78);
                other_second = write("other-2.jsonl", &world, batch);
                world.open.clear();
            }
            world.deposit_new(1, 1000 + u128::from(batch));
            files.push(write(&format!("{batch}.jsonl"), &world, batch));
            world.apply().unwrap();
        }
        Self { temp, chain_id, files, other_second, other }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn chain(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        assert_eq!(tapstone(&["init", text(&path), "--chain-id", &self.chain_id, "--shape", "tiny"]).0, 0);
        path
    }

    fn prove(&self, files: &[PathBuf], out: &Path, more: &[&str]) -> (i32, Value, String) {
        let keys = Proven::once().keys();
        let files: Vec<&str> = files.iter().map(|path| text(path)).collect();
        let options = ["--shape", "tiny", "--keys", text(&keys), "--out", text(out)];
        // The last of an option given twice counts for nothing: clap refuses it. So `more` names other keys
        // instead of these.
        let options = if more.contains(&"--keys") { &["--shape", "tiny", "--out", text(out)][..] } else { &options };
        tapstone(&[&["prove"], &files[..], options, more].concat())
    }

    #[track_caller]
    fn proves(&self, files: &[PathBuf], out: &Path, more: &[&str]) -> Value {
        let (code, report, stderr) = self.prove(files, out, more);
        assert_eq!(code, 0, "{stderr}");
        report
    }

    /// Refused as a usage that puts other results where some are; nothing is changed.
    #[track_caller]
    fn refuses(&self, files: &[PathBuf], out: &Path, more: &[&str], part: &str) {
        left(out, || {
            let (code, _, stderr) = self.prove(files, out, more);
            assert!(code == 2 && stderr.contains(part) && stderr.contains("--out another folder"), "{code}: {stderr}");
        });
    }
}

fn manifest(out: &Path) -> Value {
    serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap()
}

/// How each batch was proven.
fn made(out: &Path) -> Vec<Value> {
    let all: Vec<Value> = manifest(out)["batches"].as_array().unwrap().iter().map(|batch| batch["made"].clone()).collect();
    assert!(all.iter().all(|made| made["seconds"].as_f64() > Some(0.0)), "{all:?}");
    all
}

#[test]
fn results_of_another_run_are_not_replaced() {
    let scene = Scene::new();
    let (out, other_keys) = (scene.path("out"), scene.path("k2"));
    scene.proves(&scene.files, &out, &[]);
    // Other inputs; with a folder of keys that has none, which gets none.
    let others = [scene.other.clone()];
    scene.refuses(&others, &out, &[], "its batch 1 is another batch");
    scene.refuses(&others, &out, &["--dry-run"], "its batch 1 is another batch");
    scene.refuses(&others, &out, &["--keys", text(&other_keys)], "its batch 1 is another batch");
    scene.refuses(&scene.files, &out, &["--keys", text(&other_keys)], "has no key of shape tiny, and a new one is another");
    assert!(!other_keys.exists());
    let second = [scene.files[0].clone(), scene.other_second.clone()];
    scene.refuses(&second, &out, &[], "its batch 2 is another batch");
    // Workers are asked for nothing.
    let queue = scene.path("queue.sqlite");
    let store = format!("sqlite:{}", queue.display());
    scene.refuses(&others, &out, &["--store", &store], "its batch 1 is another batch");
    assert!(!queue.exists());
    // The same inputs under another key.
    assert_eq!(tapstone(&["setup", "--shape", "tiny", "--keys", text(&other_keys)]).0, 0);
    scene.refuses(&scene.files, &out, &["--keys", text(&other_keys)], "of key");
    // What is there still verifies as one.
    let proven: Vec<PathBuf> = (1..=3).map(|n| out.join(format!("batch-{n}.proven.json"))).collect();
    let vk_id = manifest(&out)["vk_id"].as_str().unwrap().to_owned();
    let args: Vec<&str> = ["verify", "--vk-id", &vk_id].into_iter().chain(proven.iter().map(|path| text(path))).collect();
    let (code, verdict, stderr) = tapstone(&args);
    assert_eq!((code, &verdict["verdict"]), (0, &"valid".into()), "{stderr}");
    // A manifest of another version.
    let manifest = fs::read_to_string(out.join("manifest.json")).unwrap();
    fs::write(out.join("manifest.json"), manifest.replacen("tapstone-run/2", "tapstone-run/9", 1)).unwrap();
    left(&out, || assert_eq!(scene.prove(&scene.files, &out, &[]).0, 4));
}

#[test]
fn a_finished_folder_stays_as_it_is() {
    let scene = Scene::new();
    let out = scene.path("out");
    let more = ["--internal-key", INTERNAL_KEY];
    let first = scene.proves(&scene.files, &out, &more);
    assert_eq!(made(&out).len(), 3);
    assert_eq!(manifest(&out)["complete"], true);
    for again in [&more[..], &["--resume"], &[]] {
        left(&out, || {
            let report = scene.proves(&scene.files, &out, again);
            assert_eq!(report["state_root"], first["state_root"]);
            assert!(report["batches"].as_array().unwrap().iter().all(|b| b["proof"] == "made earlier, verified again"));
        });
    }
    // A part of it is as finished, and does not take the state back.
    left(&out, || _ = scene.proves(&scene.files[..2], &out, &[]));
    // Another anchor is not put in the place of the first.
    let other_key = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
    scene.refuses(&scene.files, &out, &["--internal-key", other_key], "anchor.json of another anchor");
}

#[test]
fn an_unfinished_folder_is_carried_on() {
    let scene = Scene::new();
    let (out, whole) = (scene.path("out"), scene.path("whole"));
    let seed = ["--insecure-seed", "5"];
    let report = scene.proves(&scene.files, &whole, &seed);
    let measured = made(&whole);
    // As if the process had ended before the last batch, with what was measured of the others.
    fs::create_dir(&out).unwrap();
    for name in names(&whole) {
        if !name.starts_with("batch-3.") && name != "state.json" {
            fs::copy(whole.join(&name), out.join(&name)).unwrap();
        }
    }
    let mut cut = manifest(&whole);
    cut["batches"].as_array_mut().unwrap().pop();
    cut["complete"] = false.into();
    fs::write(out.join("manifest.json"), cut.to_string()).unwrap();
    let again = scene.proves(&scene.files, &out, &seed);
    assert_eq!(again["state_root"], report["state_root"]);
    let now = again["batches"].as_array().unwrap().iter().map(|b| b["seconds"].is_number());
    assert_eq!(now.collect::<Vec<_>>(), [false, false, true]);
    let files = |folder: &Path| -> BTreeMap<String, Vec<u8>> {
        let all = contents(folder).into_iter().map(|(name, (bytes, _))| (name, bytes));
        all.filter(|(name, _)| name != "manifest.json").collect()
    };
    assert_eq!(files(&out), files(&whole));
    let now = manifest(&out);
    assert_eq!(
        (&now["complete"], &now["batches"][0]["made"], &now["batches"][1]["made"]),
        (&true.into(), &measured[0], &measured[1])
    );

    // A file that is damaged or gone comes back; a proof that does not verify is made anew, and of the others
    // nothing changes.
    let data = out.join("batch-2.data");
    fs::remove_file(&data).unwrap();
    fs::write(out.join("verification_key.json"), "{}").unwrap();
    scene.proves(&scene.files, &out, &seed);
    assert_eq!((files(&out), made(&out)[1].clone()), (files(&whole), measured[1].clone()));
    let proven = out.join("batch-2.proven.json");
    fs::write(&proven, "damaged").unwrap();
    let report = scene.proves(&scene.files, &out, &seed);
    assert!(report["batches"][1]["seconds"].is_number() && report["batches"][0]["seconds"].is_null());
    assert_eq!((files(&out), made(&out)[0].clone()), (files(&whole), measured[0].clone()));
    // One whose manifest does not tell of it yet is taken up.
    cut = manifest(&out);
    cut["batches"].as_array_mut().unwrap().pop();
    fs::write(out.join("manifest.json"), cut.to_string()).unwrap();
    let report = scene.proves(&scene.files, &out, &[]);
    assert!(report["batches"][2]["seconds"].is_null());
    assert_eq!((files(&out), manifest(&out)["batches"].as_array().unwrap().len()), (files(&whole), 3));
}

#[test]
fn a_chains_runs_are_one_series() {
    let scene = Scene::new();
    let (out, chain) = (scene.path("out"), scene.chain("chain"));
    let on_chain = ["--chain", text(&chain)];
    scene.proves(&scene.files[..1], &out, &on_chain);
    scene.proves(&scene.files[1..2], &out, &on_chain);
    let measured = made(&out);
    assert_eq!(measured.len(), 2);
    assert_eq!(manifest(&out)["inputs"].as_array().unwrap().len(), 2);
    left(&out, || _ = scene.proves(&scene.files[..1], &out, &on_chain));
    left(&out, || _ = scene.proves(&scene.files[..2], &out, &on_chain));
    // The folder again, from what the chain keeps: measurements too.
    let copy = scene.path("copy");
    scene.proves(&scene.files[..2], &copy, &on_chain);
    assert_eq!(made(&copy), measured);
    // A batch with a gap before it.
    let later = scene.path("later");
    scene.proves(&scene.files[2..], &later, &on_chain);
    scene.proves(&scene.files[..2], &later, &on_chain);
    assert_eq!(made(&later)[..2], measured[..]);
    let gap = scene.path("gap");
    scene.proves(&scene.files[..1], &gap, &on_chain);
    scene.refuses(&scene.files[2..], &gap, &on_chain, "batch 3 after batch 1");
    // Back, and on with another batch: not beside the first, and nothing is applied.
    assert_eq!(tapstone(&["state", "rollback", text(&chain), "--to", "1"]).0, 0);
    scene.refuses(std::slice::from_ref(&scene.other_second), &out, &on_chain, "its batch 2 is another batch");
    assert_eq!(tapstone(&["state", "show", text(&chain)]).1["batch_number"], 1);
    // The same batch again is taken up, with how it was made.
    scene.proves(&scene.files[1..2], &out, &on_chain);
    assert_eq!(made(&out), measured);
    let anew = scene.path("anew");
    scene.proves(&scene.files[..2], &anew, &on_chain);
    assert_eq!(made(&anew), measured);
}

#[test]
fn states_in_files_are_one_series_too() {
    let scene = Scene::new();
    let out = scene.path("out");
    scene.proves(&scene.files[..2], &out, &[]);
    let state = out.join("state.json");
    let report = scene.proves(&scene.files[2..], &out, &["--state", text(&state)]);
    let (_, shown, _) = tapstone(&["state", "root", text(&state)]);
    assert_eq!(shown["state_root"], report["state_root"]);
    assert_eq!(made(&out).len(), 3);
}

#[test]
fn what_no_manifest_tells_of_is_not_replaced() {
    let scene = Scene::new();
    let (out, whole) = (scene.path("out"), scene.path("whole"));
    scene.proves(&scene.files, &whole, &[]);
    fs::create_dir(&out).unwrap();
    let put = |name: &str, bytes: &[u8]| {
        fs::remove_dir_all(&out).unwrap();
        fs::create_dir(&out).unwrap();
        fs::write(out.join(name), bytes).unwrap();
    };
    for (name, bytes, part) in [
        ("batch-9.data", &b"data"[..], "files of a batch 9"),
        ("batch-1.proof.json", b"{}", "files of a batch 1"),
        ("batch-1.proven.json", b"{}", "files of a batch 1"),
        ("verifying.key", b"key", "verifying.key is another key"),
        ("state.json", b"{}", "state.json"),
    ] {
        put(name, bytes);
        let (code, _, stderr) = scene.prove(&scene.files, &out, &[]);
        assert!(code == 2 && stderr.contains(part), "{name}: {code}: {stderr}");
        assert_eq!((names(&out), fs::read(out.join(name)).unwrap()), (vec![name.to_owned()], bytes.to_vec()));
    }
    // This run's own are taken up.
    put("batch-2.proven.json", &fs::read(whole.join("batch-2.proven.json")).unwrap());
    fs::write(out.join("notes.txt"), "mine").unwrap();
    let report = scene.proves(&scene.files, &out, &[]);
    assert!(report["batches"][1]["seconds"].is_null() && report["batches"][0]["seconds"].is_number());
    assert!(out.join("notes.txt").exists());
}

#[test]
fn other_folders_of_results_are_not_replaced_either() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let simulate = ["plan", "--shape", "small", "--workers", "2", "--out", text(&out), "--simulate"];
    let played = |arrivals: &str| tapstone(&[&simulate[..], &[arrivals]].concat());
    assert_eq!(played("rate=2,seconds=100").0, 0);
    left(&out, || assert_eq!(played("rate=2,seconds=100").0, 0));
    left(&out, || {
        let (code, _, stderr) = played("rate=1,seconds=100");
        assert!(code == 2 && stderr.contains("simulation.json: there already, of another run"), "{code}: {stderr}");
    });
    fs::write(out.join("bench.json"), "{}").unwrap();
    left(&out, || {
        let (code, _, stderr) = tapstone(&["bench", "mixed", "--shape", "tiny", "--out", text(&out)]);
        assert!(code == 2 && stderr.contains("bench.json: there already, of another run"), "{code}: {stderr}");
    });
}
