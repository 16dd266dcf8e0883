//! Keys that are pinned: no verdict without a pin, and no proof by another key in a chain.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use tapstone_circuits::file::{self, Header};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;
use tempfile::TempDir;

use crate::common::*;

/// Another key of the same shape: whoever makes one can forge proofs under it.
struct Forger {
    folder: TempDir,
    vk_id: String,
}

impl Forger {
    fn once() -> &'static Self {
        static ONCE: OnceLock<Forger> = OnceLock::new();
        ONCE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let keys = folder.path().join("keys");
            let (code, report, stderr) = tapstone(&["setup", "--shape", "tiny", "--keys", text(&keys)]);
            assert_eq!(code, 0, "{stderr}");
            // Loud in JSON, quiet or not.
            assert_eq!(report["insecure_key"], true);
            Self { folder, vk_id: report["vk_id"].as_str().unwrap().to_owned() }
        })
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }
}

/// A chain's folder, and files of a batch each that follow each other.
struct Chain {
    folder: TempDir,
    id: String,
}

impl Chain {
    fn new(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(Shape::registered("tiny").unwrap());
        for batch in 1..=3 {
            let header = Header {
                chain_id: world.ledger.chain_id(),
                batch,
                pre_state_root: world.ledger.state_root(),
                operator: world.operator,
            };
            world.deposit_new(1, 1000 + u128::from(batch));
            fs::write(folder.path().join(format!("{batch}.jsonl")), file::to_jsonl(&header, &world.open)).unwrap();
            world.apply().unwrap();
        }
        let chain = Self { folder, id: world.ledger.chain_id().to_string() };
        let (code, _, stderr) = chain.init(more);
        assert_eq!(code, 0, "{stderr}");
        chain
    }

    fn init(&self, more: &[&str]) -> (i32, Value, String) {
        tapstone(&[&["init", &self.at("chain"), "--chain-id", &self.id, "--shape", "tiny"][..], more].concat())
    }

    fn at(&self, name: &str) -> String {
        text(&self.folder.path().join(name)).to_owned()
    }

    fn prove(&self, batch: u64, keys: &Path, more: &[&str]) -> (i32, Value, String) {
        // A folder of results is of one key.
        let out = self.at(&format!("out-{batch}"));
        let (file, chain) = (self.at(&format!("{batch}.jsonl")), self.at("chain"));
        let args = ["prove", &file, "--chain", &chain, "--keys", text(keys), "--out", &out];
        tapstone(&[&args[..], more].concat())
    }

    /// The number of the last batch.
    fn last(&self) -> Value {
        let (code, report, stderr) = tapstone(&["state", "show", &self.at("chain")]);
        assert_eq!(code, 0, "{stderr}");
        report["batch_number"].clone()
    }
}

#[test]
fn a_verdict_needs_a_pin() {
    let proven = Proven::once();
    let batch = proven.file("batch-1.proven.json");
    let batch = text(&batch);
    let vk_id = proven.vk_id();
    let verify = |more: &[&str]| tapstone(&[&["verify", batch][..], more].concat());
    // What lies beside the proof fits it, whoever put both there.
    refused(&["verify", batch], 4, "unpinned: nothing says that the key is the right one");
    let (_, report, _) = verify(&[]);
    assert_eq!((&report["verdict"], &report["vk_id"]), (&"unpinned".into(), &vk_id.as_str().into()));
    assert_eq!(report["batches"][0]["batch"], 1);
    let output = command().args(["verify", batch]).output().unwrap();
    let (said, told) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(said.starts_with("verdict   unpinned\n") && !said.contains("valid"), "{said}");
    for way in ["--vk-id", "--registry", "--chain"] {
        assert!(told.contains(way), "{told}");
    }
    // Not even a bad proof is told apart by whether it is pinned: a proof that does not verify is no.
    let (code, report, stderr) = verify(&["--vk-id", &vk_id]);
    assert_eq!((code, &report["verdict"], &report["pinned_by"]), (0, &"valid".into(), &"--vk-id".into()), "{stderr}");
    let other = Forger::once().vk_id.as_str();
    refused(&["verify", batch, "--vk-id", other], 4, &format!("batch 1 names key {vk_id}, needed {other}"));
    // A registry says which batches a key may prove.
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().join("registry");
    let pinned = |line: String| {
        fs::write(&registry, format!("tapstone-keys/1\n{line}\n")).unwrap();
        verify(&["--registry", text(&registry)])
    };
    let (code, report, stderr) = pinned(format!("1 {vk_id} 1"));
    assert_eq!((code, &report["verdict"], &report["pinned_by"]), (0, &"valid".into(), &text(&registry).into()), "{stderr}");
    let (code, _, stderr) = pinned(format!("2 {vk_id} -"));
    assert!(code == 4 && stderr.contains("needed none"), "{stderr}");
    let (code, _, stderr) = pinned(format!("1 {other} -"));
    assert!(code == 4 && stderr.contains(&vk_id) && stderr.contains(other), "{stderr}");
    let (code, _, stderr) = pinned("1".into());
    assert!(code == 3 && stderr.contains("line 2"), "{stderr}");
    assert_eq!(verify(&["--registry", text(&registry), "--vk-id", &vk_id]).0, 2, "one source");
    // What builds on a batch needs the same.
    let anchor = ["anchor", batch, "--internal-key", INTERNAL_KEY];
    refused(&anchor, 4, "nothing says that the key is the right one");
    assert_eq!(tapstone(&anchor).1["commitment"], Value::Null);
    assert_eq!(tapstone(&[&anchor[..], &["--vk-id", &vk_id]].concat()).0, 0);
    refused(&[&anchor[..], &["--vk-id", other]].concat(), 4, other);
}

