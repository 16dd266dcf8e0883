//! `SOUNDNESS.md` names tests and rules: they exist.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::Shape;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The files that may hold a test called `module::name` or `name`, and their text.
fn tests() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests", "../verifier/src", "../verifier/tests"] {
        sources(&root.join(folder), &mut files);
    }
    let stem = |path: &Path| {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if stem == "mod" || stem == "constraints" {
            path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
        } else {
            stem
        }
    };
    files.iter().map(|path| (stem(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn every_test_and_rule_of_the_table_exists() {
    let text = include_str!("../SOUNDNESS.md");
    let tests = tests();
    let circuit = BatchCircuit::new(&Shape::registered("tiny").unwrap());
    let rules: std::collections::HashSet<&str> =
        (0..circuit.system().matrices.rows()).map(|row| circuit.system().rule(row)).collect();
    let mut lines = 0;
    for line in text.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        lines += 1;
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, named, refusing] = cells[..] else { panic!("{line}") };
        for test in named.split(", ").map(|name| name.trim_matches('`')) {
            let (module, name) = test.rsplit_once("::").map_or((None, test), |(m, n)| (Some(m), n));
            let body = format!("#[test]\nfn {name}()");
            let nested = format!("#[test]\n    fn {name}()");
            let found = tests
                .iter()
                .any(|(stem, text)| module.is_none_or(|m| m == stem) && (text.contains(&body) || text.contains(&nested)));
            assert!(found, "no test {test}");
        }
        for rule in refusing.split("; ").filter(|rule| !rule.is_empty()) {
            assert!(rules.contains(rule), "no rule {rule:?}");
        }
    }
    assert!(lines >= 19 + 10 + 24, "{lines}");
}
