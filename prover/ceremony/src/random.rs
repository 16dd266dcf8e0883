//! The generator of ffjavascript, which snarkjs draws a beacon's secret and the points of proofs of knowledge from: ChaCha20 with words as its key.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ec::short_weierstrass::{Affine, SWCurveConfig};
use ark_ff::{BigInt, Field, PrimeField, Zero};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

use tapstone_prover::key::Beacon;

/// Draws numbers and points as ffjavascript does.
pub(super) struct Draw(ChaCha20Rng);

impl Draw {
    /// From the first 32 bytes of a hash, as eight big-endian words.
    pub(super) fn from_hash(hash: &[u8]) -> Self {
        let mut seed = [0; 32];
        for (to, from) in seed.as_chunks_mut::<4>().0.iter_mut().zip(hash.as_chunks::<4>().0) {
            *to = u32::from_be_bytes(*from).to_le_bytes();
        }
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// From `2^exponent` rounds of SHA-256 over the beacon's value.
    pub(super) fn from_beacon(beacon: &Beacon) -> Self {
        let mut hash: [u8; 32] = Sha256::digest(beacon.value()).into();
        for _ in 1..1u64 << beacon.exponent() {
            hash = Sha256::digest(hash).into();
        }
        Self::from_hash(&hash)
    }

    /// 254 bits below a modulus: 64-bit words from the low one up, the high half of each first.
    fn below(&mut self, modulus: BigInt<4>) -> BigInt<4> {
        loop {
            let mut limbs = [0; 4];
            for limb in &mut limbs {
                let high = u64::from(self.0.next_u32());
                *limb = high << 32 | u64::from(self.0.next_u32());
            }
            limbs[3] &= u64::MAX >> 2;
            let value = BigInt(limbs);
            if value < modulus {
                return value;
            }
        }
    }

    /// A scalar; what is drawn is its Montgomery form.
    pub(super) fn scalar(&mut self) -> Fr {
        Fr::new_unchecked(self.below(Fr::MODULUS))
    }

    fn coordinate(&mut self) -> Fq {
        Fq::new_unchecked(self.below(Fq::MODULUS))
    }

    /// A point with the x that `draw` gives, and the greater y or the other.
    fn point<P: SWCurveConfig>(
        &mut self,
        draw: impl Fn(&mut Self) -> P::BaseField,
        greater: impl Fn(&P::BaseField) -> bool,
    ) -> Affine<P> {
        loop {
            let x = draw(self);
            let wanted = self.0.next_u32() & 1 == 1;
            let square = x.square() * x + P::COEFF_B;
            if let Some(y) = square.sqrt() {
                return Affine::new_unchecked(x, if greater(&y) == wanted { y } else { -y });
            }
        }
    }

    /// A point of G1.
    pub(super) fn g1(&mut self) -> G1Affine {
        self.point(Self::coordinate, is_greater)
    }

    /// A point of G2: one of the curve, times the cofactor.
    pub(super) fn g2(&mut self) -> G2Affine {
        let draw = |rng: &mut Self| {
            let c0 = rng.coordinate();
            Fq2::new(c0, rng.coordinate())
        };
        let greater = |y: &Fq2| if y.c1.is_zero() { is_greater(&y.c0) } else { is_greater(&y.c1) };
        let point: G2Affine = self.point(draw, greater);
        point.mul_by_cofactor()
    }
}

/// Whether an element is above `(p - 1) / 2`.
fn is_greater(x: &Fq) -> bool {
    x.into_bigint() > Fq::MODULUS_MINUS_ONE_DIV_TWO
}
