//! Roots and counters before and after the batch, the accesses to leaves between, and the statement that binds them.

use ark_bn254::Fr;

use super::Batch;
use super::fees::Fees;
use super::signed::{BATCH_BITS, Bundle};
use super::withdrawals::Withdrawals;
use crate::account::constraints::{AccountVar, Touch, Widths};
use crate::cs::{Cs, Num, poseidon};
use crate::field::tag;
use crate::memory::access::constraints::{AccessVar, PoolReadVar, When};
use crate::memory::access::{Access, POOL_INDEX_BITS, PoolRead};
use crate::memory::cell::constraints::PoolContentsVar;
use crate::memory::constraints::Roots;
use crate::memory::transcript::constraints::{Absorbed, Narrow};
use crate::witness::{BatchWitness, LeafAccess};

/// Bits of a chain id.
pub const CHAIN_BITS: usize = 32;
/// Bits of the counters of accounts and pools.
pub const COUNTER_BITS: usize = 32;

const COUNTERS: &str = "the counters unpack in one way";
const CHAIN: &str = "the chain id is below 2^32";
const NUMBER: &str = "the batch number is between 1 and 2^48 - 1";
const OPERATOR: &str = "the operator's account exists";
const POOL_INDEX: &str = "a pool's index is one of a leaf";
const INDEX: &str = "an account's index is made of bits";
pub(super) const STATEMENT: &str = "the public input is the hash of the statement";

/// The state while the slots run.
pub(super) struct State {
    pub(super) deposit_head: Num,
    pub(super) next_account: Num,
    pub(super) next_pool: Num,
    pub(super) deposit_count: Num,
    pub(super) account_depth: u8,
    pub(super) memory: Memory,
}

/// What a closed batch hashes into its state roots beside the state that slots see.
pub(super) struct Ends {
    /// The trees before the batch.
    pub(super) before: Roots<Num>,
    pre_root: Num,
    pool_depth: u8,
}

/// The account that takes the fees.
pub(super) struct Operator {
    /// Its index.
    pub(super) index: Narrow,
    /// Whether it takes them here (boolean): in a closed batch always, in an open one at the end of its last segment.
    pub(super) acts: Num,
}

/// The accesses of a batch, in the order of time, and what they absorb.
#[derive(Debug)]
pub(super) struct Memory {
    time_bits: usize,
    pub(super) accesses: Vec<AccessVar>,
    pub(super) absorbed: Absorbed,
}

/// A pool that a slot has read and not yet written.
pub(super) struct PoolSlot {
    pub(super) index: Narrow,
    gap: Fr,
    pub(super) read: PoolReadVar,
}

impl Memory {
    pub(super) fn new(time_bits: usize) -> Self {
        Self { time_bits, accesses: Vec::new(), absorbed: Absorbed::default() }
    }

    /// The next access has the next time. A batch has fewer slots than 2^31.
    fn when(&self) -> When {
        When { time: self.accesses.len() as u32 + 1, bits: self.time_bits }
    }

    fn account(&mut self, cs: &mut Cs, active: &Num, (index, gap): (Narrow, Fr), before: &AccountVar, after: &AccountVar) {
        let when = self.when();
        let (read, written) = (before.leaf_elements(), after.written_elements());
        self.accesses.push(AccessVar::account(cs, when, index, active, gap, &read, written));
    }
}

impl State {
    /// Absorbs the last `accesses` accesses: index and gap of each (tokens and fee of a pool), the booleans of the slot, each once so that the element falls
    /// apart, and which slots of accounts were touched, as one element; then what they read.
    pub(super) fn absorb<'a>(
        &mut self,
        accesses: usize,
        kinds: impl IntoIterator<Item = &'a Num>,
        touches: impl IntoIterator<Item = &'a Touch>,
    ) {
        let Memory { accesses: made, absorbed, .. } = &mut self.memory;
        let own = &made[made.len() - accesses..];
        let touched = touches.into_iter().flat_map(|touch| touch.slots.iter().chain(&touch.open));
        let bits = kinds.into_iter().chain(touched).map(|bit| Narrow::shown_elsewhere(bit.clone(), 1));
        let parts: Vec<Narrow> = own.iter().flat_map(AccessVar::parts).cloned().chain(bits).collect();
        absorbed.packed(&parts);
        own.iter().for_each(|access| access.absorb_read(absorbed));
    }

    /// Replaces an account's leaf; counts where `active` (boolean) holds.
    pub(super) fn replace_leaf(
        &mut self,
        cs: &mut Cs,
        active: &Num,
        index: Narrow,
        access: &LeafAccess,
        [before, after]: [&AccountVar; 2],
    ) {
        self.memory.account(cs, active, (index, access.gap), before, after);
    }

    /// Reads a pool.
    pub(super) fn read_pool(&self, cs: &mut Cs, access: &Access<PoolRead>) -> PoolSlot {
        let index = Narrow::chosen(cs, POOL_INDEX, "pool index", access.index, POOL_INDEX_BITS);
        PoolSlot { index, gap: access.gap, read: PoolReadVar::new(cs, &access.read) }
    }

    /// Writes the pool that was read, if the access counts: `used` (boolean).
    pub(super) fn write_pool(&mut self, cs: &mut Cs, slot: PoolSlot, used: &Num, written: &PoolContentsVar) {
        let PoolSlot { index, gap, read } = slot;
        let when = self.memory.when();
        self.memory.accesses.push(AccessVar::pool(cs, when, index, used, gap, &read, written));
    }

    fn root(&self, cs: &mut Cs, chain_id: &Num, number: &Num, pool_depth: u8, roots: &Roots<Num>) -> Num {
        let counters = &(&self.next_account + &self.next_pool.shift(32)) + &self.deposit_count.shift(64);
        let depths = &Num::from(u64::from(self.account_depth)).shift(80) + &Num::from(u64::from(pool_depth)).shift(88);
        let meta = &(chain_id + &number.shift(32)) + &depths;
        let role = Num::from(tag::STATE);
        poseidon::hash(cs, &[role, roots.account.clone(), roots.pool.clone(), self.deposit_head.clone(), counters, meta])
    }
}

