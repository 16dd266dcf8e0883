//! The keys of a chain in its store: the first proof pins its key, and no proof by another gets in unless that is pinned on purpose.

use std::sync::OnceLock;

use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::ledger::{Executed, Head};
use tapstone_circuits::testing::{World, smallest_shape};
use tapstone_prover::{Prover, ProvingKey};
use tapstone_verifier::{VerifyingKey, VkId};
use tapstone_work::store::{Batch, ChainKeys, ChainKind, KeyPin, Origin, PinError, Store, StoreError};
use tempfile::TempDir;

/// Making the key takes the most time, so it is made once.
fn prover() -> &'static Prover {
    static PROVER: OnceLock<Prover> = OnceLock::new();
    PROVER.get_or_init(|| Prover::new(ProvingKey::setup_insecure(&BatchCircuit::new(&smallest_shape())).unwrap()))
}

/// Another key of the same circuit.
fn other() -> &'static Prover {
    static OTHER: OnceLock<Prover> = OnceLock::new();
    OTHER.get_or_init(|| Prover::new(ProvingKey::setup_insecure(&BatchCircuit::new(&smallest_shape())).unwrap()))
}

fn key(prover: &Prover) -> &VerifyingKey {
    prover.key().verifying()
}

fn pin(from_batch: u64, vk_id: Option<VkId>) -> KeyPin {
    KeyPin { from_batch, shape: "one".into(), vk_id }
}

/// A chain with batches to come: for each the state before it and what it does.
struct Chain {
    folder: TempDir,
    store: Store,
    batches: Vec<(Head, Executed)>,
}

impl Chain {
    fn new(rules: &ChainKeys, key: Option<&VerifyingKey>) -> Self {
        let mut w = World::new(smallest_shape());
        let folder = TempDir::new().unwrap();
        let store = Store::create_with(folder.path(), &w.ledger, rules, key).unwrap();
        let mut batches = Vec::new();
        for value in 1..=3 {
            let before = w.ledger.head();
            let executed = if value == 1 { w.deposit_new(1, 1000) } else { w.deposit(0, 1, value) }.apply().unwrap();
            batches.push((before, executed));
        }
        Self { folder, store, batches }
    }

    fn record(&self, batch: usize, proven: String) -> Batch {
        let origin = Origin::File { sha256: String::new(), first: 0, count: 1 };
        Batch { origin, proven: Some(proven), made: None, data: self.batches[batch - 1].1.data.clone() }
    }

    /// Applies a batch with a text for its proof.
    fn apply(&self, batch: usize, proven: String, key: &VerifyingKey) -> Result<(), StoreError> {
        let (before, executed) = &self.batches[batch - 1];
        self.store.apply_proven(before, &executed.changes, &self.record(batch, proven), key)
    }

    fn prove(&self, batch: usize, by: &Prover) -> String {
        by.prove(&self.batches[batch - 1].1, &()).unwrap().to_json()
    }

    fn keys(&self) -> ChainKeys {
        self.store.view().unwrap().keys().unwrap()
    }

    fn at(&self) -> u64 {
        self.store.head().unwrap().summary.batch_number
    }
}

#[test]
fn the_first_proof_pins_its_key_and_another_is_refused_by_name() {
    let (a, b) = (prover(), other());
    let (id_a, id_b) = (key(a).id(), key(b).id());
    let chain = Chain::new(&ChainKeys::of_kind(ChainKind::Live), None);
    assert_eq!(chain.keys().registry(), None);
    chain.apply(1, chain.prove(1, a), key(a)).unwrap();
    assert_eq!(chain.keys().pins(), [pin(1, Some(id_a))]);
    let error = chain.apply(2, chain.prove(2, b), key(b)).unwrap_err();
    assert!(
        matches!(error, StoreError::Pin(PinError::OtherKey { batch: 2, had, needed, from_batch: 1 }) if (had, needed) == (id_b, id_a)),
        "{error}"
    );
    for id in [id_a, id_b] {
        assert!(error.to_string().contains(&id.to_string()), "{error}");
    }
    assert_eq!((chain.at(), chain.keys().pins()), (1, &[pin(1, Some(id_a))][..]), "nothing is changed");
    // On purpose, and no earlier than proofs by the other key end.
    let error = chain.store.pin(pin(1, Some(id_b)), None).unwrap_err();
    assert!(matches!(error, StoreError::Pin(PinError::Proven { batch: 1, .. })), "{error}");
    chain.store.pin(pin(2, Some(id_b)), None).unwrap();
    assert!(matches!(chain.apply(2, chain.prove(2, a), key(a)), Err(StoreError::Pin(PinError::OtherKey { .. }))));
    chain.apply(2, chain.prove(2, b), key(b)).unwrap();
    chain.apply(3, chain.prove(3, b), key(b)).unwrap();
    let rules = [pin(1, Some(id_a)), pin(2, Some(id_b))];
    assert_eq!(chain.keys().pins(), rules);
    // Each proof is verified under the key of its time, which is kept; in another process as well.
    let Chain { folder, store, .. } = chain;
    drop(store);
    let store = Store::open(folder.path()).unwrap();
    let found = store.check_proofs(|_| {}).unwrap();
    assert_eq!((found.verified, found.without), (3, 0));
    let view = store.view().unwrap();
    let kept = |id| view.verifying_key(id).unwrap().map(|key| key.id());
    assert_eq!([kept(id_a), kept(id_b), kept(VkId::from_bytes([7; 32]))], [Some(id_a), Some(id_b), None]);
    // Going back takes batches back, and no rule.
    drop(view);
    store.undo().unwrap();
    assert_eq!(store.view().unwrap().keys().unwrap().pins(), rules);
}

