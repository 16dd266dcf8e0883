//! [`Pool`]: a constant-product pool, a leaf of the pool tree, and its arithmetic (PROTOCOL.md, sections 4 and 6).
//!
//! Shares are minted by floor and amounts are taken by ceiling, so rounding is always in the pool's favour. Products of two
//! amounts and a factor of `10^4` reach 206 bits; everything is computed exactly in 256.

use ark_bn254::Fr;
use ruint::aliases::U256;
use tapstone_verifier::{layout, poseidon};
use thiserror::Error;

pub use tapstone_verifier::exit::LOCKED_SHARES;

use crate::amount::{Amount, TokenId};

/// Basis points in one.
pub const FEE_UNIT: u16 = 10_000;

/// Which side is sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// token0 is sold for token1.
    ZeroForOne,
    /// token1 is sold for token0.
    OneForZero,
}

impl Direction {
    /// The number of the protocol: 0 or 1.
    pub const fn code(self) -> u8 {
        match self {
            Self::ZeroForOne => 0,
            Self::OneForZero => 1,
        }
    }

    /// The direction of that number.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::ZeroForOne),
            1 => Some(Self::OneForZero),
            _ => None,
        }
    }
}

/// Why a pool does not take part in a trade, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The amount bought rounds to nothing.
    #[error("selling {amount_in} buys nothing, needed at least 1")]
    NothingOut {
        /// The amount sold.
        amount_in: Amount,
    },
    /// Less is bought than the signer asked for.
    #[error("the swap yields {had}, needed at least {needed}")]
    BelowMinOut {
        /// The amount bought.
        had: Amount,
        /// The least that the signer takes.
        needed: Amount,
    },
    /// A reserve would not be below `2^96`.
    #[error("reserve of token {token} is {had}: {added} more would reach 2^96")]
    ReserveOverflow {
        /// The token.
        token: TokenId,
        /// The reserve.
        had: Amount,
        /// The addition.
        added: Amount,
    },
    /// The deposits of a new pool are worth too few shares.
    #[error("the first supply is {had}, needed at least {needed}")]
    FirstSupply {
        /// The shares.
        had: Amount,
        /// The least that makes a pool.
        needed: u128,
    },
    /// The amounts offered are worth no share.
    #[error("the amounts are worth no share, needed at least 1")]
    NoShares,
    /// Fewer shares than the signer asked for.
    #[error("the amounts are worth {had} shares, needed at least {needed}")]
    BelowMinShares {
        /// The shares.
        had: Amount,
        /// The least that the signer takes.
        needed: Amount,
    },
    /// More shares than circulate.
    #[error("{had} shares circulate, needed at least {needed}")]
    TooManyShares {
        /// Shares that do not stay locked.
        had: u128,
        /// Shares to be given back.
        needed: Amount,
    },
    /// Shares that are worth nothing of one token.
    #[error("{shares} shares are worth nothing of token {token}, needed at least 1")]
    NothingBack {
        /// The shares.
        shares: Amount,
        /// The token.
        token: TokenId,
    },
    /// Less comes back than the signer asked for.
    #[error("the shares yield {had} of token {token}, needed at least {needed}")]
    BelowMinBack {
        /// The token.
        token: TokenId,
        /// What comes back.
        had: Amount,
        /// The least that the signer takes.
        needed: Amount,
    },
    /// The supply would not be below `2^96`.
    #[error("the supply is {had}: {added} more shares would reach 2^96")]
    SupplyOverflow {
        /// The supply.
        had: Amount,
        /// The new shares.
        added: U256,
    },
}

/// Which invariant of section 4 a pool breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct InvalidPool(pub &'static str);

/// A pool of two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// The token with the lower id.
    pub token0: TokenId,
    /// The token with the higher id.
    pub token1: TokenId,
    /// The pool's fee in basis points.
    pub fee_bp: u16,
    /// Reserve of token0.
    pub reserve0: Amount,
    /// Reserve of token1.
    pub reserve1: Amount,
    /// Shares, the locked ones included.
    pub supply: Amount,
}

/// What an addition of liquidity mints and takes, or a removal burns and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Liquidity {
    /// Shares minted or burnt.
    pub shares: Amount,
    /// Moved of token0.
    pub amount0: Amount,
    /// Moved of token1.
    pub amount1: Amount,
}

impl Pool {
    /// The leaf of no pool.
    pub const EMPTY: Self = Self {
        token0: TokenId::NONE,
        token1: TokenId::NONE,
        fee_bp: 0,
        reserve0: Amount::ZERO,
        reserve1: Amount::ZERO,
        supply: Amount::ZERO,
    };

