//! A small circuit over the memory gadgets: slots with one access each, the cells and nodes that they touch, and a statement over roots and slots.
//!
//! An account's slot adds to the nonce and to the first pair of balances; a pool's adds to reserve0 and says which token that is. The statement has kind, index,
//! whether there is an access, what is added, and the pool's token0.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use tapstone_circuits::account::Account;
use tapstone_circuits::cs::{Cs, Mode, Num, System, poseidon};
use tapstone_circuits::memory::access::constraints::{AccessVar, PoolReadVar, When};
use tapstone_circuits::memory::access::{ACCOUNT_INDEX_BITS, Access, Log, POOL_INDEX_BITS, PoolRead};
use tapstone_circuits::memory::cell::constraints::PoolContentsVar;
use tapstone_circuits::memory::cell::{Contents, PoolContents};
use tapstone_circuits::memory::constraints::{Room, Roots, StateVar, StateWitness};
use tapstone_circuits::memory::node::Node;
use tapstone_circuits::memory::node::TreeKind;
use tapstone_circuits::memory::record::constraints::enforce_balance;
use tapstone_circuits::memory::record::{Record, Unbalanced, balance};
use tapstone_circuits::memory::time_bits;
use tapstone_circuits::memory::touched::nodes;
use tapstone_circuits::memory::transcript::constraints::{Absorbed, ChallengeVar, Narrow, absorb};
use tapstone_circuits::memory::transcript::{Challenge, Role};
use tapstone_circuits::pool::Pool;
use tapstone_circuits::tree::Tree;
use tapstone_verifier::poseidon::hash;

/// The nodes that a batch opens, and the root afterwards.
pub struct Touched {
    pub nodes: Vec<Node>,
    pub root: Fr,
}

pub fn touched(tree: &Tree, kind: TreeKind, leaves: &BTreeMap<u32, Fr>) -> Touched {
    let opened = tree.open(leaves);
    Touched { nodes: nodes(kind, &opened).collect(), root: opened.root }
}

pub const STATEMENT: &str = "the public input is the hash of the statement";
pub const SLOT: &str = "a slot has an access or none";
pub const SLOT_INDEX: &str = "a slot's index is one of a leaf";
pub const WRITTEN: &str = "a reserve that is written is below 2^96";

/// What a slot does.
#[derive(Clone, Debug)]
pub enum Slot {
    Account { access: Access<[Fr; 8]>, added: Fr },
    Pool { access: Access<PoolRead>, added: Fr },
}

/// What is wanted of a slot.
#[derive(Clone, Copy, Debug)]
pub enum Op {
    Account(u32, u64),
    Pool(u32, u64),
    NoAccount,
    NoPool,
}

/// A batch: what its slots do, cells and nodes. Anything in it may be altered.
#[derive(Clone, Debug)]
pub struct Small {
    pub room: Room,
    pub slots: Vec<Slot>,
    pub state: StateWitness,
    /// Both trees before the batch.
    pub trees: Roots<Tree>,
}

pub fn fr(x: u64) -> Fr {
    Fr::from(x)
}

/// An account's leaf with a key and balances that name it.
pub fn account(index: u32) -> [Fr; 8] {
    let mut contents = Account::EMPTY.leaf_elements();
    let n = u64::from(index);
    (contents[0], contents[1]) = (fr(1000 + n), fr(2000 + n));
    contents[2] += fr(n);
    contents[4] = fr(500 * n + 1_000_000);
    contents
}

/// A pool with tokens and reserves that name it.
pub fn pool(index: u32) -> PoolRead {
    let n = u64::from(index);
    PoolRead {
        token0: fr(10 + n),
        token1: fr(20 + n),
        fee: fr(30),
        reserve0: fr(1_000_000 + n),
        reserve1: fr(2_000_000 + n),
        supply: fr(5000 + n),
    }
}

/// Trees with some accounts and pools, the others empty.
pub fn trees(account_depth: u8, pool_depth: u8, accounts: u32, pools: u32) -> Roots<Tree> {
    let leaves = (0..accounts).map(|i| account(i).leaf_hash());
    let account = Tree::from_leaves(account_depth, Account::EMPTY.leaf_hash(), leaves);
    let leaves = (0..pools).map(|i| pool(i).contents().leaf_hash());
    Roots { account, pool: Tree::from_leaves(pool_depth, Pool::EMPTY.leaf_hash(), leaves) }
}

