//! [`ReplayBundle`]: a task that failed, with what it said, in one file: enough to fail again on any machine that has the key.
//!
//! ```text
//! tapstone-replay/1\n | verifying key's id 32 | length 4, error | task to the end
//! ```

use std::time::Duration;

use tapstone_prover::Watch;
use tapstone_verifier::VkId;

use super::error::TaskError;
use super::proving::{self, ProofMaker, Trouble};
use super::queue::{Failure, MAX_MESSAGE};
use super::task::MAX_TASK;

/// Name and version of the format.
const FORMAT: &[u8; 18] = b"tapstone-replay/1\n";

/// A task that failed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayBundle {
    /// The key that it was to be proven with.
    pub vk_id: VkId,
    /// What the failure said.
    pub error: String,
    /// The task's bytes, which may be no task at all: that may be why it failed.
    pub task: Vec<u8>,
}

impl ReplayBundle {
    /// The longest bundle, in bytes.
    pub const LIMIT: usize = FORMAT.len() + 32 + 4 + MAX_MESSAGE + MAX_TASK;

    /// The bytes of the file. Of a message only what a work store keeps is written.
    pub fn encode(&self) -> Vec<u8> {
        let error = super::queue::kept(&self.error);
        let length = error.len() as u32; // At most MAX_MESSAGE.
        [FORMAT, &self.vk_id.to_bytes()[..], &length.to_le_bytes(), error.as_bytes(), &self.task].concat()
    }

    /// Does with the task what a worker does: decodes, executes, proves and verifies. The proven file as text, or why there is none; `None` if `watch`
    /// stopped it.
    ///
    /// # Errors
    /// What a worker would tell the work store.
    pub fn run(&self, maker: &dyn ProofMaker, watch: &dyn Watch) -> Result<Option<String>, Failure> {
        match proving::prove(&self.task, maker, watch, Duration::ZERO) {
            Ok(text) => Ok(Some(text)),
            Err(Trouble::Stopped) => Ok(None),
            Err(Trouble::Failure(failure)) => Err(failure),
        }
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`TaskError::TooLong`], [`TaskError::Format`] or [`TaskError::Length`]; the task in it is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, TaskError> {
        if bytes.len() > Self::LIMIT {
            return Err(TaskError::TooLong { had: bytes.len(), largest: Self::LIMIT });
        }
        let rest = bytes.strip_prefix(FORMAT).ok_or(TaskError::Format)?;
        let cut = || TaskError::Length { what: "the error" };
        let (vk_id, rest) = rest.split_first_chunk::<32>().ok_or_else(cut)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let (error, task) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(cut)?;
        let error = String::from_utf8(error.to_vec()).map_err(|_| TaskError::Value { what: "the error" })?;
        Ok(Self { vk_id: VkId::from_bytes(*vk_id), error, task: task.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let bundle = ReplayBundle { vk_id: VkId::from_bytes([7; 32]), error: "why".into(), task: b"bytes".to_vec() };
        let bytes = bundle.encode();
        assert_eq!(ReplayBundle::decode(&bytes).unwrap(), bundle);
        for cut in 0..bytes.len() - bundle.task.len() {
            assert!(ReplayBundle::decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
