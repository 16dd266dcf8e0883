//! Mutations: lies with a name on the witness of a batch, and random ones on single wires with everything that depends on them repaired.

use ark_bn254::Fr;
use ark_ff::{One, PrimeField};

use super::discrete::{Freedom, Search};
use super::follow::claimed;
use super::rows::Rows;
use super::worlds::{Audited, world};
use crate::amount::{Amount, TokenId};
use crate::circuit::assignment;
use crate::cs::Wire;
use crate::deposit::Destination;
use crate::pool::Direction;
use crate::testing::{SplitMix, World, public};
use crate::transaction::Transaction;
use crate::witness::{BatchWitness, PairWitness, RefundReason, SingleWitness, SlotWitness};

/// What a mutation changes.
#[derive(Clone, Copy)]
enum Change {
    /// A transaction after it was signed, for the circuit and for the ledger.
    Transaction(fn(&mut Transaction)),
    /// What the prover says of the state or of the outcome; the ledger has no such input.
    Witness(fn(&mut BatchWitness)),
}

use Change::{Transaction as Tx, Witness};

fn raise(amount: &mut Amount) {
    *amount = Amount::new(amount.get() ^ 1).unwrap_or(*amount);
}

fn other(token: &mut TokenId) {
    *token = TokenId::new(token.get() ^ 1).unwrap_or(*token);
}

fn singles(witness: &mut BatchWitness) -> impl Iterator<Item = &mut SingleWitness> {
    witness.slots.iter_mut().filter_map(|slot| match slot {
        SlotWitness::Single(single) if single.tx.is_some() => Some(single),
        _ => None,
    })
}

fn pairs(witness: &mut BatchWitness) -> impl Iterator<Item = &mut PairWitness> {
    witness.slots.iter_mut().filter_map(|slot| match slot {
        SlotWitness::Pair(pair) if pair.tx.is_some() => Some(pair),
        _ => None,
    })
}

const MIXED: &str = "swap with a fee, transfer, transfer to a new account";
const CREATE: &str = "pool made, account made by a deposit";
const ADD: &str = "liquidity added where side 0 binds";
const REMOVE: &str = "liquidity removed, bundled with a transfer";
const LEAVE: &str = "withdrawals bundled";
const KEY: &str = "key changed";
const DEPOSITS: &str = "deposit to a known token and to a new one";
const REFUND: &str = "refund: overflow";

