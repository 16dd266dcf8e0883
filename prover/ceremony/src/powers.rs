//! [`Powers`]: the powers of tau that a circuit of a size needs, shown to be powers of one secret.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use tapstone_prover::Kernel;
use tapstone_prover::combination::same_ratio;
use tapstone_prover::error::LengthError;
use tapstone_prover::msm::{G1, G2, msm_once};

use super::error::CeremonyError;
use super::ptau::Ptau;

/// Powers for a domain of n: 2 n of tau in G1, n of all others.
#[derive(Debug)]
pub(super) struct Powers {
    pub(super) tau_g1: Vec<G1Affine>,
    pub(super) tau_g2: Vec<G2Affine>,
    pub(super) alpha: Vec<G1Affine>,
    pub(super) beta: Vec<G1Affine>,
    pub(super) beta_g2: G2Affine,
}

impl Powers {
    /// Reads the points.
    pub(super) fn read(ptau: &Ptau<'_>, domain: usize) -> Result<Self, CeremonyError> {
        let needed = domain.trailing_zeros() + 1;
        if ptau.power() < needed {
            return Err(CeremonyError::PtauPower { had: ptau.power(), needed });
        }
        Ok(Self {
            tau_g1: ptau.tau_g1(2 * domain)?,
            tau_g2: ptau.tau_g2(domain)?,
            alpha: ptau.alpha(domain)?,
            beta: ptau.beta(domain)?,
            beta_g2: ptau.beta_g2()?,
        })
    }

    /// Shows that each list is a geometric row of the same ratio, by random combinations of neighbours; `coefficients` are 2 n.
    pub(super) fn check(&self, kernel: Kernel, coefficients: &[Fr]) -> Result<(), CeremonyError> {
        let wrong = |section| CeremonyError::PtauPowers { section };
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        // The combination of all but the last, and of all but the first.
        let neighbours = |points: &[G1Affine]| {
            let (first, second) = (&points[..points.len() - 1], &points[1..]);
            let coefficients = &coefficients[..first.len()];
            let sum = |points| msm_once::<G1>(kernel, points, coefficients);
            let (a, b) = rayon::join(|| sum(first), || sum(second));
            Ok::<_, LengthError>((a?.into_affine(), b?.into_affine()))
        };
        let (tau_g1, tau_g2) = (self.tau_g1[1], self.tau_g2[1]);
        let (a, b) = neighbours(&self.tau_g1)?;
        if self.tau_g1[0] != g1 || !same_ratio(a, b, g2, tau_g2) {
            return Err(wrong("tau in G1"));
        }
        let last = self.tau_g2.len() - 1;
        let sum = |points| msm_once::<G2>(kernel, points, &coefficients[..last]);
        let (a, b) = rayon::join(|| sum(&self.tau_g2[..last]), || sum(&self.tau_g2[1..]));
        if self.tau_g2[0] != g2 || !same_ratio(g1, tau_g1, a?.into_affine(), b?.into_affine()) {
            return Err(wrong("tau in G2"));
        }
        for (points, section) in [(&self.alpha, "alpha tau"), (&self.beta, "beta tau")] {
            let (a, b) = neighbours(points)?;
            if !same_ratio(a, b, g2, tau_g2) {
                return Err(wrong(section));
            }
        }
        if !same_ratio(g1, self.beta[0], g2, self.beta_g2) {
            return Err(wrong("beta in G2"));
        }
        Ok(())
    }
}