    /// The elements whose hash is the leaf, the tag first.
    pub fn leaf_elements(&self) -> [Fr; 4] {
        let (tokens, reserves) = ((self.token0.get(), self.token1.get()), (self.reserve0.get(), self.reserve1.get()));
        layout::pool_elements(tokens, self.fee_bp, reserves, self.supply.get())
    }

    /// The leaf's hash.
    pub fn leaf_hash(&self) -> Fr {
        poseidon::hash(&self.leaf_elements())
    }

    /// Whether the invariants of section 4 hold, for a pool that exists.
    ///
    /// # Errors
    /// [`InvalidPool`] names the first that does not.
    pub fn check(&self) -> Result<(), InvalidPool> {
        let rules = [
            (self.token0.is_ordinary() && self.token1.is_ordinary(), "its tokens are not ordinary"),
            (self.token0 < self.token1, "its tokens are not in order"),
            (self.fee_bp < FEE_UNIT, "its fee is not below 10000 basis points"),
            (!self.reserve0.is_zero() && !self.reserve1.is_zero(), "a reserve is empty"),
            (self.supply.get() >= LOCKED_SHARES, "its supply is below the locked shares"),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, what)| Err(InvalidPool(what)))
    }

    /// Shares that accounts hold.
    pub fn circulating(&self) -> u128 {
        self.supply.get().saturating_sub(LOCKED_SHARES)
    }

    /// The tokens sold and bought in a direction.
    pub const fn tokens(&self, direction: Direction) -> (TokenId, TokenId) {
        match direction {
            Direction::ZeroForOne => (self.token0, self.token1),
            Direction::OneForZero => (self.token1, self.token0),
        }
    }

    /// A new pool with these reserves. That the tokens are ordinary and in order, and the fee in range, is the caller's.
    ///
    /// # Errors
    /// [`PoolError::FirstSupply`] if the reserves are worth too little.
    pub fn create(
        (token0, token1): (TokenId, TokenId),
        fee_bp: u16,
        (reserve0, reserve1): (Amount, Amount),
    ) -> Result<Self, PoolError> {
        let (supply, needed) = (initial_supply(reserve0, reserve1), LOCKED_SHARES + 1);
        if supply.get() < needed {
            return Err(PoolError::FirstSupply { had: supply, needed });
        }
        Ok(Self { token0, token1, fee_bp, reserve0, reserve1, supply })
    }

    /// The amount that a sale yields, and the pool after it. On error the pool stays as it is.
    ///
    /// # Errors
    /// [`PoolError`] names the rule.
    pub fn swap(&self, direction: Direction, sold: Amount, min_out: Amount) -> Result<(Amount, Self), PoolError> {
        let (reserve_in, reserve_out) = match direction {
            Direction::ZeroForOne => (self.reserve0, self.reserve1),
            Direction::OneForZero => (self.reserve1, self.reserve0),
        };
        let out = swap_out(sold, self.fee_bp, reserve_in, reserve_out);
        if out.is_zero() {
            return Err(PoolError::NothingOut { amount_in: sold });
        }
        if out < min_out {
            return Err(PoolError::BelowMinOut { had: out, needed: min_out });
        }
        let token = self.tokens(direction).0;
        let reserve_in = grow(token, reserve_in, sold)?;
        // The quotient is at most the reserve, by construction of swap_out.
        let reserve_out = reserve_out.checked_sub(out).expect("a swap never yields more than the reserve");
        let (reserve0, reserve1) = match direction {
            Direction::ZeroForOne => (reserve_in, reserve_out),
            Direction::OneForZero => (reserve_out, reserve_in),
        };
        Ok((out, Self { reserve0, reserve1, ..*self }))
    }

    /// What amounts of up to `max0`, `max1` mint, and the pool after it. On error the pool stays as it is.
    ///
    /// # Errors
    /// [`PoolError`] names the rule.
    pub fn add_liquidity(&self, (max0, max1): (Amount, Amount), min_shares: Amount) -> Result<(Liquidity, Self), PoolError> {
        let (shares, supply) = (shares_for((max0, max1), self), self.supply);
        if shares.is_zero() {
            return Err(PoolError::NoShares);
        }
        if shares < wide(min_shares) {
            let had = amount(shares).ok_or(PoolError::SupplyOverflow { had: supply, added: shares })?;
            return Err(PoolError::BelowMinShares { had, needed: min_shares });
        }
        let shares = amount(shares).ok_or(PoolError::SupplyOverflow { had: supply, added: shares })?;
        let overflow = PoolError::SupplyOverflow { had: supply, added: wide(shares) };
        let taken = |reserve| ceil_share(shares, reserve, supply);
        let (amount0, amount1) = (taken(self.reserve0), taken(self.reserve1));
        let reserve0 = grow(self.token0, self.reserve0, amount0)?;
        let reserve1 = grow(self.token1, self.reserve1, amount1)?;
        let supply = supply.checked_add(shares).ok_or(overflow)?;
        Ok((Liquidity { shares, amount0, amount1 }, Self { reserve0, reserve1, supply, ..*self }))
    }

    /// What shares are worth, and the pool after they are given back. On error the pool stays as it is.
    ///
    /// # Errors
    /// [`PoolError`] names the rule.
    pub fn remove_liquidity(&self, shares: Amount, (min0, min1): (Amount, Amount)) -> Result<(Liquidity, Self), PoolError> {
        if shares.get() > self.circulating() {
            return Err(PoolError::TooManyShares { had: self.circulating(), needed: shares });
        }
        let back = |token, reserve: Amount, needed| {
            let had = floor_share(shares, reserve, self.supply);
            if had.is_zero() {
                return Err(PoolError::NothingBack { shares, token });
            }
            if had < needed {
                return Err(PoolError::BelowMinBack { token, had, needed });
            }
            let left = reserve.checked_sub(had).expect("a part of the supply is worth at most the reserve");
            Ok((had, left))
        };
        let (amount0, reserve0) = back(self.token0, self.reserve0, min0)?;
        let (amount1, reserve1) = back(self.token1, self.reserve1, min1)?;
        let supply = self.supply.checked_sub(shares).expect("what circulates is a part of the supply");
        Ok((Liquidity { shares, amount0, amount1 }, Self { reserve0, reserve1, supply, ..*self }))
    }
}

