//! Children that pay for anchors which wait: made, followed after their parent, and given up where they are of no use.

use std::path::Path;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Amount, FeeRate, OutPoint, Transaction};
use tapstone_anchor::AnchorPlanError;
use tapstone_anchor::node::{
    Child, ChildEvent, Event, Journal, JournalError, Node, PublishError, Publisher, Step, Terms, Waiting,
};

use crate::fake::{Dies, Fake};
use crate::scenarios::{anchors, intruder, live, own, publisher, terms, thread};
use crate::scene::{CHAIN, change, header, rate, secret};

const LIMIT: Amount = Amount::from_sat(50_000);

fn child(journal: &Journal, sequence: usize) -> Child {
    let versions = journal.positions()[sequence].versions.iter();
    versions.filter_map(|version| version.children.last()).next_back().unwrap().clone()
}

/// One life of a program that pays for anchor 0 by a child, and goes on with the thread.
fn live_with_child<N: Node>(node: &N, path: &Path, until: u64) -> Result<Step, PublishError> {
    let mut publisher = Publisher::new(node, Journal::open(path, CHAIN)?)?;
    publisher.step(100)?;
    match publisher.journal().positions() {
        [] => drop(publisher.intend(header(0), &terms(Some(10_000)))?),
        [first] if first.confirmed.is_none() && first.versions[0].sent => {
            match publisher.pay_by_child(rate(20), LIMIT) {
                // The mempool lost it with the connection.
                Ok(_) | Err(PublishError::NoChild { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        _ => {}
    }
    publisher.sign(secret(1))?;
    publisher.step(100)?;
    drop(publisher);
    live(node, path, until, 100)
}

fn anchor_0_waits(fake: &Fake, path: &Path) -> Transaction {
    fake.fund(own(), 100_000);
    live(fake, path, 1, 100).unwrap();
    Journal::open_existing(path).unwrap().positions()[0].versions[0].signed.clone().unwrap()
}

/// Makes a child of the anchor that waits, and gives it to the network.
fn pay(publisher: &mut Publisher<'_, Fake>, sat_per_vb: u64) -> Transaction {
    let txid = publisher.pay_by_child(rate(sat_per_vb), LIMIT).unwrap();
    publisher.sign(secret(1)).unwrap();
    let step = publisher.step(100).unwrap();
    let sent = Event::Child { sequence: 0, txid, what: ChildEvent::Broadcast };
    assert!(step.events.contains(&sent), "{step:?}");
    child(publisher.journal(), 0).signed.unwrap()
}

#[test]
fn a_child_brings_both_to_the_rate_and_its_change_pays_for_the_next_anchor() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let parent = anchor_0_waits(&fake, &path);
    let mut publisher = publisher(&fake, &path);
    let txid = publisher.pay_by_child(rate(20), LIMIT).unwrap();
    // Asked again, as after a crash, it is the same one; until it is signed, nothing is sent.
    assert_eq!(publisher.pay_by_child(rate(20), LIMIT).unwrap(), txid);
    let step = publisher.step(100).unwrap();
    assert!(step.waiting.contains(&Waiting::ChildSignature { sequence: 0, txid }), "{step:?}");
    assert_eq!(fake.mempool(), [parent.compute_txid()]);
    assert_eq!(publisher.sign(secret(1)).unwrap(), 1);
    let step = publisher.step(100).unwrap();
    assert_eq!(step.events, [Event::Child { sequence: 0, txid, what: ChildEvent::Broadcast }]);
    assert!(step.waiting.contains(&Waiting::Child { sequence: 0, txid }), "{step:?}");
    let made = child(publisher.journal(), 0);
    let tx = made.signed.clone().unwrap();
    let paid = made.fee() + publisher.journal().positions()[0].versions[0].fee();
    assert_eq!(paid.to_sat(), 20 * (parent.vsize() + tx.vsize()) as u64);
    assert_eq!(tx.input[0].previous_output, OutPoint { txid: parent.compute_txid(), vout: 1 });
    assert!((tx.input.len(), tx.output.len()) == (1, 1) && tx.output[0].script_pubkey == own());
    fake.mine(&[]);
    let events = publisher.step(2).unwrap().events;
    assert!(events.iter().any(|event| matches!(event, Event::Child { what: ChildEvent::Confirmed(_), .. })), "{events:?}");
    // The only coin is what the child left.
    publisher.intend(header(1), &terms(None)).unwrap();
    assert_eq!(publisher.journal().positions()[1].versions[0].spends().nth(1), Some(made.output()));
    publisher.sign(secret(1)).unwrap();
    publisher.step(2).unwrap();
    fake.mine(&[]);
    let events = publisher.step(2).unwrap().events;
    assert!(events.contains(&Event::Child { sequence: 0, txid, what: ChildEvent::Buried(2) }), "{events:?}");
    fake.mine(&[]);
    assert_eq!(publisher.step(2).unwrap().waiting, []);
    assert_eq!(anchors(&fake, 2), [1, 1]);
}

#[test]
fn a_crash_at_any_call_leaves_one_child_and_one_anchor_a_position() {
    let mut crashes = 0;
    for dies in [Dies::Before, Dies::After] {
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            let fake = Fake::new();
            fake.fund(own(), 100_000);
            // What is broadcast is in the journal before.
            let seen = path.clone();
            *fake.on_broadcast.borrow_mut() = Some(Box::new(move |tx| {
                assert!(std::fs::read_to_string(&seen).unwrap().contains(&serialize_hex(tx)));
            }));
            fake.die_at(Some((at, dies)));
            let mut died = false;
            let call = format!("{dies:?} call {at}");
            for round in 0..6 {
                if let Err(e) = live_with_child(&fake, &path, 3) {
                    assert!(matches!(e, PublishError::Node(_)), "{call}: {e}");
                    died = true;
                    fake.die_at(None);
                    live_with_child(&fake, &path, 3).unwrap_or_else(|e| panic!("{call}: {e}"));
                }
                if round > 0 {
                    fake.mine(&[]);
                }
            }
            fake.die_at(None);
            live(&fake, &path, 3, 100).unwrap();
            assert_eq!(anchors(&fake, 3), [1, 1, 1], "{call}");
            let journal = Journal::open_existing(&path).unwrap();
            let first = &journal.positions()[0];
            assert_eq!((first.versions.len(), first.versions[0].children.len()), (1, 1), "{call}");
            let child = child(&journal, 0);
            assert!(child.sent && !child.moot && child.confirmed.is_some(), "{call}: {child:?}");
            let on_chain = fake.chain().iter().filter(|tx| tx.compute_txid() == child.txid()).count();
            assert_eq!(on_chain, 1, "{call}");
            if !died {
                break;
            }
            crashes += 1;
        }
    }
    assert!(crashes > 60, "{crashes}");
}

/// Another child takes the place of the first for what the node asks; nothing is sent of one that is cheaper.
#[test]
fn a_child_is_replaced_by_one_that_pays_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let parent = anchor_0_waits(&fake, &path);
    let mut publisher = publisher(&fake, &path);
    let first = pay(&mut publisher, 20);
    let vbytes = first.vsize() as u64;
    let refused = publisher.pay_by_child(FeeRate::from_sat_per_kwu(5_010), LIMIT).unwrap_err();
    let PublishError::Plan(AnchorPlanError::Replacement { fee, least, .. }) = refused else { panic!("{refused}") };
    assert_eq!(least - child(publisher.journal(), 0).fee(), Amount::from_sat(vbytes));
    assert!(fee < least);
    let second = pay(&mut publisher, 30);
    assert_eq!(fake.mempool(), [parent.compute_txid(), second.compute_txid()]);
    // Evicted, both parent and the newest child come back.
    fake.evict();
    publisher.step(100).unwrap();
    assert_eq!(fake.mempool(), [parent.compute_txid(), second.compute_txid()]);
    fake.mine(&[]);
    let events = publisher.step(100).unwrap().events;
    assert!(
        events.contains(&Event::Child { sequence: 0, txid: first.compute_txid(), what: ChildEvent::Moot }),
        "{events:?}"
    );
    let confirmed = |event: &Event| matches!(event, Event::Child { txid, what: ChildEvent::Confirmed(_), .. } if *txid == second.compute_txid());
    assert!(events.iter().any(confirmed), "{events:?}");
}

/// A parent that confirms alone leaves its change to the next anchor, whether the child was signed or not.
#[test]
fn a_child_is_moot_once_its_parent_confirms_without_it() {
    for is_signed in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let fake = Fake::new();
        let parent = anchor_0_waits(&fake, &path);
        let mut publisher = publisher(&fake, &path);
        let txid = publisher.pay_by_child(rate(20), LIMIT).unwrap();
        if is_signed {
            publisher.sign(secret(1)).unwrap();
            publisher.step(100).unwrap();
        }
        fake.evict();
        fake.mine(std::slice::from_ref(&parent));
        let events = publisher.step(100).unwrap().events;
        assert!(events.contains(&Event::Child { sequence: 0, txid, what: ChildEvent::Moot }), "{events:?}");
        assert!(publisher.unsigned().next().is_none() && fake.mempool().is_empty());
        publisher.intend(header(1), &terms(None)).unwrap();
        let change = OutPoint { txid: parent.compute_txid(), vout: 1 };
        assert_eq!(publisher.journal().positions()[1].versions[0].spends().nth(1), Some(change));
        publisher.sign(secret(1)).unwrap();
        publisher.step(100).unwrap();
        // Should the child come back all the same, one of the two confirms, and that is no conflict with somebody else.
        fake.evict();
        if let Some(tx) = child(publisher.journal(), 0).signed {
            fake.intrude(tx.clone());
            let step = publisher.step(100).unwrap();
            assert!(step.waiting.contains(&Waiting::Block { sequence: 1, txid }), "{step:?}");
            fake.fund(own(), 70_000);
            let step = publisher.step(100).unwrap();
            assert!(step.waiting.contains(&Waiting::Coins { sequence: 1 }), "{step:?}");
        }
        drop(publisher);
        live(&fake, &path, 2, 100).unwrap();
        fake.mine(&[]);
        live(&fake, &path, 2, 100).unwrap();
        assert_eq!(anchors(&fake, 2), [1, 1]);
    }
}

