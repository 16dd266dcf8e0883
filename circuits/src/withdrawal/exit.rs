//! Proofs of one withdrawal of a batch (PROTOCOL.md, section 13); `tapstone_verifier::exit` verifies them.

use tapstone_verifier::exit::{self, WithdrawalFormat, WithdrawalProof};

use super::{Cause, Withdrawal, Withdrawals};
use crate::data::{BatchData, Published};

impl Withdrawal {
    /// The proof of the withdrawal at a position, from all withdrawals of its batch; `None` if the batch has fewer.
    pub fn prove(chain_id: u32, batch_number: u64, all: &[Self], position: u32) -> Option<WithdrawalProof> {
        let (earlier, rest) = all.split_at_checked(position as usize)?;
        let (withdrawal, later) = rest.split_first()?;
        let mut chain = Withdrawals::none(chain_id, batch_number);
        earlier.iter().for_each(|withdrawal| chain.push(withdrawal));
        Some(WithdrawalProof {
            format: WithdrawalFormat,
            chain_id,
            batch_number,
            position,
            withdrawal: withdrawal.claim(),
            before: chain.root().into(),
            later: later.iter().map(Self::claim).collect(),
        })
    }

    fn claim(&self) -> exit::Withdrawal {
        exit::Withdrawal {
            account: self.account,
            token: self.token.get(),
            amount: self.amount.get(),
            refund: self.cause == Cause::Refund,
            destination: self.destination.0,
        }
    }
}

impl BatchData {
    /// The batch's withdrawals, by position: published data name them in full, so that no state is needed.
    pub fn withdrawals(&self) -> Vec<Withdrawal> {
        self.transactions
            .iter()
            .filter_map(|tx| match *tx {
                Published::Withdraw { account, token, amount, destination, .. } => {
                    Some(Withdrawal { account, token, amount, cause: Cause::Request, destination })
                }
                Published::Refund { account, token, amount, destination } => {
                    Some(Withdrawal { account, token, amount, cause: Cause::Refund, destination })
                }
                _ => None,
            })
            .collect()
    }
}
