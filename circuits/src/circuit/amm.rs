//! The arithmetic of a single slot's pool: swap, creation, liquidity, exact to the unit.
//!
//! The kinds share their parts. One *division* proves `n = q d + rem` with `0 <= rem <= bound` over the integers: the output of a swap
//! (`bound = d - 1`), the first supply as a square root (`d = q`, `bound = 2 q`: `q^2 <= n < (q + 1)^2`), the ceiling of one side of added
//! liquidity (`n = s R + L - 1`). A second division serves the other side of liquidity. All products stay below 2^210, so nothing
//! wraps.
//!
//! Shares minted for liquidity are the greatest s with `ceil(s R_i / L) <= max_i` on both sides. That s is
//! allowed is shown by `max_i - a_i >= 0`; that s + 1 is not, by `(s + 1) R_i > max_i L` on one side of the prover's choice, where the difference is at
//! most R_i and hence has 96 bits.

use ark_bn254::Fr;
use ark_ff::{BigInt, One, PrimeField, Zero};
use ruint::aliases::U256;

use super::pools::{FEE_BITS, PoolVar};
use crate::account::constraints::AMOUNT_BITS;
use crate::cs::{Cs, Num};
use crate::pool::{FEE_UNIT, LOCKED_SHARES, integer_sqrt};

const SIDE: &str = "the direction is 0 or 1";
const DIVISION: &str = "the division is exact: the remainder is below the divisor";
const QUOTIENT: &str = "the quotient is below 2^96";
const SELECT: &str = "the kind picks its operands";
const MIN_OUT: &str = "at least the signed minimum comes out";
const NOTHING: &str = "a swap yields something, liquidity mints something";
const MAXIMUM: &str = "no more than the signed maxima goes in";
const GREATEST: &str = "as many shares as the maxima allow are minted";
const EXISTS: &str = "the pool exists";
const VACANT: &str = "a new pool's leaf was empty";
const FEE: &str = "a pool's fee is below 10000 basis points";
const RESERVES: &str = "reserves and supply stay below 2^96";

/// Which kind of pool transaction the slot holds; each boolean, at most one is 1.
pub(super) struct Kinds {
    pub(super) swap: Num,
    pub(super) create: Num,
    pub(super) add: Num,
}

/// The fields of a single slot that bear on its pool.
pub(super) struct Inputs<'a> {
    pub(super) ta: &'a Num,
    pub(super) tb: &'a Num,
    pub(super) aux: &'a Num,
    pub(super) amounts: [&'a Num; 3],
    /// Index of the pool.
    pub(super) index: &'a Num,
    pub(super) pool: &'a PoolVar,
}

/// What the slot's account gives and gets, and how the pool changes. Amounts are 0 where the kind has no such movement.
pub(super) struct Outcome {
    pub(super) paid: [(Num, Num); 2],
    pub(super) received: (Num, Num),
    pub(super) change: PoolVar,
}

