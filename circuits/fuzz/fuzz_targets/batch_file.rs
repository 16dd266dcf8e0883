//! Batch files: whatever is read is written alike, and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_circuits::file::BatchFile;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = BatchFile::read(bytes) {
        let text = file.to_jsonl();
        let again = BatchFile::read(text.as_bytes()).expect("what was written is read");
        assert_eq!(again.to_jsonl(), text);
    }
});
