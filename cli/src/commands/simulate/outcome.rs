//! [`Outcome`]: what a simulation came to.

use serde_json::{Value, json};

use super::engine::{Played, Settings};
use super::trace::Arrival;
use crate::report::Report;

/// Points of a curve over time: few enough to be told apart in a plot.
const POINTS: usize = 60;

/// Seconds of all transactions from their arrival to something, by size.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Vec<f64>);

impl Latency {
    fn new(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        Self(seconds)
    }

    /// So many hundredths of transactions took at most this.
    pub fn percentile(&self, percent: f64) -> f64 {
        let rank = (percent / 100.0 * self.0.len() as f64).ceil() as usize;
        self.0.get(rank.clamp(1, self.0.len().max(1)) - 1).copied().unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        let at = |percent| rounded(self.percentile(percent));
        let mean = self.0.iter().sum::<f64>() / self.0.len().max(1) as f64;
        json!({ "mean": rounded(mean), "p50": at(50.0), "p90": at(90.0), "p99": at(99.0), "most": at(100.0) })
    }
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// Costs have few digits before the point.
fn precise(number: f64) -> f64 {
    (number * 1e8).round() / 1e8
}

/// What a simulation came to.
#[derive(Debug)]
pub struct Outcome {
    /// Transactions, all of which are proven.
    pub transactions: usize,
    /// Batches.
    pub batches: usize,
    /// The share of slots that hold a transaction.
    pub fill: f64,
    /// Seconds until the last arrival, and until the last proof.
    pub arriving: f64,
    /// See there.
    pub seconds: f64,
    /// Workers that would be busy all the time with what comes in, attempts in vain included.
    pub load: f64,
    /// The share of the workers' time until the last proof in which they worked.
    pub busy: f64,
    /// The same of the planner, until its last batch.
    pub planner: f64,
    /// From arrival to proof, and to the block with the anchor.
    pub proven: Latency,
    /// See there.
    pub anchored: Latency,
    /// Transactions that had come in and were not proven: the most, and over time.
    pub backlog: usize,
    /// See there.
    pub backlog_curve: Vec<(f64, f64)>,
    /// Core-hours of the machines, idle time included, and of work.
    pub core_hours: f64,
    /// See there.
    pub core_hours_worked: f64,
    /// What the machines cost.
    pub cost: Option<f64>,
    /// Attempts that failed, workers that died, dead letters.
    pub mishaps: [u64; 3],
}

impl Outcome {
    /// Sums up.
    pub fn new(settings: &Settings, arrivals: &[Arrival], played: &Played, cores: u32, price: Option<f64>) -> Self {
        let latency = |end: fn(&super::engine::Batch) -> f64| {
            let of = |batch| {
                let end = end(batch);
                arrivals[batch.first..][..batch.count].iter().map(move |arrival| end - arrival.seconds)
            };
            Latency::new(played.batches.iter().flat_map(of).collect())
        };
        let most = |times: &mut dyn Iterator<Item = f64>| times.fold(0.0, f64::max);
        let arriving = arrivals.last().map_or(0.0, |last| last.seconds);
        let seconds = most(&mut played.batches.iter().map(|batch| batch.proven));
        let slots = played.batches.len() * (settings.pairs + settings.singles);
        let machines = f64::from(settings.workers) * seconds;
        let core_hours = machines * f64::from(cores) / 3600.0;
        let (backlog, backlog_curve) = backlog(arrivals, played, seconds);
        Self {
            transactions: arrivals.len(),
            batches: played.batches.len(),
            fill: arrivals.len() as f64 / slots.max(1) as f64,
            arriving,
            seconds,
            load: played.worked / arriving.max(settings.wait).max(f64::MIN_POSITIVE),
            busy: played.worked / machines,
            planner: played.planned / most(&mut played.batches.iter().map(|batch| batch.executed)),
            proven: latency(|batch| batch.proven),
            anchored: latency(|batch| batch.anchored),
            backlog,
            backlog_curve,
            core_hours,
            core_hours_worked: played.worked * f64::from(cores) / 3600.0,
            cost: price.map(|price| price * core_hours),
            mishaps: [played.failed, played.died, played.dead],
        }
    }

    /// Adds all of it but the curve.
    pub fn tell(&self, settings: &Settings, report: &mut Report) {
        let [failed, died, dead] = self.mishaps;
        report
            .add("transactions", self.transactions)
            .add("batches", self.batches)
            .add("slots_used", rounded(self.fill))
            .add("seconds_of_arrivals", rounded(self.arriving))
            .add("seconds_until_proven", rounded(self.seconds))
            .add("transactions_a_second", rounded(self.transactions as f64 / self.seconds))
            .add("workers", settings.workers)
            .add("workers_needed", rounded(self.load))
            .add("utilisation", rounded(self.busy))
            .add("utilisation_of_planner", rounded(self.planner))
            .add("seconds_to_proof", self.proven.to_json())
            .add("seconds_to_anchor", self.anchored.to_json())
            .add("backlog_at_most", self.backlog)
            .add("attempts_that_failed", failed)
            .add("workers_that_died", died)
            .add("dead_letters", dead)
            .add("core_hours", rounded(self.core_hours))
            .add("core_hours_worked", rounded(self.core_hours_worked));
        if let Some(cost) = self.cost {
            report.add("cost", precise(cost)).add("cost_a_transaction", precise(cost / self.transactions as f64));
        }
        if self.load > f64::from(settings.workers) {
            report.add("warning", format!("the workers cannot keep up: {} are needed", self.load.ceil()));
        }
        let offered = self.transactions as f64 / self.arriving.max(settings.wait);
        if offered > settings.execution {
            let what = format!("the planner cannot keep up: {offered:.0} transactions come in a second");
            report.add("warning_of_planner", what);
        }
    }
}

/// Transactions that had come in and were not proven: the most at once, and their number over time.
fn backlog(arrivals: &[Arrival], played: &Played, seconds: f64) -> (usize, Vec<(f64, f64)>) {
    let mut proofs: Vec<(f64, usize)> = played.batches.iter().map(|batch| (batch.proven, batch.count)).collect();
    proofs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut proven, mut next, mut most) = (0, 0, 0);
    let mut curve = Vec::with_capacity(POINTS + 1);
    let step = seconds / POINTS as f64;
    let at = |time: f64, proven: &mut usize, next: &mut usize| {
        while let Some((_, count)) = proofs.get(*next).filter(|(end, _)| *end <= time) {
            *proven += count;
            *next += 1;
        }
    };
    for (index, arrival) in arrivals.iter().enumerate() {
        at(arrival.seconds, &mut proven, &mut next);
        most = most.max(index + 1 - proven);
    }
    (proven, next) = (0, 0);
    for point in 0..=POINTS {
        let time = step * point as f64;
        at(time, &mut proven, &mut next);
        let here = arrivals.partition_point(|arrival| arrival.seconds <= time);
        curve.push((time, here.saturating_sub(proven) as f64));
    }
    (most, curve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let latency = Latency::new((1..=200).rev().map(f64::from).collect());
        let found = [0.0, 50.0, 99.0, 100.0].map(|percent| latency.percentile(percent));
        assert_eq!(found, [1.0, 100.0, 198.0, 200.0]);
        assert_eq!(Latency::new(vec![7.0]).percentile(50.0), 7.0);
    }
}
