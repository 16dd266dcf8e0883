//! Inclusion proofs against one state root, and of one withdrawal of a batch: how holders get out when the operator is gone
//! (PROTOCOL.md, section 13).
//!
//! Whoever holds the published data can rebuild the state (`tapstone state rebuild`) and make these proofs; nobody's help is needed.
//!
//! | proof | against | says | function |
//! | --- | --- | --- | --- |
//! | [`AccountProof`] | a state root | key, nonce, balances and what the LP shares are worth | [`verify_account`] |
//! | [`PoolProof`] | a state root | reserves and supply of a pool | [`verify_pool`] |
//! | [`WithdrawalProof`] | a batch's withdrawals root | account, token, amount, destination | [`verify_withdrawal`] |
//!
//! An account proof holds the pools of all LP shares of the account, so that one proof against *one* root says all that the account is
//! worth: shares under one root and reserves under another would pay twice what moved in between.
//!
//! Every proof is canonical: one account has one proof under one root, in bytes as in JSON (feature `serde`), and everything in a proof is
//! bound by what it is verified against. The structs are plain data; only the verdict of a `verify` function says anything.
//!
//! # What a bridge must do
//!
//! 1. **Freeze one root.** Choose the post-state root of one batch, proven and anchored, and never another: an account has a
//!    proof under each root of its life. No batch after it is honoured.
//! 2. **Nullify by account.** Pay a [`Nullifier`] once: chain, batch of the frozen root, account index. The key is no part of it, for keys
//!    change, nor are proof bytes.
//! 3. **Ask the owner.** A proof is public and says what is held, not where to pay. The owner signs the destination with the account's key, over a message
//!    of the bridge's own that no transaction's message can equal.
//! 4. **Bound what a claim costs.** A withdrawal proof is hashed withdrawal by withdrawal, and may hold 2^20 of them: [`verify_withdrawal`] takes the
//!    most that you pay for. A batch of the registered shapes has at most as many withdrawals as slots.
//! 5. **Nullify withdrawals by position.** Coins withdrawn in a batch up to the frozen one have left the accounts already: they are paid by
//!    [`WithdrawalProof`], each [`WithdrawalId`] once, whether before or after the freeze.
//! 6. **Return the deposits that the state has not consumed**: those of the queue from [`AccountVerdict::deposit_count`] on.
//! 7. **Pay LP shares from their pool.** [`ShareValue`] is rounded down like `remove_liquidity` does, so that all holders together never get
//!    more than the reserves; what the locked shares stand for stays.
//!
//! ```
//! use tapstone_verifier::{Element, error::ExitError, exit::{AccountProof, Nullifier, verify_account}};
//!
//! /// `frozen_root` is the post-state root of a batch that was verified.
//! fn claim(bytes: &[u8], frozen_root: Element) -> Result<Nullifier, ExitError> {
//!     let verdict = verify_account(&AccountProof::from_bytes(bytes)?, frozen_root)?;
//!     for holding in &verdict.holdings {
//!         println!("{} of token {}", holding.balance, holding.token);
//!     }
//!     for share in &verdict.shares {
//!         println!("{} of token {} and {} of token {}", share.amount0, share.token0, share.amount1, share.token1);
//!     }
//!     Ok(verdict.nullifier())
//! }
//! # assert_eq!(claim(b"", Element::ZERO).unwrap_err().code(), 903);
//! ```

mod account;
mod encoding;
mod key;
mod pool;
mod ranges;
mod state;
#[cfg(feature = "serde")]
mod text;
mod withdrawal;

pub use account::{AccountFormat, AccountLeaf, AccountProof, AccountVerdict, Holding, Nullifier, verify_account};
pub use pool::{PoolFormat, PoolLeaf, PoolOpening, PoolProof, PoolVerdict, ShareValue, verify_pool};
pub use state::StateFields;
pub use withdrawal::{
    BatchWithdrawals, Withdrawal, WithdrawalFormat, WithdrawalId, WithdrawalProof, WithdrawalVerdict, verify_withdrawal,
};

pub use crate::layout::{ARITY, TOKEN_SLOTS};

/// Of each node's eight children those that are not on the path, in order.
pub type Siblings = [crate::Element; ARITY - 1];

/// The deepest account tree.
pub const MAX_ACCOUNT_DEPTH: u8 = 10;
/// The deepest pool tree.
pub const MAX_POOL_DEPTH: u8 = 9;
/// The native token's id.
pub const NATIVE_TOKEN: u32 = 1;
/// Token ids from here to `2^30` are LP shares: `2^29 + p` is that of pool p.
pub const FIRST_SHARE_TOKEN: u32 = 1 << 29;
/// Shares of every pool that belong to nobody for ever.
pub const LOCKED_SHARES: u128 = 1000;

/// Defines the type of a `format` field: a unit struct that is one text in JSON.
macro_rules! format_name {
    ($name:ident, $text:literal) => {
        #[doc = concat!("In JSON the text `", $text, "`; no bytes of the compact form.")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name;

        impl $name {
            /// The text.
            pub const TEXT: &'static str = $text;
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(Self::TEXT)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = <alloc::string::String as serde::Deserialize>::deserialize(d)?;
                if text == Self::TEXT {
                    Ok(Self)
                } else {
                    Err(serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &Self::TEXT))
                }
            }
        }
    };
}
use format_name;
