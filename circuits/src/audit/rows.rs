//! [`Rows`]: the rows of a system, each with the wires that it reads, and perhaps one row less: what the other parts of the audit work on.

use std::collections::HashSet;

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use crate::cs::{ONE, System, Wire};

/// One side of a row, without the terms that the caller knows.
pub type Terms = Vec<(Wire, Fr)>;

/// The rows of a system with an index from wires to rows. Rows can be taken out, as if the gadget had forgotten them.
#[derive(Debug)]
pub struct Rows<'a> {
    system: &'a System,
    /// Rows of each wire: `rows[starts[w]..starts[w + 1]]`.
    starts: Vec<u32>,
    rows: Vec<u32>,
    boolean_rows: Vec<(Wire, u32)>,
    removed: HashSet<usize>,
    chosen: Vec<bool>,
}

impl<'a> Rows<'a> {
    /// Indexes a system.
    pub fn new(system: &'a System) -> Self {
        let matrices = &system.matrices;
        let mut counts = vec![0u32; system.wires + 1];
        let mut last = vec![u32::MAX; system.wires];
        let mut visit = |f: &mut dyn FnMut(Wire, u32)| {
            last.fill(u32::MAX);
            for row in 0..matrices.rows() {
                for side in 0..3 {
                    for (wire, _) in matrices.terms(side, row) {
                        if last[wire as usize] != row as u32 {
                            last[wire as usize] = row as u32;
                            f(wire, row as u32);
                        }
                    }
                }
            }
        };
        visit(&mut |wire, _| counts[wire as usize + 1] += 1);
        for i in 1..counts.len() {
            counts[i] += counts[i - 1];
        }
        let starts = counts.clone();
        let mut rows = vec![0; *starts.last().unwrap_or(&0) as usize];
        visit(&mut |wire, row| {
            rows[counts[wire as usize] as usize] = row;
            counts[wire as usize] += 1;
        });
        let mut chosen = vec![false; system.wires];
        chosen[ONE as usize] = true;
        for (wire, _) in system.marks().chosen() {
            chosen[*wire as usize] = true;
        }
        let mut all = Self { system, starts, rows, boolean_rows: Vec::new(), removed: HashSet::new(), chosen };
        all.boolean_rows =
            (0..matrices.rows()).filter_map(|row| all.boolean_wire(row).map(|wire| (wire, row as u32))).collect();
        all.boolean_rows.sort_unstable();
        all
    }

    /// The system.
    pub fn system(&self) -> &'a System {
        self.system
    }

    /// Takes a row out.
    pub fn remove(&mut self, row: usize) {
        self.removed.insert(row);
    }

    /// Puts all rows back.
    pub fn restore(&mut self) {
        self.removed.clear();
    }

    /// Whether the row is there.
    pub fn has(&self, row: usize) -> bool {
        !self.removed.contains(&row)
    }

    /// Number of rows, those that were taken out included.
    pub fn len(&self) -> usize {
        self.system.matrices.rows()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the witness chooses the wire; the constant counts as chosen.
    pub fn is_chosen(&self, wire: Wire) -> bool {
        self.chosen[wire as usize]
    }

    /// The wires that no witness chooses, the public input included.
    pub fn computed(&self) -> impl Iterator<Item = Wire> + '_ {
        (1..self.system.wires as Wire).filter(|wire| !self.is_chosen(*wire))
    }

    /// The rows that read a wire, those that were taken out left out.
    pub fn of(&self, wire: Wire) -> impl Iterator<Item = usize> + '_ {
        let (from, to) = (self.starts[wire as usize] as usize, self.starts[wire as usize + 1] as usize);
        self.rows[from..to].iter().map(|row| *row as usize).filter(|row| self.has(*row))
    }

    /// The slot that a wire stands in, by the first row that reads it; `None` for wires of the whole batch.
    pub fn slot_of(&self, wire: Wire) -> Option<usize> {
        let region = self.system.region(self.of(wire).next()?);
        region.strip_prefix("slot ")?.split(' ').next()?.parse().ok()
    }

    /// One side of a row.
    pub fn terms(&self, side: usize, row: usize) -> impl Iterator<Item = (Wire, Fr)> + '_ {
        self.system.matrices.terms(side, row)
    }

    /// One side of a row, as a list.
    pub fn side(&self, side: usize, row: usize) -> Terms {
        self.terms(side, row).collect()
    }

    /// Whether a row of its own says that the wire is 0 or 1.
    pub fn is_boolean(&self, wire: Wire) -> bool {
        let from = self.boolean_rows.partition_point(|(w, _)| *w < wire);
        self.boolean_rows[from..].iter().take_while(|(w, _)| *w == wire).any(|(_, row)| self.has(*row as usize))
    }

    /// The wire of a row `(1 - w) w = 0`.
    pub fn boolean_wire(&self, row: usize) -> Option<Wire> {
        let b = self.boolean_terms(row)?;
        match b[..] {
            [(wire, c)] if c.is_one() && wire as usize >= self.system.instance => Some(wire),
            _ => None,
        }
    }

    /// The expression L of a row `(1 - L) L = 0`.
    pub fn boolean_terms(&self, row: usize) -> Option<Terms> {
        if self.terms(2, row).next().is_some() {
            return None;
        }
        let (a, b) = (self.side(0, row), self.side(1, row));
        let mut sum: Terms = a;
        for (wire, c) in &b {
            match sum.iter_mut().find(|(w, _)| w == wire) {
                Some((_, s)) => *s += c,
                None => sum.push((*wire, *c)),
            }
        }
        sum.retain(|(_, c)| !c.is_zero());
        (sum == [(ONE, Fr::one())]).then_some(b)
    }

    /// `rule (region)` of a row.
    pub fn place(&self, row: usize) -> String {
        format!("{}: {}", self.system.region(row), self.system.rule(row))
    }
}
