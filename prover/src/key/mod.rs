//! [`ProvingKey`]: the key of one circuit, and its file.
//!
//! A key *is* the bytes of its file, mapped or in memory: points in the layout that the kernel reads, without those at infinity, and the circuit's
//! matrices, so that nothing is decoded, and no circuit recorded, before a proof. `layout.rs` has the format.
//!
//! Opening checks the head by its hash, the lengths of all sections, the verifying key, and that the matrices are, by their hash, those of
//! the circuit that is needed; nothing is matched by a name alone. It does not read the sections, which takes a fifth of a second for 2^20 rows. That is
//! safe, as every proof is verified before it is released: a proof by a damaged section does not verify, and then
//! [`ProvingKey::check_sections`] names the section.
//!
//! ```text
//! layout.rs    the head
//! matrices.rs  the matrices within a file
//! provenance.rs beacon.rs hash.rs   the ceremony that a key is from
//! build.rs     from arkworks' key to a file, and back
//! points.rs    the validation of all points
//! ```

mod beacon;
mod build;
mod hash;
mod layout;
mod matrices;
mod points;
mod provenance;

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use ark_bn254::Bn254;
use ark_groth16::{Groth16, ProvingKey as ArkProvingKey};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tapstone_circuits::circuit::{Circuit, CircuitShape};
use tapstone_circuits::cs::System;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_verifier::VerifyingKey;

use crate::error::{KeyFileError, SetupError};
use crate::groth16::{Reduction, domain_size, provable_rows};
use crate::kernel::Kernel;
use crate::memory::{Bytes, Plain, View};
use crate::msm::{Bases, G1, G2};
use crate::random::system_rng;
use layout::{Head, Section};

pub use beacon::{Beacon, BeaconError};
pub use hash::{CeremonyHash, ParseCeremonyHashError};
pub(crate) use matrices::KeyMatrices;
pub use provenance::{Party, Provenance};

/// The proving key of one circuit, with its verifying key: of a closed batch's, or of that of a part of an open one.
#[derive(Debug)]
pub struct ProvingKey<S = Shape> {
    bytes: Arc<Bytes>,
    head: Head,
    matrices: KeyMatrices,
    verifying: VerifyingKey,
    shape: S,
}

/// Where a key is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From one party's randomness: that party can forge proofs.
    OneParty,
    /// From a ceremony, which was verified when the key was imported: one honest party among many suffices.
    ///
    /// The file says so, and whoever writes a file can say it. What protects a verifier is the id of the key that it pins.
    Ceremony(Box<Provenance>),
}

/// What a key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CircuitId {
    version: u32,
    shape: String,
    matrices: [u8; 32],
}

impl std::fmt::Display for CircuitId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "circuit version {}, shape {}, matrices {}", self.version, self.shape, hex::encode(&self.matrices[..8]))
    }
}

impl CircuitId {
    /// That of the circuit of a shape, which is recorded if the shape is not registered.
    fn of<S: CircuitShape>(shape: &S) -> Self {
        let matrices = shape.registered_matrices().unwrap_or_else(|| hash_of(&shape.record()));
        Self { version: CIRCUIT_VERSION, shape: shape.name().into(), matrices }
    }
}

/// SHA-256 over all rows of the circuit's matrices.
pub fn matrix_hash<S: CircuitShape>(circuit: &Circuit<S>) -> [u8; 32] {
    hash_of(circuit.system())
}

fn hash_of(system: &System) -> [u8; 32] {
    let mut hasher = Sha256::new();
    system.matrices.feed(|bytes| hasher.update(bytes));
    hasher.finalize().into()
}

/// The bases of a key's multi-scalar multiplications.
#[derive(Debug)]
pub(crate) struct Queries {
    pub(crate) a: Bases<G1>,
    pub(crate) b1: Bases<G1>,
    pub(crate) b2: Bases<G2>,
    pub(crate) h: Bases<G1>,
    pub(crate) l: Bases<G1>,
}

impl Queries {
    pub(crate) fn with_tables(self, levels: usize) -> Self {
        Self {
            a: self.a.with_table(levels),
            b1: self.b1.with_table(levels),
            b2: self.b2.with_table(levels),
            h: self.h.with_table(levels),
            l: self.l.with_table(levels),
        }
    }

    pub(crate) fn table_bytes(&self, levels: usize) -> u64 {
        let g1 = [&self.a, &self.b1, &self.h, &self.l].into_iter().map(|bases| bases.table_bytes(levels)).sum::<u64>();
        g1 + self.b2.table_bytes(levels)
    }
}

impl ProvingKey {
    /// As [`ProvingKey::setup_insecure`], for a recorded system that is no batch's circuit: for benchmarks of
    /// [`Prover::prove_assignment`](crate::Prover::prove_assignment). No file of such a key can be opened, for no shape has it.
    ///
    /// # Errors
    /// As [`ProvingKey::setup_insecure`].
    pub fn setup_insecure_for(system: &System, name: &str) -> Result<Self, SetupError> {
        let shape = Shape {
            name: name.into(),
            account_depth: 1,
            pool_depth: 1,
            slots: Vec::new(),
            accounts: 0,
            pools: 0,
            nodes: 0,
            fee_tokens: 0,
        };
        Self::setup(system, &shape)
    }

