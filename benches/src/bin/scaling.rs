//! How proving scales with threads, and how a machine's cores are best shared out among proofs.
//!
//! `cargo run --release -p tapstone-benches --bin scaling -- --log-rows 18 --json`
//!
//! `curve`: for each count of threads, seconds of one proof from an assignment, ours and stock `ark-groth16`'s, interleaved, and of one proof from an executed
//! batch (ours); the medians count. `verify_many`: seconds for each of 1,024 proofs that are verified together. `execute`: transactions executed a second (signatures,
//! rules, tree hashing), batches of transfers in shape `transfers-20` on a state of 100,000 accounts. `jobs`: the largest count of threads shared out among proofs that run side by side on one key, as proofs a second.

use std::time::Instant;

use ark_bn254::{Bn254, Fr};
use ark_ff::{AdditiveGroup, UniformRand};
use ark_groth16::Groth16;
use ark_groth16::r1cs_to_qap::LibsnarkReduction;
use ark_std::rand::SeedableRng;
use ark_std::rand::rngs::StdRng;
use clap::Parser;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;
use tapstone_benches::inputs::{SHAPES, crowded, full_batch, median, seconds};
use tapstone_benches::verify::Fixture;
use tapstone_circuits::circuit::{BatchCircuit, assignment, synthesise};
use tapstone_circuits::cs::{INSTANCE_WIRES, Mode};
use tapstone_circuits::shape::Shape;
use tapstone_prover::kernel::Kernel;
use tapstone_prover::{Prover, ProvingKey};

/// How proving scales with threads.
#[derive(Debug, Parser)]
struct Args {
    /// Rows, as a power of two: 16 (shape tiny), 18 (small) or 20 (mixed-20).
    #[arg(long, default_value_t = 16)]
    log_rows: u32,
    /// Counts of threads; the powers of two up to the machine's cores unless given.
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
    /// Runs of each; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Proofs that each job makes, so that jobs which start and end at other moments weigh little.
const PROOFS_A_JOB: usize = 3;

/// Proofs that are verified together.
const CLAIMS: u64 = 1024;

/// Accounts of the state on which transactions are executed.
const ACCOUNTS: u32 = 100_000;

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started")
}

fn main() {
    let args = Args::parse();
    let Some((_, name)) = SHAPES.iter().find(|(log_rows, _)| *log_rows == args.log_rows) else {
        eprintln!("no circuit of 2^{} rows: 16, 18 or 20", args.log_rows);
        std::process::exit(2);
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let counts = match args.threads.is_empty() {
        true => (0..).map(|log| 1usize << log).take_while(|&count| count <= cores).collect(),
        false => args.threads,
    };
    let shape = Shape::registered(name).expect("the shape is registered");
    let executed = full_batch(&shape);
    let (system, _) = synthesise(Mode::Record, Fr::ZERO, &executed.witness).into_parts();
    let values = assignment(executed.statement().public_input().into(), &executed.witness);
    let key = ProvingKey::setup_insecure(&BatchCircuit::new(&shape)).expect("the circuit has a key");
    let (ark, matrices) = (key.to_arkworks(), system.matrices.to_arkworks());
    let prover = Prover::new(key);
    let rows = system.matrices.rows();
    eprintln!("{rows} rows, kernel {}, {cores} cores", Kernel::detect().name());

    let mut rng = StdRng::seed_from_u64(5);
    let randomness = (Fr::rand(&mut rng), Fr::rand(&mut rng));
    let ours = || prover.prove_assignment(&values, randomness, &()).expect("the assignment is valid");
    let whole = || prover.prove(&executed, &()).expect("the batch is valid");
    let stock = || {
        let (r, s) = randomness;
        Groth16::<Bn254, LibsnarkReduction>::create_proof_with_reduction_and_matrices(
            &ark,
            r,
            s,
            &matrices,
            INSTANCE_WIRES,
            rows,
            &values,
        )
        .expect("the assignment is valid")
    };
    assert_eq!(ours(), stock(), "both make the same proof");

    let mut curve = Vec::new();
    let mut first = None;
    for &threads in &counts {
        let pool = pool(threads);
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..args.runs {
            times[0].push(pool.install(|| seconds(stock)));
            times[1].push(pool.install(|| seconds(ours)));
            times[2].push(pool.install(|| seconds(whole)));
        }
        let [stock_s, ours_s, whole_s] = times.map(median);
        let (stock_1, ours_1, whole_1) = *first.get_or_insert((stock_s, ours_s, whole_s));
        eprintln!(
            "{threads:3} threads   stock {stock_s:8.3} s ({:5.2}x)   ours {ours_s:8.3} s ({:5.2}x)   from a batch {whole_s:8.3} s ({:5.2}x)   ratio {:.2}",
            stock_1 / stock_s,
            ours_1 / ours_s,
            whole_1 / whole_s,
            stock_s / ours_s
        );
        curve.push(json!({ "threads": threads, "stock_s": stock_s, "ours_s": ours_s, "whole_s": whole_s }));
    }

    let (fixture, world) = (Fixture::new(CLAIMS), crowded(ACCOUNTS));
    let (mut verify, mut execute) = (Vec::new(), Vec::new());
    for &threads in &counts {
        let pool = pool(threads);
        let each = median((0..args.runs).map(|_| pool.install(|| seconds(|| fixture.many()))).collect()) / CLAIMS as f64;
        let batch = || {
            let mut ledger = world.ledger.clone();
            seconds(|| ledger.execute(&world.shape, world.operator, &world.open).expect("valid"))
        };
        let rate = world.open.len() as f64 / median((0..5 * args.runs).map(|_| pool.install(batch)).collect());
        eprintln!(
            "{threads:3} threads   {:.3} ms to verify each of {CLAIMS}   {rate:.0} transactions executed a second",
            1e3 * each
        );
        verify.push(json!({ "threads": threads, "seconds_each": each }));
        execute.push(json!({ "threads": threads, "transactions_a_second": rate }));
    }

    let most = counts.iter().copied().max().unwrap_or(1);
    let mut jobs = Vec::new();
    for count in (0..).map(|log| 1usize << log).take_while(|count| *count <= most) {
        let pools: Vec<ThreadPool> = (0..count).map(|_| pool(most / count)).collect();
        let start = Instant::now();
        std::thread::scope(|scope| {
            for pool in &pools {
                scope.spawn(|| pool.install(|| (0..PROOFS_A_JOB).for_each(|_| _ = std::hint::black_box(whole()))));
            }
        });
        let rate = (count * PROOFS_A_JOB) as f64 / start.elapsed().as_secs_f64();
        eprintln!("{count:3} jobs of {} threads: {rate:.3} proofs a second", most / count);
        jobs.push(json!({ "jobs": count, "threads": most / count, "proofs_a_second": rate }));
    }
    if args.json {
        println!(
            "{}",
            json!({ "rows": rows, "cores": cores, "kernel": Kernel::detect().name(), "curve": curve, "verify_many": verify, "execute": execute, "jobs": jobs })
        );
    }
}
