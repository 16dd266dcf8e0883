//! Transactions executed a second (signatures, rules, tree hashing) by number of accounts and threads: in memory, and on a chain's store with reading and
//! applying. `TAPSTONE_BENCH_ACCOUNTS` is the largest number of accounts (default 100000; a million takes a few minutes to set up).

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rayon::ThreadPoolBuilder;
use tapstone_benches::inputs::crowded;
use tapstone_circuits::ledger::{Part, Touched};
use tapstone_work::store::{Batch, Origin, Store};

fn ledger(c: &mut Criterion) {
    let most = std::env::var("TAPSTONE_BENCH_ACCOUNTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for accounts in [1_000u32, 10_000, 100_000, 1_000_000].into_iter().filter(|n| *n <= most) {
        let world = crowded(accounts);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::create(folder.path(), &world.ledger).expect("an empty folder");
        let mut group = c.benchmark_group(format!("execute/{accounts}-accounts"));
        group.sample_size(10).throughput(Throughput::Elements(world.open.len() as u64));
        let mut threads = vec![1];
        threads.extend((cores > 1).then_some(cores));
        for threads in threads {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            group.bench_function(BenchmarkId::new("memory", threads), |b| {
                b.iter_batched_ref(
                    || world.ledger.clone(),
                    |ledger| pool.install(|| ledger.execute(&world.shape, world.operator, &world.open).expect("valid")),
                    criterion::BatchSize::PerIteration,
                );
            });
            group.bench_function(BenchmarkId::new("store", threads), |b| {
                b.iter_custom(|times| {
                    let start = std::time::Instant::now();
                    let mut undone = std::time::Duration::ZERO;
                    for _ in 0..times {
                        pool.install(|| {
                            let view = store.view().expect("readable");
                            let touched = Touched::by(world.operator, &world.open);
                            let mut part = Part::load(&view, &touched).expect("readable");
                            let before = part.head();
                            let mut list = part.execute_all(&world.shape, world.operator, &world.open).expect("valid");
                            let executed = list.pop().expect("one batch");
                            let batch = Batch { origin: Origin::Data, proven: None, made: None, data: executed.data };
                            store.apply(&before, &executed.changes, &batch).expect("applied");
                        });
                        let undo = std::time::Instant::now();
                        store.undo().expect("the way back is kept");
                        undone += undo.elapsed();
                    }
                    start.elapsed() - undone
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, ledger);
criterion_main!(benches);