#[test]
fn a_child_is_moot_once_its_parent_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    anchor_0_waits(&fake, &path);
    let mut publisher = publisher(&fake, &path);
    let tx = pay(&mut publisher, 20);
    let new = publisher.bump(rate(40), LIMIT).unwrap();
    publisher.sign(secret(1)).unwrap();
    // The mempool in memory forgets no descendants by itself.
    fake.evict();
    publisher.step(100).unwrap();
    assert_eq!(fake.mempool(), [new]);
    fake.mine(&[]);
    let events = publisher.step(100).unwrap().events;
    assert!(events.contains(&Event::Child { sequence: 0, txid: tx.compute_txid(), what: ChildEvent::Moot }), "{events:?}");
    drop(publisher);
    thread(&fake, &path, 2);
    assert_eq!(anchors(&fake, 2), [1, 1]);
}

/// The node keeps the transaction before, and refuses what should take its place: a child pays for the one that it keeps.
#[test]
fn a_replacement_that_the_node_refuses_gives_way_to_a_child() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let old = anchor_0_waits(&fake, &path).compute_txid();
    let mut publisher = publisher(&fake, &path);
    let new = publisher.bump(rate(9), LIMIT).unwrap();
    publisher.sign(secret(1)).unwrap();
    fake.step.set(rate(50));
    let step = publisher.step(100).unwrap();
    let [Waiting::Replacement { sequence: 0, txid, held, ref reason }] = step.waiting[..] else { panic!("{step:?}") };
    assert_eq!((txid, held, reason.as_str()), (new, old, "insufficient fee"));
    let tx = pay(&mut publisher, 20);
    assert_eq!(tx.input[0].previous_output.txid, old);
    assert_eq!(fake.mempool(), [old, tx.compute_txid()]);
    fake.mine(&[]);
    publisher.step(100).unwrap();
    assert_eq!(publisher.journal().positions()[0].confirmed.unwrap().txid, old);
    assert!(child(publisher.journal(), 0).confirmed.is_some());
}

