//! Roots and counters before and after the batch, and the statement that binds them.

use ark_bn254::Fr;

use super::Batch;
use super::fees::Fees;
use super::pools::Pools;
use super::signed::{BATCH_BITS, Bundle};
use super::withdrawals::Withdrawals;
use crate::account::constraints::{AccountVar, Widths};
use crate::cs::{Cs, Num, poseidon};
use crate::field::tag;
use crate::tree;
use crate::witness::{BatchWitness, LeafAccess};

/// Bits of a chain id.
pub const CHAIN_BITS: usize = 32;
/// Bits of the counters of accounts and pools.
pub const COUNTER_BITS: usize = 32;

const COUNTERS: &str = "the counters unpack in one way";
const CHAIN: &str = "the chain id is below 2^32";
const NUMBER: &str = "the batch number is between 1 and 2^48 - 1";
const OPERATOR: &str = "the operator's account exists";
const INDEX: &str = "an account's index has the bits of its path";
const ROOT: &str = "the account's leaf stands in the account tree";
const STATEMENT: &str = "the public input is the hash of the statement";

/// The state while the slots run.
pub(super) struct State {
    pub(super) account_root: Num,
    pool_root: Num,
    pub(super) deposit_head: Num,
    pub(super) next_account: Num,
    pub(super) next_pool: Num,
    pub(super) deposit_count: Num,
    pre_root: Num,
    operator_bits: Vec<Num>,
    account_depth: u8,
    pool_depth: u8,
}

impl State {
    pub(super) fn account_depth(&self) -> u8 {
        self.account_depth
    }

    fn root(&self, cs: &mut Cs, chain_id: &Num, number: &Num, pool_root: &Num) -> Num {
        let counters = &(&self.next_account + &self.next_pool.shift(32)) + &self.deposit_count.shift(64);
        let depths = &Num::from(u64::from(self.account_depth)).shift(80) + &Num::from(u64::from(self.pool_depth)).shift(88);
        let meta = &(chain_id + &number.shift(32)) + &depths;
        let role = Num::from(tag::STATE);
        poseidon::hash(cs, &[role, self.account_root.clone(), pool_root.clone(), self.deposit_head.clone(), counters, meta])
    }
}

/// Witnesses the state before the batch and the lists of the batch.
pub(super) fn begin(cs: &mut Cs, witness: &BatchWitness) -> Batch {
    let chain_id = cs.chosen("chain id", Fr::from(witness.chain_id));
    cs.enforce_range(CHAIN, &chain_id, CHAIN_BITS);
    let number = cs.chosen("batch number", Fr::from(witness.batch_number));
    cs.enforce_range(NUMBER, &number, BATCH_BITS);
    let last = &number - &Num::one();
    cs.enforce_range(NUMBER, &last, BATCH_BITS);

    let pre = &witness.pre;
    let mut state = State {
        account_root: cs.chosen("account root", pre.account_root),
        pool_root: cs.chosen("pool root", pre.pool_root),
        deposit_head: cs.chosen("deposit head", pre.deposit_head),
        next_account: cs.chosen("counter", Fr::from(pre.next_account)),
        next_pool: cs.chosen("counter", Fr::from(pre.next_pool)),
        deposit_count: cs.chosen("counter", Fr::from(pre.deposit_count)),
        pre_root: Num::zero(),
        operator_bits: Vec::new(),
        account_depth: witness.shape.account_depth,
        pool_depth: witness.shape.pool_depth,
    };
    cs.enforce_range(COUNTERS, &state.next_account, COUNTER_BITS);
    cs.enforce_range(COUNTERS, &state.next_pool, COUNTER_BITS);
    cs.enforce_range(COUNTERS, &state.deposit_count, BATCH_BITS);
    let pool_root = state.pool_root.clone();
    state.pre_root = state.root(cs, &chain_id, &last, &pool_root);
    state.operator_bits = index_bits(cs, witness.operator, witness.shape.account_depth);

    let operator = Cs::pack(&state.operator_bits);
    let data = poseidon::hash(cs, &[Num::from(tag::DATA_START), operator]);
    let fees = Fees::new(cs, Widths::PROTOCOL, &witness.fee_tokens);
    let pools = Pools::new(cs, &witness.pools);
    let withdrawals = Withdrawals::none(cs, &chain_id, &number);
    Batch { chain_id, number, state, data, pools, fees, withdrawals, bundle: Bundle::none() }
}

/// Credits the fees, writes the pools, and ties everything to the public input.
pub(super) fn end(cs: &mut Cs, batch: Batch, witness: &BatchWitness) {
    let Batch { chain_id, number, mut state, data, pools, fees, withdrawals, bundle } = batch;
    bundle.enforce_closed(cs);
    cs.enter("operator");
    let access = &witness.operator_access;
    let mut operator = AccountVar::witness(cs, &access.before);
    cs.enforce_nonzero(OPERATOR, &operator.x);
    let before = operator.clone();
    fees.credit(cs, &mut operator);
    let bits = state.operator_bits.clone();
    replace_leaf(cs, &mut state, &bits, access, &before, &operator);
    cs.leave();

    cs.enter("pools");
    let pool_root = pools.write_back(cs, &witness.pools, &state.pool_root);
    cs.leave();

    // The counter only moves up by one a slot, so its range after the batch is all that can be violated.
    cs.enforce_range(COUNTERS, &state.deposit_count, BATCH_BITS);
    let post_root = state.root(cs, &chain_id, &number, &pool_root);
    let withdrawals_root = withdrawals.root().clone();
    let statement =
        [chain_id, number, state.pre_root.clone(), post_root, data, state.deposit_head.clone(), withdrawals_root];
    let hash = poseidon::hash(cs, &statement);
    let public = cs.public();
    cs.enforce_equal(STATEMENT, &hash, &public);
}

/// The bits of an account's index, lowest first; as many as the tree has levels times three, so that no index lies outside the tree.
pub(super) fn index_bits(cs: &mut Cs, index: u32, depth: u8) -> Vec<Num> {
    (0..3 * u32::from(depth))
        .map(|i| cs.chosen_bit(INDEX, "account index", index.checked_shr(i).unwrap_or(0) & 1 == 1))
        .collect()
}

/// Replaces a leaf of the account tree and moves the state's account root on.
pub(super) fn replace_leaf(
    cs: &mut Cs,
    state: &mut State,
    bits: &[Num],
    access: &LeafAccess,
    before: &AccountVar,
    after: &AccountVar,
) {
    let known = cs.known_result();
    let depth = access.children.len();
    let given = (bits.to_vec(), access.children.clone(), before.clone(), after.clone());
    match known {
        None => {
            let (root, next) = both_roots(cs, &given);
            cs.enforce_equal(ROOT, &root, &state.account_root);
            state.account_root = next;
        }
        // Only values are wanted, and that of the root is known: the path can wait.
        Some(next) => {
            let value = next.value();
            cs.apart("account path", depth, move |cs| both_roots(cs, &given).1.value() == value);
            state.account_root = next;
        }
    }
}

type Replaced = (Vec<Num>, Vec<tree::constraints::Children>, AccountVar, AccountVar);

/// The roots before and after an account is replaced.
fn both_roots(cs: &mut Cs, (bits, children, before, after): &Replaced) -> (Num, Num) {
    let old = before.hash(cs);
    let new = after.hash(cs);
    tree::constraints::update(cs, bits, children, &old, &new)
}
