//! The head of a key file: what the key is for, and where its sections lie.
//!
//! Numbers are little-endian, as the sections are read in place:
//!
//! | bytes | field |
//! | --- | --- |
//! | 4 | magic `TSPK` |
//! | 4 | file version, 3 |
//! | 4 | length of the head in bytes, all fields of this table included |
//! | 32 | SHA-256 of the head after this field |
//! | 4 | circuit version |
//! | 4 | where the key is from: 0 for one party's randomness, 1 for a ceremony |
//! | 4 | what its H query is for: 0 for coefficients of the quotient (libsnark), 1 for values of a b - c on a coset (Circom) |
//! | 4 | bits of the Montgomery radix that coordinates are multiplied by |
//! | 8 + 8 | rows, wires |
//! | 32 | SHA-256 of the circuit's matrices |
//! | 4 + | length of the shape's name, the name |
//! | 64 + 64 | beta and delta in G1: x, y, big-endian |
//! | 4 + | length of the verifying key, its file |
//! | 4 + | length of the ceremony's record, the record (see `Provenance::to_bytes`); 0 for one party |
//! | 4 | number of sections, 10 |
//! | 48 each | section: number of the first byte, length in bytes, SHA-256 |
//!
//! Sections follow in the order of [`Section::ALL`], each at a multiple of 64 bytes, with zeros between. The file ends with the last.

use std::ops::Range;

use ark_bn254::{Fq, G1Affine};
use ark_ff::{BigInteger, PrimeField};
use sha2::{Digest, Sha256};

use super::provenance::Provenance;
use super::{CircuitId, Origin};
use crate::error::KeyFileError;
use crate::groth16::Reduction;
use crate::memory::ALIGNMENT;

const MAGIC: [u8; 4] = *b"TSPK";
/// The layout that this crate writes and reads.
const FILE_VERSION: u32 = 3;
/// Bytes before the hashed part of the head.
const UNHASHED: usize = 4 + 4 + 4 + 32;
/// The longest head: a name and a verifying key are a few hundred bytes, and so is a contribution to a ceremony.
const LONGEST: usize = 1 << 20;

/// Parts of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Points of the A query that are not infinity.
    A,
    /// The wire of each, `u32`.
    AWires,
    /// Points of the B query in G1 that are not infinity.
    B1,
    /// The same in G2.
    B2,
    /// The wire of each, for both.
    BWires,
    /// Points for the quotient polynomial.
    H,
    /// Points of witness wires.
    L,
    /// The coefficients that occur in the matrices: canonical integers of 32 bytes. 1 and -1 come first.
    Coefficients,
    /// For each row of A, then of B, then of C, where its entries end in the section of entries, `u32`.
    Ends,
    /// Wire and number of the coefficient, `u32` each.
    Entries,
}

impl Section {
    pub(crate) const ALL: [Self; 10] = [
        Self::A,
        Self::AWires,
        Self::B1,
        Self::B2,
        Self::BWires,
        Self::H,
        Self::L,
        Self::Coefficients,
        Self::Ends,
        Self::Entries,
    ];

    /// Its name in errors.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::A => "A query",
            Self::AWires => "wires of the A query",
            Self::B1 => "B query in G1",
            Self::B2 => "B query in G2",
            Self::BWires => "wires of the B query",
            Self::H => "H query",
            Self::L => "L query",
            Self::Coefficients => "coefficients",
            Self::Ends => "ends of rows",
            Self::Entries => "entries of rows",
        }
    }
}

/// Where a section lies, and its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) bytes: Range<usize>,
    pub(crate) hash: [u8; 32],
}

/// The head.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) circuit: CircuitId,
    pub(crate) origin: Origin,
    pub(crate) reduction: Reduction,
    pub(crate) radix_bits: u32,
    pub(crate) rows: usize,
    pub(crate) wires: usize,
    pub(crate) beta_g1: G1Affine,
    pub(crate) delta_g1: G1Affine,
    pub(crate) verifying: Vec<u8>,
    pub(crate) places: [Place; Section::ALL.len()],
}

