//! Signatures that come back from wallets: reading a PSBT in the forms that they write, and taking from it what fits.
//!
//! Wallets and the devices behind them leave out what they do not know, and may change what they should not. So nothing is taken from what comes
//! back but signatures, and each is checked against the PSBT that was handed out.

use bitcoin::base64::Engine;
use bitcoin::base64::engine::general_purpose::STANDARD;
use bitcoin::psbt::Input;
use bitcoin::secp256k1::{Message, Secp256k1, VerifyOnly};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::taproot::Signature;
use bitcoin::{Psbt, Transaction, TxOut, XOnlyPublicKey};

use super::error::{AnchorPsbtError, with_causes};
use super::psbt::spent;

/// The first bytes of a PSBT.
const MAGIC: &[u8] = b"psbt\xff";
/// The same in hexadecimal digits.
const MAGIC_DIGITS: &str = "70736274ff";
/// Key of the version among the global fields (BIP174).
const VERSION_KEY: &[u8] = &[0xfb];

/// Reads a PSBT of version 0: its bytes, or base64 or hexadecimal digits, in one line or in many.
///
/// # Errors
/// If it is none, is of another version, or bytes follow its end.
pub fn read_psbt(bytes: &[u8]) -> Result<Psbt, AnchorPsbtError> {
    let decoded = if bytes.starts_with(MAGIC) { bytes.to_vec() } else { decode(bytes)? };
    if let Some(had) = version(&decoded).filter(|version| *version != 0) {
        return Err(AnchorPsbtError::Version { had });
    }
    let mut rest = &decoded[..];
    let psbt = Psbt::deserialize_from_reader(&mut rest).map_err(|e| AnchorPsbtError::Form(with_causes(&e)))?;
    match rest.len() {
        0 => Ok(psbt),
        count => Err(AnchorPsbtError::TrailingBytes { count }),
    }
}

fn decode(text: &[u8]) -> Result<Vec<u8>, AnchorPsbtError> {
    let form = |reason: &str| AnchorPsbtError::Form(reason.to_owned());
    let text = std::str::from_utf8(text).map_err(|_| form("neither text nor the first bytes of a PSBT"))?;
    let text: String = text.split_ascii_whitespace().collect();
    let is_hex = text.get(..MAGIC_DIGITS.len()).is_some_and(|start| start.eq_ignore_ascii_case(MAGIC_DIGITS));
    let bytes = if is_hex {
        hex::decode(&text).map_err(|e| e.to_string())
    } else {
        STANDARD.decode(&text).map_err(|e| e.to_string())
    };
    let bytes = bytes.map_err(|e| form(&e))?;
    if bytes.starts_with(MAGIC) { Ok(bytes) } else { Err(form("it does not start as a PSBT does")) }
}

/// The version that the global fields tell, if they do.
fn version(bytes: &[u8]) -> Option<u32> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    loop {
        let key = prefixed(&mut rest)?;
        if key.is_empty() {
            return None;
        }
        let value = prefixed(&mut rest)?;
        if key == VERSION_KEY {
            return value.try_into().ok().map(u32::from_le_bytes);
        }
    }
}