/// A replacement has to pay more than the step above, a child does not.
#[test]
fn a_fee_is_raised_by_a_child_where_no_replacement_can_be_planned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    anchor_0_waits(&fake, &path);
    let mut publisher = publisher(&fake, &path);
    fake.step.set(rate(50));
    let txid = publisher.raise(rate(9), LIMIT).unwrap();
    assert_eq!(child(publisher.journal(), 0).txid(), txid);
    assert_eq!(publisher.raise(rate(9), LIMIT).unwrap(), txid);
    let refused = publisher.raise(rate(2), LIMIT);
    assert_eq!(refused.unwrap(), txid);
    // Where neither does, both say why.
    let path = folder.path().join("other");
    let fake = Fake::new();
    fake.fund(own(), 11_000);
    live(&fake, &path, 1, 100).unwrap();
    let mut publisher = self::publisher(&fake, &path);
    let refused = publisher.raise(rate(20), LIMIT).unwrap_err();
    let told = refused.to_string();
    assert!(matches!(refused, PublishError::NoRaise { .. }), "{told}");
    assert!(told.contains("sat/vB would do; nor does a child do: coins hold 692 sat"), "{told}");
}

/// Both leave their block and come back, in the order in which the node needs them; what the child left pays for the anchor that follows.
#[test]
fn parent_and_child_come_back_after_a_reorganisation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let parent = anchor_0_waits(&fake, &path);
    let tx = {
        let mut publisher = publisher(&fake, &path);
        pay(&mut publisher, 20)
    };
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);
    fake.forget(2);
    fake.mine(&[]);
    let step = live(&fake, &path, 2, 100).unwrap();
    assert!(step.events.iter().any(|event| matches!(event, Event::Child { what: ChildEvent::Dropped(_), .. })), "{step:?}");
    assert_eq!(fake.mempool()[..2], [parent.compute_txid(), tx.compute_txid()]);
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);

    // The parent alone comes back: the anchor that follows needs what the child left, so that it is sent again.
    fake.forget(3);
    fake.mine(&[parent]);
    live(&fake, &path, 2, 100).unwrap();
    assert!(fake.mempool().contains(&tx.compute_txid()), "{:?}", fake.mempool());
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);

    // Somebody with the key spent the change in its place: the next anchor's coin can never be, and other coins pay.
    fake.forget(2);
    let parent = Journal::open_existing(&path).unwrap().positions()[0].versions[0].clone();
    let blocks = fake.chain().iter().filter(|tx| tx.compute_txid() == parent.txid()).count();
    let lost = parent.signed.clone().filter(|_| blocks == 0);
    fake.mine(&lost.into_iter().chain([intruder(parent.change().unwrap())]).collect::<Vec<_>>());
    fake.fund(own(), 60_000);
    for _ in 0..3 {
        live(&fake, &path, 2, 100).unwrap();
        fake.mine(&[]);
    }
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);
}

