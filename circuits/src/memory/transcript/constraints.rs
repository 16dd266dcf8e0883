//! Absorption and challenge in the circuit: 609 rows for 15 elements, and 505 once.
//!
//! Several numbers stand in one absorbed element where each is shown to be below a power of two ([`Narrow`]) and all together have at most 253 bits: the element is then
//! below the field's order as an integer, and has one reading. A part one bit wider than it was shown to be would make two, and so leave a bit to be chosen
//! after the challenge.

use ark_bn254::Fr;

use super::{PACKED_BITS, RATE, Role, start, tag};
use crate::cs::{Cs, Num, poseidon};
use crate::memory::record::LONGEST;

const POWER: &str = "fingerprints use the powers of one base";

/// A number that rows show to be below a power of two.
#[derive(Clone, Debug)]
pub struct Narrow {
    num: Num,
    bits: usize,
}

impl Narrow {
    /// A new wire that the witness chooses, shown to be below `2^bits`.
    pub fn chosen(cs: &mut Cs, rule: &'static str, what: &'static str, value: Fr, bits: usize) -> Self {
        let num = cs.chosen(what, value);
        Self::range(cs, rule, num, bits)
    }

    /// Shows that a number is below `2^bits`; as many rows.
    pub fn range(cs: &mut Cs, rule: &'static str, num: Num, bits: usize) -> Self {
        cs.enforce_range(rule, &num, bits);
        Self { num, bits }
    }

    /// A new boolean wire that the witness chooses.
    pub fn bit(cs: &mut Cs, rule: &'static str, what: &'static str, value: bool) -> Self {
        Self { num: cs.chosen_bit(rule, what, value), bits: 1 }
    }

    /// The number that boolean wires of the caller make, lowest first.
    pub fn of_bits(bits: &[Num]) -> Self {
        Self::shown_elsewhere(Cs::pack(bits), bits.len())
    }

    /// A number of which other rows, the caller's, show that it is below `2^bits`.
    pub fn shown_elsewhere(num: Num, bits: usize) -> Self {
        Self { num, bits }
    }

    /// The number.
    pub fn num(&self) -> &Num {
        &self.num
    }

    /// How many bits it has.
    pub fn bits(&self) -> usize {
        self.bits
    }
}

/// What is absorbed, in order.
#[derive(Clone, Debug, Default)]
pub struct Absorbed {
    elements: Vec<Num>,
}

impl Absorbed {
    /// Adds an element.
    pub fn element(&mut self, element: &Num) {
        self.elements.push(element.clone());
    }

    /// Adds numbers as one element, the first one lowest.
    ///
    /// # Panics
    /// If they have more than 253 bits: which numbers stand together is fixed by the code.
    pub fn packed<'a>(&mut self, parts: impl IntoIterator<Item = &'a Narrow>) {
        let mut bits = 0;
        let mut terms = Vec::new();
        for part in parts {
            terms.push(part.num.shift(bits));
            bits += part.bits;
        }
        assert!(bits <= PACKED_BITS, "an element has room for 253 bits, these are {bits}");
        self.elements.push(Num::sum(&terms));
    }

    /// The same without one of them, by its place; all of them if there are fewer.
    #[must_use]
    pub fn without(&self, forgotten: Option<usize>) -> Self {
        let kept = self.elements.iter().enumerate().filter(|(i, _)| Some(*i) != forgotten);
        Self { elements: kept.map(|(_, element)| element.clone()).collect() }
    }

    /// The elements.
    pub fn elements(&self) -> &[Num] {
        &self.elements
    }
}

/// The hash of all elements.
pub fn absorb(cs: &mut Cs, role: Role, absorbed: &Absorbed) -> Num {
    let elements = &absorbed.elements;
    elements.chunks(RATE).fold(Num::constant(start(role, elements.len())), |h, block| {
        let mut inputs = vec![h];
        inputs.extend_from_slice(block);
        inputs.resize(RATE + 1, Num::zero());
        poseidon::hash(cs, &inputs)
    })
}

