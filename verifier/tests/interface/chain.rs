//! Following a chain: links, keys by batch number, deposits, previous commitments, checkpoints; an error changes nothing.

use crate::common::*;
use tapstone_verifier::{
    ChainEnd, ChainVerifier, Checkpoint, DepositHead, Deposits, Element, NextBatch, Pin, Proof, Registry, Statement,
    VerifyingKey, VkId,
    error::{ChainError, ChainErrorAt, CheckpointError, HeaderError, VerifyError},
};

/// The points of the fixture as circuit version 8.
fn second_key() -> VerifyingKey {
    let vk = &fixture().pk.vk;
    let file = key_file(8, SHAPE, &vk.alpha_g1, &vk.beta_g2, &vk.gamma_g2, &vk.delta_g2, &vk.gamma_abc_g1);
    VerifyingKey::from_bytes(&file).unwrap()
}

fn genesis() -> Checkpoint {
    Checkpoint::start(ChainEnd { chain_id: 3, batch_number: 0, state_root: Element::from(1000) })
}

/// One key up to batch 3, the other from batch 3 on.
fn registry() -> Registry {
    let (old, new) = (fixture().key.id(), second_key().id());
    Registry::new([
        Pin { first_batch: 1, vk_id: old, last_batch: Some(3) },
        Pin { first_batch: 3, vk_id: new, last_batch: None },
    ])
    .unwrap()
}

fn chain_from(checkpoint: Checkpoint) -> ChainVerifier {
    let mut chain = ChainVerifier::new(registry(), checkpoint);
    chain.add_key(fixture().key.clone()).unwrap();
    chain.add_key(second_key()).unwrap();
    chain
}

struct Batch {
    statement: Statement,
    proof: Proof,
    vk_id: VkId,
    previous: Option<[u8; 32]>,
    deposits: DepositHead,
}

impl Batch {
    fn new(n: u64) -> Self {
        let vk_id = if n < 3 { fixture().key.id() } else { second_key().id() };
        let statement = statement(n);
        Self {
            statement,
            proof: proof(&statement),
            vk_id,
            previous: None,
            deposits: DepositHead::Expected(Element::from(5)),
        }
    }

    fn next(&self) -> NextBatch<'_> {
        let Self { statement, proof, vk_id, previous, deposits } = self;
        NextBatch { statement, proof, vk_id: *vk_id, previous: *previous, deposits: *deposits }
    }
}

#[test]
fn a_chain_is_followed_over_a_change_of_keys() {
    let mut chain = chain_from(genesis());
    for n in 1..=5 {
        let batch = Batch { previous: chain.checkpoint().commitment(), ..Batch::new(n) };
        let followed = chain.follow(&batch.next()).unwrap();
        assert_eq!(followed.deposits, Deposits::Checked);
        assert_eq!(chain.checkpoint().commitment(), Some(followed.verified.commitment().to_bytes()));
        assert_eq!(chain.end(), ChainEnd::after(&statement(n)));
    }
}

#[test]
fn both_keys_of_a_change_are_good_for_the_batch_that_both_are_pinned_for() {
    for vk_id in [fixture().key.id(), second_key().id()] {
        let mut chain = chain_from(Checkpoint::start(ChainEnd::after(&statement(2))));
        assert!(chain.follow(&Batch { vk_id, ..Batch::new(3) }.next()).is_ok());
    }
}

#[test]
fn several_batches_follow_at_once_or_none_does() {
    let batches: Vec<Batch> = (1..=5).map(Batch::new).collect();
    let next: Vec<NextBatch<'_>> = batches.iter().map(Batch::next).collect();
    let (mut one_by_one, mut together) = (chain_from(genesis()), chain_from(genesis()));
    let singly: Vec<_> = next.iter().map(|b| one_by_one.follow(b).unwrap()).collect();
    assert_eq!(together.follow_all(&next), Ok(singly));
    assert_eq!(together.checkpoint(), one_by_one.checkpoint());
    // Nothing was verified, so nothing follows, and nothing is taken back.
    let ChainErrorAt { index, error, .. } = together.follow_all(&[]).unwrap_err();
    assert_eq!((index, error, error.code()), (0, ChainError::NoBatches, 805));
    assert_eq!(together.checkpoint(), one_by_one.checkpoint());

    let mut chain = chain_from(genesis());
    let other = proof(&statement(9));
    let mut bad = next.clone();
    bad[3].proof = &other;
    let invalid = VerifyError::InvalidProof { vk_id: second_key().id(), batch_number: 4 };
    let ChainErrorAt { index, error, .. } = chain.follow_all(&bad).unwrap_err();
    assert_eq!((index, error), (3, ChainError::Verify(invalid)));
    let mut gap = next.clone();
    gap.remove(2);
    let ChainErrorAt { index, error, .. } = chain.follow_all(&gap).unwrap_err();
    assert_eq!((index, error), (2, ChainError::Link(HeaderError::BatchNumber { expected: 3, actual: 4 })));
    assert_eq!(chain.checkpoint(), genesis());
}

