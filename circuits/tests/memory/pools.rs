//! Lies about what a pool's elements unpack to.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_circuits::field::two_to_the;
use tapstone_circuits::memory::access::constraints::TOKENS;
use tapstone_circuits::memory::cell::Contents;
use tapstone_circuits::memory::cell::constraints::RESERVES;
use tapstone_circuits::memory::node::TreeKind;
use tapstone_circuits::memory::record::constraints::BALANCE;

use crate::small::{Op, Slot, Small, WRITTEN, execute, fr, touched, trees};

fn base() -> Small {
    execute(trees(1, 1, 8, 2), (8, 2), &[Op::Account(0, 1), Op::Pool(0, 5), Op::Pool(0, 6)])
}

/// The packed element is the same, so that no record differs: at every access the ranges are all that objects.
#[test]
fn tokens_and_fee_have_one_reading_at_every_access() {
    for slot in [1, 2] {
        for (token0, token1, fee) in [
            (two_to_the(30), -fr(1), Fr::zero()),
            (-two_to_the(30), fr(1), Fr::zero()),
            (Fr::zero(), two_to_the(30), -fr(1)),
            (Fr::zero(), -two_to_the(30), fr(1)),
            (two_to_the(60), Fr::zero(), -fr(1)),
        ] {
            let mut small = base();
            let read = &mut small.slots[slot].pool_access().read;
            read.token0 += token0;
            read.token1 += token1;
            read.fee += fee;
            small.only(&[TOKENS]);
        }
        // A pool of tokens 10 and 20 pays out token 1: the fee is solved for.
        let mut small = base();
        let read = &mut small.slots[slot].pool_access().read;
        let inverse = ark_ff::Field::inverse(&two_to_the(60)).unwrap();
        read.fee += (read.token0 - fr(1)) * inverse;
        read.token0 = fr(1);
        small.only(&[TOKENS]);
    }
}

/// Reserves that the state has in one element, read otherwise: one more of reserve1 is worth 2^126 of reserve0.
#[test]
fn reserves_before_have_one_reading() {
    for (reserve0, reserve1) in [(two_to_the(126), -fr(1)), (-two_to_the(126), fr(1))] {
        let mut small = base();
        let cell = &mut small.state.pools[0];
        for contents in [&mut cell.before, &mut cell.after] {
            contents.reserve0 += reserve0;
            contents.reserve1 += reserve1;
        }
        for slot in [1, 2] {
            let read = &mut small.slots[slot].pool_access().read;
            read.reserve0 += reserve0;
            read.reserve1 += reserve1;
        }
        // The slots' own range would object to what they write.
        small.only(&[RESERVES, WRITTEN]);
        // If the first access brings reserve0 back into its range, nothing else objects, and a unit of reserve1 is gone or made.
        let Slot::Pool { added, .. } = &mut small.slots[1] else { panic!("a pool's slot") };
        *added -= reserve0;
        small.slots[2].pool_access().read.reserve0 -= reserve0;
        small.state.pools[0].after.reserve0 -= reserve0;
        let leaf = small.state.pools[0].after.leaf_hash();
        let opened = touched(&small.trees.pool, TreeKind::Pool, &BTreeMap::from([(0, leaf)]));
        small.state.after.pool = opened.root;
        small.state.nodes.truncate(1);
        small.state.nodes.extend(opened.nodes);
        small.only(&[RESERVES]);
    }
}

/// Afterwards the leaf's hash is the same as well, but the last access wrote something else.
#[test]
fn reserves_after_are_those_that_were_written() {
    let mut small = base();
    let after = &mut small.state.pools[0].after;
    after.reserve0 += two_to_the(126);
    after.reserve1 -= fr(1);
    small.only(&[BALANCE]);
}

#[test]
fn reads_out_of_range_are_not_what_the_state_has() {
    for change in [-fr(1), two_to_the(96), two_to_the(200)] {
        let mut small = base();
        small.slots[1].pool_access().read.supply += change;
        small.only(&[BALANCE]);
    }
}
