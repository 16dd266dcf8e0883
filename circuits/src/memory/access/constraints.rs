//! An access in the circuit: 450 rows for an account, 310 for a pool, absorption included and times of 32 bits.
//!
//! It consumes the record of an earlier time, `time - 1 - gap`, with what is read, and produces that of its own time with what is written; both count or none
//! does, by one wire. The gap is shown to be below a power of two, so that the earlier time is at most `time - 1`: what would be below 0 is close to the field's
//! order, and nothing is ever produced there.
//!
//! Absorbed are index and gap, as parts of an element of the slot, and all that is read. Whether it counts, and what is written, is for the slot to make of
//! absorbed wires; `None` says that what is written is what was read.
//!
//! A pool is read with tokens and fee apart, each in its range, *at every access*: the record has them as one element, and with other readings of it
//! a pool of two worthless tokens is one of bitcoin.

use ark_bn254::Fr;

use super::{POOL_INDEX_BITS, PoolRead};
use crate::cs::{Cs, Num};
use crate::memory::cell::constraints::PoolContentsVar;
use crate::memory::record::constraints::{Fingerprint, Group};
use crate::memory::record::tag;
use crate::memory::transcript::constraints::{Absorbed, ChallengeVar, Narrow};

/// The write that is read is an earlier one.
pub const GAP: &str = "an access reads what an earlier one wrote";
/// Tokens and fee of a pool that is read.
pub const TOKENS: &str = "a pool's tokens and fee unpack in one way";
const FEE_BITS: usize = 14;

/// When an access is made.
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// Its time, a constant of the circuit, at least 1 and that of no other access.
    pub time: u32,
    /// Bits of the gap: all times of the circuit are below `2^bits`.
    pub bits: usize,
}

/// A pool as an access reads it.
#[derive(Clone, Debug)]
pub struct PoolReadVar {
    /// The token with the lower id.
    pub token0: Narrow,
    /// The token with the higher id.
    pub token1: Narrow,
    /// The pool's fee in basis points.
    pub fee: Narrow,
    /// Reserve of token0: nothing is known of it by step 1 of the argument.
    pub reserve0: Num,
    /// Reserve of token1, likewise.
    pub reserve1: Num,
    /// Shares, likewise.
    pub supply: Num,
}

impl PoolReadVar {
    /// Witnesses what is read; 72 rows.
    pub fn new(cs: &mut Cs, read: &PoolRead) -> Self {
        Self {
            token0: Narrow::chosen(cs, TOKENS, "token of a pool", read.token0, POOL_INDEX_BITS),
            token1: Narrow::chosen(cs, TOKENS, "token of a pool", read.token1, POOL_INDEX_BITS),
            fee: Narrow::chosen(cs, TOKENS, "fee of a pool", read.fee, FEE_BITS),
            reserve0: cs.chosen("pool", read.reserve0),
            reserve1: cs.chosen("pool", read.reserve1),
            supply: cs.chosen("pool", read.supply),
        }
    }

    /// As records have it.
    pub fn contents(&self) -> PoolContentsVar {
        PoolContentsVar {
            tokens: PoolContentsVar::pack_tokens(self.token0.num(), self.token1.num(), self.fee.num()),
            reserve0: self.reserve0.clone(),
            reserve1: self.reserve1.clone(),
            supply: self.supply.clone(),
        }
    }
}

/// An access, ready to be absorbed and balanced.
#[derive(Clone, Debug)]
pub struct AccessVar {
    tag: u64,
    when: When,
    /// Index, gap; tokens and fee of a pool.
    parts: Vec<Narrow>,
    active: Num,
    /// What is read, but for tokens and fee of a pool.
    absorbed: Vec<Num>,
    read: Vec<Num>,
    written: Vec<Option<Num>>,
}

impl AccessVar {
    /// An access to an account, which counts where `active` (boolean) holds; `read` are the leaf's eight elements, and so is what is written, where it is not the
    /// same.
    pub fn account(
        cs: &mut Cs,
        when: When,
        index: Narrow,
        active: &Num,
        gap: Fr,
        read: &[Num; 8],
        written: [Option<Num>; 8],
    ) -> Self {
        let gap = Narrow::chosen(cs, GAP, "gap of an access", gap, when.bits);
        let (absorbed, read) = (read.to_vec(), read.to_vec());
        let (active, written) = (active.clone(), Vec::from(written));
        cs.mark_leaf(&read, &written);
        Self { tag: tag::ACCOUNT, when, parts: vec![index, gap], active, absorbed, read, written }
    }

    /// An access to a pool, which counts where `active` (boolean) holds.
    pub fn pool(
        cs: &mut Cs,
        when: When,
        index: Narrow,
        active: &Num,
        gap: Fr,
        read: &PoolReadVar,
        written: &PoolContentsVar,
    ) -> Self {
        let gap = Narrow::chosen(cs, GAP, "gap of an access", gap, when.bits);
        let parts = vec![index, gap, read.token0.clone(), read.token1.clone(), read.fee.clone()];
        let contents = read.contents().elements();
        let written = Vec::from(written.elements().map(Some));
        cs.mark_leaf(&contents, &written);
        let (active, absorbed) = (active.clone(), contents[1..].to_vec());
        Self { tag: tag::POOL, when, parts, active, absorbed, read: contents.into(), written }
    }

    /// What the slot absorbs in an element with numbers of its own, in this order; the booleans that `active` is made of are its own.
    pub fn parts(&self) -> &[Narrow] {
        &self.parts
    }

    /// Absorbs what is read.
    pub fn absorb_read(&self, absorbed: &mut Absorbed) {
        self.absorbed.iter().for_each(|element| absorbed.element(element));
    }

    /// What is written, where it is not what is read.
    pub fn written(&self) -> impl Iterator<Item = &Num> {
        self.written.iter().flatten()
    }

    /// The two records, where the circuit's times begin after `base`, given as [`Fingerprint::time`]; 0 in a closed batch.
    pub fn group(&self, cs: &mut Cs, challenge: &ChallengeVar, base: &Num) -> Group {
        let [index, gap, ..] = &self.parts[..] else { unreachable!("an access has two parts at least") };
        let index = Fingerprint::term(cs, challenge, 1, index.num());
        let (now, before) = (Num::from(u64::from(self.when.time)), Num::from(u64::from(self.when.time) - 1));
        let start = || Fingerprint::of_tag(self.tag).with_term(&index);
        let earlier = Fingerprint::time(cs, challenge, &(&before - gap.num()));
        let mut consumed = start().with_term(&(&earlier + base));
        let mut produced = start().with_term(&(&Fingerprint::time(cs, challenge, &now) + base));
        for (i, (read, written)) in self.read.iter().zip(&self.written).enumerate() {
            let read = Fingerprint::term(cs, challenge, 3 + i, read);
            consumed = consumed.with_term(&read);
            produced = match written {
                Some(written) => produced.with(cs, challenge, written),
                None => produced.with_term(&read),
            };
        }
        Group {
            place: ("access", self.when.time as usize),
            multiplicity: self.active.clone(),
            produced: vec![produced],
            consumed: vec![consumed],
        }
    }
}