    /// Where the key of a file is from, if so much of it reads: for a file that [`ProvingKey::open`] refuses.
    pub fn origin_of(file: &File) -> Option<Origin> {
        Head::parse(&Bytes::map(file).ok()?).ok().map(|head| head.origin)
    }
}

impl<S: CircuitShape> ProvingKey<S> {
    /// Makes a key from randomness of this machine alone.
    ///
    /// Insecure: who runs this could have kept the randomness and forge proofs. For tests and trials.
    ///
    /// # Errors
    /// [`SetupError`], if the system has no randomness or arkworks refuses the circuit.
    pub fn setup_insecure(circuit: &Circuit<S>) -> Result<Self, SetupError> {
        Self::setup(circuit.system(), circuit.shape())
    }

    fn setup(system: &System, shape: &S) -> Result<Self, SetupError> {
        let mut rng = system_rng().map_err(SetupError::Randomness)?;
        let ark = Groth16::<Bn254>::generate_random_parameters_with_reduction(system, &mut rng)
            .map_err(|source| SetupError::Synthesis { shape: shape.name().to_owned(), source })?;
        Self::from_arkworks(Kernel::detect(), &ark, system, shape)
    }

    /// Takes a key with the H query of Circom's reduction, and the record of the ceremony that it is from.
    ///
    /// Hazard: nothing of a ceremony is checked here, and whoever made the key alone can forge proofs by it. `VerifiedCeremony` of `tapstone-ceremony` calls
    /// this, after its checks.
    ///
    /// # Errors
    /// If the verifying key is not acceptable, or the record of the ceremony is longer than a key file's head.
    #[cfg(feature = "internals")]
    pub fn from_unchecked_ceremony(
        kernel: Kernel,
        ark: &ArkProvingKey<Bn254>,
        system: &System,
        shape: &S,
        provenance: Provenance,
    ) -> Result<Self, SetupError> {
        Self::laid_out(kernel, ark, system, shape, (Origin::Ceremony(Box::new(provenance)), Reduction::Circom))
    }

    /// Lays out a key that was made for this system.
    pub(crate) fn from_arkworks(
        kernel: Kernel,
        ark: &ArkProvingKey<Bn254>,
        system: &System,
        shape: &S,
    ) -> Result<Self, SetupError> {
        Self::laid_out(kernel, ark, system, shape, (Origin::OneParty, Reduction::Libsnark))
    }

    fn laid_out(
        kernel: Kernel,
        ark: &ArkProvingKey<Bn254>,
        system: &System,
        shape: &S,
        source: (Origin, Reduction),
    ) -> Result<Self, SetupError> {
        let vk = &ark.vk;
        let verifying = VerifyingKey::from_ark_parts(
            CIRCUIT_VERSION,
            shape.name(),
            vk.alpha_g1,
            vk.beta_g2,
            vk.gamma_g2,
            vk.delta_g2,
            &vk.gamma_abc_g1,
        )
        .map_err(SetupError::Key)?;
        let circuit = CircuitId { version: CIRCUIT_VERSION, shape: shape.name().to_owned(), matrices: hash_of(system) };
        let file = build::file(kernel, ark, system, circuit.clone(), source, &verifying).ok_or(SetupError::TooLarge)?;
        Self::from_parts(file, shape, || circuit).map_err(SetupError::File)
    }

    /// The verifying key.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Where the key is from.
    pub fn origin(&self) -> &Origin {
        &self.head.origin
    }

    /// What its H query is for.
    pub(crate) fn reduction(&self) -> Reduction {
        self.head.reduction
    }

    /// The shape that the key is for.
    pub fn shape(&self) -> &S {
        &self.shape
    }

    /// Rows of the circuit.
    pub fn rows(&self) -> usize {
        self.head.rows
    }

    /// Wires of the instance: the constant and the public inputs.
    pub(crate) fn instance(&self) -> usize {
        self.verifying.inputs() + 1
    }

    /// Wires of the circuit, the constant and the public inputs included.
    pub fn wires(&self) -> usize {
        self.head.wires
    }

