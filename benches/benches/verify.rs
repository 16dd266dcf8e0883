//! Verification: one claim, 1,024 together, and what `ark-groth16` and `ark-ec` take for one.
//!
//! Set `RAYON_NUM_THREADS=1` for one core; `TAPSTONE_RATIOS=1` prints the ratios of medians measured in turns, and nothing else.

use criterion::{Criterion, Throughput, criterion_group};
use tapstone_benches::verify::{Fixture, times};

fn verify(c: &mut Criterion) {
    let fixture = Fixture::new(1024);
    let mut group = c.benchmark_group("verify");
    group.sample_size(20);
    group.bench_function("one", |b| b.iter(|| fixture.one()));
    group.bench_function("ark_groth16_prepared", |b| b.iter(|| fixture.ark()));
    group.bench_function("ark_multi_pairing", |b| b.iter(|| fixture.multi_pairing()));
    group.sample_size(10).throughput(Throughput::Elements(1024));
    group.bench_function("many_1024", |b| b.iter(|| fixture.many()));
    group.finish();
}

criterion_group!(benches, verify);

fn main() {
    if std::env::var_os("TAPSTONE_RATIOS").is_some() {
        let t = times(15);
        println!("one {:.0} us, many {:.0} us each", t.verify_one * 1e6, t.verify_many_1024 * 1e6);
        println!(
            "ark-groth16 prepared {:.0} us, multi-pairing {:.0} us",
            t.ark_groth16_prepared * 1e6,
            t.ark_multi_pairing * 1e6
        );
        println!("many / one {:.3}", t.verify_many_1024 / t.verify_one);
        println!("one / multi-pairing {:.3}", t.verify_one / t.ark_multi_pairing);
    } else {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
}
