//! `queue watch`: the queue, looked at again and again.

use std::io::{IsTerminal, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use tapstone_work::{Status, TaskRecord, TaskState};

use crate::args::{Format, QueueWatch};
use crate::exit::{Failure, one_line};
use crate::queue;
use crate::report::Report;
use crate::streams;

/// Tasks and workers that a screen has room for.
const ROWS: usize = 16;
/// Clears the screen, and puts the cursor to its start.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// `tapstone queue watch`. Ctrl-C ends it.
pub fn run(args: &QueueWatch, format: Format) -> Result<Report, Failure> {
    let (store, place) = queue::open_existing(&args.store)?;
    let live = format == Format::Human && std::io::stdout().is_terminal();
    let start = Instant::now();
    let (mut first, mut last) = (None, None);
    loop {
        let status = store.status().map_err(queue::failure)?;
        let done = *first.get_or_insert(status.done);
        let pace = Pace { fresh: status.done.saturating_sub(done), passed: start.elapsed() };
        if live {
            let leased = store.tasks(TaskState::Leased, ROWS as u32).map_err(queue::failure)?;
            let mut stdout = std::io::stdout().lock();
            // Who closed the terminal sees no more of it.
            let _ = write!(stdout, "{CLEAR}{}", screen(&place.to_string(), &status, &leased, &pace))
                .and_then(|()| stdout.flush());
        } else {
            let counts = (status.queued, status.leased, status.lapsed, status.done, status.dead);
            if last != Some(counts) {
                last = Some(counts);
                streams::out(&line(&status, &pace, format))?;
            }
        }
        if args.until_empty && status.queued + status.leased == 0 {
            // All was said.
            return Ok(Report::default());
        }
        sleep(Duration::from_millis(args.interval));
    }
}

/// Proofs that came since the watch began.
struct Pace {
    fresh: u64,
    passed: Duration,
}

impl Pace {
    fn a_minute(&self) -> f64 {
        self.fresh as f64 * 60.0 / self.passed.as_secs_f64().max(0.001)
    }

    /// Seconds until all open tasks are done, if proofs go on coming so.
    fn left(&self, status: &Status) -> Option<f64> {
        let open = (status.queued + status.leased) as f64;
        (self.fresh > 0).then(|| open * self.passed.as_secs_f64() / self.fresh as f64)
    }
}

fn line(status: &Status, pace: &Pace, format: Format) -> String {
    let Status { queued, leased, lapsed, done, dead, .. } = status;
    match format {
        Format::Json => json!({
            "queued": queued, "leased": leased, "lapsed": lapsed, "done": done, "dead": dead,
            "proofs_a_minute": (pace.a_minute() * 10.0).round() / 10.0,
            "seconds_left": pace.left(status).map(f64::round),
        })
        .to_string(),
        Format::Human => {
            let left = pace.left(status).map_or(String::new(), |left| format!(", about {left:.0} s left"));
            format!(
                "{queued} queued, {leased} leased ({lapsed} lapsed), {done} done, {dead} dead; {:.1} a minute{left}",
                pace.a_minute()
            )
        }
    }
}

fn screen(place: &str, status: &Status, leased: &[TaskRecord], pace: &Pace) -> String {
    let mut text = format!("{place}\n\n{}\n", line(status, pace, Format::Human));
    if let Some(slack) = status.slack {
        text += &format!("next deadline in {} s\n", slack / 1000);
    }
    text += "\nunder way\n";
    for task in leased {
        let worker = one_line(task.worker.as_deref().unwrap_or("-"));
        let again = if task.lapses > 0 { format!("  {} workers were lost over it", task.lapses) } else { String::new() };
        text += &format!("  chain {} batch {:<8} {worker}{again}\n", task.task.chain_id, task.task.batch_number);
    }
    text += "\nworkers\n";
    for worker in status.workers.iter().take(ROWS) {
        let name = one_line(&worker.name);
        let confined = worker.quarantine.as_deref().map_or(String::new(), |why| format!("  QUARANTINE: {}", one_line(why)));
        text += &format!("  {name:<32} {:>6} proven, heard {} s ago{confined}\n", worker.completed, worker.silent / 1000);
    }
    if status.workers.len() > ROWS {
        text += &format!("  and {} more\n", status.workers.len() - ROWS);
    }
    text
}

#[cfg(test)]
mod tests {
    use tapstone_work::WorkerRecord;

    use super::*;

    #[test]
    fn a_screen_shows_counts_workers_and_no_control_characters() {
        let worker = |name: &str, quarantine: Option<&str>| WorkerRecord {
            name: name.into(),
            silent: 4200,
            completed: 2,
            quarantine: quarantine.map(str::to_owned),
        };
        let workers = vec![worker("a", None), worker("b\x1b", Some("no\nproof"))];
        let status = Status { queued: 4, leased: 2, done: 3, slack: Some(-2000), workers, ..Status::default() };
        let text = screen("sqlite:x", &status, &[], &Pace { fresh: 3, passed: Duration::from_secs(60) });
        for said in [
            "4 queued, 2 leased",
            "3.0 a minute, about 120 s left",
            "deadline in -2 s",
            "2 proven, heard 4 s ago",
            "QUARANTINE: no\\nproof",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(!text.contains('\x1b'));
    }
}
