//! The commands of GUIDE.md do what the guide says.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::common::*;

/// The blocks that a language marks, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let start = format!("```{language}");
    let mut list = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match &mut open {
            None if line == start => open = Some(String::new()),
            None => {}
            Some(block) if line == "```" => {
                list.push(std::mem::take(block));
                open = None;
            }
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    list
}

#[test]
fn every_command_of_the_guide_works() {
    let text_of = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("GUIDE.md")).unwrap();
    let blocks = blocks(&text_of, "sh");
    assert_eq!(blocks.len(), 8);
    let folder = tempfile::tempdir().unwrap();
    let program = assert_cmd::cargo::cargo_bin("tapstone");
    let path = format!("{}:{}", text(program.parent().unwrap()), env::var("PATH").unwrap());
    let script = format!("set -euo pipefail\n{}", blocks.join("\n"));
    let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).env("PATH", path).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    for said in ["batches to prove      2", "250000 -> 224900 (-25100)", "50000 -> 75000 (+25000)", "verdict"] {
        assert!(stdout.contains(said), "{said}: {stdout}");
    }
    // An anchor's transaction with two outputs, and no file left half-written.
    let tx = fs::read_to_string(folder.path().join("anchor.tx")).unwrap();
    let tx: bitcoin::Transaction = bitcoin::consensus::encode::deserialize_hex(tx.trim()).unwrap();
    assert_eq!((tx.output.len(), tx.output[0].value.to_sat()), (2, 10_000));
    assert!(names(folder.path()).iter().all(|name| !name.starts_with(".tapstone-")));
    assert!(fs::read_to_string(folder.path().join("report.html")).unwrap().contains("Tapstone: chain 3"));
}
