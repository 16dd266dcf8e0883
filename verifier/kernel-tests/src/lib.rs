//! Nothing but tests: see `tests/thread.rs`.
