//! What a prover can do who knows the challenge before everything is absorbed: the attack that absorption is there for.
//!
//! Of an account or pool that is accessed once, the access reads something else than the state has, and the state afterwards is what the forger likes. Of what is read
//! one element is not absorbed: it is solved for, so that the sum is zero. With `u` the challenge less the fingerprint of what is read, and `d` the difference of
//! the two fingerprints, `1 / (u - d) - 1 / u = T` is a quadratic equation: every second attempt has a solution.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{Field, Zero};
use tapstone_circuits::cs::Mode;
use tapstone_circuits::memory::cell::Contents;
use tapstone_circuits::memory::node::TreeKind;
use tapstone_circuits::memory::record::constraints::BALANCE;
use tapstone_circuits::memory::record::{Record, sum};

use crate::small::{Op, Slot, Small, Variant, execute, fr, rules, touched, trees};

fn base() -> Small {
    execute(trees(1, 1, 8, 8), (8, 8), &[Op::Account(3, 5), Op::Pool(2, 7)])
}

/// Sets what the one cell of a tree holds afterwards, with the tree above it.
fn reopen(small: &mut Small) {
    let account = small.state.accounts[0].after.leaf_hash();
    let pool = small.state.pools[0].after.leaf_hash();
    let accounts = touched(&small.trees.account, TreeKind::Account, &BTreeMap::from([(3, account)]));
    let pools = touched(&small.trees.pool, TreeKind::Pool, &BTreeMap::from([(2, pool)]));
    (small.state.after.account, small.state.after.pool) = (accounts.root, pools.root);
    small.state.nodes = [accounts.nodes, pools.nodes].concat();
}

/// The records of a slot's access: produced and consumed.
fn both(small: &Small, slot: usize) -> [Record; 2] {
    let time = fr(slot as u64 + 1);
    match &small.slots[slot] {
        Slot::Account { access, added } => {
            let now = crate::small::after_account(&access.read, *added, true);
            [now.record(access.index, time), access.read.record(access.index, Fr::zero())]
        }
        Slot::Pool { access, added } => {
            let had = access.read.contents();
            let mut now = had;
            now.reserve0 += added;
            [now.record(access.index, time), had.record(access.index, Fr::zero())]
        }
    }
}

/// The element of a slot that is read, by its place among those that are absorbed alone, and the power of alpha that it has.
fn element(small: &mut Small, slot: usize, which: usize) -> (&mut Fr, u64) {
    match &mut small.slots[slot] {
        Slot::Account { access, .. } => (&mut access.read[which], 3 + which as u64),
        Slot::Pool { access, .. } => {
            let read = &mut access.read;
            let all = [&mut read.reserve0, &mut read.reserve1, &mut read.supply];
            (all.into_iter().nth(which).unwrap(), 4 + which as u64)
        }
    }
}

/// Tries to have the state say something else; whether the circuit accepts it.
fn forge(slot: usize, which: usize, place: usize, attempt: u64) -> Option<()> {
    let variant = Variant { forgotten: Some(place), ..Variant::default() };
    let mut small = base();
    // What the forger wants: an account that is rich, a pool with another supply.
    small.room.time_bits = 2;
    small.slots[slot].gap(fr(slot as u64));
    if slot == 0 {
        small.state.accounts[0].after[7] = fr((1 << 50) + attempt);
    } else {
        small.state.pools[0].after.supply = fr((1 << 50) + attempt);
    }
    reopen(&mut small);
    let challenge = small.challenge(variant);
    // What the others sum up to.
    let (produced, consumed) = small.state.records(&small.room);
    let [makes, takes] = both(&small, 1 - slot);
    let rest = sum(&challenge, produced.iter().chain([&makes]), consumed.iter().chain([&takes])).unwrap();
    let wanted = -rest;
    let [makes, takes] = both(&small, slot);
    let d = makes.fingerprint(challenge.alpha) - takes.fingerprint(challenge.alpha);
    // u^2 - d u - d / T = 0.
    let root = (d * d + fr(4) * d * wanted.inverse()?).sqrt()?;
    let u = (d + root) * fr(2).inverse()?;
    let had = takes.fingerprint(challenge.alpha);
    let (x, power) = element(&mut small, slot, which);
    *x += (challenge.gamma - u - had) * challenge.alpha.pow([power]).inverse()?;
    // No record balances, and the circuit that forgot the element accepts.
    assert!(small.balance().is_err());
    assert_eq!(small.challenge(variant), challenge);
    let (system, z) = small.circuit(Mode::Record, small.statement(), variant).into_parts();
    // A pool's slot shows that the reserve it writes is in range, and so does not let it be solved for.
    let broken = rules(&system, &z);
    if slot == 1 && which == 0 {
        assert_eq!(broken, [crate::small::WRITTEN].into());
    } else {
        assert_eq!(broken, [].into());
    }
    // With all elements absorbed it is another challenge.
    assert!(small.broken().contains(BALANCE));
    Some(())
}

impl Slot {
    fn gap(&mut self, gap: Fr) {
        match self {
            Self::Account { access, .. } => access.gap = gap,
            Self::Pool { access, .. } => access.gap = gap,
        }
    }
}

#[test]
fn an_element_that_is_not_absorbed_is_solved_for() {
    // Slot 0 has nine elements, the first one packed; slot 1 four.
    for (slot, first, elements) in [(0, 1, 8), (1, 10, 3)] {
        for which in 0..elements {
            let forged = (0..20).find_map(|attempt| forge(slot, which, first + which, attempt));
            assert!(forged.is_some(), "slot {slot}, element {which}");
        }
    }
}
