//! A prover without scruples: execution that checks nothing, so that what a broken rule leads to is consistent everywhere else.
//!
//! A witness altered in one place only fails in many places at once, and the rule under test may be missing without notice. Here
//! every later access, cell, node and root is that of the broken execution.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::Zero;
use tapstone_circuits::account::{Account, AccountError, Credit};
use tapstone_circuits::amount::{Amount, TokenId};
use tapstone_circuits::circuit::{bits, synthesise};
use tapstone_circuits::cs::{Mode, PUBLIC, System};
use tapstone_circuits::field::two_to_the;
use tapstone_circuits::ledger::{BatchError, Refusal};
use tapstone_circuits::memory::access::{Access, Log, PoolRead};
use tapstone_circuits::memory::cell::Contents;
use tapstone_circuits::memory::constraints::{Roots, StateWitness};
use tapstone_circuits::memory::node::TreeKind;
use tapstone_circuits::memory::touched;
use tapstone_circuits::plan::split;
use tapstone_circuits::pool::{Direction, Pool, initial_supply, swap_out};
use tapstone_circuits::shape::{Shape, SlotKind};
use tapstone_circuits::signature::PublicKey;
use tapstone_circuits::signature::curve::Point;
use tapstone_circuits::testing::{World, amount, secret};
use tapstone_circuits::transaction::Transaction;
use tapstone_circuits::tree::Tree;
use tapstone_circuits::witness::{BatchWitness, LeafAccess, PairWitness, RefundReason, SingleWitness, SlotWitness};
use tapstone_verifier::poseidon;

pub const STATEMENT: &str = "the public input is the hash of the statement";

/// Where the prover lies about what the counters name.
#[derive(Default)]
pub struct Lies {
    pub new_account: Option<u32>,
    pub new_pool: Option<u32>,
    /// The deposits that the prover refunds, by their index in the batch, and why it says so.
    pub refunds: BTreeMap<usize, RefundReason>,
}

impl Lies {
    /// The last transaction of the open batch is a deposit, and refunded.
    pub fn refunded(world: &World, reason: RefundReason) -> Self {
        Self { refunds: BTreeMap::from([(world.open.len() - 1, reason)]), ..Self::default() }
    }
}

struct Forge<'a> {
    world: &'a World,
    lies: &'a Lies,
    accounts: BTreeMap<u32, Account>,
    accesses: Log<[Fr; 8]>,
    next_account: u32,
    next_pool: u32,
    pools: BTreeMap<u32, Pool>,
    trades: Log<PoolRead>,
    time: u32,
    fees: BTreeMap<u32, u128>,
}

/// A leaf under way: an account, and what was taken from its packed balances beyond what they held.
struct Leaf {
    account: Account,
    key: (Fr, Fr),
    debts: [Fr; 4],
}

impl Leaf {
    fn debit(&mut self, token: TokenId, value: Amount) {
        if let Err(AccountError::Insufficient { .. }) = self.account.debit(token, value)
            && let Some(slot) = self.account.slot_of(token)
        {
            let place = if slot % 2 == 1 { two_to_the(bits::SPACING) } else { Fr::from(1u64) };
            self.debts[slot / 2] += Fr::from(value.get()) * place;
        }
    }

    fn credit(&mut self, token: TokenId, value: Amount) {
        // Whoever ignores the rules also ignores whose credit it is.
        if let Err(AccountError::Overflow { .. }) = self.account.credit(token, value, Credit::Own)
            && let Some(slot) = self.account.slot_of(token)
        {
            self.account.balances[slot] += value.get();
        }
    }
}

