//! [`Input`]: a batch file and its hash.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tapstone_circuits::file::BatchFile;

use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::source::{self, STDIN, Source};

/// A batch file that was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// Where it lies.
    pub path: PathBuf,
    /// What it holds: at least one transaction.
    pub file: BatchFile,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// Hashes what is read through it.
struct Hashing<'a> {
    file: Source,
    hasher: &'a mut Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(to)?;
        self.hasher.update(&to[..count]);
        Ok(count)
    }
}

impl Input {
    /// Reads a batch file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let mut hasher = Sha256::new();
        let reader = BufReader::new(Hashing { file: source::open(path).map_err(files::io(path))?, hasher: &mut hasher });
        let file = BatchFile::read(reader).map_err(input::batch_error(path))?;
        if file.transactions.is_empty() {
            return Err(Failure::at(Reason::Input, path, "line 2: needed at least one transaction"));
        }
        Ok(Self { path: path.to_owned(), file, sha256: hex::encode(hasher.finalize()) })
    }

    /// Reads batch files, and puts them in the order of their batches: a shell puts `day-10` before `day-2`.
    pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Self>, Failure> {
        let mut inputs = paths.iter().map(|path| Self::read(path)).collect::<Result<Vec<_>, _>>()?;
        inputs.sort_by_key(|input| input.file.header.batch);
        for (one, next) in inputs.iter().zip(inputs.iter().skip(1)) {
            if one.file.header.batch == next.file.header.batch {
                let (a, b, batch) = (one.path.display(), next.path.display(), one.file.header.batch);
                let text = format!("{a} and {b} both begin with batch {batch}: give one of them");
                return Err(Failure::new(Reason::Usage, text));
            }
        }
        Ok(inputs)
    }

    /// The file's name, without what stands after its last dot; a pipe has none of its own.
    pub fn name(&self) -> &str {
        if self.path.as_os_str() == STDIN || self.path.starts_with("/dev") || self.path.starts_with("/proc") {
            return "batch";
        }
        self.path.file_stem().and_then(|name| name.to_str()).unwrap_or("batch")
    }
}
