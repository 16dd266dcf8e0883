//! The simulation: arrivals are cut into batches, executed by one planner in order, proven by workers, and anchored by the next Bitcoin block.
//!
//! The queue is that of the work store: the earliest batch first, an attempt that fails waits 2 s and then twice as long, a worker that dies costs no
//! attempt but a lease, and a dead letter is queued again by an operator.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

use tapstone_circuits::shape::SlotKind;

use super::random::Random;
use super::trace::Arrival;

/// Seconds between two Bitcoin blocks, on average.
pub const BLOCK: f64 = 600.0;
/// Seconds until the task of a dead worker is free.
pub const LEASE: f64 = 60.0;
/// Seconds before a second attempt.
const BACKOFF: f64 = 2.0;
/// Attempts that lead to the dead letters.
const ATTEMPTS: u32 = 5;
/// Seconds until an operator queues a dead letter again.
const OPERATOR: f64 = 600.0;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Slots for two accounts, and for one.
    pub pairs: usize,
    /// See there.
    pub singles: usize,
    /// Workers.
    pub workers: u32,
    /// Seconds of a proof.
    pub proof: f64,
    /// Seconds that a batch waits for transactions.
    pub wait: f64,
    /// Transactions a second that the planner executes.
    pub execution: f64,
    /// Share of attempts that fail.
    pub failures: f64,
    /// Share of attempts whose worker dies.
    pub deaths: f64,
    /// Draws failures and blocks.
    pub seed: u64,
}

/// A batch and what became of it; times in seconds since the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its first transaction.
    pub first: usize,
    /// Its transactions.
    pub count: usize,
    /// It takes no more of them.
    pub closed: f64,
    /// It is executed and queued.
    pub executed: f64,
    /// Its proof is there.
    pub proven: f64,
    /// The block with its anchor is there.
    pub anchored: f64,
    /// Attempts at its proof.
    pub attempts: u32,
}

/// What was played.
#[derive(Clone, Debug, PartialEq)]
pub struct Played {
    /// All batches, in order.
    pub batches: Vec<Batch>,
    /// Seconds that workers worked, in vain too.
    pub worked: f64,
    /// Seconds that the planner executed.
    pub planned: f64,
    /// Attempts that failed, workers that died, and dead letters.
    pub failed: u64,
    /// See there.
    pub died: u64,
    /// See there.
    pub dead: u64,
}

/// Something that happens to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Queued,
    Proven,
    Failed,
    Died,
}

#[derive(Clone, Copy, Debug)]
struct Event {
    seconds: f64,
    /// Which of two at the same time goes first.
    number: u64,
    batch: usize,
    what: What,
}

impl Ord for Event {
    /// The earliest is the greatest, as heaps have it.
    fn cmp(&self, other: &Self) -> Ordering {
        other.seconds.total_cmp(&self.seconds).then(other.number.cmp(&self.number))
    }
}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Event {}

#[derive(Default)]
struct Events {
    heap: BinaryHeap<Event>,
    number: u64,
}

impl Events {
    fn push(&mut self, seconds: f64, batch: usize, what: What) {
        self.number += 1;
        self.heap.push(Event { seconds, number: self.number, batch, what });
    }
}

/// Plays arrivals, which are in order and each of which fits an empty batch.
pub fn play(settings: &Settings, arrivals: &[Arrival]) -> Played {
    let mut played = Played { batches: cut(settings, arrivals), worked: 0.0, planned: 0.0, failed: 0, died: 0, dead: 0 };
    let mut free = 0.0f64;
    for batch in &mut played.batches {
        let seconds = batch.count as f64 / settings.execution;
        played.planned += seconds;
        free = free.max(batch.closed) + seconds;
        batch.executed = free;
    }
    prove(settings, &mut played);
    let mut blocks = Random::new(settings.seed, 4);
    let (mut block, mut all_before) = (blocks.wait(BLOCK), 0.0f64);
    for batch in &mut played.batches {
        // An anchor holds batches without a gap.
        all_before = all_before.max(batch.proven);
        while block <= all_before {
            block += blocks.wait(BLOCK);
        }
        batch.anchored = block;
    }
    played
}

