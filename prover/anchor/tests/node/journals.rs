//! Journals that are damaged, or of another kind.

use bitcoin::hashes::{Hash, sha256};
use tapstone_anchor::node::{Journal, JournalError};

use crate::fake::Fake;
use crate::scenarios::{own, publisher, terms};
use crate::scene::header;

/// A journal with these entries, whatever they say.
pub fn chained(entries: &[String]) -> String {
    let mut digest = sha256::Hash::all_zeros();
    let line = |entry: &String| {
        digest = sha256::Hash::hash(&[digest.as_byte_array(), entry.as_bytes()].concat());
        format!("{} {entry}\n", &digest.to_string()[..16])
    };
    entries.iter().map(line).collect()
}

/// The same journal as one of another format.
pub fn of_format(text: &str, format: u32) -> String {
    let entries = text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned());
    let first = |entry: String| match entry.contains("\"entry\":\"thread\"") {
        true => format!("{{\"entry\":\"thread\",\"format\":{format},\"chain_id\":3}}"),
        false => entry,
    };
    chained(&entries.map(first).collect::<Vec<_>>())
}

#[test]
fn damage_is_noticed_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    let mut publisher = publisher(&fake, &path);
    publisher.intend(header(0), &terms(Some(10_000))).unwrap();
    drop(publisher);
    let whole = std::fs::read_to_string(&path).unwrap();
    let line_of = |text: &str| {
        std::fs::write(&path, text).unwrap();
        match Journal::open_existing(&path) {
            Err(JournalError::Line { line, .. }) => line,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(line_of(&whole.replace("10000", "10001")), 2);
    assert_eq!(line_of(&whole.replace("\"chain_id\":3", "\"chain_id\":4")), 1);
    // A line that is missing, or stands twice.
    let lines: Vec<&str> = whole.lines().collect();
    assert_eq!(line_of(&format!("{}\n", lines[1])), 1);
    assert_eq!(line_of(&format!("{whole}{}\n", lines[1])), 3);
    assert_eq!(line_of(""), 1);
    assert!(matches!(Journal::open_existing(&folder.path().join("none")), Err(JournalError::Io { .. })));
}

#[test]
fn looking_at_a_journal_changes_nothing_and_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    let mut publisher = publisher(&fake, &path);
    publisher.intend(header(0), &terms(Some(10_000))).unwrap();
    assert!(matches!(Journal::open_existing(&path), Err(JournalError::Busy { .. })));
    assert_eq!(Journal::look(&path).unwrap().positions().len(), 1);
    drop(publisher);
    // What a crash leaves of a line is not cut off by who looks.
    let torn = [std::fs::read(&path).unwrap(), b"{\"half\": ".to_vec()].concat();
    std::fs::write(&path, &torn).unwrap();
    assert_eq!(Journal::look(&path).unwrap().positions().len(), 1);
    assert_eq!(std::fs::read(&path).unwrap(), torn);
    assert!(matches!(Journal::look(&folder.path().join("none")), Err(JournalError::Io { .. })));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(Journal::look(&path), Err(JournalError::Line { line: 1, .. })));
}
