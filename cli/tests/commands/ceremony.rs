//! Keys of ceremonies: what is refused writes nothing, and what is imported proves.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tapstone_ceremony::testing::KnownSecrets;
use tapstone_ceremony::{Beacon, CeremonyFile, Zkey, contribute_beacon, hash_of};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::Shape;

use crate::common::*;

const BEACON: &str = "00112233445566778899aabbccddeeff:10";

#[test]
fn a_ceremony_for_a_shape() {
    let folder = tempfile::tempdir().unwrap();
    // As long as the test: what is passed on the command line is borrowed.
    let path = |name: &str| -> &'static str { folder.path().join(name).to_str().unwrap().to_owned().leak() };
    let circuit = BatchCircuit::new(&Shape::registered("tiny").unwrap());
    let secrets = KnownSecrets::from_number(4);
    // Rows of the circuit fit into 2^16.
    let ptau = secrets.ptau(17);
    fs::write(path("powers.ptau"), &ptau).unwrap();
    fs::write(path("0.zkey"), secrets.initial_key(circuit.system())).unwrap();

    // A contribution by the command line, and the beacon.
    let args = ["keys", "contribute", path("0.zkey"), path("1.zkey"), "--name", "Ada"];
    let (code, report, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    let hash = report["contribution_hash"].as_str().unwrap().to_owned();
    refused(&args, 2, "the file is there already");
    let one = fs::read(path("1.zkey")).unwrap();
    let mut last = Vec::new();
    let beacon: Beacon = BEACON.parse().unwrap();
    contribute_beacon(&Zkey::parse(CeremonyFile::Zkey, &one).unwrap(), "", beacon, &mut last).unwrap();
    fs::write(path("2.zkey"), &last).unwrap();
    refused(&["keys", "contribute", path("2.zkey"), path("3.zkey")], 4, "it follows a beacon");
    assert!(!Path::new(path("3.zkey")).exists());

    let keys = Path::new(path("keys"));
    let ptau_hash = hash_of(&ptau).to_string();
    let import = |shape: &str, zkey: &str, more: &[&str]| -> Vec<String> {
        let files = ["--zkey", path(zkey), "--zkey-init", path("0.zkey"), "--ptau", path("powers.ptau")];
        let args = [&["keys", "import", "--shape", shape, "--keys", text(keys)][..], &files, more].concat();
        args.into_iter().map(str::to_owned).collect()
    };
    let all = ["--contribution-hash", &hash, "--beacon", BEACON, "--ptau-hash", &ptau_hash];
    let refuse = |args: Vec<String>, code, part: &str| {
        refused(&args.iter().map(String::as_str).collect::<Vec<_>>(), code, part);
        assert!(!keys.exists() || names(keys).is_empty(), "a refused import writes nothing");
    };
    refuse(import("tiny", "2.zkey", &all[2..]), 2, "name one with --contribution-hash");
    refuse(import("tiny", "2.zkey", &all[..2]), 4, "zkey: beacon 00112233445566778899aabbccddeeff:10, needed none");
    refuse(import("tiny", "2.zkey", &all[..4]), 4, "of no known ceremony");
    refuse(import("tiny", "1.zkey", &all), 4, "zkey: beacon none, needed 0011");
    refuse(import("tiny", "0.zkey", &all), 4, "anyone could forge proofs");
    refuse(import("small", "2.zkey", &all), 4, "number of wires 45365, needed 249100");
    for (option, part) in [("--contribution-hash", "128 hexadecimal digits"), ("--beacon", "a beacon is")] {
        let output = command().args(import("tiny", "2.zkey", &[option, "00"])).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && stderr.contains(part), "{stderr}");
    }
    refuse(import("tiny", "none.zkey", &all), 5, "none.zkey");
    fs::write(path("bad.zkey"), &last[..last.len() - 1]).unwrap();
    refuse(import("tiny", "bad.zkey", &all), 3, "zkey: truncated");
    fs::write(path("bad.zkey"), b"").unwrap();
    refuse(import("tiny", "bad.zkey", &all), 3, "zkey: truncated");
    // A point of H in the place of another: the last section but one.
    let mut bad = last.clone();
    let contributions = last.len() - 12 - contributions_length(&last);
    bad.copy_within(contributions - 64..contributions, contributions - 128);
    fs::write(path("bad.zkey"), bad).unwrap();
    refuse(import("tiny", "bad.zkey", &all), 4, "section H is not that of the initial zkey divided by delta");

    let good = import("tiny", "2.zkey", &all);
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    let (code, report, stderr) = tapstone(&good);
    assert_eq!(code, 0, "{stderr}");
    let vk_id = report["vk_id"].clone();
    assert_eq!((&report["origin"], report.get("warning")), (&Value::from("ceremony"), None));
    assert_eq!(report["contributions"][0]["hash"], Value::from(hash));
    assert_eq!(report["contributions"][0]["name"], "Ada");
    assert_eq!(report["contributions"][1]["beacon"], BEACON);
    refused(&good, 2, "--force replaces it");
    let (code, shown, _) = tapstone(&["keys", "show", "--shape", "tiny", "--keys", text(keys)]);
    assert_eq!((code, &shown["vk_id"], &shown["contributions"]), (0, &vk_id, &report["contributions"]));
    let (code, checked, _) = tapstone(&["keys", "check", "--points", "--shape", "tiny", "--keys", text(keys)]);
    assert!(checked["points"].is_string(), "{checked}");
    assert_eq!((code, checked.get("warning"), &checked["ceremony"]), (0, None, &report["circuit_hash"]));
    let (code, list, _) = tapstone(&["keys", "list", "--keys", text(keys)]);
    assert_eq!((code, &list["shapes"][0]["vk_id"], &list["shapes"][1]["key"]), (0, &vk_id, &Value::from("none")));
    let vk = path("vk.json");
    let (code, ..) = tapstone(&["keys", "export-vk", vk, "--shape", "tiny", "--keys", text(keys)]);
    assert_eq!(code, 0);

    let (batch, out) = (batches().join("tiny.jsonl"), Path::new(path("out")));
    let args = ["prove", text(&batch), "--shape", "tiny", "--keys", text(keys), "--out", text(out)];
    let (code, _, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(fs::read(vk).unwrap(), fs::read(out.join("verification_key.json")).unwrap());
    let proven = out.join("batch-1.proven.json");
    let (code, ..) = tapstone(&["verify", text(&proven), "--vk-id", vk_id.as_str().unwrap()]);
    assert_eq!(code, 0);

    // What one machine makes never takes its place: neither by force, nor by a hint where the file is damaged.
    refused(&["setup", "--force", "--shape", "tiny", "--keys", text(keys)], 2, "from a ceremony");
    assert_eq!(tapstone(&["keys", "show", "--shape", "tiny", "--keys", text(keys)]).1["vk_id"], vk_id);
    let file = Path::new(keys).join("tiny-v3.tapstone-key");
    let mut damaged = fs::read(&file).unwrap();
    let (start, end) = (damaged.len() / 4, damaged.len() / 2);
    damaged[start..end].iter_mut().step_by(64).for_each(|byte| *byte ^= 1);
    fs::write(&file, damaged).unwrap();
    let (code, _, stderr) = tapstone(&["keys", "check", "--shape", "tiny", "--keys", text(keys)]);
    let hint = format!("`tapstone keys import --force --shape tiny --keys {}`", text(keys));
    assert!(code == 4 && stderr.contains(&hint) && !stderr.contains("setup"), "{stderr}");
}

/// The length of the last section, from the number of contributions on: two, of which the first has a name and the second a beacon.
fn contributions_length(zkey: &[u8]) -> usize {
    let fixed = 3 * 64 + 128 + 64 + 8;
    let length = 64 + 4 + 2 * fixed + (2 + "Ada".len()) + (2 + 2 + 16);
    let at = zkey.len() - length - 8;
    assert_eq!(u64::from_le_bytes(zkey[at..at + 8].try_into().unwrap()), length as u64);
    length
}

#[test]
fn keys_of_one_party_are_loud() {
    let keys = Proven::once().keys();
    let (code, shown, _) = tapstone(&["keys", "show", "--shape", "tiny", "--keys", text(&keys)]);
    assert_eq!((code, &shown["origin"]), (0, &Value::from("one party")));
    assert!(shown["warning"].as_str().unwrap().starts_with("INSECURE KEY"));
    let (_, list, _) = tapstone(&["keys", "list", "--keys", text(&keys)]);
    assert!(list["shapes"][0]["warning"].as_str().unwrap().starts_with("INSECURE KEY"));
    let batch = batches().join("tiny.jsonl");
    let out = tempfile::tempdir().unwrap();
    let args = ["prove", text(&batch), "--shape", "tiny", "--keys", text(&keys), "--out", text(out.path())];
    let stderr = String::from_utf8(command().args(args).output().unwrap().stderr).unwrap();
    assert!(stderr.contains("INSECURE KEY"), "{stderr}");
}
