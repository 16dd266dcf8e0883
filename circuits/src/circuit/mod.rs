//! The batch circuit: what PROTOCOL.md sections 4 to 8 say, as rank-1 constraints over one public input.
//!
//! ```text
//! state.rs    roots and counters before and after, statement, public input
//! pair.rs     a slot for two accounts: transfer, transfer_new
//! single.rs   a slot for one account and perhaps a pool: every other kind
//! fields.rs   the kinds and fields of a single slot
//! amm.rs      the arithmetic of a single slot's pool
//! deposits.rs the deposit queue, and the reasons of refunds
//! withdrawals.rs what leaves for Bitcoin
//! pools.rs    the pools that a batch touches, held in wires between one read and one write of the tree
//! fees.rs     the fee tokens of a batch, their totals, and the operator's credit
//! closed.rs   a batch whose state is memory: cells, nodes and accesses in place of paths
//! small.rs    gadgets of these on their own, for numbers of few bits
//! signed.rs   what every signed transaction shares: expiry, fee, nonce, bundle, signature
//! ```
//!
//! A slot is active or padding. A padding slot accesses leaf 0 and writes back what it read; every effect is multiplied by a
//! flag of a kind, and no kind is set. Fields that the kind does not use are forced to zero.
//!
//! The public input is the hash of the statement; everything that must be bound hangs on it: both roots, the data hash (hence every
//! transaction's kind, accounts, tokens, amounts), the deposit head, the withdrawals root.

mod amm;
pub mod closed;
mod deposits;
pub(crate) mod fees;
mod fields;
pub(crate) mod pair;
pub(crate) mod pools;
mod signed;
mod single;
pub(crate) mod small;
mod state;
mod withdrawals;

use ark_bn254::Fr;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::SynthesisError;
use rayon::prelude::*;
use tapstone_verifier::poseidon::hash;

use crate::account::Account;
use crate::cs::{Cs, Mode, Num, System};
use crate::pool::Pool;
use crate::shape::{Shape, SlotKind};
use crate::witness::{BatchWitness, LeafAccess, PairWitness, PoolAccess, SingleWitness, SlotWitness, StateSummary};

use fees::Fees;
use pools::Pools;
use signed::Bundle;
use state::State;
use withdrawals::Withdrawals;

/// How many bits the circuit gives to what it packs into elements.
pub mod bits {
    pub use super::amm::LIMB_BITS as LIMB;
    pub use super::deposits::VOUT_BITS as VOUT;
    pub use super::fields::INDEX_BITS as INDEX;
    pub use super::pools::{FEE_BITS as POOL_FEE, ORDINARY_BITS as ORDINARY};
    pub use super::signed::BATCH_BITS as BATCH;
    pub use super::state::{CHAIN_BITS as CHAIN, COUNTER_BITS as COUNTER};
    pub use crate::account::constraints::{
        AMOUNT_BITS as AMOUNT, NONCE_BITS as NONCE, SPACING_BITS as SPACING, TOKEN_BITS as TOKEN,
    };
}

/// Everything that slots read and write, as wires.
struct Batch {
    chain_id: Num,
    number: Num,
    state: State,
    data: Num,
    pools: Pools,
    fees: Fees,
    withdrawals: Withdrawals,
    bundle: Bundle,
}

/// Runs the circuit's code on a witness.
///
/// The rows written depend on the shape alone. A witness that does not come from the ledger may leave rows unsatisfied; nothing
/// is checked here.
pub fn synthesise(mode: Mode, public_input: Fr, witness: &BatchWitness) -> Cs {
    run(Cs::new(mode, public_input), witness)
}

/// As [`synthesise`] in [`Mode::Record`], with a fault: the range with this number has one bit more than it should have.
pub fn dangerous_synthesise_widened(public_input: Fr, witness: &BatchWitness, range: usize) -> Cs {
    run(Cs::dangerous_widened(public_input, range), witness)
}

fn run(mut cs: Cs, witness: &BatchWitness) -> Cs {
    cs.enter("batch");
    let mut batch = state::begin(&mut cs, witness, None);
    cs.leave();
    slots(&mut cs, &mut batch, witness);
    cs.enter("end of batch");
    state::end(&mut cs, batch, witness);
    cs.leave();
    cs
}

fn slots(cs: &mut Cs, batch: &mut Batch, witness: &BatchWitness) {
    for (i, slot) in witness.slots.iter().enumerate() {
        match slot {
            SlotWitness::Pair(pair) => {
                cs.enter(slot_name(i, "pair", pair.tx.is_some().then_some(pair.position)));
                pair::synthesise(cs, batch, pair);
            }
            SlotWitness::Single(single) => {
                cs.enter(slot_name(i, "single", single.tx.is_some().then_some(single.position)));
                single::synthesise(cs, batch, single);
            }
        }
        cs.leave();
    }
}

fn slot_name(slot: usize, kind: &str, transaction: Option<usize>) -> String {
    match transaction {
        Some(position) => format!("slot {slot} ({kind}, transaction {position})"),
        None => format!("slot {slot} ({kind}, padding)"),
    }
}

