//! Swaps, new pools, liquidity.

use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::ledger::Refusal;
use tapstone_circuits::pool::{Direction, PoolError};
use tapstone_circuits::testing::{World, amount, token};
use tapstone_circuits::transaction::Transaction;

use crate::forge::{Lies, among, broken, forge, native, only, resign, world};
use crate::set;

const AMOUNTS: &str = "the amounts are at least 1";
const ORDINARY: &str = "the tokens are ordinary and in order";
const MIN_OUT: &str = "at least the signed minimum comes out";
const EXISTS: &str = "the pool exists";
const NOTHING: &str = "a swap yields something, liquidity mints or yields something";
const RESERVES: &str = "reserves and supply stay below 2^96";

fn swap(sold: u128, direction: Direction) -> World {
    let mut w = world();
    w.swap(0, 0, direction, sold);
    w
}

#[test]
fn swap_rules() {
    let mut w = swap(1000, Direction::ZeroForOne);
    resign(&mut w, set!(Swap, amount_in = Amount::ZERO));
    native(&w, |r| matches!(r, Refusal::Zero { .. }));
    among(&w, AMOUNTS);

    let mut w = swap(1000, Direction::ZeroForOne);
    resign(&mut w, set!(Swap, pool = 1));
    native(&w, |r| matches!(r, Refusal::PoolMissing { .. }));
    among(&w, EXISTS);

    let w = swap(1, Direction::OneForZero);
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::NothingOut { .. }, .. }));
    among(&w, NOTHING);

    // 1000 of token 1 buy 1494 of token 2.
    let mut w = swap(1000, Direction::ZeroForOne);
    resign(&mut w, set!(Swap, min_out = amount(1494)));
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    resign(&mut w, set!(Swap, min_out = amount(1495)));
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::BelowMinOut { .. }, .. }));
    only(&w, MIN_OUT);

    let mut w = swap(1000, Direction::ZeroForOne);
    resign(&mut w, set!(Swap, amount_in = Amount::MAX));
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::ReserveOverflow { .. }, .. }));
    among(&w, RESERVES);

    let mut w = world();
    w.swap(1, 0, Direction::ZeroForOne, 10_000_001);
    native(&w, |r| matches!(r, Refusal::Debit { .. }));
    among(&w, "the new balance is between 0 and 2^96 - 1");
}

fn create(change: impl FnOnce(&mut Transaction)) -> World {
    let mut w = world();
    w.create_pool(0, (2, 3), 30, (5000, 6000));
    resign(&mut w, change);
    w
}

#[test]
fn create_pool_rules() {
    let ordered = |r: &Refusal| matches!(r, Refusal::TokenOrder { .. });
    let w = create(set!(CreatePool, token1 = token(2)));
    native(&w, ordered);
    only(&w, ORDINARY);
    let w = create(set!(CreatePool, token1 = token(1)));
    native(&w, ordered);
    only(&w, ORDINARY);
    let w = create(set!(CreatePool, token0 = TokenId::NONE));
    native(&w, |r| matches!(r, Refusal::NotOrdinary { .. }));
    among(&w, ORDINARY);
    // The first account holds shares of pool 0.
    let w = create(set!(CreatePool, token1 = TokenId::lp(0).unwrap()));
    native(&w, |r| matches!(r, Refusal::NotOrdinary { .. }));
    among(&w, "fields are within their ranges");
    let w = create(set!(CreatePool, fee_bp = 10_000));
    native(&w, |r| matches!(r, Refusal::PoolFee { .. }));
    only(&w, "a pool's fee is below 10000 basis points");
    for change in
        [set!(CreatePool, amount0 = Amount::ZERO) as fn(&mut Transaction), set!(CreatePool, amount1 = Amount::ZERO)]
    {
        let w = create(change);
        native(&w, |r| matches!(r, Refusal::Zero { .. }));
        among(&w, AMOUNTS);
    }
    // 167 * 6001 is above 1001^2 = 1002001, 167 * 6000 = 1002000 below.
    let mut w = create(set!(CreatePool, amount0 = amount(167)));
    resign(&mut w, set!(CreatePool, amount1 = amount(6001)));
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    resign(&mut w, set!(CreatePool, amount1 = amount(6000)));
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::FirstSupply { .. }, .. }));
    among(&w, MIN_OUT);
}

