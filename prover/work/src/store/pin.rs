//! [`ChainKeys`]: which keys prove the batches of a chain, as its folder remembers it.
//!
//! A chain's first rule stands from the day it is made or from its first proof on, and changes on purpose alone ([`Store::pin`]), from a batch on; what
//! was proven before stays good under the key of before. [`Store::apply_proven`] takes a proof only by the key that the chain pins
//! for that batch, and where none is pinned yet, pins this one. Verifying keys are kept beside the rules, so that
//! [`Store::check_proofs`] and others need no key from elsewhere.
//!
//! Both lie in the table of the head: the rules as JSON under `keys`, each verifying key's file under its id.

use std::path::Path;

use redb::WriteTransaction;
use serde::{Deserialize, Serialize};
use tapstone_circuits::data::{BatchData, data_hash};
use tapstone_circuits::ledger::{Changes, Head, Ledger};
use tapstone_prover::{ProvenBatch, ProvenFileError};
use tapstone_verifier::error::{HeaderError, RegistryError};
use tapstone_verifier::{ChainEnd, Element, Pin, Registry, Statement, VerifyingKey, VkId};
use thiserror::Error;

use super::{Batch, ImportError, META, Store, StoreError, View};

/// Where the rules lie.
const KEYS: &str = "keys";

fn key_name(id: VkId) -> String {
    format!("verifying key {id}")
}

/// What a chain was made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainKind {
    /// Whoever carries it on brings its key.
    #[default]
    Live,
    /// For trials: a key that is missing may be made by one machine, insecurely.
    Trial,
}

/// From which batch on batches are of a shape, and by a key, once it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyPin {
    /// The first batch, from 1.
    pub from_batch: u64,
    /// The name of the shape.
    pub shape: String,
    /// The key's id; `None` until a first batch is proven.
    pub vk_id: Option<VkId>,
}

/// The rules of a chain, in rising order of their batches. None stands for a chain of which nothing is known yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainKeys {
    kind: ChainKind,
    pins: Vec<KeyPin>,
}

/// A key for another shape than that of a batch.
#[derive(Debug, Error)]
#[error(
    "batch {batch} by key {had} of shape {had_shape}: from batch {from_batch} on the chain is of shape {needed_shape}{}",
    needed.map_or(String::new(), |id| format!(" and pins key {id}"))
)]
pub struct OtherShape {
    /// The batch.
    pub batch: u64,
    /// The key's id.
    pub had: VkId,
    /// The key's shape.
    pub had_shape: String,
    /// The id pinned, if one is.
    pub needed: Option<VkId>,
    /// The shape pinned.
    pub needed_shape: String,
    /// From which batch on.
    pub from_batch: u64,
}

/// Why a chain does not take a key or a proof.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PinError {
    /// The key is not the one of this batch.
    #[error("batch {batch} by key {had}: from batch {from_batch} on the chain pins key {needed}")]
    OtherKey {
        /// The batch.
        batch: u64,
        /// The key's id.
        had: VkId,
        /// The id pinned.
        needed: VkId,
        /// From which batch on.
        from_batch: u64,
    },
    /// The key is for another shape than that of this batch.
    #[error(transparent)]
    OtherShape(Box<OtherShape>),
    /// A pin would leave a proof that is kept without its key.
    #[error("batch {batch} was proven by key {had}, so key {needed} can be pinned from batch {} on at the earliest", batch + 1)]
    Proven {
        /// The batch.
        batch: u64,
        /// The key of its proof.
        had: VkId,
        /// The key that was to be pinned.
        needed: VkId,
    },
    /// The rules are none that can be kept.
    #[error("the keys of the chain: {0}")]
    Rules(Box<RegistryError>),
    /// A proof was to be kept without the key that it verifies with.
    #[error("the proof of batch {batch} comes without its key: `tapstone state pin FOLDER --verifying-key FILE` keeps it")]
    NoKey {
        /// The batch.
        batch: u64,
    },
    /// A proof does not read, or does not verify.
    #[error("the proof of batch {batch}: {source}")]
    Proof {
        /// The batch.
        batch: u64,
        /// Why.
        source: Box<ProvenFileError>,
    },
    /// A proof is of another batch than it stands for.
    #[error("the proof of batch {batch} says {what} {had}, needed {needed}")]
    Statement {
        /// The batch.
        batch: u64,
        /// What differs.
        what: &'static str,
        /// What the proof says.
        had: String,
        /// What the chain has.
        needed: String,
    },
}

