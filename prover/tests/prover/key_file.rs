//! Key files: what is damaged, goes on, or belongs to another circuit is refused, and nothing panics.

use std::fs::File;
use std::io::Write;
use std::ops::Range;

use sha2::{Digest, Sha256};
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::testing::smallest_shape;
use tapstone_prover::{KeyFileError, Origin, ProvingKey};

use crate::{key, key_file};

/// Magic, file version, length of the head, its hash.
const UNHASHED: usize = 4 + 4 + 4 + 32;
/// Circuit version, origin, reduction, radix, rows, wires, matrices.
const CIRCUIT_VERSION: usize = UNHASHED;
const ORIGIN: usize = UNHASHED + 4;
const REDUCTION: usize = UNHASHED + 8;
const ROWS: usize = UNHASHED + 16;
const MATRICES: usize = UNHASHED + 32;
/// Length of the name, the name `one`, then beta and delta in G1.
const NAME: usize = MATRICES + 32 + 4;
const POINTS: usize = NAME + 3;
/// The verifying key.
const VERIFYING: usize = POINTS + 128 + 4;

const SECTIONS: [&str; 10] = [
    "A query",
    "wires of the A query",
    "B query in G1",
    "B query in G2",
    "wires of the B query",
    "H query",
    "L query",
    "coefficients",
    "ends of rows",
    "entries of rows",
];

fn read(file: &[u8]) -> Result<ProvingKey, KeyFileError> {
    ProvingKey::from_bytes(file, &smallest_shape())
}

fn number(file: &[u8], at: usize) -> usize {
    u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

fn head_length() -> usize {
    number(key_file(), 8)
}

/// Where the table of sections starts.
fn table() -> usize {
    head_length() - SECTIONS.len() * 48
}

/// Where each section lies.
pub fn sections() -> Vec<(&'static str, Range<usize>)> {
    let file = key_file();
    let place = |i: usize| {
        let at = table() + 48 * i;
        let start = number(file, at);
        start..start + number(file, at + 8)
    };
    SECTIONS.iter().enumerate().map(|(i, name)| (*name, place(i))).collect()
}

/// The file with its head changed, and the hash of the head made to fit.
fn with_head(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut file = key_file().to_vec();
    let length = head_length();
    change(&mut file[..length]);
    let hash = Sha256::digest(&file[UNHASHED..length]);
    file[12..UNHASHED].copy_from_slice(&hash);
    file
}

#[test]
fn a_key_that_was_written_is_read_and_whole() {
    let mut again = Vec::new();
    let key = key();
    key.write(&mut again).unwrap();
    assert_eq!(again, key_file());
    key.check_sections().unwrap();
    assert_eq!(*key.origin(), Origin::OneParty);
    assert_eq!(key.file_bytes(), key_file().len());
    assert_eq!(sections().last().unwrap().1.end, key_file().len());
}

#[test]
fn a_file_is_mapped() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(key_file()).unwrap();
    let opened = ProvingKey::open(&File::open(file.path()).unwrap(), &smallest_shape()).unwrap();
    assert_eq!(opened.verifying().id(), key().verifying().id());
    opened.check_sections().unwrap();
    let empty = tempfile::tempfile().unwrap();
    assert!(ProvingKey::open(&empty, &smallest_shape()).is_err());
}

#[test]
fn files_that_end_early_or_go_on_are_refused() {
    let file = key_file();
    for length in 0..head_length() {
        assert!(matches!(read(&file[..length]), Err(KeyFileError::Head)), "{length}");
    }
    for length in [head_length(), head_length() + 1, file.len() / 2, file.len() - 1] {
        let error = read(&file[..length]).unwrap_err();
        let KeyFileError::Truncated { had, needed } = error else { panic!("{length}: {error}") };
        assert_eq!((had, needed), (length as u64, file.len() as u64));
    }
    assert!(matches!(read(&[file, &[0]].concat()), Err(KeyFileError::TrailingBytes { .. })));
}

