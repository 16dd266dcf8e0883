//! SQLite's store: the rules, and what only a file can do.

use std::cell::Cell;
use std::sync::Barrier;

use tapstone_work::{Effort, SqliteStore, TaskKey, WorkError, WorkStore};
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
fn a_file_may_be_made_by_several_at_once() {
    const OPENERS: usize = 4;
    let folder = TempDir::new().unwrap();
    for round in 0..50 {
        let path = folder.path().join(format!("{round}.sqlite"));
        let start = Barrier::new(OPENERS);
        std::thread::scope(|scope| {
            let open = || {
                start.wait();
                SqliteStore::open(&path).unwrap().status().unwrap()
            };
            let openers: Vec<_> = (0..OPENERS).map(|_| scope.spawn(open)).collect();
            openers.into_iter().for_each(|opener| assert_eq!(opener.join().unwrap().queued, 0));
        });
    }
}

#[test]
fn a_file_of_version_1_is_brought_on() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("queue.sqlite");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../src/migrations/sqlite/0001.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    let insert = "INSERT INTO tasks (key, vk_id, chain_id, batch_number, bundle, memory, deadline, max_attempts, state, result) \
                  VALUES (?1, ?1, 1, 1, ?1, 1, 1, 1, 'done', ?1)";
    connection.execute(insert, [[1u8; 32]]).unwrap();
    drop(connection);
    assert_eq!(SqliteStore::versions(&path).unwrap(), (1, 3));
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.task(&TaskKey::from_bytes([1; 32])).unwrap().unwrap().effort, Effort::default());
    assert_eq!(SqliteStore::versions(&path).unwrap(), (3, 3));
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
