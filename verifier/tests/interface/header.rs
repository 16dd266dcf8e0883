//! Anchor headers: encoding, and continuity within and between them.

use crate::common::*;
use tapstone_verifier::{
    AnchorCommitment, AnchorHeader, BatchBranch, Element, Statement, Verified, commitment::batches_root, error::HeaderError,
};

fn run(range: std::ops::RangeInclusive<u64>) -> Vec<Verified> {
    range.map(|n| verified(&statement(n))).collect()
}

fn changed(change: impl FnOnce(&mut Statement), n: u64) -> Verified {
    let mut s = statement(n);
    change(&mut s);
    verified(&s)
}

#[test]
fn first_and_next_say_what_they_cover() {
    let first = AnchorHeader::first(&run(1..=3)).unwrap();
    assert_eq!((first.chain_id(), first.sequence()), (3, 0));
    assert_eq!((first.first_batch(), first.last_batch(), first.batch_count()), (1, 3, 3));
    assert_eq!(first.previous(), AnchorCommitment::NONE);
    assert_eq!((first.pre_state_root(), first.post_state_root()), (Element::from(1000), Element::from(1003)));
    let commitments: Vec<_> = run(1..=3).iter().map(Verified::commitment).collect();
    assert_eq!(Some(first.batches_root()), batches_root(&commitments));

    let next = AnchorHeader::next(&first, &run(4..=4)).unwrap();
    assert_eq!((next.sequence(), next.first_batch(), next.last_batch()), (1, 4, 4));
    assert_eq!(next.previous(), first.commitment());
    assert_eq!(next.check_follows(&first), Ok(()));
}

#[test]
fn layout_is_the_protocols() {
    let first = AnchorHeader::first(&run(1..=2)).unwrap();
    let next = AnchorHeader::next(&first, &run(3..=5)).unwrap();
    let mut expected = Vec::new();
    expected.extend([0, 0, 0, 1, 0, 0, 0, 3]);
    expected.extend(1u64.to_be_bytes());
    expected.extend(3u64.to_be_bytes());
    expected.extend(3u64.to_be_bytes());
    expected.extend([0; 4]);
    expected.extend(first.commitment().to_bytes());
    expected.extend(Element::from(1002).to_be_bytes());
    expected.extend(Element::from(1005).to_be_bytes());
    expected.extend(next.batches_root());
    assert_eq!(next.to_bytes()[..], expected);
    assert_eq!(AnchorHeader::from_bytes(&expected), Ok(next));
}

#[test]
fn every_flipped_bit_is_refused_or_gives_another_commitment_and_does_not_cover_the_batches() {
    let first = AnchorHeader::first(&run(1..=1)).unwrap();
    let batches = run(2..=3);
    let header = AnchorHeader::next(&first, &batches).unwrap();
    for (bit, bytes) in flips(&header.to_bytes()) {
        if let Ok(other) = AnchorHeader::from_bytes(&bytes) {
            assert_eq!(other.to_bytes()[..], bytes, "bit {bit}");
            assert_ne!(other.commitment(), header.commitment(), "bit {bit}");
            let refused = other.check_batches(&batches).is_err() || other.check_follows(&first).is_err();
            assert!(refused, "bit {bit}");
        }
    }
}

#[test]
fn decoding_is_strict() {
    let good = AnchorHeader::first(&run(1..=2)).unwrap().to_bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut copy = good;
        copy[at..at + bytes.len()].copy_from_slice(bytes);
        AnchorHeader::from_bytes(&copy).unwrap_err()
    };
    for actual in [0, 163, 165] {
        let mut bytes = good.to_vec();
        bytes.resize(actual, 0);
        assert_eq!(AnchorHeader::from_bytes(&bytes), Err(HeaderError::Length { expected: 164, actual }));
    }
    assert_eq!(with(3, &[2]), HeaderError::Version { expected: 1, actual: 2 });
    assert_eq!(with(32, &[1]), HeaderError::Reserved { actual: 1 << 24 });
    assert_eq!(with(24, &[0; 8]), HeaderError::NoBatches);
    assert_eq!(with(16, &[0; 8]), HeaderError::BatchRange { first: 0, count: 2 });
    let end = (1u64 << 48) - 1;
    assert_eq!(with(16, &end.to_be_bytes()), HeaderError::BatchRange { first: end, count: 2 });
    assert_eq!(with(24, &[0xff; 8]), HeaderError::BatchRange { first: 1, count: u64::MAX });
    assert_eq!(with(36, &[7; 32]), HeaderError::FirstHasPrevious { actual: [7; 32] });
    for (field, at) in [("pre_state_root", 68), ("post_state_root", 100)] {
        assert_eq!(with(at, &r_be()), HeaderError::NotCanonical { field, bytes: r_be() });
    }
}

