//! Execution of one open batch: segments of slots, and parts of the state (MEMORY.md, section 12).

use std::collections::BTreeMap;

use ark_bn254::Fr;
use rayon::prelude::*;
use tapstone_verifier::exit::StateFields;
use tapstone_verifier::layout::segments_root;
use tapstone_verifier::open::{Challenge, FEE_TOKENS, KeySet, OpenBatch, Registers, Segment, StatePart};
use tapstone_verifier::{Element, Statement, VkId};

use super::accesses::Accesses;
use super::execute::{Closed, Run, filled_up};
use super::journal::TokenFlow;
use super::{BatchError, Changes, Ledger};
use crate::amount::{Amount, TokenId};
use crate::circuit::part;
use crate::data::{Published, data_hash};
use crate::field::tag;
use crate::memory::constraints::StateWitness;
use crate::plan::segments::{PlannedSegment, split_open};
use crate::shape::{PartShapes, SegmentShape, ShapeError, StateShape};
use crate::transaction::Transaction;
use crate::withdrawal::Withdrawal;
use crate::witness::{LeafAccess, SegmentWitness, SlotWitness, StatePartWitness, StateSummary};

/// The keys of parts of these shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartIds {
    /// For each shape of segments.
    pub segments: Vec<VkId>,
    /// For state parts with cells.
    pub cells: VkId,
    /// For state parts with nodes alone.
    pub nodes: VkId,
}

/// What fixes the circuit of a part: which shape of those that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartShape {
    /// A segment, and which of the shapes.
    Segment(usize),
    /// A state part with cells.
    Cells,
    /// A state part with nodes alone.
    Nodes,
}

/// A segment of a batch that was applied.
#[derive(Clone, Debug)]
pub struct ExecutedSegment {
    /// Which of the shapes it has.
    pub shape: usize,
    /// What its circuit is given.
    pub witness: SegmentWitness,
    /// Its transactions, as they are published.
    pub published: Vec<Published>,
    /// The hash of its published data.
    pub data: Fr,
    /// The root of its withdrawals.
    pub withdrawals: Fr,
    /// The registers after it.
    pub after: Registers,
}

/// An open batch that was applied: what to prove, what to claim, what to publish.
#[derive(Clone, Debug)]
pub struct ExecutedOpen {
    /// The segments, in order.
    pub segments: Vec<ExecutedSegment>,
    /// What the circuits of the state parts are given.
    pub states: Vec<StatePartWitness>,
    /// How many of these, the first ones, have cells.
    pub with_cells: usize,
    /// The chain.
    pub chain_id: u32,
    /// Depths of the trees of accounts and pools.
    pub depths: (u8, u8),
    /// The account that takes the fees.
    pub operator: u32,
    /// The tokens of fees, filled up with the lowest other ids.
    pub fee_tokens: [u32; FEE_TOKENS],
    /// Whether a pool is touched.
    pub pools_touched: bool,
    /// The state before.
    pub pre: StateSummary,
    /// The state after.
    pub post: StateSummary,
    /// The withdrawals, by position.
    pub withdrawals: Vec<Withdrawal>,
    /// What the batch changed in the state.
    pub changes: Changes,
    /// What the batch did to each token that it moved, by token.
    pub flows: Vec<TokenFlow>,
}

impl Ledger {
    /// Applies an open batch of `transactions` in segments of a shape, its fees to account `operator`.
    ///
    /// # Errors
    /// [`BatchError`], and the ledger is as it was.
    pub fn execute_open(
        &mut self,
        shapes: &PartShapes,
        operator: u32,
        transactions: &[Transaction],
    ) -> Result<ExecutedOpen, BatchError> {
        let (accounts, pools) = (self.account_depth(), self.pool_depth());
        // Once the batch is executed nothing can fail any more.
        shapes.check(transactions.iter().any(Transaction::uses_pool))?;
        for shape in &shapes.segments {
            if shape.account_depth != accounts {
                return Err(BatchError::Depths { shape: (shape.account_depth, pools), ledger: (accounts, pools) });
            }
        }
        let first = shapes.segments.first().ok_or(ShapeError::NoSlots)?;
        let mut batches = split_open(&shapes.segments, transactions)?.into_iter();
        // A batch without transactions has one segment.
        let empty = || vec![PlannedSegment { shape: 0, slots: vec![None; first.slots.len()] }];
        let segments = batches.next().unwrap_or_else(empty);
        if batches.next().is_some() {
            let fit = segments.iter().flat_map(|segment| &segment.slots).flatten().count();
            return Err(BatchError::TooMany { fit, had: transactions.len() });
        }
        self.all_or_nothing(operator, |run| run.open_batch(shapes, segments, transactions))
    }
}