/// A challenge as wires.
#[derive(Clone, Debug)]
pub struct ChallengeVar {
    gamma: Num,
    /// Of alpha, from the first.
    powers: Vec<Num>,
}

impl ChallengeVar {
    /// That of a closed batch.
    pub fn closed(cs: &mut Cs, absorbed: &Num, public_input: &Num) -> Self {
        let rho = poseidon::hash(cs, &[Num::from(tag::RHO), absorbed.clone(), public_input.clone()]);
        let alpha = poseidon::hash(cs, &[Num::from(tag::ALPHA), rho.clone()]);
        Self::of(cs, &alpha, rho)
    }

    /// A challenge that the caller has.
    pub fn of(cs: &mut Cs, alpha: &Num, gamma: Num) -> Self {
        let mut powers = vec![alpha.clone()];
        for i in 1..LONGEST {
            let next = cs.mul(POWER, &powers[i - 1], alpha);
            powers.push(next);
        }
        Self { gamma, powers }
    }

    /// What fingerprints are subtracted from.
    pub fn gamma(&self) -> &Num {
        &self.gamma
    }

    /// `alpha^power * element` for a power from 1 to [`LONGEST`]; a row, none for a constant.
    pub fn times(&self, cs: &mut Cs, rule: &'static str, power: usize, element: &Num) -> Num {
        cs.mul(rule, element, &self.powers[power - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cs::Mode;
    use crate::memory::transcript::{self, Challenge};
    use ark_ff::Zero;

    #[test]
    fn absorption_and_challenge_are_the_native_ones() {
        for n in [0usize, 1, 15, 16, 31] {
            let values: Vec<Fr> = (0..n as u64).map(|i| Fr::from(i * i + 3)).collect();
            let mut cs = Cs::new(Mode::Record, Fr::from(99u64));
            let mut absorbed = Absorbed::default();
            for value in &values {
                let wire = cs.witness(*value);
                absorbed.element(&wire);
            }
            let h = absorb(&mut cs, Role::Closed, &absorbed);
            assert_eq!(h.value(), transcript::absorb(Role::Closed, &values));
            let public = cs.public();
            let challenge = ChallengeVar::closed(&mut cs, &h, &public);
            let native = Challenge::closed(h.value(), public.value());
            assert_eq!((challenge.gamma.value(), challenge.powers[0].value()), (native.gamma, native.alpha));
            let power = challenge.times(&mut cs, "power", LONGEST, &Num::one());
            assert_eq!(power.value(), (0..LONGEST).fold(Fr::from(1u64), |p, _| p * native.alpha));
            let (system, z) = cs.into_parts();
            assert_eq!(system.violations(&z, 1), []);
        }
    }

    #[test]
    fn a_block_costs_what_is_stated() {
        let rows = |elements: usize| {
            let mut cs = Cs::new(Mode::Record, Fr::zero());
            let mut absorbed = Absorbed::default();
            for _ in 0..elements {
                let wire = cs.witness(Fr::zero());
                absorbed.element(&wire);
            }
            absorb(&mut cs, Role::Closed, &absorbed);
            cs.rows()
        };
        assert_eq!(rows(45) - rows(30), 609);
    }

    #[test]
    fn packing_is_the_native_one() {
        let mut cs = Cs::new(Mode::Record, Fr::zero());
        let parts = [(5u64, 3), (1, 1), (400, 9)];
        let narrow: Vec<Narrow> =
            parts.iter().map(|(x, bits)| Narrow::chosen(&mut cs, "range", "part", Fr::from(*x), *bits)).collect();
        let mut absorbed = Absorbed::default();
        absorbed.packed(&narrow);
        let native: Vec<(Fr, usize)> = parts.iter().map(|(x, bits)| (Fr::from(*x), *bits)).collect();
        assert_eq!(absorbed.elements()[0].value(), transcript::pack(&native));
    }

    #[test]
    #[should_panic(expected = "room for 253 bits")]
    fn an_element_is_not_overfilled() {
        let part = Narrow::shown_elsewhere(Num::one(), 127);
        Absorbed::default().packed([&part, &part]);
    }
}
