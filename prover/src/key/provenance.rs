//! [`Provenance`]: what a key file keeps of the ceremony that its key is from.

use super::beacon::Beacon;
use super::hash::CeremonyHash;

/// A contribution, as it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The name that it gave itself, of at most 255 bytes; nobody checked it.
    pub name: String,
    /// The hash of the contribution.
    pub hash: CeremonyHash,
    /// The beacon that its secret is from, if it is no party's.
    pub beacon: Option<Beacon>,
}

/// The ceremony that a key is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The hash of the initial key.
    pub circuit_hash: CeremonyHash,
    /// The hash of the file of powers of tau.
    pub ptau_hash: CeremonyHash,
    /// All contributions in order.
    pub parties: Vec<Party>,
}

impl Provenance {
    /// The form in a key file: the two hashes, then for each party its hash, and lengths and bytes of its name and its beacon's
    /// value, one byte for a length; a beacon's value is followed by its exponent.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(self.circuit_hash.to_bytes());
        out.extend(self.ptau_hash.to_bytes());
        for party in &self.parties {
            out.extend(party.hash.to_bytes());
            let value = party.beacon.as_ref().map_or(&[][..], Beacon::value);
            for text in [party.name.as_bytes(), value] {
                out.push(text.len() as u8);
                out.extend(text);
            }
            out.extend(party.beacon.as_ref().map(Beacon::exponent));
        }
        out
    }

    /// Reads that form; `None` if it is another.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at_checked(count)?;
            rest = left;
            Some((taken, left.is_empty()))
        };
        let hash = |bytes: &[u8]| bytes.try_into().ok().map(CeremonyHash::from_bytes);
        let circuit_hash = hash(take(CeremonyHash::BYTES)?.0)?;
        let (ptau_hash, mut done) = take(CeremonyHash::BYTES)?;
        let ptau_hash = hash(ptau_hash)?;
        let mut parties = Vec::new();
        while !done {
            let hash = hash(take(CeremonyHash::BYTES)?.0)?;
            let length = usize::from(take(1)?.0[0]);
            let name = std::str::from_utf8(take(length)?.0).ok()?.to_owned();
            let length = usize::from(take(1)?.0[0]);
            let (value, end) = take(length)?;
            done = end;
            let mut beacon = None;
            if !value.is_empty() {
                let (exponent, end) = take(1)?;
                done = end;
                beacon = Some(Beacon::new(value.to_vec(), exponent[0]).ok()?);
            }
            parties.push(Party { name, hash, beacon });
        }
        Some(Self { circuit_hash, ptau_hash, parties })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_no_part_of_one_is() {
        let party = |name: &str, byte, beacon: Option<&str>| Party {
            name: name.into(),
            hash: CeremonyHash::from_bytes([byte; CeremonyHash::BYTES]),
            beacon: beacon.map(|text| text.parse().unwrap()),
        };
        let provenance = Provenance {
            circuit_hash: CeremonyHash::from_bytes([1; CeremonyHash::BYTES]),
            ptau_hash: CeremonyHash::from_bytes([2; CeremonyHash::BYTES]),
            parties: vec![party("one", 3, None), party("", 4, None), party("a block", 5, Some("0102:10"))],
        };
        let bytes = provenance.to_bytes();
        assert_eq!(Provenance::from_bytes(&bytes), Some(provenance.clone()));
        for length in 0..bytes.len() {
            assert_ne!(Provenance::from_bytes(&bytes[..length]), Some(provenance.clone()));
        }
    }
}
