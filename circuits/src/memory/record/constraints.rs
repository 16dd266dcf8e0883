//! Fingerprints of records and their balance in the circuit: a row for each element that is not a constant, and two rows for each record or less.
//!
//! A record adds `v = m / (gamma - f)` to the sum, m its multiplicity (a boolean): `v (gamma - f) = m`. With m = 1 that has one solution, or none if f
//! is gamma. With m = 0 it says `v = 0` unless f is gamma. A second row rules out the exception: `(sum of +-v) (1 - m) = 0` over all records that share m. One such
//! row does for all of them: what counts is that a [`Group`] with m = 0 adds nothing.
//!
//! Powers of alpha stand on the B side, so that fingerprints add no more than ten wires to it.

use ark_bn254::Fr;
use ark_ff::{Zero, batch_inversion};

use crate::cs::{Cs, Lemma, Num};
use crate::memory::transcript::constraints::ChallengeVar;

/// A record counts.
pub const CONTRIBUTION: &str = "a record counts for its multiplicity over its distance from the challenge";
/// Padding counts for nothing.
pub const PADDING: &str = "records of padding count for nothing";
/// The sum is zero.
pub const BALANCE: &str = "every record that is produced is consumed, and the other way round";
const FINGERPRINT: &str = "a fingerprint runs over all elements of its record";

/// The fingerprint of a record while it is put together: `tag + alpha x_1 + alpha^2 x_2 + ...`, element by element.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    sum: Num,
    next: usize,
}

impl Fingerprint {
    /// That of a tag alone.
    pub fn of_tag(tag: u64) -> Self {
        Self { sum: Num::from(tag), next: 1 }
    }

    /// With one more element; a row, none for a constant.
    #[must_use]
    pub fn with(self, cs: &mut Cs, challenge: &ChallengeVar, element: &Num) -> Self {
        let term = challenge.times(cs, FINGERPRINT, self.next, element);
        self.with_term(&term)
    }

    /// With one more element, of which the caller has the product with the power of alpha for this place.
    #[must_use]
    pub fn with_term(self, term: &Num) -> Self {
        Self { sum: &self.sum + term, next: self.next + 1 }
    }

    /// With more elements.
    #[must_use]
    pub fn with_all<'a>(self, cs: &mut Cs, challenge: &ChallengeVar, elements: impl IntoIterator<Item = &'a Num>) -> Self {
        elements.into_iter().fold(self, |f, element| f.with(cs, challenge, element))
    }

    /// A time in its place in the records of leaves; a row, none for a constant.
    pub fn time(cs: &mut Cs, challenge: &ChallengeVar, time: &Num) -> Num {
        Self::term(cs, challenge, 2, time)
    }

    /// `alpha^power * element`, for records that share an element at the same place.
    pub fn term(cs: &mut Cs, challenge: &ChallengeVar, power: usize, element: &Num) -> Num {
        challenge.times(cs, FINGERPRINT, power, element)
    }
}

