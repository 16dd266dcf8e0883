//! Each rule, broken one at a time: it has its refusal, and the ledger is as it was.

use ark_ff::One;

use super::refunds::refunded;
use super::*;
use crate::account::AccountError;
use crate::amount::{Amount, TokenId};
use crate::plan::PlanError;
use crate::pool::{Direction, PoolError};
use crate::signature::curve::Point;
use crate::signature::{KeyError, Signature, SignatureError};
use crate::testing::{amount, public, secret, token};
use crate::transaction::Signed;
use crate::witness::RefundReason;

const GO: Direction = Direction::ZeroForOne;

/// Each signed kind, valid on [`world`].
fn signed_kinds() -> [fn(&mut World); 8] {
    [
        |w| {
            w.transfer(0, 1, 1, 100);
        },
        |w| {
            w.transfer_new(0, 2, 100);
        },
        |w| {
            w.swap(0, 0, GO, 1000);
        },
        |w| {
            w.create_pool(0, (2, 3), 30, (5000, 6000));
        },
        |w| {
            w.add_liquidity(0, 0, (1000, 2000));
        },
        |w| {
            w.remove_liquidity(0, 0, 1000);
        },
        |w| {
            w.change_key(0, 99);
        },
        |w| {
            w.withdraw(0, 1, 100);
        },
    ]
}

#[test]
fn every_signed_kind_obeys_the_rules_of_signed_transactions() {
    for push in signed_kinds() {
        let base = world();
        let case = |change: &dyn Fn(&mut World)| {
            let mut w = base.clone();
            w.with_fee(1, 5);
            push(&mut w);
            change(&mut w);
            refusal(&mut w)
        };
        {
            let mut w = base.clone();
            w.with_fee(1, 5);
            push(&mut w);
            let executed = w.apply().unwrap();
            assert_eq!(executed.fees, [(1, 5)]);
        }
        let field = |f: fn(&mut Signed)| case(&|w| alter(w, |tx| f(tx.signed_mut().unwrap())));
        let nonce = base.nonce(0);
        assert_eq!(field(|s| s.nonce += 1), Refusal::Nonce { had: nonce + 1, needed: nonce });
        let batch = base.ledger.batch_number() + 1;
        assert_eq!(field(|s| s.expiry = 3), Refusal::Expired { expiry: 3, batch });
        assert!(matches!(field(|s| s.expiry = 1 << 48), Refusal::Range { field: "expiry", .. }));
        assert!(matches!(field(|s| s.fee = Amount::ZERO), Refusal::Fee { .. }));
        assert!(matches!(field(|s| s.fee_token = TokenId::NONE), Refusal::Fee { .. }));
        let poor = field(|s| s.fee = Amount::MAX);
        assert!(matches!(poor, Refusal::Debit { account: 0, source: AccountError::Insufficient { .. } }), "{poor}");
        let forged = case(&|w| {
            w.open.last_mut().unwrap().signed_mut().unwrap().signature = Signature::unsigned();
        });
        assert_eq!(forged, Refusal::Signature(SignatureError::Equation));
        let other_chain = case(&|w| w.open.last_mut().unwrap().sign(&secret(0), 4).unwrap());
        assert_eq!(other_chain, Refusal::Signature(SignatureError::Equation));
        let nobody = case(&|w| {
            alter(w, |tx| match tx {
                Transaction::Transfer { from, .. } | Transaction::TransferNew { from, .. } => *from = 9,
                Transaction::Swap { account, .. }
                | Transaction::CreatePool { account, .. }
                | Transaction::AddLiquidity { account, .. }
                | Transaction::RemoveLiquidity { account, .. }
                | Transaction::ChangeKey { account, .. }
                | Transaction::Withdraw { account, .. } => *account = 9,
                Transaction::Deposit { .. } | Transaction::DepositNew { .. } => panic!("nobody signs it"),
            });
        });
        assert_eq!(nobody, Refusal::AccountMissing { account: 9, next: 3 });
    }
}

#[test]
fn expiry_is_the_last_batch() {
    let mut w = world();
    let number = w.ledger.batch_number() + 1;
    w.transfer(0, 1, 1, 1);
    alter(&mut w, |tx| tx.signed_mut().unwrap().expiry = number);
    w.apply().unwrap();
    w.transfer(0, 1, 1, 1);
    alter(&mut w, |tx| tx.signed_mut().unwrap().expiry = number);
    assert_eq!(refusal(&mut w), Refusal::Expired { expiry: number, batch: number + 1 });
}

