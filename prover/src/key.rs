//! [`ProvingKey`]: the key of one circuit, and its file.
//!
//! Layout, numbers big-endian: `TSPK`, version (4), circuit version (4), length of the shape's name (1), the name, SHA-256 of the circuit's
//! matrices (32), SHA-256 of the rest (32), the rest: arkworks' uncompressed proving key. A key belongs to exactly one set of matrices; nothing else is
//! matched by a name alone.
//!
//! The circuit fixes the length of the rest, so a file that is cut off, or goes on, is refused for its length, and no more of it is read than
//! the key needs. Points are read without curve checks (20 s for 2^18 rows): the checksum finds damage, and every proof is verified before it is released.

use std::io::{Read, Write};

use ark_bn254::Bn254;
use ark_groth16::{Groth16, ProvingKey as ArkProvingKey};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};
use tapstone_circuits::circuit::BatchCircuit;
use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_circuits::shape::{CIRCUIT_VERSION, Shape};
use tapstone_verifier::VerifyingKey;

use crate::error::{KeyFileError, SetupError};
use crate::random::system_rng;

const MAGIC: [u8; 4] = *b"TSPK";
const FILE_VERSION: u32 = 1;

/// The proving key of one circuit, with its verifying key.
#[derive(Debug)]
pub struct ProvingKey {
    pub(crate) ark: ArkProvingKey<Bn254>,
    verifying: VerifyingKey,
    circuit: CircuitId,
    shape: Shape,
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
    fn of(circuit: &BatchCircuit) -> Self {
        Self { version: CIRCUIT_VERSION, shape: circuit.shape().name.clone(), matrices: matrix_hash(circuit) }
    }
}

/// SHA-256 over all rows of the circuit's matrices.
pub fn matrix_hash(circuit: &BatchCircuit) -> [u8; 32] {
    let mut hasher = Sha256::new();
    circuit.system().matrices.feed(|bytes| hasher.update(bytes));
    hasher.finalize().into()
}

impl ProvingKey {
    /// Makes a key from randomness of this machine alone.
    ///
    /// Insecure: who runs this could have kept the randomness and forge proofs. For tests and trials.
    ///
    /// # Errors
    /// [`SetupError`], if the system has no randomness or arkworks refuses the circuit.
    pub fn setup_insecure(circuit: &BatchCircuit) -> Result<Self, SetupError> {
        let mut rng = system_rng().map_err(SetupError::Randomness)?;
        let ark = Groth16::<Bn254>::generate_random_parameters_with_reduction(circuit, &mut rng)
            .map_err(|source| SetupError::Synthesis { shape: circuit.shape().name.clone(), source })?;
        Self::from_parts(ark, circuit.shape(), CircuitId::of(circuit)).map_err(SetupError::Key)
    }

    fn from_parts(
        ark: ArkProvingKey<Bn254>,
        shape: &Shape,
        circuit: CircuitId,
    ) -> Result<Self, tapstone_verifier::error::KeyError> {
        let vk = &ark.vk;
        let verifying = VerifyingKey::from_ark_parts(
            circuit.version,
            &circuit.shape,
            vk.alpha_g1,
            vk.beta_g2,
            vk.gamma_g2,
            vk.delta_g2,
            &vk.gamma_abc_g1,
        )?;
        Ok(Self { ark, verifying, circuit, shape: shape.clone() })
    }

    /// The key in arkworks' form.
    pub fn arkworks(&self) -> &ArkProvingKey<Bn254> {
        &self.ark
    }

    /// The verifying key.
    pub fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Whether the key belongs to a circuit. Within one program the shape fixes the matrices, so shapes are compared, all of them and not
    /// their names alone; across programs [`ProvingKey::read`] compares the matrices.
    pub(crate) fn belongs_to(&self, circuit: &BatchCircuit) -> bool {
        self.shape == *circuit.shape()
    }

    /// What the key belongs to, in words.
    pub(crate) fn circuit(&self) -> String {
        self.circuit.to_string()
    }

    /// Writes the key file.
    ///
    /// # Errors
    /// What the writer returns.
    pub fn write(&self, mut to: impl Write) -> std::io::Result<()> {
        let mut body = Vec::with_capacity(self.ark.uncompressed_size());
        self.ark.serialize_uncompressed(&mut body).map_err(std::io::Error::other)?;
        to.write_all(&MAGIC)?;
        to.write_all(&FILE_VERSION.to_be_bytes())?;
        to.write_all(&self.circuit.version.to_be_bytes())?;
        let name = self.circuit.shape.as_bytes();
        to.write_all(&[u8::try_from(name.len()).map_err(std::io::Error::other)?])?;
        to.write_all(name)?;
        to.write_all(&self.circuit.matrices)?;
        to.write_all(&Sha256::digest(&body))?;
        to.write_all(&body)
    }

