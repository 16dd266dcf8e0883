//! Step 1 of the argument, by the audit's own means: with the sum left out, nothing given, and nothing assumed of what was read, what is absorbed and the public input
//! fix every wire that the witness chooses, and with them every record and every multiplicity.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::audit::binding::bound;
use tapstone_circuits::audit::bounds::Bounds;
use tapstone_circuits::audit::rows::Rows;
use tapstone_circuits::cs::{Cs, Mode, Num, System, poseidon};
use tapstone_circuits::memory::transcript::constraints::{Absorbed, Narrow};
use tapstone_circuits::testing::SplitMix;
use tapstone_verifier::poseidon::hash;

use crate::small::{Op, Slot, Small, Variant, execute, fr, mixed, rules, trees};

/// The circuit up to the absorption, over what was absorbed.
fn up_to_the_absorption(small: &Small, forgotten: Option<usize>) -> (System, Vec<Fr>) {
    let variant = Variant { forgotten, without_balance: true };
    let (system, mut z) = small.circuit(Mode::Record, Fr::zero(), variant).into_parts();
    // The public input is a hash of two elements, which the last but one row makes; its row has it with the public input.
    let last = system.matrices.rows() - 1;
    let [difference, ..] = system.matrices.evaluate(last, &z);
    z[1] += difference;
    (system, z)
}

/// The kinds of chosen wires that are not bound, and how many.
fn free(system: &System, z: &[Fr]) -> BTreeMap<&'static str, usize> {
    let rows = Rows::new(system);
    let bounds = Bounds::new(&rows);
    let found = bound(&rows, &bounds, z);
    assert_eq!(found.wrong, [0; 0]);
    let names: BTreeMap<u32, &'static str> = system.marks().chosen().iter().copied().collect();
    let mut kinds = BTreeMap::new();
    for wire in found.free {
        *kinds.entry(names[&wire]).or_default() += 1;
    }
    kinds
}

/// Batches whose reads, leaves and nodes are anything: all rows but the balance hold.
fn worlds() -> Vec<Small> {
    let quiet = [
        Op::Account(3, 5),
        Op::NoPool,
        Op::NoAccount,
        Op::NoAccount,
        Op::NoAccount,
        Op::NoPool,
        Op::NoPool,
        Op::Account(3, 1),
    ];
    let mixed = mixed();
    let mut quiet = execute(trees(2, 1, 20, 3), (20, 3), &quiet);
    quiet.room = mixed.room;
    quiet.state.fill(&mixed.room);
    let mut wild = mixed.clone();
    let mut rng = SplitMix::new(7);
    let mut any =
        || Fr::from(rng.next_u64()) * Fr::from(rng.next_u64()) * Fr::from(rng.next_u64()) * Fr::from(rng.next_u64());
    for slot in &mut wild.slots {
        match slot {
            Slot::Account { access, .. } => access.read = std::array::from_fn(|_| any()),
            Slot::Pool { access, .. } => (access.read.reserve1, access.read.supply) = (any(), any()),
        }
    }
    for cell in &mut wild.state.accounts {
        (cell.before, cell.after) = (std::array::from_fn(|_| any()), std::array::from_fn(|_| any()));
    }
    for cell in &mut wild.state.pools {
        cell.after.reserve0 = any();
        cell.after.reserve1 = any();
        cell.before.supply = any();
    }
    for node in &mut wild.state.nodes {
        node.before = std::array::from_fn(|_| any());
        let after: [Fr; 8] = std::array::from_fn(|_| any());
        node.after = std::array::from_fn(|i| if node.touched[i] { after[i] } else { node.before[i] });
    }
    // All elements alike, and all of them zero.
    let mut alike = mixed.clone();
    let mut zeros = mixed.clone();
    for (small, x) in [(&mut alike, Fr::one()), (&mut zeros, Fr::zero())] {
        for slot in &mut small.slots {
            match slot {
                Slot::Account { access, .. } => access.read = [x; 8],
                Slot::Pool { access, .. } => (access.read.token0, access.read.token1, access.read.fee) = (x, x, x),
            }
        }
        for cell in &mut small.state.accounts {
            (cell.before, cell.after) = ([x; 8], [x; 8]);
        }
        for node in &mut small.state.nodes {
            (node.before, node.after) = ([x; 8], [x; 8]);
        }
    }
    // Nothing requires an order: of a node that touches nothing one hash gives the other, so each slot has one that does in some batch.
    let mut reversed = mixed.clone();
    reversed.state.nodes.reverse();
    reversed.state.accounts.reverse();
    reversed.state.pools.reverse();
    vec![mixed, quiet, wild, alike, zeros, reversed]
}

#[test]
fn everything_is_fixed_before_the_challenge() {
    for (i, small) in worlds().iter().enumerate() {
        let (system, z) = up_to_the_absorption(small, None);
        assert_eq!(rules(&system, &z), BTreeSet::new(), "world {i}");
        assert_eq!(free(&system, &z), BTreeMap::new(), "world {i}");
    }
}

/// Each absorbed element is needed: without it something is free in one of the batches.
#[test]
fn every_absorbed_element_is_needed() {
    let worlds = worlds();
    let small = &worlds[0];
    let elements = {
        let accesses: usize = small.slots.iter().map(|s| if matches!(s, Slot::Account { .. }) { 9 } else { 4 }).sum();
        let state = &small.state;
        let cells = 1 + 2 * state.accounts.len() + 1 + 3 * state.pools.len();
        accesses + cells + state.nodes.len().div_ceil(6) + 2 * state.nodes.len() + 1
    };
    for element in 0..elements {
        let noticed = worlds.iter().any(|small| {
            let (system, z) = up_to_the_absorption(small, Some(element));
            !free(&system, &z).is_empty()
        });
        assert!(noticed, "element {element} of {elements}");
    }
}

/// A part that is one bit wider than the packing has room for has two readings.
#[test]
fn a_wider_part_is_noticed() {
    for (wide, bits) in [(8, 8), (9, 8)] {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let first = cs.chosen("first", fr(5));
        cs.enforce_range("range", &first, wide);
        let second = Narrow::chosen(&mut cs, "range", "second", fr(9), 4);
        let mut absorbed = Absorbed::default();
        absorbed.packed([&Narrow::shown_elsewhere(first, bits), &second]);
        let h = poseidon::hash(&mut cs, absorbed.elements());
        let public = cs.public();
        cs.enforce("public", &(&h - &public), &Num::one(), &Num::zero());
        let (system, mut z) = cs.into_parts();
        z[1] = hash(&[fr(5 + 9 * 256)]);
        assert_eq!(rules(&system, &z), BTreeSet::new());
        assert_eq!(free(&system, &z).is_empty(), wide == bits);
    }
}
