//! One file a command.

mod anchor;
mod audit;
mod batch;
mod batch_check;
mod bench;
mod ceremony;
mod config;
mod convert;
mod doctor;
mod exits;
mod explain;
mod export;
mod generate;
mod inspect;
mod keys;
mod plan;
mod prove;
mod queue;
mod report;
mod shell;
mod simulate;
mod state;
mod verify;
mod wallet;
mod worker;

use crate::args::{Args, Command, Keys};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::report::Report;

/// How full slots are, in words.
fn fill(used: usize, slots: usize) -> String {
    let percent = (100 * used).checked_div(slots).unwrap_or(0);
    format!("{used} of {slots} used ({percent} %)")
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Report, Failure> {
    let mut progress = Progress::new(args.quiet);
    match &args.command {
        Command::Setup(setup) => keys::setup(setup, &mut progress),
        Command::Prove(prove) => prove::run(prove, &mut progress),
        Command::Worker(worker) => {
            // It logs.
            drop(progress);
            worker::run(worker, &Progress::new(true))
        }
        Command::Queue(queue) => queue::run(queue, args.format, progress),
        Command::Plan(args) => plan::run(args, &mut progress),
        Command::Report(args) => report::run(args, &mut progress),
        Command::Doctor(args) => doctor::run(args, &progress),
        Command::Config(config) => config::run(config, args.config.as_deref()),
        Command::Completions { shell } => shell::completions(*shell),
        Command::Man { folder } => shell::man(folder),
        Command::Explain(args) => explain::run(args, &mut progress),
        Command::Verify(verify) => verify::run(verify, &progress),
        Command::VerifyAccount(account) => exits::run_verify_account(account, &progress),
        Command::VerifyWithdrawal(withdrawal) => exits::run_verify_withdrawal(withdrawal, &progress),
        Command::Anchor(anchor) => anchor::run(anchor, &progress),
        Command::Inspect(inspect) => inspect::run(inspect),
        Command::State(state) => state::run(state, &mut progress),
        Command::Init(args) => state::init(args, &mut progress),
        Command::Batch(batch) => batch::run(batch, args.format, args.quiet, &progress),
        Command::Bench(bench) => bench::run(bench, &mut progress),
        Command::Audit(audit) => audit::run(audit, &mut progress),
        Command::Keys(Keys::ExportR1cs(circuit)) => export::run(circuit, &mut progress),
        Command::Keys(Keys::ExportVk(key)) => keys::export_vk(key, &mut progress),
        Command::Keys(Keys::Import(key)) => ceremony::import(key, &progress),
        Command::Keys(Keys::Contribute(key)) => ceremony::contribute(key, &progress),
        Command::Keys(Keys::List(folder)) => keys::list(folder),
        Command::Keys(Keys::Show(key)) => keys::show(key, &mut progress),
        Command::Keys(Keys::Check(key)) => keys::check(key, &mut progress),
        Command::Wallet(wallet) => {
            drop(progress);
            wallet::run(wallet, args.quiet)
        }
    }
}
