//! A cell in the circuit: 983 rows for an account, 990 for a pool, absorption included and times of 32 bits.
//!
//! It produces its leaf at time 0 and, for the node above it, the leaf's hashes before and after; it consumes the leaf at the last time. All three count or
//! none does. Absorbed are index, last time and mark, several cells to an element, and both hashes, which fix what the leaf holds, in padding too.
//!
//! A pool's leaf has both reserves in one element. Before, both are shown to be below 2^96, for else the prover would read other reserves from the state than
//! it has. After, reserve0 is absorbed and leaves one reserve1; that they are in range is for the slots that wrote them.
//!
//! Nothing is said here of the index but its bits: that it is one of the tree, and of this cell alone, follows from the node above (step 3 of the argument).

use ark_bn254::Fr;

use super::{Cell, PoolContents};
use crate::cs::{Cs, Num, poseidon};
use crate::field;
use crate::memory::access::{ACCOUNT_INDEX_BITS, POOL_INDEX_BITS};
use crate::memory::node::{TreeKind, leaf_id};
use crate::memory::record::constraints::{Fingerprint, Group};
use crate::memory::record::tag;
use crate::memory::transcript::PACKED_BITS;
use crate::memory::transcript::constraints::{Absorbed, ChallengeVar, Narrow};

/// The index has the bits of its tree.
pub const INDEX: &str = "a cell's index is one of a leaf";
/// The last time has the bits of times.
pub const LAST: &str = "a cell's last time is one of the batch";
/// The mark is a boolean.
pub const USED: &str = "a cell is used or padding";
/// Reserves before the batch.
pub const RESERVES: &str = "a pool's reserves before the batch unpack in one way";
const RESERVE_BITS: usize = 96;

/// A pool as records have it, as wires.
#[derive(Clone, Debug)]
pub struct PoolContentsVar {
    /// `token0 + 2^30 token1 + 2^60 fee`.
    pub tokens: Num,
    /// Reserve of token0.
    pub reserve0: Num,
    /// Reserve of token1.
    pub reserve1: Num,
    /// Shares.
    pub supply: Num,
}

impl PoolContentsVar {
    fn chosen(cs: &mut Cs, contents: &PoolContents) -> Self {
        let [tokens, reserve0, reserve1, supply] = contents.elements().map(|x| cs.chosen("pool", x));
        Self { tokens, reserve0, reserve1, supply }
    }

    /// Tokens and fee in one element.
    pub fn pack_tokens(token0: &Num, token1: &Num, fee: &Num) -> Num {
        Num::sum([token0, &token1.shift(30), &fee.shift(60)])
    }

    /// The elements, in the order of records.
    pub fn elements(&self) -> [Num; 4] {
        [self.tokens.clone(), self.reserve0.clone(), self.reserve1.clone(), self.supply.clone()]
    }

    fn hash(&self, cs: &mut Cs) -> Num {
        let reserves = &self.reserve0 + &self.reserve1.shift(126);
        poseidon::hash(cs, &[Num::from(field::tag::POOL), self.tokens.clone(), reserves, self.supply.clone()])
    }
}

/// A cell, ready to be absorbed and balanced.
#[derive(Clone, Debug)]
pub struct CellVar {
    tree: TreeKind,
    number: usize,
    /// Index, last time, mark.
    parts: [Narrow; 3],
    /// Both hashes; reserve0 of a pool afterwards.
    absorbed: Vec<Num>,
    hashes: [Num; 2],
    before: Vec<Num>,
    after: Vec<Num>,
}

fn parts<C>(cs: &mut Cs, cell: &Cell<C>, index_bits: usize, time_bits: usize) -> [Narrow; 3] {
    [
        Narrow::chosen(cs, INDEX, "index of a cell", cell.index, index_bits),
        Narrow::chosen(cs, LAST, "last time of a cell", cell.last, time_bits),
        Narrow::bit(cs, USED, "mark of a cell", cell.used),
    ]
}

impl CellVar {
    /// The cell of an account; `number` names it in messages.
    pub fn account(cs: &mut Cs, number: usize, cell: &Cell<[Fr; 8]>, time_bits: usize) -> Self {
        let parts = parts(cs, cell, ACCOUNT_INDEX_BITS, time_bits);
        let [before, after] = [&cell.before, &cell.after].map(|leaf| leaf.map(|x| cs.chosen("account", x)).to_vec());
        let hashes = [&before, &after].map(|leaf| poseidon::hash(cs, leaf));
        Self { tree: TreeKind::Account, number, parts, absorbed: hashes.to_vec(), hashes, before, after }
    }

    /// The cell of a pool.
    pub fn pool(cs: &mut Cs, number: usize, cell: &Cell<PoolContents>, time_bits: usize) -> Self {
        let parts = parts(cs, cell, POOL_INDEX_BITS, time_bits);
        let [before, after] = [&cell.before, &cell.after].map(|pool| PoolContentsVar::chosen(cs, pool));
        cs.enforce_range(RESERVES, &before.reserve0, RESERVE_BITS);
        cs.enforce_range(RESERVES, &before.reserve1, RESERVE_BITS);
        let hashes = [&before, &after].map(|pool| pool.hash(cs));
        let absorbed = hashes.iter().chain([&after.reserve0]).cloned().collect();
        let [before, after] = [before, after].map(|pool| pool.elements().to_vec());
        Self { tree: TreeKind::Pool, number, parts, absorbed, hashes, before, after }
    }

    /// The three records.
    pub fn group(&self, cs: &mut Cs, challenge: &ChallengeVar) -> Group {
        let [index, last, used] = &self.parts;
        let (name, tag) = match self.tree {
            TreeKind::Account => ("account cell", tag::ACCOUNT),
            TreeKind::Pool => ("pool cell", tag::POOL),
        };
        let index = Fingerprint::term(cs, challenge, 1, index.num());
        let first = Fingerprint::term(cs, challenge, 1, &Num::from(leaf_id(self.tree, 0)));
        let start = || Fingerprint::of_tag(tag).with_term(&index);
        let before = start().with(cs, challenge, &Num::zero()).with_all(cs, challenge, &self.before);
        let after = start().with(cs, challenge, last.num()).with_all(cs, challenge, &self.after);
        let node = Fingerprint::of_tag(tag::NODE).with_term(&(&first + &index)).with_all(cs, challenge, &self.hashes);
        Group {
            place: (name, self.number),
            multiplicity: used.num().clone(),
            produced: vec![before, node],
            consumed: vec![after],
        }
    }
}

/// Absorbs cells of one tree: index, last time and mark of as many as fit into an element, then their other elements, cell by cell; and so on.
pub fn absorb_cells(cells: &[CellVar], absorbed: &mut Absorbed) {
    let Some(first) = cells.first() else { return };
    let together = PACKED_BITS / first.parts.iter().map(Narrow::bits).sum::<usize>();
    for cells in cells.chunks(together) {
        absorbed.packed(cells.iter().flat_map(|cell| &cell.parts));
        cells.iter().flat_map(|cell| &cell.absorbed).for_each(|element| absorbed.element(element));
    }
}
