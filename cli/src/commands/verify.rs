//! `verify`: proven batches against pinned keys, in order.

use std::path::{Path, PathBuf};

use tapstone_prover::{ProvenFile, ProvenFileError};
use tapstone_verifier::{ChainEnd, Verified, VerifyingKey};

use crate::args::Verify;
use crate::exit::{Failure, Reason};
use crate::input;
use crate::order;
use crate::pins::{self, Pins, UNPINNED};
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone verify`.
pub fn run(args: &Verify, progress: &Progress) -> Result<Report, Failure> {
    let pins = Pins::read(&args.pins, progress)?;
    let verified = verified(&order::proven(&args.proven)?, &args.key, pins.as_ref())?;
    let mut report = Report::default();
    if let Some(first) = verified.first()
        && verified.iter().all(|batch| batch.vk_id() == first.vk_id())
    {
        report.add("vk_id", first.vk_id().to_string());
    }
    let batches: Vec<_> = verified
        .iter()
        .map(|v| {
            let mut batch = Report::default();
            batch
                .add("batch", v.statement().batch_number)
                .add("post_state_root", v.statement().post_state_root.to_string())
                .add("vk_id", v.vk_id().to_string())
                .add("commitment", v.commitment().to_string());
            batch.into_value()
        })
        .collect();
    report.add("batches", batches).add("deposits", "unchecked: compare deposit_head with the bridge's queue");
    pins::verdict("valid", pins.as_ref(), report)
}

/// Reads and verifies batches that something is to be built on: nothing is, unless their keys are pinned.
pub fn pinned(args: &Verify, progress: &Progress) -> Result<Vec<Verified>, Failure> {
    let pins = Pins::read(&args.pins, progress)?.ok_or_else(|| Failure::new(Reason::Mismatch, UNPINNED))?;
    verified(&order::proven(&args.proven)?, &args.key, Some(&pins))
}

/// Reads and verifies batches in their order, under the keys pinned for them where some are, and that each follows the one before.
pub fn verified(proven: &[PathBuf], keys: &[PathBuf], pins: Option<&Pins>) -> Result<Vec<Verified>, Failure> {
    let mut keys = Keys::read(keys, proven.first(), pins)?;
    let mut chain: Vec<Verified> = Vec::with_capacity(proven.len());
    for path in proven {
        let file = input::proven(path)?;
        pins.map_or(Ok(()), |pins| pins.check(path, &file))?;
        let key = keys.of(path, &file)?;
        let batch = file.verify(key, key.id()).map_err(input::proven_error(path))?.into_verified();
        if let Some(last) = chain.last() {
            ChainEnd::after(last.statement())
                .check_next_statement(batch.statement())
                .map_err(|e| Failure::at(Reason::Verdict, path, format!("{e}, to follow the batch before")))?;
        }
        chain.push(batch);
    }
    Ok(chain)
}

/// Verifying keys at hand. Which of them are right is not said by this.
struct Keys<'a> {
    given: Vec<VerifyingKey>,
    pins: Option<&'a Pins>,
    /// Where one lies, if none is given.
    beside_first: PathBuf,
    /// The last one that lay beside a batch.
    beside: Option<VerifyingKey>,
}

impl<'a> Keys<'a> {
    fn read(paths: &[PathBuf], first: Option<&PathBuf>, pins: Option<&'a Pins>) -> Result<Self, Failure> {
        let given = paths.iter().map(|path| input::verifying_key(path)).collect::<Result<_, _>>()?;
        Ok(Self { given, pins, beside_first: beside(first.map_or(Path::new("."), PathBuf::as_path)), beside: None })
    }

    /// The key that a batch names: one that is given, one that whoever pins it has, or else the one beside it.
    fn of(&mut self, path: &Path, file: &ProvenFile) -> Result<&VerifyingKey, Failure> {
        let needed = file.vk_id();
        let known = self.given.iter().find(|key| key.id() == needed);
        if let Some(key) = known.or_else(|| self.pins.and_then(|pins| pins.key(needed))) {
            return Ok(key);
        }
        let other =
            |key: &VerifyingKey| input::proven_error(path)(ProvenFileError::OtherKey { had: needed, needed: key.id() });
        if let Some(key) = self.given.first() {
            return Err(other(key));
        }
        if self.beside.as_ref().is_none_or(|key| key.id() != needed) {
            let own = beside(path);
            self.beside = Some(input::verifying_key(if own.exists() { &own } else { &self.beside_first })?);
        }
        match &self.beside {
            Some(key) if key.id() == needed => Ok(key),
            Some(key) => Err(other(key)),
            None => Err(Failure::new(Reason::Bug, "no verifying key")),
        }
    }
}

/// Where the key of a batch lies that `prove` wrote.
fn beside(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new(".")).join("verifying.key")
}
