//! An account's leaf in the circuit: unpacked token ids, packed pairs of balances, and debits and credits that run one after another.
//!
//! A leaf access unpacks the seven token ids once (210 rows). Each debit or credit then touches one pair of balances: it range-checks the *new*
//! balance and the balance beside it. Because pairs are spaced by 126 bits, that fixes the old pair as well: with
//! `new, beside in [0, 2^96)` and `old = new +- amount`, `|amount| < 2^120`, the old pair has only one reading. So each operation costs 192 rows for
//! ranges instead of 288.
//!
//! Operations see the leaf as the operation before left it; none is independent of the others, or one of two writes to the
//! same pair would be lost.

use ark_bn254::Fr;
use ark_ff::{One, Zero};

use super::Account;
use crate::cs::{Cs, Lemma, Num, fr_from_u128, low_bits};
use crate::field::two_to_the;

/// Slots whose token id is stored: 1 to 7.
const TOKENS: usize = 7;
/// Bits of an amount or balance.
pub const AMOUNT_BITS: usize = 96;
/// Bits of a token id.
pub const TOKEN_BITS: usize = 30;
/// Bits of a nonce.
pub const NONCE_BITS: usize = 64;
/// Bits between the two balances of a pair.
pub const SPACING_BITS: usize = 126;
/// Tag of a leaf: its third element is the nonce and this.
const TAG: u128 = 1 << NONCE_BITS;

/// How wide the numbers of a leaf are. The audit writes the same rows for numbers of few bits, to search them exhaustively.
#[derive(Clone, Copy, Debug)]
pub struct Widths {
    /// Bits of an amount or balance.
    pub amount: usize,
    /// Bits between the two balances of a pair.
    pub spacing: usize,
    /// Bits of a token id.
    pub token: usize,
}

impl Widths {
    /// Those of the protocol.
    pub const PROTOCOL: Self = Self { amount: AMOUNT_BITS, spacing: SPACING_BITS, token: TOKEN_BITS };
}

const SLOT: &str = "exactly one slot is touched";
const HOLDS: &str = "the touched slot holds the token";
const PAIR: &str = "the touched pair is the leaf's";
const BALANCE: &str = "the new balance is between 0 and 2^96 - 1";
const BESIDE: &str = "the balance beside the touched one is below 2^96";
const WRITE: &str = "only the touched pair changes";
const FREE: &str = "a slot is freed if and only if its balance is zero";
const OPEN: &str = "a slot is opened only for a token that the account does not hold";
const LOWEST: &str = "the opened slot is the lowest empty one";
const FULL: &str = "a deposit is refunded for want of a slot only if fewer than four are empty";
const DUST: &str = "a foreign credit that opens a slot leaves three free";
const TOKEN_RANGE: &str = "stored token ids are below 2^30";

/// An account in the circuit.
#[derive(Clone, Debug)]
pub struct AccountVar {
    /// Key, x coordinate.
    pub x: Num,
    /// Key, y coordinate.
    pub y: Num,
    /// Nonce.
    pub nonce: Num,
    tokens: [Num; TOKENS],
    pairs: [Num; 4],
    widths: Widths,
    /// Whether the key is the one that was witnessed, by the code and not by its value.
    same_key: bool,
}

/// Which slot of an account a debit or credit touches.
#[derive(Clone, Debug)]
pub struct Touch {
    /// A boolean for each slot; all 0 where nothing is touched.
    pub slots: [Num; 8],
    /// Whether a credit opens the slot; not there for debits.
    pub open: Option<Num>,
}

impl AccountVar {
    /// Witnesses an account. Token ids are range-checked; key, nonce and balances mean nothing until an access reads them.
    pub fn witness(cs: &mut Cs, account: &Account) -> Self {
        let e = account.leaf_elements();
        let x = cs.chosen("account", e[0]);
        let y = cs.chosen("account", e[1]);
        let nonce = cs.chosen("account", e[2] - fr_from_u128(TAG));
        let packed = low_bits(e[3], TOKENS * TOKEN_BITS);
        let tokens = std::array::from_fn(|i| {
            let bits = &packed[i * TOKEN_BITS..(i + 1) * TOKEN_BITS];
            let value = bits.iter().rev().fold(0u64, |sum, bit| 2 * sum + u64::from(*bit));
            let token = cs.chosen("account", Fr::from(value));
            cs.enforce_range(TOKEN_RANGE, &token, TOKEN_BITS);
            token
        });
        let pairs = std::array::from_fn(|i| cs.chosen("account", e[4 + i]));
        Self { x, y, nonce, tokens, pairs, widths: Widths::PROTOCOL, same_key: true }
    }

