//! [`Results`]: the folder that a run writes to. It holds one series of batches ([`Manifest`]), and what is
//! there already is taken up or left as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tapstone_circuits::ledger::{Executed, TokenFlow};
use tapstone_prover::{Origin, ProvenBatch, ProvenFile};
use tapstone_verifier::{Statement, VerifyingKey};
use tapstone_work::store::Made;

use super::input::Input;
use super::manifest::{BatchRecord, InputRecord, Manifest};
use crate::commands::{fill, keys};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;

/// The files of the verifying key, and those that come at the end of a run.
const KEY: &str = "verifying.key";
const SNARKJS_KEY: &str = "verification_key.json";
const STATE: &str = "state.json";
const ANCHOR: &str = "anchor.json";
/// The longest of them that is compared with what it should be, in bytes.
const KEY_LIMIT: usize = 1 << 16;

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

/// Where the proof of a batch is from, and how it was made, if that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Source {
    /// This command.
    Now(Made),
    /// An earlier one; the batch's files are not all here.
    Earlier(Option<Made>),
    /// An earlier one, and all files of the batch are here as they were written.
    Held(Option<Made>),
}

impl Source {
    /// When and how the proof was made.
    pub const fn made(self) -> Option<Made> {
        match self {
            Self::Now(made) => Some(made),
            Self::Earlier(made) | Self::Held(made) => made,
        }
    }
}

/// What a batch's results are made of.
pub struct Outcome<'a> {
    /// Its statement and proof.
    pub proven: &'a ProvenBatch,
    /// Where the proof is from.
    pub source: Source,
    /// Its published data.
    pub data: &'a [u8],
    /// The number of its transactions.
    pub used: usize,
    /// The slots of its shape.
    pub slots: usize,
    /// What it did to each token, if it was executed now.
    pub flows: Option<&'a [TokenFlow]>,
    /// The file that it is from.
    pub input: &'a Input,
}

/// The folder of a run.
#[derive(Debug)]
pub struct Results {
    folder: PathBuf,
    start: Instant,
    /// Seconds that earlier commands took.
    before: f64,
    /// What the folder holds; `None` as long as it holds nothing.
    manifest: Option<Manifest>,
    /// What this run proves, in order.
    planned: Vec<Statement>,
    /// Whether this run has written anything.
    changed: bool,
    /// Nobody else writes results here meanwhile.
    _lock: Option<File>,
}

impl Results {
    /// Opens the folder of a run of a shape, whose batches have these statements; makes it if there is none,
    /// and waits while another process writes results there. Nothing is written before the folder is
    /// [claimed](Self::claim).
    pub fn open(folder: PathBuf, shape: &str, planned: Vec<Statement>, progress: &Progress) -> Result<Self, Failure> {
        let start = Instant::now();
        let held = |manifest: &Manifest| planned.iter().all(|statement| manifest.batch(statement.batch_number).is_some());
        // One that holds all results already need not be one that can be written to.
        if !admitted(&folder, shape, &planned)?.as_ref().is_some_and(held) {
            files::writable_folder(&folder)?;
        }
        let _lock = lock(&folder, progress)?;
        // Whoever held the lock may have written.
        let manifest = admitted(&folder, shape, &planned)?;
        let before = manifest.as_ref().map_or(0.0, |manifest| manifest.seconds);
        Ok(Self { folder, start, before, manifest, planned, changed: false, _lock })
    }

    fn others(&self, what: &str) -> Failure {
        others(&self.folder, what)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Refuses a folder whose results are of a key that the run cannot have: `keys` has none, and a new one
    /// would be another.
    pub fn check_key_exists(&self, keys: &Path, exists: bool) -> Result<(), Failure> {
        match &self.manifest {
            Some(manifest) if !exists => {
                let (id, shape) = (manifest.vk_id, &manifest.shape);
                let text = format!("of key {id}; {} has no key of shape {shape}, and a new one is another", keys.display());
                Err(self.others(&text))
            }
            _ => Ok(()),
        }
    }

    /// Makes the folder that of this run's series, if it is not already. Results of another key are refused,
    /// and so are any that no manifest tells of, unless they are this run's.
    pub fn claim(
        &mut self,
        (key, origin): (&VerifyingKey, Option<&Origin>),
        chain_id: u32,
        anchor: bool,
    ) -> Result<(), Failure> {
        match &self.manifest {
            Some(manifest) if manifest.vk_id != key.id() => {
                return Err(self.others(&format!("of key {}, not {}", manifest.vk_id, key.id())));
            }
            Some(_) => {}
            None => self.check_unclaimed(key)?,
        }
        let complete = |statement: &Statement| self.record(statement).is_some();
        if anchor && self.folder.join(ANCHOR).exists() && !self.planned.iter().all(complete) {
            return Err(self.other_anchor());
        }
        if self.manifest.is_none() {
            let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |t| t.as_secs());
            let mut manifest = Manifest::new(key.circuit_version(), key.shape(), key.id(), chain_id, started);
            manifest.insecure_key = keys::is_insecure(origin);
            manifest.write(&self.folder)?;
            self.manifest = Some(manifest);
            self.changed = true;
        }
        self.settle(KEY, &key.to_bytes())?;
        self.settle(SNARKJS_KEY, key.to_snarkjs_json().as_bytes())
    }

