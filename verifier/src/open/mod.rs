//! Batches of many parts: what they claim, and what is checked of it before any proof (MEMORY.md, section 12).
//!
//! A closed batch is one proof. An open one is proven in parts, each an ordinary Groth16 proof: *segments* of slots and *state parts* of the leaves that the batch
//! touches and the nodes above them. What ties them is checked here, natively:
//!
//! - registers (counters, deposit queue, withdrawals, fees, times) go from segment to segment, from the state before to the state after;
//! - data and withdrawals of the segments make up those of the statement;
//! - all parts share one challenge, a hash of everything that any of them fixed before, and under it their shares of the balance add up to the roots' own.
//!
//! [`OpenBatch::check`] does all of that and gives each part's public inputs. *A batch is not proven until each part's proof is verified over these inputs, under the key
//! that the part names.* A subset of the parts says nothing.

mod encoding;
mod inputs;
mod keys;
mod registers;
mod verify;

pub use encoding::ProvenOpen;
pub use inputs::{FEE_TOKENS, REGISTERS, RegisterInputs, SEGMENT_INPUTS, STATE_INPUTS, SegmentInputs, StateInputs};
pub use keys::{KeySet, KeySetId, MAX_KEYS, Role};
pub use registers::{FEE_TOTAL_END, MAX_WITHDRAWALS, Registers};
pub use verify::{PartKeys, VerifiedOpen, verify_open, verify_part};

use crate::{
    error::OpenError,
    exit::StateFields,
    field::Element,
    hash::{tagged, tagged_stream},
    key::VkId,
    layout::{self, tag},
    statement::{BATCH_NUMBER_END, Statement},
};
use alloc::vec::Vec;
use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

/// The most parts of a batch.
pub const MAX_PARTS: usize = 1 << 16;
/// Account indices and token ids are below this.
const INDEX_END: u32 = 1 << 30;
/// The tag of the records of nodes (MEMORY.md, section 2).
const NODE_RECORD: u64 = 3;

/// A segment: some of a batch's slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Segment {
    /// The key of its circuit.
    pub key: VkId,
    /// The hash of what it absorbs.
    pub absorbed: Element,
    /// The hash of its published data.
    pub data: Element,
    /// The root of its withdrawals.
    pub withdrawals: Element,
    /// The registers after it.
    pub after: Registers,
    /// What its records add to the balance.
    pub sum: Element,
}

/// A part of what the batch changes in the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatePart {
    /// The key of its circuit.
    pub key: VkId,
    /// The hash of what it absorbs.
    pub absorbed: Element,
    /// What its records add to the balance.
    pub sum: Element,
}

/// What an open batch claims, without its proofs. Plain data: nothing is known of it until it is checked and every proof is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBatch {
    /// What the batch as a whole claims.
    pub statement: Statement,
    /// What the state root before the batch covers.
    pub before: StateFields,
    /// The roots of the trees of accounts and of pools after the batch.
    pub after: [Element; 2],
    /// The account that takes the fees.
    pub operator: u32,
    /// The tokens of fees, strictly increasing; those that no fee is paid in are any others.
    pub fee_tokens: [u32; FEE_TOKENS],
    /// Whether the batch touches a pool.
    pub pools_touched: bool,
    /// The segments, in the order of their transactions.
    pub segments: Vec<Segment>,
    /// The state parts.
    pub states: Vec<StatePart>,
}

/// The challenge that all parts of a batch share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The base of fingerprints.
    pub alpha: Element,
    /// What fingerprints are subtracted from.
    pub gamma: Element,
}

impl Challenge {
    /// `tagged("Tapstone/alpha/v1", rho)` and `tagged("Tapstone/gamma/v1", rho)`, each without its three highest bits.
    fn of(rho: &[u8; 32]) -> Self {
        let element = |tag| {
            let mut bytes = tagged(tag, &[rho]);
            bytes[0] &= 0x1f;
            Element::from_be_bytes(bytes).expect("an integer below 2^253 is below r")
        };
        Self { alpha: element("Tapstone/alpha/v1"), gamma: element("Tapstone/gamma/v1") }
    }
}

impl OpenBatch {
    /// The registers before the first segment.
    pub fn start(&self) -> Registers {
        let StateFields { deposit_head, next_account, next_pool, deposit_count, .. } = self.before;
        Registers { withdrawals: 0, deposit_head, next_account, next_pool, deposit_count, time: 0, fees: [0; FEE_TOKENS] }
    }

