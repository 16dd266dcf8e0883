//! `wallet`: keys and signatures, for tests and scripts. Secrets stand in files, never in arguments.

use std::io::{BufRead, Write};
use std::path::Path;

use serde_json::{Map, Value};
use tapstone_circuits::file::{BatchFile, FORMAT};
use tapstone_circuits::signature::{SecretKey, Signature};

use crate::args::Wallet;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// `tapstone wallet`.
pub fn run(args: &Wallet) -> Result<Report, Failure> {
    match args {
        Wallet::New { file } => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|e| Failure::new(Reason::Io, e))?;
            files::write_secret(file, format!("{}\n", hex::encode(secret)).as_bytes())?;
            Ok(public(&SecretKey::from_bytes(secret)))
        }
        Wallet::Public { file } => Ok(public(&read_secret(file)?)),
        Wallet::Sign { file, chain_id } => sign(&read_secret(file)?, *chain_id),
    }
}

fn public(secret: &SecretKey) -> Report {
    let mut report = Report::default();
    report.add("key", hex::encode(secret.public_key().to_bytes()));
    report
}

fn read_secret(path: &Path) -> Result<SecretKey, Failure> {
    let text = files::read_text(path)?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| Failure::at(Reason::Input, path, "needed 64 hexadecimal digits"))?;
    Ok(SecretKey::from_bytes(bytes))
}

fn sign(secret: &SecretKey, chain_id: u32) -> Result<Report, Failure> {
    let mut count = 0usize;
    let mut output = std::io::stdout().lock();
    for (i, line) in std::io::stdin().lock().lines().enumerate() {
        let refuse = |what: &dyn std::fmt::Display| Failure::new(Reason::Input, format!("line {}: {what}", i + 1));
        let line = line.map_err(|e| Failure::new(Reason::Io, e))?;
        let mut fields: Map<String, Value> = serde_json::from_str(&line).map_err(|e| refuse(&e))?;
        if fields.contains_key("signature") {
            return Err(refuse(&"the transaction has a signature already"));
        }
        fields.insert("signature".into(), hex::encode(Signature::unsigned().to_bytes()).into());
        let header = serde_json::json!({
            "format": FORMAT, "chain_id": chain_id, "batch": 1, "operator": 0,
            "pre_state_root": tapstone_verifier::Element::ZERO.to_string(),
        });
        // The batch file's own reader checks the fields and the writer writes them, so there is one form of a transaction.
        let text = format!("{header}\n{}\n", Value::Object(fields));
        let mut file = BatchFile::read(text.as_bytes()).map_err(|e| refuse(&e.problem))?;
        for tx in &mut file.transactions {
            tx.sign(secret, chain_id).map_err(|e| refuse(&e))?;
        }
        let signed = file.to_jsonl();
        let line = signed.lines().nth(1).unwrap_or_default();
        writeln!(output, "{line}").map_err(|e| Failure::new(Reason::Io, e))?;
        count += 1;
    }
    eprintln!("signed {count} transactions");
    Ok(Report::default())
}