#[test]
fn batches_that_do_not_follow_each_other_are_refused() {
    let first = |batches: &[Verified]| AnchorHeader::first(batches).unwrap_err();
    assert_eq!(first(&[]), HeaderError::NoBatches);
    let gap = [run(1..=1), run(3..=3)].concat();
    assert_eq!(first(&gap), HeaderError::BatchNumber { expected: 2, actual: 3 });
    let repeated = [run(1..=1), run(1..=1)].concat();
    assert_eq!(first(&repeated), HeaderError::BatchNumber { expected: 2, actual: 1 });
    let chain = [verified(&statement(1)), changed(|s| s.chain_id = 7, 2)];
    assert_eq!(first(&chain), HeaderError::ChainId { expected: 3, actual: 7 });
    let roots = [verified(&statement(1)), changed(|s| s.pre_state_root = Element::from(5), 2)];
    let error = HeaderError::StateRoot { batch_number: 2, expected: Element::from(1001), actual: Element::from(5) };
    assert_eq!(first(&roots), error);
}

#[test]
fn batches_that_do_not_follow_the_previous_anchor_are_refused() {
    let previous = AnchorHeader::first(&run(1..=2)).unwrap();
    let next = |batch: Verified| AnchorHeader::next(&previous, &[batch]).unwrap_err();
    assert_eq!(next(verified(&statement(4))), HeaderError::BatchNumber { expected: 3, actual: 4 });
    assert_eq!(next(verified(&statement(2))), HeaderError::BatchNumber { expected: 3, actual: 2 });
    let error = HeaderError::ChainId { expected: 3, actual: 2 };
    assert_eq!(next(changed(|s| s.chain_id = 2, 3)), error);
    let error = HeaderError::StateRoot { batch_number: 3, expected: Element::from(1002), actual: Element::ZERO };
    assert_eq!(next(changed(|s| s.pre_state_root = Element::ZERO, 3)), error);
    assert_eq!(AnchorHeader::next(&previous, &[]), Err(HeaderError::NoBatches));
}

#[test]
fn decoded_headers_are_held_to_their_predecessor() {
    let a = AnchorHeader::first(&run(1..=2)).unwrap();
    let b = AnchorHeader::next(&a, &run(3..=3)).unwrap();
    let other = AnchorHeader::first(&[changed(|s| s.data_hash = Element::ZERO, 1), verified(&statement(2))]).unwrap();
    let error = HeaderError::Previous { expected: other.commitment().to_bytes(), actual: a.commitment().to_bytes() };
    assert_eq!(b.check_follows(&other), Err(error));
    assert_eq!(a.check_follows(&b), Err(HeaderError::Sequence { expected: Some(2), actual: 0 }));

    let mut bytes = b.to_bytes();
    bytes[8..16].fill(0xff);
    let last = AnchorHeader::from_bytes(&bytes).unwrap();
    let error = HeaderError::Sequence { expected: None, actual: u64::MAX };
    assert_eq!(AnchorHeader::next(&last, &run(4..=4)), Err(error));
}

#[test]
fn a_header_covers_its_batches_and_no_others() {
    let header = AnchorHeader::first(&run(1..=2)).unwrap();
    assert_eq!(header.check_batches(&run(1..=2)), Ok(()));
    assert_eq!(header.check_batches(&run(1..=1)), Err(HeaderError::BatchCount { expected: 2, actual: 1 }));
    assert_eq!(header.check_batches(&run(2..=3)), Err(HeaderError::BatchNumber { expected: 1, actual: 2 }));
    let other = [changed(|s| s.data_hash = Element::ZERO, 1), verified(&statement(2))];
    assert!(matches!(header.check_batches(&other), Err(HeaderError::BatchesRoot { .. })));
}

