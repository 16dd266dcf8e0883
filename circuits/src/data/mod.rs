//! [`Published`]: what a batch publishes of each transaction, its elements, and the hash over them (PROTOCOL.md, sections
//! 5.2 and 7). The bytes are in `codec`.

mod codec;

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::layout::data_start;
use tapstone_verifier::poseidon;

use crate::amount::{Amount, TokenId};
use crate::deposit::Destination;
use crate::field::{pack, tag};
use crate::ledger::Refusal;
use crate::pool::{Direction, FEE_UNIT};
use crate::signature::curve::Point;

pub use codec::{BatchData, DataError};

/// Account indices in hash inputs and data are below this.
pub const INDEX_LIMIT: u32 = 1 << 30;
/// Pool indices in hash inputs and data are below this: each pool has a token of its own for its shares.
pub const POOL_LIMIT: u32 = 1 << 29;

/// A fee; both parts are 0 or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// The token.
    pub token: TokenId,
    /// How much.
    pub amount: Amount,
}

impl Fee {
    /// No fee.
    pub const NONE: Self = Self { token: TokenId::NONE, amount: Amount::ZERO };
}

/// A transaction without what only its author and the bridge need: signature, nonce, limits, outpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of the transaction of the same name")]
pub enum Published {
    /// `transfer`
    Transfer { from: u32, to: u32, token: TokenId, amount: Amount, fee: Fee },
    /// `transfer_new`
    TransferNew { from: u32, key: Point, token: TokenId, amount: Amount, fee: Fee },
    /// `deposit`
    Deposit { account: u32, token: TokenId, amount: Amount },
    /// `deposit_new`
    DepositNew { key: Point, token: TokenId, amount: Amount },
    /// `swap`
    Swap { account: u32, pool: u32, direction: Direction, amount_in: Amount, fee: Fee },
    /// `create_pool`
    CreatePool { account: u32, token0: TokenId, token1: TokenId, fee_bp: u16, amount0: Amount, amount1: Amount, fee: Fee },
    /// `add_liquidity`
    AddLiquidity { account: u32, pool: u32, max0: Amount, max1: Amount, fee: Fee },
    /// `remove_liquidity`
    RemoveLiquidity { account: u32, pool: u32, shares: Amount, fee: Fee },
    /// `change_key`
    ChangeKey { account: u32, key: Point, fee: Fee },
    /// `withdraw`
    Withdraw { account: u32, token: TokenId, amount: Amount, destination: Destination, fee: Fee },
    /// What a `deposit` or `deposit_new` becomes that cannot be credited; account 0 for the latter.
    Refund { account: u32, token: TokenId, amount: Amount, destination: Destination },
}

impl Published {
    /// The kind's number.
    pub const fn kind_code(&self) -> u8 {
        match self {
            Self::Transfer { .. } => 1,
            Self::TransferNew { .. } => 2,
            Self::Deposit { .. } => 3,
            Self::DepositNew { .. } => 4,
            Self::Swap { .. } => 5,
            Self::CreatePool { .. } => 6,
            Self::AddLiquidity { .. } => 7,
            Self::RemoveLiquidity { .. } => 8,
            Self::ChangeKey { .. } => 9,
            Self::Withdraw { .. } => 10,
            Self::Refund { .. } => 11,
        }
    }

