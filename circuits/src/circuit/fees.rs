//! The fee tokens of a batch and their totals.
//!
//! The list is strictly increasing and has no mark for unused entries: an entry that no transaction uses is some other token
//! whose total stays 0, and nothing is credited for it. So no token stands twice, and a fee meets exactly one entry.

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::account::constraints::{AccountVar, Touch, Widths};
use crate::amount::Amount;
use crate::cs::{Cs, Lemma, Num, fr_from_u128};
use crate::memory::transcript::constraints::Narrow;

const LIST: &str = "the batch's fee tokens are strictly increasing and below 2^30";
const FEE_RANGE: &str = "the fee is below 2^96";
const FEE_TOKEN: &str = "a fee is paid in exactly one of the batch's fee tokens, and no fee in none";

/// The entry of the list that a fee meets.
pub(crate) const FEE_PLACE: &str = "fee token of a slot";

/// The fee tokens of a batch with their running totals.
pub(super) struct Fees {
    entries: Vec<Entry>,
    widths: Widths,
}

struct Entry {
    token: Num,
    total: Num,
}

/// The fee of one slot.
pub(super) struct Fee {
    pub(super) token: Num,
    pub(super) amount: Num,
    /// Whether the amount is not 0.
    pub(super) due: Num,
}

impl Fees {
    /// Witnesses the list.
    pub(super) fn new(cs: &mut Cs, widths: Widths, tokens: &[u32]) -> Self {
        let mut before = Num::zero();
        let entries = tokens
            .iter()
            .map(|token| {
                let token = cs.chosen("fee token of the batch", Fr::from(*token));
                cs.enforce_range(LIST, &token, widths.token);
                cs.enforce_range(LIST, &(&(&token - &before) - &Num::one()), widths.token);
                before = token.clone();
                Entry { token, total: Num::zero() }
            })
            .collect();
        Self { entries, widths }
    }

    /// Tokens that are public, of which whoever verifies has to see that they are in range and strictly increasing, with totals to start from.
    pub(super) fn going_on(tokens: &[Num], totals: &[Num]) -> Self {
        let entry = |(token, total): (&Num, &Num)| Entry { token: token.clone(), total: total.clone() };
        Self { entries: tokens.iter().zip(totals).map(entry).collect(), widths: Widths::PROTOCOL }
    }

    /// Witnesses a fee and adds it to its token's total.
    pub(super) fn charge(&mut self, cs: &mut Cs, token: u32, amount: Amount) -> Fee {
        let token = cs.chosen("fee token", Fr::from(token));
        let amount = cs.chosen("fee", fr_from_u128(amount.get()));
        cs.enforce_range(FEE_RANGE, &amount, self.widths.amount);
        let due = cs.is_zero(FEE_TOKEN, &amount).not();
        cs.enforce(FEE_TOKEN, &due.not(), &token, &Num::zero());
        let first = cs.rows();
        let mut hits = Num::zero();
        let mut wires = Vec::with_capacity(self.entries.len());
        for entry in &mut self.entries {
            let hit = cs.bit(FEE_TOKEN, !amount.value().is_zero() && entry.token.value() == token.value());
            cs.enforce(FEE_TOKEN, &(&entry.token - &token), &hit, &Num::zero());
            let added = cs.mul(FEE_TOKEN, &amount, &hit);
            entry.total = &entry.total + &added;
            hits = &hits + &hit;
            wires.push(hit);
        }
        cs.enforce_equal(FEE_TOKEN, &hits, &due);
        cs.claim(Lemma::FeeEntry, &wires, first);
        // 0 where no fee is due, else one of the list.
        cs.bounded_if(&Num::one(), &token, self.widths.token);
        wires.iter().for_each(|hit| cs.place(FEE_PLACE, hit));
        Fee { token, amount, due }
    }

    /// The totals so far.
    pub(super) fn totals(&self) -> impl Iterator<Item = &Num> {
        self.entries.iter().map(|entry| &entry.total)
    }

    /// Credits the totals, in the order of the list, where `acts` (boolean) holds.
    ///
    /// A total needs no range of its own: it is below 2^96 times the number of slots before it, at most 2^20 in a closed batch; of an open one the verifier sees to
    /// it. So the credit's range on the new balance bounds it.
    pub(super) fn credit(&self, cs: &mut Cs, operator: &mut AccountVar, acts: &Num) -> Vec<Touch> {
        let credit = |entry: &Entry| {
            let due = cs.is_zero(FEE_TOKEN, &entry.total).not();
            let due = cs.mul(FEE_TOKEN, &due, acts);
            let amount = cs.mul(FEE_TOKEN, &entry.total, acts);
            operator.credit(cs, &due, &entry.token, &amount, &Num::one())
        };
        self.entries.iter().map(credit).collect()
    }

    /// The tokens, of which rows show that they are in range and strictly increasing.
    pub(super) fn tokens(&self) -> Vec<Narrow> {
        self.entries.iter().map(|entry| Narrow::shown_elsewhere(entry.token.clone(), self.widths.token)).collect()
    }
}
