//! Digests, withdrawals, data and splitting against what the independent client computed from the protocol's text alone.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use ark_bn254::Fr;
use ark_ff::Zero;
use serde_json::Value;
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::data::{BatchData, data_hash};
use tapstone_circuits::deposit::{Destination, queue_head_after};
use tapstone_circuits::file::BatchFile;
use tapstone_circuits::plan::{Start, split};
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::signature::SecretKey;
use tapstone_circuits::transaction::{Transaction, bundle};
use tapstone_circuits::withdrawal::{Cause, Withdrawal, Withdrawals};
use tapstone_verifier::Element;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../test-vectors/primitives.json")).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn element(value: &Value) -> Fr {
    value.as_str().unwrap().parse::<Element>().unwrap().into()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

/// The transactions of lines that stand under a header.
fn read(lines: &[&str]) -> Vec<Transaction> {
    BatchFile::read(lines.join("\n").as_bytes()).unwrap().transactions
}

fn transaction(line: &Value) -> Transaction {
    let zeros = "0".repeat(64);
    let header =
        format!(r#"{{"format":"tapstone-batch/1","chain_id":3,"batch":1,"pre_state_root":"0x{zeros}","operator":0}}"#);
    read(&[&header, line.as_str().unwrap()]).remove(0)
}

/// Data of one transaction, without the bytes before and after it.
fn alone(published: tapstone_circuits::data::Published) -> Vec<u8> {
    let data = BatchData { chain_id: 1, batch_number: 1, operator: 0, transactions: vec![published], deposit_head: None };
    data.encode()[5..].to_vec()
}

#[test]
fn transactions_have_the_clients_elements_digests_and_bytes() {
    let vectors = vectors();
    for v in list(&vectors["transactions"]) {
        let tx = transaction(&v["line"]);
        let elements: Vec<Fr> = list(&v["elements"]).iter().map(element).collect();
        assert_eq!(tx.data_elements().to_vec(), elements, "{}", v["line"]);
        assert_eq!(alone(tx.published()), bytes(&v["data_hex"]), "{}", v["line"]);
        if tx.signed().is_some() {
            assert_eq!(tx.digest(Fr::zero(), number(&v["chain_id"])), element(&v["message"]), "{}", v["line"]);
        }
    }
    for v in list(&vectors["refunds"]) {
        let tx = transaction(&v["line"]);
        let elements: Vec<Fr> = list(&v["elements"]).iter().map(element).collect();
        assert_eq!(tx.published_refund().elements().to_vec(), elements);
        assert_eq!(alone(tx.published_refund()), bytes(&v["data_hex"]));
        let head = queue_head_after(Fr::zero(), 5, &tx.queue_item().unwrap());
        assert_eq!(head, element(&v["queue_head_after_0_at_index_5"]));
    }
}

#[test]
fn bundles_have_the_clients_digests_message_and_signatures() {
    for v in list(&vectors()["bundles"]) {
        let (what, chain_id) = (&v["what"], number(&v["chain_id"]));
        let members: Vec<Transaction> = list(&v["members"]).iter().map(|m| transaction(&m["line"])).collect();
        let message = element(&v["message"]);
        assert_eq!(bundle::message(&members, chain_id), message, "{what}");
        let mut run = Fr::zero();
        for (tx, m) in members.iter().zip(list(&v["members"])) {
            run = tx.digest(run, chain_id);
            assert_eq!(run, element(&m["digest"]), "{what}");
            let secret = SecretKey::from_bytes(bytes(&m["secret"]).try_into().unwrap());
            assert_eq!(secret.sign(message).unwrap(), tx.signed().unwrap().signature, "{what}");
            let named = tx.signed().unwrap().message;
            assert!(named == Some(message) || (members.len() == 1 && named.is_none()), "{what}");
        }
    }
}

#[test]
fn withdrawals_have_the_clients_links() {
    for v in list(&vectors()["withdrawals"]) {
        let mut chain = Withdrawals::none(number(&v["chain_id"]), v["batch_number"].as_u64().unwrap());
        assert_eq!(chain.root(), element(&v["start"]), "{}", v["what"]);
        for w in list(&v["withdrawals"]) {
            assert_eq!(chain.count(), number(&w["position"]));
            let amount: Amount = w["amount"].as_str().unwrap().parse().unwrap();
            chain.push(&Withdrawal {
                account: number(&w["account"]),
                token: TokenId::new(number(&w["token"])).unwrap(),
                amount,
                cause: if w["refund"].as_bool().unwrap() { Cause::Refund } else { Cause::Request },
                destination: Destination(bytes(&w["destination"]).try_into().unwrap()),
            });
            assert_eq!(chain.root(), element(&w["w"]), "{}", v["what"]);
        }
        assert_eq!(chain.root(), element(&v["withdrawals_root"]), "{}", v["what"]);
    }
}

#[test]
fn data_is_accepted_and_refused_as_by_the_client() {
    let vectors = vectors();
    for v in list(&vectors["data"]["accepted"]) {
        let encoded = bytes(&v["hex"]);
        let data = BatchData::decode(&encoded).unwrap();
        assert_eq!(data.encode(), encoded);
        assert_eq!((data.chain_id, data.operator), (number(&v["chain_id"]), number(&v["operator"])), "{}", v["what"]);
        assert_eq!(data.batch_number, v["batch_number"].as_u64().unwrap());
        let kinds: Vec<_> = data.transactions.iter().map(|tx| tx.kind_name()).collect();
        assert_eq!(v["published"], Value::from(kinds));
        assert_eq!(data.deposit_head, (!v["deposit_head"].is_null()).then(|| element(&v["deposit_head"])));
        assert_eq!(data_hash(data.operator, &data.transactions), element(&v["data_hash"]), "{}", v["what"]);
    }
    for v in list(&vectors["data"]["refused"]) {
        assert!(BatchData::decode(&bytes(&v["hex"])).is_err(), "{}", v["why"]);
    }
}

/// A registered shape by its name, or a vector's own.
fn shape(value: &Value) -> Shape {
    if let Some(name) = value.as_str() {
        return Shape::registered(name).unwrap();
    }
    let count = |field: &str| usize::try_from(value[field].as_u64().unwrap()).unwrap();
    let depth = |field: &str| u8::try_from(count(field)).unwrap();
    let slot = |letter| if letter == 'P' { SlotKind::Pair } else { SlotKind::Single };
    let own = Shape {
        name: value["name"].as_str().unwrap().into(),
        account_depth: depth("account_depth"),
        pool_depth: depth("pool_depth"),
        slots: value["slots"].as_str().unwrap().chars().map(slot).collect(),
        accounts: count("accounts"),
        pools: count("pools"),
        nodes: count("nodes"),
        fee_tokens: count("fee_tokens"),
    };
    own.check().unwrap();
    own
}

#[test]
fn files_are_split_as_by_the_client() {
    for v in list(&vectors()["splitting"]) {
        let lines: Vec<&str> = list(&v["lines"]).iter().map(|line| line.as_str().unwrap()).collect();
        let transactions = read(&lines);
        let sizes: Vec<u64> = bundle::groups(&transactions).map(|range| range.len() as u64).collect();
        assert_eq!(v["bundles"], Value::from(sizes), "{}", v["what"]);
        let shape = shape(&v["shape"]);
        let [operator, next_account, next_pool] = ["operator", "next_account", "next_pool"].map(|field| number(&v[field]));
        let planned = split(&shape, Start { operator, next_account, next_pool }, &transactions);
        let slots = planned.ok().map(|batches| {
            let slots = batches.iter().map(|b| b.slots.iter().map(|s| s.map_or(Value::Null, Value::from)).collect());
            Value::Array(slots.collect())
        });
        assert_eq!(v["slots"], slots.unwrap_or(Value::Null), "{}", v["what"]);
    }
}
