//! [`Metrics`]: what a worker did, and how the queue stands, in Prometheus' text format.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tapstone_work::{AfterFailure, Completion, Status, Turn};

use crate::machine;
use crate::report::Report;

/// Upper bounds of the histogram of proving times, in seconds.
const BUCKETS: [f64; 12] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// A worker that was not heard of for longer is not counted as there.
const HEARD: Duration = Duration::from_secs(120);

/// What a worker did so far.
#[derive(Debug)]
pub struct Metrics {
    worker: String,
    start: Instant,
    counts: Mutex<Counts>,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    first: u64,
    duplicate: u64,
    retried: u64,
    dead: u64,
    lost: u64,
    released: u64,
    unreachable: u64,
    /// Since when a task is under way.
    began: Option<Instant>,
    buckets: [u64; BUCKETS.len()],
    seconds: f64,
}

impl Metrics {
    /// Of a worker of this name, nothing yet.
    pub fn new(worker: &str) -> Self {
        Self { worker: worker.to_owned(), start: Instant::now(), counts: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task was claimed.
    pub fn began(&self) {
        self.lock().began = Some(Instant::now());
    }

    /// A turn is over.
    pub fn turned(&self, turn: &Turn) {
        let mut counts = self.lock();
        let seconds = counts.began.take().map_or(0.0, |began| began.elapsed().as_secs_f64());
        match turn {
            Turn::Proven { completion, .. } => {
                match completion {
                    Completion::First => counts.first += 1,
                    Completion::Duplicate => counts.duplicate += 1,
                }
                counts.seconds += seconds;
                if let Some(bucket) = BUCKETS.iter().position(|most| seconds <= *most) {
                    counts.buckets[bucket] += 1;
                }
            }
            Turn::Failed { after: AfterFailure::Queued { .. }, .. } => counts.retried += 1,
            Turn::Failed { after: AfterFailure::Dead, .. } => counts.dead += 1,
            Turn::Lost { .. } => counts.lost += 1,
            Turn::Released { .. } => counts.released += 1,
            _ => {}
        }
    }

    /// The store could not be reached.
    pub fn unreachable(&self) {
        let mut counts = self.lock();
        counts.unreachable += 1;
        counts.began = None;
    }

    /// What was done, for the end of the command.
    pub fn report(&self, report: &mut Report) {
        let counts = self.lock();
        report
            .add("proven", counts.first)
            .add("duplicates", counts.duplicate)
            .add("failed", counts.retried + counts.dead)
            .add("lost", counts.lost)
            .add("given_back", counts.released)
            .add("seconds", self.start.elapsed().as_secs());
    }

    /// The page that Prometheus reads.
    pub fn page(&self, status: Option<&Status>) -> String {
        let counts = self.lock().clone();
        let mut page = Page { text: String::new(), worker: escaped(&self.worker) };
        page.family("worker_info", "gauge", "This worker: its version.");
        page.sample("worker_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        page.family("worker_proofs_total", "counter", "Proofs that were made and stored.");
        page.sample("worker_proofs_total", &[("completion", "first")], counts.first as f64);
        page.sample("worker_proofs_total", &[("completion", "duplicate")], counts.duplicate as f64);
        page.family("worker_failures_total", "counter", "Tasks that failed here, by what became of them.");
        page.sample("worker_failures_total", &[("after", "queued")], counts.retried as f64);
        page.sample("worker_failures_total", &[("after", "dead")], counts.dead as f64);
        page.family("worker_lost_total", "counter", "Tasks that somebody else got meanwhile.");
        page.sample("worker_lost_total", &[], counts.lost as f64);
        page.family("worker_released_total", "counter", "Tasks that were given back.");
        page.sample("worker_released_total", &[], counts.released as f64);
        page.family("worker_store_errors_total", "counter", "Times that the work store could not be reached.");
        page.sample("worker_store_errors_total", &[], counts.unreachable as f64);
        page.family("worker_busy", "gauge", "Whether a task is under way.");
        page.sample("worker_busy", &[], f64::from(u8::from(counts.began.is_some())));
        page.family("worker_task_seconds", "gauge", "How long the task under way has been so.");
        page.sample("worker_task_seconds", &[], counts.began.map_or(0.0, |began| began.elapsed().as_secs_f64()));
        page.family("worker_proof_seconds", "histogram", "From claim to completion.");
        let mut below = 0;
        for (most, count) in BUCKETS.iter().zip(counts.buckets) {
            below += count;
            page.sample("worker_proof_seconds_bucket", &[("le", &most.to_string())], below as f64);
        }
        let all = (counts.first + counts.duplicate) as f64;
        page.sample("worker_proof_seconds_bucket", &[("le", "+Inf")], all);
        page.sample("worker_proof_seconds_sum", &[], counts.seconds);
        page.sample("worker_proof_seconds_count", &[], all);
        if let Some(bytes) = machine::peak_memory() {
            page.family(
                "worker_peak_memory_bytes",
                "gauge",
                "Peak resident memory since the last task was claimed, mapped keys included.",
            );
            page.sample("worker_peak_memory_bytes", &[], bytes as f64);
        }
        page.family("queue_up", "gauge", "Whether the work store answered.");
        page.sample("queue_up", &[], f64::from(u8::from(status.is_some())));
        if let Some(status) = status {
            page.queue(status);
        }
        page.text
    }
}

struct Page {
    text: String,
    worker: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# HELP tapstone_{name} {help}\n# TYPE tapstone_{name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let _ = write!(self.text, "tapstone_{name}{{worker=\"{}\"", self.worker);
        for (label, text) in labels {
            let _ = write!(self.text, ",{label}=\"{text}\"");
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn queue(&mut self, status: &Status) {
        self.family("queue_tasks", "gauge", "Tasks by their state.");
        for (state, count) in
            [("queued", status.queued), ("leased", status.leased), ("done", status.done), ("dead", status.dead)]
        {
            self.sample("queue_tasks", &[("state", state)], count as f64);
        }
        self.family("queue_lapsed", "gauge", "Leased tasks whose worker is not heard of any more.");
        self.sample("queue_lapsed", &[], status.lapsed as f64);
        if let Some(slack) = status.slack {
            self.family(
                "queue_slack_seconds",
                "gauge",
                "Time to the earliest deadline of an open task; negative when it has passed.",
            );
            self.sample("queue_slack_seconds", &[], slack as f64 / 1000.0);
        }
        let heard = status.workers.iter().filter(|worker| u128::from(worker.silent) <= HEARD.as_millis()).count();
        let confined = status.workers.iter().filter(|worker| worker.quarantine.is_some()).count();
        self.family("queue_workers", "gauge", "Workers that were heard of in the last two minutes.");
        self.sample("queue_workers", &[], heard as f64);
        self.family("queue_workers_quarantined", "gauge", "Workers in quarantine.");
        self.sample("queue_workers_quarantined", &[], confined as f64);
    }
}

/// A label's value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use tapstone_work::TaskKey;

    use super::*;

    #[test]
    fn a_page_has_every_metric_once_with_its_type() {
        let metrics = Metrics::new("a \"b\\");
        metrics.began();
        let key = TaskKey::from_bytes([1; 32]);
        metrics.turned(&Turn::Proven { key, batch_number: 1, completion: Completion::First });
        let status = Status { queued: 3, slack: Some(-1500), ..Status::default() };
        let page = metrics.page(Some(&status));
        for line in [
            r#"tapstone_worker_proofs_total{worker="a \"b\\",completion="first"} 1"#,
            r#"tapstone_worker_proof_seconds_bucket{worker="a \"b\\",le="+Inf"} 1"#,
            r#"tapstone_queue_tasks{worker="a \"b\\",state="queued"} 3"#,
            r#"tapstone_queue_slack_seconds{worker="a \"b\\"} -1.5"#,
            r#"tapstone_queue_up{worker="a \"b\\"} 1"#,
        ] {
            assert!(page.lines().any(|had| had == line), "{line}\n{page}");
        }
        let mut types: Vec<&str> = page.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let count = types.len();
        types.dedup();
        assert_eq!(types.len(), count);
    }

    /// The dashboard asks for nothing that is not there.
    #[test]
    fn the_dashboard_names_metrics_that_exist() {
        let board: serde_json::Value = serde_json::from_str(include_str!("../../../dashboard.json")).unwrap();
        let page = Metrics::new("a").page(Some(&Status { slack: Some(1), ..Status::default() }));
        let there: Vec<&str> =
            page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('{').next()).collect();
        let mut named = 0;
        for panel in board["panels"].as_array().unwrap() {
            assert!(!panel["title"].as_str().unwrap().is_empty());
            for target in panel["targets"].as_array().unwrap() {
                let query = target["expr"].as_str().unwrap();
                for word in query
                    .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                    .filter(|word| word.starts_with("tapstone_"))
                {
                    assert!(there.contains(&word), "{word}");
                    named += 1;
                }
            }
        }
        assert!(named > 8);
    }
}
