//! Points: what unpacks packs to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_circuits::signature::curve::{pack, unpack};

fuzz_target!(|bytes: [u8; 32]| {
    if let Ok(point) = unpack(&bytes) {
        assert!(point.is_on_curve());
        assert_eq!(pack(&point), bytes);
    }
});