    fn other_anchor(&self) -> Failure {
        let text = format!("holds {ANCHOR} of another anchor; move it away, or give --out another folder");
        Failure::at(Reason::Usage, &self.folder, text)
    }

    /// Writes a file of the series, unless it is there as it should be.
    fn settle(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        if !files::holds(&self.folder.join(name), bytes) {
            files::replace(&self.folder.join(name), bytes)?;
            self.changed = true;
        }
        Ok(())
    }

    /// Refuses what lies in a folder without a manifest and is not this run's.
    fn check_unclaimed(&self, key: &VerifyingKey) -> Result<(), Failure> {
        let unknown = |name: &str| self.others(&format!("{name}, and no manifest.json that says of which"));
        let path = self.folder.join(KEY);
        if path.exists() && files::read(&path, KEY_LIMIT)? != key.to_bytes() {
            return Err(self.others(&format!("{KEY} is another key than {}", key.id())));
        }
        let mut numbers = BTreeSet::new();
        for entry in fs::read_dir(&self.folder).map_err(files::io(&self.folder))? {
            let name = entry.map_err(files::io(&self.folder))?.file_name().to_string_lossy().into_owned();
            let batch = name.strip_prefix("batch-").and_then(|rest| rest.split_once('.'));
            let batch = batch.filter(|(_, kind)| KINDS.contains(kind)).and_then(|(number, _)| number.parse().ok());
            match batch {
                Some(number) => _ = numbers.insert(number),
                None if name == STATE || name == ANCHOR => return Err(unknown(&name)),
                None => {}
            }
        }
        for number in numbers {
            let planned = self.planned.iter().find(|statement| statement.batch_number == number);
            let text = files::read_text(&self.proven_file(number), ProvenFile::LIMIT).ok();
            let had = text.and_then(|text| ProvenFile::parse(&text).ok());
            if planned.is_none() || had.as_ref().map(ProvenFile::statement) != planned {
                return Err(unknown(&format!("files of a batch {number}")));
            }
        }
        Ok(())
    }

    /// The proven file of a batch.
    pub fn proven_file(&self, number: u64) -> PathBuf {
        self.folder.join(file_name(number, PROVEN))
    }

    fn record(&self, statement: &Statement) -> Option<&BatchRecord> {
        let record = self.manifest.as_ref()?.batch(statement.batch_number)?;
        (record.statement == *statement).then_some(record)
    }

    /// The proof of a batch that lies here and verifies.
    pub fn earlier(&self, statement: &Statement, key: &VerifyingKey) -> Option<(ProvenBatch, Source)> {
        let text = files::read_text(&self.proven_file(statement.batch_number), ProvenFile::LIMIT).ok()?;
        let proven = ProvenBatch::verify_json(&text, key, key.id()).ok()?;
        if proven.verified().statement() != statement {
            return None;
        }
        let source = match self.record(statement) {
            Some(record) => {
                let whole = |name: &String, hash: &String| sha256_of(&self.folder.join(name)).as_ref() == Some(hash);
                let names: Vec<String> = KINDS.iter().map(|kind| file_name(record.batch, kind)).collect();
                let complete = names.iter().all(|name| record.sha256.get(name).is_some_and(|hash| whole(name, hash)));
                // How a proof was made is known of the one that the manifest means.
                let same = record.sha256.get(&file_name(record.batch, PROVEN)) == Some(&sha256(text.as_bytes()));
                let made = record.made.filter(|_| same);
                if complete { Source::Held(made) } else { Source::Earlier(made) }
            }
            None => Source::Earlier(None),
        };
        Some((proven, source))
    }

