//! Small gadgets on [`Cs`]: products, bits, ranges, selection, comparison with zero.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInt, BigInteger, Field, One, PrimeField, Zero};

use super::{Cs, Num};

/// The most bits whose sum cannot wrap around the field.
pub const MOST_BITS: usize = 253;

/// A 128-bit integer as a field element.
pub fn fr_from_u128(x: u128) -> Fr {
    Fr::from(x)
}

/// The lowest `n` bits of the canonical integer of `x`, lowest first.
pub fn low_bits(x: Fr, n: usize) -> Vec<bool> {
    let big = x.into_bigint();
    (0..n).map(|i| big.get_bit(i)).collect()
}

impl Cs {
    /// `a * b` on a new wire; free if one factor is a constant.
    pub fn mul(&mut self, rule: &'static str, a: &Num, b: &Num) -> Num {
        if a.is_constant() {
            return b.scale(a.value());
        }
        if b.is_constant() {
            return a.scale(b.value());
        }
        let product = self.witness(a.value() * b.value());
        self.enforce(rule, a, b, &product);
        product
    }

    /// Enforces `a = b`.
    pub fn enforce_equal(&mut self, rule: &'static str, a: &Num, b: &Num) {
        self.enforce(rule, &(a - b), &Num::one(), &Num::zero());
    }

    /// Enforces `condition * (a - b) = 0`.
    pub fn enforce_equal_if(&mut self, rule: &'static str, condition: &Num, a: &Num, b: &Num) {
        self.enforce(rule, &(a - b), condition, &Num::zero());
    }

    /// Enforces `x * x = x`.
    pub fn enforce_boolean(&mut self, rule: &'static str, x: &Num) {
        self.enforce(rule, &x.not(), x, &Num::zero());
    }

    /// A new boolean wire.
    pub fn bit(&mut self, rule: &'static str, value: bool) -> Num {
        let bit = self.witness(Fr::from(value));
        self.enforce_boolean(rule, &bit);
        bit
    }

    /// The bits of `x`, lowest first: n boolean wires and one row that adds them up. Fails if `x >= 2^n`.
    ///
    /// Needs `n <= 253`, below the bits of r, so that the sum cannot wrap.
    pub fn bits(&mut self, rule: &'static str, x: &Num, n: usize) -> Vec<Num> {
        let n = self.width(n);
        assert!(n <= MOST_BITS, "a sum of more than 253 bits can wrap around the field");
        let bits: Vec<Num> = low_bits(x.value(), n).into_iter().map(|b| self.bit(rule, b)).collect();
        self.enforce_equal(rule, &Self::pack(&bits), x);
        self.mark_range(Some(x), n, &bits);
        bits
    }

    /// The bits of a number below `2^n` that the witness chooses, lowest first; `what` names it.
    pub fn chosen_bits(&mut self, rule: &'static str, what: &'static str, value: u64, n: usize) -> Vec<Num> {
        let n = self.width(n);
        let bit = |i: usize| u32::try_from(i).ok().and_then(|i| value.checked_shr(i)).unwrap_or(0) & 1 == 1;
        let bits: Vec<Num> = (0..n).map(|i| self.chosen_bit(rule, what, bit(i))).collect();
        self.mark_range(None, n, &bits);
        bits
    }

    /// The bits of the next range: as many as asked for, or one more where the audit wants to know whether that is noticed.
    fn width(&mut self, n: usize) -> usize {
        let wider = self.widened == Some(self.ranges);
        self.ranges += 1;
        n + usize::from(wider)
    }

    /// Enforces `0 <= x < 2^n` with n rows: the lowest bit is what the other bits leave over.
    pub fn enforce_range(&mut self, rule: &'static str, x: &Num, n: usize) {
        let n = self.width(n);
        assert!((1..=MOST_BITS).contains(&n), "a sum of more than 253 bits can wrap around the field");
        let upper: Vec<Num> = low_bits(x.value(), n)[1..].iter().map(|b| self.bit(rule, *b)).collect();
        let lowest = x - &Self::pack(&upper).scale(Fr::from(2u64));
        self.enforce_boolean(rule, &lowest);
        self.mark_range(Some(x), n, &upper);
    }

    /// `sum_i bits[i] * 2^i`.
    pub fn pack(bits: &[Num]) -> Num {
        let mut weight = Fr::one();
        Num::weighted(bits.iter().map(|bit| {
            let w = weight;
            weight.double_in_place();
            (bit, w)
        }))
    }

    /// `if condition { a } else { b }`; `condition` is boolean.
    pub fn select(&mut self, rule: &'static str, condition: &Num, a: &Num, b: &Num) -> Num {
        let product = self.mul(rule, &(a - b), condition);
        b + &product
    }

    /// 1 if `x = 0`, else 0.
    ///
    /// Two rows: `x * inverse = 1 - z` and `x * z = 0`. If `x != 0` the second forces z = 0; if `x = 0` the first forces z = 1. The hint
    /// `inverse` is free when x = 0, which nothing else reads.
    pub fn is_zero(&mut self, rule: &'static str, x: &Num) -> Num {
        let inverse = self.witness(x.value().inverse().unwrap_or_default());
        let is_zero = self.witness(Fr::from(x.value().is_zero()));
        self.enforce(rule, x, &inverse, &is_zero.not());
        self.enforce(rule, x, &is_zero, &Num::zero());
        is_zero
    }

    /// Enforces `x != 0`.
    pub fn enforce_nonzero(&mut self, rule: &'static str, x: &Num) {
        let inverse = self.witness(x.value().inverse().unwrap_or_default());
        self.enforce(rule, x, &inverse, &Num::one());
    }