#[test]
fn a_key_that_was_pinned_before_is_the_only_one() {
    let (a, b) = (prover(), other());
    let mut rules = ChainKeys::of_kind(ChainKind::Trial);
    rules.put(pin(1, Some(key(b).id()))).unwrap();
    let chain = Chain::new(&rules, Some(key(b)));
    assert_eq!((chain.keys(), chain.keys().kind()), (rules, ChainKind::Trial));
    assert!(matches!(chain.apply(1, chain.prove(1, a), key(a)), Err(StoreError::Pin(PinError::OtherKey { .. }))));
    chain.apply(1, chain.prove(1, b), key(b)).unwrap();
    // A shape alone, as long as no key is known.
    let mut rules = ChainKeys::default();
    rules.put(KeyPin { shape: "two".into(), ..pin(1, None) }).unwrap();
    let chain = Chain::new(&rules, None);
    let error = chain.apply(1, chain.prove(1, a), key(a)).unwrap_err();
    assert!(matches!(error, StoreError::Pin(PinError::OtherShape(_))), "{error}");
    assert!(error.to_string().contains("of shape one") && error.to_string().contains("of shape two"), "{error}");
}

#[test]
fn only_the_proof_of_a_batch_gets_in_with_it() {
    let a = prover();
    let chain = Chain::new(&ChainKeys::default(), None);
    let proof = chain.prove(1, a);
    // No proof at all, one of another batch, one by a key that is another than its own, one that is damaged.
    let (before, executed) = &chain.batches[0];
    let without = Batch { proven: None, ..chain.record(1, String::new()) };
    let none = chain.store.apply_proven(before, &executed.changes, &without, key(a));
    assert!(matches!(none, Err(StoreError::Pin(PinError::NoKey { batch: 1 }))));
    let unkeyed = chain.store.apply(before, &executed.changes, &chain.record(1, proof.clone()));
    assert!(matches!(unkeyed, Err(StoreError::Pin(PinError::NoKey { batch: 1 }))));
    let later = chain.apply(1, chain.prove(2, a), key(a)).unwrap_err();
    assert!(matches!(later, StoreError::Pin(PinError::Statement { batch: 1, what: "batch number", .. })), "{later}");
    assert!(matches!(chain.apply(1, proof.clone(), key(other())), Err(StoreError::Pin(PinError::Proof { batch: 1, .. }))));
    let at = proof.find("\"proof\"").unwrap() + 20;
    let digit = if &proof[at..=at] == "0" { "1" } else { "0" };
    let bad = format!("{}{digit}{}", &proof[..at], &proof[at + 1..]);
    assert!(matches!(chain.apply(1, bad, key(a)), Err(StoreError::Pin(PinError::Proof { batch: 1, .. }))));
    let mut data = chain.record(1, proof.clone());
    data.data = chain.batches[1].1.data.clone();
    let other_data = chain.store.apply_proven(before, &executed.changes, &data, key(a)).unwrap_err();
    assert!(matches!(other_data, StoreError::Pin(PinError::Statement { what: "data hash", .. })), "{other_data}");
    assert_eq!((chain.at(), chain.keys()), (0, ChainKeys::default()), "nothing is changed");
    chain.apply(1, proof, key(a)).unwrap();
}

#[test]
fn batches_without_proofs_leave_the_key_open() {
    let a = prover();
    let chain = Chain::new(&ChainKeys::default(), None);
    let (before, executed) = &chain.batches[0];
    let batch = Batch { origin: Origin::Data, proven: None, ..chain.record(1, String::new()) };
    chain.store.apply(before, &executed.changes, &batch).unwrap();
    chain.apply(2, chain.prove(2, a), key(a)).unwrap();
    // Of batch 1 nobody said by which key it is.
    assert_eq!(chain.keys().pins(), [pin(2, Some(key(a).id()))]);
    let found = chain.store.check_proofs(|_| {}).unwrap();
    assert_eq!((found.verified, found.without), (1, 1));
}
