use super::*;
use crate::plan::{Start, split};
use crate::testing::World;
use serde_json::json;

fn sample() -> BatchFile {
    let mut w = World::registered("tiny");
    w.deposit_new(1, 5).deposit(0, 2, 7).with_fee(1, 1).transfer(0, 1, 1, 5).transfer_new(0, 1, 5);
    w.swap(0, 0, Direction::OneForZero, 9).create_pool(0, (1, 2), 30, (5000, 6000)).add_liquidity(0, 0, (5, 6));
    w.remove_liquidity(0, 0, 5).change_key(0, 9).withdraw(0, 1, 5).bundle_from(8);
    let header = Header { chain_id: 3, batch: 1, pre_state_root: w.ledger.state_root(), operator: 0 };
    BatchFile { header, transactions: w.open }
}

fn read(text: &str) -> Result<BatchFile, FileError> {
    BatchFile::read(text.as_bytes())
}

/// The sample with one line changed, and the error that this brings.
fn changed(line: usize, from: &str, to: &str) -> FileError {
    let text = sample().to_jsonl();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let old = &lines[line - 1];
    assert!(old.contains(from), "{old} has no {from}");
    let mut new = lines.clone();
    new[line - 1] = old.replacen(from, to, 1);
    let error = read(&(new.join("\n") + "\n")).expect_err(&new[line - 1]);
    assert_eq!(error.line, line, "{error}");
    error
}

#[test]
fn files_are_read_back() {
    let file = sample();
    let text = file.to_jsonl();
    assert_eq!(read(&text).unwrap(), file);
    assert_eq!(read(text.trim_end()).unwrap(), file, "the last newline may be missing");
    let shuffled = text.replace("\"chain_id\":3,\"batch\":1", "\"batch\":1, \"chain_id\" : 3");
    assert_eq!(read(&shuffled).unwrap(), file, "fields stand in any order");
}

#[test]
fn every_field_is_needed_once_and_no_other() {
    let text = sample().to_jsonl();
    for (number, line) in text.lines().enumerate() {
        let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
        let build = |fields: &[(String, String)]| {
            let body: Vec<_> = fields.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines[number] = format!("{{{}}}", body.join(","));
            read(&lines.join("\n")).map(|_| ())
        };
        let all: Vec<_> = fields.iter().map(|(k, v)| (k.clone(), v.to_string())).collect();
        build(&all).unwrap();
        for i in 0..all.len() {
            let name = Some(all[i].0.clone());
            let mut missing = all.clone();
            missing.remove(i);
            // A member without its message is another transaction, but still one.
            if all[i].0 == "message" {
                build(&missing).unwrap();
            } else {
                let e = build(&missing).unwrap_err();
                assert!(matches!(e.problem, Problem::Missing) && e.field == name && e.line == number + 1, "{e}");
            }
            let mut repeated = all.clone();
            repeated.push(all[i].clone());
            let e = build(&repeated).unwrap_err();
            assert!(matches!(e.problem, Problem::Repeated) && e.field == name, "{e}");
            let mut wrong = all.clone();
            // A number for a string and a string for a number.
            let quoted = wrong[i].1.starts_with('"');
            wrong[i].1 = if quoted { "1".into() } else { format!("\"{}\"", wrong[i].1) };
            let e = build(&wrong).unwrap_err();
            assert!(matches!(e.problem, Problem::Value { .. }) && e.field == name, "{e}");
        }
        let mut unknown = all.clone();
        unknown.push(("memo".into(), "\"0x00\"".into()));
        let e = build(&unknown).unwrap_err();
        assert!(matches!(e.problem, Problem::Unknown) && e.field.as_deref() == Some("memo"), "{e}");
    }
}

#[test]
fn header_is_checked() {
    let value = |e: &FileError| matches!(e.problem, Problem::Value { .. });
    for (from, to) in [
        ("tapstone-batch/1", "tapstone-batch/2"),
        ("\"chain_id\":3", "\"chain_id\":4294967296"),
        ("\"batch\":1", "\"batch\":0"),
        ("\"batch\":1", "\"batch\":281474976710656"),
        ("\"operator\":0", "\"operator\":1073741824"),
        ("\"pre_state_root\":\"0x", "\"pre_state_root\":\"0X"),
        ("\"pre_state_root\":\"0x", "\"pre_state_root\":\""),
        ("\"pre_state_root\":\"0x", "\"pre_state_root\":\"0xff"),
    ] {
        let e = changed(1, from, to);
        assert!(value(&e), "{e}");
    }
    let above = format!("0x{}", "f".repeat(64));
    let root = sample().to_jsonl().split('"').find(|part| part.starts_with("0x")).unwrap().to_owned();
    assert!(value(&changed(1, &root, &above)));
}

