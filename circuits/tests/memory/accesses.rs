//! Lies about when something was read or written.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::cs::Mode;
use tapstone_circuits::memory::access::constraints::GAP;
use tapstone_circuits::memory::cell::Contents;
use tapstone_circuits::memory::cell::constraints::{INDEX, LAST};
use tapstone_circuits::memory::node::TreeKind;
use tapstone_circuits::memory::record::constraints::{BALANCE, CONTRIBUTION};

use crate::small::{Op, STATEMENT, Small, Variant, account, after_account, execute, fr, mixed, rules, touched, trees};

/// Accesses to account 3 at times 1 and 2, and to account 4 at time 3.
fn base() -> Small {
    execute(trees(2, 1, 20, 1), (20, 1), &[Op::Account(3, 5), Op::Account(3, 7), Op::Account(4, 1)]).with_spare(1, 0, 1)
}

/// Sets what account cells hold afterwards, and opens the tree of accounts anew.
fn reopen(small: &mut Small) {
    let leaves: BTreeMap<u32, Fr> = small
        .state
        .accounts
        .iter()
        .filter(|cell| cell.used)
        .map(|cell| ((0..64).find(|i| Fr::from(*i) == cell.index).unwrap(), cell.after.leaf_hash()))
        .collect();
    let opened = touched(&small.trees.account, TreeKind::Account, &leaves);
    small.state.after.account = opened.root;
    small.state.nodes.splice(0..opened.nodes.len(), opened.nodes);
}

fn read(small: &mut Small, slot: usize, gap: Fr, contents: [Fr; 8]) {
    let access = small.slots[slot].account_access();
    (access.gap, access.read) = (gap, contents);
}

#[test]
fn a_stale_read() {
    // The second access reads the state before the batch, which the first one has consumed: the first write is lost.
    let mut small = base();
    read(&mut small, 1, fr(1), account(3));
    small.state.accounts[0].after = after_account(&account(3), fr(7), true);
    reopen(&mut small);
    small.only(&[BALANCE]);
}

#[test]
fn a_ring_of_accesses_reads_from_itself() {
    // A pool's access changes nothing but the reserve: with nothing added it reads just what it writes, at its own time, whatever that is.
    let ops = [Op::Pool(0, 5), Op::Pool(1, 0), Op::Account(0, 1)];
    let honest = execute(trees(1, 1, 8, 2), (8, 2), &ops);
    honest.only(&[]);
    let mut small = honest.clone();
    let access = small.slots[1].pool_access();
    access.gap = -Fr::one();
    access.read.reserve1 = fr(1 << 50);
    access.read.token0 = fr(1);
    // The cell of pool 1 is what it was, last written before the batch.
    small.state.pools[1].last = Fr::zero();
    small.only(&[GAP]);

    // Two accesses read each other's writes, one of them a later one.
    let ops = [Op::Pool(0, 0), Op::Pool(0, 0), Op::Account(0, 1)];
    let mut small = execute(trees(1, 1, 8, 2), (8, 2), &ops);
    for (slot, gap) in [(0, -fr(2)), (1, Fr::zero())] {
        let access = small.slots[slot].pool_access();
        (access.gap, access.read.supply) = (gap, fr(1 << 60));
    }
    small.state.pools[0].last = Fr::zero();
    small.only(&[GAP]);
}

#[test]
fn gaps_have_the_bits_of_times() {
    // Honest but too far apart for the bits: times below 4.
    let ops = [Op::Account(3, 1), Op::NoAccount, Op::NoAccount, Op::NoAccount, Op::NoAccount, Op::Account(3, 2)];
    for (bits, broken) in [(3, &[][..]), (2, &[GAP, LAST][..])] {
        let mut small = execute(trees(2, 1, 20, 1), (20, 1), &ops);
        small.room.time_bits = bits;
        small.only(broken);
    }
    // The earlier time is negative: nothing is produced there.
    let mut small = base();
    small.slots[0].account_access().gap = fr(1);
    small.only(&[BALANCE]);
    small.slots[0].account_access().gap = fr(1 << 2);
    small.only(&[BALANCE, GAP]);
}

#[test]
fn the_last_time_is_the_last() {
    // The state after the batch is that of the first write.
    let mut small = base();
    small.only_after_last(0, after_account(&account(3), fr(5), true), 1, &[BALANCE]);
    // It has the last time, but not what was written then.
    let mut small = base();
    small.only_after_last(0, after_account(&account(3), fr(5), true), 2, &[BALANCE]);
    // It was never written.
    let mut small = base();
    small.only_after_last(0, account(3), 0, &[BALANCE]);
    // A time that is none.
    let mut small = base();
    small.state.accounts[0].last = fr(4);
    small.only(&[BALANCE, LAST]);
}

