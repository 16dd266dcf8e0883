#![doc = include_str!("../README.md")]
//!
//! ## Map
//!
//! ```text
//! circuit (of a shape) --setup--> ProvingKey --Prover::new--> Prover --prove(Executed)--> ProvenBatch
//! ```
//!
//! A [`ProvingKey`] holds what depends on the circuit alone, the matrices included, and is read where it lies in its file. Proving runs the
//! witness generator (no constraint is synthesised again), checks every row, proves, and verifies the proof before it lets go of it.
//!
//! Hazard: keys made by [`ProvingKey::setup_insecure`] let their maker forge proofs. Verifiers accept only keys whose id they pin.

/// Modules that are public with the feature `internals` alone: their interface follows the arithmetic, which changes.
macro_rules! internal {
    ($($(#[$attribute:meta])* mod $name:ident;)*) => {
        $(
            $(#[$attribute])*
            #[cfg(feature = "internals")]
            pub mod $name;
            $(#[$attribute])*
            #[cfg(not(feature = "internals"))]
            #[allow(dead_code, reason = "benchmarks call more than a proof does")]
            mod $name;
        )*
    };
}

internal! {
    mod combination;
}
pub mod error;
mod groth16;
internal! {
    #[allow(unsafe_code, reason = "vector instructions, and pointers into the memory that they read")]
    mod kernel;
    #[allow(unsafe_code, reason = "the memory map, and typed views into bytes")]
    mod memory;
    #[allow(unsafe_code, reason = "batches of additions read and write through pointers")]
    mod msm;
    #[allow(unsafe_code, reason = "steps compiled for the features of a kernel")]
    mod ntt;
}
pub mod key;
mod probe;
pub mod proven;
mod prover;
mod random;
mod watch;

pub use error::{KeyFileError, ProveError, ProvenFileError, SetupError};
pub use kernel::Kernel;
pub use key::{Origin, ProvingKey};
pub use probe::{PROBE_POINTS, probe};
pub use proven::{ProvenBatch, ProvenFile};
pub use prover::Prover;
pub use watch::{Stage, Watch};
