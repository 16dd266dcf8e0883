//! What is measured: batches that fill a shape, the reference circuit, points and scalars; and medians.

use std::time::Instant;

use ark_bn254::Fr;
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use tapstone_circuits::cs::{Cs, INSTANCE_WIRES, Mode, Num, poseidon};
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};

/// Shapes of batch circuits by their size: rows as a power of two.
pub const SHAPES: [(u32, &str); 3] = [(16, "tiny"), (18, "small"), (20, "mixed-20")];

/// Seconds that a closure takes.
pub fn seconds<T>(run: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(run());
    start.elapsed().as_secs_f64()
}

/// The median; 0 of nothing.
pub fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A batch of a shape with as many random transactions of all kinds as two tries a slot give.
pub fn full_batch(shape: &Shape) -> Executed {
    let mut world = World::populated(shape.clone(), 6);
    world.fill_at_random(&mut SplitMix::new(1), 2 * shape.slots.len());
    world.apply().expect("each transaction was tried before it was kept")
}

/// A batch of transfers between accounts that lie all over the tree, as many as the shape has slots for two.
pub fn crowded(accounts: u32) -> World {
    let shape = Shape::registered("transfers-20").expect("the shape is registered");
    let mut world = World::populated(shape, 8);
    world.crowd(accounts);
    world.with_fee(1, 1);
    for slot in 0..39u32 {
        let to = 8 + (u64::from(slot) * 2_654_435_761 % u64::from(accounts - 8)) as u32;
        world.transfer(slot % 8, to, 1, 5);
    }
    world
}

/// Points in an arithmetic progression: as good as any for a multi-scalar multiplication, and quickly made.
pub fn progression<G: CurveGroup>(count: usize) -> Vec<G::Affine> {
    let mut rng = StdRng::seed_from_u64(2);
    let (mut point, step) = (G::rand(&mut rng), G::rand(&mut rng));
    let list: Vec<G> = (0..count)
        .map(|_| {
            point += step;
            point
        })
        .collect();
    G::normalize_batch(&list)
}

/// Random scalars.
pub fn scalars(count: usize) -> Vec<Fr> {
    let mut rng = StdRng::seed_from_u64(3);
    (0..count).map(|_| Fr::rand(&mut rng)).collect()
}

/// The reference circuit: steps up a Merkle tree of Poseidon hashes, each with a range check of 64 bits, about half of the wires
/// boolean; `2^log_rows` points of the domain are used up exactly. The public input is the root.
pub fn reference(mode: Mode, log_rows: u32) -> Cs {
    let mut one = Cs::new(Mode::Record, Fr::ZERO);
    let leaf = one.witness(Fr::from(1u64));
    step(&mut one, &leaf, 0);
    // The last row is the public input's.
    let rows = (1usize << log_rows) - INSTANCE_WIRES - 1;
    let (steps, fillers) = (rows / one.rows(), rows % one.rows());
    let climb = |mode, root| {
        let mut cs = Cs::new(mode, root);
        let mut node = cs.witness(Fr::from(7u64));
        for i in 0..steps {
            node = step(&mut cs, &node, i as u64);
        }
        for _ in 0..fillers {
            node = cs.mul("filler", &node, &node);
        }
        let public = cs.public();
        cs.enforce("the public input is the root", &node, &Num::one(), &public);
        (cs, node.value())
    };
    let (_, root) = climb(Mode::Witness, Fr::ZERO);
    climb(mode, root).0
}

fn step(cs: &mut Cs, node: &Num, i: u64) -> Num {
    let bit = cs.bit("bit", i.is_multiple_of(3));
    let mut mixed = SplitMix::new(i);
    let sibling = cs.witness(Fr::from(mixed.next_u64()) * Fr::from(u64::MAX).square());
    let left = cs.select("left", &bit, &sibling, node);
    let right = &(node + &sibling) - &left;
    for _ in 0..4 {
        let amount = cs.witness(Fr::from(mixed.next_u64()));
        cs.enforce_range("64 bits", &amount, 64);
    }
    poseidon::hash(cs, &[left, right])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_circuit_fills_its_domain_half_with_booleans() {
        let (system, values) = reference(Mode::Record, 12).into_parts();
        assert_eq!(system.matrices.rows() + INSTANCE_WIRES, 1 << 12);
        assert!(system.is_satisfied(&values));
        assert_eq!(reference(Mode::Witness, 12).values(), values);
        let booleans = values.iter().filter(|v| **v == Fr::ZERO || **v == Fr::ONE).count();
        assert!((values.len() * 2 / 5..values.len() * 3 / 5).contains(&booleans), "{booleans} of {}", values.len());
    }
}
