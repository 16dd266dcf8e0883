//! A slot for one account and perhaps a pool: every kind but transfers.
//!
//! One hash serves the digest of what is signed and the next head of the deposit queue; the range checks of the pool's division serve the
//! limbs of a destination. No kind needs both.

use ark_bn254::Fr;

use super::Batch;
use super::amm::{self, settle};
use super::deposits::{Deposit, QueueItem, move_queue};
use super::fields::{Fields, Kinds};
use super::pair::{SLOT_PLACE, publish};
use super::pools::PoolVar;
use super::signed::{Terms, authorise, join};
use crate::account::constraints::AccountVar;
use crate::cs::{Cs, Num, poseidon};
use crate::field::tag;
use crate::memory::transcript::constraints::Narrow;
use crate::transaction::Transaction;
use crate::witness::SingleWitness;

const POOL: &str = "the pool is the signed one";
const NEW_POOL: &str = "a new pool takes the next index";
const QUEUE: &str = "a deposit is the next of the queue";
const PUBLISHED: &str = "the published data is that of the transaction";
const KEY: &str = "only the key that is signed or queued enters the leaf";

pub(super) fn synthesise(cs: &mut Cs, batch: &mut Batch, witness: &SingleWitness) {
    let tx = witness.tx.as_ref();
    let kinds = Kinds::witness(cs, tx);
    let (deposits, signed, active) = (kinds.deposits(), kinds.signed(), kinds.active());
    cs.place(SLOT_PLACE, &active);
    let fields = Fields::witness(cs, &kinds, witness, batch.state.account_depth);
    let deposit = Deposit::witness(cs, &kinds, &fields, witness);
    let terms = Terms::new(cs, batch, &signed, tx);

    // Elements. A refunded deposit is published with its destination and without its key.
    let emits = &kinds.withdraw + &deposit.refund();
    let account = cs.mul(PUBLISHED, &(&fields.leaf + &fields.outside), &kinds.deposit_new.not());
    let e1 = Num::sum([
        &kinds.code(&deposit.refunded, &deposit.refunded_new),
        &account.shift(8),
        &fields.ta.shift(38),
        &fields.tb.shift(68),
        &fields.amounts[0].shift(98),
        &fields.aux.shift(194),
    ]);
    let published_amount = cs.mul(PUBLISHED, &fields.amounts[1], &(&kinds.create + &kinds.add));
    let e2 = &terms.packed_fee() + &published_amount.shift(126);
    let entering_x = &fields.key.x - &cs.mul(PUBLISHED, &fields.key.x, &deposit.refunded_new);
    let entering_y = &fields.key.y - &cs.mul(PUBLISHED, &fields.key.y, &deposit.refunded_new);
    let sent_hi = cs.mul(PUBLISHED, &fields.dest[0], &emits);
    let sent_lo = cs.mul(PUBLISHED, &fields.dest[1], &emits);
    let e3 = &entering_x + &sent_hi;
    let e4 = &entering_y + &sent_lo;

    let before = AccountVar::witness(cs, &witness.account.before);
    let hash = {
        let item = QueueItem::witness(cs, &kinds, &fields, &account, &batch.state.deposit_count, tx);
        let c1 = &e1 + &batch.chain_id.shift(208);
        let c2 = terms.packed(&before.nonce);
        let c3 = &fields.amounts[1] + &fields.amounts[2].shift(96);
        let role = &Num::from(tag::SINGLE) + &deposits.scale(Fr::from(tag::DEPOSIT - tag::SINGLE));
        // A deposit comes only where no bundle is open, so that the digest so far is 0 there.
        let chained = batch.bundle.run() + &cs.mul(QUEUE, &batch.state.deposit_head, &deposits);
        let first = cs.select(QUEUE, &deposits, &item.packed, &c1);
        let second = cs.select(QUEUE, &deposits, &item.txid[0], &c2);
        let third = cs.select(QUEUE, &deposits, &item.txid[1], &c3);
        let [hi, lo] = fields.dest.clone();
        let (x, y) = (fields.key.x.clone(), fields.key.y.clone());
        poseidon::hash(cs, &[role, chained, first, second, third, hi, lo, x, y])
    };
    let message = join(cs, &mut batch.bundle, &signed, &deposits, &hash, tx.and_then(Transaction::signed));
    move_queue(cs, &mut batch.state, &deposits, &hash);
    batch.withdrawals.push(cs, &emits, &deposit.refund(), &account, &fields);

    // Pool.
    cs.enter("pool");
    let trades = &kinds.pooled() - &kinds.create;
    let read = batch.state.read_pool(cs, &witness.pool);
    let index = read.index.num().clone();
    cs.enforce_equal_if(POOL, &trades, &fields.ta, &index);
    cs.enforce_equal_if(NEW_POOL, &kinds.create, &index, &batch.state.next_pool);
    let pool = PoolVar::of(&read.read);
    let spare_lanes = [&sent_hi, &sent_lo];
    let inputs = amm::Inputs { fields: &fields, index: &index, pool: &pool, spare_lanes, scale: amm::Scale::PROTOCOL };
    let outcome = settle(cs, &kinds, &inputs);
    batch.state.write_pool(cs, read, &kinds.pooled(), &pool.changed(&outcome.change));
    batch.state.next_pool = &batch.state.next_pool + &kinds.create;
    cs.leave();

    // Account.
    cs.enter("account");
    deposit.enforce_account(cs, &kinds, &fields, &before, &mut batch.state);
    let mut after = authorise(cs, &signed, &before, &message, tx.and_then(Transaction::signed));
    // A new account's leaf holds no key; a changed one is replaced.
    let old_x = cs.mul(KEY, &before.x, &kinds.change_key);
    let old_y = cs.mul(KEY, &before.y, &kinds.change_key);
    after = after.rekeyed(&(&before.x - &old_x) + &entering_x, &(&before.y - &old_y) + &entering_y);
    let [(token_a, amount_a), (token_b, amount_b)] = &outcome.paid;
    let withdrawn_token = cs.mul(PUBLISHED, &fields.ta, &kinds.withdraw);
    let withdrawn = cs.mul(PUBLISHED, &fields.amounts[0], &kinds.withdraw);
    let paid = after.debit(cs, &(&signed - &kinds.change_key), &(token_a + &withdrawn_token), &(amount_a + &withdrawn));
    // Debits commute, so the fee may be taken before the second one; for removed liquidity that one is a credit and comes after the fee.
    let fee = after.debit(cs, &terms.fee.due, &terms.fee.token, &terms.fee.amount);
    let exchanged = after.exchange(cs, [&(&kinds.create + &kinds.add), &kinds.remove], token_b, amount_b);
    let deposited_token = cs.mul(PUBLISHED, &fields.ta, &deposits);
    let deposited = cs.mul(PUBLISHED, &fields.amounts[0], &deposits);
    let (token, amount) = &outcome.received;
    let credited = &kinds.pooled() + &deposit.credited();
    let (token, amount) = (token + &deposited_token, amount + &deposited);
    let received = after.credit_unless(cs, &credited, &token, &amount, &deposits, [&deposit.overflow, &deposit.full]);
    // Where nothing is known of an account none is accessed.
    let accesses = &active - &deposit.without_account();
    let index = Narrow::of_bits(&fields.leaf_bits);
    batch.state.replace_leaf(cs, &accesses, index, &witness.account, [&before, &after]);
    cs.leave();

    let [reasons, all] = [deposit.reasons(), kinds.all()];
    batch.state.absorb(2, all.into_iter().chain(reasons), [&paid, &fee, &exchanged, &received]);
    publish(cs, batch, &active, [e1, e2, e3, e4]);
}
