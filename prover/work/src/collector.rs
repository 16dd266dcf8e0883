//! [`Collector`]: takes the proofs of many tasks as they arrive, and hands them out in any order.

use std::collections::BTreeMap;
use std::thread;
use std::time::Instant;

use tapstone_prover::ProvenBatch;

use super::error::PlannerError;
use super::id::TaskKey;
use super::planner::{Planner, Seen, Submitted, TICK};
use super::queue::Effort;
use super::worker::Stop;

/// A proof that was verified on arrival, and how it was made.
#[derive(Debug)]
pub struct Arrival {
    /// The batch with its proof.
    pub proven: ProvenBatch,
    /// Who made it, by the name that the worker gives itself.
    pub worker: Option<String>,
    /// From its claim to its completion, in milliseconds of the work store's clock.
    pub milliseconds: Option<u64>,
    /// What it took, by what the worker says.
    pub effort: Effort,
}

/// How many of the tasks stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Nobody works on them.
    pub queued: usize,
    /// Workers have leases of them.
    pub leased: usize,
    /// Their proofs arrived and were verified.
    pub done: usize,
    /// They failed for good.
    pub dead: usize,
}

/// The tasks of a chain, and the proofs that arrived.
pub struct Collector<'a> {
    planner: &'a Planner<'a>,
    tasks: &'a [Submitted],
    /// The tasks, by their places, whose proofs did not arrive yet.
    open: Vec<usize>,
    arrived: BTreeMap<usize, Arrival>,
    dead: BTreeMap<usize, PlannerError>,
}

impl<'a> Collector<'a> {
    /// Of these tasks, in the order in which they were submitted.
    pub fn new(planner: &'a Planner<'a>, tasks: &'a [Submitted]) -> Self {
        Self { planner, tasks, open: (0..tasks.len()).collect(), arrived: BTreeMap::new(), dead: BTreeMap::new() }
    }

    /// Looks at every task whose proof did not arrive yet, and verifies what did.
    ///
    /// # Errors
    /// As [`Planner::wait`], but for tasks that are dead: [`Collector::wait`] tells of those.
    pub fn look(&mut self) -> Result<Tally, PlannerError> {
        let (mut tally, mut open) = (Tally::default(), Vec::with_capacity(self.open.len()));
        let keys: Vec<TaskKey> = self.open.iter().map(|task| self.tasks[*task].key).collect();
        let records = self.planner.store().tasks_of(&keys)?;
        for (task, record) in self.open.iter().copied().zip(records) {
            match self.planner.see(&self.tasks[task], record)? {
                Seen::Queued => tally.queued += 1,
                Seen::Leased => tally.leased += 1,
                Seen::Dead(error) => {
                    self.dead.insert(task, error);
                    continue;
                }
                Seen::Arrived(arrival) => {
                    self.arrived.insert(task, *arrival);
                    continue;
                }
            }
            open.push(task);
        }
        self.open = open;
        tally.dead = self.dead.len();
        tally.done = self.tasks.len() - self.open.len() - self.dead.len();
        Ok(tally)
    }

    /// Waits for the proof of the task at this place, which is handed out once; meanwhile others are taken and verified. `told` hears after each look.
    ///
    /// # Errors
    /// [`PlannerError::Dead`] as soon as any of the tasks is among the dead letters and this one's proof is not there; else as [`Planner::wait`].
    pub fn wait(&mut self, task: usize, stop: &Stop, mut told: impl FnMut(Tally)) -> Result<Arrival, PlannerError> {
        loop {
            if let Some(arrival) = self.arrived.remove(&task) {
                return Ok(arrival);
            }
            if let Some((_, error)) = self.dead.pop_first() {
                return Err(error);
            }
            if stop.is_stopped() {
                return Err(PlannerError::Stopped);
            }
            told(self.look()?);
            if !self.arrived.contains_key(&task) && self.dead.is_empty() {
                self.pause(stop);
            }
        }
    }

    fn pause(&self, stop: &Stop) {
        let (start, poll) = (Instant::now(), self.planner.poll());
        while start.elapsed() < poll && !stop.is_stopped() {
            thread::sleep(TICK.min(poll));
        }
    }
}
