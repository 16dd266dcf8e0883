//! [`AnchorKey`]: an internal key, alone or derived from an extended key, with what a wallet needs to find it.

use bitcoin::bip32::KeySource;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{NetworkKind, ScriptBuf, XOnlyPublicKey};
use miniscript::descriptor::SinglePubKey;
use miniscript::{DefiniteDescriptorKey, DescriptorPublicKey};
use tapstone_verifier::anchor::taproot::network;

use super::error::AnchorKeyError;

/// A key of an anchor's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorKey {
    expression: DefiniteDescriptorKey,
    x_only: XOnlyPublicKey,
}

impl AnchorKey {
    /// Reads a key expression of BIP380: 64 hexadecimal digits, or an extended key with its path, for example
    /// `[d34db33f/86h/0h/0h]xpub.../0/*`. `index` takes the place of the wildcard, and is given only where there is one.
    ///
    /// # Errors
    /// If the text is no such key, names a private key or several paths, or is of another network than the chain.
    pub fn parse(text: &str, index: Option<u32>, chain_id: u32) -> Result<Self, AnchorKeyError> {
        let refuse = |reason: String| AnchorKeyError::Text { text: text.chars().take(200).collect(), reason };
        let key: DescriptorPublicKey =
            text.parse().map_err(|e: miniscript::descriptor::DescriptorKeyParseError| refuse(e.to_string()))?;
        if let DescriptorPublicKey::Single(single) = &key
            && !matches!(single.key, SinglePubKey::XOnly(_))
        {
            return Err(refuse("needed an x-only key of 64 hexadecimal digits".into()));
        }
        let is_main = network(chain_id) == bitcoin::Network::Bitcoin;
        if key.xkey_network().is_some_and(|kind| (kind == NetworkKind::Main) != is_main) {
            return Err(AnchorKeyError::Network { text: text.to_owned(), chain_id });
        }
        let needs = |needed| AnchorKeyError::Index { text: text.to_owned(), needed };
        let expression = match (key.has_wildcard(), index) {
            (true, None) => return Err(needs("has a wildcard, needed an index")),
            (false, Some(_)) => return Err(needs("has no wildcard, needed no index")),
            (_, index) => key.at_derivation_index(index.unwrap_or(0)).map_err(|e| refuse(e.to_string()))?,
        };
        let public = expression.derive_public_key(&Secp256k1::verification_only());
        Ok(Self { expression, x_only: public.inner.x_only_public_key().0 })
    }

    /// The x-only key.
    pub fn x_only(&self) -> XOnlyPublicKey {
        self.x_only
    }

    /// The script of a taproot output that the key alone spends (BIP86).
    pub fn script_alone(&self) -> ScriptBuf {
        ScriptBuf::new_p2tr(&Secp256k1::verification_only(), self.x_only, None)
    }

    /// The key expression, without a wildcard.
    pub fn expression(&self) -> &DefiniteDescriptorKey {
        &self.expression
    }

    /// Fingerprint of the master key and path from there, for PSBTs; of a single key its own fingerprint and no path.
    pub fn source(&self) -> KeySource {
        (self.expression.master_fingerprint(), self.expression.full_derivation_path().unwrap_or_default())
    }
}