/// Executes slots; leaves from `accounts` and `pools` on are empty.
pub fn execute(trees: Roots<Tree>, (accounts, pools): (u32, u32), ops: &[Op]) -> Small {
    let (mut account_log, mut pool_log) = (Log::default(), Log::default());
    let mut slots = Vec::new();
    for (time, op) in (1..).zip(ops) {
        slots.push(match *op {
            Op::Account(index, added) => {
                let load = || if index < accounts { account(index) } else { Account::EMPTY.leaf_elements() };
                let seen = account_log.access(index, time, load, |had| after_account(had, fr(added), true)).unwrap();
                let access = Access { index: index.into(), gap: seen.gap.into(), active: true, read: seen.read };
                Slot::Account { access, added: fr(added) }
            }
            Op::Pool(index, added) => {
                let load = || if index < pools { pool(index) } else { PoolRead::default() };
                let write = |had: &PoolRead| PoolRead { reserve0: had.reserve0 + fr(added), ..*had };
                let seen = pool_log.access(index, time, load, write).unwrap();
                let access = Access { index: index.into(), gap: seen.gap.into(), active: true, read: seen.read };
                Slot::Pool { access, added: fr(added) }
            }
            Op::NoAccount => Slot::Account { access: Access::padding([Fr::zero(); 8]), added: Fr::zero() },
            Op::NoPool => Slot::Pool { access: Access::padding(PoolRead::default()), added: Fr::zero() },
        });
    }
    let (accounts, pools) = (account_log.cells(), pool_log.cells());
    let hashes = |log: &Log<[Fr; 8]>| log.leaves().iter().map(|(i, leaf)| (*i, leaf.now.leaf_hash())).collect();
    let opened = touched(&trees.account, TreeKind::Account, &hashes(&account_log));
    let leaves: BTreeMap<u32, Fr> =
        pool_log.leaves().iter().map(|(i, leaf)| (*i, leaf.now.contents().leaf_hash())).collect();
    let opened_pools = touched(&trees.pool, TreeKind::Pool, &leaves);
    let state = StateWitness {
        pools_touched: !pools.is_empty(),
        accounts,
        pools,
        nodes: [opened.nodes, opened_pools.nodes].concat(),
        before: Roots { account: trees.account.root(), pool: trees.pool.root() },
        after: Roots { account: opened.root, pool: opened_pools.root },
    };
    let room = Room {
        account_depth: trees.account.depth(),
        pool_depth: trees.pool.depth(),
        time_bits: time_bits(ops.len() as u32),
        accounts: state.accounts.len(),
        pools: state.pools.len(),
        nodes: state.nodes.len(),
    };
    Small { room, slots, state, trees }
}

/// What an account's slot writes.
pub fn after_account(had: &[Fr; 8], added: Fr, active: bool) -> [Fr; 8] {
    let mut now = *had;
    now[2] += Fr::from(active);
    now[4] += added;
    now
}

impl Slot {
    /// What the statement has of it.
    fn elements(&self) -> [Fr; 3] {
        let form = |kind: u64, active: bool, index: Fr| fr(kind) + Fr::from(active) * fr(2) + index * fr(4);
        match self {
            Self::Account { access, added } => [form(0, access.active, access.index), *added, Fr::zero()],
            Self::Pool { access, added } => [form(1, access.active, access.index), *added, access.read.token0],
        }
    }

    pub fn account_access(&mut self) -> &mut Access<[Fr; 8]> {
        match self {
            Self::Account { access, .. } => access,
            Self::Pool { .. } => panic!("a pool's slot"),
        }
    }

    pub fn pool_access(&mut self) -> &mut Access<PoolRead> {
        match self {
            Self::Pool { access, .. } => access,
            Self::Account { .. } => panic!("an account's slot"),
        }
    }

    /// The records of its access: produced, consumed.
    fn records(&self, time: u64) -> Option<[Record; 2]> {
        let earlier = |gap: Fr| fr(time) - Fr::one() - gap;
        match self {
            Self::Account { access, added } => access.active.then(|| {
                let now = after_account(&access.read, *added, true);
                [now.record(access.index, fr(time)), access.read.record(access.index, earlier(access.gap))]
            }),
            Self::Pool { access, added } => access.active.then(|| {
                let had = access.read.contents();
                let now = PoolContents { reserve0: had.reserve0 + added, ..had };
                [now.record(access.index, fr(time)), had.record(access.index, earlier(access.gap))]
            }),
        }
    }
}

