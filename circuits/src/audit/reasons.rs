//! Why chosen wires that the public input does not bind may have several values.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::One;

use super::binding::bound;
use super::bounds::Bounds;
use super::rows::Rows;
use super::worlds::Audited;
use crate::circuit::fees::FEE_PLACE;
use crate::circuit::pools::POOL_PLACE;
use crate::cs::Wire;
use crate::shape::Shape;
use crate::transaction::Transaction;
use crate::witness::{BatchWitness, SlotWitness};

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
    /// The entry of the batch's list of pools or fee tokens that it belongs to.
    entry: Option<(&'static str, usize)>,
}

/// The chosen wires of a shape's circuit.
#[derive(Debug)]
pub struct Places {
    of: BTreeMap<Wire, Place>,
    lists: [(&'static str, usize); 2],
}

impl Places {
    /// Reads them from marks and regions, with all rows there.
    pub fn new(rows: &Rows<'_>, shape: &Shape) -> Self {
        let mut of = BTreeMap::new();
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        let levels = usize::from(shape.pool_depth);
        for (wire, what) in rows.system().marks().chosen() {
            let region = rows.of(*wire).next().map_or("", |row| rows.system().region(row));
            let slot = region.strip_prefix("slot ").and_then(|rest| rest.split(' ').next()?.parse().ok());
            // Entries stand one after another.
            let each = match *what {
                "pool" => Some((POOL_PLACE, 6)),
                "pool index" => Some((POOL_PLACE, 3 * levels)),
                "sibling" if region.ends_with("pools") => Some((POOL_PLACE, 8 * levels)),
                "fee token of the batch" => Some((FEE_PLACE, 1)),
                _ => None,
            };
            let entry = each.map(|(list, each)| {
                let count = counts.entry(*what).or_default();
                *count += 1;
                (list, (*count - 1) / each)
            });
            of.insert(*wire, Place { what, slot, entry });
        }
        Self { of, lists: [(POOL_PLACE, shape.pools), (FEE_PLACE, shape.fee_tokens)] }
    }

    /// What is bound in a batch, and why the rest is not.
    pub fn binding(&self, rows: &Rows<'_>, bounds: &Bounds, batch: &Audited) -> Binding {
        let found = bound(rows, bounds, &batch.z);
        let mut binding = Binding { wrong: found.wrong.len(), ..Binding::default() };
        for place in found.bound.iter().filter_map(|wire| self.of.get(wire)) {
            match reason(place, &batch.witness, &[]) {
                // Its place was given.
                Some(why) if place.what == "reason of a refund" => *binding.free.entry(why).or_default() += 1,
                _ => *binding.bound.entry(place.what).or_default() += 1,
            }
        }
        let used = self.used(rows, &batch.z);
        for wire in found.free {
            match self.of.get(&wire).and_then(|place| reason(place, &batch.witness, &used)) {
                Some(why) => *binding.free.entry(why).or_default() += 1,
                None => binding.unexplained.push(wire),
            }
        }
        binding
    }

    /// The entries of lists that slots use.
    fn used(&self, rows: &Rows<'_>, z: &[Fr]) -> Vec<(&'static str, usize)> {
        let mut used = Vec::new();
        for (list, length) in self.lists {
            let hits = rows.system().marks().places().iter().filter(|place| place.what == list);
            for (i, place) in hits.enumerate() {
                let hit: Fr = place.terms.iter().map(|(wire, c)| *c * z[*wire as usize]).sum();
                if hit.is_one() && length > 0 {
                    used.push((list, i % length));
                }
            }
        }
        used
    }
}

/// Why a wire need not be bound, if there is a reason.
fn reason(place: &Place, witness: &BatchWitness, used: &[(&'static str, usize)]) -> Option<&'static str> {
    if let Some(entry) = &place.entry {
        return (!used.contains(entry)).then_some(
            "an entry of the batch's lists that no slot uses: a leaf is read and written back, no fee is credited",
        );
    }
    let slot = witness.slots.get(place.slot?)?;
    let (tx, refund) = match slot {
        SlotWitness::Pair(pair) => (&pair.tx, None),
        SlotWitness::Single(single) => (&single.tx, single.refund),
    };
    let Some(tx) = tx else {
        return Some("padding: leaves are read and written back, and nothing else happens");
    };
    match (place.what, tx) {
        ("signature", _) => Some("signature: any one of the key on the message serves, and none is needed of a deposit"),
        ("message" | "whether a bundle goes on", _) => {
            Some("message: what the key signs, the transaction's digest or that of its bundle's end")
        }
        ("expiry", _) => Some("expiry: signed, and only refuses"),
        ("limit", Transaction::AddLiquidity { .. } | Transaction::RemoveLiquidity { .. })
        | ("amount or limit", Transaction::Swap { .. } | Transaction::RemoveLiquidity { .. }) => {
            Some("limit: signed, and only refuses")
        }
        ("outpoint", _) if tx.queue_item().is_none() => Some("outpoint: nothing is taken from the queue"),
        ("reason of a refund", _) if refund.is_some() => {
            Some("reason of a refund: one of those that are proven, and all leave the leaf as it is")
        }
        ("account" | "sibling" | "account index", Transaction::DepositNew { .. }) if refund.is_some() => {
            Some("refund without an account: some leaf is read and written back")
        }
        _ => None,
    }
}
