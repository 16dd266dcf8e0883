//! What a value that somebody pins fixes by itself: the head of the deposit queue, a signed message, the root of withdrawals, the published data.
//!
//! Whoever verifies a batch knows chain, number, state root before it and deposit head, a signer one message, a bridge one root. Each has to fix all that those who rely on it read
//! from it. So nothing else is taken as known here, the public input neither.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::One;

use super::binding::fixed;
use super::bounds::Bounds;
use super::rows::{Rows, Terms};
use super::worlds::Audited;
use crate::cs::{Hash, ONE, Wire};
use crate::field::tag;
use crate::transaction::Transaction;
use crate::witness::{RefundReason, SlotWitness};

/// Something that a pinned value leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The value that is pinned.
    pub by: &'static str,
    /// What the wire is.
    pub what: &'static str,
    /// The wire.
    pub wire: Wire,
}

/// What pinned values fix in a batch.
#[derive(Debug, Default)]
pub struct Commitments {
    /// How many wires each pinned value fixes, of those that somebody reads from it.
    pub fixed: BTreeMap<&'static str, usize>,
    /// What is left open.
    pub open: Vec<Open>,
}

/// The head of the deposit queue.
pub const HEAD: &str = "deposit head";
/// The message that a signature is for.
pub const MESSAGE: &str = "signed message";
/// The root of withdrawals.
pub const WITHDRAWALS: &str = "withdrawals root";
/// The hash of the published data.
pub const DATA: &str = "published data";

/// The chosen wires of a slot, by what they are, in order.
type Chosen<'s> = BTreeMap<&'static str, Vec<Wire>>;

/// Which transactions were looked at already, by pinned value, kind, and what became of them: the same again shows nothing new.
pub type Seen = BTreeSet<(&'static str, &'static str, bool)>;

/// Works out what pinned values fix in a batch, for the kinds that were not seen yet.
pub fn commitments(rows: &Rows<'_>, bounds: &Bounds, batch: &Audited, seen: &mut Seen) -> Commitments {
    let chosen = chosen(rows);
    let mut done = Commitments::default();
    let mut check = |by: &'static str, values: &[Terms], wanted: Vec<(&'static str, Wire)>| {
        let wires: Vec<Wire> = wanted.iter().map(|(_, wire)| *wire).collect();
        for ((what, wire), is_fixed) in wanted.into_iter().zip(fixed(rows, bounds, &batch.z, values, &wires)) {
            if is_fixed {
                *done.fixed.entry(by).or_default() += 1;
            } else {
                done.open.push(Open { by, what, wire });
            }
        }
    };
    let mut published: Vec<(&'static str, Wire)> = Vec::new();
    // A refund of either kind of deposit is published alike, as nobody minds which it was: that is given.
    let mut given: Vec<Wire> = Vec::new();
    let mut is_new = false;
    for (i, slot) in batch.witness.slots.iter().enumerate() {
        let (tx, refund) = match slot {
            SlotWitness::Pair(pair) => (&pair.tx, None),
            SlotWitness::Single(single) => (&single.tx, single.refund),
        };
        let (Some(tx), Some(of_slot)) = (tx, chosen.get(&Some(i))) else { continue };
        let hashes = hashes(rows, i);
        let digest = hashes
            .iter()
            .find(|hash| matches!(first(hash, &batch.z), Some((6, tag::PAIR) | (9, tag::SINGLE | tag::DEPOSIT))));
        let all = |names: &[&'static str]| -> Vec<(&'static str, Wire)> {
            let of = |name: &'static str| of_slot.get(name).into_iter().flatten().map(move |wire| (name, *wire));
            names.iter().flat_map(|name| of(name)).collect()
        };
        if let Some(digest) = digest {
            let value = [vec![(digest.output, Fr::one())]];
            if tx.signed().is_some() {
                if seen.insert((MESSAGE, tx.kind_name(), false)) {
                    let mut wanted = signed(tx, &all);
                    wanted.extend(nonce(rows, i));
                    wanted.extend(
                        chosen
                            .get(&None)
                            .and_then(|all| all.get("chain id"))
                            .into_iter()
                            .flatten()
                            .map(|wire| ("chain id", *wire)),
                    );
                    check(MESSAGE, &value, wanted);
                }
            } else if seen.insert((HEAD, tx.kind_name(), refund.is_some())) {
                check(HEAD, &value, queued(tx, &all));
            }
        }
        let leaves = matches!(tx, Transaction::Withdraw { .. }) || refund.is_some();
        let withdrawal = hashes.iter().find(|hash| first(hash, &batch.z).is_none() && hash.inputs.len() == 4);
        if let (true, Some(hash)) = (leaves, withdrawal)
            && seen.insert((WITHDRAWALS, tx.kind_name(), refund.is_some()))
        {
            check(WITHDRAWALS, &[vec![(hash.output, Fr::one())]], withdrawn(rows, hash, &all));
        }
        is_new |= seen.insert((DATA, tx.kind_name(), refund.is_some()));
        published.extend(of_data(tx, refund, &all));
        if refund.is_some() {
            given.extend(all(&["kind", "reason of a refund"]).into_iter().map(|(_, wire)| wire));
        }
    }
    // The statement's fifth element.
    let statement = rows.system().marks().hashes().iter().rev().find(|hash| hash.inputs.len() == 7);
    if let (true, Some(statement)) = (is_new, statement) {
        let operator = chosen.get(&None).and_then(|all| all.get("account index"));
        published.extend(operator.into_iter().flatten().map(|wire| ("account index", *wire)));
        let values: Vec<Terms> =
            given.iter().map(|wire| vec![(*wire, Fr::one())]).chain([statement.inputs[4].clone()]).collect();
        check(DATA, &values, published);
    }
    done
}

