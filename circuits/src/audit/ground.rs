//! The ground of lemmas: rows elsewhere that an argument rests on, beside those of its claim. Lists are increasing, keys entered the state in the subgroup, amounts are not zero, what is written
//! stays in range.
//!
//! A claim has its rows counted where it is made ([`lemmas`](super::lemmas)). What else its text says must stand somewhere in the circuit, and a gadget that forgot all of it would leave no row behind to
//! take out. So this is a list of what a batch has to have, and each lemma names the rules that it rests on.

use std::collections::{BTreeMap, BTreeSet};

use ark_bn254::Fr;
use ark_ff::{One, Zero};
use ruint::aliases::U256;

use super::bounds::Bounds;
use super::layout::PAIR_SPACING;
use super::ranges;
use super::rows::{Rows, Terms};
use crate::cs::{Claim, Lemma, ONE, Wire};
use crate::field::two_to_the;
use crate::shape::{Shape, SlotKind};
use crate::tree::MAX_DEPTH;

/// Numbers of a shape that rows depend on.
struct Sizes {
    account_bits: usize,
    outside: usize,
    time_bits: usize,
    accounts: usize,
    pools: usize,
    nodes: usize,
    pairs: usize,
    singles: usize,
    fee_tokens: usize,
    /// Whether the first slot is meant, which no bundle can reach.
    first: bool,
}

/// How many rows a rule has.
type Count = fn(&Sizes) -> usize;

/// Rows of a rule before the slots, in a pair slot, in a single slot, after the slots, and where records balance.
struct Wanted {
    rule: &'static str,
    counts: [Count; 5],
}

const NONE: Count = |_| 0;

const fn begin(rule: &'static str, count: Count) -> Wanted {
    Wanted { rule, counts: [count, NONE, NONE, NONE, NONE] }
}

const fn pair(rule: &'static str, count: Count) -> Wanted {
    Wanted { rule, counts: [NONE, count, NONE, NONE, NONE] }
}

const fn single(rule: &'static str, count: Count) -> Wanted {
    Wanted { rule, counts: [NONE, NONE, count, NONE, NONE] }
}

const fn slots(rule: &'static str, pair: Count, single: Count) -> Wanted {
    Wanted { rule, counts: [NONE, pair, single, NONE, NONE] }
}

const fn end(rule: &'static str, count: Count) -> Wanted {
    Wanted { rule, counts: [NONE, NONE, NONE, count, NONE] }
}

const fn balance(rule: &'static str, count: Count) -> Wanted {
    Wanted { rule, counts: [NONE, NONE, NONE, NONE, count] }
}

const ACCOUNT_INDEX: &str = "an account's index is made of bits";
const GAP: &str = "an access reads what an earlier one wrote";
const POOL_TOKENS: &str = "a pool's tokens and fee unpack in one way";
const POOL_RESERVES: &str = "a pool's reserves before the batch unpack in one way";
const SHARE: &str = "a record counts for its multiplicity over its distance from the challenge";
const IDLE_SHARE: &str = "records of padding count for nothing";
const HASH: &str = "hash is computed correctly";
const FEE_LIST: &str = "the batch's fee tokens are strictly increasing and below 2^30";
const FEE_ENTRY: &str = "a fee is paid in exactly one of the batch's fee tokens, and no fee in none";
const FEE_RANGE: &str = "the fee is below 2^96";
const SIGNED_POOL: &str = "the pool is the signed one";
const NEXT_POOL: &str = "a new pool takes the next index";
const NEXT_ACCOUNT: &str = "a new account takes the next index";
const EMPTY_LEAF: &str = "a new account's leaf was empty";
const EMPTY_POOL: &str = "a new pool's leaf was empty";
const POOL_EXISTS: &str = "the pool exists";
const POOL_FEE: &str = "a pool's fee is below 10000 basis points";
const KEY: &str = "a new key lies in the prime-order subgroup and is not the identity";
const SIGNER: &str = "the signer's key is that of the account";
const SIGNER_POINT: &str = "the signer's key is a point of the curve other than the identity";
const CURVE: &str = "curve arithmetic is computed correctly";
const DEGENERATE: &str = "no point addition is degenerate";
const CHALLENGE: &str = "the challenge is decomposed canonically";
const S_BITS: &str = "S is made of bits";
const S_BELOW: &str = "S is canonical";
const SIGNATURE: &str = "the signature verifies";
const KIND: &str = "the slot has one kind or none";
const FIELDS: &str = "fields are within their ranges";
const UNUSED: &str = "fields that the kind does not use are zero";
const AMOUNT: &str = "the amount is at least 1";
const AMOUNT_RANGE: &str = "the amount is below 2^96";
const AMOUNTS: &str = "the amounts are at least 1";
const ORDINARY: &str = "the tokens are ordinary and in order";
const TOKENS: &str = "stored token ids are below 2^30";
const SLOT: &str = "exactly one slot is touched";
const HOLDS: &str = "the touched slot holds the token";
const PAIR: &str = "the touched pair is the leaf's";
const BALANCE: &str = "the new balance is between 0 and 2^96 - 1";
const BESIDE: &str = "the balance beside the touched one is below 2^96";
const FREED: &str = "a slot is freed if and only if its balance is zero";
const OPENED: &str = "a slot is opened only for a token that the account does not hold";
const LOWEST: &str = "the opened slot is the lowest empty one";
const DUST: &str = "a foreign credit that opens a slot leaves three free";
const RESERVES: &str = "reserves and supply stay below 2^96";
const DIVISION: &str = "the division is exact: the remainder is below the divisor";
const SIDE: &str = "the direction is 0 or 1";
const NONCE: &str = "the nonce is not the last one";
const BUNDLE: &str = "all members of a bundle name its message, and it ends with that digest";
const MEMBER: &str = "only signed transactions are members of a bundle";
const QUEUE: &str = "a deposit is the next of the queue";
const REFUND: &str = "only deposits are refunded, for one reason";

