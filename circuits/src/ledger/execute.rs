//! Execution of one batch.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use rayon::prelude::*;
use tapstone_verifier::Statement;

use super::accesses::remember;
use super::journal::{Flows, Journal, TokenFlow};
use super::{BatchError, Changes, Ledger, NUMBER_LIMIT, Refusal};
use crate::account::{Account, Credit};
use crate::amount::{Amount, TokenId};
use crate::data::{BatchData, Published, data_hash};
use crate::plan::{Start, split};
use crate::pool::Pool;
use crate::shape::{Shape, SlotKind};
use crate::signature::{PublicKey, Signature};
use crate::transaction::Transaction;
use crate::transaction::bundle::Bundle;
use crate::tree::Opened;
use crate::withdrawal::{Withdrawal, Withdrawals};
use crate::witness::{BatchWitness, LeafAccess, SlotWitness};

/// How full a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Slots with a transaction.
    pub used: usize,
    /// Slots of the shape.
    pub slots: usize,
    /// Accounts touched, the operator's among them.
    pub accounts: usize,
    /// Pools touched.
    pub pools: usize,
    /// Nodes above what was touched.
    pub nodes: usize,
}

/// What a transaction did to a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolChange {
    /// The transaction's index in the batch.
    pub position: usize,
    /// The pool.
    pub index: u32,
    /// What it was; empty if it was made.
    pub before: Pool,
    /// What it became.
    pub after: Pool,
}

/// A batch that was applied: what to prove, what to claim, what to publish.
#[derive(Clone, Debug)]
pub struct Executed {
    /// What the circuit is given.
    pub witness: BatchWitness,
    /// The chain.
    pub chain_id: u32,
    /// The batch's number.
    pub batch_number: u64,
    /// The state root before.
    pub pre_state_root: Fr,
    /// The state root after.
    pub post_state_root: Fr,
    /// The hash of the published data.
    pub data_hash: Fr,
    /// The deposit queue's head after.
    pub deposit_head: Fr,
    /// Root of the withdrawals.
    pub withdrawals_root: Fr,
    /// The withdrawals, by position.
    pub withdrawals: Vec<Withdrawal>,
    /// What the batch changed in the state.
    pub changes: Changes,
    /// The published data.
    pub data: Vec<u8>,
    /// The operator's fees, by token.
    pub fees: Vec<(u32, u128)>,
    /// What the batch did to each token that it moved, by token.
    pub flows: Vec<TokenFlow>,
    /// What its transactions did to pools, in order.
    pub pool_changes: Vec<PoolChange>,
    /// How full the batch is.
    pub fill: Fill,
}

impl Executed {
    /// What the batch's proof claims.
    pub fn statement(&self) -> Statement {
        Statement {
            chain_id: self.chain_id,
            batch_number: self.batch_number,
            pre_state_root: self.pre_state_root.into(),
            post_state_root: self.post_state_root.into(),
            data_hash: self.data_hash.into(),
            deposit_head: self.deposit_head.into(),
            withdrawals_root: self.withdrawals_root.into(),
        }
    }
}

impl Ledger {
    /// Applies a batch of `transactions` in slots of `shape`, its fees to account `operator`.
    ///
    /// # Errors
    /// [`BatchError`], and the ledger is as it was.
    pub fn execute(&mut self, shape: &Shape, operator: u32, transactions: &[Transaction]) -> Result<Executed, BatchError> {
        self.all_or_nothing(operator, |run| run.batch(shape, transactions))
    }