    /// Tokens and balances alone, of other widths: what debits and credits work on.
    pub(crate) fn of_widths(cs: &mut Cs, widths: Widths, tokens: [Fr; TOKENS], pairs: [Fr; 4]) -> Self {
        let tokens = tokens.map(|token| {
            let token = cs.chosen("account", token);
            cs.enforce_range(TOKEN_RANGE, &token, widths.token);
            token
        });
        let pairs = pairs.map(|pair| cs.chosen("account", pair));
        Self { x: Num::zero(), y: Num::zero(), nonce: Num::zero(), tokens, pairs, widths, same_key: true }
    }

    /// The token ids, and the pairs of balances.
    pub(crate) fn contents(&self) -> impl Iterator<Item = &Num> {
        self.tokens.iter().chain(&self.pairs)
    }

    /// The eight elements whose hash is the leaf.
    pub fn leaf_elements(&self) -> [Num; 8] {
        let packed = self.packed_tokens();
        let nonce = &self.nonce + &Num::constant(fr_from_u128(TAG));
        let [a, b, c, d] = self.pairs.clone();
        [self.x.clone(), self.y.clone(), nonce, packed, a, b, c, d]
    }

    /// The eight elements, `None` for those of the key where it is the one that was witnessed.
    pub fn written_elements(&self) -> [Option<Num>; 8] {
        let mut elements = self.leaf_elements().map(Some);
        if self.same_key {
            elements[..2].fill(None);
        }
        elements
    }

    fn packed_tokens(&self) -> Num {
        let mut bits = 0;
        Num::weighted(self.tokens.iter().map(|t| {
            let weight = two_to_the(bits);
            bits += TOKEN_BITS;
            (t, weight)
        }))
    }

    /// Enforces that, where `condition` holds, everything but the key is as in the empty leaf.
    pub fn enforce_empty_but_key_if(&self, cs: &mut Cs, rule: &'static str, condition: &Num) {
        let zero = Num::zero();
        cs.enforce_equal_if(rule, condition, &self.nonce, &zero);
        cs.enforce_equal_if(rule, condition, &self.packed_tokens(), &zero);
        for pair in &self.pairs {
            cs.enforce_equal_if(rule, condition, pair, &zero);
        }
    }

    /// The same account with another key.
    pub fn rekeyed(&self, x: Num, y: Num) -> Self {
        Self { x, y, same_key: false, ..self.clone() }
    }

    /// The same account with its nonce moved on by `step`.
    pub fn with_nonce_after(&self, step: &Num) -> Self {
        Self { nonce: &self.nonce + step, ..self.clone() }
    }

    /// Takes `amount` of `token` from the account where `enabled` (boolean) holds; 229 rows.
    ///
    /// Where it does not hold, `amount` must be 0, or no witness satisfies the rows. Where it holds, the caller has to make sure that the amount is at least 1 and
    /// below 2^96; then the token cannot be 0, since an empty slot has balance 0.
    pub fn debit(&mut self, cs: &mut Cs, enabled: &Num, token: &Num, amount: &Num) -> Touch {
        let slot = if enabled.value().is_one() { self.holder(token) } else { None };
        let first = cs.rows();
        let slots = select_slot(cs, slot, enabled);
        self.enforce_holds(cs, &slots, token, token);
        cs.claim(Lemma::DebitSlot, &slots, first);
        // The native token's, or one of those that are stored.
        cs.bounded_if(enabled, token, self.widths.token);
        let new = self.move_balance(cs, &slots, slot, &-amount, None);
        let freed = freed(cs, token, &new);
        self.write_tokens(cs, &slots, &-&freed);
        Touch { slots, open: None }
    }

    /// Gives `amount` of `token` to the account where `enabled` (boolean) holds; 264 rows, 263 for a constant `foreign`.
    ///
    /// `foreign` (boolean) says that somebody else than the account's owner causes the credit. The caller has to make sure that, where it holds, the token is not 0 and the amount is at least 1 and below 2^120: the totals of fees, up to 2^20 slots with less than 2^96 each, are as well.
    pub fn credit(&mut self, cs: &mut Cs, enabled: &Num, token: &Num, amount: &Num, foreign: &Num) -> Touch {
        let slot = if enabled.value().is_one() { self.holder(token).or(self.lowest()) } else { None };
        let first = cs.rows();
        let slots = select_slot(cs, slot, enabled);
        let opening = self.open_slot(cs, &slots, slot, token);
        opening.enforce_absent(cs, &opening.open, &self.tokens, token);
        cs.claim(Lemma::CreditSlot, slots.iter().chain([&opening.open]), first);
        opening.enforce_reserve(cs, foreign);
        self.move_balance(cs, &slots, slot, amount, None);
        self.write_tokens(cs, &slots, &opening.opened);
        Touch { slots, open: Some(opening.open) }
    }

