//! Reading and writing files: whole, atomic, with errors that name the path.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::exit::{Failure, Reason};

/// The most that a file read whole may hold (keys are read as streams).
const LIMIT: u64 = 1 << 30;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let io = |e: std::io::Error| Failure::at(Reason::Io, path, e);
    let length = fs::metadata(path).map_err(io)?.len();
    if length > LIMIT {
        return Err(Failure::at(Reason::Input, path, format!("{length} bytes, at most {LIMIT}")));
    }
    fs::read(path).map_err(io)
}

/// Reads a text file.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::at(Reason::Input, path, "not UTF-8"))
}

/// Writes a file whole or not at all: to a temporary file beside it, which then takes its name.
pub fn write_with(
    path: &Path,
    write: impl FnOnce(&mut std::io::BufWriter<&mut fs::File>) -> std::io::Result<()>,
) -> Result<(), Failure> {
    let io = |e: std::io::Error| Failure::at(Reason::Io, path, e);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io)?;
    let mut file = tempfile::Builder::new().prefix(".tapstone-").tempfile_in(folder).map_err(io)?;
    {
        let mut buffered = std::io::BufWriter::new(file.as_file_mut());
        write(&mut buffered).map_err(io)?;
        buffered.flush().map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}

/// Writes bytes, as [`write_with`], for everyone to read.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_with(path, |to| to.write_all(bytes))?;
    share(path)
}

/// Makes a file readable as the umask would have it; temporary files are for their owner only.
pub fn share(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).map_err(|e| Failure::at(Reason::Io, path, e))?;
    }
    Ok(())
}

/// Creates a file that only its owner can read; refuses to replace one.
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let io = |e: std::io::Error| Failure::at(Reason::Io, path, e);
    let mut file = options.open(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)
}

/// Where keys are kept unless the user says otherwise.
pub fn key_folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|p| !p.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache
        .map(|c| c.join("tapstone"))
        .ok_or_else(|| Failure::new(Reason::Usage, "no folder for keys: give --keys, or set HOME"))
}
