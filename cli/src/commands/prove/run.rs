//! [`Run`]: batches that were executed become results, one after the other, wherever their proofs come from.

use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_prover::{Origin as KeyOrigin, ProvenBatch, ProvenFile};
use tapstone_verifier::VerifyingKey;
use tapstone_work::store::{Batch, Made, Origin};

use super::ground::{Ground, Work};
use super::input::Input;
use super::results::{Outcome, Provers, Results, Source};
use super::{metrics, snapshot};
use crate::args::Prove;
use crate::chain;
use crate::commands::{anchor, fill, keys};
use crate::exit::{Failure, Reason};
use crate::progress::Progress;
use crate::report::Report;

/// Where proofs come from.
pub trait Proofs {
    /// The proof of the next batch that has none yet, and how it was made.
    fn next(&mut self, executed: &Executed, progress: &Progress) -> Result<(ProvenBatch, Made), Failure>;
    /// Who made them.
    fn provers(&self) -> Provers;
}

/// Who proves where the chain has all batches already.
pub struct Nobody;

impl Proofs for Nobody {
    fn next(&mut self, executed: &Executed, _: &Progress) -> Result<(ProvenBatch, Made), Failure> {
        Err(Failure::new(
            Reason::Bug,
            format!("batch {} is to be proven, and nobody is there to do it", executed.batch_number),
        ))
    }

    fn provers(&self) -> Provers {
        Provers::Nobody
    }
}

/// A batch on its way.
pub struct Step {
    /// The place of its file.
    pub input: usize,
    /// What is to be done.
    pub work: Work,
    /// Its proof, if that lay in the folder of results already.
    pub earlier: Option<(ProvenBatch, Source)>,
}

/// The batches of a command, and what became of them.
pub struct Run<'a> {
    /// The command.
    pub args: &'a Prove,
    /// The shape of all batches.
    pub shape: &'a Shape,
    /// The batch files.
    pub inputs: &'a [Input],
    /// The key that proofs must verify with.
    pub key: &'a VerifyingKey,
    /// Where it is from, if that is known here.
    origin: Option<&'a KeyOrigin>,
    /// The batches in order.
    pub steps: Vec<Step>,
    ground: Ground,
    /// The keys that the chain keeps, once one is asked for.
    kept: Option<chain::Keys>,
    results: Results,
    total: usize,
    proven: Vec<ProvenBatch>,
    reports: Vec<serde_json::Value>,
}

impl<'a> Run<'a> {
    /// Claims the folder of results, and takes up what lies there of this run.
    pub fn new(
        args: &'a Prove,
        shape: &'a Shape,
        inputs: &'a [Input],
        ground: Ground,
        plan: Vec<Vec<Work>>,
        mut results: Results,
        (key, origin): (&'a VerifyingKey, Option<&'a KeyOrigin>),
    ) -> Result<Self, Failure> {
        let chain_id = inputs.first().map_or(0, |input| input.file.header.chain_id);
        results.claim((key, origin), chain_id, args.internal_key.is_some())?;
        let statements = super::statements(&plan)?;
        let works = plan.into_iter().enumerate().flat_map(|(input, works)| works.into_iter().map(move |work| (input, work)));
        let steps: Vec<Step> = works
            .zip(&statements)
            .map(|((input, work), statement)| Step { input, work, earlier: results.earlier(statement, key) })
            .collect();
        let total = steps.len();
        let (proven, reports) = (Vec::with_capacity(total), Vec::with_capacity(total));
        Ok(Self { args, shape, inputs, key, origin, steps, ground, kept: None, results, total, proven, reports })
    }

