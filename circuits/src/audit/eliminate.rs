//! Elimination of linear equations as they come, kept sparse by the order that gadgets write rows in: almost every equation has one
//! unknown that no equation before it has. Only a full round of the hash leaves a few equations open at once.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use crate::cs::Wire;

/// Equations without right-hand sides: all that matters is which unknowns they fix.
#[derive(Debug)]
pub struct Eliminator {
    known: Vec<bool>,
    /// By pivot: what the pivot is in terms of wires that are neither known nor pivots.
    open: BTreeMap<Wire, BTreeMap<Wire, Fr>>,
    /// The pivots of the equations that read a wire.
    readers: BTreeMap<Wire, Vec<Wire>>,
    news: Vec<Wire>,
}

impl Eliminator {
    /// An eliminator over this many wires, all unknown.
    pub fn new(wires: usize) -> Self {
        Self { known: vec![false; wires], open: BTreeMap::new(), readers: BTreeMap::new(), news: Vec::new() }
    }

    /// Whether a wire is known.
    pub fn knows(&self, wire: Wire) -> bool {
        self.known[wire as usize]
    }

    /// Wires that became known since the last call.
    pub fn take_news(&mut self) -> Vec<Wire> {
        std::mem::take(&mut self.news)
    }

    /// Puts news back for a later call of [`Eliminator::take_news`].
    pub fn put_news(&mut self, news: impl IntoIterator<Item = Wire>) {
        self.news.extend(news);
    }

    /// Says that a wire is known.
    pub fn learn(&mut self, wire: Wire) {
        let mut queue = vec![wire];
        while let Some(wire) = queue.pop() {
            if std::mem::replace(&mut self.known[wire as usize], true) {
                continue;
            }
            self.news.push(wire);
            if let Some(terms) = self.open.remove(&wire) {
                // The pivot itself became known by other means: what it was made of is an equation again.
                self.push(terms.into_iter().collect());
            }
            for pivot in self.readers.remove(&wire).unwrap_or_default() {
                if let Some(terms) = self.open.get_mut(&pivot) {
                    terms.remove(&wire);
                    if terms.is_empty() {
                        self.open.remove(&pivot);
                        queue.push(pivot);
                    }
                }
            }
        }
    }

    /// Takes an equation `sum c_i w_i = something known`.
    pub fn push(&mut self, equation: Vec<(Wire, Fr)>) {
        let mut terms: BTreeMap<Wire, Fr> = BTreeMap::new();
        let mut add = |wire: Wire, c: Fr| {
            *terms.entry(wire).or_default() += c;
        };
        for (wire, c) in equation {
            if self.known[wire as usize] {
                continue;
            }
            match self.open.get(&wire) {
                // pivot = -(sum of its terms).
                Some(made_of) => made_of.iter().for_each(|(w, k)| add(*w, -c * k)),
                None => add(wire, c),
            }
        }
        terms.retain(|_, c| !c.is_zero());
        let Some((pivot, c)) = terms.pop_last() else { return };
        if terms.is_empty() {
            self.learn(pivot);
            return;
        }
        let Some(scale) = c.inverse() else { return };
        terms.values_mut().for_each(|c| *c *= scale);
        // The pivot leaves the equations that read it.
        let mut emptied = Vec::new();
        for reader in self.readers.remove(&pivot).unwrap_or_default() {
            let Some(of_reader) = self.open.get_mut(&reader) else { continue };
            let Some(k) = of_reader.remove(&pivot) else { continue };
            for (wire, c) in &terms {
                let entry = of_reader.entry(*wire).or_default();
                *entry -= k * c;
                if entry.is_zero() {
                    of_reader.remove(wire);
                } else {
                    self.readers.entry(*wire).or_default().push(reader);
                }
            }
            if of_reader.is_empty() {
                emptied.push(reader);
            }
        }
        for wire in terms.keys() {
            self.readers.entry(*wire).or_default().push(pivot);
        }
        self.open.insert(pivot, terms);
        for pivot in emptied {
            self.open.remove(&pivot);
            self.learn(pivot);
        }
    }

    /// What the equations so far leave open of an expression: nothing if they give it one value.
    pub fn rest(&self, terms: &[(Wire, Fr)]) -> BTreeMap<Wire, Fr> {
        let mut rest: BTreeMap<Wire, Fr> = BTreeMap::new();
        for (wire, c) in terms.iter().filter(|(wire, _)| !self.knows(*wire)) {
            match self.open.get(wire) {
                Some(made_of) => made_of.iter().for_each(|(w, k)| *rest.entry(*w).or_default() -= *c * k),
                None => *rest.entry(*wire).or_default() += c,
            }
        }
        rest.retain(|_, c| !c.is_zero());
        rest
    }

    /// Whether the equations so far give the expression one value.
    pub fn is_known(&self, terms: &[(Wire, Fr)]) -> bool {
        self.rest(terms).is_empty()
    }

    /// What an open equation says of a wire: empty if none does.
    pub fn open_terms(&self, wire: Wire) -> Vec<Wire> {
        self.open.get(&wire).map(|terms| terms.keys().copied().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::SplitMix;

    /// The rank by dense elimination, and which unknowns are fixed.
    fn dense(mut rows: Vec<Vec<Fr>>, n: usize) -> Vec<bool> {
        let mut pivots = Vec::new();
        let mut at = 0;
        for column in 0..n {
            let Some(found) = (at..rows.len()).find(|i| !rows[*i][column].is_zero()) else { continue };
            rows.swap(at, found);
            let scale = rows[at][column].inverse().unwrap_or_default();
            rows[at].iter_mut().for_each(|x| *x *= scale);
            let pivot = rows[at].clone();
            for (i, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != at) {
                let factor = row[column];
                row.iter_mut().zip(&pivot).for_each(|(x, p)| *x -= factor * p);
                assert!(i != at);
            }
            pivots.push((at, column));
            at += 1;
        }
        let mut fixed = vec![false; n];
        for (row, column) in pivots {
            fixed[column] = (0..n).all(|j| j == column || rows[row][j].is_zero());
        }
        fixed
    }

    #[test]
    fn agrees_with_dense_elimination() {
        let mut rng = SplitMix::new(1);
        for _ in 0..400 {
            let n = 1 + rng.below(7) as usize;
            let rows: Vec<Vec<Fr>> = (0..rng.below(9))
                .map(|_| (0..n).map(|_| if rng.below(3) == 0 { Fr::from(rng.below(5)) } else { Fr::zero() }).collect())
                .collect();
            let mut eliminator = Eliminator::new(n);
            for row in &rows {
                eliminator.push(row.iter().enumerate().map(|(w, c)| (w as Wire, *c)).collect());
            }
            let had: Vec<bool> = (0..n).map(|w| eliminator.knows(w as Wire)).collect();
            assert_eq!(had, dense(rows, n));
        }
    }
}
