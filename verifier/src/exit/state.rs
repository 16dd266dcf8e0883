//! [`StateFields`]: what a state root covers (PROTOCOL.md, section 4).

use super::ranges::{NUMBER_END, Tree, within};
use crate::{error::ExitProofError, field::Element, layout::StateElements};

/// The preimage of a state root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct StateFields {
    /// The chain.
    pub chain_id: u32,
    /// The last batch applied, 0 for genesis; below 2^48.
    pub batch_number: u64,
    /// Levels of the account tree, 1 to 10.
    pub account_depth: u8,
    /// Levels of the pool tree, 1 to 9.
    pub pool_depth: u8,
    /// How many accounts there are: those with lower indices.
    pub next_account: u32,
    /// How many pools there are: those with lower indices.
    pub next_pool: u32,
    /// Deposits of the queue consumed, below 2^48.
    pub deposit_count: u64,
    /// Root of the account tree.
    pub account_root: Element,
    /// Root of the pool tree.
    pub pool_root: Element,
    /// Head of the deposit queue as far as it is consumed.
    pub deposit_head: Element,
}

impl StateFields {
    /// Length of its bytes within a proof.
    pub const BYTES: usize = 4 + 8 + 1 + 1 + 4 + 4 + 8 + 3 * 32;

    /// The state root.
    pub fn root(&self) -> Element {
        let elements = StateElements {
            account_root: self.account_root.fr(),
            pool_root: self.pool_root.fr(),
            deposit_head: self.deposit_head.fr(),
            next_account: self.next_account,
            next_pool: self.next_pool,
            deposit_count: self.deposit_count,
            chain_id: self.chain_id,
            batch_number: self.batch_number,
            account_depth: self.account_depth,
            pool_depth: self.pool_depth,
        };
        Element::from_fr(elements.root())
    }

    /// Refuses depths, counters and numbers out of range.
    pub(crate) fn check(&self) -> Result<(), ExitProofError> {
        within("batch_number", self.batch_number, 0u8, NUMBER_END)?;
        Tree::Account.check_depth(self.account_depth)?;
        Tree::Pool.check_depth(self.pool_depth)?;
        within("next_account", self.next_account, 0u8, Tree::capacity(self.account_depth) + 1)?;
        within("next_pool", self.next_pool, 0u8, Tree::capacity(self.pool_depth) + 1)?;
        within("deposit_count", self.deposit_count, 0u8, NUMBER_END)
    }

    /// Refuses an index that the counter has not reached: its leaf is empty.
    pub(super) fn check_index(&self, tree: Tree, index: u32) -> Result<(), ExitProofError> {
        let count = match tree {
            Tree::Account => self.next_account,
            Tree::Pool => self.next_pool,
        };
        if index < count { Ok(()) } else { Err(ExitProofError::Absent { tree: tree.name(), index, count }) }
    }
}
