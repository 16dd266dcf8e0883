//! Published data: bytes and meaning are in bijection.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_circuits::data::BatchData;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(data) = BatchData::decode(bytes) {
        assert_eq!(data.encode(), bytes);
    }
});
