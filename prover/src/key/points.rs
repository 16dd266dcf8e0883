//! What the points of a key must be, whoever made it: the validation that opening leaves out.
//!
//! It shows that the key is one of Groth16, not whose: that A, C and H belong to this circuit is shown once, when a ceremony is imported
//! (by `tapstone-ceremony`). A key that fails makes no proof that verifies, so nobody is cheated by one; but it is better known before a day's batches.

use ark_bn254::{Fr, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use rayon::prelude::*;
use tapstone_circuits::circuit::CircuitShape;

use super::{ProvingKey, Queries};
use crate::combination::{coefficients, same_ratio};
use crate::error::KeyFileError;
use crate::kernel::Kernel;
use crate::msm::{G1, G2, msm_once};

impl<S: CircuitShape> ProvingKey<S> {
    /// Checks every point: on its curve, not at infinity but where a list has it for a wire of no use, those of G2 in the subgroup, one by one; beta and
    /// B stand to delta in G1 as they do in G2, B by a random combination with coefficients of 128 bits. `progress` hears of each section as it begins.
    ///
    /// # Errors
    /// [`KeyFileError::Points`] names the first point that is none, [`KeyFileError::OtherRatio`] what differs between the groups;
    /// [`KeyFileError::Io`] if the system has no randomness.
    pub fn check_points(&self, progress: &dyn Fn(&'static str)) -> Result<(), KeyFileError> {
        let kernel = Kernel::detect();
        let Queries { a, b1, b2, h, l } = self.queries(kernel);
        let mut checked_b1 = Vec::new();
        for (section, bases, infinity) in [("A", &a, false), ("B1", &b1, false), ("H", &h, false), ("L", &l, true)] {
            progress(section);
            let points = bases.to_affine();
            let wrong = points.par_iter().position_first(|point| !point.is_on_curve() || (point.is_zero() && !infinity));
            if let Some(index) = wrong {
                return Err(KeyFileError::Points { section, index });
            }
            if section == "B1" {
                checked_b1 = points;
            }
        }
        progress("B2");
        let points = b2.to_affine();
        let good =
            |point: &G2Affine| !point.is_zero() && point.is_on_curve() && point.is_in_correct_subgroup_assuming_on_curve();
        if let Some(index) = points.par_iter().position_first(|point| !good(point)) {
            return Err(KeyFileError::Points { section: "B2", index });
        }
        progress("B in both groups");
        let rho: Vec<Fr> = coefficients(points.len()).map_err(|e| KeyFileError::Io(std::io::Error::other(e.to_string())))?;
        let length = |_| KeyFileError::Head;
        let in_g1 = msm_once::<G1>(kernel, &checked_b1, &rho).map_err(length)?.into_affine();
        let in_g2 = msm_once::<G2>(kernel, &points, &rho).map_err(length)?.into_affine();
        let (_, [beta_g2, _, delta_g2], _) = self.verifying().to_ark_parts();
        let [beta_g1, delta_g1] = self.g1();
        // Keys of one party have generators of their own, so delta is what the others are compared with.
        for (what, of_g1, of_g2) in [("beta by delta", beta_g1, beta_g2), ("B by delta", in_g1, in_g2)] {
            if !same_ratio(delta_g1, of_g1, delta_g2, of_g2) {
                return Err(KeyFileError::OtherRatio { what });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_bn254::{Bn254, G1Affine};
    use ark_groth16::{Groth16, ProvingKey as ArkProvingKey};
    use ark_std::rand::SeedableRng;
    use ark_std::rand::rngs::StdRng;
    use tapstone_circuits::cs::{Cs, Mode};
    use tapstone_circuits::shape::Shape;

    /// A point of the curve over Fq2 outside the subgroup.
    fn outside() -> G2Affine {
        use ark_bn254::{Fq, Fq2};
        (1u64..)
            .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(Fq::from(x), Fq::from(1u64)), false))
            .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
            .expect("nearly all are")
    }

    #[test]
    fn each_point_that_is_none_is_named() {
        let mut cs = Cs::new(Mode::Record, Fr::from(40u64));
        let mut x = cs.witness(Fr::from(3u64));
        for _ in 0..40 {
            x = cs.mul("a product", &x, &x);
        }
        let system = cs.into_parts().0;
        let shape = Shape::registered("tiny").expect("tiny is registered");
        let mut rng = StdRng::seed_from_u64(4);
        let ark: ArkProvingKey<Bn254> =
            Groth16::<Bn254>::generate_random_parameters_with_reduction(&system, &mut rng).expect("it is small");
        let check = |change: &dyn Fn(&mut ArkProvingKey<Bn254>)| {
            let mut ark = ark.clone();
            change(&mut ark);
            let key = ProvingKey::from_arkworks(Kernel::detect(), &ark, &system, &shape).expect("its lengths are right");
            // That they were written so is no excuse.
            key.check_sections().expect("nothing was changed since");
            key.check_points(&|_| {})
        };
        check(&|_| {}).expect("a key as it was made");
        let off = G1Affine::new_unchecked(1u64.into(), 1u64.into());
        let named = |result: Result<(), KeyFileError>, needed: &str| {
            let error = result.expect_err(needed);
            let had = match &error {
                KeyFileError::Points { section, .. } => *section,
                KeyFileError::OtherRatio { what } => what,
                other => panic!("{other}"),
            };
            assert_eq!(had, needed);
        };
        let place = |list: &[G1Affine]| list.iter().rposition(|point| !point.is_zero()).expect("not all are infinity");
        let (a, b) = (place(&ark.a_query), place(&ark.b_g1_query));
        named(check(&|ark| ark.a_query[a] = off), "A");
        named(check(&|ark| ark.b_g1_query[b] = off), "B1");
        named(check(&|ark| ark.h_query[5] = off), "H");
        named(check(&|ark| ark.h_query[5] = G1Affine::zero()), "H");
        named(check(&|ark| ark.l_query[5] = off), "L");
        named(check(&|ark| ark.b_g2_query[b] = outside()), "B2");
        // Points of their groups, but not each other's.
        named(check(&|ark| ark.b_g2_query[b] = G2Affine::generator()), "B by delta");
        named(check(&|ark| ark.b_g1_query[b] = -ark.b_g1_query[b]), "B by delta");
        named(check(&|ark| ark.beta_g1 = ark.delta_g1), "beta by delta");
        named(check(&|ark| ark.delta_g1 = ark.beta_g1), "beta by delta");
    }
}
