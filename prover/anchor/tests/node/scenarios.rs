//! The publisher on the node in memory.

use std::collections::BTreeMap;
use std::path::Path;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, FeeRate, OutPoint, Psbt, ScriptBuf, Transaction, TxIn, TxOut, Witness};
use tapstone_anchor::node::{Event, Funds, Journal, Node, PublishError, Publisher, Step, Terms, Waiting};
use tapstone_anchor::{AnchorPlanError, sign};
use tapstone_verifier::AnchorHeader;

use crate::fake::{Dies, Fake};
use crate::scene::{CHAIN, anchor, coin, header, key, rate, secret};

pub fn terms(sats: Option<u64>) -> Terms {
    Terms {
        key: key(1),
        recovery: None,
        funds: Funds::Find,
        value: sats.map(Amount::from_sat),
        change: None,
        rate: rate(2),
        fee_limit: Amount::from_sat(50_000),
    }
}

/// The script of key 1 alone.
pub fn own() -> ScriptBuf {
    coin(1, 0).output.script_pubkey
}

/// One life of a program: goes on with the thread as far as the chain lets it.
pub fn live<N: Node>(node: &N, path: &Path, until: u64, depth: u32) -> Result<Step, PublishError> {
    let mut publisher = Publisher::new(node, Journal::open(path, CHAIN)?)?;
    let mut step = publisher.step(depth)?;
    let positions = publisher.journal().positions();
    let (next, ready) = (positions.len() as u64, positions.last().is_none_or(|last| last.confirmed.is_some()));
    if next < until && ready {
        publisher.intend(header(next), &terms((next == 0).then_some(10_000)))?;
    }
    publisher.renew(Amount::from_sat(50_000))?;
    if publisher.unsigned().next().is_some() {
        publisher.sign(secret(1))?;
    }
    let after = publisher.step(depth)?;
    step.events.extend(after.events);
    step.waiting = after.waiting;
    Ok(step)
}

/// How often each position of the thread is on the chain.
pub fn anchors(fake: &Fake, count: u64) -> Vec<usize> {
    let scripts = (0..count).map(|n| crate::scene::anchor(n, 1).script_pubkey());
    let chain = fake.chain();
    scripts
        .map(|script| chain.iter().filter(|tx| tx.output.first().is_some_and(|o| o.script_pubkey == script)).count())
        .collect()
}

pub fn publisher<'a>(fake: &'a Fake, path: &Path) -> Publisher<'a, Fake> {
    Publisher::new(fake, Journal::open(path, CHAIN).unwrap()).unwrap()
}

pub fn thread(fake: &Fake, path: &Path, count: u64) {
    for _ in 0..count {
        live(fake, path, count, 100).unwrap();
        fake.mine(&[]);
    }
    live(fake, path, count, 100).unwrap();
}

/// Somebody else's transaction.
pub fn intruder(spends: OutPoint) -> Transaction {
    let input = TxIn { previous_output: spends, witness: Witness::new(), ..TxIn::default() };
    let output = TxOut { value: Amount::from_sat(1_000), script_pubkey: ScriptBuf::new() };
    let (version, lock_time) = (bitcoin::transaction::Version::TWO, bitcoin::absolute::LockTime::ZERO);
    Transaction { version, lock_time, input: vec![input], output: vec![output] }
}

/// Runs a thread of three anchors again and again, and the node dies at another of its calls each time, until all were tried; how many they were. `prepare`
/// makes the scene, and `check` looks at the journal in the end: what `prepare` told, and which call it was, for messages.
pub fn at_every_call<T>(prepare: impl Fn(&Fake, &Path) -> T, check: impl Fn(T, &Journal, &str)) -> usize {
    const ANCHORS: u64 = 3;
    let mut crashes = 0;
    for dies in [Dies::Before, Dies::After] {
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            let fake = Fake::new();
            let prepared = prepare(&fake, &path);
            fake.die_at(Some((at, dies)));
            let mut died = false;
            for _ in 0..=ANCHORS + 1 {
                if let Err(e) = live(&fake, &path, ANCHORS, 100) {
                    assert!(matches!(e, PublishError::Node(_)), "{e}");
                    died = true;
                    fake.die_at(None);
                    live(&fake, &path, ANCHORS, 100).unwrap();
                }
                fake.mine(&[]);
            }
            let call = format!("{dies:?} call {at}");
            assert_eq!(anchors(&fake, ANCHORS), [1, 1, 1], "{call}");
            check(prepared, &Journal::open_existing(&path).unwrap(), &call);
            if !died {
                break;
            }
            crashes += 1;
        }
    }
    crashes
}

