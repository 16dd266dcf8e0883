//! Events for whoever collects logs, by `tracing`: off unless `--log` asks for them.

use tracing::level_filters::LevelFilter;

use crate::args::{Args, Level};

/// Sends events to standard error, as lines or as JSON.
pub fn install(args: &Args) {
    let level = match args.log {
        None => return,
        Some(Level::Error) => LevelFilter::ERROR,
        Some(Level::Info) => LevelFilter::INFO,
        Some(Level::Debug) => LevelFilter::DEBUG,
    };
    let events = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).with_target(false);
    if args.log_json {
        events.json().init();
    } else {
        events.with_ansi(false).init();
    }
}
