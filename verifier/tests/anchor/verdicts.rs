//! The verdict on every case. What is published of them is made in `vectors`.

use crate::story::*;
use crate::{attacks::*, cases::*, threads::*};
use bitcoin::{Network, OutPoint};
use tapstone_verifier::{
    Element,
    anchor::{
        blocks::HeaderChain,
        proof::{AnchorPolicy, AnchorProof, AnchorVerdict, Proofs, ThreadStart},
    },
    error::AnchorError,
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

#[test]
fn a_proof_is_a_few_thousand_bytes() {
    let one = told(single);
    assert!(one.len() < 1_500, "{}", one.len());
}