#[test]
fn a_crash_at_any_call_leaves_one_anchor_a_position() {
    let prepare = |fake: &Fake, path: &Path| {
        fake.fund(own(), 100_000);
        fake.fund(own(), 90_000);
        // What is broadcast is in the journal before.
        let seen = path.to_owned();
        *fake.on_broadcast.borrow_mut() = Some(Box::new(move |tx| {
            assert!(std::fs::read_to_string(&seen).unwrap().contains(&serialize_hex(tx)));
        }));
    };
    let crashes = at_every_call(prepare, |(), journal, call| {
        let whole = journal.positions().iter().all(|position| position.versions.len() == 1 && position.confirmed.is_some());
        assert!(whole, "{call}");
    });
    assert!(crashes > 40, "{crashes}");
}

#[test]
fn a_journal_cut_anywhere_while_nothing_was_sent_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    {
        let mut publisher = publisher(&fake, &path);
        publisher.intend(header(0), &terms(Some(10_000))).unwrap();
        publisher.sign(secret(1)).unwrap();
    }
    let whole = std::fs::read(&path).unwrap();
    for length in (0..whole.len()).step_by(7) {
        std::fs::write(&path, whole.get(..length).unwrap()).unwrap();
        let mut publisher = publisher(&fake, &path);
        publisher.intend(header(0), &terms(Some(10_000))).unwrap();
        publisher.sign(secret(1)).ok();
        drop(publisher);
        assert_eq!(std::fs::read(&path).unwrap(), whole, "cut at {length}");
    }
}

#[test]
fn one_position_has_one_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    thread(&fake, &path, 2);
    let mut publisher = publisher(&fake, &path);
    let mut bytes = header(1).to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let other = AnchorHeader::from_bytes(&bytes).unwrap();
    let refused = publisher.intend(other, &terms(None));
    assert!(matches!(refused, Err(PublishError::Equivocation { sequence: 1, .. })), "{refused:?}");
    let txid = publisher.intend(header(1), &terms(None)).unwrap();
    assert_eq!(txid, publisher.journal().positions()[1].versions[0].txid());
    assert!(matches!(publisher.intend(header(4), &terms(None)), Err(PublishError::Order { had: 4, needed: 2 })));
    // A second process is kept out.
    assert!(matches!(Journal::open_existing(&path), Err(tapstone_anchor::node::JournalError::Busy { .. })));
    // The next one waits for the one before.
    publisher.intend(header(2), &terms(None)).unwrap();
    assert!(matches!(publisher.intend(header(3), &terms(None)), Err(PublishError::Unconfirmed { sequence: 2 })));
}

#[test]
fn a_replacement_pays_more_and_keeps_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    live(&fake, &path, 1, 6).unwrap();
    let old = fake.mempool();
    let mut publisher = publisher(&fake, &path);
    assert!(!publisher.is_late(1).unwrap());
    let limit = Amount::from_sat(50_000);
    assert!(matches!(publisher.bump(rate(2), limit), Err(PublishError::Plan(_))));
    assert!(matches!(publisher.bump(rate(2_000), limit), Err(PublishError::Plan(_))));
    let txid = publisher.bump(rate(9), limit).unwrap();
    // Asked again, as after a crash, it is the same one; until it is signed, the old one stands.
    assert_eq!(publisher.bump(rate(9), limit).unwrap(), txid);
    let waiting = publisher.step(6).unwrap().waiting;
    assert_eq!(waiting, [Waiting::Signature { sequence: 0, txid }, Waiting::Block { sequence: 0, txid: old[0] }]);
    publisher.sign(secret(1)).unwrap();
    assert_eq!(publisher.step(6).unwrap().events, [Event::Broadcast { sequence: 0, txid }]);
    assert_eq!(fake.mempool(), [txid]);
    fake.mine(&[]);
    publisher.step(6).unwrap();
    assert_eq!(anchors(&fake, 1), [1]);
    assert_eq!(publisher.journal().positions()[0].confirmed.unwrap().txid, txid);
    assert!(matches!(publisher.bump(rate(20), limit), Err(PublishError::NothingToBump)));
}