/// The mutations: name, batch, change.
const MUTATIONS: [(&str, &str, Change); 43] = [
    ("the fee is changed after signing", MIXED, Tx(|tx| tx.signed_mut().into_iter().for_each(|s| raise(&mut s.fee)))),
    (
        "the fee's token is changed after signing",
        MIXED,
        Tx(|tx| tx.signed_mut().into_iter().for_each(|s| other(&mut s.fee_token))),
    ),
    ("the expiry is changed after signing", MIXED, Tx(|tx| tx.signed_mut().into_iter().for_each(|s| s.expiry = 1000))),
    ("a nonce is replayed", MIXED, Tx(|tx| tx.signed_mut().into_iter().for_each(|s| s.nonce = s.nonce.wrapping_sub(1)))),
    (
        "the amount is changed after signing",
        MIXED,
        Tx(|tx| match tx {
            Transaction::Swap { amount_in: amount, .. }
            | Transaction::Transfer { amount, .. }
            | Transaction::TransferNew { amount, .. } => raise(amount),
            _ => {}
        }),
    ),
    (
        "the token is changed after signing",
        MIXED,
        Tx(|tx| match tx {
            Transaction::Transfer { token, .. } | Transaction::TransferNew { token, .. } => other(token),
            _ => {}
        }),
    ),
    (
        "another account is credited",
        MIXED,
        Tx(|tx| {
            if let Transaction::Transfer { to, .. } = tx {
                *to = 2
            }
        }),
    ),
    (
        "another key gets the new account",
        MIXED,
        Tx(|tx| {
            if let Transaction::TransferNew { to_key, .. } = tx {
                *to_key = public(77).point()
            }
        }),
    ),
    (
        "the direction is changed after signing",
        MIXED,
        Tx(|tx| {
            if let Transaction::Swap { direction, .. } = tx {
                *direction = Direction::OneForZero
            }
        }),
    ),
    (
        "the least output is changed after signing",
        MIXED,
        Tx(|tx| {
            if let Transaction::Swap { min_out, .. } = tx {
                raise(min_out)
            }
        }),
    ),
    (
        "a pool's first amount is changed after signing",
        CREATE,
        Tx(|tx| {
            if let Transaction::CreatePool { amount0, .. } = tx {
                raise(amount0)
            }
        }),
    ),
    (
        "a pool's fee is changed after signing",
        CREATE,
        Tx(|tx| {
            if let Transaction::CreatePool { fee_bp, .. } = tx {
                *fee_bp += 1
            }
        }),
    ),
    (
        "a pool's tokens are changed after signing",
        CREATE,
        Tx(|tx| {
            if let Transaction::CreatePool { token1, .. } = tx {
                *token1 = TokenId::new(7).unwrap_or(*token1)
            }
        }),
    ),
    (
        "the greatest addition is changed after signing",
        ADD,
        Tx(|tx| {
            if let Transaction::AddLiquidity { max0, .. } = tx {
                raise(max0)
            }
        }),
    ),
    (
        "the least shares are changed after signing",
        ADD,
        Tx(|tx| {
            if let Transaction::AddLiquidity { min_shares, .. } = tx {
                raise(min_shares)
            }
        }),
    ),
    (
        "the shares are changed after signing",
        REMOVE,
        Tx(|tx| {
            if let Transaction::RemoveLiquidity { shares, .. } = tx {
                raise(shares)
            }
        }),
    ),
    (
        "the least removal is changed after signing",
        REMOVE,
        Tx(|tx| {
            if let Transaction::RemoveLiquidity { min1, .. } = tx {
                raise(min1)
            }
        }),
    ),
    (
        "another destination",
        LEAVE,
        Tx(|tx| {
            if let Transaction::Withdraw { destination, .. } = tx {
                *destination = Destination([7; 32])
            }
        }),
    ),
    ("a member leaves its bundle", LEAVE, Tx(|tx| tx.signed_mut().into_iter().for_each(|s| s.message = None))),
    (
        "another new key",
        KEY,
        Tx(|tx| {
            if let Transaction::ChangeKey { key, .. } = tx {
                *key = public(78).point()
            }
        }),
    ),
    ("a gap is another", MIXED, Witness(|w| pairs(w).for_each(|p| p.recipient.gap += Fr::one()))),
    ("the operator reads what was before the batch", MIXED, Witness(|w| w.operator_access.gap += Fr::one())),
    ("a cell's last time is another", MIXED, Witness(|w| w.state.accounts[0].last += Fr::one())),
    ("a cell is left out", MIXED, Witness(|w| w.state.accounts[0].used = false)),
    ("a cell ends with more than was written", MIXED, Witness(|w| w.state.accounts[0].after[4] += Fr::one())),
    ("two children are swapped", MIXED, Witness(|w| w.state.nodes[0].before.swap(1, 2))),
    ("a node touches another child", MIXED, Witness(|w| w.state.nodes[0].touched.rotate_left(1))),
    ("a node is another", MIXED, Witness(|w| w.state.nodes[0].id += Fr::one())),
    ("a node is left out", MIXED, Witness(|w| w.state.nodes[0].used = false)),
    ("the tree of pools is not touched", MIXED, Witness(|w| w.state.pools_touched = false)),
    (
        "a leaf is stale",
        MIXED,
        Witness(|w| pairs(w).take(1).for_each(|p| p.sender.before.nonce = p.sender.before.nonce.wrapping_sub(1))),
    ),
    ("a balance is invented", MIXED, Witness(|w| singles(w).for_each(|s| s.account.before.balances[0] += 1))),
    ("the paid account is another", MIXED, Witness(|w| pairs(w).take(1).for_each(|p| p.recipient.index ^= 1))),
    ("a pool's reserves are invented", MIXED, Witness(|w| singles(w).for_each(|s| s.pool.read.reserve1 += Fr::one()))),
    ("a pool is another", MIXED, Witness(|w| singles(w).for_each(|s| s.pool.index += Fr::one()))),
    ("a pool's cell starts with more", MIXED, Witness(|w| w.state.pools[0].before.reserve0 += Fr::one())),
    ("fee tokens stand twice", MIXED, Witness(|w| w.fee_tokens.fill(1))),
    ("fees go to another operator", MIXED, Witness(|w| w.operator ^= 1)),
    ("another chain", MIXED, Witness(|w| w.chain_id += 1)),
    ("a counter is ahead", MIXED, Witness(|w| w.pre.next_account += 1)),
    (
        "a deposit is refunded without a reason",
        DEPOSITS,
        Witness(|w| singles(w).for_each(|s| s.refund = Some(RefundReason::Overflow))),
    ),
    (
        "a deposit is said to name no account",
        DEPOSITS,
        Witness(|w| singles(w).for_each(|s| s.refund = Some(RefundReason::AccountMissing))),
    ),
    ("a deposit that overflows is credited", REFUND, Witness(|w| singles(w).for_each(|s| s.refund = None))),
];

