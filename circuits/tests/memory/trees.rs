//! Lies about nodes, ids and roots.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{BigInteger, PrimeField, Zero};
use tapstone_circuits::cs::Mode;
use tapstone_circuits::memory::access::Access;
use tapstone_circuits::memory::cell::constraints::INDEX;
use tapstone_circuits::memory::cell::{Cell, Contents};
use tapstone_circuits::memory::node::constraints::{ID, IDLE, KEPT, ROOT};
use tapstone_circuits::memory::node::{Node, TreeKind, leaf_id, root_id};
use tapstone_circuits::memory::record::constraints::BALANCE;
use tapstone_circuits::tree::ARITY;
use tapstone_verifier::poseidon::hash;

use crate::small::{
    Op, SLOT_INDEX, STATEMENT, Slot, Small, Variant, account, after_account, execute, fr, mixed, rules, touched, trees,
};

/// Accesses to accounts 3 and 12: nodes 0 and 1 of level 1, and the root.
fn base() -> Small {
    execute(trees(2, 1, 20, 1), (20, 1), &[Op::Account(3, 5), Op::Account(12, 7)])
}

/// A cell for a leaf of the forger's own, and an access that makes it rich.
fn plant(small: &mut Small, index: Fr, before: [Fr; 8]) -> (Fr, Fr) {
    let time = small.slots.len() as u64 + 1;
    let added = fr(1 << 50);
    let after = after_account(&before, added, true);
    let access = Access { index, gap: fr(time - 1), active: true, read: before };
    small.slots.push(Slot::Account { access, added });
    small.room.time_bits = small.room.time_bits.max(4);
    small.state.accounts.push(Cell { index, last: fr(time), used: true, before, after });
    (before.leaf_hash(), after.leaf_hash())
}

/// A node of the forger's own with one touched child; what it hashes to.
fn raise(small: &mut Small, id: Fr, child: usize, (before, after): (Fr, Fr)) -> (Fr, Fr) {
    let mut node = Node { id, used: true, ..Node::padding() };
    node.touched[child] = true;
    (node.before[child], node.after[child]) = (before, after);
    let hashes = (hash(&node.before), hash(&node.after));
    small.state.nodes.push(node);
    hashes
}

fn rich() -> [Fr; 8] {
    let mut contents = account(63);
    contents[4] = fr(1 << 60);
    contents
}

#[test]
fn a_wrong_digit() {
    // The leaf is taken for its neighbour.
    let mut small = base();
    small.slots[0].account_access().index = fr(4);
    small.state.accounts[0].index = fr(4);
    small.only(&[BALANCE]);
    // The node takes the child from another place.
    let mut small = base();
    let node = &mut small.state.nodes[0];
    node.touched.swap(3, 4);
    node.before.swap(3, 4);
    node.after.swap(3, 4);
    small.only(&[BALANCE]);
}

#[test]
fn the_id_of_nothing() {
    let mut small = mixed();
    let padding = small.state.nodes.last_mut().unwrap();
    assert!(!padding.used);
    padding.id = Fr::zero();
    small.only(&[ID]);
    // In use it would be its own child, and answer for roots.
    let mut small = base();
    let leaf = plant(&mut small, fr(40), rich());
    let mut id = Fr::from(leaf_id(TreeKind::Account, 40) >> 3);
    let mut hashes = raise(&mut small, id, 0, leaf);
    for level in 1..=10u32 {
        let child = (leaf_id(TreeKind::Account, 40) >> (3 * level)) as usize % ARITY;
        id = Fr::from(leaf_id(TreeKind::Account, 40) >> (3 * (level + 1)));
        hashes = raise(&mut small, id, child, hashes);
    }
    assert!(id.is_zero());
    small.only(&[ID, BALANCE]);
}

#[test]
fn nodes_above_the_root() {
    // A whole chain up to the topmost id, beside the root or over it: its last record is consumed by nobody.
    for over_the_root in [false, true] {
        let mut small = base();
        let (mut id, mut hashes);
        if over_the_root {
            id = root_id(TreeKind::Account, 2);
            hashes = (small.state.before.account, small.state.after.account);
        } else {
            // Leaf 64 of a tree of 64 leaves.
            hashes = plant(&mut small, fr(64), rich());
            id = leaf_id(TreeKind::Account, 64);
        }
        while id >= 8 {
            hashes = raise(&mut small, Fr::from(id / 8), (id % 8) as usize, hashes);
            id /= 8;
        }
        small.only(&[BALANCE]);
    }
    // Leaf 8^D at the largest depth is beyond the bits of an index.
    let mut small = execute(trees(10, 1, 9, 1), (9, 1), &[Op::Account(0, 1)]);
    let leaf = plant(&mut small, fr(1 << 30), rich());
    let id = leaf_id(TreeKind::Account, 0) + (1 << 30);
    let mut hashes = leaf;
    for level in 1..=10u32 {
        let child = (id >> (3 * (level - 1))) % 8;
        hashes = raise(&mut small, Fr::from(id >> (3 * level)), child as usize, hashes);
    }
    // That is where the tree of pools has its leaves.
    assert_eq!(id, leaf_id(TreeKind::Pool, 0));
    small.only(&[BALANCE, INDEX, SLOT_INDEX]);
}

