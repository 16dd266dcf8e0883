//! Making a chain's folder, checking it, going back, and writing its state as a file.

use std::path::Path;

use tapstone_circuits::ledger::{Ledger, snapshot};
use tapstone_prover::store::{Store, StoreError};
use tapstone_verifier::Element;

use super::show::describe;
use crate::args::Init;
use crate::chain;
use crate::commands::keys;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone init`.
pub fn init(args: &Init, progress: &mut Progress) -> Result<Report, Failure> {
    let ledger = match (&args.genesis, args.chain_id) {
        (Some(path), _) => {
            progress.step(format!("reading {}", path.display()));
            input::state(path)?
        }
        (None, Some(chain_id)) => {
            let shape = keys::shape(&args.shape)?;
            Ledger::genesis(chain_id, shape.account_depth, shape.pool_depth).map_err(|e| Failure::new(Reason::Bug, e))?
        }
        (None, None) => return Err(Failure::new(Reason::Usage, "needed --chain-id or --genesis")),
    };
    progress.step(format!("making {}", args.chain.display()));
    let (store, origin) = match Store::create(&args.chain, &ledger) {
        // It was made by the same command, which perhaps did not live to say so.
        Err(StoreError::Exists { path }) => {
            let store = chain::open(&args.chain, progress)?;
            if store.head().map_err(chain::failure)? != ledger.head() {
                return Err(chain::failure(StoreError::Exists { path }));
            }
            (store, "found, the same")
        }
        made => (made.map_err(chain::failure)?, "made now"),
    };
    let mut report = describe(&store.head().map_err(chain::failure)?);
    report.add("origin", origin);
    report.add("chain", args.chain.display().to_string());
    Ok(report)
}

/// `tapstone state export`.
pub fn export(folder: &Path, file: &Path, progress: &Progress) -> Result<Report, Failure> {
    let state = chain::state(folder, progress)?;
    let head = state.head();
    progress.step(format!("writing {}", file.display()));
    let (accounts, pools) = (state.accounts()?, state.pools()?);
    files::replace_with(file, |to| snapshot::write(&head, accounts, pools, to))?;
    let mut report = describe(&head);
    report.add("file", file.display().to_string());
    Ok(report)
}

/// `tapstone state check`.
pub fn check(folder: &Path, progress: &Progress) -> Result<Report, Failure> {
    let store = chain::open(folder, progress)?;
    let head = store.head().map_err(chain::failure)?;
    progress.counted("reading accounts".into(), head.summary.next_account.into());
    store.check(|count| progress.done(count)).map_err(chain::failure)?;
    let mut report = describe(&head);
    report.add("state", "all accounts, pools and nodes are those of the state root");
    Ok(report)
}

/// `tapstone state rollback`.
pub fn rollback(folder: &Path, to: u64, progress: &Progress) -> Result<Report, Failure> {
    let _lock = chain::lock(folder, progress)?;
    let store = chain::open(folder, progress)?;
    let start = store.head().map_err(chain::failure)?.summary.batch_number;
    if to > start {
        return Err(Failure::new(Reason::Usage, format!("--to is {to}, the chain is at batch {start}")));
    }
    let mut head = store.head().map_err(chain::failure)?;
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