impl ChainKeys {
    /// Those of a chain that is to be made, of which nothing else is known yet.
    pub const fn of_kind(kind: ChainKind) -> Self {
        Self { kind, pins: Vec::new() }
    }

    /// What the chain was made for.
    pub const fn kind(&self) -> ChainKind {
        self.kind
    }

    /// The rules, in rising order.
    pub fn pins(&self) -> &[KeyPin] {
        &self.pins
    }

    /// The rule for a batch.
    pub fn at(&self, batch: u64) -> Option<&KeyPin> {
        self.pins.iter().rev().find(|pin| pin.from_batch <= batch)
    }

    /// The keys for verifiers; `None` as long as none is pinned.
    pub fn registry(&self) -> Option<Registry> {
        let ends = self.pins.iter().skip(1).map(|next| Some(next.from_batch - 1)).chain([None]);
        let pin = |(pin, last_batch): (&KeyPin, Option<u64>)| {
            Some(Pin { first_batch: pin.from_batch, vk_id: pin.vk_id?, last_batch })
        };
        Registry::new(self.pins.iter().zip(ends).filter_map(pin)).ok()
    }

    /// Puts a rule in place of those from its batch on.
    ///
    /// # Errors
    /// [`PinError::Rules`] for a batch number that is none, or more rules than a registry holds.
    pub fn put(&mut self, pin: KeyPin) -> Result<(), PinError> {
        let mut pins = self.pins.clone();
        pins.retain(|other| other.from_batch < pin.from_batch);
        if pins.last().is_none_or(|last| (&last.shape, last.vk_id) != (&pin.shape, pin.vk_id)) {
            pins.push(pin);
        }
        check(&pins)?;
        self.pins = pins;
        Ok(())
    }

    /// Refuses a key that is not the one of a batch.
    ///
    /// # Errors
    /// [`PinError::OtherShape`], [`PinError::OtherKey`].
    pub fn check(&self, batch: u64, key: &VerifyingKey) -> Result<(), PinError> {
        let Some(KeyPin { from_batch, shape, vk_id }) = self.at(batch) else { return Ok(()) };
        let (had, needed, from_batch) = (key.id(), *vk_id, *from_batch);
        if shape != key.shape() {
            let (had_shape, needed_shape) = (key.shape().to_owned(), shape.clone());
            let other = OtherShape { batch, had, had_shape, needed, needed_shape, from_batch };
            return Err(PinError::OtherShape(Box::new(other)));
        }
        match needed {
            Some(needed) if needed != had => Err(PinError::OtherKey { batch, had, needed, from_batch }),
            _ => Ok(()),
        }
    }

    /// The rules after a batch was proven by a key: where none was pinned, this one is from here on.
    fn after(&self, batch: u64, key: &VerifyingKey) -> Result<Self, PinError> {
        self.check(batch, key)?;
        let mut keys = self.clone();
        if self.at(batch).is_none_or(|pin| pin.vk_id.is_none()) {
            // Rules for later batches stay.
            let later: Vec<KeyPin> = keys.pins.iter().filter(|pin| pin.from_batch > batch).cloned().collect();
            keys.put(KeyPin { from_batch: batch, shape: key.shape().to_owned(), vk_id: Some(key.id()) })?;
            keys.pins.extend(later);
            check(&keys.pins)?;
        }
        Ok(keys)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let keys: Self = serde_json::from_slice(bytes).ok()?;
        check(&keys.pins).ok()?;
        keys.pins.is_sorted_by_key(|pin| pin.from_batch).then_some(keys)
    }

    fn write(&self, tx: &WriteTransaction) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(self).expect("strings and numbers always serialise");
        tx.open_table(META)?.insert(KEYS, &bytes[..])?;
        Ok(())
    }
}

