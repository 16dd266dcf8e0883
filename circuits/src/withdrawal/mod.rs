//! The withdrawals of a batch and their root (PROTOCOL.md, section 6).

mod exit;

use ark_bn254::Fr;
use tapstone_verifier::layout::{self, WithdrawalElements};

use crate::amount::{Amount, TokenId};
use crate::deposit::Destination;

/// Why coins leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The account's owner asked for it.
    Request,
    /// A deposit could not be credited.
    Refund,
}

/// Coins that leave the rollup for Bitcoin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Whose they were, or whom a refunded deposit was for; 0 for one to a new account.
    pub account: u32,
    /// The token.
    pub token: TokenId,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub cause: Cause,
    /// Where they go.
    pub destination: Destination,
}

/// The chain of a batch's withdrawals so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawals {
    root: Fr,
    count: u32,
}

impl Withdrawals {
    /// None yet, in this batch of this chain.
    pub fn none(chain_id: u32, batch_number: u64) -> Self {
        Self { root: layout::withdrawals_start(chain_id, batch_number), count: 0 }
    }

    /// None yet in the batch's next segment: positions go on.
    pub fn next_segment(&mut self, chain_id: u32, batch_number: u64) {
        self.root = layout::withdrawals_start(chain_id, batch_number);
    }

    /// One more. A batch has at most `2^20` slots, so the position never runs out.
    pub fn push(&mut self, withdrawal: &Withdrawal) {
        let Withdrawal { account, token, amount, cause, destination } = *withdrawal;
        let link = WithdrawalElements {
            account,
            token: token.get(),
            amount: amount.get(),
            refund: cause == Cause::Refund,
            position: self.count,
            destination: destination.0,
        };
        self.root = link.link(self.root);
        self.count += 1;
    }

    /// The root: the last link of the chain.
    pub const fn root(&self) -> Fr {
        self.root
    }

    /// How many there are.
    pub const fn count(&self) -> u32 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::pack;
    use tapstone_verifier::poseidon;

    fn withdrawal() -> Withdrawal {
        Withdrawal {
            account: 7,
            token: TokenId::NATIVE,
            amount: Amount::from(5),
            cause: Cause::Request,
            destination: Destination([9; 32]),
        }
    }

    #[test]
    fn links_are_the_text_of_the_protocol() {
        let start = poseidon::hash(&[Fr::from(10u64), pack(&[(3, 0), (300, 32)])]);
        let mut chain = Withdrawals::none(3, 300);
        assert_eq!((chain.root(), chain.count()), (start, 0));
        chain.push(&withdrawal());
        let limb = pack(&[(0x0909_0909_0909_0909, 0), (0x0909_0909_0909_0909, 64)]);
        let p = pack(&[(9, 0), (7, 8), (1, 38), (5, 68)]);
        let first = poseidon::hash(&[p, start, limb, limb]);
        assert_eq!(chain.root(), first);
        chain.push(&Withdrawal { cause: Cause::Refund, ..withdrawal() });
        let p = pack(&[(9, 0), (7, 8), (1, 38), (5, 68), (1, 164), (1, 165)]);
        assert_eq!((chain.root(), chain.count()), (poseidon::hash(&[p, first, limb, limb]), 2));
    }

    #[test]
    fn every_part_moves_the_root() {
        let root = |chain_id, batch, w: &Withdrawal| {
            let mut chain = Withdrawals::none(chain_id, batch);
            chain.push(w);
            chain.root()
        };
        let w = withdrawal();
        let roots = [
            root(3, 1, &w),
            root(4, 1, &w),
            root(3, 2, &w),
            root(3, 1, &Withdrawal { account: 8, ..w }),
            root(3, 1, &Withdrawal { token: TokenId::new(2).unwrap(), ..w }),
            root(3, 1, &Withdrawal { amount: Amount::from(6), ..w }),
            root(3, 1, &Withdrawal { cause: Cause::Refund, ..w }),
            root(3, 1, &Withdrawal { destination: Destination([8; 32]), ..w }),
            Withdrawals::none(3, 1).root(),
        ];
        let distinct: std::collections::HashSet<_> = roots.iter().collect();
        assert_eq!(distinct.len(), roots.len());
    }
}
