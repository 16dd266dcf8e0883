//! What each kind of transaction does to the state (PROTOCOL.md, section 6).

use super::execute::Run;
use super::{NUMBER_LIMIT, Refusal};
use crate::account::{Account, Credit};
use crate::amount::{Amount, TokenId};
use crate::deposit::queue_head_after;
use crate::pool::{Direction, Pool};
use crate::signature::PublicKey;
use crate::signature::curve::Point;
use crate::transaction::{Signed, Transaction};
use crate::witness::{LeafAccess, PairWitness, SingleWitness, SlotWitness};
use ark_bn254::Fr;
use ark_ff::Zero;

/// A signer's account while its transaction runs: it exists, it signed, and its nonce has moved on.
struct Signer<'a> {
    index: u32,
    account: Account,
    signed: &'a Signed,
}

impl Signer<'_> {
    fn debit(&mut self, token: TokenId, amount: Amount) -> Result<(), Refusal> {
        self.account.debit(token, amount).map_err(|source| Refusal::Debit { account: self.index, source })
    }

    fn credit(&mut self, token: TokenId, amount: Amount) -> Result<(), Refusal> {
        credit((self.index, &mut self.account), token, amount, Credit::Own)
    }
}

fn credit((index, account): (u32, &mut Account), token: TokenId, amount: Amount, by: Credit) -> Result<(), Refusal> {
    account.credit(token, amount, by).map_err(|source| Refusal::Credit { account: index, source })
}

