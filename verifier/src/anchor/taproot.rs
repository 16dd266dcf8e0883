//! [`AnchorOutput`]: the taproot output that carries an anchor commitment.
//!
//! The descriptor is `tr(K, and_v(v:pk(K), sha256(C)))`. Its one leaf is never spent: the script demands a 32-byte preimage of C, and
//! C is the hash of a longer message. K spends by the key path. One leaf at depth 0 has no sibling, so no second commitment can
//! hide in the tree.

use super::{descriptor::checksum, header::AnchorCommitment};
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
        }
    }
}

impl fmt::Display for AnchorOutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnspendableKey { internal_key } => {
                write!(f, "internal key {internal_key} is the unspendable point of BIP341")
            }
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
        if internal_key.serialize() == BIP341_NUMS {
            return Err(AnchorOutputError::UnspendableKey { internal_key });
        }
        let leaf_script = leaf_script(&internal_key, commitment);
        let leaf = NodeInfo::new_leaf_with_ver(leaf_script.clone(), LeafVersion::TapScript);
        let spend_info = TaprootSpendInfo::from_node_info(&Secp256k1::verification_only(), internal_key, leaf);
        Ok(Self { internal_key, commitment, leaf_script, spend_info })
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

    /// The root of the script tree: the hash of the one leaf.
    pub fn merkle_root(&self) -> TapNodeHash {
        TapNodeHash::from_script(&self.leaf_script, LeafVersion::TapScript)
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
        let body = format!("tr({key},and_v(v:pk({key}),sha256({commitment})))");
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
