//! The example program: it follows, resumes from its checkpoint, and refuses.
#[allow(dead_code, reason = "main is not called here")]
#[path = "../../examples/follow_chain.rs"]
mod example;

use crate::common::*;
use std::{fs, path::PathBuf};
use tapstone_verifier::Element;

#[test]
fn the_example_follows_a_chain() {
    let data = |name: &str| -> PathBuf { [env!("CARGO_MANIFEST_DIR"), "tests", "data", "formats", name].iter().collect() };
    let (registry, key) = (data("registry-1"), data("key-1"));
    let folder = std::env::temp_dir().join(format!("follow-chain-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let id = fixture().key.id();
    let line = |n: u64, head: &str| {
        let s = statement(n);
        format!("{id} {} {} {head}\n", hex::encode(s.to_bytes()), hex::encode(proof_bytes(&s)))
    };
    let run = |input: String| {
        let mut output = Vec::new();
        let error = example::follow(
            registry.to_str().unwrap(),
            "3",
            &Element::from(1000).to_string(),
            &folder.join("checkpoint"),
            &[key.to_str().unwrap().to_owned()],
            input.as_bytes(),
            &mut output,
        );
        (error.err().map(|e| e.to_string()), String::from_utf8(output).unwrap())
    };
    let told = |n, deposits: &str| format!("{n} {} {deposits}\n", verified(&statement(n)).commitment());
    let head = |x: u64| Element::from(x).to_string();
    let followed = told(1, "deposits unchecked since batch 1") + &told(2, "deposits checked");
    assert_eq!(run(line(1, "") + &line(2, &head(5))), (None, followed));
    let gap = Some("batch number is 5, expected 4".to_owned());
    assert_eq!(run(line(3, "") + &line(5, "")), (gap, told(3, "deposits unchecked since batch 3")));
    let (error, out) = run(line(4, &head(6)));
    assert!(error.unwrap().starts_with("deposit head after batch 4 is") && out.is_empty());
    let (error, out) = run("a b\n".to_owned());
    assert_eq!((error.as_deref(), out.as_str()), (Some("a line has three or four words"), ""));
    assert!(run("0".repeat(5000)).0.is_some());
    fs::remove_dir_all(&folder).unwrap();
}
