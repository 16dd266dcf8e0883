//! Our prover beside stock `ark-groth16`, part by part, in one process, interleaved.
//!
//! `cargo run --release -p tapstone-benches --bin compare -- --log-rows 18 --threads 2 --json`
//!
//! For each part `stock_s` and `ours_s` are medians of seconds and `ratio` is the former by the latter. `threads` compares our prover with itself on one
//! thread; `key_open` compares opening our key file, up to a prover that is ready, with arkworks' unchecked read of an uncompressed key
//! from memory. On one core `verify_one` compares with
//! `ark-groth16`'s prepared verification, `verify_pairing` with the bare multi-pairing, and `verify_many_1024` a proof among 1,024 with one alone.

use std::fs::File;
use std::time::Instant;

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{PrimeField, UniformRand};
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_groth16::{Groth16, ProvingKey as ArkKey};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use clap::Parser;
use serde_json::{Map, Value, json};
use tapstone_benches::verify;
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::cs::INSTANCE_WIRES;
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_prover::kernel::Kernel;
use tapstone_prover::msm::{Bases, G1, G2, msm};
use tapstone_prover::ntt::Transforms;
use tapstone_prover::{Prover, ProvingKey};

/// Our prover beside stock ark-groth16.
#[derive(Debug, Parser)]
struct Args {
    /// Rows, as a power of two: 16 (shape tiny), 18 (small) or 20 (mixed-20).
    #[arg(long, default_value_t = 16)]
    log_rows: u32,
    /// Threads of both sides.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Runs of each part; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only these parts.
    #[arg(long)]
    only: Vec<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// The batch circuit with its assignment, for the stock prover, which synthesises it anew for each proof.
struct Assigned<'a>(&'a BatchCircuit, &'a [Fr]);

impl ConstraintSynthesizer<Fr> for Assigned<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let public = FpVar::new_input(cs, || Ok(self.1[1]))?;
        self.0.enforce(&public, Some(self.1))
    }
}

fn seconds<T>(run: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    std::hint::black_box(run());
    start.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

struct Table {
    runs: usize,
    only: Vec<String>,
    parts: Map<String, Value>,
}

impl Table {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| part == name)
    }

    /// Measures both sides in turn.
    fn part(&mut self, name: &str, mut stock: impl FnMut() -> f64, mut ours: impl FnMut() -> f64) {
        if !self.wants(name) {
            return;
        }
        let (mut a, mut b) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            a.push(stock());
            b.push(ours());
        }
        self.medians(name, median(a), median(b));
    }

    fn medians(&mut self, name: &str, stock_s: f64, ours_s: f64) {
        let ratio = (stock_s / ours_s * 100.0).round() / 100.0;
        eprintln!("{name:16} stock {stock_s:9.4} s   ours {ours_s:9.4} s   ratio {ratio:.2}");
        self.parts.insert(name.into(), json!({ "stock_s": stock_s, "ours_s": ours_s, "ratio": ratio }));
    }
}

/// A full batch of a shape.
fn batch(shape: &Shape) -> Executed {
    let mut world = World::populated(shape.clone(), 6);
    let mut rng = SplitMix::new(1);
    for _ in 0..2 * shape.slots.len() {
        let before = world.clone();
        world.push_at_random(&mut rng);
        if world.ledger.clone().execute(&world.shape, world.operator, &world.open).is_err() {
            world = before;
        }
    }
    world.apply().expect("each transaction was tried before it was kept")
}

