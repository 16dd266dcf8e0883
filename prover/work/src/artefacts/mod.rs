//! [`Artefacts`]: where tasks and proofs are stored, by their SHA-256; [`Folder`], a folder of them, and with the feature `s3` [`Objects`], a bucket.
//! [`open`] takes the place of either.
//!
//! Hazards: what is read is compared with its name, so a storage can lose an artefact but not change it. Whoever may write the folder can fill it.

#[cfg(feature = "s3")]
mod objects;

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(feature = "s3")]
pub use self::objects::Objects;
use super::error::ArtefactError;
use super::id::ArtefactId;

/// A storage of artefacts. Calls block, and may come from any thread.
pub trait Artefacts: Send + Sync {
    /// Stores bytes under their name; when this returns they are there to stay. Storing them again changes nothing.
    ///
    /// # Errors
    /// What the storage says.
    fn put(&self, bytes: &[u8]) -> Result<ArtefactId, ArtefactError>;

    /// The bytes of that name, at most so many; they were compared with the name.
    ///
    /// # Errors
    /// [`ArtefactError::Missing`], [`ArtefactError::TooLong`] or [`ArtefactError::Hash`], and what the storage says.
    fn get(&self, id: &ArtefactId, most: usize) -> Result<Vec<u8>, ArtefactError>;
}

/// Artefacts at a place: a folder's path, or `s3://bucket/prefix` with credentials from the environment ([`Objects`]).
///
/// # Errors
/// [`ArtefactError::Place`] for a place that is neither, that this build cannot use, or that lacks credentials. Nothing is connected to.
pub fn open(place: &str) -> Result<Box<dyn Artefacts>, ArtefactError> {
    let refused = |what: &str| Err(ArtefactError::Place(format!("{place:?} is no place for artefacts: {what}")));
    match place.split_once("://") {
        #[cfg(feature = "s3")]
        Some(("s3", bucket)) => Ok(Box::new(Objects::s3(bucket, objects::environment())?)),
        #[cfg(not(feature = "s3"))]
        Some(("s3", _)) => refused("this build has no S3, which is the feature s3"),
        Some(_) => refused("needed a folder or s3://bucket/prefix"),
        None if place.is_empty() => refused("needed a folder or s3://bucket/prefix"),
        None => Ok(Box::new(Folder::new(Path::new(place)))),
    }
}

/// Artefacts in a folder, each in a file named by its SHA-256, within folders of its first two digits.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Artefacts in this folder, which is made when something is stored.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where an artefact lies, if it is stored.
    pub fn file(&self, id: &ArtefactId) -> PathBuf {
        let name = id.to_string();
        self.path.join(&name[..2]).join(name)
    }
}

/// Makes a folder and those above it that are missing; their names are on the disk when this returns.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match fs::create_dir(folder) {
        // Somebody else may have made it meanwhile.
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => return Err(error),
        _ => {}
    }
    #[cfg(unix)]
    File::open(above)?.sync_all()?;
    Ok(())
}

/// Writes a file that is there whole or not at all, and to stay when this returns; folders that are missing are made.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    // The name is one that no other thread or process of this machine uses; of other machines the rename decides.
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.{}.new", process::id(), COUNTER.fetch_add(1, Ordering::Relaxed)));
    let unfinished = PathBuf::from(unfinished);
    let write = || {
        let mut file = File::options().write(true).create_new(true).open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        // The name is on the disk when the folder is.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().inspect_err(|_| {
        // What is left of it is in nobody's way.
        let _ = fs::remove_file(&unfinished);
    })
}

fn storage(error: std::io::Error) -> ArtefactError {
    ArtefactError::Storage(Box::new(error))
}

impl Artefacts for Folder {
    fn put(&self, bytes: &[u8]) -> Result<ArtefactId, ArtefactError> {
        let id = ArtefactId::of(bytes);
        // One that is there and whole is not written again; a damaged one is.
        if self.get(&id, bytes.len()).is_err() {
            write_whole(&self.file(&id), bytes).map_err(storage)?;
        }
        Ok(id)
    }

    fn get(&self, id: &ArtefactId, most: usize) -> Result<Vec<u8>, ArtefactError> {
        let file = File::open(self.file(id)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ArtefactError::Missing { id: *id },
            _ => storage(error),
        })?;
        let length = file.metadata().map_err(storage)?.len();
        let too_long = |had| ArtefactError::TooLong { id: *id, had, largest: most as u64 };
        if length > most as u64 {
            return Err(too_long(length));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        // It may grow meanwhile.
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(storage)?;
        if bytes.len() > most {
            return Err(too_long(bytes.len() as u64));
        }
        let had = ArtefactId::of(&bytes);
        if had != *id {
            return Err(ArtefactError::Hash { id: *id, had });
        }
        Ok(bytes)
    }
}
