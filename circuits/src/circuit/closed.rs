//! A closed batch whose accounts are memory: accesses in the slots, cells and nodes at the end, everything in one proof over one public input (MEMORY.md).
//!
//! Statement, data, signatures and every rule of a slot are those of the batch circuit; slots are written by the same code, which makes an access where
//! it would have walked a path. Absorbed are the list of fee tokens, the slots, the operator's access, then cells and nodes.
//!
//! Each slot has two times: a pair slot for the sender's access and the recipient's, a single slot for its pool's and its account's. The operator's access is the last. A deposit
//! that is refunded for want of an account accesses none: that it does not exist, the counter says.

use ark_bn254::Fr;

use super::slots;
use super::state::{Memory, STATEMENT, begin, credit_operator, statement};
use crate::account::Account;
use crate::cs::{Cs, Mode, Num, poseidon};
use crate::ledger::Ledger;
use crate::memory::access::constraints::AccessVar;
use crate::memory::access::{Access, Log, PoolRead};
use crate::memory::cell::Contents;
use crate::memory::constraints::{Room, Roots, StateVar, StateWitness};
use crate::memory::node::TreeKind;
use crate::memory::record::constraints::{Group, enforce_balance};
use crate::memory::time_bits;
use crate::memory::touched::touched;
use crate::memory::transcript::Role;
use crate::memory::transcript::constraints::{Absorbed, ChallengeVar, absorb};
use crate::pool::Pool;
use crate::shape::Shape;
use crate::transaction::Transaction;
use crate::witness::{BatchWitness, LeafAccess, RefundReason, SlotWitness};

const COPY: &str = "what is written is looked at";

/// What the circuit is given. Fields are open: what forgers write is tried in tests.
#[derive(Clone, Debug)]
pub struct ClosedWitness {
    /// Slots and operator; paths are not looked at.
    pub batch: BatchWitness,
    /// Depths, bits of times, cells and nodes.
    pub room: Room,
    /// Of each access to an account, in order, how many times lie between it and the write that it reads.
    pub gaps: Vec<Fr>,
    /// Of each single slot, its access to a pool.
    pub pools: Vec<Access<PoolRead>>,
    /// Cells and nodes.
    pub state: StateWitness,
}

/// The least room that a circuit has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Least {
    /// Cells of accounts.
    pub accounts: usize,
    /// Cells of pools.
    pub pools: usize,
    /// Node slots.
    pub nodes: usize,
}

impl ClosedWitness {
    /// That of a batch which was executed on `before` and led to `after`; with more room than that if it touches more.
    ///
    /// # Panics
    /// If the batch was executed on another state, and its accounts are outside the tree.
    pub fn new(batch: &BatchWitness, before: &Ledger, after: &Ledger, least: Least) -> Self {
        let mut batch = batch.clone();
        let mut log = Accesses { next_pool: batch.pre.next_pool, ..Accesses::default() };
        for slot in &mut batch.slots {
            match slot {
                SlotWitness::Pair(pair) => {
                    let active = pair.tx.is_some();
                    log.account(&mut pair.sender, active, after);
                    log.account(&mut pair.recipient, active, after);
                }
                SlotWitness::Single(single) => {
                    log.pool(single.tx.as_ref(), before);
                    let reason = single.refund;
                    let absent = [RefundReason::AccountMissing, RefundReason::Key, RefundReason::AccountsFull];
                    let active = single.tx.is_some() && !reason.is_some_and(|reason| absent.contains(&reason));
                    log.account(&mut single.account, active, after);
                }
            }
        }
        log.account(&mut batch.operator_access, true, after);
        batch.pools.clear();
        let Accesses { time, accounts, pools, gaps, pool_accesses, .. } = log;
        let (account_tree, pool_tree) = before.trees();
        let leaves = accounts.leaves().iter().map(|(index, leaf)| (*index, leaf.now.leaf_hash())).collect();
        let opened = touched(account_tree, TreeKind::Account, &leaves);
        let leaves = pools.leaves().iter().map(|(index, leaf)| (*index, leaf.now.contents().leaf_hash())).collect();
        let opened_pools = touched(pool_tree, TreeKind::Pool, &leaves);
        let mut state = StateWitness {
            pools_touched: !pools.leaves().is_empty(),
            accounts: accounts.cells(),
            pools: pools.cells(),
            nodes: [opened.nodes, opened_pools.nodes].concat(),
            before: Roots { account: account_tree.root(), pool: pool_tree.root() },
            after: Roots { account: opened.root, pool: opened_pools.root },
        };
        let room = Room {
            account_depth: batch.shape.account_depth,
            pool_depth: batch.shape.pool_depth,
            time_bits: time_bits(time),
            accounts: state.accounts.len().max(least.accounts),
            pools: state.pools.len().max(least.pools),
            nodes: state.nodes.len().max(least.nodes),
        };
        state.fill(&room);
        Self { batch, room, gaps, pools: pool_accesses, state }
    }
}

