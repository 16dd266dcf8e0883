//! Honest batches have a witness, and the native side is the circuit's.

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_circuits::cs::Mode;
use tapstone_circuits::memory::cell::{Cell, Contents};
use tapstone_circuits::memory::record::{Record, sum};
use tapstone_circuits::memory::transcript::{Challenge, Role, absorb, pack};
use tapstone_circuits::tree::Tree;

use crate::small::{Op, Slot, Small, Variant, after_account, execute, fr, mixed, trees};

#[test]
fn honest_batches_have_a_witness() {
    mixed().only(&[]);
    // No pool is touched; the deepest trees; a leaf that holds nothing.
    execute(trees(3, 2, 9, 1), (9, 1), &[Op::Account(0, 1)]).with_spare(0, 1, 0).only(&[]);
    let far = (1 << 30) - 1;
    let ops = [Op::Account(far, 1), Op::Account(7, 2), Op::Pool((1 << 27) - 1, 3), Op::Account(far, 4)];
    execute(trees(10, 9, 9, 1), (9, 1), &ops).only(&[]);
    execute(trees(1, 9, 8, 1), (8, 1), &[Op::Account(7, 1), Op::Pool(5, 2)]).only(&[]);
}

/// The root after a batch is that of the tree with all writes done.
#[test]
fn the_root_follows_from_the_accesses() {
    let small = mixed();
    let mut accounts: Tree = small.trees.account.clone();
    let mut pools = small.trees.pool.clone();
    for slot in &small.slots {
        match slot {
            Slot::Account { access, added } if access.active => {
                let leaf = after_account(&access.read, *added, true).leaf_hash();
                accounts.set(index(access.index), leaf);
            }
            Slot::Pool { access, added } if access.active => {
                let mut now = access.read;
                now.reserve0 += added;
                pools.set(index(access.index), now.contents().leaf_hash());
            }
            _ => {}
        }
    }
    assert_eq!((accounts.root(), pools.root()), (small.state.after.account, small.state.after.pool));
    assert_ne!(small.state.before, small.state.after);
}

fn index(x: Fr) -> u32 {
    (0..100).find(|i| Fr::from(*i) == x).unwrap()
}

/// The shape of what is recorded does not depend on the witness, and values alone are those of the recording.
#[test]
fn the_circuit_depends_on_the_room_alone() {
    let small = mixed();
    let mut other = small.clone();
    other.slots.iter_mut().for_each(|slot| match slot {
        Slot::Account { access, added } => (access.active, *added, access.gap) = (!access.active, fr(9), fr(1 << 40)),
        Slot::Pool { access, .. } => access.read.fee = -fr(1),
    });
    for cell in &mut other.state.accounts {
        *cell = Cell::padding([Fr::zero(); 8]);
    }
    let digest = |small: &Small| {
        let mut bytes = Vec::new();
        let (system, z) = small.circuit(Mode::Record, fr(5), Variant::default()).into_parts();
        system.matrices.feed(|chunk| bytes.extend_from_slice(chunk));
        assert_eq!(small.circuit(Mode::Witness, fr(5), Variant::default()).into_values(), z);
        bytes
    };
    assert!(digest(&small) == digest(&other));
}

/// Absorption, challenge and sum, computed from the text of MEMORY.md alone.
#[test]
fn the_transcript_is_the_text() {
    let small = mixed();
    let w = small.room.time_bits;
    assert_eq!(w, 4);
    let mut elements: Vec<Fr> = Vec::new();
    for slot in &small.slots {
        match slot {
            Slot::Account { access, .. } => {
                elements.push(pack(&[(access.index, 30), (access.gap, w), (Fr::from(access.active), 1)]));
                elements.extend(access.read);
            }
            Slot::Pool { access, .. } => {
                let p = &access.read;
                let parts = [(access.index, 29), (access.gap, w), (p.token0, 29), (p.token1, 29), (p.fee, 14)];
                elements.push(pack(&[&parts[..], &[(Fr::from(access.active), 1)]].concat()));
                elements.extend([p.reserve0, p.reserve1, p.supply]);
            }
        }
    }
    let state = &small.state;
    // 253 / (30 + 4 + 1) = 7 cells of accounts to an element; 253 / 38 = 6 nodes.
    for cells in state.accounts.chunks(7) {
        let parts = cells.iter().flat_map(|c| [(c.index, 30), (c.last, w), (Fr::from(c.used), 1)]);
        elements.push(pack(&parts.collect::<Vec<_>>()));
        elements.extend(cells.iter().flat_map(|c| [c.before.leaf_hash(), c.after.leaf_hash()]));
    }
    for cells in state.pools.chunks(7) {
        let parts = cells.iter().flat_map(|c| [(c.index, 29), (c.last, w), (Fr::from(c.used), 1)]);
        elements.push(pack(&parts.collect::<Vec<_>>()));
        elements.extend(cells.iter().flat_map(|c| [c.before.leaf_hash(), c.after.leaf_hash(), c.after.reserve0]));
    }
    for nodes in state.nodes.chunks(6) {
        let parts = nodes.iter().flat_map(|n| {
            let own = [(n.id - fr(1), 29), (Fr::from(n.used), 1)];
            own.into_iter().chain(n.touched.map(|t| (Fr::from(t), 1)))
        });
        elements.push(pack(&parts.collect::<Vec<_>>()));
        let hash = tapstone_verifier::poseidon::hash;
        elements.extend(nodes.iter().flat_map(|n| [hash(&n.before), hash(&n.after)]));
    }
    elements.push(Fr::from(state.pools_touched));
    let h = absorb(Role::Closed, &elements);
    let challenge = Challenge::closed(h, small.statement());
    let cs = small.circuit(Mode::Record, small.statement(), Variant::default());
    for value in [h, challenge.gamma, challenge.alpha] {
        assert!(cs.values().contains(&value));
    }
    // One element more or less is another challenge.
    let forgotten = small.circuit(Mode::Record, small.statement(), Variant { forgotten: Some(0), ..Variant::default() });
    assert!(!forgotten.values().contains(&challenge.gamma));

    // The sum is that of the records; each value counts in the circuit.
    let (produced, consumed): (Vec<Record>, Vec<Record>) = small.state.records(&small.room);
    assert!(!sum(&challenge, &produced, &consumed).unwrap().is_zero());
    assert_eq!(small.balance(), Ok(()));
    for record in produced.iter().chain(&consumed) {
        let share = sum(&challenge, [record], []).unwrap();
        assert!(cs.values().contains(&share), "{record:?}");
    }
}
