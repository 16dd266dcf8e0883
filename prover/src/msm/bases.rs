//! [`Bases`]: points in the form of a kernel, each of which belongs to a scalar.

use ark_ff::Field;
use ark_bn254::Fq;
use rayon::prelude::*;

use super::curve::{ARKWORKS_BITS, Curve, factor, packed, unpack, unpacked};
use super::table::{self, Table};
use crate::kernel::Kernel;
use crate::memory::{List, View};

/// Bases in the form of a kernel, each of which belongs to a scalar.
pub struct Bases<C: Curve> {
    kernel: Kernel,
    points: List<C::Packed>,
    scalars: Scalars,
    table: Option<Table<C>>,
}

/// Which scalar belongs to which base.
enum Scalars {
    /// Each base has its own.
    Each,
    /// Some scalars have no base.
    Listed {
        /// The index of each base's scalar.
        indices: View<u32>,
        /// Number of scalars.
        count: usize,
    },
}

impl<C: Curve> std::fmt::Debug for Bases<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bases({} points, {})", self.points.len(), self.kernel.name())
    }
}

impl<C: Curve> Bases<C> {
    /// Lays out points for a kernel: one multiplication for each coordinate.
    pub fn new(kernel: Kernel, points: &[C::Affine]) -> Self {
        let factor = factor(ARKWORKS_BITS, kernel.radix_bits());
        let points = points.par_iter().map(|point| packed::<C>(factor, point)).collect();
        Self { kernel, points: List::Owned(points), scalars: Scalars::Each, table: None }
    }

    /// Points that are laid out for a radix of `2^bits` already: taken as they are if that is the kernel's, else converted.
    pub(crate) fn laid_out(kernel: Kernel, bits: u32, points: View<C::Packed>) -> Self {
        let points = if bits == kernel.radix_bits() {
            List::View(points)
        } else {
            let factor = factor(bits, kernel.radix_bits());
            let convert = |point: &C::Packed| packed::<C>(factor, &unpacked::<C>(Fq::ONE, point));
            List::Owned(points.par_iter().map(convert).collect())
        };
        Self { kernel, points, scalars: Scalars::Each, table: None }
    }

    /// The same bases for some of `count` scalars: each has the one that `indices` names.
    #[must_use]
    pub(crate) fn of_some(self, indices: View<u32>, count: usize) -> Self {
        Self { scalars: Scalars::Listed { indices, count }, ..self }
    }

    /// Number of scalars that a sum takes.
    pub fn scalars(&self) -> usize {
        match &self.scalars {
            Scalars::Each => self.len(),
            Scalars::Listed { count, .. } => *count,
        }
    }

    /// Number of bases.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The kernel that they are laid out for.
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// The same bases with multiples of each, so that a multiplication has fewer buckets to weigh: `levels` points in memory for each base. Levels beyond
    /// the number of windows are not made; one is as good as none.
    #[must_use]
    pub fn with_table(self, levels: usize) -> Self {
        let table = Table::new(self.kernel, &self.points, levels);
        Self { table, ..self }
    }

    /// Bytes that a table of so many levels takes.
    pub fn table_bytes(&self, levels: usize) -> u64 {
        table::bytes::<C>(self.len(), levels)
    }

    pub(super) fn table(&self) -> Option<&Table<C>> {
        self.table.as_ref()
    }

    /// The points that entries name: of the table, which begins with the bases themselves, or else the bases.
    pub(super) fn multiples(&self) -> &[C::Packed] {
        self.table.as_ref().map_or(&self.points, Table::points)
    }

    /// The points in arkworks' form.
    pub(crate) fn to_affine(&self) -> Vec<C::Affine> {
        self.points.par_iter().map(|point| unpack::<C>(self.kernel, point)).collect()
    }

    pub(super) fn is_infinity(&self, index: usize) -> bool {
        self.points[index] == C::INFINITY
    }

    /// The index of a base's scalar; that of none where the list of a damaged key says none.
    pub(crate) fn scalar_of(&self, index: usize) -> usize {
        match &self.scalars {
            Scalars::Each => index,
            Scalars::Listed { indices, .. } => indices.get(index).map_or(usize::MAX, |i| *i as usize),
        }
    }
}
