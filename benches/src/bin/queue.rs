//! Claims and completions a second of a work store, by number of workers, with a backlog.
//!
//! `cargo run --release -p tapstone-benches --bin queue -- --store sqlite:PATH --backlog 100000 --workers 1,4,16 --json`, or with
//! `--store postgres://user@host/database`, whose tables are made if there are none.
//!
//! Each worker is a thread with a connection of its own, which claims a task and completes it at once, so that nothing but the store is measured. Before
//! each number of workers the backlog is filled up. `claim_ms` and `complete_ms` are medians of one call. The store keeps what was done in it: give it one
//! of its own.

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use serde_json::{Value, json};
use tapstone_verifier::VkId;
use tapstone_work::{ArtefactId, NewTask, Offer, PostgresStore, SqliteStore, TaskKey, WorkStore};

/// Tasks that are added at once.
const CHUNK: usize = 5000;
/// A lease that no run outlasts.
const LEASE: Duration = Duration::from_secs(3600);
/// Memory of a task, in bytes: each worker has enough.
const MEMORY: u64 = 1 << 30;

/// Claims and completions a second of a work store.
#[derive(Debug, Parser)]
struct Args {
    /// The store: `sqlite:PATH` or a URL of PostgreSQL.
    #[arg(long)]
    store: String,
    /// Tasks that are queued when a run starts.
    #[arg(long, default_value_t = 100_000)]
    backlog: usize,
    /// Numbers of workers, one after the other.
    #[arg(long, value_delimiter = ',', default_value = "1,4,16")]
    workers: Vec<usize>,
    /// Seconds of each run.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// What workers did in a run.
#[derive(Default)]
struct Run {
    claims: Vec<f64>,
    completions: Vec<f64>,
}

fn main() {
    let args = Args::parse();
    match run(&args) {
        Ok(results) if args.json => println!("{results}"),
        Ok(_) => {}
        Err(error) => {
            eprintln!("queue: {error}");
            std::process::exit(1);
        }
    }
}

fn run(args: &Args) -> Result<Value, Box<dyn Error>> {
    let (kind, store): (_, Box<dyn WorkStore>) = match args.store.strip_prefix("sqlite:") {
        Some(path) => ("sqlite", Box::new(SqliteStore::open(Path::new(path))?)),
        None => ("postgres", Box::new(PostgresStore::migrate(&args.store)?)),
    };
    // Tasks of other runs are for other keys.
    let nanoseconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let vk_id = VkId::from_bytes(ArtefactId::of(&nanoseconds.to_le_bytes()).to_bytes());
    let (mut added, mut done) = (0, 0);
    let (mut adding, mut rows) = (Duration::ZERO, Vec::new());
    for workers in &args.workers {
        let start = Instant::now();
        while added < done + args.backlog {
            let most = (done + args.backlog).min(added + CHUNK);
            let tasks: Vec<NewTask> = (added..most).map(|number| task(vk_id, number as u64)).collect();
            store.add(&tasks)?;
            added = most;
        }
        adding += start.elapsed();
        let (elapsed, run) = measure(&*store, vk_id, *workers, Duration::from_secs(args.seconds))?;
        done += run.completions.len();
        let rate = run.completions.len() as f64 / elapsed.as_secs_f64();
        let (claim, complete) = (median_ms(run.claims), median_ms(run.completions));
        eprintln!(
            "{kind}, backlog {}, {workers:3} workers: {rate:8.1} a second, claim {claim:.3} ms, complete {complete:.3} ms",
            args.backlog
        );
        rows.push(json!({ "workers": workers, "per_second": rate, "claim_ms": claim, "complete_ms": complete }));
    }
    let added_per_second = added as f64 / adding.as_secs_f64();
    eprintln!("{kind}: {added_per_second:.0} tasks added a second, {CHUNK} at once");
    Ok(json!({ "store": kind, "backlog": args.backlog, "added_per_second": added_per_second, "results": rows }))
}

/// Tasks of a chain in order, each due a second after the one before.
fn task(vk_id: VkId, number: u64) -> NewTask {
    let bundle = ArtefactId::of(&number.to_le_bytes());
    NewTask {
        key: TaskKey::of(vk_id, bundle),
        vk_id,
        chain_id: 1,
        batch_number: number,
        bundle,
        memory: MEMORY,
        deadline: number,
        max_attempts: 5,
    }
}

fn measure(store: &dyn WorkStore, vk_id: VkId, workers: usize, length: Duration) -> Result<(Duration, Run), Box<dyn Error>> {
    let stores: Vec<Box<dyn WorkStore>> = (0..workers).map(|_| store.reopen()).collect::<Result<_, _>>()?;
    let stop = AtomicBool::new(false);
    let stop = &stop;
    let start = Instant::now();
    let outcomes = thread::scope(|scope| {
        let threads: Vec<_> = stores
            .into_iter()
            .enumerate()
            .map(|(index, store)| {
                scope.spawn(move || {
                    let outcome = work(&*store, vk_id, &format!("bench-{index}"), stop);
                    // One that fails ends the run of all.
                    if outcome.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    outcome.map_err(|error| error.to_string())
                })
            })
            .collect();
        while start.elapsed() < length && !stop.load(Ordering::Relaxed) && threads.iter().any(|thread| !thread.is_finished())
        {
            thread::sleep(Duration::from_millis(5));
        }
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("a worker panicked".into())))
            .collect::<Vec<_>>()
    });
    let elapsed = start.elapsed();
    let mut all = Run::default();
    for outcome in outcomes {
        let run = outcome?;
        all.claims.extend(run.claims);
        all.completions.extend(run.completions);
    }
    Ok((elapsed, all))
}

/// Claims and completes until it is told to stop, or nothing is left.
fn work(store: &dyn WorkStore, vk_id: VkId, worker: &str, stop: &AtomicBool) -> Result<Run, Box<dyn Error>> {
    let (mut run, vk_ids) = (Run::default(), [vk_id]);
    let offer = Offer { worker, vk_ids: &vk_ids, memory: MEMORY, lease: LEASE };
    while !stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        let Some(claim) = store.claim(&offer)? else { break };
        run.claims.push(start.elapsed().as_secs_f64());
        let start = Instant::now();
        store.complete(&claim.lease.key, worker, &claim.bundle)?;
        run.completions.push(start.elapsed().as_secs_f64());
    }
    Ok(run)
}

fn median_ms(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).map_or(0.0, |seconds| (seconds * 1e6).round() / 1000.0)
}
