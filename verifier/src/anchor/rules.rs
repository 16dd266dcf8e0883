//! The rules of an anchor's transaction (PROTOCOL.md, section 9), stated once: whoever plans, signs, publishes or proves an anchor asks the
//! functions that the verifier's own verdict rests on.

use super::{taproot::AnchorOutput, transaction::StrippedTransaction};
use crate::error::AnchorError;
use bitcoin::{OutPoint, Script};

/// Checks that output 0 of a transaction is the anchor's, and that no other output has its script. `sequence` is the anchor's number, for
/// messages.
///
/// # Errors
/// [`AnchorError::Output`] or [`AnchorError::SecondAnchor`].
pub fn check_outputs(
    sequence: u64,
    output: &AnchorOutput,
    transaction: &StrippedTransaction<'_>,
) -> Result<(), AnchorError> {
    let script = output.script_pubkey();
    let other = transaction.outputs().skip(1).position(|(_, other)| *other == *script).map(|index| index + 1);
    // A parsed transaction has an output 0.
    let first = transaction.outputs().next().map_or(Script::new(), |(_, script)| script);
    output.check(first).map_err(|error| AnchorError::Output { sequence, found_at: other, error })?;
    match other {
        None => Ok(()),
        Some(output) => Err(AnchorError::SecondAnchor { sequence, output }),
    }
}

/// Checks that input 0 of an anchor's transaction spends `expected`: output 0 of the anchor before, or the origin of the thread.
///
/// # Errors
/// [`AnchorError::Thread`].
pub fn check_spends(sequence: u64, transaction: &StrippedTransaction<'_>, expected: OutPoint) -> Result<(), AnchorError> {
    // A parsed transaction has an input 0.
    let actual = transaction.inputs().next().unwrap_or(OutPoint::null());
    if actual == expected { Ok(()) } else { Err(AnchorError::Thread { sequence, expected, actual }) }
}
