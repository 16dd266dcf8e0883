//! What a batch replaced: enough to undo it, and to see that no token appeared or vanished.

use std::collections::BTreeMap;

use ark_bn254::Fr;

use super::{BatchError, Ledger};
use crate::account::Account;
use crate::amount::TokenId;
use crate::pool::Pool;

/// The first value of everything that a batch changes.
pub(super) struct Journal {
    accounts: BTreeMap<u32, Account>,
    pools: BTreeMap<u32, Pool>,
    next_account: usize,
    next_pool: usize,
    deposit_head: Fr,
    deposit_count: u64,
    batch_number: u64,
}

impl Journal {
    pub(super) fn start(ledger: &Ledger) -> Self {
        Self {
            accounts: BTreeMap::new(),
            pools: BTreeMap::new(),
            next_account: ledger.accounts.len(),
            next_pool: ledger.pools.len(),
            deposit_head: ledger.deposit_head,
            deposit_count: ledger.deposit_count,
            batch_number: ledger.batch_number,
        }
    }

    /// Must be called with an account's value before each change; only the first counts.
    pub(super) fn account(&mut self, index: u32, before: &Account) {
        self.accounts.entry(index).or_insert_with(|| before.clone());
    }

    /// Must be called with a pool's value before each change; only the first counts.
    pub(super) fn pool(&mut self, index: u32, before: Pool) {
        self.pools.entry(index).or_insert(before);
    }

    /// The pools touched, with their values at the start of the batch.
    pub(super) fn pools(&self) -> &BTreeMap<u32, Pool> {
        &self.pools
    }

    /// Puts everything back.
    pub(super) fn undo(self, ledger: &mut Ledger) {
        ledger.accounts.truncate(self.next_account);
        ledger.pools.truncate(self.next_pool);
        for (index, before) in self.accounts {
            ledger.account_tree.set(index, before.leaf_hash());
            if let Some(account) = ledger.accounts.get_mut(index as usize) {
                *account = before;
            }
        }
        for (index, before) in self.pools {
            ledger.pool_tree.set(index, before.leaf_hash());
            if let Some(pool) = ledger.pools.get_mut(index as usize) {
                *pool = before;
            }
        }
        ledger.deposit_head = self.deposit_head;
        ledger.deposit_count = self.deposit_count;
        ledger.batch_number = self.batch_number;
    }

    /// For ordinary tokens, balances and reserves change by the deposits; for shares, balances change by what is minted less
    /// what is locked.
    pub(super) fn check_conservation(&self, ledger: &Ledger, deposits: &BTreeMap<u32, u128>) -> Result<(), BatchError> {
        let mut had = Sums::default();
        let mut needed = Sums::default();
        for (index, before) in &self.accounts {
            had.account(before, -1);
            had.account(ledger.account(*index).unwrap_or(&Account::EMPTY), 1);
        }
        for (index, before) in &self.pools {
            let after = ledger.pool(*index).unwrap_or(&Pool::EMPTY);
            for (pool, sign) in [(before, -1), (after, 1)] {
                had.add(pool.token0.get(), pool.reserve0.get(), sign);
                had.add(pool.token1.get(), pool.reserve1.get(), sign);
                if let Some(share) = TokenId::lp(*index) {
                    needed.add(share.get(), pool.circulating(), sign);
                }
            }
        }
        for (token, amount) in deposits {
            needed.add(*token, *amount, 1);
        }
        for token in had.0.keys().chain(needed.0.keys()) {
            let (had, needed) = (had.of(*token), needed.of(*token));
            if had != needed {
                return Err(BatchError::Conservation { token: *token, had, needed });
            }
        }
        Ok(())
    }
}

/// Sums by token. Amounts are below `2^96`, so 31 bits are left to count them: a batch has far fewer.
#[derive(Default)]
struct Sums(BTreeMap<u32, i128>);

impl Sums {
    fn add(&mut self, token: u32, amount: u128, sign: i128) {
        *self.0.entry(token).or_default() += sign * amount as i128;
    }

    fn account(&mut self, account: &Account, sign: i128) {
        let tokens = std::iter::once(TokenId::NATIVE.get()).chain(account.tokens);
        for (token, balance) in tokens.zip(account.balances) {
            self.add(token, balance, sign);
        }
    }

    fn of(&self, token: u32) -> i128 {
        self.0.get(&token).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Amount;

    #[test]
    fn a_token_out_of_nothing_is_seen() {
        let mut ledger = Ledger::genesis(3, 1, 1).unwrap();
        let mut journal = Journal::start(&ledger);
        journal.account(0, &Account::EMPTY);
        let mut account = Account::EMPTY;
        account.balances[0] = 5;
        ledger.accounts.push(account);
        let five = BTreeMap::from([(1, 5)]);
        assert_eq!(journal.check_conservation(&ledger, &five), Ok(()));
        let four = BTreeMap::from([(1, 4)]);
        let error = journal.check_conservation(&ledger, &four).unwrap_err();
        assert_eq!(error, BatchError::Conservation { token: 1, had: 5, needed: 4 });
    }

    #[test]
    fn shares_are_minted_less_the_locked_ones() {
        let mut ledger = Ledger::genesis(3, 1, 1).unwrap();
        let mut journal = Journal::start(&ledger);
        journal.pool(0, Pool::EMPTY);
        ledger.pools.push(Pool { supply: Amount::from(1001), ..Pool::EMPTY });
        let none = BTreeMap::new();
        assert!(journal.check_conservation(&ledger, &none).is_err());
        journal.account(0, &Account::EMPTY);
        let mut account = Account::EMPTY;
        (account.tokens[0], account.balances[1]) = (1 << 29, 1);
        ledger.accounts.push(account);
        assert_eq!(journal.check_conservation(&ledger, &none), Ok(()));
    }
}