fn grow(token: TokenId, had: Amount, added: Amount) -> Result<Amount, PoolError> {
    had.checked_add(added).ok_or(PoolError::ReserveOverflow { token, had, added })
}

fn wide(amount: Amount) -> U256 {
    U256::from(amount.get())
}

fn amount(value: U256) -> Option<Amount> {
    u128::try_from(value).ok().and_then(|value| Amount::new(value).ok())
}

/// `floor(g * reserve_out / (10^4 * reserve_in + g))` with `g = sold * (10^4 - fee)`; 0 if the divisor is 0.
pub fn swap_out(sold: Amount, fee_bp: u16, reserve_in: Amount, reserve_out: Amount) -> Amount {
    let g = wide(sold) * U256::from(FEE_UNIT.saturating_sub(fee_bp));
    let divisor = wide(reserve_in) * U256::from(FEE_UNIT) + g;
    let out = (g * wide(reserve_out)).checked_div(divisor).unwrap_or_default();
    amount(out).expect("g is at most the divisor, so the quotient is at most the reserve")
}

/// `floor(sqrt(amount0 * amount1))`.
pub fn initial_supply(amount0: Amount, amount1: Amount) -> Amount {
    let root = integer_sqrt(wide(amount0) * wide(amount1));
    amount(root).expect("the root of a product of two amounts is at most the larger")
}

/// `min(floor(max0 * supply / R0), floor(max1 * supply / R1))`; 0 for the empty pool.
fn shares_for((max0, max1): (Amount, Amount), pool: &Pool) -> U256 {
    let side = |max, reserve| (wide(max) * wide(pool.supply)).checked_div(wide(reserve)).unwrap_or_default();
    side(max0, pool.reserve0).min(side(max1, pool.reserve1))
}

/// `ceil(shares * reserve / supply)`. With the shares that [`shares_for`] yields, this is at most the signer's maximum.
fn ceil_share(shares: Amount, reserve: Amount, supply: Amount) -> Amount {
    let (product, supply) = (wide(shares) * wide(reserve), wide(supply));
    amount(product.div_ceil(supply)).expect("shares come by floor, so what they cost is at most the amount offered")
}

/// `floor(shares * reserve / supply)` for `shares <= supply`; 0 if the supply is 0.
fn floor_share(shares: Amount, reserve: Amount, supply: Amount) -> Amount {
    let worth = (wide(shares) * wide(reserve)).checked_div(wide(supply)).unwrap_or_default();
    amount(worth).expect("a part of the supply is worth at most the reserve")
}

/// The largest s with `s^2 <= n`, by Newton's method from above.
pub(crate) fn integer_sqrt(n: U256) -> U256 {
    let mut s = U256::from(1) << (n.bit_len().div_ceil(2));
    // Only n = 0 brings s down to 0, and there is nothing left to divide.
    while !s.is_zero() {
        let next = (s + n / s) >> 1;
        if next >= s {
            return s;
        }
        s = next;
    }
    s
}

#[cfg(test)]
mod tests;