/// A witness of a shape and no meaning: any witness writes the same rows.
pub fn blank(shape: &Shape, least: Least) -> ClosedWitness {
    let batch = BatchWitness { pools: Vec::new(), ..super::blank(shape) };
    let zero = Fr::from(0u64);
    let roots = Roots { account: zero, pool: zero };
    let mut state = StateWitness {
        accounts: Vec::new(),
        pools: Vec::new(),
        nodes: Vec::new(),
        pools_touched: false,
        before: roots,
        after: roots,
    };
    let room = Room {
        account_depth: shape.account_depth,
        pool_depth: shape.pool_depth,
        // Shapes have fewer than 2^20 slots.
        time_bits: time_bits(2 * shape.slots.len() as u32 + 1),
        accounts: least.accounts,
        pools: least.pools,
        nodes: least.nodes,
    };
    state.fill(&room);
    ClosedWitness { batch, room, gaps: Vec::new(), pools: Vec::new(), state }
}

/// The accesses of a batch while its slots are read.
#[derive(Default)]
struct Accesses {
    time: u32,
    next_pool: u32,
    accounts: Log<[Fr; 8]>,
    pools: Log<PoolRead>,
    gaps: Vec<Fr>,
    pool_accesses: Vec<Access<PoolRead>>,
}

impl Accesses {
    /// An access to an account. What it leaves behind, the next access to it shows; what is there in the end, the ledger says.
    fn account(&mut self, access: &mut LeafAccess, active: bool, after: &Ledger) {
        self.time += 1;
        access.children.clear();
        if !active {
            // A refunded deposit still names its account.
            access.before = Account::EMPTY;
            self.gaps.push(Fr::from(0u64));
            return;
        }
        let last = after.account(access.index).unwrap_or(&Account::EMPTY).leaf_elements();
        let seen = self.accounts.access(access.index, self.time, || access.before.leaf_elements(), |_| last);
        self.gaps.push(Fr::from(seen.expect("times go up").gap));
    }

    /// The access to a pool of a single slot.
    fn pool(&mut self, tx: Option<&Transaction>, before: &Ledger) {
        self.time += 1;
        let named = tx.and_then(|tx| match tx {
            Transaction::CreatePool { .. } => Some(self.next_pool),
            tx => tx.pool(),
        });
        let Some((index, tx)) = named.zip(tx) else {
            self.pool_accesses.push(Access::padding(PoolRead::default()));
            return;
        };
        self.next_pool += u32::from(matches!(tx, Transaction::CreatePool { .. }));
        let load = || PoolRead::from(before.pool(index).unwrap_or(&Pool::EMPTY));
        let seen = self.pools.access(index, self.time, load, |had| after_trade(had, tx)).expect("times go up");
        let (index, gap) = (Fr::from(index), Fr::from(seen.gap));
        self.pool_accesses.push(Access { index, gap, active: true, read: seen.read });
    }
}

