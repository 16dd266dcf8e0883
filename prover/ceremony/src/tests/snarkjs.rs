//! A ceremony with snarkjs: its keys and ours, its verdicts and ours, on good files and on tampered ones.
//!
//! Runs where `TAPSTONE_SNARKJS_CLI` names snarkjs' `cli.js` and there is Node, as in `.ci/run`; else it says that it did not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tapstone_verifier::Proof;

use super::*;
use tapstone_prover::Prover;

const VALUE: &str = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// snarkjs in a folder.
struct Snarkjs {
    cli: PathBuf,
    folder: tempfile::TempDir,
}

impl Snarkjs {
    fn output(&self, args: &[&str]) -> Output {
        Command::new("node").arg(&self.cli).args(args).current_dir(self.folder.path()).output().unwrap()
    }

    #[track_caller]
    fn run(&self, args: &[&str]) {
        let output = self.output(args);
        assert!(output.status.success(), "snarkjs {args:?}: {}", String::from_utf8_lossy(&output.stdout));
    }

    #[track_caller]
    fn refuses(&self, args: &[&str]) {
        assert!(!self.output(args).status.success(), "snarkjs {args:?} accepts");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }
}

/// snarkjs, if the environment names it.
fn snarkjs() -> Option<Snarkjs> {
    let Some(cli) = std::env::var_os("TAPSTONE_SNARKJS_CLI") else {
        eprintln!("not run: TAPSTONE_SNARKJS_CLI does not name snarkjs' cli.js");
        return None;
    };
    Some(Snarkjs { cli: fs::canonicalize(Path::new(&cli)).unwrap(), folder: tempfile::tempdir().unwrap() })
}

/// The initial key is snarkjs' byte by byte, the hash of the circuit included: for a small domain, and for one above those at which
/// snarkjs hashes one difference of powers more than it says.
#[test]
fn initial_keys_are_those_of_snarkjs() {
    let Some(snarkjs) = snarkjs() else { return };
    for rows in [27, (1 << 14) + 5] {
        let system = chain(rows, 3).0;
        let power = (rows + 2).next_power_of_two().trailing_zeros() + 1;
        let mut r1cs = Vec::new();
        system.write_r1cs(&mut r1cs).unwrap();
        snarkjs.write("circuit.r1cs", r1cs);
        snarkjs.write("powers.ptau", secrets().prepared_ptau(power));
        snarkjs.run(&["groth16", "setup", "circuit.r1cs", "powers.ptau", "0.zkey"]);
        let (ours, theirs) = (secrets().initial_key(&system), snarkjs.read("0.zkey"));
        for id in 1..=10 {
            assert!(ours[section(&ours, id)] == theirs[section(&theirs, id)], "{rows} rows, section {id}");
        }
    }
}