/// What a batch has to have. Rules that only compute (hashes, sums) are left out: without one of their rows a wire has no value.
const WANTED: [Wanted; 87] = [
    begin("the chain id is below 2^32", |_| 32),
    begin("the batch number is between 1 and 2^48 - 1", |_| 2 * 48),
    Wanted { rule: "the counters unpack in one way", counts: [|_| 2 * 32 + 48, NONE, NONE, |_| 48, NONE] },
    Wanted { rule: ACCOUNT_INDEX, counts: [|s| s.account_bits, |s| 2 * s.account_bits, |_| 30, NONE, NONE] },
    begin(FEE_LIST, |s| 2 * 30 * s.fee_tokens),
    Wanted { rule: GAP, counts: [NONE, |s| 2 * s.time_bits, |s| 2 * s.time_bits, |s| s.time_bits, NONE] },
    single("a pool's index is one of a leaf", |_| 29),
    single(POOL_TOKENS, |_| 2 * 29 + 14),
    end("a cell's index is one of a leaf", |s| 30 * s.accounts + 29 * s.pools),
    end("a cell's last time is one of the batch", |s| s.time_bits * (s.accounts + s.pools)),
    end("a cell is used or padding", |s| s.accounts + s.pools),
    end(POOL_RESERVES, |s| 2 * 96 * s.pools),
    end("a node's id is one of a node", |s| 29 * s.nodes),
    end("a node is used or padding", |s| s.nodes),
    end("a child is touched or not", |s| 8 * s.nodes),
    end("a node that is not used touches no child", |s| s.nodes),
    end("a child that is not touched keeps its value", |s| 8 * s.nodes),
    end("a tree is touched or not", |_| 1),
    end("a tree that is not touched keeps its root", |_| 1),
    balance(SHARE, |s| 2 * (2 * s.pairs + 2 * s.singles + 1) + 3 * (s.accounts + s.pools) + 9 * s.nodes + 2),
    balance(IDLE_SHARE, |s| 2 * s.pairs + 2 * s.singles + s.accounts + s.pools + 9 * s.nodes + 1),
    balance("every record that is produced is consumed, and the other way round", |_| 1),
    slots(KIND, |_| 3, |_| 9),
    slots(KEY, |_| 6, |_| 18),
    slots(CURVE, |_| 1990, |_| 1996),
    slots(SIGNER, |_| 2, |_| 2),
    slots(SIGNER_POINT, |_| 2, |_| 2),
    slots(CHALLENGE, |_| 353, |_| 353),
    slots(DEGENERATE, |_| 13, |_| 13),
    slots(S_BITS, |_| 252, |_| 252),
    slots(S_BELOW, |_| 22 + 66, |_| 22 + 66),
    slots(SIGNATURE, |_| 2, |_| 2),
    slots(NONCE, |_| 1, |_| 1),
    slots("the expiry is below 2^48", |_| 48, |_| 48),
    slots("the transaction has not expired", |_| 48 + 3, |_| 48 + 3),
    slots(FEE_RANGE, |_| 96, |_| 96),
    Wanted {
        rule: FEE_ENTRY,
        counts: [NONE, |s| 3 + 3 * s.fee_tokens + 1, |s| 3 + 3 * s.fee_tokens + 1, |s| 2 * s.fee_tokens, NONE],
    },
    slots("only signed transactions pay fees", |_| 1, |_| 1),
    slots(BUNDLE, |s| 5 - usize::from(s.first), |s| 5 - usize::from(s.first)),
    slots(MEMBER, |_| 1, |_| 2),
    slots(NEXT_ACCOUNT, |_| 1, |_| 1),
    slots(EMPTY_LEAF, |_| 8, |_| 8),
    Wanted { rule: SLOT, counts: [NONE, |_| 3 * 9, |_| 4 * 9, |s| 9 * s.fee_tokens, NONE] },
    Wanted { rule: HOLDS, counts: [NONE, |_| 3 * 8, |_| 4 * 8, |s| 8 * s.fee_tokens, NONE] },
    Wanted { rule: PAIR, counts: [NONE, |_| 3 * 5, |_| 4 * 5, |s| 5 * s.fee_tokens, NONE] },
    Wanted { rule: BALANCE, counts: [NONE, |_| 3 * 96, |_| 4 * 96, |s| 96 * s.fee_tokens, NONE] },
    Wanted { rule: BESIDE, counts: [NONE, |_| 3 * 96, |_| 4 * 96, |s| 96 * s.fee_tokens, NONE] },
    slots(FREED, |_| 2 * 3, |_| 3 * 3),
    Wanted { rule: OPENED, counts: [NONE, |_| 11, |_| 2 * 11, |s| 11 * s.fee_tokens, NONE] },
    Wanted { rule: LOWEST, counts: [NONE, |_| 21, |_| 2 * 21, |s| 21 * s.fee_tokens, NONE] },
    Wanted { rule: DUST, counts: [NONE, |_| 5, |_| 6, |s| 5 * s.fee_tokens, NONE] },
    Wanted { rule: TOKENS, counts: [NONE, |_| 2 * 7 * 30, |_| 7 * 30, |_| 7 * 30, NONE] },
    Wanted {
        rule: "only the touched pair changes",
        counts: [NONE, |_| 3 * 12, |_| 4 * 12 + 2, |s| 12 * s.fee_tokens, NONE],
    },
    Wanted { rule: "the published data is that of the transaction", counts: [NONE, |_| 4, |_| 11, NONE, NONE] },
    pair(AMOUNT, |_| 1),
    pair(AMOUNT_RANGE, |_| 96),
    pair("sender and recipient differ", |_| 1),
    pair("the recipient's key is the signed one", |_| 2),
    single(FIELDS, |_| 31 + 29 + 2 * 96),
    single(AMOUNTS, |_| 2),
    single(UNUSED, |_| 10),
    single(ORDINARY, |_| 3 + 29),
    single(QUEUE, |_| 5),
    single("the output's number is below 2^32", |_| 32),
    single(REFUND, |s| 7 + s.outside),
    single("only a refunded deposit names an account outside the tree", |s| s.outside),
    single("a deposit is refunded for want of an account only if there is none", |s| 1 + 30 + s.outside),
    single("a deposit with a valid key is refunded only if no account can be made", |_| 2),
    single("a deposit is refunded for want of a slot only if fewer than four are empty", |_| 1),
    single("the credited account exists", |_| 1),
    single("only the key that is signed or queued enters the leaf", |_| 2),
    single("a withdrawal or refund is the next of the batch's withdrawals", |_| 1),
    single(SIGNED_POOL, |_| 1),
    single(NEXT_POOL, |_| 1),
    single(POOL_EXISTS, |_| 1),
    single(EMPTY_POOL, |_| 1),
    single(POOL_FEE, |_| 2 * 14),
    single(SIDE, |_| 5),
    single(DIVISION, |_| 2 * 128 + 2 * 96 + 2),
    single(RESERVES, |_| 3 * 96),
    single("liquidity moves no more than the signed maxima, no less than the signed minima", |_| 2 * 96 + 4),
    single("as many shares as the maxima allow are minted", |_| 96 + 5),
    single("at least the signed minimum comes out", |_| 96 + 2),
    single("a swap yields something, liquidity mints or yields something", |_| 3),
    single("what divides nothing yields nothing", |_| 2),
    end("the operator's account exists", |_| 1),
    end("no bundle is open at the end of the batch", |_| 1),
];

