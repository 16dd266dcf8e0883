//! Events for whoever collects logs, by `tracing`: off unless `--log` asks for them, but for a worker, which has nothing else to say.

use tracing::level_filters::LevelFilter;

use crate::args::{Args, Command, Level};

/// Sends events to standard error, as lines or as JSON.
pub fn install(args: &Args) {
    let usual = matches!(args.command, Command::Worker(_)) && !args.quiet;
    let level = match args.log.or(usual.then_some(Level::Info)) {
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
