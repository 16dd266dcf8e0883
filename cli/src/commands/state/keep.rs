//! Making a chain's folder, checking it, going back, and writing its state as a file.

use std::path::Path;

use tapstone_circuits::ledger::{Head, Ledger, stream};
use tapstone_circuits::shape::Shape;
use tapstone_verifier::{Element, VerifyingKey, VkId};
use tapstone_work::store::{self, ChainKeys, ChainKind, ImportError, KeyPin, Store, StoreError, View};

use super::show::{describe, describe_keys};
use crate::args::{ChainKeyArgs, Init, PinKey};
use crate::chain::{self, State};
use crate::commands::keys;
use crate::commands::prove::check_depths;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

/// `tapstone init`.
pub fn init(args: &Init, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = match (&args.shape, &args.genesis) {
        (Some(name), _) => Some(keys::shape(name)?),
        (None, None) => Some(keys::shape(keys::USUAL_SHAPE)?),
        (None, Some(_)) => None,
    };
    let (rules, key) = rules(args, shape.as_ref())?;
    let store = match (&args.genesis, args.chain_id) {
        (Some(path), _) => {
            progress.step(format!("reading {}", path.display()));
            if let Some(shape) = &shape {
                check_depths(path, &head_of(path)?, shape)?;
            }
            match Store::import_with(&args.chain, input::open_text(path)?, &rules, key.as_ref()) {
                Err(ImportError::Store(StoreError::Exists { .. })) => {
                    return found(args, &head_of(path)?, &rules, progress);
                }
                Err(ImportError::Store(e)) => return Err(chain::failure(e)),
                Err(ImportError::Read(e)) => return Err(input::state_error(path)(e)),
                Err(e) => return Err(Failure::at(Reason::Bug, path, e)),
                Ok(store) => store,
            }
        }
        (None, Some(chain_id)) => {
            let shape = shape.ok_or_else(|| Failure::new(Reason::Bug, "no shape"))?;
            let ledger = Ledger::genesis(chain_id, shape.account_depth, shape.pool_depth);
            let ledger = ledger.map_err(|e| Failure::new(Reason::Bug, e))?;
            progress.step(format!("making {}", args.chain.display()));
            match Store::create_with(&args.chain, &ledger, &rules, key.as_ref()) {
                Err(StoreError::Exists { .. }) => return found(args, &ledger.head(), &rules, progress),
                made => made.map_err(chain::failure)?,
            }
        }
        (None, None) => return Err(Failure::new(Reason::Usage, "needed --chain-id or --genesis")),
    };
    made_report(args, &store.view().map_err(chain::failure)?, "made now")
}

/// What the folder is to remember of the chain's keys, as far as the command says it, and the key if that is given.
fn rules(args: &Init, shape: Option<&Shape>) -> Result<(ChainKeys, Option<VerifyingKey>), Failure> {
    let mut rules = ChainKeys::of_kind(if args.trial { ChainKind::Trial } else { ChainKind::Live });
    let Some(shape) = shape else {
        if args.key.vk_id.is_some() || args.key.verifying_key.is_some() {
            let text = "needed --shape, which a state file does not name, beside --vk-id or --verifying-key";
            return Err(Failure::new(Reason::Usage, text));
        }
        return Ok((rules, None));
    };
    let (vk_id, key) = chain_key(&args.key, shape)?;
    let pin = KeyPin { from_batch: 1, shape: shape.name.clone(), vk_id };
    rules.put(pin).map_err(|e| chain::failure(e.into()))?;
    Ok((rules, key))
}

/// The key that options name, for a shape: its id, and itself if it is given.
fn chain_key(args: &ChainKeyArgs, shape: &Shape) -> Result<(Option<VkId>, Option<VerifyingKey>), Failure> {
    let Some(path) = &args.verifying_key else { return Ok((args.vk_id, None)) };
    let key = keys::verifying(path, shape)?;
    match args.vk_id {
        Some(needed) if needed != key.id() => {
            Err(Failure::at(Reason::Mismatch, path, format!("the key's id is {}, needed {needed}", key.id())))
        }
        _ => Ok((Some(key.id()), Some(key))),
    }
}

/// There is a chain already: well, if it is the one that was asked for. Its maker perhaps did not live to say so.
fn found(args: &Init, needed: &Head, rules: &ChainKeys, progress: &Progress) -> Result<Report, Failure> {
    let view = chain::look(&args.chain, progress)?;
    if view.head_now() != *needed {
        let text = "there is a state already, and it is another";
        return Err(Failure::at(Reason::Usage, &args.chain, text));
    }
    let had = view.keys().map_err(chain::failure)?;
    // What was not asked for may be as it is.
    let next = needed.summary.batch_number + 1;
    let same =
        |(asked, had): (&KeyPin, &KeyPin)| asked.shape == had.shape && (asked.vk_id.is_none() || asked.vk_id == had.vk_id);
    let fits = rules.at(next).is_none_or(|asked| had.at(next).is_some_and(|had| same((asked, had))));
    if had.kind() != rules.kind() || !fits {
        let text = "there is a chain already, for another use, shape or key: `tapstone state show` says which";
        return Err(Failure::at(Reason::Usage, &args.chain, text));
    }
    made_report(args, &view, "found, the same")
}

fn made_report(args: &Init, view: &View, origin: &str) -> Result<Report, Failure> {
    let mut report = describe(&view.head_now());
    describe_keys(&mut report, &view.keys().map_err(chain::failure)?);
    report.add("origin", origin).add("chain", args.chain.display().to_string());
    Ok(report)
}

/// `tapstone state pin`.
pub fn pin(args: &PinKey, progress: &Progress) -> Result<Report, Failure> {
    let known = chain::keys(&args.chain, progress)?;
    let _lock = chain::lock(&args.chain, progress)?;
    let store = chain::open(&args.chain, progress)?;
    let head = store.head().map_err(chain::failure)?;
    let from_batch = args.from_batch.unwrap_or(head.summary.batch_number + 1);
    let usual = known.keys.at(from_batch).map(|pin| pin.shape.as_str());
    let name = args.shape.as_deref().or(usual);
    let name = name.ok_or_else(|| Failure::new(Reason::Usage, "needed --shape: the chain has none yet"))?;
    let shape = keys::shape(name)?;
    check_depths(&args.chain, &head, &shape)?;
    let (vk_id, key) = chain_key(&args.key, &shape)?;
    let pin = KeyPin { from_batch, shape: shape.name.clone(), vk_id };
    let keys = store.pin(pin, key.as_ref()).map_err(chain::failure)?;
    let mut report = Report::default();
    report.add("chain", args.chain.display().to_string()).add("batch_number", head.summary.batch_number);
    describe_keys(&mut report, &keys);
    Ok(report)
}

/// The head of a state file.
fn head_of(path: &Path) -> Result<Head, Failure> {
    stream::read(input::open_text(path)?, &mut ()).map(|read| read.head).map_err(input::state_error(path))
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
    let head = view.head_now();
    progress.counted("verifying proofs".into(), head.summary.batch_number);
    let proofs = view.check_proofs(|count| progress.done(count)).map_err(chain::failure)?;
    let mut report = describe(&head);
    report
        .add("state", "all accounts, pools and nodes are those of the state root, and the batches are those that led to it");
    describe_keys(&mut report, &view.keys().map_err(chain::failure)?);
    report
        .add("proofs", format!("{} verified, by the keys that the chain pins", proofs.verified))
        .add("batches_without_proof", proofs.without);
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