/// The rules that a lemma rests on beside the rows of its claim.
pub fn rests_on(lemma: Lemma) -> &'static [&'static str] {
    match lemma {
        // Points of the curve: keys were checked when they entered, other points come from keys and from the generator.
        Lemma::CompleteAddition => &[KEY, SIGNER, SIGNER_POINT, CURVE],
        Lemma::Ladder => &[KEY, SIGNER, SIGNER_POINT, CHALLENGE, DEGENERATE, CURVE],
        Lemma::Windows => &[S_BITS, S_BELOW, DEGENERATE, CURVE],
        Lemma::Checked => &[DEGENERATE],
        Lemma::Coordinates => &[KEY, SIGNER, SIGNER_POINT, S_BITS, CURVE],
        Lemma::Unsolvable => &[KEY, SIGNER, SIGNER_POINT],
        Lemma::Challenge => &[CHALLENGE],
        Lemma::Eighth | Lemma::Classes => &[KEY, CURVE],
        // The challenge is a hash of all that makes a fingerprint.
        Lemma::Distance => &[HASH],
        // A token stands once in an account, and an empty slot has no balance to take an amount of at least 1 from.
        Lemma::DebitSlot => &[SLOT, HOLDS, OPENED, EMPTY_LEAF, FREED, TOKENS, AMOUNT, AMOUNTS, FEE_ENTRY, KIND],
        Lemma::CreditSlot => &[SLOT, HOLDS, OPENED, LOWEST, EMPTY_LEAF, FREED, TOKENS, AMOUNT, AMOUNTS, ORDINARY, REFUND],
        // Changes are amounts, fees, totals of fees, or what a division yields.
        Lemma::SpacedPair => {
            &[PAIR, BALANCE, BESIDE, EMPTY_LEAF, AMOUNT_RANGE, FIELDS, FEE_RANGE, FEE_ENTRY, RESERVES, DIVISION, UNUSED]
        }
        Lemma::FeeEntry => &[FEE_LIST, FEE_ENTRY],
        Lemma::Direction => &[SIDE, KIND],
        // Reserves and supply are in range afterwards whatever was read, a pool that does not exist is empty, its fee is a part of the whole.
        Lemma::Division => &[
            POOL_TOKENS,
            POOL_RESERVES,
            POOL_EXISTS,
            EMPTY_POOL,
            POOL_FEE,
            FIELDS,
            UNUSED,
            AMOUNTS,
            RESERVES,
            DIVISION,
            KIND,
        ],
    }
}