/// The next anchor was made with what a child left, and the anchor before comes back in another version: its change takes the place of that.
#[test]
fn an_anchor_that_a_child_paid_for_follows_the_version_that_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    anchor_0_waits(&fake, &path);
    let replacement = {
        let mut publisher = publisher(&fake, &path);
        let txid = publisher.bump(rate(9), LIMIT).unwrap();
        publisher.sign(secret(1)).unwrap();
        fake.step.set(rate(50));
        publisher.step(100).unwrap();
        pay(&mut publisher, 20);
        let versions = &publisher.journal().positions()[0].versions;
        versions.iter().find(|version| version.txid() == txid).unwrap().signed.clone().unwrap()
    };
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);
    fake.forget(2);
    fake.mine(std::slice::from_ref(&replacement));
    let step = live(&fake, &path, 2, 100).unwrap();
    assert!(step.events.iter().any(|event| matches!(event, Event::Relinked { sequence: 1, .. })), "{step:?}");
    fake.mine(&[]);
    live(&fake, &path, 2, 100).unwrap();
    assert_eq!(anchors(&fake, 2), [1, 1]);
    let journal = Journal::open_existing(&path).unwrap();
    let coin = journal.positions()[1].live().unwrap().spends().nth(1).unwrap();
    assert_eq!(coin, OutPoint { txid: replacement.compute_txid(), vout: 1 });
}