/// Rules that a registry holds, each for its own batches.
fn check(pins: &[KeyPin]) -> Result<(), PinError> {
    if pins.is_empty() {
        return Ok(());
    }
    // An id stands in for those that are not known yet: what is checked are the batches.
    let of = |pin: &KeyPin| Pin {
        first_batch: pin.from_batch,
        vk_id: VkId::from_bytes([0; 32]),
        last_batch: Some(pin.from_batch),
    };
    Registry::new(pins.iter().map(of)).map(|_| ()).map_err(|e| PinError::Rules(Box::new(e)))
}

/// Keeps a verifying key.
fn keep(tx: &WriteTransaction, key: &VerifyingKey) -> Result<(), StoreError> {
    tx.open_table(META)?.insert(&*key_name(key.id()), &key.to_bytes()[..])?;
    Ok(())
}

/// What `state check` found of the proofs that are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proofs {
    /// Proofs that verify under the keys that the chain pins.
    pub verified: u64,
    /// Batches that came without a proof, from published data.
    pub without: u64,
}

impl Store {
    /// As [`Store::create`], with rules for its keys, and a key that is known already.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_with(
        folder: &Path,
        state: &Ledger,
        keys: &ChainKeys,
        key: Option<&VerifyingKey>,
    ) -> Result<Self, StoreError> {
        Self::make(folder, |store, tx| {
            store.fill(tx, state)?;
            keys.write(tx)?;
            key.map_or(Ok(()), |key| keep(tx, key))
        })
    }

    /// As [`Store::import`], with rules for its keys, and a key that is known already.
    ///
    /// # Errors
    /// As [`Store::import`].
    pub fn import_with(
        folder: &Path,
        file: impl std::io::Read,
        keys: &ChainKeys,
        key: Option<&VerifyingKey>,
    ) -> Result<Self, ImportError> {
        Self::make(folder, |store, tx| {
            store.take(tx, file)?;
            keys.write(tx)?;
            key.map_or(Ok(()), |key| keep(tx, key)).map_err(ImportError::from)
        })
    }

    /// Applies a batch that was executed on the state `before`, with its proof and the key of that.
    ///
    /// # Errors
    /// As [`Store::apply`]; [`PinError`] if the proof is not by the key that the chain pins, does not verify, or is of another batch.
    pub fn apply_proven(
        &self,
        before: &Head,
        changes: &Changes,
        batch: &Batch,
        key: &VerifyingKey,
    ) -> Result<(), StoreError> {
        let number = changes.after.summary.batch_number;
        let keys = self.view()?.keys()?.after(number, key)?;
        let text = batch.proven.as_deref().ok_or(PinError::NoKey { batch: number })?;
        let proven = ProvenBatch::verify_json(text, key, key.id())
            .map_err(|e| PinError::Proof { batch: number, source: Box::new(e) })?;
        same(number, proven.verified().statement(), before, &changes.after, &batch.data)?;
        self.put_batch(before, changes, batch, |tx| {
            keep(tx, key)?;
            keys.write(tx)
        })
    }

    /// Pins a key from a batch on, in place of what was pinned from there on, and keeps it if it is given. Gives the rules as they are now.
    ///
    /// # Errors
    /// [`PinError::Proven`] if the chain keeps a proof of one of these batches by another key, [`PinError::Rules`].
    pub fn pin(&self, pin: KeyPin, key: Option<&VerifyingKey>) -> Result<ChainKeys, StoreError> {
        let view = self.view()?;
        let mut keys = view.keys()?;
        if let Some(needed) = pin.vk_id {
            for batch in (pin.from_batch.max(1)..=view.head_now().summary.batch_number).rev() {
                let proven = view.batch(batch)?.and_then(|kept| kept.proven);
                let Some(file) = proven.map(|text| view.proof(batch, &text)).transpose()? else { continue };
                if file.vk_id() != needed {
                    return Err(PinError::Proven { batch, had: file.vk_id(), needed }.into());
                }
            }
        }
        keys.put(pin)?;
        self.write(|tx| -> Result<(), StoreError> {
            key.map_or(Ok(()), |key| keep(tx, key))?;
            keys.write(tx)
        })
        .map_err(|e| e.at(&self.path))?;
        Ok(keys)
    }

    /// Verifies every proof that is kept, under the keys that the chain pins, and that each is of its batch. `done` hears of batches read.
    ///
    /// # Errors
    /// [`PinError`] and [`StoreError::Damaged`] say which proof is not as it should be.
    pub fn check_proofs(&self, done: impl Fn(u64)) -> Result<Proofs, StoreError> {
        self.view()?.check_proofs(done)
    }
}