/// Rows that are not there, or too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What is missing, in words.
    pub what: String,
    /// Where.
    pub region: String,
    /// The rule.
    pub rule: &'static str,
}

/// The parts of a batch: where its rows stand.
fn part(region: &str) -> &str {
    region.split(" / ").next().unwrap_or_default()
}

/// What a circuit of a shape lacks of what its lemmas, and the rules of the protocol, rest on.
pub fn lacks(rows: &Rows<'_>, bounds: &Bounds, shape: &Shape) -> Vec<Lack> {
    let mut had: BTreeMap<(&str, &'static str), usize> = BTreeMap::new();
    let mut parts: BTreeSet<&str> = BTreeSet::new();
    let system = rows.system();
    for (i, region) in system.regions().iter().enumerate() {
        let end = system.regions().get(i + 1).map_or(rows.len(), |next| next.first_row);
        parts.insert(part(&region.path));
        for row in (region.first_row..end).filter(|row| rows.has(*row)) {
            *had.entry((part(&region.path), system.rule(row))).or_default() += 1;
        }
    }
    let sizes = |first| Sizes {
        account_bits: 3 * usize::from(shape.account_depth),
        outside: usize::from(shape.account_depth < MAX_DEPTH),
        time_bits: shape.room().time_bits,
        accounts: shape.accounts,
        pools: shape.pools,
        nodes: shape.nodes,
        pairs: shape.count(SlotKind::Pair),
        singles: shape.count(SlotKind::Single),
        fee_tokens: shape.fee_tokens,
        first,
    };
    let mut found = Vec::new();
    let mut check = |region: &str, kind: usize, sizes: &Sizes| {
        for wanted in &WANTED {
            let (is, should) = (had.get(&(region, wanted.rule)).copied().unwrap_or_default(), wanted.counts[kind](sizes));
            if is != should {
                let on = resting(wanted.rule);
                let lemmas = if on.is_empty() { String::new() } else { format!("; lemmas rest on them: {}", on.join(", ")) };
                let what = format!("{is} rows of a rule that has {should}{lemmas}");
                found.push(Lack { what, region: region.to_owned(), rule: wanted.rule });
            }
        }
    };
    check("batch", 0, &sizes(false));
    check("end of batch", 3, &sizes(false));
    check("balance", 4, &sizes(false));
    for (i, kind) in shape.slots.iter().enumerate() {
        let of_slot = format!("slot {i} (");
        let region = parts.iter().find(|part| part.starts_with(&of_slot)).copied().unwrap_or_default();
        check(region, if *kind == SlotKind::Pair { 1 } else { 2 }, &sizes(i == 0));
    }
    found.extend(
        system.marks().claims().iter().filter_map(|claim| list(rows, bounds, claim).or_else(|| pair_of(rows, claim))),
    );
    found
}

/// For a claim that unpacks a pair of balances: whether they stand as far apart as the protocol says.
fn pair_of(rows: &Rows<'_>, claim: &Claim) -> Option<Lack> {
    let (Lemma::SpacedPair, [_, beside]) = (claim.lemma, &claim.gives[..]) else { return None };
    // (old - beside) upper = (pair - old - 2^n beside) / (2^n - 1)
    let row = claim.rows.end.checked_sub(1).filter(|row| rows.has(*row))?;
    let of_beside = rows.terms(2, row).find(|(wire, _)| wire == beside).map(|(_, c)| c).unwrap_or_default();
    let wanted = two_to_the(PAIR_SPACING);
    let stands = -of_beside * (wanted - Fr::one()) == wanted;
    (!stands).then(|| Lack {
        what: format!("two balances do not stand {PAIR_SPACING} bits apart; the lemma {:?} rests on it", claim.lemma.name()),
        region: rows.system().region(row).to_owned(),
        rule: PAIR,
    })
}

/// The lemmas that rest on a rule.
fn resting(rule: &str) -> Vec<&'static str> {
    const ALL: [Lemma; 16] = [
        Lemma::Distance,
        Lemma::CompleteAddition,
        Lemma::Ladder,
        Lemma::Windows,
        Lemma::Checked,
        Lemma::Coordinates,
        Lemma::Unsolvable,
        Lemma::Challenge,
        Lemma::Eighth,
        Lemma::Classes,
        Lemma::DebitSlot,
        Lemma::CreditSlot,
        Lemma::SpacedPair,
        Lemma::FeeEntry,
        Lemma::Direction,
        Lemma::Division,
    ];
    ALL.into_iter().filter(|lemma| rests_on(*lemma).contains(&rule)).map(Lemma::name).collect()
}