/// Batches in the order of arrival: one is closed by the transaction that finds no slot, when all slots are taken, or when its time is up.
fn cut(settings: &Settings, arrivals: &[Arrival]) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut first = 0;
    while let Some(start) = arrivals.get(first) {
        let end = start.seconds + settings.wait;
        let (mut pairs, mut singles, mut count) = (settings.pairs, settings.singles, 0);
        let closed = loop {
            let Some(next) = arrivals.get(first + count).filter(|next| next.seconds <= end) else { break end };
            let left = match next.slot {
                SlotKind::Pair => &mut pairs,
                SlotKind::Single => &mut singles,
            };
            if *left == 0 {
                break next.seconds;
            }
            *left -= 1;
            count += 1;
            if pairs + singles == 0 {
                break next.seconds;
            }
        };
        // A shape without any slot of that kind was refused before; still the loop ends.
        let count = count.max(1);
        batches.push(Batch { first, count, closed, executed: 0.0, proven: 0.0, anchored: 0.0, attempts: 0 });
        first += count;
    }
    batches
}

fn prove(settings: &Settings, played: &mut Played) {
    let mut draws = Random::new(settings.seed, 3);
    let mut events = Events::default();
    let mut waiting = BTreeSet::new();
    let mut idle = settings.workers;
    // Attempts that count, since the task was queued by its planner or an operator.
    let mut counted = vec![0u32; played.batches.len()];
    for (index, batch) in played.batches.iter().enumerate() {
        events.push(batch.executed, index, What::Queued);
    }
    while let Some(Event { seconds: now, batch, what, .. }) = events.heap.pop() {
        match what {
            What::Queued => {
                waiting.insert(batch);
            }
            What::Proven => {
                idle += 1;
                played.batches[batch].proven = now;
            }
            What::Died => {
                // Another one takes its place at once.
                idle += 1;
                played.died += 1;
                events.push(now + LEASE, batch, What::Queued);
            }
            What::Failed => {
                idle += 1;
                played.failed += 1;
                counted[batch] += 1;
                if counted[batch] == ATTEMPTS {
                    counted[batch] = 0;
                    played.dead += 1;
                    events.push(now + OPERATOR, batch, What::Queued);
                } else {
                    let pause = BACKOFF * f64::from(1u32 << (counted[batch] - 1));
                    events.push(now + pause, batch, What::Queued);
                }
            }
        }
        while idle > 0 {
            let Some(batch) = waiting.pop_first() else { break };
            idle -= 1;
            played.batches[batch].attempts += 1;
            let draw = draws.share();
            let (length, what) = if draw < settings.deaths {
                (settings.proof * draws.share(), What::Died)
            } else if draw < settings.deaths + settings.failures {
                (settings.proof, What::Failed)
            } else {
                (settings.proof, What::Proven)
            };
            played.worked += length;
            events.push(now + length, batch, what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trace::arrivals;
    use super::*;

    fn settings() -> Settings {
        Settings {
            pairs: 4,
            singles: 4,
            workers: 10,
            proof: 4.0,
            wait: 10.0,
            execution: 1000.0,
            failures: 0.0,
            deaths: 0.0,
            seed: 3,
        }
    }

    fn latency(played: &Played, arrivals: &[Arrival]) -> f64 {
        let sum: f64 = played
            .batches
            .iter()
            .flat_map(|batch| arrivals[batch.first..][..batch.count].iter().map(|arrival| batch.proven - arrival.seconds))
            .sum();
        sum / arrivals.len() as f64
    }

    #[test]
    fn every_transaction_is_proven_once_whatever_fails() {
        let list = arrivals("rate=20,seconds=500,singles=0.3", 5).unwrap();
        let settings = Settings { failures: 0.3, deaths: 0.2, workers: 40, ..settings() };
        let played = play(&settings, &list);
        let mut next = 0;
        for batch in &played.batches {
            assert_eq!(batch.first, next);
            assert!(batch.count >= 1);
            next += batch.count;
            let members = &list[batch.first..next];
            let singles = members.iter().filter(|arrival| arrival.slot == SlotKind::Single).count();
            assert!(singles <= 4 && batch.count - singles <= 4);
            assert!(members.iter().all(|arrival| arrival.seconds <= batch.closed));
            assert!(batch.closed <= members[0].seconds + settings.wait);
            assert!(batch.closed < batch.executed && batch.executed < batch.proven && batch.proven < batch.anchored);
        }
        assert_eq!(next, list.len());
        assert!(played.failed > 0 && played.died > 0 && played.dead > 0, "{played:?}");
        let attempts: u64 = played.batches.iter().map(|batch| u64::from(batch.attempts)).sum();
        assert_eq!(attempts, played.batches.len() as u64 + played.failed + played.died);
        assert!(played.batches.windows(2).all(|pair| pair[0].anchored <= pair[1].anchored), "anchors have no gap");
    }

    #[test]
    fn a_seed_decides_everything() {
        let list = arrivals("rate=20,seconds=100", 5).unwrap();
        let settings = Settings { failures: 0.2, deaths: 0.1, ..settings() };
        assert_eq!(play(&settings, &list), play(&settings, &list));
        assert_ne!(play(&settings, &list), play(&Settings { seed: 4, ..settings.clone() }, &list));
    }

    #[test]
    fn workers_are_as_busy_as_the_load_asks() {
        // Pairs alone fill a batch of 4 in the mean time of 4 arrivals: 5 batches a second, 20 workers' work.
        let list = arrivals("rate=20,seconds=5000", 9).unwrap();
        let mut last = f64::MAX;
        for workers in [21, 25, 40] {
            let played = play(&Settings { workers, singles: 0, execution: 1e6, ..settings() }, &list);
            let span = played.batches.iter().map(|batch| batch.proven).fold(0.0, f64::max);
            let busy = played.worked / (f64::from(workers) * span);
            assert!((busy - 20.0 / f64::from(workers)).abs() < 0.02, "{workers}: {busy}");
            // Never less than the proof itself, and less with more workers.
            let latency = latency(&played, &list);
            assert!(latency > 4.0 && latency < last, "{workers}: {latency}");
            last = latency;
        }
        // With workers enough nobody waits: half the filling of a batch, then the proof.
        assert!((last - 4.0 - 1.5 / 20.0).abs() < 0.01, "{last}");
    }

    #[test]
    fn one_worker_queues_as_theory_says() {
        // M/D/1: batches of one transaction, half loaded, wait half a proof on average: rho / (2 (1 - rho)) proofs.
        let list = arrivals("rate=0.5,seconds=400000", 2).unwrap();
        let settings = Settings { pairs: 1, singles: 0, workers: 1, proof: 1.0, execution: 1e9, ..settings() };
        let latency = latency(&play(&settings, &list), &list);
        assert!((latency - 1.5).abs() < 0.02, "{latency}");
    }

    #[test]
    fn blocks_come_every_ten_minutes_on_average() {
        let list = arrivals("rate=1,seconds=1000000", 2).unwrap();
        let played = play(&Settings { workers: 100, ..settings() }, &list);
        let mut blocks: Vec<f64> = played.batches.iter().map(|batch| batch.anchored).collect();
        blocks.dedup();
        let mean = (blocks[blocks.len() - 1] - blocks[0]) / (blocks.len() - 1) as f64;
        assert!((mean - BLOCK).abs() < 40.0, "{mean}");
    }

    #[test]
    fn a_lone_transaction_waits_for_company_as_long_as_it_is_told() {
        let list = [Arrival { seconds: 1.0, slot: SlotKind::Pair }];
        let played = play(&settings(), &list);
        assert!((played.batches[0].closed - 11.0).abs() < 1e-9);
        assert!((played.batches[0].proven - 15.001).abs() < 1e-9);
    }

    #[test]
    fn what_finds_no_slot_closes_the_batch() {
        let at = |seconds, slot| Arrival { seconds, slot };
        let (pair, single) = (SlotKind::Pair, SlotKind::Single);
        let list = [at(1.0, single), at(2.0, pair), at(3.0, single), at(4.0, pair)];
        let batches = cut(&Settings { pairs: 1, singles: 1, ..settings() }, &list);
        let found: Vec<_> = batches.iter().map(|batch| (batch.count, batch.closed)).collect();
        assert_eq!(found, [(2, 2.0), (2, 4.0)]);
        let batches = cut(&Settings { pairs: 1, singles: 2, ..settings() }, &list[1..]);
        assert_eq!((batches[0].count, batches[0].closed), (2, 4.0));
    }
}
