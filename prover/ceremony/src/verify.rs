//! [`verify()`]: whether a key comes out of a ceremony for this very circuit.

use ark_bn254::{Bn254, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_groth16::{ProvingKey as ArkProvingKey, VerifyingKey as ArkVerifyingKey};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::cs::System;
use tapstone_circuits::shape::Shape;
use tapstone_prover::combination::{coefficients, same_ratio};
use tapstone_prover::error::LengthError;
use tapstone_prover::key::{Beacon, CeremonyHash, Provenance};
use tapstone_prover::msm::{G1, msm_once};
use tapstone_prover::{Kernel, ProvingKey, SetupError};

use super::contribution::{Contribution, verify_chain};
use super::error::{CeremonyError, CeremonyFile, ContributionFault};
use super::initial::{InitialPoints, check_coefficients};
use super::known::KnownPtau;
use super::powers::Powers;
use super::ptau::Ptau;
use super::zkey::{Part, Zkey};

/// The bytes of a ceremony's files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The key after all contributions.
    pub zkey: &'a [u8],
    /// The key before the first.
    pub initial: &'a [u8],
    /// The powers of tau.
    pub ptau: &'a [u8],
}

/// What the caller knows of a ceremony from elsewhere. Without it anyone could have made up all contributions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Hashes of parties' contributions that the caller trusts, in their order; one is the least.
    pub contributions: Vec<CeremonyHash>,
    /// The beacon, if the ceremony has one.
    pub beacon: Option<Beacon>,
    /// The hash of the file of powers, if that is none of [`KnownPtau::ALL`].
    pub ptau: Option<CeremonyHash>,
}

/// What [`verify()`] is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Hashing the powers of tau.
    HashPowers,
    /// Verifying contributions, and hashing the beacon's value.
    Contributions,
    /// Reading points, and checking that each is on its curve and in its subgroup.
    ReadPoints,
    /// Showing that the powers are those of one secret.
    Powers,
    /// Comparing the initial key with circuit and powers.
    InitialKey,
    /// Hashing the initial key.
    CircuitHash,
    /// Comparing the key with the initial one.
    FinalKey,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::HashPowers => "hashing the powers of tau",
            Self::Contributions => "verifying contributions",
            Self::ReadPoints => "reading points",
            Self::Powers => "checking the powers of tau",
            Self::InitialKey => "comparing the initial key with the circuit",
            Self::CircuitHash => "hashing the initial key",
            Self::FinalKey => "comparing the key with the initial key",
        })
    }
}

/// A key that was shown to come from a ceremony: made by [`verify()`] alone.
#[derive(Debug)]
pub struct VerifiedCeremony<'c> {
    pub(crate) system: &'c System,
    pub(crate) shape: &'c Shape,
    pub(crate) key: ArkProvingKey<Bn254>,
    pub(crate) provenance: Provenance,
}

impl VerifiedCeremony<'_> {
    /// Where the key is from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The key, as the prover takes it.
    ///
    /// # Errors
    /// If the verifying key is not acceptable, or the record of the ceremony is longer than a key file's head.
    pub fn proving_key(&self) -> Result<ProvingKey, SetupError> {
        self.proving_key_for(Kernel::detect())
    }

    pub(crate) fn proving_key_for(&self, kernel: Kernel) -> Result<ProvingKey, SetupError> {
        ProvingKey::from_unchecked_ceremony(kernel, &self.key, self.system, self.shape, self.provenance.clone())
    }
}

/// Verifies a ceremony for a circuit: every check of [the module](super). `progress` hears of each step as it begins.
///
/// # Errors
/// [`CeremonyError`] names the first check that fails.
pub fn verify<'c>(
    circuit: &'c BatchCircuit,
    files: Files<'_>,
    pins: &Pins,
    progress: &dyn Fn(Step),
) -> Result<VerifiedCeremony<'c>, CeremonyError> {
    verify_system(circuit.system(), circuit.shape(), files, pins, progress)
}