/// For a claim that picks an entry of a list: whether ranges say that the list is strictly increasing.
fn list(rows: &Rows<'_>, bounds: &Bounds, claim: &Claim) -> Option<Lack> {
    // (entry - token) * hit = 0
    let entry = |hit: Wire| {
        claim.rows.clone().filter(|row| rows.has(*row) && rows.side(1, *row) == [(hit, Fr::one())]).find_map(|row| {
            let a = rows.side(0, row);
            match claim.lemma {
                Lemma::FeeEntry if rows.terms(2, row).next().is_none() && a.iter().all(|(wire, _)| *wire != ONE) => {
                    Some(a.into_iter().filter(|(_, c)| c.is_one()).collect::<Terms>())
                }
                _ => None,
            }
        })
    };
    let (rule, mut before): (&'static str, Option<Terms>) = match claim.lemma {
        // The first token is above 0, which is none.
        Lemma::FeeEntry => (FEE_LIST, Some(Vec::new())),
        _ => return None,
    };
    let first = claim.rows.start;
    let lack = || Lack {
        what: format!("nothing says that a list is strictly increasing; the lemma {:?} rests on it", claim.lemma.name()),
        region: rows.system().region(first).to_owned(),
        rule,
    };
    for hit in &claim.gives {
        let Some(entry) = entry(*hit).filter(|entry| !entry.is_empty()) else { return Some(lack()) };
        if let Some(before) = before {
            let mut gap: BTreeMap<Wire, Fr> = entry.iter().copied().collect();
            for (wire, c) in before.iter().chain(&[(ONE, Fr::one())]) {
                *gap.entry(*wire).or_default() -= c;
            }
            gap.retain(|_, c| !c.is_zero());
            let gap: Terms = gap.into_iter().collect();
            let fits = |bits: usize| {
                ranges::interval(rows, bounds, &before)
                    .is_some_and(|(_, most)| most + (U256::from(1) << bits) < super::bounds::half())
            };
            let increases = rows
                .system()
                .marks()
                .ranges()
                .iter()
                .any(|range| range.number == gap && ranges::stands(rows, range) && fits(range.bits));
            if !increases {
                return Some(lack());
            }
        }
        before = Some(entry);
    }
    None
}
