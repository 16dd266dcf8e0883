//! Reading files with a bound, and writing them whole or not at all, with errors that name the path.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tapstone_circuits::file::{Problem, byte_order_mark};
use tapstone_secret::{self as secret, SecretFileError};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::exit::{Failure, Reason};
use crate::interrupt::Unfinished;
use crate::source::{self, STDIN};

/// What names of files begin with that are not complete yet.
const UNFINISHED: &str = ".tapstone-";
/// A file that is not complete and that nobody wrote to for so long was left by a program that was killed.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// An I/O error about a path.
pub fn io(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |e| Failure::at(Reason::Io, path, e)
}

/// The most bytes of a byte-order mark.
pub const LONGEST_MARK: usize = 3;

/// Refuses a text that begins with a byte-order mark, which is not to be seen in it. No other file begins so.
pub fn refuse_mark(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    match byte_order_mark(bytes) {
        Some(encoding) => Err(Failure::at(Reason::Input, path, Problem::ByteOrderMark { encoding })),
        None => Ok(()),
    }
}

/// Reads a file of at most `limit` bytes; of a longer one no more is read than it takes to notice.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let bytes = read_marked(path, limit)?;
    refuse_mark(path, &bytes)?;
    Ok(bytes)
}

/// The same of a file that may begin with a byte-order mark.
pub fn read_marked(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = source::open(path).map_err(io(path))?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(io(path))?;
    if bytes.len() > limit {
        return Err(Failure::at(
            Reason::Input,
            path,
            format!("longer than {limit} bytes, which is the most such a file has"),
        ));
    }
    Ok(bytes)
}

/// Reads a text file of at most `limit` bytes.
pub fn read_text(path: &Path, limit: usize) -> Result<String, Failure> {
    String::from_utf8(read(path, limit)?).map_err(|_| Failure::at(Reason::Input, path, "not UTF-8"))
}

/// Whether a file holds just these bytes.
pub fn holds(path: &Path, bytes: &[u8]) -> bool {
    let mut had = Vec::new();
    let read = File::open(path).and_then(|file| file.take(bytes.len() as u64 + 1).read_to_end(&mut had));
    read.is_ok() && had == bytes
}

/// Reads a text file that holds a secret, of at most `limit` bytes; one that others may use is refused.
pub fn read_secret(path: &Path, limit: usize) -> Result<Zeroizing<String>, Failure> {
    // What other commands keep of a pipe must not be kept of a secret.
    let opened = if path.as_os_str() == STDIN { Path::new("/dev/stdin") } else { path };
    let text = secret::read_text(opened, limit).map_err(|e| match e {
        SecretFileError::Io(e) => io(path)(e),
        SecretFileError::Shared { .. } => Failure::at(Reason::Usage, path, e),
        e => Failure::at(Reason::Input, path, e),
    })?;
    refuse_mark(path, text.as_bytes())?;
    Ok(text)
}

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whoever the umask lets.
    Umask,
    /// The owner alone.
    Owner,
}

/// What became of a file that should not replace another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Kept {
    /// It is there now.
    New,
    /// There was one already, which is as it was.
    Existed,
}

/// Makes the folder if there is none, and sees that files can be made in it: before work whose results go there. What programs that were killed left
/// there unfinished goes.
pub fn writable_folder(folder: &Path) -> Result<(), Failure> {
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::at(Reason::Io, folder, "not a folder"));
    }
    fs::create_dir_all(folder).map_err(io(folder))?;
    temporary(folder, Readers::Owner).map_err(io(folder))?;
    // It takes room, and does no other harm.
    let _ = sweep(folder);
    Ok(())
}

/// Removes what is unfinished and stale. Of a file that others may still write to, keys of many minutes included, the last change is recent.
fn sweep(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let unfinished = entry.file_name().to_str().is_some_and(|name| name.starts_with(UNFINISHED));
        let metadata = entry.metadata()?;
        let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
        if unfinished && metadata.is_file() && age > STALE {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn temporary(folder: &Path, readers: Readers) -> std::io::Result<(NamedTempFile, Unfinished)> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    if readers == Readers::Umask {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    Unfinished::create(|| builder.tempfile_in(folder))
}

/// A complete file beside `path`, which has yet to take its name; it vanishes if it does not.
fn complete(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> Result<(NamedTempFile, Unfinished), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write_all = || {
        fs::create_dir_all(folder)?;
        let (mut file, unfinished) = temporary(folder, readers)?;
        let mut buffered = BufWriter::new(file.as_file_mut());
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        file.as_file().sync_all()?;
        Ok((file, unfinished))
    };
    write_all().map_err(io(path))
}

/// Writes a file whole or not at all, in place of one of that name.
pub fn replace_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let (file, _unfinished) = complete(path, Readers::Umask, write)?;
    file.persist(path).map_err(|e| io(path)(e.error))?;
    Ok(())
}

/// Writes bytes, as [`replace_with`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace_with(path, |to| to.write_all(bytes))
}

/// Writes the results of a command into a folder: names, and what the files hold. Files that hold just that
/// stay as they are; where one holds something else, which is the result of another command, nothing is
/// written.
pub fn write_results(folder: &Path, results: &[(&str, &[u8])]) -> Result<(), Failure> {
    let places: Vec<_> = results.iter().map(|(name, bytes)| (folder.join(name), bytes)).collect();
    let missing: Vec<_> = places.iter().filter(|(path, bytes)| !holds(path, bytes)).collect();
    if let Some((path, _)) = missing.iter().find(|(path, _)| path.exists()) {
        return Err(taken(path));
    }
    missing.iter().try_for_each(|(path, bytes)| replace(path, bytes))
}

/// The refusal to replace the result of another command.
pub fn taken(path: &Path) -> Failure {
    Failure::at(Reason::Usage, path, "there already, of another run; give --out another folder, or move it away")
}

/// Writes a file whole, unless there is one of that name.
pub fn create_with(
    path: &Path,
    readers: Readers,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> std::io::Result<()>,
) -> Result<Kept, Failure> {
    let (file, _unfinished) = complete(path, readers, write)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(Kept::New),
        Err(e) if e.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(Kept::Existed),
        Err(e) => Err(io(path)(e.error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

    use super::*;

    #[test]
    fn what_a_killed_program_left_goes_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let hours_ago = |name: &str, hours: u64| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(3600 * hours)).unwrap();
        };
        hours_ago(".tapstone-old", 25);
        hours_ago(".tapstone-new", 23);
        hours_ago("batch-1.data", 25);
        writable_folder(folder.path()).unwrap();
        let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        assert_eq!(names, [".tapstone-new", "batch-1.data"]);
    }
}
