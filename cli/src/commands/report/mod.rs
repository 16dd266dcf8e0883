//! `report`: one self-contained page about a run's folder or a chain.

mod market;
mod page;

use std::path::Path;

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::data::BatchData;
use tapstone_circuits::shape::Shape;
use tapstone_prover::ProvenFile;
use tapstone_work::store::Made;

use super::prove::Manifest;
use crate::args::Report as Args;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

/// A batch of the page.
pub struct Row {
    /// Its published data.
    pub data: BatchData,
    /// Bytes of the data.
    pub bytes: usize,
    /// Its statement and commitment, if it was proven. Not verified here.
    pub proven: Option<ProvenFile>,
    /// When and how it was proven, if that is known.
    pub made: Option<Made>,
}

/// What the page is about.
pub struct Subject {
    /// Where it was found.
    pub place: String,
    /// The batches, in order.
    pub rows: Vec<Row>,
    /// The shape, if it is known.
    pub shape: Option<Shape>,
    /// Anchors that lie in the folder: what `tapstone anchor` told of them.
    pub anchors: Vec<serde_json::Value>,
}

/// The longest anchor file.
const LIMIT: usize = 1 << 26;

/// `tapstone report`.
pub fn run(args: &Args, progress: &mut Progress) -> Result<Report, Failure> {
    progress.step(format!("reading {}", args.folder.display()));
    let is_run = Manifest::exists(&args.folder);
    let subject = if is_run { of_run(&args.folder)? } else { of_chain(args, progress)? };
    let (Some(first), Some(last)) = (subject.rows.first(), subject.rows.last()) else {
        return Err(Failure::at(Reason::Input, &args.folder, "no batch to report of"));
    };
    let range = (first.data.batch_number, last.data.batch_number);
    let gadgets = match &subject.shape {
        Some(shape) => {
            progress.step(format!("recording the circuit of shape {}", shape.name));
            page::gadgets(BatchCircuit::new(shape).system())
        }
        None => Vec::new(),
    };
    progress.step("drawing");
    let text = page::page(&subject, &gadgets).map_err(|e| Failure::new(Reason::Bug, e))?;
    // A chain's folder is left as it is.
    let usual = || if is_run { args.folder.join("report.html") } else { "report.html".into() };
    let out = args.out.clone().unwrap_or_else(usual);
    files::replace(&out, text.as_bytes())?;
    let mut report = Report::default();
    report
        .add("first_batch", range.0)
        .add("last_batch", range.1)
        .add("transactions", subject.rows.iter().map(|row| row.data.transactions.len()).sum::<usize>())
        .add("page", out.display().to_string());
    Ok(report)
}

fn anchors(folder: &Path) -> Result<Vec<serde_json::Value>, Failure> {
    let path = folder.join("anchor.json");
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let value = serde_json::from_slice(&files::read(&path, LIMIT)?);
    value.map(|value| vec![value]).map_err(|e| Failure::at(Reason::Input, &path, e))
}

/// A folder that `tapstone prove` wrote.
fn of_run(folder: &Path) -> Result<Subject, Failure> {
    let manifest = Manifest::read(folder)?;
    let mut rows = Vec::with_capacity(manifest.batches.len());
    for batch in manifest.batches {
        let name = |extension: &str| folder.join(format!("batch-{}.{extension}", batch.batch));
        let data = input::data(&name("data"))?;
        let proven = Some(input::proven(&name("proven.json"))?);
        rows.push(Row { bytes: data.encode().len(), data, proven, made: batch.made });
    }
    let shape = Shape::registered(&manifest.shape);
    Ok(Subject { place: folder.display().to_string(), rows, shape, anchors: anchors(folder)? })
}

/// A chain's folder: the last batches.
fn of_chain(args: &Args, progress: &Progress) -> Result<Subject, Failure> {
    let folder = &args.folder;
    let view = chain::look(folder, progress)?;
    let last = view.head_now().summary.batch_number;
    let mut rows = Vec::new();
    for number in last.saturating_sub(args.last).saturating_add(1)..=last {
        let Some(batch) = view.batch(number).map_err(chain::failure)? else { continue };
        let refuse = |e: &dyn std::fmt::Display| Failure::at(Reason::Mismatch, folder, format!("batch {number}: {e}"));
        let data = BatchData::decode(&batch.data).map_err(|e| refuse(&e))?;
        let proven = batch.proven.as_deref().map(ProvenFile::parse).transpose().map_err(|e| refuse(&e))?;
        rows.push(Row { data, bytes: batch.data.len(), proven, made: batch.made });
    }
    let shape = args.shape.as_deref().map(super::keys::shape).transpose()?;
    Ok(Subject { place: folder.display().to_string(), rows, shape, anchors: anchors(folder)? })
}