impl Forge<'_> {
    /// Reads an account and writes what is made of it, at the next time.
    fn access(&mut self, index: u32, change: impl FnOnce(&mut Self, &mut Leaf)) -> LeafAccess {
        self.time += 1;
        let before = self.accounts.get(&index).unwrap_or(&Account::EMPTY).clone();
        let mut leaf = Leaf { account: before.clone(), key: before.key_xy(), debts: [Fr::zero(); 4] };
        change(self, &mut leaf);
        let mut elements = leaf.account.leaf_elements();
        (elements[0], elements[1]) = leaf.key;
        for (element, debt) in elements[4..].iter_mut().zip(leaf.debts) {
            *element -= debt;
        }
        let seen = self.accesses.access(index, self.time, || before.leaf_elements(), |_| elements).unwrap();
        self.accounts.insert(index, leaf.account);
        LeafAccess { index, gap: seen.gap.into(), before }
    }

    fn fee(&mut self, leaf: &mut Leaf, tx: &Transaction) {
        if let Some(signed) = tx.signed() {
            leaf.debit(signed.fee_token, signed.fee);
            if !signed.fee.is_zero() {
                *self.fees.entry(signed.fee_token.get()).or_default() += signed.fee.get();
            }
        }
    }

    /// Adds the key of a new account to the leaf, as the circuit does: to whatever stands there.
    fn enter(&mut self, leaf: &mut Leaf, (x, y): (Fr, Fr)) {
        leaf.key = (leaf.key.0 + x, leaf.key.1 + y);
        let point = Point::new_unchecked(x, y);
        leaf.account.key = leaf.account.key.or_else(|| PublicKey::try_from(point).ok());
        self.next_account += 1;
    }

    fn pair(&mut self, position: usize, tx: &Transaction) -> SlotWitness {
        let (from, to, token, value, fresh) = match tx {
            Transaction::Transfer { from, to, token, amount, .. } => (*from, *to, *token, *amount, false),
            Transaction::TransferNew { from, token, amount, .. } => {
                (*from, self.lies.new_account.unwrap_or(self.next_account), *token, *amount, true)
            }
            _ => panic!("not a pair"),
        };
        let sender = self.access(from, |f, leaf| {
            leaf.account.nonce = leaf.account.nonce.wrapping_add(1);
            leaf.debit(token, value);
            f.fee(leaf, tx);
        });
        let recipient = self.access(to, |f, leaf| {
            if fresh {
                f.enter(leaf, tx.key());
            }
            leaf.credit(token, value);
        });
        SlotWitness::Pair(PairWitness { tx: Some(tx.clone()), position, sender, recipient })
    }

    fn single(&mut self, position: usize, tx: &Transaction) -> SlotWitness {
        let made = if self.lies.refunds.contains_key(&position) { 0 } else { self.next_account };
        let index = tx.account().unwrap_or(self.lies.new_account.unwrap_or(made));
        // Only a deposit can name an account outside the tree.
        let index = index % (1 << (3 * self.world.shape.account_depth));
        let refund = self.lies.refunds.get(&position).copied();
        // The pool's time comes first, although what it yields is told when the account is.
        self.time += 1;
        let mut pool = Access::padding(PoolRead::default());
        if refund.is_some_and(RefundReason::without_account) {
            self.time += 1;
            let account = LeafAccess::none(index);
            return SlotWitness::Single(SingleWitness { tx: Some(tx.clone()), position, account, pool, refund });
        }
        let account = self.access(index, |f, leaf| {
            if tx.signed().is_some() {
                leaf.account.nonce = leaf.account.nonce.wrapping_add(1);
            }
            match tx {
                Transaction::Deposit { .. } | Transaction::DepositNew { .. } if refund.is_some() => {}
                Transaction::Deposit { token, amount, .. } => leaf.credit(*token, *amount),
                Transaction::DepositNew { token, amount, .. } => {
                    f.enter(leaf, tx.key());
                    leaf.credit(*token, *amount);
                }
                Transaction::ChangeKey { .. } => {
                    let (old, new) = (leaf.key, tx.key());
                    leaf.key = (leaf.key.0 - old.0 + new.0, leaf.key.1 - old.1 + new.1);
                    leaf.account.key = PublicKey::try_from(Point::new_unchecked(new.0, new.1)).ok();
                    f.fee(leaf, tx);
                }
                Transaction::Withdraw { token, amount, .. } => {
                    leaf.debit(*token, *amount);
                    f.fee(leaf, tx);
                }
                _ => pool = f.trade(leaf, tx),
            }
        });
        SlotWitness::Single(SingleWitness { tx: Some(tx.clone()), position, account, pool, refund })
    }

    fn trade(&mut self, leaf: &mut Leaf, tx: &Transaction) -> Access<PoolRead> {
        let index = tx.pool().unwrap_or(self.lies.new_pool.unwrap_or(self.next_pool));
        let mut p = self.pools.get(&index).copied().unwrap_or(Pool::EMPTY);
        let before = PoolRead::from(&p);
        // A pool that no tree has room for has no shares either.
        let lp = TokenId::lp(index).unwrap_or(TokenId::NONE);
        match tx {
            Transaction::Swap { direction, amount_in, .. } => {
                let (sold, bought) = p.tokens(*direction);
                let (r_in, r_out) = match direction {
                    Direction::ZeroForOne => (&mut p.reserve0, &mut p.reserve1),
                    Direction::OneForZero => (&mut p.reserve1, &mut p.reserve0),
                };
                let out = swap_out(*amount_in, p.fee_bp, *r_in, *r_out);
                *r_in = r_in.checked_add(*amount_in).unwrap_or(*r_in);
                *r_out = r_out.checked_sub(out).unwrap();
                leaf.debit(sold, *amount_in);
                self.fee(leaf, tx);
                leaf.credit(bought, out);
            }
            Transaction::CreatePool { token0, token1, fee_bp, amount0, amount1, .. } => {
                let supply = initial_supply(*amount0, *amount1);
                p = Pool {
                    token0: *token0,
                    token1: *token1,
                    fee_bp: *fee_bp,
                    reserve0: *amount0,
                    reserve1: *amount1,
                    supply,
                };
                leaf.debit(*token0, *amount0);
                leaf.debit(*token1, *amount1);
                self.fee(leaf, tx);
                leaf.credit(lp, amount(p.circulating()));
                self.next_pool += 1;
            }
            Transaction::AddLiquidity { max0, max1, .. } => {
                let (r0, r1, supply) = (p.reserve0.get(), p.reserve1.get(), p.supply.get());
                let side = |max: &Amount, r: u128| max.get().saturating_mul(supply).checked_div(r).unwrap_or(0);
                let s = side(max0, r0).min(side(max1, r1));
                let cost = |r: u128| {
                    let product = s.saturating_mul(r).saturating_add(supply.saturating_sub(1));
                    clamp(product.checked_div(supply).unwrap_or(0))
                };
                let (a0, a1) = (cost(r0), cost(r1));
                p.reserve0 = clamp(r0 + a0.get());
                p.reserve1 = clamp(r1 + a1.get());
                p.supply = clamp(supply.saturating_add(s));
                leaf.debit(p.token0, a0);
                leaf.debit(p.token1, a1);
                self.fee(leaf, tx);
                leaf.credit(lp, clamp(s));
            }
            Transaction::RemoveLiquidity { shares, .. } => {
                let worth =
                    |r: Amount| clamp(shares.get().saturating_mul(r.get()).checked_div(p.supply.get()).unwrap_or(0)).min(r);
                let (back0, back1) = (worth(p.reserve0), worth(p.reserve1));
                p.reserve0 = clamp(p.reserve0.get() - back0.get());
                p.reserve1 = clamp(p.reserve1.get() - back1.get());
                p.supply = p.supply.checked_sub(*shares).unwrap_or(p.supply);
                leaf.debit(lp, *shares);
                self.fee(leaf, tx);
                leaf.credit(p.token0, back0);
                leaf.credit(p.token1, back1);
            }
            _ => panic!("not a trade"),
        }
        self.pools.insert(index, p);
        // The account's access is under way: its time is the next one.
        let seen = self.trades.access(index, self.time - 1, || before, |_| PoolRead::from(&p)).unwrap();
        Access { index: index.into(), gap: seen.gap.into(), active: true, read: seen.read }
    }
}