/// Numbers of origins.
const ONE_PARTY: u32 = 0;
const CEREMONY: u32 = 1;
/// Numbers of reductions.
const LIBSNARK: u32 = 0;
const CIRCOM: u32 = 1;

impl Head {
    pub(crate) fn place(&self, section: Section) -> &Place {
        &self.places[section as usize]
    }

    /// The end of the file.
    fn end(&self) -> usize {
        self.places[Section::ALL.len() - 1].bytes.end
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_u32(&mut body, self.circuit.version);
        let (origin, record) = match &self.origin {
            Origin::OneParty => (ONE_PARTY, Vec::new()),
            Origin::Ceremony(provenance) => (CEREMONY, provenance.to_bytes()),
        };
        put_u32(&mut body, origin);
        put_u32(&mut body, if self.reduction == Reduction::Libsnark { LIBSNARK } else { CIRCOM });
        put_u32(&mut body, self.radix_bits);
        put_u64(&mut body, self.rows);
        put_u64(&mut body, self.wires);
        body.extend(self.circuit.matrices);
        put_list(&mut body, self.circuit.shape.as_bytes());
        for point in [&self.beta_g1, &self.delta_g1] {
            body.extend(point.x.into_bigint().to_bytes_be());
            body.extend(point.y.into_bigint().to_bytes_be());
        }
        put_list(&mut body, &self.verifying);
        put_list(&mut body, &record);
        put_u32(&mut body, Section::ALL.len() as u32);
        for place in &self.places {
            put_u64(&mut body, place.bytes.start);
            put_u64(&mut body, place.bytes.len());
            body.extend(place.hash);
        }
        let mut head = Vec::with_capacity(UNHASHED + body.len());
        head.extend(MAGIC);
        put_u32(&mut head, FILE_VERSION);
        put_u32(&mut head, (UNHASHED + body.len()) as u32);
        head.extend(Sha256::digest(&body));
        head.extend(body);
        head
    }

    /// Gives the sections their places, in order, after the head; `None` if that is longer than any that is read.
    pub(crate) fn lay_out(&mut self, lengths: [usize; Section::ALL.len()]) -> Option<()> {
        let mut end = self.to_bytes().len();
        if end > LONGEST {
            return None;
        }
        for (place, length) in self.places.iter_mut().zip(lengths) {
            let start = end.next_multiple_of(ALIGNMENT);
            place.bytes = start..start + length;
            end = place.bytes.end;
        }
        Some(())
    }

    /// Reads the head of a file, whose length must be that of head and sections.
    pub(crate) fn parse(file: &[u8]) -> Result<Self, KeyFileError> {
        let mut reader = Reader { rest: file };
        let magic = reader.array()?;
        if magic != MAGIC {
            return Err(KeyFileError::Magic { had: magic });
        }
        let version = reader.u32()?;
        if version != FILE_VERSION {
            return Err(KeyFileError::FileVersion { had: version, needed: FILE_VERSION });
        }
        let length = reader.u32()? as usize;
        let hash: [u8; 32] = reader.array()?;
        if !(UNHASHED..=LONGEST).contains(&length) {
            return Err(KeyFileError::HeadChecksum);
        }
        let body = file.get(UNHASHED..length).ok_or(KeyFileError::Head)?;
        if Sha256::digest(body)[..] != hash {
            return Err(KeyFileError::HeadChecksum);
        }
        let head = Self::parse_body(&mut Reader { rest: body })?;
        let mut end = length;
        for place in &head.places {
            if place.bytes.start != end.next_multiple_of(ALIGNMENT) {
                return Err(KeyFileError::Head);
            }
            end = place.bytes.end;
        }
        let needed = head.end() as u64;
        match (file.len() as u64).cmp(&needed) {
            std::cmp::Ordering::Less => Err(KeyFileError::Truncated { had: file.len() as u64, needed }),
            std::cmp::Ordering::Greater => Err(KeyFileError::TrailingBytes { had: file.len() as u64, needed }),
            std::cmp::Ordering::Equal => Ok(head),
        }
    }