    /// Reads a key file for this circuit.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is not a key file, belongs to another circuit, or is damaged.
    pub fn read(mut from: impl Read, circuit: &BatchCircuit) -> Result<Self, KeyFileError> {
        let magic = take(&mut from)?;
        if magic != MAGIC {
            return Err(KeyFileError::Magic { had: magic });
        }
        let file_version = u32::from_be_bytes(take(&mut from)?);
        if file_version != FILE_VERSION {
            return Err(KeyFileError::FileVersion { had: file_version, needed: FILE_VERSION });
        }
        let version = u32::from_be_bytes(take(&mut from)?);
        let [length] = take(&mut from)?;
        let mut name = vec![0; usize::from(length)];
        fill(&mut from, &mut name)?;
        let matrices = take(&mut from)?;
        let had = CircuitId { version, shape: String::from_utf8_lossy(&name).into_owned(), matrices };
        let needed = CircuitId::of(circuit);
        if had != needed {
            return Err(KeyFileError::OtherCircuit { had: had.to_string(), needed: needed.to_string() });
        }
        let checksum: [u8; 32] = take(&mut from)?;
        let sizes = Sizes::of(circuit);
        let mut body = Vec::new();
        // One byte more than needed, to notice a file that goes on.
        from.take(sizes.bytes() + 1).read_to_end(&mut body)?;
        let length = body.len() as u64;
        if length != sizes.bytes() {
            return Err(if length < sizes.bytes() {
                KeyFileError::Truncated { had: length, needed: sizes.bytes() }
            } else {
                KeyFileError::TrailingBytes { needed: sizes.bytes() }
            });
        }
        if Sha256::digest(&body)[..] != checksum {
            return Err(KeyFileError::Checksum);
        }
        let ark = ArkProvingKey::deserialize_uncompressed_unchecked(&body[..]).map_err(KeyFileError::Points)?;
        if Sizes::had(&ark) != sizes {
            return Err(KeyFileError::Lists);
        }
        Self::from_parts(ark, circuit.shape(), had).map_err(KeyFileError::Key)
    }
}

/// Bytes of points in arkworks' uncompressed form, and of the length before a list of them.
const G1: u64 = 64;
const G2: u64 = 128;
const LENGTH: u64 = 8;

/// How many points the lists of a key hold. With lists of other lengths arkworks panics, or leaves terms out of a sum.
#[derive(PartialEq, Eq)]
struct Sizes {
    /// `a`, `b` in G1 and `b` in G2: one point a wire.
    wires: [usize; 3],
    ic: usize,
    h: usize,
    l: usize,
}

impl Sizes {
    fn of(circuit: &BatchCircuit) -> Self {
        let system = circuit.system();
        let domain = (system.matrices.rows() + INSTANCE_WIRES).next_power_of_two();
        Self { wires: [system.wires; 3], ic: INSTANCE_WIRES, h: domain - 1, l: system.wires - INSTANCE_WIRES }
    }

    fn had(ark: &ArkProvingKey<Bn254>) -> Self {
        Self {
            wires: [ark.a_query.len(), ark.b_g1_query.len(), ark.b_g2_query.len()],
            ic: ark.vk.gamma_abc_g1.len(),
            h: ark.h_query.len(),
            l: ark.l_query.len(),
        }
    }

    /// Bytes of such a key: three points in G1 and three in G2 stand alone, the others in six lists.
    fn bytes(&self) -> u64 {
        let [a, b1, b2] = self.wires;
        let g1s = (a + b1 + self.ic + self.h + self.l) as u64 + 3;
        g1s * G1 + (b2 as u64 + 3) * G2 + 6 * LENGTH
    }
}

/// Takes a field of the file's head.
fn take<const N: usize>(from: &mut impl Read) -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    fill(from, &mut bytes)?;
    Ok(bytes)
}

fn fill(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), KeyFileError> {
    from.read_exact(bytes).map_err(|e| match e.kind() {
        std::io::ErrorKind::UnexpectedEof => KeyFileError::Head,
        _ => KeyFileError::Io(e),
    })
}
