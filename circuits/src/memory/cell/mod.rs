//! A cell: a leaf that a batch touches, before and after it (MEMORY.md, section 5).

pub mod constraints;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::poseidon::hash;

use super::access::{Log, PoolRead};
use super::node::{TreeKind, leaf_id};
use super::record::Record;
use crate::field::{tag, two_to_the};

/// A pool as records have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PoolContents {
    /// `token0 + 2^30 token1 + 2^60 fee`.
    pub tokens: Fr,
    /// Reserve of token0.
    pub reserve0: Fr,
    /// Reserve of token1.
    pub reserve1: Fr,
    /// Shares.
    pub supply: Fr,
}

impl PoolContents {
    /// Tokens and fee in one element.
    pub fn pack_tokens(token0: Fr, token1: Fr, fee: Fr) -> Fr {
        token0 + token1 * two_to_the(30) + fee * two_to_the(60)
    }

    /// The elements, in the order of records.
    pub fn elements(&self) -> [Fr; 4] {
        [self.tokens, self.reserve0, self.reserve1, self.supply]
    }
}

/// What a leaf holds.
pub trait Contents: Clone {
    /// The tree that it stands in.
    const TREE: TreeKind;

    /// The leaf's hash.
    fn leaf_hash(&self) -> Fr;

    /// The record of this leaf at a time.
    fn record(&self, index: Fr, time: Fr) -> Record;
}

/// The eight elements of an account's leaf.
impl Contents for [Fr; 8] {
    const TREE: TreeKind = TreeKind::Account;

    fn leaf_hash(&self) -> Fr {
        hash(self)
    }

    fn record(&self, index: Fr, time: Fr) -> Record {
        Record::account(index, time, self)
    }
}

impl Contents for PoolContents {
    const TREE: TreeKind = TreeKind::Pool;

    fn leaf_hash(&self) -> Fr {
        let reserves = self.reserve0 + self.reserve1 * two_to_the(126);
        hash(&[Fr::from(tag::POOL), self.tokens, reserves, self.supply])
    }

    fn record(&self, index: Fr, time: Fr) -> Record {
        Record::pool(index, time, self)
    }
}

/// A leaf before and after a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<C> {
    /// Which leaf.
    pub index: Fr,
    /// When it was last written.
    pub last: Fr,
    /// Whether there is a cell, or only room for one.
    pub used: bool,
    /// What it held.
    pub before: C,
    /// What it holds.
    pub after: C,
}

impl<C: Contents> Cell<C> {
    /// Room for a cell.
    pub fn padding(zeros: C) -> Self {
        Self { index: Fr::zero(), last: Fr::zero(), used: false, before: zeros.clone(), after: zeros }
    }

    /// The records that the cell produces and the one that it consumes.
    pub fn records(&self) -> ([Record; 2], Record) {
        let id = Fr::from(leaf_id(C::TREE, 0)) + self.index;
        let node = Record::node(id, self.before.leaf_hash(), self.after.leaf_hash());
        ([self.before.record(self.index, Fr::zero()), node], self.after.record(self.index, self.last))
    }
}

impl Log<[Fr; 8]> {
    /// The cells of the accounts that were accessed, in the order of their indices.
    pub fn cells(&self) -> Vec<Cell<[Fr; 8]>> {
        cells(self, |contents| *contents)
    }
}

impl Log<PoolRead> {
    /// The cells of the pools that were accessed, in the order of their indices.
    pub fn cells(&self) -> Vec<Cell<PoolContents>> {
        cells(self, PoolRead::contents)
    }
}

fn cells<C: Clone, D: Contents>(log: &Log<C>, contents: impl Fn(&C) -> D) -> Vec<Cell<D>> {
    let cell = |(index, leaf): (&u32, &super::access::Opened<C>)| Cell {
        index: Fr::from(*index),
        last: Fr::from(leaf.last),
        used: true,
        before: contents(&leaf.before),
        after: contents(&leaf.now),
    };
    log.leaves().iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Pool;
    use crate::testing::{amount, token};

    #[test]
    fn a_pool_has_the_leaf_of_the_protocol() {
        let pool = Pool {
            token0: token(5),
            token1: token(9),
            fee_bp: 30,
            reserve0: amount(1 << 90),
            reserve1: amount(77),
            supply: amount(1234),
        };
        assert_eq!(PoolRead::from(&pool).contents().leaf_hash(), pool.leaf_hash());
        assert_eq!(PoolRead::from(&Pool::EMPTY).contents().leaf_hash(), Pool::EMPTY.leaf_hash());
    }
}
