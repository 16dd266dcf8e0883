//! The verdict on every case. What is published of them is made in `vectors`.

use crate::story::*;
use crate::{attacks::*, cases::*, threads::*};
use bitcoin::{Network, OutPoint};
use tapstone_verifier::{
    Element,
    anchor::{
        blocks::{BlockCheckpoint, HeaderChain, Position},
        proof::{AnchorPolicy, AnchorProof, AnchorVerdict, Proofs, ThreadStart, verify_anchor},
    },
    error::{AnchorError, BlockError},
};

pub fn refused() -> Vec<Case> {
    [outputs(), places(), threads(), chains(), files(), batches()].concat()
}

#[test]
fn each_is_refused_by_its_rule() {
    let mut wrong = Vec::new();
    for case in refused() {
        match case.verify() {
            Err(error) if error.code() == case.code => {}
            other => wrong.push(format!("{}: expected {}, had {other:?}", case.name, case.code)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_in_order_is_accepted() {
    for case in accepted() {
        let verdict = case.verify().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        assert_eq!((case.code, verdict.height), (0, 2));
        assert_eq!(verdict.next_spends(), OutPoint { txid: verdict.txid, vout: 0 });
    }
    let whole = accepted().into_iter().find(|case| case.name == "proven").unwrap().verify().unwrap();
    assert_eq!((whole.depth, whole.state_root(), whole.proven_from), (6, Element::from(1006), Some(genesis())));
}

/// No changed bit of a file gives another verdict than no, but where it tells something of no weight.
#[test]
fn no_changed_bit_gives_another_anchor() {
    let good = Case { start: ThreadStart::Origin(origin()), ..accepted()[2].clone() };
    let verdict = good.verify().unwrap();
    let mut same = 0;
    for (bit, bytes) in crate::common::flips(&good.bytes) {
        if let Ok(other) = (Case { bytes: bytes.clone(), ..good.clone() }).verify() {
            // The last block may have any time and content, as long as it has work.
            assert_eq!(AnchorVerdict { tip: verdict.tip, ..other }, verdict, "bit {bit}");
            assert_eq!(AnchorProof::from_bytes(&bytes).unwrap().to_bytes(), bytes);
            same += 1;
        }
    }
    assert!(same <= 80 * 8, "{same}");
}

/// Whoever follows the headers learns their heights from them, and not from a proof.
#[test]
fn a_proof_that_tells_another_height_is_refused() {
    let mut parts = Story::new().parts();
    let mut chain = HeaderChain::from_genesis(Network::Regtest, 100).unwrap();
    AnchorProof::new(parts.clone()).unwrap().add_headers(&mut chain, None).unwrap();
    parts.first_height = 1;
    let proof = AnchorProof::new(parts).unwrap();
    let policy = AnchorPolicy { chain_id: 3, start: ThreadStart::Unpinned, proofs: Proofs::Ignored, least_depth: 1 };
    assert_eq!(proof.verify(&chain, &policy), Err(AnchorError::Height { expected: 3, actual: 2 }));
    assert_eq!(proof.add_headers(&mut chain, None), Err(AnchorError::Height { expected: 1, actual: 0 }));
    assert_eq!(AnchorError::Height { expected: 1, actual: 0 }.code(), 683);
}

/// Blocks below the newest built-in checkpoint cost next to nothing: no verdict rests on a chain that ends there, whatever it starts at.
#[test]
fn no_depth_is_told_below_the_newest_built_in_checkpoint() {
    let parts_of = |chain_id: u32| {
        let mut story = Story::new();
        single(&mut story);
        story.on_top = 20;
        let last = story.last();
        last.header = header_with(&last.header, 4, &chain_id.to_be_bytes());
        last.remake();
        story.parts()
    };
    for (network, chain_id) in [(Network::Bitcoin, 0), (Network::Testnet4, 1), (Network::Signet, 2)] {
        let newest = BlockCheckpoint::newest(network);
        // From the first block of a period on, that the headers before the checkpoint suffice: a period that ends before it, and one after it.
        let period = newest.height / 2016 * 2016;
        for (first_height, reaches) in [(period - 2016, false), (period + 2016, true)] {
            let mut parts = parts_of(chain_id);
            parts.first_height = first_height;
            let height = first_height + parts.headers.len() as u32 - 1;
            let hash = parts.headers.last().unwrap().block_hash();
            let proof = AnchorProof::new(parts).unwrap();
            let policy =
                AnchorPolicy { chain_id, start: ThreadStart::Origin(origin()), proofs: Proofs::Ignored, least_depth: 6 };
            let checkpoint = BlockCheckpoint { network, height, hash };
            let verdict = verify_anchor(&proof.to_bytes(), checkpoint, None, &policy);
            let chain = proof.header_chain(checkpoint, None).unwrap();
            let place = chain.position(&proof.parts().headers[2].block_hash()).unwrap();
            if reaches {
                assert_eq!(verdict.unwrap().depth, 21);
                assert_eq!(place, Position { height: first_height + 2, depth: Some(21) });
            } else {
                let error = BlockError::Reach { network, needed: newest.height, actual: height };
                assert_eq!(verdict, Err(AnchorError::Block(error)));
                assert_eq!((place, chain.check_reach()), (Position { height: first_height + 2, depth: None }, Err(error)));
            }
            // The lowest of its blocks at which a chain can start.
            assert_eq!(proof.lowest_checkpoint(network).unwrap().height, first_height + 10);
        }
    }
    assert_eq!(BlockCheckpoint::newest(Network::Regtest), checkpoint());
}

/// All that needs no block headers is asked of a proof by whoever makes it, too.
#[test]
fn a_proof_of_an_anchor_that_stands_twice_is_none() {
    let twice = |story: &mut Story| {
        single(story);
        let tx = &mut story.last().tx;
        tx.output[1].script_pubkey = tx.output[0].script_pubkey.clone();
    };
    let proof = |bytes: Vec<u8>| AnchorProof::from_bytes(&bytes).unwrap().check_anchors();
    assert_eq!(proof(told(|_| ())), Ok(()));
    assert_eq!(proof(told(twice)), Err(AnchorError::SecondAnchor { sequence: 0, output: 1 }));
}

#[test]
fn a_proof_is_a_few_thousand_bytes() {
    let one = told(single);
    assert!(one.len() < 1_500, "{}", one.len());
}

/// Whatever the bytes, there is a verdict: no panic, no loop. What decodes encodes to the same bytes.
#[test]
fn noise_gets_a_verdict() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % below.max(1)
    };
    let mut decoded = 0;
    for case in accepted() {
        for _ in 0..200 {
            let mut bytes = case.bytes.clone();
            for _ in 0..=next(3) {
                let at = next(bytes.len());
                match next(5) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at, next(256) as u8),
                    2 => bytes.extend_from_within(at..),
                    3 => {
                        let end = (at + next(40)).min(bytes.len());
                        bytes[at..end].fill([0, 0xff][next(2)]);
                    }
                    _ => {
                        if let Some(byte) = bytes.get_mut(at) {
                            *byte ^= 1 << next(8);
                        }
                    }
                }
            }
            if let Ok(proof) = AnchorProof::from_bytes(&bytes) {
                decoded += 1;
                assert_eq!(proof.to_bytes(), bytes);
            }
            let _ = Case { bytes, ..case.clone() }.verify();
        }
    }
    assert!(decoded > 100, "{decoded}");
}

/// Headers that lead up to a checkpoint are bound by its hash alone: no difficulty in them makes the chain panic.
#[test]
fn a_checkpoint_with_absurd_headers_is_no_harm() {
    for bits in [0, 1, 0x0100_0001, 0x0300_0001, 0x207f_ffff, 0xff00_0001, u32::MAX] {
        let mut headers = vec![regtest(); 12];
        for i in 0..headers.len() {
            headers[i].bits = bitcoin::CompactTarget::from_consensus(bits);
            headers[i].prev_blockhash = if i == 0 { nowhere() } else { headers[i - 1].block_hash() };
        }
        for network in [Network::Regtest, Network::Testnet4, Network::Bitcoin, Network::Signet] {
            let hash = headers[11].block_hash();
            let height = 4032 + 11;
            let checkpoint = tapstone_verifier::anchor::blocks::BlockCheckpoint { network, height, hash };
            let mut chain = HeaderChain::new(checkpoint, &headers, 100).unwrap();
            let next = block_after(&headers[11], [1; 32]);
            let _ = chain.add(next, None);
            assert!(chain.tip().0 >= height);
        }
    }
}
