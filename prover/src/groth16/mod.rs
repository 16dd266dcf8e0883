//! Groth16 on arkworks' curve and key: for the same key, witness and randomness the same proof as `ark-groth16`, several times as fast
//! where the processor has a vector kernel.
//!
//! [`Engine`] holds what depends on the key alone: bases in the kernel's form, and the tables of the transforms. A proof then takes the rows'
//! values (which the check of the constraints yields anyway), six transforms for the quotient polynomial, and five multi-scalar
//! multiplications. [`Reduction`] says what a key's H query is multiplied by.

use std::ops::RangeInclusive;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::Proof;
use rayon::prelude::*;
use tapstone_circuits::circuit::CircuitShape;

use crate::error::ProveError;
use crate::kernel::Kernel;
use crate::key::{KeyMatrices, ProvingKey, Queries};
use crate::msm::msm_watched;
use crate::ntt::Transforms;
use crate::watch::{Stage, Watch};

mod reduction;

pub(crate) use reduction::Reduction;

/// The values of all rows: `<A, z>` and `<B, z>`, and that their product is `<C, z>`.
#[derive(Debug)]
pub(crate) struct RowValues {
    a: Vec<Fr>,
    b: Vec<Fr>,
}

impl RowValues {
    /// Evaluates all rows at an assignment, of which so many wires are the constant one and the public inputs.
    ///
    /// # Errors
    /// The first row that does not hold.
    pub(crate) fn of(matrices: &KeyMatrices, values: &[Fr], instance: usize) -> Result<Self, usize> {
        let rows = matrices.rows();
        let size = domain_size(rows, instance);
        let (mut a, mut b) = (vec![Fr::from(0u64); size], vec![Fr::from(0u64); size]);
        let failed = (a[..rows].par_iter_mut().zip(&mut b[..rows]).enumerate())
            .filter_map(|(row, (a, b))| {
                let [left, right, product] = matrices.evaluate(row, values);
                (*a, *b) = (left, right);
                (left * right != product).then_some(row)
            })
            .min();
        if let Some(row) = failed {
            return Err(row);
        }
        // Rows that bind the instance: <A, z> is the wire, B and C are empty.
        a[rows..rows + instance].copy_from_slice(&values[..instance]);
        Ok(Self { a, b })
    }
}

/// Rows of the circuits that can be proven: with those that bind so many wires of the instance they fill a domain that [`Transforms`] take.
pub(crate) fn provable_rows(instance: usize) -> RangeInclusive<usize> {
    (Transforms::SIZES.start / 2 + 1).saturating_sub(instance)..=(Transforms::SIZES.end / 2).saturating_sub(instance)
}

/// The domain of a circuit with this many rows and wires of the instance.
pub(crate) fn domain_size(rows: usize, instance: usize) -> usize {
    (rows + instance).next_power_of_two()
}

/// What a key's proofs are made with.
#[derive(Debug)]
pub(crate) struct Engine {
    /// Wires of the instance.
    instance: usize,
    reduction: Reduction,
    queries: Queries,
    transforms: Transforms,
    alpha_g1: G1Affine,
    beta_g1: G1Affine,
    delta_g1: G1Affine,
    beta_g2: G2Affine,
    delta_g2: G2Affine,
}

impl Engine {
    /// Prepares a key for the kernel.
    pub(crate) fn new<S: CircuitShape>(kernel: Kernel, key: &ProvingKey<S>) -> Self {
        let (alpha_g1, [beta_g2, _, delta_g2], _) = key.verifying().to_ark_parts();
        let [beta_g1, delta_g1] = key.g1();
        let instance = key.instance();
        let log = domain_size(key.rows(), instance).trailing_zeros();
        Self {
            instance,
            reduction: key.reduction(),
            queries: key.queries(kernel),
            transforms: Transforms::new(kernel, log).expect("rows were checked when the key was opened"),
            alpha_g1,
            beta_g1,
            delta_g1,
            beta_g2,
            delta_g2,
        }
    }

    /// The same with tables of multiples.
    pub(crate) fn with_tables(self, levels: usize) -> Self {
        Self { queries: self.queries.with_tables(levels), ..self }
    }

    /// Bytes that those tables take.
    pub(crate) fn table_bytes(&self, levels: usize) -> u64 {
        self.queries.table_bytes(levels)
    }

    /// The proof for an assignment whose rows hold, with this randomness.
    ///
    /// # Errors
    /// [`ProveError::Stopped`].
    pub(crate) fn prove(
        &self,
        rows: &RowValues,
        values: &[Fr],
        (r, s): (Fr, Fr),
        watch: &dyn Watch,
    ) -> Result<Proof<Bn254>, ProveError> {
        watch.stage(Stage::Quotient, Transforms::QUOTIENT);
        let h = match self.reduction {
            Reduction::Libsnark => self.transforms.quotient(&rows.a, &rows.b, watch),
            Reduction::Circom => self.transforms.numerator_on_coset(&rows.a, &rows.b, watch),
        }
        .ok_or(ProveError::Stopped)?;
        let Queries { a, b1, b2, h: h_bases, l } = &self.queries;
        // The quotient has one coefficient less than the domain has elements: the last one is 0.
        let h = &h[..h.len().min(h_bases.scalars())];
        watch.stage(Stage::Multiply, [a.work(), b1.work(), b2.work(), h_bases.work(), l.work()].iter().sum());
        // Side by side, so that no core is idle at the end of one while others are left. Where the second of a pair is begun by another
        // core, that is the larger part of what remains.
        let ((b2, h), ((l, a), b1)) = rayon::join(
            || rayon::join(|| msm_watched(b2, values, watch), || msm_watched(h_bases, h, watch)),
            || {
                let l_and_a =
                    || rayon::join(|| msm_watched(l, &values[self.instance..], watch), || msm_watched(a, values, watch));
                rayon::join(l_and_a, || msm_watched(b1, values, watch))
            },
        );
        let (a, b1, b2, h, l) = (a?, b1?, b2?, h?, l?);
        if watch.stopped() {
            return Err(ProveError::Stopped);
        }
        let a = a + self.alpha_g1 + self.delta_g1 * r;
        let b1: G1Projective = b1 + self.beta_g1 + self.delta_g1 * s;
        let b2 = b2 + self.beta_g2 + self.delta_g2.into_group() * s;
        let c = a * s + b1 * r - self.delta_g1 * (r * s) + l + h;
        Ok(Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() })
    }
}

#[cfg(test)]
mod tests;
