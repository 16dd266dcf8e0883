//! Statements: canonical bytes, ranges, public input, JSON.

use crate::common::{r_be, statement};
use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField};
use light_poseidon::{Poseidon, PoseidonHasher};
use tapstone_verifier::{Element, Statement, error::StatementError};

#[test]
fn public_input_is_poseidon_over_the_fields_in_order() {
    let mut s = statement(5);
    s.withdrawals_root = Element::from(123);
    let inputs: Vec<Fr> = [3, 5, 1004, 1005, 385, 5, 123].map(|x: u64| Fr::from(x)).into();
    let expected = Poseidon::<Fr>::new_circom(7).unwrap().hash(&inputs).unwrap();
    assert_eq!(s.public_input().to_be_bytes().to_vec(), expected.into_bigint().to_bytes_be());
}

#[test]
fn bytes_round_trip_at_the_ends_of_the_ranges() {
    for (chain_id, batch_number) in [(0, 1), (u32::MAX, (1 << 48) - 1), (3, 77)] {
        let mut s = statement(1);
        (s.chain_id, s.batch_number) = (chain_id, batch_number);
        let bytes = s.to_bytes();
        assert_eq!(Statement::from_bytes(&bytes), Ok(s));
        assert_eq!(bytes[28..32], chain_id.to_be_bytes());
        assert_eq!(bytes[56..64], batch_number.to_be_bytes());
    }
}

#[test]
fn lengths_other_than_224_are_refused() {
    let bytes = statement(1).to_bytes();
    for actual in [0, 1, 223, 225, 256] {
        let mut other = bytes.to_vec();
        other.resize(actual, 0);
        assert_eq!(Statement::from_bytes(&other), Err(StatementError::Length { expected: 224, actual }));
    }
}

#[test]
fn every_field_of_r_or_more_is_refused() {
    let names =
        ["chain_id", "batch_number", "pre_state_root", "post_state_root", "data_hash", "deposit_head", "withdrawals_root"];
    for (i, name) in names.into_iter().enumerate() {
        for bytes in [r_be(), [0xff; 32]] {
            let mut whole = statement(1).to_bytes();
            whole[32 * i..32 * (i + 1)].copy_from_slice(&bytes);
            assert_eq!(Statement::from_bytes(&whole), Err(StatementError::NotCanonical { field: name, bytes }));
        }
    }
}

#[test]
fn chain_id_and_batch_number_out_of_range_are_refused() {
    let with = |i: usize, at: usize, byte: u8| {
        let mut bytes = statement(1).to_bytes();
        bytes[32 * i..32 * (i + 1)].fill(0);
        bytes[32 * i + at] = byte;
        Statement::from_bytes(&bytes)
    };
    assert!(matches!(with(0, 27, 1), Err(StatementError::ChainId { .. })), "2^32");
    assert!(matches!(with(0, 1, 1), Err(StatementError::ChainId { .. })), "above 2^64");
    assert!(matches!(with(1, 31, 0), Err(StatementError::BatchNumber { .. })), "0");
    assert!(matches!(with(1, 25, 1), Err(StatementError::BatchNumber { .. })), "2^48");
    assert!(matches!(with(1, 1, 1), Err(StatementError::BatchNumber { .. })), "above 2^64");
}

#[cfg(feature = "serde")]
mod json {
    use super::*;

    fn text() -> String {
        serde_json::to_string(&statement(2)).unwrap()
    }

    #[test]
    fn numbers_are_numbers_and_elements_are_hexadecimal() {
        let zeros = "0".repeat(60);
        let expected = format!(
            concat!(
                r#"{{"chain_id":3,"batch_number":2,"pre_state_root":"0x{z}03e9","post_state_root":"0x{z}03ea","#,
                r#""data_hash":"0x{z}009a","deposit_head":"0x{z}0005","withdrawals_root":"0x{z}0000"}}"#
            ),
            z = zeros
        );
        assert_eq!(text(), expected);
        assert_eq!(serde_json::from_str::<Statement>(&expected).unwrap(), statement(2));
    }

    #[test]
    fn unknown_missing_repeated_and_out_of_range_fields_are_refused() {
        let good = text();
        let zero = format!("0x{}", "0".repeat(64));
        let r = format!("0x{}", r_be().iter().map(|b| format!("{b:02x}")).collect::<String>());
        for (from, to) in [
            ("{\"chain_id\":3", "{\"extra\":1,\"chain_id\":3".to_owned()),
            ("{\"chain_id\":3,", "{".to_owned()),
            ("{\"chain_id\":3", "{\"chain_id\":3,\"chain_id\":3".to_owned()),
            ("\"chain_id\":3", "\"chain_id\":4294967296".to_owned()),
            ("\"chain_id\":3", "\"chain_id\":\"3\"".to_owned()),
            ("\"batch_number\":2", "\"batch_number\":0".to_owned()),
            ("\"batch_number\":2", "\"batch_number\":281474976710656".to_owned()),
            (zero.as_str(), r),
            (zero.as_str(), zero[2..].to_owned()),
        ] {
            let bad = good.replace(from, &to);
            assert_ne!(bad, good, "{from}");
            assert!(serde_json::from_str::<Statement>(&bad).is_err(), "{bad}");
        }
    }
}
