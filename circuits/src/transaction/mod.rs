//! [`Transaction`]: what happens to the state (PROTOCOL.md, section 5). What its author signs is in `digest`, bundles are in
//! [`bundle`].
//!
//! Keys are held as points, not as [`PublicKey`](crate::signature::PublicKey)s: that a new key is valid is a rule of
//! execution. Elements of the published data come from [`Published`], and the signed elements are built on them, so the two
//! cannot drift apart.

pub mod bundle;
mod digest;

use ark_bn254::Fr;
use ark_ff::Zero;

use crate::amount::{Amount, TokenId};
use crate::data::{Fee, Published};
use crate::deposit::{Destination, Outpoint, QueueItem, Target};
use crate::pool::Direction;
use crate::shape::SlotKind;
use crate::signature::Signature;
use crate::signature::curve::Point;

/// What every signed transaction carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The token of the fee; none if there is no fee.
    pub fee_token: TokenId,
    /// The fee.
    pub fee: Amount,
    /// The signer's nonce before the transaction.
    pub nonce: u64,
    /// The last batch that may hold the transaction, 0 for any.
    pub expiry: u64,
    /// What all members of its bundle sign; `None` for a transaction on its own, whose message is its digest.
    pub message: Option<Fr>,
    /// The signature of the message.
    pub signature: Signature,
}

