//! [`Input`]: a batch file and its hash.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tapstone_circuits::file::BatchFile;

use crate::exit::{Failure, Reason};
use crate::input;

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
    file: File,
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
        let reader = BufReader::new(Hashing { file: input::file(path)?, hasher: &mut hasher });
        let file = BatchFile::read(reader).map_err(input::batch_error(path))?;
        if file.transactions.is_empty() {
            return Err(Failure::at(Reason::Input, path, "line 2: needed at least one transaction"));
        }
        Ok(Self { path: path.to_owned(), file, sha256: hex::encode(hasher.finalize()) })
    }

    /// The file's name, without what stands after its last dot.
    pub fn name(&self) -> &str {
        self.path.file_stem().and_then(|name| name.to_str()).unwrap_or("batch")
    }
}
