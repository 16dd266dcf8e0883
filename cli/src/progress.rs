//! [`Progress`]: what a command is busy with, told on standard error.
//!
//! On a terminal there is a bar for the step under way, with its rate and the time that is left, and above it one for the whole where a command has many
//! parts. Elsewhere there are plain lines: one when a step begins, one every ten seconds while it lasts, one when a part is done.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tapstone_prover::{Stage, Watch};

use crate::interrupt;
use crate::streams;

/// Progress on standard error: a spinner or a bar on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    bars: MultiProgress,
    quiet: bool,
    step: Mutex<Option<Step>>,
    /// Units of the step that are done.
    units: AtomicU64,
    whole: Mutex<Option<Whole>>,
}

/// The step under way.
#[derive(Debug)]
struct Step {
    what: String,
    start: Instant,
    /// All its units, 0 if its work cannot be counted.
    units: u64,
    /// When a line last told of it.
    told: Instant,
}

/// Many parts, one after the other.
#[derive(Debug)]
struct Whole {
    bar: Option<ProgressBar>,
    start: Instant,
    parts: usize,
    done: usize,
}

/// How often a line tells of a step where there is no terminal.
const TELL: Duration = Duration::from_secs(10);

/// Steps whose work cannot be counted, and those whose work can.
const SPINNER: &str = "{spinner} {msg} ({elapsed})";
const BAR: &str = "{spinner} {msg} [{bar:16}] {percent} % ({elapsed}, {eta} left)";
const WHOLE: &str = "  {msg} [{bar:20}] {pos} of {len} ({elapsed}, {eta} left)";

impl Progress {
    /// Starts.
    pub fn new(quiet: bool) -> Self {
        let bars = MultiProgress::new();
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, bars, quiet, step: Mutex::new(None), units: AtomicU64::new(0), whole: Mutex::new(None) }
    }

    /// Begins work of so many parts.
    pub fn parts(&self, what: &'static str, parts: usize) {
        let bar = self.bar.as_ref().filter(|_| parts > 1).map(|step| {
            let bar = self.bars.insert_before(step, ProgressBar::new(parts as u64));
            if let Ok(style) = ProgressStyle::with_template(WHOLE) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.set_message(what);
            bar
        });
        *lock(&self.whole) = Some(Whole { bar, start: Instant::now(), parts, done: 0 });
    }

    /// A part's name where a bar shows how many there are, and with that elsewhere.
    pub fn part_name(&self, name: &str) -> String {
        match lock(&self.whole).as_ref() {
            Some(whole) if whole.bar.is_none() => format!("{name} ({} of {})", whole.done + 1, whole.parts),
            _ => name.to_owned(),
        }
    }

    /// One of the parts is done; `name` is its name.
    pub fn part_done(&self, name: &str) {
        if let Some(whole) = lock(&self.whole).as_mut() {
            whole.done += 1;
            match &whole.bar {
                Some(bar) => bar.inc(1),
                None if self.bar.is_none() && !self.quiet && whole.done < whole.parts => {
                    let passed = whole.start.elapsed().as_secs_f64();
                    let left = passed / whole.done as f64 * (whole.parts - whole.done) as f64;
                    streams::err(&format!(
                        "{name} done, {} of {} after {passed:.0} s, about {left:.0} s left",
                        whole.done, whole.parts
                    ));
                }
                None => {}
            }
        }
    }

    /// Begins a step; the one before is done.
    pub fn step(&self, what: impl Into<String>) {
        self.begin(what.into(), SPINNER, 0);
    }

    /// Begins a step of so many units of work.
    pub fn counted(&self, what: String, units: u64) {
        self.begin(what, BAR, units);
    }

    fn begin(&self, what: String, style: &str, units: u64) {
        tracing::debug!(units, "{what}");
        self.finish_step();
        match &self.bar {
            Some(bar) => {
                if let Ok(style) = ProgressStyle::with_template(style) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_length(units);
                bar.set_position(0);
                bar.set_message(what.clone());
                bar.reset_elapsed();
            }
            None if !self.quiet => streams::err(&format!("{what} ...")),
            None => {}
        }
        self.units.store(0, Ordering::Relaxed);
        let now = Instant::now();
        *lock(&self.step) = Some(Step { what, start: now, units, told: now });
    }

    /// Says how the step under way stands. On a terminal it takes the place of what was said before; elsewhere it is a line every ten seconds.
    pub fn tell(&self, what: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(what);
            return;
        }
        let mut step = lock(&self.step);
        if let Some(step) = step.as_mut().filter(|step| step.told.elapsed() >= TELL && !self.quiet) {
            step.told = Instant::now();
            streams::err(&what);
        }
    }

    /// Some units of the step are done.
    pub fn done(&self, units: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(units);
            return;
        }
        let done = self.units.fetch_add(units, Ordering::Relaxed) + units;
        // Whoever finds it taken leaves telling to others.
        if let Ok(mut step) = self.step.try_lock()
            && let Some(step) = step.as_mut().filter(|step| step.units > 0 && step.told.elapsed() >= TELL)
            && !self.quiet
        {
            step.told = Instant::now();
            let percent = 100 * done.min(step.units) / step.units;
            streams::err(&format!("{}: {percent} % after {:.0} s", step.what, step.start.elapsed().as_secs_f64()));
        }
    }

    fn finish_step(&self) {
        let step = lock(&self.step).take();
        if let (Some(Step { what, start, .. }), Some(bar)) = (step, &self.bar) {
            let seconds = start.elapsed().as_secs_f64();
            if seconds >= 0.1 {
                bar.println(format!("{what}: {seconds:.1} s"));
            }
        }
    }

    /// A line that stays.
    pub fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if !self.quiet => streams::err(line),
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish_step();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(bar) = lock(&self.whole).take().and_then(|whole| whole.bar) {
            bar.finish_and_clear();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Follows the proof of one batch, and stops it if the program is interrupted.
#[derive(Debug)]
pub struct Following<'a> {
    progress: &'a Progress,
    name: &'a str,
    _listening: interrupt::Listening,
}

impl<'a> Following<'a> {
    /// Begins, with a name for the batch.
    pub fn new(progress: &'a Progress, name: &'a str) -> Self {
        Self { progress, name, _listening: interrupt::Listening::start() }
    }
}

impl Watch for Following<'_> {
    fn stage(&self, stage: Stage, units: u64) {
        self.progress.counted(format!("{}: {stage}", self.name), units);
    }

    fn done(&self, units: u64) {
        self.progress.done(units);
    }

    fn stopped(&self) -> bool {
        interrupt::requested()
    }
}
