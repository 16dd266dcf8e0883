//! The parts of an open batch: a segment has slots, a state part has cells and nodes (MEMORY.md, section 12).
//!
//! Parts share a challenge, which their verifier makes of what all of them absorbed: here it is a public input, and so is the part's share of the balance. What
//! goes from segment to segment stands in registers, public before and after.
//!
//! Of its public inputs a part shows nothing but what it computes. That the others are in their ranges (numbers, fee tokens in order, `last` a boolean, registers),
//! the verifier sees to before it looks at any proof; a segment whose inputs break them says nothing.

use ark_bn254::Fr;
use tapstone_verifier::open::{REGISTERS, RegisterInputs, SEGMENT_INPUTS, STATE_INPUTS, SegmentInputs, StateInputs};

use super::fees::Fees;
use super::signed::Bundle;
use super::state::{Memory, Operator, State, credit_operator, data_start};
use super::withdrawals::Withdrawals;
use super::{Batch, COPY, CircuitShape, slots};
use crate::cs::{Cs, Mode, Num, System};
use crate::memory::TIME_BITS;
use crate::memory::access::ACCOUNT_INDEX_BITS;
use crate::memory::access::constraints::AccessVar;
use crate::memory::constraints::{Openings, TouchedVar};
use crate::memory::record::constraints::{Fingerprint, Group, contributions};
use crate::memory::transcript::Role;
use crate::memory::transcript::constraints::{Absorbed, ChallengeVar, Narrow, absorb};
use crate::shape::{SegmentShape, StateShape};
use crate::witness::{SegmentWitness, StatePartWitness};

/// What a part absorbed is what its public input says.
pub const ABSORBED: &str = "the hash of what is absorbed is the public one";
/// What a part adds to the balance is what its public input says.
pub const SHARE: &str = "the part's share of the balance is the public one";
/// A segment's accounts are those of a tree that is as large as the public input says: which deposits have an account depends on it.
pub const CAPACITY: &str = "the account tree is the one that the segment is for";
/// A segment's data and withdrawals are what its public inputs say.
pub const OUTPUT: &str = "data and withdrawals of the segment are the public ones";
/// The registers after a segment are what its public inputs say.
pub const REGISTER: &str = "the registers after the segment are the public ones";

/// A part, of either role: what its circuit is given.
pub trait Part: Sync {
    /// Whose transcript it is.
    const ROLE: Role;
    /// How many public inputs it has.
    const INPUTS: usize;
    /// What its records are made of.
    type Records;

    /// All rows before the challenge.
    #[doc(hidden)]
    fn open(&self, cs: &mut Cs) -> OpenPart<Self::Records>;

    /// What accesses write, where it is not what they read.
    #[doc(hidden)]
    fn written(records: &Self::Records) -> impl Iterator<Item = &Num>;

    /// The records.
    #[doc(hidden)]
    fn groups(records: &Self::Records, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group>;
}

/// What stands before the challenge.
#[doc(hidden)]
pub struct OpenPart<R> {
    absorbed: Absorbed,
    records: R,
    /// What the public inputs say of the challenge, and of what depends on it.
    claimed: StateInputs<Num>,
}

/// The accesses of a segment, and the last time before them.
#[doc(hidden)]
pub struct SegmentRecords {
    accesses: Vec<AccessVar>,
    time: Num,
}

fn inputs<const N: usize>(cs: &Cs) -> [Num; N] {
    let inputs = cs.inputs();
    inputs.try_into().unwrap_or_else(|inputs: Vec<Num>| panic!("a part with {N} public inputs was given {}", inputs.len()))
}

impl Part for SegmentWitness {
    const ROLE: Role = Role::Segment;
    const INPUTS: usize = SEGMENT_INPUTS;
    type Records = SegmentRecords;

