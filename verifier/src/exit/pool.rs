//! [`PoolProof`]: reserves and supply of a pool under a state root, and what shares of it are worth.

use super::ranges::{self, AMOUNT_END, Tree, within};
use super::{FIRST_SHARE_TOKEN, LOCKED_SHARES, Siblings, StateFields, format_name};
use crate::{
    error::{ExitError, ExitProofError},
    field::Element,
    layout, poseidon,
};
use alloc::vec::Vec;
use ark_bn254::Fr;

format_name!(PoolFormat, "tapstone-pool-proof/1");

/// Basis points in one.
const FEE_UNIT: u16 = 10_000;

/// A leaf of the pool tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PoolLeaf {
    /// The token with the lower id.
    pub token0: u32,
    /// The token with the higher id.
    pub token1: u32,
    /// The pool's fee in basis points, below 10^4.
    pub fee_bp: u16,
    /// Reserve of token0, below 2^96.
    #[cfg_attr(feature = "serde", serde(with = "super::text::amount"))]
    pub reserve0: u128,
    /// Reserve of token1, below 2^96.
    #[cfg_attr(feature = "serde", serde(with = "super::text::amount"))]
    pub reserve1: u128,
    /// Shares, the locked ones included, below 2^96.
    #[cfg_attr(feature = "serde", serde(with = "super::text::amount"))]
    pub supply: u128,
}

impl PoolLeaf {
    pub(super) fn hash(&self) -> Fr {
        let Self { token0, token1, fee_bp, reserve0, reserve1, supply } = *self;
        poseidon::hash(&layout::pool_elements((token0, token1), fee_bp, (reserve0, reserve1), supply))
    }

    /// Refuses what no pool of a state is.
    pub(super) fn check(&self) -> Result<(), ExitProofError> {
        within("token0", self.token0, 1u8, FIRST_SHARE_TOKEN)?;
        within("token1", self.token1, self.token0 + 1, FIRST_SHARE_TOKEN)?;
        within("fee_bp", self.fee_bp, 0u8, FEE_UNIT)?;
        within("reserve0", self.reserve0, 1u8, AMOUNT_END)?;
        within("reserve1", self.reserve1, 1u8, AMOUNT_END)?;
        within("supply", self.supply, LOCKED_SHARES, AMOUNT_END)
    }

    /// Shares that accounts hold.
    pub fn circulating(&self) -> u128 {
        self.supply.saturating_sub(LOCKED_SHARES)
    }
}

/// A pool and its path to the pool root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PoolOpening {
    /// The pool.
    pub index: u32,
    /// Its leaf.
    pub pool: PoolLeaf,
    /// The siblings of each level, from the bottom up.
    pub path: Vec<Siblings>,
}

impl PoolOpening {
    pub(super) fn check(&self, state: &StateFields) -> Result<(), ExitProofError> {
        state.check_index(Tree::Pool, self.index)?;
        self.pool.check()?;
        Tree::Pool.check_path(state.pool_depth, &self.path)
    }

    /// Refuses a path that leads to another root than the state's. The opening was checked.
    pub(super) fn open(&self, state: &StateFields) -> Result<(), ExitError> {
        let actual = ranges::root(self.index, self.pool.hash(), &self.path);
        if actual == state.pool_root {
            Ok(())
        } else {
            Err(ExitError::PoolRoot { pool: self.index, expected: state.pool_root, actual })
        }
    }

    /// What shares of a checked pool are worth.
    pub(super) fn value_of(&self, shares: u128) -> Result<ShareValue, ExitProofError> {
        let PoolLeaf { token0, token1, reserve0, reserve1, supply, .. } = self.pool;
        if shares > self.pool.circulating() {
            return Err(ExitProofError::Shares { pool: self.index, most: self.pool.circulating(), actual: shares });
        }
        let part = |reserve| floor_share(shares, reserve, supply);
        Ok(ShareValue { pool: self.index, shares, token0, amount0: part(reserve0), token1, amount1: part(reserve1) })
    }
}

/// A pool under a state root.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PoolProof {
    /// What this is.
    pub format: PoolFormat,
    /// The state.
    pub state: StateFields,
    /// The pool.
    pub opening: PoolOpening,
}

/// What LP shares are worth: what `remove_liquidity` would give for them, rounded down, in the pool's favour.
///
/// An amount may be 0, where `remove_liquidity` would be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ShareValue {
    /// The pool.
    pub pool: u32,
    /// The shares.
    pub shares: u128,
    /// The token with the lower id.
    pub token0: u32,
    /// How much of it.
    pub amount0: u128,
    /// The token with the higher id.
    pub token1: u32,
    /// How much of it.
    pub amount1: u128,
}

/// A pool that is in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PoolVerdict {
    /// The chain.
    pub chain_id: u32,
    /// The batch after which it is so.
    pub batch_number: u64,
    /// The state root.
    pub state_root: Element,
    /// The pool.
    pub index: u32,
    /// Tokens, fee, reserves, supply.
    pub pool: PoolLeaf,
}

/// Verifies that a pool is in the state with this root.
///
/// # Errors
/// [`ExitError`]: the proof is malformed, or does not lead to this root.
pub fn verify_pool(proof: &PoolProof, state_root: Element) -> Result<PoolVerdict, ExitError> {
    proof.check()?;
    proof.opening.open(&proof.state)?;
    super::account::check_root(&proof.state, state_root)?;
    let StateFields { chain_id, batch_number, .. } = proof.state;
    Ok(PoolVerdict { chain_id, batch_number, state_root, index: proof.opening.index, pool: proof.opening.pool })
}

impl PoolProof {
    /// Refuses what no proof is, whatever the root.
    pub(super) fn check(&self) -> Result<(), ExitProofError> {
        self.state.check()?;
        self.opening.check(&self.state)
    }
}

/// `floor(shares * reserve / supply)` for `shares <= supply`, all below `2^96`, `supply > 0`.
///
/// The shares are taken bit by bit from the top, as quotient and remainder of what was taken so far: nothing exceeds `2^98`.
fn floor_share(shares: u128, reserve: u128, supply: u128) -> u128 {
    let (mut quotient, mut remainder) = (0, 0);
    for bit in (0..96).rev() {
        let dividend = 2 * remainder + ((shares >> bit) & 1) * (reserve % supply);
        quotient = 2 * quotient + ((shares >> bit) & 1) * (reserve / supply) + dividend / supply;
        remainder = dividend % supply;
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_reserve_are_rounded_down() {
        let most = AMOUNT_END - 1;
        for (shares, reserve, supply, expected) in [
            (0, 7, 1000, 0),
            (1000, 7, 1000, 7),
            (999, 7, 1000, 6),
            (142, 7, 1000, 0),
            (143, 7, 1000, 1),
            (most, most, most, most),
            (most - 1, most, most, most - 1),
            (1, most, 1000, most / 1000),
            (1 << 95, most, most, 1 << 95),
        ] {
            assert_eq!(floor_share(shares, reserve, supply), expected, "{shares} {reserve} {supply}");
        }
    }

    #[test]
    fn parts_of_small_reserves_are_those_of_plain_arithmetic() {
        for supply in 1..40u128 {
            for shares in 0..=supply {
                for reserve in [0, 1, 2, 17, 100, 12_345] {
                    assert_eq!(floor_share(shares, reserve, supply), shares * reserve / supply);
                }
            }
        }
    }
}
