use super::*;
use crate::field::two_to_the;

fn a(value: u128) -> Amount {
    Amount::new(value).unwrap()
}

fn pool(fee_bp: u16, reserve0: u128, reserve1: u128, supply: u128) -> Pool {
    let (token0, token1) = (TokenId::NATIVE, TokenId::new(2).unwrap());
    Pool { token0, token1, fee_bp, reserve0: a(reserve0), reserve1: a(reserve1), supply: a(supply) }
}

const TOP: u128 = Amount::MAX.get();

#[test]
fn leaf_packs_each_field_at_its_place() {
    assert_eq!(Pool::EMPTY.leaf_elements(), [Fr::from(2u64), Fr::from(0u64), Fr::from(0u64), Fr::from(0u64)]);
    let e = pool(30, 5, 7, 9).leaf_elements();
    assert_eq!(e[1], Fr::from(1u64) + Fr::from(2u64) * two_to_the(30) + Fr::from(30u64) * two_to_the(60));
    assert_eq!(e[2], Fr::from(5u64) + Fr::from(7u64) * two_to_the(126));
    assert_eq!(e[3], Fr::from(9u64));
}

#[test]
fn swaps_agree_with_search_over_the_defining_inequality() {
    // out is the largest with out * (10^4 R_in + g) <= g * R_out.
    for fee in [0u16, 1, 30, 9999] {
        for reserve_in in [1u128, 2, 999, 1000] {
            for reserve_out in [1u128, 3, 1000] {
                for sold in [1u128, 2, 10, 5000] {
                    let g = sold * u128::from(10_000 - fee);
                    let fits = |out: &u128| out * (10_000 * reserve_in + g) <= g * reserve_out;
                    let expected = (0..=reserve_out).take_while(fits).last().unwrap();
                    assert_eq!(swap_out(a(sold), fee, a(reserve_in), a(reserve_out)).get(), expected);
                }
            }
        }
    }
}

#[test]
fn swaps_at_the_widest_amounts_keep_the_product() {
    for (sold, r_in, r_out) in [(TOP, TOP, TOP), (1, TOP, TOP), (TOP, 1, TOP), (TOP, TOP, 1), (TOP / 2, TOP / 3, TOP)] {
        for fee in [0, 30, 9999] {
            let out = swap_out(a(sold), fee, a(r_in), a(r_out)).get();
            assert!(out < r_out || r_out == 0);
            let before = U256::from(r_in) * U256::from(r_out);
            let after = (U256::from(r_in) + U256::from(sold)) * U256::from(r_out - out);
            assert!(after >= before);
        }
    }
}

#[test]
fn swaps_are_refused_by_rule() {
    let p = pool(30, 1000, 1000, 1000);
    let go = Direction::ZeroForOne;
    assert_eq!(p.swap(go, a(1), a(0)), Err(PoolError::NothingOut { amount_in: a(1) }));
    let (out, after) = p.swap(go, a(100), a(0)).unwrap();
    assert_eq!((out, after.reserve0, after.reserve1), (a(90), a(1100), a(910)));
    assert!(p.swap(go, a(100), out).is_ok());
    assert_eq!(p.swap(go, a(100), a(91)), Err(PoolError::BelowMinOut { had: a(90), needed: a(91) }));
    let (back, _) = after.swap(Direction::OneForZero, out, a(0)).unwrap();
    assert!(back.get() < 100, "a round trip never pays");
    let full = pool(0, TOP - 9, TOP, 1000);
    assert!(matches!(full.swap(go, a(10), a(0)), Err(PoolError::ReserveOverflow { .. })));
    assert!(full.swap(go, a(9), a(0)).is_ok());
}

#[test]
fn first_supply_is_the_exact_root() {
    for n in 0..2000u128 {
        let s = initial_supply(a(n), a(1)).get();
        assert!(s * s <= n && (s + 1) * (s + 1) > n, "{n}");
    }
    assert_eq!(initial_supply(Amount::MAX, Amount::MAX), Amount::MAX);
    for (x, y) in [(TOP, TOP - 1), (TOP, 1), (1 << 95, 1 << 95), ((1 << 95) - 1, (1 << 95) + 1)] {
        let s = U256::from(initial_supply(a(x), a(y)).get());
        let n = U256::from(x) * U256::from(y);
        assert!(s * s <= n && (s + U256::from(1)) * (s + U256::from(1)) > n);
    }
    let tokens = (TokenId::NATIVE, TokenId::new(2).unwrap());
    assert_eq!(Pool::create(tokens, 30, (a(1001), a(1001))).unwrap().supply, a(1001));
    let few = Pool::create(tokens, 30, (a(1000), a(1002)));
    assert_eq!(few, Err(PoolError::FirstSupply { had: a(1000), needed: 1001 }));
}

#[test]
fn liquidity_agrees_with_search() {
    for (r0, r1, supply) in [(1u128, 1u128, 1001u128), (1000, 3000, 1732), (7, 200_000, 1183), (5000, 5000, 5000)] {
        let p = pool(30, r0, r1, supply);
        for (m0, m1) in [(1u128, 1u128), (10, 10), (333, 5000), (4999, 5001), (1, 60_000)] {
            let cost = |s: u128, r: u128| (s * r).div_ceil(supply);
            let best = (1..200_000_000u128).take_while(|s| s * r0 <= m0 * supply && s * r1 <= m1 * supply).last();
            match (best, p.add_liquidity((a(m0), a(m1)), a(0))) {
                (None, got) => assert_eq!(got, Err(PoolError::NoShares)),
                (Some(s), got) => {
                    let (l, after) = got.unwrap();
                    assert_eq!((l.shares.get(), l.amount0.get(), l.amount1.get()), (s, cost(s, r0), cost(s, r1)));
                    assert!(l.amount0.get() <= m0 && l.amount1.get() <= m1);
                    assert_eq!(after.supply.get(), supply + s);
                }
            }
        }
    }
}

#[test]
fn liquidity_is_refused_by_rule() {
    let p = pool(30, 1000, 1000, 1000);
    assert!(p.add_liquidity((a(10), a(10)), a(10)).is_ok());
    let few = p.add_liquidity((a(10), a(10)), a(11));
    assert_eq!(few, Err(PoolError::BelowMinShares { had: a(10), needed: a(11) }));
    let reserves = pool(30, TOP - 5, 1001, 1001);
    assert!(matches!(reserves.add_liquidity((Amount::MAX, a(5)), a(0)), Err(PoolError::ReserveOverflow { .. })));
    let supply = pool(30, 1, 1, TOP - 5);
    let refused = supply.add_liquidity((a(1), a(1)), a(0));
    assert!(matches!(refused, Err(PoolError::SupplyOverflow { .. })));
    let shares = supply.add_liquidity((Amount::MAX, Amount::MAX), a(0));
    assert!(matches!(shares, Err(PoolError::SupplyOverflow { .. })));
}
