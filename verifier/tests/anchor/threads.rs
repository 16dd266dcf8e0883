//! Attacks on the thread of anchors, on block headers, on the file and on proofs of batches: one for each rule, which breaks it and
//! nothing else.

use crate::cases::*;
use crate::common::{r_be, statement, verified};
use crate::story::*;
use bitcoin::{
    Amount, CompactTarget, Network, TxMerkleNode,
    block::{Header, Version},
    hashes::Hash,
};
use tapstone_verifier::{
    BatchBranch, ChainEnd, Element, Pin, Registry, Statement, Verified, VkId,
    anchor::{
        blocks::BlockCheckpoint,
        proof::{AnchorParts, KnownAnchor, ThreadStart},
    },
};

/// Headers of anchors, and the thread.
pub fn threads() -> Vec<Case> {
    let other = Story::new().anchors[1].clone();
    let known = KnownAnchor { header: other.header, txid: other.tx.compute_txid() };
    vec![
        case(502, "header of another version", "version 2", raw_header(3, &[2])),
        case(503, "reserved bytes", "the reserved field is not 0", raw_header(35, &[1])),
        case(504, "no batches", "an anchor over nothing", raw_header(24, &[0; 8])),
        case(505, "batches from 0 on", "the range starts at 0", raw_header(16, &[0; 8])),
        case(506, "root not below r", "the post-state root is r", raw_header(100, &r_be())),
        case(
            507,
            "first anchor with a previous one",
            "sequence number 0 with a previous commitment",
            raw_header(8, &[0; 8]),
        ),
        case(602, "header changed afterwards", "the batches root is not the one committed to", raw_header(132, &[0; 32])),
        case(511, "sequence number", "the sequence number leaves one out", last_header(8, &[0, 0, 0, 0, 0, 0, 0, 3])),
        case(512, "previous commitment", "the header names another previous anchor", last_header(36, &[7; 32])),
        case(509, "batch number", "a batch is left out between two anchors", last_header(16, &[0, 0, 0, 0, 0, 0, 0, 7])),
        case(510, "pre-state root", "the anchor starts from another state", last_header(68, &[0; 32])),
        case(
            686,
            "not a spender",
            "input 0 of the last anchor spends something else",
            told(|story| {
                story.last().tx.input.swap(0, 1);
            }),
        ),
        case(
            686,
            "spends output 1",
            "input 0 spends output 1 of the anchor before",
            told(|story| {
                story.last().tx.input[0].previous_output.vout = 1;
            }),
        ),
        case(
            686,
            "equivocating successor",
            "another header with the same sequence number, in a transaction that does not spend the anchor before",
            told(|story| {
                let last = story.last();
                last.header = header_with(&last.header, 132, &[9; 32]);
                last.tx.input[0] = tx_in(outpoint(0x77));
                last.remake();
            }),
        ),
        case(
            686,
            "fee-bumped ancestor",
            "an ancestor's transaction was replaced by one with another id",
            told(|story| {
                story.anchors[1].tx.output[1].value = Amount::from_sat(VALUE - 1);
            }),
        ),
        case(
            686,
            "another origin",
            "the first anchor spends another output than the origin",
            told(|story| {
                story.anchors[0].tx.input.swap(0, 1);
                story.relink();
            }),
        ),
        case(687, "no origin", "the proof begins with the second anchor", bent(|parts| drop(parts.anchors.remove(0)))),
        Case {
            name: "other known anchor",
            what: "the verifier knows another transaction as the second anchor's",
            start: ThreadStart::Known(KnownAnchor { txid: other.tx.input[1].previous_output.txid, ..known }),
            ..case(688, "", "", told(|_| ()))
        },
        Case {
            name: "older than the known anchor",
            what: "the proof ends before the anchor that the verifier knows",
            start: ThreadStart::Known(known),
            ..case(687, "", "", told(single))
        },
        Case {
            name: "not the spender of the known anchor",
            what: "the proof's first anchor spends another output than the known anchor's",
            start: ThreadStart::Known(KnownAnchor { txid: outpoint(1).txid, ..known }),
            ..case(686, "", "", bent(|parts| drop(parts.anchors.drain(..2))))
        },
        Case { name: "other chain", what: "the verifier asks for chain 7", chain_id: 7, ..case(681, "", "", told(|_| ())) },
        Case {
            name: "mainnet header on regtest",
            what: "anchors of a mainnet chain in regtest blocks",
            chain_id: 4,
            ..case(
                682,
                "",
                "",
                told(|story| {
                    for anchor in &mut story.anchors {
                        anchor.header = header_with(&anchor.header, 4, &[0, 0, 0, 4]);
                        anchor.remake();
                    }
                    story.relink();
                }),
            )
        },
    ]
}

