//! The audit at the command line, and circuits for other tools.

use std::fs;

use serde_json::Value;

use crate::common::*;

#[test]
fn an_audit_tells_what_it_did_and_what_it_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("audit.json");
    let (code, report, stderr) =
        tapstone(&["audit", "--shape", "tiny", "--seconds", "0", "--removals", "1", "--out", text(&out)]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!((&report["shape"], &report["rows"], &report["jacobians"]), (&"tiny".into(), &45_677.into(), &1.into()));
    assert_eq!(report["findings"], Value::Array(vec![]));
    assert!(report["left_out"].as_array().unwrap().len() > 10);
    let written: Value = serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(written["reached"], report["reached"]);
    refused(&["audit", "--shape", "none"], 2, "no shape");
}

#[test]
fn circuits_are_exported_with_the_names_of_their_wires() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tiny.r1cs");
    let (code, report, stderr) = tapstone(&["keys", "export-r1cs", text(&file), "--shape", "tiny"]);
    assert_eq!(code, 0, "{stderr}");
    let bytes = fs::read(&file).unwrap();
    let u32_at = |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
    assert_eq!(report["wires"].as_u64(), Some(u32_at(60)));
    assert_eq!(report["constraints"].as_u64(), Some(u32_at(84)));
    let names = fs::read_to_string(folder.path().join("tiny.sym")).unwrap();
    assert_eq!(names.lines().count() as u64, u32_at(60) - 1);
    assert!(names.lines().all(|line| line.split(',').count() == 4));
    refused(&["keys", "export-r1cs", "a.sym", "--shape", "tiny"], 2, "another extension");
}
