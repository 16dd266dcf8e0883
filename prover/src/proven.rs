//! [`ProvenBatch`]: a statement with a proof of it, and its JSON file.

use serde::{Deserialize, Serialize};
use tapstone_verifier::commitment::commitment_bytes;
use tapstone_verifier::{Proof, Statement, Verified, VerifyingKey, VkId, verify};

use crate::error::ProvenFileError;

const FORMAT: &str = "tapstone-proven/1";

/// A statement, a proof of it, and the evidence that it verified.
#[derive(Debug)]
pub struct ProvenBatch {
    verified: Verified,
    proof: Proof,
}

/// The file's fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvenFile {
    format: String,
    statement: Statement,
    proof: String,
    vk_id: VkId,
    commitment: String,
}

impl ProvenBatch {
    pub(crate) fn new(verified: Verified, proof: Proof) -> Self {
        Self { verified, proof }
    }

    /// What was verified.
    pub fn verified(&self) -> &Verified {
        &self.verified
    }

    /// What was verified, without the proof.
    pub fn into_verified(self) -> Verified {
        self.verified
    }

    /// The proof.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The JSON file: statement, proof (128 bytes, arkworks' compressed form), key id, commitment.
    pub fn to_json(&self) -> String {
        let file = ProvenFile {
            format: FORMAT.to_owned(),
            statement: *self.verified.statement(),
            proof: hex::encode(self.proof.to_compressed()),
            vk_id: self.verified.vk_id(),
            commitment: hex::encode(self.verified.commitment().to_bytes()),
        };
        let mut text = serde_json::to_string_pretty(&file).expect("strings and numbers always serialise");
        text.push('\n');
        text
    }

    /// Reads a file and verifies it under `key`, whose id must be `pinned`.
    ///
    /// # Errors
    /// [`ProvenFileError`]: malformed, for another key, with a commitment that is not its own, or not a valid proof.
    pub fn verify_json(text: &str, key: &VerifyingKey, pinned: VkId) -> Result<Self, ProvenFileError> {
        let file: ProvenFile = serde_json::from_str(text)?;
        if file.format != FORMAT {
            return Err(ProvenFileError::Format { had: file.format, needed: FORMAT });
        }
        if file.vk_id != key.id() {
            return Err(ProvenFileError::OtherKey { had: file.vk_id, needed: key.id() });
        }
        let field = |field, reason: String| ProvenFileError::Field { field, reason };
        if file.proof.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(field("proof", "needs lower-case hexadecimal digits".to_owned()));
        }
        let bytes = hex::decode(&file.proof).map_err(|e| field("proof", e.to_string()))?;
        let proof = Proof::from_compressed(&bytes).map_err(|e| field("proof", e.to_string()))?;
        let needed = hex::encode(commitment_bytes(&file.statement, &file.vk_id));
        if file.commitment != needed {
            return Err(ProvenFileError::Commitment { had: file.commitment, needed });
        }
        let verified = verify(key, pinned, &file.statement, &proof)?;
        Ok(Self { verified, proof })
    }
}