#[test]
fn values_have_one_form() {
    for (line, from, to) in [
        (4, "\"amount\":\"5\"", "\"amount\":\"05\""),
        (4, "\"amount\":\"5\"", "\"amount\":\"-5\""),
        (4, "\"amount\":\"5\"", "\"amount\":\"\""),
        (4, "\"amount\":\"5\"", "\"amount\":\"79228162514264337593543950336\""),
        (4, "\"nonce\":\"0\"", "\"nonce\":\"18446744073709551616\""),
        (4, "\"expiry\":0", "\"expiry\":281474976710656"),
        (4, "\"token\":1", "\"token\":1073741824"),
        (4, "\"from\":0", "\"from\":1073741824"),
        (4, "\"kind\":\"transfer\"", "\"kind\":\"Transfer\""),
        (4, "\"kind\":\"transfer\"", "\"kind\":\"withdrawal\""),
        (4, "\"kind\":\"transfer\"", "\"kind\":\"\""),
        (4, "\"signature\":\"", "\"signature\":\"0"),
        (4, "\"to_key\":\"", "\"to_key\":\"zz"),
        (6, "\"direction\":1", "\"direction\":2"),
        (7, "\"fee_bp\":30", "\"fee_bp\":10000"),
        (2, ":1\",\"key\"", ":01\",\"key\""),
        (2, "\"refund\":\"d", "\"refund\":\"D"),
        (9, "\"min1\":\"0\"", "\"min1\":\"00\""),
        (10, "\"message\":\"0x", "\"message\":\"0xff"),
        (11, "\"destination\":\"d", "\"destination\":\"D"),
    ] {
        let e = changed(line, from, to);
        assert!(matches!(e.problem, Problem::Value { .. }) && e.field.is_some(), "{to}: {e}");
    }
    let last = u64::MAX.to_string();
    let text = sample().to_jsonl().replace("\"nonce\":\"0\"", &format!("\"nonce\":\"{last}\""));
    assert_eq!(read(&text).unwrap().transactions[2].signed().unwrap().nonce, u64::MAX);
}

#[test]
fn points_must_be_points() {
    let text = sample().to_jsonl();
    let line = text.lines().nth(3).unwrap();
    let fields: serde_json::Value = serde_json::from_str(line).unwrap();
    let (key, signature) = (fields["to_key"].as_str().unwrap(), fields["signature"].as_str().unwrap());
    let e = changed(4, key, &"f".repeat(64));
    assert!(e.to_string().contains("y coordinate"), "{e}");
    let e = changed(4, signature, &format!("{}{}", "f".repeat(64), &signature[64..]));
    assert_eq!(e.field.as_deref(), Some("signature"));
}

#[test]
fn lines_are_flat_objects() {
    for (from, to) in [
        ("{", "["),
        ("}", ""),
        ("}", "}}"),
        ("}", "} {}"),
        ("\"from\":0", "\"from\":-0"),
        ("\"from\":0", "\"from\":-1"),
        ("\"from\":0", "\"from\":0.0"),
        ("\"from\":0", "\"from\":0e0"),
        ("\"from\":0", "\"from\":00"),
        ("\"from\":0", "\"from\":null"),
        ("\"from\":0", "\"from\":true"),
        ("\"from\":0", "\"from\":[0]"),
        ("\"from\":0", "\"from\":{}"),
        ("\"from\":0", "\"from\":18446744073709551616"),
        ("{", "\u{feff}{"),
    ] {
        let e = changed(4, from, to);
        assert!(matches!(e.problem, Problem::Json { .. }), "{to}: {e}");
        assert!(!e.to_string().contains("at line"), "{e}");
    }
    let e = changed(4, "\"from\":0", "\"from\":null");
    assert!(e.column.is_some());
    let many: String = (0..100).map(|i| format!("\"f{i}\":0,")).collect();
    changed(4, "{", &format!("{{{many}"));
}

