//! `bench`: figures of both provers, and a page that needs nothing else.

use std::fs;

use serde_json::Value;

use crate::common::*;

#[test]
fn figures_and_page_are_of_the_workload() {
    let proven = Proven::once();
    let folder = tempfile::tempdir().unwrap();
    let file = batches().join("tiny.jsonl");
    let workloads = [("mixed", true, "1,2"), ("transfers", false, "1"), (text(&file), false, "1,2")];
    for (number, (workload, stock, threads)) in workloads.into_iter().enumerate() {
        let out = folder.path().join(number.to_string());
        let mut args = vec!["bench", workload, "--shape", "tiny", "--keys"];
        let keys = proven.keys();
        args.extend([text(&keys), "--threads", threads, "--runs", "1", "--out", text(&out)]);
        if stock {
            args.push("--stock");
        }
        let (code, _, stderr) = tapstone(&args);
        assert_eq!(code, 0, "{stderr}");
        let json: Value = serde_json::from_slice(&fs::read(out.join("bench.json")).unwrap()).unwrap();
        assert_eq!((&json["schema"], &json["workload"]), (&"tapstone-bench/1".into(), &workload.into()));
        let results = json["results"].as_array().unwrap();
        assert_eq!(results.len(), threads.split(',').count() * if stock { 2 } else { 1 });
        for result in results {
            let number = |name: &str| result[name].as_f64().unwrap();
            let rate = result["transactions"].as_f64().unwrap() / number("prove_s");
            assert!((number("transactions_per_second") - rate).abs() < 1e-6 * rate, "{result}");
            let stages: f64 = result["stages"].as_object().unwrap().values().map(|s| s["seconds"].as_f64().unwrap()).sum();
            assert!(stages <= number("prove_s") && stages > 0.9 * number("prove_s"), "{result}");
        }
        let page = fs::read_to_string(out.join("bench.html")).unwrap();
        assert_eq!(page.matches("<svg").count(), 2);
        check_page(&page);
        assert!(page.contains("<td>tapstone<td>tiny<td>"), "{page}");
        assert!(!page.contains("src=") && !page.contains("href="), "the page loads something");
    }
}

#[test]
fn workloads_that_are_none_are_refused() {
    refused(&["bench", "no-such-file", "--shape", "tiny"], 2, "neither a batch file nor one of the workloads");
    refused(&["bench", "--threads", "0"], 2, "0 threads, needed 1 to 1024");
}