#[test]
fn each_rule_is_held_to_by_itself_and_an_error_changes_nothing() {
    let start = {
        let mut chain = chain_from(genesis());
        let _ = chain.follow(&Batch::new(1).next()).unwrap();
        chain.checkpoint()
    };
    let (old, new) = (fixture().key.id(), second_key().id());
    let with = |change: fn(&mut Statement)| {
        let mut batch = Batch::new(2);
        change(&mut batch.statement);
        batch.proof = proof(&batch.statement);
        batch
    };
    let link = ChainError::Link;
    let state_root = HeaderError::StateRoot { batch_number: 2, expected: Element::from(1001), actual: Element::from(7) };
    let commitment = start.commitment().unwrap();
    let cases = [
        (with(|s| s.chain_id = 4), link(HeaderError::ChainId { expected: 3, actual: 4 })),
        (with(|s| s.batch_number = 3), link(HeaderError::BatchNumber { expected: 2, actual: 3 })),
        (with(|s| s.batch_number = 1), link(HeaderError::BatchNumber { expected: 2, actual: 1 })),
        (with(|s| s.pre_state_root = Element::from(7)), link(state_root)),
        (
            Batch { previous: Some([7; 32]), ..Batch::new(2) },
            ChainError::Previous { batch_number: 2, expected: commitment, actual: [7; 32] },
        ),
        (
            with(|s| s.deposit_head = Element::from(6)),
            ChainError::DepositHead { batch_number: 2, expected: Element::from(5), actual: Element::from(6) },
        ),
        (Batch { vk_id: new, ..Batch::new(2) }, ChainError::KeyNotPinned { vk_id: new, batch_number: Some(2) }),
        (
            Batch { proof: proof(&statement(3)), ..Batch::new(2) },
            ChainError::Verify(VerifyError::InvalidProof { vk_id: old, batch_number: 2 }),
        ),
    ];
    for (batch, error) in cases {
        let mut chain = chain_from(start);
        assert_eq!(chain.follow(&batch.next()), Err(error));
        assert_eq!(chain.checkpoint(), start);
        let at = chain.follow_all(&[batch.next()]).unwrap_err();
        assert_eq!((at.index, at.error), (0, error));
        assert_eq!(chain.checkpoint(), start);
        assert!(chain.follow(&Batch::new(2).next()).is_ok(), "{error}");
    }
}

#[test]
fn a_key_must_be_pinned_to_be_taken_and_given_to_be_used() {
    let key = second_key();
    let only_old = Registry::new([Pin::always(fixture().key.id())]).unwrap();
    let mut chain = ChainVerifier::new(only_old, genesis());
    assert_eq!(chain.add_key(key.clone()), Err(ChainError::KeyNotPinned { vk_id: key.id(), batch_number: None }));
    let missing = ChainError::KeyNotGiven { vk_id: fixture().key.id() };
    assert_eq!(chain.follow(&Batch::new(1).next()), Err(missing));
    chain.add_key(fixture().key.clone()).unwrap();
    assert!(chain.follow(&Batch::new(1).next()).is_ok());
}

#[test]
fn unchecked_deposits_are_told_until_a_head_makes_up_for_them() {
    let mut chain = chain_from(genesis());
    let unknown = |n| Batch { deposits: DepositHead::Unknown, ..Batch::new(n) };
    let verdict = |chain: &mut ChainVerifier, batch: Batch| chain.follow(&batch.next()).unwrap().deposits;
    assert_eq!(verdict(&mut chain, Batch::new(1)), Deposits::Checked);
    assert_eq!(verdict(&mut chain, unknown(2)), Deposits::Unchecked { since: 2 });
    assert_eq!(verdict(&mut chain, unknown(3)), Deposits::Unchecked { since: 2 });
    assert_eq!(chain.checkpoint().deposits_checked(), 1);
    let mut chain = chain_from(Checkpoint::from_bytes(&chain.checkpoint().to_bytes()).unwrap());
    assert_eq!(verdict(&mut chain, unknown(4)), Deposits::Unchecked { since: 2 });
    assert_eq!(verdict(&mut chain, Batch::new(5)), Deposits::Checked);
}

#[test]
fn a_chain_resumes_from_its_checkpoint() {
    let mut chain = chain_from(genesis());
    for n in 1..=4 {
        let bytes = chain.checkpoint().to_bytes();
        let mut resumed = chain_from(Checkpoint::from_bytes(&bytes).unwrap());
        let batch = Batch::new(n);
        assert_eq!(resumed.follow(&batch.next()), chain.follow(&batch.next()));
        assert_eq!(resumed.checkpoint(), chain.checkpoint());
    }
}

#[test]
fn checkpoints_are_strict() {
    let mut chain = chain_from(genesis());
    let _ = chain.follow(&Batch::new(1).next()).unwrap();
    let good = chain.checkpoint().to_bytes();
    assert_eq!(Checkpoint::from_bytes(&good).unwrap().to_bytes(), good);
    for actual in [0, 91, 93] {
        let mut bytes = good.to_vec();
        bytes.resize(actual, 0);
        assert_eq!(Checkpoint::from_bytes(&bytes), Err(CheckpointError::Length { expected: 92, actual }));
    }
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good;
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        Checkpoint::from_bytes(&changed)
    };
    assert_eq!(with(0, b"TSVK"), Err(CheckpointError::Magic { expected: *b"TSCP", actual: *b"TSVK" }));
    assert_eq!(with(7, &[2]), Err(CheckpointError::Version { expected: 1, actual: 2 }));
    let number = |batch_number, deposits_checked| Err(CheckpointError::BatchNumber { batch_number, deposits_checked });
    assert_eq!(with(27, &[2]), number(1, 2), "deposits ahead of the batch");
    assert_eq!(with(12, &[0, 1]), number((1 << 48) + 1, 1), "2^48 and more");
    let mut zero = good;
    (zero[19], zero[27]) = (0, 0);
    assert_eq!(Checkpoint::from_bytes(&zero), number(0, 0), "a commitment before the first batch");
    assert_eq!(with(28, &r_be()), Err(CheckpointError::StateRoot { bytes: r_be() }));
    for (bit, bytes) in flips(&good) {
        if let Ok(other) = Checkpoint::from_bytes(&bytes) {
            assert_eq!(other.to_bytes()[..], bytes, "bit {bit}");
        }
    }
}