#[test]
fn a_chain_takes_no_proof_by_another_key() {
    let (own, forger) = (Proven::once(), Forger::once());
    let (own_id, other_id) = (own.vk_id(), forger.vk_id.as_str());
    let chain = Chain::new(&[]);
    let names_both = |stderr: &str| stderr.contains(&own_id) && stderr.contains(other_id);
    // A slip in --keys: nothing is made there, and nothing proven.
    let slip = chain.folder.path().join("no keys");
    let (code, _, stderr) = chain.prove(1, &slip, &[]);
    assert!(code == 4 && stderr.contains("no key of shape tiny") && stderr.contains("--keys '"), "{stderr}");
    assert!(!slip.exists() && chain.last() == 0);
    // The first batch decides; the shape is the chain's.
    let (code, report, stderr) = chain.prove(1, &own.keys(), &[]);
    assert_eq!((code, &report["shape"], &report["insecure_key"]), (0, &"tiny".into(), &true.into()), "{stderr}");
    let (_, shown, _) = tapstone(&["state", "show", &chain.at("chain")]);
    assert_eq!(shown["keys"], serde_json::json!([{ "from_batch": 1, "shape": "tiny", "vk_id": own_id }]));
    for more in [vec![], vec!["--dry-run"], vec!["--resume"]] {
        let (code, _, stderr) = chain.prove(2, &forger.keys(), &more);
        assert!(code == 4 && names_both(&stderr), "{more:?}: {stderr}");
    }
    let (code, _, stderr) = chain.prove(2, &slip, &[]);
    assert!(code == 4 && stderr.contains(&own_id) && !slip.exists(), "{stderr}");
    // Workers are not even asked.
    let (vk, queue) = (chain.at("vk.json"), format!("sqlite:{}", chain.at("queue.sqlite")));
    assert_eq!(tapstone(&["keys", "export-vk", &vk, "--shape", "tiny", "--keys", text(&forger.keys())]).0, 0);
    for more in [&["--verifying-key", &vk][..], &[]] {
        let (code, _, stderr) = chain.prove(2, &forger.keys(), &[&["--store", &queue][..], more].concat());
        assert!(code == 4 && names_both(&stderr), "{stderr}");
    }
    assert!(!Path::new(&chain.at("queue.sqlite")).exists() && chain.last() == 1);
    let (code, report, _) =
        tapstone(&["doctor", "--chain", &chain.at("chain"), "--keys", text(&forger.keys()), "--shape", "tiny"]);
    assert!(code == 5 && names_both(&report["faults"].to_string()), "{report}");

    // On purpose: from the next batch on, and no earlier.
    let pin = |more: &[&str]| tapstone(&[&["state", "pin", &chain.at("chain"), "--vk-id", other_id][..], more].concat());
    let (code, _, stderr) = pin(&["--from-batch", "1"]);
    assert!(
        code == 4 && stderr.contains("can be pinned from batch 2 on at the earliest") && names_both(&stderr),
        "{stderr}"
    );
    let (code, report, stderr) = pin(&[]);
    assert_eq!((code, &report["keys"][1]["from_batch"]), (0, &2.into()), "{stderr}");
    assert_eq!(chain.prove(2, &own.keys(), &[]).0, 4);
    let (code, _, stderr) = chain.prove(2, &forger.keys(), &[]);
    assert_eq!(code, 0, "{stderr}");
    // Each proof under the key of its time, which the chain keeps.
    let (a, b) = (chain.at("out-1/batch-1.proven.json"), chain.at("out-2/batch-2.proven.json"));
    let verify = ["verify", &a, &b, "--chain", &chain.at("chain")];
    let (code, report, stderr) = tapstone(&verify);
    assert_eq!(
        (code, &report["verdict"], &report["pinned_by"]),
        (0, &"valid".into(), &chain.at("chain").into()),
        "{stderr}"
    );
    assert_eq!([&report["batches"][0]["vk_id"], &report["batches"][1]["vk_id"]], [own_id.as_str(), other_id]);
    refused(&["verify", &a, &b, "--vk-id", &own_id], 4, other_id);
    let (code, report, stderr) = tapstone(&["state", "check", &chain.at("chain")]);
    assert_eq!((code, &report["proofs"]), (0, &"2 verified, by the keys that the chain pins".into()), "{stderr}");
    // What the chain has needs no key to be written again, and no key is made for it.
    fs::remove_dir_all(chain.at("out-1")).unwrap();
    let (code, report, stderr) = chain.prove(1, &slip, &[]);
    assert_eq!(
        (code, &report["vk_id"], &report["insecure_key"]),
        (0, &own_id.as_str().into(), &"unknown".into()),
        "{stderr}"
    );
    assert!(!slip.exists());
    assert_eq!(tapstone(&["verify", &a, "--vk-id", &own_id]).0, 0);
    // The pins of a chain are good for its batches alone.
    let other = own.file("batch-1.proven.json");
    if chain.id != "3" {
        refused(&["verify", text(&other), "--chain", &chain.at("chain")], 4, "batch of chain 3");
    }
}