    /// Writes the key file.
    ///
    /// # Errors
    /// What the writer returns.
    pub fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        to.write_all(&self.bytes)
    }

    /// Bytes of the key file.
    pub fn file_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Opens a key file for the circuit of a shape: maps it, and reads its head.
    ///
    /// The file must not be cut short as long as the key lives; a new file may take its name.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is not a key file, belongs to another circuit, or is damaged where that shows without reading the sections.
    pub fn open(file: &File, shape: &S) -> Result<Self, KeyFileError> {
        Self::from_parts(Bytes::map(file)?, shape, || CircuitId::of(shape))
    }

    /// Takes the bytes of a key file, which are copied.
    ///
    /// # Errors
    /// As [`ProvingKey::open`].
    pub fn from_bytes(bytes: &[u8], shape: &S) -> Result<Self, KeyFileError> {
        Self::from_parts(Bytes::copied(bytes), shape, || CircuitId::of(shape))
    }

    fn from_parts(bytes: Bytes, shape: &S, needed: impl FnOnce() -> CircuitId) -> Result<Self, KeyFileError> {
        if cfg!(target_endian = "big") {
            return Err(KeyFileError::BigEndian);
        }
        let head = Head::parse(&bytes)?;
        let rows = provable_rows(S::INPUTS + 1);
        if !rows.contains(&head.rows) {
            return Err(KeyFileError::Rows { had: head.rows, least: *rows.start(), most: *rows.end() });
        }
        let needed = needed();
        if head.circuit != needed {
            return Err(KeyFileError::OtherCircuit { had: head.circuit.to_string(), needed: needed.to_string() });
        }
        let verifying = VerifyingKey::from_bytes(&head.verifying).map_err(KeyFileError::Key)?;
        let (version, inputs) = (verifying.circuit_version(), verifying.inputs());
        if (version, verifying.shape(), inputs) != (needed.version, &needed.shape[..], S::INPUTS) {
            return Err(KeyFileError::OtherCircuit {
                had: format!(
                    "a verifying key for circuit version {version}, shape {}, {inputs} public inputs",
                    verifying.shape()
                ),
                needed: needed.to_string(),
            });
        }
        let instance = verifying.inputs() + 1;
        let bytes = Arc::new(bytes);
        let coefficients = &bytes[head.place(Section::Coefficients).bytes.clone()];
        let (ends, entries) = (view(&bytes, &head, Section::Ends)?, view(&bytes, &head, Section::Entries)?);
        let matrices = KeyMatrices::new(head.rows, coefficients, ends, entries)?;
        check_lengths(&head, instance)?;
        Ok(Self { bytes, head, matrices, verifying, shape: shape.clone() })
    }

    /// Reads the whole key and compares every section with its hash.
    ///
    /// # Errors
    /// [`KeyFileError::Checksum`] names the first section that is damaged.
    pub fn check_sections(&self) -> Result<(), KeyFileError> {
        Section::ALL
            .into_par_iter()
            .find_map_first(|section| {
                let place = self.head.place(section);
                let damaged = Sha256::digest(&self.bytes[place.bytes.clone()])[..] != place.hash;
                damaged.then_some(Err(KeyFileError::Checksum { section: section.name() }))
            })
            .unwrap_or(Ok(()))
    }

    pub(crate) fn matrices(&self) -> &KeyMatrices {
        &self.matrices
    }

    pub(crate) fn g1(&self) -> [ark_bn254::G1Affine; 2] {
        [self.head.beta_g1, self.head.delta_g1]
    }

    /// The bases for a kernel: where they lie in the file, if they were laid out for it.
    pub(crate) fn queries(&self, kernel: Kernel) -> Queries {
        let radix = self.head.radix_bits;
        let wires = self.wires();
        Queries {
            a: Bases::laid_out(kernel, radix, self.view(Section::A)).of_some(self.view(Section::AWires), wires),
            b1: Bases::laid_out(kernel, radix, self.view(Section::B1)).of_some(self.view(Section::BWires), wires),
            b2: Bases::laid_out(kernel, radix, self.view(Section::B2)).of_some(self.view(Section::BWires), wires),
            h: Bases::laid_out(kernel, radix, self.view(Section::H)),
            l: Bases::laid_out(kernel, radix, self.view(Section::L)),
        }
    }

    fn view<T: Plain>(&self, section: Section) -> View<T> {
        view(&self.bytes, &self.head, section)
            .expect("lengths were checked when the key was opened, and sections are aligned")
    }
}

fn view<T: Plain>(bytes: &Arc<Bytes>, head: &Head, section: Section) -> Result<View<T>, KeyFileError> {
    let place = head.place(section);
    View::new(bytes, place.bytes.clone()).ok_or(KeyFileError::Length {
        section: section.name(),
        had: place.bytes.len(),
        needed: place.bytes.len().next_multiple_of(size_of::<T>()),
    })
}

/// Whether all lists have the lengths that rows and wires give them. With others terms would be left out of a sum.
fn check_lengths(head: &Head, instance: usize) -> Result<(), KeyFileError> {
    const G1: usize = 64;
    const G2: usize = 128;
    const WIRE: usize = 4;
    let length = |section| head.place(section).bytes.len();
    let points = head.reduction.h_points(domain_size(head.rows, instance));
    let witness = head.wires.checked_sub(instance).ok_or(KeyFileError::Head)?;
    let (a, b) = (length(Section::AWires) / WIRE, length(Section::BWires) / WIRE);
    for (section, count, size) in [
        (Section::A, a, G1),
        (Section::AWires, a.min(head.wires), WIRE),
        (Section::B1, b, G1),
        (Section::B2, b, G2),
        (Section::BWires, b.min(head.wires), WIRE),
        (Section::H, points, G1),
        (Section::L, witness, G1),
    ] {
        let (had, needed) = (length(section), count.checked_mul(size).ok_or(KeyFileError::Head)?);
        if had != needed {
            return Err(KeyFileError::Length { section: section.name(), had, needed });
        }
    }
    Ok(())
}
