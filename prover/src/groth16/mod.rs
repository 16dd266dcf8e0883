//! Our own Groth16 prover on arkworks' curve and key: the same proof as `ark-groth16` for the same key, witness and randomness, several times as
//! fast where the processor has a vector kernel.
//!
//! [`Engine`] holds what depends on the key alone: bases in the kernel's form, and the tables of the transforms. A proof then
//! takes the rows' values (which the check of the constraints yields anyway), six transforms for the quotient polynomial, and five multi-scalar
//! multiplications. Keys from ceremonies have another H query, for which [`Reduction::Circom`] stands. Without a vector kernel arkworks' own functions are as fast as ours, and do the work.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_groth16::{Groth16, Proof, ProvingKey as ArkProvingKey};
use rayon::prelude::*;
use tapstone_circuits::cs::{INSTANCE_WIRES, Row};

use crate::error::ProveError;
use crate::kernel::Kernel;
use crate::key::{KeyMatrices, ProvingKey, Queries};
use crate::msm::msm_watched;
use crate::ntt::Transforms;
use crate::watch::{Stage, Watch};

mod reduction;

use reduction::CircomReduction;
pub(crate) use reduction::Reduction;

/// The values of all rows: `<A, z>` and `<B, z>`, and that their product is `<C, z>`.
#[derive(Debug)]
pub(crate) struct RowValues {
    a: Vec<Fr>,
    b: Vec<Fr>,
}

impl RowValues {
    /// Evaluates all rows at an assignment.
    ///
    /// # Errors
    /// The first row that does not hold.
    pub(crate) fn of(matrices: &KeyMatrices, values: &[Fr]) -> Result<Self, usize> {
        let rows = matrices.rows();
        let size = domain_size(rows);
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
        a[rows..rows + INSTANCE_WIRES].copy_from_slice(&values[..INSTANCE_WIRES]);
        Ok(Self { a, b })
    }
}

/// The domain of a circuit with this many rows.
fn domain_size(rows: usize) -> usize {
    (rows + INSTANCE_WIRES).next_power_of_two().max(8)
}

/// What a key's proofs are made with.
#[derive(Debug)]
pub(crate) enum Engine {
    /// Arkworks' own prover.
    Arkworks(Box<Arkworks>),
    /// Ours.
    Vector(Box<Vector>),
}

/// Key and matrices in arkworks' form.
#[derive(Debug)]
pub(crate) struct Arkworks {
    reduction: Reduction,
    key: ArkProvingKey<Bn254>,
    matrices: Vec<Vec<Row>>,
}

#[derive(Debug)]
pub(crate) struct Vector {
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
    pub(crate) fn new(kernel: Kernel, key: &ProvingKey) -> Self {
        // The smallest circuits would need a domain of another size than arkworks takes.
        let small = key.rows() + INSTANCE_WIRES <= 8;
        match Transforms::new(kernel, domain_size(key.rows()).trailing_zeros()) {
            Some(transforms) if !small => {
                let (alpha_g1, [beta_g2, _, delta_g2], _) = key.verifying().to_ark_parts();
                let [beta_g1, delta_g1] = key.g1();
                let queries = key.queries(kernel);
                Self::Vector(Box::new(Vector {
                    reduction: key.reduction(),
                    queries,
                    transforms,
                    alpha_g1,
                    beta_g1,
                    delta_g1,
                    beta_g2,
                    delta_g2,
                }))
            }
            _ => Self::Arkworks(Box::new(Arkworks {
                reduction: key.reduction(),
                key: key.to_arkworks(),
                matrices: key.matrices().to_arkworks(),
            })),
        }
    }

    /// The same with tables of multiples, where the work is ours.
    pub(crate) fn with_tables(self, levels: usize) -> Self {
        match self {
            Self::Vector(engine) => {
                let Vector { queries, .. } = *engine;
                Self::Vector(Box::new(Vector { queries: queries.with_tables(levels), ..*engine }))
            }
            arkworks @ Self::Arkworks(_) => arkworks,
        }
    }

    /// Bytes that those tables take.
    pub(crate) fn table_bytes(&self, levels: usize) -> u64 {
        match self {
            Self::Vector(engine) => engine.queries.table_bytes(levels),
            Self::Arkworks(_) => 0,
        }
    }

    /// The proof for an assignment whose rows hold, with this randomness.
    ///
    /// # Errors
    /// What arkworks returns, where it does the work; [`ProveError::Stopped`].
    pub(crate) fn prove(
        &self,
        rows: &RowValues,
        constraints: usize,
        values: &[Fr],
        (r, s): (Fr, Fr),
        watch: &dyn Watch,
    ) -> Result<Proof<Bn254>, ProveError> {
        match self {
            Self::Arkworks(engine) => {
                watch.stage(Stage::Quotient, 1);
                watch.stage(Stage::Multiply, 1);
                let prove = match engine.reduction {
                    Reduction::Libsnark => Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices,
                    Reduction::Circom => Groth16::<Bn254, CircomReduction>::create_proof_with_reduction_and_matrices,
                };
                prove(&engine.key, r, s, &engine.matrices, INSTANCE_WIRES, constraints, values).map_err(ProveError::Groth16)
            }
            Self::Vector(engine) => engine.prove(rows, values, (r, s), watch),
        }
    }
}

impl Vector {
    fn prove(
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
        let work = [
            a.work(values.len()),
            b1.work(values.len()),
            b2.work(values.len()),
            h_bases.work(h.len()),
            l.work(values.len()),
        ];
        watch.stage(Stage::Multiply, work.iter().sum());
        // Side by side, so that no core is idle at the end of one while others are left. Where the second of a pair is begun by another core, that is the larger
        // part of what remains.
        let ((b2, h), ((l, a), b1)) = rayon::join(
            || rayon::join(|| msm_watched(b2, values, watch), || msm_watched(h_bases, &h, watch)),
            || {
                let l_and_a =
                    || rayon::join(|| msm_watched(l, &values[INSTANCE_WIRES..], watch), || msm_watched(a, values, watch));
                rayon::join(l_and_a, || msm_watched(b1, values, watch))
            },
        );
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