#[test]
fn what_init_pins_holds_from_the_first_batch_on() {
    let (own, forger) = (Proven::once(), Forger::once());
    let own_id = own.vk_id();
    let chain = Chain::new(&["--vk-id", &forger.vk_id]);
    let (code, _, stderr) = chain.prove(1, &own.keys(), &[]);
    assert!(code == 4 && stderr.contains(&own_id) && stderr.contains(&forger.vk_id), "{stderr}");
    assert_eq!(chain.last(), 0);
    // The same again is found, another is not.
    assert_eq!(chain.init(&["--vk-id", &forger.vk_id]).1["origin"], "found, the same");
    assert_eq!(chain.init(&[]).0, 0);
    for more in [&["--vk-id", own_id.as_str()][..], &["--trial"]] {
        let (code, _, stderr) = chain.init(more);
        assert!(code == 2 && stderr.contains("for another use, shape or key"), "{stderr}");
    }
    // A chain that pins nothing yet pins nothing for others; and a key that is given is kept.
    let bare = Chain::new(&[]);
    let batch = own.file("batch-1.proven.json");
    refused(&["verify", text(&batch), "--chain", &bare.at("chain")], 4, "the chain pins no key yet");
    let key = own.file("verifying.key");
    let kept = Chain::new(&["--verifying-key", text(&key)]);
    let (_, shown, _) = tapstone(&["state", "show", &kept.at("chain")]);
    assert_eq!(shown["keys"][0]["vk_id"], own_id);
    let (code, _, stderr) = bare.init(&["--verifying-key", text(&key), "--vk-id", &forger.vk_id]);
    assert!(code == 4 && stderr.contains(&own_id) && stderr.contains(&forger.vk_id), "{stderr}");
    // Another shape, whose trees are the same.
    let small = tempfile::tempdir().unwrap();
    let folder = small.path().join("chain");
    assert_eq!(tapstone(&["init", text(&folder), "--chain-id", "3", "--shape", "small"]).0, 0);
    let file = batches().join("small.jsonl");
    let args = ["prove", text(&file), "--chain", text(&folder), "--shape", "swaps-20", "--keys", text(small.path())];
    refused(&args, 4, "the chain is of shape small from batch 1 on, had shape swaps-20");
    // A state file names no shape.
    let state = own.file("state.json");
    let copy = small.path().join("copy");
    let genesis = ["init", text(&copy), "--genesis", text(&state), "--vk-id", &own_id];
    refused(&genesis, 2, "needed --shape");
    refused(&[&genesis[..], &["--shape", "small"]].concat(), 4, "depths");
    let (code, report, stderr) = tapstone(&[&genesis[..], &["--shape", "tiny"]].concat());
    assert_eq!((code, &report["keys"][0]["vk_id"]), (0, &own_id.as_str().into()), "{stderr}");
}

#[test]
fn doctor_lists_all_that_it_finds() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("tiny-v3.tapstone-key");
    fs::write(&keys, "no key").unwrap();
    let none = folder.path().join("none");
    let args = ["doctor", "--shape", "tiny", "--keys", text(folder.path()), "--chain", text(&none)];
    let (code, report, stderr) = tapstone(&args);
    let faults = report["faults"].as_array().unwrap();
    assert_eq!((code, faults.len() >= 2), (5, true), "{stderr}");
    for part in ["no such state", "tapstone keys import"] {
        assert!(faults.iter().any(|fault| fault.as_str().unwrap().contains(part)) && stderr.contains(part), "{stderr}");
    }
    // An unknown shape, and no home for keys, end nothing either.
    let output = command()
        .args(["doctor", "--shape", "none", "--chain", text(&none)])
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(5), "{stderr}");
    for part in ["no shape \"none\"", "no folder for keys", "no such state"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(String::from_utf8(output.stdout).unwrap().contains("cores"), "what was found is shown");
}