    /// Takes the proofs in order and writes what comes of them; batches of a chain are applied to it.
    pub fn prove(&mut self, proofs: &mut dyn Proofs, progress: &Progress) -> Result<(), Failure> {
        progress.parts("batches", self.total);
        let inputs = self.inputs;
        for Step { input, work, earlier } in std::mem::take(&mut self.steps) {
            let input = &inputs[input];
            let (done, made, used) = match work {
                Work::Kept { number, count, batch } => {
                    let (done, source) = match earlier {
                        Some(earlier) => earlier,
                        None => (self.kept(number, &batch, progress)?, Source::Earlier(batch.made)),
                    };
                    let slots = self.shape.slots.len();
                    let outcome =
                        Outcome { proven: &done, source, data: &batch.data, used: count, slots, flows: None, input };
                    self.reports.push(self.results.write(outcome)?);
                    (done, batch.made.or(source.made()), count)
                }
                Work::New { first, before, executed, .. } => {
                    let (done, source) = match earlier {
                        Some(earlier) => earlier,
                        None => {
                            let (done, made) = proofs.next(&executed, progress)?;
                            self.results.made_by(proofs.provers());
                            (done, Source::Now(made))
                        }
                    };
                    let (used, made) = (executed.fill.used, source.made());
                    if let Ground::Chain(chain) = &self.ground {
                        let sha256 = input.sha256.clone();
                        let origin = Origin::File { sha256, first: first as u64, count: used as u64 };
                        let batch = Batch { origin, proven: Some(done.to_json()), made, data: executed.data.clone() };
                        let store = chain::open(&chain.folder, progress)?;
                        store.apply_proven(&before, &executed.changes, &batch, self.key).map_err(chain::failure)?;
                        tracing::info!(batch = executed.batch_number, chain = %chain.folder.display(), "applied");
                    }
                    let (data, slots, flows) = (&executed.data, executed.fill.slots, Some(&executed.flows[..]));
                    self.reports.push(self.results.write(Outcome {
                        proven: &done,
                        source,
                        data,
                        used,
                        slots,
                        flows,
                        input,
                    })?);
                    (done, made, used)
                }
            };
            if let Some(path) = &self.args.metrics {
                metrics::write(path, &done, made.as_ref(), used, self.total - self.proven.len() - 1)?;
            }
            progress.part_done(&format!("batch {}", done.verified().statement().batch_number));
            self.proven.push(done);
        }
        Ok(())
    }

    /// The proof of a batch that the chain has, under the key that it was proven by.
    fn kept(&mut self, number: u64, batch: &Batch, progress: &Progress) -> Result<ProvenBatch, Failure> {
        let refuse = |what: String| Failure::new(Reason::Mismatch, format!("batch {number}, which the chain has: {what}"));
        let text = batch.proven.as_deref().ok_or_else(|| refuse("it was not proven".into()))?;
        let file = ProvenFile::parse(text).map_err(|e| refuse(e.to_string()))?;
        if let (Ground::Chain(chain), None) = (&self.ground, &self.kept) {
            self.kept = Some(chain::keys(&chain.folder, progress)?);
        }
        let kept = self.kept.iter().flat_map(|kept| &kept.verifying).find(|key| key.id() == file.vk_id());
        let key = kept.unwrap_or(self.key);
        if let Some(kept) = &self.kept {
            kept.keys.check(number, key).map_err(|e| refuse(e.to_string()))?;
        }
        file.verify(key, key.id()).map_err(|e| refuse(e.to_string()))
    }

    /// Writes state, anchor and manifest, and tells of all of it.
    pub fn finish(mut self, profile: Option<anchor::Profile>) -> Result<Report, Failure> {
        let mut report = Report::default();
        let transactions: usize = self.inputs.iter().map(|input| input.file.transactions.len()).sum();
        report
            .add("shape", self.shape.name.as_str())
            .add("transactions", transactions)
            .add("slots", fill(transactions, self.shape.slots.len() * self.total))
            .add("vk_id", self.key.id().to_string());
        keys::add_source(&mut report, self.origin);
        report.add("batches", self.reports);
        if let Some(last) = self.proven.last() {
            report.add("state_root", last.verified().statement().post_state_root.to_string());
        }
        report.add("output_folder", self.results.folder().display().to_string());
        match &self.ground {
            Ground::File { ledger, .. } => self.results.write_state(&snapshot(ledger)?)?,
            Ground::Chain(chain) => _ = report.add("chain", chain.folder.display().to_string()),
        }
        if let Some(profile) = profile {
            let verified: Vec<_> = self.proven.into_iter().map(ProvenBatch::into_verified).collect();
            let made = anchor::first(&verified, profile)?.into_value();
            let text = serde_json::to_vec_pretty(&made).map_err(|e| Failure::new(Reason::Bug, e))?;
            self.results.write_anchor(&text)?;
            report.add("anchor", made);
        }
        self.results.finish()?;
        Ok(report)
    }
}
