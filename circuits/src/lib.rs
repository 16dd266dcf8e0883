//! Ledger rules and circuits of the Tapstone rollup (normative text: `PROTOCOL.md` beside this crate).
//!
//! The native side: [`ledger`] executes batches of [`transaction`]s on [`account`]s and [`pool`]s and yields the
//! [`witness`] of a proof and the [`data`] to publish; [`mod@file`] reads and writes batch files, [`plan`] cuts them into batches
//! of a [`shape`]. Amounts, hashes and keys are in [`amount`], [`field`], [`tree`] and [`signature`], what comes from and goes to
//! Bitcoin in [`deposit`] and [`withdrawal`]. [`mod@circuit`] is what a batch is proven by, on top of [`memory`], which stands for paths in the trees
//! (`MEMORY.md`). [`audit`] looks for missing constraints (`AUDIT.md`).

pub mod account;
pub mod amount;
pub mod audit;
pub mod circuit;
pub mod cs;
pub mod data;
pub mod deposit;
pub mod field;
pub mod file;
pub mod ledger;
pub mod memory;
pub mod plan;
pub mod pool;
pub mod shape;
pub mod signature;
#[doc(hidden)]
pub mod testing;
pub mod transaction;
pub mod tree;
pub mod withdrawal;
pub mod witness;