    /// Runs a batch; if it fails the ledger is as it was.
    pub(super) fn all_or_nothing<T, E>(
        &mut self,
        operator: u32,
        batch: impl FnOnce(&mut Run<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut run = Run {
            journal: Journal::start(self),
            operator,
            bundle: Bundle::default(),
            fees: BTreeMap::new(),
            flows: Flows::default(),
            chain: Withdrawals::none(self.chain_id, self.batch_number + 1),
            withdrawals: Vec::new(),
            signatures: Vec::new(),
            accounts: BTreeSet::new(),
            pool_changes: Vec::new(),
            position: 0,
            ledger: self,
        };
        let result = batch(&mut run);
        if result.is_err() {
            let Run { ledger, journal, .. } = run;
            journal.undo(ledger);
        }
        result
    }

    /// Where a cut of transactions starts from.
    pub fn start(&self, operator: u32) -> Start {
        let (next_account, next_pool) = (self.next_account(), self.next_pool());
        Start { operator, next_account, next_pool }
    }

    fn place(&self, shape: &Shape, operator: u32, transactions: &[Transaction]) -> Result<Vec<Option<usize>>, BatchError> {
        shape.check()?;
        let (theirs, ours) = ((shape.account_depth, shape.pool_depth), (self.account_depth(), self.pool_depth()));
        if theirs != ours {
            return Err(BatchError::Depths { shape: theirs, ledger: ours });
        }
        let mut batches = split(shape, self.start(operator), transactions)?.into_iter();
        let Some(first) = batches.next() else { return Ok(vec![None; shape.slots.len()]) };
        if batches.next().is_some() {
            return Err(BatchError::TooMany { fit: first.transactions().len(), had: transactions.len() });
        }
        Ok(first.slots)
    }
}

/// A batch in execution.
pub(super) struct Run<'a> {
    pub(super) ledger: &'a mut Ledger,
    pub(super) bundle: Bundle,
    journal: Journal,
    pub(super) operator: u32,
    pub(super) fees: BTreeMap<TokenId, Amount>,
    flows: Flows,
    pub(super) chain: Withdrawals,
    withdrawals: Vec<Withdrawal>,
    signatures: Vec<SignatureCheck>,
    /// Accounts accessed.
    accounts: BTreeSet<u32>,
    pub(super) pool_changes: Vec<PoolChange>,
    /// The transaction under way.
    position: usize,
}

/// A signature that somebody must have made.
pub(super) struct SignatureCheck {
    pub(super) position: usize,
    pub(super) key: PublicKey,
    pub(super) message: Fr,
    pub(super) signature: Signature,
}

/// What the end of a batch gives.
pub(super) struct Closed {
    pub(super) operator_access: LeafAccess,
    pub(super) flows: Vec<TokenFlow>,
    /// The nodes above accounts and pools that were touched.
    pub(super) opened: [Opened; 2],
    pub(super) changes: Changes,
}

