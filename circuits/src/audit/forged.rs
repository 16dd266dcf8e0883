//! Lies that take more than one wire: signatures over a point that is not the one that the equation yields, made by the key's owner, and states in which a leaf
//! holds something else.

use ark_bn254::Fr;
use ark_ff::{BigInteger, One, PrimeField};

use super::discrete::Lies;
use super::follow::{HASH, ROOTS};
use super::rows::Rows;
use crate::cs::{Claim, Hash, Lemma, ONE, Wire};
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

/// Lies about what a leaf of the state holds, where the row reads it: the leaf's path is that of the other leaf, and the rows that tie it to the root that the batch
/// has so far say no more than that the batch starts from another state.
pub fn leaves(rows: &Rows<'_>, z: &[Fr], row: usize, levers: &[Wire]) -> Vec<(Lies, Vec<usize>)> {
    let marks = rows.system().marks();
    let name = |wire: Wire| marks.chosen().binary_search_by_key(&wire, |(chosen, _)| *chosen).map(|i| marks.chosen()[i].1);
    let is_leaf = |wire: &&Wire| matches!(name(**wire), Ok("account" | "pool"));
    // Where the hash of the leaf itself is in question there is nothing to forge.
    if rows.system().rule(row) == HASH {
        return Vec::new();
    }
    levers.iter().filter(is_leaf).filter_map(|wire| leaf(rows, z, *wire, z[*wire as usize] + Fr::one())).collect()
}

fn leaf(rows: &Rows<'_>, z: &[Fr], wire: Wire, value: Fr) -> Option<(Lies, Vec<usize>)> {
    let system = rows.system();
    let hashes = system.marks().hashes();
    let mut lies: Lies = vec![(wire, value)];
    // A leaf of an account has eight elements, one of a pool four; what else reads the wire has others.
    let is_of =
        |hash: &Hash| matches!(hash.inputs.len(), 4 | 8) && hash.inputs.iter().flatten().any(|(read, _)| *read == wire);
    let first = hashes.iter().position(is_of)?;
    let hash = |inputs: &[Vec<(Wire, Fr)>], lies: &Lies| {
        let at = |wire: Wire| lies.iter().find(|(lie, _)| *lie == wire).map_or(z[wire as usize], |(_, value)| *value);
        let values: Vec<Fr> = inputs.iter().map(|terms| terms.iter().map(|(wire, c)| *c * at(*wire)).sum()).collect();
        tapstone_verifier::poseidon::hash(&values)
    };
    let (mut honest, mut child) = (hashes[first].output, hash(&hashes[first].inputs, &lies));
    // The leaf before and after, then each node before and after.
    for node in hashes.get(first + 2..)?.iter().step_by(2) {
        let Some(sibling) = position(rows, z, node.output).and_then(|at| node.inputs.get(at)) else { break };
        let [(sibling, _)] = sibling[..] else { break };
        if z[sibling as usize] != z[honest as usize] {
            break;
        }
        lies.push((sibling, child));
        child = hash(&node.inputs, &lies);
        honest = node.output;
    }
    let roots: Vec<usize> = rows.of(honest).filter(|row| ROOTS.contains(&system.rule(*row))).collect();
    (!roots.is_empty()).then_some((lies, roots))
}

/// The child that a node's update changes: its bits are multiplied with each other right after the node's hash.
fn position(rows: &Rows<'_>, z: &[Fr], node: Wire) -> Option<usize> {
    let system = rows.system();
    let last = rows.of(node).filter(|row| system.rule(*row) == HASH).min()?;
    let after = (last..rows.len()).find(|row| system.rule(*row) != HASH)?;
    let bit = |side: usize, row: usize| {
        let (wire, _) = (row < rows.len()).then(|| rows.terms(side, row).next()).flatten()?;
        Some(usize::from(z[wire as usize].is_one()))
    };
    Some(bit(0, after)? + 2 * bit(1, after)? + 4 * bit(1, after + 1)?)
}
