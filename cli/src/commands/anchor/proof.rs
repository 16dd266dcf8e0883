//! `anchor proof`: an anchor proof from its parts, which a node has; and reading one, or writing one.

use std::path::{Path, PathBuf};

use bitcoin::block::Header;
use bitcoin::consensus::{self, Decodable};
use bitcoin::hashes::Hash;
use bitcoin::merkle_tree;
use bitcoin::{Block, Transaction};
use tapstone_anchor::{stripped, with_causes};
use tapstone_verifier::anchor::proof::{
    AnchorEntry, AnchorParts, AnchorPolicy, AnchorProof, BatchEntry, Proofs, ThreadStart,
};
use tapstone_verifier::anchor::taproot::network;
use tapstone_verifier::error::{AnchorError, AnchorProofError};
use tapstone_verifier::{AnchorHeader, BatchBranch, Commitment, Verified};

use super::{Profile, read_header};
use crate::args::AnchorProofArgs;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::input;
use crate::order;
use crate::report::Report;

/// The longest block in hexadecimal digits, and room for white space.
const BLOCK_LIMIT: usize = 8_001_024;
/// The longest file of block headers.
const HEADERS_LIMIT: usize = AnchorProof::MAX_HEADERS * 162;

/// Reads an anchor proof.
pub fn read(path: &Path) -> Result<AnchorProof, Failure> {
    AnchorProof::from_bytes(&files::read(path, AnchorProof::MAX_BYTES)?).map_err(|e| {
        let reason = if matches!(e, AnchorProofError::Version { .. }) { Reason::Mismatch } else { Reason::Input };
        Failure::at(reason, path, format!("rule {}: {e}", e.code()))
    })
}

fn decode<T: Decodable>(path: &Path, what: &str, text: &str) -> Result<T, Failure> {
    let refuse = |reason: String| Failure::at(Reason::Input, path, format!("not {what}: {reason}"));
    let bytes = hex::decode(text.trim()).map_err(|e| refuse(e.to_string()))?;
    consensus::deserialize(&bytes).map_err(|e| refuse(with_causes(&e)))
}

/// Reads block headers, one a line.
pub fn read_headers(path: &Path) -> Result<Vec<Header>, Failure> {
    files::read_text(path, HEADERS_LIMIT)?.lines().map(|line| decode(path, "a block header", line)).collect()
}

/// `tapstone anchor proof`.
pub fn run(args: &AnchorProofArgs) -> Result<Report, Failure> {
    let profile = Profile::new(&args.output)?;
    let header = read_header("--header", &args.header)?;
    let block: Block = decode(&args.block, "a block", &files::read_text(&args.block, BLOCK_LIMIT)?)?;
    let headers = read_headers(&args.headers)?;
    let tx: Transaction = decode(&args.tx, "a transaction", &files::read_text(&args.tx, BLOCK_LIMIT)?)?;

    let at = headers.iter().position(|header| *header == block.header);
    let at = at.ok_or_else(|| Failure::at(Reason::Input, &args.headers, "the block's header is not among these"))?;
    let before = args.before.as_deref().map(read).transpose()?;
    let mut anchors = before.map(|proof| proof.parts().anchors.clone()).unwrap_or_default();
    let entry = AnchorEntry {
        header,
        internal_key: profile.internal_key,
        recovery: profile.recovery,
        transaction: stripped(&tx),
        batches: batches(&header, &args.proven, args.key.as_deref())?,
    };
    anchors.push(entry);
    write(Chain { first_height: args.first_height, headers, at, block }, anchors, &args.out)
}

/// Consecutive block headers, and a block among them.
pub struct Chain {
    /// The height of the first header.
    pub first_height: u32,
    /// The headers.
    pub headers: Vec<Header>,
    /// Which of them is the block's.
    pub at: usize,
    /// The block.
    pub block: Block,
}

