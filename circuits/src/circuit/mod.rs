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
use ark_r1cs_std::GR1CSVar;
use ark_r1cs_std::alloc::AllocVar;
use ark_r1cs_std::fields::fp::FpVar;
use ark_relations::gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, LinearCombination, SynthesisError, Variable};

use crate::account::Account;
use crate::cs::{Cs, INSTANCE_WIRES, Mode, Num, System};
use crate::pool::Pool;
use crate::shape::{Shape, SlotKind};
use crate::witness::{BatchWitness, LeafAccess, PairWitness, PoolAccess, SingleWitness, SlotWitness, StateSummary};

use fees::Fees;
use pools::Pools;
use signed::Bundle;
use state::State;
use withdrawals::Withdrawals;

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
    let mut cs = Cs::new(mode, public_input);
    cs.enter("batch");
    let mut batch = state::begin(&mut cs, witness);
    cs.leave();
    for (i, slot) in witness.slots.iter().enumerate() {
        match slot {
            SlotWitness::Pair(pair) => {
                cs.enter(slot_name(i, "pair", pair.tx.is_some().then_some(pair.position)));
                pair::synthesise(&mut cs, &mut batch, pair);
            }
            SlotWitness::Single(single) => {
                cs.enter(slot_name(i, "single", single.tx.is_some().then_some(single.position)));
                single::synthesise(&mut cs, &mut batch, single);
            }
        }
        cs.leave();
    }
    cs.enter("end of batch");
    state::end(&mut cs, batch, witness);
    cs.leave();
    cs
}

fn slot_name(slot: usize, kind: &str, transaction: Option<usize>) -> String {
    match transaction {
        Some(position) => format!("slot {slot} ({kind}, transaction {position})"),
        None => format!("slot {slot} ({kind}, padding)"),
    }
}

/// The values of all wires for a witness; the same as recording, without the rows.
pub fn assignment(public_input: Fr, witness: &BatchWitness) -> Vec<Fr> {
    synthesise(Mode::Witness, public_input, witness).into_values()
}

/// The circuit of a shape: its matrices, made once, and what `ark-groth16` needs to make a key from them.
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
    /// [`SynthesisError::Unsatisfiable`] if the assignment has another number of wires, [`SynthesisError::MissingCS`] if the public input is a
    /// constant and so belongs to no circuit, and what arkworks returns.
    pub fn enforce(&self, public_input: &FpVar<Fr>, assignment: Option<&[Fr]>) -> Result<(), SynthesisError> {
        if assignment.is_some_and(|values| values.len() != self.system.wires) {
            return Err(SynthesisError::Unsatisfiable);
        }
        let FpVar::Var(public) = public_input else { return Err(SynthesisError::MissingCS) };
        let cs = public_input.cs();
        let mut wires = Vec::with_capacity(self.system.wires - INSTANCE_WIRES);
        for wire in INSTANCE_WIRES..self.system.wires {
            let value = || assignment.map(|values| values[wire]).ok_or(SynthesisError::AssignmentMissing);
            wires.push(cs.new_witness_variable(value)?);
        }
        let matrices = &self.system.matrices;
        let side = |side: usize, row: usize| {
            let variable = |wire: usize| match wire {
                0 => Variable::One,
                w if w < INSTANCE_WIRES => public.variable,
                w => wires[w - INSTANCE_WIRES],
            };
            LinearCombination(matrices.row(side, row).into_iter().map(|(c, wire)| (c, variable(wire))).collect())
        };
        for row in 0..matrices.rows() {
            cs.enforce_r1cs_constraint(|| side(0, row), || side(1, row), || side(2, row))?;
        }
        Ok(())
    }
}

impl ConstraintSynthesizer<Fr> for &BatchCircuit {
    /// The batch circuit on its own, for key generation: the assignment is not given.
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let public = FpVar::new_input(cs, || Err::<Fr, _>(SynthesisError::AssignmentMissing))?;
        self.enforce(&public, None)
    }
}
