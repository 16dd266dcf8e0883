//! An arity-8 Merkle path, before and after one leaf changes, in 804 rows a level.
//!
//! The eight children of the node *before* are witness; the position bits pick one of them, which must be the node below. The node
//! *after* is not written out again: its first layer of S-boxes is that of the node before, but for the place that
//! changes. So both nodes have the same siblings by construction, and no rule has to say so.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::cs::{Cs, Num, poseidon};

const POSITION: &str = "the position picks the node below among the children";
const UPDATE: &str = "only the child at the position changes";

/// Children of one node before the update.
pub type Children = [Fr; 8];

/// The roots before and after `old` at a position becomes `new`.
///
/// `bits` are the position's bits, lowest first, already boolean, three for each of the levels in `children` (bottom up). `children` are
/// free witness; that `before` is the right root is for the caller to say.
pub fn update(cs: &mut Cs, bits: &[Num], children: &[Children], old: &Num, new: &Num) -> (Num, Num) {
    assert_eq!(bits.len(), 3 * children.len(), "three position bits a level");
    let (mut before, mut after) = (old.clone(), new.clone());
    // The assertion above: nothing is left over.
    let (levels, _) = bits.as_chunks::<3>();
    for (bits, children) in levels.iter().zip(children) {
        (before, after) = level(cs, bits, children, &before, &after);
    }
    (before, after)
}

fn level(cs: &mut Cs, bits: &[Num; 3], children: &Children, old: &Num, new: &Num) -> (Num, Num) {
    let children: Vec<Num> = children.iter().map(|c| cs.chosen("sibling", *c)).collect();
    pick(cs, bits, &children, old);
    let layer = poseidon::first_layer(cs, &children);
    let before = poseidon::finish(cs, &layer);
    cs.mark_inputs(&children, &before);

    // The round constant at the position, as a polynomial in its bits.
    let mut constants = [Fr::zero(); 8];
    constants.copy_from_slice(poseidon::first_constants(8));
    let monomials = cs.monomials(UPDATE, bits);
    let constant = Num::interpolate(&monomials, &constants);
    let old5 = cs.pow5(UPDATE, &(old + &constant));
    let new5 = cs.pow5(UPDATE, &(new + &constant));
    let changes = spread(cs, bits, &(&new5 - &old5));
    let layer: Vec<Num> = layer.iter().zip(&changes).map(|(y, change)| y + change).collect();
    let after = poseidon::finish(cs, &layer);
    (before, after)
}

/// Enforces `children[position] = picked`; 7 rows, bits on the B side.
pub(crate) fn pick(cs: &mut Cs, bits: &[Num], children: &[Num], picked: &Num) {
    let mut layer = children.to_vec();
    for bit in &bits[..2] {
        layer = layer.chunks(2).map(|pair| cs.select(POSITION, bit, &pair[1], &pair[0])).collect();
    }
    cs.enforce(POSITION, &(&layer[1] - &layer[0]), &bits[2], &(picked - &layer[0]));
}

/// Eight values, `x` at the position and 0 elsewhere; 7 rows.
pub(crate) fn spread(cs: &mut Cs, bits: &[Num], x: &Num) -> Vec<Num> {
    let mut layer = vec![x.clone()];
    for bit in bits.iter().rev() {
        layer = layer
            .iter()
            .flat_map(|x| {
                let set = cs.mul(UPDATE, x, bit);
                [x - &set, set]
            })
            .collect();
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cs::Mode;
    use ark_ff::One;
    use tapstone_verifier::poseidon::hash;

    fn naive(children: &[Children], position: usize, leaf: Fr) -> Fr {
        let mut node = leaf;
        for (level, children) in children.iter().enumerate() {
            let mut children = *children;
            children[(position >> (3 * level)) & 7] = node;
            node = hash(&children);
        }
        node
    }

    #[test]
    fn both_roots_are_those_of_the_tree_and_rows_are_as_stated() {
        for position in [0usize, 1, 7, 8, 27, 63] {
            let old = Fr::from(99u64);
            let mut children = [[Fr::zero(); 8]; 2];
            for (i, c) in children.iter_mut().flatten().enumerate() {
                *c = Fr::from(1000 + i as u64);
            }
            children[0][position & 7] = old;
            children[1][position >> 3] = hash(&children[0]);
            let mut cs = Cs::new(Mode::Record, Fr::zero());
            let bits: Vec<Num> = (0..6).map(|i| cs.bit("bit", (position >> i) & 1 == 1)).collect();
            let (o, n) = (cs.witness(old), cs.witness(Fr::from(5u64)));
            let start = cs.rows();
            let (before, after) = update(&mut cs, &bits, &children, &o, &n);
            assert_eq!(cs.rows() - start, 2 * 804);
            assert_eq!(before.value(), naive(&children, position, old));
            assert_eq!(after.value(), naive(&children, position, Fr::from(5u64)));
            let (system, z) = cs.into_parts();
            assert_eq!(system.violations(&z, 1), []);
        }
    }

    #[test]
    fn a_leaf_that_is_not_at_the_position_is_refused() {
        let mut children = [[Fr::zero(); 8]; 1];
        children[0][3] = Fr::from(99u64);
        for (position, ok) in [(3usize, true), (2, false), (7, false)] {
            let mut cs = Cs::new(Mode::Record, Fr::zero());
            let bits: Vec<Num> = (0..3).map(|i| cs.bit("bit", (position >> i) & 1 == 1)).collect();
            let (o, n) = (cs.witness(Fr::from(99u64)), cs.witness(Fr::one()));
            update(&mut cs, &bits, &children, &o, &n);
            let (system, z) = cs.into_parts();
            assert_eq!(system.is_satisfied(&z), ok);
            assert!(ok || system.violations(&z, 1)[0].rule == POSITION);
        }
    }
}
