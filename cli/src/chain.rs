//! A chain's folder, and the state that a command starts from: there, or in a file.

use std::path::Path;
use std::time::Duration;

use tapstone_circuits::account::Account;
use tapstone_circuits::ledger::{Head, Ledger, Source};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::tree::{Family, Place};
use tapstone_verifier::VerifyingKey;
use tapstone_work::store::{ChainKeys, Lock, Store, StoreError, View};

use crate::exit::{Failure, Reason};
use crate::input;
use crate::progress::Progress;

/// How often a store that another process has open is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// What helps against a damaged chain.
const WAY_OUT: &str = "restore the folder from a copy (`tapstone state backup` makes them), or make the chain anew and apply its published data \
    (`tapstone init`, then `tapstone state rebuild DATA... --chain FOLDER`)";

/// Why a store failed.
pub fn failure(error: StoreError) -> Failure {
    let reason = match &error {
        StoreError::Damaged { .. } => return Failure::new(Reason::Input, format!("{error}; {WAY_OUT}")),
        StoreError::Format { .. } | StoreError::Pin(_) => Reason::Mismatch,
        StoreError::Moved { .. } | StoreError::NoWayBack { .. } => Reason::Verdict,
        StoreError::Exists { .. } | StoreError::Occupied { .. } => Reason::Usage,
        _ => Reason::Io,
    };
    Failure::new(reason, error)
}

/// Tries again while another process has a store open, which is never for long.
pub fn patiently<T>(progress: &Progress, mut open: impl FnMut() -> Result<T, StoreError>) -> Result<T, Failure> {
    let mut told = false;
    loop {
        match open() {
            Err(StoreError::Busy { path }) => {
                if !told {
                    progress.step(format!("waiting for {}, which another process has open", path.display()));
                    told = true;
                }
                std::thread::sleep(AGAIN);
            }
            other => return other.map_err(failure),
        }
    }
}

/// Opens a chain's store, to write to it.
pub fn open(folder: &Path, progress: &Progress) -> Result<Store, Failure> {
    patiently(progress, || Store::open(folder))
}

/// The state in a chain's folder, to look at: nothing in the folder is changed. Nobody writes to it as long
/// as the view lives, this process neither.
pub fn look(folder: &Path, progress: &Progress) -> Result<View, Failure> {
    patiently(progress, || View::open(folder))
}

/// What a chain's folder remembers of the keys of its proofs.
#[derive(Debug)]
pub struct Keys {
    /// Where the chain stands.
    pub head: Head,
    /// Which keys it pins.
    pub keys: ChainKeys,
    /// Those of them that it has.
    pub verifying: Vec<VerifyingKey>,
}

/// The keys of a chain.
pub fn keys(folder: &Path, progress: &Progress) -> Result<Keys, Failure> {
    keys_of(&look(folder, progress)?)
}

/// The same, of a state that is open.
pub fn keys_of(view: &View) -> Result<Keys, Failure> {
    let keys = view.keys().map_err(failure)?;
    let known = keys.pins().iter().filter_map(|pin| pin.vk_id).filter_map(|id| view.verifying_key(id).transpose());
    let verifying = known.collect::<Result<_, _>>().map_err(failure)?;
    Ok(Keys { head: view.head_now(), keys, verifying })
}

/// The right to carry a chain on; waits until nobody else has it.
pub fn lock(folder: &Path, progress: &Progress) -> Result<Lock, Failure> {
    let waiting = |holder: &str| {
        let by = if holder.is_empty() { "another process" } else { holder };
        progress.step(format!("waiting for {by}, which carries the chain in {} on", folder.display()));
    };
    Lock::take(folder, waiting).map_err(failure)
}

/// A state to look at.
#[derive(Debug)]
pub enum State {
    /// In a chain's folder, as it was when it was opened.
    Stored(Box<View>),
    /// From a file.
    File(Box<Ledger>),
}

/// Opens the state of a chain's folder or of a state file.
pub fn state(path: &Path, progress: &Progress) -> Result<State, Failure> {
    if path.is_dir() {
        look(path, progress).map(|view| State::Stored(Box::new(view)))
    } else {
        input::state(path).map(|ledger| State::File(Box::new(ledger)))
    }
}

impl State {
    /// What was read does not fit its root: damage, where it was not compared with the root before.
    pub fn inconsistent(&self, path: &Path, what: impl std::fmt::Display) -> Failure {
        match self {
            Self::Stored(_) => failure(StoreError::Damaged { path: path.to_owned(), what: what.to_string() }),
            Self::File(_) => Failure::new(Reason::Bug, what),
        }
    }

    /// Roots and counters.
    pub fn head(&self) -> Head {
        match self {
            Self::Stored(view) => view.head_now(),
            Self::File(ledger) => ledger.head(),
        }
    }

    /// All accounts, by index.
    pub fn accounts(&self) -> Result<Box<dyn Iterator<Item = Result<Account, Failure>> + '_>, Failure> {
        Ok(match self {
            Self::Stored(view) => Box::new(view.accounts().map_err(failure)?.map(|a| a.map_err(failure))),
            Self::File(ledger) => Box::new(ledger.accounts().values().cloned().map(Ok)),
        })
    }

    /// All pools, by index.
    pub fn pools(&self) -> Result<Box<dyn Iterator<Item = Result<Pool, Failure>> + '_>, Failure> {
        Ok(match self {
            Self::Stored(view) => Box::new(view.pools().map_err(failure)?.map(|p| p.map_err(failure))),
            Self::File(ledger) => Box::new(ledger.pools().values().copied().map(Ok)),
        })
    }
}

impl Source for State {
    type Error = Failure;

    fn head(&self) -> Result<Head, Failure> {
        Ok(Self::head(self))
    }

    fn account(&self, index: u32) -> Result<Account, Failure> {
        match self {
            Self::Stored(view) => view.account(index).map_err(failure),
            Self::File(ledger) => Source::account(ledger.as_ref(), index).map_err(|e| match e {}),
        }
    }

    fn pool(&self, index: u32) -> Result<Pool, Failure> {
        match self {
            Self::Stored(view) => view.pool(index).map_err(failure),
            Self::File(ledger) => Source::pool(ledger.as_ref(), index).map_err(|e| match e {}),
        }
    }

    fn account_family(&self, place: Place) -> Result<Option<Family>, Failure> {
        match self {
            Self::Stored(view) => view.account_family(place).map_err(failure),
            Self::File(ledger) => Source::account_family(ledger.as_ref(), place).map_err(|e| match e {}),
        }
    }

    fn pool_family(&self, place: Place) -> Result<Option<Family>, Failure> {
        match self {
            Self::Stored(view) => view.pool_family(place).map_err(failure),
            Self::File(ledger) => Source::pool_family(ledger.as_ref(), place).map_err(|e| match e {}),
        }
    }
}
