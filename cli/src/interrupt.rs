//! Ctrl-C and requests to terminate: proofs end at their next step, everything else at once, and no temporary file stays.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use tapstone_work::Stop;
use tempfile::NamedTempFile;

/// What shells use for a program that Ctrl-C ended.
pub const EXIT_CODE: u8 = 130;
/// How long a pause lasts before interruption is looked for.
const NAP: Duration = Duration::from_millis(50);

static REQUESTED: AtomicBool = AtomicBool::new(false);
/// The same for workers and planners.
static STOP: Stop = Stop::new();
/// Pieces of work that look at [`requested`] and end by themselves.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);
/// Files that are not complete yet. Whoever makes one holds the lock, and so does the end of the program: none is made after the others
/// were removed.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Takes over the signals. Where that fails, they end the program as they always do.
pub fn install() {
    let _ = ctrlc::set_handler(|| {
        let again = REQUESTED.swap(true, Ordering::SeqCst);
        STOP.stop();
        if again || LISTENERS.load(Ordering::SeqCst) == 0 {
            let files = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
            for file in files.iter() {
                // What cannot be removed cannot be helped.
                let _ = std::fs::remove_file(file);
            }
            crate::streams::err("tapstone: interrupted");
            std::process::exit(EXIT_CODE.into());
        }
    });
}

/// Whether the program was asked to end.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::SeqCst)
}

/// What stops workers and planners when the program was asked to end.
pub fn stop() -> &'static Stop {
    &STOP
}

/// Sleeps so long, or until the program is asked to end.
pub fn pause(length: Duration) {
    let mut left = length;
    while !left.is_zero() && !requested() {
        let step = left.min(NAP);
        sleep(step);
        left = left.saturating_sub(step);
    }
}

/// As long as it lives, a first request is left to whoever asks [`requested`].
#[derive(Debug)]
pub struct Listening(());

impl Listening {
    /// Begins.
    pub fn start() -> Self {
        LISTENERS.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        LISTENERS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A temporary file that does not stay if the program is interrupted.
#[derive(Debug)]
pub struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes the file.
    ///
    /// # Errors
    /// What `make` says.
    pub fn create(make: impl FnOnce() -> std::io::Result<NamedTempFile>) -> std::io::Result<(NamedTempFile, Self)> {
        let mut files = UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner);
        let file = make()?;
        let path = file.path().to_owned();
        files.push(path.clone());
        Ok((file, Self(path)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).retain(|file| *file != self.0);
    }
}
