//! [`Handle`]: the open database of a store. Behind it the database may panic, and nobody else calls it.

use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{
    BackendError, Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageBackend, WriteTransaction,
};

use super::StoreError;

/// Bytes of the database that are kept in memory.
const CACHE: usize = 256 << 20;
/// Every page of a file of at most so many bytes is compared with its checksum whenever the file is opened,
/// which takes tens of milliseconds. Of longer files [`Handle::check`] compares them.
const WHOLE: u64 = 64 << 20;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the calling thread is inside of the store's database. A panic there is damage of the file, which
/// becomes an error: a panic hook that asks this need not tell of it.
pub fn panic_is_damage() -> bool {
    GUARDED.get()
}

/// Calls the database. It trusts the pages of its file, so a damaged one may make it panic: here, and only
/// here, a panic is an error of the file. Whatever the database leaves half-done then, it is in memory alone,
/// and later calls end in errors of its own.
pub(super) fn guarded<T, E: From<StoreError>>(path: &Path, call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    let outside = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    GUARDED.set(outside);
    outcome.unwrap_or_else(|panic| {
        let what = format!("its database cannot make sense of it ({})", said(&*panic));
        Err(StoreError::Damaged { path: path.to_owned(), what }.into())
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("panicked")
}

/// An open database.
pub(super) struct Handle {
    path: PathBuf,
    /// There until it is dropped.
    database: Option<Database>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let database = self.database.take();
        // What was committed is on the disk already, and what closing adds only makes the next start faster.
        let _ = guarded::<_, StoreError>(&self.path, || {
            drop(database);
            Ok(())
        });
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

impl Handle {
    fn new(path: &Path, open: impl FnOnce() -> Result<Database, DatabaseError>) -> Result<Self, StoreError> {
        let database = guarded(path, || {
            open().map_err(|e| match e {
                DatabaseError::DatabaseAlreadyOpen => StoreError::Busy { path: path.to_owned() },
                e => StoreError::from(e).at(path),
            })
        })?;
        Ok(Self { path: path.to_owned(), database: Some(database) })
    }

    /// A new database in a new file.
    pub(super) fn create(path: &Path) -> Result<Self, StoreError> {
        Self::new(path, || builder().create(path))
    }

    /// Opens a database to write to it.
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let whole = fs::metadata(path).map_err(unreadable(path))?.len() <= WHOLE;
        Self::new(path, || builder().set_check_integrity_on_open(whole).open(path))
    }

    /// Opens a database to read it: no byte of its file is changed, and others may read it meanwhile. One
    /// that was not closed is recovered in memory.
    pub(super) fn look(path: &Path) -> Result<Self, StoreError> {
        let overlay = Overlay::new(path)?;
        let whole = overlay.written().length <= WHOLE;
        Self::new(path, || builder().set_check_integrity_on_open(whole).create_with_backend(overlay))
    }

    /// As [`Handle::look`] opens a file that is too long to be compared whole.
    #[cfg(test)]
    pub(super) fn look_only(path: &Path) -> Result<Self, StoreError> {
        let overlay = Overlay::new(path)?;
        Self::new(path, || builder().create_with_backend(overlay))
    }

    /// As [`Handle::look`]; every page is compared with its checksum, and the database's record of free pages
    /// with its pages.
    pub(super) fn check(path: &Path) -> Result<Self, StoreError> {
        let overlay = Overlay::new(path)?;
        let mut handle = Self::new(path, || builder().create_with_backend(overlay))?;
        let sound = guarded(path, || match &mut handle.database {
            Some(database) => database.check_integrity().map_err(|e| StoreError::from(e).at(path)),
            None => Ok(true),
        })?;
        if !sound {
            let what = "its database's own records do not fit its pages".into();
            return Err(StoreError::Damaged { path: path.to_owned(), what });
        }
        Ok(handle)
    }

    /// A database over anything, as if it were a file.
    #[cfg(test)]
    pub(super) fn over_backend(backend: impl StorageBackend) -> Result<Self, StoreError> {
        Self::new(Path::new("memory"), || builder().set_check_integrity_on_open(true).create_with_backend(backend))
    }

    fn database(&self) -> Result<&Database, StoreError> {
        self.database.as_ref().ok_or_else(|| redb::StorageError::DatabaseClosed.into())
    }

    /// A transaction that reads.
    pub(super) fn read(&self) -> Result<ReadTransaction, StoreError> {
        guarded(&self.path, || self.database()?.begin_read().map_err(|e| StoreError::from(e).at(&self.path)))
    }

    /// A transaction that writes.
    pub(super) fn write(&self) -> Result<WriteTransaction, StoreError> {
        self.database()?.begin_write().map_err(|e| StoreError::from(e).at(&self.path))
    }
}

/// Bytes that are kept together.
const BLOCK: u64 = 4096;

/// A file under what a database writes, which goes to memory: to read a database that has to be recovered
/// first, or whose pages are to be checked, and leave every byte of its file as it is.
#[derive(Debug)]
struct Overlay {
    file: FileBackend,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    /// The length.
    length: u64,
    /// So many of the file's bytes count; what follows them are zeros.
    of_file: u64,
    /// Blocks that were written to, by number.
    blocks: HashMap<u64, Box<[u8]>>,
}

/// The parts of a range, block by block: the block, the place in it, and the bytes of the range.
fn parts(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let place = offset + at as u64;
        let (block, within) = (place / BLOCK, (place % BLOCK) as usize);
        let count = (BLOCK as usize - within).min(length - at);
        let range = at..at + count;
        at += count;
        (count > 0).then_some((block, within, range))
    })
}

