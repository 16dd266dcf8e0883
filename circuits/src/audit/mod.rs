//! The search for missing constraints (`AUDIT.md` says what it shows, and what not).

pub mod eliminate;
pub mod jacobian;
pub mod lemmas;
pub mod propagate;
pub mod rows;
pub mod worlds;