impl Small {
    /// An account's cell says that it holds this since that time; the tree follows.
    #[track_caller]
    fn only_after_last(&mut self, cell: usize, contents: [Fr; 8], last: u64, expected: &[&'static str]) {
        self.state.accounts[cell].after = contents;
        self.state.accounts[cell].last = fr(last);
        reopen(self);
        self.only(expected);
    }
}

#[test]
fn an_access_is_to_the_leaf_that_is_named() {
    // The slot's index is the record's, by one wire; the statement has the other one.
    let honest = base();
    let mut small = honest.clone();
    small.slots[2].account_access().index = fr(5);
    small.only(&[BALANCE]);
    // A cell of that leaf, with the contents of account 4: it is not what stands there.
    small.state.accounts[1].index = fr(5);
    small.only(&[BALANCE]);
    let (system, mut z) = small.proven();
    z[1] = honest.statement();
    assert!(rules(&system, &z).contains(STATEMENT));
}

#[test]
fn accounts_are_not_pools() {
    // Index 0 stands in both trees: the account's cell answers for no access to the pool.
    let mut small = execute(trees(1, 1, 8, 8), (8, 8), &[Op::Account(0, 1), Op::Pool(0, 1)]).with_spare(1, 1, 0);
    small.state.pools[0].used = false;
    small.only(&[BALANCE]);
    let mut small = execute(trees(1, 1, 8, 8), (8, 8), &[Op::Account(0, 1), Op::Pool(0, 1)]).with_spare(1, 1, 0);
    small.state.accounts[0].used = false;
    small.only(&[BALANCE]);
}

#[test]
fn an_access_that_counts_for_nothing_is_another_statement() {
    let honest = base();
    let mut small = honest.clone();
    small.slots[1].account_access().active = false;
    // Everything follows: the account has the first write only.
    small.state.accounts[0].after = after_account(&account(3), fr(5), true);
    small.state.accounts[0].last = fr(1);
    reopen(&mut small);
    small.only(&[]);
    assert_ne!(small.statement(), honest.statement());
    let (system, mut z) = small.circuit(Mode::Record, honest.statement(), Variant::default()).into_parts();
    assert_eq!(rules(&system, &z), [STATEMENT].into());
    z[1] = small.statement();
    // And the public input is part of the challenge.
    assert_ne!(rules(&system, &z), [].into());
}

#[test]
fn padding_that_counts_has_to_balance() {
    let mut small = mixed();
    small.slots[4].account_access().active = true;
    small.only(&[BALANCE]);
    small.slots[4].account_access().index = fr(3);
    small.only(&[BALANCE]);
    let mut small = mixed();
    let cell = small.state.accounts.last_mut().unwrap();
    assert!(!std::mem::replace(&mut cell.used, true));
    small.only(&[BALANCE]);
    let mut small = mixed();
    small.state.nodes.last_mut().unwrap().used = true;
    small.only(&[BALANCE]);
}

/// Production without consumption: the shares of two records are set to zero, so that the sum is zero, and nothing but their own rows objects.
#[test]
fn one_side_only() {
    let mut small = base();
    // The first access makes what it likes of the account; what it reads is not produced by anybody, and the cell's first record is consumed by nobody.
    let mut rich = account(3);
    rich[4] += fr(1 << 40);
    read(&mut small, 0, Fr::zero(), rich);
    let now = after_account(&rich, fr(5), true);
    read(&mut small, 1, Fr::zero(), now);
    small.state.accounts[0].after = after_account(&now, fr(7), true);
    reopen(&mut small);
    small.only(&[BALANCE]);
    let (system, mut z) = small.proven();
    let rows: Vec<usize> = (0..system.matrices.rows()).filter(|row| system.rule(*row) == CONTRIBUTION).collect();
    let share = |row: usize| system.matrices.row(1, row)[0].1;
    // In the region of a group what is produced stands before what is consumed.
    let of = |region: &str, nth: usize| {
        *rows.iter().filter(|row| system.region(**row) == region).nth(nth).unwrap_or_else(|| panic!("{region}"))
    };
    for row in [of("balance / access 1", 1), of("balance / account cell 0", 0)] {
        z[share(row)] = Fr::zero();
    }
    assert_eq!(rules(&system, &z), [CONTRIBUTION].into());
}

#[test]
fn a_cell_has_the_index_of_a_leaf() {
    let mut small = base();
    small.state.accounts[2].index = fr(1 << 30);
    small.only(&[INDEX]);
    small.state.accounts[2].index = -fr(1);
    small.only(&[INDEX]);
}