impl Run<'_> {
    fn batch(&mut self, shape: &Shape, transactions: &[Transaction]) -> Result<Executed, BatchError> {
        let plan = self.ledger.place(shape, self.operator, transactions)?;
        let batch_number = self.next_batch_number()?;
        let pre = self.ledger.summary();
        let pre_state_root = self.ledger.state_root();
        let outcome = self.slots(&shape.slots, plan, transactions);
        // Whatever went wrong, a signature that is wrong stands before it.
        self.check_signatures(transactions)?;
        let (mut slots, published) = outcome?;
        let Closed { mut operator_access, flows, opened, changes } = self.close(batch_number)?;
        let mut state = remember((&mut slots, &mut operator_access), &self.pool_changes, self.ledger, &opened, &pre);
        let (accounts, pools, nodes) = (state.accounts.len(), state.pools.len(), state.nodes.len());
        let fill = Fill { used: transactions.len(), slots: shape.slots.len(), accounts, pools, nodes };
        state.fill(&shape.room());

        let data_hash = data_hash(self.operator, &published);
        let (chain_id, operator) = (self.ledger.chain_id, self.operator);
        let used = self.fees.keys().map(|token| token.get());
        let fee_tokens = filled_up(used, 1, shape.fee_tokens);
        let post = self.ledger.summary();
        let deposit_head = published.iter().any(Published::is_deposit).then_some(post.deposit_head);
        let data = BatchData { chain_id, batch_number, operator, transactions: published, deposit_head }.encode();
        let witness = BatchWitness {
            shape: shape.clone(),
            chain_id,
            batch_number,
            operator,
            pre,
            post,
            slots,
            fee_tokens,
            operator_access,
            state,
        };
        let (withdrawals, withdrawals_root) = self.take_withdrawals();
        Ok(Executed {
            witness,
            chain_id,
            batch_number,
            pre_state_root,
            post_state_root: self.ledger.state_root(),
            data_hash,
            deposit_head: post.deposit_head,
            withdrawals_root,
            withdrawals,
            changes,
            data,
            fees: self.fees.iter().map(|(token, total)| (token.get(), total.get())).collect(),
            flows,
            pool_changes: std::mem::take(&mut self.pool_changes),
            fill,
        })
    }

    /// The transactions of slots, in order; a bundle that begins there has to end there.
    pub(super) fn slots(
        &mut self,
        kinds: &[SlotKind],
        plan: Vec<Option<usize>>,
        transactions: &[Transaction],
    ) -> Result<(Vec<SlotWitness>, Vec<Published>), BatchError> {
        let mut slots = Vec::with_capacity(plan.len());
        let mut published = Vec::with_capacity(plan.len());
        let (mut bundle_start, mut end) = (0, 0);
        for (kind, position) in kinds.iter().zip(plan) {
            slots.push(match position {
                None => SlotWitness::padding(*kind),
                Some(position) => {
                    let tx = &transactions[position];
                    if !self.bundle.is_open() {
                        bundle_start = position;
                    }
                    end = position + 1;
                    let slot = self.slot(position, tx)?;
                    let refunded = matches!(&slot, SlotWitness::Single(single) if single.refund.is_some());
                    published.push(if refunded { tx.published_refund() } else { tx.published() });
                    slot
                }
            });
        }
        if self.bundle.is_open() {
            return Err(BatchError::OpenBundle { first: bundle_start, members: end - bundle_start });
        }
        Ok((slots, published))
    }

    /// Checks all signatures of the transactions applied so far, on all cores; the first that is wrong is named.
    pub(super) fn check_signatures(&self, transactions: &[Transaction]) -> Result<(), BatchError> {
        let wrong = self.signatures.par_iter().find_map_first(|check| {
            let error = check.key.verify(check.message, &check.signature).err()?;
            Some((check.position, Refusal::Signature(error)))
        });
        wrong.map_or(Ok(()), |(index, rule)| {
            let tx = &transactions[index];
            Err(BatchError::Refused { index, kind: tx.kind_name(), account: tx.account(), rule })
        })
    }

    pub(super) fn next_batch_number(&self) -> Result<u64, BatchError> {
        let number = self.number();
        if number < NUMBER_LIMIT { Ok(number) } else { Err(BatchError::BatchNumber) }
    }

    /// What comes after the last transaction: fees to the operator, the batch's number, the check that no token appeared or vanished,
    /// and then the trees, which nothing can keep from following.
    pub(super) fn close(&mut self, batch_number: u64) -> Result<Closed, BatchError> {
        let operator_access = self.credit_operator()?;
        self.ledger.batch_number = batch_number;
        let flows = self.journal.conservation(self.ledger, &self.flows)?;
        let ledger = &mut *self.ledger;
        let touched: Vec<u32> = self.accounts.iter().copied().collect();
        let leaf = |index: &u32| (*index, ledger.account(*index).unwrap_or(&Account::EMPTY).leaf_hash());
        let leaves = touched.par_iter().map(leaf).collect();
        let accounts = ledger.account_tree.set_all(&leaves);
        let touched = self.journal.pools().keys();
        let leaf = |index: &u32| (*index, ledger.pool(*index).unwrap_or(&Pool::EMPTY).leaf_hash());
        let leaves = touched.map(leaf).collect();
        let pools = ledger.pool_tree.set_all(&leaves);
        let (changed, touched_pools) = self.journal.now(self.ledger);
        let changes = Changes {
            accounts: changed,
            pools: touched_pools,
            account_families: self.ledger.account_tree.take_changes(),
            pool_families: self.ledger.pool_tree.take_changes(),
            after: self.ledger.head(),
        };
        Ok(Closed { operator_access, flows, opened: [accounts, pools], changes })
    }

    /// The withdrawals so far and their root.
    pub(super) fn take_withdrawals(&mut self) -> (Vec<Withdrawal>, Fr) {
        (std::mem::take(&mut self.withdrawals), self.chain.root())
    }

    fn slot(&mut self, position: usize, tx: &Transaction) -> Result<SlotWitness, BatchError> {
        let kind = tx.kind_name();
        let refused = |rule| BatchError::Refused { index: position, kind, account: tx.account(), rule };
        self.position = position;
        let witness = self.apply(position, tx).map_err(refused)?;
        self.check_operator_can_take_fees().map_err(refused)?;
        Ok(witness)
    }

    /// The state's next batch number.
    pub(super) fn number(&self) -> u64 {
        self.ledger.batch_number + 1
    }

    /// A leaf as it is now, empty if no account stands there yet.
    pub(super) fn access(&mut self, index: u32) -> LeafAccess {
        self.accounts.insert(index);
        let before = self.ledger.account(index).unwrap_or(&Account::EMPTY).clone();
        LeafAccess { before, ..LeafAccess::none(index) }
    }

    /// Notes a signature, which is checked with all others of the batch.
    pub(super) fn expect_signature(&mut self, check: SignatureCheck) {
        self.signatures.push(check);
    }

    /// Replaces an account that exists.
    pub(super) fn put_account(&mut self, index: u32, after: Account) {
        if let Some(account) = self.ledger.accounts.get_mut(&index) {
            self.journal.account(index, account);
            *account = after;
        }
    }

    /// Makes the account that the counter names.
    pub(super) fn push_account(&mut self, account: Account) {
        let index = self.ledger.next_account;
        self.journal.account(index, &Account::EMPTY);
        self.ledger.accounts.insert(index, account);
        self.ledger.next_account = index + 1;
    }

    /// Replaces a pool that exists.
    pub(super) fn put_pool(&mut self, index: u32, after: Pool) {
        if let Some(pool) = self.ledger.pools.get_mut(&index) {
            self.journal.pool(index, *pool);
            self.pool_changes.push(PoolChange { position: self.position, index, before: *pool, after });
            *pool = after;
        }
    }

    /// Makes the pool that the counter names.
    pub(super) fn push_pool(&mut self, pool: Pool) {
        let index = self.ledger.next_pool;
        self.journal.pool(index, Pool::EMPTY);
        self.pool_changes.push(PoolChange { position: self.position, index, before: Pool::EMPTY, after: pool });
        self.ledger.pools.insert(index, pool);
        self.ledger.next_pool = index + 1;
    }

    /// Adds a fee to the batch's totals.
    pub(super) fn collect_fee(&mut self, token: TokenId, fee: Amount) -> Result<(), Refusal> {
        let total = self.fees.entry(token).or_default();
        let had = total.get();
        *total = total.checked_add(fee).ok_or(Refusal::OperatorCredit {
            operator: self.operator,
            source: crate::account::AccountError::Overflow { token, had, credit: fee.get() },
        })?;
        Ok(())
    }

    /// Notes a credited deposit for the check of conservation.
    pub(super) fn count_deposit(&mut self, token: TokenId, amount: Amount) {
        self.flows.deposited(token, amount);
    }

    /// Notes a debited withdrawal for the check of conservation. A refund is neither deposited nor withdrawn.
    pub(super) fn count_withdrawal(&mut self, token: TokenId, amount: Amount) {
        self.flows.withdrawn(token, amount);
    }

    /// Sends coins to Bitcoin.
    pub(super) fn emit(&mut self, withdrawal: &Withdrawal) {
        self.chain.push(withdrawal);
        self.withdrawals.push(*withdrawal);
    }

    /// The operator's account with all fees credited, if that is possible as things stand.
    fn with_fees(&self, mut account: Account) -> Result<Account, Refusal> {
        for (token, total) in &self.fees {
            account
                .credit(*token, *total, Credit::Foreign)
                .map_err(|source| Refusal::OperatorCredit { operator: self.operator, source })?;
        }
        Ok(account)
    }

    fn check_operator_can_take_fees(&self) -> Result<(), Refusal> {
        if self.fees.is_empty() {
            return Ok(());
        }
        let (operator, next) = (self.operator, self.ledger.next_account());
        let account = self.ledger.account(operator).ok_or(Refusal::OperatorMissing { operator, next })?;
        self.with_fees(account.clone()).map(|_| ())
    }

    fn credit_operator(&mut self) -> Result<LeafAccess, BatchError> {
        let (operator, next) = (self.operator, self.ledger.next_account());
        let account = self.ledger.account(operator).ok_or(BatchError::Operator { operator, next })?.clone();
        let access = self.access(operator);
        let after = self.with_fees(account).map_err(BatchError::Fees)?;
        self.put_account(operator, after);
        Ok(access)
    }
}

/// The numbers used, filled up to `count` with the lowest others from `first` on, in order.
pub(super) fn filled_up(used: impl Iterator<Item = u32>, first: u32, count: usize) -> Vec<u32> {
    let mut list: BTreeSet<u32> = used.collect();
    let mut filler = first..;
    while list.len() < count {
        list.extend(filler.next());
    }
    list.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::filled_up;

    #[test]
    fn lists_are_filled_up_with_the_lowest_others() {
        assert_eq!(filled_up([].into_iter(), 1, 2), [1, 2]);
        assert_eq!(filled_up([5, 1].into_iter(), 1, 3), [1, 2, 5]);
        assert_eq!(filled_up([0, 1].into_iter(), 0, 2), [0, 1]);
        assert!(filled_up([].into_iter(), 0, 0).is_empty());
    }
}