/// A segment before the fee tokens of the batch are known.
struct Done {
    shape: usize,
    slots: Vec<SlotWitness>,
    published: Vec<Published>,
    withdrawals: Fr,
    count: u32,
    state: StateSummary,
    fees: BTreeMap<TokenId, Amount>,
}

impl Run<'_> {
    fn open_batch(
        &mut self,
        shapes: &PartShapes,
        plan: Vec<PlannedSegment>,
        transactions: &[Transaction],
    ) -> Result<ExecutedOpen, BatchError> {
        let batch_number = self.next_batch_number()?;
        let pre = self.ledger.summary();
        let outcome: Result<Vec<Done>, BatchError> =
            plan.into_iter().map(|planned| self.segment(&shapes.segments, planned, transactions)).collect();
        // Whatever went wrong, a signature that is wrong stands before it.
        self.check_signatures(transactions)?;
        let mut done = outcome?;
        let Closed { mut operator_access, flows, opened, changes } = self.close(batch_number)?;
        let last = done.len() - 1;
        let mut idle = LeafAccess::none(0);
        let mut log = Accesses::new(self.ledger, &self.pool_changes);
        for (number, segment) in done.iter_mut().enumerate() {
            let acts = number == last;
            log.slots(&mut segment.slots, if acts { &mut operator_access } else { &mut idle }, acts);
        }
        let StateWitness { accounts, pools, nodes, pools_touched, .. } = log.state(&opened, &pre);
        let (states, with_cells) = state_parts(shapes, StatePartWitness { accounts, pools, nodes });

        let used = self.fees.keys().map(|token| token.get());
        let fillers = filled_up(used, 1, FEE_TOKENS);
        let fee_tokens: [u32; FEE_TOKENS] = std::array::from_fn(|i| fillers.get(i).copied().unwrap_or_default());
        let (mut time, operator) = (0, self.operator);
        let executed = |(number, done): (usize, Done)| {
            let Done { shape, slots, published, withdrawals, count, state, fees } = done;
            let shape_of = &shapes.segments[shape];
            time += shape_of.span();
            let total = |token: &u32| fees.iter().find(|(had, _)| had.get() == *token).map_or(0, |(_, total)| total.get());
            let after = Registers {
                withdrawals: count,
                deposit_head: state.deposit_head.into(),
                next_account: state.next_account,
                next_pool: state.next_pool,
                deposit_count: state.deposit_count,
                time,
                fees: std::array::from_fn(|i| total(&fee_tokens[i])),
            };
            let operator_access = if number == last { operator_access.clone() } else { idle.clone() };
            let witness = SegmentWitness { shape: shape_of.clone(), slots, operator_access };
            ExecutedSegment { shape, witness, data: data_hash(operator, &published), published, withdrawals, after }
        };
        let segments = done.into_iter().enumerate().map(executed).collect();
        let (withdrawals, _) = self.take_withdrawals();
        Ok(ExecutedOpen {
            segments,
            states,
            with_cells,
            chain_id: self.ledger.chain_id,
            depths: (self.ledger.account_depth(), self.ledger.pool_depth()),
            operator,
            fee_tokens,
            pools_touched,
            pre,
            post: self.ledger.summary(),
            withdrawals,
            changes,
            flows,
        })
    }

    fn segment(
        &mut self,
        shapes: &[SegmentShape],
        PlannedSegment { shape, slots }: PlannedSegment,
        transactions: &[Transaction],
    ) -> Result<Done, BatchError> {
        let (slots, published) = self.slots(&shapes[shape].slots, slots, transactions)?;
        let (withdrawals, count) = (self.chain.root(), self.chain.count());
        self.chain.next_segment(self.ledger.chain_id, self.number());
        Ok(Done { shape, slots, published, withdrawals, count, state: self.ledger.summary(), fees: self.fees.clone() })
    }
}