#[test]
fn a_reorganisation_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    thread(&fake, &path, 2);
    let before = Journal::open_existing(&path).unwrap().positions().to_vec();
    fake.forget(2);
    fake.mine(&[]);
    let step = live(&fake, &path, 2, 3).unwrap();
    let dropped = step.events.iter().filter(|event| matches!(event, Event::Dropped { .. })).count();
    assert_eq!((dropped, fake.mempool().len()), (2, 2), "{step:?}");
    fake.mine(&[]);
    live(&fake, &path, 2, 3).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);
    fake.mine(&[]);
    fake.mine(&[]);
    let step = live(&fake, &path, 2, 3).unwrap();
    assert_eq!((step.events.len(), step.waiting.len()), (2, 0), "{step:?}");
    let after = Journal::open_existing(&path).unwrap();
    for (old, new) in before.iter().zip(after.positions()) {
        assert_eq!(old.versions.len(), new.versions.len());
        assert!(new.buried && old.confirmed.unwrap().block != new.confirmed.unwrap().block);
    }
}

/// The chain comes back with another version of anchor 0 than anchor 1 was made for: the same header follows it in a new transaction.
#[test]
fn an_anchor_follows_the_version_that_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    live(&fake, &path, 1, 100).unwrap();
    let old = Journal::open_existing(&path).unwrap().positions()[0].versions[0].signed.clone().unwrap();
    {
        let mut publisher = publisher(&fake, &path);
        publisher.bump(rate(9), Amount::from_sat(50_000)).unwrap();
        publisher.sign(secret(1)).unwrap();
        publisher.step(100).unwrap();
    }
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    fake.forget(2);
    fake.mine(&[old]);
    let step = live(&fake, &path, 2, 100).unwrap();
    assert!(step.events.iter().any(|event| matches!(event, Event::Relinked { sequence: 1, .. })), "{step:?}");
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    let journal = Journal::open_existing(&path).unwrap();
    let versions: BTreeMap<u64, usize> =
        journal.positions().iter().map(|position| (position.header.sequence(), position.versions.len())).collect();
    assert_eq!(versions, BTreeMap::from([(0, 2), (1, 2)]));
    assert!(journal.positions().iter().all(|position| position.confirmed.is_some()));
    assert_eq!(anchors(&fake, 2), [1, 1]);
}

#[test]
fn a_conflict_is_named() {
    for in_block in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let fake = Fake::new();
        let origin = fake.fund(own(), 100_000);
        {
            let mut publisher = publisher(&fake, &path);
            publisher.intend(header(0), &terms(Some(10_000))).unwrap();
        }
        let other = intruder(origin);
        let spender = other.compute_txid();
        if in_block {
            fake.mine(&[other]);
        } else {
            fake.intrude(other);
        }
        let failed = live(&fake, &path, 1, 6).unwrap_err();
        assert!(
            matches!(failed, PublishError::Conflict { outpoint, spender: s, .. } if outpoint == origin && s == spender),
            "{failed}"
        );
        assert!(failed.to_string().contains(if in_block { "in block" } else { "in the mempool" }), "{failed}");
    }
}

#[test]
fn coins_that_are_spoken_for_or_too_small_are_not_spent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let mut publisher = publisher(&fake, &path);
    let failed = publisher.intend(header(0), &terms(Some(10_000))).unwrap_err();
    assert!(failed.to_string().contains("0 coins"), "{failed}");
    fake.fund(own(), 600);
    let failed = publisher.intend(header(0), &terms(Some(10_000))).unwrap_err();
    assert!(matches!(failed, PublishError::NoFunds { count: 1, total: 600, .. }), "{failed}");
    // Two coins, where one does not do.
    fake.fund(own(), 10_000);
    publisher.intend(header(0), &terms(Some(10_000))).unwrap();
    assert_eq!(publisher.journal().positions()[0].versions[0].spends().count(), 2);
    // A coin that is not there, or not as said.
    let path = folder.path().join("other");
    let mut publisher = self::publisher(&fake, &path);
    let absent = Terms { funds: Funds::Coins(vec![coin(1, 50_000)]), ..terms(Some(10_000)) };
    assert!(matches!(publisher.intend(header(0), &absent), Err(PublishError::Coin { .. })));
}

