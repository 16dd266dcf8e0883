//! Stripped transactions are read as rust-bitcoin reads them, and strictly.

use crate::story::*;
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, consensus};
use tapstone_verifier::{anchor::transaction::StrippedTransaction, error::TransactionError};

fn same(bytes: &[u8], transaction: &Transaction) {
    let read = StrippedTransaction::parse(bytes).unwrap();
    assert_eq!(read.txid(), transaction.compute_txid());
    assert_eq!(read.inputs().collect::<Vec<_>>(), transaction.input.iter().map(|i| i.previous_output).collect::<Vec<_>>());
    let outputs = transaction.output.iter().map(|o| (o.value, o.script_pubkey.as_script()));
    assert_eq!(read.outputs().collect::<Vec<_>>(), outputs.collect::<Vec<_>>());
    assert_eq!(read.is_coinbase(), transaction.is_coinbase());
    assert_eq!(read.as_bytes(), bytes);
}

#[test]
fn what_rust_bitcoin_writes_is_read_the_same() {
    let many = tx(
        (0..=255).map(|n| tx_in(outpoint(n))).collect(),
        (0..300)
            .map(|n| TxOut { value: Amount::from_sat(n), script_pubkey: ScriptBuf::from_bytes(vec![7; n as usize]) })
            .collect(),
    );
    for transaction in [coinbase(7), filler(1), Story::new().anchors[2].tx.clone(), many] {
        same(&consensus::serialize(&transaction), &transaction);
    }
}

/// Every changed byte, every cut: what is read here, rust-bitcoin reads, and writes the same.
#[test]
fn nothing_is_read_that_rust_bitcoin_does_not_read_the_same() {
    let good = consensus::serialize(&Story::new().anchors[1].tx);
    let mut read = 0;
    let mut compare = |bytes: &[u8]| {
        let theirs = consensus::deserialize::<Transaction>(bytes).ok().filter(|t| consensus::serialize(t) == bytes);
        // With witnesses, without inputs or without outputs: no transaction for us.
        let stripped = theirs.filter(|t| t.input.iter().all(|i| i.witness.is_empty()));
        let stripped = stripped.filter(|t| !t.input.is_empty() && !t.output.is_empty());
        assert_eq!(StrippedTransaction::parse(bytes).is_ok(), stripped.is_some() && bytes.len() != 64, "{bytes:02x?}");
        if let Some(transaction) = stripped.filter(|_| bytes.len() != 64) {
            same(bytes, &transaction);
            read += 1;
        }
    };
    for at in 0..good.len() {
        for change in [1, 2, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] ^= change;
            compare(&bytes);
        }
        compare(&good[..at]);
        compare(&[&good[..at], &good[at + 1..]].concat());
    }
    assert!(read > 100);
}

#[test]
fn each_error_is_told() {
    let parse = |bytes: &[u8]| StrippedTransaction::parse(bytes).unwrap_err();
    let good = consensus::serialize(&filler(1));
    assert_eq!(parse(&[0; 64]), TransactionError::Ambiguous);
    assert_eq!(parse(&vec![0; 1_000_001]), TransactionError::TooLong { most: 1_000_000, actual: 1_000_001 });
    assert_eq!(parse(&good[..good.len() - 1]), TransactionError::Malformed { offset: good.len() - 4 });
    assert_eq!(parse(&[1, 0, 0, 0, 0, 1]), TransactionError::NoInputs);
    let mut none = tx(vec![tx_in(outpoint(1))], vec![]);
    assert_eq!(parse(&consensus::serialize(&none)), TransactionError::NoOutputs);
    let longer = [&good[..], &[0]].concat();
    assert_eq!(parse(&longer), TransactionError::TrailingBytes { expected: good.len(), actual: good.len() + 1 });
    // A count that is not in its shortest form.
    let long_count = [&good[..4], &[0xfd, 1, 0], &good[5..]].concat();
    assert_eq!(parse(&long_count), TransactionError::Malformed { offset: 7 });
    // A transaction of 64 bytes that is one in every other way.
    none.output = vec![TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(vec![0x51; 4]) }];
    let bytes = consensus::serialize(&none);
    assert_eq!((bytes.len(), parse(&bytes)), (64, TransactionError::Ambiguous));
    // Counts that no bytes follow cost no memory.
    for count in [[0xfe, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], [0xff; 9]] {
        assert_eq!(parse(&[&[2, 0, 0, 0][..], &count].concat()).code(), 623);
    }
}