/// The nearest amount: how a dishonest prover goes on where honest arithmetic ends.
fn clamp(value: u128) -> Amount {
    amount(value.min(Amount::MAX.get()))
}

fn filled_up(mut list: BTreeSet<u32>, first: u32, count: usize) -> Vec<u32> {
    let mut filler = first..;
    while list.len() < count {
        list.extend(filler.next());
    }
    list.into_iter().collect()
}

/// The witness of the open batch, whatever rules it breaks.
pub fn forge(world: &World, lies: &Lies) -> BatchWitness {
    let (ledger, shape) = (&world.ledger, &world.shape);
    let slots = split(shape, ledger.start(world.operator), &world.open)
        .unwrap()
        .into_iter()
        .next()
        .map_or_else(|| vec![None; shape.slots.len()], |plan| plan.slots);
    let mut f = Forge {
        world,
        lies,
        accounts: ledger.accounts().clone(),
        accesses: Log::default(),
        next_account: ledger.next_account(),
        next_pool: ledger.next_pool(),
        pools: ledger.pools().clone(),
        trades: Log::default(),
        time: 0,
        fees: BTreeMap::new(),
    };
    let slots = shape.slots.iter().zip(slots).map(|(kind, at)| match (kind, at) {
        (SlotKind::Pair, Some(at)) => f.pair(at, &world.open[at]),
        (SlotKind::Single, Some(at)) => f.single(at, &world.open[at]),
        (kind, None) => {
            f.time += 2;
            SlotWitness::padding(*kind)
        }
    });
    let slots = slots.collect();
    let fees: Vec<(u32, u128)> = f.fees.iter().map(|(token, total)| (*token, *total)).collect();
    let operator_access = f.access(world.operator, |_, leaf| {
        for (id, total) in &fees {
            if let (Ok(token), Ok(total)) = (TokenId::new(*id), Amount::new(*total)) {
                leaf.credit(token, total);
            }
        }
    });
    let mut witness = BatchWitness {
        shape: shape.clone(),
        chain_id: ledger.chain_id(),
        batch_number: ledger.batch_number() + 1,
        operator: f.world.operator,
        pre: ledger.summary(),
        post: ledger.summary(),
        slots,
        fee_tokens: filled_up(f.fees.keys().copied().collect(), 1, shape.fee_tokens),
        operator_access,
        state: f.state(),
    };
    witness.state.fill(&shape.room());
    witness
}

