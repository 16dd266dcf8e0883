//! Attacks on an anchor's output and on its place in a block: one for each rule, which breaks it and nothing else.

use crate::cases::*;
use crate::story::*;
use bitcoin::{
    ScriptBuf,
    consensus::serialize,
    hashes::Hash,
    secp256k1::Secp256k1,
    taproot::{LeafVersion, TapNodeHash},
};
use tapstone_verifier::anchor::{proof::AnchorParts, taproot::AnchorOutput};

/// Outputs.
pub fn outputs() -> Vec<Case> {
    let secp = Secp256k1::verification_only();
    let commit = |n: u8| tapstone_verifier::AnchorCommitment::from_bytes([n; 32]);
    let nums = "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0";
    let other_key = |bytes: [u8; 32]| {
        let own = key(1).serialize();
        broken(|file| {
            let header = Story::new().anchors[2].header.to_bytes();
            let at = find(file, &header) + header.len() + 1;
            assert_eq!(file[at..at + 32], own);
            file[at..at + 32].copy_from_slice(&bytes);
        })
    };
    // 5 is no x coordinate of secp256k1, and p + 1 would be that of 1 if it were reduced.
    let mut off_curve = [0; 32];
    off_curve[31] = 5;
    let mut above_p = [0xff; 32];
    above_p[27..].copy_from_slice(&[0xfe, 0xff, 0xff, 0xfc, 0x30]);
    vec![
        case(
            602,
            "other commitment",
            "output 0 commits to something else",
            last_script(|last| AnchorOutput::new(last.key, commit(7)).unwrap().script_pubkey()),
        ),
        case(
            602,
            "other key",
            "output 0 is under another key",
            last_script(|last| AnchorOutput::new(key(2), last.header.commitment()).unwrap().script_pubkey()),
        ),
        case(
            602,
            "other leaf version",
            "the leaf has version 0xc2",
            last_script(|last| {
                let version = LeafVersion::from_consensus(0xc2).unwrap();
                ScriptBuf::new_p2tr(&secp, last.key, Some(TapNodeHash::from_script(last.output().leaf_script(), version)))
            }),
        ),
        case(
            602,
            "hidden sibling",
            "a sibling of the leaf could hide a second commitment",
            last_script(|last| {
                let second = AnchorOutput::new(last.key, commit(7)).unwrap().leaf_hash();
                ScriptBuf::new_p2tr(&secp, last.key, Some(TapNodeHash::from_node_hashes(last.output().leaf_hash(), second)))
            }),
        ),
        case(
            602,
            "hidden in place of recovery",
            "a second commitment where the proof says recovery",
            told(|story| {
                with_recovery(story);
                let last = story.last();
                let second = AnchorOutput::new(last.key, commit(7)).unwrap().leaf_hash();
                let root = TapNodeHash::from_node_hashes(last.output().leaf_hash(), second);
                last.tx.output[0].script_pubkey = ScriptBuf::new_p2tr(&secp, last.key, Some(root));
            }),
        ),
        case(
            602,
            "recovery not told",
            "an output with a recovery leaf, told as one without",
            told(|story| {
                with_recovery(story);
                story.last().recovery = None;
            }),
        ),
        case(602, "no leaf", "the key alone", last_script(|last| ScriptBuf::new_p2tr(&secp, last.key, None))),
        case(602, "output 1", "the anchor stands in output 1", told(|story| story.last().tx.output.swap(0, 1))),
        case(
            602,
            "two anchors",
            "another anchor stands in output 0, this one in output 1",
            told(|story| {
                let last = story.last();
                let other = AnchorOutput::new(last.key, commit(7)).unwrap().script_pubkey();
                last.tx.output.insert(0, tx_out(other));
            }),
        ),
        case(
            685,
            "same anchor twice",
            "outputs 0 and 2 have the anchor's script",
            told(|story| {
                let last = story.last();
                last.tx.output.push(last.tx.output[0].clone());
            }),
        ),
        case(
            602,
            "earlier anchor is none",
            "the first anchor's output 0 is another",
            told(|story| {
                story.anchors[0].tx.output[0].script_pubkey = ScriptBuf::new_p2tr(&secp, key(1), None);
                story.relink();
            }),
        ),
        case(
            601,
            "unspendable key",
            "the internal key is BIP341's unspendable point",
            other_key(<[u8; 32]>::try_from(hex::decode(nums).unwrap()).unwrap()),
        ),
        case(669, "key not on the curve", "the internal key is no x coordinate", other_key(off_curve)),
        case(669, "key not below p", "the internal key is p + 1", other_key(above_p)),
        case(603, "recovery key is the internal key", "the second leaf gives nothing", {
            let bytes = told(with_recovery);
            let pair = [key(1).serialize(), key(200).serialize()].concat();
            let at = find(&bytes, &pair) + 32;
            [&bytes[..at], &key(1).serialize(), &bytes[at + 32..]].concat()
        }),
        case(604, "recovery after no blocks", "the second leaf is no lock", {
            let mut bytes = told(with_recovery);
            let pair = [key(1).serialize(), key(200).serialize()].concat();
            let at = find(&bytes, &pair) + 64;
            bytes[at..at + 2].fill(0);
            bytes
        }),
    ]
}

