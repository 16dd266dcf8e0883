//! What is proven: seeded traffic that fills every slot of a shape, or the batches of a file.

use std::path::Path;
use std::time::Instant;

use tapstone_circuits::ledger::{Executed, Ledger};
use tapstone_circuits::pool::Direction;
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::testing::{SplitMix, World};
use tapstone_circuits::transaction::Transaction;

use super::super::prove;
use crate::exit::{Failure, Reason};

/// Executed batches, and how to execute them again.
pub struct Batches {
    pub executed: Vec<Executed>,
    pub transactions: usize,
    pub slots: usize,
    pub shape: Shape,
    ledger: Ledger,
    operator: u32,
    list: Vec<Transaction>,
}

/// Accounts of the seeded workloads.
const ACCOUNTS: u32 = 16;
/// Their seed.
const SEED: u64 = 1;

impl Batches {
    /// `transfers`, `swaps`, `mixed`, or a batch file.
    pub fn new(workload: &str, shape: &Shape) -> Result<Self, Failure> {
        let single: &dyn Fn(&mut World, &mut SplitMix) = match workload {
            "transfers" => &deposit,
            "swaps" => &swap,
            "mixed" => &mixed,
            _ => return Self::of_file(Path::new(workload), shape),
        };
        let mut world = World::populated(shape.clone(), ACCOUNTS.into());
        let mut rng = SplitMix::new(SEED);
        world.with_fee(1, 1);
        for slot in &shape.slots {
            match slot {
                SlotKind::Pair => transfer(&mut world, &mut rng),
                SlotKind::Single => single(&mut world, &mut rng),
            }
        }
        Self::execute(world.ledger.clone(), shape, world.operator, std::mem::take(&mut world.open))
            .map_err(|e| Failure::new(Reason::Bug, e))
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
        Self::execute(start, shape, file.header.operator, file.transactions).map_err(|e| Failure::new(Reason::Bug, e))
    }

    fn execute(ledger: Ledger, shape: &Shape, operator: u32, list: Vec<Transaction>) -> Result<Self, String> {
        let mut batches =
            Self { executed: Vec::new(), transactions: list.len(), slots: 0, ledger, shape: shape.clone(), operator, list };
        batches.executed = batches.run()?;
        batches.slots = shape.slots.len() * batches.executed.len();
        Ok(batches)
    }

    fn run(&self) -> Result<Vec<Executed>, String> {
        let mut ledger = self.ledger.clone();
        ledger.execute_all(&self.shape, self.operator, &self.list).map_err(|e| e.to_string())
    }

    /// Executes everything again; seconds.
    pub fn execution_seconds(&self) -> f64 {
        let start = Instant::now();
        let _ = std::hint::black_box(self.run());
        start.elapsed().as_secs_f64()
    }
}

fn accounts(rng: &mut SplitMix) -> (u32, u32) {
    let from = rng.below(ACCOUNTS.into()) as u32;
    (from, (from + 1 + rng.below(u64::from(ACCOUNTS) - 1) as u32) % ACCOUNTS)
}

fn transfer(world: &mut World, rng: &mut SplitMix) {
    let (from, to) = accounts(rng);
    world.transfer(from, to, 1 + rng.below(3) as u32, u128::from(1 + rng.below(1000)));
}

fn deposit(world: &mut World, rng: &mut SplitMix) {
    world.deposit(accounts(rng).0, 1 + rng.below(3) as u32, u128::from(1 + rng.below(1000)));
}

fn swap(world: &mut World, rng: &mut SplitMix) {
    let direction = if rng.below(2) == 0 { Direction::ZeroForOne } else { Direction::OneForZero };
    world.swap(accounts(rng).0, 0, direction, u128::from(1000 + rng.below(1000)));
}

fn mixed(world: &mut World, rng: &mut SplitMix) {
    let account = accounts(rng).0;
    match rng.below(8) {
        0 => deposit(world, rng),
        1 => {
            world.add_liquidity(account, 0, (2000, 4000));
        }
        2 => {
            world.withdraw(account, 1 + rng.below(3) as u32, u128::from(1 + rng.below(1000)));
        }
        _ => swap(world, rng),
    }
}
