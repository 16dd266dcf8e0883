//! The public inputs of parts, in their order (MEMORY.md, section 12).
//!
//! The order is written here and nowhere else. Circuits hold wires in these structures, the verifier elements.

/// Tokens in which an open batch charges fees.
pub const FEE_TOKENS: usize = 8;
/// Registers.
pub const REGISTERS: usize = 6 + FEE_TOKENS;
/// Public inputs of a segment.
pub const SEGMENT_INPUTS: usize = 11 + FEE_TOKENS + 2 * REGISTERS;
/// Public inputs of a state part.
pub const STATE_INPUTS: usize = 4;

/// What goes from segment to segment, as elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterInputs<T> {
    /// Withdrawals and refunds so far.
    pub withdrawals: T,
    /// Head of the deposit queue as far as it is consumed.
    pub deposit_head: T,
    /// The next account's index.
    pub next_account: T,
    /// The next pool's index.
    pub next_pool: T,
    /// Deposits consumed.
    pub deposit_count: T,
    /// The last time so far.
    pub time: T,
    /// Totals of fees, in the order of the batch's fee tokens.
    pub fees: [T; FEE_TOKENS],
}

impl<T> RegisterInputs<T> {
    /// In their order.
    pub fn into_array(self) -> [T; REGISTERS] {
        let Self { withdrawals, deposit_head, next_account, next_pool, deposit_count, time, fees } = self;
        let [a, b, c, d, e, f, g, h] = fees;
        [withdrawals, deposit_head, next_account, next_pool, deposit_count, time, a, b, c, d, e, f, g, h]
    }

    /// From their order.
    pub fn from_array(elements: [T; REGISTERS]) -> Self {
        let [withdrawals, deposit_head, next_account, next_pool, deposit_count, time, fees @ ..] = elements;
        Self { withdrawals, deposit_head, next_account, next_pool, deposit_count, time, fees }
    }
}

/// The public inputs of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInputs<T> {
    /// The chain.
    pub chain_id: T,
    /// The batch's number.
    pub batch_number: T,
    /// The account that takes the fees.
    pub operator: T,
    /// Leaves of the account tree.
    pub capacity: T,
    /// 1 for the batch's last segment, where the operator takes them; 0 for all others.
    pub last: T,
    /// The base of fingerprints.
    pub alpha: T,
    /// What fingerprints are subtracted from.
    pub gamma: T,
    /// The hash of what the segment absorbs.
    pub absorbed: T,
    /// What its records add to the balance.
    pub sum: T,
    /// The hash of its published data.
    pub data: T,
    /// The root of its withdrawals.
    pub withdrawals: T,
    /// The tokens of fees.
    pub fee_tokens: [T; FEE_TOKENS],
    /// The registers before its first slot.
    pub before: RegisterInputs<T>,
    /// The registers after its last one.
    pub after: RegisterInputs<T>,
}

impl<T> SegmentInputs<T> {
    /// In their order.
    pub fn into_array(self) -> [T; SEGMENT_INPUTS] {
        let Self { chain_id, batch_number, operator, capacity, last, alpha, gamma, .. } = self;
        let shared = [chain_id, batch_number, operator, capacity, last, alpha, gamma];
        let own = shared.into_iter().chain([self.absorbed, self.sum, self.data, self.withdrawals]);
        let registers = self.before.into_array().into_iter().chain(self.after.into_array());
        let mut all = own.chain(self.fee_tokens).chain(registers);
        // Exactly as many as are taken.
        core::array::from_fn(|_| all.next().expect("11 + 8 + 14 + 14 inputs"))
    }

    /// From their order.
    pub fn from_array(elements: [T; SEGMENT_INPUTS]) -> Self {
        let mut all = elements.into_iter();
        let mut next = || all.next().expect("11 + 8 + 14 + 14 inputs");
        Self {
            chain_id: next(),
            batch_number: next(),
            operator: next(),
            capacity: next(),
            last: next(),
            alpha: next(),
            gamma: next(),
            absorbed: next(),
            sum: next(),
            data: next(),
            withdrawals: next(),
            fee_tokens: core::array::from_fn(|_| next()),
            before: RegisterInputs::from_array(core::array::from_fn(|_| next())),
            after: RegisterInputs::from_array(core::array::from_fn(|_| next())),
        }
    }
}

/// The public inputs of a state part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateInputs<T> {
    /// The base of fingerprints.
    pub alpha: T,
    /// What fingerprints are subtracted from.
    pub gamma: T,
    /// The hash of what the part absorbs.
    pub absorbed: T,
    /// What its records add to the balance.
    pub sum: T,
}

impl<T> StateInputs<T> {
    /// In their order.
    pub fn into_array(self) -> [T; STATE_INPUTS] {
        [self.alpha, self.gamma, self.absorbed, self.sum]
    }

    /// From their order.
    pub fn from_array([alpha, gamma, absorbed, sum]: [T; STATE_INPUTS]) -> Self {
        Self { alpha, gamma, absorbed, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_read_in_the_order_in_which_they_are_written() {
        let all: [usize; SEGMENT_INPUTS] = core::array::from_fn(|i| i);
        let inputs = SegmentInputs::from_array(all);
        assert_eq!((inputs.withdrawals, inputs.fee_tokens[0], inputs.before.withdrawals), (10, 11, 19));
        assert_eq!((inputs.before.fees[7], inputs.after.withdrawals, inputs.after.fees[7]), (32, 33, 46));
        assert_eq!(inputs.into_array(), all);
        assert_eq!(StateInputs::from_array([1, 2, 3, 4]).into_array(), [1, 2, 3, 4]);
    }
}
