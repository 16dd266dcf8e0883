//! [`KeySet`]: the keys of the parts that an open batch may have, and its id.

use crate::{
    error::OpenError,
    hash::{hex_text, tagged},
    key::VkId,
};
use alloc::vec::Vec;

/// The most keys of a set.
pub const MAX_KEYS: usize = 256;

/// What a part proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Slots with transactions.
    Segment,
    /// Leaves that the batch touches, and the nodes above them.
    State,
}

impl Role {
    /// The number of the protocol.
    pub const fn code(self) -> u8 {
        match self {
            Self::Segment => 1,
            Self::State => 2,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::State => "state part",
        }
    }
}

/// The identity of a [`KeySet`]. It stands where a closed batch has its [`VkId`]; none is equal to one, as the tags of their hashes differ.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeySetId([u8; 32]);
hex_text!(KeySetId);

impl KeySetId {
    /// Takes the 32 bytes of an id.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

/// The keys of the parts that an open batch may have: whoever pins its id pins them all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    circuit_version: u32,
    keys: Vec<(Role, VkId)>,
    id: KeySetId,
}

impl KeySet {
    /// The set of these keys, in whatever order they are given.
    ///
    /// # Errors
    /// If a role has no key, a key is there twice, or there are more than [`MAX_KEYS`].
    pub fn new(circuit_version: u32, keys: &[(Role, VkId)]) -> Result<Self, OpenError> {
        let mut keys = keys.to_vec();
        keys.sort_unstable();
        for role in [Role::Segment, Role::State] {
            if !keys.iter().any(|(had, _)| *had == role) {
                return Err(OpenError::NoKey { role: role.name() });
            }
        }
        if keys.len() > MAX_KEYS {
            return Err(OpenError::KeyCount { most: MAX_KEYS, actual: keys.len() });
        }
        let mut ids: Vec<VkId> = keys.iter().map(|(_, key)| *key).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(OpenError::RepeatedKey { vk_id: twice[0] });
        }
        let id = KeySetId(tagged("Tapstone/keys/v1", &[&message(circuit_version, &keys)]));
        Ok(Self { circuit_version, keys, id })
    }

    /// What the id is a hash of.
    pub(super) fn message(&self) -> Vec<u8> {
        message(self.circuit_version, &self.keys)
    }

    /// Its identity: `tagged("Tapstone/keys/v1", BE(circuit version, 4) || BE(n, 2) || n times (role, VkId))`, in increasing order.
    pub fn id(&self) -> KeySetId {
        self.id
    }

    /// The version of the circuits.
    pub fn circuit_version(&self) -> u32 {
        self.circuit_version
    }

    /// The keys in increasing order of role and id.
    pub fn keys(&self) -> &[(Role, VkId)] {
        &self.keys
    }

    /// The role of a key of the set.
    pub fn role(&self, key: VkId) -> Option<Role> {
        self.keys.iter().find(|(_, had)| *had == key).map(|(role, _)| *role)
    }
}

fn message(circuit_version: u32, keys: &[(Role, VkId)]) -> Vec<u8> {
    let mut message = Vec::with_capacity(6 + 33 * keys.len());
    message.extend_from_slice(&circuit_version.to_be_bytes());
    // At most 256.
    message.extend_from_slice(&(keys.len() as u16).to_be_bytes());
    for (role, key) in keys {
        message.push(role.code());
        message.extend_from_slice(&key.to_bytes());
    }
    message
}
