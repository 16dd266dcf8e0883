//! What a batch changes in its state: cells, node slots and roots of both trees, put together.

use ark_bn254::Fr;

use super::cell::constraints::{CellVar, absorb_cells};
use super::cell::{Cell, PoolContents};
use super::node::constraints::{NodeVar, RootVar, TREE, absorb_nodes};
use super::node::{Node, TreeKind, root_id};
use super::record::Record;
use super::record::constraints::Group;
use super::transcript::constraints::{Absorbed, ChallengeVar, Narrow};
use crate::cs::{Cs, Num};

/// How large a state part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Depth of the account tree.
    pub account_depth: u8,
    /// Depth of the pool tree.
    pub pool_depth: u8,
    /// Bits of times.
    pub time_bits: usize,
    /// Cells of accounts.
    pub accounts: usize,
    /// Cells of pools.
    pub pools: usize,
    /// Node slots.
    pub nodes: usize,
}

/// The roots of both trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roots<T> {
    /// Of the accounts.
    pub account: T,
    /// Of the pools.
    pub pool: T,
}

/// Cells and nodes of a batch. Fields are open: what forgers write is tried in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateWitness {
    /// Cells of accounts.
    pub accounts: Vec<Cell<[Fr; 8]>>,
    /// Cells of pools.
    pub pools: Vec<Cell<PoolContents>>,
    /// Nodes of both trees.
    pub nodes: Vec<Node>,
    /// Whether the pool tree is touched.
    pub pools_touched: bool,
    /// Roots before the batch.
    pub before: Roots<Fr>,
    /// Roots after it.
    pub after: Roots<Fr>,
}

impl StateWitness {
    /// Padding alone.
    pub fn padding(room: &Room, roots: Roots<Fr>) -> Self {
        let (accounts, pools, nodes) = (Vec::new(), Vec::new(), Vec::new());
        let mut state = Self { accounts, pools, nodes, pools_touched: false, before: roots, after: roots };
        state.fill(room);
        state
    }

    /// Fills up with padding to what the room has; more than that stays more.
    pub fn fill(&mut self, room: &Room) {
        let fill = |had: usize, needed: usize| needed.max(had);
        self.accounts.resize(fill(self.accounts.len(), room.accounts), Cell::padding([Fr::from(0u64); 8]));
        self.pools.resize(fill(self.pools.len(), room.pools), Cell::padding(PoolContents::default()));
        self.nodes.resize(fill(self.nodes.len(), room.nodes), Node::padding());
    }

    /// All records that count: those that are produced, and those that are consumed.
    pub fn records(&self, room: &Room) -> (Vec<Record>, Vec<Record>) {
        let (mut produced, mut consumed) = (Vec::new(), Vec::new());
        let cells = self.accounts.iter().filter(|cell| cell.used).map(Cell::records);
        for (makes, takes) in cells.chain(self.pools.iter().filter(|cell| cell.used).map(Cell::records)) {
            produced.extend(makes);
            consumed.push(takes);
        }
        for node in &self.nodes {
            let (own, children) = node.records();
            produced.extend(node.used.then_some(own));
            consumed.extend(children);
        }
        let root = |tree, depth, before, after| Record::node(Fr::from(root_id(tree, depth)), before, after);
        consumed.push(root(TreeKind::Account, room.account_depth, self.before.account, self.after.account));
        if self.pools_touched {
            consumed.push(root(TreeKind::Pool, room.pool_depth, self.before.pool, self.after.pool));
        }
        (produced, consumed)
    }
}

/// Cells and nodes as a witness has them.
#[derive(Clone, Copy, Debug)]
pub struct Openings<'a> {
    /// Cells of accounts.
    pub accounts: &'a [Cell<[Fr; 8]>],
    /// Cells of pools.
    pub pools: &'a [Cell<PoolContents>],
    /// Nodes of both trees.
    pub nodes: &'a [Node],
}

/// Cells and node slots, ready to be absorbed and balanced.
#[derive(Clone, Debug)]
pub struct TouchedVar {
    accounts: Vec<CellVar>,
    pools: Vec<CellVar>,
    nodes: Vec<NodeVar>,
}

impl TouchedVar {
    /// Witnesses them, with times of so many bits.
    pub fn new(cs: &mut Cs, time_bits: usize, openings: Openings<'_>) -> Self {
        let Openings { accounts, pools, nodes } = openings;
        cs.enter("cells");
        let accounts = cs.side_by_side(accounts, |cs, i, cell| CellVar::account(cs, i, cell, time_bits));
        let pools = cs.side_by_side(pools, |cs, i, cell| CellVar::pool(cs, i, cell, time_bits));
        cs.leave();
        cs.enter("nodes");
        let nodes = cs.side_by_side(nodes, NodeVar::new);
        cs.leave();
        Self { accounts, pools, nodes }
    }

    /// Absorbs cells of accounts, cells of pools, and node slots.
    pub fn absorb(&self, absorbed: &mut Absorbed) {
        absorb_cells(&self.accounts, absorbed);
        absorb_cells(&self.pools, absorbed);
        absorb_nodes(&self.nodes, absorbed);
    }

    /// Their records.
    pub fn groups(&self, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group> {
        let mut groups = cs.side_by_side(&self.accounts, |cs, _, cell| cell.group(cs, challenge));
        groups.extend(cs.side_by_side(&self.pools, |cs, _, cell| cell.group(cs, challenge)));
        groups.extend(cs.side_by_side(&self.nodes, |cs, _, node| node.groups(cs, challenge)).into_iter().flatten());
        groups
    }
}

/// Cells, node slots and roots, ready to be absorbed and balanced.
#[derive(Clone, Debug)]
pub struct StateVar {
    touched: TouchedVar,
    pools_touched: Narrow,
    roots: [RootVar; 2],
}

impl StateVar {
    /// Witnesses all of it; as many cells and nodes as the witness has.
    pub fn new(cs: &mut Cs, room: &Room, witness: &StateWitness, [before, after]: [&Roots<Num>; 2]) -> Self {
        let StateWitness { accounts, pools, nodes, .. } = witness;
        let touched = TouchedVar::new(cs, room.time_bits, Openings { accounts, pools, nodes });
        cs.enter("roots");
        let pools_touched = Narrow::bit(cs, TREE, "mark of a tree", witness.pools_touched);
        let roots = [
            RootVar::accounts(room.account_depth, &before.account, &after.account),
            RootVar::pools(cs, room.pool_depth, &pools_touched, &before.pool, &after.pool),
        ];
        cs.leave();
        Self { touched, pools_touched, roots }
    }

    /// Absorbs cells of accounts, cells of pools, node slots, and the mark of the pool tree.
    pub fn absorb(&self, absorbed: &mut Absorbed) {
        self.touched.absorb(absorbed);
        absorbed.packed([&self.pools_touched]);
    }

    /// All records.
    pub fn groups(&self, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group> {
        let mut groups = self.touched.groups(cs, challenge);
        groups.extend(self.roots.iter().map(|root| root.group(cs, challenge)));
        groups
    }
}
