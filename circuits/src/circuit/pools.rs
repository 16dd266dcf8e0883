//! The pools that a batch touches: read once, held in wires while the slots run, written once.
//!
//! The list's indices are strictly increasing, so that no pool stands twice; an entry that no slot touches is some other leaf of
//! the tree, which keeps its value. Slots pick an entry by a one-hot row of bits.

use ark_bn254::Fr;
use ark_ff::One;

use crate::account::constraints::AMOUNT_BITS;
use crate::cs::{Cs, Num, fr_from_u128, poseidon};
use crate::field::tag;
use crate::memory::access::constraints::PoolReadVar;
use crate::memory::cell::constraints::PoolContentsVar;
use crate::tree;
use crate::witness::PoolAccess;

const LIST: &str = "the batch's pools are strictly increasing";
const INDEX: &str = "a pool's index has the bits of its path";
const LEAF: &str = "a pool's leaf unpacks in one way";
const ROOT: &str = "a pool's leaf stands in the pool tree";
const PICK: &str = "exactly one of the batch's pools is used, or none";

/// Bits of an ordinary token id.
pub const ORDINARY_BITS: usize = 29;
/// Bits of a pool's fee.
pub const FEE_BITS: usize = 14;

/// The entry of the list that a slot uses.
pub(crate) const POOL_PLACE: &str = "pool of a slot";

/// A pool's contents: token0, token1, fee, reserve0, reserve1, supply.
#[derive(Clone)]
pub(super) struct PoolVar {
    pub(super) token0: Num,
    pub(super) token1: Num,
    pub(super) fee: Num,
    pub(super) reserve0: Num,
    pub(super) reserve1: Num,
    pub(super) supply: Num,
}

impl PoolVar {
    /// Sums the contents field by field, each multiplied as `times` says.
    fn zip(&self, other: &Self, mut f: impl FnMut(&Num, &Num) -> Num) -> Self {
        Self {
            token0: f(&self.token0, &other.token0),
            token1: f(&self.token1, &other.token1),
            fee: f(&self.fee, &other.fee),
            reserve0: f(&self.reserve0, &other.reserve0),
            reserve1: f(&self.reserve1, &other.reserve1),
            supply: f(&self.supply, &other.supply),
        }
    }

    fn hash(&self, cs: &mut Cs) -> Num {
        let tokens = self.packed_tokens();
        let reserves = &self.reserve0 + &self.reserve1.shift(126);
        poseidon::hash(cs, &[Num::from(tag::POOL), tokens, reserves, self.supply.clone()])
    }

    /// What an access reads.
    pub(super) fn of_read(read: &PoolReadVar) -> Self {
        Self {
            token0: read.token0.num().clone(),
            token1: read.token1.num().clone(),
            fee: read.fee.num().clone(),
            reserve0: read.reserve0.clone(),
            reserve1: read.reserve1.clone(),
            supply: read.supply.clone(),
        }
    }

    /// As records have it, with a change added.
    pub(super) fn changed(&self, change: &Self) -> PoolContentsVar {
        let now = self.zip(change, |now, change| now + change);
        PoolContentsVar { tokens: now.packed_tokens(), reserve0: now.reserve0, reserve1: now.reserve1, supply: now.supply }
    }

    fn packed_tokens(&self) -> Num {
        &(&self.token0 + &self.token1.shift(30)) + &self.fee.shift(60)
    }

    pub(super) fn zero() -> Self {
        let zero = Num::zero();
        Self {
            token0: zero.clone(),
            token1: zero.clone(),
            fee: zero.clone(),
            reserve0: zero.clone(),
            reserve1: zero.clone(),
            supply: zero,
        }
    }
}

struct Entry {
    bits: Vec<Num>,
    index: Num,
    before: PoolVar,
    now: PoolVar,
}

/// The list of a batch.
pub(super) struct Pools {
    entries: Vec<Entry>,
}

/// The entry that a slot uses.
pub(super) struct Picked {
    pub(super) hits: Vec<Num>,
    /// Index of the pool, 0 if none is used.
    pub(super) index: Num,
    /// Contents before the slot, zeros if none is used.
    pub(super) pool: PoolVar,
}

