//! [`ChainEnd`]: where a chain of batches stands, and the rule that the next batch must keep.

use crate::{error::HeaderError, field::Element, statement::Statement};

/// Where a chain stands after a batch, or before its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// The chain id.
    pub chain_id: u32,
    /// Number of the last batch, 0 before the first.
    pub batch_number: u64,
    /// The state root after it.
    pub state_root: Element,
}

impl ChainEnd {
    /// Where a chain stands after the batch of this statement.
    pub fn after(statement: &Statement) -> Self {
        Self { chain_id: statement.chain_id, batch_number: statement.batch_number, state_root: statement.post_state_root }
    }

    /// Checks that a batch follows: the same chain, the next number, and the state root taken up where it was left.
    ///
    /// # Errors
    /// [`HeaderError::ChainId`], [`HeaderError::BatchNumber`] or [`HeaderError::StateRoot`], the first that applies.
    pub fn check_next(&self, chain_id: u32, batch_number: u64, pre_state_root: Element) -> Result<(), HeaderError> {
        if chain_id != self.chain_id {
            return Err(HeaderError::ChainId { expected: self.chain_id, actual: chain_id });
        }
        // From the other side, so that no number overflows.
        if batch_number.checked_sub(1) != Some(self.batch_number) {
            return Err(HeaderError::BatchNumber { expected: self.batch_number.saturating_add(1), actual: batch_number });
        }
        if pre_state_root != self.state_root {
            return Err(HeaderError::StateRoot { batch_number, expected: self.state_root, actual: pre_state_root });
        }
        Ok(())
    }

    /// [`ChainEnd::check_next`] for the batch of a statement.
    ///
    /// # Errors
    /// As [`ChainEnd::check_next`].
    pub fn check_next_statement(&self, next: &Statement) -> Result<(), HeaderError> {
        self.check_next(next.chain_id, next.batch_number, next.pre_state_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_link_is_held_to_by_itself() {
        let (root, other) = (Element::from(7), Element::from(8));
        let end = ChainEnd { chain_id: 3, batch_number: 4, state_root: root };
        assert_eq!(end.check_next(3, 5, root), Ok(()));
        assert_eq!(end.check_next(2, 5, root), Err(HeaderError::ChainId { expected: 3, actual: 2 }));
        for actual in [0, 3, 4, 6, u64::MAX] {
            assert_eq!(end.check_next(3, actual, root), Err(HeaderError::BatchNumber { expected: 5, actual }));
        }
        let error = HeaderError::StateRoot { batch_number: 5, expected: root, actual: other };
        assert_eq!(end.check_next(3, 5, other), Err(error));
    }

    #[test]
    fn no_number_follows_the_last_and_none_precedes_the_first() {
        let at = |batch_number| ChainEnd { chain_id: 0, batch_number, state_root: Element::ZERO };
        assert_eq!(at(0).check_next(0, 1, Element::ZERO), Ok(()));
        for actual in [0, u64::MAX] {
            assert!(at(u64::MAX).check_next(0, actual, Element::ZERO).is_err());
        }
        assert!(at(0).check_next(0, 0, Element::ZERO).is_err());
    }
}