/// Writes the proof that the last of these anchors, which are consecutive, is in the block.
pub fn write(chain: Chain, anchors: Vec<AnchorEntry>, out: &Path) -> Result<Report, Failure> {
    let Chain { first_height, headers, at, block } = chain;
    let refuse = |e: &dyn std::fmt::Display| Failure::new(Reason::Input, format!("block {}: {e}", block.block_hash()));
    if !block.check_merkle_root() {
        return Err(refuse(&"the Merkle root is not that of the transactions"));
    }
    let last = anchors.last().ok_or_else(|| refuse(&"there is no anchor to be found in it"))?;
    let (chain_id, commitment) = (last.header.chain_id(), last.header.commitment().to_string());
    let tx: Transaction = consensus::deserialize(&last.transaction).map_err(|e| refuse(&e))?;
    let txid = tx.compute_txid();
    let index = block.txdata.iter().position(|other| other.compute_txid() == txid);
    let index = index.ok_or_else(|| refuse(&format!("{txid} is not in this block")))?;
    let parts = AnchorParts {
        first_height,
        headers,
        block: u16::try_from(at).map_err(|_| refuse(&format!("{at} headers before its own are too many")))?,
        coinbase: block.txdata.first().map(stripped).unwrap_or_default(),
        coinbase_siblings: siblings(&block, 0),
        index: u32::try_from(index).map_err(|e| refuse(&e))?,
        siblings: siblings(&block, index),
        anchors,
    };
    let proof = AnchorProof::new(parts).map_err(|e| Failure::new(Reason::Input, e))?;
    check(&proof, chain_id)?;
    let bytes = proof.to_bytes();
    files::replace(out, &bytes)?;
    let mut report = Report::default();
    report
        .add("file", out.display().to_string())
        .add("bytes", bytes.len())
        .add("txid", txid.to_string())
        .add("height", u64::from(first_height) + at as u64)
        .add("commitment", commitment);
    Ok(report)
}

/// The verifier's own verdict on what was made, as somebody reaches it who trusts the lowest block of the file that can be a checkpoint.
fn check(proof: &AnchorProof, chain_id: u32) -> Result<(), Failure> {
    let refuse = |e: AnchorError| {
        // A header, keys and a transaction that do not belong together.
        let reason = if matches!(e, AnchorError::Output { .. }) { Reason::Input } else { Reason::Verdict };
        Failure::new(reason, format!("no verifier would accept the proof, rule {}: {e}", e.code()))
    };
    proof.check_anchors().map_err(refuse)?;
    let network = network(chain_id);
    let checkpoint = proof.lowest_checkpoint(network).ok_or_else(|| {
        let text = "none of the block headers can be a checkpoint: needed consecutive ones from a height on that is a multiple of 2,016, at \
                    least 11";
        Failure::new(Reason::Input, text)
    })?;
    let chain = proof.header_chain(checkpoint, None).map_err(refuse)?;
    let policy = AnchorPolicy { chain_id, start: ThreadStart::Unpinned, proofs: Proofs::Ignored, least_depth: 1 };
    proof.verify(&chain, &policy).map(drop).map_err(refuse)
}

/// The batches of an anchor, verified, each with its place. Without a key it is the one beside the first of them.
pub fn batches(header: &AnchorHeader, paths: &[PathBuf], key: Option<&Path>) -> Result<Vec<BatchEntry>, Failure> {
    let paths = &order::proven(paths)?;
    let Some(first) = paths.first() else { return Ok(Vec::new()) };
    let beside = first.parent().unwrap_or(Path::new(".")).join("verifying.key");
    let key = input::verifying_key(key.unwrap_or(&beside))?;
    let mut proven = Vec::with_capacity(paths.len());
    for path in paths {
        // Whether the key is one to trust is for whoever verifies the anchor.
        proven.push(input::proven(path)?.verify(&key, key.id()).map_err(input::proven_error(path))?);
    }
    let commitments: Vec<Commitment> = proven.iter().map(|batch| batch.verified().commitment()).collect();
    let verified: Vec<Verified> = proven.iter().map(|batch| *batch.verified()).collect();
    header.check_batches(&verified).map_err(|e| Failure::new(Reason::Verdict, e))?;
    let entry = |(index, batch): (usize, &tapstone_prover::ProvenBatch)| {
        BatchBranch::new(&commitments, index).map(|branch| BatchEntry {
            statement: *batch.verified().statement(),
            vk_id: batch.verified().vk_id(),
            proof: *batch.proof(),
            branch,
        })
    };
    Ok(proven.iter().enumerate().filter_map(entry).collect())
}

/// The siblings of a transaction in its block, from the bottom.
fn siblings(block: &Block, index: usize) -> Vec<[u8; 32]> {
    let mut level: Vec<_> = block.txdata.iter().map(|tx| tx.compute_txid().to_raw_hash()).collect();
    let (mut at, mut siblings) = (index, Vec::new());
    while level.len() > 1 {
        if level.len() % 2 == 1 {
            level.extend(level.last().copied());
        }
        siblings.extend(level.get(at ^ 1).map(|hash| hash.to_byte_array()));
        level = level.chunks(2).filter_map(|pair| merkle_tree::calculate_root(pair.iter().copied())).collect();
        at /= 2;
    }
    siblings
}
