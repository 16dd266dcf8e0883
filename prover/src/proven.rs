//! [`ProvenBatch`]: a statement with a proof of it, and [`ProvenFile`], its JSON file.

use serde::{Deserialize, Serialize};
use tapstone_verifier::commitment::commitment_bytes;
use tapstone_verifier::{Proof, Statement, Verified, VerifyingKey, VkId, verify};

use crate::error::ProvenFileError;

const FORMAT: &str = ProvenFile::FORMAT;

/// A statement, a proof of it, and the evidence that it verified.
#[derive(Debug)]
pub struct ProvenBatch {
    verified: Verified,
    proof: Proof,
}

/// A proven batch's file, decoded and consistent in itself, but not verified: see [`ProvenFile::verify`].
#[derive(Debug)]
pub struct ProvenFile {
    statement: Statement,
    proof: Proof,
    vk_id: VkId,
    commitment: [u8; 32],
}

/// The file's fields.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(expecting = "an object")]
struct Fields {
    format: String,
    statement: Statement,
    proof: String,
    vk_id: VkId,
    commitment: String,
}

/// The one field that every version has.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Format {
    format: String,
}

impl ProvenFile {
    /// Name and version of the format.
    pub const FORMAT: &str = "tapstone-proven/1";
    /// The longest file that is read, in bytes; one that [`ProvenBatch::to_json`] writes has about a thousand.
    pub const LIMIT: usize = 1 << 16;

    /// Reads the file.
    ///
    /// # Errors
    /// [`ProvenFileError`] if it is malformed, or its commitment is not that of its statement and key id.
    pub fn parse(text: &str) -> Result<Self, ProvenFileError> {
        // Another version may have other fields, so the format comes first.
        let Format { format } = serde_json::from_str(text)?;
        if format != FORMAT {
            return Err(ProvenFileError::Format { had: format.chars().take(48).collect(), needed: FORMAT });
        }
        let fields: Fields = serde_json::from_str(text)?;
        let field = |field, reason: String| ProvenFileError::Field { field, reason };
        if fields.proof.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(field("proof", "needs lower-case hexadecimal digits".to_owned()));
        }
        let bytes = hex::decode(&fields.proof).map_err(|e| field("proof", e.to_string()))?;
        let proof = Proof::from_compressed(&bytes).map_err(|e| field("proof", e.to_string()))?;
        let commitment = commitment_bytes(&fields.statement, &fields.vk_id);
        let needed = hex::encode(commitment);
        if fields.commitment != needed {
            return Err(ProvenFileError::Commitment { had: fields.commitment.chars().take(80).collect(), needed });
        }
        Ok(Self { statement: fields.statement, proof, vk_id: fields.vk_id, commitment })
    }

    /// What the file claims.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The id of the key that it names.
    pub fn vk_id(&self) -> VkId {
        self.vk_id
    }

    /// The commitment that it would have, if it verified.
    pub fn unverified_commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// Verifies it under `key`, whose id must be `pinned`.
    ///
    /// # Errors
    /// [`ProvenFileError::OtherKey`] or [`ProvenFileError::Verify`].
    pub fn verify(self, key: &VerifyingKey, pinned: VkId) -> Result<ProvenBatch, ProvenFileError> {
        if self.vk_id != key.id() {
            return Err(ProvenFileError::OtherKey { had: self.vk_id, needed: key.id() });
        }
        let verified = verify(key, pinned, &self.statement, &self.proof)?;
        Ok(ProvenBatch { verified, proof: self.proof })
    }
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
        let file = Fields {
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
        ProvenFile::parse(text)?.verify(key, pinned)
    }
}
