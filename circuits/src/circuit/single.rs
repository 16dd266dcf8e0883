//! A slot for one account and a pool: `deposit`, `deposit_new`, `swap`, `create_pool`, `add_liquidity`.

use ark_bn254::Fr;
use ark_ff::{One, PrimeField, Zero};

use super::Batch;
use super::amm::{Inputs, Kinds, settle};
use super::pair::publish;
use super::pools::ORDINARY_BITS;
use super::signed::{Terms, authorise};
use super::state::{index_bits, replace_leaf};
use crate::account::constraints::{AMOUNT_BITS, AccountVar};
use crate::cs::{Cs, Num, fr_from_u128, poseidon};
use crate::field::tag;
use crate::signature::constraints::{PointVar, enforce_valid_key};
use crate::signature::curve::B8;
use crate::transaction::Transaction;
use crate::witness::SingleWitness;

const KIND: &str = "the slot has one kind or none";
const FIELD_RANGE: &str = "fields are within their ranges";
const AMOUNT: &str = "the amounts are at least 1";
const UNUSED: &str = "published fields that the kind does not use are zero";
const ORDINARY: &str = "the tokens are ordinary and in order";
const POOL: &str = "the pool is the signed one";
const NEW_POOL: &str = "a new pool takes the next index";
const EXISTS: &str = "the credited account exists";
const NEW_INDEX: &str = "a new account takes the next index";
const NEW_EMPTY: &str = "a new account's leaf was empty";
const KEY: &str = "the new account's key is the deposit's";
const QUEUE: &str = "a deposit is the next of the queue";
const PUBLISHED: &str = "the published data is that of the transaction";

/// Numbers of a transaction in the uniform fields of PROTOCOL.md, section 5.1.
#[derive(Default)]
struct Fields {
    ta: u32,
    tb: u32,
    aux: u16,
    amounts: [u128; 3],
    txid: [u8; 32],
    vout: u32,
    refund: [u8; 32],
}

impl Fields {
    fn of(tx: Option<&Transaction>) -> Self {
        match tx {
            Some(
                Transaction::Deposit { outpoint, token, amount, refund, .. }
                | Transaction::DepositNew { outpoint, token, amount, refund, .. },
            ) => Self {
                ta: token.get(),
                amounts: [amount.get(), 0, 0],
                txid: outpoint.txid,
                vout: outpoint.vout,
                refund: refund.0,
                ..Self::default()
            },
            Some(Transaction::Swap { pool, direction, amount_in, min_out, .. }) => Self {
                ta: *pool,
                tb: direction.code().into(),
                amounts: [amount_in.get(), min_out.get(), 0],
                ..Self::default()
            },
            Some(Transaction::CreatePool { token0, token1, fee_bp, amount0, amount1, .. }) => Self {
                ta: token0.get(),
                tb: token1.get(),
                aux: *fee_bp,
                amounts: [amount0.get(), amount1.get(), 0],
                ..Self::default()
            },
            Some(Transaction::AddLiquidity { pool, max0, max1, min_shares, .. }) => {
                Self { ta: *pool, amounts: [max0.get(), max1.get(), min_shares.get()], ..Self::default() }
            }
            _ => Self::default(),
        }
    }
}

