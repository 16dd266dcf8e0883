//! `setup`, `keys list | show | check | export-vk`, and the keys that other commands need.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tapstone_ceremony::KnownPtau;
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_prover::{KeyFileError, Origin, Prover, ProvingKey, SetupError};
use tapstone_verifier::VerifyingKey;

use crate::args::{CheckKey, ExportVk, ListKeys, Setup, ShowKey};
use crate::exit::{Failure, Reason};
use crate::files::{self, Kept, Readers};
use crate::hint;
use crate::input;
use crate::progress::Progress;
use crate::report::Report;

/// Shown whenever a key from one machine is made or used.
pub const INSECURE: &str =
    "INSECURE KEY: made on one machine alone; whoever ran the set-up could forge proofs. For tests and trials only.";

/// The shape where none is named.
pub const USUAL_SHAPE: &str = "small";
/// The longest JSON of a verifying key, in bytes.
const VERIFYING_LIMIT: usize = 1 << 14;

/// The registered shape of that name.
pub fn shape(name: &str) -> Result<Shape, Failure> {
    Shape::registered(name).ok_or_else(|| {
        let known: Vec<String> = Shape::all().into_iter().map(|s| s.name).collect();
        Failure::new(Reason::Usage, format!("no shape {name:?}; registered: {}", known.join(", ")))
    })
}