    fn open(&self, cs: &mut Cs) -> OpenPart<SegmentRecords> {
        let inputs = SegmentInputs::from_array(inputs::<SEGMENT_INPUTS>(cs));
        let SegmentInputs { chain_id, batch_number, operator, capacity, last, alpha, gamma, before, after, .. } = &inputs;
        cs.enter("segment");
        cs.enforce_equal(CAPACITY, capacity, &Num::one().shift(3 * usize::from(self.shape.account_depth)));
        let state = State {
            deposit_head: before.deposit_head.clone(),
            next_account: before.next_account.clone(),
            next_pool: before.next_pool.clone(),
            deposit_count: before.deposit_count.clone(),
            account_depth: self.shape.account_depth,
            memory: Memory::new(TIME_BITS),
        };
        let mut batch = Batch {
            chain_id: chain_id.clone(),
            number: batch_number.clone(),
            state,
            data: data_start(cs, operator),
            fees: Fees::going_on(&inputs.fee_tokens, &before.fees),
            withdrawals: Withdrawals::after(cs, chain_id, batch_number, before.withdrawals.clone()),
            bundle: Bundle::none(),
        };
        cs.leave();
        slots(cs, &mut batch, &self.slots);
        cs.enter("end of segment");
        let index = Narrow::shown_elsewhere(operator.clone(), ACCOUNT_INDEX_BITS);
        credit_operator(cs, &mut batch, &Operator { index, acts: last.clone() }, &self.operator_access);
        let Batch { state, data, fees, withdrawals, .. } = batch;
        cs.enforce_equal(OUTPUT, &data, &inputs.data);
        cs.enforce_equal(OUTPUT, withdrawals.root(), &inputs.withdrawals);
        let mut totals = fees.totals().cloned();
        let span = Num::from(u64::from(self.shape.span()));
        let computed = RegisterInputs {
            withdrawals: withdrawals.count().clone(),
            deposit_head: state.deposit_head,
            next_account: state.next_account,
            next_pool: state.next_pool,
            deposit_count: state.deposit_count,
            time: &before.time + &span,
            fees: std::array::from_fn(|_| totals.next().unwrap_or_else(Num::zero)),
        };
        let computed: [Num; REGISTERS] = computed.into_array();
        for (computed, public) in computed.iter().zip(&after.clone().into_array()) {
            cs.enforce_equal(REGISTER, computed, public);
        }
        cs.leave();
        let Memory { accesses, absorbed, .. } = state.memory;
        let [alpha, gamma] = [alpha.clone(), gamma.clone()];
        let claimed = StateInputs { alpha, gamma, absorbed: inputs.absorbed.clone(), sum: inputs.sum.clone() };
        OpenPart { absorbed, records: SegmentRecords { accesses, time: before.time.clone() }, claimed }
    }

    fn written(records: &SegmentRecords) -> impl Iterator<Item = &Num> {
        records.accesses.iter().flat_map(AccessVar::written)
    }

    fn groups(records: &SegmentRecords, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group> {
        let base = Fingerprint::time(cs, challenge, &records.time);
        cs.side_by_side(&records.accesses, |cs, _, access| access.group(cs, challenge, &base))
    }
}

impl Part for StatePartWitness {
    const ROLE: Role = Role::State;
    const INPUTS: usize = STATE_INPUTS;
    type Records = TouchedVar;

    fn open(&self, cs: &mut Cs) -> OpenPart<TouchedVar> {
        let claimed = StateInputs::from_array(inputs::<STATE_INPUTS>(cs));
        let Self { accounts, pools, nodes } = self;
        let records = TouchedVar::new(cs, TIME_BITS, Openings { accounts, pools, nodes });
        let mut absorbed = Absorbed::default();
        records.absorb(&mut absorbed);
        OpenPart { absorbed, records, claimed }
    }

    fn written(_: &TouchedVar) -> impl Iterator<Item = &Num> {
        std::iter::empty()
    }

