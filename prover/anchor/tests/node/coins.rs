//! Coins of an anchor that somebody else spends: its transaction can never confirm, and the anchor is planned anew.

use std::path::Path;

use bitcoin::{Amount, OutPoint, Transaction};
use tapstone_anchor::node::{ConflictPlace, Event, Funds, Journal, PublishError, Terms, Waiting};

use crate::fake::Fake;
use crate::scenarios::{anchors, at_every_call, intruder, live, own, publisher, terms, thread};
use crate::scene::{coin, header, rate, secret};

const LIMIT: Amount = Amount::from_sat(50_000);

/// A thread whose anchor 0 is in a block and whose anchor 1 waits for one: the transaction of that one, and the coin that pays for it.
fn waiting(fake: &Fake, path: &Path) -> (Transaction, OutPoint) {
    fake.fund(own(), 100_000);
    fake.fund(own(), 50_000);
    thread(fake, path, 1);
    live(fake, path, 2, 100).unwrap();
    let journal = Journal::open_existing(path).unwrap();
    let version = &journal.positions()[1].versions[0];
    (version.signed.clone().unwrap(), version.spends().nth(1).unwrap())
}

#[test]
fn an_anchor_whose_coin_is_spent_elsewhere_is_planned_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let (tx, coin) = waiting(&fake, &path);
    let other = intruder(coin);
    let hash = fake.mine(std::slice::from_ref(&other));
    let mut publisher = publisher(&fake, &path);
    let step = publisher.step(100).unwrap();
    let dead = |event: &Event| match event {
        Event::Dead { sequence: 1, txid, spent } => {
            *txid == tx.compute_txid()
                && (spent.outpoint, spent.spender, spent.at.hash) == (coin, other.compute_txid(), hash)
        }
        _ => false,
    };
    assert!(step.events.iter().any(dead), "{step:?}");
    assert!(step.waiting.contains(&Waiting::Coins { sequence: 1 }), "{step:?}");
    // It is said once, and remembered; nothing is broadcast or bumped meanwhile, and the next header waits.
    drop(publisher);
    let mut publisher = self::publisher(&fake, &path);
    let step = publisher.step(100).unwrap();
    assert_eq!((step.events.len(), fake.mempool().len()), (0, 0), "{step:?}");
    assert!(matches!(publisher.bump(rate(9), LIMIT), Err(PublishError::NothingToBump)));
    assert!(matches!(publisher.intend(header(2), &terms(None)), Err(PublishError::Unconfirmed { sequence: 1 })));
    assert_eq!((publisher.is_late(0).unwrap(), publisher.unsigned().count()), (false, 0));
    // Another header is refused as before.
    let mut bytes = header(1).to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let refused = publisher.intend(tapstone_verifier::AnchorHeader::from_bytes(&bytes).unwrap(), &terms(None));
    assert!(matches!(refused, Err(PublishError::Equivocation { sequence: 1, .. })), "{refused:?}");

    let txid = publisher.renew(LIMIT).unwrap().unwrap();
    assert_eq!(publisher.renew(LIMIT).unwrap(), None);
    assert_eq!(publisher.intend(header(1), &terms(None)).unwrap(), txid);
    publisher.sign(secret(1)).unwrap();
    assert_eq!(publisher.step(100).unwrap().events, [Event::Broadcast { sequence: 1, txid }]);
    let versions = &publisher.journal().positions()[1].versions;
    let (old, new) = (&versions[0], &versions[1]);
    assert_eq!((versions.len(), old.spends().next()), (2, new.spends().next()));
    assert!(new.spends().all(|spends| spends != coin));
    assert_eq!((new.request.rate, new.request.change.clone()), (old.request.rate, old.request.change.clone()));
    fake.mine(&[]);
    publisher.step(100).unwrap();
    assert_eq!((anchors(&fake, 2), publisher.journal().positions()[1].confirmed.unwrap().txid), (vec![1, 1], txid));
    drop(publisher);
    thread(&fake, &path, 3);
    assert_eq!(anchors(&fake, 3), [1, 1, 1]);
}

#[test]
fn a_crash_at_any_call_leaves_one_anchor_where_coins_are_spent_elsewhere() {
    let prepare = |fake: &Fake, path: &Path| {
        let (tx, coin) = waiting(fake, path);
        fake.mine(&[intruder(coin)]);
        tx
    };
    let crashes = at_every_call(prepare, |tx, journal, call| {
        let position = &journal.positions()[1];
        assert_eq!(position.versions.len(), 2, "{call}");
        assert_ne!(position.confirmed.unwrap().txid, tx.compute_txid(), "{call}");
    });
    assert!(crashes > 20, "{crashes}");
}

