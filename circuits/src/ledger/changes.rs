//! [`Changes`]: what a batch changed in the state, for whoever keeps it elsewhere.

use std::collections::BTreeMap;

use super::Head;
use crate::account::Account;
use crate::pool::Pool;
use crate::tree::{Family, Place};

/// What a batch changed: everything that is other than it was, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Accounts, by index.
    pub accounts: BTreeMap<u32, Account>,
    /// Pools, by index.
    pub pools: BTreeMap<u32, Pool>,
    /// Nodes of the account tree.
    pub account_families: BTreeMap<Place, Family>,
    /// Nodes of the pool tree.
    pub pool_families: BTreeMap<Place, Family>,
    /// Roots and counters.
    pub after: Head,
}
