#![doc = include_str!("../README.md")]
//!
//! ## Map
//!
//! [`read`]: files that hold secrets: keys, passwords, cookies.
//!
//! One that others than its owner may read or write is refused, as ssh and libpq refuse theirs: what it holds may be known, or somebody else's. What is read is
//! wiped when it is dropped, and is never moved while it is read, so that no copy stays behind.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

/// A file of a secret is not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Others than its owner may read it, or write it.
    #[error("it holds a secret, and others may use it (mode {mode:03o}): chmod 600 {path}", path = path.display())]
    Shared {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is longer than such files are.
    #[error("longer than {limit} bytes, which is the most such a file has")]
    TooLong {
        /// The most.
        limit: usize,
    },
    /// It is no text.
    #[error("not UTF-8")]
    Text,
}

/// Reads a file of a secret, of at most so many bytes. A pipe is read as well: it has no permissions that say anything.
///
/// # Errors
/// [`SecretFileError`]; none repeats anything of the file.
pub fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let file = File::open(path)?;
    // Of the open file, not of the name, which may be another file's by now.
    check(path, &file)?;
    // What grows is moved, and what was moved is not wiped: there is room from the start, and for seeing that there is more.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit.saturating_add(64)));
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit { Err(SecretFileError::TooLong { limit }) } else { Ok(bytes) }
}

/// As [`read`], of a text.
///
/// # Errors
/// As [`read`].
pub fn read_text(path: &Path, limit: usize) -> Result<Zeroizing<String>, SecretFileError> {
    let mut bytes = read(path, limit)?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(e) => {
            drop(Zeroizing::new(e.into_bytes()));
            Err(SecretFileError::Text)
        }
    }
}

#[cfg(unix)]
fn check(path: &Path, file: &File) -> Result<(), SecretFileError> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode() & 0o777;
    let shared = metadata.is_file() && mode & 0o077 != 0;
    if shared { Err(SecretFileError::Shared { path: path.to_owned(), mode }) } else { Ok(()) }
}

#[cfg(not(unix))]
fn check(_: &Path, _: &File) -> Result<(), SecretFileError> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_use_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("own.secret");
        write(&path, "hush").unwrap();
        for mode in [0o644, 0o640, 0o604, 0o660, 0o602, 0o601] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = read(&path, 10).unwrap_err().to_string();
            assert!(error.contains(&format!("chmod 600 {}", path.display())) && !error.contains("hush"), "{error}");
            assert!(error.contains(&format!("mode {mode:o}")), "{error}");
        }
        for mode in [0o600, 0o400, 0o700] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_text(&path, 4).unwrap().as_str(), "hush");
        }
        let error = read(&path, 3).unwrap_err();
        assert!(matches!(error, SecretFileError::TooLong { limit: 3 }), "{error}");
        write(&path, b"\xff").unwrap();
        assert!(matches!(read_text(&path, 4), Err(SecretFileError::Text)));
        assert!(matches!(read(&folder.path().join("none"), 4), Err(SecretFileError::Io(_))));
    }
}
