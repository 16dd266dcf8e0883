//! [`Pins`]: which keys are right, by the word of whoever asks for a verdict.
//!
//! A proof and the key that it fits lie beside each other, and whoever forges one brings the other. So the id of the right key comes from elsewhere: an option,
//! the caller's own chain, or the caller's registry. Without any of them there is no verdict, whatever the proof.

use std::path::Path;

use tapstone_prover::ProvenFile;
use tapstone_verifier::{Pin, Registry, VerifyingKey, VkId};
use tapstone_work::store::ChainKeys;

use crate::args::PinArgs;
use crate::chain;
use crate::exit::{Failure, Reason};
use crate::files;
use crate::progress::Progress;
use crate::report::Report;

/// The longest registry: 1,024 lines of two numbers and an id.
const REGISTRY_LIMIT: usize = 1 << 18;

/// What is said where nothing is pinned.
pub const UNPINNED: &str = "nothing says that the key is the right one, and whoever forges a proof brings a key that it fits: give the id \
    that the chain's operator or the key's ceremony published with --vk-id, your own registry of keys with --registry, or the folder of your \
    own chain with --chain";

/// Keys that are right, and for which batches.
#[derive(Debug)]
pub struct Pins {
    registry: Registry,
    /// Who says so, for messages.
    source: String,
    /// The chain that they are the keys of, if they are of one.
    chain_id: Option<u32>,
    /// The keys themselves, as far as the source has them.
    keys: Vec<VerifyingKey>,
}

impl Pins {
    /// What the options name; `None` if they name nothing.
    pub fn read(args: &PinArgs, progress: &Progress) -> Result<Option<Self>, Failure> {
        let PinArgs { vk_id, chain, registry } = args;
        if let Some(folder) = chain {
            return Self::of_chain(folder, progress).map(Some);
        }
        Self::given(*vk_id, registry.as_deref())
    }

    /// Those of an id or of a registry's file.
    pub fn given(vk_id: Option<VkId>, registry: Option<&Path>) -> Result<Option<Self>, Failure> {
        let pins = |registry, source: String| Self { registry, source, chain_id: None, keys: Vec::new() };
        match (vk_id, registry) {
            (Some(id), _) => {
                let registry = Registry::new([Pin::always(id)]).map_err(|e| Failure::new(Reason::Bug, e))?;
                Ok(Some(pins(registry, "--vk-id".into())))
            }
            (None, Some(path)) => {
                let text = files::read_text(path, REGISTRY_LIMIT)?;
                let registry = Registry::from_text(&text).map_err(|e| Failure::at(Reason::Input, path, e))?;
                Ok(Some(pins(registry, path.display().to_string())))
            }
            (None, None) => Ok(None),
        }
    }

    /// Those of a chain's folder, which must pin some.
    fn of_chain(folder: &Path, progress: &Progress) -> Result<Self, Failure> {
        let known = chain::keys(folder, progress)?;
        Self::of_keys(folder, known.head.chain_id, &known.keys, known.verifying).ok_or_else(|| {
            let text = "the chain pins no key yet: its first proof does, or `tapstone state pin`";
            Failure::at(Reason::Mismatch, folder, text)
        })
    }

    /// Those of a chain, if it pins any.
    pub fn of_keys(folder: &Path, chain_id: u32, keys: &ChainKeys, verifying: Vec<VerifyingKey>) -> Option<Self> {
        let source = folder.display().to_string();
        Some(Self { registry: keys.registry()?, source, chain_id: Some(chain_id), keys: verifying })
    }

    /// Who says which keys are right.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// A key that the source has.
    pub fn key(&self, id: VkId) -> Option<&VerifyingKey> {
        self.keys.iter().find(|key| key.id() == id)
    }

    /// Refuses a batch that names another key than those pinned for it, or is of another chain than they are.
    pub fn check(&self, path: &Path, file: &ProvenFile) -> Result<(), Failure> {
        let (statement, had) = (file.statement(), file.vk_id());
        let number = statement.batch_number;
        if let Some(chain_id) = self.chain_id.filter(|id| *id != statement.chain_id) {
            let text =
                format!("batch of chain {}, needed chain {chain_id}, whose keys {} pins", statement.chain_id, self.source);
            return Err(Failure::at(Reason::Mismatch, path, text));
        }
        if self.registry.allows(had, number) {
            return Ok(());
        }
        let needed: Vec<String> = self.registry.at(number).map(|id| id.to_string()).collect();
        let needed = if needed.is_empty() { "none".into() } else { needed.join(" or ") };
        let text = format!("batch {number} names key {had}, needed {needed}, which {} pins for it", self.source);
        Err(Failure::at(Reason::Mismatch, path, text))
    }
}

/// A verdict, if the keys that it rests on are pinned; else what was found, as no verdict.
pub fn verdict(word: &str, pins: Option<&Pins>, mut report: Report) -> Result<Report, Failure> {
    let mut all = Report::default();
    let Some(pins) = pins else {
        all.add("verdict", "unpinned").append(&mut report);
        return Err(Failure::new(Reason::Mismatch, format!("unpinned: {UNPINNED}")).with_report(all));
    };
    all.add("verdict", word).append(&mut report).add("pinned_by", pins.source());
    Ok(all)
}
