//! [`InitialPoints`]: the points of a key before any contribution, shown to be what a circuit and powers of tau give.
//!
//! The A query of wire w is `sum_c A[c][w] L_c(tau)`. With random coefficients `rho_w` the combination of all wires is `sum_c v_c L_c(tau)`, where v is A times
//! rho: a polynomial given by its values at the roots of unity. An inverse transform gives its coefficients, and one multi-scalar
//! multiplication by the powers of tau the point. So no Lagrange points of the file are taken on trust: only powers are used.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, FftField, Field, PrimeField, Zero};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use blake2::{Blake2b512, Digest};
use rayon::prelude::*;
use tapstone_circuits::cs::System;
use tapstone_prover::Kernel;
use tapstone_prover::error::LengthError;
use tapstone_prover::key::CeremonyHash;
use tapstone_prover::msm::{G1, G2, msm_once};

use super::error::{CeremonyError, CeremonyFileError};
use super::hash::finished;
use super::points::Point;
use super::powers::Powers;
use super::zkey::{ENTRY_BYTES, Header, Part, Zkey};

/// Differences of powers that snarkjs hashes at a time.
const HASH_CHUNK: usize = 1 << 14;

/// The points of a key.
#[derive(Debug)]
pub(super) struct InitialPoints {
    pub(super) ic: Vec<G1Affine>,
    pub(super) a: Vec<G1Affine>,
    pub(super) b1: Vec<G1Affine>,
    pub(super) b2: Vec<G2Affine>,
    pub(super) c: Vec<G1Affine>,
    pub(super) h: Vec<G1Affine>,
}

impl InitialPoints {
    pub(super) fn read(zkey: &Zkey<'_>) -> Result<Self, CeremonyFileError> {
        Ok(Self {
            ic: zkey.points(Part::Ic)?,
            a: zkey.points(Part::A)?,
            b1: zkey.points(Part::B1)?,
            b2: zkey.points(Part::B2)?,
            c: zkey.points(Part::C)?,
            h: zkey.points(Part::H)?,
        })
    }

    /// Compares all points with what they must be. `coefficients` are random, and at least as many as wires and as the domain has elements.
    pub(super) fn check(
        &self,
        kernel: Kernel,
        system: &System,
        powers: &Powers,
        coefficients: &[Fr],
    ) -> Result<(), CeremonyError> {
        let wrong = |part: Part| Err(CeremonyError::InitialPoints { section: part.name() });
        let domain = self.h.len();
        let rho = &coefficients[..system.wires];
        let [a, b, c] = combined(system, rho, domain)?;
        let sum = |points: &[G1Affine], scalars: &[Fr]| msm_once::<G1>(kernel, points, scalars);
        let sum_g2 = |points: &[G2Affine], scalars: &[Fr]| msm_once::<G2>(kernel, points, scalars);
        // Polynomials below the domain's size, or below twice that.
        let tau = |scalars: &[Fr]| sum(&powers.tau_g1[..scalars.len()], scalars);
        if sum(&self.a, rho)? != tau(&a)? {
            return wrong(Part::A);
        }
        if sum(&self.b1, rho)? != tau(&b)? {
            return wrong(Part::B1);
        }
        if sum_g2(&self.b2, rho)? != sum_g2(&powers.tau_g2, &b)? {
            return wrong(Part::B2);
        }
        let (instance, witness) = rho.split_at(system.instance);
        let key = |[a, b, c]: &[Vec<Fr>; 3]| -> Result<G1Projective, LengthError> {
            Ok(sum(&powers.beta, a)? + sum(&powers.alpha, b)? + tau(c)?)
        };
        let (ic, rest) = (sum(&self.ic, instance)?, sum(&self.c, witness)?);
        if ic + rest != key(&[a, b, c])? {
            // Which of the two it is, for the error.
            let mut instance = rho.to_vec();
            instance[system.instance..].fill(Fr::zero());
            let alone = key(&combined(system, &instance, domain)?)?;
            return wrong(if ic == alone { Part::C } else { Part::Ic });
        }
        // H holds the Lagrange polynomials of the odd roots of unity of twice the order.
        let mut values = vec![Fr::zero(); 2 * domain];
        values.iter_mut().skip(1).step_by(2).zip(coefficients).for_each(|(to, rho)| *to = *rho);
        if sum(&self.h, &coefficients[..domain])? != tau(&interpolated(values)?)? {
            return wrong(Part::H);
        }
        Ok(())
    }

