//! [`AnchorOutput`]: the taproot output that carries an anchor commitment.
//!
//! The descriptor is `tr(K, and_v(v:pk(K), sha256(C)))`. Its one leaf is never spent: the script demands a 32-byte preimage of C, and
//! C is the hash of a longer message. K spends by the key path. One leaf at depth 0 has no sibling, so no second commitment can
//! hide in the tree.
//!
//! The profile with recovery, `tr(K,{and_v(v:pk(K),sha256(C)),and_v(v:pk(R),older(N))})`, has a second leaf. There the sibling of the
//! commitment must be known in full: R and N go with every proof of such an anchor, and nothing but this template is a sibling.

use super::{descriptor::checksum, header::AnchorCommitment, recovery::RecoveryLeaf};
use alloc::{format, string::String};
use bitcoin::{
    Address, Network, Script, ScriptBuf, XOnlyPublicKey,
    key::TweakedPublicKey,
    opcodes::all::{OP_CHECKSIGVERIFY, OP_EQUAL, OP_EQUALVERIFY, OP_SHA256, OP_SIZE},
    script::Builder,
    secp256k1::Secp256k1,
    taproot::{LeafVersion, NodeInfo, TapNodeHash, TaprootSpendInfo},
};
use core::fmt;

/// The point without known discrete logarithm that BIP341 proposes as internal key of outputs without key path.
const BIP341_NUMS: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07, 0x8a, 0x5a, 0x0f,
    0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

/// What is wrong with an anchor's output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnchorOutputError {
    /// The internal key is BIP341's point without known discrete logarithm: nobody could spend the anchor, and the chain of
    /// anchors would end.
    UnspendableKey {
        /// The key.
        internal_key: XOnlyPublicKey,
    },
    /// The recovery key is the internal key, or the point without known discrete logarithm.
    RecoveryKey {
        /// The key.
        recovery_key: XOnlyPublicKey,
    },
    /// A recovery leaf that opens after 0 blocks is no lock.
    RecoveryBlocks,
    /// The script is not that of this key and commitment.
    ScriptPubKey {
        /// The script of this key and commitment.
        expected: ScriptBuf,
        /// The script given.
        actual: ScriptBuf,
    },
}

impl AnchorOutputError {
    /// The stable number of this error; see [`crate::error`].
    pub const fn code(&self) -> u16 {
        match self {
            Self::UnspendableKey { .. } => 601,
            Self::ScriptPubKey { .. } => 602,
            Self::RecoveryKey { .. } => 603,
            Self::RecoveryBlocks => 604,
        }
    }
}

impl fmt::Display for AnchorOutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnspendableKey { internal_key } => {
                write!(f, "internal key {internal_key} is the unspendable point of BIP341")
            }
            Self::RecoveryKey { recovery_key } => {
                write!(f, "recovery key {recovery_key} is the internal key or the unspendable point of BIP341")
            }
            Self::RecoveryBlocks => f.write_str("recovery after 0 blocks is no lock"),
            Self::ScriptPubKey { expected, actual } => {
                write!(f, "output script is {}, expected {}", actual.to_hex_string(), expected.to_hex_string())
            }
        }
    }
}

impl core::error::Error for AnchorOutputError {}

/// The Bitcoin network of a chain id: `chain_id mod 4` is 0 mainnet, 1 testnet4, 2 signet, 3 regtest.
pub fn network(chain_id: u32) -> Network {
    match chain_id % 4 {
        0 => Network::Bitcoin,
        1 => Network::Testnet4,
        2 => Network::Signet,
        _ => Network::Regtest,
    }
}

/// The output of an anchor: an internal key and a commitment, and what follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorOutput {
    internal_key: XOnlyPublicKey,
    commitment: AnchorCommitment,
    recovery: Option<RecoveryLeaf>,
    leaf_script: ScriptBuf,
    spend_info: TaprootSpendInfo,
}

impl AnchorOutput {
    /// Length of the leaf script.
    pub const LEAF_SCRIPT_BYTES: usize = 73;

    /// The output that commits to `commitment` and is spent by `internal_key`.
    ///
    /// # Errors
    /// If the key is BIP341's unspendable point.
    pub fn new(internal_key: XOnlyPublicKey, commitment: AnchorCommitment) -> Result<Self, AnchorOutputError> {
        Self::with_profile(internal_key, commitment, None)
    }

