//! Snapshots: a state that is restored has the snapshot that it came from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tapstone_circuits::ledger::{Ledger, Snapshot};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(snapshot) = serde_json::from_slice::<Snapshot>(bytes)
        && let Ok(ledger) = Ledger::restore(&snapshot)
    {
        let again = ledger.snapshot();
        let restored = Ledger::restore(&again).expect("a snapshot of a ledger is one");
        assert_eq!(restored.state_root(), ledger.state_root());
    }
});
