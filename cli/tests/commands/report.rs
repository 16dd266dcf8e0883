//! `report`: one page about a run or a chain, which loads nothing.

use std::fs;

use crate::common::*;

/// The cells of a table's rows that start with a text.
fn cells<'a>(page: &'a str, start: &str) -> Vec<&'a str> {
    let row = page.split("<tr>").find(|row| row.starts_with(&format!("<td>{start}<"))).unwrap();
    row.split("<td>").skip(1).map(|cell| cell.split('<').next().unwrap()).collect()
}

#[test]
fn a_run_and_a_chain_have_their_pages() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let (chain, out, keys) = (folder.path().join("chain"), folder.path().join("out"), proven.keys());
    let file = batches().join("tiny-kinds.jsonl");
    let header: serde_json::Value =
        serde_json::from_str(fs::read_to_string(&file).unwrap().lines().next().unwrap()).unwrap();
    let id = header["chain_id"].to_string();
    assert_eq!(tapstone(&["init", text(&chain), "--chain-id", &id, "--shape", "tiny"]).0, 0);
    let args =
        ["prove", text(&file), "--chain", text(&chain), "--shape", "tiny", "--keys", text(&keys), "--out", text(&out)];
    let (code, run, stderr) = tapstone(&[&args[..], &["--internal-key", INTERNAL_KEY]].concat());
    assert_eq!(code, 0, "{stderr}");

    let (code, report, stderr) = tapstone(&["report", text(&out)]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(report["transactions"], run["transactions"]);
    let of_run = fs::read_to_string(out.join("report.html")).unwrap();
    let page = folder.path().join("chain.html");
    let (code, _, stderr) = tapstone(&["report", text(&chain), "--shape", "tiny", "--out", text(&page)]);
    assert_eq!(code, 0, "{stderr}");
    let of_chain = fs::read_to_string(&page).unwrap();
    for page in [&of_run, &of_chain] {
        check_page(page);
        assert!(!page.contains("src=") && !page.contains("href=") && !page.contains("<script"), "the page loads something");
        assert!(page.contains(run["state_root"].as_str().unwrap()));
        for batch in run["batches"].as_array().unwrap() {
            assert!(page.contains(batch["commitment"].as_str().unwrap()));
        }
        for heading in ["Throughput", "Volumes and fees", "Pools", "Rows of a proof by gadget", "Batches"] {
            assert!(page.contains(heading), "{heading}");
        }
    }
    assert!(of_run.contains(run["anchor"]["address"].as_str().unwrap()));
    // Volumes are those of the batches' books.
    let sum = |name: &str| -> u128 {
        let tokens = run["batches"].as_array().unwrap().iter().flat_map(|b| b["tokens"].as_array().unwrap());
        tokens.filter(|t| t["token"] == 1).map(|t| t[name].as_str().map_or(0, |n| n.parse().unwrap())).sum()
    };
    let row = cells(&of_chain, "1");
    // Refunds come in and go out again, which a batch's books leave out of both.
    let (deposited, withdrawn): (u128, u128) = (row[3].parse().unwrap(), row[4].parse().unwrap());
    assert_eq!(deposited - sum("deposited"), withdrawn - sum("withdrawn"));
    // The price after the last batch is that of the pool in the state.
    let (_, pool, _) = tapstone(&["state", "pool", text(&chain), "0"]);
    assert!(of_chain.contains(&format!("Pool 0: {} of token", pool["reserve0"].as_str().unwrap())));
    assert!(of_chain.contains(&format!("{} shares", pool["shares"].as_str().unwrap())));

    // A part of a chain does not pretend to know its pools.
    let (code, report, _) = tapstone(&["report", text(&chain), "--last", "1", "--out", text(&page)]);
    assert_eq!((code, &report["first_batch"]), (0, &report["last_batch"]));
    assert!(fs::read_to_string(&page).unwrap().contains("Pools are not followed"));
}

#[test]
fn folders_without_batches_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    refused(&["report", text(folder.path())], 5, "no such state");
    let chain = folder.path().join("chain");
    assert_eq!(tapstone(&["init", text(&chain), "--chain-id", "3", "--shape", "tiny"]).0, 0);
    refused(&["report", text(&chain)], 3, "no batch to report of");
    fs::write(folder.path().join("manifest.json"), r#"{"format":"tapstone-run/9","shape":"tiny","batches":[]}"#).unwrap();
    refused(&["report", text(folder.path())], 4, "tapstone-run/9");
    fs::write(folder.path().join("manifest.json"), "{").unwrap();
    refused(&["report", text(folder.path())], 3, "manifest.json");
}
