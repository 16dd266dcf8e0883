//! `verify`: proven batches against a key, in order.

use std::path::Path;

use tapstone_verifier::{ChainEnd, Verified};

use crate::args::Verify;
use crate::exit::{Failure, Reason};
use crate::input;
use crate::order;
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
    let proven = order::proven(&args.proven)?;
    let folder = proven.first().and_then(|p| p.parent()).unwrap_or(Path::new("."));
    let key_path = args.key.clone().unwrap_or_else(|| folder.join("verifying.key"));
    let key = input::verifying_key(&key_path)?;
    let pinned = args.vk_id.unwrap_or(key.id());
    if key.id() != pinned {
        return Err(Failure::at(Reason::Mismatch, &key_path, format!("the key's id is {}, needed {pinned}", key.id())));
    }
    let mut chain: Vec<Verified> = Vec::with_capacity(proven.len());
    for path in &proven {
        let batch = input::proven(path)?.verify(&key, pinned).map_err(input::proven_error(path))?.into_verified();
        if let Some(last) = chain.last() {
            ChainEnd::after(last.statement())
                .check_next_statement(batch.statement())
                .map_err(|e| Failure::at(Reason::Verdict, path, format!("{e}, to follow the batch before")))?;
        }
        chain.push(batch);
    }
    Ok(chain)
}