pub(super) fn verify_system<'c>(
    system: &'c System,
    shape: &'c Shape,
    files: Files<'_>,
    pins: &Pins,
    progress: &dyn Fn(Step),
) -> Result<VerifiedCeremony<'c>, CeremonyError> {
    let zkey = Zkey::parse(CeremonyFile::Zkey, files.zkey)?;
    let initial = Zkey::parse(CeremonyFile::InitialZkey, files.initial)?;
    let ptau = Ptau::parse(files.ptau)?;
    check_sizes(CeremonyFile::Zkey, &zkey, system)?;
    check_sizes(CeremonyFile::InitialZkey, &initial, system)?;
    let domain = initial.header.domain;
    check_pins(&zkey.contributions, pins)?;
    check_unchanged(&zkey, &initial)?;
    check_coefficients(initial.bytes(Part::Coefficients), system)?;

    progress(Step::HashPowers);
    let ptau_hash = ptau.hash();
    match pins.ptau {
        Some(needed) if needed != ptau_hash => {
            return Err(CeremonyError::PtauHash { had: ptau_hash, needed: Box::new(needed) });
        }
        None if KnownPtau::find(ptau_hash).is_none() => return Err(CeremonyError::UnknownPtau { had: ptau_hash }),
        _ => {}
    }

    progress(Step::Contributions);
    let delta = verify_chain(zkey.circuit_hash, &zkey.contributions)?;
    check_delta(&zkey, delta)?;

    progress(Step::ReadPoints);
    let powers = Powers::read(&ptau, domain)?;
    let header = &initial.header;
    for (same, point) in [
        (header.alpha_g1 == powers.alpha[0], "alpha"),
        (header.beta_g1 == powers.beta[0], "beta in G1"),
        (header.beta_g2 == powers.beta_g2, "beta in G2"),
    ] {
        if !same {
            return Err(CeremonyError::NotFromPtau { file: CeremonyFile::InitialZkey, point });
        }
    }
    let points = InitialPoints::read(&initial)?;

    progress(Step::Powers);
    let kernel = Kernel::detect();
    let coefficients = random_coefficients(system.wires.max(2 * domain))?;
    powers.check(kernel, &coefficients)?;

    progress(Step::InitialKey);
    points.check(kernel, system, &powers, &coefficients)?;

    progress(Step::CircuitHash);
    let needed = points.circuit_hash(header, &powers);
    drop(powers);
    for (file, had) in [(CeremonyFile::InitialZkey, initial.circuit_hash), (CeremonyFile::Zkey, zkey.circuit_hash)] {
        if had != needed {
            return Err(CeremonyError::CircuitHash { file, had, needed: Box::new(needed) });
        }
    }

    progress(Step::FinalKey);
    let (c, h): (Vec<G1Affine>, Vec<G1Affine>) = (zkey.points(Part::C)?, zkey.points(Part::H)?);
    for (before, after, part) in [(&points.c, &c, Part::C), (&points.h, &h, Part::H)] {
        let sum = |points: &[G1Affine]| -> Result<G1Affine, LengthError> {
            Ok(msm_once::<G1>(kernel, points, &coefficients[..before.len()])?.into_affine())
        };
        if !same_ratio(sum(after)?, sum(before)?, G2Affine::generator(), zkey.header.delta_g2) {
            return Err(CeremonyError::NotDivided { section: part.name() });
        }
    }

    let parties = zkey.contributions.iter().map(Contribution::party).collect();
    let InitialPoints { ic, a, b1, b2, .. } = points;
    let header = zkey.header;
    let vk = ArkVerifyingKey {
        alpha_g1: header.alpha_g1,
        beta_g2: header.beta_g2,
        gamma_g2: header.gamma_g2,
        delta_g2: header.delta_g2,
        gamma_abc_g1: ic,
    };
    let key = ArkProvingKey {
        vk,
        beta_g1: header.beta_g1,
        delta_g1: header.delta_g1,
        a_query: a,
        b_g1_query: b1,
        b_g2_query: b2,
        h_query: h,
        l_query: c,
    };
    let provenance = Provenance { circuit_hash: zkey.circuit_hash, ptau_hash, parties };
    Ok(VerifiedCeremony { system, shape, key, provenance })
}