#[test]
fn replays_and_the_last_nonce_are_refused() {
    let mut w = world();
    w.transfer(0, 1, 1, 1);
    let tx = w.open[0].clone();
    w.open.push(tx);
    assert!(matches!(refusal(&mut w), Refusal::Nonce { .. }));
    let account = w.ledger.accounts.get_mut(&1).unwrap();
    account.nonce = u64::MAX;
    let leaf = account.leaf_hash();
    w.ledger.account_tree.set(1, leaf);
    w.transfer(1, 0, 1, 1);
    assert_eq!(refusal(&mut w), Refusal::NonceExhausted);
}

#[test]
fn transfer() {
    let w = world();
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = w.clone();
        w.transfer(0, 1, 1, 100);
        change(&mut w);
        refusal(&mut w)
    };
    assert_eq!(case(&|w| with!(w, Transfer, amount = Amount::ZERO)), Refusal::Zero { field: "amount" });
    assert_eq!(case(&|w| with!(w, Transfer, token = TokenId::NONE)), Refusal::NoToken);
    assert_eq!(case(&|w| with!(w, Transfer, to = 0)), Refusal::SelfTransfer { account: 0 });
    assert_eq!(case(&|w| with!(w, Transfer, to = 3)), Refusal::AccountMissing { account: 3, next: 3 });
    assert!(matches!(case(&|w| with!(w, Transfer, to = 1 << 30)), Refusal::Range { field: "to", .. }));
    let key = public(2).point();
    assert_eq!(case(&|w| with!(w, Transfer, to_key = key)), Refusal::RecipientKey { account: 1 });
    let poor = case(&|w| with!(w, Transfer, amount = amount(1 << 90)));
    assert!(matches!(poor, Refusal::Debit { account: 0, source: AccountError::Insufficient { .. } }));
    let missing = case(&|w| with!(w, Transfer, token = token(9)));
    assert!(matches!(missing, Refusal::Debit { source: AccountError::Insufficient { had: 0, .. }, .. }));
}

#[test]
fn fee_and_amount_come_from_the_same_balance() {
    let mut w = world();
    let all = w.ledger.account(1).unwrap().balance(TokenId::NATIVE);
    w.with_fee(1, 1).transfer(1, 2, 1, all);
    assert!(matches!(refusal(&mut w), Refusal::Debit { source: AccountError::Insufficient { had: 0, .. }, .. }));
    w.transfer(1, 2, 1, all - 1);
    w.apply().unwrap();
    assert_eq!(w.ledger.account(1).unwrap().balances[0], 0);
}

#[test]
fn transfer_new() {
    let w = world();
    let case = |key: Point| {
        let mut w = w.clone();
        w.transfer_new(0, 1, 100);
        with!(&mut w, TransferNew, to_key = key);
        refusal(&mut w)
    };
    assert_eq!(case(Point::zero()), Refusal::Key(KeyError::Identity));
    let minus_one = Point::new_unchecked(Fr::zero(), -Fr::one());
    assert_eq!(case(minus_one), Refusal::Key(KeyError::NotInSubgroup));
    assert_eq!(case(Point::new_unchecked(Fr::one(), Fr::one())), Refusal::Key(KeyError::NotOnCurve));
    let mut w = w.clone();
    w.transfer_new(0, 1, 100);
    with!(&mut w, TransferNew, amount = Amount::ZERO);
    assert_eq!(refusal(&mut w), Refusal::Zero { field: "amount" });
    w.transfer_new(0, 1, 100);
    with!(&mut w, TransferNew, token = TokenId::NONE);
    assert_eq!(refusal(&mut w), Refusal::NoToken);
}

#[test]
fn full_trees() {
    let mut w = World::populated(Shape { account_depth: 1, pool_depth: 1, ..shape("SP") }, 8);
    w.transfer_new(0, 1, 1);
    assert_eq!(refusal(&mut w), Refusal::AccountsFull { capacity: 8 });
    w.deposit_new(1, 1);
    assert_eq!(refunded(&mut w), RefundReason::AccountsFull);
    for i in 1..8 {
        w.create_pool(i, (2, 3), 30, (2000, 2000)).apply().unwrap();
    }
    w.create_pool(0, (2, 3), 30, (2000, 2000));
    assert_eq!(refusal(&mut w), Refusal::PoolsFull { capacity: 8 });
}

