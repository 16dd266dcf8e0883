//! Our prover beside stock `ark-groth16`, part by part, in one process, interleaved.
//!
//! `cargo run --release -p tapstone-benches --bin compare -- --log-rows 18 --threads 2 --json`, with `--circuit reference` for hashes and range checks
//! instead of a batch
//!
//! For each part `stock_s` and `ours_s` are medians of seconds and `ratio` is the former by the latter. `threads` compares our prover with itself on one
//! thread; `key_open` compares opening our key file, up to a prover that is ready, with arkworks' unchecked read of an uncompressed key
//! from memory; `memory` compares peaks of resident memory, in KiB, of proving a batch with a key from a file. On one core `verify_one` compares with
//! `ark-groth16`'s prepared verification, `verify_pairing` with the bare multi-pairing, and `verify_many_1024` a proof among 1,024 with one alone.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::VariableBaseMSM;
use ark_ff::{AdditiveGroup, Field, PrimeField, UniformRand};
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_groth16::{Groth16, ProvingKey as ArkKey};
use ark_poly::{EvaluationDomain, GeneralEvaluationDomain};
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use clap::{Parser, ValueEnum};
use serde_json::{Map, Value, json};
use tapstone_benches::inputs::{SHAPES, full_batch, median, progression, reference, scalars, seconds};
use tapstone_benches::process::{forget_peak, peak_bytes};
use tapstone_benches::verify;
use tapstone_circuits::circuit::{BatchCircuit, assignment, synthesise};
use tapstone_circuits::cs::{INSTANCE_WIRES, Mode, System};
use tapstone_circuits::ledger::Executed;
use tapstone_circuits::shape::Shape;
use tapstone_prover::kernel::Kernel;
use tapstone_prover::msm::{Bases, G1, G2, msm};
use tapstone_prover::ntt::Transforms;
use tapstone_prover::{Prover, ProvingKey};
use tempfile::NamedTempFile;

/// Our prover beside stock ark-groth16.
#[derive(Debug, Parser)]
struct Args {
    /// Rows, as a power of two: 16 (shape tiny), 18 (small) or 20 (mixed-20).
    #[arg(long, default_value_t = 16)]
    log_rows: u32,
    /// Which circuit is proven: a full batch, or Poseidon hashes and range checks.
    #[arg(long, value_enum, default_value_t = Circuit::Batch)]
    circuit: Circuit,
    /// Threads of both sides.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Also compare proofs of a batch with tables of so many levels with those without, as the part `tables`.
    #[arg(long)]
    tables: Option<usize>,
    /// Runs of each part; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only these parts.
    #[arg(long)]
    only: Vec<String>,
    /// One JSON object.
    #[arg(long)]
    json: bool,
    /// Prove a batch with the key of this file and print the peak of resident memory: what the part `memory` runs for either side.
    #[arg(long, hide = true, requires = "key")]
    peak_of: Option<Side>,
    /// The key of `--peak-of`.
    #[arg(long, hide = true)]
    key: Option<PathBuf>,
}

/// Who proves.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Side {
    Stock,
    Ours,
}

/// The circuits.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Circuit {
    Batch,
    Reference,
}

/// A circuit with its assignment, for the stock prover, which synthesises it anew for each proof.
struct Assigned<'a>(&'a System, &'a [Fr]);

impl ConstraintSynthesizer<Fr> for Assigned<'_> {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let public = FpVar::new_input(cs, || Ok(self.1[1]))?;
        self.0.enforce(&[public], Some(self.1))
    }
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

/// What is proven.
enum Work {
    Batch(Box<Executed>),
    Reference,
}

