//! What leaves for Bitcoin: withdrawals and refunds, in one chain of hashes.

use super::fields::Fields;
use crate::cs::{Cs, Num, poseidon};
use crate::field::tag;

const WITHDRAWAL: &str = "a withdrawal or refund is the next of the batch's withdrawals";

/// The chain of a batch, or of one of its segments.
pub(super) struct Withdrawals {
    root: Num,
    count: Num,
}

impl Withdrawals {
    /// A chain that has none yet, where the batch has `count` in segments before.
    pub(super) fn after(cs: &mut Cs, chain_id: &Num, batch_number: &Num, count: Num) -> Self {
        let batch = chain_id + &batch_number.shift(32);
        Self { root: poseidon::hash(cs, &[Num::from(tag::WITHDRAWAL_START), batch]), count }
    }

    pub(super) fn root(&self) -> &Num {
        &self.root
    }

    /// How many the batch has so far.
    pub(super) fn count(&self) -> &Num {
        &self.count
    }

    /// Appends where `emits` (boolean) holds. `account` is 0 for a refunded `deposit_new`.
    ///
    /// Account, token and amount have their ranges from the slot, the count is at most the number of slots: the first element has one reading.
    pub(super) fn push(&mut self, cs: &mut Cs, emits: &Num, refund: &Num, account: &Num, fields: &Fields) {
        let packed = Num::sum([
            &Num::from(tag::WITHDRAWAL),
            &account.shift(8),
            &fields.ta.shift(38),
            &fields.amounts[0].shift(68),
            &refund.shift(164),
            &self.count.shift(165),
        ]);
        let [hi, lo] = fields.dest.clone();
        let next = poseidon::hash(cs, &[packed, self.root.clone(), hi, lo]);
        self.root = cs.select(WITHDRAWAL, emits, &next, &self.root);
        self.count = &self.count + emits;
    }
}