impl View {
    /// As [`Store::check_proofs`].
    ///
    /// # Errors
    /// As [`Store::check_proofs`].
    pub fn check_proofs(&self, done: impl Fn(u64)) -> Result<Proofs, StoreError> {
        let view = self;
        let (head, keys) = (view.head_now(), view.keys()?);
        let mut found = Proofs::default();
        let mut known: Option<VerifyingKey> = None;
        // The end of the batches that follow each other up to the head.
        let mut next: Option<Statement> = None;
        for batch in (1..=head.summary.batch_number).rev() {
            done(1);
            let Some(kept) = view.batch(batch)? else { break };
            let Some(text) = kept.proven.as_deref() else {
                found.without += 1;
                next = None;
                continue;
            };
            let file = view.proof(batch, text)?;
            if known.as_ref().is_none_or(|key| key.id() != file.vk_id()) {
                known = view.verifying_key(file.vk_id())?;
            }
            let key = known.as_ref().ok_or(PinError::NoKey { batch })?;
            keys.check(batch, key)?;
            if keys.at(batch).is_none_or(|pin| pin.vk_id.is_none()) {
                return Err(view.damaged(format!("no key is pinned for batch {batch}, of which a proof is kept")));
            }
            let proof = file.verify(key, key.id()).map_err(|e| PinError::Proof { batch, source: Box::new(e) })?;
            let statement = *proof.verified().statement();
            same_data(batch, &statement, &kept.data)?;
            expect(batch, "chain id", statement.chain_id, head.chain_id)?;
            expect(batch, "batch number", statement.batch_number, batch)?;
            if batch == head.summary.batch_number {
                expect(batch, "post-state root", statement.post_state_root, head.state_root().into())?;
            }
            if let Some(next) = next {
                let linked: Result<(), HeaderError> = ChainEnd::after(&statement).check_next_statement(&next);
                linked.map_err(|e| view.damaged(format!("proof of batch {}: {e}", batch + 1)))?;
            }
            next = Some(statement);
            found.verified += 1;
        }
        Ok(found)
    }
}

impl View {
    /// Which keys prove the chain's batches.
    ///
    /// # Errors
    /// What the database says; [`StoreError::Damaged`].
    pub fn keys(&self) -> Result<ChainKeys, StoreError> {
        let Some(bytes) = self.meta(KEYS)? else { return Ok(ChainKeys::default()) };
        ChainKeys::read(&bytes).ok_or_else(|| self.damaged("which keys it pins".into()))
    }

    /// A verifying key, if it is kept.
    ///
    /// # Errors
    /// As [`View::keys`].
    pub fn verifying_key(&self, id: VkId) -> Result<Option<VerifyingKey>, StoreError> {
        let Some(bytes) = self.meta(&key_name(id))? else { return Ok(None) };
        let key = VerifyingKey::from_bytes(&bytes).ok().filter(|key| key.id() == id);
        key.map(Some).ok_or_else(|| self.damaged(key_name(id)))
    }

    /// The proof of a batch that is kept, not verified.
    fn proof(&self, batch: u64, text: &str) -> Result<tapstone_prover::ProvenFile, StoreError> {
        tapstone_prover::ProvenFile::parse(text).map_err(|e| self.damaged(format!("proof of batch {batch}: {e}")))
    }
}