impl Signed {
    /// No fee, no expiry, no signature yet.
    pub fn with_nonce(nonce: u64) -> Self {
        Self {
            fee_token: TokenId::NONE,
            fee: Amount::ZERO,
            nonce,
            expiry: 0,
            message: None,
            signature: Signature::unsigned(),
        }
    }
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// An amount from one account to another.
    Transfer {
        /// The signer.
        from: u32,
        /// The recipient.
        to: u32,
        /// The recipient's present key.
        to_key: Point,
        /// The token.
        token: TokenId,
        /// How much.
        amount: Amount,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// An amount to an account that is made for it.
    TransferNew {
        /// The signer.
        from: u32,
        /// The key of the new account.
        to_key: Point,
        /// The token.
        token: TokenId,
        /// How much.
        amount: Amount,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// The next item of the deposit queue, to an account that exists.
    Deposit {
        /// The output on Bitcoin.
        outpoint: Outpoint,
        /// The account.
        account: u32,
        /// The token.
        token: TokenId,
        /// How much.
        amount: Amount,
        /// Where a refund would go.
        refund: Destination,
    },
    /// The next item of the deposit queue, to an account that is made for it.
    DepositNew {
        /// The output on Bitcoin.
        outpoint: Outpoint,
        /// The key of the new account.
        key: Point,
        /// The token.
        token: TokenId,
        /// How much.
        amount: Amount,
        /// Where a refund would go.
        refund: Destination,
    },
    /// A trade with a pool.
    Swap {
        /// The signer.
        account: u32,
        /// The pool.
        pool: u32,
        /// Which side is sold.
        direction: Direction,
        /// How much is sold.
        amount_in: Amount,
        /// The least that is bought.
        min_out: Amount,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// A new pool with its first liquidity.
    CreatePool {
        /// The signer.
        account: u32,
        /// The token with the lower id.
        token0: TokenId,
        /// The token with the higher id.
        token1: TokenId,
        /// The pool's fee in basis points.
        fee_bp: u16,
        /// The first reserve of token0.
        amount0: Amount,
        /// The first reserve of token1.
        amount1: Amount,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// More liquidity for a pool.
    AddLiquidity {
        /// The signer.
        account: u32,
        /// The pool.
        pool: u32,
        /// The most of token0.
        max0: Amount,
        /// The most of token1.
        max1: Amount,
        /// The fewest shares.
        min_shares: Amount,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// Shares of a pool, given back for their part of the reserves.
    RemoveLiquidity {
        /// The signer.
        account: u32,
        /// The pool.
        pool: u32,
        /// How many shares.
        shares: Amount,
        /// The least of token0.
        min0: Amount,
        /// The least of token1.
        min1: Amount,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// Another key for an account.
    ChangeKey {
        /// The signer, by its present key.
        account: u32,
        /// The new key.
        key: Point,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
    /// An amount that leaves for Bitcoin.
    Withdraw {
        /// The signer.
        account: u32,
        /// The token.
        token: TokenId,
        /// How much.
        amount: Amount,
        /// Where it goes.
        destination: Destination,
        /// Fee, nonce, expiry, signature.
        signed: Signed,
    },
}

impl Transaction {
    /// The slot that it takes.
    pub const fn slot_kind(&self) -> SlotKind {
        match self {
            Self::Transfer { .. } | Self::TransferNew { .. } => SlotKind::Pair,
            Self::Deposit { .. }
            | Self::DepositNew { .. }
            | Self::Swap { .. }
            | Self::CreatePool { .. }
            | Self::AddLiquidity { .. }
            | Self::RemoveLiquidity { .. }
            | Self::ChangeKey { .. }
            | Self::Withdraw { .. } => SlotKind::Single,
        }
    }

    /// The kind's number; 0 is padding.
    pub const fn kind_code(&self) -> u8 {
        match self {
            Self::Transfer { .. } => 1,
            Self::TransferNew { .. } => 2,
            Self::Deposit { .. } => 3,
            Self::DepositNew { .. } => 4,
            Self::Swap { .. } => 5,
            Self::CreatePool { .. } => 6,
            Self::AddLiquidity { .. } => 7,
            Self::RemoveLiquidity { .. } => 8,
            Self::ChangeKey { .. } => 9,
            Self::Withdraw { .. } => 10,
        }
    }

    /// The kind's name, as in a batch file.
    pub const fn kind_name(&self) -> &'static str {
        match self {
            Self::Transfer { .. } => "transfer",
            Self::TransferNew { .. } => "transfer_new",
            Self::Deposit { .. } => "deposit",
            Self::DepositNew { .. } => "deposit_new",
            Self::Swap { .. } => "swap",
            Self::CreatePool { .. } => "create_pool",
            Self::AddLiquidity { .. } => "add_liquidity",
            Self::RemoveLiquidity { .. } => "remove_liquidity",
            Self::ChangeKey { .. } => "change_key",
            Self::Withdraw { .. } => "withdraw",
        }
    }

    /// The account that signs; `None` for deposits.
    pub const fn signer(&self) -> Option<u32> {
        match self {
            Self::Transfer { from, .. } | Self::TransferNew { from, .. } => Some(*from),
            Self::Swap { account, .. }
            | Self::CreatePool { account, .. }
            | Self::AddLiquidity { account, .. }
            | Self::RemoveLiquidity { account, .. }
            | Self::ChangeKey { account, .. }
            | Self::Withdraw { account, .. } => Some(*account),
            Self::Deposit { .. } | Self::DepositNew { .. } => None,
        }
    }

    /// The account that the first access of its slot names: the signer, or whom a deposit credits. `None` for `deposit_new`,
    /// whose account the state's counter names.
    pub const fn account(&self) -> Option<u32> {
        match self {
            Self::Deposit { account, .. } => Some(*account),
            _ => self.signer(),
        }
    }

    /// Fee, nonce, expiry and signature; `None` for deposits.
    pub const fn signed(&self) -> Option<&Signed> {
        match self {
            Self::Transfer { signed, .. }
            | Self::TransferNew { signed, .. }
            | Self::Swap { signed, .. }
            | Self::CreatePool { signed, .. }
            | Self::AddLiquidity { signed, .. }
            | Self::RemoveLiquidity { signed, .. }
            | Self::ChangeKey { signed, .. }
            | Self::Withdraw { signed, .. } => Some(signed),
            Self::Deposit { .. } | Self::DepositNew { .. } => None,
        }
    }

    /// Fee, nonce, expiry and signature, to be altered.
    pub const fn signed_mut(&mut self) -> Option<&mut Signed> {
        match self {
            Self::Transfer { signed, .. }
            | Self::TransferNew { signed, .. }
            | Self::Swap { signed, .. }
            | Self::CreatePool { signed, .. }
            | Self::AddLiquidity { signed, .. }
            | Self::RemoveLiquidity { signed, .. }
            | Self::ChangeKey { signed, .. }
            | Self::Withdraw { signed, .. } => Some(signed),
            Self::Deposit { .. } | Self::DepositNew { .. } => None,
        }
    }

    /// The pool that it names; `None` also for `create_pool`, whose pool the state's counter names.
    pub const fn pool(&self) -> Option<u32> {
        match self {
            Self::Swap { pool, .. } | Self::AddLiquidity { pool, .. } | Self::RemoveLiquidity { pool, .. } => Some(*pool),
            _ => None,
        }
    }

    /// Whether it trades with a pool or makes one.
    pub const fn uses_pool(&self) -> bool {
        matches!(self, Self::CreatePool { .. }) || self.pool().is_some()
    }

    /// The key K of section 5.1, `(0, 0)` where the kind has none.
    pub fn key(&self) -> (Fr, Fr) {
        match self {
            Self::Transfer { to_key: key, .. }
            | Self::TransferNew { to_key: key, .. }
            | Self::DepositNew { key, .. }
            | Self::ChangeKey { key, .. } => (key.x, key.y),
            _ => (Fr::zero(), Fr::zero()),
        }
    }

    /// The item that a deposit takes from the queue.
    pub const fn queue_item(&self) -> Option<QueueItem> {
        match *self {
            Self::Deposit { outpoint, account, token, amount, refund } => {
                Some(QueueItem { outpoint, target: Target::Account(account), token, amount, refund })
            }
            Self::DepositNew { outpoint, key, token, amount, refund } => {
                Some(QueueItem { outpoint, target: Target::Key(key), token, amount, refund })
            }
            _ => None,
        }
    }

    fn fee(&self) -> Fee {
        self.signed().map_or(Fee::NONE, |signed| Fee { token: signed.fee_token, amount: signed.fee })
    }

    /// Where coins go on Bitcoin: a withdrawal's destination, or a deposit's refund.
    pub const fn destination(&self) -> Option<Destination> {
        match self {
            Self::Withdraw { destination, .. } => Some(*destination),
            Self::Deposit { refund, .. } | Self::DepositNew { refund, .. } => Some(*refund),
            _ => None,
        }
    }

    /// What the batch's data tells of it, if it is not a deposit that is refunded.
    pub fn published(&self) -> Published {
        let fee = self.fee();
        match *self {
            Self::Transfer { from, to, token, amount, .. } => Published::Transfer { from, to, token, amount, fee },
            Self::TransferNew { from, to_key, token, amount, .. } => {
                Published::TransferNew { from, key: to_key, token, amount, fee }
            }
            Self::Deposit { account, token, amount, .. } => Published::Deposit { account, token, amount },
            Self::DepositNew { key, token, amount, .. } => Published::DepositNew { key, token, amount },
            Self::Swap { account, pool, direction, amount_in, .. } => {
                Published::Swap { account, pool, direction, amount_in, fee }
            }
            Self::CreatePool { account, token0, token1, fee_bp, amount0, amount1, .. } => {
                Published::CreatePool { account, token0, token1, fee_bp, amount0, amount1, fee }
            }
            Self::AddLiquidity { account, pool, max0, max1, .. } => {
                Published::AddLiquidity { account, pool, max0, max1, fee }
            }
            Self::RemoveLiquidity { account, pool, shares, .. } => Published::RemoveLiquidity { account, pool, shares, fee },
            Self::ChangeKey { account, key, .. } => Published::ChangeKey { account, key, fee },
            Self::Withdraw { account, token, amount, destination, .. } => {
                Published::Withdraw { account, token, amount, destination, fee }
            }
        }
    }

    /// What the batch's data tells of a deposit that could not be credited; of any other transaction the same as
    /// [`Transaction::published`].
    pub fn published_refund(&self) -> Published {
        match *self {
            Self::Deposit { account, token, amount, refund, .. } => {
                Published::Refund { account, token, amount, destination: refund }
            }
            Self::DepositNew { token, amount, refund, .. } => {
                Published::Refund { account: 0, token, amount, destination: refund }
            }
            _ => self.published(),
        }
    }

    /// The elements `e1 .. e4` of section 5.2.
    pub fn data_elements(&self) -> [Fr; 4] {
        self.published().elements()
    }
}

#[cfg(test)]
mod tests;
