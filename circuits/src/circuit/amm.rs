//! The arithmetic of a single slot's pool: swap, creation, liquidity, exact to the unit.
//!
//! The kinds share their parts. One *division* proves `n = q d + rem` with `0 <= rem <= bound` over the integers: the output of a swap
//! (`bound = d - 1`), the first supply as a square root (`d = q`, `bound = 2 q`: `q^2 <= n < (q + 1)^2`), one side of liquidity: the ceiling of
//! what is added (`n = s R + L - 1`), the floor of what is removed (`n = s R`). A second division serves the other side of liquidity.
//!
//! Quotients have no range check of their own. Every one of them moves a reserve or the supply, which is in `[0, 2^96)` before and after, so that
//! `|q| < 2^96`; then all products stay below 2^210, nothing wraps, and `n >= 0` with `0 <= rem < d` leaves the one quotient that is right. The same
//! holds for the third amount (the least of shares, or of token1): it is q, or the shares, less a number of 96 bits.
//!
//! Shares minted for liquidity are the greatest s with `ceil(s R_i / L) <= max_i` on both sides. That s is
//! allowed is shown by `max_i - a_i >= 0`; that s + 1 is not, by `(s + 1) R_i > max_i L` on one side of the prover's choice, where the difference is at
//! most R_i and hence has 96 bits. It also shows that s is not negative.
//!
//! Shares removed are at most what accounts hold, hence 1000 less than the supply, for they are debited; so reserves never empty.

use ark_bn254::Fr;
use ark_ff::{BigInt, One, PrimeField, Zero};
use ruint::aliases::U256;

use super::fields::{Fields, Kinds};
use super::pools::{FEE_BITS, PoolVar};
use crate::account::constraints::AMOUNT_BITS;
use crate::cs::{Cs, Lemma, Num};
use crate::pool::{FEE_UNIT, LOCKED_SHARES, integer_sqrt};

const SIDE: &str = "the direction is 0 or 1";
const DIVISION: &str = "the division is exact: the remainder is below the divisor";
const QUOTIENT: &str = "what divides nothing yields nothing";
const SELECT: &str = "the kind picks its operands";
const MIN_OUT: &str = "at least the signed minimum comes out";
const NOTHING: &str = "a swap yields something, liquidity mints or yields something";
const LIMITS: &str = "liquidity moves no more than the signed maxima, no less than the signed minima";
const GREATEST: &str = "as many shares as the maxima allow are minted";
const EXISTS: &str = "the pool exists";
const VACANT: &str = "a new pool's leaf was empty";
const FEE: &str = "a pool's fee is below 10000 basis points";
const RESERVES: &str = "reserves and supply stay below 2^96";

/// Bits of a limb of a destination.
pub const LIMB_BITS: usize = 128;

/// How wide the numbers are. The audit writes the same rows for numbers of few bits, to search them exhaustively.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Bits of amounts, reserves and supplies.
    pub(super) amount: usize,
    /// Bits of the first division's remainder.
    pub(super) lane: usize,
    /// Bits of a pool's fee.
    pub(super) fee: usize,
    /// What a fee is a part of.
    pub(super) unit: u64,
    /// Shares of a pool that belong to nobody.
    pub(super) locked: u128,
}

impl Scale {
    /// That of the protocol. A swap's remainder needs 111 bits, the limbs of a destination 128.
    pub(super) const PROTOCOL: Self =
        Self { amount: AMOUNT_BITS, lane: LIMB_BITS, fee: FEE_BITS, unit: FEE_UNIT as u64, locked: LOCKED_SHARES };
}

/// What a single slot's pool arithmetic works on.
pub(super) struct Inputs<'a> {
    pub(super) fields: &'a Fields,
    /// Index of the pool.
    pub(super) index: &'a Num,
    pub(super) pool: &'a PoolVar,
    /// Two values, 0 where a pool is touched, that are shown to be below 2^128 by the range checks of the division.
    pub(super) spare_lanes: [&'a Num; 2],
    pub(super) scale: Scale,
}

/// What the slot's account gives and gets, and how the pool changes. Amounts are 0 where the kind has no such movement.
pub(super) struct Outcome {
    /// Token and amount of the first debit, and of the second movement: a debit, but for removed liquidity a credit.
    pub(super) paid: [(Num, Num); 2],
    pub(super) received: (Num, Num),
    pub(super) change: PoolVar,
}

