//! The files that commands are given, and the exit codes of their errors.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use bitcoin::Transaction;
use serde::Deserialize;
use tapstone_anchor::Envelope;
use tapstone_circuits::data::{BatchData, DataError};
use tapstone_circuits::file::{FileError, Problem};
use tapstone_circuits::ledger::Ledger;
use tapstone_circuits::ledger::snapshot::{self, SnapshotError};
use tapstone_circuits::ledger::stream::ReadError;
use tapstone_prover::{ProvenFile, ProvenFileError};
use tapstone_verifier::VerifyingKey;

use crate::exit::{Failure, Reason};
use crate::files;
use crate::source::{self, Source};

/// The longest verifying key file: 255 bytes of name, 9 points, and room.
const KEY_LIMIT: usize = 4096;
/// The longest published data: far above what any batch publishes.
const DATA_LIMIT: usize = 1 << 24;

/// Opens a file that is mapped into memory.
pub fn file(path: &Path) -> Result<File, Failure> {
    source::whole(path).map_err(files::io(path))
}

/// Opens a file, or a pipe, that is read as a stream.
pub fn open(path: &Path) -> Result<BufReader<Source>, Failure> {
    source::open(path).map(BufReader::new).map_err(files::io(path))
}

/// The same of a text that a library reads which does not name a byte-order mark.
pub fn open_text(path: &Path) -> Result<BufReader<Source>, Failure> {
    let mut head = Vec::new();
    open(path)?.take(files::LONGEST_MARK as u64).read_to_end(&mut head).map_err(files::io(path))?;
    files::refuse_mark(path, &head)?;
    open(path)
}

/// Why a batch file is refused.
pub fn batch_reason(error: &FileError) -> Reason {
    match error.problem {
        Problem::Io(_) => Reason::Io,
        Problem::Value { .. } if error.field.as_deref() == Some("format") => Reason::Mismatch,
        _ => Reason::Input,
    }
}

/// An error of a batch file.
pub fn batch_error(path: &Path) -> impl Fn(FileError) -> Failure + '_ {
    move |e| Failure::at(batch_reason(&e), path, e)
}

/// What is wrong with a JSON file that names another format than the one needed, which explains whatever else is wrong with it; else `failure`.
pub fn or_other_format(path: &Path, needed: &str, failure: Failure) -> Failure {
    #[derive(Deserialize)]
    #[serde(expecting = "an object")]
    struct Named {
        format: String,
    }
    let named: Option<Named> = open(path).ok().and_then(|reader| serde_json::from_reader(reader).ok());
    match named {
        Some(Named { format }) if format != needed => {
            let had: String = format.chars().take(80).collect();
            Failure::at(Reason::Mismatch, path, format!("its format is \"{had}\", needed \"{needed}\""))
        }
        _ => failure,
    }
}

/// Reads a state, as a stream: it grows with the accounts.
pub fn state(path: &Path) -> Result<Ledger, Failure> {
    let read = serde_json::from_reader(open_text(path)?)
        .map_err(|e| or_other_format(path, snapshot::FORMAT, state_error(path)(ReadError::<Infallible>::Json(e))))?;
    Ledger::restore(&read).map_err(|e| state_error(path)(ReadError::<Infallible>::Snapshot(e)))
}

/// An error of a state file.
pub fn state_error<E: std::fmt::Display>(path: &Path) -> impl Fn(ReadError<E>) -> Failure + '_ {
    move |e| {
        let reason = match &e {
            ReadError::Json(e) if e.is_io() => Reason::Io,
            ReadError::Snapshot(SnapshotError::Format { .. }) => Reason::Mismatch,
            _ => Reason::Input,
        };
        Failure::at(reason, path, e)
    }
}

/// Reads a verifying key.
pub fn verifying_key(path: &Path) -> Result<VerifyingKey, Failure> {
    VerifyingKey::from_bytes(&files::read(path, KEY_LIMIT)?).map_err(|e| Failure::at(Reason::Mismatch, path, e))
}

/// Reads a proven batch, without verifying it.
pub fn proven(path: &Path) -> Result<ProvenFile, Failure> {
    ProvenFile::parse(&files::read_text(path, ProvenFile::LIMIT)?)
        .map_err(|e| or_other_format(path, ProvenFile::FORMAT, proven_error(path)(e)))
}

/// Reads the published data of a batch: a file of them, or a Bitcoin transaction that reveals them.
pub fn data(path: &Path) -> Result<BatchData, Failure> {
    let mut bytes = files::read(path, DATA_LIMIT)?;
    // Published data start with the number of their format, a transaction with a digit.
    if bytes.first().is_some_and(u8::is_ascii_hexdigit) {
        bytes = revealed(path, &bytes)?;
    }
    BatchData::decode(&bytes).map_err(|e| {
        let reason = if matches!(e, DataError::Version { .. }) { Reason::Mismatch } else { Reason::Input };
        Failure::at(reason, path, format!("not published data: {e}"))
    })
}

/// The data in the one envelope of a transaction.
fn revealed(path: &Path, digits: &[u8]) -> Result<Vec<u8>, Failure> {
    let refuse = |what: &dyn std::fmt::Display| Failure::at(Reason::Input, path, format!("not published data: {what}"));
    let bytes = hex::decode(digits.trim_ascii()).map_err(|e| refuse(&e))?;
    let tx: Transaction = bitcoin::consensus::deserialize(&bytes).map_err(|e| refuse(&tapstone_anchor::with_causes(&e)))?;
    let mut found = tx.input.iter().filter_map(|input| Envelope::read(&input.witness).ok());
    match (found.next(), found.next()) {
        (Some(envelope), None) => Ok(envelope.data().to_vec()),
        (None, _) => Err(refuse(&"the transaction reveals no envelope")),
        (Some(_), Some(_)) => Err(refuse(&"the transaction reveals several envelopes")),
    }
}

/// An error of a proven batch.
pub fn proven_error(path: &Path) -> impl Fn(ProvenFileError) -> Failure + '_ {
    move |e| {
        let reason = match e {
            ProvenFileError::Commitment { .. } | ProvenFileError::Verify(_) => Reason::Verdict,
            ProvenFileError::OtherKey { .. } | ProvenFileError::Format { .. } => Reason::Mismatch,
            _ => Reason::Input,
        };
        Failure::at(reason, path, e)
    }
}
