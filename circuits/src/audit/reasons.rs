//! Why chosen wires that the public input and what is absorbed do not bind may have several values: none of them enters a record or a multiplicity.

use std::collections::BTreeMap;

use super::binding::bound;
use super::bounds::Bounds;
use super::rows::Rows;
use crate::cs::Wire;
use crate::transaction::Transaction;
use crate::witness::{BatchWitness, SlotWitness};
use ark_bn254::Fr;

/// What is bound in a batch, and what is not.
#[derive(Debug, Default)]
pub struct Binding {
    /// Bound wires by what they are.
    pub bound: BTreeMap<&'static str, usize>,
    /// Others by the reason that they need not be.
    pub free: BTreeMap<&'static str, usize>,
    /// Those without a reason.
    pub unexplained: Vec<Wire>,
    /// How many hashes are not what they are marked as.
    pub wrong: usize,
}

/// Where a chosen wire stands.
#[derive(Debug)]
struct Place {
    what: &'static str,
    slot: Option<usize>,
}

/// The chosen wires of the rows before the challenge.
#[derive(Debug)]
pub struct Places {
    of: BTreeMap<Wire, Place>,
}

impl Places {
    /// Reads them from marks and regions, with all rows there.
    pub fn new(rows: &Rows<'_>) -> Self {
        let place = |(wire, what): &(Wire, &'static str)| (*wire, Place { what, slot: rows.slot_of(*wire) });
        Self { of: rows.system().marks().chosen().iter().map(place).collect() }
    }

    /// What is bound by what is absorbed and by the statement, and why the rest is not.
    pub fn binding(&self, rows: &Rows<'_>, bounds: &Bounds, witness: &BatchWitness, z: &[Fr]) -> Binding {
        let found = bound(rows, bounds, z);
        let mut binding = Binding { wrong: found.wrong.len(), ..Binding::default() };
        for place in found.bound.iter().filter_map(|wire| self.of.get(wire)) {
            *binding.bound.entry(place.what).or_default() += 1;
        }
        for wire in found.free {
            match self.of.get(&wire).and_then(|place| reason(place, witness)) {
                Some(why) => *binding.free.entry(why).or_default() += 1,
                None => binding.unexplained.push(wire),
            }
        }
        binding
    }
}

/// Why a wire need not be bound, if there is a reason.
fn reason(place: &Place, witness: &BatchWitness) -> Option<&'static str> {
    let slot = witness.slots.get(place.slot?)?;
    let tx = match slot {
        SlotWitness::Pair(pair) => &pair.tx,
        SlotWitness::Single(single) => &single.tx,
    };
    match (place.what, tx) {
        ("signature", _) => Some("signature: any one of the key on the message serves, and none is needed of a deposit"),
        ("message" | "whether a bundle goes on", _) => {
            Some("message: what the key signs, the transaction's digest or that of its bundle's end")
        }
        ("expiry", _) => Some("expiry: signed, and only refuses"),
        ("token" | "amount" | "key" | "limit" | "amount or limit" | "outpoint", None) => {
            Some("padding: what it names is not published, and nothing is moved")
        }
        ("limit", Some(Transaction::AddLiquidity { .. } | Transaction::RemoveLiquidity { .. }))
        | ("amount or limit", Some(Transaction::Swap { .. } | Transaction::RemoveLiquidity { .. })) => {
            Some("limit: signed, and only refuses")
        }
        ("outpoint", Some(tx)) if tx.queue_item().is_none() => Some("outpoint: nothing is taken from the queue"),
        _ => None,
    }
}
