//! Deposits: what they name, the queue, and refunds.

use ark_bn254::Fr;
use ark_ff::One;
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::circuit::{bits, dangerous_synthesise_widened, synthesise};
use tapstone_circuits::cs::{Mode, PUBLIC};
use tapstone_circuits::deposit::Outpoint;
use tapstone_circuits::field::two_to_the;
use tapstone_circuits::ledger::Refusal;
use tapstone_circuits::testing::public;
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::witness::RefundReason;

use crate::forge::{Lies, alter, among, among_refunded, broken, claimed, forge, native, only, proven, refunds, world};
use crate::set;
use crate::wires::{follow, rules};

#[test]
fn deposits_name_an_account_a_token_and_an_amount() {
    let mut w = world();
    w.deposit(9, 1, 5);
    refunds(&w, RefundReason::AccountMissing);
    only(&w, "the credited account exists");
    // Outside the tree: the leaf that its lowest bits name is another account's.
    let leaves = 1 << (3 * world().shape.account_depth);
    for account in [leaves, leaves + 1, 1 << (bits::INDEX - 1)] {
        let mut w = world();
        w.deposit(account, 1, 5);
        refunds(&w, RefundReason::AccountMissing);
        among(&w, "only a refunded deposit names an account outside the tree");
    }
    for new in [false, true] {
        let case = |token_id: u32, value: u128| {
            let mut w = world();
            if new {
                w.deposit_new(token_id, value)
            } else {
                w.deposit(0, token_id, value)
            };
            w
        };
        let w = case(1, 0);
        native(&w, |r| matches!(r, Refusal::Zero { .. }));
        only(&w, "the amounts are at least 1");
        let w = case(0, 5);
        native(&w, |r| matches!(r, Refusal::NotOrdinary { .. }));
        among(&w, "the tokens are ordinary and in order");
        let w = case(TokenId::FIRST_LP, 5);
        native(&w, |r| matches!(r, Refusal::NotOrdinary { .. }));
        only(&w, "the tokens are ordinary and in order");
    }
}

/// What the queue holds is bound by its head alone, which stands in the statement: another item proves another statement.
#[test]
fn deposits_are_those_of_the_queue() {
    for new in [false, true] {
        let mut w = world();
        if new {
            w.deposit_new(1, 5)
        } else {
            w.deposit(0, 1, 5)
        };
        let honest = forge(&w, &Lies::default());
        let (system, z) = proven(&honest);
        let statement = claimed(&system, &z);
        let mut others = vec![honest.clone(), honest.clone(), honest];
        others[0].pre.deposit_head += Fr::one();
        others[1].pre.deposit_count += 1;
        others[2].batch_number += 1;
        let changes: [fn(&mut Transaction); 5] = [
            |tx| match tx {
                Transaction::Deposit { outpoint, .. } | Transaction::DepositNew { outpoint, .. } => outpoint.txid[0] ^= 1,
                _ => panic!(),
            },
            |tx| match tx {
                Transaction::Deposit { outpoint, .. } | Transaction::DepositNew { outpoint, .. } => outpoint.vout += 1,
                _ => panic!(),
            },
            |tx| match tx {
                Transaction::Deposit { refund, .. } | Transaction::DepositNew { refund, .. } => refund.0[31] ^= 1,
                _ => panic!(),
            },
            |tx| match tx {
                Transaction::Deposit { amount, .. } | Transaction::DepositNew { amount, .. } => *amount = 6u64.into(),
                _ => panic!(),
            },
            |tx| match tx {
                Transaction::Deposit { account, .. } => *account = 1,
                Transaction::DepositNew { key, .. } => *key = public(70).point(),
                _ => panic!(),
            },
        ];
        for change in changes {
            let mut w = w.clone();
            alter(&mut w, change);
            others.push(forge(&w, &Lies::default()));
        }
        for other in others {
            let (system, z) = synthesise(Mode::Record, statement, &other).into_parts();
            assert_ne!(claimed(&system, &z), statement);
            let rules: Vec<_> = system.violations(&z, 5).iter().map(|v| v.rule).collect();
            assert_eq!(rules, [crate::forge::STATEMENT]);
        }
    }
}

