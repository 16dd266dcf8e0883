//! [`Zkey`]: a Groth16 key as snarkjs keeps it, `.zkey`.
//!
//! | section | holds |
//! | --- | --- |
//! | 1 | the number of the proof system, 1 |
//! | 2 | moduli, wires, public inputs, size of the domain; alpha, beta in G1 and G2, gamma, delta in G1 and G2 |
//! | 3 | IC |
//! | 4 | entries of A and B: matrix, row, wire, coefficient times 2^512 |
//! | 5, 6, 7 | A, B in G1, B in G2 of all wires |
//! | 8 | C (elsewhere called L) of the witness's wires |
//! | 9 | H: the Lagrange polynomials of odd roots of unity of twice the domain's size, at tau |
//! | 10 | hash of the circuit, contributions |

use ark_bn254::{Fq, Fr, G1Affine, G2Affine};
use ark_ff::{BigInteger, PrimeField};
use tapstone_prover::key::CeremonyHash;

use super::binfile::{BinFile, Infinity, Reader, Section};
use super::contribution::{Contribution, LEAST_BYTES};
use super::error::{CeremonyFile, CeremonyFileError};
use super::points::Point;

pub(super) const MAGIC: [u8; 4] = *b"zkey";
const GROTH16: u32 = 1;
/// Bytes of an entry of the list of coefficients: three numbers, an element.
pub(super) const ENTRY_BYTES: usize = 3 * 4 + 32;

/// Sections whose points or entries are read when they are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Ic,
    Coefficients,
    A,
    B1,
    B2,
    C,
    H,
}

impl Part {
    pub(super) const ALL: [Self; 7] = [Self::Ic, Self::Coefficients, Self::A, Self::B1, Self::B2, Self::C, Self::H];

    /// Number of the section.
    pub(super) const fn id(self) -> u32 {
        self as u32 + 3
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ic => "IC",
            Self::Coefficients => "coefficients",
            Self::A => "A",
            Self::B1 => "B1",
            Self::B2 => "B2",
            Self::C => "C",
            Self::H => "H",
        }
    }
}

/// Sizes and points of the second section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) wires: usize,
    pub(super) public: usize,
    pub(super) domain: usize,
    pub(super) alpha_g1: G1Affine,
    pub(super) beta_g1: G1Affine,
    pub(super) beta_g2: G2Affine,
    pub(super) gamma_g2: G2Affine,
    pub(super) delta_g1: G1Affine,
    pub(super) delta_g2: G2Affine,
}

impl Header {
    fn read(section: &Section<'_>) -> Result<Self, CeremonyFileError> {
        let mut reader = section.reader();
        for (modulus, wrong) in
            [(Fq::MODULUS, "the base field is not that of BN254"), (Fr::MODULUS, "the scalar field is not that of BN254")]
        {
            modulus_is(&mut reader, modulus, wrong)?;
        }
        let mut number = || reader.u32().map(|n| n as usize);
        let (wires, public, domain) = (number()?, number()?, number()?);
        if public >= wires {
            return Err(section.wrong("it has more public inputs than wires"));
        }
        let header = Self {
            wires,
            public,
            domain,
            alpha_g1: reader.point(0)?,
            beta_g1: reader.point(1)?,
            beta_g2: reader.point(2)?,
            gamma_g2: reader.point(3)?,
            delta_g1: reader.point(4)?,
            delta_g2: reader.point(5)?,
        };
        reader.finish()?;
        Ok(header)
    }

    pub(super) fn put(&self, to: &mut Vec<u8>) {
        for modulus in [Fq::MODULUS, Fr::MODULUS] {
            to.extend(32u32.to_le_bytes());
            to.extend(modulus.to_bytes_le());
        }
        for n in [self.wires, self.public, self.domain] {
            to.extend((n as u32).to_le_bytes());
        }
        self.alpha_g1.put(to);
        self.beta_g1.put(to);
        self.beta_g2.put(to);
        self.gamma_g2.put(to);
        self.delta_g1.put(to);
        self.delta_g2.put(to);
    }
}

/// A modulus with its length before it.
pub(super) fn modulus_is(
    reader: &mut Reader<'_>,
    modulus: ark_ff::BigInt<4>,
    wrong: &'static str,
) -> Result<(), CeremonyFileError> {
    let size = reader.u32()?;
    if size != 32 || reader.slice(32)? != modulus.to_bytes_le() {
        return Err(reader.section.wrong(wrong));
    }
    Ok(())
}

/// A key file whose structure was checked: lengths, header and contributions. Points of its sections are checked as they are read.
#[derive(Debug)]
pub struct Zkey<'a> {
    pub(super) header: Header,
    parts: [Section<'a>; Part::ALL.len()],
    pub(super) circuit_hash: CeremonyHash,
    pub(super) contributions: Vec<Contribution>,
}

impl<'a> Zkey<'a> {
    /// Reads the structure of a file; `file` says which of a ceremony's it is, for errors.
    ///
    /// # Errors
    /// If it is not a Groth16 key over BN254 whose sections have the lengths that its header gives them.
    pub fn parse(file: CeremonyFile, bytes: &'a [u8]) -> Result<Self, CeremonyFileError> {
        let sections = BinFile::parse(file, MAGIC, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], bytes)?;
        let system = sections.section(1, "proof system")?.of_length(4)?;
        if system.reader().u32()? != GROTH16 {
            return Err(system.wrong("the proof system is not Groth16"));
        }
        let header = Header::read(&sections.section(2, "header")?)?;
        let mut parts = [system; Part::ALL.len()];
        let (g1, g2) = (G1Affine::BYTES as u64, G2Affine::BYTES as u64);
        let (wires, public) = (header.wires as u64, header.public as u64);
        for (part, to) in Part::ALL.into_iter().zip(&mut parts) {
            let section = sections.section(part.id(), part.name())?;
            let needed = match part {
                Part::Ic => (public + 1) * g1,
                Part::Coefficients => 4 + u64::from(section.reader().u32()?) * ENTRY_BYTES as u64,
                Part::A | Part::B1 => wires * g1,
                Part::B2 => wires * g2,
                Part::C => (wires - public - 1) * g1,
                Part::H => header.domain as u64 * g1,
            };
            *to = section.of_length(needed)?;
        }
        let mut reader = sections.section(10, "contributions")?.reader();
        let circuit_hash = CeremonyHash::from_bytes(reader.array()?);
        let count = reader.u32()? as usize;
        if count > reader.section.bytes.len() / LEAST_BYTES {
            return Err(reader.section.wrong("it has room for fewer contributions than it says"));
        }
        let contributions = (1..=count).map(|number| Contribution::read(&mut reader, number)).collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { header, parts, circuit_hash, contributions })
    }

    /// The hash of the circuit, as the file says.
    pub fn circuit_hash(&self) -> CeremonyHash {
        self.circuit_hash
    }

    /// The contributions in order. They were not verified.
    pub fn contributions(&self) -> &[Contribution] {
        &self.contributions
    }

    pub(super) fn bytes(&self, part: Part) -> &'a [u8] {
        self.parts[part as usize].bytes
    }

    /// All points of a part.
    pub(super) fn points<P: Point>(&self, part: Part) -> Result<Vec<P>, CeremonyFileError> {
        // Wires that do not occur in a matrix have infinity; IC is checked with the verifying key, and H never has it.
        let infinity = if matches!(part, Part::Ic | Part::H) { Infinity::Refused } else { Infinity::Allowed };
        self.parts[part as usize].points(usize::MAX / P::BYTES, infinity)
    }
}
