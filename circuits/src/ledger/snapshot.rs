//! [`Snapshot`]: the state as a JSON value. Restoring checks every invariant of section 4 and the root.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use tapstone_verifier::field::Element;
use thiserror::Error;

use super::{Ledger, NUMBER_LIMIT};
use crate::account::{Account, InvalidAccount, TOKEN_SLOTS};
use crate::amount::{Amount, TokenId, parse_decimal};
use crate::deposit::parse_hex;
use crate::pool::{InvalidPool, Pool};
use crate::shape::{ShapeError, check_depths};
use crate::signature::{KeyError, PublicKey};
use crate::tree::Tree;

/// The format's name and version.
pub const FORMAT: &str = "tapstone-state/1";

/// A state, as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub struct Snapshot {
    format: String,
    chain_id: u32,
    account_depth: u8,
    pool_depth: u8,
    batch_number: u64,
    deposit_count: u64,
    deposit_head: Element,
    state_root: Element,
    accounts: Vec<AccountRecord>,
    pools: Vec<PoolRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct AccountRecord {
    key: String,
    nonce: String,
    tokens: [TokenId; TOKEN_SLOTS],
    balances: [Amount; TOKEN_SLOTS + 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct PoolRecord {
    token0: TokenId,
    token1: TokenId,
    fee_bp: u16,
    reserve0: Amount,
    reserve1: Amount,
    supply: Amount,
}

/// Why a snapshot is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// Another format.
    #[error("format {had:?}, needed {FORMAT:?}")]
    Format {
        /// The format.
        had: String,
    },
    /// A field is missing.
    #[error("no field {field}")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// Trees that cannot exist.
    #[error(transparent)]
    Depth(#[from] ShapeError),
    /// A number out of range.
    #[error("{field} is {had}, needed below {limit}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        had: u64,
        /// The limit.
        limit: u64,
    },
    /// The text of an account's key is not hexadecimal.
    #[error("key of account {account} is not 64 lower-case hexadecimal digits")]
    KeyText {
        /// The account.
        account: usize,
    },
    /// An account's key is not valid.
    #[error("key of account {account}: {source}")]
    Key {
        /// The account.
        account: usize,
        /// Why.
        source: KeyError,
    },
    /// An account's nonce is not a number.
    #[error("nonce of account {account} is {had:?}, needed a canonical decimal number below 2^64")]
    Nonce {
        /// The account.
        account: usize,
        /// The text.
        had: String,
    },
    /// An account breaks an invariant.
    #[error("account {account}: {source}")]
    Account {
        /// The account.
        account: usize,
        /// Which invariant.
        source: InvalidAccount,
    },
    /// A pool breaks an invariant.
    #[error("pool {pool}: {source}")]
    Pool {
        /// The pool.
        pool: usize,
        /// Which invariant.
        source: InvalidPool,
    },
    /// Accounts hold more or fewer shares of a pool than circulate.
    #[error("accounts hold {had} of share token {token}, needed {needed}")]
    Shares {
        /// The share token.
        token: u32,
        /// What accounts hold.
        had: u128,
        /// What circulates.
        needed: u128,
    },
    /// The state's root is another than the one written.
    #[error("the state's root is {had}, the snapshot says {needed}")]
    Root {
        /// The root of what the snapshot holds.
        had: Element,
        /// The root that it names.
        needed: Element,
    },
}

impl Ledger {
    /// The state, to be written.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            format: FORMAT.into(),
            chain_id: self.chain_id,
            account_depth: self.account_depth(),
            pool_depth: self.pool_depth(),
            batch_number: self.batch_number,
            deposit_count: self.deposit_count,
            deposit_head: self.deposit_head.into(),
            state_root: self.state_root().into(),
            accounts: self.accounts.values().map(AccountRecord::of).collect(),
            pools: self.pools.values().map(PoolRecord::of).collect(),
        }
    }

    /// The ledger of a snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] names the first invariant that it breaks.
    pub fn restore(snapshot: &Snapshot) -> Result<Self, SnapshotError> {
        let s = snapshot;
        if s.format != FORMAT {
            return Err(SnapshotError::Format { had: s.format.chars().take(48).collect() });
        }
        check_depths(s.account_depth, s.pool_depth)?;
        let capacity = |depth: u8| 1u64 << (3 * depth);
        below("batch_number", s.batch_number, NUMBER_LIMIT)?;
        below("deposit_count", s.deposit_count, NUMBER_LIMIT)?;
        below("number of accounts", s.accounts.len() as u64, capacity(s.account_depth) + 1)?;
        below("number of pools", s.pools.len() as u64, capacity(s.pool_depth) + 1)?;
        let accounts: Vec<Account> =
            s.accounts.iter().enumerate().map(|(i, record)| record.read(i)).collect::<Result<_, _>>()?;
        let pools: Vec<Pool> = s.pools.iter().enumerate().map(|(i, record)| record.read(i)).collect::<Result<_, _>>()?;
        let mut shares = Shares::default();
        accounts.iter().for_each(|account| shares.add(account));
        check_shares(shares, &pools)?;
        let leaves: Vec<Fr> = accounts.par_iter().map(Account::leaf_hash).collect();
        let ledger = Self {
            chain_id: s.chain_id,
            account_tree: Tree::from_leaves(s.account_depth, Account::EMPTY.leaf_hash(), leaves),
            pool_tree: Tree::from_leaves(s.pool_depth, Pool::EMPTY.leaf_hash(), pools.iter().map(Pool::leaf_hash)),
            // Below the capacities, which are at most 2^30.
            next_account: accounts.len() as u32,
            next_pool: pools.len() as u32,
            accounts: (0..).zip(accounts).collect(),
            pools: (0..).zip(pools).collect(),
            deposit_head: s.deposit_head.into(),
            deposit_count: s.deposit_count,
            batch_number: s.batch_number,
        };
        let had = Element::from(ledger.state_root());
        if had != s.state_root {
            return Err(SnapshotError::Root { had, needed: s.state_root });
        }
        Ok(ledger)
    }
}