/// The number of the output stands right below the account in an element of the queue. If it could have one bit more, a deposit for account 1 would be one for account 0 under the same
/// head, which is all that a verifier pins: the thief's number is too high by what the account is too low.
#[test]
fn an_output_number_that_is_too_wide_moves_a_deposit() {
    const VOUT: &str = "the output's number is below 2^32";
    let mut due = world();
    due.deposit(1, 1, 5);
    let mut stolen = due.clone();
    alter(&mut stolen, set!(Deposit, account = 0));
    let witness = forge(&stolen, &Lies::default());
    let head = Fr::from(due.apply().unwrap().statement().deposit_head);
    stolen.apply().unwrap();
    // What the thief wants: the state where account 0 has it, and the head of the queue where account 1 should.
    let mut wanted = stolen.ledger.summary();
    assert_ne!(std::mem::replace(&mut wanted.deposit_head, head), head);
    let shape = &stolen.shape;
    let root = wanted.root(stolen.ledger.chain_id(), shape.account_depth, shape.pool_depth);
    let (system, _) = proven(&witness);
    let range = system.marks().ranges().iter().position(|range| system.rule(range.row) == VOUT).unwrap();
    for (wider, expected) in [(false, vec![VOUT]), (true, vec![])] {
        let cs = match wider {
            false => synthesise(Mode::Record, Fr::from(0u64), &witness),
            true => dangerous_synthesise_widened(Fr::from(0u64), &witness, range),
        };
        let (system, mut z) = cs.into_parts();
        let vout = system.marks().ranges()[range].number[0].0 as usize;
        z[vout] += two_to_the(bits::VOUT);
        follow(&system, &mut z, &[vout]);
        z[PUBLIC as usize] = claimed(&system, &z);
        // The challenge hangs on the public input.
        follow(&system, &mut z, &[vout]);
        assert_eq!(rules(&system, &z).into_iter().collect::<Vec<_>>(), expected);
        let statement = system.marks().hashes().iter().rev().find(|hash| hash.inputs.len() == 7).unwrap();
        let element = |i: usize| -> Fr { statement.inputs[i].iter().map(|(wire, c)| *c * z[*wire as usize]).sum() };
        assert_eq!((element(3), element(5)), (root, head));
    }
    // No file has such an output.
    let outpoint = |vout: u64| format!("{}:{vout}", "00".repeat(32)).parse::<Outpoint>();
    assert!(outpoint((1 << bits::VOUT) - 1).is_ok() && outpoint(1 << bits::VOUT).is_err());
}

/// The count after a batch is below 2^48 as well: the last deposit has index 2^48 - 2.
#[test]
fn the_last_deposit_of_all() {
    let mut w = world();
    w.deposit(0, 1, 5);
    let mut witness = forge(&w, &Lies::default());
    witness.pre.deposit_count = (1 << bits::BATCH) - 2;
    assert_eq!(broken(&witness), [""; 0]);
    witness.pre.deposit_count += 1;
    assert_eq!(broken(&witness), ["the counters unpack in one way"]);
}

/// Each deposit that can be credited, and each reason that a prover could give for keeping it.
#[test]
fn no_deposit_is_refunded_without_its_reason() {
    const MISSING: &str = "a deposit is refunded for want of an account only if there is none";
    const FULL: &str = "a deposit is refunded for want of a slot only if fewer than four are empty";
    const ABSENT: &str = "a slot is opened only for a token that the account does not hold";
    const BALANCE: &str = "the new balance is between 0 and 2^96 - 1";
    const NO_ROOM: &str = "a deposit with a valid key is refunded only if no account can be made";
    let mut held = world();
    held.deposit(1, 2, 5);
    let mut fresh = world();
    fresh.deposit(1, 9, 5);
    let mut native_token = world();
    native_token.deposit(1, 1, 5);
    for (w, reason, rule) in [
        (&held, RefundReason::AccountMissing, MISSING),
        (&held, RefundReason::Overflow, BALANCE),
        (&held, RefundReason::NoSlot, FULL),
        (&fresh, RefundReason::AccountMissing, MISSING),
        (&fresh, RefundReason::Overflow, BALANCE),
        (&fresh, RefundReason::NoSlot, FULL),
        (&native_token, RefundReason::Overflow, BALANCE),
        (&native_token, RefundReason::NoSlot, FULL),
    ] {
        assert_eq!(broken(&forge(w, &Lies::default())), [""; 0]);
        among_refunded(w, reason, rule);
    }
    // Few slots are empty, but the account holds the token, or it is the native one, which needs none.
    let mut w = world();
    w.deposit(1, 10, 5).deposit(1, 11, 5).apply().unwrap();
    for token_id in [1, 2, 10] {
        let mut w = w.clone();
        w.deposit(1, token_id, 5);
        among_refunded(&w, RefundReason::NoSlot, ABSENT);
    }
    let mut new = world();
    new.deposit_new(1, 5);
    for reason in [RefundReason::Key, RefundReason::AccountsFull] {
        assert_eq!(broken(&forge(&new, &Lies::refunded(&new, reason))), [NO_ROOM]);
    }
    // A balance that would reach 2^96 - 1 and no more.
    let mut w = world();
    let had = w.ledger.account(1).unwrap().balance(tapstone_circuits::amount::TokenId::NATIVE);
    w.deposit(1, 1, Amount::MAX.get() - had);
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    assert_eq!(broken(&forge(&w, &Lies::refunded(&w, RefundReason::Overflow))), [BALANCE]);
}

/// A reason for another kind of deposit, or for what is no deposit at all.
#[test]
fn reasons_belong_to_their_kinds() {
    const REFUND: &str = "only deposits are refunded, for one reason";
    let (old, new) = ([RefundReason::AccountMissing, RefundReason::Overflow], [RefundReason::Key]);
    let mut w = world();
    w.deposit(1, 1, 5);
    for reason in new {
        among_refunded(&w, reason, REFUND);
    }
    let mut w = world();
    w.deposit_new(1, 5);
    for reason in old {
        among_refunded(&w, reason, REFUND);
    }
    let mut w = world();
    w.withdraw(0, 1, 5);
    for reason in old.into_iter().chain(new) {
        among_refunded(&w, reason, REFUND);
    }
}