impl Run<'_> {
    /// Applies one transaction.
    pub(super) fn apply(&mut self, position: usize, tx: &Transaction) -> Result<SlotWitness, Refusal> {
        tx.published().check()?;
        match tx {
            Transaction::Transfer { from, to, to_key, token, amount, signed } => {
                let mut signer = self.signer(tx, *from, signed)?;
                signer.debit(*token, *amount)?;
                self.pay_fee(&mut signer)?;
                let sender = self.finish(signer);
                let recipient = self.receive(*to, to_key, *token, *amount)?;
                Ok(SlotWitness::Pair(PairWitness { tx: Some(tx.clone()), position, sender, recipient }))
            }
            Transaction::TransferNew { from, to_key, token, amount, signed } => {
                let mut signer = self.signer(tx, *from, signed)?;
                signer.debit(*token, *amount)?;
                self.pay_fee(&mut signer)?;
                let sender = self.finish(signer);
                let recipient = self.open_account(to_key, *token, *amount)?;
                Ok(SlotWitness::Pair(PairWitness { tx: Some(tx.clone()), position, sender, recipient }))
            }
            Transaction::Deposit { account, token, amount, .. } => {
                let access = self.deposit(*account, *token, *amount)?;
                self.consume(tx, *token, *amount)?;
                Ok(single(position, tx, access))
            }
            Transaction::DepositNew { key, token, amount, .. } => {
                let access = self.open_account(key, *token, *amount)?;
                self.consume(tx, *token, *amount)?;
                Ok(single(position, tx, access))
            }
            Transaction::Swap { account, pool, direction, amount_in, min_out, signed } => {
                let signer = self.signer(tx, *account, signed)?;
                let access = self.swap(signer, *pool, *direction, *amount_in, *min_out)?;
                Ok(single(position, tx, access))
            }
            Transaction::CreatePool { account, token0, token1, fee_bp, amount0, amount1, signed } => {
                let signer = self.signer(tx, *account, signed)?;
                let access = self.create_pool(signer, (*token0, *token1), *fee_bp, (*amount0, *amount1))?;
                Ok(single(position, tx, access))
            }
            Transaction::AddLiquidity { account, pool, max0, max1, min_shares, signed } => {
                let signer = self.signer(tx, *account, signed)?;
                let access = self.add_liquidity(signer, *pool, (*max0, *max1), *min_shares)?;
                Ok(single(position, tx, access))
            }
        }
    }

    fn existing(&self, index: u32) -> Result<&Account, Refusal> {
        let next = self.ledger.next_account();
        self.ledger.account(index).ok_or(Refusal::AccountMissing { account: index, next })
    }

    fn pool(&self, index: u32) -> Result<Pool, Refusal> {
        let next = self.ledger.next_pool();
        self.ledger.pool(index).copied().ok_or(Refusal::PoolMissing { pool: index, next })
    }

    /// The rules of every signed transaction; the nonce moves on.
    fn signer<'a>(&self, tx: &Transaction, index: u32, signed: &'a Signed) -> Result<Signer<'a>, Refusal> {
        let mut account = self.existing(index)?.clone();
        if signed.nonce != account.nonce {
            return Err(Refusal::Nonce { had: signed.nonce, needed: account.nonce });
        }
        if signed.expiry >= NUMBER_LIMIT {
            return Err(Refusal::Range { field: "expiry", had: signed.expiry, limit: NUMBER_LIMIT });
        }
        let batch = self.number();
        if signed.expiry != 0 && batch > signed.expiry {
            return Err(Refusal::Expired { expiry: signed.expiry, batch });
        }
        // An account that exists has a key: genesis has no accounts, and they are made with one.
        let key = account.key.ok_or(Refusal::AccountMissing { account: index, next: self.ledger.next_account() })?;
        let message = tx.digest(Fr::zero(), self.ledger.chain_id());
        key.verify(message, &signed.signature).map_err(Refusal::Signature)?;
        account.nonce = account.nonce.checked_add(1).ok_or(Refusal::NonceExhausted)?;
        Ok(Signer { index, account, signed })
    }

    fn pay_fee(&mut self, signer: &mut Signer<'_>) -> Result<(), Refusal> {
        let (token, fee) = (signer.signed.fee_token, signer.signed.fee);
        if fee.is_zero() {
            return Ok(());
        }
        signer.debit(token, fee)?;
        self.collect_fee(token, fee)
    }

    /// Replaces the signer's leaf.
    fn finish(&mut self, signer: Signer<'_>) -> LeafAccess {
        let access = self.access(signer.index);
        self.put_account(signer.index, signer.account);
        access
    }

    fn receive(&mut self, to: u32, key: &Point, token: TokenId, amount: Amount) -> Result<LeafAccess, Refusal> {
        let mut account = self.existing(to)?.clone();
        if account.key_xy() != (key.x, key.y) {
            return Err(Refusal::RecipientKey { account: to });
        }
        credit((to, &mut account), token, amount, Credit::Foreign)?;
        let access = self.access(to);
        self.put_account(to, account);
        Ok(access)
    }

    fn open_account(&mut self, key: &Point, token: TokenId, amount: Amount) -> Result<LeafAccess, Refusal> {
        let key = PublicKey::try_from(*key).map_err(Refusal::Key)?;
        let (index, capacity) = (self.ledger.next_account(), self.ledger.account_tree.capacity());
        if u64::from(index) >= capacity {
            return Err(Refusal::AccountsFull { capacity });
        }
        let mut account = Account::new(key);
        credit((index, &mut account), token, amount, Credit::Foreign)?;
        let access = self.access(index);
        self.push_account(account);
        Ok(access)
    }

    fn deposit(&mut self, index: u32, token: TokenId, amount: Amount) -> Result<LeafAccess, Refusal> {
        let mut account = self.existing(index)?.clone();
        credit((index, &mut account), token, amount, Credit::Foreign)?;
        let access = self.access(index);
        self.put_account(index, account);
        Ok(access)
    }

    /// Takes the deposit from the queue.
    fn consume(&mut self, tx: &Transaction, token: TokenId, amount: Amount) -> Result<(), Refusal> {
        let Some(item) = tx.queue_item() else { return Ok(()) };
        let index = self.ledger.deposit_count;
        // The count after the batch is packed into 48 bits as well.
        if index + 1 >= NUMBER_LIMIT {
            return Err(Refusal::DepositsExhausted);
        }
        self.ledger.deposit_head = queue_head_after(self.ledger.deposit_head, index, &item);
        self.ledger.deposit_count = index + 1;
        self.count_deposit(token, amount);
        Ok(())
    }

    fn swap(
        &mut self,
        mut signer: Signer<'_>,
        index: u32,
        direction: Direction,
        amount_in: Amount,
        min_out: Amount,
    ) -> Result<LeafAccess, Refusal> {
        let pool = self.pool(index)?;
        let refused = |source| Refusal::Pool { pool: index, source };
        let (out, after) = pool.swap(direction, amount_in, min_out).map_err(refused)?;
        let (sold, bought) = pool.tokens(direction);
        signer.debit(sold, amount_in)?;
        self.pay_fee(&mut signer)?;
        signer.credit(bought, out)?;
        self.put_pool(index, after);
        Ok(self.finish(signer))
    }

    fn create_pool(
        &mut self,
        mut signer: Signer<'_>,
        (token0, token1): (TokenId, TokenId),
        fee_bp: u16,
        (amount0, amount1): (Amount, Amount),
    ) -> Result<LeafAccess, Refusal> {
        let (index, capacity) = (self.ledger.next_pool(), self.ledger.pool_tree.capacity());
        let share = TokenId::lp(index).filter(|_| u64::from(index) < capacity);
        let share = share.ok_or(Refusal::PoolsFull { capacity })?;
        let refused = |source| Refusal::Pool { pool: index, source };
        let pool = Pool::create((token0, token1), fee_bp, (amount0, amount1)).map_err(refused)?;
        signer.debit(token0, amount0)?;
        signer.debit(token1, amount1)?;
        self.pay_fee(&mut signer)?;
        let shares = Amount::new(pool.circulating()).expect("a supply is an amount, and this is less");
        signer.credit(share, shares)?;
        self.push_pool(pool);
        Ok(self.finish(signer))
    }

    fn add_liquidity(
        &mut self,
        mut signer: Signer<'_>,
        index: u32,
        max: (Amount, Amount),
        min_shares: Amount,
    ) -> Result<LeafAccess, Refusal> {
        let pool = self.pool(index)?;
        let share = TokenId::lp(index).ok_or(Refusal::PoolMissing { pool: index, next: self.ledger.next_pool() })?;
        let refused = |source| Refusal::Pool { pool: index, source };
        let (liquidity, after) = pool.add_liquidity(max, min_shares).map_err(refused)?;
        signer.debit(pool.token0, liquidity.amount0)?;
        signer.debit(pool.token1, liquidity.amount1)?;
        self.pay_fee(&mut signer)?;
        signer.credit(share, liquidity.shares)?;
        self.put_pool(index, after);
        Ok(self.finish(signer))
    }
}

fn single(position: usize, tx: &Transaction, account: LeafAccess) -> SlotWitness {
    SlotWitness::Single(SingleWitness { tx: Some(tx.clone()), position, account })
}
