//! What a batch replaced: enough to undo it, and to see that no token appeared or vanished.

use std::collections::BTreeMap;

use ark_bn254::Fr;

use super::{BatchError, Ledger};
use crate::account::Account;
use crate::amount::{Amount, TokenId};
use crate::pool::Pool;

/// The first value of everything that a batch changes.
pub(super) struct Journal {
    accounts: BTreeMap<u32, Account>,
    pools: BTreeMap<u32, Pool>,
    next_account: u32,
    next_pool: u32,
    deposit_head: Fr,
    deposit_count: u64,
    batch_number: u64,
}

impl Journal {
    pub(super) fn start(ledger: &Ledger) -> Self {
        Self {
            accounts: BTreeMap::new(),
            pools: BTreeMap::new(),
            next_account: ledger.next_account,
            next_pool: ledger.next_pool,
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

    /// What is there now of the accounts and pools touched.
    pub(super) fn now(&self, ledger: &Ledger) -> (BTreeMap<u32, Account>, BTreeMap<u32, Pool>) {
        let account = |index: &u32| Some((*index, ledger.account(*index)?.clone()));
        let pool = |index: &u32| Some((*index, *ledger.pool(*index)?));
        (self.accounts.keys().filter_map(account).collect(), self.pools.keys().filter_map(pool).collect())
    }

    /// Puts everything back. The trees have not followed yet: they do when nothing can fail any more.
    pub(super) fn undo(self, ledger: &mut Ledger) {
        ledger.accounts.split_off(&self.next_account);
        ledger.pools.split_off(&self.next_pool);
        ledger.next_account = self.next_account;
        ledger.next_pool = self.next_pool;
        ledger.accounts.extend(self.accounts.into_iter().filter(|(index, _)| *index < self.next_account));
        ledger.pools.extend(self.pools.into_iter().filter(|(index, _)| *index < self.next_pool));
        ledger.deposit_head = self.deposit_head;
        ledger.deposit_count = self.deposit_count;
        ledger.batch_number = self.batch_number;
    }

    /// What the batch did to each token, and that the books balance: for ordinary tokens balances and reserves change by deposits less
    /// withdrawals, for shares balances change by what was minted less what was burnt, the locked ones apart.
    ///
    /// # Errors
    /// [`BatchError::Conservation`], a fault of this program.
    pub(super) fn conservation(&self, ledger: &Ledger, flows: &Flows) -> Result<Vec<TokenFlow>, BatchError> {
        let mut tokens = flows.0.clone();
        for (index, before) in &self.accounts {
            for (account, sign) in [(before, -1), (ledger.account(*index).unwrap_or(&Account::EMPTY), 1)] {
                let ids = std::iter::once(TokenId::NATIVE.get()).chain(account.tokens);
                for (id, balance) in ids.zip(account.balances) {
                    tokens.entry(id).or_default().balances += sign * balance as i128;
                }
            }
        }
        for (index, before) in &self.pools {
            let after = ledger.pool(*index).unwrap_or(&Pool::EMPTY);
            for (pool, sign) in [(before, -1), (after, 1)] {
                for (token, reserve) in [(pool.token0, pool.reserve0), (pool.token1, pool.reserve1)] {
                    tokens.entry(token.get()).or_default().reserves += sign * reserve.get() as i128;
                }
                if let Some(share) = TokenId::lp(*index) {
                    tokens.entry(share.get()).or_default().minted += sign * pool.circulating() as i128;
                }
            }
        }
        // Id 0 is the empty slot.
        tokens.remove(&0);
        let mut list = Vec::with_capacity(tokens.len());
        for (token, sums) in tokens {
            let (had, needed) = (sums.balances + sums.reserves, sums.deposited - sums.withdrawn + sums.minted);
            if had != needed {
                return Err(BatchError::Conservation { token, had, needed });
            }
            let Sums { deposited, withdrawn, minted, balances, reserves } = sums;
            if sums != Sums::default() {
                list.push(TokenFlow { token, deposited, withdrawn, minted, balances, reserves });
            }
        }
        Ok(list)
    }
}

/// What a batch did to one token: `balances + reserves = deposited - withdrawn + minted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFlow {
    /// The token.
    pub token: u32,
    /// Credited by deposits.
    pub deposited: i128,
    /// Debited by withdrawals.
    pub withdrawn: i128,
    /// Shares minted less shares burnt, the locked ones apart; 0 for ordinary tokens.
    pub minted: i128,
    /// Change of all accounts' balances.
    pub balances: i128,
    /// Change of all pools' reserves; 0 for shares.
    pub reserves: i128,
}

/// Sums of one token. Amounts are below `2^96`, so 31 bits are left to count them: a batch has far fewer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    deposited: i128,
    withdrawn: i128,
    minted: i128,
    balances: i128,
    reserves: i128,
}

/// What comes into a batch and leaves it, by token.
#[derive(Default)]
pub(super) struct Flows(BTreeMap<u32, Sums>);

impl Flows {
    pub(super) fn deposited(&mut self, token: TokenId, amount: Amount) {
        self.0.entry(token.get()).or_default().deposited += amount.get() as i128;
    }

    pub(super) fn withdrawn(&mut self, token: TokenId, amount: Amount) {
        self.0.entry(token.get()).or_default().withdrawn += amount.get() as i128;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(deposited: u64, withdrawn: u64) -> Flows {
        let mut flows = Flows::default();
        flows.deposited(TokenId::NATIVE, Amount::from(deposited));
        flows.withdrawn(TokenId::NATIVE, Amount::from(withdrawn));
        flows
    }

    #[test]
    fn a_token_out_of_nothing_is_seen() {
        let mut ledger = Ledger::genesis(3, 1, 1).unwrap();
        let mut journal = Journal::start(&ledger);
        journal.account(0, &Account::EMPTY);
        let mut account = Account::EMPTY;
        account.balances[0] = 5;
        ledger.accounts.insert(0, account);
        ledger.next_account = 1;
        let list = journal.conservation(&ledger, &flows(7, 2)).unwrap();
        assert_eq!(list, [TokenFlow { token: 1, deposited: 7, withdrawn: 2, minted: 0, balances: 5, reserves: 0 }]);
        for wrong in [flows(4, 0), flows(5, 1), flows(6, 2)] {
            let error = journal.conservation(&ledger, &wrong).unwrap_err();
            assert!(matches!(error, BatchError::Conservation { token: 1, had: 5, .. }));
        }
    }

    #[test]
    fn shares_are_minted_less_the_locked_ones() {
        let mut ledger = Ledger::genesis(3, 1, 1).unwrap();
        let mut journal = Journal::start(&ledger);
        journal.pool(0, Pool::EMPTY);
        ledger.pools.insert(0, Pool { supply: Amount::from(1001), ..Pool::EMPTY });
        ledger.next_pool = 1;
        let none = Flows::default();
        assert!(journal.conservation(&ledger, &none).is_err());
        journal.account(0, &Account::EMPTY);
        let mut account = Account::EMPTY;
        (account.tokens[0], account.balances[1]) = (1 << 29, 1);
        ledger.accounts.insert(0, account);
        ledger.next_account = 1;
        let list = journal.conservation(&ledger, &none).unwrap();
        assert!(list.iter().any(|flow| flow.token == 1 << 29 && flow.minted == 1 && flow.balances == 1));
    }
}