/// A length as Bitcoin writes it, and so many bytes.
fn prefixed<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (first, mut after) = rest.split_first()?;
    let mut number = |bytes: usize| {
        let (number, left) = after.split_at_checked(bytes)?;
        after = left;
        Some(number.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let length = match first {
        0xfd => number(2)?,
        0xfe => number(4)?,
        0xff => number(8)?,
        small => u64::from(*small),
    };
    let (taken, left) = after.split_at_checked(usize::try_from(length).ok()?)?;
    *rest = left;
    Some(taken)
}

/// The signature of an input: by itself, or as the whole witness of one that is finished.
pub(super) fn signature_of(index: usize, input: &Input) -> Result<Option<Signature>, AnchorPsbtError> {
    let invalid = |reason: String| AnchorPsbtError::Signature { input: index, reason };
    match (input.tap_key_sig, &input.final_script_witness) {
        (Some(signature), _) => Ok(Some(signature)),
        (None, None) => Ok(None),
        (None, Some(witness)) => {
            let mut items = witness.iter();
            let (Some(bytes), None) = (items.next(), items.next()) else {
                return Err(invalid(format!("the witness has {} items, needed a signature alone", witness.len())));
            };
            Signature::from_slice(bytes).map(Some).map_err(|e| invalid(e.to_string()))
        }
    }
}

/// Refuses kinds of signatures that leave a part of the transaction to others.
pub(super) fn check_kind(index: usize, kind: TapSighashType) -> Result<(), AnchorPsbtError> {
    if matches!(kind, TapSighashType::Default | TapSighashType::All) {
        return Ok(());
    }
    let reason = format!("it is of type {kind}, which does not bind the whole transaction");
    Err(AnchorPsbtError::Signature { input: index, reason })
}

/// Checks signatures against a PSBT.
pub(super) struct Checker<'a> {
    tx: &'a Transaction,
    spent: Vec<TxOut>,
    secp: Secp256k1<VerifyOnly>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(psbt: &'a Psbt) -> Result<Self, AnchorPsbtError> {
        Ok(Self { tx: &psbt.unsigned_tx, spent: spent(psbt)?, secp: Secp256k1::verification_only() })
    }

    /// Whether a signature is that of this input, and binds the whole transaction: others can change one that does not.
    pub(super) fn check(&self, index: usize, signature: &Signature) -> Result<(), AnchorPsbtError> {
        let invalid = |reason: String| AnchorPsbtError::Signature { input: index, reason };
        check_kind(index, signature.sighash_type)?;
        let script = self.spent.get(index).map(|output| &output.script_pubkey).filter(|script| script.is_p2tr());
        let key = script.and_then(|script| script.as_bytes().get(2..));
        let key = key.ok_or(AnchorPsbtError::Missing { input: index, what: "a taproot output to spend" })?;
        let key = XOnlyPublicKey::from_slice(key).map_err(|e| invalid(e.to_string()))?;
        let hash = SighashCache::new(self.tx)
            .taproot_key_spend_signature_hash(index, &Prevouts::All(&self.spent), signature.sighash_type)
            .map_err(|e| invalid(e.to_string()))?;
        let verified = self.secp.verify_schnorr(&signature.signature, &Message::from(hash), &key);
        verified.map_err(|_| invalid("it is not one of this transaction by the key of the output that is spent".into()))
    }
}

/// The PSBT that was handed out, with the signatures of the one that came back, and nothing else of that: fields may be missing or changed there.
/// An input without a signature stays as it was.
///
/// # Errors
/// [`AnchorPsbtError::OtherTransaction`] if another transaction was signed, [`AnchorPsbtError::Signature`] if a signature does not fit its input.
pub fn with_signatures(held: &Psbt, given: &Psbt) -> Result<Psbt, AnchorPsbtError> {
    let (needed, had) = (held.unsigned_tx.compute_txid(), given.unsigned_tx.compute_txid());
    if had != needed {
        let difference = difference(&held.unsigned_tx, &given.unsigned_tx);
        return Err(AnchorPsbtError::OtherTransaction { had, needed, difference });
    }
    let checker = Checker::new(held)?;
    let mut signed = held.clone();
    for (i, (input, given)) in signed.inputs.iter_mut().zip(&given.inputs).enumerate() {
        if let Some(signature) = signature_of(i, given)? {
            checker.check(i, &signature)?;
            input.tap_key_sig = Some(signature);
            input.final_script_witness = None;
        }
    }
    Ok(signed)
}

/// What tells a transaction that was signed from the one that should have been.
fn difference(needed: &Transaction, had: &Transaction) -> &'static str {
    let spends = |tx: &Transaction| tx.input.iter().map(|input| input.previous_output).collect::<Vec<_>>();
    let pays = |tx: &Transaction| -> Vec<_> {
        tx.output.iter().map(|output| (output.value, output.script_pubkey.clone())).collect()
    };
    match (compare(spends(needed), spends(had)), compare(pays(needed), pays(had))) {
        (Compared::Other, _) => "it spends other outputs",
        (_, Compared::Other) => "it pays other outputs",
        (Compared::Reordered, _) => "its inputs are in another order, and the wallet must keep theirs",
        (_, Compared::Reordered) => "its outputs are in another order, and the wallet must keep theirs",
        (Compared::Same, Compared::Same) => "its version, lock time or sequence numbers are others",
    }
}

enum Compared {
    Same,
    Reordered,
    Other,
}

fn compare<T: Ord>(mut needed: Vec<T>, mut had: Vec<T>) -> Compared {
    if needed == had {
        return Compared::Same;
    }
    needed.sort();
    had.sort();
    if needed == had { Compared::Reordered } else { Compared::Other }
}
