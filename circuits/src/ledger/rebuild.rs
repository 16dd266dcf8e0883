//! The state again, from published data alone (PROTOCOL.md, section 7).
//!
//! No signature, nonce or limit is looked at: that they were right is what the batch's proof shows. What the data cannot say of the state
//! before it (an account that does not exist, a balance that is too small) is refused all the same.

use ark_bn254::Fr;
use thiserror::Error;

use super::{BatchError, Changes, Ledger, Refusal};
use crate::data::{BatchData, data_hash};
use crate::withdrawal::Withdrawal;

/// A batch that was applied from its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The state root before.
    pub pre_state_root: Fr,
    /// The state root after.
    pub post_state_root: Fr,
    /// The hash of the data.
    pub data_hash: Fr,
    /// The withdrawals, by position.
    pub withdrawals: Vec<Withdrawal>,
    /// Their root.
    pub withdrawals_root: Fr,
    /// What the batch changed in the state.
    pub changes: Changes,
}

/// Why data does not carry a state on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RebuildError {
    /// Data of another chain.
    #[error("the data is of chain {had}, the state of chain {needed}")]
    Chain {
        /// The data's chain.
        had: u32,
        /// The state's chain.
        needed: u32,
    },
    /// Data of another batch than the next.
    #[error("the data is of batch {had}, the state needs batch {needed}")]
    Number {
        /// The data's batch.
        had: u64,
        /// The next batch.
        needed: u64,
    },
    /// A transaction that the state does not allow.
    #[error("transaction {index}: {rule}")]
    Transaction {
        /// The transaction's index in the batch, from 0.
        index: usize,
        /// The rule.
        rule: Refusal,
    },
    /// The batch as a whole.
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl Ledger {
    /// Applies a batch from its published data.
    ///
    /// The caller compares what comes out with a statement that was proven: data alone proves nothing.
    ///
    /// # Errors
    /// [`RebuildError`], and the ledger is as it was.
    pub fn rebuild(&mut self, data: &BatchData) -> Result<Rebuilt, RebuildError> {
        if data.chain_id != self.chain_id {
            return Err(RebuildError::Chain { had: data.chain_id, needed: self.chain_id });
        }
        self.all_or_nothing(data.operator, |run| {
            let needed = run.next_batch_number()?;
            if data.batch_number != needed {
                return Err(RebuildError::Number { had: data.batch_number, needed });
            }
            let pre_state_root = run.ledger.state_root();
            for (index, tx) in data.transactions.iter().enumerate() {
                run.replay(tx).map_err(|rule| RebuildError::Transaction { index, rule })?;
            }
            if let Some(head) = data.deposit_head {
                run.ledger.deposit_head = head;
            }
            let changes = run.close(needed)?.changes;
            let (withdrawals, withdrawals_root) = run.take_withdrawals();
            Ok(Rebuilt {
                pre_state_root,
                post_state_root: run.ledger.state_root(),
                data_hash: data_hash(data.operator, &data.transactions),
                withdrawals,
                withdrawals_root,
                changes,
            })
        })
    }
}
