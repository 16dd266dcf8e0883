//! [`StoreError`].

use std::path::{Path, PathBuf};

use tapstone_circuits::ledger::stream::ReadError;
use tapstone_verifier::Element;
use thiserror::Error;

use super::PinError;

/// Why a store cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is a state already.
    #[error("{path}: there is a state already", path = path.display())]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// Something is where a copy should go.
    #[error("{path} is in the way: a copy goes into a folder that is new or empty", path = path.display())]
    Occupied {
        /// It.
        path: PathBuf,
    },
    /// There is no state.
    #[error("{path}: no such state", path = path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another process has the state open.
    #[error("{path}: another process has it open", path = path.display())]
    Busy {
        /// Its file.
        path: PathBuf,
    },
    /// Another format or version.
    #[error("{path}: format {had:?}, needed \"tapstone-store/1\"", path = path.display())]
    Format {
        /// Its file.
        path: PathBuf,
        /// The format.
        had: String,
    },
    /// Something that was written is not there as it was written.
    #[error("{path} is damaged: {what}", path = path.display())]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// What.
        what: String,
    },
    /// A batch does not follow the state.
    #[error("the state is at batch {had} with root {had_root}, needed batch {needed} with root {needed_root}")]
    Moved {
        /// The batch that the state is at.
        had: u64,
        /// Its root.
        had_root: Element,
        /// The batch that it should be at.
        needed: u64,
        /// The root that it should have.
        needed_root: Element,
    },
    /// What a batch replaced is not known.
    #[error("batch {batch} cannot be undone: what it replaced is not kept")]
    NoWayBack {
        /// The batch.
        batch: u64,
    },
    /// The system refused.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refused.
    #[error("the state's database: {0}")]
    Database(Box<redb::Error>),
    /// A key or a proof is not one that the chain takes.
    #[error(transparent)]
    Pin(#[from] PinError),
}

impl StoreError {
    /// The same about a file, where the database says that it is damaged.
    pub(super) fn at(self, path: &Path) -> Self {
        let Self::Database(error) = self else { return self };
        let what = match &*error {
            redb::Error::Corrupted(what) => format!("its pages are not what was written ({what})"),
            redb::Error::UpgradeRequired(version) => {
                format!("version {version} of its format is not the one that is written here")
            }
            redb::Error::Io(e) if is_of_content(e.kind()) => e.to_string(),
            e if is_damage(e) => e.to_string(),
            _ => return Self::Database(error),
        };
        Self::Damaged { path: path.to_owned(), what }
    }
}

/// Whether it is what a file holds that makes reading it fail.
fn is_of_content(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | UnexpectedEof)
}

fn is_damage(error: &redb::Error) -> bool {
    use redb::Error::{
        LockPoisoned, TableDoesNotExist, TableIsMultimap, TableIsNotMultimap, TableTypeMismatch, TypeDefinitionChanged,
    };
    matches!(
        error,
        TableDoesNotExist(_)
            | TableIsMultimap(_)
            | TableIsNotMultimap(_)
            | TableTypeMismatch { .. }
            | TypeDefinitionChanged { .. }
            // A call before this one panicked.
            | LockPoisoned(_)
    )
}

/// Why a state file was not imported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file.
    #[error(transparent)]
    Read(ReadError<StoreError>),
}

impl From<ReadError<StoreError>> for ImportError {
    fn from(error: ReadError<StoreError>) -> Self {
        match error {
            ReadError::Sink(error) => Self::Store(error),
            error => Self::Read(error),
        }
    }
}

/// The database's errors come in a type for each of its operations.
macro_rules! from_database {
    ($($kind:ident),*) => {
        $(impl From<redb::$kind> for StoreError {
            fn from(error: redb::$kind) -> Self {
                Self::Database(Box::new(error.into()))
            }
        })*
    };
}
from_database!(DatabaseError, TransactionError, TableError, StorageError, CommitError, SetDurabilityError);
