//! `Proof`: every binary form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_verifier::Proof;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(proof) = Proof::from_compressed(bytes) {
        assert_eq!(proof.to_compressed()[..], *bytes);
    }
    if let Ok(proof) = Proof::from_evm_bytes(bytes) {
        assert_eq!(proof.to_evm_bytes()[..], *bytes);
    }
    if let Ok(proof) = Proof::from_gnark_bytes(bytes) {
        let (short, raw) = (proof.to_gnark_bytes(), proof.to_gnark_raw_bytes());
        assert!([&short[..], &short[..128], &raw[..], &raw[..256]].contains(&bytes));
    }
});