    /// As [`AccountVar::credit`], for deposits, which cannot be refused: where `overflow` (boolean) holds, nothing changes and the new balance would reach 2^96;
    /// where `full` (boolean) holds, nothing changes and the token is new to the account with fewer than 4 slots empty.
    ///
    /// At most one of `enabled`, `overflow`, `full` holds.
    pub fn credit_unless(
        &mut self,
        cs: &mut Cs,
        enabled: &Num,
        token: &Num,
        amount: &Num,
        foreign: &Num,
        [overflow, full]: [&Num; 2],
    ) -> Touch {
        let tried = enabled + overflow;
        let slot = if tried.value().is_one() { self.holder(token).or(self.lowest()) } else { None };
        let first = cs.rows();
        let slots = select_slot(cs, slot, &tried);
        // An empty slot is not opened in vain: amounts alone stay below 2^96.
        let opening = self.open_slot(cs, &slots, slot, token);
        opening.enforce_absent(cs, &(&opening.open + full), &self.tokens, token);
        cs.claim(Lemma::CreditSlot, slots.iter().chain([&opening.open]), first);
        let four_empty = opening.enforce_reserve(cs, foreign);
        cs.enforce(FULL, &four_empty, full, &Num::zero());
        self.move_balance(cs, &slots, slot, amount, Some(overflow));
        self.write_tokens(cs, &slots, &opening.opened);
        Touch { slots, open: Some(opening.open) }
    }

    /// Where `debited` (boolean) holds as [`AccountVar::debit`], where `credited` (boolean) holds as a credit that the owner causes; at most one of
    /// them holds. 262 rows.
    pub fn exchange(&mut self, cs: &mut Cs, [debited, credited]: [&Num; 2], token: &Num, amount: &Num) -> Touch {
        let slot = if debited.value().is_one() {
            self.holder(token)
        } else if credited.value().is_one() {
            self.holder(token).or(self.lowest())
        } else {
            None
        };
        let first = cs.rows();
        let slots = select_slot(cs, slot, &(debited + credited));
        // Nothing is debited from a slot that is opened: its balance was 0.
        let opening = self.open_slot(cs, &slots, slot, token);
        opening.enforce_absent(cs, &opening.open, &self.tokens, token);
        cs.claim(Lemma::CreditSlot, slots.iter().chain([&opening.open]), first);
        let taken = cs.mul(WRITE, amount, debited);
        let change = amount.add_scaled(&taken, -Fr::from(2u64));
        let new = self.move_balance(cs, &slots, slot, &change, None);
        // A credit leaves no balance of 0.
        let freed = freed(cs, token, &new);
        self.write_tokens(cs, &slots, &(&opening.opened - &freed));
        Touch { slots, open: Some(opening.open) }
    }

    /// The slot that holds the token, as an honest witness picks it.
    fn holder(&self, token: &Num) -> Option<usize> {
        if token.value().is_one() {
            return Some(0);
        }
        self.tokens.iter().position(|t| t.value() == token.value()).map(|i| i + 1)
    }

    /// The lowest empty slot.
    fn lowest(&self) -> Option<usize> {
        self.tokens.iter().position(|t| t.value().is_zero()).map(|i| i + 1)
    }

    /// Enforces that the selected slot is slot 0 and the token native, or another and `expected` is written there.
    fn enforce_holds(&self, cs: &mut Cs, slots: &[Num; 8], token: &Num, expected: &Num) {
        cs.enforce(HOLDS, &(&Num::one() - token), &slots[0], &Num::zero());
        for (t, s) in self.tokens.iter().zip(&slots[1..]) {
            cs.enforce(HOLDS, &(t - expected), s, &Num::zero());
        }
    }

    /// Enforces that the selected slot holds the token or is empty, the lowest of the empty ones; the caller enforces that the token is absent.
    fn open_slot(&self, cs: &mut Cs, slots: &[Num; 8], slot: Option<usize>, token: &Num) -> Opening {
        let opens = slot.is_some() && self.holder(token).is_none();
        let open = cs.bit(OPEN, opens);
        // Slot 0 is never opened, and nothing is opened where nothing is credited.
        cs.enforce(OPEN, &Num::sum(&slots[1..]).not(), &open, &Num::zero());
        let opened = cs.mul(OPEN, token, &open);
        self.enforce_holds(cs, slots, token, &(token - &opened));
        let mut below = Num::zero();
        let mut passed = Num::zero();
        for (t, s) in self.tokens.iter().zip(&slots[1..]) {
            passed = &passed + &cs.mul(LOWEST, &below, s);
            below = &below + &cs.is_zero(LOWEST, t);
        }
        cs.enforce(LOWEST, &passed, &open, &Num::zero());
        Opening { open, opened, empty: below }
    }

    /// Adds `change` to the selected slot's token id.
    fn write_tokens(&mut self, cs: &mut Cs, slots: &[Num; 8], change: &Num) {
        for (t, s) in self.tokens.iter_mut().zip(&slots[1..]) {
            let change = cs.mul(WRITE, change, s);
            *t = &*t + &change;
        }
    }

