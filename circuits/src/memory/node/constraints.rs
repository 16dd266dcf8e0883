//! A node slot in the circuit: 976 rows, absorption included.
//!
//! It produces its record (id, hash before, hash after) and consumes one for each touched child; a child that is not touched keeps its value. A slot that is
//! not used touches no child, else it would swallow a record and answer for none.
//!
//! The id less 1 is shown to have 29 bits: so it is not 0, of which 0 is a child, and it is not a leaf's; and as ids of children, about eight times as large, do not
//! wrap, no chain of them comes round modulo the field's order.
//!
//! Absorbed are id, mark and touched children, six slots to an element, and both hashes, which fix all children.

use ark_bn254::Fr;

use super::{ID_BITS, Node, TreeKind, root_id};
use crate::cs::{Cs, Num, poseidon};
use crate::memory::record::constraints::{Fingerprint, Group};
use crate::memory::record::tag;
use crate::memory::transcript::PACKED_BITS;
use crate::memory::transcript::constraints::{Absorbed, ChallengeVar, Narrow};
use crate::tree::ARITY;

/// The id is one of a node.
pub const ID: &str = "a node's id is one of a node";
/// The mark is a boolean.
pub const USED: &str = "a node is used or padding";
/// The marks of the children are booleans.
pub const TOUCHED: &str = "a child is touched or not";
/// Padding touches nothing.
pub const IDLE: &str = "a node that is not used touches no child";
/// Untouched children keep their value.
pub const KEPT: &str = "a child that is not touched keeps its value";
/// The mark of a tree is a boolean.
pub const TREE: &str = "a tree is touched or not";
/// An untouched tree keeps its root.
pub const ROOT: &str = "a tree that is not touched keeps its root";

/// A node slot, ready to be absorbed and balanced.
#[derive(Clone, Debug)]
pub struct NodeVar {
    number: usize,
    /// Id less 1, mark, marks of the children.
    parts: Vec<Narrow>,
    hashes: [Num; 2],
    before: Vec<Num>,
    after: Vec<Num>,
}

impl NodeVar {
    /// Witnesses a node; `number` names it in messages.
    pub fn new(cs: &mut Cs, number: usize, node: &Node) -> Self {
        let below = cs.chosen("id of a node, less 1", node.id - Fr::from(1u64));
        let mut parts = vec![Narrow::range(cs, ID, below, ID_BITS), Narrow::bit(cs, USED, "mark of a node", node.used)];
        parts.extend(node.touched.map(|touched| Narrow::bit(cs, TOUCHED, "mark of a child", touched)));
        // A sum of eight booleans is 0 only if all are.
        let touched = Num::sum(parts[2..].iter().map(Narrow::num));
        cs.enforce(IDLE, &touched, &parts[1].num().not(), &Num::zero());
        let [before, after] = [&node.before, &node.after].map(|family| family.map(|x| cs.chosen("child", x)).to_vec());
        for ((before, after), touched) in before.iter().zip(&after).zip(&parts[2..]) {
            cs.enforce(KEPT, &(after - before), &touched.num().not(), &Num::zero());
        }
        let hashes = [&before, &after].map(|family| poseidon::hash(cs, family));
        Self { number, parts, hashes, before, after }
    }

    /// The node's record, and for each child the one that is consumed if it is touched.
    pub fn groups(&self, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group> {
        let one = Fingerprint::term(cs, challenge, 1, &Num::one());
        let id = &Fingerprint::term(cs, challenge, 1, self.parts[0].num()) + &one;
        let own = Fingerprint::of_tag(tag::NODE).with_term(&id).with_all(cs, challenge, &self.hashes);
        let place = ("node", self.number);
        let multiplicity = self.parts[1].num().clone();
        let mut groups = vec![Group { place, multiplicity, produced: vec![own], consumed: Vec::new() }];
        for j in 0..ARITY {
            let child = id.scale(Fr::from(ARITY as u64)).add_scaled(&one, Fr::from(j as u64));
            let record = Fingerprint::of_tag(tag::NODE).with_term(&child);
            let record = record.with_all(cs, challenge, [&self.before[j], &self.after[j]]);
            let multiplicity = self.parts[2 + j].num().clone();
            groups.push(Group { place, multiplicity, produced: Vec::new(), consumed: vec![record] });
        }
        groups
    }
}

/// Absorbs node slots: id less 1, mark and marks of the children of as many as fit into an element, then the hashes of each; and so on.
pub fn absorb_nodes(nodes: &[NodeVar], absorbed: &mut Absorbed) {
    let together = PACKED_BITS / (ID_BITS + 1 + ARITY);
    for nodes in nodes.chunks(together) {
        absorbed.packed(nodes.iter().flat_map(|node| &node.parts));
        nodes.iter().flat_map(|node| &node.hashes).for_each(|hash| absorbed.element(hash));
    }
}

/// A tree's roots before and after the batch: consumed as one record if the tree is touched, the same if not.
#[derive(Clone, Debug)]
pub struct RootVar {
    tree: TreeKind,
    depth: u8,
    touched: Num,
    before: Num,
    after: Num,
}

impl RootVar {
    /// The tree of accounts, which every batch touches: it ends with an access to the operator's.
    pub fn accounts(depth: u8, before: &Num, after: &Num) -> Self {
        Self { tree: TreeKind::Account, depth, touched: Num::one(), before: before.clone(), after: after.clone() }
    }

    /// The tree of pools; `touched` is a boolean that is absorbed.
    pub fn pools(cs: &mut Cs, depth: u8, touched: &Narrow, before: &Num, after: &Num) -> Self {
        let touched = touched.num().clone();
        cs.enforce(ROOT, &(after - before), &touched.not(), &Num::zero());
        Self { tree: TreeKind::Pool, depth, touched, before: before.clone(), after: after.clone() }
    }

    /// The record.
    pub fn group(&self, cs: &mut Cs, challenge: &ChallengeVar) -> Group {
        let id = Num::from(root_id(self.tree, self.depth));
        let roots = [&self.before, &self.after];
        let record = Fingerprint::of_tag(tag::NODE).with(cs, challenge, &id).with_all(cs, challenge, roots);
        let place = ("root", self.tree.digit() as usize);
        Group { place, multiplicity: self.touched.clone(), produced: Vec::new(), consumed: vec![record] }
    }
}