/// What the system says of a file that is not there or cannot be read.
fn unreadable(path: &Path) -> impl Fn(io::Error) -> StoreError + '_ {
    |source| match source.kind() {
        io::ErrorKind::NotFound => StoreError::Missing { path: path.to_owned() },
        _ => StoreError::Io { path: path.to_owned(), source },
    }
}

impl Overlay {
    /// Opens a file, unless somebody writes to it: whoever wants to is kept away until this is closed, and
    /// whoever reads is not.
    fn new(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(unreadable(path))?;
        let file = FileBackend::new(file).map_err(|e| StoreError::from(e).at(path))?;
        // Before anything is read, its length too.
        match file.try_lock_shared_range(Bound::Unbounded, Bound::Unbounded) {
            // A file system without locks.
            Ok(true) | Err(BackendError::Unsupported) => {}
            Ok(false) => return Err(StoreError::Busy { path: path.to_owned() }),
            Err(e) => return Err(StoreError::from(DatabaseError::from(e)).at(path)),
        }
        let length = file.len().map_err(unreadable(path))?;
        // The database would make a new one of it.
        if length == 0 {
            return Err(StoreError::Damaged { path: path.to_owned(), what: "it is empty".into() });
        }
        Ok(Self { file, written: Mutex::new(Written { length, of_file: length, blocks: HashMap::new() }) })
    }

    fn written(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the file has.
    fn read_file(&self, of_file: u64, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let count = of_file.saturating_sub(offset).min(out.len() as u64) as usize;
        let (from_file, zeros) = out.split_at_mut(count);
        zeros.fill(0);
        if from_file.is_empty() { Ok(()) } else { self.file.read(offset, from_file) }
    }
}

fn beyond() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "beyond the end of the file")
}

impl StorageBackend for Overlay {
    fn len(&self) -> io::Result<u64> {
        Ok(self.written().length)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.written();
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > written.length) {
            return Err(beyond());
        }
        if written.blocks.is_empty() {
            return self.read_file(written.of_file, offset, out);
        }
        for (block, within, range) in parts(offset, out.len()) {
            let out = &mut out[range];
            match written.blocks.get(&block) {
                Some(bytes) => out.copy_from_slice(&bytes[within..within + out.len()]),
                None => self.read_file(written.of_file, block * BLOCK + within as u64, out)?,
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut written = self.written();
        if length < written.length {
            written.of_file = written.of_file.min(length);
            written.blocks.retain(|block, _| block * BLOCK < length);
            if let Some(bytes) = written.blocks.get_mut(&(length / BLOCK)) {
                bytes[(length % BLOCK) as usize..].fill(0);
            }
        }
        written.length = length;
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut written = self.written();
        if offset.checked_add(data.len() as u64).is_none_or(|end| end > written.length) {
            return Err(beyond());
        }
        for (block, within, range) in parts(offset, data.len()) {
            let of_file = written.of_file;
            let bytes = match written.blocks.entry(block) {
                std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::hash_map::Entry::Vacant(entry) => {
                    let mut bytes = vec![0; BLOCK as usize].into_boxed_slice();
                    self.read_file(of_file, block * BLOCK, &mut bytes)?;
                    entry.insert(bytes)
                }
            };
            bytes[within..within + range.len()].copy_from_slice(&data[range]);
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_overlay_reads_as_the_file_would_that_stays_as_it_is() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut expected: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
        file.write_all(&expected).unwrap();
        let before = expected.clone();
        let overlay = Overlay::new(file.path()).unwrap();
        let same = |expected: &[u8]| {
            assert_eq!(overlay.len().unwrap(), expected.len() as u64);
            for (offset, length) in [(0, expected.len()), (1, expected.len() - 1), (4095, 2), (4096, 4096), (9000, 300)] {
                let mut had = vec![9; length];
                if offset + length <= expected.len() {
                    overlay.read(offset as u64, &mut had).unwrap();
                    assert_eq!(had, expected[offset..offset + length], "{offset}");
                } else {
                    assert!(overlay.read(offset as u64, &mut had).is_err());
                }
            }
        };
        same(&expected);
        for (offset, length) in [(0, 3), (4090, 20), (8192, 4096), (19_990, 10)] {
            overlay.write(offset as u64, &vec![7; length]).unwrap();
            expected[offset..offset + length].fill(7);
            same(&expected);
        }
        assert!(overlay.write(19_999, &[1, 2]).is_err());
        // What is cut off does not come back.
        for length in [30_000, 9_000, 9_500, 20_000, 4_096, 12_288] {
            overlay.set_len(length as u64).unwrap();
            expected.resize(length, 0);
            same(&expected);
        }
        drop(overlay);
        assert_eq!(fs::read(file.path()).unwrap(), before);
    }
}
