//! [`RunKey`]: the key of a run, held against those that the chain pins before anything is proven by it.

use std::path::Path;

use tapstone_circuits::shape::Shape;
use tapstone_prover::{Origin, ProvenFile, ProvingKey};
use tapstone_verifier::VerifyingKey;
use tapstone_work::store::{ChainKeys, ChainKind, KeyPin};

use super::ground::{Chain, For, Ground, Work};
use super::input::Input;
use super::workers;
use crate::args::Prove;
use crate::chain;
use crate::commands::keys;
use crate::exit::{Failure, Reason};
use crate::hint;
use crate::progress::Progress;
use crate::report::Report;

/// The key of a run.
#[derive(Debug)]
pub enum RunKey {
    /// It proves here.
    Proving(Box<ProvingKey>),
    /// Others prove. Where the key is from is known if it was taken from a proving key.
    Verifying(Box<VerifyingKey>, Option<Origin>),
    /// There is none yet.
    Missing,
}

impl RunKey {
    /// The key that the command names. Nothing is made yet.
    pub fn find(args: &Prove, shape: &Shape, folder: &Path, whom: For, progress: &Progress) -> Result<Self, Failure> {
        let missing = args.work.verifying_key.is_none() && !keys::exists(shape, folder);
        match whom {
            // What is only looked at needs no key.
            _ if missing && (whom == For::Here || args.dry_run) => Ok(Self::Missing),
            For::Here => {
                keys::open(shape, &keys::proving_path(folder, shape), progress).map(|key| Self::Proving(Box::new(key)))
            }
            For::Workers => {
                let (key, origin) = workers::verifying_key(args, shape, folder, progress)?;
                Ok(Self::Verifying(Box::new(key), origin))
            }
        }
    }

    /// The verifying key.
    pub fn verifying(&self) -> Option<&VerifyingKey> {
        match self {
            Self::Proving(key) => Some(key.verifying()),
            Self::Verifying(key, _) => Some(key),
            Self::Missing => None,
        }
    }

    /// Refuses a key that is not the chain's before its files are executed: a slip in an option is told at once.
    pub fn check_early(&self, ground: &Ground, inputs: &[Input], shape: &Shape, folder: &Path) -> Result<(), Failure> {
        let Ground::Chain(chain) = ground else { return Ok(()) };
        // Where the chain may have all batches of the files, their proofs are kept, and no key is needed.
        let next = chain.head.summary.batch_number + 1;
        if inputs.iter().all(|input| input.file.header.batch < next) {
            return Ok(());
        }
        self.check(chain, [next], shape, folder)
    }

    /// Refuses a key that is not the chain's for one of the batches that are to be proven.
    pub fn check_batches(&self, ground: &Ground, plan: &[Vec<Work>], shape: &Shape, folder: &Path) -> Result<(), Failure> {
        let Ground::Chain(chain) = ground else { return Ok(()) };
        let new = plan.iter().flatten().filter_map(|work| match work {
            Work::New { executed, .. } => Some(executed.batch_number),
            Work::Kept { .. } => None,
        });
        self.check(chain, new, shape, folder)
    }

    /// The key of the proofs that the chain has, if it has all of them: then no other key is needed, and none is the right one.
    pub fn of_kept(
        &self,
        ground: &Ground,
        plan: &[Vec<Work>],
        progress: &Progress,
    ) -> Result<Option<(VerifyingKey, Option<Origin>)>, Failure> {
        let Ground::Chain(chain) = ground else { return Ok(None) };
        let mut last = None;
        for work in plan.iter().flatten() {
            match work {
                Work::New { .. } => return Ok(None),
                Work::Kept { number, batch, .. } => last = Some((*number, batch)),
            }
        }
        let Some((number, batch)) = last else { return Ok(None) };
        let refuse = |what: String| Failure::at(Reason::Mismatch, &chain.folder, format!("batch {number}: {what}"));
        let text = batch.proven.as_deref().ok_or_else(|| refuse("it was not proven".into()))?;
        let id = ProvenFile::parse(text).map_err(|e| refuse(e.to_string()))?.vk_id();
        let kept = chain::keys(&chain.folder, progress)?.verifying.into_iter().find(|key| key.id() == id);
        let here = self.verifying().filter(|key| key.id() == id);
        let origin = here.and_then(|_| self.origin()).cloned();
        let key = kept.or_else(|| here.cloned());
        key.map(|key| Some((key, origin))).ok_or_else(|| refuse(format!("its key {id} is neither kept nor in --keys")))
    }

    /// Which key it is, and whether it is insecure.
    pub fn describe(&self, report: &mut Report) {
        if let Some(key) = self.verifying() {
            report.add("vk_id", key.id().to_string());
            keys::add_source(report, self.origin());
        }
    }

    /// Where it is from, if that is known here.
    fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Proving(key) => Some(key.origin()),
            Self::Verifying(_, origin) => origin.as_ref(),
            Self::Missing => None,
        }
    }

    fn check(
        &self,
        chain: &Chain,
        batches: impl IntoIterator<Item = u64>,
        shape: &Shape,
        folder: &Path,
    ) -> Result<(), Failure> {
        let mut batches = batches.into_iter();
        batches.try_for_each(|batch| check(&chain.folder, &chain.keys, batch, self.verifying(), shape, folder))
    }
}

/// Refuses a key, or that there is none, where a chain does not take a batch by it. `folder` is that of keys.
pub fn check(
    chain: &Path,
    keys: &ChainKeys,
    batch: u64,
    key: Option<&VerifyingKey>,
    shape: &Shape,
    folder: &Path,
) -> Result<(), Failure> {
    let refuse = |text: String| Err(Failure::at(Reason::Mismatch, chain, text));
    if let Some(key) = key {
        let help =
            "name the folder of the chain's key with --keys, or change the chain's key on purpose with `tapstone state pin`";
        return keys.check(batch, key).or_else(|e| refuse(format!("{e}; {help}")));
    }
    let place = format!("no key of shape {} in {}", shape.name, folder.display());
    match keys.at(batch) {
        Some(KeyPin { shape: needed, from_batch, .. }) if *needed != shape.name => {
            refuse(format!("the chain is of shape {needed} from batch {from_batch} on, had shape {}", shape.name))
        }
        Some(KeyPin { vk_id: Some(id), from_batch, .. }) => refuse(format!(
            "{place}, and the chain pins key {id} from batch {from_batch} on: name the folder of that key with --keys"
        )),
        _ if keys.kind() == ChainKind::Trial => Ok(()),
        _ => refuse(format!(
            "{place}, and for a chain that is not for trials (`tapstone init --trial`) none is made unasked: {}",
            hint::bring_key(shape, folder)
        )),
    }
}
