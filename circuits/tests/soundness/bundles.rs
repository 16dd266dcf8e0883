//! Bundles: all or none, by the digest that every member signs.

use tapstone_circuits::ledger::{BatchError, Refusal};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::SlotKind;
use tapstone_circuits::signature::SignatureError;
use tapstone_circuits::testing::{World, secret};
use tapstone_circuits::transaction::{Transaction, bundle};

use crate::forge::{Lies, among, broken, forge, native, only, world};

const BUNDLE: &str = "all members of a bundle name its message, and it ends with that digest";
const MEMBER: &str = "only signed transactions are members of a bundle";
const CUT: &str = "no bundle is open at the end of the batch";
const SIGNATURE: &str = "the signature verifies";

/// An exchange: account 0 pays account 1 in token 1 and is paid in token 2.
fn exchange() -> World {
    let mut w = world();
    w.transfer(0, 1, 1, 100).transfer(1, 0, 2, 200).bundle_from(0);
    w
}

#[test]
fn bundles_of_both_slot_kinds_and_over_padding() {
    assert_eq!(broken(&forge(&exchange(), &Lies::default())), [""; 0]);
    exchange().apply().unwrap();
    // The slots are SPSP: a swap, padding, a withdrawal, a transfer.
    let mut w = world();
    w.swap(0, 0, Direction::ZeroForOne, 1000).withdraw(1, 1, 5).transfer(0, 1, 2, 9).bundle_from(0);
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    w.apply().unwrap();
    // Two bundles and a lone transaction.
    let mut w = world();
    w.swap(0, 0, Direction::ZeroForOne, 1000).transfer(0, 1, 1, 5).bundle_from(0);
    w.withdraw(1, 1, 5).transfer(0, 1, 2, 9).bundle_from(2);
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    w.apply().unwrap();
}

#[test]
fn a_member_alone() {
    for keep in [0, 1] {
        let mut w = exchange();
        w.open = vec![w.open[keep].clone()];
        // With its message the bundle stays open, or starts in the middle; without it the signature is for something else.
        assert!(matches!(w.clone().apply(), Err(BatchError::OpenBundle { first: 0, members: 1 })));
        only(&w, CUT);
        w.open[0].signed_mut().unwrap().message = None;
        native(&w, |r| *r == Refusal::Signature(SignatureError::Equation));
        only(&w, SIGNATURE);
    }
}

/// The ring of the protocol's rules: A pays B, B pays C, C pays A. B signs a second time, without the others.
#[test]
fn a_ring_is_not_broken_by_a_second_signature() {
    let mut w = world();
    w.shape.slots = vec![SlotKind::Pair; 3];
    w.transfer(0, 1, 1, 5).transfer(1, 2, 1, 5).transfer(2, 0, 1, 5).bundle_from(0);
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    // B's part on its own, and the bundle of A and C around it: each with the signatures that exist.
    let lone = w.open[1].clone().signed_by(&secret(1), 3).unwrap();
    let (first, last) = (w.open[0].clone(), w.open[2].clone());
    for order in [
        vec![first.clone(), lone.clone(), last.clone()],
        vec![lone.clone(), first.clone(), last.clone()],
        vec![first, last, lone],
    ] {
        let mut cheat = w.clone();
        cheat.open = order;
        assert!(cheat.clone().apply().is_err());
        let had = broken(&forge(&cheat, &Lies::default()));
        assert!(had.iter().any(|rule| [BUNDLE, CUT, SIGNATURE].contains(rule)), "{had:?}");
    }
}

#[test]
fn another_member_another_order() {
    let mut w = exchange();
    w.open.swap(0, 1);
    assert!(w.clone().apply().is_err());
    only(&w, CUT);
    // The second member pays less than the first agreed to: it signs what is there, the first did not.
    let mut w = exchange();
    let Transaction::Transfer { amount, .. } = &mut w.open[1] else { panic!() };
    *amount = 1u64.into();
    let message = bundle::message(&w.open, 3);
    for tx in &mut w.open {
        tx.signed_mut().unwrap().message = Some(message);
    }
    w.open[1].signed_mut().unwrap().signature = secret(1).sign(message).unwrap();
    native(&w, |r| *r == Refusal::Signature(SignatureError::Equation));
    only(&w, SIGNATURE);
    // Each names a message of its own.
    let mut w = exchange();
    let other = secret(1).sign(7u64.into()).unwrap();
    let signed = w.open[1].signed_mut().unwrap();
    (signed.message, signed.signature) = (Some(7u64.into()), other);
    native(&w, |r| matches!(r, Refusal::Bundle(_)));
    among(&w, BUNDLE);
}

#[test]
fn strangers_and_deposits_in_between() {
    let mut w = world();
    w.swap(0, 0, Direction::ZeroForOne, 1000).transfer(0, 1, 1, 5).bundle_from(0);
    let last = w.open.pop().unwrap();
    let mut stranger = w.clone();
    stranger.withdraw(1, 1, 5);
    native(&stranger, |r| matches!(r, Refusal::Bundle(_)));
    stranger.open.push(last.clone());
    among(&stranger, BUNDLE);
    let mut deposit = w.clone();
    deposit.deposit(1, 1, 5);
    native(&deposit, |r| matches!(r, Refusal::Bundle(_)));
    deposit.open.push(last);
    only(&deposit, MEMBER);
}
