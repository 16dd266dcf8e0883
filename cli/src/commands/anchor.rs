//! `anchor`: the taproot output that commits to verified batches.

use std::path::Path;

use bitcoin::XOnlyPublicKey;
use tapstone_verifier::anchor::taproot::AnchorOutput;
use tapstone_verifier::{AnchorHeader, Verified};

use super::verify;
use crate::args::Anchor;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::report::Report;

/// `tapstone anchor`.
pub fn run(args: &Anchor) -> Result<Report, Failure> {
    let verified = verify::verified(&args.verify)?;
    let header = match &args.previous {
        None => AnchorHeader::first(&verified),
        Some(previous) => AnchorHeader::next(&read_header(previous)?, &verified),
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
        .add("first_batch", header.first_batch())
        .add("batch_count", header.batch_count())
        .add("header", hex::encode(header.to_bytes()));
    Ok(report)
}

fn read_header(given: &str) -> Result<AnchorHeader, Failure> {
    let text = if Path::new(given).is_file() { files::read_text(Path::new(given))? } else { given.to_owned() };
    let bytes = hex::decode(text.trim())
        .map_err(|e| Failure::new(Reason::Usage, format!("--previous is neither a file nor hexadecimal: {e}")))?;
    AnchorHeader::from_bytes(&bytes).map_err(|e| Failure::new(Reason::Input, format!("--previous: {e}")))
}
