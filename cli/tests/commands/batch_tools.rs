//! Generated and converted batch files, the schema of their lines, and what the tool says of itself and its machine.

use std::fs;

use serde_json::Value;

use crate::common::*;

#[test]
fn generated_traffic_executes_and_follows_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let generate = |name: &str, more: &[&str]| {
        let path = at(name);
        let args = ["batch", "generate", text(&path), "--shape", "small", "--accounts", "6", "--transactions", "40"];
        let (code, report, stderr) = tapstone(&[&args[..], more].concat());
        assert_eq!(code, 0, "{stderr}");
        (fs::read_to_string(path).unwrap(), report)
    };
    let (first, report) = generate("a.jsonl", &["--seed", "7"]);
    assert_eq!(report["lines_that_set_the_state_up"], 13);
    assert_eq!(first.lines().count(), 1 + 13 + 40);
    assert_eq!(first, generate("b.jsonl", &["--seed", "7"]).0);
    assert_ne!(first, generate("c.jsonl", &["--seed", "8"]).0);
    let swaps = generate("d.jsonl", &["--mix", "swaps=1,liquidity=1,withdrawals=1"]).0;
    assert!(!swaps.contains("\"transfer\""));
    for name in ["a.jsonl", "c.jsonl", "d.jsonl"] {
        let (code, report, stderr) = tapstone(&["batch", "check", text(&at(name)), "--shape", "small"]);
        assert_eq!((code, &report["rules"]), (0, &Value::from("kept")), "{stderr}");
    }
    // Half of the traffic is of the hot account.
    let hot = generate("e.jsonl", &["--mix", "transfers=1", "--hot", "1"]).0;
    let of_hot = hot.lines().skip(14).filter(|line| line.contains("\"from\":0")).count();
    assert!((12..=33).contains(&of_hot), "{of_hot}");
    for (wrong, part) in [
        (["--mix", "transfers=0"], "all shares are 0"),
        (["--mix", "gifts=1"], "no kind"),
        (["--hot", "7"], "--hot is 7"),
        (["--accounts", "1"], "--accounts is 1"),
    ] {
        let path = at("none.jsonl");
        let args = ["batch", "generate", text(&path), "--accounts", "6"];
        let args: Vec<&str> = if wrong[0] == "--accounts" { args[..3].to_vec() } else { args.to_vec() };
        let (code, _, stderr) = tapstone(&[&args[..], &wrong].concat());
        assert!(code == 2 && stderr.contains(part), "{stderr}");
        assert!(!path.exists());
    }
}

#[test]
fn the_schema_is_that_of_the_lines() {
    let (code, schema, stderr) = tapstone(&["batch", "schema"]);
    assert_eq!(code, 0, "{stderr}");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for name in names(&batches()).iter().filter(|name| name.ends_with(".jsonl")) {
        for line in fs::read_to_string(batches().join(name)).unwrap().lines() {
            let good: Value = serde_json::from_str(line).unwrap();
            assert!(schema.is_valid(&good), "{name}: {line}");
            let kind = good["kind"].as_str().unwrap_or("header").to_owned();
            if !kinds.insert(kind) {
                continue;
            }
            // Of each kind: a field that is missing, unknown, or of another type is refused, as the reader refuses it.
            for field in good.as_object().unwrap().keys().filter(|field| *field != "message") {
                let mut bad = good.clone();
                bad.as_object_mut().unwrap().remove(field);
                assert!(!schema.is_valid(&bad), "without {field}: {line}");
                let mut bad = good.clone();
                bad[field] = if bad[field].is_string() { Value::from(5) } else { Value::from("5") };
                assert!(!schema.is_valid(&bad), "{field} of another type: {line}");
                let mut bad = good.clone();
                bad[field] = if bad[field].is_string() { Value::from("0x?") } else { Value::from(1u64 << 50) };
                assert!(!schema.is_valid(&bad), "{field} out of range: {line}");
            }
            let mut bad = good.clone();
            bad["more"] = 1.into();
            assert!(!schema.is_valid(&bad));
        }
    }
    assert_eq!(kinds.len(), 11);
}

