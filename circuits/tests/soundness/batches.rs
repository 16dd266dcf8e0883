//! Fee tokens, padding, operator, and what is read: what no transaction says.

use ark_bn254::Fr;
use tapstone_circuits::account::Account;
use tapstone_circuits::circuit::bits;
use tapstone_circuits::ledger::{BatchError, Refusal};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::testing::{World, public};
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::witness::{BatchWitness, SingleWitness, SlotWitness};

use crate::forge::{Lies, alter, broken, claimed, forge, native, proven, world};
use crate::set;

const FEE_LIST: &str = "the batch's fee tokens are strictly increasing and below 2^30";
const FEE_TOKEN: &str = "a fee is paid in exactly one of the batch's fee tokens, and no fee in none";
/// What is read is what was written, or what stood there before the batch.
const READ: &str = "every record that is produced is consumed, and the other way round";

fn honest() -> BatchWitness {
    let mut w = world();
    w.with_fee(1, 5).swap(0, 0, Direction::ZeroForOne, 1000).transfer(0, 1, 1, 100);
    let witness = forge(&w, &Lies::default());
    assert_eq!(broken(&witness), [""; 0]);
    witness
}

fn breaks(change: impl FnOnce(&mut BatchWitness), rule: &str) {
    let mut witness = honest();
    change(&mut witness);
    let had = broken(&witness);
    assert!(had.contains(&rule), "{had:?}");
}

fn sender(witness: &mut BatchWitness) -> &mut tapstone_circuits::witness::PairWitness {
    match &mut witness.slots[1] {
        SlotWitness::Pair(pair) => pair,
        SlotWitness::Single(_) => panic!("not a pair"),
    }
}

fn swap(witness: &mut BatchWitness) -> &mut SingleWitness {
    match &mut witness.slots[0] {
        SlotWitness::Single(single) => single,
        SlotWitness::Pair(_) => panic!("not a single"),
    }
}

#[test]
fn pools_are_those_of_the_tree() {
    breaks(|w| swap(w).pool.read.reserve1 += Fr::from(1u64), READ);
    breaks(|w| w.state.pools[0].before.reserve1 += Fr::from(1u64), READ);
}

#[test]
fn a_slot_uses_the_pool_that_was_signed() {
    // The access, its cell and the nodes are another pool's, with the same contents.
    let mut w = world();
    w.create_pool(1, (1, 2), 30, (2_000_000, 3_000_000)).apply().unwrap();
    w.with_fee(1, 5).swap(0, 0, Direction::ZeroForOne, 1000);
    let mut other = w.clone();
    alter(&mut other, set!(Swap, pool = 1));
    let mut witness = forge(&other, &Lies::default());
    swap(&mut witness).tx = Some(w.open[0].clone());
    assert_eq!(broken(&witness), ["the pool is the signed one"]);
}

#[test]
fn fee_tokens_stand_once_and_in_order() {
    // Nothing is owed in token 2, so that order is all that is wrong.
    let mut witness = honest();
    witness.fee_tokens = vec![2, 1];
    assert_eq!(broken(&witness), [FEE_LIST]);
    breaks(|w| w.fee_tokens = vec![1, 1], FEE_LIST);
    breaks(|w| w.fee_tokens = vec![0, 1], FEE_LIST);
    breaks(|w| w.fee_tokens = vec![1, 1 << bits::TOKEN], FEE_LIST);
}

#[test]
fn fees_are_paid_in_a_token_of_the_list() {
    breaks(|w| w.fee_tokens = vec![2, 3], FEE_TOKEN);
}

#[test]
fn unused_entries_may_be_anything_in_order() {
    let mut witness = honest();
    witness.fee_tokens = vec![1, 77];
    assert_eq!(broken(&witness), [""; 0]);
}

#[test]
fn operator_that_does_not_exist() {
    let mut w = world();
    w.operator = 7;
    w.transfer(0, 1, 1, 5);
    assert!(matches!(w.clone().apply(), Err(BatchError::Operator { operator: 7, .. })));
    assert_eq!(broken(&forge(&w, &Lies::default())), ["the operator's account exists"]);
    let mut w = world();
    w.operator = 7;
    w.with_fee(1, 5).transfer(0, 1, 1, 5);
    native(&w, |r| matches!(r, Refusal::OperatorMissing { .. }));
    assert_eq!(broken(&forge(&w, &Lies::default())), ["the operator's account exists"]);
}

#[test]
fn operator_under_the_dust_rule() {
    let mut w = world();
    w.deposit(2, 10, 5).deposit(2, 11, 5).apply().unwrap();
    w.deposit(0, 20, 5).apply().unwrap();
    w.with_fee(20, 1).transfer(0, 1, 1, 1);
    native(&w, |r| matches!(r, Refusal::OperatorCredit { .. }));
    assert_eq!(broken(&forge(&w, &Lies::default())), ["a foreign credit that opens a slot leaves three free"]);
}

#[test]
fn fees_of_another_operator() {
    // The operator's index stands in the data hash and is that of the access: one wire for both.
    breaks(|w| w.operator = 1, READ);
}

#[test]
fn padding_changes_nothing() {
    // Padding that reads something names no record, and what is read there is absorbed.
    let honest = honest();
    for slot in [2, 3] {
        let changes: [fn(&mut Account); 4] =
            [|a| a.nonce += 1, |a| a.balances[0] += 1, |a| a.tokens[6] = 9, |a| a.key = Some(public(50))];
        for change in changes {
            let mut witness = honest.clone();
            let before = match &mut witness.slots[slot] {
                SlotWitness::Pair(pair) => &mut pair.sender.before,
                SlotWitness::Single(single) => &mut single.account.before,
            };
            change(before);
            let (system, z) = proven(&witness);
            assert_eq!(system.violations(&z, 1), []);
            let (system_of_honest, z_of_honest) = proven(&honest);
            assert_eq!(claimed(&system, &z), claimed(&system_of_honest, &z_of_honest));
        }
    }
}

#[test]
fn what_is_read_was_written() {
    // The recipient is one from before the sender paid, the operator one from before the batch.
    let mut w: World = world();
    w.transfer(0, 1, 1, 100).transfer(1, 0, 1, 7);
    let clean = forge(&w, &Lies::default());
    let stale = sender(&mut clean.clone()).sender.before.clone();
    let mut witness = clean.clone();
    match &mut witness.slots[3] {
        SlotWitness::Pair(pair) => pair.recipient.before = stale,
        SlotWitness::Single(_) => panic!("not a pair"),
    }
    assert_eq!(broken(&witness), [READ]);
    breaks(|w| w.operator_access = sender(w).sender.clone(), READ);
    breaks(|w| sender(w).recipient.index = 2, READ);
    breaks(|w| w.state.accounts[0].before[2] += Fr::from(1u64), READ);
    breaks(|w| w.state.nodes[0].before.swap(3, 2), READ);
}
