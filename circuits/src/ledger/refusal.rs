//! Why a transaction or a batch is refused.

use thiserror::Error;

use crate::account::AccountError;
use crate::amount::{Amount, TokenId};
use crate::plan::PlanError;
use crate::pool::PoolError;
use crate::shape::ShapeError;
use crate::signature::{KeyError, SignatureError};
use crate::transaction::bundle::BundleError;
use crate::witness::RefundReason;

/// The rule that a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A field is out of the range that the protocol gives it.
    #[error("{field} is {had}, needed below {limit}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        had: u64,
        /// The limit.
        limit: u64,
    },
    /// An amount that must not be 0.
    #[error("{field} is 0, needed at least 1")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// No token is named.
    #[error("the token is 0, needed a token")]
    NoToken,
    /// A token that is none or a pool's share.
    #[error("token {token} is not ordinary, needed one of 1 to 2^29 - 1")]
    NotOrdinary {
        /// The token.
        token: TokenId,
    },
    /// The tokens of a new pool are not in order.
    #[error("token0 is {token0} and token1 is {token1}, needed token0 < token1")]
    TokenOrder {
        /// token0.
        token0: TokenId,
        /// token1.
        token1: TokenId,
    },
    /// The fee of a new pool.
    #[error("the pool's fee is {had} basis points, needed below {needed}")]
    PoolFee {
        /// The fee.
        had: u16,
        /// The limit.
        needed: u16,
    },
    /// A fee without a token, or a token without a fee.
    #[error("the fee is {amount} of token {token}: they are 0 together or not at all")]
    Fee {
        /// The token.
        token: TokenId,
        /// The fee.
        amount: Amount,
    },
    /// Sender and recipient are the same.
    #[error("account {account} cannot transfer to itself")]
    SelfTransfer {
        /// The account.
        account: u32,
    },
    /// An account that does not exist.
    #[error("account {account} does not exist, the next to be made is {next}")]
    AccountMissing {
        /// The account.
        account: u32,
        /// The state's counter.
        next: u32,
    },
    /// A pool that does not exist.
    #[error("pool {pool} does not exist, the next to be made is {next}")]
    PoolMissing {
        /// The pool.
        pool: u32,
        /// The state's counter.
        next: u32,
    },
    /// All accounts of the tree are taken.
    #[error("all {capacity} accounts are taken")]
    AccountsFull {
        /// Leaves of the tree.
        capacity: u64,
    },
    /// All pools of the tree are taken.
    #[error("all {capacity} pools are taken")]
    PoolsFull {
        /// Leaves of the tree.
        capacity: u64,
    },
    /// Another nonce than the account's.
    #[error("the nonce is {had}, needed {needed}")]
    Nonce {
        /// The transaction's.
        had: u64,
        /// The account's.
        needed: u64,
    },
    /// The last nonce, which is never used.
    #[error("the account's nonce is 2^64 - 1, it signs no more")]
    NonceExhausted,
    /// The batch comes too late.
    #[error("the transaction expired with batch {expiry}, this is batch {batch}")]
    Expired {
        /// The last batch that may hold it.
        expiry: u64,
        /// The batch.
        batch: u64,
    },
    /// The signature does not verify under the signer's present key.
    #[error("signature refused: {0}")]
    Signature(SignatureError),
    /// The recipient has another key than the one signed.
    #[error("account {account} does not have the key that the sender signed")]
    RecipientKey {
        /// The recipient.
        account: u32,
    },
    /// A new key is not valid.
    #[error("new key refused: {0}")]
    Key(KeyError),
    /// The signer cannot pay.
    #[error("account {account} cannot be debited: {source}")]
    Debit {
        /// The account.
        account: u32,
        /// Why.
        source: AccountError,
    },
    /// The account cannot take the credit.
    #[error("account {account} cannot be credited: {source}")]
    Credit {
        /// The account.
        account: u32,
        /// Why.
        source: AccountError,
    },
    /// The trade breaks a rule of the pool.
    #[error("pool {pool}: {source}")]
    Pool {
        /// The pool; for a new one the index it would get.
        pool: u32,
        /// Why.
        source: PoolError,
    },
    /// The fees so far could not be credited to the operator, for it does not exist yet.
    #[error("operator account {operator} does not exist and cannot take fees, the next to be made is {next}")]
    OperatorMissing {
        /// The operator's account.
        operator: u32,
        /// The state's counter.
        next: u32,
    },
    /// The fees so far could not be credited to the operator.
    #[error("operator account {operator} could not take the fees: {source}")]
    OperatorCredit {
        /// The operator's account.
        operator: u32,
        /// Why.
        source: AccountError,
    },
    /// The transaction has no place in the bundle that is open, or is no member of it.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Published data says that a deposit was credited which could not be.
    #[error("a deposit to account {account} cannot be credited, it would be refunded: {reason}")]
    NotCreditable {
        /// The account.
        account: u32,
        /// Why it was refunded.
        reason: RefundReason,
    },
    /// The deposit queue's index has no room for more.
    #[error("the deposit queue has reached its last index")]
    DepositsExhausted,
}

/// Why a batch is refused. The ledger is as it was.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BatchError {
    /// A transaction breaks a rule.
    #[error("transaction {index} ({kind}{}): {rule}", account.map_or(String::new(), |a| format!(" of account {a}")))]
    Refused {
        /// The transaction's index in the batch, from 0.
        index: usize,
        /// Its kind.
        kind: &'static str,
        /// Who signs it, or whom it credits; `None` for `deposit_new`.
        account: Option<u32>,
        /// The rule.
        rule: Refusal,
    },
    /// The shape cannot exist.
    #[error("shape refused: {0}")]
    Shape(#[from] ShapeError),
    /// The shape is for trees of other depths.
    #[error(
        "the shape is for depths {} and {} of accounts and pools, the ledger has {} and {}", shape.0, shape.1, ledger.0, ledger.1
    )]
    Depths {
        /// Account and pool depth of the shape.
        shape: (u8, u8),
        /// Account and pool depth of the ledger.
        ledger: (u8, u8),
    },
    /// A transaction that no batch of the shape can hold.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// More transactions than one batch of the shape holds.
    #[error("the first {fit} of {had} transactions fill a batch of the shape")]
    TooMany {
        /// Transactions that fit.
        fit: usize,
        /// Transactions given.
        had: usize,
    },
    /// The batch ends within a bundle.
    #[error("the bundle that starts with transaction {first} has {members} members here, and more are to come")]
    OpenBundle {
        /// The first member's index in the batch.
        first: usize,
        /// Members in the batch.
        members: usize,
    },
    /// The operator's account does not exist after the last transaction.
    #[error("operator account {operator} does not exist, the next to be made is {next}")]
    Operator {
        /// The operator's account.
        operator: u32,
        /// The state's counter.
        next: u32,
    },
    /// The fees cannot be credited to the operator.
    #[error("the batch's fees: {0}")]
    Fees(Refusal),
    /// Batch numbers are used up.
    #[error("the ledger has reached the last batch number")]
    BatchNumber,
    /// Tokens appeared or vanished: a fault of this program.
    #[error("internal fault: token {token} is not conserved, it changed by {had} instead of {needed}")]
    Conservation {
        /// The token.
        token: u32,
        /// Change of balances and reserves.
        had: i128,
        /// What deposits less withdrawals, or shares minted less shares burnt, account for.
        needed: i128,
    },
}
