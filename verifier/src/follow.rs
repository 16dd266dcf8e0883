//! [`ChainVerifier`]: follows a chain of batches, each verified and linked to the one before.

use crate::{
    chain::ChainEnd,
    checkpoint::Checkpoint,
    error::{ChainError, ChainErrorAt},
    field::Element,
    key::{VerifyingKey, VkId},
    many::{Claim, VerifyManyError, verify_many},
    proof::Proof,
    registry::Registry,
    statement::Statement,
    verify::{Verified, verify},
};
use alloc::vec::Vec;

/// What the caller knows of the deposit queue on Bitcoin after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositHead {
    /// The head of the queue that the batch must have reached, from the caller's own view of the bridge. That no outpoint was queued
    /// twice is the bridge's duty.
    Expected(Element),
    /// Nothing. The verdict says that the deposits are unchecked: with an invented queue, an operator mints.
    Unknown,
}

/// Whether the deposits up to a batch are those of the caller's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Deposits {
    /// The head is the expected one. Heads are chained hashes, so this holds for all batches before as well.
    Checked,
    /// Nobody compared the heads of the batches from `since` on. A later batch with an expected head makes up for it.
    Unchecked {
        /// The first batch whose deposits are unchecked.
        since: u64,
    },
}

/// A batch that is to follow.
#[derive(Clone, Copy, Debug)]
pub struct NextBatch<'a> {
    /// Its statement.
    pub statement: &'a Statement,
    /// Its proof.
    pub proof: &'a Proof,
    /// The key that it names. The registry decides whether that key may prove this batch.
    pub vk_id: VkId,
    /// The commitment of the batch before, where the source names it: it must be the one that was verified here.
    pub previous: Option<[u8; 32]>,
    /// The deposit head that the caller expects.
    pub deposits: DepositHead,
}

/// The verdict on a batch that followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Followed {
    /// The verified batch.
    pub verified: Verified,
    /// What is known of its deposits.
    pub deposits: Deposits,
}

/// Follows one chain. An error leaves it as it was.
#[derive(Clone, Debug)]
pub struct ChainVerifier {
    registry: Registry,
    keys: Vec<VerifyingKey>,
    at: Checkpoint,
}

impl ChainVerifier {
    /// Starts from a checkpoint: [`Checkpoint::start`], or one that [`ChainVerifier::checkpoint`] gave earlier.
    pub fn new(registry: Registry, from: Checkpoint) -> Self {
        Self { registry, keys: Vec::new(), at: from }
    }

    /// Takes a key, which may come from anywhere: its id must stand in the registry.
    ///
    /// # Errors
    /// [`ChainError::KeyNotPinned`] if the registry does not list it for any batch.
    pub fn add_key(&mut self, key: VerifyingKey) -> Result<(), ChainError> {
        let Some(pin) = self.registry.pins().iter().find(|pin| pin.vk_id == key.id()) else {
            return Err(ChainError::KeyNotPinned { vk_id: key.id(), batch_number: None });
        };
        if !self.keys.iter().any(|known| known.id() == pin.vk_id) {
            self.keys.push(key);
        }
        Ok(())
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where the chain stands.
    pub fn checkpoint(&self) -> Checkpoint {
        self.at
    }

    /// Where the chain stands, without what concerns deposits and commitments.
    pub fn end(&self) -> ChainEnd {
        self.at.end()
    }

    /// Verifies that a batch follows, and moves on to it.
    ///
    /// # Errors
    /// The first of these that applies, after which nothing has changed: the chain id, number or state root does not link
    /// ([`ChainError::Link`]), the previous commitment or the deposit head is another, the key is not pinned for this batch or was
    /// not given, the proof is refused.
    pub fn follow(&mut self, next: &NextBatch<'_>) -> Result<Followed, ChainError> {
        let (key, deposits_checked) = self.check(&self.at, next)?;
        let verified = verify(key, next.vk_id, next.statement, next.proof)?;
        self.at = self.at.after(verified.statement(), verified.commitment().to_bytes(), deposits_checked);
        Ok(followed(verified, &self.at))
    }

    /// [`ChainVerifier::follow`] for several batches in order, with one [`verify_many`] for all: all of them follow, or none.
    ///
    /// # Errors
    /// As [`ChainVerifier::follow`], with the index of the batch. Links are checked before proofs. [`ChainError::NoBatches`] for an empty list.
    pub fn follow_all(&mut self, batches: &[NextBatch<'_>]) -> Result<Vec<Followed>, ChainErrorAt> {
        let mut at = self.at;
        let mut claims = Vec::with_capacity(batches.len());
        let mut checkpoints = Vec::with_capacity(batches.len());
        for (index, next) in batches.iter().enumerate() {
            let (key, deposits_checked) = self.check(&at, next).map_err(|error| ChainErrorAt { index, error })?;
            claims.push(Claim { key, expected: next.vk_id, statement: next.statement, proof: next.proof });
            let commitment = crate::commitment::commitment_bytes(next.statement, &next.vk_id);
            at = at.after(next.statement, commitment, deposits_checked);
            checkpoints.push(at);
        }
        let verified = verify_many(&claims).map_err(|many| match many {
            VerifyManyError::Refused { first: (index, error), .. } => ChainErrorAt { index, error: error.into() },
            VerifyManyError::NoClaims => ChainErrorAt { index: 0, error: ChainError::NoBatches },
        })?;
        self.at = at;
        Ok(verified.into_iter().zip(&checkpoints).map(|(verified, at)| followed(verified, at)).collect())
    }

    /// All checks but the proof; the key, and whether deposits were checked.
    fn check(&self, at: &Checkpoint, next: &NextBatch<'_>) -> Result<(&VerifyingKey, bool), ChainError> {
        let (statement, vk_id) = (next.statement, next.vk_id);
        at.end().check_next_statement(statement)?;
        if let (Some(expected), Some(actual)) = (at.commitment(), next.previous) {
            if expected != actual {
                return Err(ChainError::Previous { batch_number: statement.batch_number, expected, actual });
            }
        }
        let deposits_checked = match next.deposits {
            DepositHead::Unknown => false,
            DepositHead::Expected(expected) if expected == statement.deposit_head => true,
            DepositHead::Expected(expected) => {
                let (batch_number, actual) = (statement.batch_number, statement.deposit_head);
                return Err(ChainError::DepositHead { batch_number, expected, actual });
            }
        };
        if !self.registry.allows(vk_id, statement.batch_number) {
            return Err(ChainError::KeyNotPinned { vk_id, batch_number: Some(statement.batch_number) });
        }
        let key = self.keys.iter().find(|key| key.id() == vk_id).ok_or(ChainError::KeyNotGiven { vk_id })?;
        Ok((key, deposits_checked))
    }
}

fn followed(verified: Verified, at: &Checkpoint) -> Followed {
    let checked = at.deposits_checked();
    let deposits = if checked == at.end().batch_number {
        Deposits::Checked
    } else {
        Deposits::Unchecked { since: checked.saturating_add(1) }
    };
    Followed { verified, deposits }
}
