//! What each kind of transaction does to the state (PROTOCOL.md, section 6).
//!
//! Two paths lead to the same effects: a [`Transaction`] has to be authorised by its signature, its nonce and its limits; a
//! [`Published`] one was, as the batch's proof shows.

use ark_bn254::Fr;

use super::execute::{Run, SignatureCheck};
use super::{NUMBER_LIMIT, Refusal};
use crate::account::{Account, AccountError, Credit};
use crate::amount::{Amount, TokenId};
use crate::data::{Fee, Published};
use crate::deposit::queue_head_after;
use crate::memory::access::{Access, PoolRead};
use crate::pool::{Direction, Pool};
use crate::signature::curve::Point;
use crate::signature::{KeyError, PublicKey};
use crate::transaction::{Signed, Transaction};
use crate::withdrawal::{Cause, Withdrawal};
use crate::witness::{LeafAccess, PairWitness, RefundReason, SingleWitness, SlotWitness};

/// A signer's account while its transaction runs: it exists, it signed, and its nonce has moved on.
struct Signer {
    index: u32,
    account: Account,
    fee: Fee,
}

impl Signer {
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

/// Whom a transfer pays.
enum Payee {
    /// An account that exists, with this key; without one the key is not compared.
    Account(u32, Option<Point>),
    /// A new account.
    Key(Point),
}

/// What became of a deposit: the leaf, and why it was refunded if it was.
type Deposited = (LeafAccess, Option<RefundReason>);

impl Run<'_> {
    /// Applies one transaction.
    pub(super) fn apply(&mut self, position: usize, tx: &Transaction) -> Result<SlotWitness, Refusal> {
        tx.published().check()?;
        let message = self.bundle.take(tx, self.ledger.chain_id)?;
        // Only deposits have neither.
        let signer = match (tx.signer(), tx.signed(), message) {
            (Some(index), Some(signed), Some(message)) => self.signer(position, index, signed, message).map(Some)?,
            _ => None,
        };
        let single = |(account, refund)| {
            // Pools are filled in at the end of the batch.
            let pool = Access::padding(PoolRead::default());
            SlotWitness::Single(SingleWitness { tx: Some(tx.clone()), position, account, pool, refund })
        };
        let signed = |access| Ok(single((access, None)));
        match (tx, signer) {
            (Transaction::Deposit { account, token, amount, .. }, _) => {
                let deposited = self.deposit(*account, *token, *amount)?;
                self.consume(tx, deposited.1)?;
                Ok(single(deposited))
            }
            (Transaction::DepositNew { key, token, amount, .. }, _) => {
                let deposited = self.deposit_new(key, *token, *amount)?;
                self.consume(tx, deposited.1)?;
                Ok(single(deposited))
            }
            (Transaction::Transfer { to, to_key, token, amount, .. }, Some(signer)) => {
                let payee = Payee::Account(*to, Some(*to_key));
                let (sender, recipient) = self.transfer(signer, &payee, *token, *amount)?;
                Ok(SlotWitness::Pair(PairWitness { tx: Some(tx.clone()), position, sender, recipient }))
            }
            (Transaction::TransferNew { to_key, token, amount, .. }, Some(signer)) => {
                let (sender, recipient) = self.transfer(signer, &Payee::Key(*to_key), *token, *amount)?;
                Ok(SlotWitness::Pair(PairWitness { tx: Some(tx.clone()), position, sender, recipient }))
            }
            (Transaction::Swap { pool, direction, amount_in, min_out, .. }, Some(signer)) => {
                signed(self.swap(signer, *pool, *direction, *amount_in, *min_out)?)
            }
            (Transaction::CreatePool { token0, token1, fee_bp, amount0, amount1, .. }, Some(signer)) => {
                signed(self.create_pool(signer, (*token0, *token1), *fee_bp, (*amount0, *amount1))?)
            }
            (Transaction::AddLiquidity { pool, max0, max1, min_shares, .. }, Some(signer)) => {
                signed(self.add_liquidity(signer, *pool, (*max0, *max1), *min_shares)?)
            }
            (Transaction::RemoveLiquidity { pool, shares, min0, min1, .. }, Some(signer)) => {
                signed(self.remove_liquidity(signer, *pool, *shares, (*min0, *min1))?)
            }
            (Transaction::ChangeKey { key, .. }, Some(signer)) => signed(self.change_key(signer, key)?),
            (Transaction::Withdraw { token, amount, destination, account, .. }, Some(signer)) => {
                let (account, token, amount) = (*account, *token, *amount);
                let cause = Cause::Request;
                signed(self.withdraw(signer, &Withdrawal { account, token, amount, cause, destination: *destination })?)
            }
            _ => unreachable!("every kind but deposits has a signer"),
        }
    }

