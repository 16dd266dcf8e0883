//! An access: one read and one write of a leaf at a time (MEMORY.md, section 4). [`Log`] keeps what a batch's accesses leave behind.
//!
//! Times are constants of the circuit: each access has its own, from 1 on. Time 0 is the state before the batch.

pub mod constraints;

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{PrimeField, Zero};
use thiserror::Error;

use super::cell::PoolContents;
use crate::amount::{Amount, TokenId};
use crate::pool::Pool;

/// Bits of an account's index.
pub const ACCOUNT_INDEX_BITS: usize = 30;
/// Bits of a pool's index, and of an ordinary token's id.
pub const POOL_INDEX_BITS: usize = 29;

/// What the witness has of an access, besides what its slot makes of it. Fields are open and as wide as the field: what forgers write is tried in tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access<C> {
    /// Which leaf.
    pub index: Fr,
    /// How many times lie between this access and the write that it reads.
    pub gap: Fr,
    /// Whether there is an access, or only room for one.
    pub active: bool,
    /// What is read.
    pub read: C,
}

impl<C> Access<C> {
    /// Room for an access that is not made.
    pub fn padding(zeros: C) -> Self {
        Self { index: Fr::zero(), gap: Fr::zero(), active: false, read: zeros }
    }
}

/// A pool as an access reads it: tokens and fee apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PoolRead {
    /// The token with the lower id.
    pub token0: Fr,
    /// The token with the higher id.
    pub token1: Fr,
    /// The pool's fee in basis points.
    pub fee: Fr,
    /// Reserve of token0.
    pub reserve0: Fr,
    /// Reserve of token1.
    pub reserve1: Fr,
    /// Shares.
    pub supply: Fr,
}

impl From<&Pool> for PoolRead {
    fn from(pool: &Pool) -> Self {
        Self {
            token0: Fr::from(pool.token0.get()),
            token1: Fr::from(pool.token1.get()),
            fee: Fr::from(pool.fee_bp),
            reserve0: Fr::from(pool.reserve0.get()),
            reserve1: Fr::from(pool.reserve1.get()),
            supply: Fr::from(pool.supply.get()),
        }
    }
}

impl PoolRead {
    /// The pool, if all numbers are in their ranges.
    pub fn pool(&self) -> Option<Pool> {
        let token = |x: Fr| TokenId::new(u32::try_from(integer(x)?).ok()?).ok();
        let amount = |x: Fr| Amount::new(integer(x)?).ok();
        Some(Pool {
            token0: token(self.token0)?,
            token1: token(self.token1)?,
            fee_bp: u16::try_from(integer(self.fee)?).ok()?,
            reserve0: amount(self.reserve0)?,
            reserve1: amount(self.reserve1)?,
            supply: amount(self.supply)?,
        })
    }

    /// As records have it: tokens and fee in one element.
    pub fn contents(&self) -> PoolContents {
        PoolContents {
            tokens: PoolContents::pack_tokens(self.token0, self.token1, self.fee),
            reserve0: self.reserve0,
            reserve1: self.reserve1,
            supply: self.supply,
        }
    }
}

/// An element as an integer, if it has 128 bits.
fn integer(x: Fr) -> Option<u128> {
    let [low, high, 0, 0] = x.into_bigint().0 else { return None };
    Some(u128::from(high) << 64 | u128::from(low))
}

/// An access at a time that is not after the last one of its leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("leaf {index} is accessed at time {time}, needed a time after {last}")]
#[non_exhaustive]
pub struct NotLater {
    /// The leaf.
    pub index: u32,
    /// The time.
    pub time: u32,
    /// When the leaf was last written.
    pub last: u32,
}

/// A leaf that a batch touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<C> {
    /// What it is before the batch.
    pub before: C,
    /// What it is now.
    pub now: C,
    /// When it was last written; 0 before the batch.
    pub last: u32,
}

/// What an access sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<C> {
    /// How many times lie between.
    pub gap: u32,
    /// What is read.
    pub read: C,
}

/// The leaves of one tree that a batch touches, as its accesses leave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log<C> {
    leaves: BTreeMap<u32, Opened<C>>,
}

impl<C> Default for Log<C> {
    fn default() -> Self {
        Self { leaves: BTreeMap::new() }
    }
}

impl<C: Clone> Log<C> {
    /// Reads a leaf and writes it anew; `load` gives what the state before the batch has, if this is the first access.
    ///
    /// # Errors
    /// [`NotLater`], and nothing changes.
    pub fn access(
        &mut self,
        index: u32,
        time: u32,
        load: impl FnOnce() -> C,
        write: impl FnOnce(&C) -> C,
    ) -> Result<Seen<C>, NotLater> {
        let last = self.leaves.get(&index).map_or(0, |leaf| leaf.last);
        let gap = time.checked_sub(last).and_then(|d| d.checked_sub(1)).ok_or(NotLater { index, time, last })?;
        let leaf = self.leaves.entry(index).or_insert_with(|| {
            let before = load();
            Opened { now: before.clone(), before, last: 0 }
        });
        let now = write(&leaf.now);
        let read = std::mem::replace(&mut leaf.now, now);
        leaf.last = time;
        Ok(Seen { gap, read })
    }

    /// The leaves, by their indices.
    pub fn leaves(&self) -> &BTreeMap<u32, Opened<C>> {
        &self.leaves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_access_sees_the_write_before_it() {
        let mut log = Log::default();
        let mut access = |index, time, add| log.access(index, time, || 10 * index, |x| x + add);
        assert_eq!(access(3, 1, 5), Ok(Seen { gap: 0, read: 30 }));
        assert_eq!(access(4, 2, 1), Ok(Seen { gap: 1, read: 40 }));
        assert_eq!(access(3, 7, 1), Ok(Seen { gap: 5, read: 35 }));
        for time in [0, 6, 7] {
            assert_eq!(access(3, time, 1), Err(NotLater { index: 3, time, last: 7 }));
        }
        assert_eq!(access(9, 0, 1), Err(NotLater { index: 9, time: 0, last: 0 }));
        let leaves: Vec<_> = log.leaves().iter().map(|(index, leaf)| (*index, leaf.clone())).collect();
        let leaf = |before, now, last| Opened { before, now, last };
        assert_eq!(leaves, [(3, leaf(30, 36, 7)), (4, leaf(40, 41, 2))]);
    }
}
