//! `plan` and `explain`: what is told before anything starts is what happens then.

use std::fs;

use serde_json::Value;

use crate::common::*;

#[test]
fn a_plan_is_what_is_then_proven() {
    let proven = Proven::once();
    let file = batches().join("tiny.jsonl");
    let keys = proven.keys();
    let args = ["plan", text(&file), "--shape", "tiny", "--keys", text(&keys), "--transactions"];
    let (code, plan, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!((&plan["batches_to_prove"], &plan["rows_a_batch"]), (&Value::from(1), &Value::from(45_677)));
    let data = fs::read(proven.file("batch-1.data")).unwrap();
    assert_eq!(plan["data_bytes"], data.len());
    assert_eq!(plan["seconds_from"], "the median of earlier proofs here");
    assert!(plan["seconds"].as_f64().unwrap() > 0.0);
    let list = plan["batches"][0]["transactions"].as_array().unwrap();
    assert_eq!(list.len(), 4);
    let sum = |field: &str| list.iter().map(|tx| tx[field].as_u64().unwrap()).sum::<u64>();
    // The header and the deposit queue's head are nobody's.
    assert!((data.len() as u64 - sum("data_bytes")) < 50);
    let share = |tx: &Value| tx["share_of_cost"].as_str().unwrap().trim_end_matches(" %").parse::<f64>().unwrap();
    let shares: f64 = list.iter().map(share).sum();
    assert!((shares - 100.0).abs() < 0.1, "{shares}");
    // Without a key or a proof so far, both are estimated.
    let empty = tempfile::tempdir().unwrap();
    let (code, plan, stderr) = tapstone(&["plan", text(&file), "--shape", "tiny", "--keys", text(empty.path())]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(plan["seconds_from"], "estimated from a short measurement");
    assert!(plan["key"].as_str().unwrap().contains("none yet"));
    assert!(names(empty.path()).is_empty(), "a plan writes nothing");
    refused(&["plan", "/nonexistent"], 5, "/nonexistent");
}

#[test]
fn a_plan_tells_what_machines_cost() {
    let proven = Proven::once();
    let (file, keys) = (batches().join("tiny.jsonl"), proven.keys());
    let plan = ["plan", text(&file), "--shape", "tiny", "--keys", text(&keys), "-j", "2"];
    let (code, told, stderr) = tapstone(&[&plan[..], &["--workers", "3", "--price-core-hour", "3600"]].concat());
    assert_eq!(code, 0, "{stderr}");
    let number = |name: &str| told[name].as_f64().unwrap();
    // One batch is not shared by three workers.
    assert_eq!((number("workers"), number("seconds_with_workers")), (3.0, number("seconds")));
    assert!((number("core_seconds") - 2.0 * number("seconds")).abs() < 0.02);
    assert!((number("cost") - number("core_seconds")).abs() < 0.01);
    assert!((number("cost_a_transaction") * 4.0 - number("cost")).abs() < 1e-6);
    refused(&[&plan[..], &["--price-core-hour", "0"]].concat(), 2, "--price-core-hour is 0");
    let (code, ..) = tapstone(&[&plan[..], &["--workers", "0"]].concat());
    assert_eq!(code, 2);
}

#[test]
fn arrivals_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let simulate = ["plan", "--shape", "small", "--simulate", "rate=2,seconds=1000,singles=0.5"];
    let more = ["--workers", "2", "--cores", "2", "--price-core-hour", "0.05", "--failures", "0.1", "--deaths", "0.01"];
    let args = [&simulate[..], &more, &["--out", text(&out)]].concat();
    let (code, told, stderr) = tapstone(&args);
    assert_eq!(code, 0, "{stderr}");
    let transactions = told["transactions"].as_f64().unwrap();
    assert!((transactions - 2000.0).abs() < 200.0, "{told}");
    assert!(told["utilisation"].as_f64().unwrap() < 1.0 && told.get("warning").is_none(), "{told}");
    let latency = |what: &str, which: &str| told[what][which].as_f64().unwrap();
    assert!(latency("seconds_to_proof", "p50") <= latency("seconds_to_proof", "p99"));
    assert!(latency("seconds_to_proof", "p99") <= latency("seconds_to_anchor", "p99"));
    let cost = told["cost"].as_f64().unwrap();
    assert!((told["core_hours"].as_f64().unwrap() * 0.05 / cost - 1.0).abs() < 0.01, "{told}");
    let page = fs::read_to_string(out.join("simulation.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 3);
    assert!(!page.contains("src=") && !page.contains("href="), "the page needs nothing but itself");
    let json = fs::read(out.join("simulation.json")).unwrap();
    let value: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(
        (&value["schema"], &value["result"]["transactions"]),
        (&Value::from("tapstone-simulation/1"), &told["transactions"])
    );
    // Again it is the same, to the byte.
    let (code, ..) = tapstone(&args);
    assert_eq!((code, fs::read(out.join("simulation.json")).unwrap()), (0, json));

    let (_, told, _) = tapstone(&[&simulate[..], &["--workers", "1", "--core-seconds", "60"]].concat());
    assert!(told["warning"].as_str().unwrap().contains("cannot keep up"), "{told}");
    let one = [&simulate[..], &["--workers", "1"]].concat();
    for (more, reason) in [
        (["--failures", "1.5"], "--failures is 1.5"),
        (["--deaths", "0.95"], "needed at most 0.9"),
        (["--core-seconds", "0"], "--core-seconds is 0"),
        (["--execution", "inf"], "--execution is inf"),
        (["--batch-seconds", "NaN"], "--batch-seconds is NaN"),
        (["--price-core-hour", "NaN"], "--price-core-hour is NaN"),
    ] {
        refused(&[&one[..], &more].concat(), 2, reason);
    }
    refused(&simulate, 2, "--simulate needs --workers");
    refused(&["plan", "--simulate", "rate=1,swing=9", "--workers", "1"], 2, "needed 0 to 1");
    refused(&["plan", "--simulate", "/nonexistent", "--workers", "1"], 5, "/nonexistent");
    let (code, _, stderr) = tapstone(&["plan"]);
    assert!(code == 2 && stderr.contains("<BATCH>"), "{stderr}");
}

/// The balance changes that are told of an account: token, before, after.
fn changes(report: &Value, role: &str) -> Vec<(u64, u128, u128)> {
    let account = report["accounts"].as_array().unwrap().iter().find(|a| a["role"] == role).unwrap();
    account["balances"].as_array().unwrap().iter().map(change).collect()
}

fn change(entry: &Value) -> (u64, u128, u128) {
    let words: Vec<&str> = entry["balance"].as_str().unwrap().split(' ').collect();
    (entry["token"].as_u64().unwrap(), words[0].parse().unwrap(), words[2].parse().unwrap())
}

#[test]
fn explanations_add_up_to_the_final_state() {
    let folder = tempfile::tempdir().unwrap();
    let file = batches().join("tiny-kinds.jsonl");
    let lines: Vec<Value> =
        fs::read_to_string(&file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let chain = folder.path().join("chain");
    let id = lines[0]["chain_id"].to_string();
    assert_eq!(tapstone(&["init", text(&chain), "--chain-id", &id, "--shape", "tiny"]).0, 0);
    let mut kinds = Vec::new();
    for (line, tx) in lines.iter().enumerate().skip(1) {
        let number = (line + 1).to_string();
        let (code, report, stderr) =
            tapstone(&["explain", text(&file), "--line", &number, "--shape", "tiny", "--chain", text(&chain)]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(report["kind"], tx["kind"]);
        kinds.push(tx["kind"].as_str().unwrap().to_owned());
        let amount = |field: &str| tx[field].as_str().unwrap().parse::<u128>().unwrap();
        let fee = |token: u64| {
            if tx["fee_token"] == token { amount("fee") } else { 0 }
        };
        match tx["kind"].as_str().unwrap() {
            "transfer" | "transfer_new" => {
                let token = tx["token"].as_u64().unwrap();
                let sent = changes(&report, "sender").into_iter().find(|c| c.0 == token).unwrap();
                assert_eq!(sent.1 - sent.2, amount("amount") + fee(token));
                let got = changes(&report, "recipient");
                assert_eq!(got.len(), 1);
                assert_eq!(got[0].2 - got[0].1, amount("amount"));
            }
            "deposit" | "deposit_new" if report["refunded"].is_null() => {
                let got = changes(&report, "account");
                assert_eq!((got.len(), got[0].2 - got[0].1), (1, amount("amount")));
            }
            "deposit" | "deposit_new" => {
                assert!(report["to_bitcoin"].as_str().unwrap().starts_with("a refund"));
                // Where there is no account, none is told of.
                assert!(report["accounts"].as_array().unwrap().iter().all(|account| account["unchanged"] == true));
            }
            "swap" | "add_liquidity" | "remove_liquidity" | "create_pool" => {
                assert!(report["pools"][0]["reserve0"].is_string(), "{report}");
            }
            "withdraw" => assert!(report["to_bitcoin"].as_str().unwrap().starts_with("a withdrawal")),
            "change_key" => assert!(report["accounts"][0]["key"].as_str().unwrap().contains(" -> ")),
            kind => panic!("{kind}"),
        }
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 10, "every kind is explained: {kinds:?}");
    let last = (lines.len() + 1).to_string();
    for line in ["0", "1", &last] {
        refused(&["explain", text(&file), "--line", line, "--shape", "tiny"], 2, "transactions stand on lines 2");
    }
}