fn main() {
    let args = Args::parse();
    let Some((_, name)) = SHAPES.iter().find(|(log_rows, _)| *log_rows == args.log_rows) else {
        eprintln!("no circuit of 2^{} rows: 16, 18 or 20", args.log_rows);
        std::process::exit(2);
    };
    let pool =
        |threads: usize| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    // What is not installed in a pool of its own runs in the global one.
    rayon::ThreadPoolBuilder::new().num_threads(args.threads).build_global().expect("no pool is there yet");
    if let (Some(side), Some(key)) = (args.peak_of, &args.key) {
        return print_peak(side, key, &Shape::registered(name).expect("the shape is registered"));
    }
    let (threads, single) = (pool(args.threads), pool(1));
    let (work, system, values, key) = match args.circuit {
        Circuit::Batch => {
            let shape = Shape::registered(name).expect("the shape is registered");
            let executed = full_batch(&shape);
            let (system, _) = synthesise(Mode::Record, Fr::ZERO, &executed.witness).into_parts();
            let values = assignment(executed.statement().public_input().into(), &executed.witness);
            let key = ProvingKey::setup_insecure(&BatchCircuit::new(&shape)).expect("the circuit has a key");
            (Work::Batch(Box::new(executed)), system, values, key)
        }
        Circuit::Reference => {
            let (system, values) = reference(Mode::Record, args.log_rows).into_parts();
            let key = ProvingKey::setup_insecure_for(&system, "reference").expect("the circuit has a key");
            (Work::Reference, system, values, key)
        }
    };
    let rows = system.matrices.rows();
    eprintln!("{:?} circuit, {rows} rows, kernel {}", args.circuit, Kernel::detect().name());
    let mut table = Table { runs: args.runs, only: args.only, parts: Map::new() };
    let mut rng = StdRng::seed_from_u64(5);

    let ark = key.to_arkworks();
    if let Work::Batch(_) = &work {
        memory(&mut table, args.log_rows, args.threads, &ark, &key);
    }
    let prover = match &work {
        Work::Batch(executed) => from_file(&mut table, &threads, &ark, key, &executed.witness.shape),
        Work::Reference => Prover::new(key),
    };
    let matrices = system.matrices.to_arkworks();
    let randomness = (Fr::rand(&mut rng), Fr::rand(&mut rng));
    let ours = || prover.prove_assignment(&values, randomness, &()).expect("the assignment is valid");
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
        .expect("the assignment is valid")
    };
    assert_eq!(threads.install(ours), threads.install(stock), "both make the same proof");
    table.part("prove_only", || threads.install(|| seconds(stock)), || threads.install(|| seconds(ours)));
    table.part("threads", || single.install(|| seconds(ours)), || threads.install(|| seconds(ours)));
    table.part(
        "whole_call",
        || {
            let call = || {
                let witness = Assigned(&system, &values);
                Groth16::<Bn254, LibsnarkReduction>::create_random_proof_with_reduction(witness, &ark, &mut rng.clone())
                    .expect("the assignment is valid")
            };
            threads.install(|| seconds(call))
        },
        || match &work {
            Work::Batch(executed) => {
                threads.install(|| seconds(|| prover.prove(executed, &()).expect("the batch is valid")))
            }
            Work::Reference => threads.install(|| {
                seconds(|| {
                    let values = reference(Mode::Witness, args.log_rows).into_values();
                    prover.prove_assignment(&values, randomness, &()).expect("the assignment is valid")
                })
            }),
        },
    );

    if let (Some(levels), Work::Batch(executed)) = (args.tables, &work) {
        let file = written(prover.key());
        let other = opened(file.path(), &executed.witness.shape);
        let start = Instant::now();
        let other = threads.install(|| other.with_tables(levels));
        let (bytes, making) = (other.table_bytes(levels), start.elapsed().as_secs_f64());
        eprintln!("tables of {levels} levels: {} MiB, made in {making:.2} s", bytes >> 20);
        let tabled = || other.prove_assignment(&values, randomness, &()).expect("the assignment is valid");
        assert_eq!(threads.install(ours), threads.install(tabled), "both make the same proof");
        table.part("tables", || threads.install(|| seconds(ours)), || threads.install(|| seconds(tabled)));
    }

    if ["verify_one", "verify_pairing", "verify_many_1024"].iter().any(|part| table.wants(part)) {
        let times = single.install(|| verify::times(args.runs));
        table.medians("verify_one", times.ark_groth16_prepared, times.verify_one);
        table.medians("verify_pairing", times.ark_multi_pairing, times.verify_one);
        table.medians("verify_many_1024", times.verify_one, times.verify_many_1024);
    }

    let count = 1usize << args.log_rows;
    let kernel = Kernel::detect();
    let scalars = scalars(count);
    let integers: Vec<_> = scalars.iter().map(|s| s.into_bigint()).collect();
    if table.wants("msm_g1") {
        let points = progression::<G1Projective>(count);
        let bases = Bases::<G1>::new(kernel, &points);
        table.part(
            "msm_g1",
            || threads.install(|| seconds(|| G1Projective::msm_bigint(&points, &integers))),
            || threads.install(|| seconds(|| msm(&bases, &scalars))),
        );
    }
    if table.wants("msm_g2") {
        let points = progression::<G2Projective>(count);
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

/// Peaks of resident memory, the mapped key included, each in a process of its own that reads the key from a file and proves a batch.
fn memory(table: &mut Table, log_rows: u32, threads: usize, ark: &ArkKey<Bn254>, key: &ProvingKey) {
    if !table.wants("memory") {
        return;
    }
    let (stock, ours) = (NamedTempFile::new().expect("the folder for temporary files can be written"), written(key));
    ark.serialize_uncompressed(BufWriter::new(stock.as_file())).expect("the disk takes it");
    let peak = |side: &str, key: &Path| -> Option<f64> {
        let program = std::env::current_exe().ok()?;
        let (log_rows, threads) = (log_rows.to_string(), threads.to_string());
        let args = ["--log-rows", &log_rows, "--threads", &threads, "--peak-of", side, "--key"];
        let output = Command::new(program).args(args).arg(key).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let (Some(stock), Some(ours)) = (peak("stock", stock.path()), peak("ours", ours.path())) else {
        return eprintln!("memory is not measured: this system does not tell");
    };
    let ratio = (stock / ours * 100.0).round() / 100.0;
    eprintln!("{:16} stock {stock:9.0} KiB ours {ours:9.0} KiB ratio {ratio:.2}", "memory");
    table.parts.insert("memory".into(), json!({ "stock_kib": stock, "ours_kib": ours, "ratio": ratio }));
}

/// Proves a batch, and prints the peak of resident memory meanwhile in KiB. Stock is given its witness and matrices: what synthesis takes is not held against it.
fn print_peak(side: Side, key: &Path, shape: &Shape) {
    let executed = full_batch(shape);
    match side {
        Side::Ours => {
            let prover = opened(key, shape);
            forget_peak();
            prover.prove(&executed, &()).expect("the batch is valid");
        }
        Side::Stock => {
            let file = File::open(key).expect("the caller wrote it");
            let ark = ArkKey::<Bn254>::deserialize_uncompressed_unchecked(BufReader::new(file)).expect("it was written so");
            let values = assignment(executed.statement().public_input().into(), &executed.witness);
            let (system, _) = synthesise(Mode::Record, Fr::ZERO, &executed.witness).into_parts();
            let (rows, matrices) = (system.matrices.rows(), system.matrices.to_arkworks());
            drop(system);
            forget_peak();
            Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
                &ark,
                Fr::ONE,
                Fr::ONE,
                &matrices,
                INSTANCE_WIRES,
                rows,
                &values,
            )
            .expect("the assignment is valid");
        }
    }
    println!("{}", peak_bytes().map(|bytes| (bytes >> 10).to_string()).unwrap_or_default());
}

/// A key in a file, which vanishes with what is returned.
fn written(key: &ProvingKey) -> NamedTempFile {
    let file = NamedTempFile::new().expect("the folder for temporary files can be written");
    key.write(file.as_file()).expect("the disk takes it");
    file
}

/// A prover that has its key mapped from a file.
fn opened(path: &Path, shape: &Shape) -> Prover {
    let file = File::open(path).expect("it was written");
    Prover::new(ProvingKey::open(&file, shape).expect("it was written so"))
}

/// Compares opening keys; proofs are then made from the mapped file, as users make them.
fn from_file(table: &mut Table, threads: &rayon::ThreadPool, ark: &ArkKey<Bn254>, key: ProvingKey, shape: &Shape) -> Prover {
    let file = written(&key);
    let open = || opened(file.path(), shape);
    if table.wants("key_open") {
        let mut stock_file = Vec::new();
        ark.serialize_uncompressed(&mut stock_file).expect("memory takes it");
        let stock = || ArkKey::<Bn254>::deserialize_uncompressed_unchecked(&stock_file[..]).expect("it was written so");
        table.part("key_open", || seconds(stock), || threads.install(|| seconds(open)));
    }
    open()
}
