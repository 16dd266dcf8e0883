//! Batches whose leaves are memory, with signatures, fees, data and statement.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::account::Account;
use tapstone_circuits::amount::Amount;
use tapstone_circuits::audit::binding::bound;
use tapstone_circuits::audit::bounds::Bounds;
use tapstone_circuits::audit::propagate::propagate;
use tapstone_circuits::audit::rows::Rows;
use tapstone_circuits::circuit::{before_the_challenge, synthesise};
use tapstone_circuits::cs::{Mode, System};
use tapstone_circuits::ledger::Ledger;
use tapstone_circuits::memory::access::constraints::GAP;
use tapstone_circuits::memory::cell::{Cell, Contents};
use tapstone_circuits::memory::constraints::Roots;
use tapstone_circuits::memory::node::TreeKind;
use tapstone_circuits::memory::record::constraints::BALANCE;
use tapstone_circuits::memory::touched::count;
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::tree::Tree;
use tapstone_circuits::witness::{BatchWitness, RefundReason, SingleWitness, SlotWitness};

use crate::small::{STATEMENT, rules, touched};

/// Three accounts with some of tokens 1, 2 and 3 each; batches of three pair slots and two fee tokens.
fn world() -> World {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    world.shape =
        Shape { name: "pairs".into(), slots: vec![SlotKind::Pair; 3], accounts: 6, nodes: 8, fee_tokens: 2, ..world.shape };
    world
}

/// The open batch, executed: its witness and the public input.
fn closed(mut world: World) -> (BatchWitness, Fr) {
    let executed = world.apply().unwrap();
    let post = &executed.witness.post;
    assert_eq!(executed.witness.state.after, Roots { account: post.account_root, pool: post.pool_root });
    let public = executed.statement().public_input().into();
    (executed.witness, public)
}

pub fn batches() -> Vec<World> {
    let mut worlds: Vec<World> = (0..5).map(|_| world()).collect();
    worlds[1].transfer(0, 1, 1, 100);
    // The operator is sender and recipient, fees in two tokens, an account is made and used at once.
    worlds[2].with_fee(3, 7).transfer(0, 1, 1, 100).with_fee(1, 9).transfer_new(1, 2, 50).transfer(1, 0, 3, 5);
    // A balance is emptied; a token that is new to the recipient; a bundle.
    worlds[3].operator = 2;
    worlds[3].transfer(0, 1, 2, 17_000_000).transfer_new(0, 3, 9).transfer(1, 3, 2, 1);
    worlds[4].with_fee(2, 1).transfer(0, 1, 1, 5).transfer(1, 0, 2, 5).bundle_from(0);
    worlds
}

#[test]
fn batches_of_transfers_have_a_witness() {
    let mut digests = BTreeSet::new();
    for world in batches() {
        let (witness, public) = closed(world);
        let (system, z) = synthesise(Mode::Record, public, &witness).into_parts();
        assert_eq!(system.violations(&z, 3), []);
        assert_eq!(synthesise(Mode::Witness, public, &witness).into_values(), z);
        let mut bytes = Vec::new();
        system.matrices.feed(|chunk| bytes.extend_from_slice(chunk));
        digests.insert(bytes);
        // Another statement is another challenge.
        let (system, z) = synthesise(Mode::Record, public + Fr::one(), &witness).into_parts();
        assert_eq!(rules(&system, &z), [STATEMENT].into());
    }
    assert_eq!(digests.len(), 1);
}

/// Accounts far apart in the deepest tree: three leaves of which no two share a node below the root.
#[test]
fn accounts_far_apart_in_the_deepest_tree_have_a_witness() {
    let deep =
        Shape { name: "deep".into(), account_depth: 10, pool_depth: 5, nodes: 33, ..Shape::registered("tiny").unwrap() };
    let mut world = World::populated(deep, 2);
    world.crowd(5000);
    world.shape = Shape { slots: vec![SlotKind::Pair], fee_tokens: 1, ..world.shape };
    world.operator = 700;
    world.transfer(0, 4444, 1, 5);
    let (witness, public) = closed(world);
    // Leaves 0, 700 and 4444 part at level 5 at the latest.
    let used = witness.state.nodes.iter().filter(|node| node.used).count();
    assert_eq!(used, count(10, [0, 700, 4444]));
    let (system, z) = synthesise(Mode::Record, public, &witness).into_parts();
    assert_eq!(system.violations(&z, 3), []);
}

