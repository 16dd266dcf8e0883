//! `wallet`: keys and signatures, for tests and scripts. Secrets stand in files, never in arguments.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::path::Path;

use tapstone_circuits::file::{BatchFile, FORMAT, FileError, MAX_LINE, Problem};
use tapstone_circuits::signature::{SecretKey, Signature};
use tapstone_verifier::Element;

use crate::args::Wallet;
use crate::exit::{Failure, Reason};
use crate::files::{self, Kept, Readers};
use crate::report::Report;
use crate::streams;

/// The longest secret key file: its digits, and room for white space.
const SECRET_LIMIT: usize = 256;

/// `tapstone wallet`.
pub fn run(args: &Wallet, quiet: bool) -> Result<Report, Failure> {
    match args {
        Wallet::New { file } => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|e| Failure::new(Reason::Io, e))?;
            // Complete before it has its name: half a secret must not stand in the way of another try.
            match files::create_with(file, Readers::Owner, |to| writeln!(to, "{}", hex::encode(secret)))? {
                Kept::New => Ok(public(&SecretKey::from_bytes(secret))),
                Kept::Existed => {
                    Err(Failure::at(Reason::Io, file, "there is a file already, and secrets are never replaced"))
                }
            }
        }
        Wallet::Public { file } => Ok(public(&read_secret(file)?)),
        Wallet::Sign { file, chain_id } => {
            let count = sign(&read_secret(file)?, *chain_id)?;
            if !quiet {
                streams::err(&format!("signed {count} transactions"));
            }
            // Standard output is the signed lines and nothing else.
            Ok(Report::default())
        }
    }
}

fn public(secret: &SecretKey) -> Report {
    let mut report = Report::default();
    report.add("key", hex::encode(secret.public_key().to_bytes()));
    report
}

fn read_secret(path: &Path) -> Result<SecretKey, Failure> {
    let text = files::read_text(path, SECRET_LIMIT)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| Failure::at(Reason::Input, path, "needed 64 hexadecimal digits"))?;
    Ok(SecretKey::from_bytes(bytes))
}

/// Signs line by line; ends without an error where nobody reads on.
fn sign(secret: &SecretKey, chain_id: u32) -> Result<usize, Failure> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut count = 0;
    let mut line = Vec::new();
    loop {
        line.clear();
        let io = |e: std::io::Error| Failure::new(Reason::Io, format!("standard input: {e}"));
        // One byte for the newline.
        if (&mut input).take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).map_err(io)? == 0 {
            return Ok(count);
        }
        let signed = sign_line(secret, chain_id, &line).map_err(|e| {
            // The error counts a header before the line.
            Failure::new(Reason::Input, FileError { line: count + 1, ..e })
        })?;
        match output.write_all(signed.as_bytes()) {
            Ok(()) => count += 1,
            Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(count),
            Err(e) => return Err(Failure::new(Reason::Io, format!("standard output: {e}"))),
        }
    }
}

/// Signs the transaction of one line.
///
/// The batch file's own reader checks the fields and its writer writes them, so there is one form of a transaction. It must see
/// the line as it stands: a JSON library would have dropped repeated fields.
fn sign_line(secret: &SecretKey, chain_id: u32, line: &[u8]) -> Result<String, FileError> {
    let error = |problem| FileError { line: 2, column: None, field: None, problem };
    let header = serde_json::json!({
        "format": FORMAT, "chain_id": chain_id, "batch": 1, "operator": 0, "pre_state_root": Element::ZERO.to_string(),
    });
    let mut text = format!("{header}\n").into_bytes();
    if line.len() > MAX_LINE {
        return Err(error(Problem::TooLong { limit: MAX_LINE }));
    }
    match line.trim_ascii_end().strip_suffix(b"}") {
        Some(open) => {
            text.extend_from_slice(open);
            let unsigned = hex::encode(Signature::unsigned().to_bytes());
            text.extend_from_slice(format!(",\"signature\":\"{unsigned}\"}}").as_bytes());
        }
        // Not an object: the reader says what is wrong.
        None => text.extend_from_slice(line),
    }
    let mut file = BatchFile::read(&text[..])?;
    for tx in &mut file.transactions {
        tx.sign(secret, chain_id).map_err(|e| error(Problem::Json { message: e.to_string() }))?;
    }
    Ok(file.to_jsonl().split_inclusive('\n').skip(1).collect())
}
