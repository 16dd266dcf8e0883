#![doc = include_str!("../README.md")]
//!
//! ## Map
//!
//! Anchors as Bitcoin transactions: from a header to a PSBT, and from a signed PSBT to a transaction.
//!
//! ```text
//! AnchorKey --AnchorDescriptor::new(header)--> AnchorDescriptor --AnchorRequest::plan--> AnchorPlan --to_psbt--> wallet --finalise--> transaction
//! ```
//!
//! Input 0 of an anchor's transaction spends output 0 of the anchor before (the *thread*) or, for the first, the origin. Fees come from inputs of their own
//! with change, so that the anchor keeps its value when a fee is bumped; or from the anchor's value where there are none. All inputs are spent by
//! their key path, so that weights are known before anything is signed.
//!
//! Hazard: a header that was published under one transaction stays valid under another (headers name commitments, not transactions). Two transactions that spend
//! one anchor with different headers are an equivocation; Bitcoin lets one of them pass.

mod bump;
mod descriptor;
mod envelope;
mod error;
mod key;
#[cfg(feature = "node")]
pub mod node;
mod plan;
mod psbt;
mod rules;
mod signatures;

pub use bump::ChildRequest;
pub use descriptor::AnchorDescriptor;
pub use envelope::{ENVELOPE_TAG, Envelope, EnvelopeError};
pub use error::{AnchorKeyError, AnchorPlanError, AnchorPsbtError, FeeRateText, Sats, with_causes};
pub use key::AnchorKey;
pub use plan::{AnchorPlan, AnchorRequest, Coin, DUST, First, LEAST_RATE, P2TR_INPUT_WEIGHT, P2TR_OUTPUT_BYTES};
pub use psbt::{HEADER_SUBTYPE, PROPRIETARY_PREFIX, finalise, header_of, sign};
pub use rules::stripped;
pub use signatures::{read_psbt, with_signatures};
