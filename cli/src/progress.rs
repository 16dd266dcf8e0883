//! [`Progress`]: what a command is busy with, told on standard error.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tapstone_prover::{Stage, Watch};

use crate::interrupt;
use crate::streams;

/// Progress on standard error: a spinner or a bar on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    step: Mutex<Option<(String, Instant)>>,
}

/// Steps whose work cannot be counted, and those whose work can.
const SPINNER: &str = "{spinner} {msg} ({elapsed})";
const BAR: &str = "{spinner} {msg} [{bar:20}] {percent} % ({elapsed})";

impl Progress {
    /// Starts.
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, quiet, step: Mutex::new(None) }
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
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = Some((what, Instant::now()));
    }

    /// Some units of the step are done.
    pub fn done(&self, units: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(units);
        }
    }

    fn finish_step(&self) {
        let step = self.step.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some((what, start)), Some(bar)) = (step, &self.bar) {
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
    }
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
