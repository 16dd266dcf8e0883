//! [`Ptau`]: powers of tau as snarkjs keeps them, `.ptau`.
//!
//! | section | holds |
//! | --- | --- |
//! | 1 | modulus, power, power of the ceremony |
//! | 2 | `tau^i` in G1, i below `2^(power + 1) - 1` |
//! | 3 | `tau^i` in G2, i below `2^power` |
//! | 4, 5 | `alpha tau^i`, `beta tau^i` in G1 |
//! | 6 | beta in G2 |
//! | 7 | contributions |
//! | 12 to 15 | Lagrange polynomials at tau, which follow from the powers and are not read here |

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ff::PrimeField;
use tapstone_prover::key::CeremonyHash;

use super::binfile::{BinFile, Infinity, Section};
use super::error::{CeremonyFile, CeremonyFileError};
use super::hash::hash_of;
use super::points::Point;
use super::zkey::modulus_is;

pub(super) const MAGIC: [u8; 4] = *b"ptau";
/// The largest power: the scalar field has no larger domain.
const MOST_POWER: u32 = 28;

/// Powers of tau whose structure was checked. Points are checked as they are read.
#[derive(Debug)]
pub struct Ptau<'a> {
    bytes: &'a [u8],
    power: u32,
    tau_g1: Section<'a>,
    tau_g2: Section<'a>,
    alpha: Section<'a>,
    beta: Section<'a>,
    beta_g2: Section<'a>,
}

impl<'a> Ptau<'a> {
    /// Reads the structure of a file.
    ///
    /// # Errors
    /// If it does not hold powers in BN254 whose sections have the lengths that its power gives them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CeremonyFileError> {
        let known = [1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15];
        let sections = BinFile::parse(CeremonyFile::Ptau, MAGIC, &known, bytes)?;
        let header = sections.section(1, "header")?;
        let mut reader = header.reader();
        modulus_is(&mut reader, Fq::MODULUS, "the base field is not that of BN254")?;
        let (power, ceremony) = (reader.u32()?, reader.u32()?);
        reader.finish()?;
        if !(1..=MOST_POWER).contains(&power) || ceremony < power {
            return Err(header.wrong("the power is not from 1 to 28, or more than that of the ceremony"));
        }
        let (g1, g2, n) = (G1Affine::BYTES as u64, G2Affine::BYTES as u64, 1u64 << power);
        let section = |id, name, length| sections.section(id, name)?.of_length(length);
        Ok(Self {
            bytes,
            power,
            tau_g1: section(2, "tau in G1", (2 * n - 1) * g1)?,
            tau_g2: section(3, "tau in G2", n * g2)?,
            alpha: section(4, "alpha tau", n * g1)?,
            beta: section(5, "beta tau", n * g1)?,
            beta_g2: section(6, "beta in G2", g2)?,
        })
    }

    /// Two's exponent of the number of powers.
    pub fn power(&self) -> u32 {
        self.power
    }

    /// BLAKE2b-512 of the file.
    pub fn hash(&self) -> CeremonyHash {
        hash_of(self.bytes)
    }

    /// The first powers of tau in G1.
    pub(super) fn tau_g1(&self, count: usize) -> Result<Vec<G1Affine>, CeremonyFileError> {
        self.tau_g1.points(count, Infinity::Refused)
    }

    /// The first powers of tau in G2.
    pub(super) fn tau_g2(&self, count: usize) -> Result<Vec<G2Affine>, CeremonyFileError> {
        self.tau_g2.points(count, Infinity::Refused)
    }

    /// The first powers times alpha.
    pub(super) fn alpha(&self, count: usize) -> Result<Vec<G1Affine>, CeremonyFileError> {
        self.alpha.points(count, Infinity::Refused)
    }

    /// The first powers times beta.
    pub(super) fn beta(&self, count: usize) -> Result<Vec<G1Affine>, CeremonyFileError> {
        self.beta.points(count, Infinity::Refused)
    }

    /// beta in G2.
    pub(super) fn beta_g2(&self) -> Result<G2Affine, CeremonyFileError> {
        self.beta_g2.reader().point(0)
    }
}
