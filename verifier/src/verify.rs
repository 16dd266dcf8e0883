//! [`verify()`] and its verdict [`Verified`].

use crate::{
    commitment::Commitment,
    error::VerifyError,
    key::{VerifyingKey, VkId},
    proof::Proof,
    statement::Statement,
};

/// A statement that was proven under a pinned key. Only [`verify()`] and [`crate::verify_many()`] make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    statement: Statement,
    vk_id: VkId,
}

impl Verified {
    /// The statement that was proven.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The id of the key under which it was proven.
    pub fn vk_id(&self) -> VkId {
        self.vk_id
    }

    /// For [`crate::many`], after the same checks as [`verify()`]'s.
    pub(crate) fn new(statement: Statement, vk_id: VkId) -> Self {
        Self { statement, vk_id }
    }

    /// The batch commitment.
    pub fn commitment(&self) -> Commitment {
        Commitment::of(self)
    }
}

/// Verifies that `proof` proves `statement` under `key`, and that `key` is the one the caller pins.
///
/// `expected` must come from the caller's own configuration, never from where the key, statement or proof came from: whoever
/// chooses the key can prove anything. What links one batch to the next (roots, deposit head) is not checked here.
///
/// # Errors
/// [`VerifyError::KeyMismatch`] if the key is not the pinned one, [`VerifyError::Inputs`] if it is that of a part of an open batch, [`VerifyError::Statement`] if the statement is out of range,
/// [`VerifyError::InvalidProof`] if the pairing equation does not hold.
pub fn verify(key: &VerifyingKey, expected: VkId, statement: &Statement, proof: &Proof) -> Result<Verified, VerifyError> {
    let vk_id = check(key, expected, statement)?;
    if !key.accepts(&[statement.public_input().fr()], proof) {
        return Err(invalid(vk_id, statement));
    }
    Ok(Verified { statement: *statement, vk_id })
}

/// All checks but the pairing equation.
pub(crate) fn check(key: &VerifyingKey, expected: VkId, statement: &Statement) -> Result<VkId, VerifyError> {
    let actual = key.id();
    if actual != expected {
        return Err(VerifyError::KeyMismatch { expected, actual });
    }
    if key.inputs() != 1 {
        return Err(VerifyError::Inputs { expected: 1, actual: key.inputs() });
    }
    statement.check()?;
    Ok(actual)
}

pub(crate) fn invalid(vk_id: VkId, statement: &Statement) -> VerifyError {
    VerifyError::InvalidProof { vk_id, batch_number: statement.batch_number }
}
