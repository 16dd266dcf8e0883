//! [`RecoveryLeaf`]: the second leaf of the profile with recovery, and [`check_recovery_spend`], which reads an anchor out of the
//! witness that spent it by that leaf.

use super::{
    header::AnchorCommitment,
    taproot::{AnchorOutput, AnchorOutputError, is_unspendable},
};
use crate::error::RevealError;
use bitcoin::{
    Script, ScriptBuf, Witness, XOnlyPublicKey,
    opcodes::all::{OP_CHECKSIGVERIFY, OP_CSV},
    script::Builder,
    secp256k1::Parity,
    taproot::{LeafVersion, TapNodeHash},
};

/// First byte of an annex (BIP341).
const ANNEX: u8 = 0x50;
/// Length of a control block for a leaf at depth 1.
const CONTROL_BYTES: usize = 65;

/// A key that may spend an anchor once the output is some blocks old: `and_v(v:pk(R),older(N))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecoveryLeaf {
    key: XOnlyPublicKey,
    blocks: u16,
}

impl RecoveryLeaf {
    /// A leaf for this key, which opens after `blocks` blocks.
    ///
    /// # Errors
    /// If there are 0 blocks, or the key is BIP341's unspendable point.
    pub fn new(key: XOnlyPublicKey, blocks: u16) -> Result<Self, AnchorOutputError> {
        if blocks == 0 {
            return Err(AnchorOutputError::RecoveryBlocks);
        }
        if is_unspendable(&key) {
            return Err(AnchorOutputError::RecoveryKey { recovery_key: key });
        }
        Ok(Self { key, blocks })
    }

    /// The recovery key R.
    pub fn key(&self) -> XOnlyPublicKey {
        self.key
    }

    /// After how many blocks R may spend (BIP68, BIP112).
    pub fn blocks(&self) -> u16 {
        self.blocks
    }

    /// The leaf script `<R> OP_CHECKSIGVERIFY <N> OP_CHECKSEQUENCEVERIFY`.
    pub fn script(&self) -> ScriptBuf {
        Builder::new()
            .push_x_only_key(&self.key)
            .push_opcode(OP_CHECKSIGVERIFY)
            .push_int(self.blocks.into())
            .push_opcode(OP_CSV)
            .into_script()
    }

    /// The hash of the leaf.
    pub fn leaf_hash(&self) -> TapNodeHash {
        TapNodeHash::from_script(&self.script(), LeafVersion::TapScript)
    }

    /// Reads a leaf script; `None` if it is not exactly of this template.
    pub fn from_script(script: &Script) -> Option<Self> {
        let (key, rest) = script.as_bytes().strip_prefix(&[32])?.split_first_chunk::<32>()?;
        let number = rest.strip_prefix(&[OP_CHECKSIGVERIFY.to_u8()])?.strip_suffix(&[OP_CSV.to_u8()])?;
        let blocks = match number {
            [small @ 0x51..=0x60] => u16::from(small - 0x50),
            [1, a] => u16::from(*a),
            [2, a, b] | [3, a, b, 0] => u16::from_le_bytes([*a, *b]),
            _ => return None,
        };
        let leaf = Self::new(XOnlyPublicKey::from_slice(key).ok()?, blocks).ok()?;
        // What the number's other encodings give is not written so.
        (leaf.script().as_bytes() == script.as_bytes()).then_some(leaf)
    }
}

/// Reads the anchor that a witness has spent by its recovery leaf, and holds it to the commitment and to the output that was spent.
///
/// The witness reveals the recovery script and the hash of its sibling. That one must be the leaf of this commitment: then the tree
/// holds these two leaves and no second commitment. Signatures are for Bitcoin's own rules to check.
///
/// # Errors
/// If the witness is not signature, script and control block, there is an annex, the script is not the template, the control block has
/// another length, leaf version, parity or sibling, or the output's script is another.
pub fn check_recovery_spend(
    witness: &Witness,
    commitment: AnchorCommitment,
    script_pubkey: &Script,
) -> Result<AnchorOutput, RevealError> {
    let actual = witness.len();
    if actual >= 2 && witness.last().is_some_and(|last| last.first() == Some(&ANNEX)) {
        return Err(RevealError::Annex);
    }
    let (3, Some(script), Some(control)) = (actual, witness.nth(1), witness.nth(2)) else {
        return Err(RevealError::Items { expected: 3, actual });
    };
    let control: &[u8; CONTROL_BYTES] =
        control.try_into().map_err(|_| RevealError::ControlBlock { expected: CONTROL_BYTES, actual: control.len() })?;
    let ([first], rest) = control.split_at(1) else {
        return Err(RevealError::ControlBlock { expected: CONTROL_BYTES, actual: control.len() });
    };
    let (version, parity) = (first & 0xfe, first & 1);
    if version != LeafVersion::TapScript.to_consensus() {
        return Err(RevealError::LeafVersion { actual: version });
    }
    let (key, sibling) = rest.split_at(32);
    let key = XOnlyPublicKey::from_slice(key).map_err(|_| RevealError::InternalKey)?;
    let recovery = RecoveryLeaf::from_script(Script::from_bytes(script)).ok_or(RevealError::Script)?;
    let output = AnchorOutput::with_profile(key, commitment, Some(recovery))?;
    if sibling != AsRef::<[u8]>::as_ref(&output.leaf_hash()) {
        return Err(RevealError::Sibling);
    }
    output.check(script_pubkey)?;
    let expected = match output.spend_info().output_key_parity() {
        Parity::Even => 0,
        Parity::Odd => 1,
    };
    if parity != expected {
        return Err(RevealError::Parity { expected, actual: parity });
    }
    Ok(output)
}