#[test]
fn commitment_text_round_trips() {
    let commitment = AnchorHeader::first(&run(1..=1)).unwrap().commitment();
    assert_eq!(commitment.to_string().parse(), Ok(commitment));
    assert!("00".parse::<AnchorCommitment>().is_err());
}

/// Batches 1 to n, the header over them, and the branch of each.
fn covered(n: u64) -> (Vec<Verified>, AnchorHeader, Vec<BatchBranch>) {
    let batches = run(1..=n);
    let commitments: Vec<_> = batches.iter().map(Verified::commitment).collect();
    let branches = (0..batches.len()).map(|i| BatchBranch::new(&commitments, i).unwrap()).collect();
    assert_eq!(BatchBranch::new(&commitments, batches.len()), None);
    let header = AnchorHeader::first(&batches).unwrap();
    (batches, header, branches)
}

#[test]
fn every_batch_has_its_place_and_no_other() {
    for n in 1..=9 {
        let (batches, header, branches) = covered(n);
        for (i, batch) in batches.iter().enumerate() {
            assert!(branches[i].siblings().len() <= n.next_power_of_two().ilog2() as usize);
            for (j, branch) in branches.iter().enumerate() {
                assert_eq!(header.check_batch(batch, branch).is_ok(), i == j, "{i} with branch {j} of {n}");
            }
            let siblings = branches[i].siblings();
            let longer = BatchBranch::from_siblings([siblings, &[[7; 32]]].concat()).unwrap();
            let error = HeaderError::BranchLength { expected: siblings.len(), actual: siblings.len() + 1 };
            assert_eq!(header.check_batch(batch, &longer), Err(error));
            for k in 0..siblings.len() {
                let mut other = siblings.to_vec();
                other[k][31] ^= 1;
                let other = BatchBranch::from_siblings(other).unwrap();
                assert!(matches!(header.check_batch(batch, &other), Err(HeaderError::BatchesRoot { .. })));
                let shorter = BatchBranch::from_siblings(siblings[..k].to_vec()).unwrap();
                assert!(matches!(header.check_batch(batch, &shorter), Err(HeaderError::BranchLength { .. })));
            }
        }
    }
    assert!(BatchBranch::from_siblings(vec![[0; 32]; 49]).is_err());
}

#[test]
fn a_batch_of_another_chain_or_range_is_not_covered() {
    let (_, header, branches) = covered(3);
    let error = HeaderError::NotCovered { batch_number: 4, first: 1, last: 3 };
    assert_eq!(header.check_batch(&verified(&statement(4)), &branches[2]), Err(error));
    let error = HeaderError::ChainId { expected: 3, actual: 7 };
    assert_eq!(header.check_batch(&changed(|s| s.chain_id = 7, 1), &branches[0]), Err(error));
    let other = changed(|s| s.data_hash = Element::ZERO, 2);
    assert!(matches!(header.check_batch(&other, &branches[1]), Err(HeaderError::BatchesRoot { .. })));
}

#[test]
fn a_header_whose_roots_are_not_those_of_its_batches_is_refused() {
    let (batches, header, branches) = covered(3);
    for (at, i) in [(68, 0), (100, 2)] {
        let mut bytes = header.to_bytes();
        bytes[at + 31] ^= 1;
        let lie = AnchorHeader::from_bytes(&bytes).unwrap();
        let batch_number = i as u64 + 1;
        for (k, batch) in batches.iter().enumerate() {
            let checked = lie.check_batch(batch, &branches[k]);
            assert_eq!(checked.is_ok(), k != i);
            assert!(k != i || matches!(checked, Err(HeaderError::StateRoot { batch_number: n, .. }) if n == batch_number));
        }
    }
}

#[test]
fn the_number_of_batches_is_bound() {
    let (batches, header, branches) = covered(4);
    let mut bytes = header.to_bytes();
    bytes[31] = 3;
    let fewer = AnchorHeader::from_bytes(&bytes).unwrap();
    // The first two have the same siblings in both trees.
    for (batch, branch) in batches.iter().zip(&branches).take(2) {
        assert!(matches!(fewer.check_batch(batch, branch), Err(HeaderError::BatchesRoot { .. })));
    }
}
