//! [`Contribution`]: one party's factor of delta, with the proof that the party knew it, chained to all contributions before.
//!
//! A party that multiplies delta by a secret x publishes a point S of G1 and x S; the transcript is the hash of the circuit's hash, all contributions
//! before, S and x S. It gives a point P of G2, of which nobody knows a multiple before, and x P proves that x was known. `e(S, x P) = e(x S, P)` binds
//! the points to each other, and `e(delta, x P) = e(x delta, P)` delta to them.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use blake2::{Blake2b512, Digest};
use tapstone_prover::combination::same_ratio;
use tapstone_prover::key::{Beacon, CeremonyHash, Party};

use super::binfile::{Reader, Section};
use super::error::{CeremonyError, CeremonyFileError, ContributionFault};
use super::hash::finished;
use super::points::Point;
use super::random::Draw;

/// Tags of a contribution's parameters, which come in rising order.
const NAME: u8 = 1;
const EXPONENT: u8 = 2;
const VALUE: u8 = 3;

/// Bytes of a contribution before its parameters.
const FIXED: usize = 3 * 64 + 128 + 64 + 4 + 4;

/// A party's part in a ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    pub(super) delta_after: G1Affine,
    pub(super) s: G1Affine,
    pub(super) s_times_x: G1Affine,
    pub(super) p_times_x: G2Affine,
    pub(super) transcript: [u8; 64],
    pub(super) name: Option<Vec<u8>>,
    pub(super) beacon: Option<Beacon>,
}

impl Contribution {
    /// The name that the party gave itself; nobody checks it.
    pub fn name(&self) -> String {
        self.name.as_ref().map_or_else(String::new, |name| String::from_utf8_lossy(name).into_owned())
    }

    /// The beacon, if its secret was drawn from one.
    pub fn beacon(&self) -> Option<&Beacon> {
        self.beacon.as_ref()
    }

    /// Its hash, by which the party knows it again.
    pub fn hash(&self) -> CeremonyHash {
        let mut hasher = Blake2b512::new();
        self.feed(&mut hasher);
        finished(hasher)
    }

    /// What a key file keeps of it.
    pub(super) fn party(&self) -> Party {
        // Bytes that are no text grow as they are replaced.
        let mut name = self.name();
        while name.len() > usize::from(u8::MAX) {
            name.pop();
        }
        Party { name, hash: self.hash(), beacon: self.beacon.clone() }
    }

    fn feed(&self, hasher: &mut Blake2b512) {
        hasher.update(hashed(&[self.delta_after, self.s, self.s_times_x]));
        hasher.update(hashed(&[self.p_times_x]));
        hasher.update(self.transcript);
    }

    pub(super) fn read(reader: &mut Reader<'_>, number: usize) -> Result<Self, CeremonyFileError> {
        let index = number - 1;
        let (delta_after, s, s_times_x) = (reader.point(index)?, reader.point(index)?, reader.point(index)?);
        let p_times_x = reader.point(index)?;
        let transcript = reader.array()?;
        let kind = reader.u32()?;
        let length = reader.u32()? as usize;
        let Section { file, .. } = reader.section;
        let wrong = |what| CeremonyFileError::Contribution { file, number, what };
        let end = reader.at().saturating_add(length);
        let (mut name, mut exponent, mut value, mut last) = (None, None, None, 0);
        while reader.at() < end {
            let tag = reader.u8()?;
            if tag <= last {
                return Err(wrong("its parameters are not in rising order"));
            }
            last = tag;
            let size = reader.u8()?;
            match tag {
                NAME => name = Some(reader.slice(usize::from(size))?.to_vec()),
                EXPONENT => exponent = Some(size),
                VALUE => value = Some(reader.slice(usize::from(size))?.to_vec()),
                _ => return Err(wrong("it has an unknown parameter")),
            }
        }
        if reader.at() != end {
            return Err(wrong("its parameters have another length than it says"));
        }
        let beacon = match (kind, exponent, value) {
            (0, None, None) => None,
            (1, Some(exponent), Some(value)) => Some(
                Beacon::new(value, exponent)
                    .map_err(|_| wrong("its beacon needs 1 to 255 bytes and an exponent from 10 to 63"))?,
            ),
            _ => return Err(wrong("it is neither a party's nor a beacon's")),
        };
        Ok(Self { delta_after, s, s_times_x, p_times_x, transcript, name, beacon })
    }