#[test]
fn new_pool_elsewhere() {
    let w = create(|_| {});
    let lies = Lies { new_pool: Some(2), ..Lies::default() };
    assert!(broken(&forge(&w, &lies)).contains(&"a new pool takes the next index"));
    // Over the pool that exists, from a state whose counter points there.
    let lies = Lies { new_pool: Some(0), ..Lies::default() };
    let mut witness = forge(&w, &lies);
    witness.pre.next_pool = 0;
    assert!(broken(&witness).contains(&"a new pool's leaf was empty"));
}

fn add(change: impl FnOnce(&mut Transaction)) -> World {
    let mut w = world();
    w.add_liquidity(0, 0, (1000, 2000));
    resign(&mut w, change);
    w
}

#[test]
fn add_liquidity_rules() {
    for change in [set!(AddLiquidity, max0 = Amount::ZERO) as fn(&mut Transaction), set!(AddLiquidity, max1 = Amount::ZERO)]
    {
        let w = add(change);
        native(&w, |r| matches!(r, Refusal::Zero { .. }));
        among(&w, AMOUNTS);
    }
    let w = add(set!(AddLiquidity, pool = 1));
    native(&w, |r| matches!(r, Refusal::PoolMissing { .. }));
    among(&w, EXISTS);
    let w = add(set!(AddLiquidity, max1 = amount(1)));
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::NoShares, .. }));
    among(&w, NOTHING);
    // 1000 of token 1 are worth floor(1000 * 2449489 / 2000000) = 1224 shares.
    let mut w = add(set!(AddLiquidity, min_shares = amount(1224)));
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    resign(&mut w, set!(AddLiquidity, min_shares = amount(1225)));
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::BelowMinShares { .. }, .. }));
    only(&w, MIN_OUT);
}

fn remove(change: impl FnOnce(&mut Transaction)) -> World {
    let mut w = world();
    w.remove_liquidity(0, 0, 1000);
    resign(&mut w, change);
    w
}

#[test]
fn remove_liquidity_rules() {
    const LIMITS: &str = "liquidity moves no more than the signed maxima, no less than the signed minima";
    let w = remove(set!(RemoveLiquidity, shares = Amount::ZERO));
    native(&w, |r| matches!(r, Refusal::Zero { .. }));
    among(&w, AMOUNTS);
    let w = remove(set!(RemoveLiquidity, pool = 1));
    native(&w, |r| matches!(r, Refusal::PoolMissing { .. }));
    among(&w, EXISTS);
    // 1000 shares of 2449489 are worth 816 of 2000000 and 1224 of 3000000.
    for change in
        [set!(RemoveLiquidity, min0 = amount(816)) as fn(&mut Transaction), set!(RemoveLiquidity, min1 = amount(1224))]
    {
        assert_eq!(broken(&forge(&remove(change), &Lies::default())), [""; 0]);
    }
    for change in [
        set!(RemoveLiquidity, min0 = amount(817)) as fn(&mut Transaction),
        set!(RemoveLiquidity, min1 = amount(1225)),
        set!(RemoveLiquidity, min0 = Amount::MAX),
        set!(RemoveLiquidity, min1 = Amount::MAX),
    ] {
        let w = remove(change);
        native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::BelowMinBack { .. }, .. }));
        only(&w, LIMITS);
    }
    // One share is worth less than one of token 1, though one of token 2.
    let w = remove(set!(RemoveLiquidity, shares = amount(1)));
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::NothingBack { .. }, .. }));
    only(&w, NOTHING);
    // The locked shares belong to nobody; account 1 has none at all.
    let all = world().ledger.pool(0).unwrap().circulating();
    let w = remove(set!(RemoveLiquidity, shares = amount(all)));
    assert_eq!(broken(&forge(&w, &Lies::default())), [""; 0]);
    let w = remove(set!(RemoveLiquidity, shares = amount(all + 1)));
    native(&w, |r| matches!(r, Refusal::Debit { .. }));
    among(&w, "the new balance is between 0 and 2^96 - 1");
    let mut w = world();
    w.remove_liquidity(1, 0, 1000);
    native(&w, |r| matches!(r, Refusal::Debit { .. }));
    among(&w, "exactly one slot is touched");
}

/// A side that is worth nothing although the other is: token 2 is the scarce one here.
#[test]
fn nothing_back_of_the_second_token() {
    let mut w = world();
    w.create_pool(1, (2, 3), 30, (9_000_000, 2000)).apply().unwrap();
    w.remove_liquidity(1, 1, 50);
    native(&w, |r| matches!(r, Refusal::Pool { source: PoolError::NothingBack { .. }, .. }));
    only(&w, NOTHING);
}
