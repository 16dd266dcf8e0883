//! Stages of the pipeline on a tiny batch: execution, witness, proof, verification.

use criterion::{Criterion, criterion_group, criterion_main};
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::testing::World;
use tapstone_prover::{Prover, ProvingKey};
use tapstone_verifier::verify;

fn pipeline(c: &mut Criterion) {
    let mut world = World::registered("tiny");
    world.deposit_new(1, 1000).deposit_new(1, 1000);
    let executed = world.apply().expect("two deposits are valid");
    let circuit = BatchCircuit::new(&executed.witness.shape);
    let key = ProvingKey::setup_insecure(&circuit).expect("the circuit is fine");
    let prover = Prover::new(key);
    let statement = executed.statement();
    let mut group = c.benchmark_group("tiny");
    group.sample_size(10);
    group.bench_function("witness", |b| b.iter(|| assignment(statement.public_input().into(), &executed.witness)));
    group.bench_function("prove", |b| b.iter(|| prover.prove(&executed, &())));
    let proven = prover.prove(&executed, &()).expect("the batch is valid");
    let key = prover.key().verifying();
    group.bench_function("verify", |b| b.iter(|| verify(key, key.id(), &statement, proven.proof())));
    group.finish();
}

criterion_group!(benches, pipeline);
criterion_main!(benches);