/// An account as root of a tree of the forger's own: its key's x is the hash of a node. The leaf is opened as a node, and what hangs below comes to
/// the place of another account: at once, where indices may have any width, or round the field's order.
#[test]
fn a_tree_below_a_leaf() {
    let at = 5u32;
    let leaf_as_node = leaf_id(TreeKind::Account, at);

    // At once: a cell with an index of 33 bits, eight times the id of the leaf less 8^10.
    let mut small = base();
    let index = Fr::from(8 * leaf_as_node) - Fr::from(leaf_id(TreeKind::Account, 0));
    let hashes = plant(&mut small, index, rich());
    graft(&mut small, at, hashes);
    // The slot's own index is one of the protocol's as well.
    small.only(&[ID, INDEX, SLOT_INDEX]);

    // Round the order: 8^86 leaf + digits = id of account 40 + n r, with 85 digits.
    let mut small = base();
    let target = 40u32;
    let levels = 85;
    let mut shift = Fr::from(leaf_as_node);
    for _ in 0..levels + 1 {
        shift *= fr(8);
    }
    let digits = (Fr::from(leaf_id(TreeKind::Account, target)) - shift).into_bigint();
    let digit = |i: usize| (0..3).fold(0, |d, bit| d + (usize::from(digits.get_bit(3 * i + bit)) << bit));
    let mut ids = vec![Fr::from(8 * leaf_as_node)];
    for i in (0..levels).rev() {
        ids.push(ids.last().unwrap() * &fr(8) + fr(digit(i) as u64));
    }
    assert_eq!(ids.pop(), Some(Fr::from(leaf_id(TreeKind::Account, target))));
    let mut hashes = plant(&mut small, target.into(), rich());
    for (i, id) in ids.into_iter().rev().enumerate() {
        hashes = raise(&mut small, id, digit(i), hashes);
    }
    graft(&mut small, at, hashes);
    // Without the row for ids, account 40 is whatever the forger says.
    small.only(&[ID]);
}

/// Puts an account whose key's x is the hash before into the state, and opens its leaf as a node.
fn graft(small: &mut Small, at: u32, (before, after): (Fr, Fr)) {
    let mut leaf = account(at);
    leaf[0] = before;
    small.trees.account.set(at, leaf.leaf_hash());
    // The honest accesses in the same tree, with the leaf as one more that changes.
    let mut now = leaf;
    now[0] = after;
    let honest = small.state.accounts.iter().take(2);
    let mut leaves: BTreeMap<u32, Fr> = [3, 12].into_iter().zip(honest.map(|cell| cell.after.leaf_hash())).collect();
    leaves.insert(at, now.leaf_hash());
    let opened = touched(&small.trees.account, TreeKind::Account, &leaves);
    let own = small.state.nodes.split_off(3);
    small.state.nodes = [opened.nodes, own].concat();
    small.state.before.account = small.trees.account.root();
    small.state.after.account = opened.root;
    let id = Fr::from(leaf_id(TreeKind::Account, at));
    let mut node = Node { id, used: true, touched: [false; ARITY], before: leaf, after: now };
    node.touched[0] = before != after;
    small.state.nodes.push(node);
}

#[test]
fn a_leaf_opened_as_a_node_without_a_touched_child() {
    // It answers for the leaf as an unchanged one: harmless, and still not allowed.
    let mut small = base();
    let x = account(5)[0];
    graft(&mut small, 5, (x, x));
    small.only(&[ID]);
}

#[test]
fn an_inner_node_opened_as_a_leaf() {
    // Node 0 of level 1 as an account whose key is its first two children: its index would be far below 0.
    let mut small = base();
    let node = small.state.nodes.remove(0);
    small.state.accounts.remove(0);
    small.slots.remove(0);
    small.slots.insert(0, Slot::Account { access: Access::padding([Fr::zero(); 8]), added: Fr::zero() });
    let index = node.id - Fr::from(leaf_id(TreeKind::Account, 0));
    let before = node.before;
    let (_, after) = plant(&mut small, index, before);
    let root = small.state.nodes.iter_mut().find(|n| n.id == Fr::from(root_id(TreeKind::Account, 2))).unwrap();
    root.after[0] = after;
    small.state.after.account = hash(&root.after);
    small.only(&[INDEX, SLOT_INDEX]);
}