/// Proves what the pool does.
pub(super) fn settle(cs: &mut Cs, kinds: &Kinds, inputs: &Inputs<'_>) -> Outcome {
    let Kinds { swap, create, add, remove, .. } = kinds;
    let Inputs { fields, index, pool, spare_lanes, scale } = inputs;
    let Fields { ta, tb, aux, amounts: [amt0, amt1, amt2], .. } = fields;
    let (r0, r1, supply) = (&pool.reserve0, &pool.reserve1, &pool.supply);
    let one = Num::one();
    let zero = Num::zero();
    let liquidity = kinds.liquidity();
    let trades = swap + &liquidity;
    let used = &trades + create;

    cs.enforce_nonzero_if(EXISTS, &trades, supply);
    // A pool that exists has a supply of at least 1000, which only its own shares can lower, and those are never deposited: a zero supply means an
    // empty leaf.
    cs.enforce_equal_if(VACANT, create, supply, &zero);
    cs.enforce_range(FEE, aux, scale.fee);
    cs.enforce_range(FEE, &(&Num::from(scale.unit - 1) - aux), scale.fee);

    // Swap: the sides by direction.
    let first = cs.rows();
    let reverse = cs.bit(SIDE, swap.value().is_one() && tb.value().is_one());
    cs.enforce_equal_if(SIDE, swap, tb, &reverse);
    cs.enforce(SIDE, &swap.not(), &reverse, &zero);
    cs.claim(Lemma::Direction, [&reverse], first);
    let reserve_in = cs.select(SIDE, &reverse, r1, r0);
    let reserve_out = &(r0 + r1) - &reserve_in;
    let token_in = cs.select(SIDE, &reverse, &pool.token1, &pool.token0);
    let token_out = &(&pool.token0 + &pool.token1) - &token_in;
    let gain = cs.mul(SELECT, amt0, &(&Num::from(scale.unit) - &pool.fee));
    let swap_divisor = &reserve_in.scale(Fr::from(scale.unit)) + &gain;

    // Shares minted for liquidity, and burnt.
    let first_row = cs.rows();
    let minted = cs.witness(greatest_shares(add, amt0, amt1, pool));
    cs.enforce(SELECT, &add.not(), &minted, &zero);
    let burnt = cs.mul(SELECT, amt0, remove);
    let moved = &minted + &burnt;

    // First division: swap, creation, side 0 of liquidity.
    let created0 = cs.mul(SELECT, amt0, create);
    let created1 = cs.mul(SELECT, amt1, create);
    let swap_gain = cs.mul(SELECT, &gain, swap);
    let left = Num::sum([&swap_gain, &created0, &moved]);
    let swap_out = cs.mul(SELECT, &reserve_out, swap);
    let moved_r0 = cs.mul(SELECT, r0, &liquidity);
    let right = Num::sum([&swap_out, &created1, &moved_r0]);
    let product = cs.mul(SELECT, &left, &right);
    let add_supply = cs.mul(SELECT, supply, add);
    let remove_supply = cs.mul(SELECT, supply, remove);
    let moved_supply = &add_supply + &remove_supply;
    let rounding = &add_supply - add;
    let dividend = &product + &rounding;
    let q0_value = if create.value().is_one() {
        root(dividend.value())
    } else {
        let divisor = if swap.value().is_one() { &swap_divisor } else { &moved_supply };
        quotient(dividend.value(), divisor.value())
    };
    let q0 = cs.witness(element(q0_value));
    cs.enforce(QUOTIENT, &q0, &used.not(), &zero);
    let swap_part = cs.mul(SELECT, &swap_divisor, swap);
    let first = cs.mul(SELECT, &q0, create);
    let divisor = Num::sum([&swap_part, &first, &moved_supply]);
    let multiple = cs.mul(DIVISION, &q0, &divisor);
    let remainder = &dividend - &multiple;
    // d - 1, or 2 q for the root (where d = q).
    let bound = &(&(&divisor - &used) + &first) + create;
    cs.enforce_range(DIVISION, &(&remainder + spare_lanes[0]), scale.lane);
    cs.enforce_range(DIVISION, &(&(&bound - &remainder) + spare_lanes[1]), scale.lane);

    // Second division: side 1 of liquidity.
    let product1 = cs.mul(SELECT, &moved, r1);
    let dividend1 = &product1 + &rounding;
    let q1 = cs.witness(element(quotient(dividend1.value(), moved_supply.value())));
    cs.enforce(QUOTIENT, &q1, &liquidity.not(), &zero);
    let multiple1 = cs.mul(DIVISION, &q1, &moved_supply);
    let remainder1 = &dividend1 - &multiple1;
    cs.enforce_range(DIVISION, &remainder1, scale.amount);
    cs.enforce_range(DIVISION, &(&(&moved_supply - &liquidity) - &remainder1), scale.amount);
    let added0 = cs.mul(SELECT, &q0, add);
    let added1 = cs.mul(SELECT, &q1, add);
    let back0 = cs.mul(SELECT, &q0, remove);
    let back1 = &q1 - &added1;

    // Liquidity: what is added is within the maxima, and one share more would not be; what is removed reaches the minima.
    let spare0 = &cs.mul(LIMITS, &(amt0 - &q0), add) + &cs.mul(LIMITS, &(&q0 - amt1), remove);
    let spare1 = &cs.mul(LIMITS, &(amt1 - &q1), add) + &cs.mul(LIMITS, &(&q1 - amt2), remove);
    cs.enforce_range(LIMITS, &spare0, scale.amount);
    cs.enforce_range(LIMITS, &spare1, scale.amount);
    let excess = |cs: &mut Cs, product: &Num, reserve: &Num, max: &Num| {
        let bought = cs.mul(GREATEST, max, &add_supply);
        &(&(product + reserve) - &bought) - &one
    };
    let excess0 = excess(cs, &product, r0, amt0);
    let excess1 = excess(cs, &product1, r1, amt1);
    let side = cs.bit(GREATEST, add.value().is_one() && integer(excess0.value()).bit_len() > scale.amount);
    let chosen = cs.select(GREATEST, &side, &excess1, &excess0);
    let chosen = cs.mul(GREATEST, &chosen, add);
    cs.enforce_range(GREATEST, &chosen, scale.amount);

    // Minima.
    let swapped = cs.mul(SELECT, &q0, swap);
    cs.enforce_nonzero_if(NOTHING, &(swap + remove), &q0);
    cs.enforce_nonzero_if(NOTHING, remove, &q1);
    cs.enforce_nonzero_if(NOTHING, add, &minted);
    let swap_min = cs.mul(MIN_OUT, amt1, swap);
    let add_min = cs.mul(MIN_OUT, amt2, add);
    let locked = Fr::from(scale.locked);
    let create_min = create.scale(locked + Fr::one());
    let above = &(&(&Num::sum([&swapped, &minted, &first]) - &swap_min) - &add_min) - &create_min;
    cs.enforce_range(MIN_OUT, &above, scale.amount);

    // The pool afterwards. For a swap, side 0 gains the input or loses the output, by direction.
    let sold = cs.mul(SELECT, amt0, swap);
    let crossed = cs.mul(SELECT, &(&sold + &swapped), &reverse);
    let change0 = &Num::sum([&(&sold - &crossed), &created0, &added0]) - &back0;
    let change1 = &Num::sum([&(&crossed - &swapped), &created1, &added1]) - &back1;
    let change_supply = &(&minted + &first) - &burnt;
    cs.enforce_range(RESERVES, &(r0 + &change0), scale.amount);
    cs.enforce_range(RESERVES, &(r1 + &change1), scale.amount);
    cs.enforce_range(RESERVES, &(supply + &change_supply), scale.amount);
    cs.claim(Lemma::Division, [&minted, &q0, &q1, &side], first_row);
    // Quotients move what is below 2^96 before and after; the third amount is one of them, or the shares, less a number of 96 bits.
    for number in [&minted, &q0, &q1, amt2] {
        cs.bounded_on_both_sides(number, scale.amount);
    }
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
    let back_token0 = cs.mul(SELECT, &pool.token0, remove);
    let back_token1 = cs.mul(SELECT, &pool.token1, remove);
    let share = *index + &Num::from(1 << 29);
    let share_in = cs.mul(SELECT, &share, &(create + add));
    let share_out = cs.mul(SELECT, &share, remove);
    Outcome {
        paid: [
            (
                Num::sum([&swap_token_in, &new_token0, &add_token0, &share_out]),
                Num::sum([&sold, &created0, &added0, &burnt]),
            ),
            (Num::sum([&new_token1, &add_token1, &back_token0]), Num::sum([&created1, &added1, &back0])),
        ],
        received: (
            Num::sum([&swap_token_out, &share_in, &back_token1]),
            Num::sum([&swapped, &minted, &(&first - &create.scale(locked)), &back1]),
        ),
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
