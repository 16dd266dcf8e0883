//! `wallet`: keys and signatures, for tests and scripts. Secrets stand in files, never in arguments.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::path::Path;

use tapstone_circuits::file::{BatchFile, FORMAT, FileError, Header, MAX_LINE, Problem};
use tapstone_circuits::signature::{SecretKey, Signature};
use tapstone_circuits::transaction::bundle;
use tapstone_verifier::Element;
use zeroize::Zeroizing;

use crate::args::Wallet;
use crate::exit::{Failure, Reason};
use crate::files::{self, Kept, Readers};
use crate::report::Report;
use crate::source::STDIN;
use crate::streams;

/// The longest secret key file: its digits, and room for white space.
const SECRET_LIMIT: usize = 256;

/// `tapstone wallet`.
pub fn run(args: &Wallet, quiet: bool) -> Result<Report, Failure> {
    match args {
        Wallet::New { file } => {
            let mut secret = Zeroizing::new([0; 32]);
            getrandom::fill(&mut *secret).map_err(|e| Failure::new(Reason::Io, e))?;
            let mut digits = Zeroizing::new([0; 64]);
            hex::encode_to_slice(*secret, &mut *digits).map_err(|e| Failure::new(Reason::Bug, e))?;
            // Complete before it has its name: half a secret must not stand in the way of another try.
            match files::create_with(file, Readers::Owner, |to| {
                // Past the buffer, which is not wiped.
                to.get_mut().write_all(&*digits)?;
                to.write_all(b"\n")
            })? {
                Kept::New => Ok(public(&SecretKey::from_bytes(*secret))),
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
        Wallet::Bundle { file, chain_id, account } => {
            let (mine, all) = bundle(&read_secret(file)?, *chain_id, *account)?;
            if !quiet {
                streams::err(&format!("signed {mine} of {all} members"));
            }
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
    if path.as_os_str() == STDIN {
        let text = "standard input has the transactions: give the secret in a file, or by another pipe";
        return Err(Failure::new(Reason::Usage, text));
    }
    let text = files::read_secret(path, SECRET_LIMIT)?;
    let mut bytes = Zeroizing::new([0; 32]);
    hex::decode_to_slice(text.trim(), &mut *bytes)
        .map_err(|_| Failure::at(Reason::Input, path, "needed 64 hexadecimal digits"))?;
    Ok(SecretKey::from_bytes(*bytes))
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

/// A header to put before lines, so that the batch file's own reader reads them.
fn header(chain_id: u32) -> Vec<u8> {
    let header = serde_json::json!({
        "format": FORMAT, "chain_id": chain_id, "batch": 1, "operator": 0, "pre_state_root": Element::ZERO.to_string(),
    });
    format!("{header}\n").into_bytes()
}

/// An object with one more field; what is no object is left as it is, for the reader says what is wrong.
fn unsigned(line: &[u8]) -> Vec<u8> {
    match line.trim_ascii_end().strip_suffix(b"}") {
        Some(open) => {
            let signature = hex::encode(Signature::unsigned().to_bytes());
            [open, format!(",\"signature\":\"{signature}\"}}").as_bytes()].concat()
        }
        None => line.to_vec(),
    }
}

/// Signs the transaction of one line.
///
/// The batch file's own reader checks the fields and its writer writes them, so there is one form of a transaction. It must see
/// the line as it stands: a JSON library would have dropped repeated fields.
fn sign_line(secret: &SecretKey, chain_id: u32, line: &[u8]) -> Result<String, FileError> {
    let error = |field: Option<&str>, problem| FileError { line: 2, column: None, field: field.map(str::to_owned), problem };
    if line.len() > MAX_LINE {
        return Err(error(None, Problem::TooLong { limit: MAX_LINE }));
    }
    let mut file = BatchFile::read(&[header(chain_id), unsigned(line)].concat()[..])?;
    for tx in &mut file.transactions {
        if let Some(message) = tx.signed().and_then(|signed| signed.message) {
            // Nobody should sign a message without seeing what it is the digest of.
            let had = Element::from(message).to_string();
            let needed = "none: `tapstone wallet bundle` signs members of a bundle".to_owned();
            return Err(error(Some("message"), Problem::Value { had, needed }));
        }
        tx.sign(secret, chain_id).map_err(|e| error(None, Problem::Json { message: e.to_string() }))?;
    }
    Ok(lines(&file))
}

/// The transactions' lines without the header.
fn lines(file: &BatchFile) -> String {
    file.to_jsonl().split_inclusive('\n').skip(1).collect()
}

/// The most members that a bundle is read with; no batch has as many slots.
const MOST_MEMBERS: usize = 4096;

/// Signs the members of the bundle on standard input that `account` has to sign; returns how many there were of all.
fn bundle(secret: &SecretKey, chain_id: u32, account: u32) -> Result<(usize, usize), Failure> {
    let mut text = Vec::new();
    let limit = MOST_MEMBERS * (MAX_LINE + 1);
    std::io::stdin()
        .lock()
        .take(limit as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|e| Failure::new(Reason::Io, format!("standard input: {e}")))?;
    if text.len() > limit {
        return Err(Failure::new(Reason::Input, format!("standard input: longer than {limit} bytes")));
    }
    let refuse = |line: usize, e: &dyn std::fmt::Display| Failure::new(Reason::Input, format!("line {line}: {e}"));
    let mut members = Vec::new();
    let body = text.strip_suffix(b"\n").unwrap_or(&text);
    for (i, line) in body.split(|byte| *byte == b'\n').enumerate() {
        let read = |line: &[u8]| BatchFile::read(&[header(chain_id), line.to_vec()].concat()[..]);
        let file = match read(line) {
            Err(FileError { problem: Problem::Missing, field: Some(field), .. }) if field == "signature" => {
                read(&unsigned(line))
            }
            other => other,
        };
        let file = file.map_err(|e| Failure::new(Reason::Input, FileError { line: i + 1, ..e }))?;
        let Some(tx) = file.transactions.into_iter().next() else {
            return Err(refuse(i + 1, &"needed a transaction"));
        };
        if tx.signed().is_none() {
            return Err(refuse(i + 1, &"a deposit cannot be a member of a bundle"));
        }
        members.push(tx);
    }
    let message = bundle::message(&members, chain_id);
    for (i, tx) in members.iter().enumerate() {
        if tx.signed().and_then(|signed| signed.message).is_some_and(|named| named != message) {
            return Err(refuse(i + 1, &"the message is that of another bundle: members were changed after it was named"));
        }
    }
    let mine = members.iter().filter(|tx| tx.signer() == Some(account)).count();
    if mine == 0 {
        return Err(Failure::new(Reason::Input, format!("no member is signed by account {account}")));
    }
    let key_of = |signer| (signer == account).then(|| secret.clone());
    bundle::sign(&mut members, chain_id, key_of).map_err(|e| Failure::new(Reason::Input, e))?;
    let count = members.len();
    let header = Header { chain_id, batch: 1, pre_state_root: Element::ZERO.into(), operator: 0 };
    match std::io::stdout().lock().write_all(lines(&BatchFile { header, transactions: members }).as_bytes()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Failure::new(Reason::Io, format!("standard output: {e}"))),
        _ => Ok((mine, count)),
    }
}
