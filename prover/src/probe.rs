//! [`probe`]: how fast this machine is, before there is a key.

use std::time::{Duration, Instant};

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};

use crate::kernel::Kernel;
use crate::msm::{Bases, G1, msm};

/// Points of the multiplication that [`probe`] measures.
pub const PROBE_POINTS: usize = 1 << 15;
/// Measurements that are passed over, while caches and the clock warm up, and those that count.
const ROUNDS: (usize, usize) = (3, 7);

/// The time of a multi-scalar multiplication in G1 by [`PROBE_POINTS`] scalars, on the threads that rayon has: the median of seven.
///
/// The sums of a proof take most of its time, so that the time of a proof can be estimated from it.
pub fn probe() -> Duration {
    let mut point = G1Affine::generator().into_group();
    let points: Vec<G1Projective> = (0..PROBE_POINTS)
        .map(|_| {
            point += G1Affine::generator();
            point
        })
        .collect();
    let points = G1Projective::normalize_batch(&points);
    let mut scalar = Fr::from(3u64);
    let scalars: Vec<Fr> = (0..PROBE_POINTS)
        .map(|_| {
            scalar = scalar * scalar + Fr::from(7u64);
            scalar
        })
        .collect();
    let (passed_over, counted) = ROUNDS;
    let mut times: Vec<Duration> = (0..passed_over + counted)
        .map(|_| {
            let start = Instant::now();
            let bases = Bases::<G1>::new(Kernel::detect(), &points);
            let _ = std::hint::black_box(msm(&bases, &scalars));
            start.elapsed()
        })
        .skip(passed_over)
        .collect();
    times.sort_unstable();
    times[counted / 2]
}