    /// The kind's name.
    pub const fn kind_name(&self) -> &'static str {
        match self {
            Self::Transfer { .. } => "transfer",
            Self::TransferNew { .. } => "transfer_new",
            Self::Deposit { .. } => "deposit",
            Self::DepositNew { .. } => "deposit_new",
            Self::Swap { .. } => "swap",
            Self::CreatePool { .. } => "create_pool",
            Self::AddLiquidity { .. } => "add_liquidity",
            Self::RemoveLiquidity { .. } => "remove_liquidity",
            Self::ChangeKey { .. } => "change_key",
            Self::Withdraw { .. } => "withdraw",
            Self::Refund { .. } => "refund",
        }
    }

    /// Whether it takes an item from the deposit queue.
    pub const fn is_deposit(&self) -> bool {
        matches!(self, Self::Deposit { .. } | Self::DepositNew { .. } | Self::Refund { .. })
    }

    /// The fee, [`Fee::NONE`] for deposits.
    pub const fn fee(&self) -> Fee {
        match self {
            Self::Transfer { fee, .. }
            | Self::TransferNew { fee, .. }
            | Self::Swap { fee, .. }
            | Self::CreatePool { fee, .. }
            | Self::AddLiquidity { fee, .. }
            | Self::RemoveLiquidity { fee, .. }
            | Self::ChangeKey { fee, .. }
            | Self::Withdraw { fee, .. } => *fee,
            Self::Deposit { .. } | Self::DepositNew { .. } | Self::Refund { .. } => Fee::NONE,
        }
    }

    /// The elements `e1 .. e4`.
    pub fn elements(&self) -> [Fr; 4] {
        let e1 = |f1: u32, f2: u32, f3: u32, amount: Amount, aux: u16| {
            pack(&[
                (self.kind_code().into(), 0),
                (f1.into(), 8),
                (f2.into(), 38),
                (f3.into(), 68),
                (amount.get(), 98),
                (aux.into(), 194),
            ])
        };
        let zero = (Fr::zero(), Fr::zero());
        let (e1, m, (e3, e4)) = match *self {
            Self::Transfer { from, to, token, amount, .. } => (e1(from, to, token.get(), amount, 0), Amount::ZERO, zero),
            Self::TransferNew { from, key, token, amount, .. } => {
                (e1(from, 0, token.get(), amount, 0), Amount::ZERO, (key.x, key.y))
            }
            Self::Deposit { account, token, amount } => (e1(account, token.get(), 0, amount, 0), Amount::ZERO, zero),
            Self::DepositNew { key, token, amount } => (e1(0, token.get(), 0, amount, 0), Amount::ZERO, (key.x, key.y)),
            Self::Swap { account, pool, direction, amount_in, .. } => {
                (e1(account, pool, direction.code().into(), amount_in, 0), Amount::ZERO, zero)
            }
            Self::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => {
                (e1(account, token0.get(), token1.get(), amount0, fee_bp), amount1, zero)
            }
            Self::AddLiquidity { account, pool, max0, max1, .. } => (e1(account, pool, 0, max0, 0), max1, zero),
            Self::RemoveLiquidity { account, pool, shares, .. } => (e1(account, pool, 0, shares, 0), Amount::ZERO, zero),
            Self::ChangeKey { account, key, .. } => (e1(account, 0, 0, Amount::ZERO, 0), Amount::ZERO, (key.x, key.y)),
            Self::Withdraw { account, token, amount, destination, .. }
            | Self::Refund { account, token, amount, destination } => {
                let [hi, lo] = destination.limbs();
                (e1(account, token.get(), 0, amount, 0), Amount::ZERO, (hi, lo))
            }
        };
        let fee = self.fee();
        let e2 = pack(&[(fee.token.get().into(), 0), (fee.amount.get(), 30), (m.get(), 126)]);
        [e1, e2, e3, e4]
    }

    /// The rules of section 6 that the transaction breaks by itself, whatever the state. Execution and the decoder of data
    /// both apply them.
    ///
    /// # Errors
    /// The first [`Refusal`].
    pub fn check(&self) -> Result<(), Refusal> {
        let fee = self.fee();
        if fee.token.is_none() != fee.amount.is_zero() {
            return Err(Refusal::Fee { token: fee.token, amount: fee.amount });
        }
        match *self {
            Self::Transfer { from, to, token, amount, .. } => {
                index("from", from)?;
                index("to", to)?;
                some_token(token)?;
                if from == to {
                    return Err(Refusal::SelfTransfer { account: from });
                }
                at_least_1("amount", amount)
            }
            Self::TransferNew { from, token, amount, .. } => {
                index("from", from)?;
                some_token(token)?;
                at_least_1("amount", amount)
            }
            Self::Deposit { account, token, amount }
            | Self::Withdraw { account, token, amount, .. }
            | Self::Refund { account, token, amount, .. } => {
                index("account", account)?;
                ordinary(token)?;
                at_least_1("amount", amount)
            }
            Self::DepositNew { token, amount, .. } => {
                ordinary(token)?;
                at_least_1("amount", amount)
            }
            Self::Swap { account, pool, amount_in, .. } => {
                index("account", account)?;
                pool_index(pool)?;
                at_least_1("amount_in", amount_in)
            }
            Self::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => {
                index("account", account)?;
                ordinary(token0)?;
                ordinary(token1)?;
                if token0 >= token1 {
                    return Err(Refusal::TokenOrder { token0, token1 });
                }
                if fee_bp >= FEE_UNIT {
                    return Err(Refusal::PoolFee { had: fee_bp, needed: FEE_UNIT });
                }
                at_least_1("amount0", amount0)?;
                at_least_1("amount1", amount1)
            }
            Self::AddLiquidity { account, pool, max0, max1, .. } => {
                index("account", account)?;
                pool_index(pool)?;
                at_least_1("max0", max0)?;
                at_least_1("max1", max1)
            }
            Self::RemoveLiquidity { account, pool, shares, .. } => {
                index("account", account)?;
                pool_index(pool)?;
                at_least_1("shares", shares)
            }
            Self::ChangeKey { account, .. } => index("account", account),
        }
    }
}

fn index(field: &'static str, had: u32) -> Result<(), Refusal> {
    below(field, had, INDEX_LIMIT)
}

fn pool_index(had: u32) -> Result<(), Refusal> {
    below("pool", had, POOL_LIMIT)
}

fn below(field: &'static str, had: u32, limit: u32) -> Result<(), Refusal> {
    if had < limit { Ok(()) } else { Err(Refusal::Range { field, had: had.into(), limit: limit.into() }) }
}

fn some_token(token: TokenId) -> Result<(), Refusal> {
    if token.is_none() { Err(Refusal::NoToken) } else { Ok(()) }
}

fn ordinary(token: TokenId) -> Result<(), Refusal> {
    if token.is_ordinary() { Ok(()) } else { Err(Refusal::NotOrdinary { token }) }
}

fn at_least_1(field: &'static str, amount: Amount) -> Result<(), Refusal> {
    if amount.is_zero() { Err(Refusal::Zero { field }) } else { Ok(()) }
}

/// `D_0`.
pub fn data_hash_start(operator: u32) -> Fr {
    data_start(operator)
}

/// `D'` after one transaction with these elements.
pub fn data_hash_after(data_hash: Fr, [e1, e2, e3, e4]: [Fr; 4]) -> Fr {
    poseidon::hash(&[Fr::from(tag::DATA), data_hash, e1, e2, e3, e4])
}

/// The data hash of a batch.
pub fn data_hash<'a>(operator: u32, transactions: impl IntoIterator<Item = &'a Published>) -> Fr {
    transactions.into_iter().fold(data_hash_start(operator), |hash, tx| data_hash_after(hash, tx.elements()))
}

#[cfg(test)]
mod tests;