/// Transactions and their place in the block.
pub fn places() -> Vec<Case> {
    let deeper = |parts: &mut AnchorParts| {
        parts.siblings.push([1; 32]);
        parts.coinbase_siblings.push([1; 32]);
    };
    vec![
        case(
            621,
            "inner node as transaction",
            "64 bytes of the block's tree are given as the anchor's transaction (CVE-2017-12842)",
            {
                let leaves: Vec<[u8; 32]> = Story::new().block().iter().map(leaf).collect();
                bent(|parts| {
                    // The node over transactions 2 and 3 is a valid leaf of a tree with one level less.
                    parts.anchors[2].transaction = [leaves[2], leaves[3]].concat();
                    parts.siblings.remove(0);
                    parts.index >>= 1;
                })
            },
        ),
        case(
            636,
            "transaction as inner node",
            "a transaction of 64 bytes in the block is used as a node over a made-up anchor (CVE-2017-12842)",
            {
                // The miner puts a transaction of 64 bytes into the block whose second half is the id of a transaction that is in no block.
                let story = Story::new();
                let wanted = story.anchors[2].tx.clone();
                let first_half = serialize(&filler(9))[..32].to_vec();
                let fake = [&first_half[..], &leaf(&wanted)].concat();
                let mut block: Vec<[u8; 32]> = story.block().iter().map(leaf).collect();
                block[3] = bitcoin::hashes::sha256d::Hash::hash(&fake).to_byte_array();
                let (above, root) = siblings(&block, 3);
                bent(|parts| {
                    parts.siblings = [&[first_half.try_into().unwrap()][..], &above].concat();
                    parts.index = 3 << 1 | 1;
                    parts.coinbase_siblings = siblings(&block, 0).0;
                    parts.headers.truncate(2);
                    let parent = parts.headers[1];
                    parts.headers.push(block_after(&parent, root));
                    extend(&mut parts.headers, 5, 0x80);
                })
            },
        ),
        case(
            633,
            "repeated place",
            "the last of an odd number of transactions is told to stand once more behind it (CVE-2012-2459)",
            {
                let mut parts = {
                    let mut story = Story::new();
                    story.around = (3, 0);
                    story.parts()
                };
                parts.index += 1;
                encode(parts)
            },
        ),
        case(633, "repeated subtree", "the same, for a node above (CVE-2012-2459)", {
            let mut parts = {
                let mut story = Story::new();
                story.around = (4, 0);
                story.parts()
            };
            // Six transactions: the last two stand at 4 and 5, and again at 6 and 7.
            assert_eq!(parts.index, 5);
            parts.index += 2;
            encode(parts)
        }),
        case(637, "other index", "the place of a neighbour", bent(|parts| parts.index ^= 1)),
        case(632, "index with a high bit", "the index has a bit above the tree", bent(|parts| parts.index |= 1 << 3)),
        case(632, "index with the highest bit", "the index has bit 31", bent(|parts| parts.index |= 1 << 31)),
        case(
            636,
            "branch too short",
            "one sibling is left out",
            bent(|parts| {
                parts.siblings.pop();
                parts.index &= 3;
            }),
        ),
        case(636, "branch too long", "one sibling too many", bent(|parts| parts.siblings.push([1; 32]))),
        case(637, "both branches too long", "one sibling too many in both", bent(deeper)),
        case(
            631,
            "branches deeper than any block",
            "16 siblings",
            bent(|parts| {
                parts.siblings.resize(16, [1; 32]);
                parts.coinbase_siblings.resize(16, [1; 32]);
            }),
        ),
        case(637, "other sibling", "a bit of a sibling is changed", bent(|parts| parts.siblings[1][0] ^= 1)),
        case(
            637,
            "other coinbase",
            "a coinbase that is not the block's",
            bent(|parts| parts.coinbase = serialize(&coinbase(3))),
        ),
        case(634, "no coinbase", "a payment is given as the coinbase", bent(|parts| parts.coinbase = serialize(&filler(1)))),
        case(
            621,
            "coinbase of 64 bytes",
            "an inner node is given as the coinbase",
            bent(|parts| parts.coinbase = vec![0; 64]),
        ),
        case(
            635,
            "the coinbase itself",
            "index 0 is the coinbase's",
            bent(|parts| {
                parts.index = 0;
                parts.siblings = parts.coinbase_siblings.clone();
            }),
        ),
        case(
            637,
            "changed transaction",
            "an input more than in the block",
            bent(|parts| {
                let mut tx = Story::new().anchors[2].tx.clone();
                tx.input.push(tx_in(outpoint(0x33)));
                parts.anchors[2].transaction = serialize(&tx);
            }),
        ),
        case(
            624,
            "transaction with witnesses",
            "the transaction is in the form with witnesses",
            bent(|parts| {
                let mut tx = Story::new().anchors[2].tx.clone();
                tx.input[0].witness.push([0; 64]);
                parts.anchors[2].transaction = serialize(&tx);
            }),
        ),
        case(
            626,
            "transaction with trailing bytes",
            "a byte follows the transaction",
            bent(|parts| parts.anchors[2].transaction.push(0)),
        ),
        case(
            623,
            "transaction cut off",
            "the transaction's last byte is missing",
            bent(|parts| {
                parts.anchors[2].transaction.pop();
            }),
        ),
        case(
            637,
            "another transaction",
            "the proof shows a transaction that is not the anchor's",
            bent(|parts| {
                parts.anchors[2].transaction = serialize(&filler(0x10));
            }),
        ),
    ]
}