/// What is in the mempool alone may be replaced, so that the anchor may yet confirm.
#[test]
fn a_coin_that_is_spent_in_the_mempool_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let (tx, coin) = waiting(&fake, &path);
    let before = std::fs::read(&path).unwrap();
    fake.evict();
    fake.intrude(intruder(coin));
    let failed = live(&fake, &path, 2, 100).unwrap_err();
    let named = |e: &PublishError| matches!(e, PublishError::Conflict { sequence: 1, outpoint, place: ConflictPlace::Mempool, .. } if *outpoint == coin);
    assert!(named(&failed), "{failed}");
    assert_eq!(publisher(&fake, &path).renew(LIMIT).unwrap(), None);
    fake.evict();
    live(&fake, &path, 2, 100).unwrap();
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);
    let journal = Journal::open_existing(&path).unwrap();
    assert_eq!(journal.positions()[1].confirmed.unwrap().txid, tx.compute_txid());
    assert!(std::fs::read(&path).unwrap().starts_with(&before));
}

/// The block that spent the coin is gone: both transactions spend one output, and the one that was dead is back in the mempool with the higher fee.
#[test]
fn a_dead_transaction_that_a_reorganisation_brings_back_is_taken() {
    for confirms in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let fake = Fake::new();
        waiting(&fake, &path);
        let mut publisher = publisher(&fake, &path);
        let old = publisher.bump(rate(9), LIMIT).unwrap();
        publisher.sign(secret(1)).unwrap();
        publisher.step(100).unwrap();
        let (tx, coin) = {
            let version = publisher.journal().positions()[1].versions.last().unwrap();
            (version.signed.clone().unwrap(), version.spends().nth(1).unwrap())
        };
        fake.mine(&[intruder(coin)]);
        let dead = publisher.step(100).unwrap().events;
        assert_eq!(dead.iter().filter(|event| matches!(event, Event::Dead { .. })).count(), 2, "{dead:?}");
        publisher.intend(header(1), &terms(None)).unwrap();
        publisher.sign(secret(1)).unwrap();
        let new = publisher.journal().positions()[1].versions.last().unwrap().txid();
        fake.forget(1);
        if confirms {
            fake.mine(std::slice::from_ref(&tx));
        } else {
            fake.intrude(tx);
            let step = publisher.step(100).unwrap();
            assert!(step.waiting.contains(&Waiting::Block { sequence: 1, txid: old }), "{step:?}");
            assert_eq!(fake.mempool(), [old]);
            fake.mine(&[]);
        }
        publisher.step(100).unwrap();
        assert_eq!(anchors(&fake, 2), [1, 1]);
        assert_eq!(publisher.journal().positions()[1].confirmed.unwrap().txid, old);
        // That block is gone as well: it is not dead any more, but the newest one is what is broadcast.
        fake.forget(1);
        fake.mine(&[]);
        publisher.step(100).unwrap();
        assert_eq!(fake.mempool(), [new]);
    }
}

/// With the coin back and nothing else to pay with, the plan is the transaction that was dead: it lives again, with its signatures.
#[test]
fn a_dead_transaction_that_is_planned_again_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    thread(&fake, &path, 1);
    live(&fake, &path, 2, 100).unwrap();
    let (tx, coin) = {
        let journal = Journal::open_existing(&path).unwrap();
        let version = &journal.positions()[1].versions[0];
        (version.signed.clone().unwrap(), version.spends().nth(1).unwrap())
    };
    fake.mine(&[intruder(coin)]);
    let failed = live(&fake, &path, 2, 100).unwrap_err();
    assert!(matches!(failed, PublishError::NoFunds { count: 0, .. }), "{failed}");
    fake.forget(1);
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(fake.mempool(), [tx.compute_txid()]);
    let journal = Journal::open_existing(&path).unwrap();
    let versions = &journal.positions()[1].versions;
    assert!(versions.len() == 1 && versions[0].dead.is_none() && versions[0].signed.is_some());
}

