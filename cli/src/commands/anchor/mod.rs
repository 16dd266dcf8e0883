//! `anchor`: the taproot output that commits to verified batches, and proofs that it is on Bitcoin.

mod envelope;
mod node;
mod proof;
mod prove;
mod publish;
mod transaction;
pub mod verify;

use std::fmt::Display;
use std::path::Path;

use bitcoin::XOnlyPublicKey;
use tapstone_verifier::anchor::recovery::RecoveryLeaf;
use tapstone_verifier::anchor::taproot::AnchorOutput;
use tapstone_verifier::{AnchorCommitment, AnchorHeader, Verified};

use crate::args::{Anchor, AnchorCommand, Output};
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;
use crate::source;

/// `tapstone anchor`.
pub fn run(args: &Anchor, progress: &Progress) -> Result<Report, Failure> {
    match &args.command {
        None => output(args, progress),
        Some(AnchorCommand::Verify(args)) => verify::run(args),
        Some(AnchorCommand::Proof(args)) => proof::run(args),
        Some(AnchorCommand::Prove(args)) => prove::run(args),
        Some(AnchorCommand::Psbt(args)) => transaction::psbt(args),
        Some(AnchorCommand::Sign(args)) => transaction::sign_psbt(args),
        Some(AnchorCommand::Finalise(args)) => transaction::finalise_psbt(args),
        Some(AnchorCommand::Publish(args)) => publish::publish(args),
        Some(AnchorCommand::Watch(args)) => publish::watch(args),
        Some(AnchorCommand::Status(args)) => publish::status(args),
        Some(AnchorCommand::Envelope(args)) => envelope::run(args),
    }
}

fn output(args: &Anchor, progress: &Progress) -> Result<Report, Failure> {
    let profile = Profile::new(&args.output)?;
    let previous = args.previous.as_deref().map(|given| read_header("--previous", given)).transpose()?;
    let verified = super::verify::pinned(&args.verify, progress)?;
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
    describe(&header, profile)
}

/// The keys of an anchor's output, of which some output can be made.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    internal_key: XOnlyPublicKey,
    recovery: Option<RecoveryLeaf>,
}

impl Profile {
    /// Refuses keys that no anchor can have, before anything is proven or verified for it.
    fn new(args: &Output) -> Result<Self, Failure> {
        let internal_key = args.internal_key.ok_or_else(|| Failure::new(Reason::Usage, "--internal-key is missing"))?;
        let recovery = args.recovery.map(|lock| RecoveryLeaf::new(lock.key, lock.blocks)).transpose();
        let profile = Self { internal_key, recovery: recovery.map_err(|e| Failure::new(Reason::Usage, e))? };
        profile.output(AnchorCommitment::NONE).map(|_| profile)
    }

    /// An output without a recovery leaf.
    pub fn plain(internal_key: XOnlyPublicKey) -> Result<Self, Failure> {
        Self::new(&Output { internal_key: Some(internal_key), recovery: None })
    }

    fn output(&self, commitment: AnchorCommitment) -> Result<AnchorOutput, Failure> {
        AnchorOutput::with_profile(self.internal_key, commitment, self.recovery).map_err(|e| Failure::new(Reason::Usage, e))
    }
}

/// The first anchor of a chain.
pub fn first(verified: &[Verified], profile: Profile) -> Result<Report, Failure> {
    let header = AnchorHeader::first(verified).map_err(|e| Failure::new(Reason::Verdict, e))?;
    describe(&header, profile)
}

fn describe(header: &AnchorHeader, profile: Profile) -> Result<Report, Failure> {
    let output = profile.output(header.commitment())?;
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

/// Reads a header, given to an option as digits or as the path of a file that holds them.
fn read_header(option: &str, given: &str) -> Result<AnchorHeader, Failure> {
    let path = Path::new(given);
    let piped = given == source::STDIN;
    let (text, place) = if piped || path.exists() {
        (files::read_text(path, HEADER_LIMIT)?, path.display().to_string())
    } else {
        (given.to_owned(), option.to_owned())
    };
    let text = text.trim();
    let refuse = |e: &dyn Display| Failure::new(Reason::Input, format!("{place}: {e}"));
    if text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(if piped || path.exists() {
            refuse(&"needed lower-case hexadecimal digits")
        } else {
            Failure::new(Reason::Usage, format!("{option}: {given:?} is neither a file nor lower-case hexadecimal digits"))
        });
    }
    let bytes = hex::decode(text).map_err(|e| refuse(&e))?;
    AnchorHeader::from_bytes(&bytes).map_err(|e| refuse(&e))
}