    /// What the state root after the batch covers, as the last segment and the roots have it; that before, if there is no segment.
    pub fn state_after(&self) -> StateFields {
        let last = self.segments.last().map_or(self.start(), |segment| segment.after);
        StateFields {
            batch_number: self.statement.batch_number,
            next_account: last.next_account,
            next_pool: last.next_pool,
            deposit_count: last.deposit_count,
            account_root: self.after[0],
            pool_root: self.after[1],
            deposit_head: last.deposit_head,
            ..self.before
        }
    }

    /// What the state root before the batch covers, but for what follows from the statement.
    fn put_before(&self, out: &mut Vec<u8>) {
        let before = &self.before;
        out.extend_from_slice(&[before.account_depth, before.pool_depth]);
        out.extend_from_slice(&before.next_account.to_be_bytes());
        out.extend_from_slice(&before.next_pool.to_be_bytes());
        out.extend_from_slice(&before.deposit_count.to_be_bytes());
        for element in [before.account_root, before.pool_root, before.deposit_head] {
            out.extend_from_slice(&element.to_be_bytes());
        }
    }

    /// The challenge of the batch: a hash of the key set and of everything that the parts fix before they know it. Sums and proofs are no part of it.
    ///
    /// ```text
    /// rho = tagged("Tapstone/rho/v1", key set id || statement (224)
    ///     || depths (1, 1) || BE(next_account, 4) || BE(next_pool, 4) || BE(deposit_count, 8) || account root || pool root || deposit head   before
    ///     || account root || pool root   after
    ///     || BE(operator, 4) || BE(fee token, 4) 8 times || whether pools are touched (1)
    ///     || BE(number of segments, 4) || each: VkId || h || data || withdrawals || registers after
    ///     || BE(number of state parts, 4) || each: VkId || h)
    /// ```
    pub fn challenge(&self, keys: &KeySet) -> Challenge {
        let mut rho = tagged_stream("Tapstone/rho/v1");
        rho.update(&keys.id().to_bytes());
        rho.update(&self.statement.to_bytes());
        let mut before = Vec::new();
        self.put_before(&mut before);
        rho.update(&before);
        self.after.iter().for_each(|root| rho.update(&root.to_be_bytes()));
        rho.update(&self.operator.to_be_bytes());
        self.fee_tokens.iter().for_each(|token| rho.update(&token.to_be_bytes()));
        rho.update(&[self.pools_touched.into()]);
        // A batch has at most 2^16 parts; of more than 2^32 the lists would not differ by their lengths alone.
        rho.update(&(self.segments.len() as u32).to_be_bytes());
        for Segment { key, absorbed, data, withdrawals, after, .. } in &self.segments {
            rho.update(&key.to_bytes());
            [absorbed, data, withdrawals].iter().for_each(|element| rho.update(&element.to_be_bytes()));
            rho.update(&after.to_bytes());
        }
        rho.update(&(self.states.len() as u32).to_be_bytes());
        for StatePart { key, absorbed, .. } in &self.states {
            rho.update(&key.to_bytes());
            rho.update(&absorbed.to_be_bytes());
        }
        Challenge::of(&rho.finish())
    }

    /// Checks everything but the proofs; gives the challenge, which [`OpenBatch::part_inputs`] needs.
    ///
    /// `keys` must come from the caller's own configuration: its id is what the caller pins.
    ///
    /// # Errors
    /// [`OpenError`], for the first rule that is broken.
    pub fn check(&self, keys: &KeySet) -> Result<Challenge, OpenError> {
        self.check_parts(keys)?;
        self.check_state()?;
        self.check_ranges()?;
        self.check_outputs()?;
        let challenge = self.challenge(keys);
        self.check_balance(&challenge)?;
        Ok(challenge)
    }

    /// How many parts there are.
    pub fn parts(&self) -> usize {
        self.segments.len() + self.states.len()
    }

    /// The key that a part names, by its number, segments first; `None` if there is no such part.
    pub fn part_key(&self, part: usize) -> Option<VkId> {
        let state = |part: usize| self.states.get(part).map(|state| state.key);
        self.segments.get(part).map_or_else(|| state(part - self.segments.len()), |segment| Some(segment.key))
    }