#[test]
fn each_part_of_the_head_is_checked() {
    let flipped = |at: usize| {
        let mut file = key_file().to_vec();
        file[at] ^= 1;
        read(&file).unwrap_err()
    };
    assert!(matches!(flipped(0), KeyFileError::Magic { .. }));
    assert!(matches!(flipped(4), KeyFileError::FileVersion { had: 2, needed: 3 }));
    for at in 12..head_length() {
        assert!(matches!(flipped(at), KeyFileError::HeadChecksum), "{at}");
    }
    for length in [0u32, 43, 1 << 21, u32::MAX] {
        let mut file = key_file().to_vec();
        file[8..12].copy_from_slice(&length.to_le_bytes());
        assert!(matches!(read(&file), Err(KeyFileError::HeadChecksum)), "{length}");
    }
}

/// What a head says, with a hash that fits: nobody is taken at their word.
#[test]
fn heads_that_lie_are_refused() {
    let flipped = |at: usize| read(&with_head(|head| head[at] ^= 1)).unwrap_err();
    for at in [CIRCUIT_VERSION, NAME, MATRICES, MATRICES + 31] {
        assert!(matches!(flipped(at), KeyFileError::OtherCircuit { .. }), "circuit version, name, matrices: {at}");
    }
    // From a ceremony of which there is no record, and from elsewhere.
    assert!(matches!(flipped(ORIGIN), KeyFileError::Head));
    assert!(matches!(read(&with_head(|head| head[ORIGIN] = 2)), Err(KeyFileError::Origin { had: 2 })));
    // The H query of the other reduction is longer by a point.
    assert!(matches!(flipped(REDUCTION), KeyFileError::Length { section: "H query", .. }));
    assert!(matches!(read(&with_head(|head| head[REDUCTION] = 2)), Err(KeyFileError::Reduction { had: 2 })));
    for at in [POINTS, POINTS + 127] {
        assert!(matches!(flipped(at), KeyFileError::Point { .. }), "{at}");
    }
    // Rows and wires give the sections their lengths.
    assert!(matches!(flipped(ROWS), KeyFileError::Length { section: "ends of rows", .. }));
    assert!(matches!(flipped(ROWS + 8), KeyFileError::Length { section: "L query", .. }));
    assert!(matches!(flipped(VERIFYING), KeyFileError::Key(_)));
    // Circuit version and name of the verifying key.
    assert!(matches!(flipped(VERIFYING + 11), KeyFileError::OtherCircuit { .. }));
    // Places of sections: elsewhere, and as far away as can be written.
    for i in 0..SECTIONS.len() {
        let place = table() + 48 * i;
        assert!(matches!(flipped(place), KeyFileError::Head), "{i}");
        for (start, length) in [(u64::MAX, 1), (1, u64::MAX), (u64::MAX, u64::MAX)] {
            let file = with_head(|head| {
                head[place..place + 8].copy_from_slice(&start.to_le_bytes());
                head[place + 8..place + 16].copy_from_slice(&length.to_le_bytes());
            });
            assert!(matches!(read(&file), Err(KeyFileError::Head)), "{i}");
        }
    }
    for rows in [0, u64::MAX, u64::MAX / 3] {
        let file = with_head(|head| head[ROWS..ROWS + 8].copy_from_slice(&rows.to_le_bytes()));
        assert!(read(&file).is_err(), "{rows} rows");
    }
}

/// A section that got longer at the cost of its neighbour, under hashes that fit.
#[test]
fn sections_of_other_lengths_are_refused() {
    for i in 0..SECTIONS.len() - 1 {
        let places = sections();
        let (this, next) = (places[i].1.clone(), places[i + 1].1.clone());
        let file = with_head(|head| {
            let at = table() + 48 * i;
            head[at + 8..at + 16].copy_from_slice(&((next.start + 64 - this.start) as u64).to_le_bytes());
            head[at + 48..at + 56].copy_from_slice(&((next.start + 64) as u64).to_le_bytes());
            head[at + 56..at + 64].copy_from_slice(&((next.len() - 64) as u64).to_le_bytes());
        });
        let error = read(&file).unwrap_err();
        assert!(matches!(error, KeyFileError::Length { .. } | KeyFileError::Coefficient { .. }), "{i}: {error}");
    }
}

#[test]
fn a_name_does_not_make_a_key_fit() {
    let other = Shape { slots: vec![SlotKind::Single; 2], ..smallest_shape() };
    let error = ProvingKey::from_bytes(key_file(), &other).unwrap_err();
    assert!(matches!(error, KeyFileError::OtherCircuit { .. }), "{error}");
}
