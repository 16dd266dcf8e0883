//! `anchor`: the taproot output that commits to verified batches.

use std::fmt::Display;
use std::path::Path;

use bitcoin::XOnlyPublicKey;
use tapstone_verifier::anchor::taproot::AnchorOutput;
use tapstone_verifier::{AnchorCommitment, AnchorHeader, Verified};

use super::verify;
use crate::args::Anchor;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// `tapstone anchor`.
pub fn run(args: &Anchor) -> Result<Report, Failure> {
    check_internal_key(args.internal_key)?;
    let previous = args.previous.as_deref().map(read_header).transpose()?;
    let verified = verify::verified(&args.verify)?;
    let header = match &previous {
        None => AnchorHeader::first(&verified),
        Some(previous) => AnchorHeader::next(previous, &verified),
    }
    .map_err(|e| Failure::new(Reason::Verdict, e))?;
    if let Some(expected) = args.expect
        && expected != header.commitment()
    {
        return Err(Failure::new(
            Reason::Verdict,
            format!("the anchor commitment is {}, expected {expected}", header.commitment()),
        ));
    }
    describe(&header, args.internal_key)
}

/// Refuses a key that no anchor can have, before anything is proven or verified for it.
pub fn check_internal_key(internal_key: XOnlyPublicKey) -> Result<(), Failure> {
    AnchorOutput::new(internal_key, AnchorCommitment::NONE).map_err(|e| Failure::new(Reason::Usage, e)).map(drop)
}

/// The first anchor of a chain.
pub fn first(verified: &[Verified], internal_key: XOnlyPublicKey) -> Result<Report, Failure> {
    let header = AnchorHeader::first(verified).map_err(|e| Failure::new(Reason::Verdict, e))?;
    describe(&header, internal_key)
}

fn describe(header: &AnchorHeader, internal_key: XOnlyPublicKey) -> Result<Report, Failure> {
    let output = AnchorOutput::new(internal_key, header.commitment()).map_err(|e| Failure::new(Reason::Usage, e))?;
    let mut report = Report::default();
    report
        .add("commitment", header.commitment().to_string())
        .add("address", output.address(header.chain_id()).to_string())
        .add("descriptor", output.descriptor())
        .add("script_pubkey", output.script_pubkey().to_hex_string())
        .add("sequence", header.sequence())
        .add("first_batch", header.first_batch())
        .add("batch_count", header.batch_count())
        .add("header", hex::encode(header.to_bytes()));
    Ok(report)
}

/// The longest file of a header: its digits, and room for white space.
const HEADER_LIMIT: usize = 1024;

fn read_header(given: &str) -> Result<AnchorHeader, Failure> {
    let path = Path::new(given);
    let (text, place) = if path.exists() {
        (files::read_text(path, HEADER_LIMIT)?, path.display().to_string())
    } else {
        (given.to_owned(), "--previous".to_owned())
    };
    let text = text.trim();
    let refuse = |e: &dyn Display| Failure::new(Reason::Input, format!("{place}: {e}"));
    if text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(if path.exists() {
            refuse(&"needed lower-case hexadecimal digits")
        } else {
            Failure::new(Reason::Usage, format!("--previous: {given:?} is neither a file nor lower-case hexadecimal digits"))
        });
    }
    let bytes = hex::decode(text).map_err(|e| refuse(&e))?;
    AnchorHeader::from_bytes(&bytes).map_err(|e| refuse(&e))
}