#[test]
fn transfers_go_through_tables() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (file, table, back) = (at("day.jsonl"), at("day.csv"), at("back.jsonl"));
    // A state with accounts, and transfers that follow it.
    let all = at("all.jsonl");
    let generate = [
        "batch",
        "generate",
        text(&all),
        "--shape",
        "tiny",
        "--accounts",
        "3",
        "--transactions",
        "10",
        "--mix",
        "transfers=1",
    ];
    assert_eq!(tapstone(&generate).0, 0);
    let lines: Vec<String> = fs::read_to_string(&all).unwrap().lines().map(str::to_owned).collect();
    let (setup, rest) = lines.split_at(8);
    fs::write(&file, format!("{}\n{}\n", setup[0], rest.join("\n"))).unwrap();
    let (code, report, stderr) = tapstone(&["batch", "convert", text(&file), text(&table)]);
    assert_eq!((code, &report["transfers"]), (0, &Value::from(10)), "{stderr}");
    assert!(
        fs::read_to_string(&table)
            .unwrap()
            .starts_with("from,to,to_key,token,amount,fee_token,fee,nonce,expiry,message,signature\n")
    );
    let chain = at("chain");
    assert_eq!(tapstone(&["init", text(&chain), "--chain-id", "3", "--shape", "tiny"]).0, 0);
    let (code, _, stderr) = tapstone(&["batch", "convert", text(&table), text(&back), "--state", text(&chain)]);
    assert_eq!(code, 0, "{stderr}");
    let parse = |path: &std::path::Path| -> Vec<Value> {
        fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(parse(&back), parse(&file));
    // Without signatures, for the wallet.
    let unsigned: Vec<String> = fs::read_to_string(&table)
        .unwrap()
        .lines()
        .enumerate()
        .map(|(i, line)| if i == 0 { line.to_owned() } else { format!("{},", line.rsplit_once(',').unwrap().0) })
        .collect();
    fs::write(&table, unsigned.join("\n")).unwrap();
    let (code, report, stderr) = tapstone(&["batch", "convert", text(&table), text(&back)]);
    assert_eq!((code, &report["unsigned"]), (0, &Value::from(10)), "{stderr}");
    assert!(parse(&back).iter().all(|line| line["signature"].is_null() && line["kind"] == "transfer"));
    // What is no transfer, no number, no column.
    refused(&["batch", "convert", text(&all), text(&table)], 3, "line 2: deposit_new is no transfer");
    fs::write(&table, unsigned.join("\n").replacen("from,", "from_account,", 1)).unwrap();
    refused(&["batch", "convert", text(&table), text(&back)], 3, "day.csv");
    fs::write(&table, format!("{}\nx{}\n", unsigned[0], unsigned[1])).unwrap();
    refused(&["batch", "convert", text(&table), text(&back)], 3, "day.csv");
    refused(&["batch", "convert", text(&file), text(&back)], 2, "one of both files");
}

#[test]
fn the_doctor_says_what_would_stop_proving() {
    let proven = Proven::once();
    let keys = proven.keys();
    let (code, report, stderr) = tapstone(&["doctor", "--shape", "tiny", "--keys", text(&keys)]);
    assert_eq!((code, &report["verdict"]), (0, &Value::from("nothing stops proving")), "{stderr}");
    assert!(report["cores"].as_u64().unwrap() >= 1 && report["key"].as_str().unwrap().len() == 64);
    assert!(report.get("kernel_asked_for").is_none());
    let mut asked = command();
    asked.env("TAPSTONE_KERNEL", "avx9").args(["doctor", "--shape", "tiny", "--keys", text(&keys)]);
    assert!(String::from_utf8(asked.output().unwrap().stdout).unwrap().contains("TAPSTONE_KERNEL=avx9 is passed over"));
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("tiny-v3.tapstone-key");
    fs::write(&bad, b"no key").unwrap();
    let (code, report, stderr) = tapstone(&["doctor", "--shape", "tiny", "--keys", text(folder.path())]);
    assert!(code == 5 && stderr.contains("tiny-v3.tapstone-key"), "{stderr}");
    assert_eq!(report["found"]["key"], "of no use");
    let (code, _, stderr) = tapstone(&["doctor", "--shape", "tiny", "--keys", text(&keys), "--chain", text(folder.path())]);
    assert!(code == 5 && stderr.contains("no such state"), "{stderr}");
}

#[test]
fn completions_and_man_pages_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = command().args(["completions", shell]).output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("rollback"), "{shell}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (code, report, stderr) = tapstone(&["man", text(folder.path())]);
    assert_eq!(code, 0, "{stderr}");
    let pages = names(folder.path());
    assert_eq!(report["pages"], pages.len());
    assert!(
        pages.contains(&"tapstone.1".to_owned()) && pages.contains(&"tapstone-state-rollback.1".to_owned()),
        "{pages:?}"
    );
}
