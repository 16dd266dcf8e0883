//! The files that commands are given: in any order or as a run's folder, through pipes, with marks that nobody sees, of other formats and shapes.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tapstone_circuits::file::{self, Header};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;

use crate::common::*;

/// A shell puts `batch-10` before `batch-2`; here nothing of a name tells the order.
#[test]
fn files_of_batches_are_taken_in_the_order_of_their_batches() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let (file, keys, out) = (batches().join("tiny-chain.jsonl"), Proven::once().keys(), at("out"));
    let args = ["prove", text(&file), "--shape", "tiny", "--keys", text(&keys), "--out", &out];
    let (code, run, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    let count = run["batches"].as_array().unwrap().len();
    assert!(count > 2);
    let vk_id = run["vk_id"].as_str().unwrap();
    let place = |number: usize, end: &str| format!("{out}/batch-{number}.{end}");
    // The last batch first.
    let mixed = |end: &str| -> Vec<String> { (1..=count).rev().map(|number| place(number, end)).collect() };
    let run_with = |args: &[&str], files: &[String]| {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        tapstone(&[args, &files].concat())
    };
    let root = &run["state_root"];
    for files in [mixed("proven.json"), vec![out.clone()]] {
        let (code, verdict, stderr) = run_with(&["verify", "--vk-id", vk_id], &files);
        assert_eq!(code, 0, "{files:?}: {stderr}");
        assert_eq!(verdict["batches"].as_array().unwrap().len(), count);
        assert_eq!(&verdict["batches"][count - 1]["post_state_root"], root);
        let anchor = ["anchor", "--vk-id", vk_id, "--internal-key", INTERNAL_KEY];
        assert_eq!(run_with(&anchor, &files).1["batch_count"], count);
    }
    for (files, proven) in [(mixed("data"), mixed("proven.json")), (vec![out.clone()], vec![out.clone()])] {
        let proven: Vec<&str> = proven.iter().flat_map(|path| ["--proven", path.as_str()]).collect();
        let (code, rebuilt, stderr) =
            run_with(&[&["state", "rebuild", "--shape", "tiny", "--vk-id", vk_id], &proven[..]].concat(), &files);
        assert_eq!((code, &rebuilt["state_root"]), (0, root), "{stderr}");
    }
    // One batch twice, one that is missing, other chains, and a folder of something else.
    fs::copy(place(1, "proven.json"), at("copy.json")).unwrap();
    let (one, copy, last) = (place(1, "proven.json"), at("copy.json"), place(3, "proven.json"));
    refused(&["verify", "--vk-id", vk_id, &one, &last, &copy], 2, "are both of batch 1: give one of them");
    refused(&["verify", "--vk-id", vk_id, &last, &one], 1, "to follow the batch before");
    refused(&["verify", text(&batches())], 5, "a folder without proven batches");
    let first = fs::read_to_string(&file).unwrap();
    fs::write(at("again.jsonl"), first).unwrap();
    refused(&["plan", text(&file), &at("again.jsonl"), "--shape", "tiny"], 2, "both begin with batch 1");
}