    fn parse_body(reader: &mut Reader<'_>) -> Result<Self, KeyFileError> {
        let version = reader.u32()?;
        let origin = reader.u32()?;
        let reduction = match reader.u32()? {
            LIBSNARK => Reduction::Libsnark,
            CIRCOM => Reduction::Circom,
            had => return Err(KeyFileError::Reduction { had }),
        };
        let radix_bits = reader.u32()?;
        let rows = reader.usize()?;
        let wires = reader.usize()?;
        let matrices = reader.array()?;
        let shape = String::from_utf8_lossy(reader.list()?).into_owned();
        let mut points = [G1Affine::identity(); 2];
        for (point, name) in points.iter_mut().zip(["beta", "delta"]) {
            let (x, y) = (reader.coordinate(), reader.coordinate());
            let (Some(x), Some(y)) = (x?, y?) else { return Err(KeyFileError::Point { name }) };
            *point = G1Affine::new_unchecked(x, y);
            if !point.is_on_curve() {
                return Err(KeyFileError::Point { name });
            }
        }
        let verifying = reader.list()?.to_vec();
        let record = reader.list()?;
        let origin = match origin {
            ONE_PARTY if record.is_empty() => Origin::OneParty,
            CEREMONY => Origin::Ceremony(Box::new(Provenance::from_bytes(record).ok_or(KeyFileError::Head)?)),
            ONE_PARTY => return Err(KeyFileError::Head),
            had => return Err(KeyFileError::Origin { had }),
        };
        if reader.u32()? as usize != Section::ALL.len() {
            return Err(KeyFileError::Head);
        }
        let mut places = std::array::from_fn(|_| Place { bytes: 0..0, hash: [0; 32] });
        for place in &mut places {
            let (start, length) = (reader.usize()?, reader.usize()?);
            place.bytes = start..start.checked_add(length).ok_or(KeyFileError::Head)?;
            place.hash = reader.array()?;
        }
        if !reader.rest.is_empty() {
            return Err(KeyFileError::Head);
        }
        let [beta_g1, delta_g1] = points;
        let circuit = CircuitId { version, shape, matrices };
        Ok(Self { circuit, origin, reduction, radix_bits, rows, wires, beta_g1, delta_g1, verifying, places })
    }
}

fn put_u32(to: &mut Vec<u8>, n: u32) {
    to.extend(n.to_le_bytes());
}

fn put_u64(to: &mut Vec<u8>, n: usize) {
    to.extend((n as u64).to_le_bytes());
}

/// Names and verifying keys, which are short.
fn put_list(to: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(to, bytes.len() as u32);
    to.extend(bytes);
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn slice(&mut self, count: usize) -> Result<&'a [u8], KeyFileError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(KeyFileError::Head)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], KeyFileError> {
        let mut out = [0; N];
        out.copy_from_slice(self.slice(N)?);
        Ok(out)
    }

    fn u32(&mut self) -> Result<u32, KeyFileError> {
        self.array().map(u32::from_le_bytes)
    }

    fn usize(&mut self) -> Result<usize, KeyFileError> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| KeyFileError::Head)
    }

    fn list(&mut self) -> Result<&'a [u8], KeyFileError> {
        let count = self.u32()? as usize;
        self.slice(count)
    }

    /// A canonical coordinate.
    fn coordinate(&mut self) -> Result<Option<Fq>, KeyFileError> {
        let bytes: [u8; 32] = self.array()?;
        let x = Fq::from_be_bytes_mod_order(&bytes);
        Ok((x.into_bigint().to_bytes_be() == bytes).then_some(x))
    }
}