/// Whether a statement is that of a batch.
fn same(batch: u64, statement: &Statement, before: &Head, after: &Head, data: &[u8]) -> Result<(), PinError> {
    expect(batch, "chain id", statement.chain_id, after.chain_id)?;
    expect(batch, "batch number", statement.batch_number, batch)?;
    expect(batch, "pre-state root", statement.pre_state_root, before.state_root().into())?;
    expect(batch, "post-state root", statement.post_state_root, after.state_root().into())?;
    same_data(batch, statement, data)
}

/// Whether published data are those of a statement.
fn same_data(batch: u64, statement: &Statement, data: &[u8]) -> Result<(), PinError> {
    let data = BatchData::decode(data).map_err(|e| PinError::Statement {
        batch,
        what: "data hash",
        had: statement.data_hash.to_string(),
        needed: format!("that of data which do not read: {e}"),
    })?;
    let hash = Element::from(data_hash(data.operator, &data.transactions));
    expect(batch, "data hash", statement.data_hash, hash)?;
    // Only a batch with deposits publishes it.
    data.deposit_head.map_or(Ok(()), |head| expect(batch, "deposit head", statement.deposit_head, head.into()))
}

fn expect<T: PartialEq + std::fmt::Debug>(batch: u64, what: &'static str, had: T, needed: T) -> Result<(), PinError> {
    if had == needed {
        return Ok(());
    }
    Err(PinError::Statement { batch, what, had: format!("{had:?}"), needed: format!("{needed:?}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(from_batch: u64, shape: &str, id: Option<u8>) -> KeyPin {
        KeyPin { from_batch, shape: shape.into(), vk_id: id.map(|id| VkId::from_bytes([id; 32])) }
    }

    fn rules(list: &[(u64, Option<u8>)]) -> ChainKeys {
        ChainKeys { kind: ChainKind::Live, pins: list.iter().map(|(from, id)| pin(*from, "tiny", *id)).collect() }
    }

    #[test]
    fn a_rule_takes_the_place_of_those_from_its_batch_on() {
        let mut keys = ChainKeys::default();
        assert_eq!((keys.at(7), keys.registry()), (None, None));
        keys.put(pin(1, "tiny", Some(1))).unwrap();
        keys.put(pin(10, "tiny", Some(2))).unwrap();
        keys.put(pin(20, "tiny", Some(3))).unwrap();
        assert_eq!(keys, rules(&[(1, Some(1)), (10, Some(2)), (20, Some(3))]));
        keys.put(pin(8, "tiny", Some(4))).unwrap();
        assert_eq!(keys, rules(&[(1, Some(1)), (8, Some(4))]));
        // The same again is no other rule.
        keys.put(pin(9, "tiny", Some(4))).unwrap();
        assert_eq!(keys, rules(&[(1, Some(1)), (8, Some(4))]));
        for from in [0, 1 << 48, u64::MAX] {
            assert!(matches!(keys.put(pin(from, "tiny", Some(5))), Err(PinError::Rules(_))), "{from}");
        }
        assert_eq!(keys, rules(&[(1, Some(1)), (8, Some(4))]), "what is refused changes nothing");
    }

    #[test]
    fn old_keys_stay_good_for_old_batches() {
        let registry = rules(&[(3, Some(1)), (10, None), (12, Some(2))]).registry().unwrap();
        let [a, b] = [1, 2].map(|id| VkId::from_bytes([id; 32]));
        for (batch, allowed) in [(2, None), (3, Some(a)), (9, Some(a)), (10, None), (11, None), (12, Some(b)), (99, Some(b))]
        {
            assert_eq!(registry.at(batch).next(), allowed, "{batch}");
        }
    }

    #[test]
    fn rules_that_are_none_are_not_read() {
        let good = serde_json::to_string(&rules(&[(1, Some(1)), (10, None)])).unwrap();
        assert_eq!(ChainKeys::read(good.as_bytes()), Some(rules(&[(1, Some(1)), (10, None)])));
        for (from, to) in
            [("\"from_batch\":1,", "\"from_batch\":0,"), ("\"from_batch\":10", "\"from_batch\":1"), ("live", "money")]
        {
            assert_eq!(ChainKeys::read(good.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
    }
}