    fn groups(records: &TouchedVar, cs: &mut Cs, challenge: &ChallengeVar) -> Vec<Group> {
        records.groups(cs, challenge)
    }
}

fn run<P: Part>(mut cs: Cs, part: &P) -> (Cs, Num) {
    let OpenPart { absorbed, records, claimed } = part.open(&mut cs);
    cs.enter("transcript");
    let h = absorb(&mut cs, P::ROLE, &absorbed);
    cs.enforce_equal(ABSORBED, &h, &claimed.absorbed);
    let challenge = ChallengeVar::of(&mut cs, &claimed.alpha, claimed.gamma);
    cs.leave();
    cs.enter("balance");
    let groups = P::groups(&records, &mut cs, &challenge);
    let share = contributions(&mut cs, &challenge, &groups);
    cs.enforce_equal(SHARE, &share, &claimed.sum);
    cs.leave();
    (cs, share)
}

/// Runs a part's code on a witness, over public inputs. The rows depend on the shape alone; nothing is checked here.
///
/// # Panics
/// If the inputs are not as many as the part has.
pub fn synthesise<P: Part>(mode: Mode, inputs: &[Fr], part: &P) -> Cs {
    run(Cs::with_inputs(mode, inputs), part).0
}

/// The rows before the challenge, where a public input is the hash of what was absorbed: what the audit has to show that it binds everything. With
/// `forgotten` an absorbed element is left out, by its place.
///
/// # Panics
/// As [`synthesise`].
pub fn before_the_challenge<P: Part>(mode: Mode, inputs: &[Fr], part: &P, forgotten: Option<usize>) -> Cs {
    let mut cs = Cs::with_inputs(mode, inputs);
    let OpenPart { absorbed, records, claimed } = part.open(&mut cs);
    for written in P::written(&records) {
        let copy = cs.chosen("written", written.value());
        cs.enforce_equal(COPY, &copy, written);
    }
    let h = absorb(&mut cs, P::ROLE, &absorbed.without(forgotten));
    cs.set_input(&claimed.absorbed, h.value());
    cs.enforce_equal(ABSORBED, &h, &claimed.absorbed);
    cs
}

/// The values of all wires. Runs on all threads.
///
/// # Panics
/// As [`synthesise`].
pub fn assignment<P: Part>(inputs: &[Fr], part: &P) -> Vec<Fr> {
    run(Cs::values_apart(inputs), part).0.into_values_together()
}

/// What the records of a part add to the balance under the challenge among its public inputs, of which the share itself may be anything.
///
/// # Panics
/// As [`synthesise`].
pub fn share<P: Part>(inputs: &[Fr], part: &P) -> Fr {
    run(Cs::values_apart(inputs), part).1.value()
}

/// The hash of what a part absorbs: all that its challenge needs of it. `inputs` are its public inputs, of which those that depend on the challenge, on the
/// hash or on outputs may be anything.
///
/// # Panics
/// As [`synthesise`].
pub fn absorbed<P: Part>(inputs: &[Fr], part: &P) -> Fr {
    let mut cs = Cs::values_apart(inputs);
    let all = part.open(&mut cs).absorbed;
    let elements: Vec<Fr> = all.elements().iter().map(Num::value).collect();
    crate::memory::transcript::absorb(P::ROLE, &elements)
}

impl CircuitShape for SegmentShape {
    const INPUTS: usize = SEGMENT_INPUTS;

    fn name(&self) -> &str {
        &self.name
    }

    fn record(&self) -> System {
        record(&SegmentWitness::blank(self))
    }

    fn registered_matrices(&self) -> Option<[u8; 32]> {
        self.registered_circuit().map(|(_, hash)| hash)
    }
}

impl CircuitShape for StateShape {
    const INPUTS: usize = STATE_INPUTS;

    fn name(&self) -> &str {
        &self.name
    }

    fn record(&self) -> System {
        record(&StatePartWitness::blank(self))
    }

    fn registered_matrices(&self) -> Option<[u8; 32]> {
        self.registered_circuit().map(|(_, hash)| hash)
    }
}

fn record<P: Part>(blank: &P) -> System {
    synthesise(Mode::Record, &vec![Fr::from(0u64); P::INPUTS], blank).into_parts().0
}
