//! Several files of batches, or the folder of a run: in the order of the batches, whatever their names and the order in which they were given.
//!
//! A shell puts `batch-10` before `batch-2`. What a file holds says which batch it is; two files of one batch, or files of two chains, are a mistake that is told.

use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;

/// Proven batches.
pub fn proven(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    ordered(given, ".proven.json", "proven batches", |path| {
        let statement = *input::proven(path)?.statement();
        Ok((statement.chain_id, statement.batch_number))
    })
}

/// Published data.
pub fn data(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    ordered(given, ".data", "published data", |path| input::data(path).map(|data| (data.chain_id, data.batch_number)))
}

/// Files in the order of what `number` finds in them: chain and batch. Of one there is no order, and whoever uses it says what is wrong with it.
fn ordered(
    given: &[PathBuf],
    suffix: &str,
    what: &str,
    number: impl Fn(&Path) -> Result<(u32, u64), Failure>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = Vec::with_capacity(given.len());
    for path in given {
        if path.is_dir() { paths.extend(of_run(path, suffix, what)?) } else { paths.push(path.clone()) }
    }
    if paths.len() < 2 {
        return Ok(paths);
    }
    let mut found = paths.into_iter().map(|path| Ok((number(&path)?, path))).collect::<Result<Vec<_>, Failure>>()?;
    // Not by name: of two files of one batch the one that was given first stays first.
    found.sort_by_key(|(number, _)| *number);
    for (((chain, batch), path), ((next_chain, next_batch), next)) in found.iter().zip(found.iter().skip(1)) {
        let (a, b) = (path.display(), next.display());
        if chain != next_chain {
            let text = format!("{a} is of chain {chain}, and {b} of chain {next_chain}: give files of one chain");
            return Err(Failure::new(Reason::Usage, text));
        }
        if batch == next_batch {
            let text = format!("{a} and {b} are both of batch {batch}: give one of them");
            return Err(Failure::new(Reason::Usage, text));
        }
    }
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The files of a run's folder with such an end.
fn of_run(folder: &Path, suffix: &str, what: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(files::io(folder))? {
        let entry = entry.map_err(files::io(folder))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix("batch-")?.strip_suffix(suffix));
        if number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit())) {
            found.push(entry.path());
        }
    }
    if found.is_empty() {
        return Err(Failure::at(
            Reason::Input,
            folder,
            format!("a folder without {what}: none is named batch-NUMBER{suffix}"),
        ));
    }
    Ok(found)
}
