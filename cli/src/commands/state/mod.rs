//! `init` and `state`: the state of a chain.

mod keep;
mod rebuild;
mod show;

use crate::args::{Rollback, State};
use crate::exit::Failure;
use crate::progress::Progress;
use crate::report::Report;

pub use keep::init;
pub use show::describe_keys;

/// `tapstone state`.
pub fn run(args: &State, progress: &mut Progress) -> Result<Report, Failure> {
    match args {
        State::Show { state } => show::show(state, progress),
        State::Root { state } => show::root(state, progress),
        State::Account { state, index } => show::account(state, *index, progress),
        State::Pool { state, index } => show::pool(state, *index, progress),
        State::Export { chain, file } => keep::export(chain, file, progress),
        State::Check { chain } => keep::check(chain, progress),
        State::Backup { chain, folder } => keep::backup(chain, folder, progress),
        State::Pin(args) => keep::pin(args, progress),
        State::Rollback(Rollback { chain, to }) => keep::rollback(chain, *to, progress),
        State::Rebuild(args) => rebuild::run(args, progress),
        State::ProveAccount(args) => super::exits::prove_account(args, progress),
        State::ProveWithdrawal(args) => super::exits::prove_withdrawal(args),
    }
}
