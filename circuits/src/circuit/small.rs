//! Gadgets of the batch circuit on their own, for numbers of few bits: the audit searches them exhaustively over a small field.
//!
//! The rows are written by the same code as those of the circuit, with other widths. Values are blank: the audit has its own. Each function returns
//! what the gadget yields; the chosen wires are in the order that its text names them in.

use ark_bn254::Fr;
use ark_ff::Zero;

use super::amm::{Inputs, Scale, settle};
use super::deposits::Deposit;
use super::fees::Fees;
use super::fields::{Fields, Kinds};
use super::pools::PoolVar;
use super::signed::{Bundle, join};
use crate::account::constraints::Widths;
use crate::amount::Amount;
use crate::cs::{Cs, Num};
use crate::memory::access::{Access, PoolRead};
use crate::signature::constraints::PointVar;
use crate::witness::{LeafAccess, SingleWitness};

/// Numbers of a pool: amounts of two bits, fees of a half.
pub(crate) const POOL: (usize, u64, u128) = (2, 2, 1);
/// Numbers of an account.
pub(crate) const ACCOUNT: Widths = Widths { amount: 2, spacing: 4, token: 4 };
/// Numbers of fees.
pub(crate) const FEES: Widths = Widths { amount: 3, spacing: 4, token: 3 };

fn number(cs: &mut Cs) -> Num {
    cs.chosen("number", Fr::zero())
}

fn flag(cs: &mut Cs) -> Num {
    cs.chosen_bit("a boolean", "flag", false)
}

fn no_kinds() -> Kinds {
    let none = Num::zero;
    Kinds {
        deposit: none(),
        deposit_new: none(),
        swap: none(),
        create: none(),
        add: none(),
        remove: none(),
        change_key: none(),
        withdraw: none(),
    }
}

fn fields(ta: Num, tb: Num, aux: Num, amounts: [Num; 3], outside: Num) -> Fields {
    let none = Num::zero;
    Fields {
        leaf_bits: Vec::new(),
        leaf: none(),
        outside,
        ta,
        tb,
        aux,
        amounts,
        key: PointVar { x: none(), y: none() },
        dest: [none(), none()],
    }
}

/// What a pool does: of swap, create, add, remove; ta, tb, aux, three amounts; the pool's index, fee, reserves, supply; two lanes. Yields what is paid,
/// twice, and received, and the changes of reserves and supply.
pub(crate) fn pool(cs: &mut Cs) -> Vec<Num> {
    let [swap, create, add, remove] = std::array::from_fn(|_| flag(cs));
    let kinds = Kinds { swap, create, add, remove, ..no_kinds() };
    let [ta, tb, aux, a, b, c] = std::array::from_fn(|_| number(cs));
    let fields = fields(ta, tb, aux, [a, b, c], Num::zero());
    let [index, fee, reserve0, reserve1, supply] = std::array::from_fn(|_| number(cs));
    let pool = PoolVar { fee, reserve0, reserve1, supply, ..PoolVar::zero() };
    let lanes: [Num; 2] = std::array::from_fn(|_| number(cs));
    let (amount, unit, locked) = POOL;
    let scale = Scale { amount, lane: 5, fee: 1, unit, locked };
    let inputs = Inputs { fields: &fields, index: &index, pool: &pool, spare_lanes: [&lanes[0], &lanes[1]], scale };
    let done = settle(cs, &kinds, &inputs);
    let [(_, first), (_, second)] = done.paid;
    vec![first, second, done.received.1, done.change.reserve0, done.change.reserve1, done.change.supply]
}

/// A fee in one of two tokens: the tokens; token and amount of the fee. Yields the totals.
pub(crate) fn fee(cs: &mut Cs) -> Vec<Num> {
    let mut fees = Fees::new(cs, FEES, &[0, 0]);
    fees.charge(cs, 0, Amount::ZERO);
    fees.totals().cloned().collect()
}

/// A slot and the bundle that is open: its digest so far and its message; whether the slot is signed, whether it is barred; its digest; whether the bundle
/// goes on; the message. Yields the digest so far afterwards.
pub(crate) fn bundle(cs: &mut Cs) -> Vec<Num> {
    let [run, message] = std::array::from_fn(|_| number(cs));
    let mut bundle = Bundle::of(run, message);
    let [signed, barred] = std::array::from_fn(|_| flag(cs));
    let digest = number(cs);
    join(cs, &mut bundle, &signed, &barred, &digest, None);
    vec![bundle.run().clone()]
}

/// The eight kinds of a single slot; the part of the index outside the tree; the five reasons of a refund. Yields whether anything is credited, and
/// refunded.
pub(crate) fn refund(cs: &mut Cs) -> Vec<Num> {
    let kinds = Kinds::witness(cs, None);
    let outside = number(cs);
    let none = Num::zero;
    let fields = fields(none(), none(), none(), [none(), none(), none()], outside);
    let pool = Access::padding(PoolRead::default());
    let blank = SingleWitness { tx: None, position: 0, account: LeafAccess::none(0), pool, refund: None };
    let deposit = Deposit::witness(cs, &kinds, &fields, &blank);
    vec![deposit.credited(), deposit.refund()]
}