/// Witnesses the state before a closed batch and its fee tokens.
pub(super) fn begin(cs: &mut Cs, witness: &BatchWitness) -> (Batch, Ends, Operator) {
    let chain_id = cs.chosen("chain id", Fr::from(witness.chain_id));
    cs.enforce_range(CHAIN, &chain_id, CHAIN_BITS);
    let number = cs.chosen("batch number", Fr::from(witness.batch_number));
    cs.enforce_range(NUMBER, &number, BATCH_BITS);
    let last = &number - &Num::one();
    cs.enforce_range(NUMBER, &last, BATCH_BITS);

    let pre = &witness.pre;
    let before = Roots { account: cs.chosen("account root", pre.account_root), pool: cs.chosen("pool root", pre.pool_root) };
    let state = State {
        deposit_head: cs.chosen("deposit head", pre.deposit_head),
        next_account: cs.chosen("counter", Fr::from(pre.next_account)),
        next_pool: cs.chosen("counter", Fr::from(pre.next_pool)),
        deposit_count: cs.chosen("counter", Fr::from(pre.deposit_count)),
        account_depth: witness.shape.account_depth,
        memory: Memory::new(witness.shape.room().time_bits),
    };
    cs.enforce_range(COUNTERS, &state.next_account, COUNTER_BITS);
    cs.enforce_range(COUNTERS, &state.next_pool, COUNTER_BITS);
    cs.enforce_range(COUNTERS, &state.deposit_count, BATCH_BITS);
    let pool_depth = witness.shape.pool_depth;
    let pre_root = state.root(cs, &chain_id, &last, pool_depth, &before);
    let index = Narrow::of_bits(&index_bits(cs, witness.operator, witness.shape.account_depth));
    let operator = Operator { index, acts: Num::one() };

    let data = data_start(cs, operator.index.num());
    let fees = Fees::new(cs, Widths::PROTOCOL, &witness.fee_tokens);
    let withdrawals = Withdrawals::after(cs, &chain_id, &number, Num::zero());
    let batch = Batch { chain_id, number, state, data, fees, withdrawals, bundle: Bundle::none() };
    (batch, Ends { before, pre_root, pool_depth }, operator)
}

/// What the data of a batch, or of a segment, hash to before its first transaction.
pub(super) fn data_start(cs: &mut Cs, operator: &Num) -> Num {
    poseidon::hash(cs, &[Num::from(tag::DATA_START), operator.clone()])
}

/// Enforces that no bundle is open, and credits the fees to the operator's account, which has to exist, where it acts.
pub(super) fn credit_operator(cs: &mut Cs, batch: &mut Batch, operator: &Operator, access: &LeafAccess) {
    batch.bundle.enforce_closed(cs);
    cs.enter("operator");
    let Operator { index, acts } = operator;
    let mut account = AccountVar::witness(cs, &access.before);
    if acts.is_constant() {
        cs.enforce_nonzero(OPERATOR, &account.x);
    } else {
        cs.enforce_nonzero_if(OPERATOR, acts, &account.x);
    }
    let before = account.clone();
    let credited = batch.fees.credit(cs, &mut account, acts);
    batch.state.replace_leaf(cs, acts, index.clone(), access, [&before, &account]);
    batch.state.absorb(1, [], &credited);
    cs.leave();
}

/// The hash of the statement, with the state afterwards and everything else; and what was accessed.
pub(super) fn end(cs: &mut Cs, batch: Batch, ends: Ends, after: &Roots<Num>) -> (Num, Memory) {
    let Batch { chain_id, number, state, data, withdrawals, .. } = batch;
    // The counter only moves up by one a slot, so its range after the batch is all that can be violated.
    cs.enforce_range(COUNTERS, &state.deposit_count, BATCH_BITS);
    let Ends { pre_root, pool_depth, .. } = ends;
    let post_root = state.root(cs, &chain_id, &number, pool_depth, after);
    let withdrawals_root = withdrawals.root().clone();
    let State { deposit_head, memory, .. } = state;
    let statement = [chain_id, number, pre_root, post_root, data, deposit_head, withdrawals_root];
    (poseidon::hash(cs, &statement), memory)
}

/// The bits of an account's index, lowest first; as many as the tree has levels times three, so that no index lies outside the tree.
pub(super) fn index_bits(cs: &mut Cs, index: u32, depth: u8) -> Vec<Num> {
    (0..3 * u32::from(depth))
        .map(|i| cs.chosen_bit(INDEX, "account index", index.checked_shr(i).unwrap_or(0) & 1 == 1))
        .collect()
}
