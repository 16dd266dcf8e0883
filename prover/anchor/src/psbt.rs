//! PSBTs of anchors: what a wallet is given, signing with a secret key for tests, and the transaction that comes out.

use std::collections::BTreeMap;

use bitcoin::bip32::KeySource;
use bitcoin::psbt::raw::ProprietaryKey;
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use bitcoin::taproot::TapLeafHash;
use bitcoin::{Amount, NetworkKind, PrivateKey, Psbt, Transaction, TxOut, Witness, XOnlyPublicKey};
use tapstone_verifier::AnchorHeader;
use tapstone_verifier::anchor::recovery::RecoveryLeaf;
use tapstone_verifier::anchor::taproot::AnchorOutput;

use super::error::AnchorPsbtError;
use super::plan::{AnchorPlan, Coin, First};
use super::rules::{Role, check_rules};
use super::signatures::{Checker, check_kind, signature_of};

/// Prefix of this project's fields in PSBTs.
pub const PROPRIETARY_PREFIX: &[u8] = b"tapstone";
/// Subtype of the field of output 0 that holds the anchor header.
pub const HEADER_SUBTYPE: u8 = 0;

fn header_key() -> ProprietaryKey {
    ProprietaryKey { prefix: PROPRIETARY_PREFIX.to_vec(), subtype: HEADER_SUBTYPE, key: Vec::new() }
}

pub(super) type Origins = BTreeMap<XOnlyPublicKey, (Vec<TapLeafHash>, KeySource)>;

/// An internal key's origin. It lists no leaves: signers take a key without leaves for the key path (BIP371).
pub(super) fn origin(key: XOnlyPublicKey, source: KeySource) -> Origins {
    BTreeMap::from([(key, (Vec::new(), source))])
}

impl AnchorPlan {
    /// The PSBT for a wallet to sign, with the taproot fields of all inputs and of output 0, and the header as a proprietary field of output 0.
    ///
    /// # Errors
    /// [`AnchorPsbtError::Psbt`] if there is none, which no plan leads to.
    pub fn to_psbt(&self) -> Result<Psbt, AnchorPsbtError> {
        let mut psbt = Psbt::from_unsigned_tx(self.tx.clone()).map_err(|e| AnchorPsbtError::Psbt(e.to_string()))?;
        for (input, spent) in psbt.inputs.iter_mut().zip(&self.spent) {
            input.witness_utxo = Some(spent.clone());
        }
        let coin = |input: &mut bitcoin::psbt::Input, coin: &Coin| {
            if let Some((key, source)) = &coin.key {
                input.tap_internal_key = Some(*key);
                input.tap_key_origins = origin(*key, source.clone());
            }
        };
        let mut inputs = psbt.inputs.iter_mut();
        match (inputs.next(), &self.request.first) {
            (Some(input), First::Anchor { descriptor, .. }) => {
                let key = descriptor.key();
                input.tap_internal_key = Some(key.x_only());
                input.tap_merkle_root = Some(descriptor.output().merkle_root());
                input.tap_key_origins = origin(key.x_only(), key.source());
            }
            (Some(input), First::Origin(origin)) => coin(input, origin),
            (None, _) => {}
        }
        for (input, other) in inputs.zip(&self.request.coins) {
            coin(input, other);
        }
        if let Some(output) = psbt.outputs.first_mut() {
            let anchor = &self.request.anchor;
            output.tap_internal_key = Some(anchor.key().x_only());
            output.tap_tree = anchor.tap_tree();
            output.tap_key_origins = origin(anchor.key().x_only(), anchor.key().source());
            output.proprietary.insert(header_key(), anchor.header().to_bytes().to_vec());
        }
        header_of(&psbt)?;
        Ok(psbt)
    }
}

/// The anchor header in a PSBT, with its transaction held to the rules of an anchor's: the script of output 0 must be that of the header, the
/// internal key and the script tree that the PSBT tells, and no other output may have it.
///
/// # Errors
/// If there is no header or no key, or the verifier would refuse the transaction.
pub fn header_of(psbt: &Psbt) -> Result<AnchorHeader, AnchorPsbtError> {
    let output = psbt.outputs.first().ok_or(AnchorPsbtError::NoHeader)?;
    let header = AnchorHeader::from_bytes(output.proprietary.get(&header_key()).ok_or(AnchorPsbtError::NoHeader)?)?;
    let key = output.tap_internal_key.ok_or(AnchorPsbtError::NoHeader)?;
    let leaves = output.tap_tree.iter().flat_map(|tree| tree.script_leaves());
    let recovery = leaves.filter_map(|leaf| RecoveryLeaf::from_script(leaf.script())).next();
    let output = AnchorOutput::with_profile(key, header.commitment(), recovery)?;
    check_rules(header.sequence(), &output, &psbt.unsigned_tx, Role::Anchor(None))?;
    Ok(header)
}

