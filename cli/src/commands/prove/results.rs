//! What a run writes: the files of each batch, and a manifest that lists them.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tapstone_circuits::ledger::{Executed, TokenFlow};
use tapstone_prover::store::Made;
use tapstone_prover::{Origin, ProvenBatch};
use tapstone_verifier::VerifyingKey;

use super::input::Input;
use crate::commands::{fill, keys};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// Name and version of the manifest's format.
pub const FORMAT: &str = "tapstone-run/1";

/// Who made the proofs of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provers {
    /// This process.
    Here {
        /// The name of its kernel.
        kernel: &'static str,
        /// Its threads.
        threads: usize,
    },
    /// Workers of these names.
    Workers(Vec<String>),
    /// Nobody: all proofs were there.
    Nobody,
}

/// The folder of a run.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    start: Instant,
    started: SystemTime,
    batches: Vec<Value>,
}

impl Results {
    /// Makes the folder, and sees that files can be written there.
    pub fn new(folder: PathBuf) -> Result<Self, Failure> {
        files::writable_folder(&folder)?;
        Ok(Self { folder, start: Instant::now(), started: SystemTime::now(), batches: Vec::new() })
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The proven file of a batch.
    pub fn proven_file(&self, number: u64) -> PathBuf {
        self.folder.join(format!("batch-{number}.proven.json"))
    }

    /// Writes the files of a batch, and tells of it. `made` is how its proof was made, if that was now.
    pub fn write(
        &mut self,
        proven: &ProvenBatch,
        data: &[u8],
        (used, slots): (usize, usize),
        flows: Option<&[TokenFlow]>,
        made: Option<Made>,
    ) -> Result<Value, Failure> {
        let statement = proven.verified().statement();
        let number = statement.batch_number;
        let list = [
            (format!("batch-{number}.proven.json"), proven.to_json().into_bytes()),
            (format!("batch-{number}.data"), data.to_vec()),
            (format!("batch-{number}.proof.json"), proven.proof().to_snarkjs_json().into_bytes()),
            (format!("batch-{number}.public.json"), statement.to_snarkjs_public_json().into_bytes()),
        ];
        let mut hashes = serde_json::Map::new();
        for (name, bytes) in &list {
            files::replace(&self.folder.join(name), bytes)?;
            hashes.insert(name.clone(), hex::encode(Sha256::digest(bytes)).into());
        }
        self.batches.push(json!({
            "batch": number,
            "transactions": used,
            "post_state_root": statement.post_state_root.to_string(),
            "commitment": proven.verified().commitment().to_string(),
            "made": made,
            "sha256": hashes,
        }));
        tracing::debug!(batch = number, folder = %self.folder.display(), "written");
        let mut report = Report::default();
        report
            .add("batch", number)
            .add("slots", fill(used, slots))
            .add("data_bytes", data.len())
            .add("post_state_root", statement.post_state_root.to_string())
            .add("public_input", statement.public_input().to_string())
            .add("commitment", proven.verified().commitment().to_string());
        if let Some(flows) = flows {
            report.add("tokens", tokens(flows));
        }
        match made {
            Some(made) => report.add("seconds", (made.seconds * 10.0).round() / 10.0),
            None => report.add("proof", "made earlier, verified again"),
        };
        report.add("file", self.proven_file(number).display().to_string());
        Ok(report.into_value())
    }

    /// Writes the manifest: inputs, key, versions, times, and the hash of every file.
    pub fn finish(
        self,
        inputs: &[Input],
        (key, origin): (&VerifyingKey, Option<&Origin>),
        provers: Option<&Provers>,
    ) -> Result<(), Failure> {
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
        let list: Vec<Value> = inputs
            .iter()
            .map(|input| {
                json!({
                    "file": input.path.display().to_string(),
                    "sha256": input.sha256,
                    "transactions": input.file.transactions.len(),
                })
            })
            .collect();
        let mut manifest = json!({
            "format": FORMAT,
            "tapstone": env!("CARGO_PKG_VERSION"),
            "circuit_version": key.circuit_version(),
            "shape": key.shape(),
            "vk_id": key.id().to_string(),
            "insecure_key": keys::is_insecure(origin),
            "started_unix": started,
            "seconds": (self.start.elapsed().as_secs_f64() * 10.0).round() / 10.0,
            "inputs": list,
            "batches": self.batches,
        });
        match provers {
            Some(Provers::Here { kernel, threads }) => {
                manifest["kernel"] = (*kernel).into();
                manifest["threads"] = (*threads).into();
            }
            Some(Provers::Workers(names)) => manifest["workers"] = names.as_slice().into(),
            Some(Provers::Nobody) | None => {}
        }
        let mut text = serde_json::to_vec_pretty(&manifest).map_err(|e| Failure::new(Reason::Bug, e))?;
        text.push(b'\n');
        files::replace(&self.folder.join("manifest.json"), &text)
    }
}

/// What a batch that was executed and not proven would be.
pub fn planned(executed: &Executed) -> Value {
    let mut report = Report::default();
    report
        .add("batch", executed.batch_number)
        .add("slots", fill(executed.fill.used, executed.fill.slots))
        .add("data_bytes", executed.data.len())
        .add("post_state_root", executed.statement().post_state_root.to_string())
        .add("tokens", tokens(&executed.flows));
    report.into_value()
}

/// What the batch did to each token: changes of balances and reserves, and what accounts for them.
fn tokens(flows: &[TokenFlow]) -> Vec<Value> {
    let describe = |flow: &TokenFlow| {
        let mut report = Report::default();
        report.add("token", flow.token);
        for (name, sum) in [
            ("deposited", flow.deposited),
            ("withdrawn", flow.withdrawn),
            ("minted", flow.minted),
            ("balances", flow.balances),
            ("reserves", flow.reserves),
        ] {
            if sum != 0 {
                report.add(name, sum.to_string());
            }
        }
        report.into_value()
    };
    flows.iter().map(describe).collect()
}
