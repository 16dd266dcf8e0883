//! [`Record`]: a tuple of elements with a tag, and the balance of what is produced and consumed (MEMORY.md, section 2).

pub mod constraints;

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};
use thiserror::Error;

use super::cell::PoolContents;
use super::transcript::Challenge;

/// Tags of records: the element in front.
pub mod tag {
    /// An account's leaf at a time.
    pub const ACCOUNT: u64 = 1;
    /// A pool's leaf at a time.
    pub const POOL: u64 = 2;
    /// A node or leaf before and after the batch.
    pub const NODE: u64 = 3;
}

/// Elements of the longest record, that of an account, less the tag: the highest power of alpha.
pub const LONGEST: usize = 10;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record(Vec<Fr>);

impl Record {
    fn new(tag: u64, elements: impl IntoIterator<Item = Fr>) -> Self {
        Self([Fr::from(tag)].into_iter().chain(elements).collect())
    }

    /// An account's leaf, by its eight elements, as it is from a time on.
    pub fn account(index: Fr, time: Fr, contents: &[Fr; 8]) -> Self {
        Self::new(tag::ACCOUNT, [index, time].into_iter().chain(*contents))
    }

    /// A pool's leaf as it is from a time on.
    pub fn pool(index: Fr, time: Fr, contents: &PoolContents) -> Self {
        Self::new(tag::POOL, [index, time].into_iter().chain(contents.elements()))
    }

    /// A node or leaf: its hashes before and after the batch.
    pub fn node(id: Fr, before: Fr, after: Fr) -> Self {
        Self::new(tag::NODE, [id, before, after])
    }

    /// The tag and the elements after it.
    pub fn elements(&self) -> &[Fr] {
        &self.0
    }

    /// `sum of alpha^i x_i`, the tag being `x_0`.
    pub fn fingerprint(&self, alpha: Fr) -> Fr {
        self.0.iter().rev().fold(Fr::zero(), |sum, x| sum * alpha + x)
    }
}

/// A record that is not produced as often as it is consumed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("record {record:?} is produced {surplus} times more often than it is consumed, needed 0")]
#[non_exhaustive]
pub struct Unbalanced {
    /// The record.
    pub record: Record,
    /// How much more often it is produced; negative where it is consumed more often.
    pub surplus: i64,
}

/// Whether two multisets of records are equal, without a challenge.
///
/// # Errors
/// [`Unbalanced`] has the first record, in the order given, that stands in one of them more often.
pub fn balance<'a>(
    produced: impl IntoIterator<Item = &'a Record>,
    consumed: impl IntoIterator<Item = &'a Record>,
) -> Result<(), Unbalanced> {
    let mut counts: HashMap<&Record, i64> = HashMap::new();
    let mut order = Vec::new();
    for (record, one) in produced.into_iter().map(|r| (r, 1)).chain(consumed.into_iter().map(|r| (r, -1))) {
        order.push(record);
        *counts.entry(record).or_default() += one;
    }
    let odd = order.into_iter().find_map(|record| counts.get(record).filter(|n| **n != 0).map(|n| (record, *n)));
    odd.map_or(Ok(()), |(record, surplus)| Err(Unbalanced { record: record.clone(), surplus }))
}

/// The sum of `1 / (gamma - f)` over produced records less that over consumed ones; `None` if a fingerprint is gamma.
pub fn sum<'a>(
    challenge: &Challenge,
    produced: impl IntoIterator<Item = &'a Record>,
    consumed: impl IntoIterator<Item = &'a Record>,
) -> Option<Fr> {
    let one = Fr::one();
    let all = produced.into_iter().map(|r| (r, one)).chain(consumed.into_iter().map(|r| (r, -one)));
    all.map(|(record, sign)| Some((challenge.gamma - record.fingerprint(challenge.alpha)).inverse()? * sign)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: u64) -> Record {
        Record::node(Fr::from(id), Fr::from(8u64), Fr::from(9u64))
    }

    #[test]
    fn a_fingerprint_is_the_text() {
        let alpha = Fr::from(10u64);
        assert_eq!(node(7).fingerprint(alpha), Fr::from(3 + 70 + 800 + 9000u64));
        let contents: [Fr; 8] = std::array::from_fn(|i| Fr::from(i as u64 + 1));
        let account = Record::account(Fr::from(4u64), Fr::from(5u64), &contents);
        assert_eq!(account.fingerprint(alpha), Fr::from(87_654_321_541u64));
        assert_eq!(account.elements().len(), LONGEST + 1);
        let [tokens, reserve0, reserve1, supply] = [6u64, 7, 8, 9].map(Fr::from);
        let pool = Record::pool(Fr::from(4u64), Fr::from(5u64), &PoolContents { tokens, reserve0, reserve1, supply });
        assert_eq!(pool.fingerprint(alpha), Fr::from(9_876_542u64));
    }

    #[test]
    fn multisets_are_compared_with_multiplicities() {
        let challenge = Challenge { alpha: Fr::from(77u64), gamma: Fr::from(12345u64) };
        type Case = (&'static [u64], &'static [u64], Option<(u64, i64)>);
        let cases: [Case; 5] = [
            (&[], &[], None),
            (&[1, 2, 1], &[1, 1, 2], None),
            (&[1, 2, 1], &[1, 2], Some((1, 1))),
            (&[1], &[1, 2, 2], Some((2, -2))),
            (&[1, 1], &[2, 2], Some((1, 2))),
        ];
        for (produced, consumed, odd) in cases {
            let (produced, consumed): (Vec<Record>, Vec<Record>) =
                (produced.iter().map(|id| node(*id)).collect(), consumed.iter().map(|id| node(*id)).collect());
            let had = balance(&produced, &consumed);
            assert_eq!(had.err(), odd.map(|(id, surplus)| Unbalanced { record: node(id), surplus }));
            assert_eq!(sum(&challenge, &produced, &consumed).unwrap().is_zero(), odd.is_none());
        }
        let met = Challenge { gamma: node(1).fingerprint(challenge.alpha), ..challenge };
        assert_eq!(sum(&met, &[node(1)], &[]), None);
    }
}