/// What became of the mutations with a name.
#[derive(Debug, Default)]
pub struct Mutated {
    /// How many were tried, circuit and ledger counted apart.
    pub tried: usize,
    /// Names of those that the circuit accepts.
    pub accepted: Vec<&'static str>,
    /// Names of those that the ledger accepts.
    pub executed: Vec<&'static str>,
}

/// Tries the mutations with a name against circuit and ledger. The rows must be all there.
pub fn named(rows: &Rows<'_>, base: &World, batches: &[Audited]) -> Mutated {
    let mut done = Mutated::default();
    for (name, of, change) in MUTATIONS {
        let Some(batch) = batches.iter().find(|batch| batch.name == of) else { continue };
        let mut witness = batch.witness.clone();
        match change {
            Change::Witness(change) => change(&mut witness),
            Change::Transaction(change) => {
                for slot in &mut witness.slots {
                    let tx = match slot {
                        SlotWitness::Pair(pair) => &mut pair.tx,
                        SlotWitness::Single(single) => &mut single.tx,
                    };
                    tx.iter_mut().for_each(change);
                }
            }
        }
        let z = assignment(Fr::from(0u64), &witness);
        // The challenge hangs on the statement that the liar claims.
        let z = assignment(claimed(rows.system(), &z), &witness);
        // For some lies to the ledger the circuit has no wire: it takes nonces and recipients from the leaves.
        let tells = z[..] != batch.whole[..];
        done.tried += usize::from(tells);
        if witness == batch.witness || (tells && rows.system().violations(&z, 1).is_empty()) {
            done.accepted.push(name);
        }
        if let Change::Transaction(change) = change
            && let Ok(mut world) = world(base, of)
        {
            done.tried += 1;
            world.open.iter_mut().for_each(change);
            if world.apply().is_ok() {
                done.executed.push(name);
            }
        }
    }
    done
}

/// Tries random values on one or two random computed wires, with everything repaired that depends on them.
pub fn random(search: &Search<'_, '_>, rows: &Rows<'_>, z: &mut [Fr], seed: u64, tries: usize, found: &mut Freedom) {
    let mut rng = SplitMix::new(seed);
    let computed: Vec<Wire> = rows.computed().skip(1).collect();
    let value = |had: Fr, rng: &mut SplitMix| match rng.below(4) {
        0 => had + Fr::one(),
        1 => -had,
        2 => Fr::from(rng.below(4)),
        _ => {
            let bytes: Vec<u8> = (0..4).flat_map(|_| rng.next_u64().to_le_bytes()).collect();
            Fr::from_le_bytes_mod_order(&bytes)
        }
    };
    for _ in 0..tries {
        let first = rng.below(computed.len() as u64) as usize;
        let mut lies = vec![(computed[first], value(z[computed[first] as usize], &mut rng))];
        if rng.below(2) == 0 {
            // Neighbours belong together more often than strangers.
            let second = (first + 1 + rng.below(8) as usize).min(computed.len() - 1);
            if second != first {
                lies.push((computed[second], value(z[computed[second] as usize], &mut rng)));
            }
        }
        search.attempt(z, &lies, found);
    }
}
