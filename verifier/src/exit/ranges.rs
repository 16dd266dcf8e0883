//! The ranges of PROTOCOL.md, section 1, and the paths of the two trees.

use super::{MAX_ACCOUNT_DEPTH, MAX_POOL_DEPTH, Siblings};
use crate::{error::ExitProofError, field::Element, layout};
use ark_bn254::Fr;

/// Amounts are below this.
pub(super) const AMOUNT_END: u128 = 1 << 96;
/// Account indices are below this.
pub(super) const ACCOUNT_END: u32 = 1 << 30;
/// Token ids are below this.
pub(super) const TOKEN_END: u32 = 1 << 30;
/// Batch numbers and deposit indices are below this.
pub(super) const NUMBER_END: u64 = 1 << 48;

/// Refuses what is not in `least .. end`.
pub(super) fn within(
    field: &'static str,
    actual: impl Into<u128>,
    least: impl Into<u128>,
    end: impl Into<u128>,
) -> Result<(), ExitProofError> {
    let (actual, least, end) = (actual.into(), least.into(), end.into());
    if (least..end).contains(&actual) { Ok(()) } else { Err(ExitProofError::Range { field, least, end, actual }) }
}

/// Which tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Account,
    Pool,
}

impl Tree {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Pool => "pool",
        }
    }

    const fn max_depth(self) -> u8 {
        match self {
            Self::Account => MAX_ACCOUNT_DEPTH,
            Self::Pool => MAX_POOL_DEPTH,
        }
    }

    pub(super) fn check_depth(self, actual: u8) -> Result<(), ExitProofError> {
        let most = self.max_depth();
        if (1..=most).contains(&actual) { Ok(()) } else { Err(ExitProofError::Depth { tree: self.name(), most, actual }) }
    }

    /// Leaves of a tree whose depth was checked.
    pub(super) const fn capacity(depth: u8) -> u64 {
        1 << (3 * depth as u32)
    }

    pub(super) fn check_path(self, depth: u8, path: &[Siblings]) -> Result<(), ExitProofError> {
        let expected = usize::from(depth);
        if path.len() == expected {
            Ok(())
        } else {
            Err(ExitProofError::PathLength { tree: self.name(), expected, actual: path.len() })
        }
    }
}

/// The root that a leaf and its path lead to.
pub(super) fn root(index: u32, leaf: Fr, path: &[Siblings]) -> Element {
    Element::from_fr(layout::root_above(index, leaf, path.iter().map(|level| level.map(Element::fr))))
}
