//! [`Source`]: a file, or what comes through a pipe or on standard input (`-`).
//!
//! A pipe gives its bytes once, and commands read some files twice: to tell what they hold, and then to read it. So what was read of a pipe is kept, in a file
//! without a name, and whoever opens the same name again reads it from the start. No more is taken from the pipe than is asked for.

use std::fs::{File, metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The name that stands for standard input.
pub const STDIN: &str = "-";

/// Pipes that were opened, by the names that were given.
static PIPES: Mutex<Vec<(PathBuf, Arc<Mutex<Pipe>>)>> = Mutex::new(Vec::new());

/// What can be read from its start.
#[derive(Debug)]
pub enum Source {
    /// A file.
    File(File),
    /// A pipe, and how much of it was read here.
    Pipe(Arc<Mutex<Pipe>>, u64),
}

/// A pipe, and what came out of it so far.
#[derive(Debug)]
pub struct Pipe {
    from: From,
    kept: File,
    length: u64,
}

#[derive(Debug)]
enum From {
    Stdin(io::Stdin),
    File(File),
}

/// Opens a file, or a pipe at its start.
pub fn open(path: &Path) -> io::Result<Source> {
    if path.as_os_str() != STDIN && !is_pipe(path)? {
        return File::open(path).map(Source::File);
    }
    let mut pipes = PIPES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, pipe)) = pipes.iter().find(|(name, _)| name == path) {
        return Ok(Source::Pipe(Arc::clone(pipe), 0));
    }
    let from = if path.as_os_str() == STDIN { From::Stdin(io::stdin()) } else { From::File(File::open(path)?) };
    let pipe = Arc::new(Mutex::new(Pipe { from, kept: tempfile::tempfile()?, length: 0 }));
    pipes.push((path.to_owned(), Arc::clone(&pipe)));
    Ok(Source::Pipe(pipe, 0))
}

/// Opens what is mapped into memory: of a pipe, the file that all of it was put into.
pub fn whole(path: &Path) -> io::Result<File> {
    match open(path)? {
        Source::File(file) => Ok(file),
        mut source @ Source::Pipe(..) => {
            io::copy(&mut source, &mut io::sink())?;
            let Source::Pipe(pipe, _) = source else { return Err(io::ErrorKind::InvalidInput.into()) };
            let pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
            pipe.kept.try_clone()
        }
    }
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata(path)?.file_type();
    Ok(kind.is_fifo() || kind.is_socket())
}

#[cfg(not(unix))]
fn is_pipe(path: &Path) -> io::Result<bool> {
    metadata(path).map(|_| false)
}

impl Read for Source {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(to),
            Self::Pipe(pipe, at) => {
                let count = pipe.lock().unwrap_or_else(PoisonError::into_inner).read_at(*at, to)?;
                *at += count as u64;
                Ok(count)
            }
        }
    }
}

impl Pipe {
    /// Reads from a place that was read up to before: what is kept, and then more of the pipe.
    fn read_at(&mut self, at: u64, to: &mut [u8]) -> io::Result<usize> {
        self.kept.seek(SeekFrom::Start(at))?;
        if at < self.length {
            return self.kept.read(to);
        }
        let count = match &mut self.from {
            From::Stdin(stdin) => stdin.lock().read(to)?,
            From::File(file) => file.read(to)?,
        };
        let fresh = to.get(..count).unwrap_or_default();
        self.kept.write_all(fresh)?;
        self.length += count as u64;
        Ok(count)
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

    use std::process::Command;
    use std::thread::spawn;

    use super::*;

    #[test]
    fn a_pipe_is_read_as_often_as_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let text: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let (to, sent) = (path.clone(), text.clone());
        let writer = spawn(move || File::create(to).unwrap().write_all(&sent).unwrap());
        let mut first = open(&path).unwrap();
        let mut head = [0; 10];
        first.read_exact(&mut head).unwrap();
        for _ in 0..2 {
            let mut all = Vec::new();
            open(&path).unwrap().read_to_end(&mut all).unwrap();
            assert!(all == text);
        }
        let mut rest = Vec::new();
        first.read_to_end(&mut rest).unwrap();
        assert!(head == text[..10] && rest == text[10..]);
        assert_eq!(whole(&path).unwrap().metadata().unwrap().len(), text.len() as u64);
        writer.join().unwrap();
    }
}
