//! The configuration file: what it adds to a command line, what drives it out, and what is refused.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use crate::common::*;

struct Configured {
    folder: TempDir,
}

impl Configured {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.toml"), text).unwrap();
        Self { folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    fn run(&self, args: &[&str]) -> (i32, Value, String) {
        let file = self.file();
        let args: Vec<&str> = ["--config", text(&file)].into_iter().chain(args.iter().copied()).collect();
        tapstone(&args)
    }

    /// The shape of a plan for the smallest batch file.
    fn planned_shape(&self, args: &[&str]) -> Value {
        let batch = batches().join("tiny.jsonl");
        let args: Vec<&str> = ["plan", text(&batch)].into_iter().chain(args.iter().copied()).collect();
        let (code, report, stderr) = self.run(&args);
        assert_eq!(code, 0, "{stderr}");
        report["shape"].clone()
    }
}

#[test]
fn the_command_line_goes_before_the_commands_table_before_all() {
    let all = Configured::new("[all]\nshape = \"tiny\"\n[explain]\nshape = \"small\"");
    assert_eq!(all.planned_shape(&[]), "tiny");
    let own = Configured::new("[all]\nshape = \"no-such\"\n[plan]\nshape = \"tiny\"");
    assert_eq!(own.planned_shape(&[]), "tiny");
    let typed = Configured::new("[plan]\nshape = \"no-such\"");
    assert_eq!(typed.planned_shape(&["--shape", "tiny"]), "tiny");
    assert_eq!(typed.planned_shape(&["--shape=tiny", "--"]), "tiny");
}

#[test]
fn relative_paths_start_at_the_files_folder() {
    let config = Configured::new("[keys.show]\nkeys = \"my keys\"\nshape = \"tiny\"");
    let (code, _, stderr) = config.run(&["keys", "show"]);
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains(text(&config.folder.path().join("my keys"))), "{stderr}");
}

