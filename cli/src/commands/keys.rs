//! `setup`, and the keys that other commands need.

use std::fs::File;
use std::path::{Path, PathBuf};

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::{KeyFileError, Prover, ProvingKey, SetupError};

use crate::args::{CheckKey, Setup};
use crate::exit::{Failure, Reason};
use crate::files::{self, Kept, Readers};
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

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

/// Where keys are kept unless the user says otherwise.
pub fn folder(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|p| !p.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").filter(|p| !p.is_empty()).map(|home| PathBuf::from(home).join(".cache")));
    cache
        .map(|c| c.join("tapstone"))
        .ok_or_else(|| Failure::new(Reason::Usage, "no folder for keys: give --keys, or set HOME"))
}

/// Whether there is a key of a shape.
pub fn exists(shape: &Shape, folder: &Path) -> bool {
    proving_path(folder, shape).exists()
}

/// The key of a shape, ready to prove; makes it if there is none.
pub fn prover(shape: &Shape, folder: &Path, progress: &mut Progress) -> Result<Prover, Failure> {
    let path = proving_path(folder, shape);
    let mut key = None;
    if !path.exists() {
        let made = make(shape, &path, progress)?;
        progress.step(format!("writing {}", path.display()));
        match files::create_with(&path, Readers::Umask, |to| made.write(to))? {
            Kept::New => key = Some(made),
            // Two keys of one name would have proofs of both about. The first stays.
            Kept::Existed => progress.note("another process made a key in the meantime, which is used"),
        }
    }
    let key = match key {
        Some(key) => key,
        None => open(shape, &path, progress)?,
    };
    Ok(ready(key, &path, progress))
}

fn ready(key: ProvingKey, path: &Path, progress: &Progress) -> Prover {
    progress.note(&format!("key {} in {}", key.verifying().id(), path.display()));
    Prover::new(key)
}

fn open(shape: &Shape, path: &Path, progress: &mut Progress) -> Result<ProvingKey, Failure> {
    progress.step(format!("opening {}", path.display()));
    ProvingKey::open(&input::file(path)?, shape).map_err(|e| match e {
        KeyFileError::Io(e) => files::io(path)(e),
        e => {
            let name = &shape.name;
            Failure::at(Reason::Mismatch, path, format!("{e}; `tapstone setup --force --shape {name}` makes a new one"))
        }
    })
}

/// The file of a shape's key, and the shape.
pub fn proving_key(shape: &Shape, folder: &Path) -> Result<(File, Shape), Failure> {
    input::file(&proving_path(folder, shape)).map(|file| (file, shape.clone()))
}

/// Makes a key; that it can be written is seen to first, for making it may take long.
fn make(shape: &Shape, path: &Path, progress: &mut Progress) -> Result<ProvingKey, Failure> {
    files::writable_folder(path.parent().unwrap_or(Path::new(".")))?;
    progress.step(format!("recording the circuit of shape {}", shape.name));
    let circuit = BatchCircuit::new(shape);
    let rows = circuit.system().matrices.rows();
    progress.note(INSECURE);
    progress.step(format!("making keys for shape {} ({rows} rows)", shape.name));
    ProvingKey::setup_insecure(&circuit).map_err(|e| {
        let reason = if matches!(e, SetupError::Randomness(_)) { Reason::Io } else { Reason::Bug };
        Failure::new(reason, e)
    })
}

/// `tapstone setup`.
pub fn setup(args: &Setup, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let folder = folder(args.keys.as_deref())?;
    let path = proving_path(&folder, &shape);
    let found = path.exists() && !args.force;
    let prover = if args.force {
        let key = make(&shape, &path, progress)?;
        progress.step(format!("writing {}", path.display()));
        // The old key stays until the new one is complete.
        files::replace_with(&path, |to| key.write(to))?;
        ready(key, &path, progress)
    } else {
        prover(&shape, &folder, progress)?
    };
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("circuit_version", CIRCUIT_VERSION)
        .add("rows", prover.key().rows())
        .add("proving_key", path.display().to_string())
        .add("origin", if found { "found, nothing was made" } else { "made now" })
        .add("vk_id", prover.key().verifying().id().to_string())
        .add("warning", INSECURE);
    Ok(report)
}

/// `tapstone keys check`.
pub fn check(args: &CheckKey, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let path = proving_path(&folder(args.keys.as_deref())?, &shape);
    let key = open(&shape, &path, progress)?;
    progress.step(format!("reading {}", path.display()));
    key.check_sections().map_err(|e| Failure::at(Reason::Mismatch, &path, e))?;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("circuit_version", CIRCUIT_VERSION)
        .add("rows", key.rows())
        .add("proving_key", path.display().to_string())
        .add("bytes", key.file_bytes())
        .add("vk_id", key.verifying().id().to_string())
        .add("sections", "as they were written")
        .add("warning", INSECURE);
    Ok(report)
}