pub(super) fn below(field: &'static str, had: u64, limit: u64) -> Result<(), SnapshotError> {
    if had < limit { Ok(()) } else { Err(SnapshotError::Range { field, had, limit }) }
}

/// Shares that accounts hold, by token.
#[derive(Default)]
pub(super) struct Shares(BTreeMap<u32, u128>);

impl Shares {
    pub(super) fn add(&mut self, account: &Account) {
        for (token, balance) in account.tokens.into_iter().zip(&account.balances[1..]) {
            if token >= TokenId::FIRST_LP {
                // At most 2^30 accounts with less than 2^96 each.
                *self.0.entry(token).or_default() += balance;
            }
        }
    }
}

/// Accounts hold exactly the shares that circulate, and none of pools that do not exist.
pub(super) fn check_shares(held: Shares, pools: &[Pool]) -> Result<(), SnapshotError> {
    let mut held = held.0;
    for (token, pool) in (TokenId::FIRST_LP..).zip(pools) {
        let (had, needed) = (held.remove(&token).unwrap_or(0), pool.circulating());
        if had != needed {
            return Err(SnapshotError::Shares { token, had, needed });
        }
    }
    match held.into_iter().next() {
        None => Ok(()),
        Some((token, had)) => Err(SnapshotError::Shares { token, had, needed: 0 }),
    }
}

impl AccountRecord {
    pub(super) fn of(account: &Account) -> Self {
        Self {
            key: account.key.map(|key| key.to_string()).unwrap_or_default(),
            nonce: account.nonce.to_string(),
            tokens: account.tokens.map(|t| TokenId::new(t).expect("the ledger keeps token ids below 2^30")),
            balances: account.balances.map(|b| Amount::new(b).expect("the ledger keeps balances below 2^96")),
        }
    }

    pub(super) fn read(&self, index: usize) -> Result<Account, SnapshotError> {
        let bytes = parse_hex(&self.key).ok_or(SnapshotError::KeyText { account: index })?;
        let key = PublicKey::from_bytes(&bytes).map_err(|source| SnapshotError::Key { account: index, source })?;
        let nonce = parse_decimal(&self.nonce, u64::MAX.into()).ok().and_then(|n| u64::try_from(n).ok());
        let nonce =
            nonce.ok_or_else(|| SnapshotError::Nonce { account: index, had: self.nonce.chars().take(48).collect() })?;
        let tokens = self.tokens.map(TokenId::get);
        let account = Account { key: Some(key), nonce, tokens, balances: self.balances.map(Amount::get) };
        account.check().map_err(|source| SnapshotError::Account { account: index, source })?;
        Ok(account)
    }
}

impl PoolRecord {
    pub(super) const fn of(pool: &Pool) -> Self {
        let Pool { token0, token1, fee_bp, reserve0, reserve1, supply } = *pool;
        Self { token0, token1, fee_bp, reserve0, reserve1, supply }
    }

    pub(super) fn read(&self, index: usize) -> Result<Pool, SnapshotError> {
        let Self { token0, token1, fee_bp, reserve0, reserve1, supply } = *self;
        let pool = Pool { token0, token1, fee_bp, reserve0, reserve1, supply };
        pool.check().map_err(|source| SnapshotError::Pool { pool: index, source })?;
        Ok(pool)
    }
}
