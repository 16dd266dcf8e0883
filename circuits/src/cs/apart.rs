//! Work that is put apart when only values are wanted: gadgets whose result is known beforehand, done side by side at the end.
//!
//! Most of a batch's wires belong to Merkle paths and signatures. A signature has no result, and a path's is the root that the next access
//! to the tree starts from, which the witness implies. So a run that computes values alone leaves room for the wires of
//! such gadgets and goes on; then all of them run on all cores, each into its room. Whoever puts work apart says whether what it
//! gave beforehand was right. A forged witness can make it wrong; then everything is done again, one after the other, so that the values
//! are always those of a run in order.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;

use ark_bn254::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

use super::{Cs, Mode, Num};

type Run = Box<dyn FnOnce(&mut Cs) -> bool + Send>;

/// What was put apart.
#[derive(Default)]
pub(super) struct Apart {
    /// Results that are known beforehand, in the order in which they are needed.
    results: VecDeque<Fr>,
    /// Wires of each kind of work, which its first run told.
    wires: HashMap<(&'static str, usize), usize>,
    work: Vec<(Range<usize>, Run)>,
    /// Whether a result was wrong.
    wrong: bool,
}

impl fmt::Debug for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apart({} pieces of work)", self.work.len())
    }
}

impl Cs {
    /// A recorder of values alone, which is told results beforehand.
    pub(crate) fn values_apart(public: Fr, results: impl IntoIterator<Item = Fr>) -> Self {
        let apart = Apart { results: results.into_iter().collect(), ..Apart::default() };
        Self { apart: Some(apart), ..Self::new(Mode::Witness, public) }
    }

    /// The next result that is known beforehand; `None` where work is done in order.
    pub(crate) fn known_result(&mut self) -> Option<Num> {
        let apart = self.apart.as_mut()?;
        match apart.results.pop_front() {
            Some(value) => Some(Num::wire(0, value, false)),
            None => {
                apart.wrong = true;
                Some(Num::wire(0, Fr::zero(), false))
            }
        }
    }

    /// Runs a gadget at once, or puts it apart. Its wires must be as many for each gadget of this name and size, and nothing else may read
    /// them. It returns whether what was known beforehand was right.
    pub(crate) fn apart(&mut self, name: &'static str, size: usize, run: impl FnOnce(&mut Self) -> bool + Send + 'static) {
        let start = self.values.len();
        let Some(apart) = &mut self.apart else {
            run(self);
            return;
        };
        if let Some(wires) = apart.wires.get(&(name, size)) {
            let end = start + wires;
            apart.work.push((start..end, Box::new(run)));
            self.values.resize(end, Fr::zero());
        } else {
            let right = run(self);
            let end = self.values.len();
            if let Some(apart) = &mut self.apart {
                apart.wires.insert((name, size), end - start);
                apart.wrong |= !right;
            }
        }
    }

    /// All values, once the work that was put apart is done; `None` if a result was not what it was said to be.
    pub(crate) fn into_values_together(self) -> Option<Vec<Fr>> {
        let Self { mut values, apart, .. } = self;
        let Some(Apart { work, wrong, .. }) = apart else { return Some(values) };
        if wrong {
            return None;
        }
        let mut places = Vec::with_capacity(work.len());
        let (mut rest, mut taken) = (&mut values[..], 0);
        for (range, run) in work {
            let (before, after) = rest.split_at_mut(range.end - taken);
            let (_, place) = before.split_at_mut(range.start - taken);
            places.push((place, run));
            (rest, taken) = (after, range.end);
        }
        let right = places.into_par_iter().all(|(place, run): (&mut [Fr], Run)| {
            let mut cs = Self::new(Mode::Witness, Fr::zero());
            cs.values.clear();
            let right = run(&mut cs);
            right && cs.values.len() == place.len() && {
                place.copy_from_slice(&cs.values);
                true
            }
        });
        right.then_some(values)
    }
}
