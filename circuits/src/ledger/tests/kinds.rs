//! The rules of removed liquidity, changed keys and withdrawals, each with its refusal.

use ark_ff::One;

use super::*;
use crate::account::AccountError;
use crate::amount::{Amount, TokenId};
use crate::pool::PoolError;
use crate::signature::curve::Point;
use crate::signature::{KeyError, SignatureError};
use crate::testing::{CHAIN_ID, amount, secret};

#[test]
fn remove_liquidity() {
    let base = world();
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        w.remove_liquidity(0, 0, 1000);
        change(&mut w);
        refusal(&mut w)
    };
    assert_eq!(case(&|w| with!(w, RemoveLiquidity, pool = 1)), Refusal::PoolMissing { pool: 1, next: 1 });
    assert_eq!(case(&|w| with!(w, RemoveLiquidity, shares = Amount::ZERO)), Refusal::Zero { field: "shares" });
    let pool = *base.ledger.pool(0).unwrap();
    let out = |reserve: Amount| amount(1000 * reserve.get() / pool.supply.get());
    let (out0, out1) = (out(pool.reserve0), out(pool.reserve1));
    let mut exact = base.clone();
    exact.remove_liquidity(0, 0, 1000);
    with!(&mut exact, RemoveLiquidity, min0 = out0);
    with!(&mut exact, RemoveLiquidity, min1 = out1);
    exact.apply().unwrap();
    let more = |had: Amount| amount(had.get() + 1);
    let refused = |source| Refusal::Pool { pool: 0, source };
    let short = |token, had| refused(PoolError::BelowMinBack { token, had, needed: more(had) });
    assert_eq!(case(&|w| with!(w, RemoveLiquidity, min0 = more(out0))), short(pool.token0, out0));
    assert_eq!(case(&|w| with!(w, RemoveLiquidity, min1 = more(out1))), short(pool.token1, out1));
    let one = case(&|w| with!(w, RemoveLiquidity, shares = amount(1)));
    assert_eq!(one, refused(PoolError::NothingBack { shares: amount(1), token: pool.token0 }));
    let poor = case(&|w| with!(w, RemoveLiquidity, shares = amount(pool.circulating() + 1)));
    assert!(matches!(poor, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
    let stranger = case(&|w| {
        w.open.clear();
        w.remove_liquidity(1, 0, 1000);
    });
    assert!(matches!(stranger, Refusal::Debit { account: 1, .. }));
}

#[test]
fn change_key() {
    let base = world();
    let case = |key: Point| {
        let mut w = base.clone();
        w.change_key(0, 99);
        with!(&mut w, ChangeKey, key = key);
        refusal(&mut w)
    };
    assert_eq!(case(Point::zero()), Refusal::Key(KeyError::Identity));
    assert_eq!(case(crate::testing::low_order_key(3)), Refusal::Key(KeyError::NotInSubgroup));
    assert_eq!(case(Point::new_unchecked(Fr::one(), Fr::one())), Refusal::Key(KeyError::NotOnCurve));
    // The old key signs no more, the new one does.
    let mut w = base.clone();
    w.change_key(0, 99).apply().unwrap();
    w.withdraw(0, 1, 5);
    let good = w.open.clone();
    w.open[0].sign(&secret(0), CHAIN_ID).unwrap();
    assert_eq!(refusal(&mut w), Refusal::Signature(SignatureError::Equation));
    w.open = good;
    w.apply().unwrap();
}

#[test]
fn withdraw() {
    let base = world();
    let case = |change: &dyn Fn(&mut World)| {
        let mut w = base.clone();
        w.withdraw(0, 1, 100);
        change(&mut w);
        refusal(&mut w)
    };
    let lp = TokenId::lp(0).unwrap();
    assert_eq!(case(&|w| with!(w, Withdraw, token = lp)), Refusal::NotOrdinary { token: lp });
    let none = Refusal::NotOrdinary { token: TokenId::NONE };
    assert_eq!(case(&|w| with!(w, Withdraw, token = TokenId::NONE)), none);
    assert_eq!(case(&|w| with!(w, Withdraw, amount = Amount::ZERO)), Refusal::Zero { field: "amount" });
    let poor = case(&|w| with!(w, Withdraw, amount = amount(1 << 80)));
    assert!(matches!(poor, Refusal::Debit { source: AccountError::Insufficient { .. }, .. }));
}
