//! [`Progress`]: what a command is busy with, told on standard error.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::streams;

/// Progress on standard error: a spinner on a terminal, plain lines elsewhere.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    step: Option<(String, Instant)>,
}

impl Progress {
    /// Starts.
    pub fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, quiet, step: None }
    }

    /// Begins a step; the one before is done.
    pub fn step(&mut self, what: impl Into<String>) {
        self.finish_step();
        let what = what.into();
        match &self.bar {
            Some(bar) => {
                bar.set_message(what.clone());
                bar.reset_elapsed();
            }
            None if !self.quiet => streams::err(&format!("{what} ...")),
            None => {}
        }
        self.step = Some((what, Instant::now()));
    }

    fn finish_step(&mut self) {
        if let (Some((what, start)), Some(bar)) = (self.step.take(), &self.bar) {
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
