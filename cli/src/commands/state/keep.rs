//! Making a chain's folder, checking it, going back, and writing its state as a file.

use std::path::Path;

use tapstone_circuits::ledger::{Head, Ledger, stream};
use tapstone_prover::store::{self, ImportError, Store, StoreError, View};
use tapstone_verifier::Element;

use super::show::describe;
use crate::args::Init;
use crate::chain::{self, State};
use crate::commands::keys;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone init`.
pub fn init(args: &Init, progress: &mut Progress) -> Result<Report, Failure> {
    let store = match (&args.genesis, args.chain_id) {
        (Some(path), _) => {
            progress.step(format!("reading {}", path.display()));
            match Store::import(&args.chain, input::open(path)?) {
                Err(ImportError::Store(StoreError::Exists { .. })) => return found(args, &head_of(path)?, progress),
                Err(ImportError::Store(e)) => return Err(chain::failure(e)),
                Err(ImportError::Read(e)) => return Err(input::state_error(path)(e)),
                Err(e) => return Err(Failure::at(Reason::Bug, path, e)),
                Ok(store) => store,
            }
        }
        (None, Some(chain_id)) => {
            let shape = keys::shape(&args.shape)?;
            let ledger = Ledger::genesis(chain_id, shape.account_depth, shape.pool_depth);
            let ledger = ledger.map_err(|e| Failure::new(Reason::Bug, e))?;
            progress.step(format!("making {}", args.chain.display()));
            match Store::create(&args.chain, &ledger) {
                Err(StoreError::Exists { .. }) => return found(args, &ledger.head(), progress),
                made => made.map_err(chain::failure)?,
            }
        }
        (None, None) => return Err(Failure::new(Reason::Usage, "needed --chain-id or --genesis")),
    };
    Ok(made_report(args, &store.head().map_err(chain::failure)?, "made now"))
}

/// There is a chain already: well, if it is the one that was asked for. Its maker perhaps did not live to say so.
fn found(args: &Init, needed: &Head, progress: &Progress) -> Result<Report, Failure> {
    if chain::look(&args.chain, progress)?.head_now() != *needed {
        let text = "there is a state already, and it is another";
        return Err(Failure::at(Reason::Usage, &args.chain, text));
    }
    Ok(made_report(args, needed, "found, the same"))
}

fn made_report(args: &Init, head: &Head, origin: &str) -> Report {
    let mut report = describe(head);
    report.add("origin", origin).add("chain", args.chain.display().to_string());
    report
}

/// The head of a state file.
fn head_of(path: &Path) -> Result<Head, Failure> {
    stream::read(input::open(path)?, &mut ()).map(|read| read.head).map_err(input::state_error(path))
}

/// `tapstone state export`.
pub fn export(folder: &Path, file: &Path, progress: &Progress) -> Result<Report, Failure> {
    let state = chain::state(folder, progress)?;
    let head = state.head();
    if let State::Stored(view) = &state {
        check_all(view, progress)?;
    }
    progress.step(format!("writing {}", file.display()));
    let (accounts, pools) = (state.accounts()?, state.pools()?);
    files::replace_with(file, |to| stream::write(&head, accounts, pools, to))?;
    let mut report = describe(&head);
    report.add("file", file.display().to_string());
    Ok(report)
}

/// `tapstone state check`.
pub fn check(folder: &Path, progress: &Progress) -> Result<Report, Failure> {
    progress.step(format!("comparing {} with its checksums", folder.display()));
    let view = chain::patiently(progress, || View::open_checked(folder))?;
    check_all(&view, progress)?;
    let mut report = describe(&view.head_now());
    report
        .add("state", "all accounts, pools and nodes are those of the state root, and the batches are those that led to it");
    Ok(report)
}

fn check_all(view: &View, progress: &Progress) -> Result<(), Failure> {
    progress.counted("reading accounts".into(), view.head_now().summary.next_account.into());
    view.check(|count| progress.done(count)).map_err(chain::failure)
}

/// `tapstone state backup`.
pub fn backup(folder: &Path, to: &Path, progress: &Progress) -> Result<Report, Failure> {
    progress.step(format!("copying {}", folder.display()));
    let head = chain::patiently(progress, || store::backup(folder, to))?;
    let mut report = describe(&head);
    report.add("copy", to.display().to_string());
    Ok(report)
}

/// `tapstone state rollback`.
pub fn rollback(folder: &Path, to: u64, progress: &Progress) -> Result<Report, Failure> {
    let _lock = chain::lock(folder, progress)?;
    let store = chain::open(folder, progress)?;
    let mut head = store.head().map_err(chain::failure)?;
    let start = head.summary.batch_number;
    if to > start {
        return Err(Failure::new(Reason::Usage, format!("--to is {to}, the chain is at batch {start}")));
    }
    while head.summary.batch_number > to {
        progress.step(format!("undoing batch {}", head.summary.batch_number));
        head = store.undo().map_err(chain::failure)?;
    }
    let mut report = Report::default();
    report
        .add("chain", folder.display().to_string())
        .add("batches_undone", start - to)
        .add("batch_number", head.summary.batch_number)
        .add("state_root", Element::from(head.state_root()).to_string());
    Ok(report)
}
