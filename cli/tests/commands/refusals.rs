//! Files that are damaged, cut off, endless or not what they should be: one line that names the file, and the right exit code.

use std::fs::{self, File};
use std::path::Path;

use crate::common::*;

#[test]
fn a_folder_or_nothing_in_place_of_a_file_is_an_input_error_of_the_system() {
    let proven = Proven::once();
    let (folder, keys) = (tempfile::tempdir().unwrap(), proven.keys());
    for path in [folder.path(), Path::new("/nonexistent")] {
        let path = text(path);
        refused(&["prove", path, "--shape", "tiny", "--keys", text(&keys)], 5, path);
        let batch = batches().join("tiny.jsonl");
        refused(&["prove", text(&batch), "--state", path, "--shape", "tiny", "--keys", text(&keys)], 5, path);
        refused(&["verify", path, "--key", text(&proven.file("verifying.key"))], 5, path);
        refused(&["verify", text(&proven.file("batch-1.proven.json")), "--key", path], 5, path);
        refused(&["inspect", path], 5, path);
        refused(&["wallet", "public", path], 5, path);
    }
}

#[test]
fn empty_files_are_refused() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    write_secret(&empty, "");
    let empty = text(&empty);
    refused(&["prove", empty, "--shape", "tiny"], 3, "line 1");
    refused(&["verify", empty, "--key", text(&proven.file("verifying.key"))], 3, empty);
    refused(&["verify", text(&proven.file("batch-1.proven.json")), "--key", empty], 4, empty);
    refused(&["inspect", empty], 3, empty);
    refused(&["wallet", "public", empty], 3, empty);
}

/// JSON of another form is told in the words of JSON: no message names a type of this program.
#[test]
fn json_of_another_form_is_told_without_names_of_types() {
    let folder = tempfile::tempdir().unwrap();
    let (file, run) = (folder.path().join("x.json"), folder.path().join("run"));
    fs::create_dir(&run).unwrap();
    for content in ["null", "[]", "1", "\"x\""] {
        write_secret(&file, content);
        fs::write(run.join("manifest.json"), content).unwrap();
        let file = text(&file);
        let commands: [&[&str]; 5] = [
            &["verify", file],
            &["state", "root", file],
            &["report", text(&run)],
            &["batch", "check", file, "--shape", "tiny"],
            &["state", "prove-account", file, "0", "--out", "none"],
        ];
        for command in commands {
            let (code, _, stderr) = tapstone(command);
            assert!(code == 3 && !stderr.contains("struct "), "{command:?} {content}: {stderr}");
        }
    }
    // Nor does an empty batch file have a count of lines.
    write_secret(&file, "");
    let (code, _, stderr) = tapstone(&["batch", "check", text(&file), "--shape", "tiny"]);
    assert!(
        code == 3 && stderr.contains("the file is empty, needed a header") && !stderr.contains("of 0 lines"),
        "{stderr}"
    );
}

