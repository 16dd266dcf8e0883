//! [`Ground`]: the state that batches are executed on, in a file or in a chain's folder.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use ark_bn254::Fr;
use tapstone_circuits::file::Header;
use tapstone_circuits::ledger::{BatchError, ChainError, Executed, Head, Ledger, Part, Touched};
use tapstone_circuits::shape::Shape;
use tapstone_verifier::ChainEnd;
use tapstone_work::store::{Batch, ChainKeys, Lock, Origin, View};

use super::input::Input;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::input;
use crate::progress::Progress;

/// The state that batches are executed on.
#[derive(Debug)]
pub enum Ground {
    /// From a file, or empty, and written as a file.
    File {
        /// The file.
        path: Option<PathBuf>,
        /// The state, and after execution that after the last batch.
        ledger: Box<Ledger>,
    },
    /// In a chain's folder, which nobody else carries on meanwhile.
    Chain(Chain),
}

/// A chain's folder, locked if the chain is to be carried on.
#[derive(Debug)]
pub struct Chain {
    /// The folder.
    pub folder: PathBuf,
    /// Where the chain stood when it was opened.
    pub head: Head,
    /// Which keys it pins.
    pub keys: ChainKeys,
    _lock: Option<Lock>,
}

/// What a chain is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To carry it on: nobody else does so meanwhile.
    CarryOn,
    /// To see what would be.
    Look,
}

/// A batch of a file.
#[derive(Debug)]
pub enum Work {
    /// The chain has it already.
    Kept {
        /// Its number.
        number: u64,
        /// The number of its transactions.
        count: usize,
        /// What the chain's folder keeps of it.
        batch: Batch,
    },
    /// It was executed.
    New {
        /// The index in its file of its first transaction.
        first: usize,
        /// The state before it.
        before: Box<Head>,
        /// What came out.
        executed: Box<Executed>,
        /// The part of the state before it that it touches, if somebody else is to prove it.
        part: Option<Box<Part>>,
    },
}

/// Who proves what is executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// This process, which has the state.
    Here,
    /// Others, who need the parts of the state that batches touch.
    Workers,
}

impl Ground {
    /// The state of a chain's folder, of a state file, or the empty one.
    pub fn open(
        chain: Option<&Path>,
        state: Option<&Path>,
        chain_id: u32,
        shape: &Shape,
        purpose: Purpose,
        progress: &Progress,
    ) -> Result<Self, Failure> {
        match chain {
            Some(folder) => {
                // Opened first, so that a folder that is no chain's gets no lock file.
                check_depths(folder, &chain::keys(folder, progress)?.head, shape)?;
                let lock = (purpose == Purpose::CarryOn).then(|| chain::lock(folder, progress)).transpose()?;
                // As it is now that nobody else carries it on.
                let chain::Keys { head, keys, .. } = chain::keys(folder, progress)?;
                Ok(Self::Chain(Chain { folder: folder.to_owned(), head, keys, _lock: lock }))
            }
            None => {
                let ledger = Box::new(starting_state(state, chain_id, shape)?);
                Ok(Self::File { path: state.map(Path::to_owned), ledger })
            }
        }
    }

    /// Executes files, one after the other: for each its batches, those that the chain has already first.
    pub fn execute(&mut self, shape: &Shape, files: &[Input], progress: &Progress) -> Result<Vec<Vec<Work>>, Failure> {
        self.execute_for(shape, files, For::Here, progress)
    }

    /// As [`Ground::execute`], for whoever proves the batches.
    pub fn execute_for(
        &mut self,
        shape: &Shape,
        files: &[Input],
        whom: For,
        progress: &Progress,
    ) -> Result<Vec<Vec<Work>>, Failure> {
        match self {
            Self::File { path, ledger } => {
                let place = path.as_ref().map_or("the empty state".into(), |p| p.display().to_string());
                let mut done = Vec::with_capacity(files.len());
                for input in files {
                    let head = ledger.head();
                    check_follows(&input.path, &place, &input.file.header, &head)?;
                    let (operator, transactions) = (input.file.header.operator, &input.file.transactions);
                    let outcome = match whom {
                        For::Here => ledger.execute_all(shape, operator, transactions).map(without_parts),
                        For::Workers => ledger.execute_parts(shape, operator, transactions).map(with_parts),
                    };
                    done.push(batches(&input.path, 0, head, outcome)?);
                }
                Ok(done)
            }
            Self::Chain(chain) => {
                // The database is not held while batches are proven.
                let view = chain::look(&chain.folder, progress)?;
                execute_on(&view, &chain.folder, shape, files, whom)
            }
        }
    }
}

