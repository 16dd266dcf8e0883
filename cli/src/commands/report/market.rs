//! What batches did to tokens and pools, from their published data.

use std::collections::BTreeMap;

use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::data::{BatchData, Published};
use tapstone_circuits::pool::Pool;

/// Sums of one token. A chain would need 2^32 transactions of the highest amount to overflow one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Moved between accounts.
    pub transferred: u128,
    /// Sold to pools.
    pub sold: u128,
    /// Come from Bitcoin.
    pub deposited: u128,
    /// Gone to Bitcoin, refunds included.
    pub withdrawn: u128,
    /// Paid in fees to the operator.
    pub fees: u128,
}

/// Volumes by token, and the pools. Pools are followed from the first batch on, so only of a chain that is seen from its start.
#[derive(Debug, Default)]
pub struct Market {
    /// By token.
    pub volumes: BTreeMap<u32, Volume>,
    /// By index; `None` where the start was not seen, or the data do not follow from it.
    pub pools: Option<Vec<Pool>>,
    /// For each pool: batch, and its token1 for one token0 after it.
    pub prices: Vec<Vec<(u64, f64)>>,
}

impl Market {
    /// Before a batch.
    pub fn new(first_batch: u64) -> Self {
        Self { pools: (first_batch == 1).then(Vec::new), ..Self::default() }
    }

    fn volume(&mut self, token: TokenId) -> &mut Volume {
        self.volumes.entry(token.get()).or_default()
    }

    /// Takes in a batch.
    pub fn add(&mut self, data: &BatchData) {
        for tx in &data.transactions {
            let fee = tx.fee();
            if !fee.amount.is_zero() {
                self.volume(fee.token).fees += fee.amount.get();
            }
            match *tx {
                Published::Transfer { token, amount, .. } | Published::TransferNew { token, amount, .. } => {
                    self.volume(token).transferred += amount.get();
                }
                Published::Deposit { token, amount, .. } | Published::DepositNew { token, amount, .. } => {
                    self.volume(token).deposited += amount.get();
                }
                Published::Refund { token, amount, .. } => {
                    let volume = self.volume(token);
                    volume.deposited += amount.get();
                    volume.withdrawn += amount.get();
                }
                Published::Withdraw { token, amount, .. } => self.volume(token).withdrawn += amount.get(),
                _ => {}
            }
            if let Some(sold) = self.trade(tx) {
                self.volume(sold.0).sold += sold.1.get();
            }
        }
        for (pool, prices) in self.pools.iter().flatten().zip(&mut self.prices) {
            prices.push((data.batch_number, pool.reserve1.get() as f64 / pool.reserve0.get() as f64));
        }
    }

    /// What a transaction does to a pool; what it sells to it.
    fn trade(&mut self, tx: &Published) -> Option<(TokenId, Amount)> {
        let pools = self.pools.as_mut()?;
        let any = (Amount::ZERO, Amount::ZERO);
        let mut sold = None;
        let of = |pools: &Vec<Pool>, index: u32| pools.get(index as usize).copied();
        let change = match *tx {
            Published::Swap { pool, direction, amount_in, .. } => of(pools, pool).map(|before| {
                sold = Some((before.tokens(direction).0, amount_in));
                (pool, before.swap(direction, amount_in, Amount::ZERO).map(|(_, after)| after))
            }),
            Published::AddLiquidity { pool, max0, max1, .. } => of(pools, pool)
                .map(|before| (pool, before.add_liquidity((max0, max1), Amount::ZERO).map(|(_, after)| after))),
            Published::RemoveLiquidity { pool, shares, .. } => {
                of(pools, pool).map(|before| (pool, before.remove_liquidity(shares, any).map(|(_, after)| after)))
            }
            Published::CreatePool { token0, token1, fee_bp, amount0, amount1, .. } => {
                if let Ok(pool) = Pool::create((token0, token1), fee_bp, (amount0, amount1)) {
                    pools.push(pool);
                    self.prices.push(Vec::new());
                }
                return None;
            }
            _ => return None,
        };
        match change {
            Some((index, Ok(after))) => pools[index as usize] = after,
            // Data that do not follow from what was seen: prices would be wrong from here on.
            _ => self.pools = None,
        }
        sold
    }
}