    /// Enforces `x != 0` where `condition` (boolean) holds: `x * inverse = condition`.
    pub fn enforce_nonzero_if(&mut self, rule: &'static str, condition: &Num, x: &Num) {
        let inverse = self.witness(x.value().inverse().unwrap_or_default() * condition.value());
        self.enforce(rule, x, &inverse, condition);
    }

    /// `x^5` on a new wire, three rows; free for a constant.
    pub fn pow5(&mut self, rule: &'static str, x: &Num) -> Num {
        if x.is_constant() {
            return Num::constant(x.value().pow([5]));
        }
        let x2 = self.mul(rule, x, x);
        let x4 = self.mul(rule, &x2, &x2);
        self.mul(rule, &x4, x)
    }

    /// The eight products of subsets of three bits, in the order of the subsets as binary numbers; 4 rows.
    pub fn monomials(&mut self, rule: &'static str, bits: &[Num; 3]) -> [Num; 8] {
        let [b0, b1, b2] = bits;
        let (m01, m02, m12) = (self.mul(rule, b0, b1), self.mul(rule, b0, b2), self.mul(rule, b1, b2));
        let m012 = self.mul(rule, &m01, b2);
        [Num::one(), b0.clone(), b1.clone(), m01, b2.clone(), m02, m12, m012]
    }

    /// `items[index]` by a tree of selections; `items.len() = 2^bits.len()`, lowest bit first.
    pub fn mux(&mut self, rule: &'static str, bits: &[Num], items: &[Num]) -> Num {
        assert_eq!(items.len(), 1 << bits.len(), "a selection tree is full");
        let mut layer = items.to_vec();
        for bit in bits {
            layer = layer.chunks(2).map(|pair| self.select(rule, bit, &pair[1], &pair[0])).collect();
        }
        layer.swap_remove(0)
    }

    /// Enforces that bits (lowest first) read as an integer of at most the constant `max`, by runs of equal bits of `max`.
    ///
    /// From the top, `tight` says that all bits so far equal those of `max`. In a run of zeros no bit may be set while tight: one row for the
    /// run, as a sum of booleans is zero only if all are. In a run of ones tight survives only if all are set; a last run of ones
    /// forbids nothing.
    pub fn enforce_bits_at_most(&mut self, rule: &'static str, bits: &[Num], max: BigInt<4>) {
        let wanted = |i: usize| max.get_bit(i);
        let mut tight = Num::one();
        let mut high = bits.len();
        while high > 0 {
            let ones = wanted(high - 1);
            let low = (0..high).rev().find(|i| wanted(*i) != ones).map_or(0, |i| i + 1);
            let sum = Num::sum(&bits[low..high]);
            if !ones {
                self.enforce(rule, &sum, &tight, &Num::zero());
            } else if low > 0 {
                let missing = &Num::from((high - low) as u64) - &sum;
                let all = if high - low == 1 { missing.not() } else { self.is_zero(rule, &missing) };
                tight = self.mul(rule, &tight, &all);
            }
            high = low;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cs::Mode;

    /// Whether the rows that `gadget` writes hold.
    fn holds(gadget: impl FnOnce(&mut Cs)) -> bool {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        gadget(&mut cs);
        let (system, z) = cs.into_parts();
        system.is_satisfied(&z)
    }

    #[test]
    fn range_accepts_exactly_the_range() {
        for (x, ok) in [(0u64, true), (1, true), (254, true), (255, true), (256, false), (257, false), (1 << 40, false)] {
            assert_eq!(
                holds(|cs| {
                    let x = cs.witness(Fr::from(x));
                    cs.enforce_range("range", &x, 8)
                }),
                ok,
                "{x}"
            );
            assert_eq!(
                holds(|cs| {
                    let x = cs.witness(Fr::from(x));
                    cs.bits("bits", &x, 8);
                }),
                ok,
                "{x}"
            );
        }
        assert!(!holds(|cs| {
            let x = cs.witness(-Fr::one());
            cs.enforce_range("range", &x, 96)
        }));
    }

    #[test]
    fn bits_at_most_accepts_exactly_up_to_the_bound() {
        for max in 0..64u64 {
            for x in 0..64u64 {
                let ok = holds(|cs| {
                    let bits: Vec<Num> = (0..6).map(|i| cs.bit("bit", (x >> i) & 1 == 1)).collect();
                    cs.enforce_bits_at_most("at most", &bits, BigInt::from(max));
                });
                assert_eq!(ok, x <= max, "{x} <= {max}");
            }
        }
    }

    #[test]
    fn zero_test_selection_and_mux() {
        for x in 0..3u64 {
            let mut cs = Cs::new(Mode::Record, Fr::zero());
            let v = cs.witness(Fr::from(x));
            assert_eq!(cs.is_zero("zero", &v).value(), Fr::from(x == 0));
            assert_eq!(
                holds(|cs| {
                    let v = cs.witness(Fr::from(x));
                    cs.enforce_nonzero("nonzero", &v)
                }),
                x != 0
            );
        }
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let items: Vec<Num> = (10..18u64).map(|v| cs.witness(Fr::from(v))).collect();
        for i in 0..8u64 {
            let bits: Vec<Num> = (0..3).map(|b| cs.bit("bit", (i >> b) & 1 == 1)).collect();
            assert_eq!(cs.mux("mux", &bits, &items).value(), Fr::from(10 + i));
        }
        let (system, z) = cs.into_parts();
        assert_eq!(system.violations(&z, 1), []);
    }
}
