//! Deposits: the queue, and the refunds of what cannot be credited, each with its reason.
//!
//! Nobody may skip a deposit, and none may halt the chain: where `taken` holds the credit happens, where `refund` holds a reason is proven why it cannot.

use ark_bn254::Fr;
use ark_ff::PrimeField;

use super::fields::{Fields, INDEX_BITS, Kinds};
use super::state::State;
use crate::account::constraints::AccountVar;
use crate::cs::{Cs, Num};
use crate::signature::constraints::{PointVar, classify_key};
use crate::signature::curve::B8;
use crate::transaction::Transaction;
use crate::witness::{RefundReason, SingleWitness};

const QUEUE: &str = "a deposit is the next of the queue";
/// Bits of an output's number.
pub const VOUT_BITS: usize = 32;

const VOUT: &str = "the output's number is below 2^32";
const REFUND: &str = "only deposits are refunded, for one reason";
const OUTSIDE: &str = "only a refunded deposit names an account outside the tree";
const EXISTS: &str = "the credited account exists";
const MISSING: &str = "a deposit is refunded for want of an account only if there is none";
const NO_ROOM: &str = "a deposit with a valid key is refunded only if no account can be made";
const NEW_INDEX: &str = "a new account takes the next index";
const NEW_EMPTY: &str = "a new account's leaf was empty";
const KEY: &str = "a new key lies in the prime-order subgroup and is not the identity";

/// What becomes of a slot's deposit; booleans.
pub(super) struct Deposit {
    /// A deposit to an account that exists is credited.
    taken: Num,
    /// A deposit makes an account and is credited.
    pub(super) taken_new: Num,
    /// A deposit to an account is refunded.
    pub(super) refunded: Num,
    /// A deposit to a new account is refunded.
    pub(super) refunded_new: Num,
    missing: Num,
    /// The account lies outside the tree.
    outside: Num,
    /// The credit would overflow the balance.
    pub(super) overflow: Num,
    /// There is no slot for the token.
    pub(super) full: Num,
}

impl Deposit {
    pub(super) fn witness(cs: &mut Cs, kinds: &Kinds, fields: &Fields, witness: &SingleWitness) -> Self {
        let reason = witness.refund;
        let lies_outside = fields.outside.value() != Fr::from(0u64);
        let missing =
            cs.chosen_bit(REFUND, "reason of a refund", reason == Some(RefundReason::AccountMissing) && !lies_outside);
        let outside = if fields.outside.is_constant() {
            Num::zero()
        } else {
            let outside =
                cs.chosen_bit(REFUND, "reason of a refund", reason == Some(RefundReason::AccountMissing) && lies_outside);
            cs.enforce(OUTSIDE, &fields.outside, &outside.not(), &Num::zero());
            cs.enforce_nonzero_if(MISSING, &outside, &fields.outside);
            outside
        };
        let overflow = cs.chosen_bit(REFUND, "reason of a refund", reason == Some(RefundReason::Overflow));
        let full = cs.chosen_bit(REFUND, "reason of a refund", reason == Some(RefundReason::NoSlot));
        let refunded_new = cs.chosen_bit(
            REFUND,
            "reason of a refund",
            matches!(reason, Some(RefundReason::Key | RefundReason::AccountsFull)),
        );
        // Each of these sums of booleans is boolean only if at most one reason is given, and none where there is no such deposit.
        let refunded = Num::sum([&missing, &outside, &overflow, &full]);
        for reason in [&missing, &outside, &overflow, &full] {
            cs.place_once("reason of a refund", reason, &refunded);
        }
        let taken = &kinds.deposit - &refunded;
        cs.enforce_boolean(REFUND, &taken);
        cs.enforce(REFUND, &kinds.deposit.not(), &refunded, &Num::zero());
        let taken_new = &kinds.deposit_new - &refunded_new;
        cs.enforce(REFUND, &kinds.deposit_new.not(), &refunded_new, &Num::zero());
        Self { taken, taken_new, refunded, refunded_new, missing, outside, overflow, full }
    }

    /// Whether anything is credited.
    pub(super) fn credited(&self) -> Num {
        &self.taken + &self.taken_new
    }