impl Forge<'_> {
    /// What was touched, and the nodes above it, as the lies leave them.
    fn state(&self) -> StateWitness {
        let (ledger, shape) = (&self.world.ledger, &self.world.shape);
        let leaves = ledger.accounts().values().map(Account::leaf_hash);
        let accounts = Tree::from_leaves(shape.account_depth, Account::EMPTY.leaf_hash(), leaves);
        let leaves = ledger.pools().values().map(Pool::leaf_hash);
        let pools = Tree::from_leaves(shape.pool_depth, Pool::EMPTY.leaf_hash(), leaves);
        // What no tree has room for has no nodes above it.
        let inside = |tree: &Tree, index: &u32| u64::from(*index) < tree.capacity();
        let touched_accounts = self.accesses.leaves().iter().filter(|(index, _)| inside(&accounts, index));
        let leaves = touched_accounts.map(|(index, leaf)| (*index, poseidon::hash(&leaf.now))).collect();
        let opened = accounts.open(&leaves);
        let touched_pools = self.trades.leaves().iter().filter(|(index, _)| inside(&pools, index));
        let leaves = touched_pools.map(|(index, pool)| (*index, pool.now.contents().leaf_hash())).collect();
        let opened_pools = pools.open(&leaves);
        let nodes = touched::nodes(TreeKind::Account, &opened).chain(touched::nodes(TreeKind::Pool, &opened_pools));
        StateWitness {
            accounts: self.accesses.cells(),
            pools: self.trades.cells(),
            nodes: nodes.collect(),
            pools_touched: !self.trades.leaves().is_empty(),
            before: Roots { account: accounts.root(), pool: pools.root() },
            after: Roots { account: opened.root, pool: opened_pools.root },
        }
    }
}