/// The chosen wires by slot; those of the batch under no slot.
fn chosen<'r>(rows: &'r Rows<'_>) -> BTreeMap<Option<usize>, Chosen<'r>> {
    let mut all: BTreeMap<Option<usize>, Chosen<'r>> = BTreeMap::new();
    for (wire, what) in rows.system().marks().chosen() {
        all.entry(rows.slot_of(*wire)).or_default().entry(*what).or_default().push(*wire);
    }
    all
}

/// The hashes of a slot that say what they are of.
fn hashes<'r>(rows: &'r Rows<'_>, slot: usize) -> Vec<&'r Hash> {
    let hashes = rows.system().marks().hashes().iter().filter(|hash| !hash.inputs.is_empty());
    hashes.filter(|hash| rows.slot_of(hash.output) == Some(slot)).collect()
}

/// How many elements a hash has, and the value of the first one where it is small.
fn first(hash: &Hash, z: &[Fr]) -> Option<(usize, u64)> {
    let value: Fr = hash.inputs[0].iter().map(|(wire, c)| *c * z[*wire as usize]).sum();
    (0..16).find(|tag| Fr::from(*tag) == value).map(|tag| (hash.inputs.len(), tag))
}

/// The nonce in the leaf of the slot's first account: where its range would be, a row says that it is not the last one.
fn nonce(rows: &Rows<'_>, slot: usize) -> Option<(&'static str, Wire)> {
    let accounts = rows.system().marks().leaves().iter().filter(|leaf| leaf.is_account());
    let mut nonces = accounts.filter_map(|leaf| leaf.read[2].iter().find(|(wire, _)| *wire != ONE).map(|(wire, _)| *wire));
    nonces.find(|wire| rows.slot_of(*wire) == Some(slot)).map(|wire| ("nonce", wire))
}

/// Bits of the first index alone, where a slot has two.
fn half(mut wires: Vec<(&'static str, Wire)>) -> Vec<(&'static str, Wire)> {
    wires.truncate(wires.len() / 2);
    wires
}

type All<'c> = &'c dyn Fn(&[&'static str]) -> Vec<(&'static str, Wire)>;

/// What a signer relies on.
fn signed(tx: &Transaction, all: All<'_>) -> Vec<(&'static str, Wire)> {
    let index = all(&["account index"]);
    let mut wanted = all(&["kind", "token", "amount", "key", "fee token", "fee", "expiry"]);
    wanted.extend(if matches!(tx, Transaction::TransferNew { .. }) { half(index) } else { index });
    wanted.extend(all(&["token or pool", "token or direction", "fee rate", "amount or limit", "limit", "destination"]));
    wanted
}

/// What a depositor and the bridge rely on.
fn queued(tx: &Transaction, all: All<'_>) -> Vec<(&'static str, Wire)> {
    let mut wanted = all(&["kind", "outpoint", "token or pool", "amount", "destination", "key"]);
    if matches!(tx, Transaction::Deposit { .. }) {
        wanted.extend(all(&["account index"]));
    }
    wanted
}

/// What those who pay a withdrawal rely on: all numbers of the first element, and the destination.
fn withdrawn(rows: &Rows<'_>, hash: &Hash, all: All<'_>) -> Vec<(&'static str, Wire)> {
    let numbers = hash.inputs[0].iter().filter(|(wire, _)| *wire != ONE && !rows.is_boolean(*wire));
    let mut wanted: Vec<_> = numbers.map(|(wire, _)| ("account, token or amount of a withdrawal", *wire)).collect();
    wanted.extend(all(&["token or pool", "amount", "destination"]));
    wanted
}

/// What those who rebuild the state rely on.
fn of_data(tx: &Transaction, refund: Option<RefundReason>, all: All<'_>) -> Vec<(&'static str, Wire)> {
    let index = all(&["account index"]);
    let mut wanted = all(&["kind", "fee token", "fee"]);
    let more: &[&'static str] = match tx {
        Transaction::Transfer { .. } => &["token", "amount", "account index"],
        Transaction::TransferNew { .. } => {
            wanted.extend(half(index));
            &["token", "amount", "key"]
        }
        // A refund is published as what leaves, whether an account or a key was named.
        Transaction::Deposit { .. } | Transaction::DepositNew { .. } if refund.is_some() => {
            return all(&["token or pool", "amount", "destination", "fee token", "fee"]);
        }
        Transaction::Deposit { .. } => &["token or pool", "amount", "account index"],
        Transaction::DepositNew { .. } => &["token or pool", "amount", "key"],
        Transaction::Swap { .. } => &["token or pool", "token or direction", "amount", "account index"],
        Transaction::CreatePool { .. } => {
            &["token or pool", "token or direction", "fee rate", "amount", "amount or limit", "account index"]
        }
        Transaction::AddLiquidity { .. } => &["token or pool", "amount", "amount or limit", "account index"],
        Transaction::RemoveLiquidity { .. } => &["token or pool", "amount", "account index"],
        Transaction::ChangeKey { .. } => &["key", "account index"],
        Transaction::Withdraw { .. } => &["token or pool", "amount", "destination", "account index"],
    };
    wanted.extend(all(more));
    wanted
}