/// Cells and nodes in parts: those with cells first, as many as hold all cells, which take nodes as far as they have room; then those that hold the rest of the nodes.
/// Each takes the next ones, the last of each shape is filled up. Gives how many have cells. The shapes were checked: where something is needed there is room for it.
fn state_parts(shapes: &PartShapes, all: StatePartWitness) -> (Vec<StatePartWitness>, usize) {
    let StatePartWitness { accounts, pools, nodes } = all;
    let (cells, rest) = (&shapes.cells, &shapes.nodes);
    let parts = |needed: usize, room: usize| needed.div_ceil(room.max(1));
    let with_cells = parts(accounts.len(), cells.accounts).max(parts(pools.len(), cells.pools));
    let left = nodes.len().saturating_sub(with_cells * cells.nodes);
    let others = parts(left, rest.nodes);
    let (mut accounts, mut pools, mut nodes) = (accounts.into_iter(), pools.into_iter(), nodes.into_iter());
    let shapes = std::iter::repeat_n(cells, with_cells).chain(std::iter::repeat_n(rest, others));
    let part = |shape: &StateShape| {
        let mut part = StatePartWitness {
            accounts: accounts.by_ref().take(shape.accounts).collect(),
            pools: pools.by_ref().take(shape.pools).collect(),
            nodes: nodes.by_ref().take(shape.nodes).collect(),
        };
        part.fill(shape);
        part
    };
    (shapes.map(part).collect(), with_cells)
}

impl ExecutedOpen {
    /// The number of the batch.
    pub fn batch_number(&self) -> u64 {
        self.post.batch_number
    }

    /// What the batch claims as a whole.
    pub fn statement(&self) -> Statement {
        let Self { chain_id, depths: (accounts, pools), pre, post, .. } = self;
        let root = |tag, of: fn(&ExecutedSegment) -> Fr| {
            let roots: Vec<Fr> = self.segments.iter().map(of).collect();
            segments_root(tag, &roots).into()
        };
        Statement {
            chain_id: *chain_id,
            batch_number: self.batch_number(),
            pre_state_root: pre.root(*chain_id, *accounts, *pools).into(),
            post_state_root: post.root(*chain_id, *accounts, *pools).into(),
            data_hash: root(tag::DATA_SEGMENTS, |segment| segment.data),
            deposit_head: post.deposit_head.into(),
            withdrawals_root: root(tag::WITHDRAWAL_SEGMENTS, |segment| segment.withdrawals),
        }
    }

    /// The claim before anything is absorbed: hashes and shares are 0.
    fn outline(&self, keys: &PartIds) -> OpenBatch {
        let Self { chain_id, depths: (account_depth, pool_depth), pre, post, .. } = self;
        let (absorbed, sum) = (Element::ZERO, Element::ZERO);
        let segment = |part: &ExecutedSegment| Segment {
            key: keys.segments[part.shape],
            absorbed,
            data: part.data.into(),
            withdrawals: part.withdrawals.into(),
            after: part.after,
            sum,
        };
        let state = |number: usize| {
            let key = if number < self.with_cells { keys.cells } else { keys.nodes };
            StatePart { key, absorbed, sum }
        };
        OpenBatch {
            statement: self.statement(),
            before: StateFields {
                chain_id: *chain_id,
                batch_number: pre.batch_number,
                account_depth: *account_depth,
                pool_depth: *pool_depth,
                next_account: pre.next_account,
                next_pool: pre.next_pool,
                deposit_count: pre.deposit_count,
                account_root: pre.account_root.into(),
                pool_root: pre.pool_root.into(),
                deposit_head: pre.deposit_head.into(),
            },
            after: [post.account_root.into(), post.pool_root.into()],
            operator: self.operator,
            fee_tokens: self.fee_tokens,
            pools_touched: self.pools_touched,
            segments: self.segments.iter().map(segment).collect(),
            states: (0..self.states.len()).map(state).collect(),
        }
    }

    /// The claim with its challenge: absorbs all parts, derives the challenge, and computes each part's share of the balance. `parts` are the keys of the
    /// shapes that the batch was executed for, all of the set.
    ///
    /// # Panics
    /// If a shape of a segment has no key.
    pub fn claim(&self, keys: &KeySet, parts: &PartIds) -> (OpenBatch, Challenge) {
        let mut claim = self.outline(parts);
        // What is absorbed depends on no challenge.
        let none = Challenge { alpha: Element::ZERO, gamma: Element::ZERO };
        let absorbed = self.each(&claim, &none, part::absorbed, part::absorbed);
        absorbed.into_iter().enumerate().for_each(|(part, absorbed)| *claim.absorbed_mut(part) = absorbed.into());
        let challenge = claim.challenge(keys);
        let shares = self.each(&claim, &challenge, part::share, part::share);
        shares.into_iter().enumerate().for_each(|(part, share)| *claim.sum_mut(part) = share.into());
        (claim, challenge)
    }