/// Proves what the pool does.
pub(super) fn settle(cs: &mut Cs, kinds: &Kinds, inputs: &Inputs<'_>) -> Outcome {
    let Kinds { swap, create, add } = kinds;
    let Inputs { ta, tb, aux, amounts: [amt0, amt1, amt2], index, pool } = inputs;
    let (r0, r1, supply) = (&pool.reserve0, &pool.reserve1, &pool.supply);
    let one = Num::one();
    let zero = Num::zero();
    let trades = swap + add;
    let used = &trades + create;

    cs.enforce_nonzero_if(EXISTS, &trades, supply);
    // A pool that exists has a supply of at least 1000, so a zero supply means an empty leaf.
    cs.enforce_equal_if(VACANT, create, supply, &zero);
    cs.enforce_range(FEE, aux, FEE_BITS);
    cs.enforce_range(FEE, &(&Num::from(u64::from(FEE_UNIT) - 1) - aux), FEE_BITS);

    // Swap: the sides by direction.
    let reverse = cs.bit(SIDE, swap.value().is_one() && tb.value().is_one());
    cs.enforce_equal_if(SIDE, swap, tb, &reverse);
    cs.enforce(SIDE, &swap.not(), &reverse, &zero);
    let reserve_in = cs.select(SIDE, &reverse, r1, r0);
    let reserve_out = &(r0 + r1) - &reserve_in;
    let token_in = cs.select(SIDE, &reverse, &pool.token1, &pool.token0);
    let token_out = &(&pool.token0 + &pool.token1) - &token_in;
    let gain = cs.mul(SELECT, amt0, &(&Num::from(u64::from(FEE_UNIT)) - &pool.fee));
    let swap_divisor = &reserve_in.scale(Fr::from(FEE_UNIT)) + &gain;

    // Shares minted for liquidity.
    let shares = cs.witness(greatest_shares(add, amt0, amt1, pool));
    cs.enforce(SELECT, &add.not(), &shares, &zero);

    // First division: swap, creation, side 0 of liquidity.
    let created0 = cs.mul(SELECT, amt0, create);
    let created1 = cs.mul(SELECT, amt1, create);
    let swap_gain = cs.mul(SELECT, &gain, swap);
    let left = Num::sum([&swap_gain, &created0, &shares]);
    let swap_out = cs.mul(SELECT, &reserve_out, swap);
    let add_r0 = cs.mul(SELECT, r0, add);
    let right = Num::sum([&swap_out, &created1, &add_r0]);
    let product = cs.mul(SELECT, &left, &right);
    let add_supply = cs.mul(SELECT, supply, add);
    let rounding = &add_supply - add;
    let dividend = &product + &rounding;
    let q0_value = if create.value().is_one() {
        root(dividend.value())
    } else {
        let divisor = if swap.value().is_one() { &swap_divisor } else { &add_supply };
        quotient(dividend.value(), divisor.value())
    };
    let q0 = cs.witness(element(q0_value));
    cs.enforce_range(QUOTIENT, &q0, AMOUNT_BITS);
    let swap_part = cs.mul(SELECT, &swap_divisor, swap);
    let minted = cs.mul(SELECT, &q0, create);
    let divisor = Num::sum([&swap_part, &minted, &add_supply]);
    let multiple = cs.mul(DIVISION, &q0, &divisor);
    let remainder = &dividend - &multiple;
    // d - 1, or 2 q for the root (where d = q).
    let bound = &(&(&divisor - &used) + &minted) + create;
    cs.enforce_range(DIVISION, &remainder, 111);
    cs.enforce_range(DIVISION, &(&bound - &remainder), 111);

    // Second division: side 1 of liquidity.
    let product1 = cs.mul(SELECT, &shares, r1);
    let dividend1 = &product1 + &rounding;
    let q1 = cs.witness(element(quotient(dividend1.value(), add_supply.value())));
    cs.enforce_range(QUOTIENT, &q1, AMOUNT_BITS);
    let multiple1 = cs.mul(DIVISION, &q1, &add_supply);
    let remainder1 = &dividend1 - &multiple1;
    cs.enforce_range(DIVISION, &remainder1, AMOUNT_BITS);
    cs.enforce_range(DIVISION, &(&rounding - &remainder1), AMOUNT_BITS);
    let added0 = cs.mul(SELECT, &q0, add);
    let added1 = cs.mul(SELECT, &q1, add);

    // Liquidity: within the maxima, and one share more would not be.
    let spare0 = &cs.mul(SELECT, amt0, add) - &added0;
    let spare1 = &cs.mul(SELECT, amt1, add) - &added1;
    cs.enforce_range(MAXIMUM, &spare0, AMOUNT_BITS);
    cs.enforce_range(MAXIMUM, &spare1, AMOUNT_BITS);
    let excess = |cs: &mut Cs, product: &Num, reserve: &Num, max: &Num| {
        let bought = cs.mul(GREATEST, max, &add_supply);
        &(&(product + reserve) - &bought) - &one
    };
    let excess0 = excess(cs, &product, r0, amt0);
    let excess1 = excess(cs, &product1, r1, amt1);
    let side = cs.bit(GREATEST, add.value().is_one() && integer(excess0.value()).bit_len() > AMOUNT_BITS);
    let chosen = cs.select(GREATEST, &side, &excess1, &excess0);
    let chosen = cs.mul(GREATEST, &chosen, add);
    cs.enforce_range(GREATEST, &chosen, AMOUNT_BITS);

    // Minima.
    let swapped = cs.mul(SELECT, &q0, swap);
    cs.enforce_nonzero_if(NOTHING, swap, &q0);
    cs.enforce_nonzero_if(NOTHING, add, &shares);
    let swap_min = cs.mul(MIN_OUT, amt1, swap);
    let add_min = cs.mul(MIN_OUT, amt2, add);
    let locked = Fr::from(LOCKED_SHARES);
    let create_min = create.scale(locked + Fr::one());
    let above = &(&(&Num::sum([&swapped, &shares, &minted]) - &swap_min) - &add_min) - &create_min;
    cs.enforce_range(MIN_OUT, &above, AMOUNT_BITS);

    // The pool afterwards. For a swap, side 0 gains the input or loses the output, by direction.
    let sold = cs.mul(SELECT, amt0, swap);
    let crossed = cs.mul(SELECT, &(&sold + &swapped), &reverse);
    let change0 = Num::sum([&(&sold - &crossed), &created0, &added0]);
    let change1 = Num::sum([&(&crossed - &swapped), &created1, &added1]);
    let change_supply = &shares + &minted;
    cs.enforce_range(RESERVES, &(r0 + &change0), AMOUNT_BITS);
    cs.enforce_range(RESERVES, &(r1 + &change1), AMOUNT_BITS);
    cs.enforce_range(RESERVES, &(supply + &change_supply), AMOUNT_BITS);
    let new_token0 = cs.mul(SELECT, ta, create);
    let new_token1 = cs.mul(SELECT, tb, create);
    let change = PoolVar {
        token0: new_token0.clone(),
        token1: new_token1.clone(),
        fee: cs.mul(SELECT, aux, create),
        reserve0: change0,
        reserve1: change1,
        supply: change_supply,
    };

    // The account's side.
    let swap_token_in = cs.mul(SELECT, &token_in, swap);
    let swap_token_out = cs.mul(SELECT, &token_out, swap);
    let add_token0 = cs.mul(SELECT, &pool.token0, add);
    let add_token1 = cs.mul(SELECT, &pool.token1, add);
    let lp_first = Num::from(1 << 29);
    let lp = cs.mul(SELECT, &(*index + &lp_first), &(create + add));
    Outcome {
        paid: [
            (Num::sum([&swap_token_in, &new_token0, &add_token0]), Num::sum([&sold, &created0, &added0])),
            (&new_token1 + &add_token1, &created1 + &added1),
        ],
        received: (&swap_token_out + &lp, Num::sum([&swapped, &shares, &(&minted - &create.scale(locked))])),
        change,
    }
}

fn integer(x: Fr) -> U256 {
    U256::from_limbs(x.into_bigint().0)
}

/// The element of a hint; anything from `2^253` on is a hint for a witness that fails anyway.
fn element(x: U256) -> Fr {
    Fr::from_bigint(BigInt(x.into_limbs())).unwrap_or_default()
}

fn root(n: Fr) -> U256 {
    if n.is_zero() { U256::ZERO } else { integer_sqrt(integer(n)) }
}

fn quotient(n: Fr, d: Fr) -> U256 {
    integer(n).checked_div(integer(d)).unwrap_or_default()
}

/// `min_i floor(max_i L / R_i)`, 0 where no liquidity is added; saturating, as the hint of a witness that fails may be anything.
fn greatest_shares(add: &Num, max0: &Num, max1: &Num, pool: &PoolVar) -> Fr {
    if add.value().is_zero() {
        return Fr::zero();
    }
    let supply = integer(pool.supply.value());
    let side = |max: &Num, reserve: &Num| {
        integer(max.value()).saturating_mul(supply).checked_div(integer(reserve.value())).unwrap_or_default()
    };
    let shares = side(max0, &pool.reserve0).min(side(max1, &pool.reserve1));
    element(shares)
}
