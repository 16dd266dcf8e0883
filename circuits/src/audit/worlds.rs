//! The audited assignments: honest batches of every kind, and of every branch that the circuit takes by value.

use ark_bn254::Fr;
use thiserror::Error;

use crate::account::Account;
use crate::amount::{Amount, TokenId};
use crate::circuit::{assignment, before_the_challenge};
use crate::cs::{Mode, System};
use crate::data::INDEX_LIMIT;
use crate::ledger::BatchError;
use crate::pool::Direction;
use crate::shape::{Shape, SlotKind};
use crate::testing::{World, low_order_key};
use crate::transaction::Transaction;
use crate::witness::{BatchWitness, SlotWitness};

/// A batch that the ledger executed, and the values of all wires.
#[derive(Clone, Debug)]
pub struct Audited {
    /// What the batch shows.
    pub name: &'static str,
    /// The witness.
    pub witness: BatchWitness,
    /// The wires of the circuit.
    pub whole: Vec<Fr>,
    /// The wires of the rows before the challenge ([`before_the_challenge`]).
    pub z: Vec<Fr>,
}

impl Audited {
    /// A witness, over the public inputs that whoever wants it accepted would claim.
    pub fn of(name: &'static str, witness: BatchWitness, public: Fr) -> Self {
        let whole = assignment(public, &witness);
        let z = bound_wires(&witness, None);
        Self { name, witness, whole, z }
    }
}

/// The rows before the challenge of a shape.
pub fn before(shape: &Shape) -> System {
    before_the_challenge(Mode::Record, &BatchWitness::blank(shape), None).into_parts().0
}

/// The wires of the rows before the challenge, with an absorbed element left out if one is named.
pub fn bound_wires(witness: &BatchWitness, forgotten: Option<usize>) -> Vec<Fr> {
    before_the_challenge(Mode::Witness, witness, forgotten).into_values()
}

/// Reads that no state has, of a batch's witness: one token in two slots, the native one among the others, a balance without a token, balances and reserves of any size.
pub fn forged(witness: &BatchWitness) -> Vec<BatchWitness> {
    let changes: [fn(&mut Account); 4] = [
        |account| (account.tokens[4], account.balances[5]) = (2, 1000),
        |account| (account.tokens[2], account.balances[3]) = (TokenId::NATIVE.get(), 1000),
        |account| (account.tokens[2], account.balances[3]) = (0, 1000),
        |account| account.balances = [1 << 95; 8],
    ];
    let any = |i: u64| Fr::from(i) * Fr::from(u64::MAX) * Fr::from(u64::MAX) * Fr::from(u64::MAX - i);
    changes
        .into_iter()
        .map(|change| {
            let mut witness = witness.clone();
            for slot in &mut witness.slots {
                match slot {
                    SlotWitness::Pair(pair) => {
                        for access in [&mut pair.sender, &mut pair.recipient] {
                            // A new account's leaf is looked at.
                            if access.before.key.is_some() {
                                change(&mut access.before);
                            }
                        }
                    }
                    SlotWitness::Single(single) => {
                        if single.account.before.key.is_some() {
                            change(&mut single.account.before);
                        }
                        // Where nothing is computed from them these may be anything.
                        if !single.pool.active {
                            (single.pool.read.reserve1, single.pool.read.supply) = (any(3), any(5));
                        }
                    }
                }
            }
            change(&mut witness.operator_access.before);
            witness.state.accounts.reverse();
            witness.state.pools.reverse();
            witness.state.nodes.reverse();
            witness
        })
        .collect()
}

/// The ledger refuses a batch of the list: a fault of the list.
#[derive(Debug, Error)]
#[error("the audited batch {name:?} is refused: {source}")]
pub struct WorldError {
    /// The batch.
    pub name: &'static str,
    /// What the ledger says.
    pub source: Box<BatchError>,
}

type Build = fn(&mut World);

/// What the names of batches begin with that use every slot.
pub const FULL: &str = "all slots";