/// Executes files on a chain's state.
fn execute_on(view: &View, folder: &Path, shape: &Shape, files: &[Input], whom: For) -> Result<Vec<Vec<Work>>, Failure> {
    let mut kept = Vec::with_capacity(files.len());
    let mut touched = Touched::default();
    for input in files {
        let batches = kept_batches(view, input)?;
        let done: usize = batches.iter().map(|(_, count, _)| count).sum();
        let Some(rest) = input.file.transactions.get(done..) else {
            return Err(Failure::at(Reason::Mismatch, folder, "more transactions of the file were applied than it has"));
        };
        touched = touched.and(Touched::by(input.file.header.operator, rest));
        kept.push((batches, done));
    }
    let mut part = view.part(&touched).map_err(chain::failure)?;
    let place = folder.display().to_string();
    let mut all = Vec::with_capacity(files.len());
    for (input, (stored, done)) in files.iter().zip(kept) {
        let mut list: Vec<Work> =
            stored.into_iter().map(|(number, count, batch)| Work::Kept { number, count, batch }).collect();
        let rest = &input.file.transactions[done..];
        if done == 0 {
            check_follows(&input.path, &place, &input.file.header, &part.head())?;
        } else if !rest.is_empty() {
            let (had, needed) = (part.head().summary.batch_number, input.file.header.batch + list.len() as u64 - 1);
            if had != needed {
                let text =
                    format!("its first {done} transactions end with batch {needed}, the chain went on to batch {had}");
                return Err(Failure::at(Reason::Verdict, &input.path, text));
            }
        }
        if !rest.is_empty() {
            let (head, operator) = (part.head(), input.file.header.operator);
            let outcome = match whom {
                For::Here => part.execute_all(shape, operator, rest).map(without_parts),
                For::Workers => part.execute_parts(shape, operator, rest).map(with_parts),
            };
            list.extend(batches(&input.path, done, head, outcome)?);
        }
        all.push(list);
    }
    Ok(all)
}

/// The batches of a file that a chain has applied: number, transactions, record.
fn kept_batches(view: &View, input: &Input) -> Result<Vec<(u64, usize, Batch)>, Failure> {
    let header = &input.file.header;
    let head = view.head_now();
    let mut list = Vec::new();
    let mut next = 0u64;
    if header.chain_id != head.chain_id {
        return Ok(list);
    }
    for number in header.batch.max(1)..=head.summary.batch_number {
        let batch = view.batch(number).map_err(chain::failure)?;
        match batch {
            Some(batch) => match &batch.origin {
                Origin::File { sha256, first, count } if *sha256 == input.sha256 && *first == next => {
                    next += count;
                    // A file's transactions were counted in memory.
                    list.push((number, *count as usize, batch));
                }
                _ if list.is_empty() => {
                    let from = match &batch.origin {
                        Origin::File { sha256, .. } => format!("another file, whose SHA-256 is {sha256}"),
                        _ => "published data".into(),
                    };
                    let text = format!("line 1: batch {number} of the chain was made already, from {from}");
                    return Err(Failure::at(Reason::Verdict, &input.path, text));
                }
                _ => break,
            },
            None => break,
        }
    }
    Ok(list)
}

/// Refuses a shape whose trees are not those of a state.
pub fn check_depths(path: &Path, head: &Head, shape: &Shape) -> Result<(), Failure> {
    let (had, needed) = ((head.account_depth, head.pool_depth), (shape.account_depth, shape.pool_depth));
    if had == needed {
        return Ok(());
    }
    let text = format!(
        "account and pool trees have depths {} and {}, needed {} and {} for shape {}{}",
        had.0,
        had.1,
        needed.0,
        needed.1,
        shape.name,
        fitting(|other| (other.account_depth, other.pool_depth) == had)
    );
    Err(Failure::at(Reason::Mismatch, path, text))
}

/// The state of a file, whose trees must be those of the shape, or the empty one.
pub fn starting_state(path: Option<&Path>, chain_id: u32, shape: &Shape) -> Result<Ledger, Failure> {
    let Some(path) = path else {
        let genesis = Ledger::genesis(chain_id, shape.account_depth, shape.pool_depth);
        return genesis.map_err(|e| Failure::new(Reason::Bug, e));
    };
    let ledger = input::state(path)?;
    check_depths(path, &ledger.head(), shape)?;
    Ok(ledger)
}

