//! SQLite's store: the rules, and what only a file can do.

use std::cell::Cell;

use tapstone_prover::work::{SqliteStore, WorkError, WorkStore};
use tempfile::TempDir;

use crate::conformance::RULES;

#[test]
fn sqlite_keeps_every_rule() {
    let folder = TempDir::new().unwrap();
    let count = Cell::new(0);
    let make = || -> Box<dyn WorkStore> {
        count.set(count.get() + 1);
        Box::new(SqliteStore::open(&folder.path().join(format!("{}.sqlite", count.get()))).unwrap())
    };
    for (name, rule) in RULES {
        eprintln!("{name}");
        rule(&make);
    }
    assert_eq!(count.get(), RULES.len());
}

#[test]
fn a_file_of_a_later_version_or_of_something_else_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("queue.sqlite");
    drop(SqliteStore::open(&path).unwrap());
    // Opening it again changes nothing.
    drop(SqliteStore::open(&path).unwrap());
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    assert!(matches!(SqliteStore::open(&path), Err(WorkError::Schema { had: 99, .. })));
    let other = folder.path().join("text");
    std::fs::write(&other, "no database\n".repeat(500)).unwrap();
    assert!(matches!(SqliteStore::open(&other), Err(WorkError::Database(_))));
}
