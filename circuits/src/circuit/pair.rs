//! A slot for two accounts: `transfer` and `transfer_new`.

use ark_bn254::Fr;

use super::Batch;
use super::signed::{Terms, authorise, join};
use super::state::index_bits;
use crate::account::constraints::{AMOUNT_BITS, AccountVar};
use crate::cs::{Cs, Num, fr_from_u128, poseidon};
use crate::field::tag;
use crate::memory::transcript::constraints::Narrow;
use crate::signature::constraints::{PointVar, enforce_valid_key};
use crate::signature::curve::B8;
use crate::transaction::Transaction;
use crate::witness::PairWitness;

const KIND: &str = "the slot has one kind or none";
const AMOUNT: &str = "the amount is at least 1";
const AMOUNT_RANGE: &str = "the amount is below 2^96";
const SELF: &str = "sender and recipient differ";
const RECIPIENT: &str = "the recipient's key is the signed one";
const NEW_INDEX: &str = "a new account takes the next index";
const NEW_EMPTY: &str = "a new account's leaf was empty";
const PUBLISHED: &str = "the published data is that of the transaction";

/// Whether a slot holds a transaction.
pub(crate) const SLOT_PLACE: &str = "slot in use";

pub(super) fn synthesise(cs: &mut Cs, batch: &mut Batch, witness: &PairWitness) {
    let tx = witness.tx.as_ref();
    let (token, amount) = match tx {
        Some(Transaction::Transfer { token, amount, .. } | Transaction::TransferNew { token, amount, .. }) => {
            (token.get(), amount.get())
        }
        _ => (0, 0),
    };
    let to_old = cs.chosen_bit(KIND, "kind", matches!(tx, Some(Transaction::Transfer { .. })));
    let to_new = cs.chosen_bit(KIND, "kind", matches!(tx, Some(Transaction::TransferNew { .. })));
    let active = &to_old + &to_new;
    cs.enforce_boolean(KIND, &active);
    cs.place(SLOT_PLACE, &active);

    let depth = batch.state.account_depth;
    let from_bits = index_bits(cs, witness.sender.index, depth);
    let to_bits = index_bits(cs, witness.recipient.index, depth);
    let (from, to) = (Cs::pack(&from_bits), Cs::pack(&to_bits));
    cs.enforce_nonzero_if(SELF, &active, &(&from - &to));
    let token = cs.chosen("token", Fr::from(token));
    let amount = cs.chosen("amount", fr_from_u128(amount));
    cs.enforce_range(AMOUNT_RANGE, &amount, AMOUNT_BITS);
    cs.enforce_nonzero_if(AMOUNT, &active, &amount);
    let terms = Terms::new(cs, batch, &active, tx);
    // Padding names a fixed key: the entry check below has no exception.
    let (x, y) = tx.map_or((B8.x, B8.y), Transaction::key);
    let key = PointVar::chosen(cs, "key", x, y);
    enforce_valid_key(cs, &key);

    // Elements, published and signed.
    let signed_to = cs.mul(PUBLISHED, &to, &to_old);
    let kind = &to_old + &to_new.scale(Fr::from(2u64));
    let e1 = Num::sum([&kind, &from.shift(8), &signed_to.shift(38), &token.shift(68), &amount.shift(98)]);
    let e2 = terms.packed_fee();
    let e3 = cs.mul(PUBLISHED, &key.x, &to_new);
    let e4 = cs.mul(PUBLISHED, &key.y, &to_new);

    // Sender.
    cs.enter("sender");
    let before = AccountVar::witness(cs, &witness.sender.before);
    let c1 = &e1 + &batch.chain_id.shift(194);
    let c2 = terms.packed(&before.nonce);
    let run = batch.bundle.run().clone();
    let digest = poseidon::hash(cs, &[Num::from(tag::PAIR), run, c1, c2, key.x.clone(), key.y.clone()]);
    let message = join(cs, &mut batch.bundle, &active, &Num::zero(), &digest, tx.and_then(Transaction::signed));
    let mut after = authorise(cs, &active, &before, &message, tx.and_then(Transaction::signed));
    let sent = after.debit(cs, &active, &token, &amount);
    let paid = after.debit(cs, &terms.fee.due, &terms.fee.token, &terms.fee.amount);
    batch.state.replace_leaf(cs, &active, Narrow::of_bits(&from_bits), &witness.sender, [&before, &after]);
    cs.leave();

    // Recipient.
    cs.enter("recipient");
    let before = AccountVar::witness(cs, &witness.recipient.before);
    cs.enforce_equal_if(RECIPIENT, &to_old, &before.x, &key.x);
    cs.enforce_equal_if(RECIPIENT, &to_old, &before.y, &key.y);
    cs.enforce_equal_if(NEW_INDEX, &to_new, &to, &batch.state.next_account);
    cs.enforce_equal_if(NEW_EMPTY, &to_new, &before.x, &Num::zero());
    cs.enforce_equal_if(NEW_EMPTY, &to_new, &before.y, &Num::zero());
    before.enforce_empty_but_key_if(cs, NEW_EMPTY, &to_new);
    let mut after = before.rekeyed(&before.x + &e3, &before.y + &e4);
    let received = after.credit(cs, &active, &token, &amount, &Num::one());
    batch.state.replace_leaf(cs, &active, Narrow::of_bits(&to_bits), &witness.recipient, [&before, &after]);
    batch.state.next_account = &batch.state.next_account + &to_new;
    cs.leave();

    batch.state.absorb(2, [&to_old, &to_new], [&sent, &paid, &received]);
    publish(cs, batch, &active, [e1, e2, e3, e4]);
}

/// Absorbs a transaction into the data hash, where `active` (boolean) holds.
pub(super) fn publish(cs: &mut Cs, batch: &mut Batch, active: &Num, elements: [Num; 4]) {
    let [e1, e2, e3, e4] = elements;
    let next = poseidon::hash(cs, &[Num::from(tag::DATA), batch.data.clone(), e1, e2, e3, e4]);
    batch.data = cs.select(PUBLISHED, active, &next, &batch.data);
}
