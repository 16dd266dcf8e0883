//! Lies that take more than one wire: signatures over a point that is not the one that the equation yields, made by the key's owner, and fees where none is due.

use ark_bn254::Fr;
use ark_ff::{BigInteger, One, PrimeField};

use super::discrete::Lies;
use super::rows::Rows;
use crate::cs::{Claim, Lemma, ONE, Wire};
use crate::signature::challenge;
use crate::signature::constraints::challenge_shift;
use crate::signature::curve::Point;
use crate::testing::{public, secret};

/// The rule that compares both points.
pub const RULE: &str = "the signature verifies";
/// The seeds of the keys of audited batches.
const SEEDS: [u64; 6] = [0, 1, 2, 3, 98, 99];

/// For a row that compares a signature's point, signatures whose point is another one in one coordinate.
pub fn signatures(rows: &Rows<'_>, z: &[Fr], row: usize) -> Vec<Lies> {
    if rows.system().rule(row) != RULE {
        return Vec::new();
    }
    let marks = rows.system().marks();
    let read: Vec<Wire> = [0, 1, 2].into_iter().flat_map(|side| rows.terms(side, row)).map(|(wire, _)| wire).collect();
    // The hash of the point, the key and the message.
    let at = |terms: &[(Wire, Fr)]| -> Fr { terms.iter().map(|(wire, c)| *c * z[*wire as usize]).sum() };
    let hash = marks.hashes().iter().find_map(|hash| match &hash.inputs[..] {
        [x, y, key_x, key_y, message] => match (&x[..], &y[..]) {
            ([(x, _)], [(y, _)]) if read.contains(x) || read.contains(y) => {
                Some((*x, *y, Point::new_unchecked(at(key_x), at(key_y)), at(message)))
            }
            _ => None,
        },
        _ => None,
    });
    let Some((x, y, key, message)) = hash else { return Vec::new() };
    let Some(seed) = SEEDS.into_iter().find(|seed| public(*seed).point() == key) else { return Vec::new() };
    // After the point the witness gives 84 windows of S, each two bits of a magnitude and a sign.
    let digits: Vec<Wire> =
        marks.chosen().iter().map(|(wire, _)| *wire).skip_while(|wire| *wire <= x.max(y)).take(252).collect();
    let bits = marks.claims().iter().find(|claim| claim.lemma == Lemma::Challenge && claim.gives.iter().all(|bit| *bit > y));
    let mut all = Vec::new();
    for (dx, dy) in [(Fr::one(), Fr::from(0u64)), (Fr::from(0u64), Fr::one())] {
        let shown = |r8: Point| Point::new_unchecked(r8.x + dx, r8.y + dy);
        let Ok(signature) = secret(seed).sign_as(message, shown) else { continue };
        let mut lies: Lies = vec![(x, signature.r8.x), (y, signature.r8.y)];
        for (i, digit) in digits.chunks_exact(3).enumerate() {
            let w = (0..3).fold(0u8, |w, b| w | u8::from(signature.s.get_bit(3 * i + b)) << b);
            let magnitude = if w >= 4 { w - 4 } else { 3 - w };
            let values = [magnitude & 1, magnitude >> 1, u8::from(w >= 4)];
            lies.extend(digit.iter().copied().zip(values.map(Fr::from)));
        }
        // The challenge is another one as well.
        let mut shifted = challenge(&signature.r8, &key, message).into_bigint();
        shifted.add_with_carry(&challenge_shift());
        let bits = bits.map_or(&[][..], |claim| &claim.gives).iter();
        lies.extend(bits.enumerate().map(|(i, bit)| (*bit, Fr::from(shifted.get_bit(i)))));
        all.push(lies);
    }
    all
}

/// For a row that lets none but signed transactions pay fees, a fee of 1 that is taken from whatever the slot's account holds of a token in which the batch has fees.
pub fn fees(rows: &Rows<'_>, row: usize, z: &[Fr]) -> Vec<Lies> {
    const RULE: &str = "only signed transactions pay fees";
    let claims = rows.system().marks().claims();
    let amount = rows.terms(1, row).next().filter(|_| rows.system().rule(row) == RULE).map(|(wire, _)| wire);
    let Some(amount) = amount else { return Vec::new() };
    let after = |lemma: Lemma, skip: usize| {
        let is_later = |claim: &&Claim| claim.lemma == lemma && claim.gives.iter().all(|wire| *wire > amount);
        let mut later: Vec<&Claim> = claims.iter().filter(is_later).collect();
        later.sort_by_key(|claim| claim.rows.start);
        later.get(skip).copied()
    };
    // The slot's first debit is the transaction's, the second the fee's.
    let (Some(entries), Some(debit)) = (after(Lemma::FeeEntry, 0), after(Lemma::DebitSlot, 1)) else { return Vec::new() };
    let mut all = Vec::new();
    for hit in &entries.gives {
        // (entry - token) * hit = 0
        let pair = rows.of(*hit).find_map(|row| match rows.side(0, row)[..] {
            [(entry, _), (token, _)] if entry != ONE => Some((entry, token)),
            _ => None,
        });
        let Some((entry, token)) = pair else { continue };
        for slot in &debit.gives {
            let one = Fr::one();
            all.push(vec![(amount, one), (token, z[entry as usize]), (*hit, one), (*slot, one)]);
        }
    }
    all
}