/// Advice to give a shape of which this is true, if there is one.
fn fitting(fits: impl Fn(&Shape) -> bool) -> String {
    let names: Vec<String> = Shape::all().into_iter().filter(|shape| fits(shape)).map(|shape| shape.name).collect();
    if names.is_empty() { String::new() } else { format!(": give --shape {}", names.join(" or ")) }
}

/// What is wrong with a first batch that follows an empty state, but one with trees of other depths than `head` has. Its root alone would tell nobody.
pub fn of_other_trees(chain_id: u32, batch: u64, pre_state_root: Fr, head: &Head) -> Option<String> {
    let same = head.state_root() == pre_state_root || head.chain_id != chain_id;
    if same || batch != 1 || head.summary.batch_number != 0 {
        return None;
    }
    let advice = fitting(|shape| {
        let genesis = Ledger::genesis(chain_id, shape.account_depth, shape.pool_depth);
        genesis.is_ok_and(|genesis| genesis.state_root() == pre_state_root)
    });
    let (accounts, pools) = (head.account_depth, head.pool_depth);
    let text = format!(
        "it follows an empty state, but not one with trees of depths {accounts} and {pools}, which the shape has{advice}"
    );
    Some(text).filter(|_| !advice.is_empty())
}

/// Refuses a file that does not follow the state.
pub fn check_follows(batch: &Path, state: &str, header: &Header, head: &Head) -> Result<(), Failure> {
    let (batch_number, state_root) = (head.summary.batch_number, head.state_root().into());
    if let Some(text) = of_other_trees(header.chain_id, header.batch, header.pre_state_root, head) {
        return Err(Failure::at(Reason::Mismatch, batch, format!("line 1: {text}")));
    }
    let end = ChainEnd { chain_id: head.chain_id, batch_number, state_root };
    end.check_next(header.chain_id, header.batch, header.pre_state_root.into())
        .map_err(|e| Failure::at(Reason::Verdict, batch, format!("line 1: {e}, to follow {state}")))
}

/// A batch that was executed, and the part that it touched if somebody else is to prove it.
type Done = (Option<Part>, Executed);

fn without_parts(list: Vec<Executed>) -> Vec<Done> {
    list.into_iter().map(|executed| (None, executed)).collect()
}

fn with_parts(list: Vec<(Part, Executed)>) -> Vec<Done> {
    list.into_iter().map(|(part, executed)| (Some(part), executed)).collect()
}

/// The batches that the transactions of a file from `done` on were cut into and executed as, or why they were not.
fn batches(
    path: &Path,
    done: usize,
    mut before: Head,
    outcome: Result<Vec<Done>, ChainError>,
) -> Result<Vec<Work>, Failure> {
    let mut first = done;
    let mut list = Vec::new();
    for (part, executed) in outcome.map_err(|e| refused(path, done, e))? {
        let after = executed.changes.after;
        let used = executed.fill.used;
        let (before_it, part) = (Box::new(before), part.map(Box::new));
        list.push(Work::New { first, before: before_it, executed: Box::new(executed), part });
        first += used;
        before = after;
    }
    Ok(list)
}

/// Executes a file on a state, batch by batch; refuses one that does not follow it.
pub fn execute(shape: &Shape, input: &Input, place: Option<&Path>, ledger: &mut Ledger) -> Result<Vec<Executed>, Failure> {
    let head = ledger.head();
    let place = place.map_or("the empty state".into(), |p| p.display().to_string());
    check_follows(&input.path, &place, &input.file.header, &head)?;
    let outcome = ledger.execute_all(shape, input.file.header.operator, &input.file.transactions);
    outcome.map_err(|e| refused(&input.path, 0, e))
}

/// A refusal with its place. Transaction i of the file stands on line i + 2; those before `done` were not executed.
fn refused(path: &Path, done: usize, error: ChainError) -> Failure {
    let refuse =
        |index: usize, what: &dyn Display| Failure::at(Reason::Verdict, path, format!("line {}: {what}", done + index + 2));
    match error {
        ChainError::Plan(e) => refuse(e.index(), &e),
        ChainError::Batch { first, error } => match &error {
            BatchError::Refused { index, kind, account, rule } => {
                let account = account.map_or(String::new(), |a| format!(" of account {a}"));
                refuse(first + index, &format!("{kind}{account} refused: {rule}"))
            }
            BatchError::OpenBundle { first: member, .. } => refuse(first + member, &error),
            BatchError::Operator { .. } => Failure::at(Reason::Verdict, path, format!("line 1: {error}")),
            BatchError::Conservation { .. } => Failure::new(Reason::Bug, error),
            _ => refuse(first, &error),
        },
        e => Failure::at(Reason::Verdict, path, e),
    }
}