#[test]
fn a_batch_file_that_is_cut_off_within_a_line_is_refused_with_the_line() {
    let good = fs::read(batches().join("tiny.jsonl")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.jsonl");
    for length in (1..good.len()).step_by(41) {
        let whole = good[length] == b'\n' || good[length - 1] == b'\n';
        fs::write(&path, &good[..length]).unwrap();
        if whole {
            assert_eq!(tapstone(&["inspect", text(&path)]).0, 0);
        } else {
            let line = 1 + good[..length].iter().filter(|b| **b == b'\n').count();
            refused(&["prove", text(&path), "--shape", "tiny"], 3, &format!("line {line}"));
        }
    }
}

#[test]
fn a_proven_batch_that_is_cut_off_is_refused() {
    let proven = Proven::once();
    let good = fs::read(proven.file("batch-1.proven.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.json");
    for length in (1..good.len() - 2).step_by(67) {
        fs::write(&path, &good[..length]).unwrap();
        refused(&["verify", text(&path), "--key", text(&proven.file("verifying.key"))], 3, "not a proven batch");
    }
}

#[test]
fn a_state_with_one_digit_changed_is_refused() {
    let proven = Proven::once();
    let good = fs::read(proven.file("state.json")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    // After the format's version, which is another error.
    let start = good.windows(7).position(|part| part == b"state/1").unwrap() + 7;
    let digits: Vec<usize> = (start..good.len()).filter(|i| good[*i].is_ascii_digit()).collect();
    for at in digits.into_iter().step_by(7) {
        let mut bad = good.clone();
        bad[at] = if bad[at] == b'9' { b'8' } else { bad[at] + 1 };
        fs::write(&path, &bad).unwrap();
        let batch = batches().join("tiny.jsonl");
        refused(&["prove", text(&batch), "--state", text(&path), "--shape", "tiny"], 3, text(&path));
    }
    let other = String::from_utf8(good).unwrap().replace("tapstone-state/1", "tapstone-state/2");
    fs::write(&path, other).unwrap();
    refused(&["inspect", text(&path)], 4, "tapstone-state/2");
}

#[test]
fn other_versions_of_formats_are_mismatches() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    let batch = fs::read_to_string(batches().join("tiny.jsonl")).unwrap().replace("tapstone-batch/1", "tapstone-batch/2");
    fs::write(&path, batch).unwrap();
    refused(&["prove", text(&path), "--shape", "tiny"], 4, "tapstone-batch/2");
    fs::write(&path, r#"{"format":"tapstone-proven/2","more":1}"#).unwrap();
    refused(&["verify", text(&path), "--key", text(&proven.file("verifying.key"))], 4, "tapstone-proven/2");
}

#[test]
fn a_state_of_another_shape_is_a_mismatch_that_names_the_state() {
    let state = Proven::once().file("state.json");
    let batch = batches().join("small.jsonl");
    refused(&["prove", text(&batch), "--state", text(&state), "--shape", "small"], 4, text(&state));
}

#[test]
fn inspect_tells_each_file_and_reads_it_strictly() {
    let proven = Proven::once();
    for (name, kind) in [
        ("verifying.key", "verifying key"),
        ("batch-1.proven.json", "proven batch"),
        ("batch-1.data", "published data"),
        ("state.json", "state"),
    ] {
        let (code, report, stderr) = tapstone(&["inspect", text(&proven.file(name))]);
        assert_eq!(code, 0, "{stderr}");
        assert!(report["file"].as_str().unwrap().starts_with(kind), "{report}");
    }
    let statement = |name: &str, field: &str| tapstone(&["inspect", text(&proven.file(name))]).1[field].clone();
    let from_data = statement("batch-1.data", "data_hash");
    assert_eq!(from_data, statement("batch-1.proven.json", "statement")["data_hash"]);
    refused(&["inspect", text(&proven.key())], 3, "proving key");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad");
    fs::write(&path, r#"{"format":"tapstone-proven/1","statement":"anything"}"#).unwrap();
    refused(&["inspect", text(&path)], 3, text(&path));
    let data = fs::read(proven.file("batch-1.data")).unwrap();
    fs::write(&path, &data[..data.len() - 1]).unwrap();
    refused(&["inspect", text(&path)], 3, "not published data");
}

#[test]
fn names_from_files_neither_break_the_line_nor_reach_the_terminal() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad");
    fs::write(&path, r#"{"format":"tapstone-proven/1","a\n\u001b[31mb":1}"#).unwrap();
    refused(&["verify", text(&path), "--key", text(&proven.file("verifying.key"))], 3, r"a\n\u{1b}[31mb");
}

/// 200 MB without a newline, under a limit of 120 MB of address space.
#[cfg(target_os = "linux")]
#[test]
fn memory_stays_bounded_whatever_the_length_of_a_line() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    let header = fs::read_to_string(batches().join("tiny.jsonl")).unwrap().lines().next().unwrap().to_owned() + "\n";
    let key = proven.file("verifying.key");
    for start in [header.as_str(), "", "{", "{\"format\":\"tapstone-proven/1\",\"proof\":\""] {
        fs::write(&path, start).unwrap();
        // A hole, which reads as zeros.
        File::options().write(true).open(&path).unwrap().set_len(200 << 20).unwrap();
        for args in [vec!["prove", "--shape", "tiny"], vec!["inspect"], vec!["verify", "--key", text(&key)]] {
            let output = std::process::Command::new("sh")
                .args(["-c", "ulimit -v 120000 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_tapstone"), "-q"])
                .args(args)
                .arg(&path)
                .output()
                .unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(3), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
}

#[test]
fn anchors_are_refused_before_the_work_that_they_would_waste() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let unspendable = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
    let keys = folder.path().join("keys");
    let batch = batches().join("tiny.jsonl");
    let args = ["prove", text(&batch), "--shape", "tiny", "--keys", text(&keys), "--internal-key", unspendable];
    refused(&args, 2, "unspendable");
    assert!(!keys.exists(), "no key is made for it");
    let batch = proven.file("batch-1.proven.json");
    let anchor = |previous: &str, code, part: &str| {
        refused(&["anchor", text(&batch), "--internal-key", INTERNAL_KEY, "--previous", previous], code, part);
    };
    anchor("no/such/file", 2, "--previous");
    anchor("ABCD", 2, "--previous");
    anchor("abcd", 3, "--previous");
    let path = folder.path().join("header");
    fs::write(&path, "not hexadecimal").unwrap();
    anchor(text(&path), 3, text(&path));
    anchor(text(folder.path()), 5, text(folder.path()));
}