#[test]
fn a_cell_twice() {
    // The second one is the forger's own, with the same index: it needs a node of its own, and that one more, up to a second root.
    for levels in 0..=2u32 {
        let mut small = base();
        let mut hashes = plant(&mut small, fr(3), account(3));
        // Its access finds the other cell's record as well as its own: both are at time 0.
        for level in 1..=levels {
            let id = leaf_id(TreeKind::Account, 3);
            let child = (id >> (3 * (level - 1))) % 8;
            hashes = raise(&mut small, Fr::from(id >> (3 * level)), child as usize, hashes);
        }
        small.only(&[BALANCE]);
    }
}

#[test]
fn a_node_twice() {
    let mut small = base();
    let twin = small.state.nodes[0].clone();
    small.state.nodes.push(twin);
    small.only(&[BALANCE]);
    // With what it consumes: the leaf's record is produced twice as well.
    let cell = small.state.accounts[0].clone();
    let slot = small.slots[0].clone();
    small.state.accounts.push(cell);
    small.slots.push(slot);
    small.only(&[BALANCE]);
}

#[test]
fn padding_swallows_no_record() {
    // A second account 3 whose record is taken by a node that answers for nothing.
    let mut small = base();
    let hashes = plant(&mut small, fr(40), rich());
    raise(&mut small, Fr::from(leaf_id(TreeKind::Account, 40) >> 3), 0, hashes);
    small.state.nodes.last_mut().unwrap().used = false;
    small.only(&[IDLE]);
}

#[test]
fn an_untouched_child_keeps_its_value() {
    // Account 4 becomes rich without a cell, and all nodes above follow.
    let mut small = base();
    small.state.nodes[0].after[4] = rich().leaf_hash();
    let node = hash(&small.state.nodes[0].after);
    small.state.nodes[2].after[0] = node;
    small.state.after.account = hash(&small.state.nodes[2].after);
    small.only(&[KEPT]);
}

#[test]
fn before_of_one_and_after_of_another() {
    // Accounts 3 and 4 are both touched; their nodes' records change their hashes after among each other.
    let mut small = execute(trees(2, 1, 20, 1), (20, 1), &[Op::Account(3, 5), Op::Account(4, 7)]);
    let node = &mut small.state.nodes[0];
    node.after.swap(3, 4);
    let below = hash(&node.after);
    small.state.nodes[1].after[0] = below;
    small.state.after.account = hash(&small.state.nodes[1].after);
    small.only(&[BALANCE]);
}

#[test]
fn trees_are_not_exchanged() {
    // The node over the pools is that over accounts: the same children, another tree. Both have depth 1.
    let mut small = execute(trees(1, 1, 8, 8), (8, 8), &[Op::Account(0, 1), Op::Pool(0, 1)]);
    small.only(&[]);
    let (a, b) = (small.state.nodes[0].id, small.state.nodes[1].id);
    (small.state.nodes[0].id, small.state.nodes[1].id) = (b, a);
    small.only(&[BALANCE]);
    // The roots are exchanged.
    let mut small = execute(trees(1, 1, 8, 8), (8, 8), &[Op::Account(0, 1), Op::Pool(0, 1)]);
    for roots in [&mut small.state.before, &mut small.state.after] {
        std::mem::swap(&mut roots.account, &mut roots.pool);
    }
    small.only(&[BALANCE]);
}

#[test]
fn an_untouched_tree_keeps_its_root() {
    let mut small = base();
    assert!(!small.state.pools_touched);
    small.state.after.pool = fr(77);
    small.only(&[ROOT]);
    // Said to be touched, it needs a record.
    small.state.pools_touched = true;
    small.only(&[BALANCE]);
    // Touched and said not to be.
    let mut small = mixed();
    small.state.pools_touched = false;
    small.only(&[ROOT, BALANCE]);
}

#[test]
fn another_depth() {
    // The same accounts in a tree one level deeper: another statement, and no root at that id.
    let honest = base();
    let mut small = honest.clone();
    small.room.account_depth = 3;
    small.only(&[BALANCE]);
    let (system, z) = small.circuit(Mode::Record, honest.statement(), Variant::default()).into_parts();
    assert_eq!(rules(&system, &z), [BALANCE, STATEMENT].into());
}
