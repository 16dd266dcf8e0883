//! Artefacts: what is read is what its name says, or nothing, wherever they are.

use std::fs;

use tapstone_work::{ArtefactError, ArtefactId, Artefacts, Folder, artefacts};
use tempfile::TempDir;

#[cfg(unix)]
use crate::disk::{SmallDisk, apart};

/// Changes what lies under a name.
pub type Damage<'a> = &'a dyn Fn(&ArtefactId, &[u8]);

/// What every storage of artefacts must do.
pub fn keeps_artefacts(storage: &dyn Artefacts, damage: Option<Damage<'_>>) {
    let bytes = b"some bytes".to_vec();
    let id = storage.put(&bytes).unwrap();
    assert_eq!((id, storage.put(&bytes).unwrap()), (ArtefactId::of(&bytes), id));
    assert_eq!(storage.get(&id, bytes.len()).unwrap(), bytes);
    let missing = ArtefactId::of(b"other");
    assert!(matches!(storage.get(&missing, 100), Err(ArtefactError::Missing { id }) if id == missing));
    let short = bytes.len() - 1;
    assert!(matches!(storage.get(&id, short), Err(ArtefactError::TooLong { had: 10, largest: 9, .. })));
    let empty = storage.put(b"").unwrap();
    assert_eq!(storage.get(&empty, 0).unwrap(), b"");
    // As many threads as like may call it.
    std::thread::scope(|scope| {
        for number in 0..4u8 {
            scope.spawn(move || {
                let bytes = vec![number; 100_000];
                let id = storage.put(&bytes).unwrap();
                assert_eq!(storage.get(&id, bytes.len()).unwrap(), bytes);
            });
        }
    });
    let Some(damage) = damage else { return };
    // Damaged, it is not given out; stored again, it is whole.
    damage(&id, b"SOME BYTES");
    let error = storage.get(&id, 100).unwrap_err();
    assert!(matches!(error, ArtefactError::Hash { .. }) && error.is_verdict());
    storage.put(&bytes).unwrap();
    assert_eq!(storage.get(&id, 100).unwrap(), bytes);
    damage(&id, b"some bytes and more");
    storage.put(&bytes).unwrap();
    assert_eq!(storage.get(&id, 100).unwrap(), bytes);
}

#[test]
fn a_folder_keeps_artefacts() {
    let temp = TempDir::new().unwrap();
    let folder = Folder::new(&temp.path().join("artefacts"));
    keeps_artefacts(&folder, Some(&|id, bytes| fs::write(folder.file(id), bytes).unwrap()));
    // Nothing unfinished stays behind.
    let id = ArtefactId::of(b"some bytes");
    assert_eq!(fs::read_dir(folder.file(&id).parent().unwrap()).unwrap().count(), 1);
}

/// Of an artefact that does not fit what is written first, and taken away: there is no name that it could be found by.
#[cfg(unix)]
#[test]
fn a_full_disk_keeps_nothing_half_written() {
    apart("artefacts::a_full_disk_keeps_nothing_half_written", || {
        let temp = TempDir::new().unwrap();
        let disk = SmallDisk::mount(temp.path(), 64);
        let folder = Folder::new(temp.path());
        let (large, small) = (vec![7; 100_000], vec![8; 30_000]);
        let refused = |bytes: &[u8]| {
            let error = folder.put(bytes).unwrap_err();
            assert!(!error.is_verdict() && error.to_string().contains("No space left on device"), "{error}");
            assert!(matches!(folder.get(&ArtefactId::of(bytes), bytes.len()), Err(ArtefactError::Missing { .. })));
        };
        refused(&large);
        assert_eq!(disk.files(), Vec::<std::path::PathBuf>::new());
        disk.fill();
        refused(&small);
        disk.make_space();
        let id = folder.put(&small).unwrap();
        assert_eq!((folder.get(&id, small.len()).unwrap(), disk.files()), (small, vec![folder.file(&id)]));
    });
}

#[test]
fn a_place_is_a_folder_or_a_bucket() {
    let temp = TempDir::new().unwrap();
    let folder = temp.path().join("artefacts");
    let id = artefacts::open(folder.to_str().unwrap()).unwrap().put(b"some bytes").unwrap();
    assert!(Folder::new(&folder).file(&id).exists());
    for place in ["", "ftp://host/path", "S3://bucket"] {
        let error = artefacts::open(place).err().unwrap();
        assert!(error.to_string().contains("s3://bucket/prefix"), "{error}");
    }
}

#[cfg(not(feature = "s3"))]
#[test]
fn a_bucket_needs_its_feature() {
    let error = artefacts::open("s3://bucket").err().unwrap();
    assert!(error.to_string().contains("feature s3"), "{error}");
}
