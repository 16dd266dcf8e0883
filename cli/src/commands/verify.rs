//! `verify`: proven batches against a key, in order.

use std::path::Path;

use tapstone_prover::{ProvenBatch, ProvenFileError};
use tapstone_verifier::{Verified, VerifyingKey};

use crate::args::Verify;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// `tapstone verify`.
pub fn run(args: &Verify) -> Result<Report, Failure> {
    let verified = verified(args)?;
    let mut report = Report::default();
    report.add("verdict", "valid");
    if let Some(first) = verified.first() {
        report.add("vk_id", first.vk_id().to_string());
    }
    let batches: Vec<_> = verified
        .iter()
        .map(|v| {
            let mut batch = Report::default();
            batch
                .add("batch", v.statement().batch_number)
                .add("post_state_root", v.statement().post_state_root.to_string())
                .add("commitment", v.commitment().to_string());
            batch.into_value()
        })
        .collect();
    report.add("batches", batches).add("deposits", "unchecked: compare deposit_head with the bridge's queue");
    if args.vk_id.is_none() {
        report.add("key", "not pinned: give --vk-id from a source you trust");
    }
    Ok(report)
}

/// Reads and verifies all batches, and that each follows the one before.
pub fn verified(args: &Verify) -> Result<Vec<Verified>, Failure> {
    let folder = args.proven.first().and_then(|p| p.parent()).unwrap_or(Path::new("."));
    let key_path = args.key.clone().unwrap_or_else(|| folder.join("verifying.key"));
    let key = VerifyingKey::from_bytes(&files::read(&key_path)?).map_err(|e| Failure::at(Reason::Key, &key_path, e))?;
    let pinned = args.vk_id.unwrap_or(key.id());
    if key.id() != pinned {
        return Err(Failure::at(Reason::Key, &key_path, format!("the key's id is {}, needed {pinned}", key.id())));
    }
    let mut chain: Vec<Verified> = Vec::with_capacity(args.proven.len());
    for path in &args.proven {
        let text = files::read_text(path)?;
        let batch = ProvenBatch::verify_json(&text, &key, pinned).map_err(|e| {
            let reason = match e {
                ProvenFileError::Commitment { .. } | ProvenFileError::Verify(_) => Reason::Verdict,
                ProvenFileError::OtherKey { .. } => Reason::Key,
                _ => Reason::Input,
            };
            Failure::at(reason, path, e)
        })?;
        let batch = batch.into_verified();
        if let Some(last) = chain.last() {
            check_follows(path, last, &batch)?;
        }
        chain.push(batch);
    }
    Ok(chain)
}

fn check_follows(path: &Path, last: &Verified, next: &Verified) -> Result<(), Failure> {
    let (last, next) = (last.statement(), next.statement());
    let refuse = |what: &str, had: String, needed: String| {
        Err(Failure::at(Reason::Verdict, path, format!("{what} is {had}, needed {needed} to follow the batch before")))
    };
    if next.chain_id != last.chain_id {
        return refuse("chain id", next.chain_id.to_string(), last.chain_id.to_string());
    }
    if next.batch_number != last.batch_number + 1 {
        return refuse("batch number", next.batch_number.to_string(), (last.batch_number + 1).to_string());
    }
    if next.pre_state_root != last.post_state_root {
        return refuse("pre-state root", next.pre_state_root.to_string(), last.post_state_root.to_string());
    }
    Ok(())
}