    /// The hash by which contributors know the key, which covers all of it.
    ///
    /// snarkjs takes differences of powers, `tau^(n + i) - tau^i` for i below n - 1, in chunks of 2^14, and takes the last chunk whole: one more than it says
    /// where n is above 2^14.
    pub(super) fn circuit_hash(&self, header: &Header, powers: &Powers) -> CeremonyHash {
        let mut hasher = Blake2b512::new();
        let mut points = Vec::new();
        header.alpha_g1.put_hashed(&mut points);
        header.beta_g1.put_hashed(&mut points);
        header.beta_g2.put_hashed(&mut points);
        header.gamma_g2.put_hashed(&mut points);
        header.delta_g1.put_hashed(&mut points);
        header.delta_g2.put_hashed(&mut points);
        hasher.update(points);
        feed(&mut hasher, self.ic.len(), &self.ic);
        let domain = self.h.len();
        let count = if domain > HASH_CHUNK { domain } else { domain - 1 };
        let (low, high) = powers.tau_g1.split_at(domain);
        let differences: Vec<G1Affine> = (low[..count].par_chunks(HASH_CHUNK))
            .zip(high[..count].par_chunks(HASH_CHUNK))
            .flat_map_iter(|(low, high)| {
                let list: Vec<G1Projective> = low.iter().zip(high).map(|(low, high)| high.into_group() - low).collect();
                G1Projective::normalize_batch(&list)
            })
            .collect();
        feed(&mut hasher, domain - 1, &differences);
        feed(&mut hasher, self.c.len(), &self.c);
        feed(&mut hasher, self.a.len(), &self.a);
        feed(&mut hasher, self.b1.len(), &self.b1);
        feed(&mut hasher, self.b2.len(), &self.b2);
        finished(hasher)
    }
}

/// Feeds a count and points.
fn feed<P: Point>(hasher: &mut Blake2b512, count: usize, points: &[P]) {
    hasher.update((count as u32).to_be_bytes());
    let chunks: Vec<Vec<u8>> = points
        .par_chunks(HASH_CHUNK)
        .map(|chunk| {
            let mut bytes = Vec::with_capacity(P::BYTES * chunk.len());
            chunk.iter().for_each(|point| point.put_hashed(&mut bytes));
            bytes
        })
        .collect();
    chunks.iter().for_each(|chunk| hasher.update(chunk));
}

/// The polynomials of A, B and C combined over all wires, with the rows that bind the instance.
fn combined(system: &System, rho: &[Fr], domain: usize) -> Result<[Vec<Fr>; 3], CeremonyError> {
    let rows = system.matrices.rows();
    let mut sides: [Vec<Fr>; 3] = std::array::from_fn(|_| vec![Fr::zero(); domain]);
    let [a, b, c] = &mut sides;
    (a[..rows].par_iter_mut().zip(&mut b[..rows]).zip(&mut c[..rows]).enumerate())
        .for_each(|(row, ((a, b), c))| [*a, *b, *c] = system.matrices.evaluate(row, rho));
    a[rows..rows + system.instance].copy_from_slice(&rho[..system.instance]);
    let [a, b, c] = sides;
    Ok([interpolated(a)?, interpolated(b)?, interpolated(c)?])
}

/// Coefficients from values at the roots of unity.
fn interpolated(mut values: Vec<Fr>) -> Result<Vec<Fr>, CeremonyError> {
    let power = values.len().trailing_zeros();
    let domain = Radix2EvaluationDomain::<Fr>::new(values.len())
        .ok_or(CeremonyError::PtauPower { had: Fr::TWO_ADICITY, needed: power })?;
    domain.ifft_in_place(&mut values);
    Ok(values)
}

/// Compares the list of coefficients, byte by byte, with that of a system: for each row its entries of A, then of B; then the rows that bind
/// the instance.
pub(super) fn check_coefficients(bytes: &[u8], system: &System) -> Result<(), CeremonyError> {
    // Coefficients are written times 2^512, the square of the Montgomery radix.
    let radix = Fr::from(2u64).pow([256]);
    let encoded = |c: &Fr| (*c * radix * radix).into_bigint().to_bytes_le();
    let coefficients: Vec<Vec<u8>> = system.matrices.coefficients().iter().map(encoded).collect();
    let sides = [0, 1].map(|side| system.matrices.entries(side));
    let rows = system.matrices.rows();
    let total: usize = sides.iter().map(|(_, entries)| entries.len()).sum::<usize>() + system.instance;
    let count = bytes.get(..4).map_or(0, |count| super::binfile::u32_at(count, 0) as usize);
    if count != total {
        return Err(CeremonyError::OtherCircuit {
            file: super::CeremonyFile::InitialZkey,
            what: "number of coefficients",
            had: count,
            needed: total,
        });
    }
    let (given, _) = bytes[4..].as_chunks::<ENTRY_BYTES>();
    let one = encoded(&Fr::from(1u64));
    let wrong = |index: usize, matrix: u32, row: usize, wire: u32, coefficient: &[u8]| {
        let head = [matrix, row as u32, wire].map(u32::to_le_bytes).concat();
        let same = given.get(index).is_some_and(|given| given[..12] == head[..] && given[12..] == *coefficient);
        (!same).then_some(index)
    };
    let in_rows = (0..rows).into_par_iter().filter_map(|row| {
        let starts = sides.map(|(ends, _)| row.checked_sub(1).map_or(0, |before| ends[before]));
        let mut index = starts[0] + starts[1];
        for (matrix, ((ends, entries), start)) in (0u32..).zip(sides.into_iter().zip(starts)) {
            for (wire, id) in &entries[start..ends[row]] {
                if let Some(index) = wrong(index, matrix, row, *wire, &coefficients[*id as usize]) {
                    return Some(index);
                }
                index += 1;
            }
        }
        None
    });
    let in_instance =
        || (0..system.instance).find_map(|wire| wrong(total - system.instance + wire, 0, rows + wire, wire as u32, &one));
    match in_rows.min().or_else(in_instance) {
        Some(index) => Err(CeremonyError::Coefficient { index }),
        None => Ok(()),
    }
}