/// How the circuit is put together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Variant {
    /// An absorbed element that is forgotten, by its place.
    pub forgotten: Option<usize>,
    /// Nothing follows the absorption: the public input is the hash of what was absorbed and of the statement.
    pub without_balance: bool,
}

impl Small {
    /// With room for more cells and nodes than are touched.
    pub fn with_spare(mut self, accounts: usize, pools: usize, nodes: usize) -> Self {
        self.room.accounts = self.state.accounts.len() + accounts;
        self.room.pools = self.state.pools.len() + pools;
        self.room.nodes = self.state.nodes.len() + nodes;
        let room = self.room;
        self.state.fill(&room);
        self
    }

    pub fn statement(&self) -> Fr {
        let data = self.slots.iter().fold(Fr::zero(), |data, slot| {
            let [form, added, token] = slot.elements();
            hash(&[data, form, added, token])
        });
        let StateWitness { before, after, .. } = &self.state;
        let depths = fr(u64::from(self.room.account_depth) + 256 * u64::from(self.room.pool_depth));
        hash(&[before.account, before.pool, after.account, after.pool, data, depths])
    }

    /// The native rule: all records balance.
    pub fn balance(&self) -> Result<(), Unbalanced> {
        let (mut produced, mut consumed) = self.state.records(&self.room);
        for (time, slot) in (1..).zip(&self.slots) {
            if let Some([makes, takes]) = slot.records(time) {
                produced.push(makes);
                consumed.push(takes);
            }
        }
        balance(&produced, &consumed)
    }

    /// The circuit and its values for a public input.
    pub fn circuit(&self, mode: Mode, public: Fr, variant: Variant) -> Cs {
        self.run(mode, public, variant).0
    }

    /// The challenge of this batch.
    pub fn challenge(&self, variant: Variant) -> Challenge {
        self.run(Mode::Witness, self.statement(), variant).1.unwrap()
    }

    fn run(&self, mode: Mode, public: Fr, variant: Variant) -> (Cs, Option<Challenge>) {
        let mut cs = Cs::new(mode, public);
        let cs_ = &mut cs;
        let mut data = Num::zero();
        let mut absorbed = Absorbed::default();
        let mut accesses = Vec::new();
        for (i, slot) in self.slots.iter().enumerate() {
            cs_.enter(format!("slot {i}"));
            let when = When { time: i as u32 + 1, bits: self.room.time_bits };
            let access = match slot {
                Slot::Account { access, added } => account_slot(cs_, when, access, *added, &mut data),
                Slot::Pool { access, added } => pool_slot(cs_, when, access, *added, &mut data),
            };
            // What is added is in the statement.
            absorbed.packed(access.0.parts().iter().chain([&access.1]));
            access.0.absorb_read(&mut absorbed);
            accesses.push(access.0);
            cs_.leave();
        }
        let StateWitness { before, after, .. } = &self.state;
        let [before, after] = [before, after]
            .map(|roots| Roots { account: cs_.chosen("root", roots.account), pool: cs_.chosen("root", roots.pool) });
        let state = StateVar::new(cs_, &self.room, &self.state, [&before, &after]);
        state.absorb(&mut absorbed);
        let mut kept = Absorbed::default();
        for (_, element) in absorbed.elements().iter().enumerate().filter(|(i, _)| Some(*i) != variant.forgotten) {
            kept.element(element);
        }
        cs_.enter("statement");
        let depths = fr(u64::from(self.room.account_depth) + 256 * u64::from(self.room.pool_depth));
        let roots = [before.account, before.pool, after.account, after.pool];
        let inputs: Vec<Num> = roots.into_iter().chain([data, Num::constant(depths)]).collect();
        let statement = poseidon::hash(cs_, &inputs);
        cs_.leave();
        cs_.enter("transcript");
        let h = absorb(cs_, Role::Closed, &kept);
        let public = cs_.public();
        if variant.without_balance {
            let both = poseidon::hash(cs_, &[h, statement]);
            cs_.enforce_equal(STATEMENT, &both, &public);
            cs_.leave();
            return (cs, None);
        }
        cs_.enforce_equal(STATEMENT, &statement, &public);
        let challenge = ChallengeVar::closed(cs_, &h, &public);
        cs_.leave();
        cs_.enter("balance");
        let mut groups: Vec<_> = accesses.iter().map(|access| access.group(cs_, &challenge, &Num::zero())).collect();
        groups.extend(state.groups(cs_, &challenge));
        enforce_balance(cs_, &challenge, &groups);
        cs_.leave();
        let alpha = challenge.times(&mut cs, "alpha", 1, &Num::one()).value();
        (cs, Some(Challenge { alpha, gamma: challenge.gamma().value() }))
    }