/// A pool after a transaction, or as it was if that is refused.
fn after_trade(had: &PoolRead, tx: &Transaction) -> PoolRead {
    let pool = had.pool().unwrap_or(Pool::EMPTY);
    let after = match tx {
        Transaction::Swap { direction, amount_in, min_out, .. } => {
            pool.swap(*direction, *amount_in, *min_out).map(|(_, after)| after)
        }
        Transaction::CreatePool { token0, token1, fee_bp, amount0, amount1, .. } => {
            Pool::create((*token0, *token1), *fee_bp, (*amount0, *amount1))
        }
        Transaction::AddLiquidity { max0, max1, min_shares, .. } => {
            pool.add_liquidity((*max0, *max1), *min_shares).map(|(_, after)| after)
        }
        Transaction::RemoveLiquidity { shares, min0, min1, .. } => {
            pool.remove_liquidity(*shares, (*min0, *min1)).map(|(_, after)| after)
        }
        _ => Ok(pool),
    };
    after.map_or(*had, |pool| PoolRead::from(&pool))
}

/// Runs the circuit's code on a witness. The rows depend on shape and room alone.
///
/// # Panics
/// If the shape has more than 8 fee tokens: one element has no room for more.
pub fn synthesise(mode: Mode, public_input: Fr, witness: &ClosedWitness) -> Cs {
    let mut cs = Cs::new(mode, public_input);
    let Opened { statement, memory: Memory { accesses, absorbed, .. }, state } = open(&mut cs, witness);
    cs.enter("transcript");
    let public = cs.public();
    cs.enforce_equal(STATEMENT, &statement, &public);
    let h = absorb(&mut cs, Role::Closed, &absorbed);
    let challenge = ChallengeVar::closed(&mut cs, &h, &public);
    cs.leave();
    cs.enter("balance");
    let mut groups: Vec<Group> = accesses.iter().map(|access| access.group(&mut cs, &challenge)).collect();
    groups.extend(state.groups(&mut cs, &challenge));
    enforce_balance(&mut cs, &challenge, &groups);
    cs.leave();
    cs
}

/// The rows before the challenge, over a public input that is the hash of what was absorbed and of the statement: what the audit has to show that it binds everything. With
/// `forgotten` an absorbed element is left out, by its place; none if there are fewer.
pub fn before_the_challenge(mode: Mode, public_input: Fr, witness: &ClosedWitness, forgotten: Option<usize>) -> Cs {
    let mut cs = Cs::new(mode, public_input);
    let Opened { statement, memory, .. } = open(&mut cs, witness);
    let kept = memory.absorbed.elements().iter().enumerate().filter(|(i, _)| Some(*i) != forgotten);
    let mut absorbed = Absorbed::default();
    kept.for_each(|(_, element)| absorbed.element(element));
    // What is written is computed: a wire of its own shows whether it is bound.
    for written in memory.accesses.iter().flat_map(AccessVar::written) {
        let copy = cs.chosen("written", written.value());
        cs.enforce_equal(COPY, &copy, written);
    }
    let h = absorb(&mut cs, Role::Closed, &absorbed);
    let both = poseidon::hash(&mut cs, &[h, statement]);
    let public = cs.public();
    cs.enforce_equal(STATEMENT, &both, &public);
    cs
}

/// Everything that comes before the challenge.
struct Opened {
    statement: Num,
    memory: Memory,
    state: StateVar,
}

fn open(cs: &mut Cs, witness: &ClosedWitness) -> Opened {
    let ClosedWitness { batch: slots_of, room, gaps, pools, state } = witness;
    cs.enter("batch");
    let mut batch = begin(cs, slots_of, Some(Memory::new(room.time_bits, gaps.clone(), pools.clone())));
    let fee_tokens = batch.fees.tokens();
    batch.state.absorb_packed(&fee_tokens);
    cs.leave();
    slots(cs, &mut batch, slots_of);
    cs.enter("end of batch");
    credit_operator(cs, &mut batch, slots_of);
    let before = Roots { account: batch.state.account_root.clone(), pool: batch.state.pool_root.clone() };
    let after =
        Roots { account: cs.chosen("account root", state.after.account), pool: cs.chosen("pool root", state.after.pool) };
    let state = StateVar::new(cs, room, state, [&before, &after]);
    let mut memory = batch.state.take_memory().expect("it was given above");
    batch.state.account_root = after.account;
    let statement = statement(cs, batch, &after.pool);
    state.absorb(&mut memory.absorbed);
    cs.leave();
    Opened { statement, memory, state }
}
