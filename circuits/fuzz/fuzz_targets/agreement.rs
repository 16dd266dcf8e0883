//! Ledger and circuit: a batch that the ledger executes has a witness that satisfies the circuit, with its statement's public input.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use tapstone_circuits::circuit::{BatchCircuit, assignment};
use tapstone_circuits::shape::Shape;
use tapstone_circuits::testing::{SplitMix, World};

fn start() -> &'static (World, BatchCircuit) {
    static START: OnceLock<(World, BatchCircuit)> = OnceLock::new();
    START.get_or_init(|| {
        let shape = Shape::registered("tiny").expect("tiny is registered");
        (World::populated(shape.clone(), 3), BatchCircuit::new(&shape))
    })
}

fuzz_target!(|seeds: Vec<u64>| {
    let (world, circuit) = start();
    let mut world = world.clone();
    for seed in seeds.into_iter().take(3) {
        let mut rng = SplitMix::new(seed);
        world.operator = rng.below(3) as u32;
        for _ in 0..rng.below(5) {
            world.push_at_random(&mut rng);
        }
        let Ok(executed) = world.apply() else { continue };
        let z = assignment(executed.statement().public_input().into(), &executed.witness);
        assert_eq!(circuit.system().violations(&z, 3), []);
    }
});