#[test]
fn deposits() {
    let base = world();
    let (zero, lp) = (Amount::ZERO, TokenId::lp(0).unwrap());
    let case = |push: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        push(&mut w);
        refusal(&mut w)
    };
    let not_lp = Refusal::NotOrdinary { token: lp };
    assert_eq!(
        case(&|w| {
            w.deposit(0, lp.get(), 5);
        }),
        not_lp
    );
    assert_eq!(
        case(&|w| {
            w.deposit_new(lp.get(), 5);
        }),
        not_lp
    );
    assert_eq!(
        case(&|w| {
            w.deposit(0, 0, 5);
        }),
        Refusal::NotOrdinary { token: TokenId::NONE }
    );
    assert_eq!(
        case(&|w| {
            w.deposit(0, 1, zero.get());
        }),
        Refusal::Zero { field: "amount" }
    );
    assert_eq!(
        case(&|w| {
            w.deposit_new(1, 0);
        }),
        Refusal::Zero { field: "amount" }
    );
    let off_curve = case(&|w| {
        w.deposit_new(1, 5);
        with!(w, DepositNew, key = Point::new_unchecked(Fr::one(), Fr::one()));
    });
    assert_eq!(off_curve, Refusal::Key(KeyError::NotOnCurve));
    let mut w = base.clone();
    // Index 2^48 - 2 is the last: the count after it is below 2^48 as well.
    w.ledger.deposit_count = NUMBER_LIMIT - 2;
    w.deposit(0, 1, 5).apply().unwrap();
    assert_eq!(w.ledger.deposit_count, NUMBER_LIMIT - 1);
    w.deposit(0, 1, 5);
    assert_eq!(refusal(&mut w), Refusal::DepositsExhausted);
}

