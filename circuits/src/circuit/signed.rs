//! What every signed transaction shares: expiry, fee, nonce, the bundle that it is a member of, signature.

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::Batch;
use super::fees::Fee;
use crate::account::constraints::AccountVar;
use crate::amount::Amount;
use crate::cs::{Cs, Num, fr_from_u128};
use crate::signature::constraints::{PointVar, enforce_signed};
use crate::signature::curve::B8;
use crate::transaction::{Signed, Transaction};

const EXPIRY: &str = "the transaction has not expired";
const EXPIRY_RANGE: &str = "the expiry is below 2^48";
const NONCE: &str = "the nonce is not the last one";
const KEY: &str = "the signer's key is that of the account";
const UNSIGNED_FEE: &str = "only signed transactions pay fees";

const BUNDLE: &str = "all members of a bundle name its message, and it ends with that digest";
const MEMBER: &str = "only signed transactions are members of a bundle";
const CUT: &str = "no bundle is open at the end of the batch";

/// Bits of a batch number.
pub const BATCH_BITS: usize = 48;

/// Fee and expiry of a slot's transaction, and the element that packs them with the nonce.
pub(super) struct Terms {
    pub(super) fee: Fee,
    expiry: Num,
}

impl Terms {
    /// Witnesses fee and expiry; where `signed` (boolean) does not hold the fee is 0.
    pub(super) fn new(cs: &mut Cs, batch: &mut Batch, signed: &Num, tx: Option<&Transaction>) -> Self {
        let terms = tx.and_then(Transaction::signed);
        let (token, amount) = terms.map_or((0, Amount::ZERO), |s| (s.fee_token.get(), s.fee));
        let fee = batch.fees.charge(cs, token, amount);
        cs.enforce(UNSIGNED_FEE, &signed.not(), &fee.amount, &Num::zero());

        let expiry = cs.chosen("expiry", Fr::from(terms.map_or(0, |s| s.expiry)));
        cs.enforce_range(EXPIRY_RANGE, &expiry, BATCH_BITS);
        let none = cs.is_zero(EXPIRY, &expiry);
        let left = cs.mul(EXPIRY, &(&expiry - &batch.number), &none.not());
        cs.enforce_range(EXPIRY, &left, BATCH_BITS);
        Self { fee, expiry }
    }

    /// `fee_token + 2^30 fee`.
    pub(super) fn packed_fee(&self) -> Num {
        &self.fee.token + &self.fee.amount.shift(30)
    }

    /// `fee_token + 2^30 fee + 2^126 nonce + 2^190 expiry`.
    pub(super) fn packed(&self, nonce: &Num) -> Num {
        &(&self.packed_fee() + &nonce.shift(126)) + &self.expiry.shift(190)
    }
}

/// The registers of the open bundle.
pub(super) struct Bundle {
    /// The digest so far; 0 if no bundle is open.
    run: Num,
    /// The digest that the bundle ends with, if one is open.
    message: Num,
}

impl Bundle {
    /// At the start of a batch none is open.
    pub(super) fn none() -> Self {
        Self { run: Num::zero(), message: Num::zero() }
    }

    /// These registers.
    pub(super) fn of(run: Num, message: Num) -> Self {
        Self { run, message }
    }

    /// The digest so far.
    pub(super) fn run(&self) -> &Num {
        &self.run
    }

    /// Enforces that none is open.
    pub(super) fn enforce_closed(&self, cs: &mut Cs) {
        cs.enforce_equal(CUT, &self.run, &Num::zero());
    }
}

/// Takes the next slot into the bundle; returns the message that must be signed where `signed` (boolean) holds. `barred` (boolean)
/// says that the slot holds something that no bundle may contain.
///
/// The bundle goes on where the prover says so, and otherwise ends with `digest`. It could go on past its message only to a
/// digest that equals it once more: nobody finds one. Padding carries the registers over.
pub(super) fn join(
    cs: &mut Cs,
    bundle: &mut Bundle,
    signed: &Num,
    barred: &Num,
    digest: &Num,
    terms: Option<&Signed>,
) -> Num {
    let message = terms.map_or(bundle.message.value(), |terms| terms.message.unwrap_or(digest.value()));
    let goes_on = cs.chosen_bit(BUNDLE, "whether a bundle goes on", terms.is_some() && message != digest.value());
    let message = cs.chosen("message", message);
    cs.enforce(MEMBER, &goes_on, &signed.not(), &Num::zero());
    if !barred.is_constant() {
        cs.enforce(MEMBER, &bundle.run, barred, &Num::zero());
    }
    cs.enforce(BUNDLE, &(&message - &bundle.message), &bundle.run, &Num::zero());
    cs.enforce_equal_if(BUNDLE, &(signed - &goes_on), digest, &message);
    let kept = cs.mul(BUNDLE, &bundle.run, &signed.not());
    let grown = cs.mul(BUNDLE, digest, &goes_on);
    *bundle = Bundle { run: &kept + &grown, message: message.clone() };
    message
}

/// Enforces, where `signed` (boolean) holds, that the account's key signs `message`; returns the account with its nonce moved on.
pub(super) fn authorise(
    cs: &mut Cs,
    signed: &Num,
    account: &AccountVar,
    message: &Num,
    terms: Option<&Signed>,
) -> AccountVar {
    let last = Num::constant(fr_from_u128(u128::from(u64::MAX)));
    cs.enforce_nonzero_if(NONCE, signed, &(&account.nonce - &last));
    // Where nothing is signed a fixed key stands in: the ladder needs a point of order l.
    let key = PointVar {
        x: cs.select(KEY, signed, &account.x, &Num::constant(B8.x)),
        y: cs.select(KEY, signed, &account.y, &Num::constant(B8.y)),
    };
    let (r8, s) = terms.map_or(((Fr::zero(), Fr::one()), ark_ff::BigInt::from(1u64)), |t| {
        ((t.signature.r8.x, t.signature.r8.y), t.signature.s)
    });
    cs.enter("signature");
    let (signs, message) = (signed.clone(), message.clone());
    cs.apart("signature", move |cs| enforce_signed(cs, &signs, &key, &message, r8, s));
    cs.leave();
    account.with_nonce_after(signed)
}
