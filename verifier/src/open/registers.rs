//! [`Registers`]: what goes from segment to segment.

use super::{FEE_TOKENS, RegisterInputs};
use crate::field::Element;
use alloc::vec::Vec;

/// The totals of fees are below this.
pub const FEE_TOTAL_END: u128 = 1 << 120;
/// Most withdrawals and refunds of a batch.
pub const MAX_WITHDRAWALS: u32 = 1 << 20;

/// What goes from segment to segment, before the first slot of one and after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Registers {
    /// Withdrawals and refunds so far; at most [`MAX_WITHDRAWALS`].
    pub withdrawals: u32,
    /// Head of the deposit queue as far as it is consumed.
    pub deposit_head: Element,
    /// The next account's index; at most the number of leaves of the tree.
    pub next_account: u32,
    /// The next pool's index, likewise.
    pub next_pool: u32,
    /// Deposits consumed, below 2^48.
    pub deposit_count: u64,
    /// The last time so far.
    pub time: u32,
    /// Totals of fees, in the order of the batch's fee tokens; each below [`FEE_TOTAL_END`].
    pub fees: [u128; FEE_TOKENS],
}

impl Registers {
    /// Length of the bytes.
    pub const BYTES: usize = 4 + 32 + 4 + 4 + 8 + 4 + 16 * FEE_TOKENS;

    /// As public inputs.
    pub fn inputs(&self) -> RegisterInputs<Element> {
        let Self { withdrawals, deposit_head, next_account, next_pool, deposit_count, time, fees } = *self;
        let small = |x: u32| Element::from(u64::from(x));
        RegisterInputs {
            withdrawals: small(withdrawals),
            deposit_head,
            next_account: small(next_account),
            next_pool: small(next_pool),
            deposit_count: Element::from(deposit_count),
            time: small(time),
            fees: fees.map(Element::from_u128),
        }
    }

    /// `BE(withdrawals, 4) || deposit head || BE(next_account, 4) || BE(next_pool, 4) || BE(deposit_count, 8) || BE(time, 4)`, then `BE(total, 16)` for each fee
    /// token.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { withdrawals, deposit_head, next_account, next_pool, deposit_count, time, fees } = self;
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend_from_slice(&withdrawals.to_be_bytes());
        out.extend_from_slice(&deposit_head.to_be_bytes());
        out.extend_from_slice(&next_account.to_be_bytes());
        out.extend_from_slice(&next_pool.to_be_bytes());
        out.extend_from_slice(&deposit_count.to_be_bytes());
        out.extend_from_slice(&time.to_be_bytes());
        fees.iter().for_each(|total| out.extend_from_slice(&total.to_be_bytes()));
        out
    }
}
