//! `batch pack`: fewer batches where the order allows it, and never another outcome.

use std::fs;

use tapstone_circuits::file::{BatchFile, Header};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::World;

use crate::common::*;

#[test]
fn a_file_is_packed_and_the_outcome_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut w = World::populated(Shape::registered("tiny").unwrap(), 4);
    w.operator = 2;
    let state = folder.path().join("state.json");
    fs::write(&state, serde_json::to_vec(&w.ledger.snapshot()).unwrap()).unwrap();
    w.with_fee(1, 3).transfer(0, 1, 1, 5).transfer(0, 1, 1, 5).transfer(1, 0, 2, 5).transfer(0, 1, 1, 5);
    w.swap(2, 0, Direction::ZeroForOne, 500).swap(3, 0, Direction::ZeroForOne, 500).withdraw(3, 1, 7).deposit(3, 1, 9);
    let header =
        Header { chain_id: 3, batch: w.ledger.batch_number() + 1, pre_state_root: w.ledger.state_root(), operator: 2 };
    let file = BatchFile { header, transactions: w.open.clone() };
    let (path, packed) = (folder.path().join("batch.jsonl"), folder.path().join("packed.jsonl"));
    fs::write(&path, file.to_jsonl()).unwrap();
    let args = ["batch", "pack", text(&path), "--shape", "tiny", "--state", text(&state), "--out", text(&packed)];
    let (code, report, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!((&report["file_order"]["batches"], &report["packed_order"]["batches"]), (&4.into(), &2.into()));
    assert_eq!(report["packed_order"]["slots"], "8 of 8 used (100 %)");
    // The same transactions in another order; packing once more changes nothing.
    let sorted = |path| {
        let text = fs::read_to_string(path).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&path), sorted(&packed));
    let again = ["batch", "pack", text(&packed), "--shape", "tiny", "--state", text(&state)];
    let (code, report, _) = tapstone(&again);
    assert_eq!((code, &report["moved"]), (0, &0.into()));
    // Refusals as for proving.
    refused(&["batch", "pack", text(&path), "--shape", "tiny"], 1, "to follow the empty state");
    let text_of = fs::read_to_string(&path).unwrap().replacen("\"amount\":\"5\"", "\"amount\":\"6\"", 1);
    fs::write(&path, text_of).unwrap();
    refused(&args[..7], 1, "line 2: transfer of account 0 refused: signature");
}

#[test]
fn shipped_files_stay_as_they_are_where_nothing_is_gained() {
    for (name, shape) in [("tiny", "tiny"), ("small", "small")] {
        let path = batches().join(format!("{name}.jsonl"));
        let (code, report, stderr) = tapstone(&["batch", "pack", text(&path), "--shape", shape]);
        assert_eq!((code, &report["moved"]), (0, &0.into()), "{stderr}");
    }
}