/// Records that count together: all of them or none.
#[derive(Clone, Debug)]
pub struct Group {
    /// What they belong to, for messages: a kind and a number.
    pub place: (&'static str, usize),
    /// 1 if they count, 0 if not; boolean by rows of the caller.
    pub multiplicity: Num,
    /// Fingerprints of those that are produced.
    pub produced: Vec<Fingerprint>,
    /// Fingerprints of those that are consumed.
    pub consumed: Vec<Fingerprint>,
}

/// Enforces that records are consumed as often as they are produced, but for a chance that the challenge decides.
///
/// Every wire of the groups, but for powers of alpha, has to be fixed by what the challenge was made of.
pub fn enforce_balance(cs: &mut Cs, challenge: &ChallengeVar, groups: &[Group]) {
    let sum = contributions(cs, challenge, groups);
    cs.enforce_equal(BALANCE, &sum, &Num::zero());
}

/// What the groups add to the sum: the part of one proof.
pub fn contributions(cs: &mut Cs, challenge: &ChallengeVar, groups: &[Group]) -> Num {
    let signed = |group: &Group| -> Vec<(Num, Fr)> {
        let produced = group.produced.iter().map(|f| (&f.sum, Fr::from(1u64)));
        let consumed = group.consumed.iter().map(|f| (&f.sum, -Fr::from(1u64)));
        produced.chain(consumed).map(|(f, sign)| (challenge.gamma() - f, sign)).collect()
    };
    let distances: Vec<Vec<(Num, Fr)>> = groups.iter().map(signed).collect();
    let mut inverses: Vec<Fr> = distances.iter().flatten().map(|(distance, _)| distance.value()).collect();
    batch_inversion(&mut inverses);
    let mut inverses = inverses.into_iter();
    let mut sums = Vec::with_capacity(groups.len());
    for (group, distances) in groups.iter().zip(&distances) {
        if cs.recording() {
            cs.enter(format!("{} {}", group.place.0, group.place.1));
        }
        let m = &group.multiplicity;
        let parts: Vec<(Num, Fr)> = distances
            .iter()
            .map(|(distance, sign)| {
                let v = cs.witness(inverses.next().unwrap_or_default() * m.value());
                cs.enforce(CONTRIBUTION, distance, &v, m);
                cs.divisor_is_not_zero(Lemma::Distance);
                (v, *sign)
            })
            .collect();
        let sum = Num::weighted(parts.iter().map(|(v, sign)| (v, *sign)));
        if !(m.is_constant() && (m.value() - Fr::from(1u64)).is_zero()) {
            cs.enforce(PADDING, &sum, &m.not(), &Num::zero());
        }
        sums.push(sum);
        cs.leave();
    }
    Num::sum(&sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cs::{Mode, System};
    use ark_ff::{Field, One};

    /// One group with a produced record of the tag 7 alone and a challenge of the test's own; `v` is what the record counts for, if not what it should.
    fn group(gamma: u64, m: u64, v: Option<Fr>) -> (System, Vec<Fr>) {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let [alpha, gamma, m] = [5, gamma, m].map(|x| cs.witness(Fr::from(x)));
        let challenge = ChallengeVar::of(&mut cs, &alpha, gamma);
        let at = cs.wires();
        let produced = vec![Fingerprint::of_tag(7)];
        let sum = contributions(
            &mut cs,
            &challenge,
            &[Group { place: ("record", 0), multiplicity: m, produced, consumed: Vec::new() }],
        );
        assert_eq!(sum.terms(), [(at as u32, Fr::one())]);
        let (system, mut z) = cs.into_parts();
        if let Some(v) = v {
            z[at] = v;
        }
        (system, z)
    }

    fn rules((system, z): &(System, Vec<Fr>)) -> Vec<&'static str> {
        system.violations(z, 9).into_iter().map(|v| v.rule).collect()
    }

    #[test]
    fn a_record_counts_for_nothing_else_than_its_share() {
        let half = Fr::from(2u64).inverse().unwrap();
        assert_eq!(rules(&group(9, 1, None)), [""; 0]);
        assert_eq!(group(9, 1, None).1.last(), Some(&half));
        assert_eq!(rules(&group(9, 0, None)), [""; 0]);
        assert_eq!(group(9, 0, None).1.last(), Some(&Fr::zero()));
        assert_eq!(rules(&group(9, 1, Some(half + Fr::one()))), [CONTRIBUTION]);
        assert_eq!(rules(&group(9, 1, Some(Fr::zero()))), [CONTRIBUTION]);
        assert_eq!(rules(&group(9, 0, Some(half))), [CONTRIBUTION, PADDING]);
    }

    /// Where the fingerprint is the challenge the first row leaves v free: the second one is all that holds it.
    #[test]
    fn padding_that_meets_the_challenge_counts_for_nothing() {
        assert_eq!(rules(&group(7, 0, None)), [""; 0]);
        assert_eq!(rules(&group(7, 0, Some(Fr::from(1234u64)))), [PADDING]);
        // A record that counts has no witness then.
        for v in [Fr::zero(), Fr::one()] {
            assert_eq!(rules(&group(7, 1, Some(v))), [CONTRIBUTION]);
        }
    }
}
