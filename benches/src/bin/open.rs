//! What a transfer costs in an open batch: parts, rows, and core-seconds, beside a closed batch of the same traffic.
//!
//! `cargo run --release -p tapstone-benches --bin open -- --transfers 1000 --accounts 1000000 --draw zipf --parts parts-18 --closed small`
//!
//! Executes the transfers as one open batch. For each shape of parts that the batch has, one part is proven several times, its witness included, and the median counts;
//! so it does for a closed batch that is as full as the same traffic makes it. Core-seconds are seconds times threads. With `--all` every part is proven, and
//! the batch verified. Keys are made anew, which takes most of the time.

use std::collections::BTreeMap;

use clap::{Parser, ValueEnum};
use serde_json::json;
use tapstone_benches::inputs::{median, seconds};
use tapstone_circuits::circuit::{Circuit, CircuitShape};
use tapstone_circuits::ledger::open::{ExecutedOpen, PartIds, PartShape};
use tapstone_circuits::plan::split;
use tapstone_circuits::shape::{PartShapes, SegmentShape, Shape, StateShape};
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_prover::{Prover, ProvingKey};
use tapstone_verifier::open::{Challenge, OpenBatch, PartKeys, ProvenOpen, verify_open};
use tapstone_verifier::{Proof, VkId};

/// What a transfer costs in an open batch.
#[derive(Debug, Parser)]
struct Args {
    /// Transfers of the batch.
    #[arg(long, default_value_t = 1000)]
    transfers: u32,
    /// Accounts of the state.
    #[arg(long, default_value_t = 1_000_000)]
    accounts: u32,
    /// How often each account takes part.
    #[arg(long, default_value = "zipf")]
    draw: Draw,
    /// The set of part shapes.
    #[arg(long, default_value = "parts-18")]
    parts: String,
    /// The shape of closed batches to compare with; none unless given.
    #[arg(long)]
    closed: Option<String>,
    /// Proofs of each shape; the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Proves every part, and verifies the batch.
    #[arg(long)]
    all: bool,
    /// Makes no key and no proof: parts and rows alone.
    #[arg(long)]
    plan: bool,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// How accounts are drawn.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Draw {
    /// Each as often as any other.
    Uniform,
    /// By Zipf's law with exponent 1.
    Zipf,
}

/// Accounts that hold more than copies of the last one.
const FIRST: u64 = 16;

struct Source {
    rng: SplitMix,
    accounts: u64,
    draw: Draw,
}

impl Source {
    fn account(&mut self) -> u32 {
        let at = match self.draw {
            Draw::Uniform => self.rng.below(self.accounts),
            Draw::Zipf => {
                // The chance of the first x ranks is about ln(x + 1) / ln(accounts + 1).
                let u = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                let rank = ((u * ((self.accounts + 1) as f64).ln()).exp() - 1.0) as u64;
                // Accounts that are used much do not stand side by side.
                rank.min(self.accounts - 1).wrapping_mul(2_654_435_761) % self.accounts
            }
        };
        // Below a number of 32 bits.
        at as u32
    }

    fn transfers(&mut self, world: &mut World, count: u32) {
        for _ in 0..count {
            let from = self.account();
            let to = std::iter::repeat_with(|| self.account()).find(|to| *to != from).expect("there are two accounts");
            world.transfer(from, to, 1 + self.rng.below(3) as u32, 5);
        }
    }
}

/// A world of so many accounts, and its traffic.
fn world(shape: Shape, args: &Args) -> (World, Source) {
    let mut world = World::populated(shape, FIRST.min(args.accounts.into()));
    world.crowd(args.accounts);
    world.with_fee(1, 1);
    (world, Source { rng: SplitMix::new(1), accounts: args.accounts.into(), draw: args.draw })
}

fn prover<S: CircuitShape>(shape: &S) -> Prover<S> {
    eprintln!("key of {}", shape.name());
    Prover::new(ProvingKey::setup_insecure(&Circuit::new(shape)).expect("the circuit has a key"))
}

/// Provers of the shapes that a batch has parts of.
struct Provers {
    segments: Vec<Option<Prover<SegmentShape>>>,
    cells: Prover<StateShape>,
    nodes: Prover<StateShape>,
}

impl Provers {
    fn ids(&self) -> PartIds {
        // Shapes that are not used have no key here, and no part names this one.
        let segment = |prover: &Option<Prover<SegmentShape>>| {
            prover.as_ref().map_or(VkId::from_bytes([0; 32]), |prover| prover.key().verifying().id())
        };
        PartIds {
            segments: self.segments.iter().map(segment).collect(),
            cells: self.cells.key().verifying().id(),
            nodes: self.nodes.key().verifying().id(),
        }
    }

    fn keys(&self) -> PartKeys {
        let segments = self.segments.iter().flatten().map(|prover| prover.key().verifying().clone()).collect();
        let states = [&self.cells, &self.nodes].map(|prover| prover.key().verifying().clone());
        PartKeys::new(segments, states.to_vec()).expect("the keys are those of parts")
    }

    fn prove(&self, executed: &ExecutedOpen, (claim, challenge): (&OpenBatch, &Challenge), part: usize) -> Proof {
        let inputs = claim.part_inputs(part, challenge);
        let values = executed.assignment(part, &inputs);
        let proof = match executed.part_shape(part) {
            PartShape::Segment(shape) => {
                self.segments[shape].as_ref().expect("a shape that is used").prove_part(&inputs, &values, &())
            }
            PartShape::Cells => self.cells.prove_part(&inputs, &values, &()),
            PartShape::Nodes => self.nodes.prove_part(&inputs, &values, &()),
        };
        proof.expect("the batch is valid")
    }
}

