//! [`Envelope`]: published data in the witness of a Bitcoin transaction.
//!
//! A taproot output commits to a script of the form `<key> OP_CHECKSIG OP_FALSE OP_IF <tag> <data>... OP_ENDIF`; spending it reveals the data, which no
//! rule of Bitcoin looks at. What binds the data is the data hash of the batch's statement: whoever reads an envelope compares.

use bitcoin::absolute::LockTime;
use bitcoin::opcodes::OP_FALSE;
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_ENDIF, OP_IF, OP_PUSHDATA1, OP_PUSHDATA2};
use bitcoin::script::{Builder, PushBytesBuf};
use bitcoin::secp256k1::{Keypair, Message, Secp256k1, SecretKey};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::{LeafVersion, NodeInfo, TapLeafHash, TaprootSpendInfo};
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Transaction, TxOut, Weight, Witness, XOnlyPublicKey, transaction};
use thiserror::Error;

use super::error::AnchorPlanError;
use super::plan::{check_amount, check_rate, fee, input};

/// What tells an envelope of published data from others.
pub const ENVELOPE_TAG: [u8; 4] = *b"TSD1";
/// The longest element that a script pushes.
const CHUNK: usize = 520;
/// First byte of an annex (BIP341).
const ANNEX: u8 = 0x50;

/// Why data does not go into an envelope, or does not come out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// There are no data, or more than a standard transaction holds.
    #[error("an envelope holds 1 to {most} bytes, had {actual}")]
    Length {
        /// The most bytes.
        most: usize,
        /// The number given.
        actual: usize,
    },
    /// The witness reveals no envelope, or one that is not in canonical form.
    #[error("the witness reveals no envelope of published data")]
    NoEnvelope,
}

/// Data, and the key that may reveal them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    key: XOnlyPublicKey,
    data: Vec<u8>,
}

impl Envelope {
    /// The most bytes: a transaction above 400,000 units of weight is not relayed.
    pub const MAX_BYTES: usize = 396_000;

