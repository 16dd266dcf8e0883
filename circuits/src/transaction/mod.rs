//! [`Transaction`]: what happens to the state, and the message that its author signs (PROTOCOL.md, section 5).
//!
//! Keys are held as points, not as [`PublicKey`](crate::signature::PublicKey)s: that a new key is valid is a rule of
//! execution. Elements of the published data come from [`Published`], and the signed elements are built on them, so the two
//! cannot drift apart.

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_verifier::poseidon;

use crate::amount::{Amount, TokenId};
use crate::data::{Fee, Published};
use crate::deposit::{Destination, Outpoint, QueueItem, Target};
use crate::field::{pack, tag};
use crate::pool::Direction;
use crate::shape::SlotKind;
use crate::signature::curve::Point;
use crate::signature::{SecretKey, Signature, SignatureError};

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
    /// The signature of [`Transaction::digest`] with `run = 0`.
    pub signature: Signature,
}

impl Signed {
    /// No fee, no expiry, no signature yet.
    pub fn with_nonce(nonce: u64) -> Self {
        Self { fee_token: TokenId::NONE, fee: Amount::ZERO, nonce, expiry: 0, signature: Signature::unsigned() }
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
            | Self::AddLiquidity { .. } => SlotKind::Single,
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
        }
    }

    /// The account that signs; `None` for deposits.
    pub const fn signer(&self) -> Option<u32> {
        match self {
            Self::Transfer { from, .. } | Self::TransferNew { from, .. } => Some(*from),
            Self::Swap { account, .. } | Self::CreatePool { account, .. } | Self::AddLiquidity { account, .. } => {
                Some(*account)
            }
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
            | Self::AddLiquidity { signed, .. } => Some(signed),
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
            | Self::AddLiquidity { signed, .. } => Some(signed),
            Self::Deposit { .. } | Self::DepositNew { .. } => None,
        }
    }

    /// The pool that it names; `None` also for `create_pool`, whose pool the state's counter names.
    pub const fn pool(&self) -> Option<u32> {
        match self {
            Self::Swap { pool, .. } | Self::AddLiquidity { pool, .. } => Some(*pool),
            _ => None,
        }
    }

    /// The key K of section 5.1, `(0, 0)` where the kind has none.
    pub fn key(&self) -> (Fr, Fr) {
        match self {
            Self::Transfer { to_key: key, .. } | Self::TransferNew { to_key: key, .. } | Self::DepositNew { key, .. } => {
                (key.x, key.y)
            }
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

    /// What the batch's data tells of it.
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
        }
    }

    /// The elements `e1 .. e4` of section 5.2.
    pub fn data_elements(&self) -> [Fr; 4] {
        self.published().elements()
    }

    /// `amt1 + 2^96 amt2` of single kinds: c3 of section 5.2.
    fn further_amounts(&self) -> Fr {
        let (amt1, amt2) = match self {
            Self::Swap { min_out, .. } => (*min_out, Amount::ZERO),
            Self::CreatePool { amount1, .. } => (*amount1, Amount::ZERO),
            Self::AddLiquidity { max1, min_shares, .. } => (*max1, *min_shares),
            _ => (Amount::ZERO, Amount::ZERO),
        };
        pack(&[(amt1.get(), 0), (amt2.get(), Amount::BITS as usize)])
    }

    /// The digest after this transaction, when it was `run` before: the message that a lone transaction's author signs is
    /// the digest with `run = 0`. A deposit has none that anybody signs; its nonce and expiry count as 0.
    pub fn digest(&self, run: Fr, chain_id: u32) -> Fr {
        let e1 = self.data_elements()[0];
        let fee = self.fee();
        let (nonce, expiry) = self.signed().map_or((0, 0), |signed| (signed.nonce, signed.expiry));
        let c2 = pack(&[(fee.token.get().into(), 0), (fee.amount.get(), 30), (nonce.into(), 126), (expiry.into(), 190)]);
        let (x, y) = self.key();
        let chain = |shift| pack(&[(chain_id.into(), shift)]);
        match self.slot_kind() {
            SlotKind::Pair => poseidon::hash(&[Fr::from(tag::PAIR), run, e1 + chain(194), c2, x, y]),
            SlotKind::Single => {
                // Only withdrawals sign a destination.
                let zero = Fr::zero();
                let c3 = self.further_amounts();
                poseidon::hash(&[Fr::from(tag::SINGLE), run, e1 + chain(208), c2, c3, zero, zero, x, y])
            }
        }
    }

    /// Signs the transaction as a bundle of one. A deposit is left as it is: nobody signs it.
    ///
    /// # Errors
    /// [`SignatureError`] with a chance below `2^-60`: sign again with another fee or expiry.
    pub fn sign(&mut self, key: &SecretKey, chain_id: u32) -> Result<(), SignatureError> {
        let message = self.digest(Fr::zero(), chain_id);
        if let Some(signed) = self.signed_mut() {
            signed.signature = key.sign(message)?;
        }
        Ok(())
    }

    /// The transaction, signed.
    ///
    /// # Errors
    /// As [`Transaction::sign`].
    pub fn signed_by(mut self, key: &SecretKey, chain_id: u32) -> Result<Self, SignatureError> {
        self.sign(key, chain_id)?;
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
