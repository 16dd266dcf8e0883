//! Lists, padding, operator and paths: what no transaction says.

use tapstone_circuits::account::Account;
use tapstone_circuits::circuit::bits;
use tapstone_circuits::ledger::{BatchError, Refusal};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::testing::{World, public};
use tapstone_circuits::witness::{BatchWitness, SlotWitness};

use crate::forge::{Lies, broken, forge, native, world};

const POOL_LIST: &str = "the batch's pools are strictly increasing";
const FEE_LIST: &str = "the batch's fee tokens are strictly increasing and below 2^30";
const FEE_TOKEN: &str = "a fee is paid in exactly one of the batch's fee tokens, and no fee in none";
const ROOT: &str = "the account's leaf stands in the account tree";
const POSITION: &str = "the position picks the node below among the children";

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

#[test]
fn pools_stand_once_and_in_order() {
    breaks(|w| w.pools.swap(0, 1), POOL_LIST);
    breaks(|w| w.pools[1] = w.pools[0].clone(), POOL_LIST);
    // The same pool twice, the second time as the first left it: consistent but for the order.
    let mut w = world();
    w.add_liquidity(1, 0, (10, 20));
    let mut witness = forge(&w, &Lies::default());
    let honest = forge(&w, &Lies::default());
    witness.pools[1].index = honest.pools[0].index;
    assert!(broken(&witness).contains(&POOL_LIST));
}

#[test]
fn pools_are_those_of_the_tree() {
    breaks(|w| w.pools[0].before.reserve1 = 9_000_000u64.into(), POSITION);
    breaks(|w| w.pools[1].children[0][7] += ark_bn254::Fr::from(1u64), "a pool's leaf stands in the pool tree");
}

#[test]
fn a_slot_uses_the_pool_that_was_signed() {
    // A list without the pool leaves nothing to pick.
    let mut witness = honest();
    let (first, second) = (witness.pools[0].index, witness.pools[1].index);
    assert_eq!((first, second), (0, 1));
    witness.pools[0].index = 2;
    assert!(broken(&witness).contains(&"exactly one of the batch's pools is used, or none"));
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
    // The operator's index stands in the data hash and picks the leaf: one wire for both.
    breaks(|w| w.operator = 1, POSITION);
}

#[test]
fn padding_changes_nothing() {
    // A padding slot whose leaf is another than the tree's.
    for slot in [2, 3] {
        let forged = |change: fn(&mut Account)| {
            move |w: &mut BatchWitness| match &mut w.slots[slot] {
                SlotWitness::Pair(pair) => change(&mut pair.sender.before),
                SlotWitness::Single(single) => change(&mut single.account.before),
            }
        };
        breaks(forged(|a| a.nonce += 1), POSITION);
        breaks(forged(|a| a.balances[0] += 1), POSITION);
        breaks(forged(|a| a.tokens[6] = 9), POSITION);
        breaks(forged(|a| a.key = Some(public(50))), POSITION);
    }
}

#[test]
fn stale_paths_and_swapped_siblings() {
    // The recipient's path from before the sender's leaf was replaced.
    let mut w: World = world();
    w.transfer(0, 1, 1, 100);
    let clean = forge(&w, &Lies::default());
    let stale = {
        let mut other = world();
        other.operator = 1;
        forge(&other, &Lies::default()).operator_access
    };
    let mut witness = clean.clone();
    sender(&mut witness).recipient = stale;
    let had = broken(&witness);
    assert!(had.contains(&ROOT), "{had:?}");
    breaks(|w| w.operator_access = sender(w).sender.clone(), ROOT);
    breaks(|w| sender(w).sender.children[0].swap(3, 2), ROOT);
    breaks(|w| sender(w).sender.children[0].swap(0, 1), POSITION);
    breaks(|w| sender(w).sender.children[1].swap(0, 1), POSITION);
    breaks(|w| sender(w).recipient.index = 2, POSITION);
}
