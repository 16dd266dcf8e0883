//! Attacks on famous rollups that no other module here has under its own subject.

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::circuit::bits;
use tapstone_circuits::cs::System;
use tapstone_circuits::ledger::Refusal;
use tapstone_circuits::pool::Direction;
use tapstone_circuits::testing::{World, amount, secret, token};
use tapstone_circuits::transaction::{Signed, Transaction};

use crate::forge::{Lies, among, broken, claimed, forge, native, only, proven, world};
use crate::set;
use crate::wires::{follow, rules};

const CUT: &str = "no bundle is open at the end of the batch";
const SIGNATURE: &str = "the signature verifies";

/// The first wire on a side of the first row of a rule.
fn wire(system: &System, rule: &str, side: usize) -> usize {
    let row = (0..system.matrices.rows()).find(|row| system.rule(*row) == rule).unwrap();
    system.matrices.row(side, row).iter().map(|(_, wire)| *wire).max().unwrap()
}

/// A signature that the account made, for another transaction: its message is claimed to be this one's.
#[test]
fn a_message_of_the_provers_choice() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    let message = w.open[0].digest(Fr::zero(), 3);
    let signature = w.open[0].signed().unwrap().signature;
    w.open.clear();
    w.transfer(0, 2, 1, 5_000_000);
    let signed = w.open[0].signed_mut().unwrap();
    (signed.message, signed.signature) = (Some(message), signature);
    assert!(w.clone().apply().is_err());
    only(&w, CUT);
    // Without the bundle to hide in, the signature is for something else.
    w.open[0].signed_mut().unwrap().message = None;
    native(&w, |r| matches!(r, Refusal::Signature(_)));
    only(&w, SIGNATURE);
}

/// A chain id that is the chain's modulo 2^32: it would leave room for another batch number in the same element.
#[test]
fn a_chain_id_of_more_than_32_bits() {
    let (system, mut z) = proven(&forge(&world(), &Lies::default()));
    let chain = wire(&system, "the chain id is below 2^32", 0);
    // The wire itself stands before its bits.
    let chain = (0..chain).rev().find(|w| z[*w] == Fr::from(3u64)).unwrap();
    z[chain] += Fr::from(1u64 << bits::CHAIN);
    follow(&system, &mut z, &[chain]);
    assert!(rules(&system, &z).contains("the chain id is below 2^32"));
}

/// Indices beyond the tree: their lowest bits name an account, the signed index does not.
#[test]
fn an_index_beyond_the_tree() {
    let leaves = 1 << (3 * world().shape.account_depth);
    for (from, to) in [(leaves, 1), (0, leaves + 1)] {
        let mut w = world();
        w.transfer(0, 1, 1, 5);
        let mut tx = w.open[0].clone();
        set!(Transfer, from = from)(&mut tx);
        set!(Transfer, to = to)(&mut tx);
        tx.sign(&secret(0), 3).unwrap();
        w.open[0] = tx.clone();
        native(&w, |r| matches!(r, Refusal::AccountMissing { .. }));
        // The prover shows the account that the lowest bits name.
        let mut near = w.clone();
        set!(Transfer, from = from % leaves)(&mut near.open[0]);
        set!(Transfer, to = to % leaves)(&mut near.open[0]);
        near.open[0].signed_mut().unwrap().signature = tx.signed().unwrap().signature;
        only(&near, SIGNATURE);
    }
    let mut w = world();
    w.swap(0, 0, Direction::ZeroForOne, 1000);
    let mut tx = w.open[0].clone();
    set!(Swap, account = leaves)(&mut tx);
    tx.sign(&secret(0), 3).unwrap();
    set!(Swap, account = 0)(&mut tx);
    w.open[0] = tx;
    only(&w, SIGNATURE);
}

/// A fee where nobody signed for one: out of a deposit, out of padding.
#[test]
fn a_fee_where_none_is_due() {
    const UNSIGNED: &str = "only signed transactions pay fees";
    for push in [
        (|w: &mut World| {
            w.deposit(0, 1, 100);
        }) as fn(&mut World),
        |_| {},
    ] {
        let mut w = world();
        push(&mut w);
        let (system, mut z) = proven(&forge(&w, &Lies::default()));
        let fee = wire(&system, UNSIGNED, 1);
        assert!(z[fee].is_zero());
        z[fee] = Fr::from(7u64);
        follow(&system, &mut z, &[fee]);
        assert!(rules(&system, &z).contains(UNSIGNED));
    }
}

/// The leaf of no account has the key (0, 0): whoever signs for it, nothing is debited.
#[test]
fn the_empty_leaf_spends_nothing() {
    let mut w = world();
    w.transfer(0, 1, 1, 5);
    set!(Transfer, from = 40)(&mut w.open[0]);
    w.open[0].sign(&secret(0), 3).unwrap();
    native(&w, |r| matches!(r, Refusal::AccountMissing { account: 40, .. }));
    among(&w, "the signer's key is a point of the curve other than the identity");
}

/// Everything that the state root covers, and every statement field that hangs on it.
#[test]
fn another_state_is_another_statement() {
    let honest = forge(&world(), &Lies::default());
    let (system, z) = proven(&honest);
    let statement = claimed(&system, &z);
    let changes: [fn(&mut tapstone_circuits::witness::BatchWitness); 7] = [
        |w| w.pre.account_root += Fr::one(),
        |w| w.pre.pool_root += Fr::one(),
        |w| w.pre.deposit_head += Fr::one(),
        |w| w.pre.next_account += 1,
        |w| w.pre.next_pool += 1,
        |w| w.pre.deposit_count += 1,
        |w| w.chain_id += 1,
    ];
    for change in changes {
        let mut other = honest.clone();
        change(&mut other);
        let (system, z) = proven(&other);
        assert_ne!(claimed(&system, &z), statement);
    }
    let mut summary = world().ledger.summary();
    let root = summary.root(3, 2, 1);
    assert_ne!(root, summary.root(3, 3, 1));
    assert_ne!(root, summary.root(3, 2, 2));
    summary.batch_number += 1;
    assert_ne!(root, summary.root(3, 2, 1));
}

/// A fee in a cheaper token than the signed one, or a smaller fee: the terms are part of what is signed.
#[test]
fn the_signed_fee_is_the_paid_one() {
    let changes: [fn(&mut Signed); 2] = [|s| s.fee_token = token(3), |s| s.fee = amount(1)];
    for change in changes {
        let mut w = world();
        w.with_fee(1, 500).transfer(0, 1, 1, 5);
        change(w.open[0].signed_mut().unwrap());
        native(&w, |r| matches!(r, Refusal::Signature(_)));
        only(&w, SIGNATURE);
    }
    // Two fees in one token are added up, not written over one another.
    let mut w = world();
    w.with_fee(1, 500).transfer(0, 1, 1, 5).transfer(1, 0, 1, 5);
    let executed = w.clone().apply().unwrap();
    assert_eq!(executed.fees, [(1, 1000)]);
    assert_eq!(broken(&executed.witness), [""; 0]);
}
