//! [`backup`]: a copy of a store, made while others use it.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tapstone_circuits::ledger::Head;

use super::handle::Handle;
use super::{Store, StoreError, View};

/// What names of copies begin and end with that are not complete yet.
const UNFINISHED: (&str, &str) = ("state.redb.", ".new");

/// Copies the state of one folder into another, which is made, or is empty, or holds what a backup left that
/// was cut short. Whoever carries the chain on waits meanwhile to write; of a copy that is made, every page
/// was compared with its checksum.
///
/// # Errors
/// [`StoreError::Occupied`] if there is anything in the folder, [`StoreError::Busy`] while somebody writes to
/// the state, [`StoreError::Damaged`] if it is not worth a copy, and what the disks say.
pub fn backup(from: &Path, to: &Path) -> Result<Head, StoreError> {
    let source = Store::file(from);
    // As long as it is open, nobody writes to the file.
    let held = Handle::look(&source)?;
    claim(to)?;
    let (start, end) = UNFINISHED;
    let unfinished = to.join(format!("{start}{}{end}", std::process::id()));
    let copied = copy(&source, &unfinished).and_then(|()| View::checked(unfinished.clone()));
    drop(held);
    let named = copied.and_then(|view| {
        let head = view.head_now();
        drop(view);
        name(&unfinished, &Store::file(to)).map(|()| head)
    });
    // After an error, that is what counts.
    let _ = fs::remove_file(&unfinished);
    let head = named.map_err(|e| of_source(e, &unfinished, &source))?;
    super::sync_folder(to)?;
    Ok(head)
}

/// Takes a folder that holds nothing.
fn claim(folder: &Path) -> Result<(), StoreError> {
    let io = |source: io::Error| StoreError::Io { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(io)?;
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if !(name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1)) {
            return Err(StoreError::Occupied { path });
        }
        fs::remove_file(&path).map_err(|source| StoreError::Io { path, source })?;
    }
    Ok(())
}

/// Gives a file its name, unless another has it.
fn name(unfinished: &Path, path: &Path) -> Result<(), StoreError> {
    match fs::hard_link(unfinished, path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(StoreError::Occupied { path: path.to_owned() }),
        // A file system without hard links.
        Err(_) if !path.exists() => {
            fs::rename(unfinished, path).map_err(|source| StoreError::Io { path: path.to_owned(), source })
        }
        Err(source) => Err(StoreError::Io { path: path.to_owned(), source }),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::Io { path, source }
    };
    let mut source = File::open(from).map_err(at(from))?;
    let mut file = File::create_new(to).map_err(at(to))?;
    io::copy(&mut source, &mut file).and_then(|_| file.sync_all()).map_err(at(to))
}

/// Damage of a copy is that of what was copied.
fn of_source(error: StoreError, copy: &Path, source: &Path) -> StoreError {
    match error {
        StoreError::Damaged { path, what } if path == copy => StoreError::Damaged { path: source.to_owned(), what },
        other => other,
    }
}
