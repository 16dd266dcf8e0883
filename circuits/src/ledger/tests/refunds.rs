//! Deposits that cannot be credited, and credits by strangers.

use super::*;
use crate::account::AccountError;
use crate::amount::Amount;
use crate::signature::curve::Point;
use crate::testing::token;
use crate::withdrawal::Cause;
use crate::witness::{RefundReason, SlotWitness};

/// Applies the open batch, whose last transaction is refunded, and tells why.
pub(super) fn refunded(w: &mut World) -> RefundReason {
    let (before, item) = (w.ledger.clone(), w.open.last().unwrap().queue_item().unwrap());
    let executed = w.apply().unwrap();
    let withdrawal = executed.withdrawals.last().unwrap();
    assert_eq!(withdrawal.cause, Cause::Refund);
    assert_eq!((withdrawal.token, withdrawal.amount), (item.token, item.amount));
    assert_eq!(withdrawal.destination, item.refund);
    // Nothing but the queue moves.
    assert_eq!((w.ledger.accounts(), w.ledger.pools()), (before.accounts(), before.pools()));
    assert_eq!(w.ledger.deposit_count(), before.deposit_count() + 1);
    let last = executed.witness.slots.iter().rev().find_map(|slot| match slot {
        SlotWitness::Single(single) => single.refund,
        SlotWitness::Pair(_) => None,
    });
    last.unwrap()
}

#[test]
fn deposits_that_cannot_be_credited_are_refunded() {
    let base = world();
    let case = |push: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        push(&mut w);
        refunded(&mut w)
    };
    for account in [3, 63, 64, 69, (1 << 30) - 1] {
        let reason = case(&|w| {
            w.deposit(account, 1, 5);
        });
        assert_eq!(reason, RefundReason::AccountMissing);
    }
    let reason = case(&|w| {
        w.deposit(0, 1, Amount::MAX.get());
    });
    assert_eq!(reason, RefundReason::Overflow);
    for key in [Point::zero(), crate::testing::low_order_key(1)] {
        let reason = case(&|w| {
            w.deposit_new(1, 5);
            with!(w, DepositNew, key = key);
        });
        assert_eq!(reason, RefundReason::Key);
    }
}

#[test]
fn strangers_cannot_fill_an_account() {
    let mut w = world();
    // Account 1 holds tokens 2 and 3; two more may come from strangers.
    w.deposit(1, 10, 5).deposit(1, 11, 5).deposit(0, 12, 5).apply().unwrap();
    w.deposit(1, 12, 5);
    assert_eq!(refunded(&mut w), RefundReason::NoSlot);
    let source = AccountError::Reserved { token: token(12), had: 3, needed: 4 };
    // Account 0 would pass token 12 on, in vain.
    w.transfer(0, 1, 12, 5);
    assert_eq!(refusal(&mut w), Refusal::Credit { account: 1, source });
    // The owner takes a slot with a trade of its own, and native tokens still come in.
    w.create_pool(1, (2, 3), 30, (5000, 5000)).apply().unwrap();
    w.deposit(1, 1, 5).apply().unwrap();
    assert_eq!(w.ledger.account(1).unwrap().free_slots(), 2);
}

/// Fees in a new token need a fourth free slot of the operator's account; a deposit takes it. The batch ends before the deposit.
#[test]
fn a_deposit_does_not_wait_for_the_operators_fees() {
    let mut w = world();
    w.operator = 2;
    w.deposit(0, 20, 50).deposit(2, 10, 5).apply().unwrap();
    w.with_fee(20, 1).transfer(0, 1, 1, 1).deposit(2, 11, 5).with_fee(1, 1).transfer(0, 1, 1, 1);
    let transactions = w.open.clone();
    assert!(matches!(
        error(&mut w),
        BatchError::Refused { index: 1, rule: Refusal::OperatorCredit { operator: 2, .. }, .. }
    ));
    let done = w.ledger.execute_all(&w.shape, 2, &transactions).unwrap();
    assert_eq!(done.iter().map(|e| e.fill.used).collect::<Vec<_>>(), [1, 2]);
    // In the first batch the fee took the slot, so that the deposit comes too late for one and is refunded.
    assert_eq!(done[1].withdrawals.len(), 1);
    assert_eq!(w.ledger.account(2).unwrap().balance(token(20)), 1);
    // A transaction that somebody signed can wait, and is refused as ever.
    let mut w = world();
    w.operator = 2;
    w.deposit(0, 20, 50).deposit(2, 10, 5).deposit(2, 11, 5).apply().unwrap();
    w.transfer(0, 1, 1, 1).with_fee(20, 1).transfer(0, 1, 1, 1);
    let transactions = w.open.clone();
    let refused = w.ledger.execute_all(&w.shape, 2, &transactions).unwrap_err();
    assert!(matches!(refused, ChainError::Batch { first: 0, error: BatchError::Refused { index: 1, .. } }), "{refused}");
}