    /// The same, with a leaf for recovery where one is given.
    ///
    /// # Errors
    /// If the key is BIP341's unspendable point, or the leaf's key is the internal key.
    pub fn with_profile(
        internal_key: XOnlyPublicKey,
        commitment: AnchorCommitment,
        recovery: Option<RecoveryLeaf>,
    ) -> Result<Self, AnchorOutputError> {
        if is_unspendable(&internal_key) {
            return Err(AnchorOutputError::UnspendableKey { internal_key });
        }
        if let Some(recovery_key) = recovery.map(|leaf| leaf.key()).filter(|key| *key == internal_key) {
            return Err(AnchorOutputError::RecoveryKey { recovery_key });
        }
        let leaf_script = leaf_script(&internal_key, commitment);
        let leaf = NodeInfo::new_leaf_with_ver(leaf_script.clone(), LeafVersion::TapScript);
        let root = match recovery {
            None => leaf,
            Some(recovery) => {
                let other = NodeInfo::new_leaf_with_ver(recovery.script(), LeafVersion::TapScript);
                NodeInfo::combine(leaf, other).expect("two leaves make a tree of depth 1, far below the limit of 128")
            }
        };
        let spend_info = TaprootSpendInfo::from_node_info(&Secp256k1::verification_only(), internal_key, root);
        Ok(Self { internal_key, commitment, recovery, leaf_script, spend_info })
    }

    /// The internal key K.
    pub fn internal_key(&self) -> XOnlyPublicKey {
        self.internal_key
    }

    /// The commitment C.
    pub fn commitment(&self) -> AnchorCommitment {
        self.commitment
    }

    /// The leaf script `<K> OP_CHECKSIGVERIFY OP_SIZE <32> OP_EQUALVERIFY OP_SHA256 <C> OP_EQUAL`.
    pub fn leaf_script(&self) -> &Script {
        &self.leaf_script
    }

    /// The leaf for recovery, in the profile that has one.
    pub fn recovery(&self) -> Option<RecoveryLeaf> {
        self.recovery
    }

    /// The hash of the leaf that commits.
    pub fn leaf_hash(&self) -> TapNodeHash {
        TapNodeHash::from_script(&self.leaf_script, LeafVersion::TapScript)
    }

    /// The root of the script tree: the hash of the one leaf, or of both.
    pub fn merkle_root(&self) -> TapNodeHash {
        match self.recovery {
            None => self.leaf_hash(),
            Some(recovery) => TapNodeHash::from_node_hashes(self.leaf_hash(), recovery.leaf_hash()),
        }
    }

    /// Output key, parity and control block.
    pub fn spend_info(&self) -> &TaprootSpendInfo {
        &self.spend_info
    }

    /// The output key.
    pub fn output_key(&self) -> TweakedPublicKey {
        self.spend_info.output_key()
    }

    /// The output's script.
    pub fn script_pubkey(&self) -> ScriptBuf {
        ScriptBuf::new_p2tr_tweaked(self.output_key())
    }

    /// The output's address on the network of this chain.
    pub fn address(&self, chain_id: u32) -> Address {
        Address::p2tr_tweaked(self.output_key(), network(chain_id))
    }

    /// The output's descriptor, with its checksum.
    pub fn descriptor(&self) -> String {
        let (key, commitment) = (self.internal_key, self.commitment);
        let leaf = format!("and_v(v:pk({key}),sha256({commitment}))");
        let body = match self.recovery {
            None => format!("tr({key},{leaf})"),
            Some(recovery) => {
                format!("tr({key},{{{leaf},and_v(v:pk({}),older({}))}})", recovery.key(), recovery.blocks())
            }
        };
        let checksum = checksum(&body).expect("hexadecimal digits and these names lie in the descriptor alphabet");
        format!("{body}#{checksum}")
    }

    /// Checks that a transaction output's script is the one of this key and commitment.
    ///
    /// # Errors
    /// [`AnchorOutputError::ScriptPubKey`] if it is not.
    pub fn check(&self, script_pubkey: &Script) -> Result<(), AnchorOutputError> {
        let expected = self.script_pubkey();
        if *script_pubkey == *expected {
            Ok(())
        } else {
            Err(AnchorOutputError::ScriptPubKey { expected, actual: ScriptBuf::from(script_pubkey) })
        }
    }
}

/// Whether a key is the point that BIP341 proposes for outputs without key path.
pub(super) fn is_unspendable(key: &XOnlyPublicKey) -> bool {
    key.serialize() == BIP341_NUMS
}

fn leaf_script(key: &XOnlyPublicKey, commitment: AnchorCommitment) -> ScriptBuf {
    Builder::new()
        .push_x_only_key(key)
        .push_opcode(OP_CHECKSIGVERIFY)
        .push_opcode(OP_SIZE)
        .push_int(32)
        .push_opcode(OP_EQUALVERIFY)
        .push_opcode(OP_SHA256)
        .push_slice(commitment.to_bytes())
        .push_opcode(OP_EQUAL)
        .into_script()
}