/// The change would have the script of output 0: nothing of that gets into a journal, however it is planned.
#[test]
fn change_to_the_anchors_own_script_is_refused_before_it_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    fake.fund(own(), 90_000);
    let change = Some(anchor(0, 1).script_pubkey());
    let mut publisher = publisher(&fake, &path);
    let before = std::fs::read(&path).unwrap();
    let refused = publisher.intend(header(0), &Terms { change, ..terms(Some(10_000)) }).unwrap_err();
    assert!(matches!(refused, PublishError::Plan(AnchorPlanError::SecondAnchor { output: 1, .. })), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    // The next one's own address, for a change that is kept from anchor to anchor.
    publisher.intend(header(0), &Terms { change: Some(anchor(1, 1).script_pubkey()), ..terms(Some(10_000)) }).unwrap();
    publisher.sign(secret(1)).unwrap();
    publisher.step(6).unwrap();
    fake.mine(&[]);
    publisher.step(6).unwrap();
    let change = publisher.journal().positions()[0].versions[0].request.change.clone();
    let refused = publisher.intend(header(1), &Terms { change, ..terms(None) }).unwrap_err();
    assert!(matches!(refused, PublishError::Plan(AnchorPlanError::SecondAnchor { .. })), "{refused}");
}

/// What a wallet gives back holds signatures and may hold nothing else; they go onto the PSBT of the journal.
#[test]
fn signatures_of_a_wallet_go_onto_the_journals_psbt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    let mut publisher = publisher(&fake, &path);
    publisher.intend(header(0), &terms(Some(10_000))).unwrap();
    let mut signed = publisher.unsigned().next().unwrap().1.clone();
    sign(&mut signed, secret(1)).unwrap();
    let mut stripped = Psbt::from_unsigned_tx(signed.unsigned_tx.clone()).unwrap();
    stripped.inputs[0].tap_key_sig = signed.inputs[0].tap_key_sig;
    let mut reordered = stripped.clone();
    reordered.unsigned_tx.output.swap(0, 1);
    let refused = publisher.accept(&reordered).unwrap_err();
    assert!(refused.to_string().contains("outputs are in another order"), "{refused}");
    assert_eq!(publisher.unsigned().count(), 1);
    let txid = publisher.accept(&stripped).unwrap();
    assert_eq!(publisher.step(6).unwrap().events, [Event::Broadcast { sequence: 0, txid }]);
}

/// The node asks for more than the anchor pays: that is said with the rate that would do, and a replacement at that rate is taken.
#[test]
fn a_fee_below_the_nodes_is_told_with_the_rate_that_would_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    fake.least.set(rate(10));
    let step = live(&fake, &path, 1, 6).unwrap();
    let [Waiting::Fee { sequence: 0, fee, vbytes: 154, needed, is_passing: false, .. }] = step.waiting[..] else {
        panic!("{step:?}")
    };
    assert_eq!((fee.to_sat(), needed), (308, FeeRate::from_sat_per_kwu(2_499)));
    let mut publisher = publisher(&fake, &path);
    // A tenth of a satoshi is what this node asks of a replacement for its size.
    fake.step.set(FeeRate::from_sat_per_kwu(25));
    let txid = publisher.bump(needed, Amount::from_sat(50_000)).unwrap();
    publisher.sign(secret(1)).unwrap();
    assert_eq!(publisher.step(6).unwrap().events, [Event::Broadcast { sequence: 0, txid }]);
    let slightly = FeeRate::from_sat_per_kwu(2_499 + 27);
    let txid = publisher.bump(slightly, Amount::from_sat(50_000)).unwrap();
    publisher.sign(secret(1)).unwrap();
    assert_eq!(publisher.step(6).unwrap().events, [Event::Broadcast { sequence: 0, txid }]);
}
