//! Artefacts in a folder: what is read is what its name says, or nothing.

use std::fs;

use tapstone_prover::work::{ArtefactError, ArtefactId, Artefacts, Folder};
use tempfile::TempDir;

#[test]
fn what_was_stored_is_read_and_nothing_else() {
    let temp = TempDir::new().unwrap();
    let folder = Folder::new(&temp.path().join("artefacts"));
    let bytes = b"some bytes".to_vec();
    let id = folder.put(&bytes).unwrap();
    assert_eq!((id, folder.put(&bytes).unwrap()), (ArtefactId::of(&bytes), id));
    assert_eq!(folder.get(&id, bytes.len()).unwrap(), bytes);
    let missing = ArtefactId::of(b"other");
    assert!(matches!(folder.get(&missing, 100), Err(ArtefactError::Missing { id }) if id == missing));
    let short = bytes.len() - 1;
    assert!(matches!(folder.get(&id, short), Err(ArtefactError::TooLong { had: 10, largest: 9, .. })));
    // Damaged, it is not given out; stored again, it is whole.
    fs::write(folder.file(&id), b"SOME BYTES").unwrap();
    let error = folder.get(&id, 100).unwrap_err();
    assert!(matches!(error, ArtefactError::Hash { .. }) && error.is_verdict());
    folder.put(&bytes).unwrap();
    assert_eq!(folder.get(&id, 100).unwrap(), bytes);
    // Nothing unfinished stays behind.
    assert_eq!(fs::read_dir(folder.file(&id).parent().unwrap()).unwrap().count(), 1);
}