/// The batches by name; the second part prepares the state, the third is the batch.
pub const BATCHES: [(&str, &[Build], Build); 30] = [
    ("padding alone", &[], |_| {}),
    ("swap with a fee, transfer, transfer to a new account", &[], |w| {
        w.with_fee(1, 7).swap(0, 0, Direction::ZeroForOne, 1000).transfer(0, 1, 1, 100).transfer_new(1, 2, 50);
    }),
    ("swap in the other direction", &[], |w| {
        w.with_fee(3, 7).swap(1, 0, Direction::OneForZero, 1000);
    }),
    ("first use of a slot by a swap", &[token_2_only], |w| {
        w.swap(3, 0, Direction::OneForZero, 1000);
    }),
    ("swap of a whole balance", &[], |w| {
        w.swap(1, 0, Direction::OneForZero, 20_000_000);
    }),
    ("pool made, account made by a deposit", &[], |w| {
        w.with_fee(3, 7).create_pool(0, (2, 3), 30, (5000, 6000)).deposit_new(2, 9);
    }),
    ("pool of the widest amounts", &[rich], |w| {
        w.create_pool(1, (4, 5), 9999, (Amount::MAX.get(), Amount::MAX.get() - 1));
    }),
    ("liquidity added where side 0 binds", &[], |w| {
        w.add_liquidity(0, 0, (1000, 2000)).transfer(0, 1, 2, 5);
    }),
    ("liquidity added where side 1 binds", &[], |w| {
        w.with_fee(2, 1).add_liquidity(0, 0, (1000, 1400));
    }),
    ("liquidity added by another account", &[], |w| {
        w.add_liquidity(1, 0, (20_000, 30_000));
    }),
    ("liquidity removed, bundled with a transfer", &[], |w| {
        w.remove_liquidity(0, 0, 1000).transfer(1, 0, 1, 5).bundle_from(0);
    }),
    ("all liquidity removed", &[], |w| {
        let shares = crate::amount::TokenId::lp(0);
        let held = shares.zip(w.ledger.account(0)).map_or(0, |(shares, account)| account.balance(shares));
        w.remove_liquidity(0, 0, held);
    }),
    ("withdrawals bundled", &[], |w| {
        w.withdraw(0, 1, 5).withdraw(1, 2, 9).bundle_from(0);
    }),
    ("whole balance withdrawn: a slot is freed", &[], |w| {
        w.withdraw(1, 3, 30_000_000);
    }),
    ("whole balance of the native token transferred", &[], |w| {
        w.transfer(1, 0, 1, 10_000_000);
    }),
    ("transfer opens a slot", &[token_9], |w| {
        w.with_fee(9, 1).transfer(0, 1, 9, 5);
    }),
    ("key changed", &[], |w| {
        w.change_key(1, 99).deposit(1, 9, 5);
    }),
    ("deposit to a known token and to a new one", &[], |w| {
        w.deposit(1, 1, 5).deposit(0, 77, 5);
    }),
    ("refund: no such account", &[], |w| {
        w.deposit(50, 1, 5);
    }),
    ("refund: account outside the tree", &[], |w| {
        w.deposit(INDEX_LIMIT - 1, 1, 5);
    }),
    ("refund: overflow", &[], |w| {
        w.deposit(1, 1, Amount::MAX.get());
    }),
    ("refund: no slot", &[crowd], |w| {
        w.deposit(1, 60, 5);
    }),
    ("refund: bad key", &[], |w| {
        w.deposit_new(1, 5);
        if let Some(Transaction::DepositNew { key, .. }) = w.open.last_mut() {
            *key = low_order_key(9);
        }
    }),
    ("all slots: deposits and transfers", &[], |w| {
        w.with_fee(1, 3).deposit(1, 1, 5).transfer(0, 1, 1, 5).deposit_new(2, 9).transfer_new(0, 2, 5);
    }),
    ("all slots: withdrawal, change of key, transfers", &[], |w| {
        w.with_fee(2, 3).withdraw(0, 2, 7).transfer_new(1, 3, 5).change_key(0, 99).transfer(1, 2, 1, 5);
    }),
    ("all slots: a refund and a bundle over slots", &[], |w| {
        w.deposit(50, 1, 5).transfer(0, 1, 2, 5).withdraw(1, 1, 6).bundle_from(1).transfer(1, 0, 2, 5);
    }),
    ("all slots: swap, transfer, creation, transfer", &[], |w| {
        w.with_fee(1, 3).swap(1, 0, Direction::ZeroForOne, 999).transfer(0, 1, 3, 5);
        w.create_pool(0, (2, 3), 30, (5000, 6000)).transfer(1, 2, 2, 5);
    }),
    ("all slots: liquidity added and removed", &[], |w| {
        w.add_liquidity(0, 0, (1000, 2000)).transfer(0, 1, 1, 5).remove_liquidity(0, 0, 1000).transfer_new(1, 2, 5);
    }),
    ("refunds: no slot, no account", &[crowd], |w| {
        w.deposit(1, 60, 5).transfer(0, 2, 1, 5).deposit(1, 61, 5);
    }),
    ("expiry", &[], |w| {
        let chain = w.ledger.chain_id();
        let number = w.ledger.batch_number();
        w.transfer(0, 1, 2, 100);
        if let Some(tx) = w.open.last_mut() {
            if let Some(signed) = tx.signed_mut() {
                signed.expiry = number + 1;
            }
            // A signature that happens not to exist leaves the old one, and the ledger says so.
            let _ = tx.sign(&crate::testing::secret(0), chain);
        }
    }),
];

/// Account 3 holds token 2 alone.
fn token_2_only(w: &mut World) {
    w.deposit_new(2, 1_000_000);
}

fn rich(w: &mut World) {
    w.deposit(1, 4, Amount::MAX.get()).deposit(1, 5, Amount::MAX.get());
}

fn token_9(w: &mut World) {
    w.deposit(0, 9, 1000);
}

/// Strangers fill account 1 as far as they can.
fn crowd(w: &mut World) {
    w.deposit(1, 40, 1).deposit(1, 41, 1);
}

/// A state for batches of a shape: three accounts, a pool; account 2 takes the fees. `None` if the shape has no single slots to make one.
pub fn base(shape: &Shape) -> Option<World> {
    if shape.count(SlotKind::Single) == 0 || shape.pools == 0 {
        return None;
    }
    let mut world = World::populated(shape.clone(), 3);
    world.operator = 2;
    Some(world)
}

/// The world of a batch of the list, with the batch open.
///
/// # Errors
/// [`WorldError`] if the ledger refuses what prepares it.
pub fn world(base: &World, name: &'static str) -> Result<World, WorldError> {
    let mut world = base.clone();
    if let Some((_, before, build)) = BATCHES.iter().find(|(had, ..)| *had == name) {
        for prepare in *before {
            prepare(&mut world);
            world.apply().map_err(|source| WorldError { name, source: Box::new(source) })?;
        }
        build(&mut world);
    }
    Ok(world)
}

/// Executes a batch of the list and computes its wires.
///
/// # Errors
/// [`WorldError`] if the ledger refuses it.
pub fn audited(base: &World, name: &'static str) -> Result<Audited, WorldError> {
    let mut world = world(base, name)?;
    let executed = world.apply().map_err(|source| WorldError { name, source: Box::new(source) })?;
    let public = executed.statement().public_input().into();
    Ok(Audited::of(name, executed.witness, public))
}
