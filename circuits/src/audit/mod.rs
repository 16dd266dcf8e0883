//! The search for missing constraints (`AUDIT.md` says what it shows, and what not).

pub mod assertions;
pub mod binding;
pub mod bounds;
pub mod commitments;
pub mod discrete;
pub mod eliminate;
pub mod follow;
pub mod forged;
pub mod gadgets;
pub mod ground;
pub mod hand_made;
pub mod jacobian;
pub mod layout;
pub mod lemmas;
pub mod mutations;
pub mod packing;
pub mod propagate;
pub mod ranges;
pub mod reasons;
pub mod report;
pub mod rows;
pub mod run;
pub mod small_field;
pub mod small_gadgets;
mod small_rules;
pub mod widened;
pub mod worlds;
pub mod worth;

pub use report::{Finding, Report};
pub use run::{Options, audit};