/// The first anchor keeps its origin, and an intent that was never signed can be dead, too.
#[test]
fn the_first_anchor_is_planned_anew_on_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let [origin, fee, other] = [11_000, 5_000, 6_000].map(|sats| {
        let outpoint = fake.fund(own(), sats);
        tapstone_anchor::Coin { outpoint, ..coin(1, sats) }
    });
    let coins = |coins: &[&tapstone_anchor::Coin]| Terms {
        funds: Funds::Coins(coins.iter().map(|coin| (*coin).clone()).collect()),
        ..terms(Some(12_000))
    };
    let mut publisher = publisher(&fake, &path);
    publisher.intend(header(0), &coins(&[&origin, &fee])).unwrap();
    fake.mine(&[intruder(fee.outpoint)]);
    let step = publisher.step(100).unwrap();
    assert_eq!(step.waiting, [Waiting::Coins { sequence: 0 }]);
    // The same coins do no more; the origin stands among others, or alone.
    let refused = publisher.intend(header(0), &coins(&[&origin, &fee])).unwrap_err();
    assert!(matches!(refused, PublishError::Coin { outpoint, .. } if outpoint == fee.outpoint), "{refused}");
    publisher.intend(header(0), &coins(&[&origin, &other])).unwrap();
    publisher.sign(secret(1)).unwrap();
    publisher.step(100).unwrap();
    let spends: Vec<OutPoint> = publisher.journal().positions()[0].versions[1].spends().collect();
    assert_eq!(spends, [origin.outpoint, other.outpoint]);
    fake.mine(&[]);
    publisher.step(100).unwrap();
    assert_eq!(anchors(&fake, 1), [1]);
}

/// Anchor 2 was made for the second transaction of anchor 1; the first one confirms after a reorganisation, and anchor 2 follows that.
#[test]
fn what_follows_a_transaction_follows_the_one_that_took_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let (tx, coin) = waiting(&fake, &path);
    fake.mine(&[intruder(coin)]);
    for _ in 0..2 {
        live(&fake, &path, 3, 100).unwrap();
        fake.mine(&[]);
    }
    live(&fake, &path, 3, 100).unwrap();
    assert_eq!(anchors(&fake, 3), [1, 1, 1]);
    fake.forget(3);
    fake.mine(std::slice::from_ref(&tx));
    let step = live(&fake, &path, 3, 100).unwrap();
    assert!(step.events.iter().any(|event| matches!(event, Event::Relinked { sequence: 2, .. })), "{step:?}");
    fake.mine(&[]);
    live(&fake, &path, 3, 100).unwrap();
    assert_eq!(anchors(&fake, 3), [1, 1, 1]);
    let journal = Journal::open_existing(&path).unwrap();
    let [_, second, third] = journal.positions() else { panic!("{}", journal.positions().len()) };
    assert_eq!(second.confirmed.unwrap().txid, tx.compute_txid());
    let out = OutPoint { txid: tx.compute_txid(), vout: 0 };
    assert_eq!(third.live().unwrap().spends().next(), Some(out));
}

#[test]
fn a_transaction_that_the_mempool_holds_costs_one_question() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    waiting(&fake, &path);
    let mut publisher = publisher(&fake, &path);
    // The tip, the block of anchor 0, and whether the mempool holds anchor 1.
    fake.die_at(None);
    publisher.step(100).unwrap();
    assert_eq!(fake.calls(), 3);
    // One that is not there: its first output and its coin as well, and then it is broadcast.
    fake.evict();
    fake.die_at(None);
    publisher.step(100).unwrap();
    assert_eq!(fake.calls(), 6);
}

/// The next step sees what this one could not: nothing is refused or taken for somebody else's.
#[test]
fn a_block_that_comes_in_the_middle_of_a_step_is_no_error() {
    for (is_held, is_spent) in [(true, false), (false, false), (true, true), (false, true)] {
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            let fake = Fake::new();
            let (_, coin) = waiting(&fake, &path);
            if !is_held {
                fake.evict();
            }
            fake.mine_at(at, if is_spent { vec![intruder(coin)] } else { vec![] });
            let place = format!("{is_held} {is_spent}, call {at}");
            live(&fake, &path, 3, 100).unwrap_or_else(|e| panic!("{place}: {e}"));
            if !fake.has_mined() {
                assert!(at > 6, "{place}");
                break;
            }
            for _ in 0..4 {
                live(&fake, &path, 3, 100).unwrap_or_else(|e| panic!("{place}: {e}"));
                fake.mine(&[]);
            }
            assert_eq!(anchors(&fake, 3), [1, 1, 1], "{place}");
        }
    }
}