/// Every computed wire has one value, by the matrices alone: what the audit shows of any circuit first.
#[test]
fn every_computed_wire_has_one_value_and_a_reason() {
    let world = all_kinds().swap_remove(0);
    let (witness, public) = closed(world);
    let (system, _) = synthesise(Mode::Record, public, &witness).into_parts();
    let rows = Rows::new(&system);
    let found = propagate(&rows);
    let places: Vec<String> =
        found.unreached.iter().map(|wire| rows.of(*wire).next().map_or(String::new(), |row| rows.place(row))).collect();
    assert_eq!(places, [""; 0]);
    assert_eq!(found.broken_claims, [0; 0]);
    assert_eq!(found.reached.values().sum::<usize>(), rows.computed().count());
}

/// What is absorbed with the statement, all of it or less an element; the public input is that of whoever wants it accepted.
fn absorbed(witness: &BatchWitness, forgotten: Option<usize>) -> (System, Vec<Fr>) {
    before_the_challenge(Mode::Record, witness, forgotten).into_parts()
}

/// The kinds of chosen wires that are not bound, and how many.
pub fn free(system: &System, z: &[Fr]) -> BTreeMap<&'static str, usize> {
    let rows = Rows::new(system);
    let found = bound(&rows, &Bounds::new(&rows), z);
    assert_eq!(found.wrong, [0; 0]);
    let names: BTreeMap<u32, &'static str> = system.marks().chosen().iter().copied().collect();
    let mut kinds = BTreeMap::new();
    for wire in found.free {
        *kinds.entry(names[&wire]).or_default() += 1;
    }
    kinds
}

#[test]
fn everything_is_fixed_before_the_challenge() {
    for (i, world) in batches().into_iter().chain(all_kinds()).enumerate() {
        let (witness, _) = closed(world);
        let (system, z) = absorbed(&witness, None);
        assert_eq!(rules(&system, &z), BTreeSet::new());
        let free = free(&system, &z);
        println!("batch {i}: {free:?}");
        for kind in free.keys() {
            assert!(HARMLESS.contains(kind), "batch {i}: {free:?}");
        }
    }
}

/// What enters no record and no multiplicity: any signature serves, some numbers only refuse, and in padding nothing is moved. Where one of them had an effect, what is
/// written would not be bound.
pub const HARMLESS: [&str; 10] = [
    "signature",
    "message",
    "whether a bundle goes on",
    "expiry",
    "limit",
    "amount or limit",
    "outpoint",
    "token",
    "amount",
    "key",
];

/// The first element of a slot has what no other says: gaps, kinds, and which slots of an account are touched.
#[test]
fn elements_of_slots_are_needed() {
    let (witness, _) = closed(batches().swap_remove(2));
    // Fee tokens, then 17 elements of each slot, then nine of the operator.
    for element in [1, 2, 9, 10, 17, 18, 52, 60] {
        let (system, z) = absorbed(&witness, Some(element));
        let free = free(&system, &z);
        assert!(free.keys().any(|kind| !HARMLESS.contains(kind)), "element {element}: {free:?}");
    }
}

/// Batches of the tiny shape with every kind and every reason of a refund.
pub fn all_kinds() -> Vec<World> {
    let tiny = || World::populated(Shape::registered("tiny").unwrap(), 3);
    let mut worlds: Vec<World> = (0..7).map(|_| tiny()).collect();
    worlds[0].with_fee(1, 7).swap(0, 0, Direction::ZeroForOne, 1000).transfer(0, 1, 1, 100).swap(
        1,
        0,
        Direction::OneForZero,
        77,
    );
    worlds[1].with_fee(3, 7).create_pool(0, (2, 3), 30, (5000, 6000)).transfer(0, 1, 2, 5).add_liquidity(1, 1, (70, 80));
    worlds[2].deposit(1, 1, 5).transfer_new(1, 2, 50).add_liquidity(0, 0, (1000, 2000));
    worlds[3].remove_liquidity(0, 0, 1000).transfer(1, 0, 1, 5).withdraw(1, 2, 9).bundle_from(0);
    worlds[4].operator = 1;
    worlds[4].change_key(1, 99).transfer(0, 2, 1, 7).deposit_new(2, 9);
    // Refunds: no such account in the tree and beyond it, a balance that would overflow.
    worlds[5].deposit(40, 1, 5).transfer(0, 1, 1, 7).deposit(77, 1, 5);
    worlds[6].deposit(0, 1, Amount::MAX.get()).transfer(0, 1, 1, 7).deposit(3, 1, 5);
    worlds
}