    /// The system and the values of whoever wants this accepted.
    pub fn proven(&self) -> (System, Vec<Fr>) {
        self.circuit(Mode::Record, self.statement(), Variant::default()).into_parts()
    }

    /// The rules that are broken.
    pub fn broken(&self) -> BTreeSet<&'static str> {
        let (system, z) = self.proven();
        rules(&system, &z)
    }

    /// Asserts that these rules are broken and no other, natively as well if the records do not balance.
    #[track_caller]
    pub fn only(&self, expected: &[&'static str]) {
        let balances = !expected.contains(&tapstone_circuits::memory::record::constraints::BALANCE);
        assert_eq!(self.balance().is_ok(), balances, "natively: {:?}", self.balance());
        assert_eq!(self.broken(), expected.iter().copied().collect());
    }
}

pub fn rules(system: &System, z: &[Fr]) -> BTreeSet<&'static str> {
    system.violations(z, usize::MAX).into_iter().map(|v| v.rule).collect()
}

fn data(cs: &mut Cs, data: &mut Num, kind: u64, parts: [&Narrow; 2], added: &Num, token: &Num) {
    let [index, active] = parts;
    let form = Num::sum([&Num::from(kind), &active.num().scale(fr(2)), &index.num().scale(fr(4))]);
    *data = poseidon::hash(cs, &[data.clone(), form, added.clone(), token.clone()]);
}

fn account_slot(cs: &mut Cs, when: When, access: &Access<[Fr; 8]>, added: Fr, so_far: &mut Num) -> (AccessVar, Narrow) {
    let index = Narrow::chosen(cs, SLOT_INDEX, "index", access.index, ACCOUNT_INDEX_BITS);
    let active = Narrow::bit(cs, SLOT, "active", access.active);
    let added = cs.chosen("added", added);
    let read = access.read.map(|x| cs.chosen("read", x));
    let mut written: [Option<Num>; 8] = std::array::from_fn(|_| None);
    written[2] = Some(&read[2] + active.num());
    written[4] = Some(&read[4] + &added);
    data(cs, so_far, 0, [&index, &active], &added, &Num::zero());
    (AccessVar::account(cs, when, index, active.num(), access.gap, &read, written), active)
}

fn pool_slot(cs: &mut Cs, when: When, access: &Access<PoolRead>, added: Fr, so_far: &mut Num) -> (AccessVar, Narrow) {
    let index = Narrow::chosen(cs, SLOT_INDEX, "index", access.index, POOL_INDEX_BITS);
    let active = Narrow::bit(cs, SLOT, "active", access.active);
    let added = cs.chosen("added", added);
    let read = PoolReadVar::new(cs, &access.read);
    let had = read.contents();
    let written = PoolContentsVar { reserve0: &had.reserve0 + &added, ..had };
    cs.enforce_range(WRITTEN, &written.reserve0, 96);
    data(cs, so_far, 1, [&index, &active], &added, read.token0.num());
    (AccessVar::pool(cs, when, index, active.num(), access.gap, &read, &written), active)
}

/// A batch with accesses of both kinds, leaves that are accessed several times, and padding.
pub fn mixed() -> Small {
    let ops = [
        Op::Account(3, 5),
        Op::Pool(1, 7),
        Op::Account(60, 9),
        Op::Account(3, 11),
        Op::NoAccount,
        Op::Pool(1, 13),
        Op::NoPool,
        Op::Account(3, 1),
    ];
    execute(trees(2, 1, 20, 3), (20, 3), &ops).with_spare(1, 1, 2)
}
