//! Proven open batches: bytes, and everything that is checked before proofs.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::open::ProvenOpen;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = ProvenOpen::from_bytes(bytes, 1 << 10) {
        assert_eq!(file.to_bytes(), bytes);
        // Nobody makes shares that add up by chance.
        assert!(file.batch().check(file.keys()).is_err());
        for part in 0..file.batch().parts() {
            assert!(file.batch().part_key(part).is_some());
        }
    }
});