    /// Whether it is refunded for want of an account: none is accessed.
    pub(super) fn without_account(&self) -> Num {
        Num::sum([&self.missing, &self.outside, &self.refunded_new])
    }

    /// Each reason of a refund.
    pub(super) fn reasons(&self) -> Vec<&Num> {
        vec![&self.missing, &self.outside, &self.overflow, &self.full, &self.refunded_new]
    }

    /// Whether anything is refunded.
    pub(super) fn refund(&self) -> Num {
        &self.refunded + &self.refunded_new
    }

    /// Enforces what the account's leaf and the counter must be, and that the key is valid where it enters the state.
    pub(super) fn enforce_account(
        &self,
        cs: &mut Cs,
        kinds: &Kinds,
        fields: &Fields,
        before: &AccountVar,
        state: &mut State,
    ) {
        cs.enforce_nonzero_if(EXISTS, &self.taken, &before.x);
        // No leaf is read: accounts exist up to the counter. Both are below 2^32.
        let beyond = cs.mul(MISSING, &(&fields.leaf - &state.next_account), &self.missing);
        cs.enforce_range(MISSING, &beyond, INDEX_BITS);

        let named = &kinds.deposit_new + &kinds.change_key;
        // Where no key enters a fixed one stands in.
        let entering = PointVar {
            x: cs.select(KEY, &named, &fields.key.x, &Num::constant(B8.x)),
            y: cs.select(KEY, &named, &fields.key.y, &Num::constant(B8.y)),
        };
        let valid = classify_key(cs, &entering);
        cs.enforce(KEY, &valid.not(), &(&self.taken_new + &kinds.change_key), &Num::zero());
        let no_room = cs.mul(NO_ROOM, &self.refunded_new, &valid);
        let capacity = Num::one().shift(fields.leaf_bits.len());
        cs.enforce_equal_if(NO_ROOM, &no_room, &state.next_account, &capacity);

        cs.enforce_equal_if(NEW_INDEX, &self.taken_new, &fields.leaf, &state.next_account);
        cs.enforce_equal_if(NEW_EMPTY, &self.taken_new, &before.x, &Num::zero());
        cs.enforce_equal_if(NEW_EMPTY, &self.taken_new, &before.y, &Num::zero());
        before.enforce_empty_but_key_if(cs, NEW_EMPTY, &self.taken_new);
        state.next_account = &state.next_account + &self.taken_new;
    }
}

/// The elements of a queue item that no other kind has.
pub(super) struct QueueItem {
    /// `p` of PROTOCOL.md, section 5.4.
    pub(super) packed: Num,
    /// The limbs of the transaction id.
    pub(super) txid: [Num; 2],
}

impl QueueItem {
    pub(super) fn witness(
        cs: &mut Cs,
        kinds: &Kinds,
        fields: &Fields,
        account: &Num,
        count: &Num,
        tx: Option<&Transaction>,
    ) -> Self {
        let outpoint = tx.and_then(Transaction::queue_item).map(|item| item.outpoint);
        let vout = cs.chosen("outpoint", Fr::from(outpoint.map_or(0, |o| o.vout)));
        cs.enforce_range(VOUT, &vout, VOUT_BITS);
        // Limbs are hashed as elements of their own, so they need no range.
        let txid = outpoint.map_or([0; 32], |o| o.txid);
        let txid = [&txid[..16], &txid[16..]].map(|half| cs.chosen("outpoint", Fr::from_be_bytes_mod_order(half)));
        let packed = Num::sum([
            count,
            &vout.shift(48),
            &account.shift(80),
            &fields.ta.shift(110),
            &fields.amounts[0].shift(140),
            &kinds.deposit_new.shift(236),
        ]);
        Self { packed, txid }
    }
}

/// Moves the queue on to `hash` where `deposits` (boolean) holds.
pub(super) fn move_queue(cs: &mut Cs, state: &mut State, deposits: &Num, hash: &Num) {
    state.deposit_head = cs.select(QUEUE, deposits, hash, &state.deposit_head);
    state.deposit_count = &state.deposit_count + deposits;
}
