//! `setup`, and the keys that other commands need.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::{KeyFileError, Prover, ProvingKey};

use crate::args::Setup;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::{Progress, Report};

/// Shown whenever keys are made on this machine.
const INSECURE: &str =
    "INSECURE KEY: made on this machine alone; whoever ran the set-up could forge proofs. For tests and trials only.";

/// The registered shape of that name.
pub fn shape(name: &str) -> Result<Shape, Failure> {
    Shape::registered(name).ok_or_else(|| {
        let known: Vec<String> = Shape::all().into_iter().map(|s| s.name).collect();
        Failure::new(Reason::Usage, format!("no shape {name:?}; registered: {}", known.join(", ")))
    })
}

fn proving_path(folder: &Path, shape: &Shape) -> PathBuf {
    folder.join(format!("{}-v{CIRCUIT_VERSION}.tapstone-key", shape.name))
}

/// Circuit and key of a shape; makes the key if there is none.
pub fn prover(shape: &Shape, folder: &Path, progress: &mut Progress) -> Result<Prover, Failure> {
    progress.step(format!("recording the circuit of shape {}", shape.name));
    let circuit = BatchCircuit::new(shape);
    let path = proving_path(folder, shape);
    let key = if path.exists() {
        progress.step(format!("reading {}", path.display()));
        let file = File::open(&path).map_err(|e| Failure::at(Reason::Io, &path, e))?;
        ProvingKey::read(BufReader::new(file), &circuit).map_err(|e| {
            let reason = if matches!(e, KeyFileError::Io(_)) { Reason::Io } else { Reason::Key };
            Failure::at(reason, &path, format!("{e}; `tapstone setup --force --shape {}` makes a new one", shape.name))
        })?
    } else {
        make(&circuit, &path, progress)?
    };
    Ok(Prover::new(circuit, key))
}

fn make(circuit: &BatchCircuit, path: &Path, progress: &mut Progress) -> Result<ProvingKey, Failure> {
    let shape = circuit.shape();
    let rows = circuit.system().matrices.rows();
    progress.note(INSECURE);
    progress.step(format!("making keys for shape {} ({rows} rows)", shape.name));
    let key = ProvingKey::setup_insecure(circuit).map_err(|e| Failure::new(Reason::Bug, e))?;
    progress.step(format!("writing {}", path.display()));
    files::write_with(path, |to| key.write(to))?;
    Ok(key)
}

/// `tapstone setup`.
pub fn setup(args: &Setup, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let folder = files::key_folder(args.keys.as_deref())?;
    let path = proving_path(&folder, &shape);
    if args.force && path.exists() {
        std::fs::remove_file(&path).map_err(|e| Failure::at(Reason::Io, &path, e))?;
    }
    let prover = prover(&shape, &folder, progress)?;
    let matrices = &prover.circuit().system().matrices;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("circuit_version", CIRCUIT_VERSION)
        .add("rows", matrices.rows())
        .add("proving_key", path.display().to_string())
        .add("vk_id", prover.key().verifying().id().to_string())
        .add("warning", INSECURE);
    Ok(report)
}