/// Leaves that no state has: one token in two slots, the native one among the others, a balance without a token. Which slot is touched is a choice then, and it
/// is absorbed: nothing is free, and what stands in the way is the balance alone.
#[test]
fn reads_that_no_state_has_leave_nothing_free() {
    let change: [fn(&mut Account); 4] = [
        |account| (account.tokens[4], account.balances[5]) = (2, 1000),
        |account| (account.tokens[2], account.balances[3]) = (1, 1000),
        |account| (account.tokens[2], account.balances[3]) = (0, 1000),
        |account| account.balances = [1 << 95; 8],
    ];
    for (i, change) in change.into_iter().enumerate() {
        let mut w = world();
        w.with_fee(2, 7).transfer(0, 1, 2, 100).transfer(1, 0, 1, 100).transfer_new(1, 3, 5);
        let (mut witness, public) = closed(w);
        for slot in &mut witness.slots {
            let SlotWitness::Pair(pair) = slot else { panic!("a single slot") };
            // A new account's leaf is looked at.
            for access in [&mut pair.sender, &mut pair.recipient].into_iter().filter(|access| access.index < 3) {
                change(&mut access.before);
            }
        }
        change(&mut witness.operator_access.before);
        let (system, z) = synthesise(Mode::Record, public, &witness).into_parts();
        assert_eq!(rules(&system, &z), [BALANCE].into(), "lie {i}");
        let (system, z) = absorbed(&witness, None);
        let free = free(&system, &z);
        assert!(free.keys().all(|kind| HARMLESS.contains(kind)), "lie {i}: {free:?}");
    }
}

#[test]
fn batches_of_every_kind_have_a_witness() {
    let mut rows = BTreeSet::new();
    for (i, world) in all_kinds().into_iter().enumerate() {
        let (witness, public) = closed(world);
        let (system, z) = synthesise(Mode::Record, public, &witness).into_parts();
        assert_eq!(system.violations(&z, 3), [], "batch {i}");
        rows.insert((system.matrices.rows(), system.matrices.non_zeros()));
    }
    assert_eq!(rows.len(), 1);
}

/// What the ledger executes has a witness: random batches of every kind.
#[test]
fn random_batches_have_a_witness() {
    let mut rng = SplitMix::new(23);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for _ in 0..2 {
        let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
        for _ in 0..8 {
            world.operator = rng.below(3) as u32;
            world.fill_at_random(&mut rng, 6);
            kinds.extend(world.open.iter().map(|tx| tx.kind_name()));
            let (witness, public) = closed(world.clone());
            let (system, z) = synthesise(Mode::Record, public, &witness).into_parts();
            assert_eq!(system.violations(&z, 3), [], "{:?}", world.open);
            world.apply().unwrap();
        }
    }
    assert!(kinds.len() >= 8, "{kinds:?}");
}

/// The rules that a lie breaks, with the statement of whoever wants it accepted.
fn broken(witness: &BatchWitness) -> BTreeSet<&'static str> {
    let cs = synthesise(Mode::Record, Fr::zero(), witness);
    let (system, z) = cs.into_parts();
    let row = (0..system.matrices.rows()).find(|row| system.rule(*row) == STATEMENT).unwrap();
    let [difference, ..] = system.matrices.evaluate(row, &z);
    let (system, z) = synthesise(Mode::Record, difference, witness).into_parts();
    rules(&system, &z)
}

/// Opens the tree of accounts for the cells that are there, padding last.
fn reopen(witness: &mut BatchWitness, before: &Ledger) {
    let state = &mut witness.state;
    let leaves = before.accounts().values().map(Account::leaf_hash);
    let tree = Tree::from_leaves(before.account_depth(), Account::EMPTY.leaf_hash(), leaves);
    let cells = state.accounts.iter().filter(|cell| cell.used);
    let index = |x: Fr| (0..64).find(|i| Fr::from(*i) == x).unwrap();
    let leaves = cells.map(|cell| (index(cell.index), cell.after.leaf_hash())).collect();
    let opened = touched(&tree, TreeKind::Account, &leaves);
    state.nodes = opened.nodes;
    state.after.account = opened.root;
    state.fill(&witness.shape.room());
}

/// A batch of the tiny shape with this deposit alone, and the ledger before it.
fn with_deposit(account: u32, amount: u128) -> (BatchWitness, Ledger) {
    let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
    world.deposit(account, 1, amount);
    let before = world.ledger.clone();
    let (witness, _) = closed(world);
    assert_eq!(broken(&witness), BTreeSet::new());
    (witness, before)
}

fn single(witness: &mut BatchWitness) -> &mut SingleWitness {
    let singles = witness.slots.iter_mut().filter_map(|slot| match slot {
        SlotWitness::Single(single) if single.tx.is_some() => Some(single),
        _ => None,
    });
    singles.last().unwrap()
}

