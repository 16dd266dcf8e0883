//! `batch check` and `batch new`.

use std::fs;

use serde_json::{Value, json};

use crate::common::*;

#[test]
fn shipped_files_are_right() {
    for name in ["tiny", "tiny-chain", "tiny-kinds", "tiny-full", "small", "small-kinds"] {
        let file = batches().join(format!("{name}.jsonl"));
        let (code, report, stderr) = tapstone(&["batch", "check", text(&file), "--shape", name.split('-').next().unwrap()]);
        assert_eq!((code, &report["form"], &report["rules"]), (0, &json!("right"), &json!("kept")), "{name}: {stderr}");
    }
}

#[test]
fn all_wrong_lines_are_listed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.jsonl");
    let good = fs::read_to_string(batches().join("tiny.jsonl")).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let bad = [
        lines[0].to_owned(),
        lines[1].replace("\"token\":1", "\"token\":-1"),
        lines[2].replace("\"amount\":\"400000\"", "\"amount\":\"0400000\""),
        lines[3].to_owned(),
        lines[4].replace("\"expiry\"", "\"expires\""),
    ];
    fs::write(&path, bad.join("\n") + "\n").unwrap();
    let check = ["batch", "check", text(&path), "--shape", "tiny"];
    refused(&check, 3, "3 of 5 lines are wrong");
    let (_, report, _) = tapstone(&check);
    let places: Vec<Value> = report["faults"].as_array().unwrap().iter().map(|f| json!([f["line"], f["field"]])).collect();
    assert_eq!(json!(places), json!([[2, null], [3, "amount"], [5, "expiry"]]));
    let column = bad[2].find("\"0400000\"").unwrap() + 1;
    assert_eq!(report["faults"][1]["column"], column);

    // For people: every line once, with a caret under the place, no wider than a terminal.
    let output = command().args(["--quiet"]).args(check).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<&str> = stdout.lines().collect();
    assert_eq!(shown.len(), 9, "{stdout}");
    assert!(shown[3].contains(&format!(":3:{column}: field \"amount\"")), "{stdout}");
    let caret = shown[5].find('^').unwrap();
    assert!(shown[4][caret..].starts_with("\"0400000\""), "{stdout}");
    assert!(shown.iter().skip(1).step_by(3).chain(shown.iter().skip(2).step_by(3)).all(|line| line.chars().count() <= 80));
    assert!(!stdout.contains('\u{1b}'));
}

#[test]
fn broken_rules_are_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.jsonl");
    let good = fs::read_to_string(batches().join("tiny.jsonl")).unwrap();
    let bad = good.replacen("\"amount\":\"400000\"", "\"amount\":\"400001\"", 1);
    assert_ne!(good, bad);
    fs::write(&path, bad).unwrap();
    refused(&["batch", "check", text(&path), "--shape", "tiny"], 1, "line 3");
    let (code, report, _) = tapstone(&["batch", "check", text(&path), "--form-only"]);
    assert_eq!((code, &report["form"]), (0, &json!("right")));
    refused(&["batch", "check", text(&folder.path().join("none.jsonl"))], 5, "");
}

#[test]
fn a_new_file_is_right_from_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.jsonl");
    let (code, report, stderr) = tapstone(&["batch", "new", text(&path), "--shape", "tiny"]);
    assert_eq!((code, &report["batch"]), (0, &json!(1)), "{stderr}");
    let (code, _, stderr) = tapstone(&["batch", "check", text(&path), "--shape", "tiny"]);
    assert_eq!(code, 0, "{stderr}");
    let before = fs::read(&path).unwrap();
    refused(&["batch", "new", text(&path), "--shape", "tiny"], 2, "exists already");
    assert_eq!(fs::read(&path).unwrap(), before);
}