#[test]
fn swap() {
    let base = world();
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        w.swap(0, 0, GO, 1000);
        change(&mut w);
        refusal(&mut w)
    };
    let pool = |source| Refusal::Pool { pool: 0, source };
    assert_eq!(case(&|w| with!(w, Swap, pool = 1)), Refusal::PoolMissing { pool: 1, next: 1 });
    assert!(matches!(case(&|w| with!(w, Swap, pool = 1 << 30)), Refusal::Range { field: "pool", .. }));
    assert_eq!(case(&|w| with!(w, Swap, amount_in = Amount::ZERO)), Refusal::Zero { field: "amount_in" });
    assert!(matches!(
        case(&|w| with!(w, Swap, min_out = amount(1500))),
        Refusal::Pool { source: PoolError::BelowMinOut { .. }, .. }
    ));
    let nothing = case(&|w| {
        w.open.clear();
        w.swap(0, 0, Direction::OneForZero, 1);
    });
    assert_eq!(nothing, pool(PoolError::NothingOut { amount_in: amount(1) }));
    assert!(matches!(
        case(&|w| with!(w, Swap, amount_in = Amount::MAX)),
        Refusal::Pool { source: PoolError::ReserveOverflow { .. }, .. }
    ));
    let poor = case(&|w| with!(w, Swap, amount_in = amount(1 << 80)));
    assert!(matches!(poor, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
}

#[test]
fn create_pool() {
    let base = world();
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        w.create_pool(0, (2, 3), 30, (5000, 5000));
        change(&mut w);
        refusal(&mut w)
    };
    let lp = TokenId::lp(0).unwrap();
    assert!(matches!(case(&|w| with!(w, CreatePool, token1 = token(2))), Refusal::TokenOrder { .. }));
    assert!(matches!(case(&|w| with!(w, CreatePool, token1 = token(1))), Refusal::TokenOrder { .. }));
    assert_eq!(case(&|w| with!(w, CreatePool, token1 = lp)), Refusal::NotOrdinary { token: lp });
    let none = Refusal::NotOrdinary { token: TokenId::NONE };
    assert_eq!(case(&|w| with!(w, CreatePool, token0 = TokenId::NONE)), none);
    assert_eq!(case(&|w| with!(w, CreatePool, fee_bp = 10_000)), Refusal::PoolFee { had: 10_000, needed: 10_000 });
    assert_eq!(case(&|w| with!(w, CreatePool, amount0 = Amount::ZERO)), Refusal::Zero { field: "amount0" });
    assert_eq!(case(&|w| with!(w, CreatePool, amount1 = Amount::ZERO)), Refusal::Zero { field: "amount1" });
    let small = case(&|w| with!(w, CreatePool, amount0 = amount(200)));
    let source = PoolError::FirstSupply { had: amount(1000), needed: 1001 };
    assert_eq!(small, Refusal::Pool { pool: 1, source });
    let poor = case(&|w| with!(w, CreatePool, amount1 = amount(1 << 80)));
    assert!(matches!(poor, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
}

#[test]
fn add_liquidity() {
    let base = world();
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        w.add_liquidity(0, 0, (1000, 2000));
        change(&mut w);
        refusal(&mut w)
    };
    assert_eq!(case(&|w| with!(w, AddLiquidity, pool = 1)), Refusal::PoolMissing { pool: 1, next: 1 });
    assert_eq!(case(&|w| with!(w, AddLiquidity, max0 = Amount::ZERO)), Refusal::Zero { field: "max0" });
    assert_eq!(case(&|w| with!(w, AddLiquidity, max1 = Amount::ZERO)), Refusal::Zero { field: "max1" });
    assert!(matches!(
        case(&|w| with!(w, AddLiquidity, min_shares = amount(5000))),
        Refusal::Pool { source: PoolError::BelowMinShares { .. }, .. }
    ));
    let nothing = case(&|w| with!(w, AddLiquidity, max1 = amount(1)));
    assert_eq!(nothing, Refusal::Pool { pool: 0, source: PoolError::NoShares });
    let poor = case(&|w| {
        w.open.clear();
        w.add_liquidity(0, 0, (1 << 80, 1 << 80));
    });
    assert!(matches!(poor, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
}

#[test]
fn operators() {
    let base = world();
    let mut w = base.clone();
    w.operator = 7;
    assert_eq!(error(&mut w), BatchError::Operator { operator: 7, next: 3 });
    w.with_fee(1, 5).transfer(0, 1, 1, 1);
    assert_eq!(refusal(&mut w), Refusal::OperatorMissing { operator: 7, next: 3 });
    // The operator may come into being in the batch, before the first fee.
    w.operator = 3;
    w.deposit_new(1, 1).transfer(0, 1, 1, 1);
    w.apply().unwrap();
    assert_eq!(w.ledger.account(3).unwrap().balance(TokenId::NATIVE), 6);
    // An operator with too few free slots for a fee in a new token.
    let mut w = base.clone();
    w.operator = 2;
    w.deposit(2, 10, 5).deposit(2, 11, 5).deposit(0, 20, 5).apply().unwrap();
    w.with_fee(20, 1).transfer(0, 1, 1, 1);
    assert!(matches!(refusal(&mut w), Refusal::OperatorCredit { operator: 2, source: AccountError::Reserved { .. } }));
    // A balance that the fee would overflow.
    let mut w = base.clone();
    w.operator = 2;
    let had = w.ledger.account(2).unwrap().balance(TokenId::NATIVE);
    w.deposit(2, 1, Amount::MAX.get() - had - 3).apply().unwrap();
    w.with_fee(1, 2).transfer(0, 1, 2, 1).transfer(0, 1, 2, 1);
    assert!(matches!(refusal(&mut w), Refusal::OperatorCredit { source: AccountError::Overflow { .. }, .. }));
}

/// What the fees so far could be credited to is looked at after each member: one that follows in the same bundle mends nothing.
#[test]
fn fees_are_looked_at_after_each_member_of_a_bundle() {
    let mut w = world();
    let next = w.ledger.next_account();
    w.operator = next;
    let mut other = w.clone();
    w.with_fee(1, 7).transfer(0, 1, 1, 5).transfer_new(0, 1, 50).bundle_from(0);
    let had = error(&mut w);
    let wanted = Refusal::OperatorMissing { operator: next, next };
    assert!(matches!(&had, BatchError::Refused { index: 0, rule, .. } if *rule == wanted), "{had}");
    // The other way round the account is there when the first fee is.
    other.with_fee(1, 7).transfer_new(0, 1, 50).transfer(0, 1, 1, 5).bundle_from(0);
    assert_eq!(other.apply().unwrap().fees, [(1, 14)]);
}

#[test]
fn batches_that_do_not_fit() {
    let base = world();
    let mut w = base.clone();
    w.transfer(0, 1, 1, 1).transfer(0, 1, 1, 1).transfer(0, 1, 1, 1);
    assert_eq!(error(&mut w), BatchError::TooMany { fit: 2, had: 3 });
    let mut w = base.clone();
    w.shape = shape("SS");
    w.transfer(0, 1, 1, 1);
    assert!(matches!(error(&mut w), BatchError::Plan(PlanError::NoRoom { index: 0, .. })));
    w.shape.slots.clear();
    assert!(matches!(error(&mut w), BatchError::Shape(_)));
    w.shape = Shape::registered("small").unwrap();
    assert_eq!(error(&mut w), BatchError::Depths { shape: (10, 5), ledger: (2, 1) });
    let mut w = base.clone();
    w.ledger.batch_number = NUMBER_LIMIT - 2;
    assert_eq!(w.apply().unwrap().batch_number, NUMBER_LIMIT - 1, "the last batch of all");
    assert_eq!(error(&mut w), BatchError::BatchNumber);
}

#[test]
fn a_late_refusal_undoes_everything_before_it() {
    let mut w = World::populated(shape("SPSPSSSP"), 3);
    w.operator = 2;
    w.with_fee(3, 7).deposit_new(5, 9).transfer(0, 1, 1, 5).create_pool(1, (2, 3), 5, (9000, 9000));
    w.transfer_new(2, 3, 77).swap(1, 0, GO, 5000).add_liquidity(2, 0, (5000, 9000));
    let good = w.open.clone();
    w.deposit(0, 1, 5).transfer(0, 1, 9, 5);
    let last = w.open.len() - 1;
    assert!(matches!(error(&mut w), BatchError::Refused { index, .. } if index == last));
    w.open = good;
    w.apply().unwrap();
}
