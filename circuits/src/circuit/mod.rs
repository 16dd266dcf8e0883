//! The batch circuit: what PROTOCOL.md sections 4 to 8 say, as rank-1 constraints over one public input.
//!
//! ```text
//! state.rs    counters and roots before and after, accesses to leaves, statement, public input
//! part.rs     the parts of an open batch: segments of slots, and parts of the state
//! pair.rs     a slot for two accounts: transfer, transfer_new
//! single.rs   a slot for one account and perhaps a pool: every other kind
//! fields.rs   the kinds and fields of a single slot
//! pools.rs    a pool as a slot reads it
//! amm.rs      the arithmetic of a single slot's pool
//! deposits.rs the deposit queue, and the reasons of refunds
//! withdrawals.rs what leaves for Bitcoin
//! fees.rs     the fee tokens of a batch, their totals, and the operator's credit
//! signed.rs   what every signed transaction shares: expiry, fee, nonce, bundle, signature
//! small.rs    gadgets of these on their own, for numbers of few bits
//! ```
//!
//! Leaves are memory (MEMORY.md): a slot makes accesses, each of which reads what an earlier one wrote or what stood there before the batch; at the end
//! come the leaves that were touched, before and after, and the nodes above them. All of it is absorbed, the challenge is a hash of that and of the public
//! input, and under it records balance.
//!
//! A slot is active or padding. Padding accesses nothing; every effect is multiplied by a flag of a kind, and no kind is set. Fields that the kind
//! does not use are forced to zero.
//!
//! The public input is the hash of the statement; everything that must be bound hangs on it: both roots, the data hash (hence every
//! transaction's kind, accounts, tokens, amounts), the deposit head, the withdrawals root.

mod amm;
mod deposits;
pub(crate) mod fees;
mod fields;
pub(crate) mod pair;
pub mod part;
pub(crate) mod pools;
mod signed;
mod single;
pub(crate) mod small;
mod state;
mod withdrawals;

use ark_bn254::Fr;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::SynthesisError;

use crate::cs::{Cs, Mode, Num, System, poseidon};
use crate::memory::access::constraints::AccessVar;
use crate::memory::constraints::{Roots, StateVar};
use crate::memory::record::constraints::{Group, enforce_balance};
use crate::memory::transcript::Role;
use crate::memory::transcript::constraints::{ChallengeVar, absorb};
use crate::shape::Shape;
use crate::witness::{BatchWitness, SlotWitness};

use fees::Fees;
use signed::Bundle;
use state::{Memory, STATEMENT, State};
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
    let Opened { statement, memory: Memory { accesses, absorbed, .. }, state } = open(&mut cs, witness);
    cs.enter("transcript");
    let public = cs.public();
    cs.enforce_equal(STATEMENT, &statement, &public);
    let h = absorb(&mut cs, Role::Closed, &absorbed);
    let challenge = ChallengeVar::closed(&mut cs, &h, &public);
    cs.leave();
    cs.enter("balance");
    let mut groups: Vec<Group> = cs.side_by_side(&accesses, |cs, _, access| access.group(cs, &challenge, &Num::zero()));
    groups.extend(state.groups(&mut cs, &challenge));
    enforce_balance(&mut cs, &challenge, &groups);
    cs.leave();
    cs
}

/// What a copy of a written element is for, in [`before_the_challenge`].
const COPY: &str = "what is written is looked at";

/// The rows before the challenge, over a public input that is the hash of what was absorbed and of the statement: what the audit has to show that it binds
/// everything. With `forgotten` an absorbed element is left out, by its place; none if there are fewer.
pub fn before_the_challenge(mode: Mode, witness: &BatchWitness, forgotten: Option<usize>) -> Cs {
    let mut cs = Cs::new(mode, Fr::from(0u64));
    let Opened { statement, memory, .. } = open(&mut cs, witness);
    let absorbed = memory.absorbed.without(forgotten);
    // What is written is computed: a wire of its own shows whether it is bound.
    for written in memory.accesses.iter().flat_map(AccessVar::written) {
        let copy = cs.chosen("written", written.value());
        cs.enforce_equal(COPY, &copy, written);
    }
    let h = absorb(&mut cs, Role::Closed, &absorbed);
    let both = poseidon::hash(&mut cs, &[h, statement]);
    let public = cs.public();
    cs.set_input(&public, both.value());
    cs.enforce_equal(STATEMENT, &both, &public);
    cs
}