/// The values of all wires for a witness; the same as recording, without the rows. Runs on all threads.
pub fn assignment(public_input: Fr, witness: &BatchWitness) -> Vec<Fr> {
    let cs = run(Cs::values_apart(public_input, roots_after(witness)), witness);
    // A witness that no ledger made has roots of its own: in order, each comes out as it comes out.
    cs.into_values_together().unwrap_or_else(|| synthesise(Mode::Witness, public_input, witness).into_values())
}

/// The account tree's root after each access, in order: where the next access finds its path, and in the end the batch's own.
fn roots_after(witness: &BatchWitness) -> Vec<Fr> {
    let slots = witness.slots.iter().flat_map(|slot| match slot {
        SlotWitness::Pair(pair) => vec![&pair.sender, &pair.recipient],
        SlotWitness::Single(single) => vec![&single.account],
    });
    let accesses: Vec<&LeafAccess> = slots.chain([&witness.operator_access]).skip(1).collect();
    let root = |access: &&LeafAccess| access.children.last().map_or_else(Fr::default, |top| hash(top));
    accesses.par_iter().map(root).chain([witness.post.account_root]).collect()
}

/// The circuit of a shape: its matrices, made once.
#[derive(Debug)]
pub struct BatchCircuit {
    shape: Shape,
    system: System,
}

impl BatchCircuit {
    /// Records the circuit of `shape`.
    pub fn new(shape: &Shape) -> Self {
        // Any witness of the shape writes the same rows, even one that satisfies none.
        let witness = blank(shape);
        let (system, _) = synthesise(Mode::Record, Fr::from(0u64), &witness).into_parts();
        Self { shape: shape.clone(), system }
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Matrices and names of the rows.
    pub fn system(&self) -> &System {
        &self.system
    }
}

/// A witness of the right shape and no meaning.
pub(crate) fn blank(shape: &Shape) -> BatchWitness {
    let zero = Fr::from(0u64);
    let path = |depth: u8| vec![[zero; 8]; usize::from(depth)];
    let leaf = || LeafAccess { index: 0, before: Account::EMPTY, children: path(shape.account_depth) };
    let summary = StateSummary {
        account_root: zero,
        pool_root: zero,
        deposit_head: zero,
        next_account: 0,
        next_pool: 0,
        deposit_count: 0,
        batch_number: 0,
    };
    let slots = shape.slots.iter().map(|kind| match kind {
        SlotKind::Pair => SlotWitness::Pair(PairWitness { tx: None, position: 0, sender: leaf(), recipient: leaf() }),
        SlotKind::Single => SlotWitness::Single(SingleWitness { tx: None, position: 0, account: leaf(), refund: None }),
    });
    let pool = PoolAccess { index: 0, before: Pool::EMPTY, children: path(shape.pool_depth) };
    BatchWitness {
        shape: shape.clone(),
        chain_id: 0,
        batch_number: 1,
        operator: 0,
        pre: summary,
        post: summary,
        slots: slots.collect(),
        pools: vec![pool; shape.pools],
        fee_tokens: vec![0; shape.fee_tokens],
        operator_access: leaf(),
    }
}

impl BatchCircuit {
    /// Enforces the batch circuit within a larger circuit of arkworks, over a public input that the larger circuit has.
    ///
    /// `assignment` is that of [`assignment`] for the same public input; `None` where only the constraints matter.
    ///
    /// # Errors
    /// As [`System::enforce`].
    pub fn enforce(&self, public_input: &FpVar<Fr>, assignment: Option<&[Fr]>) -> Result<(), SynthesisError> {
        self.system.enforce(public_input, assignment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    fn in_order(public: Fr, witness: &BatchWitness) -> Vec<Fr> {
        synthesise(Mode::Witness, public, witness).into_values()
    }

    /// Together or in order, the values are the same; and where a witness denies what the paths imply, they are computed in order.
    #[test]
    fn values_do_not_depend_on_how_they_are_computed() {
        let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
        let executed = world.transfer(0, 1, 1, 5).withdraw(1, 1, 5).apply().unwrap();
        let public = executed.statement().public_input().into();
        let witness = executed.witness;
        let together =
            |witness: &BatchWitness| run(Cs::values_apart(public, roots_after(witness)), witness).into_values_together();
        let values = in_order(public, &witness);
        assert_eq!(together(&witness), Some(values.clone()));
        assert_eq!(assignment(public, &witness), values);

        type Change = fn(&mut BatchWitness);
        let changes: [Change; 3] = [
            |w| w.post.account_root += Fr::from(1u64),
            |w| w.operator_access.children[1][0] += Fr::from(1u64),
            |w| {
                if let SlotWitness::Pair(pair) = &mut w.slots[1] {
                    pair.recipient.before.nonce += 1;
                }
            },
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut forged = witness.clone();
            change(&mut forged);
            assert_eq!(together(&forged), None, "change {i}");
            assert_eq!(assignment(public, &forged), in_order(public, &forged), "change {i}");
        }
    }
}
