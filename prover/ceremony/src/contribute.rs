//! A new contribution to a ceremony, as snarkjs makes and verifies it.

use std::io::{self, Write};

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{Field, PrimeField, Zero};
use blake2::{Blake2b512, Digest};
use rayon::prelude::*;
use tapstone_prover::key::{Beacon, CeremonyHash};
use zeroize::{Zeroize, Zeroizing};

use super::binfile::{head, put_section};
use super::contribution::{Contribution, Transcript, point_of};
use super::error::CeremonyFileError;
use super::points::Point;
use super::random::Draw;
use super::zkey::{MAGIC, Part, Zkey};

/// Points that are divided at a time, by one thread.
const CHUNK: usize = 1 << 10;

/// The longest name, which its length in a byte bounds.
const NAME_BYTES: usize = 255;

/// The factor of a contribution: whoever knows all factors of a ceremony can forge proofs. Wiped when dropped.
pub struct Secret {
    pub(super) factor: Fr,
    /// The point of G1 that shows the factor.
    pub(super) shown: G1Affine,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.factor.zeroize();
    }
}

impl Secret {
    /// Draws one from 64 bytes of the system's randomness and whatever else the caller has, such as what a person typed: it is as good as the better of
    /// the two.
    ///
    /// # Errors
    /// If the system has no randomness to give.
    pub fn draw(more: &[u8]) -> Result<Self, getrandom::Error> {
        let mut seed = Zeroizing::new([0; 64]);
        getrandom::fill(&mut seed[..])?;
        let hashed = |tag: u8| {
            let mut hasher = Blake2b512::new();
            hasher.update([tag]);
            hasher.update(*seed);
            hasher.update(more);
            let mut wide = Zeroizing::new([0; 64]);
            wide.copy_from_slice(&hasher.finalize());
            // 512 bits: what the modulus takes from uniformity is below 2^-250.
            Fr::from_le_bytes_mod_order(&wide[..])
        };
        let factor = hashed(0);
        let shown = (G1Affine::generator() * hashed(1)).into_affine();
        Ok(Self { factor, shown })
    }

    fn of_beacon(beacon: &Beacon) -> Self {
        let mut draw = Draw::from_beacon(beacon);
        Self { factor: draw.scalar(), shown: draw.g1() }
    }
}

/// Writes the key with one contribution more, under a name of at most 255 bytes, of which the rest is cut off; gives the hash of the
/// contribution, for its maker to publish.
///
/// Points of the key are read, and checked to be on the curve; that it is a key for this or that circuit is not: see [`verify()`](super::verify()).
///
/// # Errors
/// If a point does not decode, as [`io::ErrorKind::InvalidData`], or what the writer says.
pub fn contribute(zkey: &Zkey<'_>, name: &str, secret: Secret, to: &mut impl Write) -> io::Result<CeremonyHash> {
    apply(zkey, name, secret, None, to)
}

/// As [`contribute`], with the secret that a beacon gives: the last contribution of a ceremony, which anybody can make and check.
///
/// # Errors
/// As [`contribute`].
pub fn contribute_beacon(zkey: &Zkey<'_>, name: &str, beacon: Beacon, to: &mut impl Write) -> io::Result<CeremonyHash> {
    let secret = Secret::of_beacon(&beacon);
    apply(zkey, name, secret, Some(beacon), to)
}

fn apply(
    zkey: &Zkey<'_>,
    name: &str,
    secret: Secret,
    beacon: Option<Beacon>,
    to: &mut impl Write,
) -> io::Result<CeremonyHash> {
    let invalid = |e: CeremonyFileError| io::Error::new(io::ErrorKind::InvalidData, e);
    let inverse =
        Zeroizing::new(secret.factor.inverse().filter(|x| !x.is_zero()).ok_or(io::Error::other("the secret is zero"))?);
    let Secret { factor, shown } = &secret;
    let s_times_x = (*shown * factor).into_affine();
    let transcript = Transcript::new(zkey.circuit_hash, &zkey.contributions).next(*shown, s_times_x);
    let mut header = zkey.header.clone();
    header.delta_g1 = (header.delta_g1 * factor).into_affine();
    header.delta_g2 = (header.delta_g2 * factor).into_affine();
    let p_times_x: G2Affine = (point_of(&transcript) * factor).into_affine();
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let contribution = Contribution {
        delta_after: header.delta_g1,
        s: *shown,
        s_times_x,
        p_times_x,
        transcript,
        name: (!name.is_empty()).then(|| name.as_bytes()[..end].to_vec()),
        beacon,
    };

    let mut start = head(MAGIC, 10);
    put_section(&mut start, 1, &1u32.to_le_bytes());
    let mut body = Vec::new();
    header.put(&mut body);
    put_section(&mut start, 2, &body);
    to.write_all(&start)?;
    for part in Part::ALL {
        let bytes = zkey.bytes(part);
        let mut head = part.id().to_le_bytes().to_vec();
        head.extend((bytes.len() as u64).to_le_bytes());
        to.write_all(&head)?;
        if matches!(part, Part::C | Part::H) {
            to.write_all(&divided(&zkey.points(part).map_err(invalid)?, &inverse))?;
        } else {
            to.write_all(bytes)?;
        }
    }
    let mut body = zkey.circuit_hash.to_bytes().to_vec();
    body.extend((zkey.contributions.len() as u32 + 1).to_le_bytes());
    zkey.contributions.iter().chain([&contribution]).for_each(|contribution| contribution.put(&mut body));
    let mut last = Vec::new();
    put_section(&mut last, 10, &body);
    to.write_all(&last)?;
    Ok(contribution.hash())
}

/// The points times a scalar, as files hold them.
fn divided(points: &[G1Affine], inverse: &Fr) -> Vec<u8> {
    points
        .par_chunks(CHUNK)
        .flat_map_iter(|chunk| {
            let list: Vec<G1Projective> = chunk.iter().map(|point| *point * *inverse).collect();
            let mut bytes = Vec::with_capacity(G1Affine::BYTES * chunk.len());
            G1Projective::normalize_batch(&list).iter().for_each(|point| point.put(&mut bytes));
            bytes
        })
        .collect()
}