/// Rows and wires of a witness, with the public input that its statement hashes to.
pub fn proven(witness: &BatchWitness) -> (System, Vec<Fr>) {
    let (system, z) = synthesise(Mode::Record, Fr::zero(), witness).into_parts();
    // The challenge hangs on the public input.
    synthesise(Mode::Record, claimed(&system, &z), witness).into_parts()
}

/// The hash that the circuit compares with the public input.
pub fn claimed(system: &System, z: &[Fr]) -> Fr {
    let row = (0..system.matrices.rows()).rev().find(|row| system.rule(*row) == STATEMENT).unwrap();
    let mut z = z.to_vec();
    z[PUBLIC as usize] = Fr::zero();
    system.matrices.evaluate(row, &z)[0]
}

/// The rules that a witness breaks when its statement is its own.
pub fn broken(witness: &BatchWitness) -> Vec<&'static str> {
    let (system, z) = proven(witness);
    let rules: BTreeSet<_> = system.violations(&z, usize::MAX).into_iter().map(|v| v.rule).collect();
    rules.into_iter().collect()
}

/// A world on the tiny shape: accounts 0 to 2 with tokens 1, 2, 3, a pool of tokens 1 and 2; account 2 takes the fees.
pub fn world() -> World {
    static WORLD: std::sync::OnceLock<World> = std::sync::OnceLock::new();
    let make = || {
        let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
        world.operator = 2;
        world
    };
    WORLD.get_or_init(make).clone()
}

/// Alters the last transaction after it was signed.
pub fn alter(world: &mut World, change: impl FnOnce(&mut Transaction)) {
    change(world.open.last_mut().unwrap());
}

/// Alters the last transaction, and its author signs what it is then.
pub fn resign(world: &mut World, change: impl FnOnce(&mut Transaction)) {
    alter(world, change);
    let tx = world.open.last_mut().unwrap();
    if let Some(signer) = tx.signer() {
        tx.sign(&secret(signer.into()), world.ledger.chain_id()).unwrap();
    }
}

/// Sets a field of a transaction of a kind.
#[macro_export]
macro_rules! set {
    ($kind:ident, $field:ident = $value:expr) => {
        |tx: &mut Transaction| {
            let value = $value;
            match tx {
                Transaction::$kind { $field, .. } => *$field = value,
                _ => panic!("another kind"),
            }
        }
    };
}

/// Asserts what the ledger says to the open batch.
pub fn native(world: &World, expected: impl FnOnce(&Refusal) -> bool) {
    match world.clone().apply() {
        Err(BatchError::Refused { rule, .. }) => assert!(expected(&rule), "{rule}"),
        other => panic!("{other:?}"),
    }
}

/// Asserts that the ledger refunds the last deposit of the open batch for this reason, and that the circuit agrees.
pub fn refunds(world: &World, reason: RefundReason) {
    let executed = world.clone().apply().unwrap();
    let last = executed.witness.slots.iter().rev().find_map(|slot| match slot {
        SlotWitness::Single(single) => single.refund,
        SlotWitness::Pair(_) => None,
    });
    assert_eq!(last, Some(reason));
    assert_eq!(broken(&executed.witness), [""; 0]);
    assert_eq!(broken(&forge(world, &Lies::refunded(world, reason))), [""; 0]);
}

/// Asserts that the circuit breaks this rule and no other.
pub fn only(world: &World, rule: &str) {
    assert_eq!(broken(&forge(world, &Lies::default())), [rule]);
}

/// Asserts that the circuit breaks this rule among others: where no consistent continuation exists.
pub fn among(world: &World, rule: &str) {
    let had = broken(&forge(world, &Lies::default()));
    assert!(had.contains(&rule), "{had:?}");
}

/// Asserts that the circuit breaks this rule, perhaps among others, if the last deposit is refunded for this reason.
pub fn among_refunded(world: &World, reason: RefundReason, rule: &str) {
    let had = broken(&forge(world, &Lies::refunded(world, reason)));
    assert!(had.contains(&rule), "{reason:?}: {had:?}");
}
