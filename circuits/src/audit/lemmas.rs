//! The rows of a gadget that each lemma rests on. A claim stands only where all of them are there, by number for each rule. What a lemma rests on
//! elsewhere in a batch is told by [`ground`](super::ground).

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, One};

use super::rows::{Rows, Terms};
use crate::cs::{Claim, Lemma, ONE};

/// How many rows of each rule a claim has.
pub fn census(rows: &Rows<'_>, claim: &Claim) -> BTreeMap<&'static str, usize> {
    let mut had = BTreeMap::new();
    for row in claim.rows.clone().filter(|row| rows.has(*row)) {
        *had.entry(rows.system().rule(row)).or_default() += 1;
    }
    had
}

/// How many rows of each rule a lemma rests on, for a claim of this many wires.
fn wanted(lemma: Lemma, wires: usize) -> Vec<(&'static str, usize)> {
    const KEY: &str = "a new key lies in the prime-order subgroup and is not the identity";
    const CURVE: &str = "curve arithmetic is computed correctly";
    const SLOT: (&str, usize) = ("exactly one slot is touched", 9);
    const HOLDS: (&str, usize) = ("the touched slot holds the token", 8);
    match lemma {
        Lemma::CompleteAddition
        | Lemma::Ladder
        | Lemma::Windows
        | Lemma::Checked
        | Lemma::Coordinates
        | Lemma::Unsolvable
        | Lemma::Distance => Vec::new(),
        Lemma::Challenge => vec![("the challenge is decomposed canonically", 353)],
        Lemma::Eighth => vec![(KEY, 5), (CURVE, 15)],
        Lemma::Classes => vec![(KEY, 12), (CURVE, 21)],
        Lemma::DebitSlot => vec![SLOT, HOLDS],
        Lemma::CreditSlot => vec![
            SLOT,
            HOLDS,
            ("a slot is opened only for a token that the account does not hold", 11),
            ("the opened slot is the lowest empty one", 21),
        ],
        Lemma::SpacedPair => vec![
            ("the balance beside the touched one is below 2^96", 96),
            ("the new balance is between 0 and 2^96 - 1", 96),
            ("the touched pair is the leaf's", 1),
        ],
        Lemma::FeeEntry => {
            vec![("a fee is paid in exactly one of the batch's fee tokens, and no fee in none", 3 * wires + 1)]
        }
        Lemma::Direction => vec![("the direction is 0 or 1", 3)],
        Lemma::Division => vec![
            ("the division is exact: the remainder is below the divisor", 450),
            ("reserves and supply stay below 2^96", 288),
            ("liquidity moves no more than the signed maxima, no less than the signed minima", 196),
            ("as many shares as the maxima allow are minted", 101),
            ("at least the signed minimum comes out", 98),
            ("the kind picks its operands", 19),
            ("a swap yields something, liquidity mints or yields something", 3),
            ("what divides nothing yields nothing", 2),
        ],
    }
}

/// Whether the rows of a claim are those that its lemma rests on.
pub fn stands(rows: &Rows<'_>, claim: &Claim) -> bool {
    census(rows, claim) == wanted(claim.lemma, claim.gives.len()).into_iter().collect()
}

/// Whether a row says that the expression is not zero: `expression * inverse = 1`.
pub fn is_checked(rows: &Rows<'_>, expression: &Terms) -> bool {
    let Some((wire, _)) = expression.iter().find(|(wire, _)| *wire != ONE) else { return false };
    rows.of(*wire).any(|row| rows.side(2, row) == [(ONE, Fr::one())] && rows.side(0, row) == *expression)
}

/// The power of two up to `2^252` that an element is.
pub fn log2(x: Fr) -> Option<usize> {
    static POWERS: OnceLock<HashMap<Fr, usize>> = OnceLock::new();
    let make = || {
        let mut power = Fr::one();
        (0..=252)
            .map(|i| {
                let had = (power, i);
                power.double_in_place();
                had
            })
            .collect()
    };
    POWERS.get_or_init(make).get(&x).copied()
}
