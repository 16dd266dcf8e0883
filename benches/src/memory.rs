//! What the memory gadgets cost, with everything that they absorb and all their records: so many of them that whole blocks are absorbed, divided by their number.

use ark_bn254::Fr;
use tapstone_circuits::circuit::{Circuit, synthesise};
use tapstone_circuits::cs::{Cs, Mode, Num};
use tapstone_circuits::memory::TIME_BITS;
use tapstone_circuits::memory::access::constraints::{AccessVar, PoolReadVar, When};
use tapstone_circuits::memory::access::{ACCOUNT_INDEX_BITS, POOL_INDEX_BITS, PoolRead};
use tapstone_circuits::memory::cell::constraints::{CellVar, absorb_cells};
use tapstone_circuits::memory::cell::{Cell, PoolContents};
use tapstone_circuits::memory::node::Node;
use tapstone_circuits::memory::node::constraints::{NodeVar, absorb_nodes};
use tapstone_circuits::memory::record::constraints::{Group, enforce_balance};
use tapstone_circuits::memory::transcript::Role;
use tapstone_circuits::memory::transcript::constraints::{Absorbed, ChallengeVar, Narrow, absorb};
use tapstone_circuits::shape::{SegmentShape, Shape, SlotKind, StateShape};
use tapstone_circuits::witness::BatchWitness;

use crate::Cost;

/// Makes gadgets, absorbs them, and says how their records are made.
type Build = fn(&mut Cs, &mut Absorbed, usize) -> Vec<Made>;

enum Made {
    Access(AccessVar),
    Cell(Box<CellVar>),
    Node(NodeVar),
}