    /// Adds `change` to the balance in the selected slot and returns the new balance. Where `overflow` holds, the new balance is 2^96 or more and
    /// is not written.
    fn move_balance(
        &mut self,
        cs: &mut Cs,
        slots: &[Num; 8],
        slot: Option<usize>,
        change: &Num,
        overflow: Option<&Num>,
    ) -> Num {
        let in_pair: [Num; 4] = std::array::from_fn(|k| &slots[2 * k] + &slots[2 * k + 1]);
        let upper = Num::sum([&slots[1], &slots[3], &slots[5], &slots[7]]);
        let products: [Num; 4] = std::array::from_fn(|k| cs.mul(PAIR, &self.pairs[k], &in_pair[k]));
        let old_pair = Num::sum(&products);

        let Widths { amount: bits, spacing, .. } = self.widths;
        let (low, high) = unpack(old_pair.value(), spacing);
        let (old, beside) = if slot.is_some_and(|s| s % 2 == 1) { (high, low) } else { (low, high) };
        let excess = overflow.map_or(Num::zero(), |overflow| overflow.shift(bits));
        let first = cs.rows();
        let within = cs.witness(old + change.value() - excess.value());
        let beside = cs.witness(beside);
        let new = &within + &excess;
        let old = &new - change;
        cs.enforce_range(BALANCE, &within, bits);
        cs.enforce_range(BESIDE, &beside, bits);
        // old_pair = old + 2^126 beside, or with the two exchanged if the upper half is touched.
        let spread = two_to_the(spacing) - Fr::one();
        let exchanged = (&(&old_pair - &old) - &beside.shift(spacing)).scale(inverse(spread));
        cs.enforce(PAIR, &(&old - &beside), &upper, &exchanged);
        cs.claim(Lemma::SpacedPair, [&within, &beside], first);
        let change = &match overflow {
            Some(overflow) => change - &cs.mul(WRITE, change, overflow),
            None => change.clone(),
        };
        let in_upper = cs.mul(WRITE, change, &upper);
        let change = change.add_scaled(&in_upper, spread);
        for (pair, selected) in self.pairs.iter_mut().zip(&in_pair) {
            let change = cs.mul(WRITE, &change, selected);
            *pair = &*pair + &change;
        }
        new
    }
}

/// A slot that a credit may open.
struct Opening {
    /// Whether one is opened.
    open: Num,
    /// The token that it gets, 0 if none is opened.
    opened: Num,
    /// How many of slots 1 to 7 are empty.
    empty: Num,
}

impl Opening {
    /// Enforces where `condition` (boolean) holds that no slot holds the token and that it is not the native one: no factor of the product is zero.
    fn enforce_absent(&self, cs: &mut Cs, condition: &Num, tokens: &[Num; TOKENS], token: &Num) {
        let mut product = token - &Num::one();
        for t in tokens {
            product = cs.mul(OPEN, &product, &(token - t));
        }
        cs.enforce_nonzero_if(OPEN, condition, &product);
    }

    /// Enforces that a foreign credit leaves three slots; returns whether four are empty.
    ///
    /// Of the empty slots (0 to 7) one is taken, three stay: at least 4, which is bit 2.
    fn enforce_reserve(&self, cs: &mut Cs, foreign: &Num) -> Num {
        let bits = cs.bits(DUST, &self.empty, 3);
        let dusts = cs.mul(DUST, &self.open, foreign);
        cs.enforce(DUST, &bits[2].not(), &dusts, &Num::zero());
        bits[2].clone()
    }
}

/// The token, if nothing of it is left.
fn freed(cs: &mut Cs, token: &Num, new: &Num) -> Num {
    let emptied = cs.is_zero(FREE, new);
    cs.mul(FREE, token, &emptied)
}

fn select_slot(cs: &mut Cs, slot: Option<usize>, enabled: &Num) -> [Num; 8] {
    let slots: [Num; 8] = std::array::from_fn(|i| cs.bit(SLOT, slot == Some(i)));
    cs.enforce_equal(SLOT, &Num::sum(&slots), enabled);
    slots
}

/// The two halves of a pair, as an honest witness has them.
fn unpack(pair: Fr, spacing: usize) -> (Fr, Fr) {
    let bits = low_bits(pair, 2 * spacing);
    let read = |bits: &[bool]| fr_from_u128(bits.iter().rev().fold(0, |sum, bit| 2 * sum + u128::from(*bit)));
    (read(&bits[..spacing]), read(&bits[spacing..]))
}

fn inverse(x: Fr) -> Fr {
    ark_ff::Field::inverse(&x).expect("2^n - 1 is not zero in the field for n from 1 to 126")
}
