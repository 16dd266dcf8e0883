//! `anchor verify`: the verdict on an anchor proof.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::Network;
use serde_json::Value;
use tapstone_verifier::anchor::blocks::BlockCheckpoint;
use tapstone_verifier::anchor::proof::{
    AnchorPolicy, AnchorProof, AnchorVerdict, KnownAnchor, Pinned, PinnedKeys, Proofs, ThreadStart,
};
use tapstone_verifier::anchor::taproot::network;
use tapstone_verifier::error::{AnchorError, AnchorProofError};
use tapstone_verifier::{ChainEnd, Pin, Registry};

use super::{proof, read_header};
use crate::args::AnchorVerify;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::report::Report;

/// `tapstone anchor verify`.
pub fn run(args: &AnchorVerify) -> Result<Report, Failure> {
    let refuse = |e: AnchorError| {
        let reason = match e {
            AnchorError::Malformed(AnchorProofError::Version { .. }) => Reason::Mismatch,
            AnchorError::Malformed(_) => Reason::Input,
            _ => Reason::Verdict,
        };
        Failure::at(reason, &args.file, format!("rule {}: {e}", e.code()))
    };
    let start = match (args.origin, &args.known_header, args.known_txid) {
        (Some(origin), ..) => ThreadStart::Origin(origin),
        (None, Some(header), Some(txid)) => {
            ThreadStart::Known(KnownAnchor { header: read_header("--known-header", header)?, txid })
        }
        (None, ..) => ThreadStart::Unpinned,
    };
    let keys = args.verifying_key.iter().map(|path| input::verifying_key(path)).collect::<Result<Vec<_>, _>>()?;
    let pins = args.vk_id.iter().map(|id| Pin::always(*id));
    let registry =
        if keys.is_empty() { None } else { Some(Registry::new(pins).map_err(|e| Failure::new(Reason::Usage, e))?) };

    let proof = proof::read(&args.file)?;
    let Some(last) = proof.last() else { return Err(Failure::at(Reason::Input, &args.file, "no anchors")) };
    let chain_id = args.chain_id.unwrap_or(last.header.chain_id());
    let network = network(chain_id);
    let checkpoint = match args.checkpoint {
        None => built_in(&args.file, &proof, network)?,
        Some(named) => BlockCheckpoint { network, height: named.height, hash: named.hash },
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|now| u32::try_from(now.as_secs()).ok());
    let mut chain = proof.header_chain(checkpoint, now).map_err(refuse)?;
    if let Some(path) = &args.seen {
        for (index, header) in proof::read_headers(path)?.into_iter().enumerate() {
            chain.add(header, now).map_err(|e| Failure::at(Reason::Input, path, format!("line {}: {e}", index + 1)))?;
        }
    }
    let known = args.from.map(|known| ChainEnd { chain_id, batch_number: known.batch, state_root: known.root });
    let proofs = match (&registry, known) {
        (None, _) => Proofs::Ignored,
        (Some(registry), None) => Proofs::Given(PinnedKeys { registry, keys: &keys }),
        (Some(registry), Some(known)) => Proofs::From(known, PinnedKeys { registry, keys: &keys }),
    };
    let policy = AnchorPolicy { chain_id, start, proofs, least_depth: args.depth };
    let verdict = proof.verify(&chain, &policy).map_err(refuse)?;
    // To a state that the caller knows no proof need lead.
    if registry.is_some() && args.from.is_none() && verdict.proven_from.is_none() {
        let text = "the file holds no proof of a batch, so none was verified under --verifying-key; without that option the anchor alone is";
        return Err(Failure::at(Reason::Verdict, &args.file, text));
    }
    let report = describe(args, &verdict);
    if verdict.pinned == Pinned::Yes {
        return Ok(report);
    }
    let text = "unpinned: the anchor is in its block, but anyone can start a thread of anchors: give the origin that the rollup's operator published \
        with --origin, or an anchor that you verified before with --known-header and --known-txid";
    Err(Failure::new(Reason::Mismatch, text).with_report(report))
}

