//! `Statement`: canonical bytes and JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::Statement;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(statement) = Statement::from_bytes(bytes) {
        assert_eq!(statement.to_bytes()[..], *bytes);
    }
    if let Ok(statement) = serde_json::from_slice::<Statement>(bytes) {
        assert_eq!(Statement::from_bytes(&statement.to_bytes()), Ok(statement));
    }
});
