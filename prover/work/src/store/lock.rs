//! [`Lock`]: one process at a time carries a chain on.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// Held as long as it lives; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// The lock of a folder, once nobody else holds it. If somebody does, `waiting` hears who before this waits.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Missing`] if there is no such folder.
    pub fn take(folder: &Path, waiting: impl FnOnce(&str)) -> Result<Self, StoreError> {
        let path: PathBuf = folder.join("lock");
        if !folder.is_dir() {
            return Err(StoreError::Missing { path: folder.to_owned() });
        }
        let io = |source| StoreError::Io { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // A name is only good for the message.
                let _ = (&file).take(64).read_to_string(&mut holder);
                waiting(holder.trim());
                file.lock().map_err(io)?;
            }
            Err(TryLockError::Error(e)) => return Err(io(e)),
        }
        let name = format!("process {}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(name.as_bytes()))
            .map_err(io)?;
        Ok(Self { file })
    }

    /// Whether somebody holds the lock of a folder right now.
    pub fn is_held(folder: &Path) -> bool {
        fs::File::open(folder.join("lock")).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file releases it anyway.
        let _ = self.file.unlock();
    }
}