    /// The hash of what a part absorbs, by its number, segments first: for whoever makes the batch.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn absorbed_mut(&mut self, part: usize) -> &mut Element {
        match part.checked_sub(self.segments.len()) {
            None => &mut self.segments[part].absorbed,
            Some(state) => &mut self.states[state].absorbed,
        }
    }

    /// A part's share of the balance, likewise.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn sum_mut(&mut self, part: usize) -> &mut Element {
        match part.checked_sub(self.segments.len()) {
            None => &mut self.segments[part].sum,
            Some(state) => &mut self.states[state].sum,
        }
    }

    fn check_parts(&self, keys: &KeySet) -> Result<(), OpenError> {
        if self.segments.is_empty() {
            return Err(OpenError::NoSegments);
        }
        let parts = self.segments.len().saturating_add(self.states.len());
        if parts > MAX_PARTS {
            return Err(OpenError::TooManyParts { most: MAX_PARTS, actual: parts });
        }
        let segments = self.segments.iter().map(|part| (part.key, Role::Segment));
        for (part, (key, expected)) in segments.chain(self.states.iter().map(|part| (part.key, Role::State))).enumerate() {
            match keys.role(key) {
                None => return Err(OpenError::UnknownKey { part, vk_id: key }),
                Some(actual) if actual != expected => {
                    return Err(OpenError::Role { part, expected: expected.name(), actual: actual.name() });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The state before the batch is that of its chain, after the batch before it; the number is in range.
    fn check_origin(&self) -> Result<(), OpenError> {
        let Self { statement, before, .. } = self;
        if before.chain_id != statement.chain_id {
            return Err(OpenError::ChainId { expected: statement.chain_id, actual: before.chain_id });
        }
        let expected = statement.batch_number.saturating_sub(1);
        if before.batch_number != expected {
            return Err(OpenError::BatchNumber { expected, actual: before.batch_number });
        }
        Ok(())
    }

    /// Both state roots, opened.
    fn check_state(&self) -> Result<(), OpenError> {
        let Self { statement, before, .. } = self;
        statement.check().map_err(OpenError::Statement)?;
        before.check().map_err(|source| OpenError::State { after: false, source })?;
        self.check_origin()?;
        let after = self.state_after();
        after.check().map_err(|source| OpenError::State { after: true, source })?;
        for (which, expected, actual) in
            [("before", statement.pre_state_root, before.root()), ("after", statement.post_state_root, after.root())]
        {
            if actual != expected {
                return Err(OpenError::StateRoot { which, expected, actual });
            }
        }
        if !self.pools_touched && self.after[1] != before.pool_root {
            return Err(OpenError::UntouchedPools { expected: before.pool_root, actual: self.after[1] });
        }
        Ok(())
    }

    /// The ranges that circuits rest on: of what is the same in all segments, and of the registers after each.
    fn check_ranges(&self) -> Result<(), OpenError> {
        if self.operator >= INDEX_END {
            return Err(OpenError::Operator { end: INDEX_END, actual: self.operator });
        }
        let mut least = 1;
        for (index, token) in self.fee_tokens.iter().enumerate() {
            if !(least..INDEX_END).contains(token) {
                return Err(OpenError::FeeToken { index, least, end: INDEX_END, actual: *token });
            }
            least = token + 1;
        }
        let capacity = |depth: u8| 1u128 << (3 * u32::from(depth));
        let (accounts, pools) = (capacity(self.before.account_depth), capacity(self.before.pool_depth));
        for (segment, part) in self.segments.iter().enumerate() {
            let Registers { withdrawals, next_account, next_pool, deposit_count, fees, .. } = part.after;
            let numbers = [
                ("withdrawals", withdrawals.into(), u128::from(MAX_WITHDRAWALS) + 1),
                ("next_account", next_account.into(), accounts + 1),
                ("next_pool", next_pool.into(), pools + 1),
                ("deposit_count", deposit_count.into(), BATCH_NUMBER_END.into()),
            ];
            let totals = fees.map(|total| ("fees", total, FEE_TOTAL_END));
            for (register, actual, end) in numbers.into_iter().chain(totals) {
                if actual >= end {
                    return Err(OpenError::Register { segment, register, end, actual });
                }
            }
        }
        Ok(())
    }

    /// What the segments put out is what the statement has.
    fn check_outputs(&self) -> Result<(), OpenError> {
        let Self { statement, segments, .. } = self;
        let nothing = Element::from_fr(layout::data_start(self.operator));
        // One segment may be empty, the whole batch then is.
        if let (2.., Some(segment)) = (segments.len(), segments.iter().position(|part| part.data == nothing)) {
            return Err(OpenError::EmptySegment { segment });
        }
        let root = |tag, of: fn(&Segment) -> Element| {
            let roots: Vec<Fr> = segments.iter().map(|part| of(part).fr()).collect();
            Element::from_fr(layout::segments_root(tag, &roots))
        };
        let head = segments.last().map_or(self.before.deposit_head, |part| part.after.deposit_head);
        for (output, expected, actual) in [
            ("data_hash", statement.data_hash, root(tag::DATA_SEGMENTS, |part| part.data)),
            ("deposit_head", statement.deposit_head, head),
            ("withdrawals_root", statement.withdrawals_root, root(tag::WITHDRAWAL_SEGMENTS, |part| part.withdrawals)),
        ] {
            if actual != expected {
                return Err(OpenError::Output { output, expected, actual });
            }
        }
        Ok(())
    }

    /// Whether the shares of all parts are the roots' own.
    fn check_balance(&self, challenge: &Challenge) -> Result<(), OpenError> {
        let roots = self.roots_share(challenge).ok_or(OpenError::Challenge)?;
        let sums = self.segments.iter().map(|part| part.sum).chain(self.states.iter().map(|part| part.sum));
        let sum: Fr = sums.map(Element::fr).sum();
        if sum == roots {
            Ok(())
        } else {
            Err(OpenError::Balance { expected: Element::from_fr(roots), actual: Element::from_fr(sum) })
        }
    }

    /// What the records of the roots take from the balance; `None` if one of them meets gamma.
    fn roots_share(&self, challenge: &Challenge) -> Option<Fr> {
        let (alpha, gamma) = (challenge.alpha.fr(), challenge.gamma.fr());
        let StateFields { account_root, pool_root, account_depth, pool_depth, .. } = self.before;
        let share = |digit: u64, depth: u8, before: Element, after: Element| {
            // Trees have at most 10 levels.
            let id = Fr::from(digit << (3 * (10 - u32::from(depth.min(10)))));
            let record = [Fr::from(NODE_RECORD), id, before.fr(), after.fr()];
            let fingerprint = record.iter().rev().fold(Fr::ZERO, |sum, x| sum * alpha + x);
            (gamma - fingerprint).inverse()
        };
        let accounts = share(1, account_depth, account_root, self.after[0])?;
        let pools = if self.pools_touched { share(2, pool_depth, pool_root, self.after[1])? } else { Fr::ZERO };
        Some(accounts + pools)
    }

    /// The public inputs of a part, by its number, segments first; none if there is no such part. They say nothing without [`OpenBatch::check`].
    pub fn part_inputs(&self, part: usize, challenge: &Challenge) -> Vec<Element> {
        let Challenge { alpha, gamma } = *challenge;
        if let Some(segment) = self.segments.get(part) {
            let before = part.checked_sub(1).and_then(|part| self.segments.get(part)).map_or(self.start(), |s| s.after);
            let inputs = SegmentInputs {
                chain_id: Element::from(u64::from(self.statement.chain_id)),
                batch_number: Element::from(self.statement.batch_number),
                operator: Element::from(u64::from(self.operator)),
                // At most 2^30, by the range of the depth.
                capacity: Element::from(1u64 << (3 * u32::from(self.before.account_depth.min(10)))),
                last: Element::from(u64::from(part + 1 == self.segments.len())),
                alpha,
                gamma,
                absorbed: segment.absorbed,
                sum: segment.sum,
                data: segment.data,
                withdrawals: segment.withdrawals,
                fee_tokens: self.fee_tokens.map(|token| Element::from(u64::from(token))),
                before: before.inputs(),
                after: segment.after.inputs(),
            };
            return inputs.into_array().to_vec();
        }
        let state = part.checked_sub(self.segments.len()).and_then(|part| self.states.get(part));
        state.map_or(Vec::new(), |StatePart { absorbed, sum, .. }| {
            StateInputs { alpha, gamma, absorbed: *absorbed, sum: *sum }.into_array().to_vec()
        })
    }
}