    /// Applies what a proven batch published of a transaction. The deposit queue's head stays behind.
    pub(super) fn replay(&mut self, tx: &Published) -> Result<(), Refusal> {
        tx.check()?;
        let limitless = (Amount::ZERO, Amount::ZERO);
        let fee = tx.fee();
        match *tx {
            Published::Transfer { from, to, token, amount, .. } => {
                let signer = self.proven_signer(from, fee)?;
                self.transfer(signer, &Payee::Account(to, None), token, amount)?;
            }
            Published::TransferNew { from, key, token, amount, .. } => {
                let signer = self.proven_signer(from, fee)?;
                self.transfer(signer, &Payee::Key(key), token, amount)?;
            }
            Published::Deposit { account, token, amount } => {
                self.next_deposit()?;
                self.existing(account)?;
                let (_, refund) = self.deposit(account, token, amount)?;
                must_be_credited(account, refund)?;
            }
            Published::DepositNew { key, token, amount } => {
                self.next_deposit()?;
                let account = self.ledger.next_account();
                let (_, refund) = self.deposit_new(&key, token, amount)?;
                must_be_credited(account, refund)?;
            }
            Published::Refund { account, token, amount, destination } => {
                self.next_deposit()?;
                let cause = Cause::Refund;
                self.emit(&Withdrawal { account, token, amount, cause, destination });
            }
            Published::Swap { account, pool, direction, amount_in, .. } => {
                let signer = self.proven_signer(account, fee)?;
                self.swap(signer, pool, direction, amount_in, Amount::ZERO)?;
            }
            Published::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => {
                let signer = self.proven_signer(account, fee)?;
                self.create_pool(signer, (token0, token1), fee_bp, (amount0, amount1))?;
            }
            Published::AddLiquidity { account, pool, max0, max1, .. } => {
                let signer = self.proven_signer(account, fee)?;
                self.add_liquidity(signer, pool, (max0, max1), Amount::ZERO)?;
            }
            Published::RemoveLiquidity { account, pool, shares, .. } => {
                let signer = self.proven_signer(account, fee)?;
                self.remove_liquidity(signer, pool, shares, limitless)?;
            }
            Published::ChangeKey { account, key, .. } => {
                let signer = self.proven_signer(account, fee)?;
                self.change_key(signer, &key)?;
            }
            Published::Withdraw { account, token, amount, destination, .. } => {
                let signer = self.proven_signer(account, fee)?;
                let cause = Cause::Request;
                self.withdraw(signer, &Withdrawal { account, token, amount, cause, destination })?;
            }
        }
        Ok(())
    }

    fn existing(&self, index: u32) -> Result<&Account, Refusal> {
        let next = self.ledger.next_account();
        self.ledger.account(index).ok_or(Refusal::AccountMissing { account: index, next })
    }

    fn pool(&self, index: u32) -> Result<Pool, Refusal> {
        let next = self.ledger.next_pool();
        self.ledger.pool(index).copied().ok_or(Refusal::PoolMissing { pool: index, next })
    }

    /// The rules of every signed transaction; the nonce moves on. The signature is checked with those of the whole batch.
    fn signer(&mut self, position: usize, index: u32, signed: &Signed, message: Fr) -> Result<Signer, Refusal> {
        let account = self.existing(index)?;
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
        self.expect_signature(SignatureCheck { position, key, message, signature: signed.signature });
        self.proven_signer(index, Fee { token: signed.fee_token, amount: signed.fee })
    }

