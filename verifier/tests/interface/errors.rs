//! Error codes are distinct, stand in the tables of the documentation, and messages start in lower case.

use tapstone_verifier::{
    Element, Pin, VkId,
    error::{
        ChainError, CheckpointError, ExitError, ExitProofError, HeaderError, JsonError, KeyError, KeyPoint, OpenError,
        OpenFileError, ParseHashError, PointError, ProofError, ProofPoint, RegistryError, StatementError, VerifyError,
    },
    field::{NotCanonical, ParseElementError},
    open::KeySetId,
};

fn all() -> Vec<(u16, String)> {
    let (e, bytes, id) = (Element::ZERO, [0; 32], VkId::from_bytes([0; 32]));
    let points = [PointError::NotCanonical, PointError::NotOnCurve, PointError::NotInSubgroup, PointError::Infinity];
    let mut all = Vec::new();
    macro_rules! add {
        ($($error:expr),* $(,)?) => { $( all.push(($error.code(), $error.to_string())); )* };
    }
    let hash = "0".parse::<VkId>().unwrap_err();
    let _: ParseHashError = hash;
    add!(ParseElementError::NotHex, NotCanonical { bytes }, hash);
    add!(JsonError::TooLong { most: 1, actual: 2 }, JsonError::Syntax { offset: 3 }, JsonError::Field { name: "pi_a" },);
    add!(
        StatementError::Length { expected: 1, actual: 2 },
        StatementError::NotCanonical { field: "data_hash", bytes },
        StatementError::ChainId { actual: e },
        StatementError::BatchNumber { actual: e },
    );
    add!(ProofError::Length { expected: 1, actual: 2 });
    for reason in points {
        add!(ProofError::Point { point: ProofPoint::B, reason });
    }
    add!(ProofError::Commitments { count: 1 });
    add!(
        KeyError::Truncated { needed: 2, actual: 1 },
        KeyError::TrailingBytes { expected: 1, actual: 2 },
        KeyError::Magic { expected: [0; 4], actual: [1; 4] },
        KeyError::FileVersion { expected: 1, actual: 2 },
        KeyError::ShapeName { length: 0 },
        KeyError::IcCount { least: 2, most: 65, actual: 66 },
        KeyError::Forgeable { first: KeyPoint::Gamma, second: KeyPoint::Delta },
    );
    for reason in points {
        add!(KeyError::Point { point: KeyPoint::Ic(1), reason });
    }
    add!(
        VerifyError::KeyMismatch { expected: id, actual: id },
        VerifyError::InvalidProof { vk_id: id, batch_number: 1 },
        VerifyError::Inputs { expected: 1, actual: 46 },
    );
    add!(
        HeaderError::Length { expected: 1, actual: 2 },
        HeaderError::Version { expected: 1, actual: 2 },
        HeaderError::Reserved { actual: 1 },
        HeaderError::NoBatches,
        HeaderError::BatchRange { first: 0, count: 1 },
        HeaderError::NotCanonical { field: "pre_state_root", bytes },
        HeaderError::FirstHasPrevious { actual: bytes },
        HeaderError::ChainId { expected: 1, actual: 2 },
        HeaderError::BatchNumber { expected: 1, actual: 2 },
        HeaderError::StateRoot { batch_number: 1, expected: e, actual: e },
        HeaderError::Sequence { expected: None, actual: 1 },
        HeaderError::Previous { expected: bytes, actual: bytes },
        HeaderError::BatchCount { expected: 1, actual: 2 },
        HeaderError::BatchesRoot { expected: bytes, actual: bytes },
        HeaderError::NotCovered { batch_number: 1, first: 2, last: 3 },
        HeaderError::BranchLength { expected: 1, actual: 2 },
    );
    let pin = Pin::always(id);
    add!(
        RegistryError::Line { number: 1 },
        RegistryError::Count { most: 1, actual: 2 },
        RegistryError::Range { pin },
        RegistryError::Overlap { first: pin, second: pin },
        CheckpointError::Length { expected: 1, actual: 2 },
        CheckpointError::Magic { expected: [0; 4], actual: [1; 4] },
        CheckpointError::Version { expected: 1, actual: 2 },
        CheckpointError::BatchNumber { batch_number: 1, deposits_checked: 2 },
        CheckpointError::StateRoot { bytes },
        ChainError::KeyNotPinned { vk_id: id, batch_number: Some(1) },
        ChainError::KeyNotGiven { vk_id: id },
        ChainError::Previous { batch_number: 1, expected: bytes, actual: bytes },
        ChainError::DepositHead { batch_number: 1, expected: e, actual: e },
        ChainError::NoBatches,
    );
    add!(
        ExitProofError::Magic { expected: [0; 4], actual: [1; 4] },
        ExitProofError::Version { expected: 1, actual: 2 },
        ExitProofError::Truncated { what: "path", needed: 2, actual: 1 },
        ExitProofError::TrailingBytes { expected: 1, actual: 2 },
        ExitProofError::NotCanonical { field: "path", bytes },
        ExitProofError::Range { field: "balance", least: 0, end: 1, actual: 2 },
        ExitProofError::Depth { tree: "account", most: 10, actual: 11 },
        ExitProofError::PathLength { tree: "pool", expected: 1, actual: 2 },
        ExitProofError::Absent { tree: "pool", index: 1, count: 1 },
        ExitProofError::Key { bytes },
        ExitProofError::Slot { slot: 1, token: 1, balance: 1 },
        ExitProofError::RepeatedToken { first: 1, second: 2, token: 2 },
        ExitProofError::Pools { expected: Some(1), actual: None },
        ExitProofError::Shares { pool: 0, most: 1, actual: 2 },
        ExitProofError::Flag { actual: 2 },
        ExitError::AccountRoot { account: 0, expected: e, actual: e },
        ExitError::PoolRoot { pool: 0, expected: e, actual: e },
        ExitError::StateRoot { expected: e, actual: e },
        ExitError::ChainId { expected: 1, actual: 2 },
        ExitError::BatchNumber { expected: 1, actual: 2 },
        ExitError::WithdrawalsStart { expected: e, actual: e },
        ExitError::WithdrawalsRoot { expected: e, actual: e },
        ExitError::TooManyWithdrawals { most: 1, actual: 2 },
    );
    let set = KeySetId::from_bytes(bytes);
    add!(
        OpenError::NoKey { role: "segment" },
        OpenError::KeyCount { most: 1, actual: 2 },
        OpenError::RepeatedKey { vk_id: id },
        OpenError::KeySetMismatch { expected: set, actual: set },
        OpenError::Inputs { role: "segment", expected: 46, actual: 1 },
        OpenError::CircuitVersion { expected: 3, actual: 2 },
        OpenError::NoSegments,
        OpenError::TooManyParts { most: 1, actual: 2 },
        OpenError::UnknownKey { part: 1, vk_id: id },
        OpenError::Role { part: 1, expected: "segment", actual: "state part" },
        OpenError::Proofs { expected: 2, actual: 1 },
        OpenError::ChainId { expected: 1, actual: 2 },
        OpenError::BatchNumber { expected: 1, actual: 2 },
        OpenError::StateRoot { which: "before", expected: e, actual: e },
        OpenError::UntouchedPools { expected: e, actual: e },
        OpenError::Operator { end: 1, actual: 2 },
        OpenError::FeeToken { index: 1, least: 2, end: 3, actual: 1 },
        OpenError::Register { segment: 1, register: "fees", end: 1, actual: 2 },
        OpenError::EmptySegment { segment: 1 },
        OpenError::Output { output: "data_hash", expected: e, actual: e },
        OpenError::Challenge,
        OpenError::Balance { expected: e, actual: e },
        OpenError::InvalidProofs { first: 1, parts: vec![1] },
        OpenFileError::Magic { expected: [0; 4], actual: [1; 4] },
        OpenFileError::Version { expected: 1, actual: 2 },
        OpenFileError::Truncated { what: "h", needed: 2, actual: 1 },
        OpenFileError::TrailingBytes { expected: 1, actual: 2 },
        OpenFileError::NotCanonical { field: "h", bytes },
        OpenFileError::Flag { actual: 2 },
        OpenFileError::Role { actual: 3 },
        OpenFileError::KeyOrder,
        OpenFileError::KeyNumber { part: 1, keys: 2, actual: 3 },
        OpenFileError::TooManyParts { most: 1, actual: 2 },
    );
    all
}

#[test]
fn codes_are_distinct_and_are_those_of_the_table() {
    let table = include_str!("../../src/error/mod.rs");
    let documented: Vec<u16> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | ")?.split(' ').next()?.parse().ok())
        // Made in the tests of taproot and of verify_many.
        .filter(|code| !(600..700).contains(code) && ![403, 404].contains(code))
        .collect();
    let codes: Vec<u16> = all().iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, documented);
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), codes.len());
}

#[test]
fn a_statement_error_keeps_its_code_in_a_verdict() {
    let inner = StatementError::BatchNumber { actual: Element::ZERO };
    assert_eq!(VerifyError::from(inner).code(), inner.code());
    assert_eq!(ChainError::from(VerifyError::from(inner)).code(), inner.code());
    let json = JsonError::Syntax { offset: 0 };
    assert_eq!([ProofError::from(json).code(), KeyError::from(json).code()], [json.code(); 2]);
}

#[test]
fn messages_start_in_lower_case_and_end_without_a_full_stop() {
    for (code, message) in all() {
        assert!(!message.starts_with(|c: char| c.is_uppercase()), "{code}: {message}");
        assert!(!message.ends_with('.'), "{code}: {message}");
    }
}
