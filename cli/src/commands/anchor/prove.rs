//! `anchor prove`: the anchor proof of a thread in a journal, with the blocks that a node has.

use bitcoin::Transaction;
use bitcoin::block::Header;
use tapstone_anchor::node::{Confirmed, Journal, Node, NodeError, Position, Rpc};
use tapstone_anchor::stripped;
use tapstone_verifier::anchor::blocks::BlockCheckpoint;
use tapstone_verifier::anchor::proof::{AnchorEntry, AnchorProof};
use tapstone_verifier::anchor::recovery::RecoveryLeaf;

use super::node::connect;
use super::proof::{Chain, batches, write};
use super::publish::journal_failure;
use crate::args::AnchorProve;
use crate::exit::{Failure, Reason};
use crate::report::Report;

fn node_failure(e: NodeError) -> Failure {
    Failure::new(Reason::Io, e)
}

/// `tapstone anchor prove`.
pub fn run(args: &AnchorProve) -> Result<Report, Failure> {
    let journal = Journal::look(&args.journal).map_err(journal_failure)?;
    let positions = journal.positions();
    let newest = positions.iter().rposition(|position| position.confirmed.is_some());
    let refuse = |text: String| Failure::at(Reason::Verdict, &args.journal, text);
    let last = match args.anchor {
        Some(index) => usize::try_from(index).unwrap_or(usize::MAX),
        None => newest.ok_or_else(|| refuse("no anchor is in a block yet".into()))?,
    };
    let thread = positions.get(..=last).ok_or_else(|| refuse(format!("there are {} anchors", positions.len())))?;
    let mut anchors = thread.iter().map(|position| entry(position).map_err(&refuse)).collect::<Result<Vec<_>, _>>()?;
    let (Some(position), Some(entry)) = (thread.last(), anchors.last_mut()) else {
        return Err(refuse("it holds no anchor".into()));
    };
    entry.batches = batches(&position.header, &args.proven, args.key.as_deref())?;
    let place = position.confirmed.ok_or_else(|| refuse(format!("anchor {last} is in no block yet")))?;
    let (chain, checkpoint) = chain(&connect(&args.node, journal.chain_id())?, place, args.checkpoint)?;
    let mut report = write(chain, anchors, &args.out)?;
    report.add("checkpoint", checkpoint);
    Ok(report)
}

/// An anchor as the journal has it, without its batches.
fn entry(position: &Position) -> Result<AnchorEntry, String> {
    let sequence = position.header.sequence();
    let version = position.live().ok_or_else(|| format!("anchor {sequence} has no signed transaction"))?;
    let tx: &Transaction = version.signed.as_ref().unwrap_or(&version.psbt.unsigned_tx);
    let anchor = &version.request.anchor;
    let recovery = anchor.recovery().map(|(key, blocks)| RecoveryLeaf::new(key.x_only(), *blocks)).transpose();
    Ok(AnchorEntry {
        header: position.header,
        internal_key: anchor.key().x_only(),
        recovery: recovery.map_err(|e| e.to_string())?,
        transaction: stripped(tx),
        batches: Vec::new(),
    })
}

/// The anchor's block, and the headers from what a checkpoint needs up to the tip, or as many as a proof holds; and the checkpoint as `anchor verify` takes it.
fn chain(node: &Rpc, place: Confirmed, checkpoint: Option<u32>) -> Result<(Chain, String), Failure> {
    let checkpoint = checkpoint.unwrap_or(place.height.saturating_sub(1));
    let refuse = |text: String| Failure::new(Reason::Usage, text);
    if checkpoint >= place.height {
        let text = format!("needed a --checkpoint below the anchor's block at height {}, had {checkpoint}", place.height);
        return Err(refuse(text));
    }
    let at_height = |height: u32| {
        let short =
            || Failure::new(Reason::Io, format!("the node's chain became shorter than {height} blocks: run it again"));
        node.block_hash(height).map_err(node_failure)?.ok_or_else(short)
    };
    let network = node.network().map_err(node_failure)?;
    let trusted = BlockCheckpoint { network, height: checkpoint, hash: at_height(checkpoint)? };
    let first_height = trusted.context_height();
    let at = (place.height - first_height) as usize;
    if at >= AnchorProof::MAX_HEADERS {
        let text = format!(
            "{} headers lead from checkpoint {checkpoint} to the anchor's block, a proof holds {}: take a later one",
            at + 1,
            AnchorProof::MAX_HEADERS
        );
        return Err(refuse(text));
    }
    let most = u32::try_from(AnchorProof::MAX_HEADERS - 1).unwrap_or(u32::MAX);
    let tip = node.tip().map_err(node_failure)?.height.min(first_height.saturating_add(most));
    let mut headers: Vec<Header> = Vec::new();
    for height in first_height..=tip {
        headers.push(node.header(at_height(height)?).map_err(node_failure)?);
    }
    let links = headers.windows(2).all(|pair| matches!(pair, [a, b] if b.prev_blockhash == a.block_hash()));
    if !links || headers.get(at).is_none_or(|header| header.block_hash() != place.block) {
        let text =
            format!("block {} at height {} is no more in the node's chain: run `anchor watch`", place.block, place.height);
        return Err(Failure::new(Reason::Verdict, text));
    }
    let block = node.block(place.block).map_err(node_failure)?;
    Ok((Chain { first_height, headers, at, block }, format!("{checkpoint}:{}", trusted.hash)))
}
