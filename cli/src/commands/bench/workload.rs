//! What is proven: seeded traffic that fills every slot of a shape, or the batches of a file.

use std::path::Path;
use std::time::Instant;

use tapstone_circuits::ledger::{Executed, Ledger, Part, Touched};
use tapstone_circuits::plan::split;
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::transaction::Transaction;

use super::super::prove;
use crate::args::Draw;
use crate::exit::{Failure, Reason};

/// Executed batches, and how to execute them again.
pub struct Batches {
    pub executed: Vec<Executed>,
    pub transactions: usize,
    pub slots: usize,
    pub shape: Shape,
    /// What the batches touch of the state before them.
    part: Part,
    operator: u32,
    list: Vec<Transaction>,
}

/// Accounts of the seeded workloads that hold more than a copy of the last one.
const FIRST: u32 = 16;
/// Their seed.
const SEED: u64 = 1;

/// Which accounts take part in a seeded workload.
#[derive(Clone, Copy, Debug)]
pub struct Crowd {
    /// How many there are; no more than the shape's tree has room for.
    pub accounts: u32,
    /// How often each takes part.
    pub draw: Draw,
}

/// A seeded source of accounts.
struct Source {
    rng: SplitMix,
    accounts: u32,
    draw: Draw,
}

impl Source {
    fn account(&mut self) -> u32 {
        let count = u64::from(self.accounts);
        let at = match self.draw {
            Draw::Uniform => self.rng.below(count),
            Draw::Zipf => {
                // With exponent 1 the chance of the first x ranks is about ln(x + 1) / ln(count + 1).
                let u = (self.rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
                let rank = ((u * ((count + 1) as f64).ln()).exp() - 1.0) as u64;
                // Accounts that are used much do not stand side by side.
                rank.min(count - 1).wrapping_mul(2_654_435_761) % count
            }
        };
        // Below a number of 32 bits.
        at as u32
    }

    fn two_accounts(&mut self) -> (u32, u32) {
        let from = self.account();
        loop {
            let to = self.account();
            if to != from {
                return (from, to);
            }
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.rng.below(limit)
    }

    /// One of the three tokens that all hold.
    fn token(&mut self) -> u32 {
        1 + self.below(3) as u32
    }
}

impl Batches {
    /// `transfers`, `swaps`, `mixed`, in one batch that is as full as it gets; or a batch file.
    pub fn new(workload: &str, shape: &Shape, crowd: Crowd) -> Result<Self, Failure> {
        let single: fn(&mut World, &mut Source) = match workload {
            "transfers" => deposit,
            "swaps" => swap,
            "mixed" => mixed,
            _ => return Self::of_file(Path::new(workload), shape),
        };
        let bug = |e: String| Failure::new(Reason::Bug, e);
        let capacity = 1u64 << (3 * u32::from(shape.account_depth));
        // No more than a number of 32 bits.
        let accounts = u64::from(crowd.accounts).min(capacity) as u32;
        let mut world = World::populated(shape.clone(), accounts.min(FIRST).into());
        world.crowd(accounts);
        let mut source = Source { rng: SplitMix::new(SEED), accounts, draw: crowd.draw };
        world.with_fee(1, 1);
        for slot in &shape.slots {
            match slot {
                SlotKind::Pair => transfer(&mut world, &mut source),
                SlotKind::Single => single(&mut world, &mut source),
            }
        }
        let start = world.ledger.start(world.operator);
        let batches = split(shape, start, &world.open).map_err(|e| bug(e.to_string()))?;
        let mut list = std::mem::take(&mut world.open);
        list.truncate(batches.first().map_or(0, |batch| batch.transactions().len()));
        Self::execute(&world.ledger, shape, world.operator, list).map_err(bug)
    }

    fn of_file(path: &Path, shape: &Shape) -> Result<Self, Failure> {
        if !path.exists() {
            let text = "neither a batch file nor one of the workloads transfers, swaps and mixed";
            return Err(Failure::at(Reason::Usage, path, text));
        }
        let input = prove::Input::read(path)?;
        let mut ledger = prove::starting_state(None, input.file.header.chain_id, shape)?;
        let start = ledger.clone();
        prove::execute(shape, &input, None, &mut ledger)?;
        let file = input.file;
        Self::execute(&start, shape, file.header.operator, file.transactions).map_err(|e| Failure::new(Reason::Bug, e))
    }

    fn execute(ledger: &Ledger, shape: &Shape, operator: u32, list: Vec<Transaction>) -> Result<Self, String> {
        let Ok(part) = Part::load(ledger, &Touched::by(operator, &list));
        let mut batches =
            Self { executed: Vec::new(), transactions: list.len(), slots: 0, part, shape: shape.clone(), operator, list };
        batches.executed = batches.run(batches.part.clone())?;
        batches.slots = shape.slots.len() * batches.executed.len();
        Ok(batches)
    }

    fn run(&self, mut part: Part) -> Result<Vec<Executed>, String> {
        part.execute_all(&self.shape, self.operator, &self.list).map_err(|e| e.to_string())
    }

    /// Executes everything again; seconds.
    pub fn execution_seconds(&self) -> f64 {
        let part = self.part.clone();
        let start = Instant::now();
        let _ = std::hint::black_box(self.run(part));
        start.elapsed().as_secs_f64()
    }
}

fn transfer(world: &mut World, source: &mut Source) {
    let (from, to) = source.two_accounts();
    world.transfer(from, to, source.token(), u128::from(1 + source.below(1000)));
}

fn deposit(world: &mut World, source: &mut Source) {
    world.deposit(source.account(), source.token(), u128::from(1 + source.below(1000)));
}

fn swap(world: &mut World, source: &mut Source) {
    let direction = if source.below(2) == 0 { Direction::ZeroForOne } else { Direction::OneForZero };
    world.swap(source.account(), 0, direction, u128::from(1000 + source.below(1000)));
}

fn mixed(world: &mut World, source: &mut Source) {
    let account = source.account();
    match source.below(8) {
        0 => deposit(world, source),
        1 => {
            world.add_liquidity(account, 0, (2000, 4000));
        }
        2 => {
            world.withdraw(account, source.token(), u128::from(1 + source.below(1000)));
        }
        _ => swap(world, source),
    }
}
