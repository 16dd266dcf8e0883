//! The ledger and the circuit against what the independent client in `test-vectors/client` computed for the shipped batches.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs::{File, read_to_string};
use std::io::BufReader;
use std::path::PathBuf;

use ark_bn254::Fr;
use serde_json::{Value, json};
use tapstone_circuits::circuit::{assignment, synthesise};
use tapstone_circuits::cs::{Mode, System};
use tapstone_circuits::data::BatchData;
use tapstone_circuits::file::BatchFile;
use tapstone_circuits::ledger::{Executed, Ledger};
use tapstone_circuits::plan::split;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::withdrawal::{Cause, Withdrawals};
use tapstone_verifier::commitment::commitment_bytes;
use tapstone_verifier::{AnchorHeader, Element, VkId};

fn batches() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/batches")
}

fn element(x: Fr) -> Value {
    Value::String(Element::from(x).to_string())
}

fn withdrawals(executed: &Executed) -> Value {
    let mut chain = Withdrawals::none(executed.chain_id, executed.batch_number);
    let list = executed.withdrawals.iter().enumerate().map(|(position, w)| {
        chain.push(w);
        json!({
            "position": position,
            "account": w.account,
            "token": w.token.get(),
            "amount": w.amount.to_string(),
            "destination": w.destination.to_string(),
            "refund": w.cause == Cause::Refund,
            "w": element(chain.root()),
        })
    });
    list.collect()
}

/// The names of the kinds that a batch's data holds.
fn published(data: &BatchData) -> Value {
    data.transactions.iter().map(|tx| Value::from(tx.kind_name())).collect()
}

/// Executes a shipped file, compares every batch, and hands each to `check`.
fn run(name: &str, mut check: impl FnMut(&Shape, &Executed)) {
    let expected: Value =
        serde_json::from_str(&read_to_string(batches().join(format!("{name}.expected.json"))).unwrap()).unwrap();
    let shape = Shape::registered(expected["shape"].as_str().unwrap()).unwrap();
    let file = BatchFile::read(BufReader::new(File::open(batches().join(format!("{name}.jsonl"))).unwrap())).unwrap();
    let mut ledger = Ledger::genesis(file.header.chain_id, shape.account_depth, shape.pool_depth).unwrap();
    assert_eq!(element(ledger.state_root()), element(Fr::from(file.header.pre_state_root)), "{name}: genesis");
    let planned = split(&shape, ledger.start(file.header.operator), &file.transactions).unwrap();
    let list = expected["batches"].as_array().unwrap();
    assert_eq!(planned.len(), list.len(), "{name}: number of batches");
    for (plan, want) in planned.iter().zip(list) {
        let mut rebuilt = ledger.clone();
        let executed = ledger.execute(&shape, file.header.operator, &file.transactions[plan.transactions()]).unwrap();
        let statement = executed.statement();
        let data = BatchData::decode(&executed.data).unwrap();
        let again = rebuilt.rebuild(&data).unwrap();
        assert_eq!((again.post_state_root, again.data_hash), (executed.post_state_root, executed.data_hash));
        assert_eq!((again.withdrawals_root, &again.withdrawals), (executed.withdrawals_root, &executed.withdrawals));
        assert_eq!(rebuilt.snapshot(), ledger.snapshot(), "{name}: the state from data alone");
        let slots: Vec<Value> = plan.slots.iter().map(|s| s.map_or(Value::Null, Value::from)).collect();
        let post = &executed.witness.post;
        for (field, had) in [
            ("batch_number", Value::from(executed.batch_number)),
            ("transactions", Value::from(plan.transactions().len())),
            ("slots", Value::from(slots)),
            ("data_hex", Value::from(hex::encode(&executed.data))),
            ("data_hash", element(executed.data_hash)),
            ("account_root", element(post.account_root)),
            ("pool_root", element(post.pool_root)),
            ("next_account", Value::from(post.next_account)),
            ("next_pool", Value::from(post.next_pool)),
            ("deposit_count", Value::from(post.deposit_count)),
            ("deposit_head", element(executed.deposit_head)),
            ("withdrawals_root", element(executed.withdrawals_root)),
            ("pre_state_root", element(executed.pre_state_root)),
            ("post_state_root", element(executed.post_state_root)),
            ("public_input", Value::from(statement.public_input().to_string())),
            ("published", published(&data)),
            ("withdrawals", withdrawals(&executed)),
        ] {
            assert_eq!(want[field], had, "{name}: batch {}: {field}", executed.batch_number);
        }
        let vk_id: VkId = expected["vk_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(want["commitment"], hex::encode(commitment_bytes(&statement, &vk_id)), "{name}: commitment");
        check(&shape, &executed);
    }
    // The anchor over the whole file: the header decodes here, covers these batches, and has the commitment that the client computed.
    let anchor = &expected["anchor"];
    let header = AnchorHeader::from_bytes(&hex::decode(anchor["header_hex"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(header.batch_count(), list.len() as u64);
    assert_eq!(Value::from(header.post_state_root().to_string()), list.last().unwrap()["post_state_root"]);
    assert_eq!(anchor["commitment"], header.commitment().to_string());
}

fn satisfied(system: &mut Option<System>, executed: &Executed) {
    let public = executed.statement().public_input().into();
    let (recorded, values) = synthesise(Mode::Record, public, &executed.witness).into_parts();
    assert_eq!(recorded.violations(&values, 5), [], "batch {}", executed.batch_number);
    assert_eq!(assignment(public, &executed.witness), values, "recording or not gives the same wires");
    // The rows come from the shape alone.
    if let Some(first) = system {
        let feed = |s: &System| {
            let mut bytes = 0u64;
            s.matrices.feed(|chunk| {
                bytes = chunk.iter().fold(bytes, |h, b| h.rotate_left(7) ^ u64::from(*b).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            });
            bytes
        };
        assert_eq!(feed(first), feed(&recorded), "the circuit depends on the witness");
    }
    *system = Some(recorded);
}

#[test]
fn tiny_batches_agree_and_satisfy_the_circuit() {
    let mut system = None;
    run("tiny", |_, executed| satisfied(&mut system, executed));
    run("tiny-chain", |_, executed| satisfied(&mut system, executed));
}

#[test]
fn small_batches_agree_and_satisfy_the_circuit() {
    let mut system = None;
    run("small", |_, executed| satisfied(&mut system, executed));
    run("small-chain", |_, executed| satisfied(&mut system, executed));
}

#[test]
fn every_kind_agrees_and_satisfies_the_circuit() {
    let mut system = None;
    run("tiny-kinds", |_, executed| satisfied(&mut system, executed));
    run("tiny-full", |_, executed| satisfied(&mut system, executed));
    let mut system = None;
    run("small-kinds", |_, executed| satisfied(&mut system, executed));
}
