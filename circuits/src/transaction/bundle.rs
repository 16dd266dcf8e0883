//! Bundles: neighbours that are executed all or none (PROTOCOL.md, section 5.3).
//!
//! [`message`] is what every member signs, [`Bundle`] the two registers that are carried from one transaction to the next while a
//! batch is executed, [`groups`] the bundles of a file.

use std::ops::Range;

use ark_bn254::Fr;
use ark_ff::Zero;
use thiserror::Error;

use super::Transaction;
use crate::signature::{SecretKey, SignatureError};

/// The message of a bundle of these members, in this order: the digest after the last.
pub fn message(members: &[Transaction], chain_id: u32) -> Fr {
    members.iter().fold(Fr::zero(), |run, tx| tx.digest(run, chain_id))
}

/// Makes a bundle of these transactions: names its message in each, and signs it for those whose key is given.
///
/// `key_of` is asked for each signer's key; a member without one keeps its signature, so that parties can sign one after the other.
///
/// # Errors
/// [`SignatureError`] with a chance below `2^-60` for each signature: sign again with another fee or expiry in one of them.
pub fn sign(
    members: &mut [Transaction],
    chain_id: u32,
    mut key_of: impl FnMut(u32) -> Option<SecretKey>,
) -> Result<(), SignatureError> {
    let message = message(members, chain_id);
    for tx in members {
        let key = tx.signer().and_then(&mut key_of);
        if let Some(signed) = tx.signed_mut() {
            signed.message = Some(message);
            if let Some(key) = key {
                signed.signature = key.sign(message)?;
            }
        }
    }
    Ok(())
}

/// How a bundle goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A signed transaction that is not the next member.
    #[error("a bundle is open, and this transaction names another message")]
    OtherMessage,
    /// A deposit between the members.
    #[error("a bundle is open, and a deposit cannot be a member")]
    Deposit,
}

/// The bundle that a batch is in: the digest so far, 0 if none is open, and the message that it must end in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bundle {
    run: Fr,
    message: Fr,
}

impl Bundle {
    /// Whether more members must come.
    pub fn is_open(&self) -> bool {
        !self.run.is_zero()
    }

    /// Takes the next transaction; returns the message that its author must have signed, `None` for a deposit.
    ///
    /// # Errors
    /// [`BundleError`], and the bundle is as it was.
    pub fn take(&mut self, tx: &Transaction, chain_id: u32) -> Result<Option<Fr>, BundleError> {
        let Some(signed) = tx.signed() else {
            return if self.is_open() { Err(BundleError::Deposit) } else { Ok(None) };
        };
        let digest = tx.digest(self.run, chain_id);
        let message = match signed.message {
            Some(message) => message,
            None if self.is_open() => return Err(BundleError::OtherMessage),
            None => digest,
        };
        if self.is_open() && message != self.message {
            return Err(BundleError::OtherMessage);
        }
        *self = Self { run: if digest == message { Fr::zero() } else { digest }, message };
        Ok(Some(message))
    }
}

/// Cuts transactions into bundles: longest runs of neighbours with the same message, everything else on its own.
pub fn groups(transactions: &[Transaction]) -> impl Iterator<Item = Range<usize>> + '_ {
    let message = |index: usize| transactions.get(index).and_then(Transaction::signed).and_then(|signed| signed.message);
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next;
        transactions.get(start)?;
        next += 1;
        while message(start).is_some() && message(next) == message(start) {
            next += 1;
        }
        Some(start..next)
    })
}