/// Core-seconds for each transfer of a closed batch, and its transfers.
fn closed(name: &str, args: &Args, threads: f64) -> (f64, usize) {
    let shape = Shape::registered(name).expect("the shape is registered");
    let (mut world, mut source) = world(shape.clone(), args);
    source.transfers(&mut world, shape.slots.len() as u32);
    let batches = split(&shape, world.ledger.start(world.operator), &world.open).expect("transfers fit");
    world.open.truncate(batches[0].transactions().len());
    let transfers = world.open.len();
    let executed = world.apply().expect("the transfers are valid");
    let prover = prover(&shape);
    let times = (0..args.runs).map(|_| seconds(|| prover.prove(&executed, &()).expect("the batch is valid")));
    (median(times.collect()) * threads / transfers as f64, transfers)
}

fn main() {
    let args = Args::parse();
    let shapes = PartShapes::registered(&args.parts).unwrap_or_else(|| {
        eprintln!(
            "no set of parts {:?}: {:?}",
            args.parts,
            PartShapes::all().into_iter().map(|set| set.name).collect::<Vec<_>>()
        );
        std::process::exit(2)
    });
    let threads = rayon::current_num_threads() as f64;
    let (mut world, mut source) = world(Shape::registered("transfers-20").expect("the shape is registered"), &args);
    source.transfers(&mut world, args.transfers);
    let transactions = std::mem::take(&mut world.open);
    let mut executed = None;
    let execute_s = seconds(|| executed = Some(world.ledger.execute_open(&shapes, world.operator, &transactions)));
    let executed = executed.and_then(Result::ok).expect("the transfers are valid");

    let mut parts: BTreeMap<&str, (usize, usize, usize)> = BTreeMap::new();
    let mut used = vec![false; shapes.segments.len()];
    let count = executed.segments.len() + executed.states.len();
    for part in 0..count {
        let (name, circuit) = match executed.part_shape(part) {
            PartShape::Segment(shape) => {
                used[shape] = true;
                (&shapes.segments[shape].name, shapes.segments[shape].registered_circuit())
            }
            PartShape::Cells => (&shapes.cells.name, shapes.cells.registered_circuit()),
            PartShape::Nodes => (&shapes.nodes.name, shapes.nodes.registered_circuit()),
        };
        let entry = parts.entry(name).or_insert((0, part, circuit.map_or(0, |(rows, _)| rows)));
        entry.0 += 1;
    }
    let rows: usize = parts.values().map(|(count, _, rows)| count * rows).sum();
    let each = rows as f64 / f64::from(args.transfers);
    eprintln!("{} transfers in {count} parts, {each:.0} rows a transfer, executed in {execute_s:.2} s", args.transfers);
    let mut result = json!({
        "transfers": args.transfers, "accounts": args.accounts, "draw": format!("{:?}", args.draw).to_lowercase(),
        "parts": parts.iter().map(|(name, (count, ..))| (*name, *count)).collect::<BTreeMap<_, _>>(),
        "rows_a_transfer": each, "execute_s": execute_s, "threads": threads,
    });
    if !args.plan {
        let segment = |(shape, used): (&SegmentShape, bool)| used.then(|| prover(shape));
        let segments = shapes.segments.iter().zip(used).map(segment).collect();
        let provers = Provers { segments, cells: prover(&shapes.cells), nodes: prover(&shapes.nodes) };
        let keys = provers.keys();
        let mut claimed = None;
        let claim_s = seconds(|| claimed = Some(executed.claim(keys.set(), &provers.ids())));
        let (claim, challenge) = claimed.expect("it was made");
        let mut core_seconds = 0.0;
        let mut proof_s = BTreeMap::new();
        for (name, (count, part, rows)) in &parts {
            let times = (0..args.runs).map(|_| seconds(|| provers.prove(&executed, (&claim, &challenge), *part)));
            let time = median(times.collect());
            core_seconds += time * threads * *count as f64;
            eprintln!(
                "{name}: {count} parts, {time:.3} s a proof, {:.3} microseconds a row and core",
                1e6 * time * threads / *rows as f64
            );
            proof_s.insert(*name, time);
        }
        let open = core_seconds / f64::from(args.transfers);
        eprintln!("{open:.4} core-seconds a transfer, claim made in {claim_s:.2} s");
        result["claim_s"] = json!(claim_s);
        result["proof_s"] = json!(proof_s);
        result["core_seconds_a_transfer"] = json!(open);
        if args.all {
            let mut proofs = Vec::new();
            let prove_s = seconds(|| {
                proofs = (0..count).map(|part| provers.prove(&executed, (&claim, &challenge), part)).collect();
            });
            let pin = keys.set().id();
            let verify_s = seconds(|| verify_open(&keys, pin, &claim, &proofs).expect("every part was verified"));
            let bytes =
                ProvenOpen::new(keys.set().clone(), claim, proofs).expect("the parts have their proofs").to_bytes().len();
            eprintln!("all proven in {prove_s:.1} s, verified in {:.1} ms, {bytes} bytes", 1e3 * verify_s);
            result["all"] = json!({ "prove_s": prove_s, "verify_s": verify_s, "bytes": bytes });
        }
        if let Some(name) = &args.closed {
            let (closed, transfers) = closed(name, &args, threads);
            eprintln!(
                "closed, {transfers} transfers in {name}: {closed:.4} core-seconds a transfer, {:.2} times",
                closed / open
            );
            result["closed"] = json!({ "shape": name, "transfers": transfers, "core_seconds_a_transfer": closed });
        }
    }
    if args.json {
        println!("{result:#}");
    }
}
