//! For every rule of the circuit a witness that breaks this rule and no other, made by lies that all else follows.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::discrete::{Lies, Search};
use super::forged;
use super::rows::Rows;
use super::worlds::Audited;
use crate::circuit::bits;
use crate::cs::{MOST_BITS, Wire};
use crate::field::two_to_the;

/// A witness that breaks one rule.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The batch that it was made from.
    pub batch: &'static str,
    /// The lies.
    pub lies: Lies,
    /// The rows that do not hold.
    pub rows: Vec<usize>,
}

/// The rows of each rule, in order.
pub fn rules(rows: &Rows<'_>) -> BTreeMap<&'static str, Vec<usize>> {
    let mut rules: BTreeMap<&'static str, Vec<usize>> = BTreeMap::new();
    for row in 0..rows.len() {
        rules.entry(rows.system().rule(row)).or_default().push(row);
    }
    rules
}

/// The values to try instead of a wire's.
pub fn values(rows: &Rows<'_>, wire: Wire, value: Fr) -> Vec<Fr> {
    if rows.is_boolean(wire) {
        return vec![Fr::one() - value, Fr::from(2u64)];
    }
    let mut values = vec![value + Fr::one(), value - Fr::one(), Fr::zero(), Fr::one(), -value];
    let ends = [bits::CHAIN, bits::BATCH, bits::NONCE, bits::AMOUNT, bits::LIMB, MOST_BITS];
    values.extend(ends.map(two_to_the));
    values.retain(|other| *other != value);
    values
}

/// The wires that a row reads, the newest ones of those that the witness chooses and of the others: sums of bits are moved by any one of them. Then
/// the chosen ones that the others are made of.
fn levers(rows: &Rows<'_>, row: usize) -> Vec<Wire> {
    let mut wires: Vec<Wire> = (0..3).flat_map(|side| rows.terms(side, row)).map(|(wire, _)| wire).collect();
    wires.retain(|wire| *wire as usize >= rows.system().instance);
    wires.sort_unstable_by_key(|wire| std::cmp::Reverse(*wire));
    wires.dedup();
    let (mut chosen, mut computed): (Vec<Wire>, Vec<Wire>) = wires.into_iter().partition(|wire| rows.is_chosen(*wire));
    chosen.truncate(8);
    computed.truncate(12);
    // What makes a wire is the first row that reads it.
    let makers = computed.iter().filter_map(|wire| rows.of(*wire).next());
    let read = makers.flat_map(|maker| (0..3).flat_map(move |side| rows.terms(side, maker))).map(|(wire, _)| wire);
    let mut behind: Vec<Wire> = Vec::new();
    for wire in read.filter(|wire| *wire as usize >= rows.system().instance && rows.is_chosen(*wire)) {
        if behind.len() < 6 && !chosen.contains(&wire) && !behind.contains(&wire) {
            behind.push(wire);
        }
    }
    chosen.append(&mut computed);
    chosen.append(&mut behind);
    chosen
}

/// Looks for a witness that breaks the rows that `is_wanted` names and no other, from lies about what `row` reads.
pub fn breach(
    search: &Search<'_, '_>,
    batch: &mut Audited,
    row: usize,
    is_wanted: impl Fn(usize) -> bool,
) -> Option<Breach> {
    let rows = search.rows();
    let levers = levers(rows, row);
    let single = levers
        .iter()
        .copied()
        .flat_map(|wire| values(rows, wire, batch.z[wire as usize]).into_iter().map(move |value| vec![(wire, value)]));
    let single: Vec<Lies> = single.collect();
    let forged = forged::signatures(rows, &batch.z, row).into_iter().chain(forged::fees(rows, row, &batch.z));
    let plain: Vec<Lies> = single.into_iter().chain(search.others_at(&batch.z, row)).chain(forged).collect();
    plain.into_iter().find_map(|lies| {
        let outcome = search.plan().tamper(rows, &mut batch.z, &lies, usize::MAX, |row| !is_wanted(row));
        let only = !outcome.violated.is_empty() && outcome.violated.iter().all(|row| is_wanted(*row));
        only.then_some(Breach { batch: batch.name, lies, rows: outcome.violated })
    })
}

/// Looks for a breach of each rule, and tells which have none.
pub fn breaches(
    searcher: &Search<'_, '_>,
    batches: &mut [Audited],
    mut go_on: impl FnMut() -> bool,
) -> BTreeMap<&'static str, Option<Breach>> {
    let rows = searcher.rows();
    let system = rows.system();
    let search = |(rule, of_rule): (&'static str, Vec<usize>)| {
        // A few rows of each rule from both ends and between: the first are often bits.
        let step = of_rule.len().div_ceil(24).max(1);
        let sample = of_rule.iter().rev().step_by(step).chain(of_rule.first());
        let found = sample.copied().find_map(|row| {
            batches.iter_mut().find_map(|batch| {
                if !go_on() {
                    return None;
                }
                breach(searcher, batch, row, |row| system.rule(row) == rule)
            })
        });
        (rule, found)
    };
    rules(rows).into_iter().map(search).collect()
}