/// The chain of block headers.
pub fn chains() -> Vec<Case> {
    let at_block = |change: fn(&mut Header)| {
        bent(|parts| {
            let header = &mut parts.headers[4];
            change(header);
            *header = mined(*header);
            let parent = *header;
            parts.headers.truncate(5);
            let mut rest = vec![parent];
            extend(&mut rest, 3, 0x80);
            parts.headers.extend(&rest[1..]);
        })
    };
    vec![
        case(690, "one block short", "depth 5", told(|story| story.on_top = 4)),
        Case {
            name: "reorganised away",
            what: "the verifier has seen a branch with more work and without the anchor",
            seen: third_branch(1),
            ..case(684, "", "", told(|_| ()))
        },
        case(
            648,
            "easier block",
            "a block with another target",
            at_block(|header| header.bits = CompactTarget::from_consensus(0x207f_fffe)),
        ),
        case(
            650,
            "block before the median",
            "a block is not after the median time of those before",
            at_block(|header| header.time -= 6_000),
        ),
        case(647, "old version", "a block of version 3", at_block(|header| header.version = Version::from_consensus(3))),
        case(
            649,
            "no work",
            "a block whose hash does not meet its target",
            bent(|parts| {
                let header = parts.headers.last_mut().unwrap();
                while header.target().is_met_by(header.block_hash()) {
                    header.nonce += 1;
                }
            }),
        ),
        case(
            644,
            "gap",
            "a block header is left out",
            bent(|parts| {
                parts.headers.remove(5);
            }),
        ),
        case(
            642,
            "other checkpoint",
            "the headers do not start with the checkpoint",
            bent(|parts| {
                parts.headers.remove(0);
            }),
        ),
        Case {
            name: "header of another network",
            what: "signet's checkpoint, regtest's headers",
            checkpoint: BlockCheckpoint::genesis(Network::Signet),
            chain_id: 2,
            ..case(642, "", "", told(|_| ()))
        },
        case(637, "another block", "the transaction is told to stand in the next block", bent(|parts| parts.block += 1)),
        case(
            637,
            "other Merkle root",
            "the block's Merkle root is another",
            bent(|parts| {
                parts.headers.truncate(2);
                let mut header = block_after(&parts.headers[1], [0; 32]);
                header.merkle_root = TxMerkleNode::from_byte_array([3; 32]);
                parts.headers.push(mined(header));
                extend(&mut parts.headers, 5, 0x80);
            }),
        ),
    ]
}

/// The file.
pub fn files() -> Vec<Case> {
    vec![
        case(662, "magic", "the first bytes are others", broken(|bytes| bytes[0] ^= 1)),
        case(663, "version", "version 2 of the format", broken(|bytes| bytes[7] = 2)),
        case(
            664,
            "cut off",
            "the last byte is missing",
            broken(|bytes| {
                bytes.pop();
            }),
        ),
        case(665, "trailing byte", "a byte follows the end", broken(|bytes| bytes.push(0))),
        case(666, "no headers", "there are no block headers", {
            let count = Story::new().parts().headers.len();
            broken(|bytes| {
                bytes.drain(14..14 + 80 * count);
                bytes[12..14].fill(0);
            })
        }),
        case(667, "no such block", "the block's number is that of no header", {
            let count = Story::new().parts().headers.len();
            broken(|bytes| bytes[14 + 80 * count + 1] = 200)
        }),
        case(668, "kind", "an output of a kind that is not known", {
            let header = Story::new().anchors[2].header.to_bytes();
            broken(|bytes| {
                let at = find(bytes, &header) + header.len();
                bytes[at] = 2;
            })
        }),
    ]
}

/// Proofs of batches.
pub fn batches() -> Vec<Case> {
    let given = |code, name, what, bytes| Case { asked: Asked::Given(registry()), ..case(code, name, what, bytes) };
    let proven = |change: fn(&mut AnchorParts)| {
        let mut story = Story::new();
        story.with_proofs = true;
        let mut parts = story.parts();
        change(&mut parts);
        encode(parts)
    };
    let other_batch = |n: u64| -> Verified { verified(&Statement { data_hash: Element::from(1), ..statement(n) }) };
    vec![
        given(
            402,
            "proof of another batch",
            "the proof proves another statement",
            proven(|parts| {
                parts.anchors[2].batches[0].proof = parts.anchors[1].batches[0].proof;
            }),
        ),
        given(
            402,
            "changed statement",
            "the statement is not the one proven",
            proven(|parts| {
                parts.anchors[2].batches[0].statement.deposit_head = Element::ZERO;
            }),
        ),
        given(
            514,
            "batch of another anchor",
            "a proven batch that the anchor does not cover",
            told(|story| {
                story.with_proofs = true;
                story.last().batches = vec![other_batch(6)];
            }),
        ),
        given(
            514,
            "other place",
            "siblings of a neighbour",
            proven(|parts| {
                let branch = parts.anchors[1].batches[1].branch.clone();
                parts.anchors[1].batches[0].branch = branch;
            }),
        ),
        given(
            516,
            "branch of a batch too long",
            "a sibling too many",
            proven(|parts| {
                parts.anchors[2].batches[0].branch = BatchBranch::from_siblings(vec![[0; 32]]).unwrap();
            }),
        ),
        given(
            509,
            "gap between batches",
            "a batch without a proof between others",
            proven(|parts| drop(parts.anchors[1].batches.remove(1))),
        ),
        given(
            689,
            "last batch not proven",
            "proofs end before the last state root",
            proven(|parts| parts.anchors[2].batches.clear()),
        ),
        given(
            510,
            "lie about the state",
            "the header's post-state root is not that of its last batch",
            told(|story| {
                story.with_proofs = true;
                let last = story.last();
                last.header = header_with(&last.header, 100, &[0; 32]);
                last.remake();
            }),
        ),
        Case {
            name: "key not pinned",
            what: "the batches are proven under a key that the verifier does not pin",
            asked: Asked::Given(Registry::new([Pin::always(VkId::from_bytes([1; 32]))]).unwrap()),
            ..case(801, "", "", proven(|_| ()))
        },
        Case {
            name: "not proven from the known state",
            what: "proofs begin after the state that the verifier knows",
            asked: Asked::From(genesis(), registry()),
            ..case(689, "", "", proven(|parts| parts.anchors[0].batches.clear()))
        },
        Case {
            name: "other known state",
            what: "proofs start from another state than the one that the verifier knows",
            asked: Asked::From(ChainEnd { state_root: Element::from(999), ..genesis() }, registry()),
            ..case(510, "", "", proven(|_| ()))
        },
    ]
}