#[test]
fn snarkjs_and_we_agree_on_a_ceremony() {
    let Some(snarkjs) = snarkjs() else { return };
    let (system, values) = chain(200, 3);
    let power = 9;
    let mut r1cs = Vec::new();
    system.write_r1cs(&mut r1cs).unwrap();
    snarkjs.write("one.r1cs", r1cs);

    // Powers of tau, the key, three contributions of which the second is ours, and a beacon.
    snarkjs.run(&["powersoftau", "new", "bn128", &power.to_string(), "new.ptau"]);
    snarkjs.run(&["powersoftau", "contribute", "new.ptau", "one.ptau", "--name=one", "-e=random"]);
    snarkjs.run(&["powersoftau", "prepare", "phase2", "one.ptau", "final.ptau"]);
    snarkjs.run(&["groth16", "setup", "one.r1cs", "final.ptau", "0.zkey"]);
    snarkjs.run(&["zkey", "contribute", "0.zkey", "1.zkey", "--name=first", "-e=random"]);
    let first = snarkjs.read("1.zkey");
    let first = Zkey::parse(CeremonyFile::Zkey, &first).unwrap();
    first.verify_contributions().unwrap();
    let mut second = Vec::new();
    let ours = contribute(&first, "second, ours", Secret::draw(b"typed").unwrap(), &mut second).unwrap();
    snarkjs.write("2.zkey", &second);
    snarkjs.run(&["zkey", "beacon", "2.zkey", "3.zkey", VALUE, "10", "-n=beacon"]);
    snarkjs.run(&["zkey", "verify", "one.r1cs", "final.ptau", "3.zkey"]);

    // Our beacon is theirs, byte for byte.
    let beacon: Beacon = format!("{VALUE}:10").parse().unwrap();
    let mut by_us = Vec::new();
    contribute_beacon(&Zkey::parse(CeremonyFile::Zkey, &second).unwrap(), "beacon", beacon.clone(), &mut by_us).unwrap();
    assert_eq!(section(&by_us, 10).len(), section(&snarkjs.read("3.zkey"), 10).len());
    for id in 1..=10 {
        let theirs = snarkjs.read("3.zkey");
        assert!(by_us[section(&by_us, id)] == theirs[section(&theirs, id)], "section {id}");
    }

    let (zkey, initial, ptau) = (snarkjs.read("3.zkey"), snarkjs.read("0.zkey"), snarkjs.read("final.ptau"));
    let first = first.contributions()[0].hash();
    let pins = Pins { contributions: vec![first, ours], beacon: Some(beacon), ptau: Some(hash_of(&ptau)) };
    let files = Files { zkey: &zkey, initial: &initial, ptau: &ptau };
    let verified = verify_system(&system, shape(), files, &pins, &|_| ()).unwrap();
    let names: Vec<&str> = verified.provenance().parties.iter().map(|party| &party.name[..]).collect();
    assert_eq!(names, ["first", "second, ours", "beacon"]);

    tampered(&snarkjs, &system, files, &pins);

    // A proof by the imported key, and its verifying key, are snarkjs'.
    let key = verified.proving_key().unwrap();
    snarkjs.run(&["zkey", "export", "verificationkey", "3.zkey", "theirs.json"]);
    snarkjs.write("ours.json", key.verifying().to_snarkjs_json());
    let mut theirs = snarkjs.json("theirs.json");
    // Libraries' final exponentiations differ by a constant power; nobody reads it.
    theirs.as_object_mut().unwrap().remove("vk_alphabeta_12");
    assert_eq!(snarkjs.json("ours.json"), theirs);
    let randomness = (Fr::from(1234u64), Fr::from(5678u64));
    let proof = Prover::new(key).prove_assignment(&values, randomness, &()).unwrap();
    snarkjs.write("proof.json", Proof::from_ark_parts(proof.a, proof.b, proof.c).unwrap().to_snarkjs_json());
    snarkjs.write("public.json", format!("[\"{}\"]", values[1]));
    snarkjs.run(&["groth16", "verify", "theirs.json", "public.json", "proof.json"]);
    snarkjs.run(&["groth16", "verify", "ours.json", "public.json", "proof.json"]);
}

/// Files that were changed: neither accepts them.
fn tampered(snarkjs: &Snarkjs, system: &System, files: Files<'_>, pins: &Pins) {
    let ours = |zkey: &[u8]| -> Result<Provenance, CeremonyError> {
        verify_system(system, shape(), Files { zkey, ..files }, pins, &|_| ()).map(|verified| verified.provenance().clone())
    };
    ours(files.zkey).unwrap();
    // Another point of the same section in the place of the first that is not infinity.
    for (id, size) in [(3, 64), (5, 64), (6, 64), (7, 128), (8, 64), (9, 64)] {
        let mut zkey = files.zkey.to_vec();
        let range = section(&zkey, id);
        let points: Vec<usize> =
            range.step_by(size).filter(|at| zkey[*at..at + size].iter().any(|byte| *byte != 0)).take(2).collect();
        let other = zkey[points[1]..points[1] + size].to_vec();
        zkey[points[0]..points[0] + size].copy_from_slice(&other);
        assert!(ours(&zkey).is_err(), "section {id}");
        snarkjs.write("bad.zkey", &zkey);
        snarkjs.refuses(&["zkvi", "0.zkey", "final.ptau", "bad.zkey"]);
    }
    // The key of other randomness, which has its own contribution in the place of ours.
    let first = snarkjs.read("1.zkey");
    let mut other = Vec::new();
    contribute(&Zkey::parse(CeremonyFile::Zkey, &first).unwrap(), "", Secret::draw(b"").unwrap(), &mut other).unwrap();
    let mut zkey = other[..section(&other, 10).start].to_vec();
    zkey.extend(&files.zkey[section(files.zkey, 10)]);
    let length = (section(files.zkey, 10).len() as u64).to_le_bytes();
    let at = section(&other, 10).start - 8;
    zkey[at..at + 8].copy_from_slice(&length);
    assert!(matches!(ours(&zkey), Err(CeremonyError::DeltaG1)));
    snarkjs.write("bad.zkey", &zkey);
    snarkjs.refuses(&["zkvi", "0.zkey", "final.ptau", "bad.zkey"]);
}