impl Made {
    fn groups(&self, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group> {
        match self {
            Self::Access(access) => vec![access.group(cs, challenge, &Num::zero())],
            Self::Cell(cell) => vec![cell.group(cs, challenge)],
            Self::Node(node) => node.groups(cs, challenge),
        }
    }
}

/// A circuit of `count` gadgets.
fn circuit(build: Build, count: usize) -> Cost {
    let mut cs = Cs::new(Mode::Record, Fr::from(0u64));
    let mut absorbed = Absorbed::default();
    let made = build(&mut cs, &mut absorbed, count);
    let h = absorb(&mut cs, Role::Closed, &absorbed);
    let public = cs.public();
    // The absorbed hash is a wire in any batch, and so it is here where nothing is absorbed.
    let h = if h.is_constant() { cs.witness(h.value()) } else { h };
    let challenge = ChallengeVar::closed(&mut cs, &h, &public);
    let groups: Vec<Group> = made.iter().flat_map(|made| made.groups(&mut cs, &challenge)).collect();
    enforce_balance(&mut cs, &challenge, &groups);
    Cost::of(&cs.into_parts().0)
}

/// What one more of them costs, by `count` more, for which whole blocks are absorbed; the first block has a constant in front and is left out.
fn each(build: Build, count: usize) -> Cost {
    one_more(circuit(build, count), circuit(build, 2 * count), count)
}

fn when(i: usize) -> When {
    When { time: i as u32 + 1, bits: TIME_BITS }
}

/// Index, and whether it counts.
fn index(cs: &mut Cs, bits: usize) -> [Narrow; 2] {
    [Narrow::chosen(cs, "index", "index", Fr::from(0u64), bits), Narrow::bit(cs, "active", "active", false)]
}

/// An access of which everything that is written is new.
fn account_access(cs: &mut Cs, absorbed: &mut Absorbed, count: usize) -> Vec<Made> {
    let access = |i| {
        let [index, active] = index(cs, ACCOUNT_INDEX_BITS);
        let read: [Num; 8] = std::array::from_fn(|_| cs.witness(Fr::from(0u64)));
        let written: [Option<Num>; 8] = std::array::from_fn(|i| Some(&read[i] + &Num::one()));
        let access = AccessVar::account(cs, when(i), index, active.num(), Fr::from(0u64), &read, written);
        absorbed.packed(access.parts().iter().chain([&active]));
        access.absorb_read(absorbed);
        Made::Access(access)
    };
    (0..count).map(access).collect()
}

fn pool_access(cs: &mut Cs, absorbed: &mut Absorbed, count: usize) -> Vec<Made> {
    let access = |i| {
        let [index, active] = index(cs, POOL_INDEX_BITS);
        let read = PoolReadVar::new(cs, &PoolRead::default());
        let access = AccessVar::pool(cs, when(i), index, active.num(), Fr::from(0u64), &read, &read.contents());
        absorbed.packed(access.parts().iter().chain([&active]));
        access.absorb_read(absorbed);
        Made::Access(access)
    };
    (0..count).map(access).collect()
}

fn account_cells(cs: &mut Cs, absorbed: &mut Absorbed, count: usize) -> Vec<Made> {
    let padding = Cell::padding([Fr::from(0u64); 8]);
    let cells: Vec<CellVar> = (0..count).map(|i| CellVar::account(cs, i, &padding, TIME_BITS)).collect();
    absorb_cells(&cells, absorbed);
    cells.into_iter().map(|cell| Made::Cell(Box::new(cell))).collect()
}

fn pool_cells(cs: &mut Cs, absorbed: &mut Absorbed, count: usize) -> Vec<Made> {
    let padding = Cell::padding(PoolContents::default());
    let cells: Vec<CellVar> = (0..count).map(|i| CellVar::pool(cs, i, &padding, TIME_BITS)).collect();
    absorb_cells(&cells, absorbed);
    cells.into_iter().map(|cell| Made::Cell(Box::new(cell))).collect()
}

fn nodes(cs: &mut Cs, absorbed: &mut Absorbed, count: usize) -> Vec<Made> {
    let nodes: Vec<NodeVar> = (0..count).map(|i| NodeVar::new(cs, i, &Node::padding())).collect();
    absorb_nodes(&nodes, absorbed);
    nodes.into_iter().map(Made::Node).collect()
}

/// Fifteen elements, and nothing else.
fn block(cs: &mut Cs, absorbed: &mut Absorbed, count: usize) -> Vec<Made> {
    for _ in 0..15 * count {
        let element = cs.witness(Fr::from(0u64));
        absorbed.element(&element);
    }
    Vec::new()
}

/// What one more slot of a kind costs at 10 tree levels, four fee tokens and times of 8 bits, as in shapes of 2^20 rows, with what it absorbs; cells and nodes left out.
/// Thirty of them absorb whole blocks.
fn slot(kind: SlotKind) -> Cost {
    let circuit = |slots: usize| {
        let shape = Shape {
            name: "slots".into(),
            account_depth: 10,
            pool_depth: 5,
            slots: vec![kind; slots],
            accounts: 0,
            pools: 0,
            nodes: 0,
            fee_tokens: 4,
        };
        let blank = BatchWitness::blank(&shape);
        Cost::of(&synthesise(Mode::Record, Fr::from(0u64), &blank).into_parts().0)
    };
    one_more(circuit(75), circuit(105), 30)
}

/// The same of a segment of an open batch: eight fee tokens and times of 32 bits.
fn segment_slot(kind: SlotKind) -> Cost {
    one_more(segment(kind, 30), segment(kind, 60), 30)
}

/// A segment of one kind of slots alone.
fn segment(kind: SlotKind, slots: usize) -> Cost {
    let shape = SegmentShape { name: "slots".into(), account_depth: 10, slots: vec![kind; slots] };
    Cost::of(Circuit::new(&shape).system())
}

/// A state part of nodes alone.
fn state(nodes: usize) -> Cost {
    Cost::of(Circuit::new(&StateShape { name: "nodes".into(), accounts: 0, pools: 0, nodes }).system())
}

/// What one of `count` more costs.
fn one_more(some: Cost, more: Cost, count: usize) -> Cost {
    let share = |all: usize| all.div_ceil(count);
    Cost {
        rows: share(more.rows - some.rows),
        witnesses: share(more.witnesses - some.witnesses),
        non_zeros: [0, 1, 2].map(|i| share(more.non_zeros[i] - some.non_zeros[i])),
    }
}

/// Their costs: elements of 9, 4, 9 for 4 cells, 13 for 4 cells, 13 for 6 nodes.
pub(crate) fn gadgets() -> Vec<(&'static str, Cost)> {
    vec![
        ("transcript/block", each(block, 1)),
        ("transcript/challenge", circuit(block, 0)),
        ("access/account", each(account_access, 5)),
        ("access/pool", each(pool_access, 15)),
        ("cell/account", each(account_cells, 20)),
        ("cell/pool", each(pool_cells, 60)),
        ("node", each(nodes, 90)),
        // 17 elements and 12.
        ("slot/pair/10", slot(SlotKind::Pair)),
        ("slot/single/10", slot(SlotKind::Single)),
        ("segment/pair/10", segment_slot(SlotKind::Pair)),
        ("segment/single/10", segment_slot(SlotKind::Single)),
        ("segment/1 pair slot", segment(SlotKind::Pair, 1)),
        ("state/1 node", state(1)),
    ]
}