#[test]
fn lines_are_bounded_and_not_blank() {
    let header = sample().to_jsonl().lines().next().unwrap().to_owned();
    assert!(matches!(read("").unwrap_err(), FileError { line: 1, problem: Problem::Empty, .. }));
    assert!(matches!(read("\n").unwrap_err(), FileError { line: 1, problem: Problem::Blank, .. }));
    let blank = format!("{header}\n\n");
    assert!(matches!(read(&blank).unwrap_err(), FileError { line: 2, problem: Problem::Blank, .. }));
    let spaces = format!("{header}\n  \t");
    assert!(matches!(read(&spaces).unwrap_err(), FileError { line: 2, problem: Problem::Blank, .. }));
    let mut bytes = header.clone().into_bytes();
    bytes.extend(b"\n\xff\n");
    assert!(matches!(BatchFile::read(&bytes[..]).unwrap_err(), FileError { line: 2, problem: Problem::NotUtf8, .. }));
    let padded = |length: usize| format!("{header}{}\n", " ".repeat(length - header.len()));
    assert!(read(&padded(MAX_LINE)).is_ok());
    assert!(matches!(read(&padded(MAX_LINE + 1)).unwrap_err().problem, Problem::TooLong { .. }));
    let unending = std::io::BufReader::new(std::io::repeat(b' '));
    assert!(matches!(BatchFile::read(unending).unwrap_err().problem, Problem::TooLong { .. }));
}

/// A header alone is a file; it is cut into no batches.
#[test]
fn a_file_may_hold_no_transactions() {
    let header = sample().to_jsonl().lines().next().unwrap().to_owned();
    for text in [header.clone(), header + "\n"] {
        let file = read(&text).unwrap();
        assert_eq!(file.transactions, []);
        let shape = crate::shape::Shape::registered("tiny").unwrap();
        let start = Start { operator: 0, next_account: 0, next_pool: 0 };
        assert_eq!(split(&shape, start, &file.transactions).unwrap(), []);
    }
}

/// Only form and range make a file malformed. What breaks a rule of execution is read, and refused when its turn comes.
#[test]
fn what_breaks_a_rule_alone_is_well_formed() {
    let text = sample().to_jsonl();
    let small = hex::encode(crate::signature::curve::pack(&crate::testing::low_order_key(9)));
    for (line, field, value) in [
        (3, "amount", json!("0")),
        (3, "token", json!(0)),
        (3, "token", json!(TokenId::FIRST_LP)),
        (4, "to", json!(0)),
        (4, "from", json!(INDEX_LIMIT - 1)),
        (5, "to_key", json!(small)),
        (2, "key", json!(small)),
        (4, "fee_token", json!(0)),
        (4, "nonce", json!(u64::MAX.to_string())),
        (6, "amount_in", json!("0")),
        (6, "pool", json!(POOL_LIMIT - 1)),
        (7, "token0", json!(2)),
        (7, "token1", json!(TokenId::FIRST_LP)),
        (9, "shares", json!("0")),
        (11, "message", json!(format!("0x{}", "0".repeat(64)))),
    ] {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&lines[line - 1]).unwrap();
        assert!(fields.contains_key(field), "{field}");
        fields.insert(field.into(), value);
        lines[line - 1] = serde_json::to_string(&fields).unwrap();
        assert!(read(&lines.join("\n")).is_ok(), "{}", lines[line - 1]);
    }
    // S of any 32 bytes, though none above S_MAX verifies.
    let signature = text.split("\"signature\":\"").nth(1).and_then(|rest| rest.get(64..128)).unwrap().to_owned();
    assert!(read(&text.replace(&signature, &"f".repeat(64))).is_ok());
}

#[test]
fn reading_stops_at_the_first_error() {
    let text = sample().to_jsonl() + "x\n" + "y\n";
    let mut reader = Reader::new(text.as_bytes()).unwrap();
    let good = reader.by_ref().take_while(Result::is_ok).count();
    assert_eq!((good, reader.line()), (10, 12));
    assert!(reader.next().is_none());
}

#[test]
fn errors_name_the_place() {
    let e = changed(4, "\"amount\":\"5\"", "\"amount\":5");
    let largest = Amount::MAX;
    assert_eq!(
        e.to_string(),
        format!("line 4, field \"amount\": had the number 5, needed a canonical decimal string of at most {largest}")
    );
}

#[test]
fn a_byte_order_mark_is_named_at_the_start_and_nowhere_else() {
    let text = sample().to_jsonl();
    for (mark, encoding) in [(&b"\xef\xbb\xbf"[..], "UTF-8"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")] {
        let error = BatchFile::read(&[mark, text.as_bytes()].concat()[..]).unwrap_err();
        assert!((error.line, error.column) == (1, Some(1)) && error.to_string().contains("byte-order mark"), "{error}");
        assert!(matches!(error.problem, Problem::ByteOrderMark { encoding: had } if had == encoding), "{error}");
    }
    let inside = text.replacen('\n', "\n\u{feff}", 1);
    let error = read(&inside).unwrap_err();
    assert!(error.line == 2 && !matches!(error.problem, Problem::ByteOrderMark { .. }), "{error}");
}
