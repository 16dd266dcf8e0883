//! [`Reduction`]: what a key's H query is multiplied by.
//!
//! Both give the same point, `h(tau) t(tau) / delta` for `a b - c = h t`, where t is the vanishing polynomial of a domain of n.

use ark_ff::PrimeField;
use ark_groth16::r1cs_to_qap::{R1CSToQAP, evaluate_constraint};
use ark_poly::EvaluationDomain;
use ark_relations::gr1cs::{ConstraintSystemRef, Matrix, SynthesisError};

/// The form of a key's H query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reduction {
    /// `tau^i t(tau) / delta` for i below n - 1, for the coefficients of h.
    Libsnark,
    /// `L_(2i + 1)(tau) / delta` for i below n, with the Lagrange polynomials of twice the domain, for the values of `a b - c` at the odd roots of
    /// unity: it is 0 at the even ones.
    Circom,
}

impl Reduction {
    /// Points of the H query for a domain.
    pub(crate) const fn h_points(self, domain: usize) -> usize {
        match self {
            Self::Libsnark => domain - 1,
            Self::Circom => domain,
        }
    }
}

/// [`Reduction::Circom`] for arkworks' prover. It makes no keys.
pub(super) struct CircomReduction;

impl R1CSToQAP for CircomReduction {
    fn instance_map_with_evaluation<F: PrimeField, D: EvaluationDomain<F>>(
        _: ConstraintSystemRef<F>,
        _: &F,
    ) -> Result<(Vec<F>, Vec<F>, Vec<F>, F, usize, usize), SynthesisError> {
        Err(SynthesisError::AssignmentMissing)
    }

    fn witness_map_from_matrices<F: PrimeField, D: EvaluationDomain<F>>(
        matrices: &[Matrix<F>],
        instance: usize,
        rows: usize,
        values: &[F],
    ) -> Result<Vec<F>, SynthesisError> {
        let large = SynthesisError::PolynomialDegreeTooLarge;
        let domain = D::new(rows + instance).ok_or(large)?;
        let large = SynthesisError::PolynomialDegreeTooLarge;
        // Odd roots of unity: the even ones, times one of twice the order.
        let coset = F::get_root_of_unity(2 * domain.size() as u64).and_then(|g| domain.get_coset(g)).ok_or(large)?;
        let mut sides = [vec![F::zero(); domain.size()], vec![F::zero(); domain.size()]];
        for (side, matrix) in sides.iter_mut().zip(matrices) {
            side.iter_mut().zip(matrix).for_each(|(to, terms)| *to = evaluate_constraint(terms, values));
        }
        let [mut a, mut b] = sides;
        a[rows..rows + instance].copy_from_slice(&values[..instance]);
        let mut c: Vec<F> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
        for side in [&mut a, &mut b, &mut c] {
            domain.ifft_in_place(side);
            coset.fft_in_place(side);
        }
        Ok(a.iter().zip(&b).zip(&c).map(|((a, b), c)| *a * b - c).collect())
    }

    fn h_query_scalars<F: PrimeField, D: EvaluationDomain<F>>(_: usize, _: F, _: F, _: F) -> Result<Vec<F>, SynthesisError> {
        Err(SynthesisError::AssignmentMissing)
    }
}
