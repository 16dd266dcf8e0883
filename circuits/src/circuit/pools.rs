//! A pool as a slot reads and writes it.

use crate::cs::Num;
use crate::memory::access::constraints::PoolReadVar;
use crate::memory::cell::constraints::PoolContentsVar;

/// Bits of an ordinary token id.
pub const ORDINARY_BITS: usize = 29;
/// Bits of a pool's fee.
pub const FEE_BITS: usize = 14;

/// A pool's contents: token0, token1, fee, reserve0, reserve1, supply; or what is added to each.
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
    /// What an access reads.
    pub(super) fn of(read: &PoolReadVar) -> Self {
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
        let (token0, token1) = (&self.token0 + &change.token0, &self.token1 + &change.token1);
        PoolContentsVar {
            tokens: PoolContentsVar::pack_tokens(&token0, &token1, &(&self.fee + &change.fee)),
            reserve0: &self.reserve0 + &change.reserve0,
            reserve1: &self.reserve1 + &change.reserve1,
            supply: &self.supply + &change.supply,
        }
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
