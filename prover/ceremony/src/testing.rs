//! Ceremonies for tests, quickly made from secrets that are known.
//!
//! Hazard: whoever knows the secrets of these files forges proofs. They are for tests alone.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::scalar_mul::ScalarMul;
use ark_ec::{AffineRepr, PrimeGroup};
use ark_ff::{BigInteger, Field, One, PrimeField, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use tapstone_circuits::cs::{INSTANCE_WIRES, System};
use tapstone_prover::key::CeremonyHash;

use super::binfile::{head, put_section};
use super::initial::InitialPoints;
use super::points::Point;
use super::powers::Powers;
use super::zkey::{Header, MAGIC, Part};

/// The secrets of a phase 1.
#[derive(Clone, Copy, Debug)]
pub struct KnownSecrets {
    /// The point at which polynomials are evaluated.
    pub tau: Fr,
    /// Shifts A.
    pub alpha: Fr,
    /// Shifts B.
    pub beta: Fr,
}

impl KnownSecrets {
    /// Some that follow from a number.
    pub fn from_number(n: u64) -> Self {
        let secret = |i: u64| Fr::from(n.wrapping_mul(3).wrapping_add(i)).pow([0x1234_5678_9abc_def1]) + Fr::from(i);
        Self { tau: secret(5), alpha: secret(6), beta: secret(7) }
    }

    fn powers(self, first: Fr, count: usize) -> Vec<Fr> {
        std::iter::successors(Some(first), |power| Some(*power * self.tau)).take(count).collect()
    }

    fn lists(self, g1: usize, others: usize) -> Powers {
        Powers {
            tau_g1: g1_points(&self.powers(Fr::one(), g1)),
            tau_g2: g2_points(&self.powers(Fr::one(), others)),
            alpha: g1_points(&self.powers(self.alpha, others)),
            beta: g1_points(&self.powers(self.beta, others)),
            beta_g2: g2_points(&[self.beta])[0],
        }
    }

    /// A file of powers, without the Lagrange points that snarkjs would need.
    pub fn ptau(self, power: u32) -> Vec<u8> {
        self.file(power, 7)
    }

    /// A file of powers with Lagrange points, for snarkjs, up to those of domains of `2^power`; where those of twice as many would be there are zeros.
    pub fn prepared_ptau(self, power: u32) -> Vec<u8> {
        let mut out = self.file(power, 11);
        // One after the other those of domains of 1, 2, 4, ...
        let lagrange: Vec<Fr> = (0..=power).flat_map(|p| lagrange(1 << p, self.tau)).collect();
        let times = |factor: Fr| g1_points(&lagrange.iter().map(|l| factor * l).collect::<Vec<_>>());
        let mut tau = times(Fr::one());
        tau.resize(tau.len() + (2 << power), G1Affine::identity());
        put_section(&mut out, 12, &bytes_of(&tau));
        put_section(&mut out, 13, &bytes_of(&g2_points(&lagrange)));
        put_section(&mut out, 14, &bytes_of(&times(self.alpha)));
        put_section(&mut out, 15, &bytes_of(&times(self.beta)));
        out
    }

    fn file(self, power: u32, sections: u32) -> Vec<u8> {
        let n = 1 << power;
        let powers = self.lists(2 * n - 1, n);
        let mut out = head(super::ptau::MAGIC, sections);
        let mut header = 32u32.to_le_bytes().to_vec();
        header.extend(ark_bn254::Fq::MODULUS.to_bytes_le());
        header.extend([power, power].map(u32::to_le_bytes).concat());
        put_section(&mut out, 1, &header);
        put_section(&mut out, 2, &bytes_of(&powers.tau_g1));
        put_section(&mut out, 3, &bytes_of(&powers.tau_g2));
        put_section(&mut out, 4, &bytes_of(&powers.alpha));
        put_section(&mut out, 5, &bytes_of(&powers.beta));
        put_section(&mut out, 6, &bytes_of(&[powers.beta_g2]));
        put_section(&mut out, 7, &0u32.to_le_bytes());
        out
    }

    /// The key of a system before any contribution.
    pub fn initial_key(self, system: &System) -> Vec<u8> {
        let rows = system.matrices.rows();
        let n = (rows + INSTANCE_WIRES).next_power_of_two();
        let at = lagrange(n, self.tau);
        let mut sides = [0, 1, 2].map(|side| {
            let mut sums = vec![Fr::zero(); system.wires];
            for (row, lagrange) in at.iter().enumerate().take(rows) {
                for (coefficient, wire) in system.matrices.row(side, row) {
                    sums[wire] += *lagrange * coefficient;
                }
            }
            sums
        });
        for wire in 0..INSTANCE_WIRES {
            sides[0][wire] += at[rows + wire];
        }
        let [a, b, c] = sides;
        let key: Vec<Fr> = a.iter().zip(&b).zip(&c).map(|((a, b), c)| self.beta * a + self.alpha * b + c).collect();
        let odd: Vec<Fr> = lagrange(2 * n, self.tau).into_iter().skip(1).step_by(2).collect();
        let key = g1_points(&key);
        let points = InitialPoints {
            ic: key[..INSTANCE_WIRES].to_vec(),
            a: g1_points(&a),
            b1: g1_points(&b),
            b2: g2_points(&b),
            c: key[INSTANCE_WIRES..].to_vec(),
            h: g1_points(&odd),
        };
        let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
        let header = Header {
            wires: system.wires,
            public: INSTANCE_WIRES - 1,
            domain: n,
            alpha_g1: g1_points(&[self.alpha])[0],
            beta_g1: g1_points(&[self.beta])[0],
            beta_g2: g2_points(&[self.beta])[0],
            gamma_g2: g2,
            delta_g1: g1,
            delta_g2: g2,
        };
        let hash = points.circuit_hash(&header, &self.lists(2 * n, n));
        file(&header, &points, &coefficients(system), hash)
    }
}

/// All Lagrange polynomials of a domain at a point.
fn lagrange(size: usize, at: Fr) -> Vec<Fr> {
    let domain = Radix2EvaluationDomain::<Fr>::new(size).expect("tests have few rows");
    domain.evaluate_all_lagrange_coefficients(at)
}

fn file(header: &Header, points: &InitialPoints, coefficients: &[u8], hash: CeremonyHash) -> Vec<u8> {
    let mut out = head(MAGIC, 10);
    put_section(&mut out, 1, &1u32.to_le_bytes());
    let mut body = Vec::new();
    header.put(&mut body);
    put_section(&mut out, 2, &body);
    for part in Part::ALL {
        let bytes = match part {
            Part::Ic => bytes_of(&points.ic),
            Part::Coefficients => coefficients.to_vec(),
            Part::A => bytes_of(&points.a),
            Part::B1 => bytes_of(&points.b1),
            Part::B2 => bytes_of(&points.b2),
            Part::C => bytes_of(&points.c),
            Part::H => bytes_of(&points.h),
        };
        put_section(&mut out, part.id(), &bytes);
    }
    let mut body = hash.to_bytes().to_vec();
    body.extend(0u32.to_le_bytes());
    put_section(&mut out, 10, &body);
    out
}

/// The entries of A and B row by row, each coefficient times 2^512.
fn coefficients(system: &System) -> Vec<u8> {
    let radix = Fr::from(2u64).pow([512]);
    let mut entries = Vec::new();
    let mut put = |matrix: usize, row: usize, wire: usize, coefficient: Fr| {
        entries.extend([matrix, row, wire].map(|n| (n as u32).to_le_bytes()).concat());
        entries.extend((coefficient * radix).into_bigint().to_bytes_le());
    };
    let rows = system.matrices.rows();
    for row in 0..rows {
        for matrix in 0..2 {
            for (coefficient, wire) in system.matrices.row(matrix, row) {
                put(matrix, row, wire, coefficient);
            }
        }
    }
    (0..INSTANCE_WIRES).for_each(|wire| put(0, rows + wire, wire, Fr::one()));
    let mut out = ((entries.len() / super::zkey::ENTRY_BYTES) as u32).to_le_bytes().to_vec();
    out.extend(entries);
    out
}

fn bytes_of<P: Point>(points: &[P]) -> Vec<u8> {
    let mut out = Vec::with_capacity(P::BYTES * points.len());
    points.iter().for_each(|point| point.put(&mut out));
    out
}

fn g1_points(scalars: &[Fr]) -> Vec<G1Affine> {
    G1Projective::generator().batch_mul(scalars)
}

fn g2_points(scalars: &[Fr]) -> Vec<G2Affine> {
    G2Projective::generator().batch_mul(scalars)
}