    /// A signer whose signature, nonce and expiry are known to be right.
    fn proven_signer(&self, index: u32, fee: Fee) -> Result<Signer, Refusal> {
        let mut account = self.existing(index)?.clone();
        account.nonce = account.nonce.checked_add(1).ok_or(Refusal::NonceExhausted)?;
        Ok(Signer { index, account, fee })
    }

    fn pay_fee(&mut self, signer: &mut Signer) -> Result<(), Refusal> {
        let Fee { token, amount } = signer.fee;
        if amount.is_zero() {
            return Ok(());
        }
        signer.debit(token, amount)?;
        self.collect_fee(token, amount)
    }

    /// Replaces the signer's leaf.
    fn finish(&mut self, signer: Signer) -> LeafAccess {
        let access = self.access(signer.index);
        self.put_account(signer.index, signer.account);
        access
    }

    fn transfer(
        &mut self,
        mut signer: Signer,
        payee: &Payee,
        token: TokenId,
        amount: Amount,
    ) -> Result<(LeafAccess, LeafAccess), Refusal> {
        signer.debit(token, amount)?;
        self.pay_fee(&mut signer)?;
        let sender = self.finish(signer);
        let recipient = match payee {
            Payee::Account(to, key) => self.receive(*to, key.as_ref(), token, amount)?,
            Payee::Key(key) => {
                let key = PublicKey::try_from(*key).map_err(Refusal::Key)?;
                let capacity = self.ledger.account_tree.capacity();
                self.open_account(key, token, amount)?.ok_or(Refusal::AccountsFull { capacity })?
            }
        };
        Ok((sender, recipient))
    }

    fn receive(&mut self, to: u32, key: Option<&Point>, token: TokenId, amount: Amount) -> Result<LeafAccess, Refusal> {
        let mut account = self.existing(to)?.clone();
        if key.is_some_and(|key| account.key_xy() != (key.x, key.y)) {
            return Err(Refusal::RecipientKey { account: to });
        }
        credit((to, &mut account), token, amount, Credit::Foreign)?;
        let access = self.access(to);
        self.put_account(to, account);
        Ok(access)
    }

    /// Makes the next account; `None` if the tree is full.
    fn open_account(&mut self, key: PublicKey, token: TokenId, amount: Amount) -> Result<Option<LeafAccess>, Refusal> {
        let index = self.ledger.next_account();
        if u64::from(index) >= self.ledger.account_tree.capacity() {
            return Ok(None);
        }
        let mut account = Account::new(key);
        credit((index, &mut account), token, amount, Credit::Foreign)?;
        let access = self.access(index);
        self.push_account(account);
        Ok(Some(access))
    }

    fn deposit(&mut self, index: u32, token: TokenId, amount: Amount) -> Result<Deposited, Refusal> {
        let Ok(account) = self.existing(index) else {
            // Below the capacity, which is at most 2^30.
            let leaf = (u64::from(index) % self.ledger.account_tree.capacity()) as u32;
            return Ok((LeafAccess::none(leaf), Some(RefundReason::AccountMissing)));
        };
        let mut account = account.clone();
        let access = self.access(index);
        let refund = match account.credit(token, amount, Credit::Foreign) {
            Ok(()) => None,
            Err(AccountError::Overflow { .. }) => Some(RefundReason::Overflow),
            Err(AccountError::Full { .. } | AccountError::Reserved { .. }) => Some(RefundReason::NoSlot),
            Err(source) => return Err(Refusal::Credit { account: index, source }),
        };
        if refund.is_none() {
            self.count_deposit(token, amount);
            self.put_account(index, account);
        }
        Ok((access, refund))
    }

    fn deposit_new(&mut self, key: &Point, token: TokenId, amount: Amount) -> Result<Deposited, Refusal> {
        let refund = match PublicKey::try_from(*key) {
            // A bridge never queues what is not a point, so this is no deposit at all.
            Err(KeyError::NotOnCurve) => return Err(Refusal::Key(KeyError::NotOnCurve)),
            Err(_) => RefundReason::Key,
            Ok(key) => match self.open_account(key, token, amount)? {
                Some(access) => {
                    self.count_deposit(token, amount);
                    return Ok((access, None));
                }
                None => RefundReason::AccountsFull,
            },
        };
        Ok((LeafAccess::none(0), Some(refund)))
    }

