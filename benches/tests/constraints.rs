//! The program that prints the table says what it does not understand.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::process::Command;

#[test]
fn unknown_arguments_are_refused() {
    for args in [&["--wirte"][..], &["--write", "x"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_constraints")).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}
