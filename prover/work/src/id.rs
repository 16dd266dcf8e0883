//! [`ArtefactId`] and [`TaskKey`]: SHA-256 names of what is stored and of what is to be done.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use tapstone_verifier::VkId;
use thiserror::Error;

/// What the key of a task hashes first: no other hash begins so.
const KEY_TAG: &[u8] = b"tapstone-task-key/1";

/// Text that is not the name of anything: 64 lower-case hexadecimal digits are.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{had:?} is not a name, needed 64 lower-case hexadecimal digits")]
pub struct ParseIdError {
    /// The first characters of the text.
    pub had: String,
}

fn parse(text: &str) -> Result<[u8; 32], ParseIdError> {
    let mut bytes = [0; 32];
    let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
    match hex::decode_to_slice(text, &mut bytes) {
        Ok(()) if lower => Ok(bytes),
        _ => Err(ParseIdError { had: text.chars().take(80).collect() }),
    }
}

macro_rules! sha256_name {
    ($name:ident) => {
        impl $name {
            /// Takes the 32 bytes.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn to_bytes(self) -> [u8; 32] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }
        }
    };
}

/// The SHA-256 of an artefact's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtefactId([u8; 32]);
sha256_name!(ArtefactId);

impl ArtefactId {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// What makes a task one task: the hash of the key that it is to be proven with and of everything that goes into the proof.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey([u8; 32]);
sha256_name!(TaskKey);

impl TaskKey {
    /// The key of a task whose bundle has this name. A bundle has one encoding, so equal tasks have equal keys.
    pub fn of(vk_id: VkId, bundle: ArtefactId) -> Self {
        let hash = Sha256::new().chain_update(KEY_TAG).chain_update(vk_id.to_bytes()).chain_update(bundle.0);
        Self(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_and_read_in_one_form() {
        let id = ArtefactId::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &format!("g{}", &text[1..])] {
            assert!(wrong.parse::<ArtefactId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_task_is_named_by_its_key_and_its_inputs() {
        let (key, bundle) = (VkId::from_bytes([1; 32]), ArtefactId::of(b"bundle"));
        let task = TaskKey::of(key, bundle);
        assert_eq!(task, TaskKey::of(key, bundle));
        assert_ne!(task, TaskKey::of(VkId::from_bytes([2; 32]), bundle));
        assert_ne!(task, TaskKey::of(key, ArtefactId::of(b"another")));
    }
}