impl Zkey<'_> {
    /// Verifies the contributions of a key to which more are to come, one after the other, and that delta is the last one's: little work, which shows
    /// neither that the key is a circuit's nor that its points were divided by delta.
    ///
    /// # Errors
    /// The first that does not verify; [`ContributionFault::AfterBeacon`] for the next one, if there is a beacon.
    pub fn verify_contributions(&self) -> Result<(), CeremonyError> {
        let beacon = self.contributions.iter().position(|contribution| contribution.beacon.is_some());
        if let Some(index) = beacon {
            return Err(CeremonyError::Contribution { number: index + 2, fault: ContributionFault::AfterBeacon });
        }
        let delta = verify_chain(self.circuit_hash, &self.contributions)?;
        if self.header.delta_g1 != delta {
            return Err(CeremonyError::DeltaG1);
        }
        if !same_ratio(G1Affine::generator(), delta, G2Affine::generator(), self.header.delta_g2) {
            return Err(CeremonyError::DeltaG2);
        }
        Ok(())
    }
}

/// Wires, public inputs and domain are the circuit's.
fn check_sizes(file: CeremonyFile, zkey: &Zkey<'_>, system: &System) -> Result<(), CeremonyError> {
    let header = &zkey.header;
    let domain = (system.matrices.rows() + system.instance).next_power_of_two();
    for (what, had, needed) in [
        ("number of wires", header.wires, system.wires),
        ("number of public inputs", header.public, system.instance - 1),
        ("size of the domain", header.domain, domain),
    ] {
        if had != needed {
            return Err(CeremonyError::OtherCircuit { file, what, had, needed });
        }
    }
    Ok(())
}

/// What the caller trusts is there. Cheap, and before any beacon is worked out, which may take as long as its exponent says.
fn check_pins(contributions: &[Contribution], pins: &Pins) -> Result<(), CeremonyError> {
    if contributions.is_empty() {
        return Err(CeremonyError::NoContribution);
    }
    let mut parties = contributions.iter().filter(|contribution| contribution.beacon.is_none()).map(Contribution::hash);
    if pins.contributions.is_empty() {
        return Err(CeremonyError::Unattested { found: parties.collect() });
    }
    for needed in &pins.contributions {
        if !parties.any(|hash| hash == *needed) {
            return Err(CeremonyError::MissingContribution { needed: *needed });
        }
    }
    let had = contributions.iter().find_map(|contribution| contribution.beacon.as_ref());
    if had != pins.beacon.as_ref() {
        return Err(CeremonyError::Beacon { had: had.cloned(), needed: pins.beacon.clone() });
    }
    Ok(())
}

/// What contributions leave alone, and what no key may have.
fn check_unchanged(zkey: &Zkey<'_>, initial: &Zkey<'_>) -> Result<(), CeremonyError> {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    for (file, key) in [(CeremonyFile::InitialZkey, initial), (CeremonyFile::Zkey, zkey)] {
        if key.header.gamma_g2 != g2 {
            return Err(CeremonyError::Gamma { file });
        }
    }
    if !initial.contributions.is_empty() {
        return Err(CeremonyError::NotInitial { what: "it has contributions" });
    }
    if initial.header.delta_g1 != g1 || initial.header.delta_g2 != g2 {
        return Err(CeremonyError::NotInitial { what: "its delta is not the generator" });
    }
    let (a, b) = (&zkey.header, &initial.header);
    if a.alpha_g1 != b.alpha_g1 || a.beta_g1 != b.beta_g1 || a.beta_g2 != b.beta_g2 {
        return Err(CeremonyError::Changed { section: "header" });
    }
    for part in [Part::Ic, Part::Coefficients, Part::A, Part::B1, Part::B2] {
        if zkey.bytes(part) != initial.bytes(part) {
            return Err(CeremonyError::Changed { section: part.name() });
        }
    }
    Ok(())
}

/// delta is what the contributions made of the generator, the same in both groups, and not gamma.
fn check_delta(zkey: &Zkey<'_>, delta: G1Affine) -> Result<(), CeremonyError> {
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    let header = &zkey.header;
    if header.delta_g1 != delta {
        return Err(CeremonyError::DeltaG1);
    }
    if !same_ratio(g1, header.delta_g1, g2, header.delta_g2) {
        return Err(CeremonyError::DeltaG2);
    }
    if header.delta_g2 == g2 || header.delta_g2 == -g2 {
        return Err(CeremonyError::DeltaIsGamma);
    }
    Ok(())
}

/// Numbers of 128 bits from the system's randomness: what is wrong passes with a probability of 2^-127 at most.
fn random_coefficients(count: usize) -> Result<Vec<Fr>, CeremonyError> {
    coefficients(count).map_err(CeremonyError::Randomness)
}
