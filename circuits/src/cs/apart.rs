//! Work that is put apart when only values are wanted, and done on all cores.
//!
//! Most of a batch's wires belong to gadgets that do not wait for each other. A signature has no result: a run that computes values alone leaves room for its wires
//! and goes on; in the end all of them are done, each into its room ([`Cs::apart`]). Cells, nodes and records are many of one kind: each is done in a recorder
//! of its own, and the values are put together in order ([`Cs::side_by_side`]). Where values are wanted alone a [`Num`] is its value and no wire, so that it
//! can go from one recorder to another.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use ark_bn254::Fr;
use ark_ff::Zero;
use rayon::prelude::*;

use super::{Cs, Mode};

type Run = Box<dyn FnOnce(&mut Cs) + Send>;

/// What was put apart.
#[derive(Default)]
pub(super) struct Apart {
    /// Wires of each kind of work, which its first run told.
    wires: HashMap<&'static str, usize>,
    work: Vec<(Range<usize>, Run)>,
}

impl fmt::Debug for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apart({} pieces of work)", self.work.len())
    }
}

impl Cs {
    /// A recorder of values alone, which does what it can on all cores.
    pub(crate) fn values_apart(inputs: &[Fr]) -> Self {
        Self { apart: Some(Apart::default()), ..Self::with_inputs(Mode::Witness, inputs) }
    }

    /// A recorder of values for a piece of work, without the wires that every circuit starts with.
    fn piece() -> Self {
        let mut cs = Self::new(Mode::Witness, Fr::zero());
        cs.values.clear();
        cs
    }

    /// Runs a gadget at once, or puts it apart. Its wires must be as many for each gadget of this name, and nothing else may read them.
    pub(crate) fn apart(&mut self, name: &'static str, run: impl FnOnce(&mut Self) + Send + 'static) {
        let start = self.values.len();
        let Some(apart) = &mut self.apart else { return run(self) };
        if let Some(wires) = apart.wires.get(name) {
            let end = start + wires;
            apart.work.push((start..end, Box::new(run)));
            self.values.resize(end, Fr::zero());
        } else {
            run(self);
            let wires = self.values.len() - start;
            if let Some(apart) = &mut self.apart {
                apart.wires.insert(name, wires);
            }
        }
    }

    /// Runs a gadget for each item, which is told the item's number: in order, or on all cores.
    pub(crate) fn side_by_side<T: Sync, U: Send>(
        &mut self,
        items: &[T],
        gadget: impl Fn(&mut Self, usize, &T) -> U + Sync,
    ) -> Vec<U> {
        if self.apart.is_none() {
            return items.iter().enumerate().map(|(i, item)| gadget(self, i, item)).collect();
        }
        let done: Vec<(Vec<Fr>, U)> = items
            .par_iter()
            .enumerate()
            .map(|(i, item)| {
                let mut cs = Self::piece();
                let result = gadget(&mut cs, i, item);
                (cs.values, result)
            })
            .collect();
        let mut results = Vec::with_capacity(done.len());
        for (values, result) in done {
            self.values.extend(values);
            results.push(result);
        }
        results
    }

    /// All values, once the work that was put apart is done.
    pub(crate) fn into_values_together(self) -> Vec<Fr> {
        let Self { mut values, apart, .. } = self;
        let mut places = Vec::new();
        let (mut rest, mut taken) = (&mut values[..], 0);
        for (range, run) in apart.unwrap_or_default().work {
            let (before, after) = rest.split_at_mut(range.end - taken);
            let (_, place) = before.split_at_mut(range.start - taken);
            places.push((place, run));
            (rest, taken) = (after, range.end);
        }
        places.into_par_iter().for_each(|(place, run): (&mut [Fr], Run)| {
            let mut cs = Self::piece();
            run(&mut cs);
            place.copy_from_slice(&cs.values);
        });
        values
    }
}