#[cfg(unix)]
#[test]
fn pipes_and_standard_input_are_files_like_any_other() {
    let (file, proven) = (batches().join("tiny.jsonl"), Proven::once());
    let program = text(&assert_cmd::cargo::cargo_bin("tapstone")).to_owned();
    let (data, key, state) = (proven.file("batch-1.data"), proven.file("verifying.key"), proven.file("state.json"));
    let whole = proven.file("batch-1.proven.json");
    let vk_id = &tapstone(&["inspect", text(&key)]).1["vk_id"];
    let vk_id = vk_id.as_str().unwrap();
    for (input, command) in [
        (text(&file), "batch check FILE --shape tiny"),
        (text(&file), "inspect FILE"),
        (text(&file), "plan FILE --shape tiny"),
        (text(&file), "explain FILE --shape tiny --line 2"),
        (text(&whole), "inspect FILE"),
        (text(&whole), &format!("verify FILE --vk-id {vk_id} --key {}", text(&key))),
        (text(&key), &format!("verify {} --vk-id {vk_id} --key FILE", text(&whole))),
        (text(&data), "inspect FILE"),
        (text(&data), "state rebuild FILE --shape tiny"),
        (text(&state), "state show FILE"),
        (text(&state), "inspect FILE"),
    ] {
        let run = |place: &str, script: &str| {
            let command = command.replace("FILE", place);
            let script = script.replace("COMMAND", &format!("'{program}' -q --format json {command}"));
            let shell = Command::new("bash").args(["-c", &script]).env("TAPSTONE_CONFIG", "").output().unwrap();
            assert!(shell.status.success(), "{script}: {}", String::from_utf8_lossy(&shell.stderr));
            let mut report: Value = serde_json::from_slice(&shell.stdout).unwrap();
            // The name is another, and plans are measured anew.
            for field in ["file", "seconds", "seconds_a_batch", "core_seconds", "memory", "seconds_from"] {
                report.as_object_mut().unwrap().remove(field);
            }
            report
        };
        let usual = run(input, "COMMAND");
        for (place, script) in [
            (format!("<(cat '{input}')"), "COMMAND".to_owned()),
            ("-".to_owned(), format!("cat '{input}' | COMMAND")),
            ("-".to_owned(), format!("COMMAND < '{input}'")),
            ("/dev/stdin".to_owned(), format!("cat '{input}' | COMMAND")),
        ] {
            assert_eq!(run(&place, &script), usual, "{place} {script}");
        }
    }
    // Whose fault it is is told by name.
    let output = Command::new(&program).args(["-q", "batch", "check", "-"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && said.contains("standard input"), "{said}");
}

#[test]
fn a_byte_order_mark_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let proven = Proven::once();
    let marked = |name: &str, mark: &[u8], file: &std::path::Path| {
        let path = folder.path().join(name);
        fs::write(&path, [mark, &fs::read(file).unwrap()].concat()).unwrap();
        text(&path).to_owned()
    };
    let utf8 = b"\xef\xbb\xbf";
    let batch = marked("bom.jsonl", utf8, &batches().join("tiny.jsonl"));
    let state = marked("state.json", utf8, &proven.file("state.json"));
    let file = marked("proven.json", utf8, &proven.file("batch-1.proven.json"));
    let wide = marked("wide.jsonl", b"\xff\xfe", &batches().join("tiny.jsonl"));
    for args in [
        vec!["batch", "check", &batch, "--shape", "tiny"],
        vec!["inspect", &batch],
        vec!["prove", &batch, "--shape", "tiny"],
        vec!["state", "show", &state],
        vec!["inspect", &state],
        vec!["verify", &file, "--key", text(&proven.file("verifying.key"))],
        vec!["inspect", &wide],
    ] {
        let (code, report, stderr) = tapstone(&args);
        let told = format!("{stderr}{report}");
        assert!(code == 3 && told.contains("byte-order mark"), "{args:?}: {code} {told}");
    }
    let (_, report, _) = tapstone(&["batch", "check", &batch, "--shape", "tiny"]);
    assert_eq!((&report["faults"][0]["line"], &report["faults"][0]["column"]), (&json!(1), &json!(1)));
}

#[test]
fn another_format_has_one_exit_code_in_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let proven = Proven::once();
    let other = |name: &str, format: &str| {
        let path = folder.path().join(name);
        // Of another version other fields may be there, and fields be missing.
        fs::write(&path, format!("{{\"format\":\"{format}\",\"more\":1}}\n")).unwrap();
        text(&path).to_owned()
    };
    let (batch, state) = (other("a.jsonl", "tapstone-batch/2"), other("state.json", "tapstone-state/2"));
    let file = other("proven.json", "tapstone-proven/2");
    let (account, withdrawal) =
        (other("a.json", "tapstone-account-proof/2"), other("w.json", "tapstone-withdrawal-proof/2"));
    let root = "0x".to_owned() + &"0".repeat(64);
    other("manifest.json", "tapstone-run/9");
    for args in [
        vec!["batch", "check", &batch, "--shape", "tiny"],
        vec!["plan", &batch, "--shape", "tiny"],
        vec!["inspect", &batch],
        vec!["state", "show", &state],
        vec!["inspect", &state],
        vec!["verify", &file, "--key", text(&proven.file("verifying.key"))],
        vec!["inspect", &file],
        vec!["verify-account", &account, "--state-root", &root],
        vec!["inspect", &account],
        vec!["inspect", &withdrawal],
        vec!["report", text(folder.path())],
    ] {
        let (code, _, stderr) = tapstone(&args);
        assert!(code == 4, "{args:?}: {code} {stderr}");
    }
}