/// Everything that comes before the challenge.
struct Opened {
    statement: Num,
    memory: Memory,
    state: StateVar,
}

fn open(cs: &mut Cs, witness: &BatchWitness) -> Opened {
    cs.enter("batch");
    let (mut batch, ends, operator) = state::begin(cs, witness);
    let fee_tokens = batch.fees.tokens();
    batch.state.memory.absorbed.packed(&fee_tokens);
    cs.leave();
    slots(cs, &mut batch, &witness.slots);
    cs.enter("end of batch");
    state::credit_operator(cs, &mut batch, &operator, &witness.operator_access);
    let state_after = witness.state.after;
    let after =
        Roots { account: cs.chosen("account root", state_after.account), pool: cs.chosen("pool root", state_after.pool) };
    let state = StateVar::new(cs, &witness.shape.room(), &witness.state, [&ends.before, &after]);
    let (statement, mut memory) = state::end(cs, batch, ends, &after);
    state.absorb(&mut memory.absorbed);
    cs.leave();
    Opened { statement, memory, state }
}

fn slots(cs: &mut Cs, batch: &mut Batch, slots: &[SlotWitness]) {
    for (i, slot) in slots.iter().enumerate() {
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
    run(Cs::values_apart(&[public_input]), witness).into_values_together()
}

/// What fixes a circuit: the shape of a batch, or of a part of one.
pub trait CircuitShape: Clone + PartialEq + std::fmt::Debug + Send + Sync {
    /// How many public inputs the circuit has.
    const INPUTS: usize;

    /// The shape's name.
    fn name(&self) -> &str;

    /// The recorded circuit. Any witness of the shape writes the same rows, even one that satisfies none.
    fn record(&self) -> System;

    /// The hash of the matrices, if the shape is registered.
    fn registered_matrices(&self) -> Option<[u8; 32]>;
}

impl CircuitShape for Shape {
    const INPUTS: usize = 1;

    fn name(&self) -> &str {
        &self.name
    }

    fn record(&self) -> System {
        synthesise(Mode::Record, Fr::from(0u64), &BatchWitness::blank(self)).into_parts().0
    }

    fn registered_matrices(&self) -> Option<[u8; 32]> {
        self.registered_matrices()
    }
}

/// The circuit of a shape: its matrices, made once.
#[derive(Debug)]
pub struct Circuit<S> {
    shape: S,
    system: System,
}

/// The circuit of a closed batch.
pub type BatchCircuit = Circuit<Shape>;

impl<S: CircuitShape> Circuit<S> {
    /// Records the circuit of `shape`.
    pub fn new(shape: &S) -> Self {
        Self { shape: shape.clone(), system: shape.record() }
    }

    /// The shape.
    pub fn shape(&self) -> &S {
        &self.shape
    }

    /// Matrices and names of the rows.
    pub fn system(&self) -> &System {
        &self.system
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
        self.system.enforce(std::slice::from_ref(public_input), assignment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    /// Together or in order, the values are the same, of a witness from the ledger or from a forger.
    #[test]
    fn values_do_not_depend_on_how_they_are_computed() {
        let mut world = World::populated(Shape::registered("tiny").unwrap(), 3);
        let executed = world.transfer(0, 1, 1, 5).withdraw(1, 1, 5).apply().unwrap();
        let public = executed.statement().public_input().into();
        type Change = fn(&mut BatchWitness);
        let changes: [Change; 5] = [
            |_| (),
            |w| w.state.after.account += Fr::from(1u64),
            |w| w.state.nodes[1].before[0] += Fr::from(1u64),
            |w| w.state.accounts[0].after[3] += Fr::from(1u64),
            |w| {
                if let SlotWitness::Pair(pair) = &mut w.slots[1] {
                    pair.recipient.before.nonce += 1;
                }
            },
        ];
        for (i, change) in changes.into_iter().enumerate() {
            let mut forged = executed.witness.clone();
            change(&mut forged);
            let in_order = synthesise(Mode::Witness, public, &forged).into_values();
            assert_eq!(assignment(public, &forged), in_order, "change {i}");
        }
    }
}
