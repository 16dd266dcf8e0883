#![doc = include_str!("../README.md")]
//!
//! ## Map
//!
//! Proving on many workers: a chain of batches is executed once, in order, and each batch's proof is a task of its own.
//!
//! ```text
//! planner --Task--> Artefacts            worker: claim, fetch, decode, execute, prove, verify, store, complete
//!    \--NewTask--> WorkStore <--Claim--/
//! ```
//!
//! [`WorkStore`] says what a queue must do; [`SqliteStore`] is one for the processes of one machine. [`Artefacts`] holds tasks and proofs by their SHA-256. [`Worker`] and [`Planner`]
//! are the loops at either end.
//!
//! Hazards: neither store nor workers are trusted. They can delay a proof, or lose it; whoever uses proofs verifies them.

pub mod artefacts;
mod collector;
mod error;
mod id;
mod planner;
#[cfg(feature = "postgres")]
mod postgres;
mod proving;
mod queue;
mod replay;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod row;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod store;
mod task;
mod worker;

#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "s3")]
pub use artefacts::Objects;
pub use artefacts::{Artefacts, Folder};
pub use collector::{Arrival, Collector, Tally};
pub use error::{ArtefactError, Cause, PlannerError, TaskError, WorkError};
pub use id::{ArtefactId, ParseIdError, TaskKey};
pub use planner::{DEFAULT_POLL, Planner, Submitted, Terms};
pub use proving::ProofMaker;
pub use queue::{
    Added, AfterFailure, Claim, Completion, DEFAULT_ATTEMPTS, Effort, Failure, FailureKind, HEARD, Lease, MAX_MESSAGE,
    MAX_WORKER_NAME, MOST_CLAIMS, NewTask, Offer, Rejection, Status, TaskRecord, TaskState, WorkStore, WorkerRecord,
};
pub use replay::ReplayBundle;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
pub use task::{MAX_TASK, Task};
pub use worker::{DEFAULT_LEASE, Observer, Stop, Turn, Worker};
