//! [`Case`]: an anchor proof, what its verifier knows, and the verdict; how cases are made; and those that must be accepted.

use crate::common::{fixture, statement};
use crate::story::*;
use bitcoin::{ScriptBuf, block::Header};
use tapstone_verifier::{
    AnchorHeader, ChainEnd, Element, Pin, Registry,
    anchor::{
        blocks::BlockCheckpoint,
        proof::{
            AnchorParts, AnchorPolicy, AnchorProof, AnchorVerdict, KnownAnchor, PinnedKeys, Proofs, ThreadStart,
            verify_anchor,
        },
        recovery::RecoveryLeaf,
    },
    error::AnchorError,
};

/// What is asked of proofs of batches, by itself.
#[derive(Clone)]
pub enum Asked {
    Ignored,
    Given(Registry),
    From(ChainEnd, Registry),
}

/// One proof, what the verifier knows, and the verdict.
#[derive(Clone)]
pub struct Case {
    pub name: &'static str,
    pub what: &'static str,
    pub bytes: Vec<u8>,
    /// Headers that the verifier has seen elsewhere.
    pub seen: Vec<Header>,
    pub checkpoint: BlockCheckpoint,
    pub chain_id: u32,
    pub start: ThreadStart,
    pub least_depth: u32,
    pub asked: Asked,
    /// The code of the rule that fails; 0 for none.
    pub code: u16,
}

impl Case {
    pub fn verify(&self) -> Result<AnchorVerdict, AnchorError> {
        let keys = std::slice::from_ref(&fixture().key);
        let proofs = match &self.asked {
            Asked::Ignored => Proofs::Ignored,
            Asked::Given(registry) => Proofs::Given(PinnedKeys { registry, keys }),
            Asked::From(known, registry) => Proofs::From(*known, PinnedKeys { registry, keys }),
        };
        let policy = AnchorPolicy { chain_id: self.chain_id, start: self.start, proofs, least_depth: self.least_depth };
        if self.seen.is_empty() {
            return verify_anchor(&self.bytes, self.checkpoint, None, &policy);
        }
        let proof = AnchorProof::from_bytes(&self.bytes)?;
        let mut chain = proof.header_chain(self.checkpoint, None)?;
        for header in &self.seen {
            chain.add(*header, None)?;
        }
        proof.verify(&chain, &policy)
    }
}

pub fn registry() -> Registry {
    Registry::new([Pin::always(fixture().key.id())]).unwrap()
}

pub fn genesis() -> ChainEnd {
    ChainEnd { chain_id: 3, batch_number: 0, state_root: Element::from(1000) }
}

/// A story with a change, told to a verifier who knows the origin and asks for depth 6.
pub fn case(code: u16, name: &'static str, what: &'static str, bytes: Vec<u8>) -> Case {
    let (start, asked) = (ThreadStart::Origin(origin()), Asked::Ignored);
    Case { name, what, bytes, seen: vec![], checkpoint: checkpoint(), chain_id: 3, start, least_depth: 6, asked, code }
}

pub fn encode(parts: AnchorParts) -> Vec<u8> {
    AnchorProof::new(parts).unwrap().to_bytes()
}

/// A change of the story, before anything is mined.
pub fn told(change: impl FnOnce(&mut Story)) -> Vec<u8> {
    let mut story = Story::new();
    change(&mut story);
    encode(story.parts())
}

/// A change of the proof's parts, after mining.
pub fn bent(change: impl FnOnce(&mut AnchorParts)) -> Vec<u8> {
    let mut parts = Story::new().parts();
    change(&mut parts);
    encode(parts)
}

/// A change of the bytes.
pub fn broken(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = encode(Story::new().parts());
    change(&mut bytes);
    bytes
}

pub fn find(bytes: &[u8], part: &[u8]) -> usize {
    bytes.windows(part.len()).rposition(|window| window == part).unwrap()
}

/// A header with some bytes changed.
pub fn header_with(header: &AnchorHeader, at: usize, bytes: &[u8]) -> AnchorHeader {
    let mut copy = header.to_bytes();
    copy[at..at + bytes.len()].copy_from_slice(bytes);
    AnchorHeader::from_bytes(&copy).unwrap()
}

/// The last anchor with another header, whose commitment stands in the output.
pub fn last_header(at: usize, bytes: &'static [u8]) -> Vec<u8> {
    told(|story| {
        let last = story.last();
        last.header = header_with(&last.header, at, bytes);
        last.remake();
    })
}