    /// Writes the files of a batch, unless they are here, and tells of it.
    pub fn write(&mut self, outcome: Outcome<'_>) -> Result<Value, Failure> {
        let Outcome { proven, source, data, used, slots, flows, input } = outcome;
        let statement = proven.verified().statement();
        let number = statement.batch_number;
        if !matches!(source, Source::Held(_)) {
            let contents = [
                proven.to_json().into_bytes(),
                data.to_vec(),
                proven.proof().to_snarkjs_json().into_bytes(),
                statement.to_snarkjs_public_json().into_bytes(),
            ];
            let mut hashes = BTreeMap::new();
            for (kind, bytes) in KINDS.iter().zip(&contents) {
                let name = file_name(number, kind);
                self.settle(&name, bytes)?;
                hashes.insert(name, sha256(bytes));
            }
            if let Some(manifest) = &mut self.manifest {
                if !manifest.inputs.iter().any(|record| record.sha256 == input.sha256) {
                    manifest.inputs.push(InputRecord {
                        file: input.path.display().to_string(),
                        sha256: input.sha256.clone(),
                        transactions: input.file.transactions.len(),
                    });
                }
                manifest.put(BatchRecord {
                    batch: number,
                    transactions: used,
                    statement: *statement,
                    commitment: proven.verified().commitment().to_string(),
                    made: source.made(),
                    sha256: hashes,
                });
                // Now, so that how it was made is not lost if this process ends here.
                self.save(false)?;
            }
            tracing::debug!(batch = number, folder = %self.folder.display(), "written");
        }
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
        match source {
            Source::Now(made) => report.add("seconds", (made.seconds * 10.0).round() / 10.0),
            _ => report.add("proof", "made earlier, verified again"),
        };
        report.add("file", self.proven_file(number).display().to_string());
        Ok(report.into_value())
    }

    /// Writes the state after the run's last batch, if that is the last of the series.
    pub fn write_state(&mut self, state: &[u8]) -> Result<(), Failure> {
        let last = self.manifest.as_ref().and_then(|manifest| manifest.batches.last()).map(|record| record.batch);
        if last == self.planned.last().map(|statement| statement.batch_number) {
            self.settle(STATE, state)?;
        }
        Ok(())
    }

    /// Writes the anchor; one that is there already must be the same.
    pub fn write_anchor(&mut self, anchor: &[u8]) -> Result<(), Failure> {
        let path = self.folder.join(ANCHOR);
        if path.exists() && !files::holds(&path, anchor) {
            return Err(self.other_anchor());
        }
        self.settle(ANCHOR, anchor)
    }

    /// Remembers who makes proofs.
    pub fn made_by(&mut self, provers: Provers) {
        let Some(manifest) = &mut self.manifest else { return };
        match provers {
            Provers::Here { kernel, threads } => {
                manifest.kernel = Some(kernel.into());
                manifest.threads = Some(threads);
            }
            Provers::Workers(names) => {
                let all: BTreeSet<String> = manifest.workers.take().into_iter().flatten().chain(names).collect();
                manifest.workers = Some(all.into_iter().collect());
            }
            Provers::Nobody => {}
        }
    }

    fn save(&mut self, complete: bool) -> Result<(), Failure> {
        let Some(manifest) = &mut self.manifest else { return Ok(()) };
        manifest.tapstone = env!("CARGO_PKG_VERSION").into();
        manifest.seconds = ((self.before + self.start.elapsed().as_secs_f64()) * 10.0).round() / 10.0;
        manifest.complete = complete;
        self.changed = true;
        manifest.write(&self.folder)
    }

    /// Completes the manifest; one that is complete stays as it is if nothing was written.
    pub fn finish(mut self) -> Result<(), Failure> {
        if self.changed || self.manifest.as_ref().is_some_and(|manifest| !manifest.complete) {
            self.save(true)?;
        }
        Ok(())
    }
}

/// The refusal of a folder that holds other results.
fn others(folder: &Path, what: &str) -> Failure {
    let text = format!("holds results of another run ({what}); give --out another folder, or move this one away");
    Failure::at(Reason::Usage, folder, text)
}

/// What a folder holds, if it holds anything; refused if batches of these statements and shape have no place
/// there.
pub fn admitted(folder: &Path, shape: &str, planned: &[Statement]) -> Result<Option<Manifest>, Failure> {
    if !Manifest::exists(folder) {
        return Ok(None);
    }
    let manifest = Manifest::read(folder)?;
    manifest.admit(shape, planned).map_err(|what| others(folder, &what))?;
    Ok(Some(manifest))
}

/// How the names of a batch's files end, in the order in which they are written.
const KINDS: [&str; 4] = [PROVEN, "data", "proof.json", "public.json"];
const PROVEN: &str = "proven.json";

fn file_name(number: u64, kind: &str) -> String {
    format!("batch-{number}.{kind}")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The hash of a file, if it can be read.
fn sha256_of(path: &Path) -> Option<String> {
    let mut hasher = Sha256::new();
    std::io::copy(&mut File::open(path).ok()?, &mut hasher).ok()?;
    Some(hex::encode(hasher.finalize()))
}

/// Waits until nobody else writes results into a folder. There is no lock where a folder does not open as a
/// file (outside of Unix), or the file system has none.
fn lock(folder: &Path, progress: &Progress) -> Result<Option<File>, Failure> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => {
            progress.step(format!("waiting for another process, which writes results to {}", folder.display()));
            file.lock().map_err(files::io(folder))?;
            Ok(Some(file))
        }
        Err(TryLockError::Error(_)) => Ok(None),
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
