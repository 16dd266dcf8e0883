//! Files of proven batches: one form, consistent in itself, and verified before it counts.

use std::sync::OnceLock;

use tapstone_prover::{ProvenBatch, ProvenFile, ProvenFileError};
use tapstone_verifier::{VerifyingKey, VkId};

use crate::{executed, prover};

fn fixture() -> &'static (String, VerifyingKey) {
    static FIXTURE: OnceLock<(String, VerifyingKey)> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let prover = prover();
        let text = prover.prove(&executed(), &()).unwrap().to_json();
        (text, prover.key().verifying().clone())
    })
}

fn replaced(from: &str, to: &str) -> ProvenFileError {
    let (text, key) = fixture();
    let bad = text.replacen(from, to, 1);
    assert_ne!(bad, *text, "{from}");
    ProvenBatch::verify_json(&bad, key, key.id()).unwrap_err()
}

#[test]
fn a_file_that_was_written_verifies() {
    let (text, key) = fixture();
    assert!(text.len() < ProvenFile::LIMIT);
    let file = ProvenFile::parse(text).unwrap();
    let (statement, commitment) = (*file.statement(), file.unverified_commitment());
    let proven = file.verify(key, key.id()).unwrap();
    assert_eq!(*proven.verified().statement(), statement);
    assert_eq!(proven.verified().commitment().to_bytes(), commitment);
    assert_eq!(proven.to_json(), *text);
}

#[test]
fn another_version_is_named_whatever_its_fields() {
    let other = r#"{"format":"tapstone-proven/2","more":{}}"#;
    let error = ProvenFile::parse(other).unwrap_err();
    assert!(matches!(&error, ProvenFileError::Format { had, .. } if had == "tapstone-proven/2"), "{error}");
}

#[test]
fn malformed_files_are_refused() {
    let (text, _) = fixture();
    for length in [0, 1, text.len() / 2, text.len() - 3] {
        assert!(matches!(ProvenFile::parse(&text[..length]), Err(ProvenFileError::Json(_))), "{length}");
    }
    assert!(matches!(replaced("\"proof\": \"", "\"extra\": 1, \"proof\": \""), ProvenFileError::Json(_)));
    assert!(matches!(replaced("\"chain_id\": 3", "\"chain_id\": 3, \"chain_id\": 3"), ProvenFileError::Json(_)));
    assert!(matches!(replaced("\"proof\": \"", "\"proof\": \"0"), ProvenFileError::Field { field: "proof", .. }));
    assert!(matches!(replaced("\"proof\": \"", "\"proof\": \"A"), ProvenFileError::Field { field: "proof", .. }));
    assert!(matches!(replaced("\"commitment\": \"", "\"commitment\": \"0"), ProvenFileError::Commitment { .. }));
    assert!(matches!(replaced("\"chain_id\": 3", "\"chain_id\": 2"), ProvenFileError::Commitment { .. }));
}

#[test]
fn a_file_of_another_key_and_a_key_that_is_not_pinned_are_refused() {
    let (text, key) = fixture();
    let other = "ab".repeat(32);
    let old = ProvenFile::parse(text).unwrap();
    let statement = old.statement();
    let vk_id: VkId = other.parse().unwrap();
    let commitment = tapstone_verifier::commitment::commitment_bytes(statement, &vk_id);
    let bad = text
        .replace(&key.id().to_string(), &other)
        .replace(&hex::encode(old.unverified_commitment()), &hex::encode(commitment));
    let error = ProvenBatch::verify_json(&bad, key, key.id()).unwrap_err();
    assert!(matches!(&error, ProvenFileError::OtherKey { had, needed } if *had == vk_id && *needed == key.id()), "{error}");
    assert!(matches!(ProvenBatch::verify_json(text, key, vk_id), Err(ProvenFileError::Verify(_))));
}
