//! The ranges of a circuit, each with the rows that make it.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, One, Zero};

use super::bounds::{Bounds, integer};
use super::rows::{Rows, Terms};
use crate::cs::{MOST_BITS, ONE, Range, Wire};
use ruint::aliases::U256;

/// Whether the rows are there that make a number of its bits.
pub fn stands(rows: &Rows<'_>, range: &Range) -> bool {
    if !rows.has(range.row) || !range.wires.iter().all(|wire| rows.is_boolean(*wire)) {
        return false;
    }
    if range.number.is_empty() {
        return range.wires.len() == range.bits;
    }
    // The number, less its bits but perhaps the lowest.
    let missing = range.bits.saturating_sub(range.wires.len());
    let mut wanted: BTreeMap<Wire, Fr> = range.number.iter().copied().collect();
    let mut weight = if missing == 0 { Fr::one() } else { Fr::from(2u64) };
    for wire in &range.wires {
        *wanted.entry(*wire).or_default() -= weight;
        weight.double_in_place();
    }
    wanted.retain(|_, c| !c.is_zero());
    let is_it = |terms: Terms, sign: Fr| {
        terms.len() == wanted.len() && terms.iter().all(|(w, c)| wanted.get(w) == Some(&(*c * sign)))
    };
    match missing {
        1 => rows.boolean_terms(range.row).is_some_and(|terms| is_it(terms, Fr::one())),
        0 => {
            rows.side(1, range.row) == [(ONE, Fr::one())]
                && rows.terms(2, range.row).next().is_none()
                && is_it(rows.side(0, range.row), -Fr::one())
        }
        _ => false,
    }
}

/// The least value (as a magnitude below zero) and the greatest one that an expression can have, if its wires have bounds.
pub fn interval(rows: &Rows<'_>, bounds: &Bounds, terms: &[(Wire, Fr)]) -> Option<(U256, U256)> {
    let (mut below, mut above) = (U256::ZERO, U256::ZERO);
    for (wire, c) in terms {
        let (low, high) = match bounds.most(*wire) {
            Some(most) => (U256::ZERO, most),
            None => product(rows, bounds, *wire)?,
        };
        let (plus, minus) = (integer(*c), integer(-*c));
        let (factor, down, up) = if plus <= minus { (plus, low, high) } else { (minus, high, low) };
        below = below.checked_add(down.checked_mul(factor)?)?;
        above = above.checked_add(up.checked_mul(factor)?)?;
    }
    let half = super::bounds::half();
    (below < half && above < half).then_some((below, above))
}

/// The same of a wire that is a product with something that is 0 or 1.
fn product(rows: &Rows<'_>, bounds: &Bounds, wire: Wire) -> Option<(U256, U256)> {
    rows.of(wire).find_map(|row| {
        if rows.side(2, row) != [(wire, Fr::one())] {
            return None;
        }
        let (a, b) = (rows.side(0, row), rows.side(1, row));
        let is_made = |side: &Terms| side.iter().all(|(read, _)| *read < wire);
        let is_flag = bounds.factor(rows, 1, row).is_some_and(|most| most <= U256::from(1));
        (is_made(&a) && is_made(&b) && is_flag).then(|| interval(rows, bounds, &a))?
    })
}

/// Whether a range says no more than that its number is not negative, as the number is below its end by what else is known: then one bit more changes
/// nothing.
pub fn only_refuses_negative(rows: &mut Rows<'_>, range: &Range) -> bool {
    rows.remove(range.row);
    let bounds = Bounds::new(rows);
    let found = interval(rows, &bounds, &range.number);
    rows.restore();
    range.bits < MOST_BITS - 1
        && !range.number.is_empty()
        && found.is_some_and(|(below, above)| above.bit_len() <= range.bits && below.bit_len() < MOST_BITS - 1)
}