    /// The shape of a part, by its number, segments first.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn part_shape(&self, number: usize) -> PartShape {
        match number.checked_sub(self.segments.len()) {
            None => PartShape::Segment(self.segments[number].shape),
            Some(state) if state < self.with_cells => PartShape::Cells,
            Some(_) => PartShape::Nodes,
        }
    }

    /// The values of all wires of a part, by its number, segments first; `inputs` are its public ones.
    ///
    /// # Panics
    /// If there is no such part, or the inputs are not as many as it has.
    pub fn assignment(&self, number: usize, inputs: &[Element]) -> Vec<Fr> {
        let inputs = elements(inputs);
        match number.checked_sub(self.segments.len()) {
            None => part::assignment(&inputs, &self.segments[number].witness),
            Some(number) => part::assignment(&inputs, &self.states[number]),
        }
    }

    /// Something of each part.
    fn each<T: Send>(
        &self,
        claim: &OpenBatch,
        challenge: &Challenge,
        segment: impl Fn(&[Fr], &SegmentWitness) -> T + Sync,
        state: impl Fn(&[Fr], &StatePartWitness) -> T + Sync,
    ) -> Vec<T> {
        let one = |number: usize| {
            let inputs = elements(&claim.part_inputs(number, challenge));
            match number.checked_sub(self.segments.len()) {
                None => segment(&inputs, &self.segments[number].witness),
                Some(number) => state(&inputs, &self.states[number]),
            }
        };
        (0..claim.parts()).into_par_iter().map(one).collect()
    }
}

fn elements(inputs: &[Element]) -> Vec<Fr> {
    inputs.iter().map(|element| (*element).into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::cell::{Cell, PoolContents};
    use crate::memory::node::Node;
    use ark_ff::Zero;

    #[test]
    fn nothing_is_lost_between_parts() {
        let shape = |accounts, pools, nodes| StateShape { name: "s".into(), accounts, pools, nodes };
        let shapes = PartShapes { name: "s".into(), segments: Vec::new(), cells: shape(2, 1, 1), nodes: shape(0, 0, 3) };
        let parts = |shapes: &PartShapes, accounts: usize, pools: usize, nodes: usize| {
            let cell = |i: usize| Cell { index: Fr::from(i as u64), used: true, ..Cell::padding([Fr::zero(); 8]) };
            let pool = |i: usize| Cell { index: Fr::from(i as u64), used: true, ..Cell::padding(PoolContents::default()) };
            let node = |i: usize| Node { id: Fr::from(i as u64), used: true, ..Node::padding() };
            let (accounts, pools) = ((0..accounts).map(cell).collect(), (0..pools).map(pool).collect());
            state_parts(shapes, StatePartWitness { accounts, pools, nodes: (0..nodes).map(node).collect() })
        };
        for (accounts, pools, nodes, expected) in
            [(1, 0, 1, (1, 1)), (2, 1, 4, (2, 1)), (3, 0, 3, (3, 2)), (1, 0, 10, (4, 1)), (1, 3, 1, (3, 3))]
        {
            let (parts, with_cells) = parts(&shapes, accounts, pools, nodes);
            assert_eq!((parts.len(), with_cells), expected);
            let used = |f: fn(&StatePartWitness) -> usize| parts.iter().map(f).sum::<usize>();
            assert_eq!(used(|part| part.accounts.iter().filter(|cell| cell.used).count()), accounts);
            assert_eq!(used(|part| part.pools.iter().filter(|cell| cell.used).count()), pools);
            assert_eq!(used(|part| part.nodes.iter().filter(|node| node.used).count()), nodes);
            for (number, part) in parts.iter().enumerate() {
                let room = (part.accounts.len(), part.pools.len(), part.nodes.len());
                assert_eq!(room, if number < with_cells { (2, 1, 1) } else { (0, 0, 3) });
            }
        }
    }
}
