//! `keys import` and `keys contribute`: keys that many parties make.

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use tapstone_ceremony::{CeremonyError, CeremonyFile, CeremonyFileError, Files, Pins, Secret, Source, Step, Zkey, verify};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::shape::CIRCUIT_VERSION;
use zeroize::Zeroizing;

use super::keys;
use crate::args::{ContributeKey, ImportKey};
use crate::exit::{Failure, Reason};
use crate::files::{self, Kept, Readers};
use crate::input;
use crate::progress::Progress;
use crate::report::Report;
use crate::streams;

/// The most of a line that counts: more than anybody types.
const TYPED_BYTES: u64 = 1 << 16;

fn source(path: &Path) -> Result<Source, Failure> {
    Source::open(&input::file(path)?).map_err(files::io(path))
}

fn malformed(path: &Path) -> impl Fn(CeremonyFileError) -> Failure + '_ {
    move |e| Failure::at(Reason::Input, path, e)
}

fn refused(e: CeremonyError) -> Failure {
    let reason = match e {
        CeremonyError::File(_) => Reason::Input,
        CeremonyError::Randomness(_) => Reason::Io,
        CeremonyError::Unattested { .. } => Reason::Usage,
        _ => Reason::Mismatch,
    };
    let hint = match e {
        CeremonyError::Unattested { .. } => "; name one with --contribution-hash",
        CeremonyError::UnknownPtau { .. } => " with --ptau-hash",
        _ => "",
    };
    Failure::new(reason, format!("{e}{hint}"))
}

/// `tapstone keys import`.
pub fn import(args: &ImportKey, progress: &Progress) -> Result<Report, Failure> {
    let shape = keys::shape(&args.shape)?;
    let path = keys::proving_path(&keys::folder(args.keys.as_deref())?, &shape);
    if path.exists() && !args.force {
        return Err(Failure::at(Reason::Usage, &path, "a key of this shape is there; --force replaces it"));
    }
    let (zkey, initial, ptau) = (source(&args.zkey)?, source(&args.zkey_init)?, source(&args.ptau)?);
    files::writable_folder(path.parent().unwrap_or(Path::new(".")))?;
    progress.step(format!("recording the circuit of shape {}", shape.name));
    let circuit = BatchCircuit::new(&shape);
    let files = Files { zkey: &zkey, initial: &initial, ptau: &ptau };
    let pins = Pins { contributions: args.contributions.clone(), beacon: args.beacon.clone(), ptau: args.ptau_hash };
    let step = |step: Step| progress.step(step.to_string());
    let verified = verify(&circuit, files, &pins, &step).map_err(refused)?;
    progress.step("laying out the key");
    let key = verified.proving_key().map_err(|e| Failure::new(Reason::Mismatch, e))?;
    progress.step(format!("writing {}", path.display()));
    files::replace_with(&path, |to| key.write(to))?;
    let mut report = Report::default();
    report
        .add("shape", shape.name.as_str())
        .add("circuit_version", CIRCUIT_VERSION)
        .add("rows", key.rows())
        .add("proving_key", path.display().to_string())
        .add("vk_id", key.verifying().id().to_string());
    keys::add_origin(&mut report, key.origin());
    Ok(report)
}

/// `tapstone keys contribute`.
pub fn contribute(args: &ContributeKey, progress: &Progress) -> Result<Report, Failure> {
    if args.out.exists() {
        return Err(Failure::at(Reason::Usage, &args.out, "the file is there already"));
    }
    let bytes = source(&args.zkey)?;
    let zkey = Zkey::parse(CeremonyFile::Zkey, &bytes).map_err(malformed(&args.zkey))?;
    progress.step("verifying the contributions so far");
    zkey.verify_contributions().map_err(refused)?;
    let secret = {
        let typed = typed(progress)?;
        Secret::draw(&typed)
            .map_err(|e| Failure::new(Reason::Io, format!("no randomness from the operating system: {e}")))?
    };
    progress.step("contributing");
    // The writer's own errors are about the new file, a point's that does not decode about the old one.
    let (mut hash, mut point) = (None, None);
    let kept = files::create_with(&args.out, Readers::Umask, |to| {
        hash = Some(tapstone_ceremony::contribute(&zkey, &args.name, secret, to).inspect_err(|e| {
            point = (e.kind() == std::io::ErrorKind::InvalidData).then(|| e.to_string());
        })?);
        Ok(())
    })
    .map_err(|failure| point.take().map_or(failure, |what| Failure::at(Reason::Input, &args.zkey, what)))?;
    if kept == Kept::Existed {
        return Err(Failure::at(Reason::Io, &args.out, "the file was made in the meantime"));
    }
    let mut report = Report::default();
    report
        .add("zkey", args.out.display().to_string())
        .add("circuit_hash", zkey.circuit_hash().to_string())
        .add("number", zkey.contributions().len() + 1)
        .add("contribution_hash", hash.map(|hash| hash.to_string()));
    Ok(report)
}

/// A line from the keyboard, if there is one.
fn typed(progress: &Progress) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut line = Zeroizing::new(Vec::new());
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        progress.note("no keyboard: the system's randomness alone makes the secret");
        return Ok(line);
    }
    streams::err("Type something that nobody can guess, then Enter:");
    let mut input = std::io::Read::take(stdin.lock(), TYPED_BYTES);
    input.read_until(b'\n', &mut line).map_err(|e| Failure::new(Reason::Io, e))?;
    Ok(line)
}