    /// Puts data into an envelope.
    ///
    /// # Errors
    /// [`EnvelopeError::Length`] if they are none or too many.
    pub fn new(key: XOnlyPublicKey, data: Vec<u8>) -> Result<Self, EnvelopeError> {
        if data.is_empty() || data.len() > Self::MAX_BYTES {
            return Err(EnvelopeError::Length { most: Self::MAX_BYTES, actual: data.len() });
        }
        Ok(Self { key, data })
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The script that reveals the data.
    pub fn script(&self) -> ScriptBuf {
        let mut builder = Builder::new()
            .push_x_only_key(&self.key)
            .push_opcode(OP_CHECKSIG)
            .push_opcode(OP_FALSE)
            .push_opcode(OP_IF)
            .push_slice(ENVELOPE_TAG);
        for chunk in self.data.chunks(CHUNK) {
            let bytes = PushBytesBuf::try_from(chunk.to_vec()).expect("a chunk has at most 520 bytes");
            builder = builder.push_slice(bytes);
        }
        builder.push_opcode(OP_ENDIF).into_script()
    }

    fn spend_info(&self) -> TaprootSpendInfo {
        let leaf = NodeInfo::new_leaf_with_ver(self.script(), LeafVersion::TapScript);
        TaprootSpendInfo::from_node_info(&Secp256k1::verification_only(), self.key, leaf)
    }

    /// The script of the output that commits to the data: the key, and the one leaf.
    pub fn script_pubkey(&self) -> ScriptBuf {
        ScriptBuf::new_p2tr_tweaked(self.spend_info().output_key())
    }

    /// The transaction that reveals the data: it spends `coin`, an output of [`Envelope::script_pubkey`], to `destination`, and is signed with the secret key.
    /// Returns its weight, too, which is known before.
    ///
    /// # Errors
    /// If what is left would be dust, the fee is above the limit or below what any node relays, or the coin does not pay it.
    pub fn reveal(
        &self,
        (outpoint, value): (OutPoint, Amount),
        destination: ScriptBuf,
        rate: FeeRate,
        fee_limit: Amount,
        secret: SecretKey,
    ) -> Result<(Transaction, Weight), AnchorPlanError> {
        let script = self.script();
        let info = self.spend_info();
        let weight = Self::weight(script.len(), &destination);
        let vbytes = weight.to_vbytes_ceil();
        check_rate(rate)?;
        check_amount(format_args!("coin {outpoint}"), value)?;
        let fee = fee(rate, weight);
        if fee > fee_limit {
            return Err(AnchorPlanError::FeeLimit { fee, limit: fee_limit, vbytes });
        }
        let left = value.checked_sub(fee).ok_or(AnchorPlanError::Funds { had: value, needed: fee, fee, vbytes })?;
        let least = destination.minimal_non_dust();
        if left < least {
            return Err(AnchorPlanError::Dust { what: "what a reveal leaves", value: left, least });
        }
        let mut tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input(outpoint)],
            output: vec![TxOut { value: left, script_pubkey: destination }],
        };
        let spent = [TxOut { value, script_pubkey: self.script_pubkey() }];
        let leaf = TapLeafHash::from_script(&script, LeafVersion::TapScript);
        let hash = SighashCache::new(&tx)
            .taproot_script_spend_signature_hash(0, &Prevouts::All(&spent), leaf, TapSighashType::Default)
            .expect("the one input has its spent output");
        let secp = Secp256k1::new();
        let signature = secp.sign_schnorr_no_aux_rand(&Message::from(hash), &Keypair::from_secret_key(&secp, &secret));
        let control = info.control_block(&(script.clone(), LeafVersion::TapScript)).expect("the leaf is in the tree");
        if let Some(input) = tx.input.first_mut() {
            input.witness = Witness::from_slice(&[&signature.serialize()[..], script.as_bytes(), &control.serialize()]);
        }
        Ok((tx, weight))
    }

    /// Version, counts, input, output and lock time; marker, flag, and a witness of signature, script and control block.
    fn weight(script: usize, destination: &ScriptBuf) -> Weight {
        let prefix = match script {
            0..253 => 1,
            253..0x1_0000 => 3,
            _ => 5,
        };
        let base = 4 + 1 + 41 + 1 + 8 + 1 + destination.len() + 4;
        Weight::from_wu((4 * base + 2 + 1 + 65 + prefix + script + 34) as u64)
    }

    /// Reads the envelope that a witness reveals.
    ///
    /// # Errors
    /// [`EnvelopeError::NoEnvelope`] if the witness is not signature, script and control block, or the script is not exactly one that [`Envelope::script`] makes.
    pub fn read(witness: &Witness) -> Result<Self, EnvelopeError> {
        let annex = witness.last().is_some_and(|last| last.first() == Some(&ANNEX));
        let script = witness.nth(1).filter(|_| witness.len() == 3 && !annex).ok_or(EnvelopeError::NoEnvelope)?;
        Self::from_script(script).ok_or(EnvelopeError::NoEnvelope)
    }

    fn from_script(script: &[u8]) -> Option<Self> {
        let (key, rest) = script.strip_prefix(&[32])?.split_first_chunk::<32>()?;
        let head = [OP_CHECKSIG.to_u8(), OP_FALSE.to_u8(), OP_IF.to_u8(), 4];
        let mut rest = rest.strip_prefix(&head)?.strip_prefix(&ENVELOPE_TAG)?.strip_suffix(&[OP_ENDIF.to_u8()])?;
        let (data1, data2) = (OP_PUSHDATA1.to_u8(), OP_PUSHDATA2.to_u8());
        let mut data = Vec::with_capacity(rest.len());
        while let [first, after @ ..] = rest {
            let (length, after) = match (*first, after) {
                (length @ 1..=75, after) => (usize::from(length), after),
                (code, [length, after @ ..]) if code == data1 => (usize::from(*length), after),
                (code, [low, high, after @ ..]) if code == data2 => (usize::from(u16::from_le_bytes([*low, *high])), after),
                _ => return None,
            };
            let (chunk, after) = after.split_at_checked(length)?;
            data.extend_from_slice(chunk);
            rest = after;
        }
        let envelope = Self::new(XOnlyPublicKey::from_slice(key).ok()?, data).ok()?;
        // Other cuts and other pushes of the same data are not written so.
        (envelope.script().as_bytes() == script).then_some(envelope)
    }
}
