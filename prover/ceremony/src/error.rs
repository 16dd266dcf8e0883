//! Why the files of a ceremony are refused.

use tapstone_verifier::error::PointError;
use thiserror::Error;

use tapstone_prover::key::CeremonyHash;

/// A file of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CeremonyFile {
    /// The key after all contributions.
    Zkey,
    /// The key before the first.
    InitialZkey,
    /// The powers of tau.
    Ptau,
}

impl std::fmt::Display for CeremonyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Zkey => "zkey",
            Self::InitialZkey => "initial zkey",
            Self::Ptau => "ptau",
        })
    }
}

/// A file is not what snarkjs writes for Groth16 over BN254.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CeremonyFileError {
    /// The first bytes name another format.
    #[error("{file}: starts with {had:02x?}, needed {needed:02x?}")]
    Magic {
        /// The file.
        file: CeremonyFile,
        /// Its first bytes.
        had: [u8; 4],
        /// Those of the format.
        needed: [u8; 4],
    },
    /// The format's version is unknown.
    #[error("{file}: format version {had}, needed 1")]
    Version {
        /// The file.
        file: CeremonyFile,
        /// Its version.
        had: u32,
    },
    /// More sections than any such file has.
    #[error("{file}: {had} sections, at most {most}")]
    Sections {
        /// The file.
        file: CeremonyFile,
        /// Their number.
        had: u32,
        /// The most that are read.
        most: u32,
    },
    /// The file ends early.
    #[error("{file}: truncated: {had} bytes, needed {needed}")]
    Truncated {
        /// The file.
        file: CeremonyFile,
        /// Its bytes.
        had: u64,
        /// Bytes that its sections need.
        needed: u64,
    },
    /// The file goes on after its last section.
    #[error("{file}: {had} bytes, more than the needed {needed}")]
    TrailingBytes {
        /// The file.
        file: CeremonyFile,
        /// Its bytes.
        had: u64,
        /// Where its last section ends.
        needed: u64,
    },
    /// A section is not there.
    #[error("{file}: no section {id} ({section})")]
    Missing {
        /// The file.
        file: CeremonyFile,
        /// Number of the section.
        id: u32,
        /// Its name.
        section: &'static str,
    },
    /// A section is there twice: programs might read either.
    #[error("{file}: section {id} occurs twice")]
    Repeated {
        /// The file.
        file: CeremonyFile,
        /// Number of the section.
        id: u32,
    },
    /// A section of a number that the format does not have.
    #[error("{file}: unknown section {id}")]
    Unknown {
        /// The file.
        file: CeremonyFile,
        /// Number of the section.
        id: u32,
    },
    /// A section has another length than the header says.
    #[error("{file}: section {section} has {had} bytes, needed {needed}")]
    Length {
        /// The file.
        file: CeremonyFile,
        /// The section.
        section: &'static str,
        /// Its bytes.
        had: u64,
        /// Bytes that the header gives it.
        needed: u64,
    },
    /// Another proof system, field or size than Groth16 over BN254 has here.
    #[error("{file}: section {section}: {what}")]
    Header {
        /// The file.
        file: CeremonyFile,
        /// The section.
        section: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A point does not decode, or is one that no honest file has.
    #[error("{file}: section {section}, point {index}: {reason}")]
    Point {
        /// The file.
        file: CeremonyFile,
        /// The section.
        section: &'static str,
        /// The point's place in it, from 0.
        index: usize,
        /// What is wrong with it.
        reason: PointError,
    },
    /// A contribution does not decode.
    #[error("{file}: contribution {number}: {what}")]
    Contribution {
        /// The file.
        file: CeremonyFile,
        /// Its number, from 1.
        number: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// The files are not those of a ceremony for this circuit that the caller can trust.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CeremonyError {
    /// A file is malformed.
    #[error(transparent)]
    File(#[from] CeremonyFileError),
    /// The operating system gave no randomness for the coefficients of the checks.
    #[error("no randomness from the operating system: {0}")]
    Randomness(getrandom::Error),
    /// Lists of the files that belong together have unequal lengths.
    #[error(transparent)]
    Lengths(#[from] tapstone_prover::error::LengthError),
    /// A number in the key's header is not the circuit's.
    #[error("{file}: {what} {had}, needed {needed} for this circuit")]
    OtherCircuit {
        /// The file.
        file: CeremonyFile,
        /// The number.
        what: &'static str,
        /// The file's.
        had: usize,
        /// The circuit's.
        needed: usize,
    },
    /// The powers of tau are too few. They must be of twice the circuit's domain: snarkjs hashes one difference of powers more than the key has,
    /// and with fewer powers reads beyond them.
    #[error("ptau: power {had}, needed {needed} or more for this circuit")]
    PtauPower {
        /// The file's.
        had: u32,
        /// The least.
        needed: u32,
    },
    /// The file of powers is not one of a known ceremony, and the caller names none.
    #[error("ptau: its blake2b hash {had} is of no known ceremony; name it if you trust it")]
    UnknownPtau {
        /// The file's hash.
        had: CeremonyHash,
    },
    /// The file of powers is not the one that the caller named.
    #[error("ptau: its blake2b hash is {had}, needed {needed}")]
    PtauHash {
        /// The file's hash.
        had: CeremonyHash,
        /// What the caller named.
        needed: Box<CeremonyHash>,
    },
    /// The points are not the powers of one secret.
    #[error("ptau: section {section} does not hold the powers of one secret")]
    PtauPowers {
        /// The section.
        section: &'static str,
    },
    /// A point of the header is not that of the powers of tau.
    #[error("{file}: {point} is not that of the ptau")]
    NotFromPtau {
        /// The file.
        file: CeremonyFile,
        /// The point.
        point: &'static str,
    },
    /// gamma must be the generator.
    #[error("{file}: gamma is not the generator")]
    Gamma {
        /// The file.
        file: CeremonyFile,
    },
    /// A key before the first contribution has the generators as delta, and no contributions.
    #[error("initial zkey: {what}")]
    NotInitial {
        /// What shows it.
        what: &'static str,
    },
    /// The list of coefficients is not that of the circuit's matrices.
    #[error("initial zkey: coefficient {index} is not that of this circuit")]
    Coefficient {
        /// Its place in the section, from 0.
        index: usize,
    },
    /// The points of a section are not those that circuit and powers of tau give.
    #[error("initial zkey: section {section} is not that of this circuit and ptau")]
    InitialPoints {
        /// The section.
        section: &'static str,
    },
    /// The hash of the initial key that contributors built on is not that of its contents: the ceremony may have been for another circuit,
    /// whose key has points besides ours.
    #[error("{file}: circuit hash {had}, needed {needed} for the initial key")]
    CircuitHash {
        /// The file.
        file: CeremonyFile,
        /// The file's.
        had: CeremonyHash,
        /// That of the contents.
        needed: Box<CeremonyHash>,
    },
    /// A section that no contribution changes has changed.
    #[error("zkey: section {section} is not that of the initial zkey")]
    Changed {
        /// The section.
        section: &'static str,
    },
    /// The section is not that of the initial key divided by delta.
    #[error("zkey: section {section} is not that of the initial zkey divided by delta")]
    NotDivided {
        /// The section.
        section: &'static str,
    },
    /// Nobody has contributed: delta is known to be one, and anyone could forge proofs.
    #[error("zkey: no contribution: delta is gamma, and anyone could forge proofs")]
    NoContribution,
    /// delta is the generator or its opposite, and anyone could forge proofs.
    #[error("zkey: delta is gamma up to sign, and anyone could forge proofs")]
    DeltaIsGamma,
    /// A contribution does not verify.
    #[error("zkey: contribution {number}: {fault}")]
    Contribution {
        /// Its number, from 1.
        number: usize,
        /// What does not verify.
        fault: ContributionFault,
    },
    /// delta in G1 is not that of the last contribution.
    #[error("zkey: delta in G1 is not that of the last contribution")]
    DeltaG1,
    /// delta in G2 is not delta in G1.
    #[error("zkey: delta in G2 is another than in G1")]
    DeltaG2,
    /// The caller names no contribution, and so trusts none.
    #[error("no contribution is named that you trust; the zkey has {}", list(.found))]
    Unattested {
        /// The hashes in the file.
        found: Vec<CeremonyHash>,
    },
    /// A contribution that the caller names is not there, or not in this order.
    #[error("zkey: no contribution {needed} after those named before it")]
    MissingContribution {
        /// Its hash.
        needed: CeremonyHash,
    },
    /// The beacon is another than the caller's.
    #[error("zkey: beacon {}, needed {}", words(.had), words(.needed))]
    Beacon {
        /// The file's.
        had: Option<super::Beacon>,
        /// The caller's.
        needed: Option<super::Beacon>,
    },
}

fn list(hashes: &[CeremonyHash]) -> String {
    let texts: Vec<String> = hashes.iter().map(ToString::to_string).collect();
    if texts.is_empty() { "none".into() } else { texts.join(", ") }
}

fn words(beacon: &Option<super::Beacon>) -> String {
    beacon.as_ref().map_or("none".into(), ToString::to_string)
}

/// What does not verify of a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ContributionFault {
    /// Its transcript is not the hash of the circuit's hash and the contributions before it.
    #[error("its transcript is not that of the contributions before it")]
    Transcript,
    /// The proof that its maker knew the factor.
    #[error("its proof of knowledge does not verify")]
    Knowledge,
    /// delta after it is not delta before it times the factor.
    #[error("delta after it is not delta before it times its secret")]
    Delta,
    /// Its secret is not the beacon's.
    #[error("its secret is not that of its beacon")]
    Beacon,
    /// A contribution follows the beacon: whoever made it could choose it freely.
    #[error("it follows a beacon, which must be the last")]
    AfterBeacon,
}