    pub(super) fn put(&self, to: &mut Vec<u8>) {
        [self.delta_after, self.s, self.s_times_x].iter().for_each(|point| point.put(to));
        self.p_times_x.put(to);
        to.extend(self.transcript);
        to.extend(u32::from(self.beacon.is_some()).to_le_bytes());
        let mut parameters = Vec::new();
        let mut list = |tag, bytes: &[u8]| {
            parameters.extend([tag, bytes.len() as u8]);
            parameters.extend(bytes);
        };
        if let Some(name) = &self.name {
            list(NAME, name);
        }
        if let Some(beacon) = &self.beacon {
            // The exponent stands where lists have their length.
            let mut exponent = vec![EXPONENT, beacon.exponent(), VALUE, beacon.value().len() as u8];
            exponent.extend(beacon.value());
            parameters.extend(exponent);
        }
        to.extend((parameters.len() as u32).to_le_bytes());
        to.extend(parameters);
    }
}

fn hashed<P: Point>(points: &[P]) -> Vec<u8> {
    let mut out = Vec::with_capacity(P::BYTES * points.len());
    points.iter().for_each(|point| point.put_hashed(&mut out));
    out
}

/// The hash of a circuit and some contributions to its key.
pub(super) struct Transcript(Blake2b512);

impl Transcript {
    pub(super) fn new(circuit: CeremonyHash, contributions: &[Contribution]) -> Self {
        let mut hasher = Blake2b512::new_with_prefix(circuit.to_bytes());
        contributions.iter().for_each(|contribution| contribution.feed(&mut hasher));
        Self(hasher)
    }

    /// The transcript of the next contribution, by its points.
    pub(super) fn next(&self, s: G1Affine, s_times_x: G1Affine) -> [u8; 64] {
        let mut hasher = self.0.clone();
        hasher.update(hashed(&[s, s_times_x]));
        hasher.finalize().into()
    }
}

/// The point of G2 that a transcript stands for.
pub(super) fn point_of(transcript: &[u8; 64]) -> G2Affine {
    Draw::from_hash(transcript).g2()
}

/// Verifies all contributions in order; gives delta in G1 after the last. Beacons' secrets are drawn again.
pub(super) fn verify_chain(circuit: CeremonyHash, contributions: &[Contribution]) -> Result<G1Affine, CeremonyError> {
    // Before any beacon is worked out: that of a file that nobody wants could take years.
    let first = contributions.iter().position(|contribution| contribution.beacon.is_some());
    if let Some(index) = first.filter(|index| index + 1 < contributions.len()) {
        return Err(CeremonyError::Contribution { number: index + 2, fault: ContributionFault::AfterBeacon });
    }
    let mut transcript = Transcript::new(circuit, &[]);
    let mut delta = G1Affine::generator();
    for (index, contribution) in contributions.iter().enumerate() {
        let fault = |fault| CeremonyError::Contribution { number: index + 1, fault };
        let Contribution { delta_after, s, s_times_x, p_times_x, .. } = *contribution;
        if transcript.next(s, s_times_x) != contribution.transcript {
            return Err(fault(ContributionFault::Transcript));
        }
        let p = point_of(&contribution.transcript);
        if !same_ratio(s, s_times_x, p, p_times_x) {
            return Err(fault(ContributionFault::Knowledge));
        }
        if !same_ratio(delta, delta_after, p, p_times_x) {
            return Err(fault(ContributionFault::Delta));
        }
        if let Some(beacon) = &contribution.beacon {
            let mut draw = Draw::from_beacon(beacon);
            let (x, expected) = (draw.scalar(), draw.g1());
            if expected != s || G1Affine::from(expected * x) != s_times_x {
                return Err(fault(ContributionFault::Beacon));
            }
        }
        contribution.feed(&mut transcript.0);
        delta = delta_after;
    }
    Ok(delta)
}

/// The fewest bytes of a contribution.
pub(super) const LEAST_BYTES: usize = FIXED;