/// The last anchor's header bytes in the file, changed where they stand.
pub fn raw_header(at: usize, new: &[u8]) -> Vec<u8> {
    let header = Story::new().anchors[2].header.to_bytes();
    broken(|bytes| {
        let start = find(bytes, &header);
        bytes[start + at..start + at + new.len()].copy_from_slice(new);
    })
}

/// The last anchor with another script in output 0.
pub fn last_script(make: impl FnOnce(&Anchor) -> ScriptBuf) -> Vec<u8> {
    told(|story| {
        let last = story.last();
        last.tx.output[0].script_pubkey = make(last);
    })
}

pub fn with_recovery(story: &mut Story) {
    for anchor in &mut story.anchors {
        anchor.recovery = Some(RecoveryLeaf::new(key(200), 144).unwrap());
        anchor.remake();
    }
    story.relink();
}

pub fn single(story: &mut Story) {
    story.anchors.truncate(1);
}

pub fn accepted() -> Vec<Case> {
    let from = |bytes, known| Case { asked: Asked::From(known, registry()), ..case(0, "", "", bytes) };
    let proven = || told(|story| story.with_proofs = true);
    let second = Story::new().anchors[1].clone();
    let known = |anchor: &Anchor| KnownAnchor { header: anchor.header, txid: anchor.tx.compute_txid() };
    vec![
        case(0, "thread", "three anchors back to the origin of the thread", told(|_| ())),
        case(0, "first", "the first anchor alone", told(single)),
        case(0, "recovery", "outputs with a recovery leaf", told(with_recovery)),
        case(0, "only payment", "a block that holds the coinbase and the anchor", told(|story| story.around = (0, 0))),
        case(0, "last of odd", "the last of an odd number of transactions", told(|story| story.around = (3, 0))),
        case(0, "last of seven", "the last of seven, a node that is its own sibling", told(|story| story.around = (5, 0))),
        Case {
            name: "known anchor among them",
            what: "the verifier knows the second anchor, which is in the proof",
            start: ThreadStart::Known(known(&second)),
            ..case(0, "", "", told(|_| ()))
        },
        Case {
            name: "known anchor before",
            what: "the verifier knows the second anchor, and the proof holds the third alone",
            start: ThreadStart::Known(known(&second)),
            ..case(0, "", "", bent(|parts| drop(parts.anchors.drain(..2))))
        },
        Case {
            name: "unpinned",
            what: "the verifier knows nothing of the thread; the verdict says so",
            start: ThreadStart::Unpinned,
            ..case(0, "", "", bent(|parts| drop(parts.anchors.drain(..2))))
        },
        Case {
            name: "checkpoint on the way",
            what: "headers that lead up to a checkpoint",
            checkpoint: BlockCheckpoint { height: 1, hash: Story::new().parts().headers[1].block_hash(), ..checkpoint() },
            ..case(0, "", "", told(|_| ()))
        },
        Case {
            name: "proven",
            what: "proofs of all batches lead from the genesis of the rollup",
            ..from(proven(), genesis())
        },
        Case {
            name: "proven from the middle",
            what: "proofs lead from a state that the verifier knows",
            ..from(
                told(|story| {
                    story.with_proofs = true;
                    story.anchors[0].batches.clear();
                    story.anchors[1].batches.clear();
                }),
                ChainEnd::after(&statement(5)),
            )
        },
        Case {
            name: "known state is the last",
            what: "nothing is left to prove",
            ..from(told(|_| ()), ChainEnd::after(&statement(6)))
        },
        Case {
            name: "shallow",
            what: "an anchor in the last block, where the verifier asks for no more",
            least_depth: 1,
            ..case(0, "", "", told(|story| story.on_top = 0))
        },
        Case {
            name: "lighter branch seen",
            what: "the verifier has seen another branch with less work",
            seen: {
                let mut branch = third_branch(1);
                branch.pop();
                branch
            },
            ..case(0, "", "", told(|_| ()))
        },
    ]
}

/// A branch that leaves the story's chain before the anchor's block and has `more` blocks than it.
pub fn third_branch(more: u32) -> Vec<Header> {
    let parts = Story::new().parts();
    let mut branch = parts.headers[..2].to_vec();
    extend(&mut branch, 6 + more, 0xb0);
    branch.split_off(2)
}
