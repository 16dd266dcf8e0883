//! Execution of a whole file, batch after batch.

use thiserror::Error;

use super::{BatchError, Executed, Ledger, Part, Refusal, Touched};
use crate::plan::{PlanError, split};
use crate::shape::Shape;
use crate::transaction::Transaction;

/// Why a list of transactions is refused. The batches before the one that fails stay applied.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChainError {
    /// A transaction that no batch of the shape can hold.
    #[error(transparent)]
    Plan(PlanError),
    /// A batch is refused; indices in the error count from its first transaction.
    #[error("the batch that starts with transaction {first}: {error}")]
    Batch {
        /// The index of the batch's first transaction in the list.
        first: usize,
        /// Why.
        error: BatchError,
    },
}

impl Ledger {
    /// Cuts transactions into batches of a shape and applies them, one after the other.
    ///
    /// A batch ends early before a deposit that would leave the operator unable to take the fees so far: a deposit is never kept waiting, and
    /// as the first of the next batch nothing stands in its way.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn execute_all(
        &mut self,
        shape: &Shape,
        operator: u32,
        transactions: &[Transaction],
    ) -> Result<Vec<Executed>, ChainError> {
        let done = self.execute_each(shape, operator, transactions, |_, _| ())?;
        Ok(done.into_iter().map(|((), executed)| executed).collect())
    }

    /// As [`Ledger::execute_all`]; with each batch comes the part of the state before it that it touches, on which somebody else can execute it again.
    ///
    /// # Errors
    /// [`ChainError`].
    pub fn execute_parts(
        &mut self,
        shape: &Shape,
        operator: u32,
        transactions: &[Transaction],
    ) -> Result<Vec<(Part, Executed)>, ChainError> {
        self.execute_each(shape, operator, transactions, |before, batch| {
            let Ok(part) = Part::load(before, &Touched::by(operator, batch));
            part
        })
    }

    /// Executes batch after batch; `look` sees the state before each, and its transactions.
    fn execute_each<T>(
        &mut self,
        shape: &Shape,
        operator: u32,
        transactions: &[Transaction],
        look: impl Fn(&Self, &[Transaction]) -> T,
    ) -> Result<Vec<(T, Executed)>, ChainError> {
        let mut done = Vec::new();
        let mut start = 0;
        'cut: while start < transactions.len() {
            let rest = &transactions[start..];
            let plan = split(shape, self.start(operator), rest).map_err(|e| ChainError::Plan(e.shifted(start)))?;
            for batch in plan {
                let range = batch.transactions();
                let first = start + range.start;
                let run = |ledger: &mut Self, range| {
                    let batch = &rest[range];
                    let before = look(ledger, batch);
                    let executed = ledger.execute(shape, operator, batch);
                    Ok((before, executed.map_err(|error| ChainError::Batch { first, error })?))
                };
                match run(self, range.clone()) {
                    Ok(executed) => done.push(executed),
                    Err(ChainError::Batch {
                        error: BatchError::Refused { index, rule: Refusal::OperatorCredit { .. }, .. },
                        ..
                    }) if index > 0 && transactions[first + index].queue_item().is_some() => {
                        done.push(run(self, range.start..range.start + index)?);
                        start = first + index;
                        continue 'cut;
                    }
                    Err(error) => return Err(error),
                }
            }
            break;
        }
        Ok(done)
    }
}
