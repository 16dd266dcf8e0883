//! Anchor transactions: weights, fees, refusals, PSBTs; and every spend judged by Bitcoin Core's own script code.
#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod bips;
mod envelopes;
mod fees;
mod psbts;
mod scene;
mod spends;