/// Whether a PSBT is for an anchor: a child's has no header.
fn has_header(psbt: &Psbt) -> bool {
    psbt.outputs.first().is_some_and(|output| output.proprietary.contains_key(&header_key()))
}

/// The outputs that a PSBT spends.
pub(super) fn spent(psbt: &Psbt) -> Result<Vec<TxOut>, AnchorPsbtError> {
    let output = |(i, input): (usize, &bitcoin::psbt::Input)| match &input.witness_utxo {
        None => Err(AnchorPsbtError::Missing { input: i, what: "the output that it spends" }),
        Some(output) if output.value > Amount::MAX_MONEY => Err(AnchorPsbtError::TooMuch { input: i, value: output.value }),
        Some(output) => Ok(output.clone()),
    };
    psbt.inputs.iter().enumerate().map(output).collect()
}

/// Signs the inputs whose internal key is that of `secret`, for tests and scripts; a wallet signs for real. Returns how many.
///
/// # Errors
/// [`AnchorPsbtError::NotOurs`] if there are none, [`AnchorPsbtError::Psbt`] if the PSBT cannot be signed, [`AnchorPsbtError::Rules`] if it is for an anchor
/// that the verifier would refuse.
pub fn sign(psbt: &mut Psbt, secret: SecretKey) -> Result<usize, AnchorPsbtError> {
    if has_header(psbt) {
        header_of(psbt)?;
        // What does not bind the whole transaction is no signature of an anchor.
        for (i, input) in psbt.inputs.iter().enumerate() {
            let kind =
                input.taproot_hash_ty().map_err(|e| AnchorPsbtError::Signature { input: i, reason: e.to_string() })?;
            check_kind(i, kind)?;
        }
    }
    let secp = Secp256k1::new();
    let own = secret.x_only_public_key(&secp).0;
    let ours = psbt.inputs.iter().filter(|input| input.tap_internal_key == Some(own)).count();
    if ours == 0 {
        return Err(AnchorPsbtError::NotOurs);
    }
    let keys = BTreeMap::from([(own, PrivateKey::new(secret, NetworkKind::Test))]);
    // What is not ours is left unsigned, which is told as an error of the whole.
    let result = psbt.sign(&keys, &secp);
    let signed =
        psbt.inputs.iter().filter(|input| input.tap_internal_key == Some(own) && input.tap_key_sig.is_some()).count();
    match (signed, result) {
        (signed, _) if signed == ours => Ok(signed),
        (_, Err((_, errors))) => {
            let told: Vec<String> = errors.iter().map(|(input, error)| format!("input {input}: {error}")).collect();
            Err(AnchorPsbtError::Psbt(told.join("; ")))
        }
        (_, Ok(_)) => Err(AnchorPsbtError::Psbt("an input was left unsigned".into())),
    }
}

/// The signed transaction: checks it as the verifier does, checks every signature, and puts them in place.
///
/// # Errors
/// If the verifier would refuse the transaction, a signature is missing, or one is not valid for its input.
pub fn finalise(psbt: &Psbt) -> Result<Transaction, AnchorPsbtError> {
    header_of(psbt)?;
    extract(psbt)
}

/// Checks every signature of a PSBT, and puts them in place.
pub(super) fn extract(psbt: &Psbt) -> Result<Transaction, AnchorPsbtError> {
    let checker = Checker::new(psbt)?;
    let mut tx = psbt.unsigned_tx.clone();
    for (i, input) in psbt.inputs.iter().enumerate() {
        let signature = signature_of(i, input)?.ok_or(AnchorPsbtError::Missing { input: i, what: "its signature" })?;
        checker.check(i, &signature)?;
        if let Some(input) = tx.input.get_mut(i) {
            input.witness = Witness::p2tr_key_spend(&signature);
        }
    }
    Ok(tx)
}