impl Pools {
    /// Witnesses the list. The contents mean nothing until [`Pools::write_back`] ties them to the tree.
    pub(super) fn new(cs: &mut Cs, accesses: &[PoolAccess]) -> Self {
        let mut before: Option<Num> = None;
        let entries = accesses
            .iter()
            .map(|access| {
                let levels = access.children.len();
                let bits: Vec<Num> =
                    (0..3 * levels).map(|i| cs.chosen_bit(INDEX, "pool index", (access.index >> i) & 1 == 1)).collect();
                let index = Cs::pack(&bits);
                if let Some(before) = &before {
                    cs.enforce_range(LIST, &(&(&index - before) - &Num::one()), 3 * levels);
                }
                before = Some(index.clone());
                let p = &access.before;
                let pool = PoolVar {
                    token0: cs.chosen("pool", Fr::from(p.token0.get())),
                    token1: cs.chosen("pool", Fr::from(p.token1.get())),
                    fee: cs.chosen("pool", Fr::from(p.fee_bp)),
                    reserve0: cs.chosen("pool", fr_from_u128(p.reserve0.get())),
                    reserve1: cs.chosen("pool", fr_from_u128(p.reserve1.get())),
                    supply: cs.chosen("pool", fr_from_u128(p.supply.get())),
                };
                // The leaf packs tokens with fee and the reserves with each other; the ranges make the unpacking unique. The supply is an element of its own.
                cs.enforce_range(LEAF, &pool.token0, ORDINARY_BITS);
                cs.enforce_range(LEAF, &pool.token1, ORDINARY_BITS);
                cs.enforce_range(LEAF, &pool.fee, FEE_BITS);
                cs.enforce_range(LEAF, &pool.reserve0, AMOUNT_BITS);
                cs.enforce_range(LEAF, &pool.reserve1, AMOUNT_BITS);
                Entry { bits, index, now: pool.clone(), before: pool }
            })
            .collect();
        Self { entries }
    }

    /// A list without a tree: indices and contents.
    pub(super) fn of(entries: impl IntoIterator<Item = (Num, PoolVar)>) -> Self {
        let entry = |(index, pool): (Num, PoolVar)| Entry { bits: Vec::new(), index, before: pool.clone(), now: pool };
        Self { entries: entries.into_iter().map(entry).collect() }
    }

    /// Picks the pool of a slot; `used` (boolean) says whether it uses one, `wanted` which.
    pub(super) fn pick(&self, cs: &mut Cs, used: &Num, wanted: Fr) -> Picked {
        let mut index = Num::zero();
        let mut pool = PoolVar::zero();
        let hits: Vec<Num> = self
            .entries
            .iter()
            .map(|entry| {
                let hit = cs.bit(PICK, used.value().is_one() && entry.index.value() == wanted);
                index = &index + &cs.mul(PICK, &entry.index, &hit);
                let part = entry.now.zip(&PoolVar::zero(), |x, _| cs.mul(PICK, x, &hit));
                pool = pool.zip(&part, |sum, x| sum + x);
                hit
            })
            .collect();
        cs.enforce_equal(PICK, &Num::sum(&hits), used);
        Picked { hits, index, pool }
    }

    /// Adds `change` to the picked pool's contents.
    pub(super) fn change(&mut self, cs: &mut Cs, picked: &Picked, change: &PoolVar) {
        for (entry, hit) in self.entries.iter_mut().zip(&picked.hits) {
            entry.now = entry.now.zip(change, |now, change| {
                let added = cs.mul(PICK, change, hit);
                now + &added
            });
        }
    }

    /// Replaces the leaves in the tree with this root; returns the new root.
    pub(super) fn write_back(self, cs: &mut Cs, accesses: &[PoolAccess], root: &Num) -> Num {
        let mut root = root.clone();
        for (entry, access) in self.entries.iter().zip(accesses) {
            let old = entry.before.hash(cs);
            let new = entry.now.hash(cs);
            let (before, after) = tree::constraints::update(cs, &entry.bits, &access.children, &old, &new);
            cs.enforce_equal(ROOT, &before, &root);
            root = after;
        }
        root
    }
}
