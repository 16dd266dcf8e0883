//! Withdrawals and changed keys.

use ark_bn254::Fr;
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::circuit::synthesise;
use tapstone_circuits::cs::Mode;
use tapstone_circuits::deposit::Destination;
use tapstone_circuits::ledger::Refusal;
use tapstone_circuits::testing::{World, amount, public, secret};
use tapstone_circuits::transaction::Transaction;

use crate::forge::{Lies, STATEMENT, alter, among, broken, claimed, forge, native, only, proven, resign, world};
use crate::set;

const SIGNATURE: &str = "the signature verifies";
const ORDINARY: &str = "the tokens are ordinary and in order";

fn withdraw(change: impl FnOnce(&mut Transaction)) -> World {
    let mut w = world();
    w.withdraw(0, 2, 100);
    resign(&mut w, change);
    w
}

#[test]
fn withdraw_rules() {
    assert_eq!(broken(&forge(&withdraw(|_| {}), &Lies::default())), [""; 0]);
    let w = withdraw(set!(Withdraw, amount = Amount::ZERO));
    native(&w, |r| matches!(r, Refusal::Zero { .. }));
    among(&w, "the amounts are at least 1");
    let w = withdraw(set!(Withdraw, token = TokenId::lp(0).unwrap()));
    native(&w, |r| matches!(r, Refusal::NotOrdinary { .. }));
    only(&w, ORDINARY);
    let w = withdraw(set!(Withdraw, token = TokenId::NONE));
    native(&w, |r| matches!(r, Refusal::NotOrdinary { .. }));
    among(&w, ORDINARY);
    let all = world().ledger.account(1).unwrap().balance(TokenId::NATIVE);
    let mut w = world();
    w.withdraw(1, 1, all + 1);
    native(&w, |r| matches!(r, Refusal::Debit { .. }));
    only(&w, "the new balance is between 0 and 2^96 - 1");
}

/// What leaves is bound by the withdrawals root: the same batch with other withdrawals is another statement.
#[test]
fn withdrawals_are_those_of_the_statement() {
    let mut w = world();
    w.withdraw(0, 2, 100);
    let (system, z) = proven(&forge(&w, &Lies::default()));
    let statement = claimed(&system, &z);
    let changes: [fn(&mut Transaction); 4] = [
        set!(Withdraw, amount = amount(99)),
        set!(Withdraw, destination = Destination([1; 32])),
        set!(Withdraw, token = TokenId::NATIVE),
        |tx| {
            if let Transaction::Withdraw { account, .. } = tx {
                *account = 1;
            }
        },
    ];
    for change in changes {
        let mut other = w.clone();
        alter(&mut other, change);
        let forged = forge(&other, &Lies::default());
        let (system, z) = synthesise(Mode::Record, statement, &forged).into_parts();
        assert_ne!(claimed(&system, &z), statement);
        let had: Vec<_> = system.violations(&z, usize::MAX).iter().map(|v| v.rule).collect();
        assert!(had.contains(&STATEMENT) && had.contains(&SIGNATURE), "{had:?}");
    }
}

/// Two withdrawals count, in order; a transfer in between does not.
#[test]
fn positions_count_withdrawals() {
    let mut w = world();
    w.withdraw(0, 2, 100).transfer(0, 1, 1, 5).withdraw(1, 1, 7);
    let executed = w.clone().apply().unwrap();
    assert_eq!(executed.withdrawals.len(), 2);
    let public = executed.statement().public_input();
    let (system, z) = proven(&executed.witness);
    assert_eq!(claimed(&system, &z), Fr::from(public));
}

#[test]
fn the_old_key_signs_no_more() {
    let mut w = world();
    w.change_key(0, 99).withdraw(0, 1, 5);
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    w.open[1].sign(&secret(0), 3).unwrap();
    native(&w, |r| matches!(r, Refusal::Signature(_)));
    only(&w, SIGNATURE);
    // Nor does the new one before its time.
    let mut w = world();
    w.change_key(0, 99);
    w.open[0].sign(&secret(99), 3).unwrap();
    native(&w, |r| matches!(r, Refusal::Signature(_)));
    only(&w, SIGNATURE);
}

/// A transfer names its recipient's present key, not one that the recipient has given up.
#[test]
fn a_transfer_to_a_key_that_was_changed() {
    let mut w = world();
    w.change_key(1, 99).transfer(0, 1, 1, 5);
    native(&w, |r| matches!(r, Refusal::RecipientKey { account: 1 }));
    only(&w, "the recipient's key is the signed one");
    resign(&mut w, set!(Transfer, to_key = public(99).point()));
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    w.apply().unwrap();
}
