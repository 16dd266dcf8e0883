//! `VerifyingKey`: the key file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::VerifyingKey;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key) = VerifyingKey::from_bytes(bytes) {
        assert_eq!(key.to_bytes(), bytes);
    }
});
