//! Our own Groth16 prover on arkworks' curve and key: the same proof as `ark-groth16` for the same key, witness and randomness, several times as
//! fast where the processor has a vector kernel.
//!
//! [`Engine`] holds what depends on the key alone: bases in the kernel's form, and the tables of the transforms. A proof then
//! takes the rows' values (which the check of the constraints yields anyway), six transforms for the quotient polynomial, and five multi-scalar
//! multiplications. Without a vector kernel arkworks' own functions are as fast as ours, and do the work.

use ark_bn254::{Bn254, Fr, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_groth16::{Groth16, Proof, ProvingKey};
use ark_relations::gr1cs::SynthesisError;
use rayon::prelude::*;
use tapstone_circuits::cs::{INSTANCE_WIRES, Row, System};

use crate::kernel::Kernel;
use crate::msm::{Bases, G1, G2, msm};
use crate::ntt::Transforms;

/// The values of all rows: `<A, z>` and `<B, z>`, and that their product is `<C, z>`.
#[derive(Debug)]
pub(crate) struct RowValues {
    a: Vec<Fr>,
    b: Vec<Fr>,
}

impl RowValues {
    /// Evaluates all rows of a system at an assignment.
    ///
    /// # Errors
    /// The first row that does not hold.
    pub(crate) fn of(system: &System, values: &[Fr]) -> Result<Self, usize> {
        let rows = system.matrices.rows();
        let size = domain_size(rows);
        let (mut a, mut b) = (vec![Fr::from(0u64); size], vec![Fr::from(0u64); size]);
        let failed = (a[..rows].par_iter_mut().zip(&mut b[..rows]).enumerate())
            .filter_map(|(row, (a, b))| {
                let [left, right, product] = system.matrices.evaluate(row, values);
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
    /// Arkworks' own prover, with its form of the matrices.
    Arkworks(Vec<Vec<Row>>),
    /// Ours.
    Vector(Box<Vector>),
}

#[derive(Debug)]
pub(crate) struct Vector {
    a: Bases<G1>,
    b1: Bases<G1>,
    b2: Bases<G2>,
    h: Bases<G1>,
    l: Bases<G1>,
    transforms: Transforms,
}

impl Engine {
    /// Lays out a key for the kernel.
    pub(crate) fn new(kernel: Kernel, key: &ProvingKey<Bn254>, system: &System) -> Self {
        // The smallest circuits would need a domain of another size than arkworks takes.
        let small = system.matrices.rows() + INSTANCE_WIRES <= 8;
        match Transforms::new(kernel, domain_size(system.matrices.rows()).trailing_zeros()) {
            Some(transforms) if !small => Self::Vector(Box::new(Vector {
                a: Bases::new(kernel, &key.a_query),
                b1: Bases::new(kernel, &key.b_g1_query),
                b2: Bases::new(kernel, &key.b_g2_query),
                h: Bases::new(kernel, &key.h_query),
                l: Bases::new(kernel, &key.l_query),
                transforms,
            })),
            _ => Self::Arkworks(system.matrices.to_arkworks()),
        }
    }

    /// The proof for an assignment whose rows hold, with this randomness.
    ///
    /// # Errors
    /// What arkworks returns, where it does the work.
    pub(crate) fn prove(
        &self,
        key: &ProvingKey<Bn254>,
        rows: &RowValues,
        constraints: usize,
        values: &[Fr],
        (r, s): (Fr, Fr),
    ) -> Result<Proof<Bn254>, SynthesisError> {
        match self {
            Self::Arkworks(matrices) => Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
                key,
                r,
                s,
                matrices,
                INSTANCE_WIRES,
                constraints,
                values,
            ),
            Self::Vector(engine) => Ok(engine.prove(key, rows, values, (r, s))),
        }
    }
}

impl Vector {
    fn prove(&self, key: &ProvingKey<Bn254>, rows: &RowValues, values: &[Fr], (r, s): (Fr, Fr)) -> Proof<Bn254> {
        let h = self.transforms.quotient(&rows.a, &rows.b);
        let h = msm(&self.h, &h);
        let l = msm(&self.l, &values[INSTANCE_WIRES..]);
        let a = msm(&self.a, values) + key.vk.alpha_g1 + key.delta_g1 * r;
        let b1: G1Projective = msm(&self.b1, values) + key.beta_g1 + key.delta_g1 * s;
        let b2 = msm(&self.b2, values) + key.vk.beta_g2 + key.vk.delta_g2.into_group() * s;
        let c = a * s + b1 * r - key.delta_g1 * (r * s) + l + h;
        Proof { a: a.into_affine(), b: b2.into_affine(), c: c.into_affine() }
    }
}

#[cfg(test)]
mod tests;