    /// Counts a deposit taken from the queue; returns its index.
    fn next_deposit(&mut self) -> Result<u64, Refusal> {
        let index = self.ledger.deposit_count;
        // The count after the batch is packed into 48 bits as well.
        if index + 1 >= NUMBER_LIMIT {
            return Err(Refusal::DepositsExhausted);
        }
        self.ledger.deposit_count = index + 1;
        Ok(index)
    }

    /// Takes the deposit from the queue, and sends it back if it was refunded.
    fn consume(&mut self, tx: &Transaction, refund: Option<RefundReason>) -> Result<(), Refusal> {
        let Some(item) = tx.queue_item() else { return Ok(()) };
        let index = self.next_deposit()?;
        self.ledger.deposit_head = queue_head_after(self.ledger.deposit_head, index, &item);
        if refund.is_some() {
            let (account, cause) = (tx.account().unwrap_or(0), Cause::Refund);
            let (token, amount, destination) = (item.token, item.amount, item.refund);
            self.emit(&Withdrawal { account, token, amount, cause, destination });
        }
        Ok(())
    }

    fn swap(
        &mut self,
        mut signer: Signer,
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
        mut signer: Signer,
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

    /// A pool that exists, with the token of its shares.
    fn pool_and_share(&self, index: u32) -> Result<(Pool, TokenId), Refusal> {
        let pool = self.pool(index)?;
        let share = TokenId::lp(index).ok_or(Refusal::PoolMissing { pool: index, next: self.ledger.next_pool() })?;
        Ok((pool, share))
    }

    fn add_liquidity(
        &mut self,
        mut signer: Signer,
        index: u32,
        max: (Amount, Amount),
        min_shares: Amount,
    ) -> Result<LeafAccess, Refusal> {
        let (pool, share) = self.pool_and_share(index)?;
        let refused = |source| Refusal::Pool { pool: index, source };
        let (liquidity, after) = pool.add_liquidity(max, min_shares).map_err(refused)?;
        signer.debit(pool.token0, liquidity.amount0)?;
        signer.debit(pool.token1, liquidity.amount1)?;
        self.pay_fee(&mut signer)?;
        signer.credit(share, liquidity.shares)?;
        self.put_pool(index, after);
        Ok(self.finish(signer))
    }

    fn remove_liquidity(
        &mut self,
        mut signer: Signer,
        index: u32,
        shares: Amount,
        min: (Amount, Amount),
    ) -> Result<LeafAccess, Refusal> {
        let (pool, share) = self.pool_and_share(index)?;
        signer.debit(share, shares)?;
        let refused = |source| Refusal::Pool { pool: index, source };
        let (liquidity, after) = pool.remove_liquidity(shares, min).map_err(refused)?;
        self.pay_fee(&mut signer)?;
        signer.credit(pool.token0, liquidity.amount0)?;
        signer.credit(pool.token1, liquidity.amount1)?;
        self.put_pool(index, after);
        Ok(self.finish(signer))
    }

    fn change_key(&mut self, mut signer: Signer, key: &Point) -> Result<LeafAccess, Refusal> {
        signer.account.key = Some(PublicKey::try_from(*key).map_err(Refusal::Key)?);
        self.pay_fee(&mut signer)?;
        Ok(self.finish(signer))
    }

    fn withdraw(&mut self, mut signer: Signer, withdrawal: &Withdrawal) -> Result<LeafAccess, Refusal> {
        signer.debit(withdrawal.token, withdrawal.amount)?;
        self.pay_fee(&mut signer)?;
        self.count_withdrawal(withdrawal.token, withdrawal.amount);
        self.emit(withdrawal);
        Ok(self.finish(signer))
    }
}

/// A deposit that was published as credited: that it cannot be is a fault of the data.
fn must_be_credited(account: u32, refund: Option<RefundReason>) -> Result<(), Refusal> {
    refund.map_or(Ok(()), |reason| Err(Refusal::NotCreditable { account, reason }))
}