fn main() {
    let args = Args::parse();
    let name = match args.log_rows {
        16 => "tiny",
        18 => "small",
        20 => "mixed-20",
        other => {
            eprintln!("no circuit of 2^{other} rows: 16, 18 or 20");
            std::process::exit(2);
        }
    };
    let pool =
        |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    // What is not installed in a pool of its own runs in the global one.
    rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global().expect("no pool is there yet");
    let (threads, single) = (pool(args.threads), pool(1));
    let shape = Shape::registered(name).expect("the shape is registered");
    let executed = batch(&shape);
    let circuit = BatchCircuit::new(&shape);
    eprintln!("shape {name}, {} rows, kernel {}", circuit.system().matrices.rows(), Kernel::detect().name());
    let key = ProvingKey::setup_insecure(&circuit).expect("the circuit has a key");
    let mut table = Table { runs: args.runs, only: args.only, parts: Map::new() };
    let mut rng = StdRng::seed_from_u64(5);

    let ark = key.to_arkworks();
    let mut stock_file = Vec::new();
    ark.serialize_uncompressed(&mut stock_file).expect("memory takes it");
    let path = std::env::temp_dir().join(format!("tapstone-compare-{}.tapstone-key", std::process::id()));
    key.write(File::create(&path).expect("the folder for temporary files can be written")).expect("the disk takes it");
    table.part(
        "key_open",
        || seconds(|| ArkKey::<Bn254>::deserialize_uncompressed_unchecked(&stock_file[..]).expect("it was written so")),
        || {
            threads.install(|| {
                seconds(|| {
                    let file = File::open(&path).expect("it was written");
                    Prover::new(ProvingKey::open(&file, &shape).expect("it was written so"))
                })
            })
        },
    );
    drop(stock_file);

    // Proofs are made from the mapped file, as users make them.
    let mapped = ProvingKey::open(&File::open(&path).expect("it was written"), &shape).expect("it was written so");
    std::fs::remove_file(&path).expect("it was there");
    drop(key);
    let prover = Prover::new(mapped);
    let values = assignment(executed.statement().public_input().into(), &executed.witness);
    let matrices = circuit.system().matrices.to_arkworks();
    let rows = circuit.system().matrices.rows();
    let randomness = (Fr::rand(&mut rng), Fr::rand(&mut rng));
    let ours = || prover.prove_assignment(&values, randomness, &()).expect("the batch is valid");
    let stock = || {
        Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
            &ark,
            randomness.0,
            randomness.1,
            &matrices,
            INSTANCE_WIRES,
            rows,
            &values,
        )
        .expect("the batch is valid")
    };
    assert_eq!(threads.install(ours), threads.install(stock), "both make the same proof");
    table.part("prove_only", || threads.install(|| seconds(stock)), || threads.install(|| seconds(ours)));
    table.part("threads", || single.install(|| seconds(ours)), || threads.install(|| seconds(ours)));
    table.part(
        "whole_call",
        || {
            threads.install(|| {
                seconds(|| {
                    let witness = Assigned(&circuit, &values);
                    Groth16::<Bn254, LibsnarkReduction>::create_random_proof_with_reduction(witness, &ark, &mut rng.clone())
                        .expect("the batch is valid")
                })
            })
        },
        || threads.install(|| seconds(|| prover.prove(&executed, &()).expect("the batch is valid"))),
    );

    if ["verify_one", "verify_pairing", "verify_many_1024"].iter().any(|part| table.wants(part)) {
        let times = single.install(|| verify::times(args.runs));
        table.medians("verify_one", times.ark_groth16_prepared, times.verify_one);
        table.medians("verify_pairing", times.ark_multi_pairing, times.verify_one);
        table.medians("verify_many_1024", times.verify_one, times.verify_many_1024);
    }

    let count = 1usize << args.log_rows;
    let scalars: Vec<Fr> = (0..count).map(|_| Fr::rand(&mut rng)).collect();
    let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
    let kernel = Kernel::detect();
    {
        let (mut p, step) = (G1Projective::rand(&mut rng), G1Projective::rand(&mut rng));
        let list: Vec<_> = (0..count)
            .map(|_| {
                p += step;
                p
            })
            .collect();
        let points = G1Projective::normalize_batch(&list);
        let bases = Bases::<G1>::new(kernel, &points);
        table.part(
            "msm_g1",
            || threads.install(|| seconds(|| G1Projective::msm_bigint(&points, &integers))),
            || threads.install(|| seconds(|| msm(&bases, &scalars))),
        );
    }
    {
        let (mut p, step) = (G2Projective::rand(&mut rng), G2Projective::rand(&mut rng));
        let list: Vec<_> = (0..count)
            .map(|_| {
                p += step;
                p
            })
            .collect();
        let points = G2Projective::normalize_batch(&list);
        let bases = Bases::<G2>::new(kernel, &points);
        table.part(
            "msm_g2",
            || threads.install(|| seconds(|| G2Projective::msm_bigint(&points, &integers))),
            || threads.install(|| seconds(|| msm(&bases, &scalars))),
        );
    }
    let domain = GeneralEvaluationDomain::<Fr>::new(count).expect("the field has a root of this order");
    let coset = domain.get_coset(ark_ff::FftField::GENERATOR).expect("the generator is not zero");
    if let Some(ours) = Transforms::new(kernel, args.log_rows) {
        type Change<'a> = &'a dyn Fn(&mut Vec<Fr>);
        let changes: [(&str, Change<'_>, Change<'_>); 3] = [
            ("ntt_forward", &|x| domain.fft_in_place(x), &|x| ours.evaluate(x)),
            ("ntt_inverse", &|x| domain.ifft_in_place(x), &|x| ours.interpolate(x)),
            ("ntt_coset", &|x| coset.fft_in_place(x), &|x| ours.evaluate_on_coset(x)),
        ];
        for (name, stock, ours) in changes {
            let run = |change: Change<'_>| {
                let mut values = scalars.clone();
                let start = Instant::now();
                change(&mut values);
                start.elapsed().as_secs_f64()
            };
            table.part(name, || run(stock), || run(ours));
        }
    } else {
        eprintln!("transforms are arkworks': this processor has no vector kernel");
    }
    if args.json {
        println!("{}", Value::Object(table.parts));
    }
}