#[test]
fn options_of_the_whole_program_stand_at_the_top() {
    let config = Configured::new("format = \"json\"\nquiet = true");
    let output = command().arg("--config").arg(config.file()).args(["batch", "check", "/nonexistent"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let output =
        command().arg("--config").arg(config.file()).args(["--format", "human", "batch", "check", "/nonexistent"]).output();
    assert!(output.unwrap().stdout.is_empty());
}

#[test]
fn a_typed_option_drives_out_what_it_conflicts_with() {
    let config = Configured::new("[plan]\nchain = \"nowhere\"\nshape = \"tiny\"");
    let batch = batches().join("tiny.jsonl");
    let (code, _, stderr) = config.run(&["plan", text(&batch)]);
    assert_eq!(code, 5, "{stderr}");
    assert!(stderr.contains("nowhere"), "{stderr}");
    let state = Proven::once().file("state.json");
    let (code, _, stderr) = config.run(&["plan", text(&batch), "--state", text(&state)]);
    assert!(!stderr.contains("nowhere") && code != 2, "{code}: {stderr}");
}

/// The folder of the operator's chain, in the file for all commands, pins keys, until another source is typed, or none is needed.
#[test]
fn one_source_of_pins_drives_out_another() {
    let config = Configured::new("[all]\nchain = \"nowhere\"");
    let proven = Proven::once();
    let (batch, state, vk_id) = (proven.file("batch-1.proven.json"), proven.file("state.json"), proven.vk_id());
    let (code, _, stderr) = config.run(&["verify", text(&batch)]);
    assert!(code == 5 && stderr.contains("nowhere"), "{stderr}");
    let (code, report, stderr) = config.run(&["verify", text(&batch), "--vk-id", &vk_id]);
    assert_eq!((code, &report["pinned_by"]), (0, &"--vk-id".into()), "{stderr}");
    let folder = tempfile::tempdir().unwrap();
    let proof = folder.path().join("account.json");
    assert_eq!(tapstone(&["state", "prove-account", text(&state), "0", "--out", text(&proof)]).0, 0);
    let root = tapstone(&["state", "root", text(&state)]).1["state_root"].as_str().unwrap().to_owned();
    let (code, report, stderr) = config.run(&["verify-account", text(&proof), "--state-root", &root]);
    assert_eq!((code, &report["verdict"]), (0, &"held".into()), "{stderr}");
}

#[test]
fn what_a_command_needs_can_come_from_the_file() {
    let file = "[anchor.watch]\njournal = \"thread.journal\"\nnode = \"http://127.0.0.1:1\"\ncookie = \"cookie\"";
    let (code, _, stderr) = Configured::new(file).run(&["anchor", "watch"]);
    assert_eq!(code, 5, "{stderr}");
    let (code, _, stderr) = Configured::new("").run(&["anchor", "watch"]);
    assert_eq!(code, 2, "{stderr}");
}

#[test]
fn lists_and_flags() {
    let config = Configured::new("[bench]\nshape = [\"no-such\"]\nstock = false\nthreads = [1, 2]");
    let (code, _, stderr) = config.run(&["bench"]);
    assert!(code == 2 && stderr.contains("no-such"), "{code}: {stderr}");
}

#[track_caller]
fn is_refused(file: &str, code: i32, parts: &[&str]) {
    let config = Configured::new(file);
    // Whichever command runs.
    let (had, _, stderr) = config.run(&["prove", "/nonexistent"]);
    assert_eq!(had, code, "{file}: {stderr}");
    for part in parts.iter().chain(&["config.toml"]) {
        assert!(stderr.contains(part), "{file}: {stderr}");
    }
}

#[test]
fn slips_are_refused_with_their_place() {
    is_refused("[plan]\njbos = 2", 3, &["plan.jbos", "did you mean jobs?"]);
    is_refused("[prvoe]\njobs = 2", 3, &["[prvoe]", "did you mean prove?"]);
    is_refused("[anchor.publsh]\nnode = \"x\"", 3, &["[anchor.publsh]", "publish"]);
    is_refused("[all]\nchian = \"x\"", 3, &["all.chian", "did you mean chain?"]);
    is_refused("jobs = 2", 3, &["jobs: there is no such option"]);
    is_refused("[plan]\ntransactions = 1", 3, &["plan.transactions: needed true or false"]);
    is_refused("[plan]\njobs = [1, 2]", 3, &["plan.jobs: needed a text or a number"]);
    is_refused("[bench]\nthreads = [true]", 3, &["bench.threads: needed a text, a number, or a list"]);
    is_refused("[all]\nshape = true", 3, &["all.shape"]);
    is_refused("[plan\njobs = 1", 3, &["line 1"]);
    is_refused("config = \"other.toml\"", 3, &["there is no such option"]);
    is_refused("[help]\nx = 1", 3, &["[help]"]);
    // Lays open what proofs hide, so it has to be typed.
    is_refused("[prove]\ninsecure-seed = 1", 3, &["prove.insecure-seed: there is no such option"]);
    // Judged by the parser of the command line.
    is_refused("[prove]\njobs = 0", 2, &["--jobs=0", "gives this command"]);
    refused(&["--config", "/nonexistent", "doctor"], 5, "/nonexistent");
}

#[test]
fn the_file_is_shown_and_checked() {
    let config = Configured::new("[all]\nshape = \"tiny\"");
    let file = config.file();
    let (code, report, stderr) = config.run(&["config", "show"]);
    assert_eq!((code, &report["file"]), (0, &Value::from(text(&file))), "{stderr}");
    assert_eq!(report["options"]["all"]["shape"], "tiny");
    let (code, report, _) = tapstone(&["config", "show"]);
    assert_eq!((code, &report["file"]), (0, &Value::from("none")));
    // One that is wrong does not stop whoever looks into it.
    let wrong = Configured::new("[all]\nshpe = \"tiny\"");
    let file = wrong.file();
    refused(&["--config", text(&file), "config", "check", text(&file)], 3, "did you mean shape?");
    // It is found by the variable, and in the user's folder.
    let output = command().env("TAPSTONE_CONFIG", &file).arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("tapstone")).unwrap();
    fs::copy(&file, home.path().join("tapstone/config.toml")).unwrap();
    let output = command().env_remove("TAPSTONE_CONFIG").env("XDG_CONFIG_HOME", home.path()).arg("doctor").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_schema_says_what_the_reader_takes() {
    let output = command().args(["config", "schema"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let good = serde_json::json!({
        "format": "json", "quiet": true, "all": { "keys": "k" }, "prove": { "jobs": 2, "resume": true },
        "anchor": { "publish": { "node": "http://127.0.0.1:8332" } }, "bench": { "shape": ["tiny", "small"], "runs": 1 },
    });
    assert!(schema.is_valid(&good));
    for bad in [
        serde_json::json!({ "format": "xml" }),
        serde_json::json!({ "prove": { "jbos": 2 } }),
        serde_json::json!({ "prove": { "resume": 2 } }),
        serde_json::json!({ "prove": { "insecure-seed": 2 } }),
        serde_json::json!({ "all": { "kyes": "k" } }),
        serde_json::json!({ "prove": { "jobs": [2] } }),
    ] {
        assert!(!schema.is_valid(&bad), "{bad}");
    }
}