#[test]
fn an_exit_file_that_is_empty_has_the_code_of_one_that_ends_too_early() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty");
    let root = "0x".to_owned() + &"0".repeat(64);
    let args = ["verify-account", text(&path), "--state-root", &root];
    for (bytes, code) in [(&b""[..], "code 903"), (b"TS", "code 903"), (b"nonsense", "code 901")] {
        fs::write(&path, bytes).unwrap();
        refused(&args, 3, code);
    }
}

#[test]
fn a_wrong_shape_is_told_as_a_wrong_shape() {
    let (file, proven) = (batches().join("tiny.jsonl"), Proven::once());
    for command in ["plan", "prove"] {
        refused(&[command, text(&file), "--shape", "small", "--keys", text(&proven.keys())], 4, "give --shape tiny");
    }
    refused(&["batch", "check", text(&file), "--shape", "small"], 4, "give --shape tiny");
    let (data, whole) = (proven.file("batch-1.data"), proven.file("batch-1.proven.json"));
    refused(
        &["state", "rebuild", text(&data), "--proven", text(&whole), "--vk-id", &proven.vk_id()],
        4,
        "give --shape tiny",
    );
    let state = proven.file("state.json");
    let args = ["plan", text(&file), "--shape", "small", "--state", text(&state)];
    refused(&args, 4, "have depths 2 and 1, needed 10 and");
    refused(&args, 4, "give --shape tiny");
}

/// An account that a batch leaves as it is loses nothing, and what is published of a refund is longer than of a deposit.
#[test]
fn a_refund_is_explained_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let mut world = World::new(Shape::registered("tiny").unwrap());
    world.deposit_new(1, 1_000_000_000);
    world.apply().unwrap();
    // Fewer than 4 of its slots are empty.
    for token in [2, 3, 5, 7] {
        world.deposit(0, token, 9);
        world.apply().unwrap();
    }
    let header = Header {
        chain_id: world.ledger.chain_id(),
        batch: world.ledger.summary().batch_number + 1,
        pre_state_root: world.ledger.state_root(),
        operator: 0,
    };
    fs::write(at("state.json"), serde_json::to_vec(&world.ledger.snapshot()).unwrap()).unwrap();
    world.deposit(0, 200, 5);
    fs::write(at("refund.jsonl"), file::to_jsonl(&header, &world.open)).unwrap();
    let (batch, state) = (at("refund.jsonl"), at("state.json"));
    let (code, told, stderr) = tapstone(&["explain", &batch, "--shape", "tiny", "--state", &state, "--line", "2"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(told["refunded"].as_str().unwrap().contains("fewer than 4 of its slots"), "{told}");
    assert_eq!((&told["accounts"][0]["unchanged"], told["accounts"][0].get("balances")), (&json!(true), None), "{told}");
    let (code, plan, stderr) = tapstone(&["plan", &batch, "--shape", "tiny", "--state", &state, "--transactions"]);
    assert_eq!(code, 0, "{stderr}");
    let planned = &plan["batches"][0]["transactions"][0];
    assert_eq!((&planned["data_bytes"], &planned["refunded"]), (&told["data_bytes"], &json!(true)), "{planned}");
    assert!(told["data_bytes"].as_u64() > Some(32), "the destination is published: {told}");
}