/// The newest checkpoint that is built in, where nobody named one: from an older block on, headers can be made that nobody ever mined.
fn built_in(file: &Path, proof: &AnchorProof, network: Network) -> Result<BlockCheckpoint, Failure> {
    let newest = BlockCheckpoint::newest(network);
    let (first, count) = (proof.parts().first_height, proof.parts().headers.len());
    let last = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(first).saturating_sub(1);
    if first <= newest.context_height() && newest.height <= last {
        return Ok(newest);
    }
    let lowest = proof.lowest_checkpoint(network).map_or(newest.height, |lowest| lowest.height.max(newest.height));
    let hint = if last < newest.height {
        "no depth is told below that block, whatever --checkpoint HEIGHT:HASH says; needed a file whose headers reach it"
            .to_owned()
    } else {
        format!(
            "needed --checkpoint HEIGHT:HASH, a block from height {lowest} to {last} that a node you trust names (bitcoin-cli getblockhash \
             HEIGHT)"
        )
    };
    let text = format!(
        "its block headers, of heights {first} to {last}, do not lead to the newest built-in checkpoint of {network}, block {}: {hint}",
        newest.height
    );
    Err(Failure::at(Reason::Usage, file, text))
}

fn describe(args: &AnchorVerify, verdict: &AnchorVerdict) -> Report {
    let mut report = Report::default();
    report
        .add("verdict", if verdict.pinned == Pinned::Yes { "anchored" } else { "unpinned" })
        .add("depth", verdict.depth)
        .add("state_root", verdict.state_root().to_string())
        .add("last_batch", verdict.header.last_batch())
        .add("chain_id", verdict.header.chain_id())
        .add("sequence", verdict.header.sequence())
        .add("commitment", verdict.commitment.to_string())
        .add("txid", verdict.txid.to_string())
        .add("height", verdict.height)
        .add("block", verdict.block.to_string())
        .add("tip", verdict.tip.to_string())
        .add("next_spends", verdict.next_spends().to_string())
        .add("header", hex::encode(verdict.header.to_bytes()));
    report.add("first_sequence", verdict.first_sequence);
    let proven = verdict.proven_from.map(|from| {
        let mut proven = Report::default();
        proven.add("batch", from.batch_number).add("state_root", from.state_root.to_string());
        proven.into_value()
    });
    report.add("proven_from", proven.unwrap_or(Value::Null));
    let mut notes: Vec<&str> = Vec::new();
    if args.chain_id.is_none() {
        notes.push("the chain is the one that the file names: give --chain-id");
    }
    if verdict.pinned == Pinned::No {
        notes.push("anyone can start a thread: give --origin, or --known-header and --known-txid");
    }
    if verdict.proven_from.is_none() && args.from.is_none() {
        notes.push("no batch proof was verified: what was anchored may be false");
    }
    let newest = BlockCheckpoint::newest(network(verdict.header.chain_id()));
    let built_in = format!(
        "headers from built-in block {} on: give --checkpoint to start from a later one that you trust",
        newest.height
    );
    if args.checkpoint.is_none() {
        notes.push(&built_in);
    }
    notes.push("there may be a newer anchor: watch the output in next_spends");
    report.add("notes", notes);
    report
}

/// Says whether a file is an anchor proof, for `inspect`.
pub fn is_proof(head: &[u8]) -> bool {
    head.starts_with(b"TSAP")
}

/// What an anchor proof holds, unverified.
pub fn inspect(path: &Path) -> Result<Report, Failure> {
    let bytes = files::read(path, AnchorProof::MAX_BYTES)?.len();
    let proof = proof::read(path)?;
    let parts = proof.parts();
    let mut report = Report::default();
    report
        .add("file", "anchor proof (not verified here: see `tapstone anchor verify`)")
        .add("bytes", bytes)
        .add("first_height", parts.first_height)
        .add("block_headers", parts.headers.len())
        .add("anchors", parts.anchors.len());
    if let Some(last) = proof.last() {
        report
            .add("chain_id", last.header.chain_id())
            .add("sequence", last.header.sequence())
            .add("first_batch", last.header.first_batch())
            .add("last_batch", last.header.last_batch())
            .add("post_state_root", last.header.post_state_root().to_string())
            .add("commitment", last.header.commitment().to_string())
            .add("proven_batches", parts.anchors.iter().map(|anchor| anchor.batches.len()).sum::<usize>());
    }
    Ok(report)
}