pub(super) fn synthesise(cs: &mut Cs, batch: &mut Batch, witness: &SingleWitness) {
    let tx = witness.tx.as_ref();
    let deposit = cs.bit(KIND, matches!(tx, Some(Transaction::Deposit { .. })));
    let deposit_new = cs.bit(KIND, matches!(tx, Some(Transaction::DepositNew { .. })));
    let swap = cs.bit(KIND, matches!(tx, Some(Transaction::Swap { .. })));
    let create = cs.bit(KIND, matches!(tx, Some(Transaction::CreatePool { .. })));
    let add = cs.bit(KIND, matches!(tx, Some(Transaction::AddLiquidity { .. })));
    let deposits = &deposit + &deposit_new;
    let signed = Num::sum([&swap, &create, &add]);
    let active = &deposits + &signed;
    // At most one of five booleans: their sum is boolean.
    cs.enforce_boolean(KIND, &active);

    // Fields.
    let fields = Fields::of(tx);
    let account_bits = index_bits(cs, witness.account.index, batch.state.account_depth());
    let account = Cs::pack(&account_bits);
    let ta = cs.witness(Fr::from(fields.ta));
    let ta_bits = cs.bits(FIELD_RANGE, &ta, 30);
    let tb = cs.witness(Fr::from(fields.tb));
    cs.enforce_range(FIELD_RANGE, &tb, ORDINARY_BITS);
    let aux = cs.witness(Fr::from(fields.aux));
    let [amt0, amt1, amt2] = fields.amounts.map(|a| {
        let amount = cs.witness(fr_from_u128(a));
        cs.enforce_range(FIELD_RANGE, &amount, AMOUNT_BITS);
        amount
    });
    let liquidity = &create + &add;
    cs.enforce_nonzero_if(AMOUNT, &active, &amt0);
    cs.enforce_nonzero_if(AMOUNT, &liquidity, &amt1);
    let names_token = &deposits + &create;
    cs.enforce_nonzero_if(ORDINARY, &names_token, &ta);
    cs.enforce(ORDINARY, &ta_bits[ORDINARY_BITS], &names_token, &Num::zero());
    let gap = cs.mul(ORDINARY, &(&(&tb - &ta) - &Num::one()), &create);
    cs.enforce_range(ORDINARY, &gap, ORDINARY_BITS);
    // A published element with such a field would have no bytes, even if its signer wanted it so.
    cs.enforce(UNUSED, &tb, &(&deposits + &add), &Num::zero());
    cs.enforce(UNUSED, &aux, &(&active - &create), &Num::zero());
    let terms = Terms::new(cs, batch, &signed, tx);

    let (kx, ky) = tx.map_or((Fr::zero(), Fr::zero()), Transaction::key);
    let key = PointVar::witness(cs, kx, ky);
    cs.enforce(UNUSED, &key.x, &deposit, &Num::zero());
    cs.enforce(UNUSED, &key.y, &deposit, &Num::zero());
    let entering = PointVar {
        x: cs.select(KEY, &deposit_new, &key.x, &Num::constant(B8.x)),
        y: cs.select(KEY, &deposit_new, &key.y, &Num::constant(B8.y)),
    };
    enforce_valid_key(cs, &entering);

    // Elements.
    let kind = Num::weighted([
        (&deposit, Fr::from(3u64)),
        (&deposit_new, Fr::from(4u64)),
        (&swap, Fr::from(5u64)),
        (&create, Fr::from(6u64)),
        (&add, Fr::from(7u64)),
    ]);
    let named_account = cs.mul(PUBLISHED, &account, &deposit_new.not());
    let e1 = Num::sum([&kind, &named_account.shift(8), &ta.shift(38), &tb.shift(68), &amt0.shift(98), &aux.shift(194)]);
    let published_amount = cs.mul(PUBLISHED, &amt1, &liquidity);
    let e2 = &terms.packed_fee() + &published_amount.shift(126);
    let e3 = cs.mul(PUBLISHED, &key.x, &deposit_new);
    let e4 = cs.mul(PUBLISHED, &key.y, &deposit_new);

    // One hash serves the digest of a signed transaction and the queue's next head.
    let before = AccountVar::witness(cs, &witness.account.before);
    let hash = {
        let vout = cs.witness(Fr::from(fields.vout));
        cs.enforce_range(FIELD_RANGE, &vout, 32);
        let [txid_hi, txid_lo] = limbs(cs, &fields.txid);
        let [dest_hi, dest_lo] = limbs(cs, &fields.refund);
        let c1 = &e1 + &batch.chain_id.shift(208);
        let c2 = terms.packed(&before.nonce);
        let c3 = &amt1 + &amt2.shift(96);
        let item = Num::sum([
            &batch.state.deposit_count,
            &vout.shift(48),
            &named_account.shift(80),
            &ta.shift(110),
            &amt0.shift(140),
            &deposit_new.shift(236),
        ]);
        let role = &Num::from(tag::SINGLE) + &deposits.scale(Fr::from(tag::DEPOSIT - tag::SINGLE));
        let head = cs.mul(QUEUE, &batch.state.deposit_head, &deposits);
        let first = cs.select(QUEUE, &deposits, &item, &c1);
        let second = cs.select(QUEUE, &deposits, &txid_hi, &c2);
        let third = cs.select(QUEUE, &deposits, &txid_lo, &c3);
        poseidon::hash(cs, &[role, head, first, second, third, dest_hi, dest_lo, key.x.clone(), key.y.clone()])
    };
    let head = cs.select(QUEUE, &deposits, &hash, &batch.state.deposit_head);
    batch.state.deposit_head = head;
    batch.state.deposit_count = &batch.state.deposit_count + &deposits;

    // Pool.
    cs.enter("pool");
    let trades = &swap + &add;
    let wanted = if create.value().is_one() { batch.state.next_pool.value() } else { ta.value() };
    let picked = batch.pools.pick(cs, &(&trades + &create), wanted);
    cs.enforce_equal_if(POOL, &trades, &ta, &picked.index);
    cs.enforce_equal_if(NEW_POOL, &create, &picked.index, &batch.state.next_pool);
    let kinds = Kinds { swap, create, add };
    let inputs =
        Inputs { ta: &ta, tb: &tb, aux: &aux, amounts: [&amt0, &amt1, &amt2], index: &picked.index, pool: &picked.pool };
    let outcome = settle(cs, &kinds, &inputs);
    batch.pools.change(cs, &picked, &outcome.change);
    batch.state.next_pool = &batch.state.next_pool + &kinds.create;
    cs.leave();

    // Account.
    cs.enter("account");
    cs.enforce_nonzero_if(EXISTS, &deposit, &before.x);
    cs.enforce_equal_if(NEW_INDEX, &deposit_new, &account, &batch.state.next_account);
    cs.enforce_equal_if(NEW_EMPTY, &deposit_new, &before.x, &Num::zero());
    cs.enforce_equal_if(NEW_EMPTY, &deposit_new, &before.y, &Num::zero());
    before.enforce_empty_but_key_if(cs, NEW_EMPTY, &deposit_new);
    batch.state.next_account = &batch.state.next_account + &deposit_new;
    let mut after = authorise(cs, &signed, &before, &hash, tx.and_then(Transaction::signed));
    after = after.rekeyed(&before.x + &e3, &before.y + &e4);
    let [(token_a, amount_a), (token_b, amount_b)] = &outcome.paid;
    after.debit(cs, &signed, token_a, amount_a);
    after.debit(cs, &liquidity, token_b, amount_b);
    after.debit(cs, &terms.fee.due, &terms.fee.token, &terms.fee.amount);
    let deposited_token = cs.mul(PUBLISHED, &ta, &deposits);
    let deposited_amount = cs.mul(PUBLISHED, &amt0, &deposits);
    let (token, amount) = &outcome.received;
    after.credit(cs, &active, &(token + &deposited_token), &(amount + &deposited_amount), &deposits);
    replace_leaf(cs, &mut batch.state, &account_bits, &witness.account, &before, &after);
    cs.leave();

    publish(cs, batch, &active, [e1, e2, e3, e4]);
}

/// The two limbs of 32 bytes. They are hashed as elements of their own, so they need no range.
fn limbs(cs: &mut Cs, bytes: &[u8; 32]) -> [Num; 2] {
    [&bytes[..16], &bytes[16..]].map(|half| cs.witness(Fr::from_be_bytes_mod_order(half)))
}
