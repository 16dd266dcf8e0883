//! [`AnchorDescriptor`]: the output of an anchor as wallets know it.

use bitcoin::{Address, ScriptBuf, taproot::LeafVersion, taproot::TapTree, taproot::TaprootBuilder};
use miniscript::Descriptor;
use miniscript::descriptor::{DescriptorPublicKey, checksum};
use tapstone_verifier::AnchorHeader;
use tapstone_verifier::anchor::recovery::RecoveryLeaf;
use tapstone_verifier::anchor::taproot::AnchorOutput;

use super::error::AnchorKeyError;
use super::key::AnchorKey;

/// An anchor's header, its keys, and the output that they make.
#[derive(Clone, Debug)]
pub struct AnchorDescriptor {
    header: AnchorHeader,
    key: AnchorKey,
    recovery: Option<(AnchorKey, u16)>,
    output: AnchorOutput,
    text: String,
}

impl AnchorDescriptor {
    /// The output of a header under a key; with a recovery key that may spend it after some blocks, where one is given.
    ///
    /// The descriptor is read back by miniscript, must pass its check of sanity, and must give the script that the verifier computes.
    ///
    /// # Errors
    /// If the keys make no anchor output, or miniscript refuses the descriptor.
    pub fn new(header: AnchorHeader, key: AnchorKey, recovery: Option<(AnchorKey, u16)>) -> Result<Self, AnchorKeyError> {
        let leaf = recovery.as_ref().map(|(key, blocks)| RecoveryLeaf::new(key.x_only(), *blocks)).transpose()?;
        let output = AnchorOutput::with_profile(key.x_only(), header.commitment(), leaf)?;
        let (own, commitment) = (key.expression(), header.commitment());
        let committed = format!("and_v(v:pk({own}),sha256({commitment}))");
        let body = match &recovery {
            None => format!("tr({own},{committed})"),
            Some((key, blocks)) => format!("tr({own},{{{committed},and_v(v:pk({}),older({blocks}))}})", key.expression()),
        };
        let refuse = |reason: String| AnchorKeyError::Descriptor { descriptor: body.clone(), reason };
        let descriptor: Descriptor<DescriptorPublicKey> =
            body.parse().map_err(|e: miniscript::Error| refuse(e.to_string()))?;
        descriptor.sanity_check().map_err(|e| refuse(e.to_string()))?;
        let definite = descriptor.at_derivation_index(0).map_err(|e| refuse(e.to_string()))?;
        if definite.script_pubkey() != output.script_pubkey() {
            return Err(refuse("gives another script than the verifier".into()));
        }
        let text = with_letters(&body).ok_or_else(|| refuse("has a character that no descriptor has".into()))?;
        if text.parse::<Descriptor<DescriptorPublicKey>>().ok() != Some(descriptor) {
            return Err(refuse("is another one when hardened steps are written with h".into()));
        }
        Ok(Self { header, key, recovery, output, text })
    }

    /// The header.
    pub fn header(&self) -> &AnchorHeader {
        &self.header
    }

    /// The internal key.
    pub fn key(&self) -> &AnchorKey {
        &self.key
    }

    /// The recovery key and its number of blocks.
    pub fn recovery(&self) -> Option<&(AnchorKey, u16)> {
        self.recovery.as_ref()
    }

    /// The output as the verifier computes it.
    pub fn output(&self) -> &AnchorOutput {
        &self.output
    }

    /// The descriptor with its checksum, for wallets to import. Hardened steps are written with `h`: shells eat apostrophes.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The output's script.
    pub fn script_pubkey(&self) -> ScriptBuf {
        self.output.script_pubkey()
    }

    /// The output's address on the network of the header's chain.
    pub fn address(&self) -> Address {
        self.output.address(self.header.chain_id())
    }

    /// The script tree, for PSBTs.
    pub(super) fn tap_tree(&self) -> Option<TapTree> {
        let own = self.output.leaf_script().to_owned();
        let builder = match self.output.recovery() {
            None => TaprootBuilder::new().add_leaf_with_ver(0, own, LeafVersion::TapScript),
            Some(leaf) => TaprootBuilder::new()
                .add_leaf_with_ver(1, own, LeafVersion::TapScript)
                .and_then(|builder| builder.add_leaf_with_ver(1, leaf.script(), LeafVersion::TapScript)),
        };
        builder.ok().and_then(|builder| builder.try_into_taptree().ok())
    }
}

/// A descriptor whose hardened steps are written with `h`, with its checksum.
fn with_letters(body: &str) -> Option<String> {
    let body = body.replace('\'', "h");
    let mut engine = checksum::Engine::new();
    engine.input(&body).ok()?;
    Some(format!("{body}#{}", engine.checksum()))
}