#[test]
fn accounts_exist_up_to_the_counter() {
    // The last account that exists is said to be missing: its owner gets a refund for a credit.
    let (mut lie, before) = with_deposit(2, 5);
    let slot = single(&mut lie);
    (slot.refund, slot.account.before) = (Some(RefundReason::AccountMissing), Account::EMPTY);
    single(&mut lie).account.gap = Fr::zero();
    lie.state.accounts.retain(|cell| cell.index != Fr::from(2u64));
    reopen(&mut lie, &before);
    assert_eq!(broken(&lie), ["a deposit is refunded for want of an account only if there is none"].into());

    // The first one that does not exist is said to be there, and holds a balance without a key.
    let (mut lie, before) = with_deposit(3, 5);
    let slot = single(&mut lie);
    assert_eq!(slot.refund.take(), Some(RefundReason::AccountMissing));
    let mut account = Account::EMPTY;
    account.balances[0] = 5;
    let cell = lie.state.accounts.iter_mut().find(|cell| !cell.used).unwrap();
    let empty = Account::EMPTY.leaf_elements();
    // The first slot's account has time 2.
    *cell = Cell { index: Fr::from(3u64), last: Fr::from(2u64), used: true, before: empty, after: account.leaf_elements() };
    single(&mut lie).account.gap = Fr::one();
    reopen(&mut lie, &before);
    assert_eq!(broken(&lie), ["the credited account exists"].into());

    // Far beyond the counter and the tree: refunds, each with a witness.
    for index in [63, 64, (1 << 30) - 1] {
        with_deposit(index, 5);
    }
    // A credit that is refunded reads the account, and is counted.
    let (mut lie, _) = with_deposit(0, Amount::MAX.get());
    assert_eq!(single(&mut lie).refund, Some(RefundReason::Overflow));
    single(&mut lie).account.before.balances[0] += 1;
    assert_eq!(broken(&lie), [BALANCE].into());
}

#[test]
fn the_operator_is_the_one_that_is_published_and_exists() {
    let (honest, before) = with_deposit(2, 5);
    // An account that does not exist takes part as operator.
    let mut lie = honest.clone();
    lie.operator = 3;
    lie.operator_access.before = Account::EMPTY;
    lie.operator_access.index = 3;
    // The operator's access is the last.
    let last = Fr::from(2 * lie.slots.len() as u64 + 1);
    let cell = lie.state.accounts.iter_mut().find(|cell| cell.index.is_zero()).unwrap();
    let empty = Account::EMPTY.leaf_elements();
    *cell = Cell { index: Fr::from(3u64), last, used: true, before: empty, after: empty };
    reopen(&mut lie, &before);
    assert_eq!(broken(&lie), ["the operator's account exists"].into());
    // Another account's leaf stands in for the operator's.
    let mut lie = honest.clone();
    lie.operator_access.before = before.account(1).unwrap().clone();
    assert_eq!(broken(&lie), [BALANCE].into());
    // Its access is one of every batch: without its cell there is no witness.
    let mut lie = honest;
    lie.state.accounts.retain(|cell| !cell.index.is_zero());
    reopen(&mut lie, &before);
    assert_eq!(broken(&lie), [BALANCE].into());
}

#[test]
fn fee_tokens_are_in_range_and_increasing() {
    let (honest, _) = with_deposit(2, 5);
    for tokens in [[0, 3], [3, 3], [4, 3], [3, 1 << 30]] {
        let mut lie = honest.clone();
        lie.fee_tokens = tokens.to_vec();
        assert_eq!(broken(&lie), ["the batch's fee tokens are strictly increasing and below 2^30"].into(), "{tokens:?}");
    }
    let mut other = honest;
    other.fee_tokens = vec![3, (1 << 30) - 1];
    assert_eq!(broken(&other), BTreeSet::new());
}

#[test]
fn slots_read_what_was_written_before() {
    let mut w = world();
    w.transfer(0, 1, 1, 100).transfer(0, 2, 1, 100);
    let (honest, _) = closed(w);
    assert_eq!(broken(&honest), BTreeSet::new());
    // The operator is the sender of both transfers. It reads what its account was before the batch, or before the second one.
    let SlotWitness::Pair(first) = &honest.slots[0] else { panic!("a pair slot") };
    let SlotWitness::Pair(second) = &honest.slots[1] else { panic!("a pair slot") };
    // The operator's time is 7, the transfers wrote at times 1 and 3.
    for (before, gap) in [(&first.sender.before, 6u64), (&second.sender.before, 5)] {
        let mut lie = honest.clone();
        lie.operator_access.before = before.clone();
        assert_eq!(broken(&lie), [BALANCE].into());
        lie.operator_access.gap = Fr::from(gap);
        assert_eq!(broken(&lie), [BALANCE].into());
    }
    let mut lie = honest.clone();
    lie.operator_access.gap = -Fr::one();
    assert_eq!(broken(&lie), [BALANCE, GAP].into());
}
