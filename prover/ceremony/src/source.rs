//! [`Source`]: a ceremony's file, mapped.

use std::fs::File;

use tapstone_prover::memory::Bytes;

/// The bytes of a file, read where they lie: files of powers have gigabytes.
///
/// Hazard: as long as it lives the file must neither be changed nor cut short.
#[derive(Debug)]
pub struct Source(Option<Bytes>);

impl Source {
    /// Maps a file.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(file: &File) -> std::io::Result<Self> {
        // Systems refuse to map what is empty.
        let empty = file.metadata()?.len() == 0;
        if empty { Ok(Self(None)) } else { Bytes::map(file).map(|bytes| Self(Some(bytes))) }
    }
}

impl std::ops::Deref for Source {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}