#[test]
fn a_child_is_refused_where_it_would_be_of_no_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    let parent = anchor_0_waits(&fake, &path);
    let mut publisher = publisher(&fake, &path);
    let has_child = || std::fs::read_to_string(&path).unwrap().contains("\"entry\":\"child\"");
    let refused = publisher.pay_by_child(rate(20), Amount::from_sat(1_000)).unwrap_err();
    assert!(matches!(refused, PublishError::Plan(AnchorPlanError::FeeLimit { .. })), "{refused}");
    fake.evict();
    let refused = publisher.pay_by_child(rate(20), LIMIT).unwrap_err().to_string();
    assert_eq!(refused, "no child can pay for anchor 0: the node's mempool holds no transaction of it");
    publisher.step(100).unwrap();
    let other = intruder(OutPoint { txid: parent.compute_txid(), vout: 1 });
    fake.intrude(other.clone());
    let refused = publisher.pay_by_child(rate(20), LIMIT).unwrap_err().to_string();
    assert!(refused.contains(&format!("is spent by {}, which is not in the journal", other.compute_txid())), "{refused}");
    assert!(!has_child());
    fake.mine(&[]);
    publisher.step(100).unwrap();
    assert!(matches!(publisher.pay_by_child(rate(20), LIMIT), Err(PublishError::NothingToBump)));
}

/// A change that another key has: the wallet signs, and the anchor's key is no error.
#[test]
fn a_child_of_anothers_change_waits_for_that_ones_signature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    fake.fund(own(), 100_000);
    let mut publisher = publisher(&fake, &path);
    publisher.intend(header(0), &Terms { change: Some(change()), ..terms(Some(10_000)) }).unwrap();
    publisher.sign(secret(1)).unwrap();
    publisher.step(100).unwrap();
    let txid = publisher.pay_by_child(rate(20), LIMIT).unwrap();
    assert_eq!(publisher.sign(secret(1)).unwrap(), 0);
    let step = publisher.step(100).unwrap();
    assert!(step.waiting.contains(&Waiting::ChildSignature { sequence: 0, txid }), "{step:?}");
    let psbt = publisher.unsigned().next().unwrap().1.clone();
    assert_eq!((psbt.unsigned_tx.compute_txid(), psbt.inputs[0].tap_internal_key), (txid, None));
    assert!(publisher.accept(&psbt).is_err());
}

/// A journal of the format before has no children. It is read as it is, and is of the newer format from its first child on.
#[test]
fn a_journal_of_the_format_before_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let fake = Fake::new();
    anchor_0_waits(&fake, &path);
    let old = crate::journals::of_format(&std::fs::read_to_string(&path).unwrap(), 1);
    std::fs::write(&path, &old).unwrap();
    let mut publisher = publisher(&fake, &path);
    publisher.step(100).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), old);
    let tx = pay(&mut publisher, 20);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&old) && text[old.len()..].contains("{\"entry\":\"format\",\"format\":2}"), "{text}");
    drop(publisher);
    let journal = Journal::open_existing(&path).unwrap();
    assert_eq!(child(&journal, 0).txid(), tx.compute_txid());
    drop(journal);
    // Without that entry it is damaged; one of a format to come is another program's.
    let entries = |text: &str| text.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>();
    let without: Vec<String> = entries(&text).into_iter().filter(|entry| !entry.contains("\"entry\":\"format\"")).collect();
    std::fs::write(&path, crate::journals::chained(&without)).unwrap();
    let refused = Journal::open_existing(&path).unwrap_err();
    assert!(refused.to_string().contains("a child in a journal of format 1, which has none"), "{refused}");
    std::fs::write(&path, crate::journals::of_format(&text, 3)).unwrap();
    assert!(matches!(Journal::open_existing(&path), Err(JournalError::FormatVersion { had: 3, needed: 2, .. })));
    // A child that spends the anchor is none, whoever wrote it down.
    let output_0 = entries(&text).into_iter().map(|entry| swap_input(&entry)).collect::<Vec<_>>();
    std::fs::write(&path, crate::journals::chained(&output_0)).unwrap();
    let refused = Journal::open_existing(&path).unwrap_err().to_string();
    assert!(refused.contains(&format!("spends {}:0, expected", fake.mempool()[0])), "{refused}");
}

/// The entry of a child, which spends output 0 in place of the change.
fn swap_input(entry: &str) -> String {
    let Some((before, rest)) = entry.split_once("\"psbt\":\"").filter(|_| entry.contains("\"entry\":\"child\"")) else {
        return entry.to_owned();
    };
    let (psbt, after) = rest.split_once('"').unwrap();
    let mut psbt: bitcoin::Psbt = psbt.parse().unwrap();
    psbt.unsigned_tx.input[0].previous_output.vout = 0;
    format!("{before}\"psbt\":\"{psbt}\"{after}")
}
