//! From arkworks' key to the bytes of a key file, and back.

use ark_bn254::{Bn254, G1Affine};
use ark_ec::AffineRepr;
use ark_groth16::{ProvingKey as ArkProvingKey, VerifyingKey as ArkVerifyingKey};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use tapstone_circuits::circuit::CircuitShape;
use tapstone_circuits::cs::System;
use tapstone_verifier::VerifyingKey;

use super::layout::{Head, Place, Section};
use super::matrices::Encoded;
use super::{CircuitId, Origin, ProvingKey};
use crate::groth16::Reduction;
use crate::kernel::Kernel;
use crate::memory::Bytes;
use crate::msm::{Bases, Curve, pack};

/// Points that are not infinity, packed for the kernel, and their wires.
fn sparse<C: Curve>(kernel: Kernel, points: &[C::Affine]) -> (Vec<u8>, Vec<u8>) {
    let list: Vec<C::Affine> = points.iter().filter(|p| !p.is_zero()).copied().collect();
    let wires = (0u32..).zip(points).filter(|(_, p)| !p.is_zero()).flat_map(|(wire, _)| wire.to_le_bytes()).collect();
    (dense::<C>(kernel, &list), wires)
}

/// Points packed for the kernel.
fn dense<C: Curve>(kernel: Kernel, points: &[C::Affine]) -> Vec<u8> {
    let size = size_of::<C::Packed>();
    let mut bytes = vec![0; size * points.len()];
    bytes.par_chunks_exact_mut(size).zip(points).for_each(|(to, point)| {
        for (to, limb) in to.as_chunks_mut::<8>().0.iter_mut().zip(pack::<C>(kernel, point).as_ref()) {
            *to = limb.to_le_bytes();
        }
    });
    bytes
}

/// Lays out a key; `None` if its matrices have 2^32 entries or more, or its head is too long.
///
/// B is infinity at the same wires in G1 and in G2, for it is the same polynomial's value.
pub(super) fn file(
    kernel: Kernel,
    ark: &ArkProvingKey<Bn254>,
    system: &System,
    circuit: CircuitId,
    (origin, reduction): (Origin, Reduction),
    verifying: &VerifyingKey,
) -> Option<Bytes> {
    let (a, a_wires) = sparse::<crate::msm::G1>(kernel, &ark.a_query);
    let (b1, b_wires) = sparse::<crate::msm::G1>(kernel, &ark.b_g1_query);
    let (b2, _) = sparse::<crate::msm::G2>(kernel, &ark.b_g2_query);
    let h = dense::<crate::msm::G1>(kernel, &ark.h_query);
    let l = dense::<crate::msm::G1>(kernel, &ark.l_query);
    let Encoded { coefficients, ends, entries } = Encoded::of(&system.matrices)?;
    let sections = [a, a_wires, b1, b2, b_wires, h, l, coefficients, ends, entries];
    let mut head = Head {
        circuit,
        origin,
        reduction,
        radix_bits: kernel.radix_bits(),
        rows: system.matrices.rows(),
        wires: system.wires,
        beta_g1: ark.beta_g1,
        delta_g1: ark.delta_g1,
        verifying: verifying.to_bytes(),
        places: std::array::from_fn(|_| Place { bytes: 0..0, hash: [0; 32] }),
    };
    head.lay_out(std::array::from_fn(|i| sections[i].len()))?;
    head.places.par_iter_mut().zip(&sections).for_each(|(place, bytes)| place.hash = Sha256::digest(bytes).into());
    let mut bytes = Bytes::zeros(head.places[Section::ALL.len() - 1].bytes.end);
    let to = bytes.owned_mut();
    let start = head.to_bytes();
    to[..start.len()].copy_from_slice(&start);
    for (place, section) in head.places.iter().zip(sections) {
        to[place.bytes.clone()].copy_from_slice(&section);
    }
    Some(bytes)
}

/// All points of a list, infinity at wires that it leaves out.
fn unpacked<C: Curve>(bases: &Bases<C>, count: usize) -> Vec<C::Affine> {
    let mut out = vec![C::Affine::zero(); count];
    for (index, point) in bases.to_affine().into_iter().enumerate() {
        if let Some(to) = out.get_mut(bases.scalar_of(index)) {
            *to = point;
        }
    }
    out
}

impl<S: CircuitShape> ProvingKey<S> {
    /// The key in arkworks' form, made anew: for benchmarks and for provers other than ours.
    pub fn to_arkworks(&self) -> ArkProvingKey<Bn254> {
        let (alpha_g1, [beta_g2, gamma_g2, delta_g2], ic) = self.verifying.to_ark_parts();
        let vk = ArkVerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1: ic.to_vec() };
        let queries = self.queries(Kernel::Portable);
        let h: Vec<G1Affine> = queries.h.to_affine();
        ArkProvingKey {
            vk,
            beta_g1: self.head.beta_g1,
            delta_g1: self.head.delta_g1,
            a_query: unpacked(&queries.a, self.head.wires),
            b_g1_query: unpacked(&queries.b1, self.head.wires),
            b_g2_query: unpacked(&queries.b2, self.head.wires),
            h_query: h,
            l_query: queries.l.to_affine(),
        }
    }
}
