//! Kernels and whole proofs beside `ark-groth16`'s and `ark-poly`'s, on one thread and on all.
//!
//! Sizes from 2^14 to 2^18; `TAPSTONE_BENCH_LOG=20` measures that size alone, which takes long. The criterion report has the
//! ratios' two sides under one group.

use std::time::Duration;

use ark_bn254::{Bn254, Fr};
use ark_ec::VariableBaseMSM;
use ark_ff::{FftField, PrimeField};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rayon::ThreadPool;
use tapstone_benches::inputs::{progression, reference, scalars};
use tapstone_circuits::cs::{INSTANCE_WIRES, Mode};
use tapstone_prover::kernel::Kernel;
use tapstone_prover::msm::{Bases, Curve, G1, G2, msm};
use tapstone_prover::ntt::Transforms;
use tapstone_prover::{Prover, ProvingKey};

fn sizes() -> Vec<u32> {
    match std::env::var("TAPSTONE_BENCH_LOG").map(|log| log.parse()) {
        Ok(Ok(log)) => vec![log],
        _ => vec![14, 16, 18],
    }
}

fn pools() -> Vec<ThreadPool> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = vec![1, all];
    counts.dedup();
    counts
        .into_iter()
        .map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("threads can be started"))
        .collect()
}

/// Runs a group for each size and number of threads.
fn each(
    c: &mut Criterion,
    name: &str,
    mut run: impl FnMut(&mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>, u32, &ThreadPool),
) {
    for pool in pools() {
        for log in sizes() {
            let mut group = c.benchmark_group(format!("{name}/2^{log}/{} threads", pool.current_num_threads()));
            group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
            run(&mut group, log, &pool);
            group.finish();
        }
    }
}

fn multiplications<C>(c: &mut Criterion, name: &str)
where
    C: Curve,
    C::Projective: VariableBaseMSM<ScalarField = Fr>,
{
    let most = sizes().into_iter().max().unwrap_or(14);
    let (points, scalars) = (progression::<C::Projective>(1 << most), scalars(1 << most));
    let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
    each(c, name, |group, log, pool| {
        let count = 1 << log;
        let bases = Bases::<C>::new(Kernel::detect(), &points[..count]);
        group.bench_function("tapstone", |b| b.iter(|| pool.install(|| msm(&bases, &scalars[..count]))));
        let stock = || C::Projective::msm_bigint(&points[..count], &integers[..count]);
        group.bench_function("ark", |b| b.iter(|| pool.install(stock)));
    });
}

fn transforms(c: &mut Criterion) {
    type Change<'a> = Box<dyn Fn(&mut Vec<Fr>) + Sync + 'a>;
    for name in ["ntt_forward", "ntt_inverse", "ntt_coset"] {
        each(c, name, |group, log, pool| {
            let values = scalars(1 << log);
            let domain = GeneralEvaluationDomain::<Fr>::new(1 << log).expect("the field has a root of this order");
            let coset = domain.get_coset(Fr::GENERATOR).expect("the generator is not zero");
            let ours = Transforms::new(Kernel::detect(), log);
            let mut sides: Vec<(&str, Change<'_>)> = Vec::new();
            if let Some(ours) = &ours {
                sides.push(match name {
                    "ntt_forward" => ("tapstone", Box::new(|x| ours.evaluate(x))),
                    "ntt_inverse" => ("tapstone", Box::new(|x| ours.interpolate(x))),
                    _ => ("tapstone", Box::new(|x| ours.evaluate_on_coset(x))),
                });
            }
            sides.push(match name {
                "ntt_forward" => ("ark", Box::new(|x| domain.fft_in_place(x))),
                "ntt_inverse" => ("ark", Box::new(|x| domain.ifft_in_place(x))),
                _ => ("ark", Box::new(|x| coset.fft_in_place(x))),
            });
            for (side, change) in sides {
                group.bench_function(side, |b| {
                    b.iter_batched_ref(|| values.clone(), |x| pool.install(|| change(x)), BatchSize::LargeInput);
                });
            }
        });
    }
}

fn proofs(c: &mut Criterion) {
    each(c, "prove", |group, log, pool| {
        let (system, values) = reference(Mode::Record, log).into_parts();
        let key = ProvingKey::setup_insecure_for(&system, "reference").expect("the circuit has a key");
        let (ark, matrices) = (key.to_arkworks(), system.matrices.to_arkworks());
        let prover = Prover::new(key);
        let (r, s) = (Fr::from(3u64), Fr::from(5u64));
        group.bench_function("witness", |b| b.iter(|| pool.install(|| reference(Mode::Witness, log))));
        let ours = || prover.prove_assignment(&values, (r, s), &()).expect("the assignment is valid");
        group.bench_function("tapstone", |b| b.iter(|| pool.install(ours)));
        let stock = || {
            Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
                &ark,
                r,
                s,
                &matrices,
                INSTANCE_WIRES,
                system.matrices.rows(),
                &values,
            )
        };
        group.bench_function("ark", |b| b.iter(|| pool.install(stock)));
    });
}

fn msm_g1(c: &mut Criterion) {
    multiplications::<G1>(c, "msm_g1");
}

fn msm_g2(c: &mut Criterion) {
    multiplications::<G2>(c, "msm_g2");
}

criterion_group!(benches, transforms, msm_g1, msm_g2, proofs);
criterion_main!(benches);