/// Where the key of a shape is in a folder.
pub fn proving_path(folder: &Path, shape: &Shape) -> PathBuf {
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

/// A key, ready to prove; says which one it is.
pub fn ready(key: ProvingKey, path: &Path, progress: &Progress) -> Prover {
    progress.note(&format!("key {} in {}", key.verifying().id(), path.display()));
    if *key.origin() == Origin::OneParty {
        progress.note(INSECURE);
    }
    Prover::new(key)
}

/// Opens a key file.
pub fn open(shape: &Shape, path: &Path, progress: &Progress) -> Result<ProvingKey, Failure> {
    progress.step(format!("opening {}", path.display()));
    let file = input::file(path)?;
    ProvingKey::open(&file, shape).map_err(|e| match e {
        KeyFileError::Io(e) => files::io(path)(e),
        e => of_no_use(shape, path, &file, &e),
    })
}

/// A key file that cannot be used, and what helps.
fn of_no_use(shape: &Shape, path: &Path, file: &File, error: &KeyFileError) -> Failure {
    let folder = path.parent().unwrap_or(Path::new("."));
    let help = hint::replace_key(shape, folder, ProvingKey::origin_of(file).as_ref());
    Failure::at(Reason::Mismatch, path, format!("{error}; {help}"))
}

/// Reads a verifying key for a shape: as `prove` writes it, or as snarkjs' JSON, which names no shape.
pub fn verifying(path: &Path, shape: &Shape) -> Result<VerifyingKey, Failure> {
    let bytes = files::read(path, VERIFYING_LIMIT)?;
    if bytes.trim_ascii_start().starts_with(b"{") {
        let text = String::from_utf8_lossy(&bytes);
        return VerifyingKey::from_snarkjs_json(CIRCUIT_VERSION, &shape.name, &text)
            .map_err(|e| Failure::at(Reason::Mismatch, path, e));
    }
    let key = input::verifying_key(path)?;
    if (key.circuit_version(), key.shape()) != (CIRCUIT_VERSION, shape.name.as_str()) {
        let text = format!(
            "key {} is for circuit version {}, shape {}, needed version {CIRCUIT_VERSION}, shape {}",
            key.id(),
            key.circuit_version(),
            key.shape(),
            shape.name
        );
        return Err(Failure::at(Reason::Mismatch, path, text));
    }
    Ok(key)
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
    progress.step(format!("making keys for shape {} ({rows} rows)", shape.name));
    ProvingKey::setup_insecure(&circuit).map_err(|e| {
        let reason = if matches!(e, SetupError::Randomness(_)) { Reason::Io } else { Reason::Bug };
        Failure::new(reason, e)
    })
}

/// What many parties made is not replaced by what one machine makes, not even by force.
fn refuse_ceremony(path: &Path) -> Result<(), Failure> {
    if path.exists() && matches!(ProvingKey::origin_of(&input::file(path)?), Some(Origin::Ceremony(_))) {
        let text = "the key here is from a ceremony, and would be replaced by one that this machine makes alone, insecurely: move it \
            away first, or name another folder with --keys";
        return Err(Failure::at(Reason::Usage, path, text));
    }
    Ok(())
}

/// `tapstone setup`.
pub fn setup(args: &Setup, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let folder = folder(args.keys.as_deref())?;
    let path = proving_path(&folder, &shape);
    let found = path.exists() && !args.force;
    let prover = if args.force {
        refuse_ceremony(&path)?;
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
        .add("vk_id", prover.key().verifying().id().to_string());
    add_source(&mut report, Some(prover.key().origin()));
    Ok(report)
}

/// `tapstone keys check`.
pub fn check(args: &CheckKey, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let path = proving_path(&folder(args.keys.as_deref())?, &shape);
    let key = open(&shape, &path, progress)?;
    progress.step(format!("reading {}", path.display()));
    let file = input::file(&path)?;
    let refuse = |e: KeyFileError| of_no_use(&shape, &path, &file, &e);
    key.check_sections().map_err(refuse)?;
    if args.points {
        let stage = |section: &'static str| progress.step(format!("checking points: {section}"));
        key.check_points(&stage).map_err(refuse)?;
    }
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("circuit_version", CIRCUIT_VERSION)
        .add("rows", key.rows())
        .add("proving_key", path.display().to_string())
        .add("bytes", key.file_bytes())
        .add("vk_id", key.verifying().id().to_string())
        .add("sections", "as they were written");
    if args.points {
        report.add("points", "on their curves and in their subgroups; beta and B stand to delta in G1 as in G2");
    }
    add_source(&mut report, Some(key.origin()));
    Ok(report)
}

/// Whether a key is insecure, in JSON: `true`, `false`, or `"unknown"` where only the verifying key is at hand, which does not say.
pub fn is_insecure(origin: Option<&Origin>) -> Value {
    origin.map_or("unknown".into(), |origin| (*origin == Origin::OneParty).into())
}

/// Whether a key is insecure, which every result says that comes of one; with the warning that it deserves, or the ceremony that it is from.
pub fn add_source(report: &mut Report, origin: Option<&Origin>) {
    report.add("insecure_key", is_insecure(origin));
    match origin {
        None => {}
        Some(Origin::OneParty) => _ = report.add("warning", INSECURE),
        Some(Origin::Ceremony(ceremony)) => _ = report.add("ceremony", ceremony.circuit_hash.to_string()),
    }
}

/// All that a key says of where it is from.
pub fn add_origin(report: &mut Report, origin: &Origin) {
    report.add("insecure_key", is_insecure(Some(origin)));
    let Origin::Ceremony(ceremony) = origin else {
        report.add("origin", "one party").add("warning", INSECURE);
        return;
    };
    let party = |party: &tapstone_ceremony::Party| {
        let mut object = json!({ "name": party.name, "hash": party.hash.to_string() });
        if let Some(beacon) = &party.beacon {
            object["beacon"] = Value::from(beacon.to_string());
        }
        object
    };
    let powers = KnownPtau::find(ceremony.ptau_hash).map_or("named when the key was imported".into(), KnownPtau::name);
    report
        .add("origin", "ceremony")
        .add("circuit_hash", ceremony.circuit_hash.to_string())
        .add("ptau", powers)
        .add("ptau_hash", ceremony.ptau_hash.to_string())
        .add("contributions", ceremony.parties.iter().map(party).collect::<Vec<Value>>());
}

/// `tapstone keys show`.
pub fn show(args: &ShowKey, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let path = proving_path(&folder(args.keys.as_deref())?, &shape);
    let key = open(&shape, &path, progress)?;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("circuit_version", CIRCUIT_VERSION)
        .add("rows", key.rows())
        .add("matrices", shape.registered_matrices().map(hex::encode))
        .add("proving_key", path.display().to_string())
        .add("bytes", key.file_bytes())
        .add("vk_id", key.verifying().id().to_string());
    add_origin(&mut report, key.origin());
    Ok(report)
}

/// `tapstone keys list`: what cannot be used is listed as well, with the reason.
pub fn list(args: &ListKeys) -> Result<Report, Failure> {
    let folder = folder(args.keys.as_deref())?;
    let row = |shape: Shape| {
        let path = proving_path(&folder, &shape);
        let mut row = json!({
            "shape": shape.name,
            "circuit_version": CIRCUIT_VERSION,
            "matrices": shape.registered_matrices().map(hex::encode),
        });
        let opened = path.exists().then(|| {
            let file = File::open(&path).map_err(KeyFileError::Io)?;
            ProvingKey::open(&file, &shape)
        });
        match opened {
            None => row["key"] = "none".into(),
            Some(Err(e)) => row["key"] = format!("of no use: {e}").into(),
            Some(Ok(key)) => {
                row["key"] = path.display().to_string().into();
                row["vk_id"] = key.verifying().id().to_string().into();
                row["insecure_key"] = is_insecure(Some(key.origin()));
                match key.origin() {
                    Origin::OneParty => row["warning"] = INSECURE.into(),
                    Origin::Ceremony(ceremony) => row["ceremony"] = ceremony.circuit_hash.to_string().into(),
                }
            }
        }
        row
    };
    let mut report = Report::default();
    report
        .add("keys", folder.display().to_string())
        .add("shapes", Shape::all().into_iter().map(row).collect::<Vec<Value>>());
    Ok(report)
}

/// `tapstone keys export-vk`.
pub fn export_vk(args: &ExportVk, progress: &mut Progress) -> Result<Report, Failure> {
    let shape = shape(&args.shape)?;
    let path = proving_path(&folder(args.keys.as_deref())?, &shape);
    let key = open(&shape, &path, progress)?;
    files::replace(&args.file, key.verifying().to_snarkjs_json().as_bytes())?;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("verification_key", args.file.display().to_string())
        .add("vk_id", key.verifying().id().to_string());
    add_source(&mut report, Some(key.origin()));
    Ok(report)
}
